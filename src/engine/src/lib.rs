//! Runs pipelines: what must run and why, what can be taken from before, what failed and what
//! that stops. Reads no clock, file, network or entropy: it asks its [`Host`].

mod artifact;
mod cache;
mod component;
mod engine;
mod export;
mod face;
mod host;
mod job;
mod key;
mod keys;
mod package;
mod parcel;
mod preview;
mod profile;
mod sort;
mod team;
pub mod testing;
#[cfg(not(target_arch = "wasm32"))]
pub mod threads;
mod untrained;
mod why;

pub use artifact::{Artifact, Evaluation, Port};
pub use component::{Component, Flow, FlowError, Running, Scoring, Work};
pub use engine::Engine;
pub use export::{export, export_in_turns};
pub use host::{Host, Local, Source, give_way};
pub use job::{Job, JobError, Parts};
pub use keys::{In, NodeParams, Out, Param, ParamValue};
pub use parcel::{Parcel, decoded, encoded};
pub use preview::{RowOrders, preview};
pub use profile::profiles;
pub use team::{Answer, Answered, Crew, Helper, Order, Task};
pub use untrained::{MakeLearner, Range, Untrained, WrapLearner};
