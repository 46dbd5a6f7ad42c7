//! The same prediction for every row: what any model has to beat.

use serde::{Deserialize, Serialize};

/// The mean or median of the target, or the shares of its classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// One number, or one probability a class.
    pub values: Vec<f64>,
}

impl Baseline {
    /// The same values for every row.
    pub fn predict(&self, n_rows: usize) -> Vec<f64> {
        self.values.repeat(n_rows)
    }
}
