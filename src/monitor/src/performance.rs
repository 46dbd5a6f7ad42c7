//! How good predictions turned out to be, once the truth about them is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MinuteKey, Served};

/// With fewer labels nothing is said of a version, or of a stretch of time.
pub const MIN_LABELS: u64 = 30;

/// How good predictions turned out to be. Two add up, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Predicted rows whose truth is known.
    pub n_labels: u64,
    /// Of classes, those that were predicted rightly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_correct: Option<u64>,
    /// Of numbers, how far they were off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
}

/// How far predicted numbers were off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// The sum of their absolute values.
    pub absolute: f64,
    /// The sum of their squares.
    pub squared: f64,
}

/// How good the predictions of a minute were, as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceRecord {
    /// Who predicted, and when: not when the truth became known.
    pub key: MinuteKey,
    /// How good it was.
    pub counts: Performance,
}

impl Performance {
    /// Of one predicted class.
    pub fn of_class(is_correct: bool) -> Self {
        Self { n_labels: 1, n_correct: Some(u64::from(is_correct)), errors: None }
    }

    /// Of one predicted number.
    pub fn of_number(error: f64) -> Self {
        Self { n_labels: 1, n_correct: None, errors: Some(Errors { absolute: error.abs(), squared: error * error }) }
    }

    /// Counts all that the other counted.
    pub fn merge(&mut self, other: &Self) {
        self.n_labels += other.n_labels;
        if let Some(n) = other.n_correct {
            *self.n_correct.get_or_insert_default() += n;
        }
        if let Some(Errors { absolute, squared }) = other.errors {
            let errors = self.errors.get_or_insert_default();
            errors.absolute += absolute;
            errors.squared += squared;
        }
    }

    /// `accuracy`, or `mean_absolute_error` and `root_mean_squared_error`; nothing without labels.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        let n = self.n_labels as f64;
        if self.n_labels == 0 {
            return Vec::new();
        }
        let accuracy = self.n_correct.map(|correct| ("accuracy", correct as f64 / n));
        let errors = self.errors.into_iter().flat_map(|Errors { absolute, squared }| {
            [("mean_absolute_error", absolute / n), ("root_mean_squared_error", numeric::sqrt(squared / n))]
        });
        accuracy.into_iter().chain(errors).collect()
    }
}

/// Adds up records by who predicted.
pub fn performance<'a>(records: impl IntoIterator<Item = &'a PerformanceRecord>) -> BTreeMap<Served, Performance> {
    let mut totals: BTreeMap<Served, Performance> = BTreeMap::new();
    for PerformanceRecord { key, counts } in records {
        totals.entry(key.served.clone()).or_default().merge(counts);
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(parts: &[Performance]) -> Performance {
        let mut sum = Performance::default();
        parts.iter().for_each(|part| sum.merge(part));
        sum
    }

    #[test]
    fn classes_have_an_accuracy_and_numbers_have_errors() {
        assert_eq!(Performance::default().figures(), []);
        let classes = added(&[true, true, false, true].map(Performance::of_class));
        assert_eq!(classes.figures(), [("accuracy", 0.75)]);
        let numbers = added(&[3.0, -1.0].map(Performance::of_number));
        assert_eq!(numbers.figures(), [("mean_absolute_error", 2.0), ("root_mean_squared_error", 5.0_f64.sqrt())]);
    }
}
