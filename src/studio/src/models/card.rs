//! What is known of a version: where it comes from, how good it is, what it takes.

use leptos::prelude::*;
use registry::{Field, Predicts};
use schema::Kind;

use super::store::Models;
use crate::moments::moment;
use crate::views::face::grouped;
use crate::views::icon::icon;

/// Lineage, metrics and the way of a row.
pub fn card(models: Models) -> AnyView {
    let Some(header) = models.header() else { return waiting() };
    let card = &header.card;
    let facts = [
        ("Learner", card.learner.clone()),
        ("Trained on", format!("{} rows", grouped(card.n_training_rows))),
        ("Pipeline", card.pipeline.clone()),
        ("Run", if card.run.is_empty() { "not recorded".into() } else { card.run.clone() }),
        ("Packed", moment(card.created_at)),
        ("Engine", format!("Millrace {}", card.engine)),
    ];
    let facts = facts.map(|(name, value)| view! { <div><dt>{name}</dt><dd class="truncate" title=value.clone()>{value.clone()}</dd></div> });
    let metrics = card.metrics.iter().map(|metric| {
        view! { <div><dt>{study::metric_label(&metric.name)}</dt><dd class="num">{format!("{:.4}", metric.value)}</dd></div> }
    });
    let settings = card.settings.iter().map(|setting| {
        view! { <div><dt>{setting.label.clone()}</dt><dd class="truncate" title=setting.value.clone()>{setting.value.clone()}</dd></div> }
    });
    let steps = std::iter::once(&card.entry).chain(&card.steps).map(|step| {
        view! { <li><b>{step.title.clone()}</b><span>{plain(&step.what)}</span></li> }
    });
    view! {
        <div class="models__card">
            {(!card.description.is_empty()).then(|| view! { <p class="models__said">{card.description.clone()}</p> })}
            <section><h4>"Where it comes from"</h4><dl class="models__facts">{facts}</dl></section>
            {(!card.metrics.is_empty()).then(|| view! { <section><h4>"How good it was"</h4><dl class="models__facts">{metrics.collect_view()}</dl></section> })}
            <section><h4>"What happens to a row"</h4><ol class="models__steps">{steps.collect_view()}</ol></section>
            {(!card.settings.is_empty()).then(|| view! { <section class="models__settings"><h4>"How it was set"</h4><dl class="models__facts">{settings.collect_view()}</dl></section> })}
        </div>
    }
    .into_any()
}

/// Words that name things in code, as they are read.
pub fn plain(words: &str) -> String {
    words.replace('`', "")
}

/// What a request has to bring, column by column.
pub fn columns(models: Models) -> AnyView {
    let Some(header) = models.header() else { return waiting() };
    let signature = &header.signature;
    let rows = signature.inputs.iter().map(|field| {
        view! {
            <tr>
                <th scope="row"><span class="models__column">{icon(kind_icon(field))}<code>{field.name.clone()}</code></span></th>
                <td>{field.kind.label()}</td>
                <td>{values(field)}</td>
                <td>{if field.nullable { "may be missing" } else { "needed" }}</td>
                <td><code>{serde_json::to_string(&field.example).unwrap_or_default()}</code></td>
            </tr>
        }
    });
    let gives = match &signature.predicts {
        Predicts::Number { name } => format!("a number, {name}"),
        Predicts::Class { name, classes, .. } => {
            format!("{name}, one of {} classes with their probabilities: {}", classes.len(), classes.join(", "))
        }
    };
    view! {
        <table class="models__table">
            <thead><tr><th scope="col">"Column"</th><th scope="col">"Kind"</th><th scope="col">"Seen in training"</th><th scope="col">"Gaps"</th><th scope="col">"Example"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        <p class="models__gives">"It gives "{gives}"."</p>
    }
    .into_any()
}

fn kind_icon(field: &Field) -> &'static str {
    match field.kind {
        Kind::Number | Kind::Integer => "hash",
        Kind::Category => "tag",
        Kind::Boolean => "toggle-left",
        Kind::Text => "type",
        Kind::DateTime => "calendar",
    }
}

fn values(field: &Field) -> String {
    /// More are counted.
    const SHOWN: usize = 6;
    if let Some([low, high]) = field.range {
        return format!("{low} to {high}");
    }
    match field.categories.len() {
        0 => String::new(),
        n if n <= SHOWN => field.categories.join(", "),
        n => format!("{} and {} more", field.categories[..SHOWN].join(", "), n - SHOWN),
    }
}

/// Until the header is here.
pub fn waiting() -> AnyView {
    view! { <div class="empty">{icon("loader")}<b>"One moment"</b><p>"The version's card is being read."</p></div> }
        .into_any()
}
