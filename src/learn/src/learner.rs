//! Settings of every learner, as they travel from a learner's node to Train Model.

use crate::baseline::BaselineSettings;
use crate::forest::ForestSettings;
use crate::kmeans::KMeansSettings;
use crate::linear::LinearSettings;
use crate::logistic::LogisticSettings;
use crate::neighbors::NeighborsSettings;
use crate::tree::TreeSettings;

/// An untrained learner.
#[derive(Clone, Debug, PartialEq)]
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

/// What a learner that can do both is asked to predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq)]
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
