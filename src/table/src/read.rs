//! What readers share: options, reports, failures.

use std::collections::BTreeMap;

use schema::{Column, Kind, Schema};

use crate::build::{ColumnBuilder, Finished, Rules, TooMuchText};
use crate::decode::Decoder;
use crate::{Encoding, Table, turns};

/// What the user has decided; everything else is detected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Between cells.
    pub delimiter: Option<u8>,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    /// How characters are written.
    pub encoding: Option<Encoding>,
    /// Whether `1,5` is one and a half.
    pub decimal_comma: Option<bool>,
    /// Texts that mean that there is no value; the usual ones if empty. An empty cell always means that.
    pub missing: Vec<String>,
    /// Kinds by column name.
    pub kinds: BTreeMap<String, Kind>,
}

/// The texts that mean that there is no value.
pub const MISSING: [&str; 15] =
    ["NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "None", "nan", "NaN", "NAN", "?", "-", "-nan"];

impl Options {
    pub(crate) fn rules(&self, point: u8) -> Rules {
        if self.missing.is_empty() {
            Rules::new(point, &MISSING.map(String::from))
        } else {
            Rules::new(point, &self.missing)
        }
    }
}

/// A table and how it was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The values.
    pub table: Table,
    /// What was found.
    pub report: Report,
}

/// What a reader found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Between cells; none for JSON.
    pub delimiter: Option<u8>,
    /// How characters are written.
    pub encoding: Encoding,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Whether `1,5` is one and a half.
    pub decimal_comma: bool,
    /// Rows that were taken.
    pub n_rows: u64,
    /// The first rows that were not taken.
    pub rejected: Vec<Rejected>,
    /// Rows that were not taken.
    pub n_rejected: u64,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Line of the file on which it starts, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

impl Report {
    /// As many rejected rows as are listed.
    pub const MOST_LISTED: usize = 100;

    pub(crate) fn reject(&mut self, line: u64, reason: impl FnOnce() -> String) {
        self.n_rejected += 1;
        if self.rejected.len() < Self::MOST_LISTED {
            self.rejected.push(Rejected { line, reason: reason() });
        }
    }
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not a byte, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// Names without rows.
    #[error("the file has {n_columns} column names in line 1 and no rows below them")]
    HeaderOnly {
        /// Names.
        n_columns: usize,
    },
    /// Not a text file.
    #[error("the file is {found}, not text")]
    Binary {
        /// What it looks like.
        found: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// A quote that is never closed.
    #[error("line {line}: a quote is opened and not closed again before the {}", if *.at_end { "end of the file" } else { "cell grows beyond 64 MB" })]
    OpenQuote {
        /// Where the row starts.
        line: u64,
        /// The file ended.
        at_end: bool,
    },
    /// A row beyond reason.
    #[error("line {line}: one row is longer than 64 MB")]
    LongRow {
        /// Where it starts.
        line: u64,
    },
    /// Every row was rejected.
    #[error("none of the {n_rejected} rows can be read; line {line}: {reason}")]
    NoRows {
        /// Rows.
        n_rejected: u64,
        /// Of the first.
        line: u64,
        /// Of the first.
        reason: String,
    },
    /// One column has too many bytes of text.
    #[error("line {line}: the texts of column {column:?} are longer than 2 GB in all")]
    TooMuchText {
        /// Which column.
        column: String,
        /// Where it was too much.
        line: u64,
    },
    /// A value that is not of the kind that was asked for.
    #[error("row {row}, column {column:?}: {value:?} is not of kind {}", .kind.label())]
    Kind {
        /// Which column.
        column: String,
        /// Counted from 1, without the header.
        row: u64,
        /// What stands there.
        value: String,
        /// What was asked for.
        kind: Kind,
    },
    /// Not JSON, or not records.
    #[error("line {line}: {found}")]
    Json {
        /// Where.
        line: u64,
        /// What is wrong, and what was expected.
        found: String,
    },
}

impl ReadError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::Empty => "Choose a file that has a row of column names and rows of values.".into(),
            Self::HeaderOnly { .. } => {
                "Add rows, or, if line 1 is a row of values, set “First row has names” to no.".into()
            }
            Self::Binary { help, .. } => (*help).into(),
            Self::OpenQuote { .. } => {
                "Close the quote, or double it (\"\") if it is part of the text; a file that was cut off must be \
                 downloaded again."
                    .into()
            }
            Self::LongRow { .. } => "Check that rows end with a line break.".into(),
            Self::NoRows { .. } => "Check the delimiter: it may be another than the one that was detected.".into(),
            Self::TooMuchText { .. } => "Split the file into parts, or leave the column out.".into(),
            Self::Kind { column, .. } => {
                format!("Correct the value, or let the kind of {column:?} be detected.")
            }
            Self::Json { .. } => {
                "The file must be an array of records, [{\"a\": 1}, …], or one record per line.".into()
            }
        }
    }
}

/// What is said of characters that the encoding does not have.
pub(crate) fn replaced_note(decoder: &Decoder, first_line: Option<u64>) -> String {
    format!(
        "{} characters are not {}{}, and were replaced by \u{fffd}; with another encoding they may be letters.",
        decoder.n_replaced,
        decoder.encoding.label(),
        first_line.map_or_else(String::new, |line| format!(", the first in line {line}")),
    )
}

/// Unique names: empty ones get their position, repeated ones a number.
pub(crate) fn unique_names(found: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let mut taken: std::collections::BTreeSet<String> = found.iter().filter(|name| !name.is_empty()).cloned().collect();
    let mut used = std::collections::BTreeSet::new();
    let (mut n_empty, mut renamed) = (0_usize, Vec::new());
    let mut counters: BTreeMap<String, usize> = BTreeMap::new();
    let names: Vec<String> = found
        .into_iter()
        .enumerate()
        .map(|(column_idx, name)| {
            let base = if name.is_empty() { format!("Column {}", column_idx + 1) } else { name.clone() };
            if name.is_empty() {
                n_empty += 1;
                if taken.insert(base.clone()) {
                    used.insert(base.clone());
                    return base;
                }
            } else if used.insert(base.clone()) {
                return base;
            }
            let counter = counters.entry(base.clone()).or_insert(1);
            let unique = loop {
                *counter += 1;
                let candidate = format!("{base} ({counter})");
                if taken.insert(candidate.clone()) {
                    break candidate;
                }
            };
            used.insert(unique.clone());
            if !name.is_empty() {
                renamed.push(unique.clone());
            }
            unique
        })
        .collect();
    if n_empty > 0 {
        notes.push(format!("{n_empty} columns without a name are called by their position."));
    }
    if !renamed.is_empty() {
        notes.push(format!("Names that occur more than once were numbered: {}.", schema::list(&renamed)));
    }
    names
}

/// The columns as a table, each of the kind that was asked for or found.
pub(crate) async fn assemble(
    names: Vec<String>,
    builders: Vec<ColumnBuilder>,
    rules: &Rules,
    options: &Options,
    prefers_day_first: bool,
    mut report: Report,
) -> Result<Read, ReadError> {
    let mut columns = Vec::with_capacity(names.len());
    let mut arrays = Vec::with_capacity(names.len());
    let mut all_missing = Vec::new();
    for (name, builder) in names.into_iter().zip(builders) {
        let wanted = options.kinds.get(&name).copied();
        let Finished { mut kind, mut array, note } = {
            let finished = builder.finish(rules, prefers_day_first).await;
            let line = report.n_rows;
            finished.map_err(|TooMuchText| ReadError::TooMuchText { column: name.clone(), line })?
        };
        if array.null_count() == array.len() {
            all_missing.push(name.clone());
        }
        if let Some(note) = note {
            report.notes.push(format!("Column {name:?}: {note}."));
        }
        if let Some(wanted) = wanted
            && wanted != kind
        {
            array = crate::cast::convert(&array, kind, wanted).await.map_err(|refusal| ReadError::Kind {
                column: name.clone(),
                row: refusal.row_idx as u64 + 1,
                value: refusal.value,
                kind: wanted,
            })?;
            kind = wanted;
        }
        columns.push(Column::new(name, kind));
        arrays.push(array);
        turns::rest().await;
    }
    for name in options.kinds.keys().filter(|name| !columns.iter().any(|column| column.name == **name)) {
        report.notes.push(format!("A kind is set for {name:?}, but there is no such column."));
    }
    if !all_missing.is_empty() {
        report.notes.push(format!("No value at all in {}.", schema::list(&all_missing)));
    }
    match Table::new(Schema::new(columns), arrays) {
        Ok(table) => Ok(Read { table, report }),
        // Not reached: names are unique, and every column got a cell for every row.
        Err(_) => Err(ReadError::Empty),
    }
}
