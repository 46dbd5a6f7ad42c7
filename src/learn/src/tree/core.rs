//! Growing one tree.

use model::{Matrix, Tree, TreeNode};
use numeric::Stream;

use super::impurity::{ClassSums, GiniCounts, Goal, Scaled, Sums, Variance};
use super::{Criterion, Thresholds, TreeSettings, sort};
use crate::{Checkpoint, Stopped};

/// Values looked at between two checkpoints, about a millisecond's.
const STEP: usize = 1 << 16;

/// What all trees of a forest share.
pub(crate) struct Plan<'a> {
    pub(crate) x: &'a Matrix,
    /// Of every value within its column.
    pub(crate) ranks: &'a [u32],
    pub(crate) settings: &'a TreeSettings,
    /// Features that a split may choose from.
    pub(crate) n_tried: usize,
    pub(crate) thresholds: Thresholds,
}

/// A tree, and how much impurity the splits on each column took away.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) importances: Vec<f64>,
}

/// Grows a tree on the rows that were drawn, as often as they were; on all rows for `None`.
pub(crate) async fn grow(
    plan: &Plan<'_>,
    goal: &Goal<'_>,
    drawn: Option<&[u32]>,
    stream: Stream,
    checkpoint: &mut impl Checkpoint,
) -> Result<Grown, Stopped> {
    let n_rows = plan.x.n_rows;
    let ones;
    let counts = match drawn {
        Some(drawn) => drawn,
        None => {
            ones = vec![1; n_rows];
            &ones[..]
        }
    };
    let rows: Vec<u32> = (0u32..).zip(counts).filter(|(_, count)| **count > 0).map(|(row_idx, _)| row_idx).collect();
    let weights = || -> Vec<f64> {
        let weight = |row_idx: usize| goal.weights.as_ref().map_or(1.0, |weights| weights[row_idx]);
        counts.iter().enumerate().map(|(row_idx, &count)| f64::from(count) * weight(row_idx)).collect()
    };
    let n_outputs = match &goal.labels {
        Scaled::Classes { n_classes, .. } => *n_classes,
        Scaled::Numbers { .. } => 1,
    };
    let grower = Grower {
        plan,
        stream,
        weight_unit: goal.weight_unit,
        columns: (0u32..).take(plan.x.n_columns).collect(),
        n_grown: 0,
        work: 0,
        keys: Vec::with_capacity(rows.len()),
        key_scratch: Vec::with_capacity(rows.len()),
        row_scratch: vec![0; rows.len()],
        rows,
        tree: Tree { nodes: Vec::new(), values: Vec::new(), n_outputs: n_outputs as u32 },
        importances: vec![0.0; plan.x.n_columns],
    };
    match &goal.labels {
        Scaled::Classes { classes, n_classes } => match (goal.criterion, &goal.weights) {
            (Criterion::Gini, None) => grower.run(GiniCounts::new(classes, *n_classes, counts), checkpoint).await,
            (criterion, given) => {
                let whole_total = given.is_none().then(|| counts.iter().map(|&count| u64::from(count)).sum());
                let weights = weights();
                let sums = ClassSums::new(classes, *n_classes, &weights, criterion, whole_total);
                grower.run(sums, checkpoint).await
            }
        },
        Scaled::Numbers { y, unit } => grower.run(Variance::new(y, *unit, &weights()), checkpoint).await,
    }
}

struct Grower<'a> {
    plan: &'a Plan<'a>,
    stream: Stream,
    weight_unit: f64,
    /// A permutation of the columns; its first ones are drawn anew for every split.
    columns: Vec<u32>,
    /// The rows of an open node stand together, in ascending order.
    rows: Vec<u32>,
    /// Rows in finished leaves.
    n_grown: usize,
    /// Values looked at since the last checkpoint.
    work: usize,
    keys: Vec<u64>,
    key_scratch: Vec<u64>,
    row_scratch: Vec<u32>,
    tree: Tree,
    importances: Vec<f64>,
}

/// A node that is still to be looked at.
struct Open {
    rows: std::ops::Range<usize>,
    depth: u32,
    /// The parent, and whether this is its left child.
    parent: Option<(usize, bool)>,
}

/// The best split of a node so far.
struct Best {
    score: f64,
    column: u32,
    /// The largest rank that goes left.
    rank: u32,
    /// If it was drawn and is not between two values.
    threshold: Option<f64>,
}

impl Grower<'_> {
    async fn run<S: Sums>(mut self, mut sums: S, checkpoint: &mut impl Checkpoint) -> Result<Grown, Stopped> {
        let settings = self.plan.settings;
        let n_rows = self.rows.len().max(1);
        let mut open = vec![Open { rows: 0..self.rows.len(), depth: 0, parent: None }];
        while let Some(node) = open.pop() {
            let at = self.tree.nodes.len();
            let rows = &self.rows[node.rows.clone()];
            let summary = sums.summarise(rows, &mut self.tree.values);
            let n_rows_weighted = summary.weight * self.weight_unit;
            self.tree.nodes.push(TreeNode {
                threshold: 0.0,
                feature: 0,
                left: 0,
                right: 0,
                n_rows: n_rows_weighted,
                // Of the largest numbers the square is beyond all numbers.
                impurity: if summary.pure { 0.0 } else { (summary.impurity * summary.impurity_unit).min(f64::MAX) },
            });
            if let Some((parent, is_left)) = node.parent {
                let parent = &mut self.tree.nodes[parent];
                if is_left {
                    parent.left = at as u32
                } else {
                    parent.right = at as u32
                }
                // The parent's impurity less its children's, by weight.
                self.importances[parent.feature as usize] -= summary.weight * summary.impurity;
            }
            self.work += rows.len();
            let may_split = !summary.pure
                && rows.len() >= settings.min_rows_split as usize
                && rows.len() / 2 >= settings.min_rows_leaf as usize
                && settings.max_depth.is_none_or(|max_depth| node.depth < max_depth);
            let best = if may_split { self.best_split(&mut sums, &node, n_rows, checkpoint).await? } else { None };
            let Some(best) = best else {
                self.n_grown += node.rows.len();
                if self.work >= STEP {
                    self.breathe(n_rows, checkpoint).await?;
                }
                continue;
            };
            let (middle, threshold) = self.divide(&node.rows, &best);
            self.tree.nodes[at].feature = best.column;
            self.tree.nodes[at].threshold = threshold;
            self.importances[best.column as usize] += summary.weight * summary.impurity;
            let (start, end) = (node.rows.start, node.rows.end);
            open.push(Open { rows: middle..end, depth: node.depth + 1, parent: Some((at, false)) });
            open.push(Open { rows: start..middle, depth: node.depth + 1, parent: Some((at, true)) });
        }
        // Differences of rounded sums may fall below 0 where a split gained nothing.
        self.importances.iter_mut().for_each(|importance| *importance = importance.max(0.0));
        Ok(Grown { tree: self.tree, importances: self.importances })
    }

    async fn breathe(&mut self, n_rows: usize, checkpoint: &mut impl Checkpoint) -> Result<(), Stopped> {
        self.work = 0;
        checkpoint.checkpoint(self.n_grown as f64 / n_rows as f64, "Growing trees").await
    }

    /// As scikit-learn, goes on after `n_tried` columns while all of them were constant in this node.
    async fn best_split<S: Sums>(
        &mut self,
        sums: &mut S,
        node: &Open,
        n_rows: usize,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Option<Best>, Stopped> {
        let n_columns = self.columns.len();
        let mut best: Option<Best> = None;
        let mut varies = false;
        for n_visited in 0..n_columns {
            if n_visited >= self.plan.n_tried && varies {
                break;
            }
            if self.plan.n_tried < n_columns {
                let drawn = n_visited + self.stream.below((n_columns - n_visited) as u64) as usize;
                self.columns.swap(n_visited, drawn);
            }
            let column = self.columns[n_visited];
            varies |= match self.plan.thresholds {
                Thresholds::Best => self.try_column(sums, node, column, &mut best),
                Thresholds::Random => self.try_threshold(sums, node, column, &mut best),
            };
            self.work += node.rows.len();
            if self.work >= STEP {
                self.breathe(n_rows, checkpoint).await?;
            }
        }
        Ok(best)
    }

    /// Whether the column has more than one value in the node.
    fn try_column<S: Sums>(&mut self, sums: &mut S, node: &Open, column: u32, best: &mut Option<Best>) -> bool {
        let n_all = self.plan.x.n_rows;
        let ranks = &self.plan.ranks[column as usize * n_all..][..n_all];
        let rows = &self.rows[node.rows.clone()];
        let (mut min, mut max) = (u32::MAX, 0);
        self.keys.clear();
        self.keys.extend(rows.iter().map(|&row_idx| {
            let rank = ranks[row_idx as usize];
            min = min.min(rank);
            max = max.max(rank);
            u64::from(rank) << 32 | u64::from(sums.payload(row_idx))
        }));
        if min >= max {
            return false;
        }
        sort::sort(&mut self.keys, &mut self.key_scratch, min, max);
        sums.start();
        let min_rows_leaf = self.plan.settings.min_rows_leaf as usize;
        let last = self.keys.len() - min_rows_leaf;
        let mut best_score = best.as_ref().map_or(f64::NEG_INFINITY, |best| best.score);
        let mut best_rank = None;
        for (n_left, pair) in (1..=last).zip(self.keys.windows(2)) {
            sums.move_left(pair[0] as u32);
            let rank = (pair[0] >> 32) as u32;
            if rank != (pair[1] >> 32) as u32 && n_left >= min_rows_leaf {
                let score = sums.score();
                if score > best_score {
                    best_score = score;
                    best_rank = Some(rank);
                }
            }
        }
        if let Some(rank) = best_rank {
            *best = Some(Best { score: best_score, column, rank, threshold: None });
        }
        true
    }

    /// As `try_column`, for one threshold that is drawn between the smallest and the largest value of the node; whether it
    /// leaves enough rows on both sides.
    fn try_threshold<S: Sums>(&mut self, sums: &mut S, node: &Open, column: u32, best: &mut Option<Best>) -> bool {
        let n_all = self.plan.x.n_rows;
        let values = self.plan.x.column(column as usize);
        let rows = &self.rows[node.rows.clone()];
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for &row_idx in rows {
            let value = values[row_idx as usize];
            min = min.min(value);
            max = max.max(value);
        }
        if min >= max {
            return false;
        }
        let share = self.stream.uniform();
        // Both parts are numbers, however far they are from each other; rounded, they may reach the largest value.
        let threshold = (min * (1.0 - share) + max * share).max(min);
        let threshold = if threshold < max { threshold } else { min };
        let ranks = &self.plan.ranks[column as usize * n_all..][..n_all];
        sums.start();
        let (mut n_left, mut rank) = (0, 0);
        for &row_idx in rows {
            if values[row_idx as usize] <= threshold {
                sums.move_left(sums.payload(row_idx));
                n_left += 1;
                rank = rank.max(ranks[row_idx as usize]);
            }
        }
        if n_left.min(rows.len() - n_left) < self.plan.settings.min_rows_leaf as usize {
            return false;
        }
        let score = sums.score();
        if best.as_ref().is_none_or(|best| score > best.score) {
            *best = Some(Best { score, column, rank, threshold: Some(threshold) });
        }
        true
    }

    /// Puts the rows that go left before the others; where the others begin, and the threshold.
    fn divide(&mut self, node: &std::ops::Range<usize>, best: &Best) -> (usize, f64) {
        let n_all = self.plan.x.n_rows;
        let ranks = &self.plan.ranks[best.column as usize * n_all..][..n_all];
        let rows = &mut self.rows[node.clone()];
        let (mut n_left, mut n_right) = (0, 0);
        let (mut next_rank, mut next_row, mut last_row) = (u32::MAX, 0, 0);
        for position in 0..rows.len() {
            let row_idx = rows[position];
            let rank = ranks[row_idx as usize];
            let goes_left = rank <= best.rank;
            // Both are written and one is kept, so that there is no branch to guess wrong.
            rows[n_left] = row_idx;
            self.row_scratch[n_right] = row_idx;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
            if rank == best.rank {
                last_row = row_idx;
            }
            if !goes_left && rank < next_rank {
                (next_rank, next_row) = (rank, row_idx);
            }
        }
        rows[n_left..].copy_from_slice(&self.row_scratch[..n_right]);
        let column = self.plan.x.column(best.column as usize);
        let between = || midpoint(column[last_row as usize], column[next_row as usize]);
        (node.start + n_left, best.threshold.unwrap_or_else(between))
    }
}

/// A threshold with `low <= threshold < high`, in the middle if there is a number.
fn midpoint(low: f64, high: f64) -> f64 {
    // Halving before adding keeps the largest numbers finite.
    let middle = low / 2.0 + high / 2.0;
    if low <= middle && middle < high { middle } else { low }
}
