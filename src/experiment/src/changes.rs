//! What was changed between two runs' pipelines, as data: nodes that came, went or took another's place, and
//! parameters with their old and new values.

use pipeline::{Catalogue, InPort, Node, NodeId, OutPort, ParamSpec, Pipeline, Value, caption, diff, value_to_json};
use schema::ordered::sort_by;

use crate::scalar::{Scalar, settings_of, title_of};

/// What one has to do to the first pipeline to get the second. Places and the pipeline's name do not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Node by node: replaced, added, changed, removed; each kind in the order in which data flows.
    pub nodes: Vec<NodeChange>,
    /// The pipeline's seed, before and after.
    pub seed: Option<(u64, u64)>,
}

/// What happened to one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeChange {
    /// Its id in the second pipeline; in the first where it was removed.
    pub node: NodeId,
    /// Its name for people.
    pub title: String,
    /// The component's id.
    pub component: String,
    /// Its settings in one line, such as "100 trees · depth 8".
    pub caption: String,
    /// What happened.
    pub what: WhatChanged,
    /// Of a changed node those that differ; of all others those that are not at their defaults.
    pub params: Vec<ParamChange>,
    /// Inputs that are fed by another node than before, where both nodes are in both pipelines.
    pub inputs: Vec<InputChange>,
}

/// What happened to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatChanged {
    /// Only the second pipeline has it.
    Added,
    /// Only the first pipeline has it.
    Removed,
    /// It stands where another stood: it has the other's id, or feeds what the other fed.
    Replaced {
        /// The other's id.
        node: NodeId,
        /// The other's name for people.
        title: String,
        /// The other's component.
        component: String,
        /// The other's settings in one line.
        caption: String,
    },
    /// Both have it, with other settings.
    Changed,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamChange {
    /// Its name in files.
    pub param: String,
    /// Its name for people.
    pub label: String,
    /// Before; none where it did not count.
    pub old: Option<Setting>,
    /// After; none where it does not count.
    pub new: Option<Setting>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// As the pipeline's file has it.
    pub value: serde_json::Value,
    /// As the inspector says it.
    pub words: String,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputChange {
    /// The input's name.
    pub port: String,
    /// What fed it: "split.train".
    pub old: Option<String>,
    /// What feeds it.
    pub new: Option<String>,
}

impl Changes {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.seed.is_none()
    }

    /// In one line, for search and for exports: "depth 8 → 12, + Indicator Values".
    pub fn in_words(&self) -> String {
        let mut parts = Vec::new();
        for node in &self.nodes {
            match &node.what {
                WhatChanged::Added => parts.push(format!("+ {}", node.title)),
                WhatChanged::Removed => parts.push(format!("− {}", node.title)),
                WhatChanged::Replaced { title, .. } => parts.push(format!("− {title} + {}", node.title)),
                WhatChanged::Changed => {
                    let words = |setting: &Option<Setting>| setting.as_ref().map_or("–".into(), |s| s.words.clone());
                    let param = |p: &ParamChange| format!("{} {} → {}", p.label, words(&p.old), words(&p.new));
                    parts.extend(node.params.iter().map(param));
                    let source = |port: &Option<String>| port.clone().unwrap_or("nothing".into());
                    let input = |i: &InputChange| format!("{}.{} from {}", node.node, i.port, source(&i.new));
                    parts.extend(node.inputs.iter().map(input));
                    if node.params.is_empty() && node.inputs.is_empty() {
                        parts.push(node.title.clone());
                    }
                }
            }
        }
        parts.extend(self.seed.map(|(old, new)| format!("seed {old} → {new}")));
        parts.join(", ")
    }
}

/// What was changed from the first pipeline to the second.
pub fn changes(before: &Pipeline, after: &Pipeline, catalogue: &Catalogue) -> Changes {
    let difference = diff(before, after, catalogue);
    let added: Vec<_> = difference.added.into_iter().map(|(id, _)| id).collect();
    let removed: Vec<_> = difference.removed.into_iter().map(|(id, _)| id).collect();
    let pairs = replacements(before, after, &added, &removed);
    let both = |old: &NodeId, new: &NodeId| Some((before.node(old)?, after.node(new)?));
    let (mut replaced, mut arrived, mut changed, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in &added {
        let Some(node) = after.node(id) else { continue };
        match replaced_by(&pairs, id).and_then(|old_id| Some((old_id, before.node(old_id)?))) {
            Some((old_id, old)) if old.component == node.component => {
                changed.extend(altered(id, (before, old, old_id), (after, node), catalogue));
            }
            Some((old_id, old)) => replaced.push(replacement(id, (old_id, old), node, catalogue)),
            None => arrived.push(one_sided(id, node, WhatChanged::Added, catalogue)),
        }
    }
    for (id, _, _) in &difference.changed {
        let Some((old, new)) = both(id, id) else { continue };
        if old.component == new.component {
            changed.extend(altered(id, (before, old, id), (after, new), catalogue));
        } else {
            replaced.push(replacement(id, (id, old), new, catalogue));
        }
    }
    for id in removed.iter().filter(|id| pairs.iter().all(|(_, old)| old != *id)) {
        gone.extend(before.node(id).map(|node| one_sided(id, node, WhatChanged::Removed, catalogue)));
    }
    let (now, then) = (after.topological_order(), before.topological_order());
    let in_flow = |list: &mut Vec<NodeChange>, flow: &[NodeId]| {
        let place = |change: &NodeChange| flow.iter().position(|id| *id == change.node);
        sort_by(list, |a, b| place(a).cmp(&place(b)));
    };
    [&mut replaced, &mut arrived, &mut changed].into_iter().for_each(|list| in_flow(list, &now));
    in_flow(&mut gone, &then);
    Changes {
        nodes: [replaced, arrived, changed, gone].concat(),
        seed: (before.seed() != after.seed()).then(|| (before.seed(), after.seed())),
    }
}

/// Added nodes with the removed ones whose places they took: both feed the same input.
fn replacements(before: &Pipeline, after: &Pipeline, added: &[NodeId], removed: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let mut pairs: Vec<(NodeId, NodeId)> = Vec::new();
    for (to, from) in before.edges().iter().filter(|(_, from)| removed.contains(&from.node)) {
        let Some(now) = after.source(to) else { continue };
        let is_free = pairs.iter().all(|(new, old)| *new != now.node && *old != from.node);
        if added.contains(&now.node) && now.port == from.port && is_free {
            pairs.push((now.node.clone(), from.node.clone()));
        }
    }
    pairs
}

fn replaced_by<'a>(pairs: &'a [(NodeId, NodeId)], new: &NodeId) -> Option<&'a NodeId> {
    pairs.iter().find(|(id, _)| id == new).map(|(_, old)| old)
}

fn replacement(id: &NodeId, (old_id, old): (&NodeId, &Node), new: &Node, catalogue: &Catalogue) -> NodeChange {
    let what = WhatChanged::Replaced {
        node: old_id.clone(),
        title: title_of(old, catalogue),
        component: old.component.clone(),
        caption: caption_of(old, catalogue),
    };
    let mut change = one_sided(id, new, what, catalogue);
    let removed = one_sided(old_id, old, WhatChanged::Removed, catalogue).params;
    change.params = [removed, change.params].concat();
    change
}

/// A node that only one of the two has.
fn one_sided(id: &NodeId, node: &Node, what: WhatChanged, catalogue: &Catalogue) -> NodeChange {
    let is_old = what == WhatChanged::Removed;
    let params = settings_of(node, catalogue.get(&node.component)).into_iter().filter_map(|(name, spec, value)| {
        let is_default = spec.is_some_and(|spec| spec.default == *value);
        let setting = (!is_default).then(|| setting(value, spec))?;
        let (old, new) = if is_old { (Some(setting), None) } else { (None, Some(setting)) };
        Some(ParamChange { param: name.into(), label: label(name, spec), old, new })
    });
    NodeChange {
        node: id.clone(),
        title: title_of(node, catalogue),
        component: node.component.clone(),
        caption: caption_of(node, catalogue),
        params: params.collect(),
        inputs: Vec::new(),
        what,
    }
}

/// A node of both pipelines, of one component; none if no more than its title or its places differ.
fn altered(
    id: &NodeId,
    (before, old, old_id): (&Pipeline, &Node, &NodeId),
    (after, new): (&Pipeline, &Node),
    catalogue: &Catalogue,
) -> Option<NodeChange> {
    let spec = catalogue.get(&new.component);
    let (was, is) = (settings_of(old, spec), settings_of(new, spec));
    let mut params = Vec::new();
    for (name, spec, value) in &is {
        let old = was.iter().find(|(other, _, _)| other == name).map(|(_, _, value)| *value);
        if old != Some(*value) {
            let old = old.map(|old| setting(old, *spec));
            let new = Some(setting(value, *spec));
            params.push(ParamChange { param: (*name).into(), label: label(name, *spec), old, new });
        }
    }
    for (name, spec, value) in was.iter().filter(|(name, _, _)| is.iter().all(|(other, _, _)| other != name)) {
        let old = Some(setting(value, *spec));
        params.push(ParamChange { param: (*name).into(), label: label(name, *spec), old, new: None });
    }
    let in_both = |from: &Option<OutPort>| {
        from.as_ref().is_none_or(|from| before.node(&from.node).is_some() && after.node(&from.node).is_some())
    };
    let source = |pipeline: &Pipeline, id: &NodeId, port: &str| pipeline.source(&InPort::new(id, port)).cloned();
    let mut ports: Vec<&str> = Vec::new();
    let (then, now) =
        (before.edges().keys().filter(|to| to.node == *old_id), after.edges().keys().filter(|to| to.node == *id));
    for to in then.chain(now) {
        if !ports.contains(&to.port.as_str()) {
            ports.push(&to.port);
        }
    }
    let inputs = ports.into_iter().filter_map(|port| {
        let (old, new) = (source(before, old_id, port), source(after, id, port));
        let counts = old != new && in_both(&old) && in_both(&new);
        let text = |from: Option<OutPort>| from.map(|from| from.to_string());
        counts.then(|| InputChange { port: port.into(), old: text(old), new: text(new) })
    });
    let inputs: Vec<_> = inputs.collect();
    let is_same = params.is_empty() && inputs.is_empty() && old.version == new.version;
    (!is_same).then(|| NodeChange {
        node: id.clone(),
        title: title_of(new, catalogue),
        component: new.component.clone(),
        caption: caption_of(new, catalogue),
        what: WhatChanged::Changed,
        params,
        inputs,
    })
}

fn caption_of(node: &Node, catalogue: &Catalogue) -> String {
    catalogue.get(&node.component).map(|spec| caption(spec, node)).unwrap_or_default()
}

fn label(name: &str, spec: Option<&ParamSpec>) -> String {
    spec.map_or_else(|| name.to_owned(), |spec| spec.label.clone())
}

fn setting(value: &Value, spec: Option<&ParamSpec>) -> Setting {
    let words = match spec {
        Some(spec) => pipeline::value_in_words(spec, value),
        None => Scalar::of(value, None).as_cell().to_string(),
    };
    let value = match value {
        // A file's bytes and columns are no part of a comparison.
        Value::File(file) => {
            value_to_json(&Value::File(pipeline::FileRef { schema: None, inline: None, ..file.clone() }))
        }
        other => value_to_json(other),
    };
    Setting { value, words }
}
