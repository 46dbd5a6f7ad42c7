//! Endpoints, the versions behind the one that is looked at, and what happened to it.

use std::collections::BTreeMap;

use leptos::prelude::*;
use registry::{Change, Endpoint, Name};

use super::charts::{color, numbered};
use super::rollback;
use super::rules::DIALOG;
use super::store::{Data, Figures, Monitor};
use crate::dom;
use crate::endpoints::HostKind;
use crate::moments::moment;
use crate::views::icon::{icon, small_icon};

/// The shares that a new version gets one after another.
const SHARES: [u8; 5] = [5, 10, 25, 50, 100];
/// Things that happened to an endpoint and are listed, the newest.
const N_STEPS: usize = 12;

/// The rail at the left.
pub fn rail(monitor: Monitor, figures: Memo<Option<Figures>>) -> AnyView {
    let names =
        Memo::new(move |_| monitor.data.with(|data| data.registry.endpoints.keys().cloned().collect::<Vec<Name>>()));
    let endpoints = move || names.get().into_iter().map(|name| endpoint(monitor, name)).collect_view();
    view! {
        <aside class="hosted__rail" aria-label="Endpoints" data-region="monitor-endpoints">
            {hosts(monitor)}
            <h2>"Endpoints"<em>{move || names.with(Vec::len)}</em></h2>
            <ul class="monitor__endpoints">{endpoints}</ul>
            {move || monitor.entry().map(|(name, entry)| versions(monitor, &name, &entry))}
            {move || steps(monitor, figures)}
            {move || about_host(monitor)}
        </aside>
    }
    .into_any()
}

/// Which host is asked, where there are several.
fn hosts(monitor: Monitor) -> Option<AnyView> {
    let hosts = monitor.hosts.get_value();
    if hosts.len() < 2 {
        return None;
    }
    let buttons = hosts.into_iter().map(|host| {
        let label = match host.kind {
            HostKind::Browser => "This browser",
            HostKind::Server => "This server",
        };
        let kind = host.kind;
        let is_chosen = move || monitor.host.with(|host| host.kind == kind);
        view! {
            <button type="button" aria-pressed=move || is_chosen().to_string() on:click=move |_| monitor.choose_host(host.clone())>{label}</button>
        }
    });
    Some(
        view! { <div class="segments" role="group" aria-label="Whose endpoints">{buttons.collect_view()}</div> }
            .into_any(),
    )
}

fn endpoint(monitor: Monitor, name: Name) -> AnyView {
    let (chosen, said) = (name.clone(), name.clone());
    let is_chosen = Memo::new(move |_| monitor.endpoint().as_ref() == Some(&chosen));
    let state = Memo::new(move |_| monitor.data.with(|data| state(data, &said, monitor.now_ms.get())));
    let goal = name.clone();
    view! {
        <li>
            <button type="button" class="hosted__item" aria-current=move || is_chosen.get().then_some("true")
                on:click=move |_| { monitor.cursor.set(None); monitor.chosen.set(Some(goal.clone())) }>
                <span class=move || if state.get().is_serving { "monitor__state monitor__state--serving" } else { "monitor__state" }>
                    {move || icon(state.get().icon)}
                </span>
                <span><b class="truncate">{name.to_string()}</b><small>{move || state.get().words}</small></span>
            </button>
        </li>
    }
    .into_any()
}

/// How an endpoint stands.
#[derive(Clone, Debug, PartialEq)]
struct State {
    icon: &'static str,
    is_serving: bool,
    words: String,
}

fn state(data: &Data, name: &Name, now_ms: u64) -> State {
    let entry = data.registry.endpoints.get(name);
    let is_stopped = entry.is_some_and(|entry| entry.is_stopped);
    let has_traffic = entry.is_some_and(|entry| entry.traffic.values().any(|percent| *percent > 0));
    let of = |served: &monitor::Served| served.endpoint.as_ref() == Some(name) && !served.is_mirror;
    let ours = || data.minutes.iter().filter(|(key, _)| of(&key.served));
    let last_called = ours().filter(|(_, counts)| counts.n_requests() > 0).map(|(key, _)| key.minute).max();
    let last_counted = data.minutes.keys().map(|key| key.minute).max().unwrap_or_default();
    let this_minute = now_ms / 60_000;
    let at_rest = |words: String| State { icon: "circle-pause", is_serving: false, words };
    if is_stopped {
        return at_rest("stopped".into());
    }
    if !has_traffic {
        return at_rest("no version has traffic".into());
    }
    let Some(last_called) = last_called else { return at_rest("never called".into()) };
    if last_counted + 2 < this_minute {
        return at_rest(format!("asleep since {}", moment(last_counted * 60_000)));
    }
    // This minute and the one before.
    let n: u64 = ours().filter(|(key, _)| key.minute + 1 >= this_minute).map(|(_, counts)| counts.n_requests()).sum();
    let words = if n == 0 {
        format!("last called {}", moment(last_called * 60_000))
    } else {
        let seconds = 60.0 + (data.asked_ms % 60_000) as f64 / 1e3;
        let rate = n as f64 / seconds;
        if rate < 1.0 { "serving · under 1 per second".to_owned() } else { format!("serving · {rate:.0} per second") }
    };
    State { icon: "circle-play", is_serving: true, words }
}

fn versions(monitor: Monitor, name: &Name, entry: &Endpoint) -> AnyView {
    let mut deployments: Vec<(&Name, u32, u8, u64)> = entry
        .deployments
        .iter()
        .map(|(deployment, it)| {
            let percent = entry.traffic.get(deployment).copied().unwrap_or_default();
            (deployment, it.version, percent, it.since)
        })
        .collect();
    schema::ordered::sort_by(&mut deployments, |a, b| a.1.cmp(&b.1).then(a.0.cmp(b.0)));
    let bar = deployments.iter().filter(|(.., percent, _)| *percent > 0).map(|(_, version, percent, _)| {
        view! { <i class=color(*version) style:flex-grow=percent.to_string()></i> }
    });
    let mirror = entry.mirror.as_ref();
    let rows = deployments.iter().map(|(deployment, version, percent, since)| {
        let copies = mirror.filter(|share| share.deployment == **deployment);
        let share = match copies {
            Some(copies) => format!("copies {} %", copies.percent),
            None => format!("{percent} %"),
        };
        view! {
            <li>
                <span class=format!("monitor__version {}", color(*version))>{format!("v{version}")}</span>
                <b>{share}</b>
                <small>{deployment.to_string()}<br/>{format!("since {}", moment(*since))}</small>
            </li>
        }
    });
    let actions = actions(monitor, name, entry, &deployments);
    view! {
        <h2>"Versions of "{name.to_string()}</h2>
        <div class="monitor__split" aria-hidden="true">{bar.collect_view()}</div>
        <ul class="monitor__versions" aria-label="Shares of requests">{rows.collect_view()}</ul>
        {actions}
        {by_itself(entry)}
    }
    .into_any()
}

/// The rule by which traffic goes back, which leads to where it is changed.
fn by_itself(entry: &Endpoint) -> Option<AnyView> {
    let words = rollback::in_words(&rollback::rule_of(entry)?);
    let open = move |_| {
        dom::show_dialog(DIALOG);
        dom::focus_later("#rollback-on");
    };
    Some(view! { <button type="button" class="monitor__by-itself" id="monitor-rollback" aria-haspopup="dialog" on:click=open>{small_icon("undo-2")}<span>{words}</span></button> }.into_any())
}

fn actions(monitor: Monitor, name: &Name, entry: &Endpoint, deployments: &[(&Name, u32, u8, u64)]) -> Option<AnyView> {
    // The newest, unless it only sees copies.
    let is_mirror = |deployment: &Name| entry.mirror.as_ref().is_some_and(|share| share.deployment == *deployment);
    let live: Vec<_> = deployments.iter().filter(|(deployment, ..)| !is_mirror(deployment)).collect();
    let (newest, version, percent, _) = live.last()?;
    let before = live[..live.len() - 1].iter().rev().max_by_key(|(.., percent, _)| *percent);
    let set = move |traffic: BTreeMap<Name, u8>, reason: &str, endpoint: Name, done: String| {
        monitor.change(vec![Change::TrafficSet { endpoint, traffic, reason: reason.to_owned() }], done);
    };
    let back = before.filter(|_| *percent > 0).map(|(old, old_version, ..)| {
        let (endpoint, old, new, old_version) = (name.clone(), (*old).clone(), (*newest).clone(), *old_version);
        let on_click = move |_| {
            let traffic = [(old.clone(), 100), (new.clone(), 0)].into();
            set(traffic, "", endpoint.clone(), format!("All requests go to v{old_version}"));
        };
        view! { <button type="button" class="button button--small" id="monitor-back" on:click=on_click>{small_icon("rotate-ccw")}{format!("Back to v{old_version}")}</button> }
    });
    let next = before.and_then(|_| SHARES.into_iter().find(|share| share > percent)).map(|share| {
        let (endpoint, entry, new, version) = (name.clone(), entry.clone(), (*newest).clone(), *version);
        let on_click = move |_| {
            let traffic = entry.with_share(&new, share);
            set(traffic, "", endpoint.clone(), format!("v{version} gets {share} % of requests"));
        };
        let words = format!("v{version} to {share} %");
        view! { <button type="button" class="button button--small" id="monitor-forward" on:click=on_click>{words}</button> }
    });
    (back.is_some() || next.is_some()).then(|| view! { <div class="monitor__moves">{back}{next}</div> }.into_any())
}

fn steps(monitor: Monitor, figures: Memo<Option<Figures>>) -> Option<AnyView> {
    let steps = monitor.steps();
    if steps.is_empty() {
        return None;
    }
    let window = figures.with(|figures| figures.as_ref().map(|figures| figures.window))?;
    let numbers: BTreeMap<u64, usize> = numbered(&steps, window).map(|(number, step)| (step.at_ms, number)).collect();
    let rows = steps.iter().rev().take(N_STEPS).map(|step| {
        let number = numbers.get(&step.at_ms).copied();
        let class = if number.is_some() { "" } else { "monitor__old" };
        let note = format!("{} · by {}", moment(step.at_ms), step.who);
        let reason = (!step.reason.is_empty()).then(|| view! { <small>{step.reason.clone()}</small> });
        view! { <li class=class><em>{number}</em><div><b>{step.what.clone()}</b><small>{note}</small>{reason}</div></li> }
    });
    Some(
        view! {
            <h2>"Deployments"</h2>
            <ol class="monitor__steps" reversed=true>{rows.collect_view()}</ol>
        }
        .into_any(),
    )
}

fn about_host(monitor: Monitor) -> AnyView {
    let (name, words) = monitor.host.with(|host| match host.kind {
        HostKind::Browser => (
            "This browser only.",
            "The endpoint lives in this browser’s service worker: no other computer can call it, and it rests when the browser closes.",
        ),
        HostKind::Server => (
            "This server.",
            "The page came from it, and asks nobody else. Whoever reaches its address can call its endpoints.",
        ),
    });
    view! { <div class="hosted__about">{icon("laptop")}<p><b>{name}</b>" "{words}</p></div> }.into_any()
}
