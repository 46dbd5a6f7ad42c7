//! One reader for every format.

use crate::{Options, Read, ReadError, csv, json, turns};

/// Reads a file that comes in pieces: delimited text or JSON, by its name or by its first character.
#[derive(Debug)]
pub struct Reader {
    options: Options,
    is_json: Option<bool>,
    inner: Option<Inner>,
}

#[derive(Debug)]
enum Inner {
    Csv(Box<csv::Reader>),
    Json(Box<json::Reader>),
}

impl Reader {
    /// A reader for the file of this name.
    pub fn new(name: &str, options: Options) -> Self {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let is_json = match extension.as_deref() {
            Some("json" | "jsonl" | "ndjson") => Some(true),
            Some("csv" | "tsv" | "tab") => Some(false),
            _ => None,
        };
        Self { options, is_json, inner: None }
    }

    /// Takes the next piece of the file; costs time in proportion to its length.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        if piece.is_empty() {
            return Ok(());
        }
        let options = &self.options;
        let is_json = self.is_json;
        let inner = self.inner.get_or_insert_with(|| {
            let first = piece.iter().find(|byte| !byte.is_ascii_whitespace());
            if is_json.unwrap_or(matches!(first, Some(b'{' | b'['))) {
                Inner::Json(Box::new(json::Reader::new(options.clone())))
            } else {
                Inner::Csv(Box::new(csv::Reader::new(options.clone())))
            }
        });
        match inner {
            Inner::Csv(reader) => reader.push(piece),
            Inner::Json(reader) => reader.push(piece),
        }
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u64 {
        match &self.inner {
            None => 0,
            Some(Inner::Csv(reader)) => reader.n_rows(),
            Some(Inner::Json(reader)) => reader.n_rows(),
        }
    }

    /// Bytes of memory that the rows so far take.
    pub fn n_bytes(&self) -> u64 {
        match &self.inner {
            None => 0,
            Some(Inner::Csv(reader)) => reader.n_bytes(),
            Some(Inner::Json(reader)) => reader.n_bytes(),
        }
    }

    /// The table.
    ///
    /// # Errors
    /// The file cannot be read, or a value is not of the kind that was asked for.
    pub fn finish(self) -> Result<Read, ReadError> {
        turns::all(self.finish_in_turns())
    }

    /// The table, put together in turns of a few milliseconds: whoever drives the future may do something else
    /// between two of them, or drop it.
    ///
    /// # Errors
    /// The file cannot be read, or a value is not of the kind that was asked for.
    pub async fn finish_in_turns(self) -> Result<Read, ReadError> {
        match self.inner {
            None => Err(ReadError::Empty),
            Some(Inner::Csv(reader)) => reader.finish_in_turns().await,
            Some(Inner::Json(reader)) => reader.finish_in_turns().await,
        }
    }
}

/// Reads a whole file.
///
/// # Errors
/// The file cannot be read.
pub fn read_bytes(name: &str, bytes: &[u8], options: Options) -> Result<Read, ReadError> {
    let mut reader = Reader::new(name, options);
    reader.push(bytes)?;
    reader.finish()
}
