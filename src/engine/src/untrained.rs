//! What a learner node gives.

use learn::Learner;
use pipeline::{Node, Spec, Value};
use study::{Settings, Space};

use crate::{JobError, NodeParams};

/// One learner, or settings among which the best are to be found.
#[derive(Clone, Debug)]
pub enum Untrained {
    /// Single Parameter mode.
    Single(Learner),
    /// Parameter Range mode.
    Range(Box<Range>),
}

/// Makes a learner of what is set.
pub type MakeLearner = fn(NodeParams<'_>) -> Result<Learner, JobError>;

/// Makes a learner of another and of what is set.
pub type WrapLearner = fn(NodeParams<'_>, Learner) -> Result<Learner, JobError>;

/// The settings of one learner node, some of which may vary.
#[derive(Clone, Debug)]
pub struct Range {
    spec: Spec,
    node: Node,
    space: Space,
    make: MakeLearner,
    /// The nodes that make another learner of what comes out, in their order.
    wraps: Vec<Wrap>,
}

/// A node with a learner within its own.
#[derive(Clone, Debug)]
struct Wrap {
    spec: Spec,
    node: Node,
    wrap: WrapLearner,
}

impl Range {
    /// The settings of a node, of which those in `space` vary; dimensions are named by their parameters.
    pub fn new(params: NodeParams<'_>, space: Space, make: MakeLearner) -> Self {
        Self { spec: params.spec().clone(), node: params.node().clone(), space, make, wraps: Vec::new() }
    }

    /// The same range for a node that makes another learner of each of them.
    pub fn within(&self, params: NodeParams<'_>, wrap: WrapLearner) -> Self {
        let mut range = self.clone();
        range.wraps.push(Wrap { spec: params.spec().clone(), node: params.node().clone(), wrap });
        range
    }

    /// The node whose settings they are, then those that make other learners of it.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.node).chain(self.wraps.iter().map(|wrap| &wrap.node))
    }

    /// The learner's component.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The learner's name: "Decision Forest".
    pub fn title(&self) -> &str {
        &self.spec.title
    }

    /// What varies.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// How a parameter is called where people read it.
    pub fn label<'a>(&'a self, param: &'a str) -> &'a str {
        self.spec.param(param).map_or(param, |spec| &spec.label)
    }

    /// A parameter's value where people read it.
    pub fn in_words(&self, param: &str, value: &Value) -> String {
        self.spec.param(param).map_or_else(String::new, |spec| pipeline::value_in_words(spec, value))
    }

    /// The learner with these settings, and all others as they are set.
    ///
    /// # Errors
    /// A value that its parameter does not take.
    pub fn learner(&self, settings: &Settings) -> Result<Learner, JobError> {
        let mut node = self.node.clone();
        node.params.extend(settings.iter().map(|(name, value)| (name.clone(), value.clone())));
        let learner = (self.make)(NodeParams::new(&self.spec, &node))?;
        let wrapped = |learner, Wrap { spec, node, wrap }: &Wrap| wrap(NodeParams::new(spec, node), learner);
        self.wraps.iter().try_fold(learner, wrapped)
    }
}
