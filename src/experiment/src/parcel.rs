//! Runs on their way into another browser: figures and pipelines, as a part of a link.

use pipeline::Pipeline;
use pipeline::link::{LinkError, pack_text, unpack_text};
use schema::ordered::Gather;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

use crate::folder::{ReadError, read_run, write_pipeline, write_run};
use crate::key::{PipelineHash, pipeline_hash};
use crate::record::RunRecord;

/// Why the runs in a link cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// The link is.
    #[error("the runs that it carries cannot be read: {0}")]
    Link(#[from] LinkError),
    /// A run is.
    #[error("a run that it carries cannot be read: {0}")]
    Run(#[from] ReadError),
    /// Something else is in it.
    #[error("the runs that it carries are {0}: a newer version of Millrace may have made it")]
    SomethingElse(&'static str),
}

/// Packs runs with their pipelines; each pipeline once. Curves, matrices, logs and timings stay where they are, so that
/// ten runs fit into a link.
pub fn pack_runs<'a>(runs: impl IntoIterator<Item = (&'a RunRecord, &'a Pipeline)>) -> String {
    let mut pipelines = BTreeMap::new();
    let mut records = Vec::new();
    // What was written here reads as JSON.
    let parsed = |bytes: Vec<u8>| serde_json::from_slice::<Json>(&bytes).unwrap_or_default();
    for (run, pipeline) in runs {
        pipelines.entry(run.pipeline.as_str()).or_insert_with(|| parsed(write_pipeline(pipeline)));
        let figures = RunRecord { nodes: Vec::new(), figures: Vec::new(), log: Vec::new(), ..run.clone() };
        records.push(parsed(write_run(&figures)));
    }
    let pipelines: Vec<Json> = pipelines.into_values().collect();
    pack_text(&json!({ "runs": records, "pipelines": pipelines }).to_string())
}

/// The runs that were packed, each with its pipeline.
///
/// # Errors
/// A text that was cut off or changed, runs of a later format, runs without their pipeline.
pub fn unpack_runs(packed: &str) -> Result<Vec<(RunRecord, Pipeline)>, ParcelError> {
    let text = unpack_text(packed)?;
    let json: Json = serde_json::from_str(&text).map_err(|_| ParcelError::SomethingElse("no JSON"))?;
    let list = |name: &str| json.get(name).and_then(Json::as_array).ok_or(ParcelError::SomethingElse("in other parts"));
    let mut pipelines: Vec<(PipelineHash, Pipeline)> = Vec::new();
    for pipeline in list("pipelines")? {
        let pipeline = pipeline::from_json(&pipeline.to_string()).map_err(ReadError::from)?;
        pipelines.push((pipeline_hash(&pipeline), pipeline));
    }
    let pipelines: BTreeMap<PipelineHash, Pipeline> = pipelines.into_iter().gather();
    let mut runs = Vec::new();
    for run in list("runs")? {
        let run = read_run(run.to_string().as_bytes())?;
        let pipeline =
            pipelines.get(&run.pipeline).ok_or(ParcelError::SomethingElse("without a pipeline of theirs"))?;
        runs.push((run, pipeline.clone()));
    }
    Ok(runs)
}
