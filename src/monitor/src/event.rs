//! Single requests and exceptions, as the tables of Application Insights have them.

use serde::{Deserialize, Serialize};

use crate::{Exception, Served};

/// A request to predict: a row of the table `requests`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestEvent {
    /// When it was answered, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its name: what it brought as `x-request-id`, or what the host made up.
    pub id: String,
    /// Who answered.
    pub served: Served,
    /// The answer's status.
    pub status: u16,
    /// From its arrival to its answer, in seconds.
    pub seconds: f64,
    /// Rows that were predicted.
    pub n_rows: u64,
}

/// What went wrong with a request, or was warned of: a row of the table `exceptions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionEvent {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The request's name.
    pub request_id: String,
    /// Who answered.
    pub served: Served,
    /// What it is.
    pub exception: Exception,
    /// In words, as the caller was told.
    pub message: String,
    /// The column, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The row of the request, from 0, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}
