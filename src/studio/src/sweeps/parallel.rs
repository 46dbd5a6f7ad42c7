//! All settings at once: one axis for each, one line for each trial.
//!
//! Lines are on three canvases above each other: every trial in grey, those that are let through in the colour of
//! their objective, and the best and the one that is pointed at. Brushing draws only the second anew, and thin: a
//! hundred thick lines take the browser longer than a thousand thin ones of the same colour in one path.

use std::sync::Arc;

use charts::{FigureCell, FigureRow, FigureTable, RAMP, Scale, Theme};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::{Canvas, Div, I};
use leptos::prelude::*;
use study::Goal;
use wasm_bindgen::JsCast;
use web_sys::CanvasRenderingContext2d;

use super::columns::{Brush, Column, Columns};
use crate::dom;
use crate::store::Studio;
use crate::viewers::chart::table;
use crate::viewers::{theme, version, watch_size};
use crate::views::icon::{icon, small_icon};

/// Left and right of the outer axes, in pixels: room for half of a heading.
const MARGIN: f64 = 60.0;
/// A press so near to an axis, in pixels, is meant for it.
const REACH: f64 = 24.0;
/// Up to so many lines are drawn thicker than a pixel of the device, which takes several times as long.
const N_THICK: usize = 120;
/// Up to so many trials have curves, which are easier to follow; more have straight lines, which are drawn sooner.
const N_CURVED: usize = 300;

/// What the user makes of the axes. A handle, kept for as long as the sweep is shown.
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

/// What a pointer that is held down does.
#[derive(Clone, Debug)]
enum Drag {
    /// Draws a brush from here.
    New(Shown, f64),
    /// Moves a brush by what it is held at, its ends from there.
    Move(Shown, f64, f64, f64),
}

/// Everything a drawing needs.
#[derive(Clone, Copy)]
struct Plot {
    data: Memo<Arc<Columns>>,
    /// In the order of the columns, which the page keeps, so that moving an axis moves no element.
    shown: Memo<Vec<Shown>>,
    /// The places of `shown` from left to right.
    order: Memo<Vec<usize>>,
    size: RwSignal<(f64, f64)>,
    axes: Axes,
    /// How good each trial is, and what stands at the ends.
    merits: Memo<(Vec<f64>, [f64; 2])>,
    /// The trial that is pointed at, by place.
    at: RwSignal<Option<usize>>,
    /// Places of the trials that are let through, the best first.
    ranked: Memo<Arc<Vec<usize>>>,
    /// Where the trials' lines meet the axes.
    lines: Memo<Arc<Lines>>,
}

/// The panel.
pub fn view(studio: Studio, data: Memo<Arc<Columns>>, axes: Axes) -> AnyView {
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
        data.with(|data| data.all().map(shown).collect::<Vec<_>>())
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
        let of = |data: &Columns| data.objectives.first().map(|first| data.merits(first));
        data.with(|data| of(data)).unwrap_or((Vec::new(), [f64::NAN; 2]))
    });
    let size = RwSignal::new((0.0, 0.0));
    let ranked = Memo::new(move |_| {
        let ranked = |data: &Arc<Columns>| {
            let passing = axes.brushes.with(|brushes| data.passing(brushes));
            Arc::new(data.ranked.iter().copied().filter(|at| passing[*at]).collect())
        };
        data.with(ranked)
    });
    let lines = Memo::new(move |_| {
        let of =
            |data: &Arc<Columns>| shown.with(|shown| order.with(|order| Lines::new(data, shown, order, size.get())));
        Arc::new(data.with(of))
    });
    let plot = Plot { data, shown, order, size, axes, merits, at: RwSignal::new(None), ranked, lines };
    let shows_table = RwSignal::new(false);
    let content = move || if shows_table.get() { plot.table() } else { stage(studio, plot) };
    let save = move |_| dom::download("sweep-trials.csv", "text/csv", plot.rows().to_csv().as_bytes());
    let count =
        move || format!("{} of {} trials", ranked.with(|ranked| ranked.len()), data.with(|data| data.trials.len()));
    view! {
        <figure class="chart parallel">
            <figcaption class="chart__head">
                <h3 class="chart__title">"All settings at once"</h3>
                {move || chips(plot)}
                <span class="parallel__count">{count}</span>
                <span class="chart__notes">{move || legend(plot)}</span>
                <span class="chart__tools">
                    <button type="button" class="icon-button icon-button--small" aria-label="View all settings at once as a table" title="View as table"
                        aria-pressed=move || shows_table.get().to_string() on:click=move |_| shows_table.update(|shown| *shown = !*shown)>{icon("table")}</button>
                    <button type="button" class="icon-button icon-button--small" aria-label="Save the numbers of all settings at once" title="Save as CSV" on:click=save>{icon("download")}</button>
                </span>
            </figcaption>
            {content}
            {filter(plot)}
        </figure>
    }
    .into_any()
}

impl Plot {
    fn x(self, place: usize) -> f64 {
        axis_x(place, self.order.with(Vec::len), self.size.get().0)
    }

    /// The numbers of the trials that are let through, axes from left to right.
    fn rows(self) -> FigureTable {
        let ranked = self.ranked.get();
        self.data.with(|data| {
            let columns: Vec<&Column> = data.all().collect();
            let order = self.order.get();
            let cell = |column: &Column, at: usize| match column.values[at] {
                value if value.is_nan() => FigureCell::Empty,
                value if column.options.is_empty() => FigureCell::Number(value),
                value => FigureCell::Text(column.words(value)),
            };
            let row = |at: usize| {
                let number = FigureCell::Number(f64::from(data.trials[at]));
                let cells = [number].into_iter().chain(order.iter().map(|axis| cell(columns[*axis], at))).collect();
                FigureRow { series_idx: 0, mark_idx: at, cells }
            };
            let heads = order.iter().map(|axis| columns[*axis].label.clone());
            FigureTable {
                heads: ["Trial".to_owned()].into_iter().chain(heads).collect(),
                rows: ranked.iter().copied().map(row).collect(),
            }
        })
    }

    fn table(self) -> AnyView {
        table("All settings at once", "The best trial first".into(), self.rows())
    }

    /// Label and value on each axis, from left to right.
    fn words(self, at: usize) -> Vec<(String, String)> {
        self.data.with(|data| {
            let columns: Vec<&Column> = data.all().collect();
            let of = |axis: &usize| (columns[*axis].label.clone(), columns[*axis].words(columns[*axis].values[at]));
            self.order.with(|order| order.iter().map(of).collect())
        })
    }
}

/// Where an axis is.
fn axis_x(place: usize, n_axes: usize, width: f64) -> f64 {
    MARGIN + place as f64 * (width - 2.0 * MARGIN) / (n_axes.max(2) - 1) as f64
}

/// Lines as pixels.
#[derive(PartialEq)]
struct Lines {
    xs: Vec<f64>,
    /// By axis, then by trial.
    ys: Vec<Vec<f64>>,
    is_curved: bool,
}

impl Lines {
    fn new(data: &Columns, shown: &[Shown], order: &[usize], (width, height): (f64, f64)) -> Self {
        let columns: Vec<&Column> = data.all().collect();
        let ys = |axis: &usize| {
            let scale = shown[*axis].scale;
            columns[*axis].values.iter().map(|value| scale.px(*value) * height).collect()
        };
        Self {
            xs: (0..order.len()).map(|place| axis_x(place, order.len(), width)).collect(),
            ys: order.iter().map(ys).collect(),
            is_curved: data.trials.len() <= N_CURVED,
        }
    }

    /// Several in one path: many times as fast as one by one while they are thin, and slower when they are not.
    fn stroke(&self, context: &CanvasRenderingContext2d, at: impl IntoIterator<Item = usize>) {
        context.begin_path();
        at.into_iter().for_each(|at| self.trace(context, at));
        context.stroke();
    }

    fn trace(&self, context: &CanvasRenderingContext2d, at: usize) {
        let mut before = None;
        for (x, ys) in self.xs.iter().zip(&self.ys) {
            let y = ys[at];
            if y.is_nan() {
                before = None;
                continue;
            }
            match before {
                None => context.move_to(*x, y),
                Some(_) if !self.is_curved => context.line_to(*x, y),
                Some((from_x, from_y)) => {
                    let middle = (from_x + x) / 2.0;
                    context.bezier_curve_to(middle, from_y, middle, y, *x, y);
                }
            }
            before = Some((*x, y));
        }
    }

    /// The height of a line at a point between two axes: the curve of `trace`, near enough to be pointed at.
    fn y(&self, at: usize, x: f64) -> f64 {
        let right = self.xs.iter().position(|axis| *axis >= x).unwrap_or(self.xs.len() - 1).max(1);
        let (from, to) = (self.xs[right - 1], self.xs[right]);
        let share = ((x - from) / (to - from)).clamp(0.0, 1.0);
        let eased = if self.is_curved { share * share * (3.0 - 2.0 * share) } else { share };
        self.ys[right - 1][at] + (self.ys[right][at] - self.ys[right - 1][at]) * eased
    }
}

/// What is let through, each with a way to take it back.
fn chips(plot: Plot) -> AnyView {
    let chip = |brush: Brush| {
        let words = plot.data.with(|data| {
            let column = data.column(&brush.name)?;
            let inside = |at: &usize| (brush.low..=brush.high).contains(&(*at as f64));
            Some(if column.options.is_empty() {
                format!("{} {} to {}", column.label, charts::number(brush.low), charts::number(brush.high))
            } else {
                let names = (0..column.options.len()).filter(inside).map(|at| column.options[at].as_str());
                format!("{} {}", column.label, names.collect::<Vec<_>>().join(", "))
            })
        })?;
        let label = format!("Clear {words}");
        Some(view! {
            <button type="button" class="parallel__chip" aria-label=label on:click=move |_| plot.axes.brush(&brush.name, None)>{words}{small_icon("x")}</button>
        })
    };
    plot.axes.brushes.get().into_iter().filter_map(chip).collect_view().into_any()
}

/// The colours with what stands at their ends.
fn legend(plot: Plot) -> AnyView {
    let [low, high] = plot.merits.with(|(_, ends)| *ends);
    let label = plot.data.with(|data| data.objectives.first().map(|first| first.label.clone()));
    let Some(label) = label.filter(|_| low.is_finite()) else { return ().into_any() };
    let colors = (0..6).map(|level| view! { <i class=format!("ramp--{level}")></i> }).collect_view();
    view! { <span class="parallel__ramp">{label}" "{charts::number(low)}<span aria-hidden="true">{colors}</span>{charts::number(high)}</span> }
        .into_any()
}

/// The way to a brush without drawing it.
fn filter(plot: Plot) -> AnyView {
    let chosen = RwSignal::new(String::new());
    let axis = Memo::new(move |_| {
        let name = chosen.get();
        plot.shown.with(|shown| shown.iter().find(|axis| axis.name == name).or(shown.first()).cloned())
    });
    let options = move || {
        let shown = plot.shown.get();
        shown.into_iter().map(|axis| view! { <option value=axis.name>{axis.label}</option> }).collect_view()
    };
    let end = move |axis: &Shown, is_low: bool| {
        let (name, scale) = (axis.name.clone(), axis.scale);
        let label = format!("{} {}", if is_low { "Smallest" } else { "Largest" }, axis.label);
        let value = {
            let name = name.clone();
            move || {
                plot.axes
                    .range(&name)
                    .map_or(String::new(), |(low, high)| shown_number(if is_low { low } else { high }))
            }
        };
        let change = move |event| {
            let typed = event_target_value(&event).trim().parse::<f64>().ok().filter(|x| x.is_finite());
            let (low, high) = untrack(|| plot.axes.range(&name)).unwrap_or((scale.low, scale.high));
            let range = if is_low { (typed.unwrap_or(scale.low), high) } else { (low, typed.unwrap_or(scale.high)) };
            let is_all = range.0 <= scale.low && range.1 >= scale.high;
            plot.axes.brush(&name, (!is_all).then_some(range));
        };
        view! { <input class="input input--number" inputmode="decimal" aria-label=label prop:value=value on:change=change /> }
    };
    let fields = move || {
        let axis = axis.get()?;
        Some(if axis.options.is_empty() {
            view! { "from "{end(&axis, true)}" to "{end(&axis, false)} }.into_any()
        } else {
            let names = axis.options.iter().enumerate();
            let names =
                names.map(|(at, name)| view! { <option value=at.to_string()>{name.clone()}</option> }).collect_view();
            let name = axis.name.clone();
            view! {
                <span class="select"><select aria-label=format!("Value of {}", axis.label) on:change=move |event| {
                    let at = event_target_value(&event).parse::<f64>().ok();
                    plot.axes.brush(&name, at.map(|at| (at - 0.4, at + 0.4)));
                }><option value="">"any"</option>{names}</select>{icon("chevron-down")}</span>
            }
            .into_any()
        })
    };
    view! {
        <div class="parallel__filter" role="group" aria-label="Trials to show">
            "Only "
            <span class="select"><select aria-label="Axis" on:change=move |event| chosen.set(event_target_value(&event))>{options}</select>{icon("chevron-down")}</span>
            {fields}
            <span class="parallel__hint">"or drag along an axis"</span>
        </div>
    }
    .into_any()
}

/// As short as the same number can be written.
fn shown_number(value: f64) -> String {
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    rounded.to_string()
}

fn stage(studio: Studio, plot: Plot) -> AnyView {
    let Plot { data, shown, order, size, axes, at, .. } = plot;
    let area = NodeRef::<Div>::new();
    let probe = NodeRef::<I>::new();
    let (back, front, top) = (NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new());
    Effect::new(move |_| {
        if let Some(area) = area.get() {
            watch_size(&area, move |width, height| size.set((width, height)));
        }
    });
    let colors = {
        let version = version();
        Memo::new(move |_| {
            version.track();
            probe.get().map(|probe| theme(&probe))
        })
    };
    draw(back, plot, colors, |context, plot, theme, line| {
        context.set_stroke_style_str(&css(theme.grid));
        context.set_line_width(line);
        plot.lines.with(|lines| lines.stroke(context, 0..plot.data.with(|data| data.trials.len())));
    });
    draw(front, plot, colors, |context, plot, theme, line| {
        let (lines, ranked) = (plot.lines.get(), plot.ranked.get());
        let is_thick = ranked.len() <= N_THICK && !plot.axes.is_drawing.get();
        context.set_line_width(if is_thick { 1.5 } else { line });
        let merits = plot.merits.get();
        let level = |at: &usize| merits.0.get(*at).map_or(0, |merit| (merit * 5.99) as u8);
        // The best first, so that equal levels are neighbours; drawn last, so that it is above the others.
        for alike in ranked.chunk_by(|one, other| level(one) == level(other)).rev() {
            context.set_stroke_style_str(&css(theme.series(RAMP + level(&alike[0]))));
            let places = alike.iter().rev().copied();
            if is_thick {
                places.for_each(|at| lines.stroke(context, [at]));
            } else {
                lines.stroke(context, places);
            }
        }
    });
    let best = Memo::new(move |_| plot.ranked.with(|ranked| ranked.first().copied()));
    draw(top, plot, colors, move |context, plot, theme, _| {
        let lines = plot.lines.get();
        let pointed = plot.at.get().filter(|at| plot.data.with(|data| *at < data.trials.len()));
        for (at, color) in [(best.get(), theme.series(0)), (pointed, theme.ink)] {
            let Some(at) = at else { continue };
            // A rim parts it from the lines below.
            for (width, color) in [(6.0, theme.ground), (2.5, color)] {
                context.set_line_width(width);
                context.set_stroke_style_str(&css(color));
                lines.stroke(context, [at]);
            }
            context.set_fill_style_str(&css(theme.ground));
            context.set_line_width(2.0);
            for (x, ys) in lines.xs.iter().zip(&lines.ys).filter(|(_, ys)| ys[at].is_finite()) {
                context.begin_path();
                // A circle that the browser refuses is missing, no more.
                let _ = context.arc(*x, ys[at], 3.5, 0.0, std::f64::consts::TAU);
                context.fill();
                context.stroke();
            }
        }
    });

    let drag = StoredValue::new(None::<(Drag, f64)>);
    let place = move |event: &PointerEvent| (f64::from(event.offset_x()), f64::from(event.offset_y()));
    let share = move |y: f64| (y / size.get_untracked().1.max(1.0)).clamp(0.0, 1.0);
    let down = move |event: PointerEvent| {
        let (x, y) = place(&event);
        let axis = untrack(|| {
            let near = (0..order.with(Vec::len)).find(|place| (plot.x(*place) - x).abs() <= REACH)?;
            shown.with(|shown| shown.get(order.with(|order| order[near])).cloned())
        });
        let Some(axis) = axis.filter(|_| event.button() == 0) else { return };
        if let Some(area) = area.get_untracked() {
            // Without a capture the brush ends where the pointer leaves the chart.
            let _ = area.set_pointer_capture(event.pointer_id());
        }
        let here = share(y);
        let ends = untrack(|| axes.range(&axis.name)).map(|(low, high)| (axis.scale.px(low), axis.scale.px(high)));
        let started = match ends.filter(|(low, high)| (*high..=*low).contains(&here)) {
            Some((low, high)) => Drag::Move(axis, here, low, high),
            None => Drag::New(axis, here),
        };
        drag.set_value(Some((started, y)));
        at.set(None);
        axes.is_drawing.set(true);
    };
    let moved = move |event: PointerEvent| {
        let (x, y) = place(&event);
        match drag.get_value() {
            Some((Drag::New(axis, from), began)) if (y - began).abs() >= 4.0 => {
                let (top, bottom) = (from.min(share(y)), from.max(share(y)));
                axes.brush(&axis.name, Some((axis.scale.value(bottom), axis.scale.value(top))));
            }
            Some((Drag::Move(axis, from, low, high), _)) => {
                // It keeps its length at the ends of the axis.
                let by = (share(y) - from).clamp(-high, 1.0 - low);
                axes.brush(&axis.name, Some((axis.scale.value(low + by), axis.scale.value(high + by))));
            }
            Some((Drag::New(..), _)) => {}
            None => at.set(untrack(|| nearest(plot, x, y))),
        }
    };
    let up = move |event: PointerEvent| {
        let Some((done, began)) = drag.get_value() else { return };
        drag.set_value(None);
        // A click takes the brush back.
        if let Drag::New(axis, _) | Drag::Move(axis, ..) = done
            && (place(&event).1 - began).abs() < 4.0
        {
            axes.brush(&axis.name, None);
        }
        axes.is_drawing.set(false);
    };
    let walk = move |event: KeyboardEvent| {
        let ranked = plot.ranked.get_untracked();
        let here = at.get_untracked().and_then(|at| ranked.iter().position(|other| *other == at));
        let last = ranked.len().saturating_sub(1);
        let goal = match (event.key().as_str(), here) {
            ("Escape", _) => {
                at.set(None);
                axes.clear();
                return;
            }
            ("ArrowRight" | "ArrowDown" | "ArrowLeft" | "ArrowUp" | "Home", None) | ("Home", _) => 0,
            ("ArrowRight" | "ArrowDown", Some(here)) => here + 1,
            ("ArrowLeft" | "ArrowUp", Some(here)) => here.saturating_sub(1),
            ("PageDown", here) => here.unwrap_or(0) + 10,
            ("PageUp", here) => here.unwrap_or(0).saturating_sub(10),
            ("End", _) => last,
            _ => return,
        };
        event.prevent_default();
        if let Some(goal) = ranked.get(goal.min(last)).copied() {
            at.set(Some(goal));
            let words = untrack(|| plot.words(goal)).into_iter().map(|(label, value)| format!("{label} {value}"));
            let number = data.with_untracked(|data| data.trials[goal]);
            studio.announcement.set(format!("Trial {number}: {}", words.collect::<Vec<_>>().join(", ")));
        }
    };
    let n_axes = move || shown.with(Vec::len);
    // Headings are as wide as the axes are apart, within reason.
    let room = move || format!("{:.0}px", (plot.x(1) - plot.x(0) - 8.0).clamp(84.0, 2.0 * MARGIN - 4.0));
    let columns = move || {
        let keyed = shown.get().into_iter().enumerate();
        keyed.map(|(idx, axis)| axis_view(plot, area, idx, &axis)).collect_view()
    };
    view! {
        <div class="parallel__scroll">
            <div class="parallel__stage" style:--n=move || n_axes().to_string() style:--room=room>
                <i class="chart__probe" hidden node_ref=probe></i>
                <div class="parallel__area" node_ref=area tabindex="0" role="group" aria-roledescription="chart"
                    aria-label=move || format!("All settings at once: {} axes, one line for each trial. Arrow keys read trials, the best first; Escape shows all", n_axes())
                    on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up
                    on:pointerleave=move |_| at.set(None) on:blur=move |_| at.set(None) on:keydown=walk>
                    <canvas aria-hidden="true" node_ref=back></canvas>
                    <canvas aria-hidden="true" node_ref=front></canvas>
                    <canvas aria-hidden="true" node_ref=top></canvas>
                    {move || at.get().map(|at| tip(plot, at))}
                </div>
                {columns}
            </div>
        </div>
    }
    .into_any()
}

/// Draws anew whenever something changes that `paint` looks at. It is told how thick the thinnest crisp line is.
fn draw(
    canvas: NodeRef<Canvas>,
    plot: Plot,
    colors: Memo<Option<Theme>>,
    paint: impl Fn(&CanvasRenderingContext2d, Plot, &Theme, f64) + 'static,
) {
    Effect::new(move |_| {
        let ((width, height), Some(canvas)) = (plot.size.get(), canvas.get()) else { return };
        let context = canvas.get_context("2d").ok().flatten().and_then(|context| context.dyn_into().ok());
        let Some(context): Option<CanvasRenderingContext2d> = context else { return };
        let ratio = dom::window().device_pixel_ratio();
        let n_pixels = ((width * ratio).round() as u32, (height * ratio).round() as u32);
        if n_pixels != (canvas.width(), canvas.height()) {
            canvas.set_width(n_pixels.0);
            canvas.set_height(n_pixels.1);
            // A browser that does not scale draws too small, which is no reason to stop.
            let _ = context.scale(ratio, ratio);
        }
        // A bit more, for the pixel that it was rounded up to.
        context.clear_rect(0.0, 0.0, width + 1.0, height + 1.0);
        colors.with(|theme| {
            if let Some(theme) = theme.as_ref().filter(|_| width > 2.0 * MARGIN && plot.order.with(Vec::len) > 1) {
                paint(&context, plot, theme, 1.0 / ratio);
            }
        });
    });
}

fn css(color: charts::Color) -> String {
    format!("rgb({},{},{})", color.red, color.green, color.blue)
}

/// The trial whose line passes nearest, at most 12 pixels away.
fn nearest(plot: Plot, x: f64, y: f64) -> Option<usize> {
    let lines = plot.lines.get();
    if lines.xs.len() < 2 {
        return None;
    }
    let distance = |at: usize| (lines.y(at, x) - y).abs();
    let ranked = plot.ranked.get();
    let near = ranked.iter().copied().map(|at| (at, distance(at))).filter(|(_, distance)| *distance <= 12.0);
    near.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(at, _)| at)
}

fn tip(plot: Plot, at: usize) -> AnyView {
    let Some(number) = plot.data.with(|data| data.trials.get(at).copied()) else { return ().into_any() };
    let words = plot.words(at).into_iter().map(|(label, value)| view! { <span>{label}</span><em>{value}</em> });
    view! { <div class="chart__tip parallel__tip"><b>"Trial "{number}</b>{words.collect_view()}</div> }.into_any()
}

/// Heading, line, ticks and brush of an axis.
fn axis_view(plot: Plot, area: NodeRef<Div>, idx: usize, axis: &Shown) -> AnyView {
    let Plot { order, axes, size, .. } = plot;
    let (name, label, scale) = (axis.name.clone(), axis.label.clone(), axis.scale);
    let place = move || order.with(|order| order.iter().position(|other| *other == idx)).unwrap_or(0);
    let move_to = move |goal: usize| {
        let names =
            untrack(|| plot.shown.with(|shown| order.get().into_iter().map(|at| shown[at].name.clone()).collect()));
        let mut names: Vec<String> = names;
        let here = untrack(place);
        if here != goal && here < names.len() {
            let moved = names.remove(here);
            names.insert(goal.min(names.len()), moved);
            axes.order.set(names);
        }
    };
    let held = StoredValue::new(false);
    let down = move |event: PointerEvent| {
        held.set_value(event.button() == 0);
        let name: web_sys::Element = event_target(&event);
        // Without a capture the axis stays where the pointer leaves its name.
        let _ = name.set_pointer_capture(event.pointer_id());
    };
    let drag = move |event: PointerEvent| {
        let Some(area) = area.get_untracked().filter(|_| held.get_value()) else { return };
        let x = f64::from(event.client_x()) - area.get_bounding_client_rect().left();
        let n = order.with_untracked(Vec::len);
        let step = (size.get_untracked().0 - 2.0 * MARGIN) / (n.max(2) - 1) as f64;
        move_to((((x - MARGIN) / step).round().max(0.0) as usize).min(n - 1));
    };
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    let ticks: Vec<(f64, String)> = if axis.options.is_empty() {
        let n_wanted = ((size.get().1 / 40.0) as usize).clamp(2, 7);
        scale.ticks(n_wanted).into_iter().map(|tick| (tick.value, tick.label)).collect()
    } else {
        axis.options.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect()
    };
    let ticks =
        ticks.into_iter().map(|(value, label)| view! { <span style:top=percent(scale.px(value))>{label}</span> });
    let brush = {
        let name = name.clone();
        move || {
            let (low, high) = axes.range(&name)?;
            let (top, bottom) = (scale.px(high).clamp(0.0, 1.0), scale.px(low).clamp(0.0, 1.0));
            Some(view! { <i style:top=percent(top) style:height=percent(bottom - top)></i> })
        }
    };
    let spread = if axis.can_be_log {
        let (now, next) = if scale.is_log { ("log", "linear") } else { ("linear", "log") };
        let id = format!("sweep-spread-{idx}");
        let this = format!("#{id}");
        let respread = move |_| {
            // The axis is put up anew.
            dom::focus_later(this.clone());
            axes.respread.update(|names| match names.iter().position(|other| *other == name) {
                Some(at) => drop(names.remove(at)),
                None => names.push(name.clone()),
            });
        };
        view! { <button type="button" id=id class="parallel__spread" aria-label=format!("{label} is {now}: make it {next}") title=format!("Make it {next}") on:click=respread>{now}</button> }.into_any()
    } else {
        let word = if axis.options.is_empty() { "linear" } else { "category" };
        view! { <small class="parallel__spread">{word}</small> }.into_any()
    };
    let better = axis.goal.map(|goal| match goal {
        Goal::Maximize => (" ▲", ", higher is better"),
        Goal::Minimize => (" ▼", ", lower is better"),
    });
    let better = better
        .map(|(sign, words)| view! { <span aria-hidden="true">{sign}</span><span class="sr-only">{words}</span> });
    let step = move |icon_name: &'static str, word: &str, by: isize| {
        view! {
            <button type="button" class="parallel__step" aria-label=format!("Move {label} {word}", label = axis.label) title=format!("Move {word}")
                on:click=move |_| move_to(untrack(place).saturating_add_signed(by))>{small_icon(icon_name)}</button>
        }
    };
    view! {
        <div class="parallel__axis" role="group" aria-label=label.clone() style:left=move || format!("{:.1}px", plot.x(place()))>
            <div class="parallel__head">
                <b class="truncate" title=format!("{label}: drag to move the axis") on:pointerdown=down on:pointermove=drag
                    on:pointerup=move |_| held.set_value(false) on:pointercancel=move |_| held.set_value(false)>{label.clone()}{better}</b>
                <div>{step("chevron-left", "left", -1)}{spread}{step("chevron-right", "right", 1)}</div>
            </div>
            <div class="parallel__line" aria-hidden="true">{ticks.collect_view()}{brush}</div>
        </div>
    }
    .into_any()
}
