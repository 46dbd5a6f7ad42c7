//! Decision trees: the settings, and the one core that single trees and forests grow on.
//!
//! Splits are exact: every distinct value of a column is tried, and a threshold is the middle between two neighbours
//! in f64, as in scikit-learn (which compares in f32). Columns are ranked once; a node then sorts ranks, which are
//! small whole numbers, by radix.

mod core;
mod impurity;
mod ranks;
mod sort;

use model::{Matrix, Tree};
use serde::{Deserialize, Serialize};

use crate::dataset::Labels;
use crate::logistic::{ClassWeights, row_weights};
use crate::{Checkpoint, FitError, Task};

pub(crate) use self::core::{Grown, Plan, grow};
pub(crate) use self::impurity::{Goal, power_of_two};
pub(crate) use self::ranks::ranks;

/// Numbers that a model may hold: 1 GB.
pub(crate) const MAX_NUMBERS: usize = 1 << 27;

/// How a decision tree is grown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeSettings {
    /// What is predicted.
    pub task: Task,
    /// What a split makes smaller, for classes; for numbers it is the variance.
    pub criterion: Criterion,
    /// Splits above a leaf at most; `None` for no limit.
    pub max_depth: Option<u32>,
    /// Distinct training rows in a leaf at least.
    pub min_rows_leaf: u32,
    /// Distinct training rows in a node that is split at least.
    pub min_rows_split: u32,
    /// How much each class counts.
    pub class_weights: ClassWeights,
}

impl Default for TreeSettings {
    fn default() -> Self {
        Self {
            task: Task::Auto,
            criterion: Criterion::Gini,
            max_depth: None,
            min_rows_leaf: 1,
            min_rows_split: 2,
            class_weights: ClassWeights::Uniform,
        }
    }
}

/// Which thresholds a column is tried at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thresholds {
    /// All that divide the rows otherwise, of which the best is taken.
    #[default]
    Best,
    /// One, drawn between the smallest and the largest value of the rows (Geurts, Ernst and Wehenkel, 2006).
    Random,
}

/// The impurity of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Criterion {
    /// `1 - Σ p²`.
    #[default]
    Gini,
    /// `-Σ p log₂ p`.
    Entropy,
}

/// A fitted decision tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeFit {
    /// The tree.
    pub tree: Tree,
    /// How much impurity the splits on each column of the matrix took away, as parts of 1; all 0 without a split.
    pub importances: Vec<f64>,
}

impl TreeSettings {
    pub(crate) fn check(&self) -> Result<(), FitError> {
        let at_least = |name, found: u32, least: u32, expected| {
            if found >= least { Ok(()) } else { Err(FitError::Setting { name, found: found.to_string(), expected }) }
        };
        at_least("the maximum depth", self.max_depth.unwrap_or(1), 1, "at least 1")?;
        at_least("the minimum number of rows in a leaf", self.min_rows_leaf, 1, "at least 1")?;
        at_least("the minimum number of rows to split", self.min_rows_split, 2, "at least 2")
    }
}

/// Grows one tree.
///
/// # Errors
/// A setting that makes no sense, weights too large, or the user's cancellation.
pub async fn fit(
    settings: &TreeSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<TreeFit, FitError> {
    settings.check()?;
    let goal = Goal::new(settings, labels, n_classes, weights)?;
    let ranks = ranks(x, checkpoint).await?;
    let plan = Plan { x, ranks: &ranks, settings, n_tried: x.n_columns, thresholds: Thresholds::Best };
    let stream = numeric::Stream::fork(seed, 0);
    let Grown { tree, mut importances } = grow(&plan, &goal, None, stream, checkpoint).await?;
    if tree.nodes.len() * 6 + tree.values.len() > MAX_NUMBERS {
        return Err(FitError::ModelTooLarge { limit: MAX_NUMBERS, n_trees: 1 });
    }
    normalise(&mut importances);
    Ok(TreeFit { tree, importances })
}

/// Divides by the sum, if there is one.
pub(crate) fn normalise(importances: &mut [f64]) {
    let sum: f64 = importances.iter().sum();
    if sum > 0.0 {
        importances.iter_mut().for_each(|importance| *importance /= sum);
    }
}

#[cfg(test)]
mod tests;
