//! Lines along time: gaps where nobody counted, numbered deployments, one line under the pointer for all charts.

use leptos::html::Div;
use leptos::prelude::*;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use super::store::Monitor;
use super::time::Window;
use crate::views::icon::small_icon;

/// A line, with one value for each point of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is.
    pub label: String,
    /// Its colours.
    pub class: String,
    /// None where nothing is known.
    pub values: Vec<Option<f64>>,
    /// Where its tint begins, of lines that stand on each other.
    pub base: Option<Vec<f64>>,
}

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// From this, above 0, to that.
    Log(f64, f64),
}

impl Scale {
    /// From 0 to a little above the largest, or to `least`.
    pub fn linear(lines: &[Line], least: f64) -> Self {
        let values = lines.iter().flat_map(|line| {
            let base = |at: usize| line.base.as_ref().map_or(0.0, |base| base[at]);
            line.values.iter().enumerate().filter_map(move |(at, value)| Some(base(at) + (*value)?))
        });
        Self::Linear(rounded_up(values.fold(least, f64::max) * 1.05))
    }

    /// No higher than this.
    pub fn at_most(self, highest: f64) -> Self {
        match self {
            Self::Linear(high) => Self::Linear(high.min(highest)),
            Self::Log(low, high) => Self::Log(low, high.min(highest)),
        }
    }

    /// What holds every value, in whole steps of 1, 2 and 5.
    pub fn log(lines: &[Line]) -> Self {
        let values = || lines.iter().flat_map(|line| line.values.iter().flatten().copied().filter(|x| *x > 0.0));
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        if low > high {
            return Self::Log(0.1, 10.0);
        }
        Self::Log(rounded_down(low * 0.8), rounded_up(high * 1.25).max(rounded_down(low) * 10.0))
    }

    /// From 0 at the bottom to 1 at the top.
    fn at(self, value: f64) -> f64 {
        match self {
            Self::Linear(high) => value / high,
            Self::Log(low, high) => (value.max(low) / low).ln() / (high / low).ln(),
        }
        .clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(high) => charts::ticks(0.0, high, 4).into_iter().map(|tick| tick.value).collect(),
            Self::Log(low, high) => charts::log_ticks(low, high, 6).into_iter().map(|tick| tick.value).collect(),
        }
    }
}

/// 1, 2 or 5 times a power of ten, the next above.
fn rounded_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let next =
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|factor| factor * power >= value * (1.0 - 1e-9));
    next.unwrap_or(10.0) * power
}

fn rounded_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let below = [5.0, 2.0, 1.0].into_iter().find(|factor| factor * power <= value * (1.0 + 1e-9));
    below.unwrap_or(1.0) * power
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The stretch of time.
    pub window: Window,
    /// What is drawn.
    pub lines: Vec<Line>,
    /// How values become heights.
    pub scale: Scale,
    /// Stretches of points without counts, the last excluded.
    pub gaps: Vec<(usize, usize)>,
    /// Deployments: number, place from 0 to 1, and what it was.
    pub steps: Vec<(usize, f64, String)>,
    /// A threshold, and what it says.
    pub limit: Option<(f64, String)>,
    /// Where an alert fires, from 0 to 1.
    pub firing: Vec<(f64, f64)>,
    /// Names stand beside the lines.
    pub is_named: bool,
}

/// What a chart is called and how its values are written.
#[derive(Clone, Copy)]
pub struct Face {
    /// Names it on the page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it measures.
    pub unit: &'static str,
    /// As Azure Monitor and Application Insights call it.
    pub azure: &'static str,
    /// A value in words.
    pub write: fn(f64) -> String,
    /// A value on the axis.
    pub tick: fn(f64) -> String,
}

/// The chart, with its figures above it.
pub fn plot(
    monitor: Monitor,
    face: Face,
    shown: Memo<Option<Plot>>,
    badge: impl Fn() -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let as_table = RwSignal::new(false);
    let body = move || {
        if as_table.get() {
            return shown.with(|plot| plot.as_ref().map_or_else(|| ().into_any(), |plot| table(face, plot)));
        }
        drawing(monitor, face, shown)
    };
    view! {
        <section class="monitor__chart" id=face.id aria-labelledby=format!("{}-title", face.id)>
            <header>
                <h2 id=format!("{}-title", face.id) title=face.azure>{face.title}</h2>
                <small>{face.unit}</small>
                {badge}
                <button type="button" class="icon-button monitor__as-table" aria-pressed=move || as_table.get().to_string()
                    aria-label=format!("{} as a table", face.title) title="As a table" on:click=move |_| as_table.update(|on| *on = !*on)>
                    {small_icon("table-2")}
                </button>
            </header>
            {move || shown.with(|plot| plot.as_ref().map(|plot| headline(monitor, face, plot)))}
            {body}
        </section>
    }
    .into_any()
}

/// The point that is looked at, or the last of which anything is known.
fn looked_at(monitor: Monitor, plot: &Plot) -> Option<usize> {
    let known = |at: &usize| plot.lines.iter().any(|line| line.values.get(*at).is_some_and(Option::is_some));
    let n = plot.window.n_points();
    monitor.cursor.get().filter(|at| *at < n).or_else(|| (0..n).rev().find(known))
}

fn headline(monitor: Monitor, face: Face, plot: &Plot) -> AnyView {
    let at = looked_at(monitor, plot);
    let figures = plot.lines.iter().map(|line| {
        let value = at.and_then(|at| line.values[at]);
        let words = value.map_or_else(|| "–".to_owned(), face.write);
        view! { <span class=line.class.clone()><i class="monitor__key"></i><b>{words}</b>{line.label.clone()}</span> }
    });
    let when = at.map(|at| format!("at {}", plot.window.label(plot.window.begin_ms(at))));
    view! { <p class="monitor__now">{figures.collect_view()}<em>{when}</em></p> }.into_any()
}

fn drawing(monitor: Monitor, face: Face, shown: Memo<Option<Plot>>) -> AnyView {
    let node = NodeRef::<Div>::new();
    let n_points = move || shown.with(|plot| plot.as_ref().map_or(1, |plot| plot.window.n_points()));
    let place = move |event: &PointerEvent| {
        let Some(element) = node.get_untracked() else { return };
        let element: &HtmlElement = &element;
        let rect = element.get_bounding_client_rect();
        let n = untrack(n_points);
        let at = ((f64::from(event.client_x()) - rect.left()) / rect.width().max(1.0) * n as f64).floor();
        monitor.cursor.set(Some((at.max(0.0) as usize).min(n - 1)));
    };
    let on_key = move |event: KeyboardEvent| {
        let n = untrack(n_points);
        let here = untrack(|| monitor.cursor.get()).unwrap_or(n - 1);
        let far = (n / 10).max(1);
        let goal = match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => here.saturating_sub(1),
            "ArrowRight" | "ArrowUp" => (here + 1).min(n - 1),
            "PageDown" => here.saturating_sub(far),
            "PageUp" => (here + far).min(n - 1),
            "Home" => 0,
            "End" => n - 1,
            "Escape" => {
                monitor.cursor.set(None);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        monitor.cursor.set(Some(goal));
    };
    let now = move || shown.with(|plot| looked_at(monitor, plot.as_ref()?)).unwrap_or_default();
    let words = move || {
        shown.with(|plot| plot.as_ref().map_or_else(|| "no figures yet".to_owned(), |plot| spoken(face, plot, now())))
    };
    view! {
        <div class="monitor__plot">
            {move || shown.with(|plot| plot.as_ref().map(|plot| axes(face, plot)))}
            <div class="monitor__field" node_ref=node tabindex="0" role="slider" aria-label=format!("{} over time", face.title)
                aria-valuemin="0" aria-valuemax=move || n_points() - 1 aria-valuenow=now aria-valuetext=words
                on:pointermove=move |event| place(&event) on:pointerdown=move |event| place(&event)
                on:pointerleave=move |_| monitor.cursor.set(None) on:blur=move |_| monitor.cursor.set(None) on:keydown=on_key>
                {move || shown.with(|plot| plot.as_ref().map(marks))}
                {move || shown.with(|plot| plot.as_ref().and_then(|plot| crosshair(monitor, plot)))}
            </div>
        </div>
    }
    .into_any()
}

fn spoken(face: Face, plot: &Plot, at: usize) -> String {
    let when = plot.window.label(plot.window.begin_ms(at));
    let known =
        plot.lines.iter().filter_map(|line| Some(format!("{} {}", line.label, (face.write)((*line.values.get(at)?)?))));
    let known: Vec<String> = known.collect();
    if known.is_empty() { format!("{when}: no data") } else { format!("{when}: {}", known.join(", ")) }
}

fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

fn axes(face: Face, plot: &Plot) -> AnyView {
    let heights = plot.scale.ticks().into_iter().map(|value| {
        view! { <span class="monitor__height" style:bottom=percent(plot.scale.at(value))>{(face.tick)(value)}</span> }
    });
    let times = plot.window.ticks().into_iter().map(|(at, words)| {
        view! { <span class="monitor__time" style:left=percent(at)>{words}</span> }
    });
    view! {
        <div class="monitor__heights" aria-hidden="true">{heights.collect_view()}</div>
        <div class="monitor__times" aria-hidden="true">{times.collect_view()}</div>
    }
    .into_any()
}

/// Everything but the line under the pointer. Drawn on 1,000 by 1,000 units, however large the field is.
fn marks(plot: &Plot) -> AnyView {
    let y = |value: f64| 1_000.0 - 1_000.0 * plot.scale.at(value);
    let grid = plot.scale.ticks().into_iter().map(|value| {
        let at = y(value);
        view! { <line class="monitor__grid" x1="0" x2="1000" y1=at y2=at></line> }
    });
    let firing = plot.firing.iter().map(|(from, to)| {
        view! { <rect class="monitor__fire" x=from * 1e3 width=(to - from) * 1e3 y="0" height="1000"></rect> }
    });
    let n = plot.window.n_points() as f64;
    let gaps = plot.gaps.iter().map(|(from, to)| {
        let (from, to) = (*from as f64 / n, *to as f64 / n);
        // Too narrow a band has no room for its name.
        let name = (to - from > 0.06).then_some("no data");
        view! { <div class="monitor__gap" style:left=percent(from) style:width=percent(to - from)><span>{name}</span></div> }
    });
    let areas = plot.lines.iter().filter_map(|line| {
        let base = line.base.as_ref()?;
        Some(view! { <path class=format!("monitor__area {}", line.class) d=area(plot, &line.values, base)></path> })
    });
    let lines = plot.lines.iter().map(|line| {
        view! { <path class=format!("monitor__line {}", line.class) d=path(plot, line)></path> }
    });
    // A line of no length can hardly be seen.
    let alone = plot.lines.iter().flat_map(|line| {
        let lone = runs(&line.values).into_iter().filter(|run| run.len() == 1).map(|run| run.start);
        lone.map(|at| dot(plot, line, at)).collect_view()
    });
    let limit = plot.limit.as_ref().map(|(value, _)| {
        let at = y(*value);
        view! { <line class="monitor__limit" x1="0" x2="1000" y1=at y2=at></line> }
    });
    let limit_name = plot.limit.as_ref().map(|(value, words)| {
        view! { <span class="monitor__limit-name" style:bottom=percent(plot.scale.at(*value))>{words.clone()}</span> }
    });
    let steps = plot.steps.iter().map(|(_, at, what)| {
        view! { <div class="monitor__step" style:left=percent(*at) title=what.clone()></div> }
    });
    let flags = flags(&plot.steps).into_iter().map(|(at, words)| {
        view! { <b class="monitor__flag" style:left=percent(at)>{words}</b> }
    });
    let names = plot.is_named.then(|| {
        let named = plot.lines.iter().filter_map(|line| {
            let first = line.values.iter().position(Option::is_some)?;
            let at = (first as f64 + 0.5) / n;
            let height = plot.scale.at(line.values[first]?);
            // Near the right edge there is only room on the left.
            let class = if at > 0.85 { "monitor__name monitor__name--left" } else { "monitor__name" };
            Some(view! {
                <span class=class style:left=percent(at) style:bottom=percent(height)>{line.label.clone()}</span>
            })
        });
        named.collect_view()
    });
    view! {
        <div aria-hidden="true">
            {gaps.collect_view()}
            <svg viewBox="0 0 1000 1000" preserveAspectRatio="none">
                {grid.collect_view()}{firing.collect_view()}{limit}{areas.collect_view()}{lines.collect_view()}
            </svg>
            {alone.collect_view()}{limit_name}{names}{steps.collect_view()}{flags.collect_view()}
        </div>
    }
    .into_any()
}

/// Where numbers of steps stand: those too near to each other share a flag.
fn flags(steps: &[(usize, f64, String)]) -> Vec<(f64, String)> {
    const NEAR: f64 = 0.1;
    let mut groups: Vec<(f64, usize, usize)> = Vec::new();
    for (number, at, _) in steps {
        match groups.last_mut().filter(|group| at - group.0 < NEAR) {
            Some(group) => group.2 = *number,
            None => groups.push((*at, *number, *number)),
        }
    }
    let flag = |(at, first, last): (f64, usize, usize)| {
        (at, if first == last { first.to_string() } else { format!("{first}–{last}") })
    };
    groups.into_iter().map(flag).collect()
}

fn x(plot: &Plot, point_idx: usize) -> f64 {
    1_000.0 * (point_idx as f64 + 0.5) / plot.window.n_points() as f64
}

fn path(plot: &Plot, line: &Line) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for (at, value) in line.values.iter().enumerate() {
        match value {
            Some(value) => {
                let value = value + line.base.as_ref().map_or(0.0, |base| base[at]);
                let place = format!("{:.1} {:.1}", x(plot, at), 1_000.0 - 1_000.0 * plot.scale.at(value));
                path += &format!("{}{place}", if is_open { 'L' } else { 'M' });
                is_open = true;
            }
            None => is_open = false,
        }
    }
    path
}

fn area(plot: &Plot, values: &[Option<f64>], base: &[f64]) -> String {
    let mut path = String::new();
    for run in runs(values) {
        let y = |value: f64| 1_000.0 - 1_000.0 * plot.scale.at(value);
        let above = run.clone().map(|at| (at, base[at] + values[at].unwrap_or_default()));
        let below = run.clone().rev().map(|at| (at, base[at]));
        let corners: Vec<String> =
            above.chain(below).map(|(at, value)| format!("{:.1} {:.1}", x(plot, at), y(value))).collect();
        path += &format!("M{}Z", corners.join("L"));
    }
    path
}

/// Stretches of values without a gap.
fn runs(values: &[Option<f64>]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..values.len()).filter(|at| values[*at].is_some()) {
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end += 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

/// A point of a line, if its value is known.
fn dot(plot: &Plot, line: &Line, at: usize) -> Option<AnyView> {
    let value = line.values[at]? + line.base.as_ref().map_or(0.0, |base| base[at]);
    let (left, bottom) = (percent(x(plot, at) / 1e3), percent(plot.scale.at(value)));
    Some(view! { <i class=format!("monitor__dot {}", line.class) style:left=left style:bottom=bottom></i> }.into_any())
}

fn crosshair(monitor: Monitor, plot: &Plot) -> Option<AnyView> {
    let at = monitor.cursor.get().filter(|at| *at < plot.window.n_points())?;
    let left = percent(x(plot, at) / 1e3);
    let dots = plot.lines.iter().filter_map(|line| dot(plot, line, at));
    let when = plot.window.label(plot.window.begin_ms(at));
    Some(
        view! {
            <div aria-hidden="true">
                <div class="monitor__cross" style:left=left><span>{when}</span></div>
                {dots.collect_view()}
            </div>
        }
        .into_any(),
    )
}

fn table(face: Face, plot: &Plot) -> AnyView {
    let heads = plot.lines.iter().map(|line| view! { <th scope="col" class="num">{line.label.clone()}</th> });
    let rows = (0..plot.window.n_points()).rev().map(|at| {
        let cells = plot.lines.iter().map(|line| {
            let words = line.values[at].map_or_else(|| "no data".to_owned(), face.write);
            view! { <td class="num">{words}</td> }
        });
        view! { <tr><th scope="row">{plot.window.label(plot.window.begin_ms(at))}</th>{cells.collect_view()}</tr> }
    });
    view! {
        <div class="monitor__table" tabindex="0" role="region" aria-label=format!("{} as a table", face.title)>
            <table>
                <thead><tr><th scope="col">"From"</th>{heads.collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
