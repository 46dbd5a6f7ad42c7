//! Recognises files that are not text.

use crate::{Encoding, ReadError};

/// The failure of a file whose first bytes are not text.
pub(crate) fn recognise(sample: &[u8], encoding: Encoding) -> Option<ReadError> {
    const KNOWN: [(&[u8], &str, &str); 9] = [
        (b"PK\x03\x04", "a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV (UTF-8)."),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as CSV (UTF-8)."),
        (b"PAR1", "a Parquet file", "Convert it to CSV, for instance with pandas: pd.read_parquet(…).to_csv(…)."),
        (b"ARROW1", "an Arrow file", "Convert it to CSV, for instance with pandas: pd.read_feather(…).to_csv(…)."),
        (b"\x1f\x8b", "compressed with gzip", "Unpack it first."),
        (b"%PDF", "a PDF document", "Copy its table into a spreadsheet and save that as CSV."),
        (b"\x89PNG", "a picture", "Choose a file of rows and columns."),
        (b"\xff\xd8\xff", "a picture", "Choose a file of rows and columns."),
        (b"SQLite format 3", "a SQLite database", "Export the table as CSV."),
    ];
    if let Some((_, found, help)) = KNOWN.iter().find(|(mark, _, _)| sample.starts_with(mark)) {
        return Some(ReadError::Binary { found, help });
    }
    let is_wide = matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be);
    let n_control = sample.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)).count();
    let has_zeros = !is_wide && sample.contains(&0);
    (has_zeros || (!is_wide && n_control * 50 > sample.len())).then_some(ReadError::Binary {
        found: "binary",
        help: "Choose a CSV, TSV or JSON file; a spreadsheet can be saved as CSV (UTF-8).",
    })
}
