//! A chart over an area that is coloured by what a model says there.

use charts::{Color, Figure, Layout, Theme};
use leptos::prelude::*;
use protocol::Map;
use web_sys::CanvasRenderingContext2d;

use super::chart::{ChartEvents, ChartLook, chart_of};
use super::pixels;

/// How much of a colour there is where a model is sure: dots of the same colour are to be seen above it.
const OPACITY: f64 = 0.42;

/// The chart; what is drawn follows the signals, the figure's last.
pub fn map(figure: RwSignal<Figure>, map: RwSignal<Map>, events: ChartEvents) -> AnyView {
    let under = move |context: &CanvasRenderingContext2d, layout: &Layout, theme: &Theme| {
        // Without a ground the dots say what the rows are.
        let _ = map.with_untracked(|map| ground(context, layout, theme, map));
    };
    chart_of(figure, ChartLook { under: Some(StoredValue::new(Box::new(under))), ..ChartLook::default() }, events)
}

fn ground(context: &CanvasRenderingContext2d, layout: &Layout, theme: &Theme, map: &Map) -> Option<()> {
    let cell = |(color, strength): (&u8, &u8)| {
        let Color { red, green, blue } = theme.series(*color);
        [red, green, blue, (f64::from(*strength) * OPACITY) as u8]
    };
    let pixels: Vec<u8> = map.colors.iter().zip(&map.strengths).flat_map(cell).collect();
    let picture = pixels::picture(&pixels, map.n_columns)?;
    let plot = layout.plot;
    let (left, top) = (plot.left, plot.top);
    context.draw_image_with_html_canvas_element_and_dw_and_dh(&picture, left, top, plot.width, plot.height).ok()
}
