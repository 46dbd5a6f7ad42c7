//! A run as lists know it: its record without what only its own page shows, and with the settings that it ran with.

use pipeline::{Catalogue, Family, NodeId, Pipeline};

use crate::changes::Changes;
use crate::key::{PipelineHash, RunKey};
use crate::order::order;
use crate::record::{MetricRecord, RunRecord, RunState, TrialOf};
use crate::rows::{TestRows, test_rows};
use crate::scalar::{Scalar, settings_of, title_of};

/// A run in the index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// Its key.
    pub id: RunKey,
    /// Its number within the document.
    pub number: u32,
    /// The user's name for it.
    pub name: String,
    /// The document that was run.
    pub document: String,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The pipeline.
    pub pipeline: PipelineHash,
    /// What was changed since the run before.
    pub changes: Changes,
    /// The pipeline's seed.
    pub seed: u64,
    /// The files that it read, with the start of their hashes: "churn.csv 1f2e3d4c".
    pub data: String,
    /// Version of the engine.
    pub engine: String,
    /// Where it ran, in words.
    pub host: String,
    /// When it began, in milliseconds since 1970.
    pub started_at: u64,
    /// How long it took.
    pub elapsed_secs: f64,
    /// How far it is.
    pub state: RunState,
    /// Why it failed or was stopped.
    pub message: String,
    /// Its learners' names: "Decision Forest".
    pub learner: String,
    /// Figures of merit, in reading order.
    pub metrics: Vec<MetricRecord>,
    /// Every parameter that counted, defaults too, by node and name.
    pub params: Vec<ParamValue>,
    /// Which rows judged it, by the node that measured.
    pub test_rows: Vec<(NodeId, TestRows)>,
    /// The user's, each once.
    pub tags: Vec<String>,
    /// The user's.
    pub note: String,
    /// Left out of lists unless they are asked for.
    pub archived: bool,
    /// The sweep that it is a trial of.
    pub trial: Option<TrialOf>,
}

/// The value of a parameter in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamValue {
    /// Whose parameter.
    pub node: NodeId,
    /// Its name in files.
    pub name: String,
    /// Its value.
    pub value: Scalar,
}

impl IndexEntry {
    /// The entry of a run of this pipeline.
    pub fn new(run: &RunRecord, pipeline: &Pipeline, catalogue: &Catalogue) -> Self {
        Self {
            id: run.id.clone(),
            number: run.number,
            name: run.name.clone(),
            document: run.document.clone(),
            pipeline_name: run.pipeline_name.clone(),
            pipeline: run.pipeline.clone(),
            changes: run.changes.clone(),
            seed: run.seed,
            data: data_in_words(run),
            engine: run.engine.clone(),
            host: run.host.in_words(),
            started_at: run.started_at,
            elapsed_secs: run.elapsed_secs,
            state: run.state,
            message: run.message.clone(),
            learner: learners(pipeline, catalogue).join(" + "),
            metrics: run.metrics.clone(),
            params: params(pipeline, catalogue),
            test_rows: rows_of(run, pipeline, catalogue),
            tags: run.tags.clone(),
            note: run.note.clone(),
            archived: run.archived,
            trial: run.trial.clone(),
        }
    }

    /// A figure of merit by its name, with or without its node: `auc`, `evaluate.auc`.
    pub fn metric(&self, name: &str) -> Option<&MetricRecord> {
        let by_name = self.metrics.iter().find(|metric| metric.name == name);
        by_name.or_else(|| {
            let (node, name) = name.split_once('.')?;
            self.metrics.iter().find(|metric| metric.node.as_str() == node && metric.name == name)
        })
    }

    /// Which rows a node measured on.
    pub fn rows(&self, node: &NodeId) -> Option<&TestRows> {
        self.test_rows.iter().find(|(measuring, _)| measuring == node).map(|(_, rows)| rows)
    }

    /// "Run 13 Balanced weights", or "Run 13" if it has no name of its own.
    pub fn full_title(&self) -> String {
        let plain = format!("Run {}", self.number);
        if self.name == plain { plain } else { format!("{plain} {}", self.name) }
    }

    /// "13 Balanced weights".
    pub fn title(&self) -> String {
        format!("{} {}", self.number, self.name)
    }
}

/// The rows behind each node that measured, once for each.
fn rows_of(run: &RunRecord, pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<(NodeId, TestRows)> {
    let mut found: Vec<(NodeId, TestRows)> = Vec::new();
    for metric in &run.metrics {
        if found.iter().all(|(node, _)| *node != metric.node)
            && let Some(rows) = test_rows(pipeline, &metric.node, catalogue)
        {
            found.push((metric.node.clone(), rows));
        }
    }
    found
}

fn data_in_words(run: &RunRecord) -> String {
    let mut files: Vec<String> = Vec::new();
    for file in &run.data {
        let words = format!("{} {}", file.name, file.hash.get(..8).unwrap_or(&file.hash));
        if !files.contains(&words) {
            files.push(words);
        }
    }
    files.join(", ")
}

/// The learners' names, each once.
fn learners(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<String> {
    let mut names = Vec::new();
    for node in pipeline.nodes().values() {
        let is_learner = match catalogue.get(&node.component) {
            Some(spec) => spec.family == Family::Learn,
            None => node.component.starts_with("learn."),
        };
        let name = title_of(node, catalogue);
        if is_learner && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Every parameter of a pipeline that counts, defaults too, by node and name. Those of the pipeline itself stand first,
/// as those of a node `pipeline`.
pub fn params(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<ParamValue> {
    let mut params = Vec::new();
    if let Ok(node) = NodeId::new("pipeline") {
        params.extend(pipeline.parameters().iter().map(|(name, parameter)| {
            let value = Scalar::of(&parameter.default, pipeline.parameter_spec(name, catalogue).as_ref());
            ParamValue { node: node.clone(), name: name.clone(), value }
        }));
    }
    for (node, placed) in pipeline.nodes() {
        let settings = settings_of(placed, catalogue.get(&placed.component));
        for at in order(settings.len(), &|a, b| settings[a].0.cmp(settings[b].0)) {
            let (name, spec, value) = settings[at];
            params.push(ParamValue { node: node.clone(), name: name.into(), value: Scalar::of(value, spec) });
        }
    }
    params
}
