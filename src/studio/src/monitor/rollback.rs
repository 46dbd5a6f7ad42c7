//! The rule by which traffic goes back by itself from a new deployment that is worse than the old one.

use leptos::prelude::*;
use monitor::RollbackRule;
use registry::{Change, Endpoint};
use serde_json::json;

use super::store::Monitor;

/// The rule of an endpoint, if it has one that can be read.
pub fn rule_of(entry: &Endpoint) -> Option<RollbackRule> {
    serde_json::from_value(entry.rollback.clone()?).ok()
}

/// When traffic goes back, in words.
pub fn in_words(rule: &RollbackRule) -> String {
    let RollbackRule { max_more_failures, max_times_p95, n_windows, .. } = rule;
    let minutes = if *n_windows == 1 { "a minute".to_owned() } else { format!("{n_windows} minutes") };
    let percent = rounded(max_more_failures * 100.0);
    format!("Goes back by itself if {percent} % more fail, or p95 is {max_times_p95} times as long, for {minutes}")
}

/// The part of the dialog that sets and removes it.
pub fn rollback(monitor: Monitor) -> AnyView {
    let rule = Memo::new(move |_| rule_of(&monitor.entry()?.1));
    let is_set = Memo::new(move |_| rule.with(Option::is_some));
    let name = move || monitor.endpoint().map_or_else(String::new, |name| name.to_string());
    let send = move |rule: Option<RollbackRule>| {
        let Some(endpoint) = untrack(|| monitor.endpoint()) else { return };
        let done = match &rule {
            Some(_) => format!("Traffic of {endpoint} goes back by itself"),
            None => format!("Traffic of {endpoint} is moved by hand alone"),
        };
        let rule = rule.map(|rule| json!(rule));
        monitor.change(vec![Change::RollbackSet { endpoint, rule }], done);
    };
    let set = move |change: &dyn Fn(&mut RollbackRule)| {
        if let Some(mut rule) = rule.get_untracked() {
            change(&mut rule);
            send(Some(rule));
        }
    };
    let switch = move |event| send(event_target_checked(&event).then(RollbackRule::default));
    let number =
        move |event: &web_sys::Event| event_target_value(event).parse::<f64>().ok().filter(|value| *value >= 0.0);
    let shown = move |value: fn(&RollbackRule) -> f64| move || rule.with(|rule| rule.as_ref().map(value));
    let fields = move || {
        is_set.get().then(|| {
            view! {
                <div class="monitor__back-rule">
                    <label>"More requests fail, %"<input type="number" class="input" id="rollback-failures" min="0" max="100" step="any" prop:value=shown(|rule| rounded(rule.max_more_failures * 100.0))
                        on:change=move |event| if let Some(value) = number(&event) { set(&|rule| rule.max_more_failures = value / 100.0) } /></label>
                    <label>"or p95 is longer, times"<input type="number" class="input" min="1" step="any" prop:value=shown(|rule| rule.max_times_p95)
                        on:change=move |event| if let Some(value) = number(&event) { set(&|rule| rule.max_times_p95 = value.max(1.0)) } /></label>
                    <label>"for minutes"<input type="number" class="input" min="1" max="60" step="1" prop:value=shown(|rule| rule.n_windows as f64)
                        on:change=move |event| if let Some(value) = number(&event) { set(&|rule| rule.n_windows = value.clamp(1.0, 60.0) as usize) } /></label>
                    <label>"of at least, requests a minute"<input type="number" class="input" min="1" step="1" prop:value=shown(|rule| rule.min_requests as f64)
                        on:change=move |event| if let Some(value) = number(&event) { set(&|rule| rule.min_requests = value.max(1.0) as u64) } /></label>
                </div>
                <p class="monitor__recipe">"Compared are the latest deployment with traffic and, of the others, the one with most. A minute in which either has fewer requests says nothing. What happened stands under Deployments, with its reason."</p>
            }
        })
    };
    view! {
        <section class="monitor__rollback" aria-labelledby="monitor-rollback-title">
            <h3 id="monitor-rollback-title">"Rollback of "{name}</h3>
            <label class="monitor__switch"><input type="checkbox" id="rollback-on" prop:checked=move || is_set.get() on:change=switch />
                "Traffic goes back by itself from a new version that serves worse"</label>
            {fields}
        </section>
    }
    .into_any()
}

/// Without the traces of binary fractions.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
