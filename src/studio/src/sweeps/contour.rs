//! An objective over two settings: trials as dots in the colour of how good they are, on a ground that is smoothed
//! from them.

use charts::{Color, Figure, Layout, RAMP, Series, Theme};
use leptos::prelude::*;
use web_sys::CanvasRenderingContext2d;

use super::columns::Columns;
use super::slice::dots;
use crate::viewers::chart::{ChartEvents, ChartLook, chart_as};
use crate::viewers::parallel::Column;
use crate::viewers::pixels;

/// The chart.
pub fn view(data: &Columns, [x, y]: [&Column; 2], objective: &Column, announce: Callback<String>) -> AnyView {
    let (merits, _) = objective.merits();
    let level = |at: usize| (merits[at] * 5.99) as u8;
    let there = |at: &usize| x.values[*at].is_finite() && y.values[*at].is_finite();
    let series = |wanted: u8| -> Option<Series> {
        let mut chosen: Vec<usize> = (0..merits.len()).filter(there).collect();
        chosen.retain(|at| level(*at) == wanted);
        let values: Vec<f64> = chosen.iter().map(|at| objective.values[*at]).collect();
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        let name = format!("{}–{}", charts::compact(low), charts::compact(high));
        Some(dots(data, &chosen, x, y).telling(&name, RAMP + wanted, &objective.label, values))
    };
    let figure = Figure {
        id: "sweep-contour".into(),
        title: format!("{} over {} and {}", objective.label, x.label, y.label),
        summary: format!("{} trials as dots, coloured by {}", data.trials.len(), objective.label),
        x: x.axis(),
        y: y.axis(),
        series: (0..6).filter_map(series).collect(),
        guides: Vec::new(),
        n_rows: 0,
        sampling: "ground smoothed between trials".into(),
    };
    let spots = (0..merits.len()).filter(there).map(|at| (x.values[at], y.values[at], merits[at])).collect();
    let spots: Vec<(f64, f64, f64)> = spots;
    let under = move |context: &CanvasRenderingContext2d, layout: &Layout, theme: &Theme| {
        // Without a ground the dots say the same.
        let _ = ground(context, layout, theme, &spots);
    };
    let look = ChartLook { log: [x.is_log, y.is_log], under: Some(StoredValue::new(Box::new(under))) };
    chart_as(figure, look, ChartEvents { announce, pick: None })
}

/// Pixels of the ground, across and down; the browser blends between them.
const GRID: (usize, usize) = (64, 40);
/// How far a trial reaches, as a share of the axes.
const REACH: f64 = 0.22;

/// The mean of the trials around each place, nearer ones counting more; paler where there are few.
fn ground(context: &CanvasRenderingContext2d, layout: &Layout, theme: &Theme, spots: &[(f64, f64, f64)]) -> Option<()> {
    let plot = layout.plot;
    let share = |(x, y, merit): &(f64, f64, f64)| {
        ((layout.x.px(*x) - plot.left) / plot.width, (layout.y.px(*y) - plot.top) / plot.height, *merit)
    };
    let spots: Vec<(f64, f64, f64)> = spots.iter().map(share).collect();
    let mut pixels = Vec::with_capacity(GRID.0 * GRID.1 * 4);
    for row in 0..GRID.1 {
        for column in 0..GRID.0 {
            let (x, y) = ((column as f64 + 0.5) / GRID.0 as f64, (row as f64 + 0.5) / GRID.1 as f64);
            let (mut weight, mut sum) = (0.0, 0.0);
            for (spot_x, spot_y, merit) in &spots {
                // A biweight kernel.
                let far = ((spot_x - x) * (spot_x - x) + (spot_y - y) * (spot_y - y)) / (REACH * REACH);
                if far < 1.0 {
                    weight += (1.0 - far) * (1.0 - far);
                    sum += (1.0 - far) * (1.0 - far) * merit;
                }
            }
            let Color { red, green, blue } = blended(theme, if weight > 0.0 { sum / weight } else { 0.0 });
            pixels.extend([red, green, blue, (weight.min(1.0) * 110.0) as u8]);
        }
    }
    let small = pixels::picture(&pixels, GRID.0 as u32)?;
    let (left, top) = (plot.left, plot.top);
    context.draw_image_with_html_canvas_element_and_dw_and_dh(&small, left, top, plot.width, plot.height).ok()
}

/// A colour between those of the ramp.
fn blended(theme: &Theme, merit: f64) -> Color {
    let at = merit.clamp(0.0, 1.0) * 5.0;
    let (one, other) = (theme.series(RAMP + at.floor() as u8), theme.series(RAMP + at.ceil() as u8));
    let mix = |one: u8, other: u8| (f64::from(one) + (f64::from(other) - f64::from(one)) * at.fract()) as u8;
    Color::new(mix(one.red, other.red), mix(one.green, other.green), mix(one.blue, other.blue))
}
