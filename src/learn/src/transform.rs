//! Transforms on tables.

use model::{Features, ModelError, PrincipalComponents, Transform};
use table::{Table, TableError};

use crate::checkpoint::Watched;
use crate::embedding::{self, Embedding, TsneSettings};
use crate::principal::{self, ComponentsSettings};
use crate::{Checkpoint, FitError};

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
            Self::Model(ModelError::MissingValue { .. }) => {
                "Fill the gaps or drop the rows with Clean Missing Data before.".into()
            }
            Self::Model(_) => {
                "Give it a table with the columns it was fitted on: Edit Metadata renames them and changes kinds."
                    .into()
            }
            Self::Table(_) => "Rename the column in question with Edit Metadata first.".into(),
        }
    }
}

/// Finds the principal components of some columns.
///
/// # Errors
/// As `principal::fit`, or columns that have gaps or cannot become numbers.
pub async fn fit_components(
    settings: &ComponentsSettings,
    table: &Table,
    column_idxs: &[usize],
    checkpoint: &mut impl Checkpoint,
) -> Result<(Features, PrincipalComponents), FitError> {
    let (features, x) = crate::dataset::matrix(&table.frame_of(column_idxs))?;
    let components = principal::fit(settings, &x, &mut Watched::new(checkpoint)).await?;
    Ok((features, components))
}

/// Finds places for rows by what some columns say.
///
/// # Errors
/// As `embedding::fit`, or columns that have gaps or cannot become numbers.
pub async fn fit_embedding(
    settings: &TsneSettings,
    table: &Table,
    column_idxs: &[usize],
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Embedding, FitError> {
    settings.check(table.n_rows())?;
    let (_, x) = crate::dataset::matrix(&table.frame_of(column_idxs))?;
    embedding::fit(settings, &x, seed, &mut Watched::new(checkpoint)).await
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
