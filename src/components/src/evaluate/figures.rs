//! Parts that the figures of every evaluation share.

use charts::{Axis, Figure, Guide, Marks};
use protocol::{Direction, Metric};

/// A curve of more points than this is thinned; what is left are corners of the full curve.
pub const MAX_CURVE_POINTS: usize = 500;
/// A cloud of more dots than this shows every nth row.
pub const MAX_DOTS: usize = 2_000;

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
