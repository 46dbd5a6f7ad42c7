//! k-nearest neighbours: fitting keeps the rows.

use model::{Matrix, Neighbors, Prepared};
use serde::{Deserialize, Serialize};

use crate::dataset::Labels;
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError, Task};

/// How neighbours predict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighborsSettings {
    /// How many vote.
    pub k: u32,
    /// How much each vote counts.
    pub weighting: Weighting,
    /// What near means.
    pub metric: Metric,
    /// Whether each column is given mean 0 and standard deviation 1 before distances are taken.
    pub standardize: bool,
    /// What is predicted.
    pub task: Task,
}

impl Default for NeighborsSettings {
    fn default() -> Self {
        Self { k: 5, weighting: Weighting::Uniform, metric: Metric::Euclidean, standardize: true, task: Task::Auto }
    }
}

/// How much each neighbour's vote counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weighting {
    /// The same.
    #[default]
    Uniform,
    /// One over its distance; a neighbour at distance 0 outvotes all others.
    Distance,
}

/// What near means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metric {
    /// The root of the sum of squared differences.
    #[default]
    Euclidean,
    /// The sum of absolute differences.
    Manhattan,
}

/// Keeps the rows.
///
/// # Errors
/// More neighbours than rows, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &NeighborsSettings,
    x: &Matrix,
    labels: &Labels,
    n_classes: usize,
    checkpoint: &mut impl Checkpoint,
) -> Result<Neighbors, FitError> {
    let k = settings.k as usize;
    if k == 0 {
        let name = "the number of neighbours";
        return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
    }
    if k > x.n_rows {
        return Err(FitError::TooFewRows { what: "the number of neighbours", k, n: x.n_rows, rows: "row" });
    }
    let scaling = if settings.standardize { Some(scaling(x, checkpoint).await?) } else { None };
    let rows = lanes(x, scaling.as_deref());
    Ok(Neighbors {
        rows: (0..x.n_rows).flat_map(|row_idx| rows.row(row_idx)).collect(),
        n_columns: x.n_columns,
        scaling,
        targets: match labels {
            Labels::Numbers(y) => y.clone(),
            Labels::Classes(classes) => classes.iter().map(|&class| f64::from(class)).collect(),
        },
        n_classes,
        k,
        weighted: settings.weighting == Weighting::Distance,
        manhattan: settings.metric == Metric::Manhattan,
        prepared: Prepared::default(),
    })
}
