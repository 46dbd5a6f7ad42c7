//! How deployed models serve: what is counted of requests, and what can be said of the counts.
//!
//! Whoever serves tells a [`Recorder`] of each request; it keeps one [`Minute`] per deployment and minute, and these add
//! up, whichever process or tab counted them. Reads no clock: times are given.

mod exception;
mod histogram;
mod minute;
mod recorder;
mod series;

pub use exception::Exception;
pub use histogram::{APDEX_TARGETS, Histogram, LATENCY_BOUNDS};
pub use minute::{Minute, MinuteKey, Record, Served};
pub use recorder::{Phase, Recorder, Seen};
pub use series::{Filter, Point, series};
