//! A document that grows, and the edits by which it does.

use pipeline::{Catalogue, Edit, InPort, Node, NodeId, OutPort, Params, Pipeline, Point, Value};
use protocol::Failure;

/// A document with what was added to it so far.
pub struct Draft<'a> {
    pub pipeline: Pipeline,
    /// What was added.
    pub edits: Vec<Edit>,
    catalogue: &'a Catalogue,
}

impl<'a> Draft<'a> {
    pub fn new(pipeline: Pipeline, catalogue: &'a Catalogue) -> Self {
        Self { pipeline, edits: Vec::new(), catalogue }
    }

    /// Adds a node under a free id.
    ///
    /// # Errors
    /// The catalogue has no such component.
    pub fn add(&mut self, component: &str, params: Params) -> Result<NodeId, Failure> {
        let spec = self.catalogue.get(component).ok_or_else(|| {
            Failure::new(format!("there is no component `{component}`"), "Use a version of Millrace that has it.")
        })?;
        let id = self.pipeline.free_id(component);
        let node = Node {
            component: component.into(),
            version: spec.version,
            title: None,
            params,
            position: Point::default(),
        };
        self.apply(Edit::AddNode(id.clone(), node))?;
        Ok(id)
    }

    /// Feeds an input.
    ///
    /// # Errors
    /// A node is not there.
    pub fn connect(&mut self, from: &OutPort, node: &NodeId, input: &str) -> Result<(), Failure> {
        self.apply(Edit::Connect(from.clone(), InPort::new(node, input)))
    }

    fn apply(&mut self, edit: Edit) -> Result<(), Failure> {
        self.pipeline.apply(edit.clone()).map_err(|error| {
            Failure::new(error.to_string(), "Begin the search anew with the pipeline as it is now.")
        })?;
        self.edits.push(edit);
        Ok(())
    }
}

/// Parameters by name.
pub fn params<const N: usize>(params: [(&str, Value); N]) -> Params {
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A choice, a text or a column's name.
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
