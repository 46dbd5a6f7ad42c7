//! Anomalies: rows that are unlike all others, found without being told which.

use model::{Anomalies, Detector, Forest, Matrix, Tree, TreeNode, mean_path};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::principal::{self, ComponentsSettings};
use crate::{Checkpoint, FitError};

/// How anomalies are told from the rest by principal components.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PcaAnomalySettings {
    /// Which components say what is ordinary.
    pub components: ComponentsSettings,
    /// Share of the training rows that lie above the threshold.
    pub share: f64,
}

impl Default for PcaAnomalySettings {
    fn default() -> Self {
        Self { components: ComponentsSettings::default(), share: 0.05 }
    }
}

/// How anomalies are set apart by random cuts: Liu, Ting and Zhou, Isolation forest, 2008.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsolationSettings {
    /// How many trees.
    pub n_trees: u32,
    /// Rows that each tree is grown on, drawn without replacement; all if there are fewer.
    pub n_sampled: u32,
    /// Share of the training rows that lie above the threshold; `None` takes a score of one half, as in the paper.
    pub share: Option<f64>,
}

impl Default for IsolationSettings {
    fn default() -> Self {
        Self { n_trees: 100, n_sampled: 256, share: None }
    }
}

fn check_share(share: f64) -> Result<(), FitError> {
    if share > 0.0 && share <= 0.5 {
        return Ok(());
    }
    let found = share.to_string();
    Err(FitError::Setting { name: "the share of anomalies", found, expected: "a number above 0 and up to 0.5" })
}

/// Anomalies by principal components. `class` is which of two classes they are called.
///
/// # Errors
/// As `principal::fit`, or a share that makes no sense.
pub async fn fit_components(
    settings: &PcaAnomalySettings,
    x: &Matrix,
    class: u32,
    checkpoint: &mut impl Checkpoint,
) -> Result<Anomalies, FitError> {
    check_share(settings.share)?;
    let components = principal::fit(&settings.components, x, checkpoint).await?;
    if components.n_components() == x.n_columns {
        // Then nothing is left that could be judged.
        return Err(FitError::TooManyComponents { k: components.n_components(), n_columns: x.n_columns });
    }
    let mut anomalies = Anomalies { detector: Detector::Components(components), threshold: 0.0, class };
    anomalies.threshold = above(&anomalies.scores(x), settings.share);
    Ok(anomalies)
}

/// The score that this share of rows lies above, in the middle between two.
fn above(scores: &[f64], share: f64) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n_above = ((sorted.len() as f64 * share).round() as usize).clamp(1, sorted.len());
    let last_below = sorted.len().saturating_sub(n_above + 1);
    f64::midpoint(sorted[last_below], sorted[sorted.len() - n_above])
}

/// Anomalies by an isolation forest. Each tree has its own random stream.
///
/// # Errors
/// A setting that makes no sense, or the user's cancellation.
pub async fn fit_isolation(
    settings: &IsolationSettings,
    x: &Matrix,
    class: u32,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Anomalies, FitError> {
    for (name, found, least, expected) in [
        ("the number of trees", settings.n_trees, 1, "at least 1"),
        ("the number of rows of a tree", settings.n_sampled, 2, "at least 2"),
    ] {
        if found < least {
            return Err(FitError::Setting { name, found: found.to_string(), expected });
        }
    }
    settings.share.map_or(Ok(()), check_share)?;
    if x.n_rows < 2 {
        return Err(FitError::OneRow);
    }
    let n_sampled = x.n_rows.min(settings.n_sampled as usize);
    let max_depth = (n_sampled as u32).next_power_of_two().ilog2();
    let mut trees = Vec::with_capacity(settings.n_trees as usize);
    let mut order: Vec<u32> = (0..x.n_rows as u32).collect();
    for tree_idx in 0..settings.n_trees {
        let mut stream = Stream::fork(seed, u64::from(tree_idx));
        // The first rows of an order that is shuffled anew as far as it is needed.
        for at in 0..n_sampled {
            order.swap(at, at + stream.below((x.n_rows - at) as u64) as usize);
        }
        trees.push(isolating(x, order[..n_sampled].to_vec(), max_depth, &mut stream));
        let fraction = f64::from(tree_idx + 1) / f64::from(settings.n_trees);
        checkpoint.checkpoint(fraction, &format!("{} of {} trees", tree_idx + 1, settings.n_trees)).await?;
    }
    let detector = Detector::Isolation { forest: Forest { trees }, mean_path: mean_path(n_sampled as f64) };
    let mut anomalies = Anomalies { detector, threshold: 0.5, class };
    if let Some(share) = settings.share {
        // Within what a score may be, so that both sides have room.
        anomalies.threshold = above(&anomalies.scores(x), share).clamp(1e-6, 1.0 - 1e-6);
    }
    Ok(anomalies)
}

/// Rows that still are to be cut, and where their node is.
struct Open {
    node_idx: usize,
    rows: Vec<u32>,
    depth: u32,
}

/// A tree of cuts at random places of random columns, among those that vary.
fn isolating(x: &Matrix, rows: Vec<u32>, max_depth: u32, stream: &mut Stream) -> Tree {
    let leaf = |n: usize| TreeNode { threshold: 0.0, feature: 0, left: 0, right: 0, n_rows: n as f64, impurity: 0.0 };
    let mut nodes = vec![leaf(rows.len())];
    let mut values = vec![0.0];
    let mut open = vec![Open { node_idx: 0, rows, depth: 0 }];
    while let Some(Open { node_idx, rows, depth }) = open.pop() {
        values[node_idx] = f64::from(depth) + mean_path(rows.len() as f64);
        if rows.len() < 2 || depth == max_depth {
            continue;
        }
        let Some((feature, threshold)) = cut(x, &rows, stream) else { continue };
        let column = x.column(feature);
        let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| column[row as usize] <= threshold);
        let at = nodes.len() as u32;
        nodes[node_idx] = TreeNode { threshold, feature: feature as u32, left: at, right: at + 1, ..nodes[node_idx] };
        nodes.extend([leaf(left.len()), leaf(right.len())]);
        values.extend([0.0, 0.0]);
        open.push(Open { node_idx: at as usize + 1, rows: right, depth: depth + 1 });
        open.push(Open { node_idx: at as usize, rows: left, depth: depth + 1 });
    }
    Tree { nodes, values, n_outputs: 1 }
}

/// A column and a place in it, or none if no column varies.
fn cut(x: &Matrix, rows: &[u32], stream: &mut Stream) -> Option<(usize, f64)> {
    let mut untried: Vec<usize> = (0..x.n_columns).collect();
    while !untried.is_empty() {
        let feature = untried.swap_remove(stream.below(untried.len() as u64) as usize);
        let column = x.column(feature);
        let values = || rows.iter().map(|&row| column[row as usize]);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if low < high {
            let share = stream.uniform();
            // Each end by itself: their difference may be beyond all numbers.
            let threshold = low * (1.0 - share) + high * share;
            return Some((feature, if threshold < high { threshold.max(low) } else { low }));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Keep;
    use crate::{Unwatched, block_on};

    /// A long heap along the diagonal, and one row far off it.
    fn heap() -> Matrix {
        let mut stream = Stream::new(4);
        let n = 200;
        let mut values = vec![0.0; 2 * n];
        for i in 0..n {
            let along = 3.0 * stream.normal();
            values[i] = along + 0.2 * stream.normal();
            values[n + i] = along + 0.2 * stream.normal();
        }
        (values[n - 1], values[2 * n - 1]) = (6.0, -6.0);
        Matrix { values, n_rows: n, n_columns: 2 }
    }

    fn highest(anomalies: &Anomalies, x: &Matrix) -> usize {
        let scores = anomalies.scores(x);
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("rows")
    }

    #[test]
    fn the_row_off_the_diagonal_is_the_most_anomalous() {
        let x = heap();
        let settings = PcaAnomalySettings {
            components: ComponentsSettings { keep: Keep::Count(1), standardize: true },
            share: 0.05,
        };
        let by_components = block_on(fit_components(&settings, &x, 1, &mut Unwatched)).expect("a detector");
        assert_eq!(highest(&by_components, &x), 199);
        // Ten of two hundred rows lie above the threshold.
        assert_eq!(by_components.predict(&x).chunks(2).filter(|p| p[1] > 0.5).count(), 10);
        let by_cuts = block_on(fit_isolation(&IsolationSettings::default(), &x, 1, 3, &mut Unwatched));
        let by_cuts = by_cuts.expect("a detector");
        assert_eq!(highest(&by_cuts, &x), 199);
        assert!(by_cuts.predict(&x).chunks(2).all(|p| (p[0] + p[1] - 1.0).abs() < 1e-15 && p[1] >= 0.0));
        let settings = IsolationSettings { share: Some(0.1), ..IsolationSettings::default() };
        let tenth = block_on(fit_isolation(&settings, &x, 0, 3, &mut Unwatched)).expect("a detector");
        assert_eq!(tenth.predict(&x).chunks(2).filter(|p| p[0] > 0.5).count(), 20);
    }

    #[test]
    fn rows_that_are_all_the_same_are_no_anomalies() {
        let x = Matrix { values: vec![7.0; 20], n_rows: 10, n_columns: 2 };
        let found = block_on(fit_isolation(&IsolationSettings::default(), &x, 1, 1, &mut Unwatched));
        assert!(found.expect("a detector").predict(&x).chunks(2).all(|p| p[1] <= 0.5));
        let settings = PcaAnomalySettings {
            components: ComponentsSettings { keep: Keep::Count(1), standardize: true },
            share: 0.1,
        };
        let found = block_on(fit_components(&settings, &x, 1, &mut Unwatched)).expect("a detector");
        assert!(found.predict(&x).chunks(2).all(|p| p[1] == 0.0));
    }

    #[test]
    fn values_as_far_apart_as_can_be_are_cut() {
        let x = Matrix { values: vec![f64::MAX, f64::MIN, 0.0], n_rows: 3, n_columns: 1 };
        let found = block_on(fit_isolation(&IsolationSettings::default(), &x, 1, 1, &mut Unwatched));
        assert!(found.expect("a detector").predict(&x).iter().all(|p| p.is_finite()));
    }
}
