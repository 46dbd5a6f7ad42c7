//! How runs are kept: the same files in the browser's store and in the command line's folder, so that each reads
//! the other's.
//!
//! ```text
//! runs/019a4c3b2d1-9f3c2a11.json            a run
//! pipelines/0f3a…d1.json                    the pipeline of one or many runs, an ordinary pipeline file
//! index.jsonl                               one line per run, for lists; later lines replace earlier ones
//! ```
//!
//! A run's file is canonical JSON: fields sorted, one to a line, those that are empty left out. Its `format` goes up only when the meaning of a field
//! changes; this version reads every earlier format and refuses later ones. Fields may be added without that: a field
//! of a run that this version does not know is kept and written back, one inside a field is ignored. The index holds
//! nothing that cannot be made anew from the other files.

use pipeline::Pipeline;
use serde_json::Value as Json;

use crate::codec;
use crate::entry::IndexEntry;
use crate::json::{Part, Wrong, object};
use crate::key::{PipelineHash, RunKey, pipeline_hash};
use crate::order::order;
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
    /// A part of it is not as it should be.
    #[error("at {path}: {message}")]
    Part {
        /// `nodes.3.outcome`.
        path: String,
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

impl From<Wrong> for ReadError {
    fn from(wrong: Wrong) -> Self {
        Self::Part { path: wrong.path, message: wrong.message }
    }
}

/// A run as its file's bytes.
pub fn write_run(run: &RunRecord) -> Vec<u8> {
    let mut fields = run.extra.clone();
    let Json::Object(known) = object(codec::run(run)) else { return Vec::new() };
    fields.extend(known);
    fields.insert("millrace".into(), "run".into());
    fields.insert("format".into(), FORMAT.into());
    let names: Vec<&String> = fields.keys().collect();
    let mut text = String::from("{");
    // Whatever order serde_json keeps, this one is sorted.
    for (line_idx, at) in order(names.len(), &|a, b| names[a].cmp(names[b])).into_iter().enumerate() {
        let name = names[at];
        text.push_str(if line_idx == 0 { "\n" } else { ",\n" });
        text.push_str(&format!("{}:{}", Json::from(name.as_str()), fields[name]));
    }
    text.push_str("\n}\n");
    text.into_bytes()
}

/// A run from its file's bytes.
///
/// # Errors
/// Bytes that are no run, or one of a later format.
pub fn read_run(bytes: &[u8]) -> Result<RunRecord, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        ReadError::Syntax { line, column: 1, message: "a byte that is no text".into() }
    })?;
    let json: Json = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        ReadError::Syntax { line, column, message }
    })?;
    if json.get("millrace").and_then(Json::as_str) != Some("run") {
        return Err(ReadError::NoRun);
    }
    let top = Part::top(&json);
    let format = top.needed("format")?.whole()?;
    if format > u64::from(FORMAT) {
        return Err(ReadError::Newer { found: format });
    }
    let mut run = codec::read_run(&top)?;
    if let Json::Object(mut fields) = json {
        fields.retain(|name, _| !codec::FIELDS.contains(&name.as_str()));
        run.extra = fields;
    }
    Ok(run)
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
    format!("{}\n", codec::entry(entry))
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
    let mut entries: Vec<IndexEntry> = Vec::new();
    let mut broken = Vec::new();
    for (line_idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let entry = match serde_json::from_str(line) {
            Ok(json) => codec::read_entry(&Part::top(&json)).map_err(|wrong| ReadError::from(wrong).to_string()),
            Err(error) => Err(error.to_string()),
        };
        match entry {
            Ok(entry) => entries.push(entry),
            Err(message) => broken.push((line_idx + 1, message)),
        }
    }
    let sorted = order(entries.len(), &|a, b| entries[a].id.cmp(&entries[b].id));
    let is_last = |at: usize| sorted.get(at + 1).is_none_or(|next| entries[*next].id != entries[sorted[at]].id);
    let kept: Vec<usize> = (0..sorted.len()).filter(|at| is_last(*at)).map(|at| sorted[at]).collect();
    let mut entries: Vec<Option<IndexEntry>> = entries.into_iter().map(Some).collect();
    Index { entries: kept.into_iter().filter_map(|at| entries[at].take()).collect(), broken }
}
