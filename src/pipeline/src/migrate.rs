//! Old documents become new ones, step by step.

use serde_json::{Map, Value as Json};

use crate::{Catalogue, Edit, Node, Pipeline};

/// Brings a file from one format to the next.
pub struct FormatStep {
    /// The format that it starts from.
    pub from: u32,
    /// Changes the file in place.
    pub apply: fn(&mut Json) -> Result<(), String>,
}

/// All steps of the format, the oldest first.
pub const FORMAT_STEPS: &[FormatStep] = &[FormatStep { from: 0, apply: from_0_to_1 }];

/// Format 0, of the first sketches, had edges as a list of `from` and `to`, the component's version in a field of its
/// own, and positions as objects.
fn from_0_to_1(file: &mut Json) -> Result<(), String> {
    if let Some(Json::Array(list)) = file.get("edges") {
        let mut edges = Map::new();
        for (edge_idx, edge) in list.iter().enumerate() {
            match (edge.get("from").and_then(Json::as_str), edge.get("to").and_then(Json::as_str)) {
                (Some(from), Some(to)) => edges.insert(to.to_owned(), from.into()),
                _ => return Err(format!("edge {edge_idx} of format 0 needs \"from\" and \"to\"")),
            };
        }
        file["edges"] = Json::Object(edges);
    }
    if let Some(Json::Object(nodes)) = file.get_mut("nodes") {
        for node in nodes.values_mut().filter_map(Json::as_object_mut) {
            let version = node.remove("version").and_then(|version| version.as_u64()).unwrap_or(1);
            if let Some(Json::String(component)) = node.get_mut("component")
                && !component.contains('@')
            {
                component.push_str(&format!("@{version}"));
            }
            if let Some(Json::Object(position)) = node.get("position") {
                let coordinate = |name| position.get(name).cloned().unwrap_or_else(|| 0.into());
                let position = Json::Array(vec![coordinate("x"), coordinate("y")]);
                node.insert("position".into(), position);
            }
        }
    }
    Ok(())
}

/// Brings nodes of one component from one version to the next.
pub struct ComponentStep {
    /// Its id.
    pub component: &'static str,
    /// The version that it starts from.
    pub from: u32,
    /// Changes parameters; the version is raised by the caller.
    pub apply: fn(&mut Node),
}

/// All steps of components, the oldest of each first. Every component is at its first version, so there are none yet.
pub const COMPONENT_STEPS: &[ComponentStep] = &[];

/// Brings nodes to the versions that the catalogue has, as one edit; none if they are there already. A node of a later
/// version than the catalogue's, or one to which no steps lead, is left as it is, for `check` to tell.
pub fn bring_up_to_date(pipeline: &Pipeline, catalogue: &Catalogue, steps: &[ComponentStep]) -> Option<Edit> {
    let mut edits = Vec::new();
    for (id, node) in pipeline.nodes() {
        let Some(spec) = catalogue.get(&node.component) else { continue };
        let mut newer = node.clone();
        while newer.version < spec.version {
            let is_next = |step: &&ComponentStep| step.component == newer.component && step.from == newer.version;
            let Some(step) = steps.iter().find(is_next) else { break };
            (step.apply)(&mut newer);
            newer.version += 1;
        }
        if newer != *node {
            edits.push(Edit::ReplaceNode(id.clone(), newer));
        }
    }
    (!edits.is_empty()).then_some(Edit::Batch(edits))
}
