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

use protocol::{Failure, NodeOutcome, RunReport};

pub use blend::blend;
pub use place::place;
pub use plan::plan;

/// Why a run did not come to its end.
fn came_through(report: &RunReport) -> Result<(), Failure> {
    report.nodes.iter().try_for_each(|(id, node)| match &node.outcome {
        NodeOutcome::Failed(failure) => {
            Err(Failure::new(format!("`{id}` failed: {}", failure.message), failure.help.clone()))
        }
        NodeOutcome::Cancelled => Err(stopped()),
        NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) => Ok(()),
    })
}

fn stopped() -> Failure {
    Failure::new("AutoML was stopped", "Begin it again.")
}
