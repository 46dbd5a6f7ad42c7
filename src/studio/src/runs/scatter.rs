//! Every listed run as a dot: one number against another.

use charts::{Axis, Figure, Marks, Series};
use experiment::{Field, RunKey};
use leptos::prelude::*;

use super::axes::{choice, measure, numbers};
use super::store::Runs;
use crate::viewers::chart::{ChartEvents, chart};

/// Groups that have a series of their own; the rest share one.
const N_SERIES: usize = 8;

/// The page.
pub fn scatter(runs: Runs) -> AnyView {
    let axes = Memo::new(move |_| {
        let names = numbers(runs);
        let usual = usual(runs, &names);
        runs.view.with(|view| {
            let chosen = |at: usize| {
                let name = view.axes.get(at).filter(|name| names.iter().any(|(known, _)| known == *name));
                name.cloned().unwrap_or_else(|| usual[at].clone())
            };
            [chosen(0), chosen(1)]
        })
    });
    let announce = Callback::new(move |text: String| runs.studio.announcement.set(text));
    let drawn = move || {
        let axes = axes.get();
        let (figure, keys) = figure(runs, &axes);
        if figure.series.is_empty() {
            return super::empty("chart-scatter", "No listed run has both", "Choose other axes, or clear the search.");
        }
        let pick = Callback::new(move |(series_idx, mark_idx): (usize, usize)| {
            if let Some(key) = keys.get(series_idx).and_then(|keys: &Vec<RunKey>| keys.get(mark_idx)) {
                runs.toggle(key);
            }
        });
        view! { <div class="output__panel output__panel--wide">{chart(figure, ChartEvents { announce, pick: Some(pick) })}</div> }.into_any()
    };
    view! {
        <div class="runs__scatter">
            <div class="runs__axes">{axis(runs, axes, 0, "Across")}{axis(runs, axes, 1, "Up")}<p class="runs__quiet">"Click a dot to compare its run."</p></div>
            {drawn}
        </div>
    }
    .into_any()
}

fn axis(runs: Runs, axes: Memo<[String; 2]>, at: usize, label: &'static str) -> AnyView {
    let choose = move |name: String| {
        let mut names = axes.get_untracked();
        names[at] = name;
        runs.look(|view| view.axes = names.to_vec());
    };
    choice(label, move || numbers(runs), move || axes.get()[at].clone(), choose)
}

/// What took how long, against the metric that is looked at.
fn usual(runs: Runs, names: &[(String, String)]) -> [String; 2] {
    let measure = measure(runs).or_else(|| names.first().map(|(name, _)| name.clone())).unwrap_or_default();
    [Field::Took.name().to_owned(), measure]
}

/// The dots, by group, and whose they are.
fn figure(runs: Runs, axes: &[String; 2]) -> (Figure, Vec<Vec<RunKey>>) {
    let (listing, _) = runs.shown.get();
    let (mut series, mut keys) = (Vec::new(), Vec::<Vec<RunKey>>::new());
    let labels = runs.with_table(|table| {
        let sources = axes.each_ref().map(|name| table.source(name).ok());
        let [Some(x), Some(y)] = sources else { return [String::new(), String::new()] };
        let groups: Vec<(String, &[usize])> = if listing.groups.is_empty() {
            vec![("runs".into(), listing.rows.as_slice())]
        } else {
            listing.groups.iter().map(|group| (group.title(), group.rows.as_slice())).collect()
        };
        for (name, rows) in groups {
            let dots = rows.iter().filter_map(|&row_idx| {
                let point = (table.cell(row_idx, x).number()?, table.cell(row_idx, y).number()?);
                let is_drawn = point.0.is_finite() && point.1.is_finite();
                is_drawn.then_some((point, table.entry(row_idx)?.id.clone()))
            });
            let (points, of): (Vec<_>, Vec<_>) = dots.unzip();
            if points.is_empty() {
                continue;
            }
            if series.len() == N_SERIES {
                // The last series takes in all further groups.
                let last: &mut Series = &mut series[N_SERIES - 1];
                last.name = "others".into();
                if let Marks::Points(all) = &mut last.marks {
                    all.extend(points);
                }
                keys[N_SERIES - 1].extend(of);
                continue;
            }
            let color_idx = series.len() as u8;
            series.push(Series { name, color_idx, marks: Marks::Points(points), detail: None });
            keys.push(of);
        }
        [x, y].map(|source| table.label(source).to_owned())
    });
    let [x, y] = labels.map(|label| Axis { label, range: None, fixed: false, categories: Vec::new() });
    let n_runs: usize = keys.iter().map(Vec::len).sum();
    let figure = Figure {
        id: "runs-scatter".into(),
        title: format!("{} against {}", y.label, x.label),
        summary: format!("{n_runs} runs as dots"),
        x,
        y,
        series,
        guides: Vec::new(),
        n_rows: n_runs as u64,
        sampling: String::new(),
    };
    (figure, keys)
}
