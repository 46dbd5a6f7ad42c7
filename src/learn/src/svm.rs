//! Support vector machines: the border with the widest margin, straight or bent by a kernel; for numbers a curve with a
//! tube around it in which errors do not count.
//!
//! Conventions are scikit-learn's `SVC` and `SVR`: `C` multiplies the losses of the rows, classes stand one against one.

mod smo;

use model::{Kernel, Lanes, Machine, Matrix, SupportVectors};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use self::smo::{Smo, Solved};
use crate::checkpoint::Part;
use crate::dataset::Labels;
use crate::logistic::{ClassWeights, row_weights};
use crate::scaling::{lanes, scaling};
use crate::sigmoid::fit_sigmoid;
use crate::{Checkpoint, FitError, Task};

/// Parts of the rows that are each judged by a machine trained on the others.
const N_FOLDS: usize = 5;

/// How a support vector machine is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SvmSettings {
    /// What is predicted.
    pub task: Task,
    /// How alike two rows are.
    pub kernel: KernelKind,
    /// How much a row on the wrong side costs.
    pub c: f64,
    /// For numbers: errors up to this cost nothing.
    pub epsilon: f64,
    /// Of RBF and polynomial kernels; `None` is one over the number of columns and the mean square of their values
    /// about their mean.
    pub gamma: Option<f64>,
    /// Of the polynomial kernel.
    pub degree: u32,
    /// Of the polynomial kernel: added before the power is taken.
    pub coef0: f64,
    /// It ends when no two weights can be moved with more profit than this.
    pub tolerance: f64,
    /// Steps at most, for each machine.
    pub max_steps: u64,
    /// Megabytes for kernel values that are kept.
    pub cache_mb: u32,
    /// Whether rows that seem settled are left aside on the way.
    pub shrinking: bool,
    /// Whether probabilities are fitted to rows that were held out, which takes six times as long. Otherwise they come
    /// from the distance to the border by a fixed curve.
    pub probabilities: bool,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// Whether each column is given mean 0 and standard deviation 1 first.
    pub standardize: bool,
}

/// How alike two rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KernelKind {
    /// By their product: a straight border.
    Linear,
    /// By how near they are.
    #[default]
    Rbf,
    /// By a power of their product.
    Polynomial,
}

impl Default for SvmSettings {
    fn default() -> Self {
        Self {
            task: Task::Auto,
            kernel: KernelKind::Rbf,
            c: 1.0,
            epsilon: 0.1,
            gamma: None,
            degree: 3,
            coef0: 0.0,
            tolerance: 1e-3,
            max_steps: 10_000_000,
            cache_mb: 200,
            shrinking: true,
            probabilities: true,
            class_weights: ClassWeights::Uniform,
            standardize: true,
        }
    }
}

/// A fitted support vector machine.
#[derive(Clone, Debug, PartialEq)]
pub struct SvmFit {
    /// The model.
    pub model: SupportVectors,
    /// Whether every machine reached the tolerance.
    pub converged: bool,
}

/// Fits a support vector machine. Classes are below `n_classes`, and each occurs with a positive weight.
///
/// # Errors
/// A setting that makes no sense, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &SvmSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<SvmFit, FitError> {
    settings.check()?;
    let scaling = if settings.standardize { Some(scaling(x, checkpoint).await?) } else { None };
    let rows = lanes(x, scaling.as_deref());
    let trainer = Trainer { settings, kernel: settings.kernel(&rows)? };
    let mut machines = Vec::new();
    let mut converged = true;
    match labels {
        Labels::Numbers(y) => {
            let solved = trainer.numbers(&rows, y, weights, checkpoint).await?;
            converged &= solved.converged;
            machines.push(Machine {
                classes: (0, 0),
                weights: sparse(&solved.weights, |k| k),
                bias: solved.bias,
                sigmoid: (1.0, 0.0),
            });
        }
        Labels::Classes(classes) => {
            let weights = row_weights(settings.class_weights, classes, n_classes, weights);
            let n_pairs = n_classes * (n_classes - 1) / 2;
            for negative in 0..n_classes as u32 {
                for positive in negative + 1..n_classes as u32 {
                    let pair_idx = machines.len();
                    let mut part = Part::new(checkpoint, pair_idx, n_pairs);
                    let of_pair: Vec<usize> = (0..classes.len())
                        .filter(|&row_idx| classes[row_idx] == negative || classes[row_idx] == positive)
                        .collect();
                    let pair = Pair {
                        rows: &rows,
                        is_positive: of_pair.iter().map(|&row_idx| classes[row_idx] == positive).collect(),
                        weights: weights.as_ref().map(|weights| of_pair.iter().map(|&i| weights[i]).collect()),
                        row_idxs: of_pair,
                    };
                    let mut stream = Stream::fork(seed, pair_idx as u64);
                    let (solved, sigmoid) = trainer.pair(&pair, &mut stream, &mut part).await?;
                    converged &= solved.converged;
                    machines.push(Machine {
                        classes: (negative, positive),
                        weights: sparse(&solved.weights, |k| pair.row_idxs[k]),
                        bias: solved.bias,
                        sigmoid,
                    });
                }
            }
        }
    }
    let vectors = gather(&rows, &mut machines);
    let model =
        SupportVectors { kernel: trainer.kernel, scaling, vectors, n_columns: x.n_columns, machines, n_classes };
    Ok(SvmFit { model, converged })
}

/// Weights that are not 0, with their rows.
fn sparse(weights: &[f64], row_of: impl Fn(usize) -> usize) -> Vec<(u32, f64)> {
    let of = |(k, &weight): (usize, &f64)| (weight != 0.0).then(|| (row_of(k) as u32, weight));
    weights.iter().enumerate().filter_map(of).collect()
}

/// The rows that any machine gives weight to; machines name them by their place among these from now on.
fn gather(rows: &Lanes, machines: &mut [Machine]) -> Vec<f64> {
    let mut places: Vec<Option<u32>> = vec![None; rows.n_rows()];
    machines.iter().flat_map(|machine| &machine.weights).for_each(|(row, _)| places[*row as usize] = Some(0));
    (0u32..).zip(places.iter_mut().flatten()).for_each(|(place, slot)| *slot = place);
    for (row, _) in machines.iter_mut().flat_map(|machine| &mut machine.weights) {
        *row = places[*row as usize].unwrap_or(0);
    }
    (0..rows.n_rows()).filter(|row_idx| places[*row_idx].is_some()).flat_map(|row_idx| rows.row(row_idx)).collect()
}

impl SvmSettings {
    fn check(&self) -> Result<(), FitError> {
        let above_0 = [("the cost C", self.c), ("the tolerance", self.tolerance), ("gamma", self.gamma.unwrap_or(1.0))];
        for (name, found) in above_0 {
            if !(found.is_finite() && found > 0.0) {
                return Err(FitError::Setting { name, found: found.to_string(), expected: "a number above 0" });
            }
        }
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            let found = self.epsilon.to_string();
            return Err(FitError::Setting { name: "the tube's width", found, expected: "a number of at least 0" });
        }
        if !self.coef0.is_finite() {
            let found = self.coef0.to_string();
            return Err(FitError::Setting { name: "the constant term", found, expected: "a finite number" });
        }
        if self.degree == 0 {
            return Err(FitError::Setting { name: "the degree", found: "0".into(), expected: "at least 1" });
        }
        Ok(())
    }

    fn kernel(&self, rows: &Lanes) -> Result<Kernel, FitError> {
        let gamma = match self.gamma {
            Some(gamma) => gamma,
            None => {
                let n_values = (rows.n_rows() * rows.n_columns()) as f64;
                let all = || (0..rows.n_rows()).flat_map(|i| (0..rows.n_columns()).map(move |j| rows.at(i, j)));
                let mean = all().map(|value| value / n_values).sum::<f64>();
                let variance = all().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n_values;
                if !variance.is_finite() {
                    return Err(FitError::Overflow);
                }
                if variance > 0.0 { 1.0 / (rows.n_columns() as f64 * variance) } else { 1.0 }
            }
        };
        Ok(match self.kernel {
            KernelKind::Linear => Kernel::Linear,
            KernelKind::Rbf => Kernel::Rbf { gamma },
            KernelKind::Polynomial => Kernel::Polynomial { degree: self.degree, gamma, coef0: self.coef0 },
        })
    }
}

/// Rows of two classes.
struct Pair<'a> {
    /// All rows.
    rows: &'a Lanes,
    /// Those of the pair; what follows is by them.
    row_idxs: Vec<usize>,
    is_positive: Vec<bool>,
    weights: Option<Vec<f64>>,
}

struct Trainer<'a> {
    settings: &'a SvmSettings,
    kernel: Kernel,
}

impl Trainer<'_> {
    fn smo<'r>(&self, rows: &'r Lanes, start: Vec<f64>, bounds: Vec<(f64, f64)>) -> Smo<'r> {
        Smo {
            kernel: self.kernel,
            rows,
            start,
            bounds,
            tolerance: self.settings.tolerance,
            cache_bytes: (self.settings.cache_mb as usize).saturating_mul(1 << 20),
            max_steps: self.settings.max_steps,
            shrinking: self.settings.shrinking,
        }
    }

    /// The curve through numbers; weights by row.
    async fn numbers(
        &self,
        rows: &Lanes,
        y: &[f64],
        weights: Option<&[f64]>,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Solved, FitError> {
        let epsilon = self.settings.epsilon;
        let cost = |row_idx: usize| self.settings.c * weights.map_or(1.0, |weights| weights[row_idx]);
        // A row above the tube pulls up, one below it pulls down.
        let start = y.iter().map(|y| y - epsilon).chain(y.iter().map(|y| y + epsilon)).collect();
        let n = y.len();
        let bounds = (0..n).map(|i| (0.0, cost(i))).chain((0..n).map(|i| (-cost(i), 0.0))).collect();
        let mut solved = self.smo(rows, start, bounds).solve(checkpoint).await?;
        let below = solved.weights.split_off(n);
        solved.weights.iter_mut().zip(below).for_each(|(weight, below)| *weight += below);
        Ok(solved)
    }

    /// The border between two classes, and how its distance becomes a probability.
    async fn pair(
        &self,
        pair: &Pair<'_>,
        stream: &mut Stream,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(Solved, (f64, f64)), FitError> {
        let all: Vec<usize> = (0..pair.row_idxs.len()).collect();
        if !self.settings.probabilities {
            // Twice the distance in margins: at the margin itself 0.88.
            return Ok((self.border(pair, &all, checkpoint).await?, (2.0, 0.0)));
        }
        let n_parts = N_FOLDS + 1;
        let mut order = all.clone();
        stream.shuffle(&mut order);
        // Dealt class by class, so that every fold has its share of each.
        order.sort_by_key(|&row| pair.is_positive[row]);
        let mut scores = vec![0.0; all.len()];
        for fold in 0..N_FOLDS {
            let held_out: Vec<usize> = order.iter().copied().skip(fold).step_by(N_FOLDS).collect();
            let mut is_held_out = vec![false; all.len()];
            held_out.iter().for_each(|&row| is_held_out[row] = true);
            let others: Vec<usize> = all.iter().copied().filter(|&row| !is_held_out[row]).collect();
            let n_positive = others.iter().filter(|&&row| pair.is_positive[row]).count();
            if n_positive == 0 || n_positive == others.len() {
                // A class of one row: without it there is nothing but the other class.
                let score = if others.is_empty() { 0.0 } else { 2.0 * f64::from(u8::from(n_positive > 0)) - 1.0 };
                held_out.iter().for_each(|&row| scores[row] = score);
                continue;
            }
            let mut part = Part::new(checkpoint, fold, n_parts);
            let solved = self.border(pair, &others, &mut part).await?;
            self.judge(pair, &others, &solved, &held_out, &mut scores, &mut part).await?;
        }
        let solved = self.border(pair, &all, &mut Part::new(checkpoint, N_FOLDS, n_parts)).await?;
        Ok((solved, fit_sigmoid(&scores, &pair.is_positive, pair.weights.as_deref())))
    }

    /// The border between some rows of a pair; weights by their places among them.
    async fn border(
        &self,
        pair: &Pair<'_>,
        among: &[usize],
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Solved, FitError> {
        let rows = some(pair, among);
        let start = among.iter().map(|&row| if pair.is_positive[row] { 1.0 } else { -1.0 }).collect();
        let bounds = among.iter().map(|&row| {
            let cost = self.settings.c * pair.weights.as_ref().map_or(1.0, |weights| weights[row]);
            if pair.is_positive[row] { (0.0, cost) } else { (-cost, 0.0) }
        });
        self.smo(&rows, start, bounds.collect()).solve(checkpoint).await
    }

    /// What a border says of rows that were held out.
    async fn judge(
        &self,
        pair: &Pair<'_>,
        among: &[usize],
        solved: &Solved,
        held_out: &[usize],
        scores: &mut [f64],
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(), FitError> {
        let (vectors, weights): (Vec<usize>, Vec<f64>) =
            among.iter().zip(&solved.weights).filter(|(_, weight)| **weight != 0.0).map(|(row, w)| (*row, *w)).unzip();
        let vectors = some(pair, &vectors);
        for (done, &row) in held_out.iter().enumerate() {
            let point = pair.rows.row(pair.row_idxs[row]);
            let mut score = solved.bias;
            for (group_idx, weights) in weights.chunks(Lanes::WIDTH).enumerate() {
                let likeness = self.kernel.of_group(&vectors, group_idx, &point);
                score += weights.iter().zip(likeness).map(|(w, k)| w * k).sum::<f64>();
            }
            scores[row] = score;
            if done % 16 == 15 {
                checkpoint.checkpoint(1.0, "Fitting probabilities").await?;
            }
        }
        Ok(())
    }
}

fn some(pair: &Pair<'_>, among: &[usize]) -> Lanes {
    Lanes::new(among.len(), pair.rows.n_columns(), |idx, column_idx| {
        pair.rows.at(pair.row_idxs[among[idx]], column_idx)
    })
}

#[cfg(test)]
mod tests;
