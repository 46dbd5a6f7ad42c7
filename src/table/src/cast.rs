//! The same values as another kind.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};
use schema::{ColumnNotFound, Kind};

use crate::build::{ColumnBuilder, Rules};
use crate::read::MISSING;
use crate::value::{date_millis, truths, write_number};
use crate::{Cells, Table, turns};

/// Values that are not of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CastError {
    /// There is no such column.
    #[error(transparent)]
    NotFound(#[from] ColumnNotFound),
    /// A value does not fit.
    #[error("row {row}, column {column:?}: {value:?} is not of kind {}", .kind.label())]
    Value {
        /// Which column.
        column: String,
        /// Counted from 1.
        row: u64,
        /// What stands there.
        value: String,
        /// What was asked for.
        kind: Kind,
    },
}

impl CastError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::NotFound(_) => "Choose one of the table's columns.".into(),
            Self::Value { kind: Kind::Integer, .. } => "Make it a number instead, or correct the value.".into(),
            Self::Value { .. } => "Choose another kind, or correct the value.".into(),
        }
    }
}

impl Table {
    /// The same table with one column held as another kind: texts are read, values are written as text,
    /// true is 1 and false 0, dates are milliseconds since 1970. In turns, as `Reader::finish_in_turns`.
    ///
    /// # Errors
    /// The column is not there, or a value does not fit; the first such value is named.
    pub async fn cast(&self, name: &str, kind: Kind) -> Result<Self, CastError> {
        let column_idx = self.schema().position(name)?;
        let from = self.schema().columns[column_idx].kind;
        if from == kind {
            return Ok(self.clone());
        }
        let array = convert(&self.columns()[column_idx], from, kind).await.map_err(|refusal| CastError::Value {
            column: name.into(),
            row: refusal.row_idx as u64 + 1,
            value: refusal.value,
            kind,
        })?;
        Ok(self.replace(column_idx, kind, array))
    }
}

/// A value that does not fit.
pub(crate) struct Refusal {
    pub row_idx: usize,
    pub value: String,
}

/// The array as another kind.
pub(crate) async fn convert(array: &ArrayRef, from: Kind, to: Kind) -> Result<ArrayRef, Refusal> {
    if from == to {
        return Ok(Arc::clone(array));
    }
    let cells = Cells::new(array, from);
    match to {
        Kind::Text => {
            let mut text = String::new();
            let mut texts = arrow_array::builder::StringBuilder::new();
            for row_idx in 0..array.len() {
                texts.append_option(cells.read(row_idx, &mut text).then_some(text.as_str()));
                turns::rest_at(row_idx).await;
            }
            Ok(Arc::new(texts.finish()))
        }
        Kind::Category => {
            let rules = Rules::new(b'.', &[]);
            let mut column = ColumnBuilder::new(Some(Kind::Category));
            let mut text = String::new();
            for row_idx in 0..array.len() {
                if !cells.read(row_idx, &mut text) {
                    column.push_missing();
                } else if column.push(text.as_bytes(), true, &rules).is_err() {
                    return Err(Refusal { row_idx, value: text });
                }
                turns::rest_at(row_idx).await;
            }
            column
                .finish(&rules, false)
                .await
                .map(|finished| finished.array)
                .map_err(|_| Refusal { row_idx: 0, value: String::new() })
        }
        Kind::Number => Ok(Arc::new(Float64Array::from(
            each(array, &cells, |cell| match cell {
                Simple::Number(x) => Some(Some(x)),
                Simple::Whole(value) => Some(Some(value as f64)),
                Simple::Text(text) => read_number(text),
            })
            .await?,
        ))),
        Kind::Integer => Ok(Arc::new(Int64Array::from(
            each(array, &cells, |cell| match cell {
                Simple::Number(x) => whole(x).map(Some),
                Simple::Whole(value) => Some(Some(value)),
                Simple::Text(text) => match text.trim().parse() {
                    Ok(value) => Some(Some(value)),
                    Err(_) => match read_number(text)? {
                        Some(x) => whole(x).map(Some),
                        None => Some(None),
                    },
                },
            })
            .await?,
        ))),
        Kind::DateTime => {
            if matches!(from, Kind::Text | Kind::Category)
                && let Some(dates) = dates(array, &cells).await
            {
                return Ok(dates);
            }
            Ok(Arc::new(TimestampMillisecondArray::from(
                each(array, &cells, |cell| match cell {
                    Simple::Number(x) => whole(x).map(Some),
                    Simple::Whole(value) => Some(Some(value)),
                    Simple::Text(text) if is_missing(text) => Some(None),
                    Simple::Text(text) => date_millis(text).map(Some),
                })
                .await?,
            )))
        }
        Kind::Boolean => Ok(Arc::new(BooleanArray::from(
            each(array, &cells, |cell| match cell {
                Simple::Number(x) if x == 0.0 || x == 1.0 => Some(Some(x == 1.0)),
                Simple::Number(_) => None,
                Simple::Whole(value) => (0..=1).contains(&value).then_some(Some(value == 1)),
                Simple::Text(text) if is_missing(text) => Some(None),
                Simple::Text(text) => match text.trim() {
                    "1" => Some(Some(true)),
                    "0" => Some(Some(false)),
                    "t" | "T" | "y" | "Y" => Some(Some(true)),
                    "f" | "F" | "n" | "N" => Some(Some(false)),
                    word => truths(std::iter::once(word)).map(|meanings| meanings.first().copied()),
                },
            })
            .await?,
        ))),
    }
}

/// Texts as dates, day and month in the order that fits all of them.
async fn dates(array: &ArrayRef, cells: &Cells<'_>) -> Option<ArrayRef> {
    let rules = Rules::new(b'.', &MISSING.map(String::from));
    let mut column = ColumnBuilder::new(None);
    let mut text = String::new();
    for row_idx in 0..array.len() {
        if cells.read(row_idx, &mut text) {
            column.push(text.trim().as_bytes(), false, &rules).ok()?;
        } else {
            column.push_missing();
        }
        turns::rest_at(row_idx).await;
    }
    column
        .finish(&rules, false)
        .await
        .ok()
        .filter(|finished| finished.kind == Kind::DateTime)
        .map(|finished| finished.array)
}

/// A value without regard to its kind.
enum Simple<'a> {
    Number(f64),
    Whole(i64),
    Text(&'a str),
}

async fn each<T>(
    array: &ArrayRef,
    cells: &Cells<'_>,
    mut convert: impl FnMut(Simple<'_>) -> Option<Option<T>>,
) -> Result<Vec<Option<T>>, Refusal> {
    let mut values = Vec::with_capacity(array.len());
    for row_idx in 0..array.len() {
        turns::rest_at(row_idx).await;
        if array.is_null(row_idx) {
            values.push(None);
            continue;
        }
        let cell = match cells {
            Cells::Number(values) => Simple::Number(values.value(row_idx)),
            Cells::Integer(values) => Simple::Whole(values.value(row_idx)),
            Cells::Boolean(values) => Simple::Whole(i64::from(values.value(row_idx))),
            Cells::DateTime(values) => Simple::Whole(values.value(row_idx)),
            Cells::Category { .. } | Cells::Text(_) => Simple::Text(cells.str(row_idx).unwrap_or_default()),
        };
        let Some(value) = convert(cell) else {
            let mut value = String::new();
            cells.read(row_idx, &mut value);
            return Err(Refusal { row_idx, value });
        };
        values.push(value);
    }
    Ok(values)
}

fn is_missing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || MISSING.contains(&text)
}

/// `Some(None)` where the text says that there is no value.
fn read_number(text: &str) -> Option<Option<f64>> {
    if is_missing(text) {
        return Some(None);
    }
    let x = fast_float2::parse::<f64, _>(text.trim()).ok()?;
    Some((!x.is_nan()).then_some(x))
}

fn whole(x: f64) -> Option<i64> {
    // 2^63 is the first number beyond the largest integer.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (x.trunc() == x && (-LIMIT..LIMIT).contains(&x)).then_some(x as i64)
}

impl Cells<'_> {
    /// Writes the text of a cell; false (and an empty text) if there is no value.
    pub fn read(&self, row_idx: usize, text: &mut String) -> bool {
        text.clear();
        if self.array().is_null(row_idx) {
            return false;
        }
        match self {
            Self::Number(values) => write_number(values.value(row_idx), text),
            Self::Integer(values) => text.push_str(&values.value(row_idx).to_string()),
            Self::Boolean(values) => text.push_str(if values.value(row_idx) { "true" } else { "false" }),
            Self::DateTime(values) => text.push_str(&crate::date_text(values.value(row_idx), false)),
            Self::Category { .. } | Self::Text(_) => text.push_str(self.str(row_idx).unwrap_or_default()),
        }
        true
    }

    /// The text of a text or category.
    pub fn str(&self, row_idx: usize) -> Option<&str> {
        match self {
            Self::Category { codes, names } => {
                if codes.is_null(row_idx) {
                    return None;
                }
                let code = usize::try_from(codes.value(row_idx)).ok()?;
                (code < names.len()).then(|| names.value(code))
            }
            Self::Text(values) => value_at(values, row_idx),
            Self::Number(_) | Self::Integer(_) | Self::Boolean(_) | Self::DateTime(_) => None,
        }
    }
}

fn value_at(values: &StringArray, row_idx: usize) -> Option<&str> {
    values.is_valid(row_idx).then(|| values.value(row_idx))
}
