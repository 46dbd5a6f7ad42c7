//! Boosted trees: each is grown on what those before it left over (Friedman, 2001), leaf by leaf on histograms.
//!
//! Columns become at most 256 bins. Gradients become whole numbers, 30 bits of the largest one, so that sums over the
//! rows of a leaf are exact in any order, and the histogram of one of two siblings is the parent's less the other's.

mod bins;
mod grow;
mod histogram;
mod loss;

use model::{Boosted, BoostedTree, Matrix};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use self::bins::Bins;
use self::grow::{Grower, Limits};
use self::loss::Goal;
use crate::checkpoint::Part;
use crate::dataset::Labels;
use crate::logistic::ClassWeights;
use crate::tree::{MAX_NUMBERS, normalise};
use crate::{Checkpoint, FitError, Task};

/// How trees are boosted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoostingSettings {
    /// What is predicted.
    pub task: Task,
    /// What is made smaller, for numbers; for classes it is the log loss.
    pub loss: Loss,
    /// Rounds at most; with more than two classes each grows one tree of each class.
    pub n_trees: u32,
    /// The part of what a tree says that counts.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: u32,
    /// Splits above a leaf at most; `None` for no limit.
    pub max_depth: Option<u32>,
    /// Training rows in a leaf at least.
    pub min_rows_leaf: u32,
    /// Added to the sum of second derivatives in a leaf; weights of rows are scaled to a mean of 1 before.
    pub l2_weight: f64,
    /// The part of the rows that each tree sees, drawn without replacement.
    pub row_share: f64,
    /// The part of the columns that each tree sees.
    pub column_share: f64,
    /// Groups that the values of a column fall into at most, 2 to 255.
    pub max_bins: u32,
    /// The most frequent categories of a column that are told apart, 1 to 254.
    pub max_categories: u32,
    /// Added to the second derivatives of each category before they are put in order, and of both sides of a split by
    /// categories when it is judged.
    pub category_smoothing: f64,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// When to stop before the last round.
    pub early_stopping: Option<EarlyStopping>,
    /// Columns with which the prediction may only rise.
    pub rising: Vec<String>,
    /// Columns with which it may only fall.
    pub falling: Vec<String>,
}

impl Default for BoostingSettings {
    fn default() -> Self {
        Self {
            task: Task::Auto,
            loss: Loss::Squared,
            n_trees: 100,
            learning_rate: 0.1,
            max_leaves: 31,
            max_depth: None,
            min_rows_leaf: 20,
            l2_weight: 0.0,
            row_share: 1.0,
            column_share: 1.0,
            max_bins: 255,
            max_categories: 254,
            category_smoothing: 10.0,
            class_weights: ClassWeights::Uniform,
            early_stopping: None,
            rising: Vec::new(),
            falling: Vec::new(),
        }
    }
}

/// What is made smaller, for numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Half the squared error: predicts the mean.
    #[default]
    Squared,
    /// The absolute error: predicts the median.
    Absolute,
    /// The pinball loss of this quantile, above 0 and below 1.
    Quantile(f64),
    /// `exp(score) - y score`: predicts the mean of counts, which is above 0.
    Poisson,
}

/// Rows are held out, and boosting ends once they are predicted no better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// The part of the rows, of each class.
    pub share: f64,
    /// Rounds without a smaller loss.
    pub n_rounds: u32,
}

/// Fitted boosted trees.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostingFit {
    /// The trees.
    pub boosted: Boosted,
    /// How much the splits on each column of the matrix took off the loss, as parts of 1; all 0 without a split.
    pub importances: Vec<f64>,
    /// Rounds that were grown, of which the best ones were kept.
    pub n_rounds: usize,
}

/// What boosting is told of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoostingColumn {
    /// Its values are positions of this many categories rather than numbers.
    pub n_categories: Option<u32>,
    /// Whether the prediction may only rise (1) or fall (-1) with it.
    pub direction: i8,
}

/// What trees are boosted on.
#[derive(Clone, Copy, Debug)]
pub struct BoostingRows<'a> {
    /// Values may be NaN, for gaps.
    pub x: &'a Matrix,
    /// One entry for each column of the matrix.
    pub columns: &'a [BoostingColumn],
    /// Of a Poisson loss at least 0, and one above.
    pub labels: &'a Labels,
    /// 0 for numbers.
    pub n_classes: usize,
    /// One per row, positive and finite.
    pub weights: Option<&'a [f64]>,
}

/// Boosts trees.
///
/// # Errors
/// A setting that makes no sense, weights too large, a model too large, or the user's cancellation.
pub async fn fit(
    settings: &BoostingSettings,
    rows: BoostingRows<'_>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<BoostingFit, FitError> {
    let BoostingRows { x, columns, labels, n_classes, weights } = rows;
    settings.check()?;
    if n_classes > 2 && columns.iter().any(|column| column.direction != 0) {
        let name = "a column with which the prediction may only rise or fall";
        let expected = "none with more than two classes";
        return Err(FitError::Setting { name, found: "given".into(), expected });
    }
    let goal = Goal::new(settings, labels, n_classes, weights)?;
    let bins = Bins::new(x, columns, settings.max_bins as usize, checkpoint).await?;
    let mut stream = Stream::fork(seed, 0);
    let (training, held_out) = match &settings.early_stopping {
        Some(stopping) => goal.hold_out(stopping.share, &mut stream),
        None => ((0u32..).take(x.n_rows).collect(), Vec::new()),
    };
    let base = goal.base(&training);
    let n_scores = base.len();
    // One score after the other, and each row by row.
    let mut scores: Vec<f64> = base.iter().flat_map(|score| std::iter::repeat_n(*score, x.n_rows)).collect();
    let limits = Limits::new(settings, columns);
    let mut grower = Grower::new(&bins, &limits, x.n_rows);
    let mut trees: Vec<BoostedTree> = Vec::new();
    let mut importances = vec![0.0; x.n_columns];
    let mut gains_by_round: Vec<Vec<f64>> = Vec::new();
    let mut losses = Vec::new();
    if !held_out.is_empty() {
        losses.push(goal.loss(&scores, &held_out));
    }
    let (mut n_numbers, mut best_round, mut n_rounds) = (0, 0, 0);
    for round in 0..settings.n_trees as usize {
        let message = format!("Growing tree {} of {}", round + 1, settings.n_trees);
        checkpoint.checkpoint(round as f64 / f64::from(settings.n_trees), &message).await?;
        let mut stream = Stream::fork(seed, round as u64 + 1);
        let drawn = draw(training.len(), settings.row_share, &mut stream);
        let drawn_rows: Vec<u32> = drawn.iter().flatten().map(|&at| training[at as usize]).collect();
        let rows = if drawn.is_some() { &drawn_rows } else { &training };
        let tried = match draw(x.n_columns, settings.column_share, &mut stream) {
            Some(drawn) => drawn,
            None => (0u32..).take(x.n_columns).collect(),
        };
        let shares = goal.shares(&scores);
        let mut gains = vec![0.0; x.n_columns];
        for score_idx in 0..n_scores {
            let mut part = Part::new(checkpoint, round * n_scores + score_idx, settings.n_trees as usize * n_scores);
            let of_score = &mut scores[score_idx * x.n_rows..][..x.n_rows];
            goal.gradients(of_score, &shares, score_idx, &mut grower.raw);
            let mut grown = grower.grow(rows, &tried, &mut part).await?;
            goal.renew(of_score, &mut grown);
            let tree = grown.finish(settings.learning_rate, &bins, of_score, rows.len() < x.n_rows, &mut gains);
            n_numbers += tree.tree.nodes.len() * 8;
            trees.push(tree);
        }
        n_rounds = round + 1;
        gains_by_round.push(gains);
        if n_numbers > MAX_NUMBERS {
            return Err(FitError::ModelTooLarge { limit: MAX_NUMBERS, n_trees: trees.len() });
        }
        if let Some(stopping) = settings.early_stopping.filter(|_| !held_out.is_empty()) {
            losses.push(goal.loss(&scores, &held_out));
            if losses[n_rounds] < losses[best_round] {
                best_round = n_rounds;
            }
            if n_rounds - best_round >= stopping.n_rounds as usize {
                break;
            }
        } else {
            best_round = n_rounds;
        }
    }
    trees.truncate(best_round * n_scores);
    for gains in &gains_by_round[..best_round] {
        importances.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
    }
    normalise(&mut importances);
    let boosted = goal.boosted(trees, base, losses);
    Ok(BoostingFit { boosted, importances, n_rounds })
}

/// Ascending positions of a share of `n`, at least one; `None` for all.
fn draw(n: usize, share: f64, stream: &mut Stream) -> Option<Vec<u32>> {
    let n_drawn = ((n as f64 * share).round() as usize).clamp(1, n.max(1));
    if n_drawn >= n {
        return None;
    }
    let mut drawn = Vec::with_capacity(n_drawn);
    // Each is taken with the probability that the rest must still be filled (Knuth's algorithm S).
    for at in 0..n {
        if (stream.below((n - at) as u64) as usize) < n_drawn - drawn.len() {
            drawn.push(at as u32);
        }
    }
    Some(drawn)
}

impl BoostingSettings {
    fn check(&self) -> Result<(), FitError> {
        let whole = |name, found: u32, allowed: std::ops::RangeInclusive<u32>, expected| {
            let is_allowed = allowed.contains(&found);
            if is_allowed { Ok(()) } else { Err(FitError::Setting { name, found: found.to_string(), expected }) }
        };
        let real = |name, found: f64, is_allowed: bool, expected| {
            if is_allowed { Ok(()) } else { Err(FitError::Setting { name, found: found.to_string(), expected }) }
        };
        let above_0 = |x: f64| x > 0.0 && x <= 1.0;
        let share = "above 0 and at most 1";
        whole("the number of trees", self.n_trees, 1..=u32::MAX, "at least 1")?;
        whole("the maximum number of leaves", self.max_leaves, 2..=1 << 16, "between 2 and 65536")?;
        whole("the maximum depth", self.max_depth.unwrap_or(1), 1..=u32::MAX, "at least 1")?;
        whole("the minimum number of rows in a leaf", self.min_rows_leaf, 1..=u32::MAX, "at least 1")?;
        whole("the maximum number of bins", self.max_bins, 2..=255, "between 2 and 255")?;
        whole("the number of categories kept", self.max_categories, 1..=254, "between 1 and 254")?;
        real("the learning rate", self.learning_rate, above_0(self.learning_rate), share)?;
        real("the share of rows", self.row_share, above_0(self.row_share), share)?;
        real("the share of columns", self.column_share, above_0(self.column_share), share)?;
        let not_negative = |x: f64| x >= 0.0 && x.is_finite();
        real("the L2 weight", self.l2_weight, not_negative(self.l2_weight), "0 or more")?;
        let smoothing = self.category_smoothing;
        real("the smoothing of categories", smoothing, not_negative(smoothing), "0 or more")?;
        let within = |x: f64| x > 0.0 && x < 1.0;
        if let Loss::Quantile(quantile) = self.loss {
            real("the quantile", quantile, within(quantile), "above 0 and below 1")?;
        }
        if let Some(EarlyStopping { share, n_rounds }) = self.early_stopping {
            real("the share of rows held out", share, within(share), "above 0 and below 1")?;
            whole("the number of rounds without improvement", n_rounds, 1..=u32::MAX, "at least 1")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
