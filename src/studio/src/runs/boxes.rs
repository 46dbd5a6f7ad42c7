//! How a metric spreads over the listed runs: a box for each group.

use charts::{Axis, BoxMark, Detail, Figure, Marks, Series};
use experiment::stats::{BoxPlot, box_plot};
use experiment::{Field, RunKey};
use leptos::prelude::*;

use super::axes::{choice, measure, metrics, named};
use super::store::Runs;
use crate::viewers::chart::{ChartEvents, chart};

/// More groups than these have boxes too thin to compare.
const N_BOXES: usize = 30;
/// A longer name of a group would leave no room for its number of runs.
const N_LETTERS: usize = 18;
/// What the marks mean, as it stands beside the chart.
const MEANING: &str = "Box: quartiles (linear) and median. Whiskers: to the last run within 1.5 interquartile ranges of \
                       the box. Dots: runs beyond them, click one to compare it.";

/// The page.
pub fn boxes(runs: Runs) -> AnyView {
    let offered = move || {
        let mut names = metrics(runs);
        names.push(named(Field::Took));
        names
    };
    let metric = Memo::new(move |_| {
        let names = offered();
        let is_known = |name: &String| names.iter().any(|(known, _)| known == name);
        let chosen = runs.view.with(|view| view.axes.first().cloned().filter(is_known));
        chosen.or_else(|| measure(runs)).or_else(|| Some(names.first()?.0.clone())).unwrap_or_default()
    });
    let announce = Callback::new(move |text: String| runs.studio.announcement.set(text));
    // A run that is put on the charts leaves the boxes what they are.
    let by = Memo::new(move |_| runs.view.with(|view| view.group.clone()));
    let drawn = move || {
        let Some((figure, keys)) = figure(runs, &metric.get(), &by.get()) else {
            return super::empty("boxes", "No listed run has it", "Choose another metric, or clear the search.");
        };
        let pick = Callback::new(move |(series_idx, mark_idx): (usize, usize)| {
            if let Some(key) = keys.get(mark_idx).filter(|_| series_idx == 1) {
                runs.toggle(key);
            }
        });
        view! { <div class="output__panel output__panel--wide">{chart(figure, ChartEvents { announce, pick: Some(pick) })}</div> }.into_any()
    };
    let hint = move || {
        by.read()
            .is_empty()
            .then(|| view! { <p class="runs__quiet">"Group the list by a setting for a box of each value."</p> })
    };
    view! {
        <div class="runs__scatter">
            <div class="runs__axes">
                {choice("Metric", offered, move || metric.get(), move |name| runs.look(|view| view.axes = vec![name]))}
                {hint}
                <p class="runs__quiet runs__meaning">{MEANING}</p>
            </div>
            {drawn}
        </div>
    }
    .into_any()
}

/// A group's box, and the runs whose values it was made of.
struct Boxed {
    name: String,
    shown: BoxPlot,
    values: Vec<(RunKey, f64)>,
}

/// The boxes, and the runs of the dots beyond them; none if no listed run has the metric.
fn figure(runs: Runs, metric: &str, by: &[String]) -> Option<(Figure, Vec<RunKey>)> {
    let (listing, _) = runs.shown.get();
    let (boxed, label) = runs.with_table(|table| {
        let source = table.source(metric).ok()?;
        let value = |row_idx: &usize| Some((table.entry(*row_idx)?.id.clone(), table.cell(*row_idx, source).number()?));
        let boxed = |name: String, rows: &[usize]| {
            let values: Vec<(RunKey, f64)> = rows.iter().filter_map(value).collect();
            let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
            Some(Boxed { name, shown: box_plot(&numbers)?, values })
        };
        // The list has its groups by their best run; here they stand as on an axis.
        let groups = table.group(&listing.rows, by, &[]).ok().filter(|_| !by.is_empty());
        let boxed: Vec<Boxed> = match groups {
            Some(groups) => groups.iter().filter_map(|group| boxed(group.title(), &group.rows)).collect(),
            None => boxed("all runs".into(), &listing.rows).into_iter().collect(),
        };
        Some((boxed, table.label(source).to_owned()))
    })?;
    if boxed.is_empty() {
        return None;
    }
    let by = by.join(", ").replacen("param.", "", 1);
    let n_groups = boxed.len();
    let boxed = &boxed[..n_groups.min(N_BOXES)];
    let mark = |boxed: &Boxed| {
        let BoxPlot { low, q1, median, q3, high, .. } = boxed.shown;
        BoxMark { low, q1, median, q3, high }
    };
    let (mut dots, mut keys) = (Vec::new(), Vec::new());
    for (at, Boxed { shown, values, .. }) in boxed.iter().enumerate() {
        for (key, value) in values.iter().filter(|(_, value)| *value < shown.low || *value > shown.high) {
            dots.push((at as f64, *value));
            keys.push(key.clone());
        }
    }
    let counts = boxed.iter().map(|boxed| boxed.shown.n as f64).collect();
    let n_runs: usize = boxed.iter().map(|boxed| boxed.shown.n).sum();
    let axis = |label: String, categories| Axis { label, range: None, fixed: false, categories };
    let detail = Some(Detail { label: "Runs".into(), values: counts });
    let mut series = vec![Series {
        name: "runs".into(),
        color_idx: 0,
        marks: Marks::Boxes(boxed.iter().map(mark).collect()),
        detail,
    }];
    if !dots.is_empty() {
        series.push(Series { name: "outliers".into(), color_idx: 0, marks: Marks::Points(dots), detail: None });
    }
    let title = if by.is_empty() { label.clone() } else { format!("{label} by {by}") };
    let figure = Figure {
        id: "runs-boxes".into(),
        summary: format!(
            "How {label} spreads over {n_runs} runs in {} groups; {} runs are outliers",
            boxed.len(),
            keys.len()
        ),
        title,
        x: axis(by, boxed.iter().map(category).collect()),
        y: axis(label, Vec::new()),
        series,
        guides: Vec::new(),
        n_rows: n_runs as u64,
        sampling: if n_groups > N_BOXES { format!("{N_BOXES} of {n_groups} groups") } else { String::new() },
    };
    Some((figure, keys))
}

/// A group's name with its number of runs.
fn category(boxed: &Boxed) -> String {
    let mut name: String = boxed.name.chars().take(N_LETTERS).collect();
    if name.len() < boxed.name.len() {
        name.push('…');
    }
    format!("{name}, n = {}", boxed.shown.n)
}
