//! What charts of runs have on their axes.

use experiment::Field;
use leptos::prelude::*;

use super::store::Runs;

/// Names in queries, with labels.
pub type Names = Vec<(String, String)>;

/// Names and labels of everything that is a number.
pub fn numbers(runs: Runs) -> Names {
    let mut names = metrics(runs);
    runs.with_table(|table| {
        let settings = table.columns().iter().filter(|c| !c.is_metric() && !c.is_short);
        let settings = settings.filter(|c| c.is_numeric() && c.n_values() > 0);
        names.extend(settings.map(|c| (c.name.clone(), c.name.replacen("param.", "", 1))));
    });
    names.extend([Field::Took, Field::Number, Field::Seed].map(named));
    names
}

/// Names and labels of the figures of merit.
pub fn metrics(runs: Runs) -> Names {
    runs.changed.track();
    runs.with_table(|table| {
        let metrics = table.columns().iter().filter(|c| c.is_metric() && c.is_short && c.n_values() > 0);
        metrics.map(|c| (c.name.clone(), c.label.clone())).collect()
    })
}

/// Name and label of a field.
pub fn named(field: Field) -> (String, String) {
    (field.name().to_owned(), field.label().to_owned())
}

/// The metric that the list looks at.
pub fn measure(runs: Runs) -> Option<String> {
    let (listing, _) = runs.shown.get();
    Some(listing.columns.get(listing.measure?)?.name.clone())
}

/// A choice of what stands on an axis. `now` has the name that stands there.
pub fn choice(
    label: &'static str,
    offered: impl Fn() -> Names + Send + Sync + 'static,
    now: impl Fn() -> String + Send + Sync + 'static,
    choose: impl Fn(String) + 'static,
) -> AnyView {
    let options = move || {
        let now = now();
        let option = |(name, label): (String, String)| {
            let is_now = name == now;
            view! { <option value=name selected=is_now>{label}</option> }
        };
        offered().into_iter().map(option).collect_view()
    };
    view! {
        <label>
            <span>{label}</span>
            <select on:change=move |event| choose(event_target_value(&event))>{options}</select>
        </label>
    }
    .into_any()
}
