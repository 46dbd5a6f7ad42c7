//! Every pipeline of the gallery, and those in `pipelines/`, through the engine, against one snapshot. Together they
//! place every component.
//!
//! The browser scenarios hold the worker to the same file, so native and WASM results agree to the last digit.
//! `MILLRACE_UPDATE=1 cargo test -p millrace-tests --test golden` writes it anew, and `pipelines/` canonically; the
//! commit says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;

use engine::testing::{TestHost, block_on};
use engine::threads::Threads;
use engine::{Artifact, Engine};
use pipeline::{Pipeline, Severity};
use protocol::{NodeOutcome, RunId, RunTarget};
use serde_json::{Value, json};

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

const GALLERY: &str = "../public/gallery";
const OTHERS: &str = "golden/pipelines";

/// The pipelines of a folder by name.
fn pipelines_in(path: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(path)).expect("the folder is there");
    entries
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            (name != "index").then(|| (name, fs::read_to_string(&path).expect("text")))
        })
        .collect()
}

/// Every golden pipeline, read once, for it may be written before.
fn golden() -> &'static BTreeMap<String, String> {
    static GOLDEN: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let mut golden = pipelines_in(GALLERY);
        for (name, mut text) in pipelines_in(OTHERS) {
            if std::env::var_os("MILLRACE_UPDATE").is_some() {
                let pipeline = pipeline::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                text = pipeline::to_json(&pipeline);
                fs::write(folder(OTHERS).join(format!("{name}.json")), &text).expect("the pipeline can be written");
            }
            assert!(golden.insert(name.clone(), text).is_none(), "two pipelines are called {name}");
        }
        golden
    })
}

/// What must not change without a reason: metrics to the last digit, columns, rows, and the content of tables.
fn snapshot(engine: &Engine, host: &TestHost, pipeline: &Pipeline) -> Value {
    let report = block_on(engine.run(host, RunId(1), pipeline, &RunTarget::All));
    let mut nodes = serde_json::Map::new();
    for (id, node) in &report.nodes {
        assert_eq!(node.outcome, NodeOutcome::Ran, "{}: {id}", pipeline.name());
        let mut entry = serde_json::Map::new();
        if !node.metrics.is_empty() {
            // As text, so that every digit counts for whoever reads it.
            let metrics: BTreeMap<_, _> = node.metrics.iter().map(|(name, x)| (name, format!("{x:?}"))).collect();
            entry.insert("metrics".into(), json!(metrics));
        }
        let mut tables = serde_json::Map::new();
        for port in node.outputs.keys() {
            let output = pipeline::OutPort::new(id, port);
            if let Ok(Artifact::Table(table)) = engine.artifact(&output) {
                let columns: Vec<String> = table
                    .schema()
                    .columns
                    .iter()
                    .map(|column| format!("{}: {}, {}", column.name, column.kind.label(), column.role.label()))
                    .collect();
                tables.insert(
                    port.clone(),
                    json!({
                        "rows": table.n_rows(),
                        "columns": columns,
                        "fingerprint": format!("{:016x}", table.fingerprint()),
                    }),
                );
            }
        }
        if !tables.is_empty() {
            entry.insert("tables".into(), Value::Object(tables));
        }
        entry.insert("outputs".into(), json!(node.outputs));
        let panels = engine.view(id).expect("it ran").panels;
        let twice = panels.iter().enumerate().find(|(at, panel)| panels[..*at].contains(panel));
        assert!(twice.is_none(), "{}: {id} shows {:?} twice", pipeline.name(), twice.map(|(at, _)| at));
        nodes.insert(id.to_string(), Value::Object(entry));
    }
    Value::Object(nodes)
}

/// The snapshot of every golden pipeline.
fn snapshots(host: &TestHost) -> BTreeMap<String, Value> {
    golden()
        .iter()
        .map(|(name, text)| {
            let pipeline = pipeline::from_json(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            // An engine for each, so that nothing is taken from another pipeline's run.
            (name.clone(), snapshot(&Engine::new(components::catalogue(), u64::MAX), host, &pipeline))
        })
        .collect()
}

#[test]
fn every_pipeline_gives_the_same_on_several_workers() {
    let alone = snapshots(&TestHost::default());
    let threads = Threads::start(2, components::catalogue(), u64::MAX).sharing_all();
    let together = snapshots(&TestHost::default().helped_by(Rc::new(threads)));
    for (name, nodes) in &alone {
        assert_eq!(together.get(name), Some(nodes), "{name}");
    }
}

#[test]
fn every_pipeline_gives_the_snapshot() {
    let found = snapshots(&TestHost::default());
    let text = serde_json::to_string_pretty(&found).expect("plain data") + "\n";
    let path = folder("golden/snapshot.json");
    if std::env::var_os("MILLRACE_UPDATE").is_some() {
        fs::write(&path, &text).expect("the snapshot can be written");
    }
    let expected: BTreeMap<String, Value> =
        serde_json::from_str(&fs::read_to_string(&path).expect("the snapshot is there")).expect("JSON");
    for (name, nodes) in &found {
        for (node, entry) in nodes.as_object().expect("nodes") {
            let kept = expected.get(name).and_then(|nodes| nodes.get(node));
            assert_eq!(Some(entry), kept, "{name}.{node} is not as in tests/golden/snapshot.json");
        }
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn no_pipeline_has_problems_and_all_are_written_canonically() {
    let engine = Engine::new(components::catalogue(), u64::MAX);
    for (name, text) in golden() {
        let pipeline = pipeline::from_json(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors: Vec<_> = engine
            .check(&pipeline)
            .problems
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert_eq!(&pipeline::to_json(&pipeline), text, "{name} is not canonical");
    }
}

/// What flows before a run is what comes out of it, as far as it is foretold.
#[test]
fn foretold_columns_come_true() {
    let mut n_foretold = 0;
    for (name, text) in golden() {
        let engine = Engine::new(components::catalogue(), u64::MAX);
        let pipeline = pipeline::from_json(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let foretold = engine.check(&pipeline).schemas;
        let report = block_on(engine.run(&TestHost::default(), RunId(1), &pipeline, &RunTarget::All));
        for (output, schema) in &foretold {
            assert_eq!(report.schemas.get(output), Some(schema), "{name}: {output}");
        }
        n_foretold += foretold.len();
    }
    assert!(n_foretold > 40, "{n_foretold}");
}

/// One that is placed nowhere here would be compared with nothing in the browser: add it to a pipeline.
#[test]
fn every_component_is_in_a_golden_pipeline() {
    let placed: BTreeSet<String> = golden()
        .values()
        .flat_map(|text| {
            let pipeline = pipeline::from_json(text).expect("a pipeline");
            pipeline.nodes().values().map(|node| node.component.clone()).collect::<Vec<_>>()
        })
        .collect();
    for component in components::catalogue() {
        let id = component.spec().id;
        assert!(placed.contains(&id), "{id} is in no golden pipeline");
    }
}

#[test]
fn the_index_lists_every_pipeline_with_its_true_size() {
    let index = fs::read_to_string(folder("../public/gallery/index.json")).expect("the index is there");
    let index: Vec<Value> = serde_json::from_str(&index).expect("JSON");
    let gallery = pipelines_in(GALLERY);
    let ids: Vec<&str> = index.iter().filter_map(|entry| entry["id"].as_str()).collect();
    assert_eq!(ids.len(), gallery.len());
    let engine = Engine::new(components::catalogue(), u64::MAX);
    for entry in &index {
        let id = entry["id"].as_str().expect("an id");
        let pipeline = pipeline::from_json(&gallery[id]).expect("a pipeline");
        assert_eq!(entry["title"].as_str(), Some(pipeline.name()));
        let data = pipeline::NodeId::new("data").expect("an id");
        let target = RunTarget::To(vec![data.clone()]);
        block_on(engine.run(&TestHost::default(), RunId(1), &pipeline, &target));
        let table = engine.table(&pipeline::OutPort::new(&data, "table")).expect("it ran");
        let size = [entry["rows"].as_u64(), entry["columns"].as_u64()];
        assert_eq!(size, [Some(table.n_rows() as u64), Some(table.n_columns() as u64)], "{id}");
        let tags = ["yes-or-no", "a-number", "groups", "many-classes"];
        assert!(entry["tag"].as_str().is_some_and(|tag| tags.contains(&tag)), "{id}");
    }
}
