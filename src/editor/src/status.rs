//! How far nodes and runs have come.

use pipeline::NodeId;
use protocol::{Failure, NodeOutcome, NodeReport, RunId};

/// What a node's badge says.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum NodeState {
    /// It has not run.
    #[default]
    Idle,
    /// Its turn will come.
    Queued,
    /// It computes.
    Running {
        /// 0 to 1.
        fraction: f64,
        /// "128 of 200 trees"; may be empty.
        message: String,
    },
    /// It was computed.
    Ran,
    /// An earlier result was taken.
    Reused,
    /// It has a result, and the pipeline has changed since.
    Stale,
    /// It did not work.
    Failed(Failure),
    /// What it rests on failed.
    Skipped(NodeId),
    /// The run was stopped before it was done.
    Cancelled,
}

impl NodeState {
    /// The word shown to people.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Idle => "Not run yet",
            Self::Queued => "Queued",
            Self::Running { .. } => "Running",
            Self::Ran => "Ran",
            Self::Reused => "Reused",
            Self::Stale => "Out of date",
            Self::Failed(_) => "Failed",
            Self::Skipped(_) => "Skipped",
            Self::Cancelled => "Stopped",
        }
    }

    /// The suffix of its class and token, `node-card--…`.
    pub fn token(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Ran => "ran",
            Self::Reused => "reused",
            Self::Stale => "stale",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// As a run left it.
    pub fn after(outcome: &NodeOutcome) -> Self {
        match outcome {
            NodeOutcome::Ran => Self::Ran,
            NodeOutcome::Reused => Self::Reused,
            NodeOutcome::Failed(failure) => Self::Failed(failure.clone()),
            NodeOutcome::Skipped(culprit) => Self::Skipped(culprit.clone()),
            NodeOutcome::Cancelled => Self::Cancelled,
        }
    }
}

/// What is known about a node beside the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStatus {
    /// What its badge says.
    pub state: NodeState,
    /// Why, in one sentence; empty before the first run.
    pub why: String,
    /// What its last finished run left behind.
    pub report: Option<NodeReport>,
}

/// Whether anything runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RunState {
    /// Nothing does.
    #[default]
    Idle,
    /// A run is under way.
    Running {
        /// Which.
        run: RunId,
        /// 0 to 1, over its nodes.
        fraction: f64,
        /// It was asked to stop.
        cancelling: bool,
    },
}
