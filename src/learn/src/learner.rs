//! Settings of every learner, as they travel from a learner's node to Train Model.

use model::{Coding, Scale};
use serde::{Deserialize, Serialize};

use crate::adaboost::AdaBoostSettings;
use crate::anomaly::{IsolationSettings, PcaAnomalySettings};
use crate::baseline::BaselineSettings;
use crate::boosting::BoostingSettings;
use crate::dataset::Ability;
use crate::dbscan::DbscanSettings;
use crate::error::FitError;
use crate::forest::ForestSettings;
use crate::hierarchy::HierarchySettings;
use crate::kmeans::KMeansSettings;
use crate::layered::{CalibratedSettings, MulticlassSettings, StackingSettings};
use crate::linear::LinearSettings;
use crate::logistic::LogisticSettings;
use crate::mixture::MixtureSettings;
use crate::naive_bayes::NaiveBayesSettings;
use crate::neighbors::NeighborsSettings;
use crate::neural::NeuralSettings;
use crate::poisson::PoissonSettings;
use crate::svm::SvmSettings;
use crate::tree::{Thresholds, TreeSettings};

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
    /// Every column by itself.
    NaiveBayes(NaiveBayesSettings),
    /// A weighted sum that is the logarithm of a count.
    Poisson(PoissonSettings),
    /// The widest margin.
    Svm(SvmSettings),
    /// Layers of weighted sums.
    Neural(NeuralSettings),
    /// Anomalies, by what principal components cannot say.
    PcaAnomaly(PcaAnomalySettings),
    /// Anomalies, by how few cuts set a row apart.
    Isolation(IsolationSettings),
    /// Trees that correct each other.
    Boosting(BoostingSettings),
    /// One of two classes, for several.
    Multiclass(MulticlassSettings),
    /// One whose probabilities are corrected.
    Calibrated(CalibratedSettings),
    /// One that learns from what others predict.
    Stacking(StackingSettings),
    /// Trees that vote, each trained on what those before it got wrong.
    AdaBoost(AdaBoostSettings),
}

impl Learner {
    /// Its name on a card: "Decision Forest".
    pub fn title(&self) -> &'static str {
        match self {
            Self::Baseline(_) => "Constant Baseline",
            Self::Linear(_) => "Linear Regression",
            Self::Logistic(_) => "Logistic Regression",
            Self::Tree(_) => "Decision Tree",
            Self::Forest(settings) => match settings.thresholds {
                Thresholds::Best => "Decision Forest",
                Thresholds::Random => "Extra Trees",
            },
            Self::Neighbors(_) => "k-Nearest Neighbours",
            Self::NaiveBayes(_) => "Naive Bayes",
            Self::Poisson(_) => "Poisson Regression",
            Self::Svm(_) => "Support Vector Machine",
            Self::Neural(_) => "Neural Network",
            Self::PcaAnomaly(_) => "PCA-Based Anomaly Detection",
            Self::Isolation(_) => "Isolation Forest",
            Self::Boosting(_) => "Boosted Decision Tree",
            Self::Multiclass(settings) => match settings.coding {
                Coding::OneVsAll => "One-vs-All Multiclass",
                Coding::OneVsOne => "One-vs-One Multiclass",
            },
            Self::Calibrated(_) => "Calibrated Probabilities",
            Self::Stacking(_) => "Stacking",
            Self::AdaBoost(_) => "AdaBoost",
        }
    }

    /// The learners that it is made of.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Multiclass(settings) => vec![&settings.learner],
            Self::Calibrated(settings) => vec![&settings.learner],
            Self::Stacking(settings) => settings.members.iter().chain([&*settings.last]).collect(),
            Self::Baseline(_)
            | Self::Linear(_)
            | Self::Logistic(_)
            | Self::Tree(_)
            | Self::Forest(_)
            | Self::Neighbors(_)
            | Self::NaiveBayes(_)
            | Self::Poisson(_)
            | Self::Svm(_)
            | Self::Neural(_)
            | Self::PcaAnomaly(_)
            | Self::Isolation(_)
            | Self::Boosting(_)
            | Self::AdaBoost(_) => Vec::new(),
        }
    }

    /// What it can predict.
    ///
    /// # Errors
    /// It is made of learners that do not go with it, or with each other.
    pub fn ability(&self) -> Result<Ability, FitError> {
        self.ability_within(0)
    }

    fn ability_within(&self, depth: usize) -> Result<Ability, FitError> {
        /// Of learners within learners, all of which are trained by recursion.
        const MAX_DEPTH: usize = 8;
        if depth > MAX_DEPTH {
            return Err(FitError::TooDeep { limit: MAX_DEPTH });
        }
        let outer = self.title();
        let of_part = |part: &Self, expected: &'static str| {
            let wrong = |does| Err(FitError::WrongPart { outer, expected, learner: part.title(), does });
            match part.ability_within(depth + 1)? {
                _ if part.finds_anomalies() => wrong("looks for anomalies"),
                Ability::Numbers | Ability::Both(Task::Regression) if expected == CLASSES => wrong("predicts numbers"),
                ability => Ok(ability),
            }
        };
        Ok(match self {
            Self::Baseline(_) => Ability::Both(Task::Auto),
            Self::Linear(_) | Self::Poisson(_) => Ability::Numbers,
            Self::Logistic(_) | Self::NaiveBayes(_) | Self::PcaAnomaly(_) | Self::Isolation(_) => Ability::Classes,
            Self::Tree(settings) => Ability::Both(settings.task),
            Self::Forest(settings) => Ability::Both(settings.tree.task),
            Self::Neighbors(settings) => Ability::Both(settings.task),
            Self::Svm(settings) => Ability::Both(settings.task),
            Self::Neural(settings) => Ability::Both(settings.task),
            Self::Boosting(settings) => Ability::Both(settings.task),
            Self::AdaBoost(settings) => Ability::Both(settings.tree.task),
            Self::Multiclass(MulticlassSettings { learner, .. })
            | Self::Calibrated(CalibratedSettings { learner, .. }) => {
                of_part(learner, CLASSES)?;
                Ability::Classes
            }
            Self::Stacking(_) => {
                let (mut of_classes, mut of_numbers) = (None, None);
                for part in self.parts() {
                    match of_part(part, "classes or numbers")? {
                        Ability::Classes | Ability::Both(Task::Classification) => of_classes = Some(part.title()),
                        Ability::Numbers | Ability::Both(Task::Regression) => of_numbers = Some(part.title()),
                        Ability::Both(Task::Auto) => {}
                    }
                }
                match (of_classes, of_numbers) {
                    (None, None) => Ability::Both(Task::Auto),
                    (Some(_), None) => Ability::Classes,
                    (None, Some(_)) => Ability::Numbers,
                    (Some(first), Some(second)) => return Err(FitError::MixedParts { outer, first, second }),
                }
            }
        })
    }

    /// On what scale its probabilities are corrected: where they come from a sum, that sum is what an S-shaped curve was
    /// made for.
    pub(crate) fn scale(&self) -> Scale {
        match self {
            Self::Logistic(_) | Self::Svm(_) | Self::Neural(_) | Self::Boosting(_) => Scale::LogOdds,
            Self::Baseline(_)
            | Self::Linear(_)
            | Self::Tree(_)
            | Self::Forest(_)
            | Self::Neighbors(_)
            | Self::NaiveBayes(_)
            | Self::Poisson(_)
            | Self::PcaAnomaly(_)
            | Self::Isolation(_)
            | Self::AdaBoost(_)
            | Self::Multiclass(_)
            | Self::Calibrated(_)
            | Self::Stacking(_) => Scale::Probability,
        }
    }
}

/// What some learners that are made of others predict, in words.
const CLASSES: &str = "classes";

impl Learner {
    /// Whether it looks for anomalies, for which it needs no target.
    pub fn finds_anomalies(&self) -> bool {
        matches!(self, Self::PcaAnomaly(_) | Self::Isolation(_))
    }

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
            Self::AdaBoost(settings) => tree(columns, settings.tree.max_depth).saturating_mul(settings.n_trees.into()),
            Self::NaiveBayes(_) => rows.saturating_mul(columns).saturating_mul(8),
            Self::Poisson(_) => rows.saturating_mul(columns + 8).saturating_mul(32),
            // Once, and once more for each of five parts that are held out.
            Self::Svm(settings) => {
                let n_fits = if settings.probabilities { 5 } else { 1 };
                rows.saturating_mul(rows).saturating_mul(columns + 16).saturating_mul(n_fits) / 8
            }
            Self::PcaAnomaly(_) => rows.saturating_mul(columns.saturating_mul(columns + 8)),
            Self::Isolation(settings) => {
                let sampled = u64::from(settings.n_sampled).min(rows);
                // Trees are small; every row is walked down each of them.
                u64::from(settings.n_trees).saturating_mul(40 * rows + sampled * 200)
            }
            Self::Neural(settings) => {
                let stages = settings.stages(n_columns.max(1), 0).unwrap_or_default();
                let n_products: u64 = stages.iter().map(|stage| stage.work() as u64).sum();
                // Forward and back, on a fifth of the passes that are allowed.
                rows.saturating_mul(n_products).saturating_mul(u64::from(settings.max_epochs)) / 10
            }
            // A level looks up half of the bins: the other child's sums are what is left of the parent's.
            Self::Boosting(settings) => {
                let levels = u64::from(settings.max_leaves.max(2).ilog2());
                let a_tree = rows.saturating_mul(columns.saturating_mul(levels) / 2 + 30);
                a_tree.saturating_mul(settings.n_trees.into())
            }
            // About four classes; pairs are many, and each has few of the rows.
            Self::Multiclass(settings) => settings.learner.work(n_rows, n_columns).saturating_mul(4),
            Self::Calibrated(settings) => {
                settings.learner.work(n_rows, n_columns).saturating_mul(settings.n_folds.into())
            }
            Self::Stacking(settings) => {
                let members: u64 = settings.members.iter().map(|member| member.work(n_rows, n_columns)).sum();
                let last = settings.last.work(n_rows, settings.members.len());
                members.saturating_mul(u64::from(settings.n_folds) + 1).saturating_add(last)
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
    /// Where rows lie densely.
    Dbscan(DbscanSettings),
    /// Groups that are joined.
    Hierarchy(HierarchySettings),
    /// Normal distributions.
    Mixture(MixtureSettings),
}

impl Clusterer {
    /// Its name on a card: "K-Means".
    pub fn title(&self) -> &'static str {
        match self {
            Self::KMeans(_) => "K-Means",
            Self::Dbscan(_) => "DBSCAN",
            Self::Hierarchy(_) => "Hierarchical Clustering",
            Self::Mixture(_) => "Gaussian Mixture",
        }
    }
}
