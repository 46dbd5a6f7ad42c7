//! Models from a pipeline to a real address.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use endpoint::{Answer, Host, Request, Scorer, Service};
use engine::testing::{TestHost, block_on};
use engine::{About, Artifact, Engine};
use model::{Prediction, Values};
use monitor::{Minute, MinuteKey};
use pipeline::{NodeId, OutPort};
use protocol::{RunId, RunTarget};
use registry::{Change, Event, Hash, Log, Name};
use serde_json::{Value as Json, json};

const PIPELINE: &str = "../../tests/golden/pipelines/web_service.json";

struct Lab;

impl Host for Lab {
    fn seconds(&self) -> f64 {
        0.0
    }
    fn fresh_id(&self) -> String {
        "1".into()
    }
    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        Vec::new()
    }
    fn metrics(&self, _: &str) -> Answer {
        Answer::text("text/plain", String::new())
    }
}

#[test]
fn raw_rows_of_a_request_are_predicted_as_prepared_rows_in_the_pipeline_to_the_last_bit() {
    let text = fs::read_to_string(PIPELINE).expect("the pipeline is there");
    let pipeline = pipeline::from_json(&text).expect("it is one");
    let engine = Engine::new(components::catalogue(), u64::MAX);
    block_on(engine.run(&TestHost::default(), RunId(0), &pipeline, &RunTarget::All));
    let table =
        |node: &str, port: &str| engine.table(&OutPort::new(&NodeId::new(node).expect("an id"), port)).expect("it ran");
    let train = OutPort::new(&NodeId::new("train").expect("an id"), "model");
    let Ok(Artifact::Model(model)) = engine.artifact(&train) else { panic!("it trained a model") };
    let prepared = table("normalize", "table");
    let Prediction::Probabilities { values: expected, .. } = model.predict(&prepared.frame()).expect("it can") else {
        panic!("it tells classes");
    };
    let output = NodeId::new("output").expect("an id");
    let package = engine.package(&pipeline, &output, &About::default()).expect("it can be packed").to_bytes();
    let (service, _) = serving(&package);
    let raw = table("input", "table");
    let body = json!({ "inputs": inputs(&raw) }).to_string();
    let request = Request { method: "POST", path: "/v2/models/churn/infer", headers: &[], body: body.as_bytes() };
    let handled = service.handle(&request, &Lab);
    assert_eq!(handled.answer.status, 200, "{}", handled.error);
    let answer: Json = serde_json::from_slice(&handled.answer.body).expect("it is JSON");
    let given: Vec<f64> =
        answer["outputs"][1]["data"].as_array().expect("a list").iter().filter_map(Json::as_f64).collect();
    assert!(raw.frame().columns.iter().any(|column| column.valid.is_some()), "the raw rows have gaps");
    assert_eq!(given.len(), 2_000);
    assert!(given.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
    let header = registry::Package::from_bytes(&package).expect("it is one").header;
    let auc = header.card.metrics.iter().find(|metric| metric.name == "evaluate.auc").expect("it was judged");
    assert!(auc.value > 0.8, "{}", auc.value);
    let prediction = header.reference.prediction.expect("it was predicted");
    assert_eq!((prediction.name.as_str(), prediction.n_missing), ("churned", 0));
}

/// Every column of a table as a request brings it.
fn inputs(table: &table::Table) -> Vec<Json> {
    let frame = table.frame();
    let cell = |column: &model::ColumnView<'_>, row: usize| match &column.values {
        _ if !column.is_valid(row) => Json::Null,
        Values::Number(values) => json!(values[row]),
        Values::Integer(values) | Values::DateTime(values) => json!(values[row]),
        Values::Boolean(values) => json!(values[row]),
        Values::Category { codes, dictionary } => json!(dictionary[codes[row] as usize]),
        Values::Text(values) => json!(values[row]),
    };
    let input = |column: &model::ColumnView<'_>| {
        let data: Vec<Json> = (0..frame.n_rows).map(|row| cell(column, row)).collect();
        json!({ "name": column.name, "shape": [frame.n_rows], "datatype": "BYTES", "data": data })
    };
    frame.columns.iter().map(input).collect()
}

fn serving(package: &[u8]) -> (Service, Log) {
    let name = |text: &str| Name::new(text).expect("a name");
    let mut log = Log::default();
    for change in [
        Change::Registered { model: name("churn"), version: 1, package: Hash::of(package) },
        Change::Deployed { endpoint: name("churn"), deployment: name("blue"), model: name("churn"), version: 1 },
        Change::TrafficSet {
            endpoint: name("churn"),
            traffic: BTreeMap::from([(name("blue"), 100)]),
            reason: String::new(),
        },
    ] {
        log.record(Event { at: 0, who: "test".into(), change }).expect("it fits");
    }
    let scorer = Arc::new(Scorer::load(package).expect("it is whole"));
    (Service::new(log.registry().clone(), [(Hash::of(package), scorer)].into()), log)
}

/// A folder that goes when it is no longer needed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deploy-{name}"));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn millrace(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(arguments)
            .args(["--registry", &self.0.display().to_string()])
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it is text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that ends when it is no longer needed.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(registry: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(["serve", "--port", "0", "--registry"])
            .arg(registry)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says where it is");
        let address = line.trim_start_matches("serving http://").split('/').next().expect("an address").to_owned();
        Self { child, address }
    }

    /// The status and the body.
    fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{key}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what a server does within a moment of a change of its folder.
fn soon(mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("it did not come to pass within five seconds");
}

fn sample(folder: &Folder) -> String {
    let shown = folder.millrace(&["registry", "show", "models:/churn", "--json"]);
    let shown: Json = serde_json::from_str(&shown).expect("it is JSON");
    shown["sample_request"].to_string()
}

#[test]
fn versions_are_swapped_and_keys_replaced_without_a_failed_request() {
    let folder = Folder::new("swap");
    for _ in 0..2 {
        folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    }
    folder.millrace(&["deploy", "models:/churn/1"]);
    let make = |slot: &str| {
        let key = folder.millrace(&["keys", "make", "--scope", "infer:*", "--slot", slot]);
        key.trim().to_owned()
    };
    let keys = [make("primary"), make("secondary")];
    let body = sample(&folder);
    let server = Server::start(&folder.0);
    let path = "/v2/models/churn/infer";
    assert_eq!(server.ask("POST", path, None, &body).0, 401);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut versions = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let (status, answer) = server.ask("POST", path, Some(&keys[1]), &body);
                assert_eq!(status, 200, "{answer}");
                let answer: Json = serde_json::from_str(&answer).expect("it is JSON");
                versions.push(answer["model_version"].as_str().unwrap_or_default().to_owned());
            }
            versions
        });
        let version = || {
            let (_, answer) = server.ask("POST", path, Some(&keys[1]), &body);
            serde_json::from_str::<Json>(&answer).expect("it is JSON")["model_version"].clone()
        };
        folder.millrace(&["deploy", "models:/churn/2"]);
        soon(|| version() == "2");
        let third = make("primary");
        soon(|| server.ask("POST", path, Some(&third), &body).0 == 200);
        assert_eq!(server.ask("POST", path, Some(&keys[0]), &body).0, 401, "the key that was replaced has ended");
        is_over.store(true, Ordering::Relaxed);
        let versions = caller.join().expect("no request failed");
        assert!(versions.len() > 20, "{} requests", versions.len());
        let swapped = versions.iter().position(|version| version == "2").expect("it was swapped");
        assert!(versions[swapped..].iter().all(|version| version == "2"), "it was swapped once");
    });
}

#[test]
fn a_public_address_needs_a_key() {
    let folder = Folder::new("public");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    let output = Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(["serve", "--host", "0.0.0.0", "--port", "0", "--registry"])
        .arg(&folder.0)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("can be reached from other computers, and there is no key"), "{error}");
}
