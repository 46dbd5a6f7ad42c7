//! Transforms on tables.

use model::{ModelError, Transform};
use table::{Table, TableError};

/// Rows that a transform cannot be applied to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TransformError {
    /// A column it was fitted on is not there or is of another kind.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Its result is no table.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TransformError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::Model(_) => {
                "Give it a table with the columns it was fitted on: Edit Metadata renames them and changes kinds."
                    .into()
            }
            Self::Table(_) => "Rename the column in question with Edit Metadata first.".into(),
        }
    }
}

/// Applies a fitted transform. Roles stay; a new column is a feature.
///
/// # Errors
/// A column it was fitted on is not there or is of another kind.
pub fn apply(transform: &Transform, table: &Table) -> Result<Table, TransformError> {
    let mut made = transform.apply(&table.frame())?;
    for new in &mut made.columns {
        if let Ok(there) = table.schema().column(&new.column.name) {
            new.column.role = there.role;
        }
    }
    let mut changed = table.clone();
    if let Some(kept_rows) = &made.kept_rows {
        changed = changed.filter(kept_rows);
    }
    if !made.dropped_columns.is_empty() {
        changed = changed.without(&made.dropped_columns);
    }
    Ok(changed.with_columns(made.columns)?)
}
