//! Writes delimited text.

use crate::read::MISSING;
use crate::{Cells, Table, date_text, turns};

/// Writes the table as RFC 4180 says, in pieces of about 64 kB; reading it again with its kinds gives the same
/// table. Missing values are empty; texts that would read as missing are quoted.
pub fn write(table: &Table, out: &mut dyn FnMut(&[u8])) {
    turns::all(write_in_turns(table, out));
}

/// As `write`, in turns of one piece: whoever drives the future may do something else between two, or drop it.
pub async fn write_in_turns(table: &Table, out: &mut dyn FnMut(&[u8])) {
    const PIECE: usize = 64 * 1024;
    let mut buffer = Vec::with_capacity(PIECE + 4096);
    let is_single = table.n_columns() == 1;
    for (column_idx, column) in table.schema().columns.iter().enumerate() {
        if column_idx > 0 {
            buffer.push(b',');
        }
        text_cell(&column.name, &mut buffer);
    }
    buffer.extend_from_slice(b"\r\n");
    let columns: Vec<Cells<'_>> = (0..table.n_columns()).map(|column_idx| table.cells(column_idx)).collect();
    let mut text = String::new();
    for row_idx in 0..table.n_rows() {
        for (column_idx, cells) in columns.iter().enumerate() {
            if column_idx > 0 {
                buffer.push(b',');
            }
            if !cells.is_valid(row_idx) {
                // An empty line is no row.
                buffer.extend_from_slice(if is_single { b"NA" } else { b"" });
                continue;
            }
            match cells {
                // `5.0`, so that a column of numbers does not come back as whole numbers.
                Cells::Number(values) => buffer.extend_from_slice(format!("{:?}", values.value(row_idx)).as_bytes()),
                Cells::DateTime(values) => {
                    buffer.extend_from_slice(date_text(values.value(row_idx), false).as_bytes());
                }
                Cells::Integer(_) | Cells::Boolean(_) => {
                    cells.read(row_idx, &mut text);
                    buffer.extend_from_slice(text.as_bytes());
                }
                Cells::Category { .. } | Cells::Text(_) => {
                    text_cell(cells.str(row_idx).unwrap_or_default(), &mut buffer);
                }
            }
        }
        buffer.extend_from_slice(b"\r\n");
        if buffer.len() >= PIECE {
            out(&buffer);
            buffer.clear();
            turns::rest().await;
        }
    }
    out(&buffer);
}

fn text_cell(text: &str, buffer: &mut Vec<u8>) {
    let needs_quotes = text.is_empty()
        || MISSING.contains(&text)
        || text.starts_with(|first: char| first.is_ascii_whitespace() || first == '\u{feff}')
        || text.ends_with(|last: char| last.is_ascii_whitespace())
        || text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r' | b';' | b'\t' | b'|'));
    if !needs_quotes {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    buffer.push(b'"');
    for (part_idx, part) in text.split('"').enumerate() {
        if part_idx > 0 {
            buffer.extend_from_slice(b"\"\"");
        }
        buffer.extend_from_slice(part.as_bytes());
    }
    buffer.push(b'"');
}
