//! A small part of Kusto's query language over single requests and exceptions.
//!
//! ```text
//! requests
//! | where resultCode >= 400 and duration > 5
//! | summarize count(), percentile(duration, 95) by name, bin(timestamp, 1m)
//! | top 10 by count_
//! ```
//!
//! Tables and columns are called as in Application Insights. What is different from Kusto: `resultCode` is a number,
//! percentiles are exact (nearest rank), and missing numbers equal nothing.

mod compute;
mod expression;
mod lexer;
mod parse;
mod steps;
mod summarize;
mod table;
mod tables;
mod wire;

use serde::{Deserialize, Serialize};

pub use parse::Chart;
pub use table::{Cell, CellKind, Column, Table};
pub use tables::Tables;
pub use wire::{Rows, Told};

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its rows.
    pub table: Table,
    /// How they are to be shown, if `render` says so.
    pub chart: Option<Chart>,
}

/// A query that cannot be carried out, where it goes wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("character {}: found {found}, expected {expected}", .at + 1)]
pub struct QueryError {
    /// Characters before it.
    pub at: usize,
    /// What stands there.
    pub found: String,
    /// What should stand there, or the way out.
    pub expected: String,
}

/// Carries out a query. `now_ms` is what `now()` gives, in milliseconds since 1970.
///
/// # Errors
/// The first that is wrong with it.
pub fn query(text: &str, tables: &Tables, now_ms: u64) -> Result<Answer, QueryError> {
    let query = parse::parse(text)?;
    steps::run(&query, tables, now_ms)
}
