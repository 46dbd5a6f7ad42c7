//! The document: what is drawn, saved, shared and run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::{EditError, ParamSpec, Parameter, Params, Value};

/// Names a node within its pipeline, for people too: `split`, `train-2`.
///
/// Invariant: one to 40 of `a-z 0-9 -`, a letter first. Kept by `new`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// # Errors
    /// Text that is no node id.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits = text.len() <= 40
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(format!("{text:?} is no node id: use a-z, 0-9 and -, a letter first, 40 at most"))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0.as_ref().into()
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place on the canvas, in pipeline units (CSS pixels at 100 %).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// One placed component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The component's id. It may be one this version does not know: the node is then a placeholder.
    pub component: String,
    /// The component's version when the node was placed or last migrated.
    pub version: u32,
    /// The user's own name for it.
    pub title: Option<String>,
    /// Parameters that differ from their defaults.
    pub params: Params,
    /// The card's top left corner.
    pub position: Point,
}

impl Node {
    /// A parameter's value: what was set, else its default.
    pub fn value<'a>(&'a self, spec: &'a ParamSpec) -> &'a Value {
        self.params.get(&spec.name).unwrap_or(&spec.default)
    }
}

/// An output of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutPort {
    /// The node.
    pub node: NodeId,
    /// The output's name.
    pub port: String,
}

/// An input of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InPort {
    /// The node.
    pub node: NodeId,
    /// The input's name.
    pub port: String,
}

impl OutPort {
    /// An output by name.
    pub fn new(node: &NodeId, port: &str) -> Self {
        Self { node: node.clone(), port: port.into() }
    }
}

impl InPort {
    /// An input by name.
    pub fn new(node: &NodeId, port: &str) -> Self {
        Self { node: node.clone(), port: port.into() }
    }
}

impl fmt::Display for OutPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.port)
    }
}

impl fmt::Display for InPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.port)
    }
}

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Shown as the document's title.
    pub(crate) name: String,
    /// The seed that every node's own is derived from.
    pub(crate) seed: u64,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    /// What feeds each connected input; an input takes one edge.
    ///
    /// Invariant: both ends are nodes of this pipeline, and the edges form no cycle. Kept by
    /// `apply`, the only method that changes a pipeline.
    pub(crate) edges: BTreeMap<InPort, OutPort>,
    /// Declared once for all nodes, by name.
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// Which of them the parameter of a node takes its value from.
    ///
    /// Invariant: the node and the parameter exist, and the node's value is the parameter's default. Kept by `apply`.
    pub(crate) bindings: BTreeMap<(NodeId, String), String>,
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A pipeline of these parts, from a file or a link.
    ///
    /// # Errors
    /// Edges without an end, or that form a cycle.
    pub fn from_parts(
        name: String,
        seed: u64,
        nodes: BTreeMap<NodeId, Node>,
        edges: BTreeMap<InPort, OutPort>,
    ) -> Result<Self, EditError> {
        let pipeline = Self { name, seed, nodes, edges, ..Self::default() };
        for id in pipeline.edges.iter().flat_map(|(to, from)| [&from.node, &to.node]) {
            if !pipeline.nodes.contains_key(id) {
                return Err(EditError::NodeNotFound(id.clone()));
            }
        }
        let ordered: BTreeSet<_> = pipeline.topological_order().into_iter().gather();
        // Whoever is left over is on a cycle, or behind one.
        let Some(left) = pipeline.nodes.keys().find(|id| !ordered.contains(id)) else { return Ok(pipeline) };
        let mut way = vec![left.clone()];
        loop {
            let Some(before) = pipeline.upstream(&way[way.len() - 1]).into_iter().find(|id| !ordered.contains(id))
            else {
                return Err(EditError::Cycle(way));
            };
            if let Some(start) = way.iter().position(|id| *id == before) {
                let mut cycle = way.split_off(start);
                cycle.push(before);
                cycle.reverse();
                return Err(EditError::Cycle(cycle));
            }
            way.push(before);
        }
    }

    /// Whether its nodes have no places: a link that was short of room leaves them out.
    pub fn is_unplaced(&self) -> bool {
        self.nodes.len() > 1 && self.nodes.values().all(|node| node.position == Point::default())
    }

    /// The title.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed that every node's own is derived from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// What feeds each connected input.
    pub fn edges(&self) -> &BTreeMap<InPort, OutPort> {
        &self.edges
    }

    /// The parameters of the pipeline, by name.
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// What feeds this input.
    pub fn source(&self, input: &InPort) -> Option<&OutPort> {
        self.edges.get(input)
    }

    /// The nodes that feed this one directly, each once, by id.
    pub fn upstream(&self, id: &NodeId) -> Vec<NodeId> {
        let fed = self.edges.iter().filter(|(to, _)| to.node == *id);
        fed.map(|(_, from)| from.node.clone()).gather::<BTreeSet<_>>().into_iter().collect()
    }

    /// These nodes and every one that feeds them, however far away.
    pub fn feeding<'a>(&self, ends: impl IntoIterator<Item = &'a NodeId>) -> BTreeSet<NodeId> {
        let mut open: Vec<NodeId> = ends.into_iter().cloned().collect();
        let mut found: BTreeSet<NodeId> = open.iter().cloned().gather();
        while let Some(id) = open.pop() {
            open.extend(self.upstream(&id).into_iter().filter(|id| found.insert(id.clone())));
        }
        found
    }

    /// The nodes that this one feeds directly, each once, by id.
    pub fn downstream(&self, id: &NodeId) -> Vec<NodeId> {
        let fed = self.edges.iter().filter(|(_, from)| from.node == *id);
        fed.map(|(to, _)| to.node.clone()).gather::<BTreeSet<_>>().into_iter().collect()
    }

    /// Every node after all that feed it; ties by id.
    pub fn topological_order(&self) -> Vec<NodeId> {
        let mut n_open: BTreeMap<&NodeId, usize> = self.nodes.keys().map(|id| (id, 0)).gather();
        let mut feeds: BTreeMap<&NodeId, Vec<&NodeId>> = BTreeMap::new();
        for (to, from) in &self.edges {
            *n_open.entry(&to.node).or_default() += 1;
            feeds.entry(&from.node).or_default().push(&to.node);
        }
        let mut ready: BTreeSet<&NodeId> = n_open.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).gather();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(id) = ready.pop_first() {
            for next in feeds.get(id).into_iter().flatten() {
                if let Some(n) = n_open.get_mut(*next) {
                    *n -= 1;
                    if *n == 0 {
                        ready.insert(next);
                    }
                }
            }
            order.push(id.clone());
        }
        order
    }

    /// A free id from the last part of a component's id: `train-model`, then `train-model-2`.
    pub fn free_id(&self, component: &str) -> NodeId {
        let stem: String = component
            .rsplit('.')
            .next()
            .unwrap_or(component)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(34)
            .collect();
        let stem = if stem.starts_with(|c: char| c.is_ascii_lowercase()) { stem } else { format!("n{stem}") };
        (1..)
            .map(|n| if n == 1 { stem.clone() } else { format!("{stem}-{n}") })
            .filter_map(|text| NodeId::new(&text).ok())
            .find(|id| !self.nodes.contains_key(id))
            .unwrap_or_else(|| unreachable!("there are more ids than nodes"))
    }
}
