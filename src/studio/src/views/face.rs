//! A result in miniature, as a small drawing in a box of 168 by 34.

use std::fmt::Write;

use leptos::prelude::*;
use protocol::Face;

const WIDTH: f32 = 168.0;
const HEIGHT: f32 = 34.0;

/// Draws a face. It repeats what the outputs say in full, so that it is hidden from screen readers, save its words.
pub fn face(face: &Face) -> AnyView {
    match face {
        Face::Text(text) => view! { <p class="face__headline">{text.clone()}</p> }.into_any(),
        Face::Headline(text, picture) => {
            let picture = picture.as_ref().map(|picture| self::face(picture));
            view! { <p class="face__headline">{text.clone()}</p>{picture} }.into_any()
        }
        Face::Bars(bars) => bar_list(bars),
        Face::Histogram(heights) => {
            let step = WIDTH / heights.len().max(1) as f32;
            let gap = if step > 4.0 { 1.5 } else { 0.0 };
            let mut path = String::new();
            for (bar_idx, height) in heights.iter().enumerate() {
                let height = if *height > 0.0 { (height * HEIGHT).max(1.0) } else { 0.0 };
                rectangle(&mut path, bar_idx as f32 * step, HEIGHT - height, step - gap, height);
            }
            drawing(vec![("face__bar", path)])
        }
        Face::Curve { points, diagonal } => {
            let mut line = String::new();
            for (point_idx, (x, y)) in points.iter().enumerate() {
                let letter = if point_idx == 0 { 'M' } else { 'L' };
                let _ = write!(line, "{letter}{:.1} {:.1}", x * WIDTH, HEIGHT - y * (HEIGHT - 1.0));
            }
            let mut area = line.clone();
            if let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) {
                let _ = write!(area, "L{:.1} {HEIGHT}L{:.1} {HEIGHT}Z", last * WIDTH, first * WIDTH);
            }
            let mut paths = vec![("face__area", area)];
            if *diagonal {
                paths.push(("face__diagonal", format!("M0 {HEIGHT}L{WIDTH} 0")));
            }
            paths.push(("face__line", line));
            drawing(paths)
        }
        Face::Dots(dots) => {
            let mut path = String::new();
            for (x, y) in dots {
                let (x, y) = (x * (WIDTH - 4.0) + 2.0, HEIGHT - 2.0 - y * (HEIGHT - 4.0));
                let _ = write!(path, "M{:.1} {y:.1}a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0", x - 1.6);
            }
            drawing(vec![("face__dot", path)])
        }
        Face::Matrix { n_columns, values } => matrix(*n_columns as usize, values),
    }
}

fn rectangle(path: &mut String, x: f32, y: f32, width: f32, height: f32) {
    let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}Z");
}

fn drawing(paths: Vec<(&'static str, String)>) -> AnyView {
    let paths: Vec<_> =
        paths.into_iter().map(|(class, d)| view! { <path class=class d=d></path> }.into_any()).collect();
    view! {
        <svg class="face" viewBox="0 0 168 34" preserveAspectRatio="none" aria-hidden="true">{paths}</svg>
    }
    .into_any()
}

fn matrix(n_columns: usize, values: &[f32]) -> AnyView {
    if n_columns == 0 {
        return ().into_any();
    }
    let n_rows = values.len().div_ceil(n_columns);
    let side = (HEIGHT / n_rows.max(1) as f32).min(WIDTH / n_columns as f32);
    let left = (WIDTH - side * n_columns as f32) / 2.0;
    let cells: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(cell_idx, value)| {
            let mut path = String::new();
            let (row, column) = (cell_idx / n_columns, cell_idx % n_columns);
            rectangle(&mut path, left + column as f32 * side, row as f32 * side, side - 0.8, side - 0.8);
            view! { <path class="face__cell" d=path opacity=0.12 + 0.8 * value.clamp(0.0, 1.0)></path> }.into_any()
        })
        .collect();
    view! { <svg class="face" viewBox="0 0 168 34" aria-hidden="true">{cells}</svg> }.into_any()
}

fn bar_list(bars: &[(String, f64)]) -> AnyView {
    let largest = bars.iter().map(|(_, value)| value.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let rows: Vec<_> = bars
        .iter()
        .take(4)
        .map(|(label, value)| {
            view! {
                <span title=label.clone()>{label.clone()}</span>
                <i style:--v=(value.abs() / largest).to_string()></i>
                <b>{short_number(*value)}</b>
            }
            .into_any()
        })
        .collect();
    view! { <div class="face-bars">{rows}</div> }.into_any()
}

/// Three significant digits or so, for places where a number is only looked at.
pub fn short_number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e6 {
        format!("{value:.0}")
    } else if !(1e-3..1e6).contains(&size) {
        format!("{value:.1e}")
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Seconds in words.
pub fn seconds(elapsed_secs: f64) -> String {
    if elapsed_secs < 0.001 {
        "< 1 ms".into()
    } else if elapsed_secs < 1.0 {
        format!("{:.0} ms", elapsed_secs * 1_000.0)
    } else if elapsed_secs < 60.0 {
        format!("{elapsed_secs:.1} s")
    } else {
        format!("{:.0} min {:.0} s", (elapsed_secs / 60.0).floor(), elapsed_secs % 60.0)
    }
}

/// Bytes in words.
pub fn bytes(n_bytes: f64) -> String {
    if n_bytes < 1_000.0 {
        format!("{n_bytes:.0} B")
    } else if n_bytes < 1e6 {
        format!("{:.0} kB", n_bytes / 1e3)
    } else if n_bytes < 1e9 {
        format!("{:.1} MB", n_bytes / 1e6)
    } else {
        format!("{:.1} GB", n_bytes / 1e9)
    }
}

/// A count with thousands apart: 7,043.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (digit_idx, digit) in digits.chars().enumerate() {
        if digit_idx > 0 && (digits.len() - digit_idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
