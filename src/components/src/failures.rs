//! Errors of the layers below, with the way out that the user has here.

use engine::{FlowError, JobError};
use learn::FitError;
use learn::metrics::MetricError;
use learn::preprocess::PrepareError;
use learn::transform::TransformError;
use model::ModelError;
use protocol::Failure;
use schema::ColumnNotFound;
use table::TableError;

/// What `flow` would say, while running.
pub fn from_flow(error: FlowError) -> JobError {
    Failure::new(error.message, error.help).into()
}

/// A column that is not there.
pub fn column_not_found(place: &str, error: &ColumnNotFound) -> FlowError {
    FlowError {
        place: place.into(),
        message: error.to_string(),
        help: "Choose among the columns that reach this node, or let the column through further up.".into(),
    }
}

/// Columns that make no table.
pub fn from_table(error: &TableError) -> JobError {
    Failure::new(error.to_string(), "Rename one of the columns with Edit Metadata.").into()
}

/// Rows that cannot be prepared, told before a run.
pub fn flow_from_prepare(place: &str, error: &PrepareError) -> FlowError {
    FlowError { place: place.into(), message: error.to_string(), help: error.help() }
}

/// Rows that cannot be prepared.
pub fn from_prepare(error: &PrepareError) -> JobError {
    Failure::new(error.to_string(), error.help()).into()
}

/// Rows that a fitted transform does not fit.
pub fn from_apply(error: &TransformError) -> JobError {
    Failure::new(error.to_string(), error.help()).into()
}

/// A fit that is not possible, or not wanted any more.
pub fn from_fit(error: &FitError) -> JobError {
    match error {
        FitError::Stopped(_) => JobError::Cancelled,
        other => Failure::new(other.to_string(), other.help()).into(),
    }
}

/// Rows that a model cannot predict.
pub fn from_model(error: &ModelError) -> JobError {
    Failure::new(error.to_string(), model_help(error)).into()
}

fn model_help(error: &ModelError) -> &'static str {
    match error {
        ModelError::ColumnMissing { .. } => {
            "Give it rows with the columns it was trained on: let the column through further up, or name it alike with Edit Metadata."
        }
        ModelError::WrongKind { .. } => {
            "Change the column's kind with Edit Metadata, so that it is what it was in training."
        }
        ModelError::MissingValue { .. } => {
            "Fill or remove missing values with Clean Missing Data; for test rows, apply its transformation."
        }
        ModelError::NotFinite { .. } => "Correct the value in the file, or leave the row out.",
        ModelError::RowDropped { .. } => {
            "Remove such rows before with Clean Missing Data, or let the model's own Clean Missing Data fill gaps rather than remove rows."
        }
        ModelError::Unbounded { .. } => {
            "Correct the number if it is a slip; otherwise rescale the columns with Normalize Data before training."
        }
        ModelError::Member { error, .. } => model_help(error),
    }
}

/// Predictions that cannot be judged, or not any more.
pub fn from_metric(error: &MetricError) -> JobError {
    match error {
        MetricError::Stopped(_) => JobError::Cancelled,
        other => Failure::new(other.to_string(), other.help()).into(),
    }
}
