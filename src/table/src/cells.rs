//! One column, by the Arrow type of its kind.

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};
use schema::Kind;

use crate::Table;

/// The cells of a column, ready to be looked at one by one without converting the others.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    /// Numbers.
    Number(&'a Float64Array),
    /// Whole numbers.
    Integer(&'a Int64Array),
    /// Truth values.
    Boolean(&'a BooleanArray),
    /// Positions in a dictionary.
    Category {
        /// One per row.
        codes: &'a Int32Array,
        /// Names by code.
        names: &'a StringArray,
    },
    /// Texts.
    Text(&'a StringArray),
    /// Milliseconds since 1970.
    DateTime(&'a TimestampMillisecondArray),
}

impl<'a> Cells<'a> {
    pub(crate) fn new(array: &'a ArrayRef, kind: Kind) -> Self {
        fn of<T: 'static>(array: &dyn Array) -> &T {
            array
                .as_any()
                .downcast_ref::<T>()
                .expect("`Table::new` has checked that arrays are of the type of their kind")
        }
        match kind {
            Kind::Number => Self::Number(of(array)),
            Kind::Integer => Self::Integer(of(array)),
            Kind::Boolean => Self::Boolean(of(array)),
            Kind::Category => {
                let categories: &DictionaryArray<Int32Type> = of(array);
                Self::Category { codes: categories.keys(), names: of(categories.values()) }
            }
            Kind::Text => Self::Text(of(array)),
            Kind::DateTime => Self::DateTime(of(array)),
        }
    }

    pub(crate) fn array(&self) -> &dyn Array {
        match self {
            Self::Number(values) => values,
            Self::Integer(values) => values,
            Self::Boolean(values) => values,
            Self::Category { codes, .. } => codes,
            Self::Text(values) => values,
            Self::DateTime(values) => values,
        }
    }

    /// Whether the row has a value.
    pub fn is_valid(&self, row_idx: usize) -> bool {
        self.array().is_valid(row_idx)
    }

    /// The value as a number: numbers, whole numbers, dates in milliseconds.
    pub fn number(&self, row_idx: usize) -> Option<f64> {
        if !self.is_valid(row_idx) {
            return None;
        }
        match self {
            Self::Number(values) => Some(values.value(row_idx)),
            Self::Integer(values) => Some(values.value(row_idx) as f64),
            Self::DateTime(values) => Some(values.value(row_idx) as f64),
            Self::Boolean(_) | Self::Category { .. } | Self::Text(_) => None,
        }
    }
}

impl Table {
    /// The cells of the column at this position.
    pub fn cells(&self, column_idx: usize) -> Cells<'_> {
        Cells::new(&self.columns()[column_idx], self.schema().columns[column_idx].kind)
    }
}
