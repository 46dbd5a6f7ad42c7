//! How runs are kept: the same files in the browser's store and in the command line's folder, so that each reads
//! the other's.
//!
//! ```text
//! runs/019a4c3b2d1-9f3c2a11.json            a run
//! pipelines/0f3a…d1.json                    the pipeline of one or many runs, an ordinary pipeline file
//! index.jsonl                               one line per run, for lists; later lines replace earlier ones
//! ```
//!
//! A run's file is canonical JSON: fields sorted, one to a line. Its `format` goes up only when the meaning of a field
//! changes; this version reads every earlier format and refuses later ones. Fields may be added without that: a field
//! of a run that this version does not know is kept and written back, one inside a field is ignored. The index holds
//! nothing that cannot be made anew from the other files.

use std::collections::BTreeMap;

use pipeline::Pipeline;
use schema::ordered::Gather;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::entry::IndexEntry;
use crate::key::{PipelineHash, RunKey, pipeline_hash};
use crate::record::RunRecord;

/// The version of the format that is written.
pub const FORMAT: u32 = 1;
/// The index's path.
pub const INDEX: &str = "index.jsonl";
const RUNS: &str = "runs/";
const PIPELINES: &str = "pipelines/";

/// What a path in the folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A run.
    Run(RunKey),
    /// A pipeline.
    Pipeline(PipelineHash),
    /// The index.
    Index,
}

/// Where a run is kept.
pub fn path_of_run(run: &RunKey) -> String {
    format!("{RUNS}{run}.json")
}

/// Where a pipeline is kept.
pub fn path_of_pipeline(pipeline: &PipelineHash) -> String {
    format!("{PIPELINES}{pipeline}.json")
}

/// What is kept at a path, counted from the folder; none if it is no path of ours.
pub fn place_of(path: &str) -> Option<Place> {
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == INDEX {
        return Some(Place::Index);
    }
    let stem = path.strip_suffix(".json")?;
    match (stem.strip_prefix(RUNS), stem.strip_prefix(PIPELINES)) {
        (Some(run), _) => RunKey::new(run).ok().map(Place::Run),
        (None, Some(hash)) => PipelineHash::new(hash).ok().map(Place::Pipeline),
        (None, None) => None,
    }
}

/// Why a file is not what it should be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON.
    #[error(
        "line {line}, column {column}: this is no JSON: {message}; it may have been cut off, restore it from a copy"
    )]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// It is JSON of something else.
    #[error("this is JSON, but no run: it does not say \"millrace\": \"run\"")]
    NoRun,
    /// A later version wrote it.
    #[error("it is of format {found}, and this version of Millrace reads up to {FORMAT}: open it with a newer version")]
    Newer {
        /// Its format.
        found: u64,
    },
    /// A field is not as it should be.
    #[error("field {field:?}: {message}")]
    Field {
        /// Its name.
        field: &'static str,
        /// Found and expected.
        message: String,
    },
    /// A pipeline that is none.
    #[error("{0}")]
    Pipeline(#[from] pipeline::ReadError),
    /// A pipeline under another's name.
    #[error(
        "it is kept as pipeline {named}, but is pipeline {found}: it was changed after its run; open it as a pipeline of its own"
    )]
    AnotherPipeline {
        /// The name it is kept under.
        named: PipelineHash,
        /// The name it should have.
        found: PipelineHash,
    },
}

/// A run as its file's bytes.
pub fn write_run(run: &RunRecord) -> Vec<u8> {
    let mut fields = run.extra.clone();
    let mut put = |name: &str, value: Json| _ = fields.insert(name.into(), value);
    put("millrace", "run".into());
    put("format", FORMAT.into());
    put("id", run.id.as_str().into());
    put("number", run.number.into());
    put("name", run.name.as_str().into());
    put("document", run.document.as_str().into());
    put("pipeline_name", run.pipeline_name.as_str().into());
    put("pipeline", run.pipeline.as_str().into());
    put("changes", json(&run.changes));
    put("seed", run.seed.into());
    put("data", json(&run.data));
    put("engine", run.engine.as_str().into());
    put("host", json(&run.host));
    put("started_at", run.started_at.into());
    put("elapsed_secs", run.elapsed_secs.into());
    put("state", json(&run.state));
    put("message", run.message.as_str().into());
    put("nodes", json(&run.nodes));
    put("metrics", json(&run.metrics));
    put("figures", json(&run.figures));
    put("log", json(&run.log));
    put("tags", json(&run.tags));
    put("note", run.note.as_str().into());
    put("archived", run.archived.into());
    put("trial", json(&run.trial));
    let sorted: BTreeMap<_, _> = fields.iter().gather();
    let mut text = String::from("{\n");
    for (field_idx, (name, value)) in sorted.into_iter().enumerate() {
        if field_idx > 0 {
            text.push_str(",\n");
        }
        text.push_str(&Json::from(name.as_str()).to_string());
        text.push(':');
        text.push_str(&value.to_string());
    }
    text.push_str("\n}\n");
    text.into_bytes()
}

fn json(part: &impl Serialize) -> Json {
    // Every part is plain data with text for keys, which JSON can always hold.
    serde_json::to_value(part).unwrap_or_default()
}

/// A run from its file's bytes.
///
/// # Errors
/// Bytes that are no run, or one of a later format.
pub fn read_run(bytes: &[u8]) -> Result<RunRecord, ReadError> {
    let mut fields = match serde_json::from_slice(bytes) {
        Ok(Json::Object(fields)) => fields,
        Ok(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            return Err(ReadError::NoRun);
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            return Err(ReadError::Syntax { line, column, message });
        }
    };
    if fields.remove("millrace") != Some("run".into()) {
        return Err(ReadError::NoRun);
    }
    let format: u64 = needed(&mut fields, "format")?;
    if format > u64::from(FORMAT) {
        return Err(ReadError::Newer { found: format });
    }
    let from = &mut fields;
    Ok(RunRecord {
        id: needed(from, "id")?,
        number: needed(from, "number")?,
        name: optional(from, "name")?,
        document: optional(from, "document")?,
        pipeline_name: optional(from, "pipeline_name")?,
        pipeline: needed(from, "pipeline")?,
        changes: optional(from, "changes")?,
        seed: optional(from, "seed")?,
        data: optional(from, "data")?,
        engine: optional(from, "engine")?,
        host: needed(from, "host")?,
        started_at: needed(from, "started_at")?,
        elapsed_secs: optional(from, "elapsed_secs")?,
        state: needed(from, "state")?,
        message: optional(from, "message")?,
        nodes: optional(from, "nodes")?,
        metrics: optional(from, "metrics")?,
        figures: optional(from, "figures")?,
        log: optional(from, "log")?,
        tags: optional(from, "tags")?,
        note: optional(from, "note")?,
        archived: optional(from, "archived")?,
        trial: optional(from, "trial")?,
        extra: fields,
    })
}

fn needed<T: DeserializeOwned>(fields: &mut Map<String, Json>, field: &'static str) -> Result<T, ReadError> {
    let value = fields.remove(field).ok_or_else(|| ReadError::Field { field, message: "it is missing".into() })?;
    T::deserialize(value).map_err(|error| ReadError::Field { field, message: error.to_string() })
}

fn optional<T: DeserializeOwned + Default>(
    fields: &mut Map<String, Json>,
    field: &'static str,
) -> Result<T, ReadError> {
    if fields.contains_key(field) { needed(fields, field) } else { Ok(T::default()) }
}

/// A pipeline as its file's bytes: an ordinary pipeline file.
pub fn write_pipeline(pipeline: &Pipeline) -> Vec<u8> {
    pipeline::to_json(pipeline).into_bytes()
}

/// A pipeline from its file's bytes.
///
/// # Errors
/// Bytes that are no pipeline, or another one than their name says.
pub fn read_pipeline(bytes: &[u8], named: &PipelineHash) -> Result<Pipeline, ReadError> {
    let pipeline = pipeline::from_json(&String::from_utf8_lossy(bytes))?;
    let found = pipeline_hash(&pipeline);
    if found == *named { Ok(pipeline) } else { Err(ReadError::AnotherPipeline { named: named.clone(), found }) }
}

/// A run's line in the index, with its end of line.
pub fn write_entry(entry: &IndexEntry) -> String {
    format!("{}\n", json(entry))
}

/// The index, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// The last line of each run, in the order of their keys.
    pub entries: Vec<IndexEntry>,
    /// Lines that could not be read, counted from 1, and why: those runs' files must be read instead.
    pub broken: Vec<(usize, String)>,
}

/// Reads the index. A line that was cut off, or that another version wrote otherwise, costs only itself.
pub fn read_index(text: &str) -> Index {
    let mut entries: BTreeMap<RunKey, IndexEntry> = BTreeMap::new();
    let mut broken = Vec::new();
    for (line_idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<IndexEntry>(line) {
            Ok(entry) => _ = entries.insert(entry.id.clone(), entry),
            Err(error) => broken.push((line_idx + 1, error.to_string())),
        }
    }
    Index { entries: entries.into_values().collect(), broken }
}
