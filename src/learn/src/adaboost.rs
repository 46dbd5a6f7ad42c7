//! AdaBoost: each next tree looks most at the rows that those before it were wrong about.
//!
//! Classes by SAMME (Zhu, Zou, Rosset and Hastie, 2009), numbers by AdaBoost.R2 (Drucker, 1997); conventions are
//! scikit-learn's.

use model::{Matrix, Tree, Voters, vote};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Part;
use crate::dataset::Labels;
use crate::tree::{Goal, Grown, MAX_NUMBERS, Plan, Thresholds, TreeSettings, grow, normalise, ranks};
use crate::{Checkpoint, FitError};

/// How AdaBoost is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaBoostSettings {
    /// Trees at most.
    pub n_trees: u32,
    /// How much of its weight each tree gets.
    pub learning_rate: f64,
    /// For numbers: how errors count, as parts of the largest.
    pub loss: ErrorLoss,
    /// How each tree is grown.
    pub tree: TreeSettings,
}

/// How errors count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorLoss {
    /// As they are.
    #[default]
    Linear,
    /// By their squares.
    Square,
    /// By `1 − e⁻ˣ`.
    Exponential,
}

impl Default for AdaBoostSettings {
    fn default() -> Self {
        Self {
            n_trees: 50,
            learning_rate: 1.0,
            loss: ErrorLoss::Linear,
            tree: TreeSettings { max_depth: Some(1), ..TreeSettings::default() },
        }
    }
}

/// A fitted AdaBoost.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaBoostFit {
    /// The model.
    pub voters: Voters,
    /// How much impurity the splits on each column of the matrix took away, by the weights of trees, as parts of 1.
    pub importances: Vec<f64>,
    /// Why there are fewer trees than were asked for.
    pub ended: Option<Ended>,
}

/// Why there are fewer trees than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The last tree is right about every row.
    Perfect,
    /// The next tree was no better than guessing.
    Guessing,
}

/// What one tree came to.
struct Round {
    error: f64,
    /// `None` for a tree that is no better than guessing.
    weight: Option<f64>,
    /// By how much the weight of each row grows.
    factors: Vec<f64>,
}

/// Fits trees one after another. The rows of each are drawn from a random stream of its own, where numbers are predicted;
/// where classes are, nothing is left to chance.
///
/// # Errors
/// A setting that makes no sense, numbers or trees too large, or the user's cancellation.
pub async fn fit(
    settings: &AdaBoostSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<AdaBoostFit, FitError> {
    settings.check()?;
    let n = x.n_rows;
    let mut weights = weights.map_or_else(|| vec![1.0; n], <[f64]>::to_vec);
    sum_to_one(&mut weights)?;
    let ranks = ranks(x, checkpoint).await?;
    let plan = Plan { x, ranks: &ranks, settings: &settings.tree, n_tried: x.n_columns, thresholds: Thresholds::Best };
    let mut voters = Voters { trees: Vec::new(), weights: Vec::new(), errors: Vec::new() };
    let mut importances = vec![0.0; x.n_columns];
    let mut n_numbers = 0;
    let mut ended = None;
    let n_trees = settings.n_trees as usize;
    for tree_idx in 0..n_trees {
        let mut part = Part::new(checkpoint, tree_idx, n_trees);
        part.checkpoint(0.0, &format!("Growing tree {} of {n_trees}", tree_idx + 1)).await?;
        let mut stream = Stream::fork(seed, tree_idx as u64);
        let (goal, drawn) = match labels {
            Labels::Classes(_) => (Goal::new(&settings.tree, labels, n_classes, Some(&weights))?, None),
            Labels::Numbers(_) => {
                (Goal::new(&settings.tree, labels, n_classes, None)?, Some(draw(&weights, &mut stream)))
            }
        };
        let Grown { tree, importances: mut own } = grow(&plan, &goal, drawn.as_deref(), stream, &mut part).await?;
        n_numbers += tree.nodes.len() * 6 + tree.values.len();
        if n_numbers > MAX_NUMBERS {
            return Err(FitError::ModelTooLarge { limit: MAX_NUMBERS, n_trees: tree_idx });
        }
        let round = match labels {
            Labels::Classes(classes) => settings.classes(&tree, x, classes, n_classes, &weights),
            Labels::Numbers(y) => settings.numbers(&tree, x, y, &weights)?,
        };
        if round.weight.is_none() && tree_idx > 0 {
            ended = Some(Ended::Guessing);
            break;
        }
        // A single tree stays, whatever it is worth.
        let weight = round.weight.unwrap_or(1.0);
        normalise(&mut own);
        importances.iter_mut().zip(&own).for_each(|(sum, own)| *sum += weight * own);
        voters.trees.push(tree);
        voters.weights.push(weight);
        voters.errors.push(round.error);
        ended = match round.weight {
            None => Some(Ended::Guessing),
            Some(_) if round.error <= 0.0 => Some(Ended::Perfect),
            Some(_) => None,
        };
        if ended.is_some() {
            break;
        }
        weights.iter_mut().zip(&round.factors).for_each(|(weight, factor)| *weight *= factor);
        sum_to_one(&mut weights)?;
    }
    normalise(&mut importances);
    let ended = ended.filter(|_| voters.trees.len() < n_trees);
    Ok(AdaBoostFit { voters, importances, ended })
}

impl AdaBoostSettings {
    fn check(&self) -> Result<(), FitError> {
        if self.n_trees == 0 {
            return Err(FitError::Setting { name: "the number of trees", found: "0".into(), expected: "at least 1" });
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let found = self.learning_rate.to_string();
            return Err(FitError::Setting { name: "the learning rate", found, expected: "a number above 0" });
        }
        self.tree.check()
    }

    /// SAMME.
    fn classes(&self, tree: &Tree, x: &Matrix, classes: &[u32], n_classes: usize, weights: &[f64]) -> Round {
        let is_wrong: Vec<bool> =
            classes.iter().enumerate().map(|(row_idx, class)| vote(tree, x, row_idx) != *class as usize).collect();
        let error: f64 = is_wrong.iter().zip(weights).filter(|(wrong, _)| **wrong).map(|(_, weight)| weight).sum();
        let n_others = n_classes as f64 - 1.0;
        if error <= 0.0 {
            return Round { error: 0.0, weight: Some(1.0), factors: Vec::new() };
        }
        if error >= n_others / n_classes as f64 {
            return Round { error, weight: None, factors: Vec::new() };
        }
        let weight = self.learning_rate * (numeric::ln((1.0 - error) / error) + numeric::ln(n_others));
        let grown = numeric::exp(weight);
        let factors = is_wrong.iter().map(|wrong| if *wrong { grown } else { 1.0 }).collect();
        Round { error, weight: Some(weight), factors }
    }

    /// AdaBoost.R2.
    fn numbers(&self, tree: &Tree, x: &Matrix, y: &[f64], weights: &[f64]) -> Result<Round, FitError> {
        let mut losses: Vec<f64> =
            y.iter().enumerate().map(|(row_idx, y)| (tree.values[tree.leaf(x, row_idx)] - y).abs()).collect();
        let largest = losses.iter().copied().fold(0.0, f64::max);
        if !largest.is_finite() {
            return Err(FitError::Overflow);
        }
        for loss in &mut losses {
            let part = if largest > 0.0 { *loss / largest } else { 0.0 };
            *loss = match self.loss {
                ErrorLoss::Linear => part,
                ErrorLoss::Square => part * part,
                ErrorLoss::Exponential => 1.0 - numeric::exp(-part),
            };
        }
        let error: f64 = losses.iter().zip(weights).map(|(loss, weight)| loss * weight).sum();
        if error <= 0.0 {
            return Ok(Round { error: 0.0, weight: Some(1.0), factors: Vec::new() });
        }
        if error >= 0.5 {
            return Ok(Round { error, weight: None, factors: Vec::new() });
        }
        let beta = error / (1.0 - error);
        let factors = losses.iter().map(|loss| numeric::pow(beta, (1.0 - loss) * self.learning_rate)).collect();
        Ok(Round { error, weight: Some(-self.learning_rate * numeric::ln(beta)), factors })
    }
}

/// No weight falls so low that its row is forgotten.
fn sum_to_one(weights: &mut [f64]) -> Result<(), FitError> {
    let sum: f64 = weights.iter().sum();
    if !(sum.is_finite() && sum > 0.0) {
        return Err(FitError::Overflow);
    }
    weights.iter_mut().for_each(|weight| *weight = (*weight / sum).max(f64::EPSILON));
    Ok(())
}

/// How often each row is drawn when as many are drawn as there are, by their weights.
fn draw(weights: &[f64], stream: &mut Stream) -> Vec<u32> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    let mut counts = vec![0; weights.len()];
    for _ in weights {
        let drawn = stream.uniform() * sum;
        counts[cumulative.partition_point(|sum| *sum <= drawn).min(weights.len() - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
