//! Rows of a file, as requests bring them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use model::{ColumnView, Values};
use serde_json::{Value as Json, json};
use server::Columns;
use table::{Options, Table, read_bytes};

/// A table's file: CSV, JSON or lines of JSON.
pub fn table(path: &Path) -> Result<(Table, blake3::Hash)> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let read = read_bytes(&name, &bytes, Options::default()).with_context(|| path.display().to_string())?;
    Ok((read.table, blake3::hash(&bytes)))
}

/// Some rows, column by column.
pub fn columns(table: &Table, rows: std::ops::Range<usize>) -> Columns {
    let frame = table.frame();
    let column = |column: &ColumnView<'_>| {
        let values = rows.clone().map(|row| cell(column, row)).collect();
        (column.name.to_owned(), values)
    };
    frame.columns.iter().map(column).collect()
}

fn cell(column: &ColumnView<'_>, row: usize) -> Json {
    match &column.values {
        _ if !column.is_valid(row) => Json::Null,
        Values::Number(values) => json!(values[row]),
        Values::Integer(values) | Values::DateTime(values) => json!(values[row]),
        Values::Boolean(values) => json!(values[row]),
        Values::Category { codes, dictionary } => json!(dictionary.get(codes[row] as usize)),
        Values::Text(values) => json!(values[row]),
    }
}
