//! How deployed models serve: what is counted of requests, and what can be said of the counts.
//!
//! Whoever serves tells a [`Recorder`] of each request; it keeps one [`Minute`] per deployment and minute, and these add
//! up, whichever process or tab counted them. Reads no clock: times are given.

mod exception;
mod minute;
mod recorder;

pub use exception::Exception;
pub use minute::{Histogram, LATENCY_BOUNDS, Minute, MinuteKey};
pub use recorder::{Phase, Recorder, Seen};
