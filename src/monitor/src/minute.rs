//! What is counted of one deployment in one minute.

use std::collections::BTreeMap;

use registry::Name;
use serde::{Deserialize, Serialize};

use crate::Exception;

/// Upper bounds of the buckets of response times, in seconds: those of OpenTelemetry's semantic conventions for HTTP, and
/// finer ones below, since a model answers in less than a millisecond.
pub const LATENCY_BOUNDS: [f64; 19] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
    10.0,
];

/// Whose counts they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MinuteKey {
    /// Minutes since 1970.
    pub minute: u64,
    /// The endpoint; none for requests that name no endpoint there is, so that made-up names make no counters.
    pub endpoint: Option<Name>,
    /// The deployment that answered; none if none was reached.
    pub deployment: Option<Name>,
    /// The model's version; 0 if none was reached.
    pub version: u32,
}

/// Counts. Two of the same key add up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Requests by the status of their answer.
    pub statuses: BTreeMap<u16, u64>,
    /// Response times.
    pub durations: Histogram,
    /// Rows that were predicted.
    pub n_rows: u64,
    /// Exceptions and warnings, each counted once a request.
    #[serde(default)]
    pub exceptions: BTreeMap<Exception, u64>,
    /// The most requests under way at once.
    pub max_in_flight: u32,
    /// The most requests that waited at once.
    pub max_queue: u32,
    /// Milliseconds of the work on requests, by phase.
    #[serde(default)]
    pub phase_ms: BTreeMap<crate::Phase, f64>,
}

/// Times in buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Counts by bucket, the last for all that lies above the last bound; shorter ones end with zeros.
    pub counts: Vec<u64>,
    /// The sum of all times, in seconds.
    pub sum: f64,
}
