//! Figures on a canvas of the page.
//!
//! plotters-canvas paints; this wraps it. The wrapper claims a size in `FINE` units, which one transform of the
//! context turns into device pixels, and measures text on the canvas itself: plotters' own measuring adds a styled
//! element to the page for every label, which a strict content security policy forbids.

use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::draw::{FINE, draw};
use crate::{Figure, Layout, Theme};

type Error = <CanvasBackend as DrawingBackend>::ErrorType;
type Outcome = Result<(), DrawingErrorKind<Error>>;

/// How a figure is looked at: what is no part of its numbers.
#[derive(Clone, Copy, Default)]
pub struct Look<'a> {
    /// Whether x and y are logarithmic. An axis with nothing above zero stays even.
    pub log: [bool; 2],
    /// Paints below everything else, in CSS pixels.
    pub under: Option<Under<'a>>,
}

/// Paints where a layout says.
pub type Under<'a> = &'a dyn Fn(&CanvasRenderingContext2d, &Layout);

/// Draws a figure of `width` by `height` CSS pixels; the canvas gets `device_ratio` times as many of its own.
/// With `headings`, title and legend are part of the picture and the ground is filled, as for a file.
///
/// # Errors
/// What the browser says against it, in words.
pub fn draw_on_canvas(
    canvas: &HtmlCanvasElement,
    figure: &Figure,
    (width, height): (f64, f64),
    device_ratio: f64,
    headings: bool,
    theme: &Theme,
    look: Look<'_>,
) -> Result<Layout, String> {
    let context = canvas
        .get_context("2d")
        .ok()
        .flatten()
        .and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
        .ok_or("this browser gives no canvas to draw on")?;
    canvas.set_width((width * device_ratio).round() as u32);
    canvas.set_height((height * device_ratio).round() as u32);
    let refused = |_| "the browser refused to draw".to_owned();
    if headings {
        let ground = theme.ground;
        context.set_fill_style_str(&format!("rgb({},{},{})", ground.red, ground.green, ground.blue));
        context.fill_rect(0.0, 0.0, f64::from(canvas.width()), f64::from(canvas.height()));
    }
    let scale = device_ratio / FINE;
    context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0).map_err(refused)?;
    context.set_line_join("round");
    context.set_font(&format!("{}px {}", theme.text_size * FINE, theme.font));
    let text_width = |text: &str| measured(&context, text) / FINE;
    let layout = Layout::of(figure, width, height, headings, look.log, theme, &text_width);
    if let Some(under) = look.under {
        context.set_transform(device_ratio, 0.0, 0.0, device_ratio, 0.0, 0.0).map_err(refused)?;
        under(&context, &layout);
        context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0).map_err(refused)?;
    }
    let painter = CanvasBackend::with_canvas_object(canvas.clone()).ok_or("this browser gives no canvas to draw on")?;
    let backend = FineCanvas { painter, context, size: ((width * FINE) as u32, (height * FINE) as u32) };
    draw(backend, figure, &layout, theme).map_err(|error| error.to_string())?;
    Ok(layout)
}

struct FineCanvas {
    painter: CanvasBackend,
    context: CanvasRenderingContext2d,
    size: (u32, u32),
}

fn measured(context: &CanvasRenderingContext2d, text: &str) -> f64 {
    context.measure_text(text).map_or(0.0, |metrics| metrics.width())
}

impl DrawingBackend for FineCanvas {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Outcome {
        self.painter.draw_pixel(at, color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Outcome {
        // A path, since the painter moves straight lines by half of what it takes for a pixel.
        self.painter.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Outcome {
        self.painter.draw_rect(from, to, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Outcome {
        self.painter.draw_path(points, style)
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Outcome {
        self.painter.draw_circle(center, radius, style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Outcome {
        self.painter.fill_polygon(points, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Outcome {
        self.painter.draw_text(text, style, at)
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Error>> {
        self.context.set_font(&format!("{} {}px {}", style.style().as_str(), style.size(), style.family().as_str()));
        Ok((measured(&self.context, text).ceil() as u32, style.size() as u32))
    }
}
