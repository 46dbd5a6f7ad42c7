//! The engine: plans, runs, reuses, and answers questions about results.

mod course;
mod room;
mod run;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pipeline::{Acceleration, Catalogue, NodeId, OutPort, Pipeline, PortSpec, Problem, Severity, Spec};
use protocol::{Checked, Failure, NodeView};
use schema::Schema;
use table::Table;

use crate::cache::{Cache, Kept};
use crate::key::{NodeKey, Recipe, recipe};
use crate::parcel::{Components, by_id};
use crate::{Artifact, Component, Flow, NodeParams};

/// Runs pipelines over a catalogue of components, and keeps results.
///
/// All methods take `&self`: while a run waits for its host, questions about results are answered.
pub struct Engine {
    components: Components,
    catalogue: Catalogue,
    state: RefCell<State>,
}

struct State {
    cache: Cache,
    /// What each node last came out of, whether it was computed or reused.
    last: BTreeMap<NodeId, Last>,
    /// Computations so far of components that are not deterministic.
    n_computations: u64,
    /// What computes beside the CPU, as the last run's host told; empty if nothing does.
    accelerator: String,
}

impl State {
    /// What counts for the results of this component.
    fn accelerator_of(&self, spec: &Spec) -> String {
        if spec.acceleration >= Acceleration::Rounded { self.accelerator.clone() } else { String::new() }
    }
}

struct Last {
    recipe: Recipe,
    key: NodeKey,
    failed: bool,
}

impl Engine {
    /// An engine over these components that keeps about `capacity_bytes` of results.
    pub fn new(components: &[&'static dyn Component], capacity_bytes: u64) -> Self {
        let components = by_id(components);
        let catalogue = Catalogue::new(components.values().map(|(_, spec)| spec.clone()));
        Self {
            components,
            catalogue,
            state: RefCell::new(State {
                cache: Cache::new(capacity_bytes),
                last: BTreeMap::new(),
                n_computations: 0,
                accelerator: String::new(),
            }),
        }
    }

    /// Every component's spec.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A component and its spec.
    pub(crate) fn component(&self, id: &str) -> Option<(&'static dyn Component, &Spec)> {
        self.components.get(id).map(|(component, spec)| (*component, spec))
    }

    /// What is wrong, which columns will flow, and which results are out of date. Nothing runs.
    pub fn check(&self, pipeline: &Pipeline) -> Checked {
        let mut checked = Checked { problems: pipeline::check(pipeline, &self.catalogue), ..Checked::default() };
        let mut keys = BTreeMap::new();
        for id in pipeline.topological_order() {
            let Some(node) = pipeline.node(&id) else { continue };
            let Some((component, spec)) = self.components.get(&node.component) else { continue };
            let computation = self.state.borrow().last.get(&id).map_or(0, |last| last.recipe.computation);
            let accelerator = self.state.borrow().accelerator_of(spec);
            if let Some(recipe) = recipe(pipeline, &id, spec, &keys, computation, accelerator) {
                let key = recipe.key();
                let mut state = self.state.borrow_mut();
                if state.last.get(&id).is_some_and(|last| last.key != key) {
                    checked.stale.push(id.clone());
                }
                keys.insert(id.clone(), key);
                // What really came out beats what was foretold.
                if let Some(kept) = state.cache.get(key) {
                    for (port, artifact) in &kept.outputs {
                        if let Artifact::Table(table) = artifact {
                            checked.schemas.insert(OutPort::new(&id, port), table.schema().clone());
                        }
                    }
                    continue;
                }
            }
            if checked
                .problems
                .iter()
                .any(|problem| problem.node.as_ref() == Some(&id) && problem.severity == Severity::Error)
            {
                continue;
            }
            let inputs = self.input_schemas(pipeline, &id, spec, &checked.schemas);
            let sources = self.sources(pipeline, &id, spec);
            let mut flow = Flow { node, spec, inputs, sources, outputs: BTreeMap::new() };
            match component.flow(&mut flow) {
                Ok(()) => {
                    checked
                        .schemas
                        .extend(flow.outputs.into_iter().map(|(port, schema)| (OutPort::new(&id, &port), schema)));
                }
                Err(error) => checked.problems.push(Problem {
                    code: "P101".into(),
                    severity: Severity::Error,
                    node: Some(id.clone()),
                    place: Some(error.place),
                    message: error.message,
                    help: error.help,
                }),
            }
        }
        checked
    }

    fn input_schemas(
        &self,
        pipeline: &Pipeline,
        id: &NodeId,
        spec: &Spec,
        schemas: &BTreeMap<OutPort, Schema>,
    ) -> BTreeMap<String, Schema> {
        spec.inputs
            .iter()
            .filter_map(|port| {
                let source = pipeline.source(&pipeline::InPort::new(id, &port.name))?;
                Some((port.name.clone(), schemas.get(source)?.clone()))
            })
            .collect()
    }

    /// The node at the other end of each input.
    fn sources<'a>(&'a self, pipeline: &'a Pipeline, id: &NodeId, spec: &Spec) -> BTreeMap<String, NodeParams<'a>> {
        let source = |port: &PortSpec| {
            let node = pipeline.node(&pipeline.source(&pipeline::InPort::new(id, &port.name))?.node)?;
            Some((port.name.clone(), NodeParams::new(self.catalogue.get(&node.component)?, node)))
        };
        spec.inputs.iter().filter_map(source).collect()
    }

    fn kept(&self, id: &NodeId) -> Option<Rc<Kept>> {
        let mut state = self.state.borrow_mut();
        let key = state.last.get(id)?.key;
        state.cache.get(key)
    }

    fn tables(&self, id: &NodeId) -> Vec<(String, Table)> {
        let Some(kept) = self.kept(id) else { return Vec::new() };
        kept.outputs
            .iter()
            .filter_map(|(port, artifact)| match artifact {
                Artifact::Table(table) => Some((port.clone(), table.clone())),
                _ => None,
            })
            .collect()
    }

    /// The result at an output, as of the last run.
    ///
    /// # Errors
    /// It has not run, or its result is no longer kept.
    pub fn artifact(&self, output: &OutPort) -> Result<Artifact, Failure> {
        self.kept(&output.node).and_then(|kept| kept.outputs.get(&output.port).cloned()).ok_or_else(|| {
            Failure::new(format!("there is no result at `{output}`"), "Run the pipeline, or run to this node.")
        })
    }

    /// The table at an output, as of the last run.
    ///
    /// # Errors
    /// As `artifact`, or it is no table.
    pub fn table(&self, output: &OutPort) -> Result<Table, Failure> {
        match self.artifact(output)? {
            Artifact::Table(table) => Ok(table),
            _ => Err(Failure::new(format!("`{output}` gives no table"), "Look at the node's output instead.")),
        }
    }

    /// What a node shows beside its tables, as of the last run.
    ///
    /// # Errors
    /// It has not run, or its result is no longer kept.
    pub fn view(&self, id: &NodeId) -> Result<NodeView, Failure> {
        let kept = self.kept(id).ok_or_else(|| {
            Failure::new(format!("there is no result of `{id}`"), "Run the pipeline, or run to this node.")
        })?;
        let spec =
            self.state.borrow().last.get(id).and_then(|last| self.catalogue.get(&last.recipe.component.0)).cloned();
        let mut view = NodeView { tables: Vec::new(), panels: kept.panels.clone() };
        // In the order of the ports, not of their names.
        let ports = spec.map(|spec| spec.outputs).unwrap_or_default();
        for (port, artifact) in ports.iter().filter_map(|port| Some((&port.name, kept.outputs.get(&port.name)?))) {
            match artifact {
                Artifact::Table(table) => {
                    view.tables.push((port.clone(), table.n_rows() as u64, table.schema().columns.len() as u32));
                }
                Artifact::Evaluation(evaluation) => view.panels.extend(evaluation.panels.iter().cloned()),
                Artifact::Learner(_)
                | Artifact::Clusterer(_)
                | Artifact::Model(_)
                | Artifact::Clustering(_)
                | Artifact::Transformation(_) => {}
            }
        }
        Ok(view)
    }

    /// Forgets results, so that the next run computes them again.
    pub fn clear(&self, node: Option<&NodeId>) {
        let mut state = self.state.borrow_mut();
        match node {
            None => state.cache.clear(),
            Some(id) => {
                if let Some(key) = state.last.get(id).map(|last| last.key) {
                    state.cache.remove(key);
                }
            }
        }
    }

    /// Forgets what nodes last came out of, because another document is open, in which the same ids name other nodes.
    /// Results stay: the same step on the same data is still not computed twice.
    pub fn forget_nodes(&self) {
        self.state.borrow_mut().last.clear();
    }

    /// Bytes of results that are kept.
    pub fn n_bytes(&self) -> u64 {
        self.state.borrow().cache.n_bytes()
    }

    /// The same, and how much of it is what each node last came out of.
    pub fn kept_bytes(&self) -> protocol::Kept {
        let state = self.state.borrow();
        let nodes = state.last.iter().filter_map(|(id, last)| Some((id.clone(), state.cache.n_bytes_of(last.key)?)));
        protocol::Kept { n_bytes: state.cache.n_bytes(), nodes: nodes.collect() }
    }
}
