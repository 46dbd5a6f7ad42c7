//! The lines on their canvases.

use charts::{Color, RAMP, Stroke, Theme};
use leptos::html::{Canvas, I};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::CanvasRenderingContext2d;

use super::Plot;
use super::lines::{Lines, MARGIN};
use crate::dom;
use crate::viewers::{theme, version};

/// Up to so many lines are drawn thicker than a pixel of the device, which takes several times as long.
const N_THICK: usize = 120;

/// All lines, those that are let through, and those that stand out.
pub fn canvases(plot: Plot) -> AnyView {
    let probe = NodeRef::<I>::new();
    let (back, front, top) = (NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new());
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
        plot.lines.with(|lines| lines.stroke(context, 0..plot.data.with(|data| data.names.len())));
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
    let marked = Memo::new(move |_| plot.marked());
    draw(top, plot, colors, move |context, plot, theme, _| {
        let lines = plot.lines.get();
        let n_things = plot.data.with(|data| data.names.len());
        let marked =
            marked.get().into_iter().map(|(at, color_idx)| (at, theme.series(color_idx), Stroke::of(color_idx)));
        let pointed = plot.at.get().map(|at| (at, theme.ink, Stroke::Solid));
        for (at, color, stroke) in marked.chain(pointed).filter(|(at, ..)| *at < n_things) {
            outline(context, &lines, at, color, stroke, theme);
        }
    });
    view! {
        <i class="chart__probe" hidden node_ref=probe></i>
        <canvas aria-hidden="true" node_ref=back></canvas>
        <canvas aria-hidden="true" node_ref=front></canvas>
        <canvas aria-hidden="true" node_ref=top></canvas>
    }
    .into_any()
}

/// One line above the others, with a dot on each axis.
fn outline(context: &CanvasRenderingContext2d, lines: &Lines, at: usize, color: Color, stroke: Stroke, theme: &Theme) {
    // A rim parts it from the lines below.
    for (width, color, stroke) in [(6.0, theme.ground, Stroke::Solid), (2.5, color, stroke)] {
        set_dash(context, stroke);
        context.set_line_width(width);
        context.set_stroke_style_str(&css(color));
        lines.stroke(context, [at]);
    }
    set_dash(context, Stroke::Solid);
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

fn set_dash(context: &CanvasRenderingContext2d, stroke: Stroke) {
    let dash =
        stroke.dash().map_or_else(js_sys::Array::new, |(dash, gap)| js_sys::Array::of2(&dash.into(), &gap.into()));
    // Without its gaps a line is still there.
    let _ = context.set_line_dash(&dash);
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

fn css(color: Color) -> String {
    format!("rgb({},{},{})", color.red, color.green, color.blue)
}
