//! Linear regression: ordinary least squares, ridge, lasso and elastic net.
//!
//! The penalties are scikit-learn's, and the intercept is never penalised. With row weights `s` (1 where none are
//! given) and `n` their sum:
//!
//! | method | minimises | scikit-learn |
//! |---|---|---|
//! | ordinary least squares | `Σ s (y - Xw)²` | `LinearRegression()` |
//! | ridge | `Σ s (y - Xw)² + l2 Σ w²` | `Ridge(alpha=l2)` |
//! | lasso | `Σ s (y - Xw)² / 2n + l1 Σ abs(w)` | `Lasso(alpha=l1)` |
//! | elastic net | `Σ s (y - Xw)² / 2n + l1 Σ abs(w) + l2/2 Σ w²` | `ElasticNet(alpha=l1 + l2, l1_ratio=l1 / (l1 + l2))` |
//!
//! Note that ridge weighs its penalty against the sum of squares and elastic net against half their mean.

mod elastic_net;
mod least_squares;

use model::{LinearModel, Matrix};
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, FitError};

/// How a linear regression is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearSettings {
    /// What is minimised.
    pub method: LinearMethod,
    /// Weight of the squared coefficients in ridge and elastic net.
    pub l2_weight: f64,
    /// Weight of the absolute coefficients in lasso and elastic net.
    pub l1_weight: f64,
    /// Whether a constant is added to every prediction.
    pub fit_intercept: bool,
}

/// What a linear regression minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinearMethod {
    /// The squared errors alone. Of several equally good solutions the one with the smallest coefficients.
    #[default]
    LeastSquares,
    /// And the squared coefficients.
    Ridge,
    /// And the absolute coefficients, which makes some of them exactly 0.
    Lasso,
    /// And both.
    ElasticNet,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self { method: LinearMethod::LeastSquares, l2_weight: 1.0, l1_weight: 1.0, fit_intercept: true }
    }
}

impl LinearSettings {
    fn check(&self) -> Result<(), FitError> {
        for (name, value) in [("L2 weight", self.l2_weight), ("L1 weight", self.l1_weight)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(FitError::Setting { name, found: value.to_string(), expected: "a number of at least 0" });
            }
        }
        Ok(())
    }
}

/// Fits a linear regression to finite numbers.
///
/// # Errors
/// A setting that makes no sense, too many columns, numbers too large to be squared, or the user's cancellation.
pub async fn fit(
    settings: &LinearSettings,
    x: &Matrix,
    y: &[f64],
    weights: Option<&[f64]>,
    checkpoint: &mut impl Checkpoint,
) -> Result<LinearModel, FitError> {
    settings.check()?;
    let design = Design::new(x, y, weights, settings.fit_intercept);
    let (l1, l2) = (settings.l1_weight, settings.l2_weight);
    let scaled = match settings.method {
        LinearMethod::LeastSquares => least_squares::solve(&design, 0.0, checkpoint).await?,
        LinearMethod::Ridge => least_squares::solve(&design, l2, checkpoint).await?,
        LinearMethod::Lasso => elastic_net::solve(&design, l1, 0.0, checkpoint).await?,
        LinearMethod::ElasticNet => elastic_net::solve(&design, l1, l2, checkpoint).await?,
    };
    let model = design.model(scaled, settings.fit_intercept);
    // Finite input can still overflow: 1e300 squared is infinite.
    if !(model.intercept.is_finite() && model.coefficients.iter().all(|w| w.is_finite())) {
        return Err(FitError::Overflow);
    }
    Ok(model)
}

/// Columns with their means taken off and rows weighted, in units in which nothing overflows.
struct Design {
    /// Column by column.
    columns: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
    y: Vec<f64>,
    /// Sum of the row weights.
    total_weight: f64,
    means: Vec<f64>,
    y_mean: f64,
    /// Each column was divided by this power of two, which costs no digit.
    units: Vec<f64>,
    y_unit: f64,
}

impl Design {
    fn new(x: &Matrix, y: &[f64], weights: Option<&[f64]>, centered: bool) -> Self {
        let total_weight = weights.map_or(x.n_rows as f64, |weights| weights.iter().sum());
        let roots: Option<Vec<f64>> = weights.map(|weights| weights.iter().map(|&w| numeric::sqrt(w)).collect());
        let prepare = |values: &mut [f64]| {
            let largest = crate::dense::largest(values);
            let unit = power_of_two(largest);
            if unit != 1.0 {
                let part = 1.0 / unit;
                values.iter_mut().for_each(|v| *v *= part);
            }
            let (mut mean, mut squares) = (0.0, None);
            if centered && total_weight > 0.0 {
                let mut sum = if weights.is_some() { 0.0 } else { crate::dense::sum_of(values, |value| value) };
                // The second pass takes off what rounding left of a mean that is large beside the deviations.
                for _ in 0..2 {
                    let average = weights.map_or(sum, |weights| crate::dense::dot(values, weights)) / total_weight;
                    let left = crate::dense::shift(values, average);
                    (sum, squares) = (left.0, Some(left.1));
                    mean += average;
                }
            }
            if let Some(roots) = &roots {
                values.iter_mut().zip(roots).for_each(|(v, root)| *v *= root);
                squares = None;
            }
            // What is left of a constant column is rounding; the model must not amplify it.
            let norm = numeric::sqrt(squares.unwrap_or_else(|| crate::dense::dot(values, values)));
            if norm <= 8.0 * f64::EPSILON * largest / unit * numeric::sqrt(total_weight) {
                values.fill(0.0);
            }
            (mean, unit)
        };
        let mut columns = x.values.clone();
        let (means, units) = columns.chunks_exact_mut(x.n_rows.max(1)).map(&prepare).unzip();
        let mut y = y.to_vec();
        let (y_mean, y_unit) = prepare(&mut y);
        Self { columns, n_rows: x.n_rows, n_columns: x.n_columns, y, total_weight, means, y_mean, units, y_unit }
    }

    fn column(&self, column_idx: usize) -> &[f64] {
        &self.columns[column_idx * self.n_rows..][..self.n_rows]
    }

    /// Xᵀ(y - Xw), a few rows at a time, so that each number is read once.
    fn correlations(&self, w: &[f64]) -> Vec<f64> {
        const BLOCK: usize = 1_024;
        let mut correlations = vec![0.0; self.n_columns];
        let mut residual = Vec::with_capacity(BLOCK);
        for (block_idx, y) in self.y.chunks(BLOCK).enumerate() {
            let rows = block_idx * BLOCK..block_idx * BLOCK + y.len();
            residual.clear();
            residual.extend_from_slice(y);
            for (column_idx, &w) in w.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                crate::dense::add_scaled(&mut residual, -w, &self.column(column_idx)[rows.clone()]);
            }
            for (column_idx, correlation) in correlations.iter_mut().enumerate() {
                *correlation += crate::dense::dot(&self.column(column_idx)[rows.clone()], &residual);
            }
        }
        correlations
    }

    /// y - Xw.
    fn residual(&self, w: &[f64]) -> Vec<f64> {
        let mut residual = self.y.clone();
        for (column_idx, &w) in w.iter().enumerate() {
            if w != 0.0 {
                crate::dense::add_scaled(&mut residual, -w, self.column(column_idx));
            }
        }
        residual
    }

    /// The coefficients in the units of the data, with their intercept.
    fn model(&self, scaled: Vec<f64>, fit_intercept: bool) -> LinearModel {
        let shift: f64 = crate::dense::dot(&scaled, &self.means);
        let coefficients = scaled.iter().zip(&self.units).map(|(w, unit)| w * (self.y_unit / unit)).collect();
        let intercept = if fit_intercept { (self.y_mean - shift) * self.y_unit } else { 0.0 };
        LinearModel { coefficients, intercept }
    }
}

/// The weight of a squared coefficient in the unit of its column, whose square may vanish.
fn penalty_in(unit: f64, weight: f64) -> f64 {
    if weight > 0.0 { (weight / unit / unit).min(f64::MAX) } else { 0.0 }
}

/// The power of two next below a positive number; 1 for 0.
fn power_of_two(largest: f64) -> f64 {
    let exponent = (largest.to_bits() >> 52) & 0x7ff;
    if exponent == 0 || exponent == 0x7ff {
        return 1.0;
    }
    f64::from_bits(exponent << 52)
}

#[cfg(test)]
mod tests;
