//! The search for runs: a query, what may come next in it, and what is wrong with it.

use experiment::{Completion, QueryError, QueryProblem, complete};
use leptos::html::Input;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::store::Runs;
use crate::dom;
use crate::views::icon::{icon, small_icon};

/// Completions that are shown.
const N_SHOWN: usize = 9;

/// The field with its list.
pub fn search(runs: Runs) -> AnyView {
    let field = NodeRef::<Input>::new();
    let offers = RwSignal::new(Vec::<Completion>::new());
    let active = RwSignal::new(None::<usize>);
    let close = move || {
        offers.set(Vec::new());
        active.set(None);
    };
    let look_up = move || {
        let Some(field) = field.get_untracked() else { return };
        let text = field.value();
        let at = field.selection_start().ok().flatten().unwrap_or(u32::MAX) as usize;
        let at = byte_of(&text, at);
        let mut found = runs.with_table(|table| complete(&text, at, table));
        // What is written already is no completion.
        found.retain(|offer| text[offer.range.clone()] != *offer.insert);
        found.truncate(N_SHOWN);
        offers.set(found);
        active.set(None);
    };
    let accept = move |at: usize| {
        let Some(field) = field.get_untracked() else { return };
        let Some(offer) = offers.with_untracked(|offers| offers.get(at).cloned()) else { return };
        let (text, cursor) = replaced(&field.value(), &offer.range, &offer.insert);
        field.set_value(&text);
        // A place in the field's own text.
        let _ = field.set_selection_range(cursor, cursor);
        runs.look(|view| view.query = text);
        look_up();
    };
    let on_key = move |event: KeyboardEvent| {
        let n = offers.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if n == 0 => {
                event.prevent_default();
                look_up();
                active.set(offers.with_untracked(|offers| (!offers.is_empty()).then_some(0)));
            }
            "ArrowDown" => {
                event.prevent_default();
                active.update(|active| *active = Some(active.map_or(0, |at| (at + 1) % n)));
            }
            "ArrowUp" if n > 0 => {
                event.prevent_default();
                active.update(|active| *active = Some(active.map_or(n - 1, |at| (at + n - 1) % n)));
            }
            "Enter" => match active.get_untracked() {
                Some(at) => {
                    event.prevent_default();
                    accept(at);
                }
                None => close(),
            },
            "Tab" if n > 0 && active.get_untracked().is_some() => {
                event.prevent_default();
                active.get_untracked().into_iter().for_each(accept);
            }
            "Escape" => {
                event.stop_propagation();
                close();
            }
            _ => {}
        }
    };
    let options = move || {
        let option = |(at, offer): (usize, Completion)| {
            view! {
                <div class="option runs__option" role="option" id=format!("runs-offer-{at}")
                    aria-selected=move || (active.get() == Some(at)).to_string()
                    on:pointermove=move |_| if active.get_untracked() != Some(at) { active.set(Some(at)) }
                    on:pointerdown=move |event| { event.prevent_default(); accept(at); }>
                    <code>{offer.insert}</code>
                    <small>{offer.detail}</small>
                </div>
            }
        };
        offers.get().into_iter().enumerate().map(option).collect_view()
    };
    let is_open = move || offers.with(|offers| !offers.is_empty());
    let error = move || runs.shown.get().1;
    view! {
        <div class="runs__search">
            <div class="search">
                {icon("search")}
                <input type="text" id="runs-search" class="input input--mono" role="combobox" autocomplete="off" spellcheck="false"
                    placeholder="auc > 0.8 and tag:baseline" aria-label="Search runs" aria-autocomplete="list" aria-controls="runs-offers"
                    aria-expanded=move || is_open().to_string()
                    aria-invalid=move || error().is_some().to_string()
                    aria-describedby="runs-search-error"
                    aria-activedescendant=move || active.get().map(|at| format!("runs-offer-{at}"))
                    prop:value=move || runs.view.with(|view| view.query.clone())
                    node_ref=field
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        runs.look(|view| view.query = text);
                        look_up();
                    }
                    on:keydown=on_key
                    on:focus=move |_| if field.get_untracked().is_some_and(|field| field.value().is_empty()) { look_up() }
                    on:blur=move |_| close() />
                <kbd>"/"</kbd>
            </div>
            <div class="popover runs__offers" role="listbox" id="runs-offers" aria-label="Completions" hidden=move || !is_open()>{options}</div>
            <div class="runs__error" id="runs-search-error" role="status">
                {move || error().map(|error| trouble(runs, &error))}
            </div>
        </div>
    }
    .into_any()
}

/// What is wrong, where, and what was meant.
fn trouble(runs: Runs, error: &QueryError) -> AnyView {
    let text = runs.view.with_untracked(|view| view.query.clone());
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    let (start, end) = (error.range.start.min(text.len()), error.range.end.min(text.len()));
    let culprit = if start == end { "␣".to_owned() } else { part(start..end) };
    let place = text.get(..start).unwrap_or_default().chars().count() + 1;
    let meant = match &error.problem {
        QueryProblem::UnknownName { nearest, .. } | QueryProblem::UnknownWord { nearest, .. } => nearest.clone(),
        QueryProblem::Expected { .. }
        | QueryProblem::NoNumber { .. }
        | QueryProblem::NoDate { .. }
        | QueryProblem::NoOrder { .. }
        | QueryProblem::NoText { .. }
        | QueryProblem::TooDeep => None,
    };
    let range = start..end;
    let mend = meant.map(|meant| {
        let label = format!("Use {meant}");
        view! {
            <button type="button" class="link" on:click=move |_| {
                runs.look(|view| view.query = replaced(&view.query, &range, &meant).0);
                dom::focus_later("#runs-search");
            }>{label}</button>
        }
    });
    view! {
        {small_icon("circle-alert")}
        <code>{part(0..start)}<mark>{culprit}</mark>{part(end..text.len())}</code>
        <span>{format!("At {place}: {error}")}</span>
        {mend}
    }
    .into_any()
}

/// A text with a part of it replaced, and where the cursor goes, in UTF-16 units.
fn replaced(text: &str, range: &std::ops::Range<usize>, by: &str) -> (String, u32) {
    let (before, after) = (text.get(..range.start).unwrap_or(text), text.get(range.end..).unwrap_or_default());
    let head = format!("{before}{by}");
    let cursor = head.encode_utf16().count() as u32;
    (format!("{head}{after}"), cursor)
}

/// The byte at a place counted in UTF-16 units, as the browser counts.
fn byte_of(text: &str, units: usize) -> usize {
    let mut left = units;
    for (at, letter) in text.char_indices() {
        if left < letter.len_utf16() {
            return at;
        }
        left -= letter.len_utf16();
    }
    text.len()
}
