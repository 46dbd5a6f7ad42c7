//! Metrics: how good predictions are.
//!
//! Conventions are scikit-learn's, and where its answer would be a made-up number (the AUC of one class, the R² of a
//! constant target) there is none.

mod classification;
mod clustering;
mod curves;
mod regression;

pub use classification::{
    Averages, ClassMetrics, ClassificationMetrics, Confusion, classification, classification_in_turns,
    classification_of_labels, confusion,
};
pub use clustering::{ClusteringMetrics, MAX_SILHOUETTE_ROWS, clustering};
pub use curves::{
    GainPoint, PrecisionRecallCurve, PrecisionRecallPoint, Ranking, ReliabilityPoint, RocCurve, RocPoint, gain,
    precision_recall, reliability, roc, roc_auc,
};
pub use regression::{RegressionMetrics, regression};

use table::number_text;

use crate::checkpoint::Stopped;

/// Rows that are looked at in a few milliseconds, whatever is done with them.
pub const TURN_ROWS: usize = 65_536;

/// Rows that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// Nothing to evaluate.
    #[error("there are no rows to evaluate")]
    NoRows,
    /// Columns of different lengths.
    #[error("{n_actual} actual values, but {n_predicted} predictions")]
    Lengths {
        /// True values.
        n_actual: usize,
        /// Predictions.
        n_predicted: usize,
    },
    /// A true or predicted class that does not exist.
    #[error("row {} has class {found}, but there are {n_classes} classes, counted from 0", .row_idx + 1)]
    Class {
        /// The first such row, counted from 0.
        row_idx: usize,
        /// Its class.
        found: u32,
        /// How many there are.
        n_classes: usize,
    },
    /// A probability outside of 0 to 1.
    #[error("row {} has the probability {found}, expected a number from 0 to 1", .row_idx + 1)]
    Probability {
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        found: f64,
    },
    /// A score, value or prediction that is no number.
    #[error("the {what} in row {} is {found}, expected a finite number", .row_idx + 1)]
    NotFinite {
        /// "actual value", "prediction" or "score".
        what: &'static str,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        found: f64,
    },
    /// A prediction that is too far off.
    #[error("row {} is {} and predicted as {}: the error is beyond all numbers", .row_idx + 1, number_text(*.actual), number_text(*.predicted))]
    HugeError {
        /// The first such row, counted from 0.
        row_idx: usize,
        /// The truth.
        actual: f64,
        /// The prediction.
        predicted: f64,
    },
    /// Nobody wants it any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl MetricError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::NoRows => "Give Evaluate Model a scored table that has rows.".into(),
            Self::Lengths { .. } => "Score the same rows that are evaluated.".into(),
            Self::Class { .. } => "Score the table with a model that was trained on these classes.".into(),
            Self::Probability { .. } | Self::NotFinite { .. } => {
                "Score the table again, or leave the row out with Clean Missing Data.".into()
            }
            Self::HugeError { .. } => "Correct the number in the data, or leave the row out.".into(),
            Self::Stopped(_) => "Run it again when you want its result.".into(),
        }
    }
}

/// Σ x with Neumaier's compensation: a million small errors do not add up.
fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.into_iter().for_each(|x| sum.add(x));
    sum.total()
}

/// A `sum` under way.
#[derive(Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, x: f64) {
        let next = self.sum + x;
        if next.is_finite() {
            self.lost += if self.sum.abs() >= x.abs() { (self.sum - next) + x } else { (x - next) + self.sum };
        }
        self.sum = next;
    }

    fn total(&self) -> f64 {
        self.sum + self.lost
    }
}

fn check_finite(what: &'static str, values: &[f64]) -> Result<(), MetricError> {
    match values.iter().position(|x| !x.is_finite()) {
        Some(row_idx) => Err(MetricError::NotFinite { what, row_idx, found: values[row_idx] }),
        None => Ok(()),
    }
}

fn check_lengths(n_actual: usize, n_predicted: usize) -> Result<(), MetricError> {
    if n_actual != n_predicted {
        return Err(MetricError::Lengths { n_actual, n_predicted });
    }
    if n_actual == 0 {
        return Err(MetricError::NoRows);
    }
    Ok(())
}

fn check_classes(classes: &[u32], n_classes: usize) -> Result<(), MetricError> {
    match classes.iter().position(|&class| class as usize >= n_classes) {
        Some(row_idx) => Err(MetricError::Class { row_idx, found: classes[row_idx], n_classes }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
