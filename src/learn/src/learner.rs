//! Settings of every learner, as they travel from a learner's node to Train Model.

use serde::{Deserialize, Serialize};

use crate::baseline::BaselineSettings;
use crate::forest::ForestSettings;
use crate::kmeans::KMeansSettings;
use crate::linear::LinearSettings;
use crate::logistic::LogisticSettings;
use crate::neighbors::NeighborsSettings;
use crate::tree::TreeSettings;

/// An untrained learner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Learner {
    /// The same prediction for every row.
    Baseline(BaselineSettings),
    /// A weighted sum.
    Linear(LinearSettings),
    /// A weighted sum through the logistic function.
    Logistic(LogisticSettings),
    /// Rules.
    Tree(TreeSettings),
    /// Many trees.
    Forest(ForestSettings),
    /// The training rows themselves.
    Neighbors(NeighborsSettings),
}

impl Learner {
    /// Its name on a card: "Decision Forest".
    pub fn title(&self) -> &'static str {
        match self {
            Self::Baseline(_) => "Constant Baseline",
            Self::Linear(_) => "Linear Regression",
            Self::Logistic(_) => "Logistic Regression",
            Self::Tree(_) => "Decision Tree",
            Self::Forest(_) => "Decision Forest",
            Self::Neighbors(_) => "k-Nearest Neighbours",
        }
    }
}

impl Learner {
    /// About how many nanoseconds it takes one core to train it and to predict some rows: only whether it is worth to
    /// share the work depends on it, so that a factor of two is near enough.
    pub fn work(&self, n_rows: usize, n_columns: usize) -> u64 {
        let (rows, columns) = (n_rows as u64, n_columns.max(1) as u64);
        // A tree sorts the rows of a node in each column that it tries, level by level.
        let tree = |tried: u64, max_depth: Option<u32>| {
            let levels = u64::from(max_depth.unwrap_or(24)).min(u64::from(rows.max(2).ilog2()));
            rows.saturating_mul(tried).saturating_mul(levels * 4)
        };
        match self {
            Self::Baseline(_) => rows,
            Self::Linear(_) => rows.saturating_mul(columns.saturating_mul(columns + 8)),
            Self::Logistic(_) => rows.saturating_mul(columns + 8).saturating_mul(64),
            Self::Tree(settings) => tree(columns, settings.max_depth),
            Self::Forest(settings) => {
                let tried = settings.features_per_split.resolve(n_columns) as u64;
                tree(tried, settings.tree.max_depth).saturating_mul(settings.n_trees.into())
            }
            // Every row is compared with every other.
            Self::Neighbors(_) => rows.saturating_mul(rows).saturating_mul(columns) / 4,
        }
    }
}

/// What a learner that can do both is asked to predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Classes if the target is a category, a truth value or a text, numbers otherwise.
    #[default]
    Auto,
    /// Classes.
    Classification,
    /// Numbers.
    Regression,
}

/// An untrained clustering algorithm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Clusterer {
    /// Lloyd's k-means.
    KMeans(KMeansSettings),
}

impl Clusterer {
    /// Its name on a card: "K-Means".
    pub fn title(&self) -> &'static str {
        match self {
            Self::KMeans(_) => "K-Means",
        }
    }
}
