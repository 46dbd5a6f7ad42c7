//! Which nodes give a model that can be served.

use crate::{Catalogue, NodeId, OutPort, Pipeline, PortType};

/// Marks the rows whose prediction is served.
const MARK: &str = "score.web-service-output";

/// The outputs that are models, in the order in which nodes run.
pub fn models(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<OutPort> {
    let nodes = pipeline.topological_order().into_iter();
    nodes
        .filter_map(|id| {
            let spec = catalogue.get(&pipeline.node(&id)?.component)?;
            let port = spec.outputs.iter().find(|port| port.port_type == PortType::Model)?;
            Some(OutPort::new(&id, &port.name))
        })
        .collect()
}

/// The nodes whose model can be meant: those that a Web Service Output marks, or else all that give one.
pub fn servable(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<NodeId> {
    let marked = pipeline.nodes().iter().filter(|(_, node)| node.component == MARK);
    let marked: Vec<NodeId> = marked.map(|(id, _)| id.clone()).collect();
    if marked.is_empty() { models(pipeline, catalogue).into_iter().map(|output| output.node).collect() } else { marked }
}
