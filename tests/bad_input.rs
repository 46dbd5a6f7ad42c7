//! What users give by mistake, and what they are told: what is wrong, where, what was expected, and the way out.
//!
//! Files and tables go through whole pipelines in the engine, as in the studio and on the command line. What can only
//! happen in a page (storage that is full, two tabs, a worker that dies) is tried in `browser/`; what a single reader
//! or learner does with any bytes and numbers, beside it.

#[path = "bad_input/clusters.rs"]
mod clusters;
#[path = "bad_input/documents.rs"]
mod documents;
#[path = "bad_input/explained.rs"]
mod explained;
#[path = "bad_input/large.rs"]
mod large;
#[path = "bad_input/later.rs"]
mod later;
#[path = "bad_input/learners.rs"]
mod learners;
#[path = "bad_input/mended.rs"]
mod mended;
#[path = "bad_input/places.rs"]
mod places;
#[path = "bad_input/refused.rs"]
mod refused;

use engine::testing::block_on;
use engine::{Engine, Host};
use pipeline::{Edit, FileRef, NodeId, Pipeline, Value};
use protocol::{Failure, NodeOutcome, Panel, RunId, RunReport, RunTarget};

const FOREST: &str = "decision-forest";
const LINE: &str = "linear-regression";

/// A pipeline that imports a file, trains on it, and judges the model on the same rows.
const JOURNEY: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Bad input", "seed": 1,
    "nodes": {
        "import": { "component": "data.import-file@1" },
        "learner": { "component": "learn.LEARNER@1" },
        "train": { "component": "train.train-model@1", "params": { "target": "TARGET" } },
        "score": { "component": "score.score-model@1" },
        "evaluate": { "component": "evaluate.evaluate-model@1" }
    },
    "edges": {
        "train.learner": "learner.learner", "train.table": "import.table",
        "score.model": "train.model", "score.table": "import.table",
        "evaluate.scored": "score.scored"
    }
}"#;

fn journey(learner: &str, target: &str) -> Pipeline {
    let text = JOURNEY.replace("LEARNER", learner).replace("TARGET", target);
    pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn id(text: &str) -> NodeId {
    NodeId::new(text).expect("an id")
}

fn set(pipeline: &mut Pipeline, node: &str, param: &str, value: Value) {
    pipeline.apply(Edit::SetParam(id(node), param.into(), Some(value))).expect("the node is there");
}

fn file(name: &str, bytes: &[u8]) -> FileRef {
    let (size, hash) = (bytes.len() as u64, "0".repeat(32));
    FileRef { name: name.into(), size, hash, schema: None, inline: Some(bytes.to_vec()) }
}

fn with_file(mut pipeline: Pipeline, name: &str, bytes: &[u8]) -> Pipeline {
    set(&mut pipeline, "import", "file", Value::File(file(name, bytes)));
    pipeline
}

fn engine() -> Engine {
    Engine::new(components::catalogue(), u64::MAX)
}

fn run(host: &dyn Host, engine: &Engine, pipeline: &Pipeline) -> RunReport {
    block_on(engine.run(host, RunId(1), pipeline, &RunTarget::All))
}

/// The node that failed, and what it said.
fn failure(report: &RunReport) -> Option<(String, Failure)> {
    report.nodes.iter().find_map(|(id, node)| match &node.outcome {
        NodeOutcome::Failed(failure) => Some((id.to_string(), failure.clone())),
        NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
    })
}

fn came_through(report: &RunReport) -> bool {
    report.nodes.values().all(|node| node.outcome == NodeOutcome::Ran)
}

/// Everything that a node's panels say.
fn facts(engine: &Engine, node: &str) -> String {
    let mut told = String::new();
    for panel in engine.view(&id(node)).expect("it ran").panels {
        if let Panel::Facts { rows, .. } = panel {
            rows.iter().for_each(|row| told += &(row.join(" | ") + "\n"));
        }
    }
    told
}
