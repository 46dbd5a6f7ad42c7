//! Parts that the figures of every evaluation share.

use charts::{Axis, Figure, Guide, Marks, Series};
use protocol::{Direction, Metric, Panel};

/// A curve of more points than this is thinned; what is left are corners of the full curve.
pub const MAX_CURVE_POINTS: usize = 500;
/// A cloud of more dots than this shows every nth row.
pub const MAX_DOTS: usize = 2_000;

/// Bars beyond this many cannot be read.
pub const MAX_BARS: usize = 20;

/// An axis that shows 0 to 1.
pub fn unit_axis(label: &str) -> Axis {
    Axis { label: label.into(), range: Some((0.0, 1.0)), fixed: true, categories: Vec::new() }
}

/// An axis as wide as its data.
pub fn axis(label: &str) -> Axis {
    Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() }
}

/// An axis of names.
pub fn category_axis(label: &str, categories: Vec<String>) -> Axis {
    Axis { label: label.into(), range: None, fixed: false, categories }
}

/// A figure without series and guides.
pub fn figure(id: &str, title: &str, x: Axis, y: Axis, n_rows: usize) -> Figure {
    Figure {
        id: id.into(),
        title: title.into(),
        summary: String::new(),
        x,
        y,
        series: Vec::new(),
        guides: Vec::new(),
        n_rows: n_rows as u64,
        sampling: String::new(),
    }
}

/// Bars from the top down, one for each name; the first of them if they are many.
pub fn bars(id: &str, title: &str, head: &str, names: &[String], values: &[f64], n_rows: usize) -> Figure {
    let n_shown = names.len().min(MAX_BARS);
    let axis = Axis { range: Some((0.0, 0.0)), ..axis(head) };
    let mut figure = figure(id, title, axis, category_axis("Column", names[..n_shown].to_vec()), n_rows);
    let marks = Marks::Bars(values[..n_shown].to_vec());
    figure.series.push(Series { name: head.into(), color_idx: 0, marks, detail: None });
    if n_shown < names.len() {
        figure.sampling = format!("the {MAX_BARS} largest of {}", names.len());
    }
    figure
}

/// A figure of the values largest by size, and all of them as rows.
pub fn ranked(
    id: &str,
    title: &str,
    head: &str,
    summary: &str,
    names: &[String],
    values: &[f64],
    n_rows: u64,
) -> Vec<Panel> {
    let order: Vec<usize> = by_size(values).into_iter().filter(|idx| *idx < names.len()).collect();
    let names: Vec<String> = order.iter().map(|&idx| names[idx].clone()).collect();
    let values: Vec<f64> = order.iter().map(|&idx| values[idx]).collect();
    let figure = Figure { summary: summary.into(), ..bars(id, title, head, &names, &values, n_rows as usize) };
    let rows = names.into_iter().zip(values).map(|(name, value)| vec![name, digits(value)]).collect();
    vec![Panel::Figure(figure), Panel::Facts { title: title.into(), heads: vec!["Column".into(), head.into()], rows }]
}

/// Positions by absolute value, the largest first; equals by position.
pub fn by_size(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order
}

/// Up to six digits that count.
pub fn digits(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return table::number_text(x);
    }
    let magnitude = x.abs();
    if !(1e-4..1e9).contains(&magnitude) {
        return format!("{x:.4e}");
    }
    let before = if magnitude >= 1.0 { format!("{magnitude:.0}").len() } else { 1 };
    let text = format!("{x:.*}", 6usize.saturating_sub(before));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A dashed line.
pub fn guide(label: &str, from: (f64, f64), to: (f64, f64)) -> Guide {
    Guide { label: label.into(), from, to }
}

/// Positions of at most `limit` of `n` points, the first and the last among them.
pub fn thinned(n: usize, limit: usize) -> Vec<usize> {
    if n <= limit {
        return (0..n).collect();
    }
    (0..limit).map(|i| i * (n - 1) / (limit - 1)).collect()
}

/// A histogram of these values and the line that says so for readers.
pub fn histogram(values: &[f64], n_bins: usize) -> Marks {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
    let edges: Vec<f64> = (0..=n_bins).map(|bin| low + (high - low) * bin as f64 / n_bins as f64).collect();
    let mut heights = vec![0.0; n_bins];
    for x in values {
        let bin = ((x - low) / (high - low) * n_bins as f64) as usize;
        heights[bin.min(n_bins - 1)] += 1.0;
    }
    Marks::Histogram { edges, heights }
}

/// A figure of merit of one or two inputs.
pub fn metric(name: &str, label: &str, better: Direction, help: &str, values: Vec<Option<f64>>) -> Metric {
    Metric { name: name.into(), label: label.into(), help: help.into(), values, better }
}

/// Three digits after the point, fewer for large numbers.
pub fn brief(x: f64) -> String {
    if x.abs() >= 1_000.0 {
        format!("{x:.0}")
    } else if x.abs() >= 100.0 {
        format!("{x:.1}")
    } else {
        format!("{x:.3}")
    }
}

/// "AUC 0.846", or with a second value "AUC 0.846 · 0.812".
pub fn headline(label: &str, values: &[Option<f64>]) -> String {
    let shown: Vec<String> = values.iter().map(|value| value.map_or_else(|| "undefined".to_owned(), brief)).collect();
    format!("{label} {}", shown.join(" · "))
}
