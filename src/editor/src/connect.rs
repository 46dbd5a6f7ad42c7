//! Which ports may be joined, and in words why others may not.

use pipeline::{Catalogue, InPort, NodeId, OutPort, Pipeline, PortType};

use crate::command::PortRef;

/// What a node is called: its own name, its component's title, or the component's id.
pub fn title<'a>(pipeline: &'a Pipeline, catalogue: &'a Catalogue, id: &'a NodeId) -> &'a str {
    let Some(node) = pipeline.node(id) else { return id.as_str() };
    match (&node.title, catalogue.get(&node.component)) {
        (Some(title), _) => title,
        (None, Some(spec)) => &spec.title,
        (None, None) => &node.component,
    }
}

/// What flows through a port; none for ports that are not known.
pub fn port_type(pipeline: &Pipeline, catalogue: &Catalogue, port: &PortRef) -> Option<PortType> {
    let spec = catalogue.get(&pipeline.node(port.node())?.component)?;
    let found = match port {
        PortRef::In(port) => spec.input(&port.port),
        PortRef::Out(port) => spec.output(&port.port),
    };
    found.map(|port| port.port_type)
}

/// Why two ports cannot be joined; none if they can.
pub fn refusal(pipeline: &Pipeline, catalogue: &Catalogue, from: &OutPort, to: &InPort) -> Option<String> {
    let name = |id| title(pipeline, catalogue, id);
    if from.node == to.node {
        return Some(format!("{} cannot feed itself", name(&from.node)));
    }
    let gives = port_type(pipeline, catalogue, &PortRef::Out(from.clone()));
    let takes = port_type(pipeline, catalogue, &PortRef::In(to.clone()));
    let (gives, takes) = match (gives, takes) {
        (Some(gives), Some(takes)) => (gives, takes),
        (None, _) => {
            return Some(format!("{} has no output `{}` that this version knows", name(&from.node), from.port));
        }
        (_, None) => return Some(format!("{} has no input `{}` that this version knows", name(&to.node), to.port)),
    };
    if gives != takes {
        return Some(format!(
            "{} gives {}, but {} takes {}",
            name(&from.node),
            gives.phrase(),
            name(&to.node),
            takes.phrase()
        ));
    }
    let mut way = pipeline.path_between(&to.node, &from.node)?;
    way.push(to.node.clone());
    let names: Vec<_> = way.iter().map(name).collect();
    Some(format!("this would close a cycle: {}", names.join(" → ")))
}

/// The two ends in order, if the ports lie on different sides.
pub fn ends(one: &PortRef, other: &PortRef) -> Option<(OutPort, InPort)> {
    match (one, other) {
        (PortRef::Out(from), PortRef::In(to)) | (PortRef::In(to), PortRef::Out(from)) => {
            Some((from.clone(), to.clone()))
        }
        (PortRef::In(_), PortRef::In(_)) | (PortRef::Out(_), PortRef::Out(_)) => None,
    }
}
