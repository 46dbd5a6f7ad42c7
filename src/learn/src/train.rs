//! From settings and a table to a model.

use model::{Baseline, ClusterAssignments, Clustering, Estimator, Model, ModelError};
use table::Table;

use crate::dataset::{Ability, Dataset, Labels};
use crate::{Checkpoint, Clusterer, FitError, Learner, baseline, forest, kmeans, linear, logistic, neighbors, tree};

/// A model, and what the user should know about how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Whole sentences, each with a way out.
    pub notes: Vec<String>,
}

/// Fits a learner to a table.
///
/// # Errors
/// Data or settings from which nothing sensible can be learnt, or the user's cancellation.
pub async fn train(
    learner: &Learner,
    table: &Table,
    target: &str,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Model, FitError> {
    Ok(train_with_notes(learner, table, target, seed, checkpoint).await?.model)
}

/// As `train`, with what the user should know.
///
/// # Errors
/// As `train`.
pub async fn train_with_notes(
    learner: &Learner,
    table: &Table,
    target: &str,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Trained, FitError> {
    checkpoint.checkpoint(0.0, "Reading the table").await?;
    let dataset = dataset(learner, table, target)?;
    checkpoint.checkpoint(0.0, "Training").await?;
    let n_classes = dataset.target.n_classes();
    let weights = dataset.weights.as_deref();
    let x = &dataset.x;
    let mut importances = None;
    let mut notes = Vec::new();
    let estimator = match (learner, &dataset.labels) {
        (Learner::Baseline(settings), labels) => Estimator::Baseline(constant(settings, labels, n_classes, weights)),
        (Learner::Linear(settings), Labels::Numbers(y)) => {
            Estimator::Linear(linear::fit(settings, x, y, weights, checkpoint).await?)
        }
        (Learner::Logistic(settings), Labels::Classes(classes)) => {
            let fit = logistic::fit(settings, x, classes, n_classes, weights, checkpoint).await?;
            if !fit.converged {
                notes.push(format!(
                    "It stopped at the limit of {} iterations, before nothing changed by more than the optimization tolerance: \
                     allow more iterations, raise a regularization weight, or normalize the columns.",
                    fit.n_iterations
                ));
            }
            Estimator::Logistic(fit.model)
        }
        (Learner::Tree(settings), labels) => {
            let grown = tree::fit(settings, x, labels, n_classes, weights, seed, checkpoint).await?;
            importances = Some(grown.importances);
            Estimator::Tree(grown.tree)
        }
        (Learner::Forest(settings), labels) => {
            let grown = forest::fit(settings, x, labels, n_classes, weights, seed, checkpoint).await?;
            importances = Some(grown.importances);
            Estimator::Forest(grown.forest)
        }
        (Learner::Neighbors(settings), labels) => {
            Estimator::Neighbors(neighbors::fit(settings, x, labels, n_classes, checkpoint).await?)
        }
        // `Ability` has already told the other kind of target apart, with a better message.
        (Learner::Linear(_), Labels::Classes(_)) | (Learner::Logistic(_), Labels::Numbers(_)) => {
            return Err(FitError::NoRows);
        }
    };
    let model = Model {
        learner: learner.title().into(),
        preparation: Vec::new(),
        features: dataset.features,
        target: dataset.target,
        estimator,
        importances,
        n_training_rows: dataset.x.n_rows as u64,
    };
    Ok(Trained { model, notes })
}

/// Whether a learner can read a table at all, without fitting it.
///
/// # Errors
/// Whatever is wrong with the columns and rows, as `train` would tell it.
pub fn check(learner: &Learner, table: &Table, target: &str) -> Result<(), FitError> {
    dataset(learner, table, target).map(|_| ())
}

fn dataset(learner: &Learner, table: &Table, target: &str) -> Result<Dataset, FitError> {
    let ability = match learner {
        Learner::Baseline(_) => Ability::Both(crate::Task::Auto),
        Learner::Linear(_) => Ability::Numbers,
        Learner::Logistic(_) => Ability::Classes,
        Learner::Tree(settings) => Ability::Both(settings.task),
        Learner::Forest(settings) => Ability::Both(settings.tree.task),
        Learner::Neighbors(settings) => Ability::Both(settings.task),
    };
    match learner {
        Learner::Baseline(_) => Dataset::without_features(table, target, ability, learner.title()),
        Learner::Linear(_) | Learner::Logistic(_) | Learner::Tree(_) | Learner::Forest(_) | Learner::Neighbors(_) => {
            Dataset::new(table, target, ability, learner.title())
        }
    }
}

fn constant(
    settings: &baseline::BaselineSettings,
    labels: &Labels,
    n_classes: usize,
    weights: Option<&[f64]>,
) -> Baseline {
    match labels {
        Labels::Numbers(y) => baseline::fit_numbers(settings, y, weights),
        Labels::Classes(classes) => baseline::fit_classes(settings, classes, n_classes, weights),
    }
}

/// Looks for clusters in some columns of a table.
///
/// # Errors
/// As `train`.
pub async fn train_clustering(
    clusterer: &Clusterer,
    table: &Table,
    column_idxs: &[usize],
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Clustering, FitError> {
    checkpoint.checkpoint(0.0, "Reading the table").await?;
    let (features, x) = crate::dataset::matrix(&table.frame_of(column_idxs))?;
    match clusterer {
        Clusterer::KMeans(settings) => kmeans::fit(settings, features, &x, seed, checkpoint).await,
    }
}

/// The cluster of each row.
///
/// # Errors
/// A column is not there, is of another kind, or has a missing or infinite value.
pub fn assign(clustering: &Clustering, table: &Table) -> Result<ClusterAssignments, ModelError> {
    clustering.assign(&table.frame())
}

#[cfg(test)]
mod tests;
