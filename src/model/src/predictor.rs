//! A trained model: what it looks at, what it predicts, and how.

use schema::{Kind, list};
use serde::{Deserialize, Serialize};

use crate::{Baseline, Combination, Features, Forest, Frame, LinearModel, LogisticModel, Neighbors, Transform, Tree};

/// A trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// "Decision Forest".
    pub learner: String,
    /// What it applies to rows by itself, one after another, before it looks at them.
    pub preparation: Vec<Transform>,
    /// What it looks at; nothing for a combination, whose members look for themselves.
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
    /// As `Features::matrix`, or the model's own preparation drops a row.
    pub fn predict(&self, frame: &Frame<'_>) -> Result<Prediction, ModelError> {
        self.predict_after(&self.preparation, frame)
    }

    /// Predicts rows that went through its preparation.
    pub(crate) fn predict_prepared(&self, frame: &Frame<'_>) -> Result<Prediction, ModelError> {
        let x = self.features.matrix(frame)?;
        let n_classes = self.target.n_classes();
        Ok(match &self.estimator {
            Estimator::Linear(linear) => Prediction::Numbers(linear.predict(&x)),
            Estimator::Logistic(logistic) => Prediction::Probabilities { values: logistic.predict(&x), n_classes },
            Estimator::Tree(tree) => wrap(tree.predict(&x), n_classes),
            Estimator::Forest(forest) => wrap(forest.predict(&x), n_classes),
            Estimator::Neighbors(neighbors) => wrap(neighbors.predict(&x), n_classes),
            Estimator::Baseline(baseline) => wrap(baseline.predict(x.n_rows), n_classes),
            Estimator::Combination(combination) => combination.predict(frame, &self.target)?,
        })
    }
}

impl Estimator {
    /// About how many numbers are looked at to predict one row.
    pub fn work_per_row(&self) -> usize {
        /// A tree is walked down, a step after the other.
        const DEPTH: usize = 32;
        match self {
            Self::Linear(linear) => linear.coefficients.len(),
            Self::Logistic(logistic) => logistic.coefficients.len(),
            Self::Tree(_) => DEPTH,
            Self::Forest(forest) => forest.trees.len() * DEPTH,
            Self::Neighbors(neighbors) => neighbors.rows.len(),
            Self::Baseline(_) => 1,
            Self::Combination(combination) => {
                combination.members.iter().map(|member| member.model.estimator.work_per_row()).sum()
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
    /// One model of a combination cannot work on them.
    #[error("{name}: {error}")]
    Member {
        /// Which.
        name: String,
        /// Why.
        error: Box<ModelError>,
    },
}
