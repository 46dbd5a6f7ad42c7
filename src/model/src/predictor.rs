//! A trained model: what it looks at, what it predicts, and how.

use schema::{Kind, list};
use serde::{Deserialize, Serialize};

use crate::prepared::after;
use crate::{
    Anomalies, Baseline, Boosted, Calibrated, Combination, Detector, Features, Forest, Frame, LinearModel,
    LogisticModel, Matrix, Multiclass, NaiveBayes, Neighbors, Network, Stacked, SupportVectors, Transform, Tree,
    Voters,
};

/// A trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// "Decision Forest".
    pub learner: String,
    /// What it applies to rows by itself, one after another, before it looks at them.
    pub preparation: Vec<Transform>,
    /// What it looks at; nothing for a model made of models, which look for themselves.
    pub features: Features,
    /// What it predicts.
    pub target: Target,
    /// How.
    pub estimator: Estimator,
    /// Weight of each column of the matrix in the decision, summing to 1, where the method has one.
    pub importances: Option<Vec<f64>>,
    /// Rows it was trained on; of a combination, the most that a member was trained on.
    pub n_training_rows: u64,
}

/// What a model predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// A number.
    Number {
        /// The column's name.
        name: String,
    },
    /// One of some classes.
    Class {
        /// The column's name.
        name: String,
        /// What the column was: Category, Boolean, Integer or Text.
        kind: Kind,
        /// In ascending order (numerically for integers); the last one of two is the positive class.
        classes: Vec<String>,
    },
}

impl Target {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name } | Self::Class { name, .. } => name,
        }
    }

    /// How many classes; 0 for a number.
    pub fn n_classes(&self) -> usize {
        match self {
            Self::Number { .. } => 0,
            Self::Class { classes, .. } => classes.len(),
        }
    }
}

/// The method's own data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Estimator {
    /// A weighted sum.
    Linear(LinearModel),
    /// A weighted sum through the logistic function, or several through softmax.
    Logistic(LogisticModel),
    /// Rules.
    Tree(Tree),
    /// Many trees.
    Forest(Forest),
    /// The training rows themselves.
    Neighbors(Neighbors),
    /// The same for every row.
    Baseline(Baseline),
    /// Several models.
    Combination(Combination),
    /// Every column by itself.
    NaiveBayes(NaiveBayes),
    /// A weighted sum that is the logarithm of a count.
    Poisson(LinearModel),
    /// Rows at the border.
    Svm(SupportVectors),
    /// Layers of weighted sums.
    Network(Network),
    /// What tells rows that are unlike all others.
    Anomalies(Anomalies),
    /// Trees that correct each other.
    Boosted(Boosted),
    /// Models of two classes.
    Multiclass(Multiclass),
    /// Models with corrected probabilities.
    Calibrated(Calibrated),
    /// A model over models.
    Stacked(Stacked),
    /// Trees that vote by their weights.
    Voters(Voters),
}

/// What a model says of some rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// One number a row.
    Numbers(Vec<f64>),
    /// Probabilities of the classes, row by row; each row sums to 1.
    Probabilities {
        /// `n_rows * n_classes` values.
        values: Vec<f64>,
        /// Classes.
        n_classes: usize,
    },
}

impl Prediction {
    /// The most probable class of each row, the first of equals; empty for numbers.
    pub fn classes(&self) -> Vec<u32> {
        match self {
            Self::Numbers(_) => Vec::new(),
            Self::Probabilities { values, n_classes } => values
                .chunks_exact((*n_classes).max(1))
                .map(|row| {
                    let mut best = 0;
                    for (class, p) in row.iter().enumerate() {
                        if *p > row[best] {
                            best = class;
                        }
                    }
                    best as u32
                })
                .collect(),
        }
    }
}

impl Model {
    /// Predicts rows.
    ///
    /// # Errors
    /// As `Features::matrix`, the model's own preparation drops a row, or what it says of one is beyond all numbers.
    pub fn predict(&self, frame: &Frame<'_>) -> Result<Prediction, ModelError> {
        self.predict_told(frame, None)
    }

    /// The same, to the last bit, where an accelerator has told of rows how near they are to training rows, as
    /// `Neighbors::predict_told` takes it.
    ///
    /// # Errors
    /// As `predict`.
    pub fn predict_told(&self, frame: &Frame<'_>, told: Option<&[f32]>) -> Result<Prediction, ModelError> {
        after(&self.preparation, frame, &|frame| self.predict_prepared(frame, told))
    }

    /// The queries that rows become where training rows near them are looked for, one after another.
    ///
    /// # Errors
    /// As `predict`.
    pub fn queries(&self, frame: &Frame<'_>) -> Result<Vec<f64>, ModelError> {
        after(&self.preparation, frame, &|frame| match &self.estimator {
            Estimator::Neighbors(neighbors) => Ok(neighbors.queries(&self.features.matrix(frame)?)),
            _ => Ok(Vec::new()),
        })
    }

    /// Predicts rows that went through its preparation.
    pub(crate) fn predict_prepared(&self, frame: &Frame<'_>, told: Option<&[f32]>) -> Result<Prediction, ModelError> {
        let x = self.features.matrix(frame)?;
        let n_classes = self.target.n_classes();
        let prediction = match &self.estimator {
            Estimator::Linear(linear) => Prediction::Numbers(linear.predict(&x)),
            Estimator::Logistic(logistic) => Prediction::Probabilities { values: logistic.predict(&x), n_classes },
            Estimator::Tree(tree) => wrap(tree.predict(&x), n_classes),
            Estimator::Forest(forest) => wrap(forest.predict(&x), n_classes),
            Estimator::Neighbors(neighbors) => wrap(neighbors.predict_told(&x, told), n_classes),
            Estimator::Baseline(baseline) => wrap(baseline.predict(x.n_rows), n_classes),
            Estimator::Combination(combination) => combination.predict(frame, &self.target)?,
            Estimator::NaiveBayes(bayes) => Prediction::Probabilities { values: bayes.predict(&x), n_classes },
            Estimator::Poisson(linear) => {
                Prediction::Numbers(linear.predict(&x).into_iter().map(numeric::exp).collect())
            }
            Estimator::Svm(svm) => wrap(svm.predict(&x), n_classes),
            Estimator::Anomalies(anomalies) => Prediction::Probabilities { values: anomalies.predict(&x), n_classes },
            Estimator::Network(network) => wrap(network.predict(&x, n_classes), n_classes),
            Estimator::Boosted(boosted) => wrap(boosted.predict(&x), n_classes),
            Estimator::Multiclass(several) => wrap(several.predict(frame, n_classes)?, n_classes),
            Estimator::Calibrated(calibrated) => wrap(calibrated.predict(frame, &self.target)?, n_classes),
            Estimator::Stacked(stacked) => wrap(stacked.predict(frame, &self.target)?, n_classes),
            Estimator::Voters(voters) => wrap(voters.predict(&x, n_classes), n_classes),
        };
        let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) = &prediction;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(prediction),
            Some(at) => {
                let row_idx = at / n_classes.max(1);
                Err(ModelError::Unbounded { row_idx, found: values[at], largest: self.features.largest(&x, row_idx) })
            }
        }
    }
}

impl Estimator {
    /// What it adds up of rows before anything else becomes of it: a number or share of each class from trees, a weighted
    /// sum, a score of each class, log odds. None of a method that does not add up.
    pub fn sums(&self, x: &Matrix) -> Option<Vec<f64>> {
        match self {
            Self::Linear(linear) | Self::Poisson(linear) => Some(linear.predict(x)),
            Self::Logistic(logistic) => Some(logistic.scores(x)),
            Self::Tree(tree) => Some(tree.predict(x)),
            Self::Forest(forest) => Some(forest.predict(x)),
            Self::Boosted(boosted) => Some(boosted.scores(x)),
            Self::Neighbors(_)
            | Self::Baseline(_)
            | Self::Combination(_)
            | Self::NaiveBayes(_)
            | Self::Svm(_)
            | Self::Network(_)
            | Self::Multiclass(_)
            | Self::Calibrated(_)
            | Self::Stacked(_)
            | Self::Voters(_)
            | Self::Anomalies(_) => None,
        }
    }

    /// The models that it is made of.
    pub fn models(&self) -> Box<dyn Iterator<Item = &Model> + '_> {
        match self {
            Self::Combination(combination) => Box::new(combination.members.iter().map(|member| &*member.model)),
            Self::Multiclass(several) => Box::new(several.members.iter()),
            Self::Calibrated(calibrated) => Box::new(calibrated.members.iter().map(|member| &member.model)),
            Self::Stacked(stacked) => Box::new(stacked.members.iter().chain([&*stacked.last])),
            Self::Linear(_)
            | Self::Logistic(_)
            | Self::Tree(_)
            | Self::Forest(_)
            | Self::Neighbors(_)
            | Self::Baseline(_)
            | Self::NaiveBayes(_)
            | Self::Poisson(_)
            | Self::Svm(_)
            | Self::Network(_)
            | Self::Anomalies(_)
            | Self::Voters(_)
            | Self::Boosted(_) => Box::new(std::iter::empty()),
        }
    }

    /// About how many numbers are looked at to predict one row.
    pub fn work_per_row(&self) -> usize {
        /// A tree is walked down, a step after the other.
        const DEPTH: usize = 32;
        match self {
            Self::Linear(linear) | Self::Poisson(linear) => linear.coefficients.len(),
            Self::Logistic(logistic) => logistic.coefficients.len(),
            Self::Tree(_) => DEPTH,
            Self::Forest(forest) => forest.trees.len() * DEPTH,
            Self::Neighbors(neighbors) => neighbors.work_per_row(),
            Self::Baseline(_) => 1,
            // Each is an exponential or a few products.
            Self::NaiveBayes(bayes) => bayes.likelihood.n_values(),
            // A kernel's exponential is worth some columns.
            Self::Svm(svm) => svm.vectors.len() + 8 * svm.vectors.len() / svm.n_columns.max(1),
            Self::Anomalies(anomalies) => match &anomalies.detector {
                Detector::Components(components) => 2 * components.directions.len(),
                Detector::Isolation { forest, .. } => forest.trees.len() * DEPTH,
            },
            Self::Network(network) => network.stages.iter().map(|stage| stage.work()).sum(),
            Self::Boosted(boosted) => boosted.trees.len() * DEPTH,
            Self::Voters(voters) => voters.trees.len() * DEPTH,
            Self::Combination(_) | Self::Multiclass(_) | Self::Calibrated(_) | Self::Stacked(_) => {
                self.models().map(|model| model.estimator.work_per_row()).sum()
            }
        }
    }
}

/// One value a row is a number; several are probabilities.
fn wrap(values: Vec<f64>, n_classes: usize) -> Prediction {
    if n_classes == 0 { Prediction::Numbers(values) } else { Prediction::Probabilities { values, n_classes } }
}

/// Rows that a model or a transform cannot work on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A column is not there.
    #[error("no column named {name:?}; the table has {}", list(.available))]
    ColumnMissing {
        /// What was looked for.
        name: String,
        /// What there is.
        available: Vec<String>,
    },
    /// A column is of another kind than in training.
    #[error("column {name:?} is {}, expected {}", .found.label(), .expected.label())]
    WrongKind {
        /// Which.
        name: String,
        /// In training.
        expected: Kind,
        /// Now.
        found: Kind,
    },
    /// A value is missing.
    #[error("column {name:?} has {n} missing value{}, the first in row {}", if *.n == 1 { "" } else { "s" }, .row_idx + 1)]
    MissingValue {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// How many.
        n: usize,
    },
    /// A value is infinite.
    #[error("column {name:?} is {value} in row {}, expected a finite number", .row_idx + 1)]
    NotFinite {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
    },
    /// The model's own preparation leaves out rows that it was asked to predict.
    #[error(
        "the model's own preparation drops {n} row{} with a missing value, the first is row {}",
        if *.n == 1 { "" } else { "s" }, .row_idx + 1
    )]
    RowDropped {
        /// The first such row, counted from 0.
        row_idx: usize,
        /// How many.
        n: usize,
    },
    /// What the model says of a row is beyond all numbers.
    #[error("the model gave {found} for row {}, expected a finite number{}", .row_idx + 1, at(.largest))]
    Unbounded {
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What it said.
        found: f64,
        /// The column with the largest number in that row, and the number; of a model that looks at columns itself.
        largest: Option<(String, f64)>,
    },
    /// One model of a combination cannot work on them.
    #[error("{name}: {error}")]
    Member {
        /// Which.
        name: String,
        /// Why.
        error: Box<ModelError>,
    },
}

fn at(largest: &Option<(String, f64)>) -> String {
    let Some((name, value)) = largest else { return String::new() };
    // 30 and 1e300, rather than 30.0 and three hundred digits.
    let value = if value.abs() < 1e15 { value.to_string() } else { format!("{value:e}") };
    format!("; column {name:?} is {value} there")
}
