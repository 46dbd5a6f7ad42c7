//! Rows of a request, before and after they are held to a signature.

use std::borrow::Cow;

use model::{ColumnView, Frame, Values};
use registry::Cell;

/// Named columns as a request brought them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// In the request's order.
    pub columns: Vec<(String, Vec<Cell>)>,
    /// Rows.
    ///
    /// Invariant: every column has as many. Kept by the readers of requests.
    pub n_rows: usize,
}

/// Values of a column that fit its field.
#[derive(Clone, Debug, PartialEq)]
pub enum Vector {
    /// Finite numbers.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Truth values.
    Boolean(Vec<bool>),
    /// Positions in the field's categories; those beyond are in `unseen`.
    Category {
        /// One a row.
        codes: Vec<i32>,
        /// Categories that training did not see, in the order in which they came.
        unseen: Vec<String>,
    },
    /// Texts.
    Text(Vec<String>),
    /// Milliseconds since 1970.
    DateTime(Vec<i64>),
}

/// A column that fits its field.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked<'a> {
    /// The field.
    pub field: &'a registry::Field,
    /// Its values.
    pub values: Vector,
    /// Whether each row has a value; none when all have.
    pub valid: Option<Vec<bool>>,
}

/// The rows as a model takes them.
pub(crate) fn frame<'a>(columns: &'a [Checked<'a>], n_rows: usize) -> Frame<'a> {
    let view = |column: &'a Checked<'a>| ColumnView {
        name: &column.field.name,
        values: match &column.values {
            Vector::Number(values) => Values::Number(Cow::Borrowed(values)),
            Vector::Integer(values) => Values::Integer(Cow::Borrowed(values)),
            Vector::Boolean(values) => Values::Boolean(Cow::Borrowed(values)),
            Vector::Category { codes, unseen } => Values::Category {
                codes: Cow::Borrowed(codes),
                dictionary: column.field.categories.iter().chain(unseen).map(String::as_str).collect(),
            },
            Vector::Text(values) => Values::Text(values.iter().map(String::as_str).collect()),
            Vector::DateTime(values) => Values::DateTime(Cow::Borrowed(values)),
        },
        valid: column.valid.as_deref().map(Cow::Borrowed),
    };
    Frame { columns: columns.iter().map(view).collect(), n_rows }
}
