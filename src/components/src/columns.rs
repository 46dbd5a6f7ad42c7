//! Which columns a step works on.

use engine::FlowError;
use schema::{Column, ColumnSelection, Kind, Role, Schema};

use crate::failures::column_not_found;

/// Positions of the selected columns of these kinds (any if empty).
///
/// A column selected by name must be of a fitting kind. A rule ("all numbers") passes over kinds that do not
/// fit, and over the target, ids and weights: what a rule changes must not be what is to be predicted.
///
/// # Errors
/// A name that is not there, or is of another kind.
pub fn selected(
    schema: &Schema,
    selection: &ColumnSelection,
    kinds: &[Kind],
    place: &str,
) -> Result<Vec<usize>, FlowError> {
    let column_idxs = selection.resolve(schema).map_err(|error| column_not_found(place, &error))?;
    let fits = |column: &Column| kinds.is_empty() || kinds.contains(&column.kind);
    match selection {
        ColumnSelection::Names(_) => {
            for &column_idx in &column_idxs {
                let column = &schema.columns[column_idx];
                if !fits(column) {
                    return Err(wrong_kind(column, kinds, place));
                }
            }
            Ok(column_idxs)
        }
        ColumnSelection::All | ColumnSelection::Except(_) | ColumnSelection::Kinds(_) => Ok(column_idxs
            .into_iter()
            .filter(|&column_idx| {
                let column = &schema.columns[column_idx];
                fits(column) && matches!(column.role, Role::Feature | Role::Ignored)
            })
            .collect()),
    }
}

/// The column to be predicted: the one chosen, else the one whose role is target.
///
/// # Errors
/// The chosen one is not there, or nothing is chosen and no column is the target.
pub fn target<'a>(schema: &'a Schema, chosen: Option<&str>, place: &str) -> Result<&'a Column, FlowError> {
    match chosen {
        Some(name) => schema.column(name).map_err(|error| column_not_found(place, &error)),
        None => schema.target().ok_or_else(|| FlowError {
            place: place.into(),
            message: "no column is chosen to be predicted, and none has the role of target".into(),
            help: "Choose the label column here, or give a column the role of target with Edit Metadata.".into(),
        }),
    }
}

fn wrong_kind(column: &Column, kinds: &[Kind], place: &str) -> FlowError {
    let expected: Vec<_> = kinds.iter().map(|kind| kind.label()).collect();
    FlowError {
        place: place.into(),
        message: format!("column {:?} is {}, expected {}", column.name, column.kind.label(), expected.join(" or ")),
        help: "Leave the column out, or change its kind with Edit Metadata.".into(),
    }
}
