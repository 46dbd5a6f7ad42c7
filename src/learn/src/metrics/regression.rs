//! Metrics of predicted numbers.

use super::{MetricError, check_finite, check_lengths, sum};
use crate::tree::power_of_two;

/// Metrics of a regression.
#[derive(Clone, Debug, PartialEq)]
pub struct RegressionMetrics {
    /// Rows evaluated.
    pub n_rows: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error; infinite where errors are above 1e154.
    pub mse: f64,
    /// Its root, which is finite.
    pub rmse: f64,
    /// Median absolute error; of two middle ones their mean.
    pub median_absolute_error: f64,
    /// Largest absolute error.
    pub max_error: f64,
    /// Absolute errors relative to those of the mean; None if the target is constant, or
    /// errors are beyond all numbers beside it.
    pub relative_absolute_error: Option<f64>,
    /// Squared errors relative to those of the mean; None if the target is constant.
    pub relative_squared_error: Option<f64>,
    /// Coefficient of determination, 1 - the relative squared error; None if the target is constant.
    pub r2: Option<f64>,
    /// Like R², with the mean error taken off first; None if the target is constant.
    pub explained_variance: Option<f64>,
}

/// Metrics of predicted numbers.
///
/// # Errors
/// No rows, different lengths, a value that is no number, or an error that is beyond all numbers.
pub fn regression(actual: &[f64], predicted: &[f64]) -> Result<RegressionMetrics, MetricError> {
    check_lengths(actual.len(), predicted.len())?;
    check_finite("actual value", actual)?;
    check_finite("prediction", predicted)?;
    let n = actual.len() as f64;
    // Divided by a power of two, which costs no digit, so that squares neither overflow nor vanish.
    let unit = power_of_two(actual).max(power_of_two(predicted));
    let in_unit = |values: &[f64]| values.iter().map(|value| value / unit).collect::<Vec<_>>();
    let (actual, predicted) = (in_unit(actual), in_unit(predicted));
    let errors: Vec<f64> = actual.iter().zip(&predicted).map(|(a, p)| a - p).collect();
    let mut absolute: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    let mae = sum(absolute.iter().map(|e| e / n));
    let square_sum = sum(errors.iter().map(|e| e * e));
    let mse = square_sum / n;
    let largest = |errors: &[f64]| errors.iter().copied().max_by(f64::total_cmp).unwrap_or_default();
    let max_error = largest(&absolute);
    if let Some(row_idx) = errors.iter().position(|error| !(error * unit).is_finite()) {
        let (actual, predicted) = (actual[row_idx] * unit, predicted[row_idx] * unit);
        return Err(MetricError::HugeError { row_idx, actual, predicted });
    }
    let middle = absolute.len() / 2;
    let is_odd = absolute.len() % 2 == 1;
    let (below, &mut upper, _) = absolute.select_nth_unstable_by(middle, f64::total_cmp);
    let median_absolute_error = if is_odd { upper } else { largest(below) / 2.0 + upper / 2.0 };

    let mean = sum(actual.iter().map(|a| a / n));
    let constant = actual.iter().all(|&a| a == actual[0]);
    let relative = |part: f64, whole: f64| {
        (!constant && whole > 0.0).then(|| part / whole).filter(|relative| relative.is_finite())
    };
    let deviation_sum = sum(actual.iter().map(|a| (a - mean).abs()));
    let deviation_square_sum = sum(actual.iter().map(|a| (a - mean) * (a - mean)));
    let relative_squared_error = relative(square_sum, deviation_square_sum);
    let mean_error = sum(errors.iter().map(|e| e / n));
    let error_variance_sum = sum(errors.iter().map(|e| (e - mean_error) * (e - mean_error)));
    Ok(RegressionMetrics {
        n_rows: actual.len(),
        mae: mae * unit,
        mse: mse * unit * unit,
        rmse: numeric::sqrt(mse) * unit,
        median_absolute_error: median_absolute_error * unit,
        max_error: max_error * unit,
        relative_absolute_error: relative(mae * n, deviation_sum),
        relative_squared_error,
        r2: relative_squared_error.map(|error| 1.0 - error),
        explained_variance: relative(error_variance_sum, deviation_square_sum).map(|error| 1.0 - error),
    })
}
