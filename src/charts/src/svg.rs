//! Figures as SVG, for the command line and for tests.

use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

use crate::draw::{FINE, draw};
use crate::{Figure, Layout, Theme};

type Outcome = Result<(), DrawingErrorKind<Infallible>>;

/// A figure with title and legend as a file of its own.
pub fn to_svg(figure: &Figure, width: f64, height: f64, theme: &Theme) -> String {
    let layout =
        Layout::of(figure, width, height, true, [false; 2], theme, &|text| estimated_width(text, theme.text_size));
    let mut svg = String::new();
    let ground = theme.ground;
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"{}\">\n<title>{}</title>\n<desc>{}</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#{:02x}{:02x}{:02x}\"/>\n",
        escaped(&theme.font),
        escaped(&figure.title),
        escaped(&figure.summary),
        ground.red,
        ground.green,
        ground.blue,
    );
    let backend = SvgBackend { svg: &mut svg, size: ((width * FINE) as u32, (height * FINE) as u32) };
    if let Err(never) = draw(backend, figure, &layout, theme) {
        // The backend cannot fail and fonts are never asked; say it in the file rather than panic.
        let _ = writeln!(svg, "<!-- {} -->", escaped(&never.to_string()));
    }
    svg.push_str("</svg>\n");
    svg
}

struct SvgBackend<'a> {
    svg: &'a mut String,
    size: (u32, u32),
}

impl SvgBackend<'_> {
    fn path<I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, rest: &str, close: bool) {
        self.svg.push_str("<path d=\"");
        for (point_idx, (x, y)) in points.into_iter().enumerate() {
            let _ = write!(self.svg, "{}{} {}", if point_idx == 0 { 'M' } else { 'L' }, px(x), px(y));
        }
        let _ = writeln!(self.svg, "{}\" {rest}/>", if close { "Z" } else { "" });
    }
}

impl DrawingBackend for SvgBackend<'_> {
    type ErrorType = Infallible;

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
        let fine = 1.0 / FINE;
        let _ = writeln!(
            self.svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{fine}\" height=\"{fine}\" {}/>",
            px(at.0),
            px(at.1),
            fill(color)
        );
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Outcome {
        self.path([from, to], &stroke(style), false);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        is_filled: bool,
    ) -> Outcome {
        let paint = if is_filled { fill(style.color()) } else { stroke(style) };
        let _ = writeln!(
            self.svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {paint}/>",
            px(from.0),
            px(from.1),
            px(to.0 - from.0),
            px(to.1 - from.1),
        );
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Outcome {
        self.path(points, &stroke(style), false);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Outcome {
        self.path(points, &fill(style.color()), true);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        is_filled: bool,
    ) -> Outcome {
        let paint = if is_filled { fill(style.color()) } else { stroke(style) };
        let radius = f64::from(radius) / FINE;
        let _ = writeln!(self.svg, "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\" {paint}/>", px(center.0), px(center.1));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Outcome {
        if text.is_empty() {
            return Ok(());
        }
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // Not every reader of SVG knows dominant-baseline; a shift in em is the same everywhere.
        let shift = match style.anchor().v_pos {
            VPos::Top => "0.75em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.22em",
        };
        let turn = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 90,
            FontTransform::Rotate180 => 180,
            FontTransform::Rotate270 => 270,
        };
        let (x, y) = (px(at.0), px(at.1));
        let turned = if turn == 0 { String::new() } else { format!(" transform=\"rotate({turn} {x} {y})\"") };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"600\"" } else { "" };
        let _ = writeln!(
            self.svg,
            "<text x=\"{x}\" y=\"{y}\" dy=\"{shift}\" text-anchor=\"{anchor}\" font-size=\"{}\" {}{weight}{turned}>{}</text>",
            style.size() / FINE,
            fill(style.color()),
            escaped(text),
        );
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((estimated_width(text, style.size()) as u32, style.size() as u32))
    }
}

/// Inter's digits and lower case letters are a good half of an em wide.
fn estimated_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | '|' | '\'' | ' ' => 0.27,
            'f' | 't' | 'r' | '(' | ')' => 0.37,
            'm' | 'w' | 'M' | 'W' => 0.87,
            c if c.is_ascii_uppercase() => 0.68,
            c if c.is_ascii() => 0.59,
            _ => 0.75,
        })
        .sum();
    ems * size
}

fn px(fine: i32) -> f64 {
    f64::from(fine) / FINE
}

fn fill(color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    let opacity = if color.alpha < 1.0 { format!(" fill-opacity=\"{}\"", color.alpha) } else { String::new() };
    format!("fill=\"#{red:02x}{green:02x}{blue:02x}\"{opacity}")
}

fn stroke<S: BackendStyle>(style: &S) -> String {
    let BackendColor { rgb: (red, green, blue), alpha } = style.color();
    let opacity = if alpha < 1.0 { format!(" stroke-opacity=\"{alpha}\"") } else { String::new() };
    format!(
        "fill=\"none\" stroke=\"#{red:02x}{green:02x}{blue:02x}\"{opacity} stroke-width=\"{}\" stroke-linejoin=\"round\"",
        f64::from(style.stroke_width()) / FINE
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
