//! Traffic to try an endpoint with: rows like those of training, and some that are wrong on purpose.

use leptos::prelude::*;
use monitor::Fault;
use wasm_bindgen_futures::spawn_local;

use super::sender::{Load, Sender, header_of};
use super::store::Monitor;
use super::time::length;
use crate::endpoints::{AskError, HostKind};
use crate::store::Tone;
use crate::views::icon::{icon, icon_button, small_icon};

const RATES: [f64; 5] = [5.0, 20.0, 50.0, 100.0, 200.0];
const SECONDS: [f64; 4] = [15.0, 60.0, 300.0, 900.0];
const SHIFTS: [f64; 4] = [0.0, 0.5, 1.0, 2.0];
/// Of predictions that turn out to be true; below 0, nothing is told of them.
const RIGHT: [f64; 4] = [-1.0, 0.95, 0.8, 0.6];
const SHARES: [f64; 5] = [0.0, 0.01, 0.05, 0.2, 1.0];

/// The panel, while it is open.
pub fn practice(monitor: Monitor, sender: Sender, is_open: RwSignal<bool>) -> AnyView {
    let rate = RwSignal::new(20.0);
    let seconds = RwSignal::new(60.0);
    let shift = RwSignal::new(0.0);
    let right = RwSignal::new(RIGHT[0]);
    let faults = RwSignal::new(Fault::ALL.map(|fault| (fault, 0.0)).to_vec());
    let start = move || {
        let Some(endpoint) = monitor.endpoint() else { return };
        let faults = faults.get_untracked().into_iter().filter(|(_, share)| *share > 0.0).collect();
        let load = Load {
            rate: rate.get_untracked(),
            seconds: seconds.get_untracked(),
            shift: shift.get_untracked(),
            faults,
            right: Some(right.get_untracked()).filter(|right| *right >= 0.0),
        };
        spawn_local(async move {
            match header_of(monitor, &endpoint).await {
                Ok(header) => sender.start(endpoint, &header, &load),
                Err(error) => monitor.studio.toast(Tone::Failed, "No requests were sent", in_words(&error)),
            }
        });
    };
    let progress = move || {
        let sent = sender.sent.get();
        let left = sender.until.get().map(|until| length(until.saturating_sub(monitor.now_ms.get())));
        let n = sent.n_good + sent.n_failed;
        (n > 0 || left.is_some()).then(|| {
            let left = left.map_or_else(String::new, |left| format!(" · {left} left"));
            let labels =
                if sent.n_labels == 0 { String::new() } else { format!(", {} labels", charts::grouped(sent.n_labels)) };
            format!("{} sent, {} failed{labels}{left}", charts::grouped(n), charts::grouped(sent.n_failed))
        })
    };
    let button = move || {
        if sender.until.get().is_some() {
            view! { <button type="button" class="button" id="practice-stop" on:click=move |_| sender.stop()>{small_icon("square")}"Stop"</button> }.into_any()
        } else {
            view! { <button type="button" class="button button--primary" id="practice-start" on:click=move |_| start()>{small_icon("play")}"Send"</button> }.into_any()
        }
    };
    let panel = move || {
        is_open.get().then(|| {
            view! {
                <section class="monitor__practice" aria-label="Send requests" data-region="monitor-practice">
                    <header>{icon("send")}<h2>"Send requests"</h2><small>"real ones, of rows like those of training"</small>{icon_button("x", "Close", move || is_open.set(false))}</header>
                    <div class="monitor__fields">
                        {choice("Requests a second", &RATES, move || rate.get(), move |value| rate.set(value), |rate| format!("{rate}"))}
                        {choice("For", &SECONDS, move || seconds.get(), move |value| seconds.set(value), |seconds| length((seconds * 1e3) as u64))}
                        {choice("Numbers lie higher by", &SHIFTS, move || shift.get(), move |value| shift.set(value), |sd| if sd == 0.0 { "nothing".into() } else { format!("{sd} std. deviations") })}
                        {choice("Labels, 2 s after", &RIGHT, move || right.get(), move |value| right.set(value), |right| if right < 0.0 { "none".into() } else { format!("right in {} %", right * 100.0) })}
                        {offered(monitor).map(|fault| fault_field(faults, fault)).collect_view()}
                    </div>
                    <div class="monitor__send">{button}<span role="status">{progress}</span></div>
                </section>
            }
        })
    };
    panel.into_any()
}

/// What can go wrong: only the host in this browser does wrong itself when it is asked to.
fn offered(monitor: Monitor) -> impl Iterator<Item = Fault> {
    let is_browser = monitor.host.with_untracked(|host| host.kind == HostKind::Browser);
    Fault::ALL.into_iter().filter(move |fault| is_browser || fault.asked_of_host().is_none())
}

/// The share of requests that have a fault.
fn fault_field(faults: RwSignal<Vec<(Fault, f64)>>, fault: Fault) -> AnyView {
    let now =
        move || faults.with(|faults| faults.iter().find(|(kind, _)| *kind == fault).map_or(0.0, |(_, share)| *share));
    let set = move |share: f64| {
        faults.update(|faults| {
            faults.iter_mut().filter(|(kind, _)| *kind == fault).for_each(|(_, kept)| *kept = share);
        });
    };
    let words = |share| if share == 0.0 { "none".to_owned() } else { format!("{} % of requests", share * 100.0) };
    choice(fault.label(), &SHARES, now, set, words)
}

/// A choice of a number.
fn choice(
    label: &'static str,
    offered: &'static [f64],
    now: impl Fn() -> f64 + Copy + Send + Sync + 'static,
    choose: impl Fn(f64) + 'static,
    words: fn(f64) -> String,
) -> AnyView {
    let options = offered.iter().map(|value| {
        view! { <option value=value.to_string() selected=move || now() == *value>{words(*value)}</option> }
    });
    view! {
        <label>
            <span>{label}</span>
            <select class="input" aria-label=label on:change=move |event| choose(event_target_value(&event).parse().unwrap_or(offered[0]))>{options.collect_view()}</select>
        </label>
    }
    .into_any()
}

/// Why a host did not tell.
pub fn in_words(error: &AskError) -> String {
    match error {
        AskError::Key => "The key may not ask for that; one with the scope admin may.".into(),
        AskError::NoHost => "This host does not have that; update it.".into(),
        AskError::Other(words) => words.clone(),
    }
}
