//! Runs side by side: results against the baseline, what differs in settings and graph, and what to beware of.

use std::sync::Arc;

use experiment::{
    CompareGroup, CompareRow, Field, NodeChange, ParamChange, Scalar, Setting, Tone, WhatChanged, changes, compare,
    tests_against, warnings,
};
use leptos::prelude::*;
use protocol::Direction;

use super::cells::figure;
use super::graph::graph;
use super::list::swatch_class;
use super::panel::{Detail, Details};
use super::store::{Runs, short_name};
use crate::views::capital;
use crate::views::face::seconds;
use crate::views::icon::{icon, small_icon};

/// The page.
pub fn compare_runs(runs: Runs, details: &Details) -> AnyView {
    let details = details.clone();
    let other = RwSignal::new(details.len() - 1);
    let results = {
        let details = details.clone();
        move || results(runs, &details)
    };
    let choice = (details.len() > 2).then(|| {
        let options = details.iter().enumerate().skip(1).map(|(at, detail)| {
            view! { <option value=at.to_string() selected=at == other.get_untracked()>{detail.entry.full_title()}</option> }
        });
        view! {
            <select class="runs__other" aria-label="Run whose settings are compared"
                on:change=move |event| if let Ok(at) = event_target_value(&event).parse() { other.set(at) }>{options.collect_view()}</select>
        }
    });
    let pair = {
        let details = details.clone();
        move || {
            let (base, other) = (&details[0], &details[other.get().min(details.len() - 1)]);
            let words = format!("run {} to run {}", base.entry.number, other.entry.number);
            view! {
                <section class="runs__section">
                    <h3>"Settings"<small>{words.clone()}</small></h3>
                    {settings(runs, base, other)}
                </section>
                <section class="runs__section runs__section--graph">{graph(runs, base, other, &words)}</section>
            }
        }
    };
    view! {
        <div class="runs__compare">
            {cautions(runs, &details)}
            <section class="runs__section runs__section--results">
                <h3>"Results"<small>{format!("against run {}", details[0].entry.number)}</small></h3>
                {results}
            </section>
            <div class="runs__pair">
                {choice}
                {pair}
            </div>
        </div>
    }
    .into_any()
}

/// The metric that is looked at most: the one the list is sorted by, else its first.
fn measured(runs: Runs) -> Option<String> {
    let (listing, _) = runs.shown.get();
    let column = listing.columns.get(listing.measure?)?;
    Some(short_name(column).to_owned())
}

fn cautions(runs: Runs, details: &Details) -> AnyView {
    let details = details.clone();
    let list = move || {
        let metric = measured(runs)?;
        let entries: Vec<_> = details.iter().map(|detail| &detail.entry).collect();
        let mut said: Vec<_> = warnings(&entries, &metric)
            .iter()
            .map(|warning| {
                view! { <li>{small_icon("triangle-alert")}<span>{capital(&warning.to_string())}</span></li> }.into_any()
            })
            .collect();
        for against in tests_against(entries[0], &entries, &metric) {
            let title =
                entries.iter().find(|entry| entry.id == against.run).map_or_else(String::new, |entry| entry.title());
            let (low, high) = against.test.interval;
            let words = format!(
                "{title} against {}: {} by {} (95 % {} to {}), p = {:.3} over {} folds, corrected",
                entries[0].title(),
                metric,
                figure(against.test.difference),
                figure(low),
                figure(high),
                against.p_corrected,
                against.test.n
            );
            said.push(view! { <li class="runs__test">{small_icon("sigma")}<span>{words}</span></li> }.into_any());
        }
        (!said.is_empty())
            .then(|| view! { <ul class="runs__cautions" aria-label="What to know before choosing">{said}</ul> })
    };
    view! { {list} }.into_any()
}

fn results(runs: Runs, details: &Details) -> AnyView {
    let rows: Vec<_> = details.iter().map(|detail| detail.row_idx).collect();
    let differences_only = !runs.view.with(|view| view.with_equal);
    runs.changed.track();
    let comparison = runs.with_table(|table| compare(table, &rows, 0, differences_only));
    let is_result = |row: &&CompareRow| matches!(row.group, CompareGroup::Results | CompareGroup::Run);
    let heads = details.iter().map(|detail| {
        let class = swatch_class(detail.color);
        let pin = (detail.color == 0).then(|| small_icon("pin"));
        view! { <th scope="col" colspan="2" title=detail.title()><i class=class></i>{detail.entry.number}{pin}</th> }
    });
    let lines = comparison.rows.iter().filter(is_result).map(|row| {
        let cells = row.cells.iter().map(|cell| {
            let value = cell.value.as_ref().map_or_else(|| "–".to_owned(), |value| words(&row.name, value));
            let class = if cell.is_best { "runs__best" } else { "" };
            let best = cell.is_best.then(|| view! { <span class="sr-only">", best"</span> });
            view! { <td class=class>{value}{best}</td><td>{cell.delta.map(|delta| difference(delta, cell.tone, &row.name, cell.ratio))}</td> }
        });
        let title = match row.better {
            Some(Direction::Higher) => "higher is better",
            Some(Direction::Lower) => "lower is better",
            None => "",
        };
        view! { <tr><th scope="row" title=title>{row.label.clone()}</th>{cells.collect_view()}</tr> }
    });
    let lines = lines.collect_view();
    let equal = (!comparison.equal.is_empty()).then(|| {
        let n = comparison.equal.len();
        let names = shortened_list(&comparison.equal);
        view! { <p class="runs__quiet" title=comparison.equal.join(", ")>{format!("{n} equal {} hidden: {names}", if n == 1 { "row is" } else { "rows are" })}</p> }
    });
    view! {
        <div class="runs__results" tabindex="0" role="group" aria-label="Results">
            <table>
                <thead><tr><td></td>{heads.collect_view()}</tr></thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
        {equal}
    }
    .into_any()
}

fn shortened_list(names: &[String]) -> String {
    const N_NAMED: usize = 6;
    let named = names.iter().take(N_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > N_NAMED { format!("{named} and {} more", names.len() - N_NAMED) } else { named }
}

fn words(name: &str, value: &Scalar) -> String {
    match value {
        Scalar::Number(secs) if name == Field::Took.name() => seconds(*secs),
        Scalar::Number(x) if name.starts_with("metric.") => figure(*x),
        other => other.as_cell().to_string(),
    }
}

fn difference(delta: f64, tone: Tone, name: &str, ratio: Option<f64>) -> AnyView {
    let (class, word) = match tone {
        Tone::Better => ("runs__delta runs__delta--better", " better"),
        Tone::Worse => ("runs__delta runs__delta--worse", " worse"),
        Tone::Neutral => ("runs__delta", ""),
    };
    let sign = if delta < 0.0 { "−" } else { "+" };
    let is_time = name == Field::Took.name();
    let text = match ratio {
        Some(ratio) if is_time && ratio >= 10.0 => format!("× {ratio:.0}"),
        _ if is_time => format!("{sign}{}", seconds(delta.abs())),
        _ => {
            let text = figure(delta.abs());
            if text.chars().any(|c| c.is_ascii_digit() && c != '0') {
                format!("{sign}{text}")
            } else {
                "±0".to_owned()
            }
        }
    };
    view! { <span class=class>{text}<span class="sr-only">{word}</span></span> }.into_any()
}

fn settings(runs: Runs, base: &Arc<Detail>, other: &Arc<Detail>) -> AnyView {
    let changes = runs.studio.with(|editor| changes(&base.pipeline, &other.pipeline, editor.catalogue()));
    if changes.is_empty() {
        return view! { <p class="runs__quiet">"The same settings."</p> }.into_any();
    }
    let seed = changes.seed.map(|(old, new)| {
        view! { <h4>{icon("dices")}"Pipeline"<small>"changed"</small></h4>{setting("seed", Some(old.to_string()), Some(new.to_string()))} }
    });
    view! { <div class="runs__settings">{changes.nodes.iter().map(node).collect_view()}{seed}</div> }.into_any()
}

fn node(change: &NodeChange) -> AnyView {
    let (what, replaced) = match &change.what {
        WhatChanged::Added => ("added", None),
        WhatChanged::Removed => ("removed", None),
        WhatChanged::Changed => ("changed", None),
        WhatChanged::Replaced { title, caption, .. } => ("replaced", Some((title.clone(), caption.clone()))),
    };
    let replaced = replaced.map(|(title, caption)| {
        view! {
            {setting(&title, Some(caption), None)}
            {setting(&change.title, None, Some(change.caption.clone()))}
        }
    });
    let words = |setting: &Option<Setting>| setting.as_ref().map(|setting| setting.words.clone());
    let params = change.params.iter().map(|ParamChange { label, old, new, .. }| setting(label, words(old), words(new)));
    let inputs = change.inputs.iter().map(|input| {
        let source = |from: &Option<String>| Some(from.clone().unwrap_or_else(|| "nothing".into()));
        setting(&format!("input {}", input.port), source(&input.old), source(&input.new))
    });
    view! {
        <h4>{change.title.clone()}<small>{what}</small></h4>
        {replaced}
        {params.collect_view()}
        {inputs.collect_view()}
    }
    .into_any()
}

/// One setting, before and after: whichever is missing was not there.
fn setting(label: &str, old: Option<String>, new: Option<String>) -> AnyView {
    let (class, sign, word) = match (&old, &new) {
        (Some(_), Some(_)) => ("runs__setting runs__setting--changed", "pencil", "changed "),
        (None, _) => ("runs__setting runs__setting--added", "plus", "added "),
        (Some(_), None) => ("runs__setting runs__setting--removed", "minus", "removed "),
    };
    view! {
        <p class=class>
            {small_icon(sign)}<span class="sr-only">{word}</span><span class="truncate">{label.to_owned()}</span>
            <code>{old.map(|old| view! { <del>{old}</del> })}" "{new.map(|new| view! { <ins>{new}</ins> })}</code>
        </p>
    }
    .into_any()
}
