//! A registered model behind an address: from a request's bytes to an answer's bytes.
//!
//! The service worker and the server carry requests to one [`Service`], which speaks the Open Inference Protocol, version
//! 2, with MLflow's `/invocations` and Azure's `/score` beside it. It reads no clock, file or network, and keeps nothing
//! between requests: what a host knows, it asks the [`Host`] for.

mod answer;
mod binary;
mod check;
mod describe;
mod feedback;
mod infer;
mod json;
mod manage;
mod monitoring;
mod observe;
mod plain;
mod request;
mod route;
mod rows;
mod rules;
mod scorer;
mod service;
mod stats;
mod trace;

pub use answer::{Answer, Mismatch, Refusal};
pub use feedback::{Feedback, Remembered};
pub use manage::{MAX_PACKAGE, Managed};
pub use monitoring::{Apart, DriftReport, Mirrored, Monitoring, Past, PerformanceReport, Spread, Topic, drift};
pub use observe::{Observed, Observer, Outcome};
pub use request::Request;
pub use route::{Action, Route};
pub use rows::{Checked, Rows, Vector};
pub use rules::{AlertStatus, alerts, rollbacks, watches_drift};
pub use scorer::{LoadError, Scored, Scorer};
pub use service::{Disagreement, Handled, Host, Service};
pub use trace::Trace;

/// A body of more bytes is refused unless the host says otherwise.
pub const MAX_BODY: usize = 8 << 20;
