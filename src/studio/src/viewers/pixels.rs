//! Pictures of a few pixels.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::dom;

/// Paints red, green, blue and opacity of each pixel, row by row, on a canvas that is as large afterwards.
pub fn paint(canvas: &HtmlCanvasElement, pixels: &[u8], n_columns: u32) -> Option<()> {
    let image = ImageData::new_with_u8_clamped_array(Clamped(pixels), n_columns).ok()?;
    canvas.set_width(image.width());
    canvas.set_height(image.height());
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.put_image_data(&image, 0.0, 0.0).ok()
}

/// The same on a canvas of its own, which is on no page.
pub fn picture(pixels: &[u8], n_columns: u32) -> Option<HtmlCanvasElement> {
    let canvas: HtmlCanvasElement = dom::document().create_element("canvas").ok()?.dyn_into().ok()?;
    paint(&canvas, pixels, n_columns)?;
    Some(canvas)
}
