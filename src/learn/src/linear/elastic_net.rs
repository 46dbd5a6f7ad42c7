//! Lasso and elastic net: smartcore's interior point goes first where it is quick, coordinate descent finishes.
//!
//! The interior point does not mind columns that nearly depend on each other, where coordinate descent crawls; it
//! cannot be cancelled, leaves small numbers where zeros belong and does not promise an accuracy. Coordinate descent
//! from its solution gives the zeros, and the duality gap proves the end whatever the start was.

use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::lasso::{Lasso, LassoParameters};

use crate::dense::{add_scaled, dot};
use crate::{Checkpoint, FitError};

use super::{Design, penalty_in};

/// The widest problem for smartcore, whose worst case costs 150,000 products with the Gram matrix.
const MAX_SMARTCORE_COLUMNS: usize = 48;
/// The largest one; its matrix is copied twice.
const MAX_SMARTCORE_VALUES: usize = 2_000_000;
/// Up to this width the Gram matrix replaces the rows.
const MAX_GRAM: usize = 1_024;
/// Sweeps of coordinate descent at most.
const MAX_SWEEPS: usize = 20_000;
/// The duality gap, relative to Σ y², at which the descent ends, and the one that is still a result.
const GAP: f64 = 1e-11;
const BEARABLE_GAP: f64 = 1e-4;

/// Coefficients in the design's units.
pub(super) async fn solve(
    design: &Design<'_>,
    l1: f64,
    l2: f64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    let d = design.n_columns;
    let y_square = dot(&design.y, &design.y);
    if d == 0 || y_square == 0.0 {
        return Ok(vec![0.0; d]);
    }
    // In the design's units: w = scaled * y_unit / unit, and the whole is divided by y_unit².
    let n = design.total_weight;
    let penalty = Penalty {
        l1: design.units.iter().map(|unit| (n * l1 / unit / design.y_unit).min(f64::MAX)).collect(),
        l2: design.units.iter().map(|unit| penalty_in(*unit, n * l2)).collect(),
    };
    let mut descent = Descent::new(design, penalty, checkpoint).await?;
    if let Some(start) = interior_point(design, &descent.penalty) {
        descent.start_from(start);
    }
    let mut gap = f64::INFINITY;
    for sweep in 0..MAX_SWEEPS {
        let largest_step = descent.sweep();
        // The gap costs as much as a sweep.
        if largest_step == 0.0 || sweep % 10 == 9 {
            gap = descent.gap(y_square);
            if gap <= GAP * y_square || largest_step == 0.0 {
                break;
            }
        }
        checkpoint.checkpoint(sweep as f64 / MAX_SWEEPS as f64, "Descending").await?;
    }
    if gap.is_nan() || gap > BEARABLE_GAP * y_square {
        return Err(FitError::NotConverged { n_iterations: MAX_SWEEPS });
    }
    Ok(descent.w)
}

/// Per column: `l1 |w| + l2/2 w²`, beside half the sum of squares.
struct Penalty {
    l1: Vec<f64>,
    l2: Vec<f64>,
}

/// Coordinate descent on `‖y - Xw‖²/2` and the penalties.
struct Descent<'a> {
    design: &'a Design<'a>,
    penalty: Penalty,
    w: Vec<f64>,
    /// ‖x_j‖².
    squares: Vec<f64>,
    /// What follows every step: Xᵀ(y - Xw) through the Gram matrix, or else y - Xw.
    state: State,
}

enum State {
    Gram { gram: Vec<f64>, gradient: Vec<f64> },
    Residual(Vec<f64>),
}

impl<'a> Descent<'a> {
    async fn new(design: &'a Design<'a>, penalty: Penalty, checkpoint: &mut impl Checkpoint) -> Result<Self, FitError> {
        let d = design.n_columns;
        let state = if d <= MAX_GRAM && d <= design.n_rows {
            let gradient = (0..d).map(|j| dot(design.column(j), &design.y)).collect();
            State::Gram { gram: design.gram(checkpoint).await?, gradient }
        } else {
            State::Residual(design.y.clone())
        };
        let squares = (0..d).map(|j| dot(design.column(j), design.column(j))).collect();
        Ok(Self { design, penalty, w: vec![0.0; d], squares, state })
    }

    fn start_from(&mut self, w: Vec<f64>) {
        let residual = self.design.residual(&w);
        match &mut self.state {
            State::Gram { gradient, .. } => {
                *gradient = (0..w.len()).map(|j| dot(self.design.column(j), &residual)).collect();
            }
            State::Residual(state) => *state = residual,
        }
        self.w = w;
    }

    /// One step along each coordinate; returns the largest, in terms of the fitted values.
    fn sweep(&mut self) -> f64 {
        let mut largest = 0.0f64;
        let d = self.w.len();
        for j in 0..d {
            if self.squares[j] == 0.0 {
                self.w[j] = 0.0;
                continue;
            }
            let gradient = match &self.state {
                State::Gram { gradient, .. } => gradient[j],
                State::Residual(residual) => dot(self.design.column(j), residual),
            };
            let aim = gradient + self.squares[j] * self.w[j];
            let shrunk = (aim.abs() - self.penalty.l1[j]).max(0.0);
            let new = if shrunk == 0.0 { 0.0 } else { aim.signum() * shrunk / (self.squares[j] + self.penalty.l2[j]) };
            let step = new - self.w[j];
            if step != 0.0 {
                self.w[j] = new;
                match &mut self.state {
                    State::Gram { gram, gradient } => add_scaled(gradient, -step, &gram[j * d..(j + 1) * d]),
                    State::Residual(residual) => add_scaled(residual, -step, self.design.column(j)),
                }
                largest = largest.max(step.abs() * numeric::sqrt(self.squares[j]));
            }
        }
        largest
    }

    /// How far the minimum can be below (Kim, Koh, Lustig, Boyd and Gorinevsky, 2007, with each column in the
    /// unit in which its penalty is 1, and the squared penalty as further rows).
    fn gap(&self, y_square: f64) -> f64 {
        let residual = self.design.residual(&self.w);
        let (r_square, ry) = (dot(&residual, &residual), dot(&residual, &self.design.y));
        let mut worst = 0.0f64;
        let (mut absolute, mut square) = (0.0, 0.0);
        for (j, &w) in self.w.iter().enumerate() {
            let slope = (dot(self.design.column(j), &residual) - self.penalty.l2[j] * w).abs();
            let largest = numeric::sqrt(self.squares[j] * y_square);
            // One that is less than what rounding leaves of a slope counts as none.
            if self.penalty.l1[j] > 1e-13 * largest {
                worst = worst.max(slope / self.penalty.l1[j]);
            } else if slope > 1e-9 * largest {
                return f64::INFINITY;
            }
            absolute += self.penalty.l1[j] * w.abs();
            square += self.penalty.l2[j] * w * w;
        }
        let shrink = if worst > 1.0 { 1.0 / worst } else { 1.0 };
        0.5 * (1.0 + shrink * shrink) * (r_square + square) + absolute - shrink * ry
    }
}

/// smartcore's solution, where the problem is small and the same for every column.
fn interior_point(design: &Design<'_>, penalty: &Penalty) -> Option<Vec<f64>> {
    let (n, d) = (design.n_rows, design.n_columns);
    if d > MAX_SMARTCORE_COLUMNS || (n + d) * d > MAX_SMARTCORE_VALUES || penalty.l1.contains(&0.0) {
        return None;
    }
    // It takes one weight for all: columns are measured in the unit in which theirs is that of the mean column.
    let common = penalty.l1.iter().sum::<f64>() / d as f64;
    let units: Vec<f64> = penalty.l1.iter().map(|l1| l1 / common).collect();
    // The squared penalty is d further rows, and enough rows of zeros make it accept wide tables.
    let n_rows = n + d;
    let mut values = vec![0.0; n_rows * d];
    for j in 0..d {
        let column = &mut values[j * n_rows..(j + 1) * n_rows];
        for (to, from) in column.iter_mut().zip(design.column(j)) {
            *to = from / units[j];
        }
        column[n + j] = numeric::sqrt(penalty.l2[j]) / units[j];
    }
    let mut y = design.y.clone();
    y.resize(n_rows, 0.0);
    if common == 0.0 || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let x = DenseMatrix::new(n_rows, d, values, true).ok()?;
    // It minimises ‖y - Xw‖² + alpha n ‖w‖₁.
    let parameters = LassoParameters::default()
        .with_alpha(2.0 * common / n_rows as f64)
        .with_normalize(false)
        .with_fit_intercept(false)
        .with_tol(1e-6)
        .with_max_iter(30);
    let fitted = Lasso::fit(&x, &y, parameters).ok()?;
    let coefficients = fitted.coefficients();
    let start: Vec<f64> =
        (0..d).map(|j| *smartcore::linalg::basic::arrays::Array::get(coefficients, (j, 0)) / units[j]).collect();
    start.iter().all(|w| w.is_finite()).then_some(start)
}
