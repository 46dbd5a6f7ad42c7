//! What the columns of the training rows looked like, so that later rows can be compared with them.

use serde::{Deserialize, Serialize};

/// What the columns of the training rows looked like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Rows that were looked at.
    pub n_rows: u64,
    /// The columns of the signature, in its order.
    pub inputs: Vec<ColumnReference>,
    /// What the model says of those rows: the number, or the class.
    pub prediction: Option<ColumnReference>,
}

/// What one column looked like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnReference {
    /// Its name.
    pub name: String,
    /// Rows without a value.
    pub n_missing: u64,
    /// The values of the others.
    pub shape: Shape,
}

/// How values are spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Shape {
    /// Numbers, whole numbers and date-times.
    Numbers {
        /// Mean.
        mean: f64,
        /// Standard deviation with `n - 1`; 0 for less than two values.
        std: f64,
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// The inner edges of at most ten bins that hold equally many values, strictly ascending; bin `i` holds the
        /// values from edge `i - 1`, included, to edge `i`, excluded, the first and the last bin all that lie beyond.
        edges: Vec<f64>,
        /// Values in each bin: one more than edges.
        counts: Vec<u64>,
        /// At most 2,000 of the values, evenly taken in ascending order.
        sample: Vec<f64>,
    },
    /// Categories, booleans and texts; of texts only the most frequent.
    Categories {
        /// In ascending order.
        names: Vec<String>,
        /// How often each was seen.
        counts: Vec<u64>,
        /// Values that are none of the names.
        n_others: u64,
    },
}
