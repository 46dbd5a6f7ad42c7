//! Who is told of each request.

use std::collections::BTreeMap;

use registry::Name;
use serde::{Deserialize, Serialize};

use crate::{Exception, Minute, MinuteKey};

/// A part of the work on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading the body.
    Decode,
    /// Holding it to the model's signature.
    Validate,
    /// Preparation and prediction.
    Predict,
    /// Writing the answer.
    Encode,
}

/// What is told of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// When it was answered, in milliseconds since 1970.
    pub at_ms: u64,
    /// The endpoint that it named, if there is such a one.
    pub endpoint: Option<Name>,
    /// The deployment that answered.
    pub deployment: Option<Name>,
    /// Its version; 0 if none was reached.
    pub version: u32,
    /// The answer's status.
    pub status: u16,
    /// From its arrival to its answer, in seconds.
    pub seconds: f64,
    /// Rows that were predicted.
    pub n_rows: u64,
    /// What went wrong or was warned of, each once.
    pub exceptions: Vec<Exception>,
    /// How long each phase took, in seconds, where that was measured.
    pub phases: Vec<(Phase, f64)>,
}

/// Counts requests by deployment and minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorder {
    /// By key; what is taken out is written by the host and starts anew at nothing.
    pub minutes: BTreeMap<MinuteKey, Minute>,
}
