//! Changes to a pipeline. Each edit that applies gives the edit that takes it back.

use serde::{Deserialize, Serialize};

use crate::{InPort, Node, NodeId, OutPort, Parameter, Pipeline, Point, Value};

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edit {
    /// Places a node under a free id.
    AddNode(NodeId, Node),
    /// Takes a node away, with its edges.
    RemoveNode(NodeId),
    /// Feeds an input, in place of what fed it before.
    Connect(OutPort, InPort),
    /// Opens an input.
    Disconnect(InPort),
    /// Sets a parameter, or with `None` gives it back its default. If it is bound, that sets the pipeline's parameter,
    /// or lets it go.
    SetParam(NodeId, String, Option<Value>),
    /// Declares or changes a parameter of the pipeline, or with `None` takes it away.
    SetParameter(String, Option<Parameter>),
    /// Binds a parameter of a node to one of the pipeline, or with `None` lets it go with the value that it has.
    Bind(NodeId, String, Option<String>),
    /// Gives a node a name of its own, or takes it away.
    SetTitle(NodeId, Option<String>),
    /// Moves nodes.
    Move(Vec<(NodeId, Point)>),
    /// Puts a node in the place of another under the same id (a migration, say).
    ReplaceNode(NodeId, Node),
    /// Renames the pipeline.
    SetName(String),
    /// Sets the seed.
    SetSeed(u64),
    /// Several as one; all apply or none does.
    Batch(Vec<Edit>),
}

/// Why an edit does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The id is taken.
    #[error("there is already a node `{0}`")]
    NodeExists(NodeId),
    /// The id is not there.
    #[error("there is no node `{0}`")]
    NodeNotFound(NodeId),
    /// The pipeline has no such parameter.
    #[error("there is no pipeline parameter `{0}`: declare it first")]
    ParameterNotFound(String),
    /// It cannot be called that.
    #[error("{0:?} is no name for a pipeline parameter: use a-z, 0-9 and _, a letter first, 40 at most")]
    ParameterName(String),
    /// The input is open.
    #[error("nothing is connected to `{0}`")]
    NotConnected(InPort),
    /// The edge would close a cycle.
    #[error("this would close a cycle: {}; leave out one of these connections", path(.0))]
    Cycle(Vec<NodeId>),
}

fn path(nodes: &[NodeId]) -> String {
    nodes.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" → ")
}

impl Pipeline {
    /// Applies an edit and gives its inverse. After an error nothing has changed.
    pub fn apply(&mut self, edit: Edit) -> Result<Edit, EditError> {
        match edit {
            Edit::AddNode(id, node) => {
                if self.nodes.contains_key(&id) {
                    return Err(EditError::NodeExists(id));
                }
                self.nodes.insert(id.clone(), node);
                Ok(Edit::RemoveNode(id))
            }
            Edit::RemoveNode(id) => {
                let node = self.nodes.remove(&id).ok_or_else(|| EditError::NodeNotFound(id.clone()))?;
                let touches = |to: &InPort, from: &OutPort| to.node == id || from.node == id;
                let cut: Vec<_> = self
                    .edges
                    .iter()
                    .filter(|(to, from)| touches(to, from))
                    .map(|(to, from)| (from.clone(), to.clone()))
                    .collect();
                self.edges.retain(|to, from| !touches(to, from));
                let bound = self.unbind_node(&id);
                let mut back = vec![Edit::AddNode(id, node)];
                back.extend(bound);
                back.extend(cut.into_iter().map(|(from, to)| Edit::Connect(from, to)));
                Ok(Edit::Batch(back))
            }
            Edit::Connect(from, to) => {
                for id in [&from.node, &to.node] {
                    if !self.nodes.contains_key(id) {
                        return Err(EditError::NodeNotFound(id.clone()));
                    }
                }
                if let Some(mut cycle) = self.path_between(&to.node, &from.node) {
                    cycle.push(to.node.clone());
                    return Err(EditError::Cycle(cycle));
                }
                Ok(match self.edges.insert(to.clone(), from) {
                    Some(before) => Edit::Connect(before, to),
                    None => Edit::Disconnect(to),
                })
            }
            Edit::Disconnect(to) => match self.edges.remove(&to) {
                Some(from) => Ok(Edit::Connect(from, to)),
                None => Err(EditError::NotConnected(to)),
            },
            Edit::SetParam(id, name, value) => {
                if let Some(edit) = self.set_bound(&id, &name, &value) {
                    return self.apply(edit);
                }
                let node = self.node_mut(&id)?;
                let before = match value {
                    Some(value) => node.params.insert(name.clone(), value),
                    None => node.params.remove(&name),
                };
                Ok(Edit::SetParam(id, name, before))
            }
            Edit::SetParameter(name, parameter) => self.set_parameter(name, parameter),
            Edit::Bind(id, param, to) => self.bind(id, param, to),
            Edit::SetTitle(id, title) => {
                let before = std::mem::replace(&mut self.node_mut(&id)?.title, title);
                Ok(Edit::SetTitle(id, before))
            }
            Edit::Move(moves) => {
                if let Some((missing, _)) = moves.iter().find(|(id, _)| !self.nodes.contains_key(id)) {
                    return Err(EditError::NodeNotFound(missing.clone()));
                }
                let mut before = Vec::with_capacity(moves.len());
                for (id, position) in moves {
                    let node = self.node_mut(&id)?;
                    before.push((id, std::mem::replace(&mut node.position, position)));
                }
                // Backwards, so that a node moved twice returns to where it started.
                before.reverse();
                Ok(Edit::Move(before))
            }
            Edit::ReplaceNode(id, node) => {
                let before = std::mem::replace(self.node_mut(&id)?, node);
                // What was bound is bound in the new node too, and has the value that goes with it.
                for edit in self.unbind_node(&id) {
                    self.apply(edit)?;
                }
                Ok(Edit::ReplaceNode(id, before))
            }
            Edit::SetName(name) => Ok(Edit::SetName(std::mem::replace(&mut self.name, name))),
            Edit::SetSeed(seed) => Ok(Edit::SetSeed(std::mem::replace(&mut self.seed, seed))),
            Edit::Batch(edits) => {
                let mut back = Vec::with_capacity(edits.len());
                for edit in edits {
                    match self.apply(edit) {
                        Ok(inverse) => back.push(inverse),
                        Err(error) => {
                            for inverse in back.into_iter().rev() {
                                self.apply(inverse).expect("the inverse of an edit that has just applied applies");
                            }
                            return Err(error);
                        }
                    }
                }
                back.reverse();
                Ok(Edit::Batch(back))
            }
        }
    }

    /// The nodes on a way along the edges, both ends included, or none if there is no way.
    pub fn path_between(&self, start: &NodeId, end: &NodeId) -> Option<Vec<NodeId>> {
        let mut came_from = std::collections::BTreeMap::from([(start.clone(), None)]);
        let mut open = vec![start.clone()];
        while let Some(id) = open.pop() {
            if id == *end {
                let mut way = vec![id];
                while let Some(Some(before)) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(NodeId::clone(before));
                }
                way.reverse();
                return Some(way);
            }
            for next in self.downstream(&id) {
                if !came_from.contains_key(&next) {
                    came_from.insert(next.clone(), Some(id.clone()));
                    open.push(next);
                }
            }
        }
        None
    }

    pub(crate) fn node_mut(&mut self, id: &NodeId) -> Result<&mut Node, EditError> {
        self.nodes.get_mut(id).ok_or_else(|| EditError::NodeNotFound(id.clone()))
    }
}
