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

/// Kinds that are numbers.
pub const NUMBERS: &[Kind] = &[Kind::Number, Kind::Integer];

/// Positions of the selected columns of numbers; at least one.
///
/// # Errors
/// As `selected`, or none fits.
pub fn numbers(schema: &Schema, selection: &ColumnSelection, place: &str) -> Result<Vec<usize>, FlowError> {
    let column_idxs = selected(schema, selection, NUMBERS, place)?;
    if column_idxs.is_empty() {
        return Err(FlowError {
            place: place.into(),
            message: format!("no column fits the selection; the table has {}", schema::list(&schema.names())),
            help: "Select numbers that are features.".into(),
        });
    }
    Ok(column_idxs)
}

/// The columns once others have been made of these, which stay or go; none where a name is taken, for then the place of
/// what is made depends on what it replaces.
pub fn replaced(schema: &Schema, column_idxs: &[usize], stay: bool, made: Vec<Column>) -> Option<Schema> {
    let is_made = |column: &Column| made.iter().any(|made| made.name == column.name);
    if schema.columns.iter().any(is_made) {
        return None;
    }
    let all = schema.columns.iter().enumerate();
    let kept = all.filter(|(column_idx, _)| stay || !column_idxs.contains(column_idx));
    let mut columns: Vec<Column> = kept.map(|(_, column)| column.clone()).collect();
    columns.extend(made);
    Some(Schema::new(columns))
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
