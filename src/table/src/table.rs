//! A table in memory.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray, UInt32Array,
};
use arrow_schema::{DataType, TimeUnit};
use model::{ColumnView, Frame, NewColumn, NewValues, Values};
use schema::{Column, ColumnNotFound, Kind, Role, Schema};

/// Columns of equal length; cloning shares them.
#[derive(Clone, Debug)]
pub struct Table {
    schema: Arc<Schema>,
    /// Invariant: one array per column of the schema, all of `n_rows`, and of the Arrow type of its kind:
    /// Number Float64 (no NaN), Integer Int64, Boolean Boolean, Category Dictionary<Int32, Utf8>,
    /// Text Utf8, DateTime Timestamp(Millisecond, None). Kept by `new`.
    columns: Vec<ArrayRef>,
    n_rows: usize,
}

/// A table that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Two columns of one name.
    #[error("two columns are named {0:?}")]
    DuplicateName(String),
    /// A column is longer or shorter than the table.
    #[error("column {name:?} has {found} rows, expected {expected}")]
    Length {
        /// Which.
        name: String,
        /// Of the table.
        expected: usize,
        /// Of the column.
        found: usize,
    },
    /// An array is not of the Arrow type of its kind.
    #[error("column {name:?} of kind {} is held as {found}", .kind.label())]
    Storage {
        /// Which.
        name: String,
        /// What it should be.
        kind: Kind,
        /// Arrow's name of what it is.
        found: String,
    },
    /// As many schema columns as arrays are needed.
    #[error("{arrays} arrays for {columns} columns")]
    Width {
        /// Columns of the schema.
        columns: usize,
        /// Arrays given.
        arrays: usize,
    },
}

/// The Arrow type in which a kind is held.
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Number => DataType::Float64,
        Kind::Integer => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
        Kind::Category => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Kind::Text => DataType::Utf8,
        Kind::DateTime => DataType::Timestamp(TimeUnit::Millisecond, None),
    }
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// Names that repeat, lengths that differ, arrays of another type than their kind's.
    pub fn new(schema: Schema, columns: Vec<ArrayRef>) -> Result<Self, TableError> {
        if schema.columns.len() != columns.len() {
            return Err(TableError::Width { columns: schema.columns.len(), arrays: columns.len() });
        }
        let n_rows = columns.first().map_or(0, |column| column.len());
        let mut names = BTreeSet::new();
        for (column, array) in schema.columns.iter().zip(&columns) {
            if !names.insert(column.name.as_str()) {
                return Err(TableError::DuplicateName(column.name.clone()));
            }
            if array.len() != n_rows {
                return Err(TableError::Length { name: column.name.clone(), expected: n_rows, found: array.len() });
            }
            if *array.data_type() != data_type(column.kind) {
                return Err(TableError::Storage {
                    name: column.name.clone(),
                    kind: column.kind,
                    found: array.data_type().to_string(),
                });
            }
        }
        let columns = columns.into_iter().map(without_nan).collect();
        Ok(Self { schema: Arc::new(schema), columns, n_rows })
    }

    /// A table of columns made by transforms or models.
    ///
    /// # Errors
    /// As `new`.
    pub fn from_new_columns(columns: Vec<NewColumn>, n_rows: usize) -> Result<Self, TableError> {
        let (schema, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(array_of).unzip();
        Self::of_rows(Schema::new(schema), arrays, n_rows)
    }

    /// As `new`, where there may be no columns to tell how many rows there are.
    pub(crate) fn of_rows(schema: Schema, columns: Vec<ArrayRef>, n_rows: usize) -> Result<Self, TableError> {
        let mut table = Self::new(schema, columns)?;
        if table.columns.is_empty() {
            table.n_rows = n_rows;
        }
        Ok(table)
    }

    /// Its columns without their values.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The Arrow arrays, in order.
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// Rows without a value in the column at this position.
    pub fn n_missing(&self, column_idx: usize) -> usize {
        self.columns[column_idx].null_count()
    }

    /// The array of the column with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn column(&self, name: &str) -> Result<&ArrayRef, ColumnNotFound> {
        self.schema.position(name).map(|column_idx| &self.columns[column_idx])
    }

    /// Bytes in memory, columns shared with other tables counted too.
    pub fn n_bytes(&self) -> u64 {
        self.columns.iter().map(|column| column.get_array_memory_size() as u64).sum()
    }

    /// All columns, lent.
    pub fn frame(&self) -> Frame<'_> {
        self.frame_of(&(0..self.n_columns()).collect::<Vec<_>>())
    }

    /// Some columns, lent.
    pub fn frame_of(&self, column_idxs: &[usize]) -> Frame<'_> {
        let columns = column_idxs
            .iter()
            .map(|&column_idx| view(&self.schema.columns[column_idx], &self.columns[column_idx]))
            .collect();
        Frame { columns, n_rows: self.n_rows }
    }

    /// These columns, in this order.
    pub fn select(&self, column_idxs: &[usize]) -> Self {
        Self {
            schema: Arc::new(Schema::new(
                column_idxs.iter().map(|&column_idx| self.schema.columns[column_idx].clone()).collect(),
            )),
            columns: column_idxs.iter().map(|&column_idx| Arc::clone(&self.columns[column_idx])).collect(),
            n_rows: self.n_rows,
        }
    }

    /// All columns but these; names that are not there do not matter.
    pub fn without(&self, names: &[String]) -> Self {
        let kept: Vec<_> = (0..self.n_columns())
            .filter(|&column_idx| !names.contains(&self.schema.columns[column_idx].name))
            .collect();
        self.select(&kept)
    }

    /// These rows, in this order. Every index must be below `n_rows`.
    pub fn take(&self, row_idxs: &[u32]) -> Self {
        let idxs = UInt32Array::from(row_idxs.to_vec());
        let columns = self
            .columns
            .iter()
            .map(|column| {
                arrow_select::take::take(column, &idxs, None).expect("the rows exist, and every type can be taken")
            })
            .collect();
        Self { schema: Arc::clone(&self.schema), columns, n_rows: row_idxs.len() }
    }

    /// The rows that are kept, one truth value per row.
    pub fn filter(&self, kept: &[bool]) -> Self {
        let row_idxs: Vec<u32> = (0u32..).zip(kept).filter(|(_, kept)| **kept).map(|(row_idx, _)| row_idx).collect();
        self.take(&row_idxs)
    }

    /// These columns in place of those of the same names, or after the others.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_columns(&self, new: Vec<NewColumn>) -> Result<Self, TableError> {
        let mut schema = self.schema.columns.clone();
        let mut columns = self.columns.clone();
        for (column, array) in new.into_iter().map(array_of) {
            match schema.iter().position(|known| known.name == column.name) {
                Some(column_idx) => {
                    schema[column_idx] = column;
                    columns[column_idx] = array;
                }
                None => {
                    schema.push(column);
                    columns.push(array);
                }
            }
        }
        Self::new(Schema::new(schema), columns)
    }

    /// The same values under another name.
    ///
    /// # Errors
    /// The column is not there, or another has the new name.
    pub fn rename(&self, old: &str, new: &str) -> Result<Self, RenameError> {
        let column_idx = self.schema.position(old)?;
        let mut schema = (*self.schema).clone();
        if old != new && schema.position(new).is_ok() {
            return Err(TableError::DuplicateName(new.into()).into());
        }
        schema.columns[column_idx].name = new.into();
        Ok(Self { schema: Arc::new(schema), ..self.clone() })
    }

    /// The same values for another purpose.
    ///
    /// # Errors
    /// The column is not there.
    pub fn set_role(&self, name: &str, role: Role) -> Result<Self, ColumnNotFound> {
        let column_idx = self.schema.position(name)?;
        let mut schema = (*self.schema).clone();
        schema.columns[column_idx].role = role;
        Ok(Self { schema: Arc::new(schema), ..self.clone() })
    }

    /// The same table with one column held as another kind; `array` must be of its Arrow type and of `n_rows`.
    pub fn replace(&self, column_idx: usize, kind: Kind, array: ArrayRef) -> Self {
        let mut schema = (*self.schema).clone();
        schema.columns[column_idx].kind = kind;
        let mut columns = self.columns.clone();
        columns[column_idx] = without_nan(array);
        Self { schema: Arc::new(schema), columns, n_rows: self.n_rows }
    }

    /// Names the content: equal tables have equal fingerprints on every platform (FNV-1a over names, kinds, roles
    /// and values).
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for (column, array) in self.schema.columns.iter().zip(&self.columns) {
            hash.text(&column.name);
            hash.text(column.kind.label());
            hash.text(column.role.label());
            let lent = view(column, array);
            for row_idx in 0..self.n_rows {
                if !lent.is_valid(row_idx) {
                    hash.bytes(&[0]);
                    continue;
                }
                hash.bytes(&[1]);
                match &lent.values {
                    Values::Number(values) => hash.bytes(&values[row_idx].to_bits().to_le_bytes()),
                    Values::Integer(values) | Values::DateTime(values) => hash.bytes(&values[row_idx].to_le_bytes()),
                    Values::Boolean(values) => hash.bytes(&[u8::from(values[row_idx])]),
                    Values::Category { codes, dictionary } => {
                        hash.text(
                            usize::try_from(codes[row_idx]).ok().and_then(|code| dictionary.get(code)).unwrap_or(&""),
                        );
                    }
                    Values::Text(values) => hash.text(values[row_idx]),
                }
            }
        }
        hash.0
    }
}

/// A name that cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// There is no such column.
    #[error(transparent)]
    NotFound(#[from] ColumnNotFound),
    /// The new name is taken.
    #[error(transparent)]
    Taken(#[from] TableError),
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }
}

/// NaN means missing; arrays that hold some are rebuilt without.
fn without_nan(array: ArrayRef) -> ArrayRef {
    match array.as_any().downcast_ref::<Float64Array>() {
        Some(numbers) if numbers.values().iter().any(|x| x.is_nan()) => {
            Arc::new(numbers.iter().map(|x| x.filter(|x| !x.is_nan())).collect::<Float64Array>())
        }
        _ => array,
    }
}

/// One column, lent. Numbers and codes are not copied; truth values are, because Arrow packs them into bits.
fn view<'a>(column: &'a Column, array: &'a ArrayRef) -> ColumnView<'a> {
    let values = match column.kind {
        Kind::Number => Values::Number(Cow::Borrowed(cast_ref::<Float64Array>(array).values())),
        Kind::Integer => Values::Integer(Cow::Borrowed(cast_ref::<Int64Array>(array).values())),
        Kind::Boolean => Values::Boolean(Cow::Owned(cast_ref::<BooleanArray>(array).values().iter().collect())),
        Kind::Category => {
            let categories = cast_ref::<DictionaryArray<Int32Type>>(array);
            let names = cast_ref::<StringArray>(categories.values());
            Values::Category {
                codes: Cow::Borrowed(categories.keys().values()),
                dictionary: (0..names.len()).map(|code| names.value(code)).collect(),
            }
        }
        Kind::Text => {
            let texts = cast_ref::<StringArray>(array);
            Values::Text((0..texts.len()).map(|row_idx| texts.value(row_idx)).collect())
        }
        Kind::DateTime => Values::DateTime(Cow::Borrowed(cast_ref::<TimestampMillisecondArray>(array).values())),
    };
    let valid = array
        .nulls()
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| Cow::Owned(nulls.iter().collect::<Vec<bool>>()));
    ColumnView { name: &column.name, values, valid }
}

fn cast_ref<T: 'static>(array: &ArrayRef) -> &T {
    array.as_any().downcast_ref::<T>().expect("`Table::new` has checked that arrays are of the type of their kind")
}

/// Owned values as an Arrow array.
fn array_of(new: NewColumn) -> (Column, ArrayRef) {
    let NewColumn { column, values, valid } = new;
    let is_valid = |row_idx: usize| valid.as_ref().is_none_or(|valid| valid[row_idx]);
    macro_rules! build {
        ($builder:expr, $values:expr) => {{
            let mut builder = $builder;
            for (row_idx, value) in $values.into_iter().enumerate() {
                builder.append_option(is_valid(row_idx).then_some(value));
            }
            Arc::new(builder.finish()) as ArrayRef
        }};
    }
    let array = match values {
        NewValues::Number(values) if valid.is_none() => Arc::new(Float64Array::from(values)) as ArrayRef,
        NewValues::Number(values) => build!(Float64Builder::with_capacity(values.len()), values),
        NewValues::Integer(values) => build!(Int64Builder::with_capacity(values.len()), values),
        NewValues::Boolean(values) => build!(BooleanBuilder::with_capacity(values.len()), values),
        NewValues::Text(values) => build!(StringBuilder::with_capacity(values.len(), values.len() * 8), values),
        NewValues::DateTime(values) => build!(TimestampMillisecondBuilder::with_capacity(values.len()), values),
        NewValues::Category { codes, dictionary } => {
            let n_names = dictionary.len();
            let keys: Int32Array = codes
                .into_iter()
                .enumerate()
                // A code without a name is a missing value.
                .map(|(row_idx, code)| {
                    let has_name = usize::try_from(code).is_ok_and(|code| code < n_names);
                    (is_valid(row_idx) && has_name).then_some(code)
                })
                .collect();
            let names: ArrayRef = Arc::new(StringArray::from(dictionary));
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, names).expect("every key has a name")) as ArrayRef
        }
    };
    (column, array)
}
