//! Models from a pipeline to a real address.

mod lab;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use endpoint::{Answer, Host, Request, Scorer, Service};
use engine::testing::{TestHost, block_on};
use engine::{Artifact, Engine};
use model::Prediction;
use monitor::{Minute, MinuteKey};
use pipeline::{NodeId, OutPort};
use protocol::{About, RunId, RunTarget};
use registry::{Change, Event, Hash, Log, Name};
use serde_json::{Value as Json, json};

use lab::{Folder, PIPELINE, Server, sample, soon};

struct Alone;

impl Host for Alone {
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
    let body = json!({ "inputs": lab::inputs(&raw) }).to_string();
    let request = Request { method: "POST", path: "/v2/models/churn/infer", headers: &[], body: body.as_bytes() };
    let handled = service.handle(&request, &Alone);
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
    let setting = header.card.settings.iter().find(|setting| setting.name == "logistic.l2_weight").expect("it was set");
    assert_eq!(
        (setting.label.as_str(), setting.value.as_str()),
        ("Logistic Regression: L2 regularization weight", "1")
    );
    assert!(header.card.settings.iter().all(|setting| !setting.name.starts_with("evaluate.")), "what comes behind it");
    let prediction = header.reference.prediction.expect("it was predicted");
    assert_eq!((prediction.name.as_str(), prediction.n_missing), ("churned", 0));
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

/// Says that it is over when it goes.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn two_versions_are_compared_by_what_was_set_and_what_came_of_it() {
    let folder = Folder::new("compare");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["register", PIPELINE, "--name", "churn", "--set", "logistic.l2_weight=10"]);
    let told = folder.millrace(&["registry", "compare", "models:/churn/1", "models:/churn/2"]);
    assert!(told.contains("setting logistic.l2_weight: 1 -> 10\n"), "{told}");
    assert_eq!(told.matches("setting ").count(), 1, "{told}");
    assert!(told.contains("evaluate.log_loss: 0."), "{told}");
    let same = folder.millrace(&["registry", "compare", "models:/churn/1", "models:/churn/1"]);
    assert_eq!(same, "they are the same\n");
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
        // Also when something fails below: the scope waits for the caller.
        let over = Over(&is_over);
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
        drop(over);
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

#[test]
fn a_package_is_served_to_other_computers_with_the_keys_of_a_file() {
    let folder = Folder::new("package");
    let key = folder.millrace(&["keys", "make", "--scope", "infer:*"]);
    let package = folder.0.join("churn.millrace").display().to_string();
    folder.millrace(&["register", PIPELINE, "--out", &package]);
    let keys = folder.0.join("keys.json").display().to_string();
    let server = Server::start_with(&[&package, "--keys", &keys, "--host", "0.0.0.0"]);
    let path = "/v2/models/churn";
    assert_eq!(server.ask("GET", path, None, "").0, 401);
    assert_eq!(server.ask("GET", path, Some(key.trim()), "").0, 200);
    let second = folder.millrace(&["keys", "make", "--scope", "read"]);
    soon(|| server.ask("GET", path, Some(second.trim()), "").0 == 200);
}

#[test]
fn statistics_say_when_a_model_was_last_asked() {
    let folder = Folder::new("last");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let server = Server::start(&folder.0);
    let last = || {
        let (_, stats) = server.ask("GET", "/v2/models/churn/stats", None, "");
        let stats: Json = serde_json::from_str(&stats).expect("it is JSON");
        stats["model_stats"][0]["last_inference"].as_u64().expect("a number")
    };
    assert_eq!(last(), 0, "nobody has asked yet");
    let before = server::now_ms() / 60_000 * 60_000;
    server.ask("POST", "/v2/models/churn/infer", None, &sample(&folder));
    assert!((before..=server::now_ms()).contains(&last()), "{}", last());
}

#[test]
fn a_head_that_never_ends_keeps_no_connection() {
    let folder = Folder::new("slow-head");
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--idle-timeout-ms", "200"]);
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    stream.write_all(b"GET /v2 HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("it is read");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server ends the connection");
    assert_eq!(server.ask("GET", "/v2", None, "").0, 200, "others are answered");
}
