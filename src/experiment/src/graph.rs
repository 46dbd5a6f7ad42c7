//! Two pipelines laid over each other: which nodes and edges came, went, changed or stayed.

use pipeline::{Catalogue, InPort, NodeId, OutPort, Pipeline, Point, diff};
use schema::ordered::sort_by;

use crate::scalar::{settings_of, title_of};

/// Both pipelines in one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphDiff {
    /// Nodes of either, by id.
    pub nodes: Vec<GraphNode>,
    /// Edges of either, by the input they feed.
    pub edges: Vec<GraphEdge>,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// Its id.
    pub id: NodeId,
    /// Its name for people, in the second pipeline where it is in both.
    pub title: String,
    /// The component's id.
    pub component: String,
    /// Where it lies in the second pipeline, or lay in the first.
    pub position: Point,
    /// It lay elsewhere before.
    pub is_moved: bool,
    /// What became of it.
    pub fate: Fate,
}

/// One edge.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphEdge {
    /// Where it begins.
    pub from: OutPort,
    /// Where it ends.
    pub to: InPort,
    /// What became of it: an edge never changes, another takes its place.
    pub fate: Fate,
}

/// What became of a node or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Only the second pipeline has it.
    Added,
    /// Only the first pipeline has it.
    Removed,
    /// Both have it, and it differs: in its component, its settings or its title.
    Changed,
    /// Both have it.
    Same,
}

impl GraphDiff {
    /// How many nodes have this fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.nodes.iter().filter(|node| node.fate == fate).count()
    }
}

/// Lays the second pipeline over the first. An input fed from elsewhere changes an edge, not the node.
pub fn graph_diff(before: &Pipeline, after: &Pipeline, catalogue: &Catalogue) -> GraphDiff {
    let difference = diff(before, after, catalogue);
    let mut nodes = Vec::new();
    for (id, node) in after.nodes() {
        let old = before.node(id);
        let spec = catalogue.get(&node.component);
        let differs = |old: &pipeline::Node| {
            (&old.component, old.version, &old.title) != (&node.component, node.version, &node.title)
                || settings_of(old, spec) != settings_of(node, spec)
        };
        nodes.push(GraphNode {
            id: id.clone(),
            title: title_of(node, catalogue),
            component: node.component.clone(),
            position: node.position,
            is_moved: old.is_some_and(|old| old.position != node.position),
            fate: match old {
                None => Fate::Added,
                Some(old) if differs(old) => Fate::Changed,
                Some(_) => Fate::Same,
            },
        });
    }
    for (id, title) in difference.removed {
        let Some(node) = before.node(&id) else { continue };
        let (component, position) = (node.component.clone(), node.position);
        nodes.push(GraphNode { id, title, component, position, is_moved: false, fate: Fate::Removed });
    }
    sort_by(&mut nodes, |a, b| a.id.cmp(&b.id));
    let edge = |(to, from): (&InPort, &OutPort), fate| GraphEdge { from: from.clone(), to: to.clone(), fate };
    let mut edges = Vec::new();
    for (to, from) in after.edges() {
        edges.push(edge((to, from), if before.source(to) == Some(from) { Fate::Same } else { Fate::Added }));
    }
    for (to, from) in before.edges().iter().filter(|(to, from)| after.source(to) != Some(from)) {
        edges.push(edge((to, from), Fate::Removed));
    }
    sort_by(&mut edges, |a, b| (&a.to, &a.from).cmp(&(&b.to, &b.from)));
    GraphDiff { nodes, edges }
}
