//! The values of parameters.

use std::collections::BTreeMap;

use schema::ColumnSelection;
use serde::{Deserialize, Serialize};

/// The value of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Left open: no limit, or none chosen yet.
    None,
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number; always finite.
    Float(f64),
    /// Text, a choice, or the name of one column.
    Text(String),
    /// Which columns to work on.
    Columns(ColumnSelection),
    /// A file of the user's.
    File(FileRef),
}

/// A file of the user's, named by what is in it. The bytes stay in the workspace of the browser
/// or on disk; the document and its links carry this much, and small tables in `inline`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileRef {
    /// The name it had when it was opened.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the bytes, the first 32 hexadecimal digits.
    pub hash: String,
    /// The columns it had when it was last read, so that whoever opens a link knows what is asked for.
    pub schema: Option<schema::Schema>,
    /// The bytes themselves where they are few, so that they travel inside a link.
    pub inline: Option<Vec<u8>>,
}

/// Parameters that differ from their defaults, by name.
pub type Params = BTreeMap<String, Value>;
