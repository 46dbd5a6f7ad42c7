//! Values as a box: quartiles, whiskers and what lies beyond.

use super::ascending;

/// A whisker is at most this many interquartile ranges long: Tukey's fence.
pub const WHISKER: f64 = 1.5;

/// How values spread, as a box plot tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxPlot {
    /// How many values there are.
    pub n: usize,
    /// The smallest value that is no outlier.
    pub low: f64,
    /// A quarter of the values are smaller.
    pub q1: f64,
    /// Half of them are.
    pub median: f64,
    /// Three quarters are.
    pub q3: f64,
    /// The largest value that is no outlier.
    pub high: f64,
    /// Values further from the box than 1.5 times its length, in ascending order.
    pub outliers: Vec<f64>,
}

/// These values as a box; none without a value. Those that are no finite numbers do not count.
pub fn box_plot(values: &[f64]) -> Option<BoxPlot> {
    let mut sorted = ascending(values);
    sorted.retain(|x| x.is_finite());
    if sorted.is_empty() {
        return None;
    }
    let [q1, median, q3] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
    let reach = WHISKER * (q3 - q1);
    let is_inside = |x: &&f64| (q1 - reach..=q3 + reach).contains(*x);
    // The values next to a quartile are inside of the fences, but the quartile may lie beyond the last of them.
    let low = sorted.iter().find(is_inside).map_or(q1, |x| x.min(q1));
    let high = sorted.iter().rev().find(is_inside).map_or(q3, |x| x.max(q3));
    let outliers = sorted.iter().filter(|x| !is_inside(x)).copied().collect();
    Some(BoxPlot { n: sorted.len(), low, q1, median, q3, high, outliers })
}

/// The value below which this share of sorted values lies, with straight lines between neighbours: type 7 of Hyndman
/// and Fan, which numpy calls `linear`.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (place as usize, place.fract());
    let (a, b) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    // From the nearer end, as numpy does, so that rounding puts nothing beyond it.
    if rest < 0.5 { a + (b - a) * rest } else { b - (b - a) * (1.0 - rest) }
}
