//! A run as lists know it: its record without what only its own page shows, and with the settings that it ran with.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{Catalogue, Family, NodeId, Pipeline};
use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::changes::Changes;
use crate::key::{PipelineHash, RunKey};
use crate::record::{MetricRecord, RunRecord, RunState, TrialOf};
use crate::rows::{TestRows, test_rows};
use crate::scalar::{Scalar, settings_of, title_of};

/// A run in the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// The pipeline's seed.
    pub seed: u64,
    /// The files that it read, with the start of their hashes: "churn.csv 1f2e3d4c".
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Its learners' names: "Decision Forest".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub learner: String,
    /// Figures of merit, in reading order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricRecord>,
    /// Every parameter that counted, defaults too, node by node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<NodeId, BTreeMap<String, Scalar>>,
    /// Which rows judged it, by the node that measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub test_rows: BTreeMap<NodeId, TestRows>,
    /// The user's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The user's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Left out of lists unless they are asked for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub archived: bool,
    /// The sweep that it is a trial of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialOf>,
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
            test_rows: run
                .metrics
                .iter()
                .map(|metric| &metric.node)
                .gather::<BTreeSet<_>>()
                .into_iter()
                .filter_map(|node| Some((node.clone(), test_rows(pipeline, node, catalogue)?)))
                .gather(),
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

    /// "13 Balanced weights".
    pub fn title(&self) -> String {
        format!("{} {}", self.number, self.name)
    }
}

fn data_in_words(run: &RunRecord) -> String {
    let files: BTreeSet<_> = run.data.values().flatten().map(|file| (&file.name, &file.hash)).gather();
    let words = files.into_iter().map(|(name, hash)| format!("{name} {}", hash.get(..8).unwrap_or(hash)));
    words.collect::<Vec<_>>().join(", ")
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

/// Every parameter of a pipeline that counts, defaults too, node by node.
pub fn params(pipeline: &Pipeline, catalogue: &Catalogue) -> BTreeMap<NodeId, BTreeMap<String, Scalar>> {
    let mut params: BTreeMap<NodeId, BTreeMap<String, Scalar>> = BTreeMap::new();
    for (id, node) in pipeline.nodes() {
        for (name, spec, value) in settings_of(node, catalogue.get(&node.component)) {
            params.entry(id.clone()).or_default().insert(name.into(), Scalar::of(value, spec));
        }
    }
    params
}

fn is_false(truth: &bool) -> bool {
    !truth
}
