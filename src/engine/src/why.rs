//! Why a node ran or was reused, in one sentence.

use std::collections::BTreeMap;

use pipeline::{NodeId, Pipeline, Spec, Value};

use crate::key::Recipe;

/// The title under which the user knows a node.
pub fn title(pipeline: &Pipeline, id: &NodeId, specs: impl Fn(&str) -> Option<String>) -> String {
    let Some(node) = pipeline.node(id) else { return id.to_string() };
    node.title.clone().or_else(|| specs(&node.component)).unwrap_or_else(|| id.to_string())
}

/// What differs between the recipe of the last run and this one. `titles` names nodes.
pub fn what_changed(before: &Recipe, now: &Recipe, spec: &Spec, titles: &BTreeMap<NodeId, String>) -> String {
    if before.component != now.component {
        return format!("{} has a new version.", spec.title);
    }
    let changed: Vec<_> = now
        .params
        .iter()
        .filter(|(name, value)| before.params.get(*name) != Some(value))
        .map(|(name, value)| {
            let label = spec.param(name).map_or(name.as_str(), |param| param.label.as_str());
            match before.params.get(name) {
                Some(old) => format!("{label} changed from {} to {}", words(old, spec, name), words(value, spec, name)),
                None => format!("{label} now counts: {}", words(value, spec, name)),
            }
        })
        .collect();
    if !changed.is_empty() {
        return format!("{}.", changed.join(", "));
    }
    for (port, feed) in &now.inputs {
        let source = titles.get(&feed.node).cloned().unwrap_or_else(|| feed.node.to_string());
        match before.inputs.get(port) {
            None => return format!("`{port}` is now connected to {source}."),
            Some(old) if old.node != feed.node || old.port != feed.port => {
                return format!("`{port}` now comes from {source} (`{}`).", feed.port);
            }
            Some(old) if old.key != feed.key => return format!("{source}, which feeds `{port}`, gave a new result."),
            Some(_) => {}
        }
    }
    if let Some(port) = before.inputs.keys().find(|port| !now.inputs.contains_key(*port)) {
        return format!("`{port}` is no longer connected.");
    }
    if before.seed != now.seed {
        return format!("The pipeline's seed changed from {} to {}.", before.seed, now.seed);
    }
    if before.accelerator != now.accelerator {
        let name =
            |accelerator: &str| if accelerator.is_empty() { "the CPU".into() } else { format!("{accelerator:?}") };
        return format!("It was computed by {}, and now is by {}.", name(&before.accelerator), name(&now.accelerator));
    }
    if before.computation != now.computation {
        return "Its results differ from one computation to the next, so they are not reused.".into();
    }
    "Its earlier result was no longer kept.".into()
}

/// A value as the inspector would say it.
fn words(value: &Value, spec: &Spec, param: &str) -> String {
    match value {
        Value::None => "none".into(),
        Value::Bool(true) => "on".into(),
        Value::Bool(false) => "off".into(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(text) => {
            let label = spec.param(param).and_then(|param| match &param.kind {
                pipeline::ParamKind::Choice(options) => options.iter().find(|option| option.value == *text),
                _ => None,
            });
            match label {
                Some(option) => option.label.clone(),
                None if text.chars().count() > 40 || text.contains('\n') => "other text".into(),
                None => format!("“{text}”"),
            }
        }
        Value::Columns(selection) => match selection {
            schema::ColumnSelection::All => "all columns".into(),
            schema::ColumnSelection::Names(names) if names.len() == 1 => names[0].clone(),
            schema::ColumnSelection::Names(names) => format!("{} columns", names.len()),
            schema::ColumnSelection::Except(names) => format!("all but {} columns", names.len()),
            schema::ColumnSelection::Kinds(_) => "columns by kind".into(),
        },
        Value::File(file) => file.name.clone(),
    }
}
