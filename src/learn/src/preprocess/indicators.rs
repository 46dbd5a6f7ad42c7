//! Convert to Indicator Values.

use std::collections::BTreeSet;

use model::{ColumnView, Indicators, Transform, Values, indicator_name};
use schema::{ColumnSelection, Kind, Schema};
use table::Table;

use super::clean::check_name;
use super::{Fitted, PrepareError, chosen};

/// How categories become columns of 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorSettings {
    /// Which; a rule takes features that are categories.
    pub columns: ColumnSelection,
    /// The columns stay beside their indicators.
    pub keep: bool,
}

impl Default for IndicatorSettings {
    fn default() -> Self {
        Self { columns: ColumnSelection::All, keep: false }
    }
}

/// More categories than this in one column are an identifier rather than a category.
pub const MAX_CATEGORIES: usize = 1_000;

/// Learns the categories of columns, in ascending order. Categories, texts, truth values and whole numbers that are
/// named can be converted.
///
/// # Errors
/// A column that is not there, is no category or has too many, or a name for a new column that is taken.
pub fn fit_indicators(table: &Table, settings: &IndicatorSettings) -> Result<Fitted, PrepareError> {
    let mut notes = Vec::new();
    let frame = table.frame();
    let mut columns = Vec::new();
    let mut made = BTreeSet::new();
    for column in convertible(table.schema(), settings, &mut notes)? {
        let Some(view) = frame.column(&column.name) else { continue };
        let categories = categories(view);
        if categories.len() > MAX_CATEGORIES {
            let (name, found) = (column.name.clone(), categories.len());
            return Err(PrepareError::TooManyCategories { name, found, limit: MAX_CATEGORIES });
        }
        for category in &categories {
            let new = indicator_name(&column.name, category);
            check_name(table.schema(), &column.name, new.clone())?;
            if !made.insert(new.clone()) {
                return Err(PrepareError::NameTaken { name: column.name.clone(), new });
            }
        }
        columns.push((column.name.clone(), categories));
    }
    Ok(Fitted { transform: Transform::Indicators(Indicators { columns, keep: settings.keep }), notes })
}

/// The columns there are for certain afterwards, without the indicators, which depend on the rows.
///
/// # Errors
/// A column that is not there or is no category.
pub fn indicator_schema(schema: &Schema, settings: &IndicatorSettings) -> Result<Schema, PrepareError> {
    let columns = convertible(schema, settings, &mut Vec::new())?;
    if settings.keep {
        return Ok(schema.clone());
    }
    let dropped: Vec<String> = columns.into_iter().map(|column| column.name.clone()).collect();
    Ok(super::schema_with_new(schema, &dropped, Vec::new()))
}

fn convertible<'a>(
    schema: &'a Schema,
    settings: &IndicatorSettings,
    notes: &mut Vec<String>,
) -> Result<Vec<&'a schema::Column>, PrepareError> {
    let by_name = matches!(settings.columns, ColumnSelection::Names(_));
    let suits = |kind| match kind {
        Kind::Category => true,
        Kind::Boolean | Kind::Text | Kind::Integer => by_name,
        Kind::Number | Kind::DateTime => false,
    };
    chosen(&settings.columns, schema, "categories", suits, notes)
}

/// The categories that occur, ascending.
fn categories(column: &ColumnView<'_>) -> Vec<String> {
    let valid = |row_idx: &usize| column.is_valid(*row_idx);
    match &column.values {
        Values::Category { codes, dictionary } => {
            let mut seen = vec![false; dictionary.len()];
            for row_idx in (0..codes.len()).filter(valid) {
                if let Some(seen) = seen.get_mut(codes[row_idx] as usize) {
                    *seen = true;
                }
            }
            let names: BTreeSet<&str> =
                dictionary.iter().zip(seen).filter(|(_, seen)| *seen).map(|(n, _)| *n).collect();
            names.into_iter().map(str::to_owned).collect()
        }
        Values::Text(texts) => {
            let names: BTreeSet<&str> = (0..texts.len()).filter(valid).map(|row_idx| texts[row_idx]).collect();
            names.into_iter().map(str::to_owned).collect()
        }
        Values::Boolean(truths) => {
            let truths: BTreeSet<bool> = (0..truths.len()).filter(valid).map(|row_idx| truths[row_idx]).collect();
            truths.into_iter().map(|truth| truth.to_string()).collect()
        }
        Values::Integer(numbers) => {
            let numbers: BTreeSet<i64> = (0..numbers.len()).filter(valid).map(|row_idx| numbers[row_idx]).collect();
            numbers.into_iter().map(|number| number.to_string()).collect()
        }
        Values::Number(_) | Values::DateTime(_) => Vec::new(),
    }
}
