//! Tables as Arrow streams, the way in which they travel between the memories of two engines.
//!
//! A column's values are not copied: writing lends its memory, and reading keeps the bytes that were given.

use std::ops::Deref;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamEncoder;
use arrow_schema::{ArrowError, Field};
use schema::{Column, Kind, Role, Schema};

use crate::{Table, TableError, data_type};

/// The key under which a field's metadata holds the role of its column.
const ROLE: &str = "role";

/// Bytes that are no table.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// They are no Arrow stream, or a broken one.
    #[error("this is no whole Arrow stream: {0}")]
    Arrow(#[from] ArrowError),
    /// A column of a type that tables do not hold.
    #[error("column {name:?} is held as {found}, which is no kind of column here")]
    Type {
        /// Which.
        name: String,
        /// Arrow's name of its type.
        found: String,
    },
    /// Columns that make no table.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A table as the pieces of an Arrow stream, to be laid one after the other.
///
/// # Errors
/// Never, as far as is known: tables hold only what streams can.
pub fn pieces(table: &Table) -> Result<Vec<impl Deref<Target = [u8]>>, IpcError> {
    let field = |column: &Column| {
        let field = Field::new(&column.name, data_type(column.kind), true);
        field.with_metadata([(ROLE.to_owned(), column.role.label().to_owned())])
    };
    let fields: Vec<Field> = table.schema().columns.iter().map(field).collect();
    let schema = Arc::new(arrow_schema::Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(table.n_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), table.columns().to_vec(), &options)?;
    let mut encoder = StreamEncoder::try_new(&schema)?;
    let mut pieces = encoder.encode(&batch)?;
    pieces.extend(encoder.finish()?);
    Ok(pieces)
}

/// The table of an Arrow stream that holds one batch of rows.
///
/// # Errors
/// It is no such stream, or holds what tables do not.
pub fn read(stream: Vec<u8>) -> Result<Table, IpcError> {
    let mut rest = Buffer::from_vec(stream);
    let mut decoder = StreamDecoder::new();
    let batch = decoder.decode(&mut rest)?;
    let none = || ArrowError::IpcError("there are no rows in it".into());
    let batch = batch.ok_or_else(none)?;
    let column = |field: &Arc<Field>| {
        let kind = Kind::ALL.into_iter().find(|kind| data_type(*kind) == *field.data_type());
        let unknown = || IpcError::Type { name: field.name().clone(), found: field.data_type().to_string() };
        let role = field.metadata().get(ROLE);
        let role = role.and_then(|label| Role::ALL.into_iter().find(|role| role.label() == label));
        Ok(Column::new(field.name(), kind.ok_or_else(unknown)?).with_role(role.unwrap_or_default()))
    };
    let columns = batch.schema().fields().iter().map(column).collect::<Result<_, IpcError>>()?;
    Ok(Table::of_rows(Schema::new(columns), batch.columns().to_vec(), batch.num_rows())?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Options, read_bytes};

    fn stream(table: &Table) -> Vec<u8> {
        pieces(table).expect("tables fit streams").iter().flat_map(|piece| piece.to_vec()).collect()
    }

    fn table(csv: &str) -> Table {
        read_bytes("t.csv", csv.as_bytes(), Options::default()).expect("a table").table
    }

    #[test]
    fn every_kind_and_role_comes_back() {
        let rows: String = (0..40)
            .map(|i| {
                format!(
                    "{}.5,{i},{},{},note number {i},2024-01-{:02}\n",
                    i * 3,
                    i % 3 == 0,
                    ["a", "b"][i % 2],
                    i % 28 + 1
                )
            })
            .collect();
        let table = table(&format!("number,integer,truth,category,text,date\n{rows},,,,,\n"));
        let table = table.set_role("category", Role::Target).expect("it is there");
        let kinds: Vec<Kind> = table.schema().columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds, Kind::ALL);
        let again = read(stream(&table)).expect("what was written");
        assert_eq!((again.schema(), again.n_rows()), (table.schema(), 41));
        assert_eq!(again.fingerprint(), table.fingerprint());
        let few = table.take(&[40, 3, 3]);
        assert_eq!(read(stream(&few)).expect("what was written").fingerprint(), few.fingerprint());
    }

    #[test]
    fn tables_without_rows_or_columns_come_back() {
        let empty = table("x,y\n1,2\n").take(&[]);
        assert_eq!(read(stream(&empty)).expect("what was written").schema(), empty.schema());
        let bare = table("x\n1\n2\n").without(&["x".to_owned()]);
        let again = read(stream(&bare)).expect("what was written");
        assert_eq!((again.n_rows(), again.n_columns()), (2, 0));
    }

    #[test]
    fn values_are_lent_and_kept_where_they_are() {
        let table = table(&format!("x\n{}", "0.25\n".repeat(1_000)));
        let lent = pieces(&table).expect("tables fit streams");
        let column = table.columns()[0].to_data().buffers()[0].as_ptr();
        assert!(lent.iter().any(|piece| piece.as_ptr() == column), "the column is copied");
        let stream = stream(&table);
        let within = stream.as_ptr_range();
        let again = read(stream).expect("what was written");
        assert!(within.contains(&again.columns()[0].to_data().buffers()[0].as_ptr()), "the stream is copied");
    }

    #[test]
    fn broken_streams_are_errors() {
        let whole = stream(&table("x,c\n1.5,a\n2.5,b\n"));
        assert!(read(whole.clone()).is_ok());
        assert!(read(Vec::new()).is_err());
        for end in 0..whole.len() - 8 {
            // Without its end mark a stream still has its rows.
            let cut = read(whole[..end].to_vec());
            assert!(cut.is_err() || cut.is_ok_and(|table| table.n_rows() == 2), "{end}");
        }
    }

    proptest! {
        #[test]
        fn bits_of_numbers_are_kept(values in prop::collection::vec(prop::num::f64::ANY, 1..50)) {
            let column = model::NewColumn { column: Column::new("x", Kind::Number), values: model::NewValues::Number(values), valid: None };
            let table = Table::from_new_columns(vec![column], 0).expect("a table");
            prop_assert_eq!(read(stream(&table)).expect("what was written").fingerprint(), table.fingerprint());
        }
    }
}
