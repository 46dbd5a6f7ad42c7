//! What a component is to the engine.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use pipeline::{Node, Spec};
use schema::Schema;

use crate::{In, Job, JobError, Local, NodeParams, Out, Param, ParamValue};

/// A running component.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), JobError>> + 'a>>;

/// One entry of the catalogue.
pub trait Component: Sync {
    /// What it is, as data.
    fn spec(&self) -> Spec;

    /// The columns of its table outputs, from those of its inputs and its parameters. An output left
    /// out is not known before a run. What is plainly wrong (a column that is not there) is an error here
    /// already, before anything runs.
    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let _ = flow;
        Ok(())
    }

    /// Computes its outputs.
    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a>;

    /// Computes one of the parts that `run` asks for with [`Job::parts`], here or in a helper. It depends on inputs,
    /// parameters, seed and the part's place alone, and leaves nothing but what it gives; `encoded` makes bytes of it.
    fn part<'a>(&'a self, job: &'a mut Job<'_>, stage: u32, part_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        let _ = (job, stage, part_idx);
        // Only a component whose work falls into parts is asked for one.
        Box::pin(async { Err(JobError::Cancelled) })
    }

    /// What becomes here of rows that come to be predicted, once a model that was trained behind this node serves.
    fn scoring(&self, params: NodeParams<'_>) -> Scoring {
        let _ = params;
        Scoring::Entry
    }

    /// About how many bytes it takes at its peak beside its inputs, what it gives included. A node that would not fit
    /// into the host's memory is refused before it begins. Most components copy every column once.
    fn memory(&self, job: &Job<'_>) -> u64 {
        job.table_bytes()
    }

    /// About how much there is to do with these inputs; none where it is soon done. Long works that do not rest on each
    /// other are computed side by side.
    fn work(&self, job: &Job<'_>) -> Work {
        let _ = job;
        Work::default()
    }
}

/// What becomes at a node of rows that come to be predicted. Ports are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// They cannot be carried through it: they enter as they would leave it.
    Entry,
    /// They pass as they are: it only chooses rows, or changes what nothing looks at.
    Passes {
        /// The input of rows.
        table: &'static str,
        /// "chooses rows for training".
        why: &'static str,
    },
    /// What it learned of the training rows is applied to them.
    Fitted {
        /// The input of rows.
        table: &'static str,
        /// The output of what was learned.
        transformation: &'static str,
    },
    /// What comes in is applied to them.
    Given {
        /// The input of rows.
        table: &'static str,
        /// The input of what is applied.
        transformation: &'static str,
    },
    /// It trains the model on such rows.
    Trains {
        /// The input of rows.
        table: &'static str,
    },
    /// It predicts them.
    Predicts {
        /// The input of the model.
        model: &'static str,
        /// The input of rows.
        table: &'static str,
    },
}

/// How much there is to do. Only who does it depends on this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// About how many nanoseconds it takes on one core.
    pub nanos: u64,
    /// Into how many parts it falls; 0 and 1 are the same.
    pub n_parts: u32,
    /// Whether others go to helpers first, as the engine that runs the pipeline keeps what comes of it on the way.
    pub stays: bool,
}

/// Columns on their way through one node.
pub struct Flow<'a> {
    pub(crate) node: &'a Node,
    pub(crate) spec: &'a Spec,
    pub(crate) inputs: BTreeMap<String, Schema>,
    pub(crate) sources: BTreeMap<String, NodeParams<'a>>,
    pub(crate) outputs: BTreeMap<String, Schema>,
}

/// What is wrong with a node's parameters, given the columns that reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowError {
    /// The parameter or input it is about.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl<'a> Flow<'a> {
    /// The columns at an input, where they are known.
    pub fn input<T>(&self, port: In<T>) -> Option<&Schema> {
        self.inputs.get(port.name)
    }

    /// What is set on the node that an input comes from. Known before a run; in a run, what comes in is there to ask.
    pub fn source<T>(&self, port: In<T>) -> Option<NodeParams<'a>> {
        self.sources.get(port.name).copied()
    }

    /// Says what an output will have.
    pub fn output<T>(&mut self, port: Out<T>, schema: Schema) {
        self.outputs.insert(port.name.into(), schema);
    }

    /// All that is set.
    pub fn params(&self) -> NodeParams<'a> {
        NodeParams::new(self.spec, self.node)
    }

    /// A parameter's value; its default where the value set is of the wrong type.
    pub fn param<T: ParamValue>(&self, param: Param<T>) -> Option<T> {
        let spec = self.spec.param(param.name)?;
        T::from_value(self.node.value(spec)).or_else(|| T::from_value(&spec.default))
    }
}
