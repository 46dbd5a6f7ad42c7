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
    let rows = rows_into(pipeline, measuring, catalogue);
    if rows.is_empty() {
        return None;
    }
    let trainers = trainers(pipeline, measuring);
    let training: Vec<Origin> = trainers.iter().flat_map(|id| rows_into(pipeline, id, catalogue)).collect();
    Some(TestRows {
        key: hash(joined(&rows).as_bytes()),
        held_out: rows.iter().any(|origin| origin.is_split),
        seen_in_training: rows.iter().any(|origin| training.contains(origin)),
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

/// The origins of all tables that flow into a node, each once.
fn rows_into(pipeline: &Pipeline, id: &NodeId, catalogue: &Catalogue) -> Vec<Origin> {
    let mut found: Vec<Origin> = Vec::new();
    let mut seen: Vec<&OutPort> = Vec::new();
    let mut open: Vec<&OutPort> = tables_into(pipeline, id, catalogue);
    while let Some(from) = open.pop() {
        if seen.contains(&from) {
            continue;
        }
        seen.push(from);
        let Some(node) = pipeline.node(&from.node) else { continue };
        let before = tables_into(pipeline, &from.node, catalogue);
        let is_split = node.component.starts_with("split.");
        if is_split || before.is_empty() {
            let mut recipe = recipe(node, catalogue);
            recipe.push_str(&format!(" seed {}", pipeline.seed()));
            if is_split {
                let above = joined(&rows_into(pipeline, &from.node, catalogue));
                recipe.push_str(&format!(" {} of {above}", from.port));
            }
            let origin = Origin { key: hash(recipe.as_bytes()), is_split };
            if !found.contains(&origin) {
                found.push(origin);
            }
        } else {
            open.extend(before);
        }
    }
    found
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
    let mut seen = BTreeSet::new();
    let mut open = vec![id.clone()];
    while let Some(id) = open.pop() {
        open.extend(pipeline.upstream(&id).into_iter().filter(|above| seen.insert(above.clone())));
    }
    let trains = |id: &NodeId| pipeline.node(id).is_some_and(|node| node.component.starts_with("train."));
    seen.into_iter().filter(trains).gather()
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
