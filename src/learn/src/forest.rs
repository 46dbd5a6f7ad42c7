//! Decision forests: many trees, each on its own rows and its own choice of features.

use std::ops::Range;

use model::{Forest, Matrix, Tree};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Part;
use crate::dataset::Labels;
use crate::tree::{Goal, Grown, MAX_NUMBERS, Plan, Thresholds, TreeSettings, grow, normalise, ranks};
use crate::{Checkpoint, FitError};

/// How a decision forest is grown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// How many.
    pub n_trees: u32,
    /// Which rows each tree sees.
    pub resampling: Resampling,
    /// How many features each split may choose from.
    pub features_per_split: FeaturesPerSplit,
    /// At which thresholds a split is tried.
    pub thresholds: Thresholds,
    /// How each tree is grown.
    pub tree: TreeSettings,
}

impl Default for ForestSettings {
    fn default() -> Self {
        Self {
            n_trees: 100,
            resampling: Resampling::Bagging,
            features_per_split: FeaturesPerSplit::Sqrt,
            thresholds: Thresholds::Best,
            tree: TreeSettings::default(),
        }
    }
}

/// Which rows a tree sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resampling {
    /// As many as there are, drawn with replacement.
    #[default]
    Bagging,
    /// All of them.
    Replicate,
}

/// How many features a split may choose from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeaturesPerSplit {
    /// The square root of their number, rounded down.
    #[default]
    Sqrt,
    /// The binary logarithm of their number, rounded down.
    Log2,
    /// All of them.
    All,
    /// This many, or all if there are fewer.
    Fixed(u32),
}

/// A fitted decision forest.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestFit {
    /// The trees.
    pub forest: Forest,
    /// Mean over the trees of how much impurity the splits on each column of the matrix took away, as parts of 1.
    pub importances: Vec<f64>,
}

impl FeaturesPerSplit {
    pub(crate) fn resolve(self, n_columns: usize) -> usize {
        let n = match self {
            Self::Sqrt => n_columns.isqrt(),
            Self::Log2 => n_columns.checked_ilog2().unwrap_or(0) as usize,
            Self::All => n_columns,
            Self::Fixed(n) => n as usize,
        };
        n.clamp(1, n_columns.max(1))
    }
}

/// Grows a forest. Each tree has its own random stream, so that any order of growing gives the same trees.
///
/// # Errors
/// A setting that makes no sense, weights too large, a forest too large, or the user's cancellation.
pub async fn fit(
    settings: &ForestSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<ForestFit, FitError> {
    let ranks = ranks(x, checkpoint).await?;
    let mut trees = Trees::default();
    let ground = Ground { x, ranks: &ranks, labels, n_classes, weights, seed };
    for grown in ground.grow(settings, 0..settings.n_trees, checkpoint).await? {
        trees.add(grown)?;
    }
    Ok(trees.into_forest())
}

/// What the trees of a forest grow on.
pub(crate) struct Ground<'a> {
    pub(crate) x: &'a Matrix,
    pub(crate) ranks: &'a [u32],
    pub(crate) labels: &'a Labels,
    pub(crate) n_classes: usize,
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) seed: u64,
}

impl Ground<'_> {
    /// Grows some of the trees; no more once they are too large together.
    pub(crate) async fn grow(
        &self,
        settings: &ForestSettings,
        tree_idxs: Range<u32>,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Vec<GrownTree>, FitError> {
        settings.check()?;
        // The trees' values are added before they are divided.
        if let Labels::Numbers(y) = self.labels
            && y.iter().any(|y| y.abs() > f64::MAX / f64::from(settings.n_trees))
        {
            return Err(FitError::Overflow);
        }
        let goal = Goal::new(&settings.tree, self.labels, self.n_classes, self.weights)?;
        let n_tried = settings.features_per_split.resolve(self.x.n_columns);
        let thresholds = settings.thresholds;
        let plan = Plan { x: self.x, ranks: self.ranks, settings: &settings.tree, n_tried, thresholds };
        let n_trees = tree_idxs.len();
        let mut trees = Vec::new();
        let mut n_numbers = 0;
        for (at, tree_idx) in tree_idxs.enumerate() {
            let message = format!("Growing tree {} of {}", tree_idx + 1, settings.n_trees);
            checkpoint.checkpoint(at as f64 / n_trees as f64, &message).await?;
            let mut stream = Stream::fork(self.seed, u64::from(tree_idx));
            let drawn = match settings.resampling {
                Resampling::Bagging => Some(draw(self.x.n_rows, &mut stream)),
                Resampling::Replicate => None,
            };
            let mut part = Part::new(checkpoint, at, n_trees);
            let Grown { tree, mut importances } = grow(&plan, &goal, drawn.as_deref(), stream, &mut part).await?;
            normalise(&mut importances);
            let grown = GrownTree { tree, importances };
            n_numbers += grown.n_numbers();
            trees.push(grown);
            if n_numbers > MAX_NUMBERS {
                break;
            }
        }
        Ok(trees)
    }
}

/// One tree of a forest, and how much impurity its splits on each column took away, as parts of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrownTree {
    tree: Tree,
    importances: Vec<f64>,
}

impl GrownTree {
    fn n_numbers(&self) -> usize {
        self.tree.nodes.len() * 6 + self.tree.values.len()
    }
}

/// Trees put together, in their order; none at first.
#[derive(Default)]
pub struct Trees {
    trees: Vec<Tree>,
    importances: Vec<f64>,
    n_numbers: usize,
}

impl Trees {
    /// The next one.
    ///
    /// # Errors
    /// They are too large together.
    pub fn add(&mut self, grown: GrownTree) -> Result<(), FitError> {
        self.n_numbers += grown.n_numbers();
        if self.n_numbers > MAX_NUMBERS {
            return Err(FitError::ModelTooLarge { limit: MAX_NUMBERS, n_trees: self.trees.len() });
        }
        self.importances.resize(grown.importances.len(), 0.0);
        self.importances.iter_mut().zip(&grown.importances).for_each(|(sum, importance)| *sum += importance);
        self.trees.push(grown.tree);
        Ok(())
    }

    pub(crate) fn into_forest(mut self) -> ForestFit {
        normalise(&mut self.importances);
        ForestFit { forest: Forest { trees: self.trees }, importances: self.importances }
    }
}

impl ForestSettings {
    fn check(&self) -> Result<(), FitError> {
        if self.n_trees == 0 {
            let (name, expected) = ("the number of trees", "at least 1");
            return Err(FitError::Setting { name, found: "0".into(), expected });
        }
        if self.features_per_split == FeaturesPerSplit::Fixed(0) {
            let (name, expected) = ("the number of features per split", "at least 1");
            return Err(FitError::Setting { name, found: "0".into(), expected });
        }
        self.tree.check()
    }
}

/// How often each row is drawn when as many are drawn as there are.
fn draw(n_rows: usize, stream: &mut Stream) -> Vec<u32> {
    let mut counts = vec![0; n_rows];
    for _ in 0..n_rows {
        counts[stream.below(n_rows as u64) as usize] += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
