//! One chart: drawn by plotters on a canvas; legend, tooltip, cross-hair and the table beside it are HTML.

use charts::{Figure, FigureCell, FigureTable, Layout, Look, MarkAt, Marks, N_COLORS, RAMP, Stroke, Theme};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::{Canvas, Div, I};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement};

use super::appearance;
use crate::dom;
use crate::views::icon::icon;

/// What a chart tells others.
#[derive(Clone, Copy)]
pub struct ChartEvents {
    /// Text for screen readers.
    pub announce: Callback<String>,
    /// A mark was clicked, or Enter pressed on it: series and mark.
    pub pick: Option<Callback<(usize, usize)>>,
}

/// Above this many marks, a table is shown in part; the file has all.
const N_TABLE_ROWS: usize = 500;

/// How a chart is looked at: what is no part of its numbers.
#[derive(Clone, Copy, Default)]
pub struct ChartLook {
    /// Whether x and y are logarithmic.
    pub log: [bool; 2],
    /// Paints below everything else.
    pub under: Option<StoredValue<Under>>,
}

/// Paints where a layout says, in the colours of a theme.
pub type Under = Box<dyn Fn(&CanvasRenderingContext2d, &Layout, &Theme) + Send + Sync>;

/// A chart with everything around it.
pub fn chart(figure: Figure, events: ChartEvents) -> AnyView {
    chart_as(figure, ChartLook::default(), events)
}

/// A chart that is looked at in its own way.
pub fn chart_as(figure: Figure, look: ChartLook, events: ChartEvents) -> AnyView {
    chart_of(RwSignal::new(figure), look, events)
}

/// A chart whose marks follow the signal; title and series stay what they are.
pub fn chart_of(figure: RwSignal<Figure>, look: ChartLook, events: ChartEvents) -> AnyView {
    let shows_table = RwSignal::new(false);
    let hidden = RwSignal::new(vec![false; figure.with_untracked(|figure| figure.series.len())]);
    let (title, summary, notes, id) = figure.with_untracked(|figure| {
        let mut notes = Vec::new();
        if figure.n_rows > 0 {
            notes.push(format!("n = {}", charts::grouped(figure.n_rows)));
        }
        if !figure.sampling.is_empty() {
            notes.push(figure.sampling.clone());
        }
        if charts::is_decimated(figure) {
            notes.push("simplified to the pixels".to_owned());
        }
        (figure.title.clone(), figure.summary.clone(), notes.join(", "), figure.id.clone())
    });
    let probe = NodeRef::<I>::new();
    let save_csv = {
        let name = format!("{id}.csv");
        move |_| figure.with_untracked(|figure| dom::download(&name, "text/csv", figure.rows().to_csv().as_bytes()))
    };
    let save_png = {
        let name = format!("{id}.png");
        move |_| {
            if let Some(probe) = probe.get_untracked() {
                figure.with_untracked(|figure| save_picture(figure, look, &probe, name.clone()));
            }
        }
    };
    view! {
        <figure class="chart">
            <figcaption class="chart__head">
                <h3 class="chart__title">{title.clone()}</h3>
                {legend(figure, hidden)}
                <span class="chart__notes">{notes}</span>
                <span class="chart__tools">
                    <button
                        type="button"
                        class="icon-button icon-button--small"
                        aria-label=format!("View {title} as a table")
                        title="View as table"
                        aria-pressed=move || shows_table.get().to_string()
                        on:click=move |_| shows_table.update(|shown| *shown = !*shown)
                    >
                        {icon("table")}
                    </button>
                    <button
                        type="button"
                        class="icon-button icon-button--small"
                        aria-label=format!("Save {title} as a picture")
                        title="Save as PNG"
                        on:click=save_png
                    >
                        {icon("image")}
                    </button>
                    <button
                        type="button"
                        class="icon-button icon-button--small"
                        aria-label=format!("Save the numbers of {title}")
                        title="Save as CSV"
                        on:click=save_csv
                    >
                        {icon("download")}
                    </button>
                </span>
            </figcaption>
            <i class="chart__probe" hidden node_ref=probe></i>
            {move || {
                if shows_table.get() {
                    figure.with(|figure| table(&figure.title, figure.summary.clone(), figure.rows()))
                } else {
                    stage(figure, look, hidden, probe, &title, &summary, events)
                }
            }}
        </figure>
    }
    .into_any()
}

fn legend(figure: RwSignal<Figure>, hidden: RwSignal<Vec<bool>>) -> AnyView {
    let names: Vec<(String, u8)> = figure
        .with_untracked(|figure| figure.series.iter().map(|series| (series.name.clone(), series.color_idx)).collect());
    if names.len() < 2 {
        return ().into_any();
    }
    let buttons = names
        .into_iter()
        .enumerate()
        .map(|(series_idx, (name, color_idx))| {
            view! {
                <button
                    type="button"
                    class=key_class(color_idx)
                    aria-pressed=move || (!hidden.read()[series_idx]).to_string()
                    title="Click to hide or show; double-click to show only this"
                    on:click=move |_| hidden.update(|hidden| hidden[series_idx] = !hidden[series_idx])
                    on:dblclick=move |_| {
                        hidden.update(|hidden| {
                            for (idx, hidden) in hidden.iter_mut().enumerate() {
                                *hidden = idx != series_idx;
                            }
                        });
                    }
                >
                    <i></i>
                    {name}
                </button>
            }
        })
        .collect_view();
    view! { <span class="chart__legend">{buttons}</span> }.into_any()
}

fn key_class(color_idx: u8) -> String {
    format!("chart__key {}", series_class(color_idx))
}

/// The classes that carry a series' colour and stroke.
pub fn series_class(color_idx: u8) -> String {
    if let Some(level) = color_idx.checked_sub(RAMP) {
        return format!("ramp--{level}");
    }
    let stroke = match Stroke::of(color_idx) {
        Stroke::Solid => "",
        Stroke::Dashed => " series--dashed",
        Stroke::Dotted => " series--dotted",
    };
    format!("series--{}{stroke}", color_idx % N_COLORS)
}

fn stage(
    figure: RwSignal<Figure>,
    look: ChartLook,
    hidden: RwSignal<Vec<bool>>,
    probe: NodeRef<I>,
    title: &str,
    summary: &str,
    events: ChartEvents,
) -> AnyView {
    let size = RwSignal::new((0.0, 0.0));
    let at = RwSignal::new(None::<MarkAt>);
    let layout = StoredValue::new(None::<Layout>);
    let shown = StoredValue::new(figure.get_untracked());
    let stage = NodeRef::<Div>::new();
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let Some(stage) = stage.get() {
            appearance::watch_size(&stage, move |width, height| size.set((width, height)));
        }
    });
    let version = appearance::version();
    Effect::new(move |_| {
        version.track();
        let (width, height) = size.get();
        let visible = figure.with(|figure| without_hidden(figure, &hidden.read()));
        let (Some(canvas), Some(probe)) = (canvas.get(), probe.get()) else {
            return;
        };
        if width < 40.0 || height < 40.0 {
            return;
        }
        let ratio = dom::window().device_pixel_ratio();
        let drawn = paint(&canvas, &visible, (width, height), ratio, false, look, &appearance::theme(&probe));
        at.set(None);
        layout.set_value(drawn.ok());
        shown.set_value(visible);
    });
    let nearest = move |event: &PointerEvent| {
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        layout.with_value(|layout| shown.with_value(|shown| layout.as_ref()?.nearest(shown, x, y)))
    };
    let pick = move |mark: Option<MarkAt>| {
        if let (Some(pick), Some(mark)) = (events.pick, mark) {
            pick.run((mark.series_idx, mark.mark_idx));
        }
    };
    let walk = move |event: KeyboardEvent| {
        let key = event.key();
        if key == "Escape" {
            at.set(None);
            return;
        }
        if key == "Enter" {
            pick(at.get_untracked());
            return;
        }
        let found = layout
            .with_value(|layout| shown.with_value(|shown| step(shown, layout.as_ref()?, at.get_untracked(), &key)));
        if let Some(mark) = found {
            event.prevent_default();
            at.set(Some(mark));
            events.announce.run(figure.with_untracked(|figure| sentence(figure, &mark)));
        }
    };
    let hint = if events.pick.is_some() { "Arrow keys read values, Enter filters" } else { "Arrow keys read values" };
    view! {
        <div
            class="chart__stage"
            class=("chart__stage--pickable", events.pick.is_some())
            node_ref=stage
            tabindex="0"
            role="group"
            aria-roledescription="chart"
            aria-label=format!("{title}. {summary}. {hint}")
            on:keydown=walk
            on:pointermove=move |event| at.set(nearest(&event))
            on:pointerdown=move |event| at.set(nearest(&event))
            on:pointerleave=move |_| at.set(None)
            on:blur=move |_| at.set(None)
            on:click=move |_| pick(at.get_untracked())
        >
            <canvas class="chart__canvas" aria-hidden="true" node_ref=canvas></canvas>
            {move || at.get().map(|mark| pointer(figure, layout, size, &mark))}
        </div>
    }
    .into_any()
}

/// Cross-hair, dot and tooltip at a mark.
fn pointer(
    figure: RwSignal<Figure>,
    layout: StoredValue<Option<Layout>>,
    size: RwSignal<(f64, f64)>,
    mark: &MarkAt,
) -> AnyView {
    let Some(plot) = layout.with_value(|layout| layout.as_ref().map(|layout| layout.plot)) else {
        return ().into_any();
    };
    let px = |value: f64| format!("{value:.1}px");
    let (name, key, words, n_series) = figure.with_untracked(|figure| {
        let series = &figure.series[mark.series_idx];
        (
            series.name.clone(),
            key_class(series.color_idx),
            figure.words(mark.series_idx, mark.mark_idx),
            figure.series.len(),
        )
    });
    let (width, height) = size.get_untracked();
    // On the side with more room, so that the tooltip never leaves the chart.
    let is_right = mark.x_px < width * 0.55;
    let is_below = mark.y_px < height * 0.5;
    let x = if is_right { mark.x_px + 10.0 } else { width - mark.x_px + 10.0 };
    let y = if is_below { mark.y_px + 10.0 } else { height - mark.y_px + 10.0 };
    let hair = match mark.area {
        Some(area) => view! {
            <i
                class="chart__bar"
                style:left=px(area.left)
                style:top=px(area.top)
                style:width=px(area.width)
                style:height=px(area.height)
            ></i>
        }
        .into_any(),
        None => view! {
            <i
                class="chart__hair chart__hair--down"
                style:left=px(mark.x_px)
                style:top=px(plot.top)
                style:height=px(plot.height)
            ></i>
            <i
                class="chart__hair chart__hair--across"
                style:left=px(plot.left)
                style:top=px(mark.y_px)
                style:width=px(plot.width)
            ></i>
            <i
                class=format!("chart__dot {key}")
                style:left=px(mark.x_px)
                style:top=px(mark.y_px)
            ></i>
        }
        .into_any(),
    };
    let heading = (n_series > 1).then(|| view! { <b class=key><i></i>{name}</b> });
    let lines = words.into_iter().map(|(label, value)| view! { <span>{label}</span><em>{value}</em> }).collect_view();
    view! {
        {hair}
        <div
            class="chart__tip"
            style:left=if is_right { px(x) } else { "auto".into() }
            style:right=if is_right { "auto".into() } else { px(x) }
            style:top=if is_below { px(y) } else { "auto".into() }
            style:bottom=if is_below { "auto".into() } else { px(y) }
        >
            {heading}
            {lines}
        </div>
    }
    .into_any()
}

/// The mark to which a key leads.
fn step(figure: &Figure, layout: &Layout, from: Option<MarkAt>, key: &str) -> Option<MarkAt> {
    let n_marks = |series_idx: usize| figure.series.get(series_idx).map_or(0, |series| series.marks.n_marks());
    let first_series = (0..figure.series.len()).find(|&series_idx| n_marks(series_idx) > 0)?;
    let Some(from) = from else {
        let is_walk = matches!(key, "ArrowRight" | "ArrowLeft" | "ArrowUp" | "ArrowDown" | "Home" | "End");
        let start = if key == "End" || key == "ArrowLeft" { n_marks(first_series) - 1 } else { 0 };
        return if is_walk { visible(figure, layout, first_series, start, key != "End") } else { None };
    };
    let (series_idx, mark_idx, last) = (from.series_idx, from.mark_idx, n_marks(from.series_idx).checked_sub(1)?);
    match key {
        "ArrowRight" => visible(figure, layout, series_idx, (mark_idx + 1).min(last), true),
        "ArrowLeft" => visible(figure, layout, series_idx, mark_idx.saturating_sub(1), false),
        "PageDown" => visible(figure, layout, series_idx, (mark_idx + 10).min(last), true),
        "PageUp" => visible(figure, layout, series_idx, mark_idx.saturating_sub(10), false),
        "Home" => visible(figure, layout, series_idx, 0, true),
        "End" => visible(figure, layout, series_idx, last, false),
        "ArrowUp" | "ArrowDown" => {
            let n_series = figure.series.len();
            let forward = if key == "ArrowDown" { 1 } else { n_series - 1 };
            let mut other = series_idx;
            for _ in 0..n_series {
                other = (other + forward) % n_series;
                if n_marks(other) > 0 {
                    break;
                }
            }
            visible(figure, layout, other, mark_idx.min(n_marks(other).checked_sub(1)?), true)
        }
        _ => None,
    }
}

/// The mark at a position, or the next one that can be seen.
fn visible(figure: &Figure, layout: &Layout, series_idx: usize, start: usize, forward: bool) -> Option<MarkAt> {
    let n_marks = figure.series[series_idx].marks.n_marks();
    if forward {
        (start..n_marks).find_map(|mark_idx| layout.mark(figure, series_idx, mark_idx))
    } else {
        (0..=start).rev().find_map(|mark_idx| layout.mark(figure, series_idx, mark_idx))
    }
}

fn sentence(figure: &Figure, mark: &MarkAt) -> String {
    let words = figure.words(mark.series_idx, mark.mark_idx);
    let mut text =
        if figure.series.len() > 1 { format!("{}: ", figure.series[mark.series_idx].name) } else { String::new() };
    for (word_idx, (label, value)) in words.into_iter().enumerate() {
        if word_idx > 0 {
            text.push_str(", ");
        }
        text.push_str(&label);
        text.push(' ');
        text.push_str(&value);
    }
    text
}

/// Hidden series keep their place, so that positions stay what they are.
fn without_hidden(figure: &Figure, hidden: &[bool]) -> Figure {
    let mut figure = figure.clone();
    for (series, _) in figure.series.iter_mut().zip(hidden).filter(|(_, hidden)| **hidden) {
        series.marks = match &series.marks {
            Marks::Line(_) | Marks::Area(_) | Marks::Points(_) => Marks::Points(Vec::new()),
            Marks::Histogram { .. } => Marks::Histogram { edges: Vec::new(), heights: Vec::new() },
            Marks::Columns(_) => Marks::Columns(Vec::new()),
            Marks::Bars(_) => Marks::Bars(Vec::new()),
            Marks::Spans(_) => Marks::Spans(Vec::new()),
            Marks::Boxes(_) => Marks::Boxes(Vec::new()),
        };
    }
    figure
}

/// A table in place of what is drawn.
pub fn table(title: &str, summary: String, table: FigureTable) -> AnyView {
    let n_left_out = table.rows.len().saturating_sub(N_TABLE_ROWS);
    let heads = table.heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }).collect_view();
    let rows = table
        .rows
        .into_iter()
        .take(N_TABLE_ROWS)
        .map(|row| {
            let cells = row
                .cells
                .into_iter()
                .map(|cell| match cell {
                    FigureCell::Empty => view! { <td></td> }.into_any(),
                    FigureCell::Text(text) => view! { <td>{text}</td> }.into_any(),
                    FigureCell::Number(value) => {
                        view! { <td class="facts__number">{charts::number(value)}</td> }.into_any()
                    }
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    let more = (n_left_out > 0).then(|| {
        view! {
            <p class="facts__more">
                {format!("and {} more rows, all of them in the CSV", charts::grouped(n_left_out as u64))}
            </p>
        }
    });
    view! {
        <div class="chart__table" tabindex="0" role="group" aria-label=format!("{title}: the plotted numbers")>
            <p class="facts__more">{summary}</p>
            <table class="facts__table">
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {more}
        </div>
    }
    .into_any()
}

fn paint(
    canvas: &HtmlCanvasElement,
    figure: &Figure,
    size: (f64, f64),
    ratio: f64,
    headings: bool,
    look: ChartLook,
    theme: &Theme,
) -> Result<Layout, String> {
    let under = |context: &CanvasRenderingContext2d, layout: &Layout| {
        if let Some(under) = look.under {
            under.with_value(|under| under(context, layout, theme));
        }
    };
    charts::draw_on_canvas(canvas, figure, size, ratio, headings, theme, Look { log: look.log, under: Some(&under) })
}

/// The chart with title and legend, twice as dense as a plain screen.
fn save_picture(figure: &Figure, look: ChartLook, probe: &web_sys::HtmlElement, name: String) {
    let Some(canvas) =
        dom::document().create_element("canvas").ok().and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok())
    else {
        return;
    };
    if paint(&canvas, figure, (720.0, 440.0), 2.0, true, look, &appearance::theme(probe)).is_err() {
        return;
    }
    let save = Closure::once_into_js(move |blob: Option<Blob>| {
        if let Some(blob) = blob {
            spawn_local(async move {
                if let Ok(buffer) = JsFuture::from(blob.array_buffer()).await {
                    dom::download(&name, "image/png", &js_sys::Uint8Array::new(&buffer).to_vec());
                }
            });
        }
    });
    // A canvas of our own, never tainted by others' pictures, can always be read.
    let _ = canvas.to_blob(save.unchecked_ref());
}
