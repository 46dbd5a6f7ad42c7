//! What a model takes and what it gives.

use schema::Kind;
use serde::{Deserialize, Serialize};

/// What a model takes and what it gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The columns that a row must have, in the order of the training rows.
    pub inputs: Vec<Field>,
    /// What is predicted.
    pub predicts: Predicts,
}

/// A column that a row must have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether a value may be missing: it was in training, and the model can fill it.
    pub nullable: bool,
    /// The categories seen in training, in ascending order; none for other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The smallest and the largest value seen in training; none where values have no order or all are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// A value of the example, a row of the training data.
    pub example: Cell,
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Predicts {
    /// A number.
    Number {
        /// Of the column that was learned.
        name: String,
    },
    /// One of some classes, with the probability of each.
    Class {
        /// Of the column that was learned.
        name: String,
        /// What that column was.
        kind: Kind,
        /// In ascending order (numerically for integers); the last of two is the positive class.
        classes: Vec<String>,
    },
}

impl Predicts {
    /// The name of the column that was learned.
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name } | Self::Class { name, .. } => name,
        }
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// There is none.
    Missing,
    /// True or false.
    Boolean(bool),
    /// A whole number; a date-time in milliseconds since 1970.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text or a category.
    Text(String),
}

impl Signature {
    /// The column with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.inputs.iter().find(|field| field.name == name)
    }
}
