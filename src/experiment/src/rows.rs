//! Which rows judged a model: the same rows for two runs when the same split of the same data gave them.

use std::collections::BTreeSet;

use pipeline::{Catalogue, InPort, Node, NodeId, OutPort, Pipeline, PortType, Value, value_to_json};
use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::key::hash;
use crate::scalar::settings_of;

/// Names the rows behind a figure of merit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestRows {
    /// Equal for equal rows.
    pub key: String,
    /// Whether a split kept them back; otherwise they are all rows of the data.
    pub held_out: bool,
    /// The model was trained on the same rows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub seen_in_training: bool,
}

fn is_false(truth: &bool) -> bool {
    !truth
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
    let training: BTreeSet<_> = trainers(pipeline, measuring)
        .iter()
        .flat_map(|trainer| rows_into(pipeline, trainer, catalogue))
        .map(|origin| origin.key)
        .gather();
    let keys: BTreeSet<_> = rows.iter().map(|origin| origin.key.as_str()).gather();
    Some(TestRows {
        key: hash(keys.iter().copied().collect::<Vec<_>>().join(" ").as_bytes()),
        held_out: rows.iter().any(|origin| origin.is_split),
        seen_in_training: keys.iter().any(|key| training.contains(*key)),
    })
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    key: String,
    is_split: bool,
}

/// The origins of all tables that flow into a node.
fn rows_into(pipeline: &Pipeline, id: &NodeId, catalogue: &Catalogue) -> BTreeSet<Origin> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&OutPort> = tables_into(pipeline, id, catalogue);
    while let Some(from) = open.pop() {
        if !seen.insert(from) {
            continue;
        }
        let Some(node) = pipeline.node(&from.node) else { continue };
        let before = tables_into(pipeline, &from.node, catalogue);
        let is_split = node.component.starts_with("split.");
        if is_split || before.is_empty() {
            let mut recipe = recipe(node, catalogue);
            recipe.push_str(&format!(" seed {}", pipeline.seed()));
            if is_split {
                let above: Vec<_> = rows_into(pipeline, &from.node, catalogue).into_iter().map(|o| o.key).collect();
                recipe.push_str(&format!(" {} of {}", from.port, above.join(" ")));
            }
            found.insert(Origin { key: hash(recipe.as_bytes()), is_split });
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
