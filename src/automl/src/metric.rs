//! The objective, computed from predictions alone.

use learn::metrics::{classification, regression, roc_auc};

/// What is so.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// Of each row.
    Numbers(Vec<f64>),
    /// Of each row, by position among so many classes.
    Classes(Vec<u32>, usize),
}

impl Truth {
    /// Rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Classes(classes, _) => classes.len(),
        }
    }

    /// Predicted values a row: one number, or a probability for each class.
    pub fn width(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Classes(_, n_classes) => *n_classes,
        }
    }

    /// These rows.
    pub fn of(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(rows.iter().map(|row_idx| numbers[*row_idx]).collect()),
            Self::Classes(classes, n) => Self::Classes(rows.iter().map(|row_idx| classes[*row_idx]).collect(), *n),
        }
    }
}

/// A metric of predictions, row by row; none where it is not defined.
pub fn measure(metric: &str, truth: &Truth, predicted: &[f64]) -> Option<f64> {
    let value = match truth {
        Truth::Numbers(actual) => {
            let m = regression(actual, predicted).ok()?;
            match metric {
                "r2" => m.r2?,
                "rmse" => m.rmse,
                "mae" => m.mae,
                "median_absolute_error" => m.median_absolute_error,
                "explained_variance" => m.explained_variance?,
                _ => return None,
            }
        }
        // The usual case by itself: the others need every metric of every class.
        Truth::Classes(actual, 2) if metric == "auc" => {
            let positive: Vec<bool> = actual.iter().map(|class| *class == 1).collect();
            let scores: Vec<f64> = predicted.iter().skip(1).step_by(2).copied().collect();
            roc_auc(&positive, &scores).ok()??
        }
        Truth::Classes(actual, n_classes) => {
            let m = classification(actual, predicted, *n_classes, 1).ok()?;
            match metric {
                "auc" => m.auc?,
                "accuracy" => m.accuracy,
                "balanced_accuracy" => m.balanced_accuracy,
                "f1" => m.f1,
                "precision" => m.precision,
                "recall" => m.recall,
                "average_precision" => m.average_precision?,
                "log_loss" => m.log_loss?,
                "brier" => m.brier?,
                "mcc" => m.mcc,
                "kappa" => m.kappa,
                _ => return None,
            }
        }
    };
    value.is_finite().then_some(value)
}
