//! Curves of several runs over each other.

use charts::{Figure, Marks, N_COLORS, Series};
use experiment::Shown;
use leptos::prelude::*;

use super::panel::{Detail, Details};
use super::store::Runs;
use crate::viewers::chart::{ChartEvents, chart};

/// Up to so many runs are named in full beside their curves.
const N_NAMED: usize = 3;

/// One chart for each kind of figure that any of the runs has.
pub fn curves(runs: Runs, details: &Details) -> AnyView {
    let mut kinds: Vec<Overlay> = Vec::new();
    // The names of many would leave no room for their curves; they stand above, with the colours.
    let is_named = details.len() <= N_NAMED;
    for detail in details {
        for figure in detail.record.figures.iter().filter_map(|figure| match figure.shown()? {
            Shown::Figure(figure) => Some(figure),
            Shown::Confusion(_) => None,
        }) {
            match kinds.iter_mut().find(|kind| kind.fits(&figure)) {
                Some(kind) => kind.add(&figure, detail, is_named),
                None => {
                    let mut kind = Overlay::new(&figure);
                    kind.add(&figure, detail, is_named);
                    kinds.push(kind);
                }
            }
        }
    }
    if kinds.is_empty() {
        return super::empty("chart-line", "These runs left no curves", "An Evaluate Model node draws them.");
    }
    let announce = Callback::new(move |text: String| runs.studio.announcement.set(text));
    let charts = kinds.into_iter().map(|kind| {
        view! { <div class="output__panel">{chart(kind.done(), ChartEvents { announce, pick: None })}</div> }
    });
    view! { <div class="output__panels runs__charts">{charts.collect_view()}</div> }.into_any()
}

/// Figures of one kind in one.
struct Overlay {
    figure: Figure,
    n_figures: usize,
}

impl Overlay {
    fn new(first: &Figure) -> Self {
        Self { figure: Figure { series: Vec::new(), ..first.clone() }, n_figures: 0 }
    }

    /// Whether both measure the same: trials of several sweeps may aim at different metrics on their way.
    fn fits(&self, figure: &Figure) -> bool {
        self.figure.id == figure.id && self.figure.y.label == figure.y.label
    }

    fn add(&mut self, figure: &Figure, detail: &Detail, is_named: bool) {
        self.n_figures += 1;
        if figure.n_rows != self.figure.n_rows {
            // There is no one number of rows to tell.
            self.figure.n_rows = 0;
        }
        let is_line = |series: &&Series| matches!(series.marks, Marks::Line(_) | Marks::Area(_));
        let has_lines = figure.series.iter().any(|series| is_line(&series));
        // Single points on a curve, such as the threshold in use, would hide other curves.
        let shown: Vec<_> = figure.series.iter().filter(|series| !has_lines || is_line(series)).collect();
        for (model_idx, series) in shown.iter().enumerate() {
            let name = match (shown.len() > 1, is_named) {
                (true, _) => format!("{}: {}", detail.entry.number, series.name),
                (false, true) => detail.title(),
                (false, false) => format!("run {}", detail.entry.number),
            };
            // A tint under each of several curves says nothing.
            let marks = match &series.marks {
                Marks::Area(points) => Marks::Line(points.clone()),
                marks => marks.clone(),
            };
            // A run has one colour; of several models, the others have another stroke.
            let color_idx = detail.color as u8 + N_COLORS * model_idx.min(2) as u8;
            self.figure.series.push(Series { name, color_idx, marks, detail: series.detail.clone() });
        }
    }

    fn done(mut self) -> Figure {
        if self.n_figures > 1 {
            self.figure.summary = format!("{} of {} runs over each other", self.figure.title, self.n_figures);
        }
        self.figure
    }
}
