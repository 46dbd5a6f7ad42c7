//! What is said about runs.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{NodeId, OutPort};
use schema::Schema;
use serde::{Deserialize, Serialize};

use crate::Face;

/// Numbers runs within a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u32);

/// How much of a pipeline to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunTarget {
    /// Everything.
    All,
    /// These nodes and all they rest on.
    To(Vec<NodeId>),
}

/// Which nodes are computed although an earlier result is at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rerun {
    /// None: what has not changed is reused.
    #[default]
    Changed,
    /// All (`force_rerun`).
    All,
    /// These, and whatever rests on them (*Regenerate output*).
    Nodes(Vec<NodeId>),
}

/// How a run moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// As fast as it can.
    #[default]
    Free,
    /// Not at all: it waits at the next checkpoint.
    Paused,
    /// To the end of the pass over the rows that is under way; then it is paused.
    OnePass,
}

/// Who computes a run. Results do not depend on it, but for networks on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compute {
    /// Workers side by side, the one that is asked among them.
    pub n_workers: u32,
    /// They share the smallest work too, which takes longer: for tests.
    pub shares_all: bool,
    /// What trains neural networks.
    pub networks: Networks,
}

impl Compute {
    /// So many workers, where the work is worth it, and no GPU.
    pub fn with_workers(n_workers: u32) -> Self {
        Self { n_workers, shares_all: false, networks: Networks::Cpu }
    }
}

/// What trains neural networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Networks {
    /// The CPU: the same figures on every computer.
    #[default]
    Cpu,
    /// The GPU, which rounds in its own way; where there is none, the CPU.
    Gpu,
    /// Whichever is faster by what was measured on this computer; where nothing was, it is measured first.
    Faster(Option<Paces>),
}

/// What was measured of a CPU and a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paces {
    /// Of one worker.
    pub cpu: Pace,
    /// Of the GPU.
    pub gpu: Pace,
}

/// How long a step of training takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Seconds, whatever is to do.
    pub fixed_secs: f64,
    /// Seconds for each product of a weight and a number of the batch.
    pub product_secs: f64,
}

impl Pace {
    /// Seconds of a step.
    pub fn secs(&self, n_products: f64) -> f64 {
        self.fixed_secs + self.product_secs * n_products
    }
}

/// A computer's GPU, beside its CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GpuFound {
    /// As its driver says.
    pub name: String,
    /// Whether it is a program on the CPU.
    pub is_software: bool,
    /// How fast both are.
    pub paces: Paces,
}

/// Why something did not work: what, where and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What is wrong: found and expected, with row and column where there are any.
    pub message: String,
    /// The way out; empty when there is none to tell.
    pub help: String,
}

impl Failure {
    /// A failure with its way out.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// How a node came out of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeOutcome {
    /// It was computed.
    Ran,
    /// An earlier result was taken.
    Reused,
    /// It did not work.
    Failed(Failure),
    /// Something it depends on failed: which.
    Skipped(NodeId),
    /// The run was cancelled before it was done.
    Cancelled,
}

/// What a node left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// How it came out.
    pub outcome: NodeOutcome,
    /// One sentence: why it ran or was reused, naming what changed.
    pub why: String,
    /// Wall time of its own computation; of the earlier one if it was reused.
    pub elapsed_secs: f64,
    /// The workers that computed it: 0 is the first, which all others help. None if it was reused.
    pub workers: BTreeSet<u32>,
    /// Its result in miniature.
    pub face: Option<Face>,
    /// For each output what flowed, such as "120 × 5" or "100 trees".
    pub outputs: BTreeMap<String, String>,
    /// Content addresses of its outputs, hexadecimal.
    pub artifacts: BTreeMap<String, String>,
    /// Headline metrics by name, for experiments and assertions.
    pub metrics: BTreeMap<String, f64>,
}

/// A figure that a node had before its last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Of the metric, as in `NodeReport::metrics`.
    pub name: String,
    /// Counted from 0: the fold, the round.
    pub step: u32,
    /// The figure.
    pub value: f64,
    /// The rows it rests on, where each step is a measurement of its own, as in cross-validation.
    pub rows: Option<FoldRows>,
}

/// The rows of one fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldRows {
    /// Trained on.
    pub n_train: u64,
    /// Tested on.
    pub n_test: u64,
}

/// What happens while a pipeline runs, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunEvent {
    /// These nodes will be visited, in this order.
    Planned {
        /// Which run.
        run: RunId,
        /// Topological order.
        nodes: Vec<NodeId>,
    },
    /// A node began to compute.
    Started {
        /// Which run.
        run: RunId,
        /// Which node.
        node: NodeId,
        /// In which worker: 0 is the first, which all others help.
        worker: u32,
    },
    /// A node got further.
    Progress {
        /// Which run.
        run: RunId,
        /// Which node.
        node: NodeId,
        /// 0 to 1.
        fraction: f64,
        /// "128 of 200 trees"; may be empty.
        message: String,
    },
    /// A node measured something on its way: a fold's score, the loss after a round.
    Metric {
        /// Which run.
        run: RunId,
        /// Which node.
        node: NodeId,
        /// What was measured.
        measured: Measured,
    },
    /// A node is through.
    Finished {
        /// Which run.
        run: RunId,
        /// Which node.
        node: NodeId,
        /// How it went.
        report: NodeReport,
    },
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Which run.
    pub run: RunId,
    /// Every planned node.
    pub nodes: BTreeMap<NodeId, NodeReport>,
    /// The user stopped it.
    pub cancelled: bool,
    /// Wall time.
    pub elapsed_secs: f64,
    /// The columns of every table output as it really came out.
    pub schemas: BTreeMap<OutPort, Schema>,
}
