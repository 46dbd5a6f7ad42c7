//! The dialog of alert rules, and who is told when one fires.

use leptos::prelude::*;
use monitor::{AlertMetric, AlertRule, AlertState, Comparison, Filter, Severity};
use registry::Name;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::alerts::Alerts;
use super::rollback::rollback;
use super::store::{Data, Monitor};
use super::time::length;
use crate::dom;
use crate::moments::moment;
use crate::store::Tone;
use crate::views::dialog::dialog;
use crate::views::icon::{icon_button, small_icon};

pub const DIALOG: &str = "monitor-rules";

/// What can be watched: in words, and in which unit thresholds are given: so many of it are one of the metric's own.
const METRICS: [(AlertMetric, &str, &str, f64); 10] = [
    (AlertMetric::FailureRate, "Share of requests that fail", "%", 100.0),
    (AlertMetric::P95, "Response time, p95", "ms", 1_000.0),
    (AlertMetric::P99, "Response time, p99", "ms", 1_000.0),
    (AlertMetric::P50, "Response time, p50", "ms", 1_000.0),
    (AlertMetric::RequestRate, "Requests", "per second", 1.0),
    (AlertMetric::ExceptionRate, "Exceptions", "per second", 1.0),
    (AlertMetric::Availability, "Availability", "%", 100.0),
    (AlertMetric::InFlight, "Requests in flight", "at once", 1.0),
    (AlertMetric::DataDrift, "Drift of a column, last hour", "PSI", 1.0),
    (AlertMetric::PredictionDrift, "Drift of predictions, last hour", "PSI", 1.0),
];
const SEVERITIES: [(Severity, &str); 3] =
    [(Severity::Info, "info"), (Severity::Warning, "warning"), (Severity::Critical, "critical")];

/// The button that opens the dialog.
pub fn button(alerts: Alerts) -> AnyView {
    let n_firing = Memo::new(move |_| alerts.firing().len());
    let words = move || match n_firing.get() {
        0 => "Alerts".to_owned(),
        n => format!("{n} firing"),
    };
    view! {
        <button type="button" class="button button--small" class=("monitor__is-firing", move || n_firing.get() > 0) id="monitor-alerts" aria-haspopup="dialog" on:click=move |_| dom::show_dialog(DIALOG)>
            {small_icon("siren")}{words}
        </button>
    }
    .into_any()
}

/// The dialog.
pub fn rules(monitor: Monitor, alerts: Alerts) -> AnyView {
    let names = Memo::new(move |_| alerts.names());
    let lines = move || names.get().into_iter().map(|name| line(monitor, alerts, &name)).collect_view();
    let name = RwSignal::new(String::new());
    let problem = RwSignal::new(String::new());
    let add = move || {
        let rule = |name: &Name| AlertRule {
            name: name.to_string(),
            filter: Filter { endpoint: untrack(|| monitor.endpoint()), ..Filter::default() },
            metric: AlertMetric::FailureRate,
            column: None,
            comparison: Comparison::Above,
            threshold: 0.01,
            for_minutes: 2,
            severity: Severity::Critical,
        };
        match Name::new(name.get_untracked().trim()) {
            Ok(fresh) if names.with_untracked(|names| names.contains(&fresh)) => {
                problem.set("There is an alert of this name".into());
            }
            Ok(fresh) => {
                problem.set(String::new());
                name.set(String::new());
                alerts.set(&fresh, &rule(&fresh));
            }
            Err(error) => problem.set(error.to_string()),
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            add();
        }
    };
    let body = view! {
        <p>"A rule fires once its condition has held for as long as it says, minute by minute. Rules are part of the registry: the host watches them, also while this page is closed."</p>
        <div class="monitor__rules">{lines}</div>
        <div class="monitor__add-rule">
            <label>"Name of a new alert"<input type="text" class="input" id="monitor-new-alert" maxlength="60" placeholder="failures" prop:value=move || name.get()
                on:input=move |event| name.set(event_target_value(&event)) on:keydown=on_key /></label>
            <button type="button" class="button button--small" on:click=move |_| add()>{small_icon("plus")}"Add"</button>
            <p class="monitor__problem" role="status">{move || problem.get()}</p>
        </div>
        {notify()}
        {rollback(monitor)}
    }
    .into_any();
    Effect::new(move |before: Option<Told>| tell(monitor, alerts, before.unwrap_or_default()));
    dialog(DIALOG, "dialog monitor__rules-dialog", "Alerts and rollback", body, None)
}

/// What was told the last time.
#[derive(Default)]
struct Told {
    has_figures: bool,
    firing: Vec<Name>,
}

/// Tells of rules that began to fire since the last time.
fn tell(monitor: Monitor, alerts: Alerts, before: Told) -> Told {
    let firing = alerts.firing();
    let has_figures = monitor.data.with(|data| data.asked_ms > 0);
    // What fires already when the page opens is seen there.
    let known = if before.has_figures { before.firing } else { firing.clone() };
    let endpoint = untrack(|| monitor.endpoint()).map_or_else(String::new, |name| name.to_string());
    for name in firing.iter().filter(|name| !known.contains(name)) {
        let text = format!("{name}: the alert fires for {endpoint}");
        monitor.studio.toast(Tone::Warning, text.clone(), "");
        if Notification::permission() == NotificationPermission::Granted {
            let options = NotificationOptions::new();
            options.set_tag(name.as_str());
            // A browser that shows none has said so when it was asked.
            let _ = Notification::new_with_options(&text, &options);
        }
    }
    Told { has_figures, firing }
}

fn line(monitor: Monitor, alerts: Alerts, name: &Name) -> AnyView {
    let Some(first) = untrack(|| alerts.named(name)).map(|alert| alert.rule) else { return ().into_any() };
    let name = StoredValue::new(name.clone());
    let alert = move || name.with_value(|name| alerts.named(name));
    let rule = move || alert().map(|alert| alert.rule);
    let set = move |change: &dyn Fn(&mut AlertRule)| {
        if let Some(mut rule) = untrack(rule) {
            change(&mut rule);
            name.with_value(|name| alerts.set(name, &rule));
        }
    };
    let unit = move || rule().map_or(("", 1.0), |rule| of(rule.metric));
    let metrics = METRICS.map(|(metric, words, ..)| {
        view! { <option value=words selected=first.metric == metric>{words}</option> }
    });
    let severities = SEVERITIES.map(|(severity, words)| {
        view! { <option value=words selected=first.severity == severity>{words}</option> }
    });
    let choose_metric = move |event| {
        let words = event_target_value(&event);
        if let Some((metric, ..)) = METRICS.into_iter().find(|(_, known, ..)| *known == words) {
            set(&move |rule| watch(rule, metric));
        }
    };
    let choose_severity = move |event| {
        let words = event_target_value(&event);
        if let Some((severity, _)) = SEVERITIES.into_iter().find(|(_, known)| *known == words) {
            set(&move |rule| rule.severity = severity);
        }
    };
    let state = move || {
        let now = monitor.now_ms.get();
        alert().map(|alert| match alerts.standing(&alert) {
            AlertState::Inactive => ("monitor__quiet", "quiet".to_owned()),
            AlertState::Pending { since } => ("monitor__pending", format!("pending since {}", moment(since * 60_000))),
            AlertState::Firing { since } => {
                ("monitor__firing", format!("firing {}", length(now.saturating_sub(since * 60_000))))
            }
            AlertState::Resolved { until, .. } => ("monitor__quiet", format!("resolved {}", moment(until * 60_000))),
        })
    };
    let set_threshold = move |event| {
        if let Ok(value) = event_target_value(&event).parse::<f64>() {
            let factor = untrack(unit).1;
            set(&move |rule| rule.threshold = value / factor);
        }
    };
    let set_minutes = move |event| {
        if let Ok(minutes) = event_target_value(&event).parse::<u64>() {
            set(&move |rule| rule.for_minutes = minutes);
        }
    };
    let set_comparison = move |event| {
        let comparison = if event_target_value(&event) == "below" { Comparison::Below } else { Comparison::Above };
        set(&move |rule| rule.comparison = comparison);
    };
    // Drift is bad above a threshold, so that it is said there which column is meant instead.
    let metric = Memo::new(move |_| rule().map(|rule| rule.metric));
    let set_column = move |event| {
        let column = Some(event_target_value(&event)).filter(|column| !column.is_empty());
        set(&move |rule| rule.column.clone_from(&column));
    };
    let side = move || match metric.get() {
        Some(AlertMetric::DataDrift) => {
            let now = untrack(rule).and_then(|rule| rule.column);
            let columns = monitor.data.with_untracked(|data| columns_of(data, untrack(|| monitor.endpoint())));
            let options = columns.into_iter().map(|name| {
                let is_chosen = now.as_ref() == Some(&name);
                view! { <option value=name.clone() selected=is_chosen>{name.clone()}</option> }
            });
            view! { <label>"of"<select class="input" on:change=set_column><option value="">"any"</option>{options.collect_view()}</select></label> }.into_any()
        }
        Some(AlertMetric::PredictionDrift) => view! { <span class="monitor__side">"is above"</span> }.into_any(),
        Some(_) | None => {
            let now = untrack(rule).map_or(Comparison::Above, |rule| rule.comparison);
            view! { <label>"is"<select class="input" on:change=set_comparison><option value="above" selected=now == Comparison::Above>"above"</option><option value="below" selected=now == Comparison::Below>"below"</option></select></label> }.into_any()
        }
    };
    let remove = move || name.with_value(|name| alerts.remove(name));
    view! {
        <fieldset class="monitor__rule">
            <legend class="sr-only">{name.get_value().to_string()}</legend>
            <b class="truncate">{name.get_value().to_string()}</b>
            <label>"Fires when"<select class="input" on:change=choose_metric>{metrics.collect_view()}</select></label>
            {side}
            <label>{move || format!("threshold, {}", unit().0)}<input type="number" class="input" min="0" step="any" prop:value=move || rule().map(|rule| (rule.threshold * unit().1 * 1e6).round() / 1e6)
                on:change=set_threshold /></label>
            <label>"for minutes"<input type="number" class="input" min="1" max="1440" step="1" prop:value=first.for_minutes
                on:change=set_minutes /></label>
            <label>"Severity"<select class="input" on:change=choose_severity>{severities.collect_view()}</select></label>
            <span role="status">{move || state().map(|(class, words)| view! { <span class=class>{words}</span> })}</span>
            {icon_button("trash-2", "Remove the rule", remove)}
        </fieldset>
    }
    .into_any()
}

/// Lets a rule look at something else, with what goes together with it.
fn watch(rule: &mut AlertRule, metric: AlertMetric) {
    if metric.is_drift() != rule.metric.is_drift() {
        rule.comparison = Comparison::Above;
        rule.threshold = if metric.is_drift() { 0.25 } else { 0.01 };
    }
    rule.column = None;
    rule.metric = metric;
}

/// The columns that an endpoint's model takes.
fn columns_of(data: &Data, endpoint: Option<Name>) -> Vec<String> {
    let header = endpoint.and_then(|endpoint| data.main_header(&endpoint));
    let fields = header.into_iter().flat_map(|header| &header.signature.inputs);
    fields.map(|field| field.name.clone()).collect()
}

fn of(metric: AlertMetric) -> (&'static str, f64) {
    METRICS.into_iter().find(|(known, ..)| *known == metric).map_or(("", 1.0), |(_, _, unit, factor)| (unit, factor))
}

/// Whether the browser may show a message of its own.
fn notify() -> AnyView {
    let permission = RwSignal::new(permission_word());
    let ask = move |_| {
        spawn_local(async move {
            if let Ok(asking) = Notification::request_permission() {
                // What was answered is read below.
                let _ = JsFuture::from(asking).await;
            }
            permission.set(permission_word());
        });
    };
    let content = move || {
        match permission.get() {
        "granted" => view! { <p class="monitor__recipe">"The browser tells you when a rule begins to fire, also while another tab is in front."</p> }.into_any(),
        "denied" => view! { <p class="monitor__recipe">"The browser does not allow this page to notify you: change that beside its address."</p> }.into_any(),
        _ => view! { <button type="button" class="button button--small" on:click=ask>{small_icon("info")}"Notify me through the browser"</button> }.into_any(),
    }
    };
    view! { <div class="monitor__notify">{content}</div> }.into_any()
}

fn permission_word() -> &'static str {
    match Notification::permission() {
        NotificationPermission::Granted => "granted",
        NotificationPermission::Denied => "denied",
        _ => "default",
    }
}
