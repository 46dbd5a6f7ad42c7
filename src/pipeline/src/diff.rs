//! What differs between two pipelines, in words.

use std::collections::{BTreeMap, BTreeSet};

use schema::ordered::Gather;

use crate::{Catalogue, Node, NodeId, Pipeline, value_in_words};

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Nodes that only the second has: id and name.
    pub added: Vec<(NodeId, String)>,
    /// Nodes that only the first has.
    pub removed: Vec<(NodeId, String)>,
    /// Nodes of both that differ: id, name, and each change in words.
    pub changed: Vec<(NodeId, String, Vec<String>)>,
    /// The name or the seed, in words.
    pub other: Vec<String>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.other.is_empty()
    }

    /// In one line: "2 nodes added, 1 changed".
    pub fn in_words(&self) -> String {
        let count = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("1 node {what}")),
            n => Some(format!("{n} nodes {what}")),
        };
        let nodes = [
            count(self.added.len(), "added"),
            count(self.removed.len(), "removed"),
            count(self.changed.len(), "changed"),
        ];
        let parts: Vec<_> = nodes.into_iter().flatten().chain(self.other.iter().cloned()).collect();
        if parts.is_empty() { "nothing differs".into() } else { parts.join(", ") }
    }
}

/// What one has to do to the first pipeline to get the second. Places do not count.
pub fn diff(before: &Pipeline, after: &Pipeline, catalogue: &Catalogue) -> Difference {
    let name = |node: &Node| match (&node.title, catalogue.get(&node.component)) {
        (Some(title), _) => title.clone(),
        (None, Some(spec)) => spec.title.clone(),
        (None, None) => node.component.clone(),
    };
    let mut difference = Difference::default();
    for (id, node) in after.nodes() {
        match before.node(id) {
            None => difference.added.push((id.clone(), name(node))),
            Some(old) => {
                let changes = changes(id, (before, old), (after, node), catalogue);
                if !changes.is_empty() {
                    difference.changed.push((id.clone(), name(node), changes));
                }
            }
        }
    }
    for (id, node) in before.nodes().iter().filter(|(id, _)| after.node(id).is_none()) {
        difference.removed.push((id.clone(), name(node)));
    }
    if before.name() != after.name() {
        difference.other.push(format!("name {:?} instead of {:?}", after.name(), before.name()));
    }
    if before.seed() != after.seed() {
        difference.other.push(format!("seed {} instead of {}", after.seed(), before.seed()));
    }
    let names: BTreeSet<_> = before.parameters.keys().chain(after.parameters.keys()).gather();
    for name in names {
        let of = |pipeline: &Pipeline| {
            let parameter = pipeline.parameters.get(name)?.clone();
            Some((parameter, pipeline.bound_to(name).cloned().collect::<Vec<_>>()))
        };
        let what = match (of(before), of(after)) {
            (was, is) if was == is => continue,
            (None, _) => "added",
            (_, None) => "removed",
            (Some(_), Some(_)) => "changed",
        };
        difference.other.push(format!("parameter `{name}` {what}"));
    }
    difference
}

fn changes(id: &NodeId, before: (&Pipeline, &Node), after: (&Pipeline, &Node), catalogue: &Catalogue) -> Vec<String> {
    let (old, new) = (before.1, after.1);
    if old.component != new.component {
        return vec![format!("{} instead of {}", new.component, old.component)];
    }
    let mut changes = Vec::new();
    if old.version != new.version {
        changes.push(format!("version {} instead of {}", new.version, old.version));
    }
    if old.title != new.title {
        let shown = |title: &Option<String>| title.clone().map_or("no name".into(), |title| format!("{title:?}"));
        changes.push(format!("{} instead of {}", shown(&new.title), shown(&old.title)));
    }
    let spec = catalogue.get(&new.component);
    let names: BTreeSet<_> = old.params.keys().chain(new.params.keys()).gather();
    for name in names {
        let (was, is) = (old.params.get(name), new.params.get(name));
        if was == is {
            continue;
        }
        changes.push(match spec.and_then(|spec| spec.param(name)) {
            Some(param) => {
                let words = |value: Option<_>| value_in_words(param, value.unwrap_or(&param.default));
                match (words(is), words(was)) {
                    (is, was) if is != was => format!("{} {is} instead of {was}", param.label),
                    _ => format!("{} differs", param.label),
                }
            }
            None => format!("{name} differs"),
        });
    }
    let sources = |pipeline: &Pipeline| {
        let fed = pipeline.edges().iter().filter(|(to, _)| to.node == *id);
        fed.map(|(to, from)| (to.port.clone(), from.clone())).gather::<BTreeMap<_, _>>()
    };
    let (was, is) = (sources(before.0), sources(after.0));
    let ports: BTreeSet<_> = was.keys().chain(is.keys()).gather();
    for port in ports {
        match (was.get(port), is.get(port)) {
            (was, is) if was == is => {}
            (_, Some(from)) => changes.push(format!("input {port} fed by {from}")),
            (_, None) => changes.push(format!("input {port} open")),
        }
    }
    changes
}
