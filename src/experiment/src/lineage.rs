//! Where a result comes from: every node, file and component above it, down to its sources.

use pipeline::{Catalogue, NodeId, OutPort, Pipeline};

use crate::record::{DataFile, RunRecord};
use crate::scalar::{Scalar, settings_of, title_of};

/// Where one output comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage {
    /// Every node that it rests on and at last its own, each after all that feed it.
    pub steps: Vec<LineageStep>,
    /// Files that it rests on, each once.
    pub files: Vec<DataFile>,
}

/// One node above a result.
#[derive(Clone, Debug, PartialEq)]
pub struct LineageStep {
    /// The node.
    pub node: NodeId,
    /// Its name for people.
    pub title: String,
    /// The component's id.
    pub component: String,
    /// The component's version.
    pub version: u32,
    /// Every setting that counted, with its name for people.
    pub settings: Vec<(String, Scalar)>,
    /// What fed each of its inputs.
    pub inputs: Vec<(String, OutPort)>,
    /// Content addresses of its outputs, where the run recorded them.
    pub artifacts: Vec<(String, String)>,
    /// Files that it read.
    pub files: Vec<DataFile>,
    /// Nothing feeds it.
    pub is_source: bool,
}

/// The lineage of an output of a run's pipeline; empty if the pipeline has no such node.
pub fn lineage(run: &RunRecord, pipeline: &Pipeline, output: &OutPort, catalogue: &Catalogue) -> Lineage {
    let above = pipeline.feeding([&output.node]);
    let mut lineage = Lineage::default();
    for id in pipeline.topological_order().into_iter().filter(|id| above.contains(id)) {
        let Some(node) = pipeline.node(&id) else { continue };
        let fed = pipeline.edges().iter().filter(|(to, _)| to.node == id);
        let inputs: Vec<_> = fed.map(|(to, from)| (to.port.clone(), from.clone())).collect();
        let files: Vec<_> = run.data.iter().filter(|file| file.node == id).cloned().collect();
        for file in &files {
            if lineage.files.iter().all(|other| other.hash != file.hash) {
                lineage.files.push(file.clone());
            }
        }
        let settings = settings_of(node, catalogue.get(&node.component)).into_iter().map(|(name, spec, value)| {
            (spec.map_or_else(|| name.to_owned(), |spec| spec.label.clone()), Scalar::of(value, spec))
        });
        let artifacts = run.node(&id).map(|node| node.artifacts.clone()).unwrap_or_default();
        lineage.steps.push(LineageStep {
            title: title_of(node, catalogue),
            component: node.component.clone(),
            version: node.version,
            settings: settings.collect(),
            is_source: inputs.is_empty(),
            inputs,
            artifacts: artifacts.into_iter().collect(),
            files,
            node: id,
        });
    }
    lineage
}
