//! A lesson that checks itself: the new model breaks the schema; find the exception; roll back.
//!
//! Everything in it is real: a version is registered whose signature asks for one more column, a tenth of requests goes
//! to it, and the steps are told apart by what the host counted and by who has traffic.

use leptos::prelude::*;
use monitor::{Exception, ExceptionEvent};
use registry::{Cell, Change, Field, Name, Package};
use schema::Kind;
use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;

use super::practice::in_words;
use super::sender::{Load, Sender, header_of};
use super::store::Monitor;
use super::time::length;
use crate::dom;
use crate::endpoints::AskError;
use crate::idle::Busy;
use crate::store::Tone;
use crate::views::icon::{icon, icon_button, small_icon};

/// The column that the new version asks for and nobody sends.
const COLUMN: &str = "loyalty_tier";
/// The deployment that serves it.
const DEPLOYMENT: &str = "exercise";
const PERCENT: u8 = 10;
/// Requests that must have been answered before the new version comes, and after it went.
const N_ENOUGH: u64 = 60;
const LOAD: Load = Load { rate: 20.0, seconds: 900.0, shift: 0.0, faults: Vec::new(), right: None };

/// What the learner has done.
#[derive(Clone, Debug, Default, PartialEq)]
struct Progress {
    /// Milliseconds since 1970.
    begun_ms: u64,
    /// The version that breaks the schema, and when it got requests.
    broken: Option<(u32, u64)>,
    /// The exception was found.
    is_found: bool,
    /// Requests sent and failed when the traffic went back.
    back: Option<(u64, u64)>,
    /// When all was well again.
    done_ms: Option<u64>,
}

/// The panel, while it is open.
pub fn exercise(monitor: Monitor, sender: Sender, is_open: RwSignal<bool>) -> AnyView {
    let progress = RwSignal::new(Progress::default());
    let is_busy = RwSignal::new(false);
    Effect::new(move |_| notice(monitor, sender, progress));
    let n_sent = move || {
        let sent = sender.sent.get();
        sent.n_good + sent.n_failed
    };
    let is_sending = Memo::new(move |_| sender.until.get().is_some());
    let has_traffic =
        Memo::new(move |_| progress.with(|now| now.begun_ms > 0 && (now.broken.is_some() || n_sent() >= N_ENOUGH)));
    let failing = Memo::new(move |_| {
        let broken = progress.with(|now| now.broken);
        broken.is_some_and(|(version, since)| !failed_with(monitor, version, since).is_empty())
    });
    // Drawn anew only when a step is done: what is being typed stays.
    let steps = move || {
        let now = progress.get();
        let (is_sending, has_traffic, failing) = (is_sending.get(), has_traffic.get(), failing.get());
        let first = step(1, has_traffic, now.begun_ms == 0 || !has_traffic, "Let requests come in", view! {
            <p>"A model in use gets requests all the time. Let 20 a second come in, of rows like those it was trained on."</p>
            {if is_sending && now.begun_ms > 0 {
                view! { <p role="status">{move || format!("{} of {N_ENOUGH} answered", n_sent().min(N_ENOUGH))}</p> }.into_any()
            } else {
                let on_click = move |_| begin(monitor, sender, progress);
                view! { <button type="button" class="button button--primary button--small" id="exercise-begin" on:click=on_click>{small_icon("play")}"Let them come"</button> }.into_any()
            }}
        }.into_any());
        let second = step(2, now.broken.is_some(), has_traffic && now.broken.is_none(), "Deploy the new version", view! {
            <p>{format!("A colleague has trained the next version on a newer table. Give it {PERCENT} % of requests, as one does with a version that nobody has seen at work.")}</p>
            <button type="button" class="button button--primary button--small" id="exercise-deploy" disabled=move || is_busy.get()
                on:click=move |_| deploy(monitor, progress, is_busy)>{small_icon("upload")}{format!("Deploy it at {PERCENT} %")}</button>
        }.into_any());
        let third = step(3, now.is_found, failing && !now.is_found, "Find the exception", view! {
            <p>"Something fails. Look at Failures, Exceptions by type and Live failures: what does the new version say, and of which column?"</p>
            {answer(monitor, progress)}
        }.into_any());
        let fourth = step(4, now.back.is_some(), now.is_found && now.back.is_none(), "Roll back", view! {
            <p>"Callers must not pay for it. Give all requests back to the version before, with the button below Versions; then find out why in peace."</p>
        }.into_any());
        let fifth = step(
            5,
            now.done_ms.is_some(),
            now.back.is_some() && now.done_ms.is_none(),
            "See that it helped",
            view! {
                <p>{format!("The next {N_ENOUGH} requests must all be answered.")}</p>
            }
            .into_any(),
        );
        let done = now.done_ms.map(|done| {
            let took = length(done.saturating_sub(now.begun_ms));
            view! {
                <div class="monitor__done" role="status">
                    {icon("circle-check")}
                    <p><b>{format!("Done in {took}.")}</b>" The version asked for a column that no caller sends: its table had one more. With a new column, callers change first and the model after them, or the signature lets it be missing."</p>
                    <button type="button" class="button button--small" on:click=move |_| tidy(monitor, sender, progress)>"Tidy up"</button>
                </div>
            }
        });
        view! { <ol>{first}{second}{third}{fourth}{fifth}</ol>{done} }
    };
    let panel = move || {
        is_open.get().then(|| {
            view! {
                <section class="monitor__practice monitor__exercise" aria-label="Exercise" data-region="monitor-exercise">
                    <header>{icon("graduation-cap")}<h2>"The new model breaks the schema: find the exception, roll back"</h2><small>"five minutes, checked as you go"</small>{icon_button("x", "Close", move || is_open.set(false))}</header>
                    {steps}
                </section>
            }
        })
    };
    panel.into_any()
}

fn step(number: u8, is_done: bool, is_now: bool, title: &'static str, body: AnyView) -> AnyView {
    let class = match (is_done, is_now) {
        (true, _) => "monitor__task monitor__task--done",
        (false, true) => "monitor__task monitor__task--now",
        (false, false) => "monitor__task",
    };
    let mark = if is_done {
        view! { {small_icon("check")}<span class="sr-only">"done: "</span> }.into_any()
    } else {
        number.to_string().into_any()
    };
    view! {
        <li class=class aria-current=is_now.then_some("step")>
            <em>{mark}</em>
            <div><b>{title}</b>{is_now.then_some(body)}</div>
        </li>
    }
    .into_any()
}

/// What failed with a version since a moment, mere warnings left out.
fn failed_with(monitor: Monitor, version: u32, since_ms: u64) -> Vec<ExceptionEvent> {
    let endpoint = monitor.endpoint();
    monitor.data.with(|data| {
        let ours = data.exceptions.iter().filter(|event| {
            event.served.endpoint == endpoint
                && event.served.version == version
                && event.at_ms >= since_ms
                && !event.exception.is_warning()
        });
        ours.cloned().collect()
    })
}

/// Looks at what the host tells: whether traffic went back, and whether it helped.
fn notice(monitor: Monitor, sender: Sender, progress: RwSignal<Progress>) {
    let sent = sender.sent.get();
    let entry = monitor.entry();
    let now = progress.get_untracked();
    let n_sent = sent.n_good + sent.n_failed;
    match (now.is_found, now.back) {
        (true, None) => {
            let is_back = entry.is_some_and(|(_, entry)| {
                let ours = |name: &Name| name.as_str() == DEPLOYMENT;
                entry.traffic.iter().all(|(name, percent)| !ours(name) || *percent == 0)
                    && entry.traffic.values().any(|percent| *percent > 0)
            });
            if is_back {
                progress.update(|progress| progress.back = Some((n_sent, sent.n_failed)));
            }
        }
        (true, Some((n_before, n_failed))) if now.done_ms.is_none() => {
            // Those under way when the traffic went back may still fail.
            if sent.n_failed > n_failed {
                progress.update(|progress| progress.back = Some((n_sent, sent.n_failed)));
            } else if n_sent >= n_before + N_ENOUGH {
                progress.update(|progress| progress.done_ms = Some(dom::date_ms() as u64));
                sender.stop();
            }
        }
        (false, _) | (true, Some(_)) => {}
    }
}

fn begin(monitor: Monitor, sender: Sender, progress: RwSignal<Progress>) {
    let Some(endpoint) = monitor.endpoint() else { return };
    spawn_local(async move {
        match header_of(monitor, &endpoint).await {
            Ok(header) => {
                sender.start(endpoint, &header, &LOAD);
                progress.set(Progress { begun_ms: dom::date_ms() as u64, ..Progress::default() });
            }
            Err(error) => monitor.studio.toast(Tone::Failed, "No requests were sent", in_words(&error)),
        }
    });
}

#[derive(Deserialize)]
struct Registered {
    model: Name,
    version: u32,
}

fn deploy(monitor: Monitor, progress: RwSignal<Progress>, is_busy: RwSignal<bool>) {
    let Some((endpoint, entry)) = monitor.entry() else { return };
    is_busy.set(true);
    let busy = Busy::begin();
    spawn_local(async move {
        match register(monitor, &endpoint).await {
            Ok((registered, deployment)) => {
                let mut with = entry.clone();
                let it =
                    registry::Deployment { model: registered.model.clone(), version: registered.version, since: 0 };
                with.deployments.insert(deployment.clone(), it);
                let traffic = with.with_share(&deployment, PERCENT);
                let version = registered.version;
                let deployed =
                    Change::Deployed { endpoint: endpoint.clone(), deployment, model: registered.model, version };
                let shared = Change::TrafficSet { endpoint, traffic, reason: String::new() };
                progress.update(|progress| progress.broken = Some((version, dom::date_ms() as u64)));
                monitor.change(vec![deployed, shared], format!("v{version} gets {PERCENT} % of requests"));
            }
            Err(error) => monitor.studio.toast(Tone::Failed, "The new version was not deployed", in_words(&error)),
        }
        is_busy.set(false);
        drop(busy);
    });
}

/// Registers the version that is served most, asking for one more column.
async fn register(monitor: Monitor, endpoint: &Name) -> Result<(Registered, Name), AskError> {
    let found = monitor.data.with_untracked(|data| {
        let entry = data.registry.endpoints.get(endpoint)?;
        let (deployment, _) = entry.traffic.iter().max_by_key(|(_, percent)| **percent)?;
        let it = entry.deployments.get(deployment)?;
        let package = &data.registry.models.get(&it.model)?.versions.get(it.version as usize - 1)?.package;
        Some((it.model.clone(), package.clone()))
    });
    let (model, hash) = found.ok_or_else(|| AskError::Other("no version has traffic".into()))?;
    let (host, key) = (monitor.host.get_untracked(), monitor.key.get_untracked());
    let bytes = host.bytes(&format!("v2/registry/packages/{hash}"), &key).await?;
    let mut package = Package::from_bytes(&bytes).map_err(|error| AskError::Other(error.to_string()))?;
    let mut column = COLUMN.to_owned();
    while package.header.signature.field(&column).is_some() {
        column.push_str("_2");
    }
    package.header.signature.inputs.push(Field {
        name: column,
        kind: Kind::Category,
        nullable: false,
        categories: vec!["gold".into(), "silver".into()],
        range: None,
        example: Cell::Text("gold".into()),
    });
    package.header.card.pipeline += " (exercise)";
    let registered = host.post_bytes(&format!("v2/registry/models/{model}"), &key, &package.to_bytes()).await?;
    let deployment = Name::new(DEPLOYMENT).map_err(|error| AskError::Other(error.to_string()))?;
    Ok((registered, deployment))
}

/// The question that shows that the exception was found.
fn answer(monitor: Monitor, progress: RwSignal<Progress>) -> AnyView {
    let (kind, column) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let problem = RwSignal::new("");
    let kinds = Exception::ALL.iter().filter(|exception| !exception.is_warning()).map(|exception| {
        view! { <option value=exception.code()>{exception.code()}</option> }
    });
    let check = move |_| {
        let (kind, column) = (kind.get_untracked(), column.get_untracked());
        let Some((version, since)) = progress.with_untracked(|progress| progress.broken) else { return };
        let failed = untrack(|| failed_with(monitor, version, since));
        let is_kind = |event: &&ExceptionEvent| event.exception.code() == kind;
        if !failed.iter().any(|event| is_kind(&event)) {
            problem.set("Not that one: look at what is marked as new with the version");
        } else if !failed.iter().filter(is_kind).any(|event| event.column.as_deref() == Some(column.trim())) {
            problem.set("The type is right; the column is another: Live failures shows it first in each line");
        } else {
            problem.set("");
            progress.update(|progress| progress.is_found = true);
        }
    };
    view! {
        <div class="monitor__answer">
            <label><span>"Exception"</span><select class="input" id="exercise-kind" aria-label="Exception" on:change=move |event| kind.set(event_target_value(&event))><option value="">"choose"</option>{kinds.collect_view()}</select></label>
            <label><span>"Column"</span><input type="text" class="input" id="exercise-column" aria-label="Column" autocomplete="off" on:input=move |event| column.set(event_target_value(&event)) /></label>
            <button type="button" class="button button--primary button--small" on:click=check>"Check"</button>
            <p class="monitor__problem" role="status">{move || problem.get()}</p>
        </div>
    }
    .into_any()
}

/// Takes the deployment of the exercise away and archives its version.
fn tidy(monitor: Monitor, sender: Sender, progress: RwSignal<Progress>) {
    sender.stop();
    let deployment = Name::new(DEPLOYMENT).ok();
    let found = monitor.entry().zip(deployment).and_then(|((endpoint, entry), deployment)| {
        let it = entry.deployments.get(&deployment)?.clone();
        Some((endpoint, deployment, it))
    });
    if let Some((endpoint, deployment, it)) = found {
        let undeployed = Change::Undeployed { endpoint, deployment };
        let archived = Change::Archived { model: it.model, version: it.version };
        monitor.change(vec![undeployed, archived], "The deployment of the exercise is gone".into());
    }
    progress.set(Progress::default());
}
