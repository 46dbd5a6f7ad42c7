//! Tables: Arrow columns with kinds and roles, and the readers and writers of the world's files.
//!
//! Readers take a file piece by piece and find out what is in it: see [`Reader`].

mod binary;
mod build;
mod cast;
mod cells;
pub mod csv;
mod decode;
pub mod ipc;
pub mod json;
mod read;
mod reader;
mod table;
mod turns;
mod value;

pub use cast::CastError;
pub use cells::Cells;
pub use decode::Encoding;
pub use read::{MISSING, Options, Read, ReadError, Rejected, Report};
pub use reader::{Reader, read_bytes};
pub use table::{RenameError, Table, TableError, data_type};
pub use value::{date_millis, date_text, number_text, write_number};
