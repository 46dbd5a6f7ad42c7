//! Rows, column by column.

use std::sync::Arc;

use serde::Serialize;

/// Rows, column by column; all columns are equally long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order in which they are shown.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub n_rows: usize,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: CellKind,
    pub(super) values: Values,
}

/// What the values of a column are, in Kusto's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// A whole number.
    Long,
    /// A number.
    Real,
    /// True or false.
    Bool,
    /// A moment, in milliseconds since 1970.
    DateTime,
    /// A length of time, in milliseconds.
    Timespan,
    /// A text.
    String,
}

impl CellKind {
    /// The word for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Real => "real",
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::Timespan => "timespan",
            Self::String => "string",
        }
    }
}

/// Values. All but texts are held as numbers, which is exact for moments of the next 280,000 years.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// NaN where there is none.
    Numbers(Vec<f64>),
    /// Places in a list of different texts.
    Texts { codes: Vec<u32>, texts: Arc<Vec<String>> },
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell<'a> {
    /// There is none.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number; milliseconds of a moment or a length of time, if they are whole.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'a str),
}

impl Table {
    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// The value in a row.
    pub fn cell(&self, row_idx: usize) -> Cell<'_> {
        let x = match &self.values {
            Values::Texts { codes, texts } => return Cell::Text(&texts[codes[row_idx] as usize]),
            Values::Numbers(numbers) => numbers[row_idx],
        };
        match self.kind {
            _ if x.is_nan() => Cell::Null,
            CellKind::Bool => Cell::Bool(x != 0.0),
            CellKind::Real => Cell::Number(x),
            _ if x.fract() == 0.0 => Cell::Whole(x as i64),
            _ => Cell::Number(x),
        }
    }

    /// Some of its rows, in this order.
    pub(super) fn take(&self, rows: &[u32]) -> Self {
        let values = match &self.values {
            Values::Numbers(numbers) => Values::Numbers(rows.iter().map(|row| numbers[*row as usize]).collect()),
            Values::Texts { codes, texts } => {
                Values::Texts { codes: rows.iter().map(|row| codes[*row as usize]).collect(), texts: texts.clone() }
            }
        };
        Self { name: self.name.clone(), kind: self.kind, values }
    }
}
