//! Two versions side by side, only where they differ.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use registry::{Header, Setting, Version};
use study::{Goal, better_when};

use super::card::waiting;
use super::store::Models;
use crate::moments::moment;

/// The table of differences.
pub fn compare(models: Models) -> AnyView {
    let Some((version, header)) = models.version().zip(models.header()) else { return waiting() };
    let others = models.registry.with(|registry| {
        let entry = models.model.get().and_then(|name| registry.models.get(&name).cloned());
        let versions = entry.map_or_else(Vec::new, |entry| entry.versions);
        versions.into_iter().rev().filter(|other| other.number != version.number).collect::<Vec<Version>>()
    });
    if others.is_empty() {
        return view! { <div class="empty"><b>"There is only one version"</b><p>"Change the pipeline, run it, and register it again: the next version can be compared with this one."</p></div> }.into_any();
    }
    let chosen = RwSignal::new(others[0].number);
    let options = others
        .iter()
        .map(|other| view! { <option value=other.number.to_string()>{format!("v{}", other.number)}</option> });
    let options = options.collect_view();
    let number = version.number;
    let table = move || {
        let other = others.iter().find(|other| other.number == chosen.get())?;
        let Some(other_header) = models.header_of(&other.package) else { return Some(waiting()) };
        let rows = rows(&header, &other_header, &version, other);
        let is_same = (rows.len() == 1).then(|| view! { <p class="models__gives">"They differ in nothing else."</p> });
        let rows = rows.into_iter().map(|row| {
            let better = |is: bool| if is { "num models__better" } else { "num" };
            view! { <tr><th scope="row">{row.name}</th><td class=better(row.is_better == Some(true))>{row.this}</td><td class=better(row.is_better == Some(false))>{row.other}</td></tr> }
        });
        Some(view! {
            <table class="models__table">
                <thead><tr><th scope="col">"What differs"</th><th scope="col">{format!("v{number}")}</th><th scope="col">{format!("v{}", other.number)}</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
            {is_same}
        }.into_any())
    };
    view! {
        <label class="models__with">{format!("v{number} beside ")}
            <select class="input" on:change=move |event| { if let Ok(number) = event_target_value(&event).parse() { chosen.set(number) } }>{options}</select>
        </label>
        {table}
    }
    .into_any()
}

struct Row {
    name: String,
    this: String,
    other: String,
    /// Whether this one's figure is the better; none if nobody can say.
    is_better: Option<bool>,
}

fn rows(this: &Header, other: &Header, version: &Version, with: &Version) -> Vec<Row> {
    let mut rows = vec![Row {
        name: "Registered".into(),
        this: moment(version.registered_at),
        other: moment(with.registered_at),
        is_better: None,
    }];
    let mut differs = |name: &str, a: String, b: String| {
        if a != b {
            rows.push(Row { name: name.into(), this: a, other: b, is_better: None });
        }
    };
    differs("Learner", this.card.learner.clone(), other.card.learner.clone());
    differs("Pipeline", this.card.pipeline.clone(), other.card.pipeline.clone());
    differs("Training rows", this.card.n_training_rows.to_string(), other.card.n_training_rows.to_string());
    differs("Engine", this.card.engine.clone(), other.card.engine.clone());
    let steps = |header: &Header| header.card.steps.iter().map(|step| step.what.clone()).collect::<Vec<_>>().join("; ");
    differs("What happens to a row", steps(this), steps(other));
    let settings = |header: &Header| {
        let named = |setting: &Setting| (setting.name.clone(), (setting.label.clone(), setting.value.clone()));
        header.card.settings.iter().map(named).collect::<BTreeMap<_, _>>()
    };
    let (our_settings, their_settings) = (settings(this), settings(other));
    let names: BTreeSet<&String> = our_settings.keys().chain(their_settings.keys()).collect();
    for (ours, theirs) in names.into_iter().map(|name| (our_settings.get(name), their_settings.get(name))) {
        let value =
            |setting: Option<&(String, String)>| setting.map_or_else(|| "–".to_owned(), |(_, value)| value.clone());
        if let Some((label, _)) = ours.or(theirs) {
            differs(label, value(ours), value(theirs));
        }
    }
    let columns =
        |header: &Header| header.signature.inputs.iter().map(|field| field.name.clone()).collect::<BTreeSet<_>>();
    let (ours, theirs) = (columns(this), columns(other));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join(", ");
    differs("Columns only it takes", only(&ours, &theirs), only(&theirs, &ours));
    for metric in &this.card.metrics {
        let Some(their) = other.card.metrics.iter().find(|their| their.name == metric.name) else { continue };
        if metric.value.to_bits() != their.value.to_bits() {
            let is_better =
                better_when(&metric.name).map(|goal| (metric.value > their.value) == (goal == Goal::Maximize));
            rows.push(Row {
                name: study::metric_label(&metric.name),
                this: format!("{:.4}", metric.value),
                other: format!("{:.4}", their.value),
                is_better,
            });
        }
    }
    rows
}
