//! Holds the rows of a request to a model's signature: every mismatch is named.

use std::collections::BTreeMap;

use monitor::Exception;
use registry::{Cell, Field, Signature};
use schema::{Kind, list};

use crate::json::brief_text;
use crate::rows::{Checked, Rows, Vector};
use crate::{Mismatch, Refusal};

/// Rows that fit.
pub(crate) struct Fit<'a> {
    /// The columns of the signature, in its order.
    pub columns: Vec<Checked<'a>>,
    /// What is only worth a warning, one for each column and kind.
    pub warnings: Vec<Mismatch>,
}

/// Holds rows to a signature. Whole numbers may be numbers and, where they name one, categories; a text is no number.
///
/// # Errors
/// All that does not fit. With `strict`, what is otherwise only a warning does not fit either.
pub(crate) fn check<'a>(signature: &'a Signature, rows: &Rows, strict: bool) -> Result<Fit<'a>, Refusal> {
    let by_name: BTreeMap<&str, &Vec<Cell>> = rows.columns.iter().map(|(name, cells)| (name.as_str(), cells)).collect();
    let mut found = Found::default();
    let mut columns = Vec::with_capacity(signature.inputs.len());
    for field in &signature.inputs {
        match by_name.get(field.name.as_str()) {
            Some(cells) => columns.push(column(field, cells, &mut found)),
            None => {
                let names: Vec<String> = rows.columns.iter().map(|(name, _)| name.clone()).collect();
                found.errors.push(Mismatch {
                    exception: Exception::MissingColumn,
                    column: field.name.clone(),
                    row: None,
                    expected: format!("a column of {}", field.kind.label()),
                    got: format!("no such column; the request has {}", list(&names)),
                });
            }
        }
    }
    for (name, _) in &rows.columns {
        // What is predicted may come along with rows of known outcome.
        if signature.field(name).is_none() && name != signature.predicts.name() {
            found.warnings.push(Mismatch {
                exception: Exception::UnexpectedColumn,
                column: name.clone(),
                row: None,
                expected: "only columns that the model knows".into(),
                got: "one that it does not".into(),
            });
        }
    }
    if strict {
        found.errors.append(&mut found.warnings);
    }
    if found.errors.is_empty() {
        Ok(Fit { columns, warnings: found.warnings })
    } else {
        Err(Refusal::mismatched(found.errors))
    }
}

#[derive(Default)]
struct Found {
    errors: Vec<Mismatch>,
    warnings: Vec<Mismatch>,
}

/// One column; where a value does not fit, anything stands in its place.
fn column<'a>(field: &'a Field, cells: &[Cell], found: &mut Found) -> Checked<'a> {
    let mut gaps = Vec::new();
    if cells.iter().any(is_missing) {
        gaps = cells.iter().map(|cell| !is_missing(cell)).collect();
        if let Some(row) = gaps.iter().position(|valid| !valid).filter(|_| !field.nullable) {
            let expected = format!("{}, never missing as in training", field.kind.label());
            found.errors.push(mismatch(field, Exception::NullNotAllowed, row, expected, "no value".into()));
        }
    }
    let mut reader = Reader { field, found, has_range_warning: false };
    let values = match field.kind {
        Kind::Number => Vector::Number(reader.each(cells, Reader::number)),
        Kind::Integer => Vector::Integer(reader.each(cells, Reader::integer)),
        Kind::Boolean => Vector::Boolean(reader.each(cells, Reader::boolean)),
        Kind::Category => reader.categories(cells),
        Kind::Text => Vector::Text(reader.each(cells, Reader::text)),
        Kind::DateTime => Vector::DateTime(reader.each(cells, Reader::integer)),
    };
    Checked { field, values, valid: (!gaps.is_empty()).then_some(gaps) }
}

fn is_missing(cell: &Cell) -> bool {
    match cell {
        Cell::Missing => true,
        Cell::Number(x) => x.is_nan(),
        Cell::Boolean(_) | Cell::Integer(_) | Cell::Text(_) => false,
    }
}

fn mismatch(field: &Field, exception: Exception, row_idx: usize, expected: String, got: String) -> Mismatch {
    Mismatch { exception, column: field.name.clone(), row: Some(row_idx + 1), expected, got }
}

struct Reader<'a, 'b> {
    field: &'a Field,
    found: &'b mut Found,
    /// One warning of a kind is enough for a column.
    has_range_warning: bool,
}

impl Reader<'_, '_> {
    /// Every cell; a mismatch is told once for the column, with its first row.
    fn each<T: Default>(&mut self, cells: &[Cell], read: impl Fn(&mut Self, usize, &Cell) -> Option<T>) -> Vec<T> {
        let mut is_told = false;
        let mut values = Vec::with_capacity(cells.len());
        for (row_idx, cell) in cells.iter().enumerate() {
            let value = if is_missing(cell) { Some(T::default()) } else { read(self, row_idx, cell) };
            if value.is_none() && !is_told {
                is_told = true;
                let expected = self.expected();
                let got = in_brief(cell);
                self.found.errors.push(mismatch(self.field, Exception::TypeMismatch, row_idx, expected, got));
            }
            values.push(value.unwrap_or_default());
        }
        values
    }

    fn expected(&self) -> String {
        match self.field.kind {
            Kind::Number => "a finite number".into(),
            Kind::Integer => "a whole number of 64 bits".into(),
            Kind::Boolean => "true or false".into(),
            Kind::Category => "a category as text".into(),
            Kind::Text => "text".into(),
            Kind::DateTime => "milliseconds since 1970 as a whole number".into(),
        }
    }

    fn number(&mut self, row_idx: usize, cell: &Cell) -> Option<f64> {
        let x = match cell {
            Cell::Number(x) if x.is_finite() => *x,
            Cell::Integer(n) => *n as f64,
            Cell::Number(_) | Cell::Missing | Cell::Boolean(_) | Cell::Text(_) => return None,
        };
        self.warn_of_range(row_idx, x, cell);
        Some(x)
    }

    fn integer(&mut self, row_idx: usize, cell: &Cell) -> Option<i64> {
        /// 2^53: beyond it, numbers skip whole ones.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let n = match cell {
            Cell::Integer(n) => *n,
            // A column of whole numbers with a gap leaves many tools as one of numbers.
            Cell::Number(x) if x.fract() == 0.0 && x.abs() <= EXACT => *x as i64,
            Cell::Number(_) | Cell::Missing | Cell::Boolean(_) | Cell::Text(_) => return None,
        };
        self.warn_of_range(row_idx, n as f64, cell);
        Some(n)
    }

    fn boolean(&mut self, _: usize, cell: &Cell) -> Option<bool> {
        match cell {
            Cell::Boolean(truth) => Some(*truth),
            Cell::Missing | Cell::Integer(_) | Cell::Number(_) | Cell::Text(_) => None,
        }
    }

    fn text(&mut self, _: usize, cell: &Cell) -> Option<String> {
        match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Missing | Cell::Boolean(_) | Cell::Integer(_) | Cell::Number(_) => None,
        }
    }

    fn categories(&mut self, cells: &[Cell]) -> Vector {
        let mut unseen: Vec<String> = Vec::new();
        let field = self.field;
        let names = self.each(cells, |_, _, cell| match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Integer(n) => Some(n.to_string()),
            Cell::Boolean(truth) => Some(truth.to_string()),
            Cell::Missing | Cell::Number(_) => None,
        });
        let mut codes = Vec::with_capacity(cells.len());
        for (row_idx, (name, cell)) in names.into_iter().zip(cells).enumerate() {
            // What could not be read is an error already, and what is missing has no category.
            if is_missing(cell) || matches!(cell, Cell::Number(_)) {
                codes.push(0);
            } else if let Ok(code) = field.categories.binary_search(&name) {
                codes.push(code as i32);
            } else {
                let position = unseen.iter().position(|known| *known == name).unwrap_or_else(|| {
                    if unseen.is_empty() {
                        let expected = format!("one of {}", list(&field.categories));
                        let got = brief_text(&name);
                        self.found.warnings.push(mismatch(field, Exception::UnknownCategory, row_idx, expected, got));
                    }
                    unseen.push(name);
                    unseen.len() - 1
                });
                codes.push((field.categories.len() + position) as i32);
            }
        }
        Vector::Category { codes, unseen }
    }

    fn warn_of_range(&mut self, row_idx: usize, x: f64, cell: &Cell) {
        let Some([min, max]) = self.field.range else { return };
        if !self.has_range_warning && !(min..=max).contains(&x) {
            self.has_range_warning = true;
            let expected = format!("{min} to {max} as in training");
            self.found.warnings.push(mismatch(self.field, Exception::OutOfRange, row_idx, expected, in_brief(cell)));
        }
    }
}

fn in_brief(cell: &Cell) -> String {
    match cell {
        Cell::Missing => "no value".into(),
        Cell::Boolean(truth) => truth.to_string(),
        Cell::Integer(n) => n.to_string(),
        Cell::Number(x) => x.to_string(),
        Cell::Text(text) => brief_text(text),
    }
}
