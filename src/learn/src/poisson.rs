//! Poisson regression: counts whose logarithm is expected to be a weighted sum of the columns, by L-BFGS.
//!
//! Minimises `Σ s (exp(η) - y η) / Σ s + l2/2 Σ w²` with `η = b + Σ w x` (McCullagh and Nelder, Generalized Linear
//! Models, 1989, chapter 6); the intercept is not penalised. This is scikit-learn's `PoissonRegressor(alpha = l2)`,
//! whose penalty, unlike that of a ridge, stands beside the *mean* of the loss.
//!
//! Inside, columns are standardised so that the iteration does not depend on their units; the penalty stays on the
//! coefficients of the data as they are.

use model::{LinearModel, Matrix};
use serde::{Deserialize, Serialize};

use crate::curvature::Curvature;
use crate::dense::{add_scaled, dot};
use crate::scaling::scaling;
use crate::{Checkpoint, FitError};

/// How a Poisson regression is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoissonSettings {
    /// Weight of the squared coefficients beside the mean loss of a row.
    pub l2_weight: f64,
    /// Whether the prediction may differ from 1 where all columns are 0.
    pub fit_intercept: bool,
    /// It ends when no slope of the mean loss is above this.
    pub tolerance: f64,
    /// Past steps that tell about the curvature.
    pub memory_size: u32,
    /// Steps at most.
    pub max_iterations: u32,
}

impl Default for PoissonSettings {
    fn default() -> Self {
        Self { l2_weight: 1.0, fit_intercept: true, tolerance: 1e-7, memory_size: 20, max_iterations: 1_000 }
    }
}

/// A fitted Poisson regression.
#[derive(Clone, Debug, PartialEq)]
pub struct PoissonFit {
    /// The weighted sum that is the logarithm of the prediction.
    pub model: LinearModel,
    /// Steps it took.
    pub n_iterations: u32,
    /// Whether the tolerance was reached.
    pub converged: bool,
}

/// Fits a Poisson regression. `y` is at least 0, and not 0 everywhere.
///
/// # Errors
/// A setting that makes no sense, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &PoissonSettings,
    x: &Matrix,
    y: &[f64],
    weights: Option<&[f64]>,
    checkpoint: &mut impl Checkpoint,
) -> Result<PoissonFit, FitError> {
    settings.check()?;
    let mut scaling = scaling(x, checkpoint).await?;
    // The loss bends with the mean of `y` along a standardised column, and the penalty on top of that: a column that is
    // scaled by both bends like all others, however small its unit.
    let total: f64 = weights.map_or(y.len() as f64, |weights| weights.iter().sum());
    let mean = (0..y.len()).map(|i| weights.map_or(1.0, |weights| weights[i]) / total * y[i]).sum::<f64>();
    for (_, scale) in &mut scaling {
        *scale = numeric::sqrt(*scale * *scale + settings.l2_weight / mean);
    }
    let problem = Problem::new(settings, x, y, weights, &scaling);
    let mut past = Curvature::new(settings.memory_size as usize);
    let mut point = problem.at(problem.start());
    for step_idx in 0..settings.max_iterations {
        let steepest = point.gradient.iter().fold(0.0f64, |steepest, slope| steepest.max(slope.abs()));
        if !(point.loss.is_finite() && steepest.is_finite()) {
            return Err(FitError::Overflow);
        }
        if steepest <= settings.tolerance * problem.unit {
            return problem.fit(&point, step_idx, true);
        }
        let fraction = f64::from(step_idx) / f64::from(settings.max_iterations);
        let mut direction = past.direction(&point.gradient);
        if dot(&direction, &point.gradient) >= 0.0 {
            past.clear();
            direction = past.direction(&point.gradient);
        }
        let fall = dot(&direction, &point.gradient);
        // The first step is as long as the columns are wide.
        let mut length = if past.is_empty() { (1.0 / numeric::sqrt(-fall)).min(1.0) } else { 1.0 };
        let next = loop {
            checkpoint.checkpoint(fraction, &format!("Step {}", step_idx + 1)).await?;
            let mut parameters = point.parameters.clone();
            add_scaled(&mut parameters, length, &direction);
            let next = problem.at(parameters);
            // Near the minimum the loss no longer tells apart what the slopes still do.
            if next.loss <= point.loss + 1e-4 * length * fall + 1e-14 * point.loss.abs() {
                break Some(next);
            }
            length *= 0.5;
            if length < 1e-20 {
                break None;
            }
        };
        let Some(next) = next else {
            if past.is_empty() {
                return problem.fit(&point, step_idx, false);
            }
            // What is remembered may lead astray; the slopes alone do not.
            past.clear();
            continue;
        };
        let difference = |new: &[f64], old: &[f64]| new.iter().zip(old).map(|(new, old)| new - old).collect();
        past.learn(difference(&next.parameters, &point.parameters), difference(&next.gradient, &point.gradient));
        point = next;
    }
    problem.fit(&point, settings.max_iterations, false)
}

impl PoissonSettings {
    fn check(&self) -> Result<(), FitError> {
        if !(self.l2_weight.is_finite() && self.l2_weight >= 0.0) {
            let found = self.l2_weight.to_string();
            return Err(FitError::Setting { name: "L2 weight", found, expected: "a number of at least 0" });
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            let found = self.tolerance.to_string();
            return Err(FitError::Setting { name: "optimization tolerance", found, expected: "a number above 0" });
        }
        for (name, found) in [("memory size for L-BFGS", self.memory_size), ("iterations", self.max_iterations)] {
            if found == 0 {
                return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
            }
        }
        Ok(())
    }
}

/// Standardised rows and what is minimised over their coefficients, the intercept last.
struct Problem<'a> {
    /// Column by column.
    columns: Vec<f64>,
    scaling: &'a [(f64, f64)],
    /// Per column, on the standardised coefficient.
    penalties: Vec<f64>,
    y: &'a [f64],
    /// Shares of the rows in the mean, which sum to 1.
    shares: Vec<f64>,
    /// The mean of `y`.
    mean: f64,
    /// What slopes are measured by.
    unit: f64,
    fit_intercept: bool,
}

/// Loss and slopes at some parameters.
struct Point {
    parameters: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(
        settings: &PoissonSettings,
        x: &Matrix,
        y: &'a [f64],
        weights: Option<&[f64]>,
        scaling: &'a [(f64, f64)],
    ) -> Self {
        let mut columns = x.values.clone();
        for (column, &(mean, deviation)) in columns.chunks_exact_mut(x.n_rows.max(1)).zip(scaling) {
            // Without an intercept there is nothing that could take up a shift.
            let shift = if settings.fit_intercept { mean } else { 0.0 };
            column.iter_mut().for_each(|value| *value = (*value - shift) / deviation);
        }
        let total: f64 = weights.map_or(y.len() as f64, |weights| weights.iter().sum());
        let shares: Vec<f64> =
            (0..y.len()).map(|row_idx| weights.map_or(1.0, |weights| weights[row_idx]) / total).collect();
        let mean = dot(&shares, y);
        let penalties = scaling.iter().map(|(_, deviation)| settings.l2_weight / (deviation * deviation)).collect();
        let fit_intercept = settings.fit_intercept;
        Self { columns, scaling, penalties, y, shares, mean, unit: mean.max(1.0), fit_intercept }
    }

    fn start(&self) -> Vec<f64> {
        let mut parameters = vec![0.0; self.scaling.len() + 1];
        if self.fit_intercept {
            parameters[self.scaling.len()] = numeric::ln(self.mean);
        }
        parameters
    }

    fn at(&self, parameters: Vec<f64>) -> Point {
        let n = self.y.len();
        let d = self.scaling.len();
        let mut scores = vec![parameters[d]; n];
        for (column, &w) in self.columns.chunks_exact(n).zip(&parameters) {
            add_scaled(&mut scores, w, column);
        }
        let mut loss = 0.0;
        for ((score, y), share) in scores.iter_mut().zip(self.y).zip(&self.shares) {
            let expected = numeric::exp(*score);
            loss += share * (expected - y * *score);
            *score = share * (expected - y);
        }
        let errors = scores;
        let mut gradient: Vec<f64> = self.columns.chunks_exact(n).map(|column| dot(column, &errors)).collect();
        gradient.push(if self.fit_intercept { errors.iter().sum() } else { 0.0 });
        for ((slope, w), penalty) in gradient.iter_mut().zip(&parameters).zip(&self.penalties) {
            loss += 0.5 * penalty * w * w;
            *slope += penalty * w;
        }
        Point { parameters, loss, gradient }
    }

    /// The parameters in the units of the data.
    fn fit(&self, point: &Point, n_iterations: u32, converged: bool) -> Result<PoissonFit, FitError> {
        let d = self.scaling.len();
        let coefficients: Vec<f64> =
            point.parameters.iter().zip(self.scaling).map(|(w, (_, deviation))| w / deviation).collect();
        let mut intercept = point.parameters[d];
        if self.fit_intercept {
            intercept -= coefficients.iter().zip(self.scaling).map(|(w, (mean, _))| w * mean).sum::<f64>();
        }
        if !(intercept.is_finite() && coefficients.iter().all(|w| w.is_finite())) {
            return Err(FitError::Overflow);
        }
        Ok(PoissonFit { model: LinearModel { coefficients, intercept }, n_iterations, converged })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Unwatched, block_on};

    fn fitted(settings: &PoissonSettings, x: &Matrix, y: &[f64], weights: Option<&[f64]>) -> PoissonFit {
        block_on(fit(settings, x, y, weights, &mut Unwatched)).expect("a model")
    }

    #[test]
    fn without_a_penalty_a_truth_value_gives_the_two_means() {
        let x = Matrix { values: vec![0.0, 0.0, 1.0, 1.0], n_rows: 4, n_columns: 1 };
        let settings = PoissonSettings { l2_weight: 0.0, ..PoissonSettings::default() };
        let found = fitted(&settings, &x, &[1.0, 3.0, 10.0, 14.0], None);
        assert!(found.converged);
        assert!((found.model.intercept - numeric::ln(2.0)).abs() < 1e-6, "{found:?}");
        assert!((found.model.coefficients[0] - numeric::ln(6.0)).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_large_penalty_leaves_the_mean() {
        let x = Matrix { values: vec![0.0, 1.0, 2.0, 5.0], n_rows: 4, n_columns: 1 };
        let settings = PoissonSettings { l2_weight: 1e12, ..PoissonSettings::default() };
        let found = fitted(&settings, &x, &[1.0, 3.0, 10.0, 14.0], None);
        assert!(found.model.coefficients[0].abs() < 1e-10);
        assert!((found.model.intercept - numeric::ln(7.0)).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn predictions_sum_to_the_counts_and_a_weight_of_two_is_the_row_twice(
            rows in prop::collection::vec((-3.0..3.0f64, -500.0..500.0f64, 0u8..9, 1u8..3), 4..24),
        ) {
            prop_assume!(rows.iter().any(|row| row.2 > 0));
            let matrix = |idxs: &[usize]| Matrix {
                values: idxs.iter().map(|&i| rows[i].0).chain(idxs.iter().map(|&i| rows[i].1)).collect(),
                n_rows: idxs.len(),
                n_columns: 2,
            };
            let counts = |idxs: &[usize]| idxs.iter().map(|&i| f64::from(rows[i].2)).collect::<Vec<_>>();
            let once: Vec<usize> = (0..rows.len()).collect();
            let twice: Vec<usize> = (0..rows.len()).flat_map(|i| vec![i; usize::from(rows[i].3)]).collect();
            let weights: Vec<f64> = rows.iter().map(|row| f64::from(row.3)).collect();
            // Columns are scaled by all rows alike, so that only the minimum is the same, not the way there.
            let settings = PoissonSettings { l2_weight: 0.1, tolerance: 1e-10, ..PoissonSettings::default() };
            let weighted = fitted(&settings, &matrix(&once), &counts(&once), Some(&weights));
            let repeated = fitted(&settings, &matrix(&twice), &counts(&twice), None);
            let predicted = |fit: &PoissonFit| -> Vec<f64> {
                fit.model.predict(&matrix(&twice)).into_iter().map(numeric::exp).collect()
            };
            let (a, b) = (predicted(&weighted), predicted(&repeated));
            for (a, b) in a.iter().zip(&b) {
                prop_assert!((a - b).abs() < 1e-5 * (1.0 + b), "{a} {b}");
            }
            // The slope along the intercept is 0.
            let (found, expected) = (b.iter().sum::<f64>(), counts(&twice).iter().sum::<f64>());
            prop_assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
        }
    }
}
