//! The program as the script uses it: bytes in, bytes out, and nothing kept but what the script hands in again.

use model::{Estimator, Feature, FeatureEncoding, Features, LinearModel, Model, Target};
use registry::{Card, Cell, Field, Hash, Header, Package, Predicts, Reference, Signature};
use schema::Kind;
use serde_json::{Value as Json, json};
use service_worker::{State, read, write};

/// Predicts `2 age + offset`.
fn package(offset: f64) -> Vec<u8> {
    let age = Feature { name: "age".into(), kind: Kind::Number, encoding: FeatureEncoding::Number };
    let model = Model {
        learner: "Linear Regression".into(),
        preparation: Vec::new(),
        features: Features { features: vec![age] },
        target: Target::Number { name: "height".into() },
        estimator: Estimator::Linear(LinearModel { coefficients: vec![2.0], intercept: offset }),
        importances: None,
        n_training_rows: 10,
    };
    let input = Field {
        name: "age".into(),
        kind: Kind::Number,
        nullable: false,
        categories: Vec::new(),
        range: Some([0.0, 100.0]),
        example: Cell::Number(30.0),
    };
    let signature = Signature { inputs: vec![input], predicts: Predicts::Number { name: "height".into() } };
    let header = Header { signature, reference: Reference::default(), card: Card::default() };
    Package { header, model: model.to_bytes() }.to_bytes()
}

/// What the script keeps, and a program that may be ended.
struct Script {
    program: State,
    events: String,
    packages: Vec<(String, Vec<u8>)>,
    totals: Vec<Json>,
}

impl Script {
    fn new() -> Self {
        let mut script =
            Self { program: State::default(), events: String::new(), packages: Vec::new(), totals: Vec::new() };
        script.start();
        script
    }

    /// The browser ended the program, and starts another.
    fn start(&mut self) {
        self.program = State::default();
        let opened = self.ask(&json!({ "open": { "events": self.events, "now_ms": 60_000, "seed": 1 } }), b"").0;
        self.load(opened);
    }

    fn load(&mut self, mut ready: Json) {
        while let Some(hash) = ready["needs"].get(0).cloned() {
            let found = self.packages.iter().find(|(name, _)| *name == hash).map(|(_, bytes)| bytes.clone());
            ready = self.ask(&json!({ "load": { "package": hash } }), &found.unwrap_or_default()).0;
        }
    }

    fn ask(&mut self, message: &Json, bytes: &[u8]) -> (Json, Vec<u8>) {
        let json = message.to_string();
        let sent = [&(json.len() as u32).to_le_bytes()[..], json.as_bytes(), bytes].concat();
        let (message, bytes) = read(&sent).expect("a message");
        let (out, bytes) = self.program.take(message, bytes, &|| 1.25);
        let written = write(&out, &bytes);
        let length = u32::from_le_bytes([written[0], written[1], written[2], written[3]]) as usize;
        (serde_json::from_slice(&written[4..4 + length]).expect("JSON"), written[4 + length..].to_vec())
    }

    fn request(&mut self, method: &str, path: &str, body: &[u8]) -> (u64, Json) {
        let mut asked = json!({
            "method": method, "path": path, "headers": [], "id": "made-up",
            "now_ms": 61_000, "arrived": 1.0, "in_flight": 1,
        });
        let (mut out, mut bytes) = self.ask(&json!({ "request": asked }), body);
        if out["type"] == "needs" {
            asked["past"] = json!({ "totals": self.totals });
            (out, bytes) = self.ask(&json!({ "request": asked }), body);
        }
        assert_eq!(out["type"], "answer", "{out}");
        self.events.push_str(out["append"].as_str().expect("text"));
        if let Some(hash) = out["keep"].as_str() {
            self.packages.push((hash.into(), body.to_vec()));
        }
        self.load(out.clone());
        (out["status"].as_u64().expect("a status"), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Writes what was counted into the totals, as the script does.
    fn keep_counts(&mut self) -> Json {
        let taken = self.ask(&json!({ "take": { "with_slices": true } }), b"").0;
        for more in taken["minutes"].as_array().expect("a list") {
            let at = self.totals.iter().position(|kept| kept["key"]["served"] == more["key"]["served"]);
            match at {
                None => self.totals.push(more.clone()),
                Some(at) => {
                    let merge = json!({ "merge": { "kept": self.totals[at], "more": more } });
                    self.totals[at] = self.ask(&merge, b"").0["record"].clone();
                }
            }
        }
        taken
    }

    fn deploy(&mut self, version: u32, name: &str, traffic: &Json) {
        let changes = json!({ "changes": [
            { "type": "deployed", "endpoint": "height", "deployment": name, "model": "height", "version": version },
            { "type": "traffic_set", "endpoint": "height", "traffic": traffic },
        ]});
        let (status, state) = self.request("POST", "/v2/registry/changes", changes.to_string().as_bytes());
        assert_eq!((status, &state["endpoints"]["height"]["traffic"]), (200, traffic));
    }
}

const INFER: &str = "/v2/models/height/infer";

fn ages(ages: &Json) -> Vec<u8> {
    let n = ages.as_array().map_or(0, Vec::len);
    json!({ "inputs": [{ "name": "age", "shape": [n], "datatype": "FP64", "data": ages }] }).to_string().into_bytes()
}

#[test]
fn a_model_is_registered_deployed_and_asked_also_by_the_next_program() {
    let mut script = Script::new();
    assert_eq!(script.request("POST", "/v2/registry/models/height", &package(1.0)).1["version"], 1);
    script.deploy(1, "blue", &json!({ "blue": 100 }));
    for _ in 0..2 {
        let (status, answer) = script.request("POST", INFER, &ages(&json!([10, 20.5])));
        assert_eq!((status, &answer["outputs"][0]["data"]), (200, &json!([21.0, 42.0])));
        assert_eq!(answer["id"], "made-up");
        script.start();
    }
}

#[test]
fn counts_outlive_the_program_and_add_up() {
    let mut script = Script::new();
    script.request("POST", "/v2/registry/models/height", &package(1.0));
    script.deploy(1, "blue", &json!({ "blue": 100 }));
    for _ in 0..3 {
        script.request("POST", INFER, &ages(&json!([1])));
        script.request("POST", INFER, &ages(&json!(["tall"])));
        let taken = script.keep_counts();
        assert_eq!(taken["requests"].as_array().map(Vec::len), Some(2));
        assert_eq!(taken["exceptions"][0]["column"], "age");
        assert_eq!(taken["minutes"][0]["key"]["minute"], 1);
        script.start();
    }
    // Counted, and not yet kept.
    script.request("POST", INFER, &ages(&json!([1])));
    let (_, stats) = script.request("GET", "/v2/models/height/stats", b"");
    let counts = &stats["model_stats"][0]["inference_stats"];
    assert_eq!((&counts["success"]["count"], &counts["fail"]["count"]), (&json!(4), &json!(3)));
}

#[test]
fn a_change_that_does_not_fit_changes_nothing() {
    let mut script = Script::new();
    script.request("POST", "/v2/registry/models/height", &package(1.0));
    let before = script.events.clone();
    let changes = json!({ "changes": [
        { "type": "alias_set", "model": "height", "alias": "champion", "version": 1 },
        { "type": "alias_set", "model": "height", "alias": "challenger", "version": 2 },
    ]});
    let (status, answer) = script.request("POST", "/v2/registry/changes", changes.to_string().as_bytes());
    assert_eq!((status, answer["code"].as_str()), (409, Some("registry.conflict")));
    assert_eq!(answer["error"], "height has no version 2; its newest is 1");
    assert_eq!(script.events, before);
    assert_eq!(script.request("GET", "/v2/registry", b"").1["models"]["height"]["aliases"], json!({}));
}

#[test]
fn a_package_that_is_not_what_was_registered_is_not_served() {
    let mut script = Script::new();
    script.request("POST", "/v2/registry/models/height", &package(1.0));
    script.deploy(1, "blue", &json!({ "blue": 100 }));
    script.packages[0].1 = package(2.0);
    assert_ne!(Hash::of(&script.packages[0].1).as_str(), script.packages[0].0);
    script.start();
    let (status, answer) = script.request("POST", INFER, &ages(&json!([1])));
    assert_eq!((status, answer["code"].as_str()), (503, Some("model.not_ready")));
}

#[test]
fn a_request_that_ended_the_program_is_counted_by_the_next() {
    let mut script = Script::new();
    script.request("POST", "/v2/registry/models/height", &package(1.0));
    script.deploy(1, "blue", &json!({ "blue": 100 }));
    script.start();
    let failed = json!({ "failed": { "method": "POST", "path": INFER, "id": "made-up", "now_ms": 61_000 } });
    let (out, _) = script.ask(&failed, b"");
    assert_eq!(out["status"], 500);
    let taken = script.keep_counts();
    assert_eq!(taken["exceptions"][0]["exception"], "model.panic");
    assert_eq!(taken["minutes"][0]["counts"]["exceptions"], json!({ "model.panic": 1 }));
}

#[test]
fn a_mirror_sees_a_copy_that_nobody_else_sees() {
    let mut script = Script::new();
    script.request("POST", "/v2/registry/models/height", &package(1.0));
    script.request("POST", "/v2/registry/models/height", &package(5.0));
    script.deploy(1, "blue", &json!({ "blue": 100 }));
    script.deploy(2, "green", &json!({ "blue": 100 }));
    let mirror = json!({ "changes": [
        { "type": "mirror_set", "endpoint": "height", "mirror": { "deployment": "green", "percent": 50 } },
    ]});
    assert_eq!(script.request("POST", "/v2/registry/changes", mirror.to_string().as_bytes()).0, 200);
    for n in 0..40 {
        let asked = json!({ "request": {
            "method": "POST", "path": INFER, "headers": [["x-request-id", format!("r{n}")]], "id": "", "now_ms": 61_000,
        }});
        let (out, _) = script.ask(&asked, &ages(&json!([1])));
        assert_eq!(out["status"], 200);
        script.ask(&json!({ "copy": { "now_ms": 61_500 } }), b"");
    }
    let taken = script.keep_counts();
    assert_eq!(taken["requests"].as_array().map(Vec::len), Some(40));
    let of_mirror = |record: &&Json| record["key"]["served"]["is_mirror"] == true;
    let minutes = taken["minutes"].as_array().expect("a list");
    let rows = minutes.iter().find(of_mirror).map_or(0, |record| record["counts"]["n_rows"].as_u64().unwrap_or(0));
    assert!((10..=30).contains(&rows), "{rows} of 40 were copied, at 50 %");
}
