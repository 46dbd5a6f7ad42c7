//! What stands in a cell of the list.

use experiment::{Changes, Field, IndexEntry, ListColumn, RunState, Setting, Source, WhatChanged};
use leptos::prelude::*;
use protocol::Direction;
use web_sys::KeyboardEvent;

use super::store::Runs;
use crate::dom;
use crate::moments::moment;
use crate::views::face::seconds;
use crate::views::icon::small_icon;

/// A state's shape, word and colour.
pub fn state(runs: Runs, state: RunState, is_here: bool) -> AnyView {
    let (shape, class) = match state {
        RunState::Running => ("loader", "state state--running"),
        RunState::Done => ("circle-check", "state state--ran"),
        RunState::Failed => ("octagon-alert", "state state--failed"),
        RunState::Stopped => ("circle-slash", "state state--cancelled"),
    };
    if state == RunState::Running && is_here {
        let fraction = runs.studio.select(|editor| match editor.run_state() {
            editor::RunState::Running { fraction, .. } => (fraction * 100.0).round(),
            editor::RunState::Idle => 100.0,
        });
        let percent = move || format!("{} %", fraction.get());
        return view! {
            <span class=class>{small_icon(shape)}<span class="sr-only">"running "</span>{percent}</span>
            <span class="progress runs__progress" style:--v=move || (fraction.get() / 100.0).to_string()><i></i></span>
        }
        .into_any();
    }
    view! { <span class=class>{small_icon(shape)}{state.word()}</span> }.into_any()
}

/// What was changed since the run before, part by part.
pub fn changed(entry: &IndexEntry) -> AnyView {
    if entry.changes.is_empty() {
        let words = if entry.number == 1 { "first run of this pipeline" } else { "nothing" };
        return view! { <span class="runs__quiet">{words}</span> }.into_any();
    }
    view! { <span class="runs__changes" title=entry.changes.in_words()>{parts(&entry.changes)}</span> }.into_any()
}

fn parts(changes: &Changes) -> Vec<AnyView> {
    let mut parts = Vec::new();
    let words = |setting: &Option<Setting>| setting.as_ref().map_or_else(|| "–".to_owned(), |s| s.words.clone());
    let added = |title: &str| view! { <ins>{format!("+ {title}")}</ins> }.into_any();
    let removed = |title: &str| view! { <del>{format!("− {title}")}</del> }.into_any();
    for node in &changes.nodes {
        match &node.what {
            WhatChanged::Added => parts.push(added(&node.title)),
            WhatChanged::Removed => parts.push(removed(&node.title)),
            WhatChanged::Replaced { title, .. } => parts.extend([removed(title), added(&node.title)]),
            WhatChanged::Changed => {
                parts.extend(node.params.iter().map(|param| {
                    let (old, new) = (words(&param.old), words(&param.new));
                    view! { <span>{param.label.clone()}" "<i>{old}" →"</i>" "<b>{new}</b></span> }.into_any()
                }));
                parts.extend(node.inputs.iter().map(|input| {
                    let from = input.new.clone().unwrap_or_else(|| "nothing".into());
                    view! { <span>{format!("{}.{} from ", node.node, input.port)}<b>{from}</b></span> }.into_any()
                }));
                if node.params.is_empty() && node.inputs.is_empty() {
                    parts.push(view! { <span>{node.title.clone()}</span> }.into_any());
                }
            }
        }
    }
    parts.extend(
        changes
            .seed
            .map(|(old, new)| view! { <span>"seed "<i>{format!("{old} →")}</i>" "<b>{new}</b></span> }.into_any()),
    );
    parts
}

/// A figure of merit, in bold where none is better, and how far it is from the baseline's.
pub fn metric(runs: Runs, row_idx: usize, source: Source) -> AnyView {
    let content = move || {
        let (listing, _) = runs.shown.get();
        let column = listing.columns.iter().find(|column| column.source == source)?;
        let (value, base) = runs.with_table(|table| {
            let base = runs.baseline().filter(|base| *base != row_idx);
            (table.cell(row_idx, source).number(), base.and_then(|base| table.cell(base, source).number()))
        });
        let value = value?;
        let class = if column.best == Some(value) { "runs__figure runs__figure--best" } else { "runs__figure" };
        let best = (column.best == Some(value)).then(|| view! { <span class="sr-only">", best"</span> });
        Some(
            view! { <span class=class>{figure(value)}{best}</span>{base.map(|base| delta(value - base, column.better))} },
        )
    };
    view! { {content} }.into_any()
}

/// A difference: its direction as a shape, whether it is good as a colour and, for screen readers, as a word.
pub fn delta(delta: f64, better: Option<Direction>) -> AnyView {
    let text = figure(delta.abs());
    if !text.chars().any(|c| c.is_ascii_digit() && c != '0') {
        return view! { <span class="runs__delta">"±0"</span> }.into_any();
    }
    let is_up = delta > 0.0;
    let (class, words) = match better {
        None => ("runs__delta", ""),
        Some(better) if (better == Direction::Higher) == is_up => ("runs__delta runs__delta--better", " better"),
        Some(_) => ("runs__delta runs__delta--worse", " worse"),
    };
    let sign = if is_up { "▲" } else { "▼" };
    let sense = if is_up { "up " } else { "down " };
    view! { <span class=class><span aria-hidden="true">{sign}" "</span><span class="sr-only">{sense}</span>{text}<span class="sr-only">{words}</span></span> }
        .into_any()
}

/// Any other cell.
pub fn plain(runs: Runs, row_idx: usize, column: &ListColumn) -> AnyView {
    let text = runs.with_table(|table| {
        let cell = table.cell(row_idx, column.source);
        match (column.source, cell.number()) {
            (Source::Field(Field::Started), Some(ms)) => moment(ms as u64),
            (Source::Field(Field::Took), Some(secs)) => seconds(secs),
            (Source::Field(_), None) if cell == experiment::Cell::Missing => String::new(),
            _ => cell.to_string(),
        }
    });
    view! { <span class="truncate" title=text.clone()>{text.clone()}</span> }.into_any()
}

/// A text of the user's, changed in place.
pub fn editable(label: String, value: String, placeholder: &'static str, keep: impl Fn(String) + 'static) -> AnyView {
    let before = value.clone();
    view! {
        <input type="text" class="runs__edit" aria-label=label placeholder=placeholder maxlength="300" prop:value=value.clone() title=value
            on:change=move |event| keep(event_target_value(&event))
            on:keydown=move |event: KeyboardEvent| match event.key().as_str() {
                "Enter" => dom::focus_later("#runs-list"),
                "Escape" => {
                    event.stop_propagation();
                    let input: web_sys::HtmlInputElement = event_target(&event);
                    input.set_value(&before);
                    dom::focus_later("#runs-list");
                }
                _ => {}
            } />
    }
    .into_any()
}

/// Tags as people write them: "baseline, for class"; each once.
pub fn tags_of(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim) {
        if !tag.is_empty() && tags.iter().all(|known| known != tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// Three decimals where scores live, more care with what is very small or large.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size < 100.0 && (size >= 0.000_5 || size == 0.0) => {
            format!("{}{size:.3}", if value < 0.0 { "−" } else { "" })
        }
        _ => charts::number(value),
    }
}
