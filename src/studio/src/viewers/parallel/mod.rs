//! Parallel coordinates: one axis for each number, one line for each thing.
//!
//! Lines are on three canvases above each other: every thing in grey, those that are let through in the colour of what
//! is aimed at, and those that stand out and the one that is pointed at. Brushing draws only the second anew, and thin:
//! a hundred thick lines take the browser longer than a thousand thin ones of the same colour in one path.

mod axis;
mod columns;
mod filter;
mod lines;
mod paint;
mod stage;

use std::sync::Arc;

use charts::{FigureCell, FigureRow, FigureTable, Scale};
use leptos::prelude::*;
use study::Goal;

pub use columns::{Brush, Column, passing};
use lines::Lines;

use super::chart::table;
use crate::dom;
use crate::views::icon::icon;

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// What each line is called; equal places belong to the same thing.
    pub names: Vec<String>,
    /// One for each axis, from left to right.
    pub columns: Vec<Column>,
    /// The axis whose figures colour the lines.
    pub aim: Option<usize>,
    /// Places of the lines, the best first.
    pub ranked: Vec<usize>,
}

/// What things are called.
#[derive(Clone, Copy)]
pub struct Naming {
    /// Of the chart.
    pub title: &'static str,
    /// One of the things, such as "Trial".
    pub one: &'static str,
    /// Several of them, such as "trials".
    pub many: &'static str,
    /// Of the file with the numbers.
    pub file: &'static str,
}

/// Which lines stand out.
#[derive(Clone, Copy)]
pub enum Outstanding {
    /// The best of those that are let through.
    Best,
    /// These, by place, each in a colour of the palette.
    These(Signal<Vec<(usize, u8)>>),
}

/// What the chart tells others.
#[derive(Clone, Copy)]
pub struct Told {
    /// Text for screen readers.
    pub announce: Callback<String>,
    /// A line was clicked, or Enter pressed on it: its place.
    pub pick: Option<Callback<usize>>,
}

/// What the user makes of the axes. A handle, kept for as long as the things are shown.
#[derive(Clone, Copy)]
pub struct Axes {
    /// Names of axes from left to right, as far as they were moved.
    order: RwSignal<Vec<String>>,
    /// Axes that are spread in the other way than their values were.
    respread: RwSignal<Vec<String>>,
    brushes: RwSignal<Vec<Brush>>,
    /// The brushes as they were when none was being drawn.
    settled: RwSignal<Vec<Brush>>,
    is_drawing: RwSignal<bool>,
}

impl Axes {
    /// As they come.
    pub fn new() -> Self {
        let axes = Self {
            order: RwSignal::default(),
            respread: RwSignal::default(),
            brushes: RwSignal::default(),
            settled: RwSignal::default(),
            is_drawing: RwSignal::new(false),
        };
        Effect::new(move |_| {
            let brushes = axes.brushes.get();
            if !axes.is_drawing.get() && axes.settled.with_untracked(|settled| *settled != brushes) {
                axes.settled.set(brushes);
            }
        });
        axes
    }

    /// The brushes, told when none is being drawn.
    pub fn settled(self) -> Signal<Vec<Brush>> {
        self.settled.into()
    }

    /// Lets everything through.
    pub fn clear(self) {
        self.brushes.set(Vec::new());
    }

    fn brush(self, name: &str, range: Option<(f64, f64)>) {
        self.brushes.update(|brushes| {
            let place = brushes.iter().position(|brush| brush.name == name);
            match (place, range) {
                (Some(at), Some((low, high))) => (brushes[at].low, brushes[at].high) = (low, high),
                (None, Some((low, high))) => brushes.push(Brush { name: name.into(), low, high }),
                (Some(at), None) => drop(brushes.remove(at)),
                (None, None) => {}
            }
        });
    }

    fn range(self, name: &str) -> Option<(f64, f64)> {
        self.brushes
            .with(|brushes| brushes.iter().find(|brush| brush.name == name).map(|brush| (brush.low, brush.high)))
    }
}

/// An axis as it is drawn.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    name: String,
    label: String,
    goal: Option<Goal>,
    options: Vec<String>,
    /// From the bottom (1) to the top (0).
    scale: Scale,
    can_be_log: bool,
}

/// Everything a drawing needs.
#[derive(Clone, Copy)]
struct Plot {
    naming: Naming,
    data: Memo<Arc<Data>>,
    /// In the order of the columns, which the page keeps, so that moving an axis moves no element.
    shown: Memo<Vec<Shown>>,
    /// The places of `shown` from left to right.
    order: Memo<Vec<usize>>,
    size: RwSignal<(f64, f64)>,
    axes: Axes,
    /// How good each thing is, and what stands at the ends.
    merits: Memo<(Vec<f64>, [f64; 2])>,
    /// The thing that is pointed at, by place.
    at: RwSignal<Option<usize>>,
    /// Places of the things that are let through, the best first.
    ranked: Memo<Arc<Vec<usize>>>,
    outstanding: Outstanding,
    /// Where the lines meet the axes.
    lines: Memo<Arc<Lines>>,
}

/// The chart with everything around it.
pub fn view(data: Memo<Arc<Data>>, naming: Naming, axes: Axes, outstanding: Outstanding, told: Told) -> AnyView {
    let shown = Memo::new(move |_| {
        let is_moved = |column: &Column| axes.respread.with(|names| names.contains(&column.name));
        let shown = |column: &Column| Shown {
            name: column.name.clone(),
            label: column.label.clone(),
            goal: column.goal,
            options: column.options.clone(),
            scale: column.scale(column.is_log != is_moved(column)),
            can_be_log: column.options.is_empty() && column.scale(true).is_log,
        };
        data.with(|data| data.columns.iter().map(shown).collect::<Vec<_>>())
    });
    let order = Memo::new(move |_| {
        shown.with(|shown| {
            axes.order.with(|order| {
                let moved = order.iter().filter_map(|name| shown.iter().position(|axis| axis.name == *name));
                let mut all: Vec<usize> = moved.collect();
                let rest: Vec<usize> = (0..shown.len()).filter(|at| !all.contains(at)).collect();
                all.extend(rest);
                all
            })
        })
    });
    let merits = Memo::new(move |_| {
        let aim = |data: &Data| data.aim.and_then(|aim| Some(data.columns.get(aim)?.merits()));
        data.with(|data| aim(data)).unwrap_or((Vec::new(), [f64::NAN; 2]))
    });
    let size = RwSignal::new((0.0, 0.0));
    let ranked = Memo::new(move |_| {
        let ranked = |data: &Arc<Data>| {
            let passing = axes.brushes.with(|brushes| passing(data.columns.iter(), brushes, data.names.len()));
            Arc::new(data.ranked.iter().copied().filter(|at| passing[*at]).collect())
        };
        data.with(ranked)
    });
    let lines = Memo::new(move |_| {
        let of = |data: &Arc<Data>| shown.with(|shown| order.with(|order| Lines::new(data, shown, order, size.get())));
        Arc::new(data.with(of))
    });
    let plot =
        Plot { naming, data, shown, order, size, axes, merits, at: RwSignal::new(None), ranked, outstanding, lines };
    let shows_table = RwSignal::new(false);
    let content = move || if shows_table.get() { plot.table() } else { stage::stage(plot, told) };
    let save = move |_| dom::download(naming.file, "text/csv", plot.rows().to_csv().as_bytes());
    let count = move || {
        format!("{} of {} {}", ranked.with(|ranked| ranked.len()), data.with(|data| data.names.len()), naming.many)
    };
    let title = naming.title.to_lowercase();
    view! {
        <figure class="chart parallel">
            <figcaption class="chart__head">
                <h3 class="chart__title">{naming.title}</h3>
                {move || filter::chips(plot)}
                <span class="parallel__count">{count}</span>
                <span class="chart__notes">{move || legend(plot)}</span>
                <span class="chart__tools">
                    <button type="button" class="icon-button icon-button--small" aria-label=format!("View {title} as a table") title="View as table"
                        aria-pressed=move || shows_table.get().to_string() on:click=move |_| shows_table.update(|shown| *shown = !*shown)>{icon("table")}</button>
                    <button type="button" class="icon-button icon-button--small" aria-label=format!("Save the numbers of {title}") title="Save as CSV" on:click=save>{icon("download")}</button>
                </span>
            </figcaption>
            {content}
            {filter::filter(plot)}
        </figure>
    }
    .into_any()
}

impl Plot {
    fn x(self, place: usize) -> f64 {
        lines::axis_x(place, self.order.with(Vec::len), self.size.get().0)
    }

    /// The numbers of the things that are let through, axes from left to right.
    fn rows(self) -> FigureTable {
        let ranked = self.ranked.get();
        self.data.with(|data| {
            let columns = &data.columns;
            let order = self.order.get();
            let cell = |column: &Column, at: usize| match column.values[at] {
                value if value.is_nan() => FigureCell::Empty,
                value if column.options.is_empty() => FigureCell::Number(value),
                value => FigureCell::Text(column.words(value)),
            };
            let row = |at: usize| {
                let name = FigureCell::Text(data.names[at].clone());
                let cells = [name].into_iter().chain(order.iter().map(|axis| cell(&columns[*axis], at))).collect();
                FigureRow { series_idx: 0, mark_idx: at, cells }
            };
            let heads = order.iter().map(|axis| columns[*axis].label.clone());
            FigureTable {
                heads: [self.naming.one.to_owned()].into_iter().chain(heads).collect(),
                rows: ranked.iter().copied().map(row).collect(),
            }
        })
    }

    fn table(self) -> AnyView {
        table(self.naming.title, "The best first".into(), self.rows())
    }

    /// Label and value on each axis, from left to right.
    fn words(self, at: usize) -> Vec<(String, String)> {
        self.data.with(|data| {
            let of = |axis: &usize| {
                let column = &data.columns[*axis];
                (column.label.clone(), column.words(column.values[at]))
            };
            self.order.with(|order| order.iter().map(of).collect())
        })
    }

    /// The thing that is let through and whose line passes nearest to a point, if one is near.
    fn nearest(self, x: f64, y: f64) -> Option<usize> {
        self.ranked.with(|ranked| self.lines.with(|lines| lines.nearest(ranked, x, y)))
    }

    /// What a thing is called: "Trial 7".
    fn title(self, at: usize) -> Option<String> {
        self.data.with(|data| Some(format!("{} {}", self.naming.one, data.names.get(at)?)))
    }

    /// The lines that stand out, and their colours.
    fn marked(self) -> Vec<(usize, u8)> {
        match self.outstanding {
            Outstanding::Best => self.ranked.with(|ranked| ranked.first().map(|best| (*best, 0))).into_iter().collect(),
            Outstanding::These(marked) => marked.get(),
        }
    }
}

/// The colours with what stands at their ends.
fn legend(plot: Plot) -> AnyView {
    let [low, high] = plot.merits.with(|(_, ends)| *ends);
    let label = plot.data.with(|data| data.aim.and_then(|aim| Some(data.columns.get(aim)?.label.clone())));
    let Some(label) = label.filter(|_| low.is_finite()) else { return ().into_any() };
    let colors = (0..6).map(|level| view! { <i class=format!("ramp--{level}")></i> }).collect_view();
    view! { <span class="parallel__ramp">{label}" "{charts::number(low)}<span aria-hidden="true">{colors}</span>{charts::number(high)}</span> }
        .into_any()
}
