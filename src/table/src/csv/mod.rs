//! Delimited text: the world's CSV and TSV files.

mod reader;
mod scan;
mod sniff;
mod write;

pub use reader::Reader;
pub use write::{write, write_in_turns};

pub use crate::read::{Options, Read, Rejected, Report};
