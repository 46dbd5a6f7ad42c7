//! The list of runs: only the lines in sight are on the page, however many there are.

use std::sync::Arc;

use experiment::{Field, IndexEntry, Line, ListColumn, Listing, RunState, SortKey, Source};
use leptos::html::Div;
use leptos::prelude::*;
use protocol::Direction;
use web_sys::KeyboardEvent;

use super::cells::{changed, editable, figure, metric, plain, state, tags_of};
use super::store::{Runs, short_name};
use crate::dom;
use crate::idle::Busy;
use crate::viewers::chart::series_class;
use crate::views::icon::{icon, small_icon};

/// Of a line, in pixels.
const LINE_HEIGHT: f64 = 32.0;
/// Of the head.
const HEAD_HEIGHT: f64 = 30.0;
/// Lines above and below that are kept ready.
const N_OVERSCAN: usize = 6;
/// At most so many lines are made in a frame while the list is scrolled; a line costs some 3 ms.
const LINES_PER_FRAME: usize = 2;
/// Runs that are compared when all are asked for.
const N_FIRST: usize = 10;
/// The class that gives a swatch the look of a compared run's lines.
pub fn swatch_class(color: usize) -> String {
    format!("runs__swatch {}", series_class(color as u8))
}

/// How wide a column is at least, and its share of what is left.
fn width(column: &ListColumn) -> (u32, u32) {
    match column.source {
        Source::Field(Field::State) => (84, 0),
        Source::Field(Field::Number | Field::Trial | Field::Archived) => (76, 0),
        Source::Field(Field::Name) => (190, 2),
        Source::Field(Field::Changed) => (180, 3),
        Source::Field(Field::Started) => (92, 0),
        Source::Field(Field::Took) => (60, 0),
        Source::Field(Field::Tag | Field::Note) => (110, 1),
        Source::Field(_) => (130, 1),
        Source::Column(_) if column.is_metric() => (116, 0),
        Source::Column(_) => (112, 0),
    }
}

/// The list.
pub fn list(runs: Runs) -> AnyView {
    let stage = NodeRef::<Div>::new();
    let lines = Lines::new();
    let measure = move || {
        if let Some(stage) = stage.get_untracked() {
            let first = (f64::from(stage.scroll_top()) / LINE_HEIGHT) as usize;
            let n = (f64::from(stage.client_height()) / LINE_HEIGHT).ceil() as usize + 1;
            lines.want(first.saturating_sub(N_OVERSCAN), first + n + N_OVERSCAN);
        }
    };
    Effect::new(move |_| {
        if let Some(stage) = stage.get() {
            crate::viewers::watch_size(&stage, move |_, _| measure());
        }
    });
    let listing = Memo::new(move |_| runs.shown.get().0);
    let columns = Memo::new(move |_| {
        listing.read().columns.iter().map(|c| ListColumn { best: None, ..c.clone() }).collect::<Vec<_>>()
    });
    let template = move || {
        let track = |(least, share): (u32, u32)| match share {
            0 => format!("{least}px"),
            share => format!("minmax({least}px, {share}fr)"),
        };
        let tracks: Vec<_> = columns.read().iter().map(|column| track(width(column))).collect();
        format!("36px {} 88px", tracks.join(" "))
    };
    let least = move || format!("{}px", 36 + 88 + 32 + columns.read().iter().map(|c| width(c).0 + 8).sum::<u32>());
    let height = move || format!("{}px", listing.read().lines.len() as f64 * LINE_HEIGHT);
    // Which lines are in sight; one that changes in no way keeps its elements.
    let in_sight = move || {
        runs.changed.track();
        let listing = listing.get();
        let (first, end) = lines.made.get();
        let end = end.min(listing.lines.len());
        let columns = columns.get();
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let line = |at: usize| {
            let entry = match listing.lines[at] {
                Line::Run(row_idx) => runs.with_table(|table| table.entry(row_idx).map(|entry| entry.id.clone())),
                Line::Group(_) => None,
            };
            let version = entry.map_or_else(|| runs.changed.get_untracked(), |run| runs.version(&run));
            (at, listing.lines[at], version, names.clone())
        };
        (first..end).map(line).collect::<Vec<_>>()
    };
    let on_key = move |event: KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        if step_focus(&event, step) {
            event.prevent_default();
        }
    };
    view! {
        <div class="runs__list" id="runs-list" data-region="runs-list" node_ref=stage tabindex="0" role="table" aria-label="Runs"
            aria-rowcount=move || (listing.read().lines.len() + 1).to_string()
            style:--runs-columns=template
            on:scroll=move |_| measure() on:keydown=on_key>
            <div class="runs__head" role="row" aria-rowindex="1" style:min-width=least>
                <span role="columnheader">{all_eyes(runs)}</span>
                {move || columns.get().into_iter().map(|column| head(runs, column)).collect_view()}
                <span role="columnheader"><span class="sr-only">"Actions"</span></span>
            </div>
            <div class="runs__lines" role="rowgroup" style:height=height style:min-width=least>
                <For each=in_sight key=|key| key.clone() let:key>
                    {line(runs, &listing.get_untracked(), key.0, key.1)}
                </For>
            </div>
            {move || listing.read().lines.is_empty().then(|| view! { <p class="runs__none" role="row"><span role="cell">"No run answers to that"</span></p> })}
        </div>
    }
    .into_any()
}

/// Which lines are to have elements, and which have: from one up to another.
#[derive(Clone, Copy)]
struct Lines {
    wanted: StoredValue<(usize, usize)>,
    made: RwSignal<(usize, usize)>,
    is_coming: StoredValue<bool>,
}

impl Lines {
    fn new() -> Self {
        let at_first = (0, 30 + N_OVERSCAN);
        Self { wanted: StoredValue::new(at_first), made: RwSignal::new(at_first), is_coming: StoredValue::new(false) }
    }

    fn want(self, from: usize, to: usize) {
        self.wanted.set_value((from, to));
        if !self.is_coming.get_value() {
            self.step();
        }
    }

    /// Lets go of lines that are wanted no more and makes a few that are, those in sight first; the next frame goes on.
    fn step(self) {
        let (from, to) = self.wanted.get_value();
        let before = self.made.get_untracked();
        let (mut first, mut end) = (before.0.max(from), before.1.min(to));
        if first >= end {
            first = (from + N_OVERSCAN).min(to);
            end = first;
        }
        for _ in 0..LINES_PER_FRAME {
            let lacks_above = first > from + N_OVERSCAN;
            let lacks_below = end + N_OVERSCAN < to;
            if end < to && (lacks_below || !lacks_above) {
                end += 1;
            } else if first > from {
                first -= 1;
            }
        }
        if (first, end) != before {
            self.made.set((first, end));
        }
        let more = (first, end) != (from, to);
        self.is_coming.set_value(more);
        if more {
            let busy = Busy::begin();
            dom::on_next_frame(move || {
                // The list may be gone by then.
                if self.wanted.try_get_value().is_some() {
                    self.step();
                }
                drop(busy);
            });
        }
    }
}

/// Takes all runs off the charts, or puts the first ones on.
fn all_eyes(runs: Runs) -> AnyView {
    let is_any = Memo::new(move |_| runs.view.with(|view| !view.selected.is_empty()));
    let label = move || if is_any.get() { "Compare none" } else { "Compare the first ten" };
    let press = move |_| {
        let listing = runs.shown.get_untracked().0;
        let first = runs.with_table(|table| {
            let entries = listing.rows.iter().filter_map(|&row_idx| table.entry(row_idx));
            entries.take(N_FIRST).map(|entry| entry.id.clone()).collect::<Vec<_>>()
        });
        runs.look(|view| if view.selected.is_empty() { view.selected = first } else { view.selected.clear() });
    };
    view! {
        <button type="button" class="icon-button icon-button--small" aria-label=label title=label on:click=press>
            {move || icon(if is_any.get() { "eye" } else { "eye-off" })}
        </button>
    }
    .into_any()
}

/// From the control of a line to the same control of the next.
fn step_focus(event: &KeyboardEvent, step: i32) -> bool {
    use wasm_bindgen::JsCast;
    let Some(control) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    let Some(kind) = control.get_attribute("data-step") else { return false };
    let Some(line) = control.closest("[data-line]").ok().flatten() else { return false };
    let Some(at) = line.get_attribute("data-line").and_then(|at| at.parse::<i32>().ok()) else { return false };
    if let Some(stage) = dom::by_id("runs-list") {
        // The line must be on the page before it can have the focus.
        let (from, to) = (f64::from(stage.scroll_top()), f64::from(at + step) * LINE_HEIGHT);
        let room = f64::from(stage.client_height()) - HEAD_HEIGHT - LINE_HEIGHT;
        let goal = if to < from {
            to
        } else if to > from + room {
            to - room
        } else {
            from
        };
        stage.set_scroll_top(goal as i32);
    }
    dom::focus_later(format!("[data-line=\"{}\"] [data-step=\"{kind}\"]", at + step));
    true
}

fn head(runs: Runs, column: ListColumn) -> AnyView {
    let name = column.name.clone();
    let short = short_name(&column).to_owned();
    let order = Memo::new(move |_| {
        runs.view.with(|view| {
            let key = view.sort.first().filter(|key| key.column == name || key.column == short)?;
            Some(key.descending)
        })
    });
    let class = if is_number(&column) { "runs__head-cell runs__head-cell--number" } else { "runs__head-cell" };
    // The best first; texts from A, times from the latest.
    let first_descending = match (column.better, column.source) {
        (Some(better), _) => better == Direction::Higher,
        (None, Source::Field(Field::Started | Field::Number)) => true,
        (None, _) => false,
    };
    let short = short_name(&column).to_owned();
    let press = move |_| {
        let next = match order.get_untracked() {
            None => Some(first_descending),
            Some(descending) if descending == first_descending => Some(!first_descending),
            Some(_) => None,
        };
        let column = short.clone();
        runs.look(|view| view.sort = next.map(|descending| SortKey { column, descending }).into_iter().collect());
    };
    let arrow = move || order.get().map(|descending| small_icon(if descending { "arrow-down" } else { "arrow-up" }));
    let sorted = move || match order.get() {
        None => "none",
        Some(true) => "descending",
        Some(false) => "ascending",
    };
    view! {
        <span role="columnheader" class=class aria-sort=sorted>
            <button type="button" title=format!("Sort by {}", column.label) on:click=press>{column.label.clone()}{arrow}</button>
        </span>
    }
    .into_any()
}

fn is_number(column: &ListColumn) -> bool {
    column.is_metric()
        || matches!(column.source, Source::Field(Field::Took | Field::Number | Field::Seed | Field::Trial))
}

fn line(runs: Runs, listing: &Arc<Listing>, at: usize, line: Line) -> AnyView {
    let place = format!("{}px", at as f64 * LINE_HEIGHT);
    match line {
        Line::Group(group_idx) => group(runs, listing, at, group_idx, place),
        Line::Run(row_idx) => match runs.with_table(|table| table.entry(row_idx).cloned()) {
            Some(entry) => run(runs, listing, at, row_idx, &entry, place),
            None => ().into_any(),
        },
    }
}

fn group(runs: Runs, listing: &Listing, at: usize, group_idx: usize, place: String) -> AnyView {
    let Some(group) = listing.groups.get(group_idx) else { return ().into_any() };
    let title = group.title();
    let (of, toggled) = (title.clone(), title.clone());
    let is_open = Memo::new(move |_| runs.view.with(|view| !view.closed.contains(&of)));
    let n = group.rows.len();
    let spread =
        group.spreads.first().zip(listing.measure).filter(|(spread, _)| spread.n > 0).map(|(spread, measure)| {
            let column = &listing.columns[measure];
            let best = match column.better {
                Some(Direction::Higher) => Some(spread.max),
                Some(Direction::Lower) => Some(spread.min),
                None => None,
            };
            let best = best.map(|best| format!("best {}, ", figure(best))).unwrap_or_default();
            let interval = spread.interval.map(|(low, high)| {
                format!(", mean {} (95 % {} to {})", figure(spread.mean), figure(low), figure(high))
            });
            format!(
                "{}: {best}median {}, from {} to {}{}",
                column.label,
                figure(spread.median),
                figure(spread.min),
                figure(spread.max),
                interval.unwrap_or_default()
            )
        });
    view! {
        <div class="runs__line runs__line--group" role="row" aria-rowindex=(at + 2).to_string() data-line=at.to_string() style:top=place>
            <span role="cell" class="runs__group-cell">
                <button type="button" class="runs__fold" data-step="eye" aria-expanded=move || is_open.get().to_string()
                    on:click=move |_| runs.look(|view| {
                        if view.closed.contains(&toggled) { view.closed.retain(|closed| *closed != toggled) } else { view.closed.push(toggled.clone()) }
                    })>
                    {move || small_icon(if is_open.get() { "chevron-down" } else { "chevron-right" })}
                    <b>{title}</b>
                    <small>{if n == 1 { "1 run".to_owned() } else { format!("{n} runs") }}</small>
                </button>
                <span class="runs__spread">{spread}</span>
            </span>
        </div>
    }
    .into_any()
}

fn run(runs: Runs, listing: &Listing, at: usize, row_idx: usize, entry: &IndexEntry, place: String) -> AnyView {
    let key = entry.id.clone();
    let title = entry.title();
    let of = key.clone();
    let color = Memo::new(move |_| runs.view.with(|view| super::panel::color_of(view, &of)));
    let of = key.clone();
    let is_selected = Memo::new(move |_| runs.view.with(|view| view.selected.contains(&of)));
    let of = key.clone();
    let is_pinned = Memo::new(move |_| runs.view.with(|view| view.pinned.as_ref() == Some(&of)));
    let is_here = runs.with_session(|session| session.under_way.values().any(|(run, _)| *run == key)) == Some(true);
    let cells = listing.columns.iter().map(|column| {
        let content = match column.source {
            Source::Field(Field::State) => state(runs, entry.state, is_here),
            Source::Field(Field::Name) => name(runs, entry, color, is_pinned),
            Source::Field(Field::Changed) if matches!(entry.state, RunState::Failed | RunState::Stopped) => {
                message(entry)
            }
            Source::Field(Field::Changed) => changed(entry),
            Source::Field(Field::Tag) => {
                let of = key.clone();
                let text = entry.tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                editable(format!("Tags of run {title}"), text, "add a tag", move |text| {
                    runs.edit(of.clone(), move |record| record.tags = tags_of(&text));
                })
            }
            Source::Field(Field::Note) => {
                let of = key.clone();
                editable(format!("Note on run {title}"), entry.note.clone(), "add a note", move |text| {
                    runs.edit(of.clone(), move |record| record.note = text);
                })
            }
            Source::Column(_) if column.is_metric() => metric(runs, row_idx, column.source),
            Source::Field(_) | Source::Column(_) => plain(runs, row_idx, column),
        };
        let class = if is_number(column) { "runs__cell runs__cell--number" } else { "runs__cell" };
        view! { <span role="cell" class=class data-column=column.name.clone()>{content}</span> }
    });
    let cells = cells.collect_view();
    let (of_eye, of_pin, of_open, of_archive, of_key) = (key.clone(), key.clone(), key.clone(), key.clone(), key);
    let is_archived = entry.archived;
    let archive_label = if is_archived { "Bring back from the archive" } else { "Archive" };
    view! {
        <div class="runs__line" class=("runs__line--selected", move || is_selected.get()) class=("runs__line--pinned", move || is_pinned.get())
            role="row" aria-rowindex=(at + 2).to_string() data-line=at.to_string() data-run=of_key.to_string() data-state=entry.state.word() style:top=place>
            <span role="cell" class="runs__cell">
                <button type="button" class="icon-button icon-button--small" data-step="eye" aria-pressed=move || is_selected.get().to_string()
                    aria-label=format!("Compare run {title}") title="Compare" on:click=move |_| runs.toggle(&of_eye)>
                    {move || icon(if is_selected.get() { "eye" } else { "eye-off" })}
                </button>
            </span>
            {cells}
            <span role="cell" class="runs__cell runs__actions">
                <button type="button" class="icon-button icon-button--small" data-step="pin" aria-pressed=move || is_pinned.get().to_string()
                    aria-label=format!("Measure others against run {title}") title="Pin as the baseline" on:click=move |_| runs.toggle_pin(&of_pin)>{icon("pin")}</button>
                <button type="button" class="icon-button icon-button--small" data-step="open"
                    aria-label=format!("Open the version of run {title}") title="Open this version" on:click=move |_| runs.open_version(&of_open)>{icon("arrow-up-right")}</button>
                <button type="button" class="icon-button icon-button--small" data-step="archive"
                    aria-label=format!("{archive_label}: run {title}") title=archive_label
                    on:click=move |_| runs.edit(of_archive.clone(), move |record| record.archived = !is_archived)>{icon(if is_archived { "rotate-ccw" } else { "archive" })}</button>
            </span>
        </div>
    }
    .into_any()
}

fn name(runs: Runs, entry: &IndexEntry, color: Memo<Option<usize>>, is_pinned: Memo<bool>) -> AnyView {
    let key = entry.id.clone();
    let number = entry.number;
    let swatch = move || color.get().map(|color| view! { <i class=swatch_class(color)></i> });
    view! {
        <span class="runs__number">{number}</span>
        {swatch}
        {editable(format!("Name of run {number}"), entry.name.clone(), "no name", move |text| {
            runs.edit(key.clone(), move |record| record.name = text);
        })}
        {move || is_pinned.get().then(|| view! { <span class="badge runs__baseline">{small_icon("pin")}"baseline"</span> })}
    }
    .into_any()
}

fn message(entry: &IndexEntry) -> AnyView {
    let class = if entry.state == RunState::Failed { "runs__message runs__message--failed" } else { "runs__message" };
    let said = entry.changes.in_words();
    view! {
        <span class=class title=entry.message.clone()>{entry.message.clone()}</span>
        {(!said.is_empty()).then(|| view! { <span class="runs__quiet truncate" title=said.clone()>{said.clone()}</span> })}
    }
    .into_any()
}
