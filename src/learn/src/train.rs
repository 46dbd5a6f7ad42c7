//! From settings and a table to a model.

use std::pin::Pin;
use std::rc::Rc;

use model::{Baseline, Estimator, FeatureEncoding, Model, Target, Values};
use schema::{Column, Role};
use table::Table;

use crate::accelerator::Accelerator;
use crate::boosting::{BoostingColumn, BoostingRows, BoostingSettings, Loss};
use crate::checkpoint::Watched;
use crate::dataset::{Ability, Dataset, Labels, Reading};
use crate::neural::{Sight, Standings};
use crate::{
    Checkpoint, Clustered, Clusterer, FitError, Learner, StackingSettings, Stopped, adaboost, anomaly, baseline,
    boosting, dbscan, forest, hierarchy, kmeans, layered, linear, logistic, mixture, naive_bayes, neighbors, neural,
    poisson, svm, tree,
};

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
    let trained = trained(learner, table, target, seed, &mut Watched::new(checkpoint)).await;
    trained.map_err(|error| with_largest(error, table, Some(target)))
}

/// What was too large, among all that a learner looks at.
pub(crate) fn with_largest(error: FitError, table: &Table, target: Option<&str>) -> FitError {
    let is_seen =
        |column: &Column| matches!(column.role, Role::Feature | Role::Weight) || Some(column.name.as_str()) == target;
    let seen = (0..table.n_columns()).filter(|&column_idx| is_seen(&table.schema().columns[column_idx]));
    crate::dataset::with_largest(error, &table.frame_of(&seen.collect::<Vec<_>>()))
}

/// As `train_with_notes`; learners that are made of learners come back here.
pub(crate) fn trained<'a>(
    learner: &'a Learner,
    table: &'a Table,
    target: &'a str,
    seed: u64,
    checkpoint: &'a mut Watched<'_>,
) -> Pin<Box<dyn Future<Output = Result<Trained, FitError>> + 'a>> {
    Box::pin(async move {
        checkpoint.checkpoint(0.0, "Reading the table").await?;
        let rows = (table, target, seed);
        match learner {
            Learner::Multiclass(settings) => layered::multiclass(learner, settings, rows, checkpoint).await,
            Learner::Calibrated(settings) => layered::calibrated(learner, settings, rows, checkpoint).await,
            Learner::Stacking(settings) => layered::stacking(learner, settings, rows, checkpoint).await,
            Learner::Baseline(_)
            | Learner::Linear(_)
            | Learner::Logistic(_)
            | Learner::Tree(_)
            | Learner::Forest(_)
            | Learner::Neighbors(_)
            | Learner::NaiveBayes(_)
            | Learner::Poisson(_)
            | Learner::Svm(_)
            | Learner::Neural(_)
            | Learner::PcaAnomaly(_)
            | Learner::Isolation(_)
            | Learner::Boosting(_)
            | Learner::AdaBoost(_) => {
                let dataset = dataset(learner, table, target)?;
                checkpoint.checkpoint(0.0, "Training").await?;
                let Fitted { estimator, importances, notes } = fitted(learner, &dataset, seed, checkpoint).await?;
                Ok(Trained { model: model(learner, dataset, estimator, importances), notes })
            }
        }
    })
}

/// Looks for anomalies. A target of two classes names them, the rarer one being that of anomalies; what it says of a row
/// is not looked at. Without one they are called `true`.
///
/// # Errors
/// As `train`; the learner looks for something else.
pub async fn train_anomalies(
    learner: &Learner,
    table: &Table,
    target: Option<&str>,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Trained, FitError> {
    if !learner.finds_anomalies() {
        return Err(FitError::NoAnomalies { learner: learner.title() });
    }
    checkpoint.checkpoint(0.0, "Reading the table").await?;
    let by_role = table.schema().target().map(|column| column.name.as_str());
    let (dataset, left_aside) = match (target, by_role) {
        (Some(target), _) => (dataset(learner, table, target)?, None),
        (None, Some(target)) => {
            match dataset(learner, table, target).and_then(|dataset| check_two(&dataset, learner).map(|()| dataset)) {
                Ok(dataset) => (dataset, None),
                Err(error) => (Dataset::without_target(table)?, Some(error)),
            }
        }
        (None, None) => (Dataset::without_target(table)?, None),
    };
    let fitted = fitted(learner, &dataset, seed, &mut Watched::new(checkpoint)).await;
    let Fitted { estimator, importances, mut notes } = fitted.map_err(|error| with_largest(error, table, None))?;
    notes.extend(
        left_aside.map(|error| {
            format!("Labels were left aside, so that Evaluate Model has nothing to compare with: {error}.")
        }),
    );
    Ok(Trained { model: model(learner, dataset, estimator, importances), notes })
}

/// What a fit came to.
pub(crate) struct Fitted {
    pub(crate) estimator: Estimator,
    pub(crate) importances: Option<Vec<f64>>,
    pub(crate) notes: Vec<String>,
}

/// Fits a learner to checked data.
pub(crate) async fn fitted(
    learner: &Learner,
    dataset: &Dataset,
    seed: u64,
    checkpoint: &mut Watched<'_>,
) -> Result<Fitted, FitError> {
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
        (Learner::NaiveBayes(settings), Labels::Classes(classes)) => {
            if settings.distribution == naive_bayes::Distribution::Multinomial {
                counts_only(dataset, learner)?;
            }
            Estimator::NaiveBayes(naive_bayes::fit(settings, x, classes, n_classes, weights, checkpoint).await?)
        }
        (Learner::Poisson(settings), Labels::Numbers(y)) => {
            let (name, learner) = (|| dataset.target.name().to_owned(), learner.title());
            if let Some(row_idx) = y.iter().position(|y| *y < 0.0) {
                return Err(FitError::NegativeLabel { name: name(), row_idx, value: y[row_idx], learner });
            }
            if y.iter().all(|y| *y < f64::MIN_POSITIVE) {
                return Err(FitError::NoCounts { name: name() });
            }
            let fit = poisson::fit(settings, x, y, weights, checkpoint).await?;
            if !fit.converged {
                notes.push(format!(
                    "It stopped after {} iterations, before every slope was within the optimization tolerance: allow \
                     more iterations, raise the regularization weight, or normalize the columns.",
                    fit.n_iterations
                ));
            }
            Estimator::Poisson(fit.model)
        }
        (Learner::Svm(settings), labels) => {
            let fit = svm::fit(settings, x, labels, n_classes, weights, seed, checkpoint).await?;
            if !fit.converged {
                notes.push(
                    "It stopped before the tolerance was reached: standardize the columns, lower C, or allow a larger \
                     tolerance."
                        .into(),
                );
            }
            Estimator::Svm(fit.model)
        }
        (Learner::Neural(settings), labels) => {
            let mut about = About { checkpoint, dataset };
            let fit = neural::fit(settings, x, labels, n_classes, weights, seed, &mut about).await?;
            notes.extend(fit.accelerated.map(|by| by.to_string()));
            if !fit.converged {
                notes.push(format!(
                    "It stopped at the limit of {} passes while the loss was still falling: allow more of them, or raise \
                     the learning rate.",
                    settings.max_epochs
                ));
            }
            Estimator::Network(fit.model)
        }
        (Learner::PcaAnomaly(settings), Labels::Classes(classes)) => {
            let class = rarer(dataset, classes, learner)?;
            notes.extend(named(dataset, class));
            Estimator::Anomalies(anomaly::fit_components(settings, x, class, checkpoint).await?)
        }
        (Learner::Isolation(settings), Labels::Classes(classes)) => {
            let class = rarer(dataset, classes, learner)?;
            notes.extend(named(dataset, class));
            Estimator::Anomalies(anomaly::fit_isolation(settings, x, class, seed, checkpoint).await?)
        }
        (Learner::Boosting(settings), labels) => {
            let columns = boosting_columns(settings, dataset)?;
            let rows = BoostingRows { x, columns: &columns, labels, n_classes, weights };
            let fit = boosting::fit(settings, rows, seed, checkpoint).await?;
            notes.extend(said_of_rounds(settings, &fit));
            importances = Some(fit.importances);
            Estimator::Boosted(fit.boosted)
        }
        (Learner::AdaBoost(settings), labels) => {
            let fit = adaboost::fit(settings, x, labels, n_classes, weights, seed, checkpoint).await?;
            notes.extend(said_of_voters(settings, &fit));
            importances = Some(fit.importances);
            Estimator::Voters(fit.voters)
        }
        // `Ability` has already told the other kind of target apart, with a better message.
        (Learner::Linear(_) | Learner::Poisson(_), Labels::Classes(_))
        | (
            Learner::Logistic(_) | Learner::NaiveBayes(_) | Learner::PcaAnomaly(_) | Learner::Isolation(_),
            Labels::Numbers(_),
        )
        // `trained` does not come here for these.
        | (Learner::Multiclass(_) | Learner::Calibrated(_) | Learner::Stacking(_), _) => {
            return Err(FitError::NoRows);
        }
    };
    Ok(Fitted { estimator, importances, notes })
}

/// Tells whoever looks at a network what it is trained on.
struct About<'c, 'w, 'd> {
    checkpoint: &'c mut Watched<'w>,
    dataset: &'d Dataset,
}

impl Checkpoint for About<'_, '_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.checkpoint.checkpoint(fraction, message).await
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.checkpoint.accelerator()
    }

    fn remark(&mut self, sentence: String) {
        self.checkpoint.remark(sentence);
    }

    fn wants_sight(&mut self) -> bool {
        self.checkpoint.wants_sight()
    }

    fn sight(&mut self, sight: Sight<'_>) {
        self.checkpoint.sight(Sight { dataset: Some(self.dataset), ..sight });
    }

    fn passed(&mut self) {
        self.checkpoint.passed();
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        self.checkpoint.standings()
    }
}

fn model(learner: &Learner, dataset: Dataset, estimator: Estimator, importances: Option<Vec<f64>>) -> Model {
    Model {
        learner: learner.title().into(),
        preparation: Vec::new(),
        n_training_rows: dataset.x.n_rows as u64,
        features: dataset.features,
        target: dataset.target,
        estimator,
        importances,
    }
}

/// Whether a learner can read a table at all, without fitting it.
///
/// # Errors
/// Whatever is wrong with the columns and rows, as `train` would tell it.
pub fn check(learner: &Learner, table: &Table, target: &str) -> Result<(), FitError> {
    dataset(learner, table, target).map(|_| ())
}

fn dataset(learner: &Learner, table: &Table, target: &str) -> Result<Dataset, FitError> {
    dataset_for(learner, learner.ability()?, table, target)
}

fn dataset_for(learner: &Learner, ability: Ability, table: &Table, target: &str) -> Result<Dataset, FitError> {
    match learner {
        Learner::Baseline(_) => Dataset::without_features(table, target, ability, learner.title()),
        Learner::Linear(_)
        | Learner::Logistic(_)
        | Learner::Tree(_)
        | Learner::Forest(_)
        | Learner::Neighbors(_)
        | Learner::NaiveBayes(_)
        | Learner::Poisson(_)
        | Learner::Svm(_)
        | Learner::Neural(_)
        | Learner::PcaAnomaly(_)
        | Learner::Isolation(_)
        | Learner::AdaBoost(_) => Dataset::new(table, target, ability, learner.title()),
        Learner::Boosting(settings) => {
            let reading = Reading::Native { max_categories: settings.max_categories as usize };
            let dataset = Dataset::read(table, target, ability, learner.title(), reading)?;
            if settings.loss == Loss::Poisson && matches!(dataset.labels, Labels::Numbers(_)) {
                check_counts(table, target, learner.title())?;
            }
            Ok(dataset)
        }
        Learner::Multiclass(_) | Learner::Calibrated(_) | Learner::Stacking(_) => {
            let dataset = Dataset::without_features(table, target, ability, learner.title())?;
            let of_classes = matches!(dataset.labels, Labels::Classes(_));
            let ability = if of_classes { Ability::Classes } else { Ability::Numbers };
            let mut parts = learner.parts();
            if let Learner::Stacking(StackingSettings { passthrough: false, .. }) = learner {
                // The last looks at none of the table's columns.
                parts.pop();
            }
            for part in parts {
                dataset_for(part, ability, table, target)?;
            }
            Ok(dataset)
        }
    }
}

fn check_two(dataset: &Dataset, learner: &Learner) -> Result<(), FitError> {
    match dataset.target.n_classes() {
        2 => Ok(()),
        n => Err(FitError::NotTwoClasses { name: dataset.target.name().to_owned(), n, learner: learner.title() }),
    }
}

/// Which of two classes anomalies are: the one with fewer rows, of equals the second.
fn rarer(dataset: &Dataset, classes: &[u32], learner: &Learner) -> Result<u32, FitError> {
    check_two(dataset, learner)?;
    let n_second = classes.iter().filter(|class| **class == 1).count();
    Ok(u32::from(2 * n_second <= classes.len()))
}

/// What anomalies are called, where a target says so.
fn named(dataset: &Dataset, class: u32) -> Option<String> {
    let Target::Class { name, classes, .. } = &dataset.target else { return None };
    let Labels::Classes(rows) = &dataset.labels else { return None };
    // Without labels every row is of one class.
    rows.contains(&1).then(|| {
        format!(
            "Anomalies are called {:?}, the rarer class of {name:?}; labels were not looked at.",
            classes[class as usize]
        )
    })
}

/// Whether all features are at least 0.
fn counts_only(dataset: &Dataset, learner: &Learner) -> Result<(), FitError> {
    let Some(at) = dataset.x.values.iter().position(|value| *value < 0.0) else { return Ok(()) };
    let (column_idx, row_idx) = (at / dataset.x.n_rows, at % dataset.x.n_rows);
    let name = dataset.features.matrix_names().swap_remove(column_idx);
    Err(FitError::NegativeFeature { name, row_idx, value: dataset.x.values[at], learner: learner.title() })
}

/// What boosting is told of the columns of a matrix.
fn boosting_columns(settings: &BoostingSettings, dataset: &Dataset) -> Result<Vec<BoostingColumn>, FitError> {
    let features = &dataset.features.features;
    let mut columns: Vec<BoostingColumn> = features
        .iter()
        .map(|feature| {
            let n_categories = match &feature.encoding {
                FeatureEncoding::Codes(categories) => Some(categories.len() as u32),
                FeatureEncoding::Number | FeatureEncoding::NumberOrGap | FeatureEncoding::Indicators(_) => None,
            };
            BoostingColumn { n_categories, direction: 0 }
        })
        .collect();
    let bound = settings.rising.iter().map(|name| (name, 1)).chain(settings.falling.iter().map(|name| (name, -1)));
    for (name, direction) in bound {
        let Some(at) = features.iter().position(|feature| feature.name == *name) else {
            let available = features.iter().map(|feature| feature.name.clone()).collect();
            return Err(schema::ColumnNotFound { name: name.clone(), available }.into());
        };
        let column = &mut columns[at];
        let setting = |found: &str, expected| {
            let label = "a column with which the prediction may only rise or fall";
            Err(FitError::Setting { name: label, found: format!("{name:?}, {found}"), expected })
        };
        if column.n_categories.is_some() {
            return setting("a category", "numbers, which have an order");
        }
        if column.direction == -direction {
            return setting("under both", "one direction for each column");
        }
        column.direction = direction;
    }
    Ok(columns)
}

/// How early stopping went.
fn said_of_rounds(settings: &BoostingSettings, fit: &boosting::BoostingFit) -> Option<String> {
    let stopping = settings.early_stopping?;
    let losses = &fit.boosted.held_out_losses;
    if losses.is_empty() {
        return Some(format!(
            "There are too few rows to hold a share of {} out, so that all {} rounds were trained: raise the share, or \
             switch early stopping off.",
            stopping.share, settings.n_trees
        ));
    }
    let n_kept = fit.boosted.trees.len() / fit.boosted.base.len();
    let n_rounds = fit.n_rounds;
    (n_rounds < settings.n_trees as usize).then(|| {
        format!(
            "It stopped after {n_rounds} of {} rounds: rows held out were predicted no better than after {n_kept}, which \
             are kept.",
            settings.n_trees
        )
    })
}

/// Why there are fewer trees than were asked for.
fn said_of_voters(settings: &adaboost::AdaBoostSettings, fit: &adaboost::AdaBoostFit) -> Option<String> {
    let n = fit.voters.trees.len();
    let why = match fit.ended? {
        adaboost::Ended::Perfect => {
            "the last one is right about every training row: less depth leaves something to be corrected"
        }
        adaboost::Ended::Guessing => {
            "the next one was no better than guessing: allow more depth, or lower the learning rate"
        }
    };
    Some(format!("It ended after {n} of {} trees, for {why}.", settings.n_trees))
}

/// Whether a target is one of counts.
fn check_counts(table: &Table, target: &str, learner: &'static str) -> Result<(), FitError> {
    let frame = table.frame();
    let Some(column) = frame.column(target) else { return Ok(()) };
    let name = || target.to_owned();
    let numbers: Vec<f64> = match &column.values {
        Values::Number(numbers) => numbers.to_vec(),
        Values::Integer(numbers) => numbers.iter().map(|&x| x as f64).collect(),
        Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => return Ok(()),
    };
    if let Some(row_idx) = numbers.iter().position(|y| *y < 0.0) {
        return Err(FitError::NegativeLabel { name: name(), row_idx, value: numbers[row_idx], learner });
    }
    if numbers.iter().all(|y| *y < f64::MIN_POSITIVE) { Err(FitError::NoCounts { name: name() }) } else { Ok(()) }
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
) -> Result<Clustered, FitError> {
    checkpoint.checkpoint(0.0, "Reading the table").await?;
    let frame = table.frame_of(column_idxs);
    let (features, x) = crate::dataset::matrix(&frame)?;
    let checkpoint = &mut Watched::new(checkpoint);
    let clustered = match clusterer {
        Clusterer::KMeans(settings) => kmeans::fit(settings, features, &x, seed, checkpoint).await,
        Clusterer::Dbscan(settings) => dbscan::fit(settings, features, &x, checkpoint).await,
        Clusterer::Hierarchy(settings) => hierarchy::fit(settings, features, &x, checkpoint).await,
        Clusterer::Mixture(settings) => mixture::fit(settings, features, &x, seed, checkpoint).await,
    };
    clustered.map_err(|error| crate::dataset::with_largest(error, &frame))
}

#[cfg(test)]
mod tests;
