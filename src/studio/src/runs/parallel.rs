//! Every listed run as a line over parallel axes: the settings in which they differ, and figures of merit.

use std::sync::Arc;

use experiment::{Cell, Field, RunKey, RunTable, Source, differing};
use leptos::prelude::*;
use protocol::Direction;
use schema::ordered::sort_by;
use study::Goal;

use super::axes::{Names, measure, metrics, named};
use super::menu::{Menu, menu};
use super::panel::compared;
use super::store::Runs;
use crate::viewers::parallel::{self, Axes, Column, Data, Naming, Outstanding, Told};

/// What the lines are called.
const LINES: Naming = Naming { title: "Parallel coordinates", one: "Run", many: "runs", file: "runs-parallel.csv" };
/// So many settings have an axis unless others are chosen.
const N_SETTINGS: usize = 7;
/// A setting with more different values than these stands on an axis of numbers, if it has numbers at all.
const N_OPTIONS: usize = 12;
/// Numbers that span more than this factor are spread by factors.
const WIDE: f64 = 100.0;

/// The page.
pub fn parallel(runs: Runs) -> AnyView {
    let axes = Axes::new();
    let data = Memo::new(move |_| Arc::new(data(runs)));
    let marked = Signal::derive(move || {
        let places = places(runs);
        let compared = runs.view.with(compared).into_iter().enumerate();
        let place = |key: &RunKey| places.iter().position(|other| other == key);
        compared.filter_map(|(color, key)| Some((place(&key)?, color as u8))).collect::<Vec<_>>()
    });
    let announce = Callback::new(move |text: String| runs.studio.announcement.set(text));
    let pick = Callback::new(move |at: usize| {
        if let Some(key) = untrack(|| places(runs)).get(at) {
            runs.toggle(key);
        }
    });
    let has_lines = Memo::new(move |_| data.with(|data| data.names.len() > 1 && data.columns.len() > 1));
    let drawn = move || {
        if has_lines.get() {
            let told = Told { announce, pick: Some(pick) };
            return parallel::view(data, LINES, axes, Outstanding::These(marked), told);
        }
        super::empty(
            "chart-spline",
            "Nothing to draw yet",
            "Two listed runs with different settings or figures have lines here.",
        )
    };
    view! { <div class="runs__parallel">{drawn}</div> }.into_any()
}

/// The choice of axes.
pub fn axes_menu(runs: Runs) -> AnyView {
    let now = Memo::new(move |_| shown(runs));
    let list = move || {
        let (settings, figures) = offered(runs);
        let of = |title: &'static str, names: Names| {
            let boxes = names.into_iter().map(|(name, label)| {
                let of = name.clone();
                view! {
                    <label class="check">
                        <input type="checkbox" prop:checked=move || now.with(|now| now.contains(&of)) on:change=move |_| toggle(runs, &name) />
                        {label}
                    </label>
                }
            });
            let boxes = boxes.collect_view();
            view! { <fieldset><legend>{title}</legend>{boxes}</fieldset> }
        };
        view! { {of("Figures", figures)}{of("Settings that differ", settings)} }.into_any()
    };
    let usual = Callback::new(move |()| runs.look(|view| view.axes.clear()));
    menu(Menu { id: "runs-axes", label: "Axes", icon: "settings", opens_up: true }, list, usual)
}

fn toggle(runs: Runs, name: &str) {
    let mut names = untrack(|| shown(runs));
    match names.iter().position(|shown| shown == name) {
        Some(at) => drop(names.remove(at)),
        None => names.push(name.to_owned()),
    }
    runs.look(|view| view.axes = names);
}

/// Everything that can have an axis, with its label: settings in which the listed runs differ, and figures.
fn offered(runs: Runs) -> (Names, Names) {
    let (listing, _) = runs.shown.get();
    let settings = runs.with_table(|table| {
        let differ = differing(table, &listing.rows).into_iter().filter(|name| !name.starts_with("metric."));
        differ.map(|name| (name.clone(), name.replacen("param.", "", 1))).collect()
    });
    let figures = [named(Field::Took)].into_iter().chain(metrics(runs)).collect();
    (settings, figures)
}

/// The names of the axes: those that were chosen, or settings that differ, time and the listed metrics.
fn shown(runs: Runs) -> Vec<String> {
    let (settings, figures) = offered(runs);
    let is_known = |name: &String| settings.iter().chain(&figures).any(|(known, _)| known == name);
    let chosen = runs.view.with(|view| view.axes.iter().filter(|name| is_known(name)).cloned().collect::<Vec<_>>());
    if !chosen.is_empty() {
        return chosen;
    }
    let (listing, _) = runs.shown.get();
    let listed = |name: &str| name == Field::Took.name() || listing.columns.iter().any(|column| column.name == name);
    let settings = settings.into_iter().map(|(name, _)| name).take(N_SETTINGS);
    settings.chain(figures.into_iter().map(|(name, _)| name).filter(|name| listed(name))).collect()
}

/// The runs that have lines, by place.
fn places(runs: Runs) -> Vec<RunKey> {
    let (listing, _) = runs.shown.get();
    let key = |table: &RunTable, row_idx: usize| table.entry(row_idx).map(|entry| entry.id.clone());
    runs.with_table(|table| listing.rows.iter().filter_map(|&row_idx| key(table, row_idx)).collect())
}

fn data(runs: Runs) -> Data {
    let (listing, _) = runs.shown.get();
    let (names, aim) = (shown(runs), measure(runs));
    runs.changed.track();
    runs.with_table(|table| {
        let aim = aim.and_then(|aim| names.iter().position(|name| *name == aim));
        let columns: Vec<Column> = names.iter().filter_map(|name| column(table, &listing.rows, name)).collect();
        let aim = aim.filter(|aim| columns.get(*aim).is_some_and(|column| column.goal.is_some()));
        let rows = || listing.rows.iter().filter_map(|&row_idx| table.entry(row_idx));
        let mut ranked: Vec<usize> = (0..rows().count()).collect();
        if let Some(Column { goal: Some(goal), values, .. }) = aim.map(|aim| &columns[aim]) {
            let loss = |at: usize| goal.as_loss(values[at]);
            sort_by(&mut ranked, |&one, &other| {
                // What has no figure comes last.
                let missing = values[one].is_nan().cmp(&values[other].is_nan());
                missing.then(loss(one).total_cmp(&loss(other)))
            });
        }
        Data { names: rows().map(experiment::IndexEntry::title).collect(), columns, aim, ranked }
    })
}

/// One axis: numbers, or names where not all values are numbers.
fn column(table: &RunTable, rows: &[usize], name: &str) -> Option<Column> {
    let source = table.source(name).ok()?;
    let cells: Vec<Cell<'_>> = rows.iter().map(|&row_idx| table.cell(row_idx, source)).collect();
    let mut different: Vec<Cell<'_>> = cells.iter().copied().filter(|cell| *cell != Cell::Missing).collect();
    sort_by(&mut different, |one, other| one.order(*other));
    different.dedup_by(|one, other| one.order(*other).is_eq());
    let n_numbers = different.iter().filter(|cell| cell.number().is_some()).count();
    let has_names = n_numbers < different.len() && (n_numbers == 0 || different.len() <= N_OPTIONS);
    let options: Vec<String> = if has_names { different.iter().map(ToString::to_string).collect() } else { Vec::new() };
    let value = |cell: &Cell<'_>| match (options.is_empty(), cell) {
        (true, cell) => cell.number().unwrap_or(f64::NAN),
        (false, Cell::Missing) => f64::NAN,
        (false, cell) => {
            let text = cell.to_string();
            options.iter().position(|option| *option == text).map_or(f64::NAN, |at| at as f64)
        }
    };
    let values: Vec<f64> = cells.iter().map(value).collect();
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(0.0, f64::max));
    let is_setting = name.starts_with("param.");
    let is_log = options.is_empty() && (is_setting || name == Field::Took.name()) && low > 0.0 && high / low >= WIDE;
    let goal = table.better(source).map(|better| match better {
        Direction::Higher => Goal::Maximize,
        Direction::Lower => Goal::Minimize,
    });
    let label = match source {
        Source::Column(_) if is_setting => name.replacen("param.", "", 1),
        Source::Column(_) | Source::Field(_) => table.label(source).to_owned(),
    };
    Some(Column { name: name.to_owned(), label, options, is_log, goal, values })
}
