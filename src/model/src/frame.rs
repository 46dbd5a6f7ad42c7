//! Columns lent by whoever holds the rows.

use std::borrow::Cow;

use schema::Kind;

/// Columns of equal length.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Invariant: every column has `n_rows` values.
    pub columns: Vec<ColumnView<'a>>,
    /// Rows.
    pub n_rows: usize,
}

impl<'a> Frame<'a> {
    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&ColumnView<'a>> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column.
#[derive(Clone, Debug)]
pub struct ColumnView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values.
    pub values: Values<'a>,
    /// Whether each row has a value; `None` when all have.
    pub valid: Option<Cow<'a, [bool]>>,
}

impl ColumnView<'_> {
    /// Whether this row has a value.
    pub fn is_valid(&self, row_idx: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid[row_idx])
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        match &self.values {
            Values::Number(_) => Kind::Number,
            Values::Integer(_) => Kind::Integer,
            Values::Boolean(_) => Kind::Boolean,
            Values::Category { .. } => Kind::Category,
            Values::Text(_) => Kind::Text,
            Values::DateTime(_) => Kind::DateTime,
        }
    }
}

/// The values of a column; what stands at an invalid row means nothing.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Numbers; infinite values may occur, NaN does not (it is missing).
    Number(Cow<'a, [f64]>),
    /// Whole numbers.
    Integer(Cow<'a, [i64]>),
    /// Truth values.
    Boolean(Cow<'a, [bool]>),
    /// Positions in a dictionary.
    Category {
        /// One per row.
        codes: Cow<'a, [i32]>,
        /// Names by code.
        dictionary: Vec<&'a str>,
    },
    /// Texts.
    Text(Vec<&'a str>),
    /// Milliseconds since 1970.
    DateTime(Cow<'a, [i64]>),
}

/// A column made by a transform or a model.
#[derive(Clone, Debug, PartialEq)]
pub struct NewColumn {
    /// Its name and so on.
    pub column: schema::Column,
    /// Its values.
    pub values: NewValues,
    /// Whether each row has a value; `None` when all have.
    pub valid: Option<Vec<bool>>,
}

/// Owned values.
#[derive(Clone, Debug, PartialEq)]
pub enum NewValues {
    /// Numbers.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Truth values.
    Boolean(Vec<bool>),
    /// Positions in a dictionary.
    Category {
        /// One per row.
        codes: Vec<i32>,
        /// Names by code.
        dictionary: Vec<String>,
    },
    /// Texts.
    Text(Vec<String>),
    /// Milliseconds since 1970.
    DateTime(Vec<i64>),
}
