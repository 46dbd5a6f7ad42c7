//! What copying puts on the clipboard: some nodes and the edges around them, as JSON that survives chats and editors.

use std::collections::{BTreeMap, BTreeSet};

use schema::ordered::Gather;
use serde_json::{Value as Json, json};

use crate::format::{Fields, PLAIN, edges_from_json, nodes_from_json, nodes_to_json, open, placed, pretty};
use crate::{InPort, Node, NodeId, OutPort, Pipeline, ReadError};

/// A piece of a pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// Its nodes.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Edges among them.
    pub edges: Vec<(OutPort, InPort)>,
    /// Edges that came in from outside.
    pub incoming: Vec<(OutPort, InPort)>,
}

impl Fragment {
    /// These nodes of a pipeline.
    pub fn of(pipeline: &Pipeline, chosen: &BTreeSet<NodeId>) -> Self {
        let nodes = pipeline.nodes().iter().filter(|(id, _)| chosen.contains(id));
        let mut fragment =
            Self { nodes: nodes.map(|(id, node)| (id.clone(), node.clone())).gather(), ..Self::default() };
        for (to, from) in pipeline.edges().iter().filter(|(to, _)| chosen.contains(&to.node)) {
            let edges = if chosen.contains(&from.node) { &mut fragment.edges } else { &mut fragment.incoming };
            edges.push((from.clone(), to.clone()));
        }
        fragment
    }

    /// Whether text looks like one, whether or not it can be read.
    pub fn is_one(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with('{') && text.contains("\"millrace\"")
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let edges = |edges: &[(OutPort, InPort)]| -> Json {
            Json::Object(edges.iter().map(|(from, to)| (to.to_string(), Json::from(from.to_string()))).gather())
        };
        pretty(&json!({
            "edges": edges(&self.edges),
            "format": PLAIN,
            "incoming": edges(&self.incoming),
            "millrace": "nodes",
            "nodes": nodes_to_json(&self.nodes),
        }))
    }

    /// From text: nodes that were copied, or a whole pipeline's file.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn from_text(text: &str) -> Result<Self, ReadError> {
        if let Ok(pipeline) = Pipeline::from_json(text) {
            return Ok(Self::of(&pipeline, &pipeline.nodes().keys().cloned().gather()));
        }
        let file = open(text, "nodes", "copied nodes")?;
        let read = || {
            let mut fields = Fields::of(&file)?;
            fields.skip(&["format", "millrace"]);
            let nodes = fields.needed("nodes", nodes_from_json)?;
            let edges = fields.optional("edges", edges_from_json)?.unwrap_or_default();
            let incoming = fields.optional("incoming", edges_from_json)?.unwrap_or_default();
            fields.end()?;
            Ok((nodes, edges, incoming))
        };
        let (nodes, edges, incoming) = read().map_err(|wrong| placed(wrong, text))?;
        // The edges must fit the nodes, as in a pipeline.
        Pipeline::from_parts(String::new(), 0, nodes.clone(), edges.clone())?;
        let swap = |edges: BTreeMap<InPort, OutPort>| edges.into_iter().map(|(to, from)| (from, to)).collect();
        Ok(Self { nodes, edges: swap(edges), incoming: swap(incoming) })
    }
}
