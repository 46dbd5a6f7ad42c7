//! Looks for a good model by itself: which preparation, which learner with which settings, and which of them together.
//!
//! A search is an ordinary sweep. [`plan`] puts preparations and candidate learners into one pipeline, in which the
//! sweep varies what feeds the node that judges them; so a search pauses, resumes and is looked at as any other sweep.
//! [`blend`] chooses an ensemble from what the trials said of rows they were not trained on, and [`place`] makes the
//! winner a part of the document that can be read and changed.

mod blend;
mod candidates;
mod draft;
mod ensemble;
mod metric;
mod place;
mod plan;

pub use blend::blend;
pub use place::place;
pub use plan::plan;
