//! How sure one can be: spreads with intervals, and tests between models.
//!
//! All of it rests on `libm` and on sums in a fixed order, so that the same runs give the same bits everywhere.

mod boxes;
mod compare;
mod special;

use crate::order::ascending;

pub use boxes::{BoxPlot, WHISKER, box_plot};
pub use compare::{
    McNemar, PairedTest, SignedRank, StatsError, corrected_resampled_t, holm, mcnemar, paired_t, wilcoxon,
};
pub use special::{student_t_quantile, student_t_two_sided};

/// How sure intervals are.
pub const CONFIDENCE: f64 = 0.95;

/// How values spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many there are; with none, the rest is 0.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Half of them are smaller; of an even number, the mean of the middle two.
    pub median: f64,
    /// Sample standard deviation (n − 1); none of fewer than two.
    pub std: Option<f64>,
    /// Standard error of the mean; none of fewer than two.
    pub standard_error: Option<f64>,
    /// 95 % interval of the mean by Student's t; none of fewer than two.
    pub interval: Option<(f64, f64)>,
}

/// How these values spread. Those that are no numbers do not count.
pub fn spread(values: &[f64]) -> Spread {
    let mut sorted = ascending(values);
    sorted.retain(|x| !x.is_nan());
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Spread::default() };
    let n = sorted.len();
    let median = if n % 2 == 1 { sorted[n / 2] } else { sorted[n / 2 - 1] / 2.0 + sorted[n / 2] / 2.0 };
    let (mean, std) = moments(&sorted);
    let standard_error = std.map(|std| std / (n as f64).sqrt());
    let interval = standard_error.map(|error| {
        let half = student_t_quantile(1.0 - CONFIDENCE, n as f64 - 1.0) * error;
        (mean - half, mean + half)
    });
    // Rounding must not put the mean of equal values beside them.
    Spread { n, mean: mean.clamp(min, max), min, max, median, std, standard_error, interval }
}

/// Mean and sample deviation, in two passes; the second also takes out what the first left by rounding.
fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 || !mean.is_finite() {
        return (mean, None);
    }
    let mean = mean + values.iter().map(|x| x - mean).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, Some((squares / (n - 1.0)).sqrt()))
}
