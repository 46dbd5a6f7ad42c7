//! Draws a figure with plotters on any backend of ours.
//!
//! plotters counts whole pixels. Our backends therefore claim to be `FINE` times larger than they are and scale
//! everything down again, which gives lines their true place and width.

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::layout::bar;
use crate::{BoxMark, Color, Figure, Layout, Marks, Stroke, Theme, clip, decimate};

/// Units of plotters per pixel.
pub(crate) const FINE: f64 = 16.0;

type Plot<B> =
    DrawingArea<B, Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>>;
type Outcome<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A length in plotters' units.
pub(crate) fn fine(px: f64) -> i32 {
    (px * FINE).round() as i32
}

/// Draws everything.
///
/// # Errors
/// Whatever the backend finds wrong.
pub(crate) fn draw<B: DrawingBackend>(backend: B, figure: &Figure, layout: &Layout, theme: &Theme) -> Outcome<B> {
    let root = backend.into_drawing_area();
    let plot = root.apply_coord_spec(Cartesian2d::new(
        layout.x.even(layout.x.low)..layout.x.even(layout.x.high),
        layout.y.even(layout.y.low)..layout.y.even(layout.y.high),
        (fine(layout.x.from_px)..fine(layout.x.to_px), fine(layout.y.from_px)..fine(layout.y.to_px)),
    ));
    grid(&root, figure, layout, theme)?;
    // Fills lie below every line.
    for (series_idx, series) in figure.series.iter().enumerate() {
        if let Marks::Area(points) = &series.marks {
            tint(&plot, points, layout, theme.series(series.color_idx))?;
        }
        if matches!(series.marks, Marks::Histogram { .. } | Marks::Columns(_) | Marks::Bars(_) | Marks::Spans(_)) {
            bars(&root, figure, series_idx, layout, theme)?;
        }
        if let Marks::Boxes(shown) = &series.marks {
            boxes(&root, shown, layout, theme.series(series.color_idx))?;
        }
    }
    for guide in &figure.guides {
        if let Some((from, to)) = clip::segment(guide.from, guide.to, &layout.x, &layout.y) {
            let ends = [from, to].map(|at| layout.even(at));
            plot.draw(&DashedPathElement::new(ends, fine(4.0), fine(4.0), stroke(theme.axis, 1.0)))?;
        }
    }
    for series in &figure.series {
        let color = theme.series(series.color_idx);
        match &series.marks {
            Marks::Line(points) | Marks::Area(points) => {
                line(&plot, points, layout, color, Stroke::of(series.color_idx))?;
            }
            Marks::Points(points) => {
                dots(&plot, points, layout, color, theme, Stroke::of(series.color_idx))?;
            }
            Marks::Histogram { .. } | Marks::Columns(_) | Marks::Bars(_) | Marks::Spans(_) | Marks::Boxes(_) => {}
        }
    }
    labels(&root, figure, layout, theme)?;
    if layout.headings {
        headings(&root, figure, layout, theme)?;
    }
    root.present()
}

fn grid<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    layout: &Layout,
    theme: &Theme,
) -> Outcome<B> {
    let plot = &layout.plot;
    let (left, right) = (fine(plot.left), fine(plot.left + plot.width));
    let (top, bottom) = (fine(plot.top), fine(plot.top + plot.height));
    let style = stroke(theme.grid, 1.0);
    if figure.y.categories.is_empty() {
        for tick in &layout.y_ticks {
            let y = crisp(layout.y.px(tick.value));
            root.draw(&PathElement::new([(left, y), (right, y)], style))?;
        }
    }
    let has_dots =
        figure.series.iter().any(|series| matches!(series.marks, Marks::Points(_) | Marks::Bars(_) | Marks::Spans(_)));
    if has_dots && figure.x.categories.is_empty() {
        for tick in &layout.x_ticks {
            let x = crisp(layout.x.px(tick.value));
            root.draw(&PathElement::new([(x, top), (x, bottom)], style))?;
        }
    }
    // The base: zero where it is in sight, for bars and signed values.
    for (scale, is_x) in [(&layout.y, false), (&layout.x, true)] {
        let is_base = if is_x { figure.y.categories.is_empty() } else { figure.x.categories.is_empty() };
        // A margin that merely reaches below zero does not count.
        if scale.low < -0.06 * (scale.high - scale.low)
            && scale.high > 0.0
            && (is_base || figure.guides.is_empty())
            && !is_named(figure, is_x)
        {
            let at = crisp(scale.px(0.0));
            let ends = if is_x { [(at, top), (at, bottom)] } else { [(left, at), (right, at)] };
            root.draw(&PathElement::new(ends, stroke(theme.axis, 1.0)))?;
        }
    }
    Ok(())
}

fn is_named(figure: &Figure, is_x: bool) -> bool {
    !if is_x { &figure.x } else { &figure.y }.categories.is_empty()
}

fn line<B: DrawingBackend>(
    plot: &Plot<B>,
    points: &[(f64, f64)],
    layout: &Layout,
    color: Color,
    kind: Stroke,
) -> Outcome<B> {
    let points = decimate::decimate(points, layout.x.low, layout.x.high, layout.plot.width as usize);
    for run in clip::runs(&points, &layout.x, &layout.y) {
        let run: Vec<_> = run.into_iter().map(|at| layout.even(at)).collect();
        match kind.dash() {
            None => plot.draw(&PathElement::new(run, stroke(color, 1.75)))?,
            Some((dash, gap)) => {
                plot.draw(&DashedPathElement::new(run, fine(dash), fine(gap), stroke(color, 1.75)))?;
            }
        }
    }
    Ok(())
}

fn tint<B: DrawingBackend>(plot: &Plot<B>, points: &[(f64, f64)], layout: &Layout, color: Color) -> Outcome<B> {
    let points = decimate::decimate(points, layout.x.low, layout.x.high, layout.plot.width as usize);
    let base = 0.0_f64.clamp(layout.y.low, layout.y.high);
    for mut run in clip::runs(&points, &layout.x, &layout.y) {
        if let (Some(&(first, _)), Some(&(last, _))) = (run.first(), run.last()) {
            run.extend([(last, base), (first, base)]);
            let run: Vec<_> = run.into_iter().map(|at| layout.even(at)).collect();
            plot.draw(&Polygon::new(run, rgba(color, 0.12)))?;
        }
    }
    Ok(())
}

fn dots<B: DrawingBackend>(
    plot: &Plot<B>,
    points: &[(f64, f64)],
    layout: &Layout,
    color: Color,
    theme: &Theme,
    kind: Stroke,
) -> Outcome<B> {
    // Many dots are smaller and let through what is below; few have an outline that parts them from each other.
    let (radius, alpha) = match points.len() {
        0..=200 => (3.5, 0.9),
        201..=1_000 => (3.0, 0.7),
        1_001..=4_000 => (2.5, 0.5),
        _ => (2.0, 0.3),
    };
    let has_outline = points.len() <= 1_000;
    for &(x, y) in points {
        if (layout.x.low..=layout.x.high).contains(&x) && (layout.y.low..=layout.y.high).contains(&y) {
            let at = layout.even((x, y));
            if kind != Stroke::Solid {
                plot.draw(&Circle::new(at, fine(radius), rgba(theme.ground, alpha).filled()))?;
                plot.draw(&Circle::new(at, fine(radius - 0.5), stroke(color, 1.5)))?;
                continue;
            }
            plot.draw(&Circle::new(at, fine(radius), rgba(color, alpha).filled()))?;
            if has_outline {
                plot.draw(&Circle::new(at, fine(radius), stroke(theme.ground, 1.0)))?;
            }
        }
    }
    Ok(())
}

fn bars<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    series_idx: usize,
    layout: &Layout,
    theme: &Theme,
) -> Outcome<B> {
    let series = &figure.series[series_idx];
    let color = theme.series(series.color_idx);
    // Histograms of several series lie over each other.
    let overlaid = matches!(series.marks, Marks::Histogram { .. }) && figure.series.len() > 1;
    let alpha = if overlaid { 0.5 } else { 0.85 };
    for mark_idx in 0..series.marks.n_marks() {
        let Some(((x0, y0), (x1, y1))) = bar(figure, series_idx, mark_idx) else {
            continue;
        };
        if ![x0, y0, x1, y1].iter().all(|value| value.is_finite()) {
            continue;
        }
        let x = |value: f64| layout.x.px(value.clamp(layout.x.low, layout.x.high));
        let y = |value: f64| layout.y.px(value.clamp(layout.y.low, layout.y.high));
        let (mut left, mut right) = (x(x0).min(x(x1)), x(x0).max(x(x1)));
        let (mut top, mut bottom) = (y(y0).min(y(y1)), y(y0).max(y(y1)));
        if matches!(series.marks, Marks::Spans(_)) {
            // Spans that follow each other are told apart by a gap, and the shortest can be seen.
            right = (right - 1.0).max(left + 1.0);
        } else if matches!(series.marks, Marks::Bars(_)) {
            (top, bottom) = (top + 0.5, (bottom - 0.5).max(top + 1.0));
        } else {
            (left, right) = (left + 0.5, (right - 0.5).max(left + 1.0));
            // A bar that is not empty can be seen.
            if y1 != 0.0 && bottom - top < 1.0 {
                top = bottom - 1.0;
            }
        }
        root.draw(&Rectangle::new(
            [(fine(left), fine(top)), (fine(right), fine(bottom))],
            rgba(color, alpha).filled(),
        ))?;
    }
    Ok(())
}

fn boxes<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    boxes: &[BoxMark],
    layout: &Layout,
    color: Color,
) -> Outcome<B> {
    let half = layout.half_box();
    let y = |value: f64| layout.y.px(value.clamp(layout.y.low, layout.y.high));
    for (position, &BoxMark { low, q1, median, q3, high }) in boxes.iter().enumerate() {
        if ![low, q1, median, q3, high].iter().all(|value| value.is_finite()) {
            continue;
        }
        let x = layout.x.px(position as f64);
        let corners = [(fine(x - half), fine(y(q3))), (fine(x + half), fine(y(q1)))];
        root.draw(&Rectangle::new(corners, rgba(color, 0.22).filled()))?;
        root.draw(&Rectangle::new(corners, stroke(color, 1.25)))?;
        for (from, to) in [(q3, high), (q1, low)] {
            root.draw(&PathElement::new([(crisp(x), fine(y(from))), (crisp(x), fine(y(to)))], stroke(color, 1.25)))?;
            let cap = [(fine(x - half / 2.0), fine(y(to))), (fine(x + half / 2.0), fine(y(to)))];
            root.draw(&PathElement::new(cap, stroke(color, 1.25)))?;
        }
        let middle = [(fine(x - half), fine(y(median))), (fine(x + half), fine(y(median)))];
        root.draw(&PathElement::new(middle, stroke(color, 2.5)))?;
    }
    Ok(())
}

fn labels<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    layout: &Layout,
    theme: &Theme,
) -> Outcome<B> {
    let size = theme.text_size;
    let plot = &layout.plot;
    let muted = text(theme, theme.ink_muted, size, FontStyle::Normal);
    for tick in &layout.y_ticks {
        let at = (fine(plot.left - size * 0.6), fine(layout.y.px(tick.value)));
        root.draw_text(&tick.label, &muted.pos(Pos::new(HPos::Right, VPos::Center)), at)?;
    }
    for tick in &layout.x_ticks {
        let at = (fine(layout.x.px(tick.value)), fine(plot.top + plot.height + size * 0.6));
        root.draw_text(&tick.label, &muted.pos(Pos::new(HPos::Center, VPos::Top)), at)?;
    }
    if !figure.x.label.is_empty() {
        let at = (fine(plot.left + plot.width / 2.0), fine(layout.height - size * 0.25));
        root.draw_text(&figure.x.label, &muted.pos(Pos::new(HPos::Center, VPos::Bottom)), at)?;
    }
    let has_bars = figure.series.iter().any(|series| matches!(series.marks, Marks::Bars(_) | Marks::Spans(_)));
    if !figure.y.label.is_empty() && !has_bars {
        let at = (fine(size * 0.9), fine(plot.top + plot.height / 2.0));
        let turned = muted.transform(FontTransform::Rotate270);
        root.draw_text(&figure.y.label, &turned.pos(Pos::new(HPos::Center, VPos::Center)), at)?;
    }
    Ok(())
}

fn headings<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    layout: &Layout,
    theme: &Theme,
) -> Outcome<B> {
    let size = theme.text_size;
    let left = layout.plot.left;
    let start = Pos::new(HPos::Left, VPos::Center);
    let bold = text(theme, theme.ink, size * 1.2, FontStyle::Bold).pos(start);
    root.draw_text(&figure.title, &bold, (fine(left), fine(size * 1.2)))?;
    let plain = text(theme, theme.ink_muted, size, FontStyle::Normal).pos(start);
    let mut x = left;
    let y = size * 2.9;
    for series in &figure.series {
        let color = theme.series(series.color_idx);
        let ends = [(fine(x), fine(y)), (fine(x + size), fine(y))];
        match Stroke::of(series.color_idx).dash() {
            None => root.draw(&PathElement::new(ends, stroke(color, 2.5)))?,
            Some((dash, gap)) => {
                root.draw(&DashedPathElement::new(ends, fine(dash / 2.0), fine(gap / 2.0), stroke(color, 2.5)))?;
            }
        }
        x += size * 1.5;
        root.draw_text(&series.name, &plain, (fine(x), fine(y)))?;
        let (width, _) = root.estimate_text_size(&series.name, &plain)?;
        x += f64::from(width) / FINE + size * 1.4;
    }
    let n_rows = if figure.n_rows == 0 { String::new() } else { format!("n = {}", crate::grouped(figure.n_rows)) };
    let note = if figure.sampling.is_empty() { n_rows } else { format!("{n_rows}, {}", figure.sampling) };
    let at = (fine(layout.plot.left + layout.plot.width), fine(size * 1.2));
    root.draw_text(&note, &plain.pos(Pos::new(HPos::Right, VPos::Center)), at)
}

fn rgba(color: Color, alpha: f64) -> RGBAColor {
    RGBAColor(color.red, color.green, color.blue, alpha)
}

fn stroke(color: Color, width: f64) -> ShapeStyle {
    rgba(color, 1.0).stroke_width((width * FINE).round() as u32)
}

fn text<'a>(theme: &'a Theme, color: Color, size: f64, style: FontStyle) -> TextStyle<'a> {
    FontDesc::new(FontFamily::Name(&theme.font), size * FINE, style).color(&rgba(color, 1.0))
}

/// Thin straight lines stand in the middle of a pixel.
fn crisp(px: f64) -> i32 {
    fine(px.floor() + 0.5)
}
