//! Which rows judged a model: the same rows for two runs when the same split of the same data gave them.

use std::collections::BTreeSet;

use pipeline::{Catalogue, InPort, Node, NodeId, OutPort, Pipeline, PortType, Value, value_to_json};
use schema::ordered::Gather;

use crate::key::hash;
use crate::order::order;
use crate::scalar::settings_of;

/// Names the rows behind a figure of merit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestRows {
    /// Equal for equal rows.
    pub key: String,
    /// Whether a split kept them back; otherwise they are all rows of the data.
    pub held_out: bool,
    /// The model was trained on the same rows.
    pub seen_in_training: bool,
}

/// The rows that a node measures on; none if no table reaches it.
///
/// Rows are named by the sources and splits that they came through: their components, settings, files and the
/// pipeline's seed. What else happened to them on the way does not count, so that preparing the same rows otherwise
/// leaves them the same rows.
pub fn test_rows(pipeline: &Pipeline, measuring: &NodeId, catalogue: &Catalogue) -> Option<TestRows> {
    let origins = origins(pipeline, catalogue);
    let into = |id: &NodeId| origins.iter().find(|(node, _)| node == id).map_or(&[][..], |(_, rows)| rows);
    let rows = into(measuring);
    if rows.is_empty() {
        return None;
    }
    let trainers = trainers(pipeline, measuring);
    Some(TestRows {
        key: hash(joined(rows).as_bytes()),
        held_out: rows.iter().any(|origin| origin.is_split),
        seen_in_training: trainers.iter().any(|id| into(id).iter().any(|origin| rows.contains(origin))),
    })
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    key: String,
    is_split: bool,
}

fn joined(origins: &[Origin]) -> String {
    let sorted = order(origins.len(), &|a, b| origins[a].key.cmp(&origins[b].key));
    sorted.into_iter().map(|at| origins[at].key.as_str()).collect::<Vec<_>>().join(" ")
}

/// For every node the origins of all tables that flow into it, each once.
fn origins(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<(NodeId, Vec<Origin>)> {
    let mut origins: Vec<(NodeId, Vec<Origin>)> = Vec::with_capacity(pipeline.nodes().len());
    for id in pipeline.topological_order() {
        let mut found: Vec<Origin> = Vec::new();
        for from in tables_into(pipeline, &id, catalogue) {
            let Some(node) = pipeline.node(&from.node) else { continue };
            let above = origins.iter().find(|(node, _)| *node == from.node).map_or(&[][..], |(_, above)| above);
            let is_split = node.component.starts_with("split.");
            let passed_on = match is_split || above.is_empty() {
                true => {
                    let port = if is_split { from.port.as_str() } else { "" };
                    let recipe =
                        format!("{} seed {} {port} of {}", recipe(node, catalogue), pipeline.seed(), joined(above));
                    vec![Origin { key: hash(recipe.as_bytes()), is_split }]
                }
                false => above.to_vec(),
            };
            for origin in passed_on {
                if !found.contains(&origin) {
                    found.push(origin);
                }
            }
        }
        origins.push((id, found));
    }
    origins
}

/// What feeds the inputs of a node that take tables; of an unknown component, all of them.
fn tables_into<'a>(pipeline: &'a Pipeline, id: &NodeId, catalogue: &Catalogue) -> Vec<&'a OutPort> {
    let spec = pipeline.node(id).and_then(|node| catalogue.get(&node.component));
    let is_table = |to: &InPort| {
        let port = spec.and_then(|spec| spec.input(&to.port));
        port.is_none_or(|port| port.port_type == PortType::Table)
    };
    pipeline.edges().iter().filter(|(to, _)| to.node == *id && is_table(to)).map(|(_, from)| from).collect()
}

/// The nodes above this one that fit a model to a table.
fn trainers(pipeline: &Pipeline, id: &NodeId) -> BTreeSet<NodeId> {
    let trains =
        |above: &NodeId| above != id && pipeline.node(above).is_some_and(|node| node.component.starts_with("train."));
    pipeline.feeding([id]).into_iter().filter(trains).gather()
}

/// A component and its settings as one text; files by what is in them.
fn recipe(node: &Node, catalogue: &Catalogue) -> String {
    let mut text = format!("{}@{}", node.component, node.version);
    for (name, _, value) in settings_of(node, catalogue.get(&node.component)) {
        let value = match value {
            Value::File(file) => file.hash.clone(),
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Columns(_) => {
                value_to_json(value).to_string()
            }
        };
        text.push_str(&format!(" {name}={value}"));
    }
    text
}
