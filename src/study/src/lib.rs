//! A hyperparameter sweep as plain data: the space, what is aimed at, how it is searched, its limits, and the trials
//! so far. Everything a sweep needs to go on is in its [`Study`], so it can be paused, edited, saved and resumed.
//!
//! A study goes through postcard, and through serde_json with its feature `float_roundtrip`: without it, figures come
//! back off in the last bit.
//!
//! Nothing here draws or decides: that is the crate `sweep`.

mod action;
mod check;
mod news;
mod settings;
mod space;
mod study;
mod trial;
mod words;

pub use action::{Action, Ending, Pause};
pub use check::{ProblemSeverity, StudyProblem, better_when};
pub use news::{Journal, Known, News};
pub use settings::{EarlyTermination, Goal, Limits, MAX_TRIALS, Objective, Rule, Sampling};
pub use space::{Dimension, Distribution, Settings, Space, When, multiple};
pub use study::{ADAPTIVE_CONCURRENCY, Study, StudyError, StudyState};
pub use trial::{Stop, Trial, TrialState};
pub use words::metric_label;
