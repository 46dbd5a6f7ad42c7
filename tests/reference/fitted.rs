//! What the tests of learners share: columns of the reference sets, training, predictions.

use learn::{Learner, Unwatched, block_on};
use model::{Model, NewColumn, NewValues, Prediction};
use schema::{Column, Kind};
use table::Table;

/// A column of numbers without gaps.
pub fn number(name: &str, values: Vec<f64>) -> NewColumn {
    NewColumn { column: Column::new(name, Kind::Number), values: NewValues::Number(values), valid: None }
}

/// Classes by number.
pub fn classes(target: &[f64]) -> Vec<u32> {
    target.iter().map(|&class| class as u32).collect()
}

/// A model of the column `target`.
pub fn train(learner: &Learner, table: &Table, seed: u64) -> Model {
    block_on(learn::train(learner, table, "target", seed, &mut Unwatched)).expect("a model")
}

/// What a model predicts: numbers, or probabilities row by row.
pub fn values(model: &Model, table: &Table) -> Vec<f64> {
    match model.predict(&table.frame()).expect("predictions") {
        Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
    }
}
