//! Logistic regression of two or more classes, by Newton's method; with an L1 weight and many columns by L-BFGS.
//!
//! Minimises `Σ s · log loss + l2/2 Σ w² + l1 Σ |w|` over the coefficients `w`; intercepts are not penalised. This is
//! scikit-learn's `LogisticRegression(C = 1 / (l1 + l2), l1_ratio = l1 / (l1 + l2))`, whose `C` multiplies the loss
//! instead. Two classes have one row of coefficients, more have one each through softmax.
//!
//! Inside, columns are standardised so that the iteration does not depend on their units; the penalty stays on the
//! coefficients of the data as they are.

mod absolute;

use std::ops::Range;

use model::{Block, LogisticModel, Matrix, add_sum};
use serde::{Deserialize, Serialize};

use crate::dense::{Cholesky, add_products, add_scaled, dot, largest, shift, sum_of};
use crate::{Checkpoint, FitError};

/// How a logistic regression is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticSettings {
    /// Weight of the squared coefficients: 1 / C in scikit-learn. Above 0, separable classes have a finite solution.
    pub l2_weight: f64,
    /// Weight of the absolute coefficients. The larger it is, the more of them are exactly 0.
    pub l1_weight: f64,
    /// Where L-BFGS is used, so many past steps tell it about the curvature.
    pub memory_size: u32,
    /// Newton steps at most; a hundred of L-BFGS count as one.
    pub max_iterations: u32,
    /// It ends one step after no slope of the mean loss is above this; that step squares what is left of the error.
    pub tolerance: f64,
    /// How much each class counts.
    pub class_weights: ClassWeights,
}

/// How much each class counts in a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassWeights {
    /// Every row the same.
    #[default]
    Uniform,
    /// Every class the same in sum: `n / (n_classes * n_of_the_class)` a row.
    Balanced,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self {
            l2_weight: 1.0,
            l1_weight: 0.0,
            memory_size: 20,
            max_iterations: 100,
            tolerance: 1e-7,
            class_weights: ClassWeights::Uniform,
        }
    }
}

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticFit {
    /// The model.
    pub model: LogisticModel,
    /// Steps it took.
    pub n_iterations: u32,
    /// Whether the tolerance was reached. Without a penalty it is not where the classes can be separated.
    pub converged: bool,
}

/// Weights of the rows when classes count as told, times the row weights given.
pub fn row_weights(
    class_weights: ClassWeights,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
) -> Option<Vec<f64>> {
    match class_weights {
        ClassWeights::Uniform => weights.map(<[f64]>::to_vec),
        ClassWeights::Balanced => {
            let mut counts = vec![0.0; n_classes];
            for (row_idx, &class) in classes.iter().enumerate() {
                counts[class as usize] += weights.map_or(1.0, |weights| weights[row_idx]);
            }
            let total: f64 = counts.iter().sum();
            let row_weight = |(row_idx, &class): (usize, &u32)| {
                weights.map_or(1.0, |weights| weights[row_idx]) * total / (n_classes as f64 * counts[class as usize])
            };
            Some(classes.iter().enumerate().map(row_weight).collect())
        }
    }
}

/// Fits a logistic regression. `classes` are below `n_classes`, and each occurs with a positive weight.
///
/// # Errors
/// A setting that makes no sense, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &LogisticSettings,
    x: &Matrix,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
    checkpoint: &mut impl Checkpoint,
) -> Result<LogisticFit, FitError> {
    settings.check()?;
    let weights = row_weights(settings.class_weights, classes, n_classes, weights);
    let problem = Problem::new(x, classes, n_classes, weights, settings);
    let (parameters, n_iterations, converged) = if settings.l1_weight > 0.0 {
        absolute::minimise(&problem, settings, checkpoint).await?
    } else {
        minimise(&problem, settings, checkpoint).await?
    };
    let model = problem.model(&parameters);
    if !model.coefficients.iter().chain(&model.intercepts).all(|w| w.is_finite()) {
        return Err(FitError::Overflow);
    }
    Ok(LogisticFit { model, n_iterations, converged })
}

impl LogisticSettings {
    fn check(&self) -> Result<(), FitError> {
        for (name, weight) in [("L2 weight", self.l2_weight), ("L1 weight", self.l1_weight)] {
            if !(weight.is_finite() && weight >= 0.0) {
                let found = weight.to_string();
                return Err(FitError::Setting { name, found, expected: "a number of at least 0" });
            }
        }
        if self.memory_size == 0 {
            let found = "0".to_owned();
            return Err(FitError::Setting { name: "memory size for L-BFGS", found, expected: "at least 1" });
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            let found = self.tolerance.to_string();
            return Err(FitError::Setting { name: "optimization tolerance", found, expected: "a number above 0" });
        }
        if self.max_iterations == 0 {
            let found = "0".to_owned();
            return Err(FitError::Setting { name: "iterations", found, expected: "at least 1" });
        }
        Ok(())
    }
}

/// Up to this many parameters the Hessian is formed and factored; above, Newton's equations are solved by conjugate
/// gradients on products with it.
const MAX_HESSIAN: usize = 700;
/// Products per Newton step at most.
const MAX_PRODUCTS: usize = 250;
/// Rows that are worked on at once.
const BLOCK: usize = 1_024;
/// Rows whose columns, times what the loss bends by, stay in the cache.
const CURVED: usize = 256;

/// Standardised rows and what is minimised over them.
///
/// Parameters stand output by output: one coefficient per column, then the intercept.
struct Problem<'a> {
    /// Column by column, standardised.
    columns: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// Per column, on the standardised coefficient.
    penalties: Vec<f64>,
    classes: &'a [u32],
    weights: Option<Vec<f64>>,
    total_weight: f64,
    /// 1 for two classes.
    n_outputs: usize,
}

/// Loss and slopes at some parameters.
struct Point {
    parameters: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
    /// Output by output, then row by row.
    probabilities: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(
        x: &Matrix,
        classes: &'a [u32],
        n_classes: usize,
        weights: Option<Vec<f64>>,
        settings: &LogisticSettings,
    ) -> Self {
        let n_rows = x.n_rows;
        let total_weight = weights.as_ref().map_or(n_rows as f64, |weights| weights.iter().sum());
        let l2 = settings.l2_weight;
        let penalty = |deviation: f64| if l2 > 0.0 { l2 / (deviation * deviation) } else { 0.0 };
        // A coefficient that is held so near to 0 changes no score, and would leave the others no digits.
        let is_held =
            |deviation: f64| penalty(deviation) > 1e12 * total_weight || !(settings.l1_weight / deviation).is_finite();
        let mut columns = Vec::with_capacity(x.values.len());
        let mut means = Vec::with_capacity(x.n_columns);
        let mut deviations = Vec::with_capacity(x.n_columns);
        for column in x.values.chunks_exact(n_rows.max(1)) {
            // Dividing first keeps the squares of huge numbers finite.
            let largest = largest(column);
            let unit = if largest >= f64::MIN_POSITIVE { largest } else { 1.0 };
            let start = columns.len();
            columns.extend(column.iter().map(|v| v / unit));
            let scaled = &mut columns[start..];
            let mean = sum_of(scaled, |value| value) / n_rows as f64;
            let (_, squares) = shift(scaled, mean);
            let deviation = numeric::sqrt(squares / n_rows as f64);
            // What is left of a constant column is rounding.
            let constant = deviation <= 8.0 * f64::EPSILON || is_held(deviation * unit);
            if constant {
                scaled.fill(0.0);
            } else {
                scaled.iter_mut().for_each(|v| *v /= deviation);
            }
            means.push(mean * unit);
            deviations.push(if constant { 1.0 } else { deviation * unit });
        }
        let penalties = deviations.iter().map(|deviation| penalty(*deviation)).collect();
        let n_outputs = if n_classes <= 2 { 1 } else { n_classes };
        let n_columns = x.n_columns;
        Self { columns, n_rows, n_columns, means, deviations, penalties, classes, weights, total_weight, n_outputs }
    }

    fn n_parameters(&self) -> usize {
        self.n_outputs * (self.n_columns + 1)
    }

    fn column(&self, column_idx: usize) -> &[f64] {
        &self.columns[column_idx * self.n_rows..][..self.n_rows]
    }

    fn block(&self, rows: Range<usize>) -> Block<'_> {
        Block { values: &self.columns[rows.start.min(self.columns.len())..], stride: self.n_rows, n_rows: rows.len() }
    }

    fn weight(&self, row_idx: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row_idx])
    }

    /// Σ_j x_j v_j + v_intercept for one output.
    fn scores(&self, parameters: &[f64]) -> Vec<f64> {
        let mut scores = vec![parameters[self.n_columns]; self.n_rows];
        for (block_idx, scores) in scores.chunks_mut(BLOCK).enumerate() {
            let first = block_idx * BLOCK;
            add_sum(scores, &parameters[..self.n_columns], self.block(first..first + scores.len()));
        }
        scores
    }

    /// Xᵀr, and Σ r for the intercept.
    fn slopes(&self, r: &[f64], slopes: &mut [f64]) {
        for (column_idx, slope) in slopes[..self.n_columns].iter_mut().enumerate() {
            *slope = dot(self.column(column_idx), r);
        }
        slopes[self.n_columns] = sum_of(r, |value| value);
    }

    fn at(&self, parameters: Vec<f64>) -> Point {
        let (n, width) = (self.n_rows, self.n_columns + 1);
        let mut probabilities = Vec::with_capacity(n * self.n_outputs);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; parameters.len()];
        if self.n_outputs == 1 {
            probabilities.resize(n, parameters[self.n_columns]);
            let (mut errors, mut losses) = (vec![0.0; BLOCK.min(n)], vec![0.0; BLOCK.min(n)]);
            // So few rows at a time that their columns are still at hand for the slopes.
            for (block_idx, block) in probabilities.chunks_mut(BLOCK).enumerate() {
                let first_row = block_idx * BLOCK;
                let rows = first_row..first_row + block.len();
                add_sum(block, &parameters[..self.n_columns], self.block(rows.clone()));
                let (errors, losses) = (&mut errors[..block.len()], &mut losses[..block.len()]);
                of_two(block, &self.classes[rows.clone()], errors, losses);
                if let Some(weights) = &self.weights {
                    for ((error, loss), weight) in errors.iter_mut().zip(&mut *losses).zip(&weights[rows.clone()]) {
                        *error *= weight;
                        *loss *= weight;
                    }
                }
                loss += sum_of(losses, |loss| loss);
                for (column_idx, slope) in gradient[..self.n_columns].iter_mut().enumerate() {
                    *slope += dot(&self.column(column_idx)[rows.clone()], errors);
                }
                gradient[self.n_columns] += sum_of(errors, |error| error);
            }
        } else {
            for output in parameters.chunks_exact(width) {
                probabilities.extend(self.scores(output));
            }
            let mut errors = vec![0.0; n];
            for row_idx in 0..n {
                let at = |output: usize| output * n + row_idx;
                let top = (0..self.n_outputs).fold(f64::NEG_INFINITY, |top, k| top.max(probabilities[at(k)]));
                let own = probabilities[at(self.classes[row_idx] as usize)];
                let mut sum = 0.0;
                for k in 0..self.n_outputs {
                    let e = numeric::exp_of_negative(probabilities[at(k)] - top);
                    probabilities[at(k)] = e;
                    sum += e;
                }
                for k in 0..self.n_outputs {
                    probabilities[at(k)] /= sum;
                }
                loss += self.weight(row_idx) * (numeric::ln(sum) + top - own);
            }
            for (k, slopes) in gradient.chunks_exact_mut(width).enumerate() {
                for (row_idx, error) in errors.iter_mut().enumerate() {
                    let hit = f64::from(u8::from(self.classes[row_idx] as usize == k));
                    *error = self.weight(row_idx) * (probabilities[k * n + row_idx] - hit);
                }
                self.slopes(&errors, slopes);
            }
        }
        for (output, slopes) in parameters.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
            for (j, penalty) in self.penalties.iter().enumerate() {
                loss += 0.5 * penalty * output[j] * output[j];
                slopes[j] += penalty * output[j];
            }
        }
        Point { parameters, loss, gradient, probabilities }
    }

    /// The weight of rows in the block of the Hessian that belongs to two outputs.
    fn curvature(&self, point: &Point, a: usize, b: usize, row_idx: usize) -> f64 {
        let n = self.n_rows;
        let p = point.probabilities[a * n + row_idx];
        self.weight(row_idx) * if a == b { p * (1.0 - p) } else { -p * point.probabilities[b * n + row_idx] }
    }

    /// The Hessian, whole.
    async fn hessian(&self, point: &Point, checkpoint: &mut impl Checkpoint) -> Result<Vec<f64>, FitError> {
        let (n, width, size) = (self.n_rows, self.n_columns + 1, self.n_parameters());
        let mut hessian = vec![0.0; size * size];
        let mut bent = vec![0.0; width * CURVED];
        let mut sums = vec![0.0; width * width];
        for first in (0..n).step_by(CURVED) {
            let last = (first + CURVED).min(n);
            let (rows, columns) = (last - first, self.block(first..last));
            for a in 0..self.n_outputs {
                for b in 0..=a {
                    let (of_columns, curvatures) = bent.split_at_mut(self.n_columns * CURVED);
                    for (row, curvature) in curvatures[..rows].iter_mut().enumerate() {
                        *curvature = self.curvature(point, a, b, first + row);
                    }
                    for (i, bent) in of_columns.chunks_exact_mut(CURVED).enumerate() {
                        write_products(&self.column(i)[first..last], curvatures, bent);
                    }
                    // Each block of two outputs is symmetric in itself.
                    let block = Block { values: &bent, stride: CURVED, n_rows: rows };
                    sums.fill(0.0);
                    for i in (0..width).step_by(2) {
                        add_products(block, columns, i, width, self.n_columns, &mut sums);
                    }
                    for i in 0..width {
                        for j in 0..=i.min(self.n_columns.saturating_sub(1)) {
                            hessian[(a * width + i) * size + b * width + j] += sums[i * self.n_columns + j];
                        }
                    }
                    let of_intercept = sum_of(&bent[self.n_columns * CURVED..][..rows], |value| value);
                    hessian[(a * width + width - 1) * size + b * width + width - 1] += of_intercept;
                }
            }
            checkpoint.checkpoint(last as f64 / n as f64, "Fitting").await?;
        }
        for a in 0..self.n_outputs {
            for b in 0..=a {
                for i in 0..width {
                    for j in 0..=i {
                        let value = hessian[(a * width + i) * size + b * width + j];
                        for (r, c) in [
                            (a * width + j, b * width + i),
                            (b * width + i, a * width + j),
                            (b * width + j, a * width + i),
                        ] {
                            hessian[r * size + c] = value;
                        }
                    }
                }
            }
            for (j, penalty) in self.penalties.iter().enumerate() {
                hessian[(a * width + j) * (size + 1)] += penalty;
            }
        }
        Ok(hessian)
    }

    /// The diagonal of the Hessian.
    fn diagonal(&self, point: &Point) -> Vec<f64> {
        let mut diagonal = vec![0.0; self.n_parameters()];
        for (a, output) in diagonal.chunks_exact_mut(self.n_columns + 1).enumerate() {
            let curvatures: Vec<f64> = (0..self.n_rows).map(|row_idx| self.curvature(point, a, a, row_idx)).collect();
            for (j, value) in output[..self.n_columns].iter_mut().enumerate() {
                *value =
                    self.column(j).iter().zip(&curvatures).map(|(x, c)| x * x * c).sum::<f64>() + self.penalties[j];
            }
            output[self.n_columns] = curvatures.iter().sum();
        }
        diagonal
    }

    /// The Hessian times a direction.
    fn product(&self, point: &Point, direction: &[f64]) -> Vec<f64> {
        let (n, width) = (self.n_rows, self.n_columns + 1);
        let mut bent: Vec<f64> = direction.chunks_exact(width).flat_map(|output| self.scores(output)).collect();
        for row_idx in 0..n {
            let weight = self.weight(row_idx);
            if self.n_outputs == 1 {
                bent[row_idx] *= self.curvature(point, 0, 0, row_idx);
            } else {
                let mean: f64 =
                    (0..self.n_outputs).map(|k| point.probabilities[k * n + row_idx] * bent[k * n + row_idx]).sum();
                for k in 0..self.n_outputs {
                    let at = k * n + row_idx;
                    bent[at] = weight * point.probabilities[at] * (bent[at] - mean);
                }
            }
        }
        let mut product = vec![0.0; direction.len()];
        for (k, output) in product.chunks_exact_mut(width).enumerate() {
            self.slopes(&bent[k * n..(k + 1) * n], output);
            for (j, penalty) in self.penalties.iter().enumerate() {
                output[j] += penalty * direction[k * width + j];
            }
        }
        product
    }

    /// The L1 weight of each parameter: on the coefficient of the data as they are, none on an intercept.
    fn absolute_penalties(&self, l1: f64) -> Vec<f64> {
        let of_output = self.deviations.iter().map(|deviation| l1 / deviation).chain([0.0]);
        let of_output: Vec<f64> = of_output.collect();
        of_output.repeat(self.n_outputs)
    }

    /// The parameters in the units of the data.
    fn model(&self, parameters: &[f64]) -> LogisticModel {
        let mut model = LogisticModel { coefficients: Vec::new(), intercepts: Vec::new() };
        for output in parameters.chunks_exact(self.n_columns + 1) {
            let raw: Vec<f64> = output.iter().zip(&self.deviations).map(|(w, deviation)| w / deviation).collect();
            model.intercepts.push(output[self.n_columns] - dot(&raw, &self.means));
            model.coefficients.extend(raw);
        }
        if self.n_outputs > 1 {
            // Softmax does not see a constant added to every class; scikit-learn's choice is that they sum to 0.
            let mean = model.intercepts.iter().sum::<f64>() / self.n_outputs as f64;
            model.intercepts.iter_mut().for_each(|intercept| *intercept -= mean);
        }
        model
    }
}

numeric::wide! {
    fn write_products(a: &[f64], b: &[f64], to: &mut [f64]) {
        to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = a * b);
    }
}

numeric::wide! {
    /// Of two classes: makes scores probabilities of the second, and tells the loss of each row and its slope along the score.
    fn of_two(scores: &mut [f64], classes: &[u32], slopes: &mut [f64], losses: &mut [f64]) {
        for (((score, class), slope), loss) in scores.iter_mut().zip(classes).zip(slopes).zip(losses) {
            let (is_second, is_positive) = (*class == 1, *score >= 0.0);
            // At most 1, so that nothing overflows; of p and 1 - p the smaller one keeps its digits, too.
            let e = numeric::exp_of_negative(-score.abs());
            let likely = 1.0 / (1.0 + e);
            let unlikely = e * likely;
            let (second, first) = if is_positive { (likely, unlikely) } else { (unlikely, likely) };
            *loss = numeric::ln_1p_of_share(e) + if is_positive != is_second { score.abs() } else { 0.0 };
            *slope = if is_second { -first } else { second };
            *score = second;
        }
    }
}

/// Newton's method with a line search; returns parameters, steps, and whether it reached the tolerance.
async fn minimise(
    problem: &Problem<'_>,
    settings: &LogisticSettings,
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<f64>, u32, bool), FitError> {
    let mut point = problem.at(vec![0.0; problem.n_parameters()]);
    let (mut last_step_was_tiny, mut within_tolerance) = (false, false);
    for iteration in 0..settings.max_iterations {
        let slope = point.gradient.iter().fold(0.0f64, |slope, g| slope.max(g.abs()));
        if !(point.loss.is_finite() && slope.is_finite()) {
            return Err(FitError::Overflow);
        }
        if slope == 0.0 || within_tolerance || last_step_was_tiny {
            return Ok((point.parameters, iteration, true));
        }
        within_tolerance = slope <= settings.tolerance * problem.total_weight;
        let fraction = f64::from(iteration) / f64::from(settings.max_iterations);
        checkpoint.checkpoint(fraction, &format!("Step {}", iteration + 1)).await?;
        let direction = if problem.n_parameters() <= MAX_HESSIAN {
            factored(problem, &point, checkpoint).await?
        } else {
            conjugate(problem, &point, fraction, checkpoint).await?
        };
        let descent = dot(&direction, &point.gradient);
        if descent.is_nan() || descent >= 0.0 {
            return Ok((point.parameters, iteration, within_tolerance));
        }
        // Armijo's rule; Newton's full step nearly always passes.
        let mut length = 1.0;
        let next = loop {
            let mut parameters = point.parameters.clone();
            add_scaled(&mut parameters, length, &direction);
            let next = problem.at(parameters);
            // Near the minimum the loss no longer tells apart what the slopes still do.
            let noise = 1e-13 * point.loss.abs();
            if next.loss <= point.loss + 1e-4 * length * descent + noise {
                break Some(next);
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
            checkpoint.checkpoint(fraction, &format!("Step {}", iteration + 1)).await?;
        };
        let Some(next) = next else { return Ok((point.parameters, iteration, within_tolerance)) };
        // A step that changes no score beyond rounding is the end, whatever the tolerance asks.
        let largest = direction.iter().fold(0.0f64, |largest, d| largest.max(d.abs())) * length;
        let size = next.parameters.iter().fold(1.0f64, |size, w| size.max(w.abs()));
        last_step_was_tiny = largest <= 1e-14 * size;
        point = next;
    }
    let slope = point.gradient.iter().fold(0.0f64, |slope, g| slope.max(g.abs()));
    Ok((point.parameters, settings.max_iterations, slope <= settings.tolerance * problem.total_weight))
}

/// Newton's direction from the Hessian itself.
async fn factored(
    problem: &Problem<'_>,
    point: &Point,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    let size = problem.n_parameters();
    let hessian = problem.hessian(point, checkpoint).await?;
    let largest = (0..size).fold(f64::MIN_POSITIVE, |largest, i| largest.max(hessian[i * (size + 1)]));
    // Softmax's constant, repeated columns without a penalty and separated classes leave the Hessian singular. A little
    // on the diagonal, more where that does not do, turns the step slightly and leaves the minimum where it is.
    let mut ridge = 1e-12 * largest;
    loop {
        let mut damped = hessian.clone();
        (0..size).for_each(|i| damped[i * (size + 1)] += ridge);
        if let Some(factor) = Cholesky::new(damped, size, 0.1 * ridge, checkpoint).await? {
            let mut direction: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
            factor.solve(&mut direction);
            if direction.iter().all(|d| d.is_finite()) {
                return Ok(direction);
            }
        }
        ridge *= 100.0;
        if ridge.is_nan() || ridge >= 1e6 * largest {
            return Err(FitError::Overflow);
        }
    }
}

/// Newton's direction by conjugate gradients, scaled by the diagonal, as exact as the present slope deserves.
async fn conjugate(
    problem: &Problem<'_>,
    point: &Point,
    fraction: f64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    let diagonal: Vec<f64> = problem
        .diagonal(point)
        .into_iter()
        .map(|d| if d > 1e-12 * problem.total_weight { d } else { 1e-12 * problem.total_weight })
        .collect();
    let mut direction = vec![0.0; point.gradient.len()];
    let mut residual: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
    let norm = numeric::sqrt(dot(&residual, &residual));
    let enough = norm * (norm / problem.total_weight).clamp(1e-10, 0.1);
    let scaled = |r: &[f64]| -> Vec<f64> { r.iter().zip(&diagonal).map(|(r, d)| r / d).collect() };
    let mut preconditioned = scaled(&residual);
    let mut search = preconditioned.clone();
    let mut rho = dot(&residual, &preconditioned);
    for _ in 0..MAX_PRODUCTS {
        let product = problem.product(point, &search);
        let curvature = dot(&search, &product);
        if curvature.is_nan() || curvature <= 0.0 {
            break;
        }
        let length = rho / curvature;
        add_scaled(&mut direction, length, &search);
        add_scaled(&mut residual, -length, &product);
        if numeric::sqrt(dot(&residual, &residual)) <= enough {
            break;
        }
        preconditioned = scaled(&residual);
        let next = dot(&residual, &preconditioned);
        let turn = next / rho;
        rho = next;
        search.iter_mut().zip(&preconditioned).for_each(|(s, p)| *s = p + turn * *s);
        checkpoint.checkpoint(fraction, "Fitting").await?;
    }
    if direction.iter().all(|d| *d == 0.0) {
        direction = scaled(&point.gradient.iter().map(|g| -g).collect::<Vec<_>>());
    }
    Ok(direction)
}

#[cfg(test)]
mod tests;
