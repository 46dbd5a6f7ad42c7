//! How deployed models serve: what is counted of requests, and what can be said of the counts.
//!
//! Whoever serves tells a [`Recorder`] of each request; it keeps one [`Minute`] per deployment and minute, and these add
//! up, whichever process or tab counted them. Reads no clock: times are given.

mod alert;
pub mod drift;
mod event;
mod exception;
mod exposition;
mod histogram;
mod history;
mod metrics;
mod minute;
mod otlp;
mod performance;
pub mod query;
mod recorder;
mod rollout;
mod series;
mod traffic;

pub use alert::{AlertMetric, AlertRule, AlertState, Comparison, Severity};
pub use event::{ExceptionEvent, RequestEvent};
pub use exception::Exception;
pub use exposition::{TextFormat, exposition};
pub use histogram::{APDEX_TARGETS, Histogram, LATENCY_BOUNDS};
pub use history::{Step, history};
pub use metrics::{Process, Snapshot, totals};
pub use minute::{Minute, MinuteKey, Record, Served};
pub use otlp::{otlp_logs, otlp_metrics};
pub use performance::{Errors, MIN_LABELS, Performance, PerformanceRecord, performance};
pub use recorder::{Phase, Recorder, Seen};
pub use rollout::RollbackRule;
pub use series::{Filter, Point, series};
pub use traffic::{FAULT_HEADER, Fault, Sending, Traffic, delay_ms};
