//! Preparing tables: what is learned from the training rows leaves as a `Transform`, so that other rows are treated
//! with the same figures.
//!
//! Columns can be chosen by name or by a rule (all, all but some, all of a kind). A column that is named must suit the
//! method; a rule passes over those that do not, and says so in a note.

mod clean;
mod folds;
mod indicators;
mod normalize;
mod split;

pub use clean::{CleanMode, CleanSettings, EmptyColumns, cleaned_schema, fit_clean_missing};
pub use folds::{FoldSettings, assign_folds};
pub use indicators::{IndicatorSettings, fit_indicators, indicator_schema};
pub use normalize::{NormalizeMethod, NormalizeSettings, fit_normalize, normalized_schema};
pub use split::{SplitOrder, SplitSettings, split, split_rows};

use model::{ColumnView, Transform, Values};
use schema::{Column, ColumnNotFound, ColumnSelection, Kind, Role, Schema};

/// What fitting a transform leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// To be applied to these rows and to others.
    pub transform: Transform,
    /// What the user should know: columns that were passed over, and why.
    pub notes: Vec<String>,
}

/// Rows that cannot be prepared as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// A column that is not there.
    #[error(transparent)]
    Column(#[from] ColumnNotFound),
    /// Nothing to learn from.
    #[error("the table has no rows")]
    NoRows,
    /// A column the method cannot work on.
    #[error("column {name:?} is {}, expected {expected}", .found.label())]
    WrongKind {
        /// Which.
        name: String,
        /// What it is.
        found: Kind,
        /// What the method works on.
        expected: &'static str,
    },
    /// A value to fill with that does not suit a column.
    #[error("{value:?} cannot fill column {name:?}, which is {}", .kind.label())]
    Unfit {
        /// Which.
        name: String,
        /// What it is.
        kind: Kind,
        /// The value.
        value: String,
    },
    /// A name that is needed for a new column is taken.
    #[error("the new column {new:?} for {name:?} has the name of a column that is there already")]
    NameTaken {
        /// The column it belongs to.
        name: String,
        /// The name that both would have.
        new: String,
    },
    /// An infinite value, from which no mean or range can be learned.
    #[error("column {name:?} is {value} in row {}, expected a finite number", .row_idx + 1)]
    NotFinite {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
    },
    /// A value of which there is no logarithm.
    #[error("column {name:?} is {value} in row {}; a log-normal distribution has only numbers above 0", .row_idx + 1)]
    NotPositive {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
    },
    /// A column whose numbers differ by more than a number can hold.
    #[error("the numbers of column {name:?} are too far apart to be scaled")]
    TooWideRange {
        /// Which.
        name: String,
    },
    /// More categories than columns can be made for.
    #[error("column {name:?} has {found} different values, expected at most {limit}")]
    TooManyCategories {
        /// Which.
        name: String,
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A setting that makes no sense.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it can be.
        expected: &'static str,
    },
    /// Too few rows for two parts.
    #[error("the table has {n_rows} row{}, and a split needs at least 2", if *.n_rows == 1 { "" } else { "s" })]
    TooFewRows {
        /// How many there are.
        n_rows: usize,
    },
}

impl PrepareError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::Column(_) => "Choose the columns again.".into(),
            Self::NoRows | Self::TooFewRows { .. } => "Look at the step before: it leaves too few rows.".into(),
            Self::WrongKind { name, .. } => {
                format!("Leave {name:?} out, choose another method, or change its kind with Edit Metadata.")
            }
            Self::Unfit { name, .. } => format!("Leave {name:?} out, or clean it in a step of its own."),
            Self::NameTaken { new, .. } => format!("Rename {new:?} with Edit Metadata first."),
            Self::NotFinite { name, .. } => format!("Correct the value in the file, or leave {name:?} out."),
            Self::NotPositive { name, .. } => format!("Choose another method for {name:?}, such as ZScore."),
            Self::TooWideRange { name } => format!("Leave {name:?} out, or correct its largest values in the file."),
            Self::TooManyCategories { name, .. } => {
                format!("Leave {name:?} out, or set its role to id or ignored with Edit Metadata.")
            }
            Self::Setting { .. } => "Correct it in the inspector.".into(),
        }
    }
}

/// The columns that a method works on: those that are named, of whatever role; of a rule, those that `suit`.
/// `expected` says what suits.
fn chosen<'a>(
    selection: &ColumnSelection,
    schema: &'a Schema,
    expected: &'static str,
    suits: impl Fn(Kind) -> bool,
    notes: &mut Vec<String>,
) -> Result<Vec<&'a Column>, PrepareError> {
    let columns = selection.resolve(schema)?.into_iter().map(|column_idx| &schema.columns[column_idx]);
    if matches!(selection, ColumnSelection::Names(_)) {
        let mut named: Vec<&Column> = Vec::new();
        for column in columns {
            if !suits(column.kind) {
                return Err(PrepareError::WrongKind { name: column.name.clone(), found: column.kind, expected });
            }
            if !named.iter().any(|there| there.name == column.name) {
                named.push(column);
            }
        }
        return Ok(named);
    }
    let (taken, left): (Vec<&Column>, Vec<&Column>) =
        columns.partition(|column| column.role == Role::Feature && suits(column.kind));
    let names = |of: &dyn Fn(&Column) -> bool| -> Vec<String> {
        left.iter().filter(|column| of(column)).map(|column| column.name.clone()).collect()
    };
    let unfit = names(&|column| column.role == Role::Feature);
    if !unfit.is_empty() {
        notes.push(format!("Left as they are, not being {expected}: {}", schema::list(&unfit)));
    }
    let no_features = names(&|column| column.role != Role::Feature && suits(column.kind));
    if !no_features.is_empty() {
        notes.push(format!("Left as they are, not being features: {}", schema::list(&no_features)));
    }
    Ok(taken)
}

/// The valid numbers of a column, with their rows; none for a column of another kind.
fn numbers(column: &ColumnView<'_>) -> Vec<(usize, f64)> {
    let valid = |row_idx: &usize| column.is_valid(*row_idx);
    match &column.values {
        Values::Number(values) => (0..values.len()).filter(valid).map(|row_idx| (row_idx, values[row_idx])).collect(),
        Values::Integer(values) => {
            (0..values.len()).filter(valid).map(|row_idx| (row_idx, values[row_idx] as f64)).collect()
        }
        Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => Vec::new(),
    }
}

/// The valid numbers of a column, all finite.
fn finite_numbers(column: &ColumnView<'_>) -> Result<Vec<(usize, f64)>, PrepareError> {
    let numbers = numbers(column);
    match numbers.iter().find(|(_, x)| !x.is_finite()) {
        Some(&(row_idx, value)) => Err(PrepareError::NotFinite { name: column.name.to_owned(), row_idx, value }),
        None => Ok(numbers),
    }
}

/// Mean, divided before it is added so that it cannot overflow, and mended once.
fn mean(values: &[(usize, f64)]) -> f64 {
    let n = values.len() as f64;
    let mean: f64 = values.iter().map(|(_, x)| x / n).sum();
    mean + values.iter().map(|(_, x)| (x - mean) / n).sum::<f64>()
}

fn schema_with_new(schema: &Schema, dropped: &[String], new: Vec<Column>) -> Schema {
    let mut columns: Vec<Column> =
        schema.columns.iter().filter(|column| !dropped.contains(&column.name)).cloned().collect();
    for column in new {
        match columns.iter_mut().find(|there| there.name == column.name) {
            Some(there) => there.kind = column.kind,
            None => columns.push(column),
        }
    }
    Schema::new(columns)
}

#[cfg(test)]
mod tests;
