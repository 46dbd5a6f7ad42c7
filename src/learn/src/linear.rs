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

use std::cell::OnceCell;
use std::ops::Range;

use model::{LinearModel, Matrix};
use serde::{Deserialize, Serialize};

use crate::dense::{LANES, add_scaled, dot, gram_of, sums_about, together};
use crate::{Checkpoint, FitError, Stopped};

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
struct Design<'a> {
    x: &'a Matrix,
    places: Vec<Place>,
    /// Square roots of the row weights.
    roots: Option<Vec<f64>>,
    /// All columns one after another, once somebody wants them so.
    columns: OnceCell<Vec<f64>>,
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

/// How a column is brought to its place.
#[derive(Clone, Copy)]
struct Place {
    unit: f64,
    /// In this unit.
    mean: f64,
    /// What is left of such a column is rounding; the model must not amplify it.
    is_constant: bool,
}

impl Place {
    fn new(values: &[f64], weights: Option<&[f64]>, total_weight: f64, centered: bool) -> Self {
        let (largest, sum) = largest_and_sum(values);
        let unit = power_of_two(largest);
        let part = 1.0 / unit;
        let mut mean = 0.0;
        if centered && total_weight > 0.0 {
            let sum = match weights {
                None if sum.is_finite() => sum * part,
                _ => sums_about(values, weights, part, 0.0).0,
            };
            mean = sum / total_weight;
        }
        let (off, mut squares) = sums_about(values, weights, part, mean);
        if centered && total_weight > 0.0 {
            // What rounding left of a mean that is large beside the deviations.
            let off = off / total_weight;
            mean += off;
            squares -= total_weight * off * off;
        }
        let norm = numeric::sqrt(squares.max(0.0));
        let is_constant = norm <= 8.0 * f64::EPSILON * largest / unit * numeric::sqrt(total_weight);
        Self { unit, mean, is_constant }
    }

    fn write(&self, from: &[f64], roots: Option<&[f64]>, to: &mut [f64]) {
        if self.is_constant {
            to.fill(0.0);
            return;
        }
        write_about(from, 1.0 / self.unit, self.mean, to);
        if let Some(roots) = roots {
            to.iter_mut().zip(roots).for_each(|(to, root)| *to *= root);
        }
    }
}

impl<'a> Design<'a> {
    fn new(x: &'a Matrix, y: &[f64], weights: Option<&[f64]>, centered: bool) -> Self {
        let total_weight = weights.map_or(x.n_rows as f64, |weights| weights.iter().sum());
        let roots: Option<Vec<f64>> = weights.map(|weights| weights.iter().map(|&w| numeric::sqrt(w)).collect());
        let place = |values: &[f64]| Place::new(values, weights, total_weight, centered);
        let places: Vec<Place> = (0..x.n_columns).map(|column_idx| place(x.column(column_idx))).collect();
        let of_y = place(y);
        let mut placed = vec![0.0; y.len()];
        of_y.write(y, roots.as_deref(), &mut placed);
        Self {
            means: places.iter().map(|place| place.mean).collect(),
            units: places.iter().map(|place| place.unit).collect(),
            x,
            places,
            roots,
            columns: OnceCell::new(),
            n_rows: x.n_rows,
            n_columns: x.n_columns,
            y: placed,
            total_weight,
            y_mean: of_y.mean,
            y_unit: of_y.unit,
        }
    }

    /// Some rows of a column.
    fn write(&self, column_idx: usize, rows: Range<usize>, to: &mut [f64]) {
        let roots = self.roots.as_ref().map(|roots| &roots[rows.clone()]);
        self.places[column_idx].write(&self.x.column(column_idx)[rows], roots, to);
    }

    fn column(&self, column_idx: usize) -> &[f64] {
        let columns = self.columns.get_or_init(|| {
            let mut columns = vec![0.0; self.n_rows * self.n_columns];
            for (column_idx, to) in columns.chunks_exact_mut(self.n_rows.max(1)).enumerate() {
                self.write(column_idx, 0..self.n_rows, to);
            }
            columns
        });
        &columns[column_idx * self.n_rows..][..self.n_rows]
    }

    /// XᵀX.
    async fn gram(&self, checkpoint: &mut impl Checkpoint) -> Result<Vec<f64>, Stopped> {
        gram_of(self.n_rows, self.n_columns, |column_idx, rows, to| self.write(column_idx, rows, to), checkpoint).await
    }

    /// Xᵀ(y - Xw), a few rows at a time, so that each number is read once.
    fn correlations(&self, w: &[f64]) -> Vec<f64> {
        const BLOCK: usize = 512;
        let mut correlations = vec![0.0; self.n_columns];
        let mut columns = vec![0.0; BLOCK * self.n_columns];
        let mut residual = Vec::with_capacity(BLOCK);
        for (block_idx, y) in self.y.chunks(BLOCK).enumerate() {
            let rows = block_idx * BLOCK..block_idx * BLOCK + y.len();
            residual.clear();
            residual.extend_from_slice(y);
            for (column_idx, (column, &w)) in columns.chunks_exact_mut(BLOCK).zip(w).enumerate() {
                self.write(column_idx, rows.clone(), &mut column[..y.len()]);
                add_scaled(&mut residual, -w, column);
            }
            for (correlation, column) in correlations.iter_mut().zip(columns.chunks_exact(BLOCK)) {
                *correlation += dot(&column[..y.len()], &residual);
            }
        }
        correlations
    }

    /// y - Xw.
    fn residual(&self, w: &[f64]) -> Vec<f64> {
        let mut residual = self.y.clone();
        for (column_idx, &w) in w.iter().enumerate() {
            if w != 0.0 {
                add_scaled(&mut residual, -w, self.column(column_idx));
            }
        }
        residual
    }

    /// The coefficients in the units of the data, with their intercept.
    fn model(&self, scaled: Vec<f64>, fit_intercept: bool) -> LinearModel {
        let shift: f64 = dot(&scaled, &self.means);
        let coefficients = scaled.iter().zip(&self.units).map(|(w, unit)| w * (self.y_unit / unit)).collect();
        let intercept = if fit_intercept { (self.y_mean - shift) * self.y_unit } else { 0.0 };
        LinearModel { coefficients, intercept }
    }
}

numeric::wide! {
    /// The largest distance from 0, and the sum.
    fn largest_and_sum(values: &[f64]) -> (f64, f64) {
        let (mut largest, mut sums) = ([0.0f64; LANES], [0.0; LANES]);
        let (lanes, rest) = values.as_chunks::<LANES>();
        for values in lanes {
            for lane in 0..LANES {
                largest[lane] = if values[lane].abs() > largest[lane] { values[lane].abs() } else { largest[lane] };
                sums[lane] += values[lane];
            }
        }
        let largest = largest.iter().chain(rest).fold(0.0, |largest: f64, value| largest.max(value.abs()));
        (largest, together(sums) + rest.iter().sum::<f64>())
    }
}

numeric::wide! {
    fn write_about(from: &[f64], part: f64, mean: f64, to: &mut [f64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from * part - mean;
        }
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
