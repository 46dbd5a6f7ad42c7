//! Requests and what is answered, over a model whose figures can be computed by hand.

use std::cell::Cell as StdCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use endpoint::{Answer, Disagreement, Handled, Host, Request, Scorer, Service};
use model::{Estimator, Feature, FeatureEncoding, Features, LinearModel, LogisticModel, Model, Target};
use monitor::{Exception, Minute, MinuteKey};
use numeric::Stream;
use registry::{
    Card, Cell, Change, Event, Field, Hash, Header, Log, Name, Package, Predicts, Reference, Share, Signature,
};
use schema::Kind;
use serde_json::{Value as Json, json};

struct Lab {
    ids: StdCell<u32>,
}

impl Host for Lab {
    fn seconds(&self) -> f64 {
        0.0
    }
    fn fresh_id(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("request-{}", self.ids.get())
    }
    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        Vec::new()
    }
    fn metrics(&self, _: &str) -> Answer {
        Answer::text("text/plain", String::new())
    }
}

fn lab() -> Lab {
    Lab { ids: StdCell::new(0) }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn field(name: &str, kind: Kind, example: Cell) -> Field {
    let is_category = kind == Kind::Category;
    Field {
        name: name.into(),
        kind,
        nullable: false,
        categories: if is_category { vec!["monthly".into(), "yearly".into()] } else { Vec::new() },
        range: (!is_category).then_some([0.0, 100.0]),
        example,
    }
}

/// The log odds of "yes" are `intercept + age / 10 + 1 if yearly`.
fn package(intercept: f64) -> Package {
    let model = Model {
        learner: "Two-Class Logistic Regression".into(),
        preparation: Vec::new(),
        features: Features {
            features: vec![
                Feature { name: "age".into(), kind: Kind::Integer, encoding: FeatureEncoding::Number },
                Feature {
                    name: "contract".into(),
                    kind: Kind::Category,
                    encoding: FeatureEncoding::Indicators(vec!["monthly".into(), "yearly".into()]),
                },
            ],
        },
        target: Target::Class { name: "churn".into(), kind: Kind::Category, classes: vec!["no".into(), "yes".into()] },
        estimator: Estimator::Logistic(LogisticModel {
            coefficients: vec![0.1, 0.0, 1.0],
            intercepts: vec![intercept],
        }),
        importances: None,
        n_training_rows: 10,
    };
    let signature = Signature {
        inputs: vec![
            field("age", Kind::Integer, Cell::Integer(30)),
            field("contract", Kind::Category, Cell::Text("monthly".into())),
        ],
        predicts: Predicts::Class {
            name: "churn".into(),
            kind: Kind::Category,
            classes: vec!["no".into(), "yes".into()],
        },
    };
    let header = Header { signature, reference: Reference::default(), card: Card::default() };
    Package { header, model: model.to_bytes() }
}

/// Blue with 90 percent serves version 1, green with 10 percent version 2.
fn log() -> (Log, BTreeMap<Hash, Arc<Scorer>>) {
    let mut log = Log::default();
    let mut scorers = BTreeMap::new();
    let mut record = |change| {
        log.record(Event { at: 0, who: "test".into(), change }).expect("it fits");
    };
    for (version, intercept) in [(1, -4.0), (2, -1.0)] {
        let bytes = package(intercept).to_bytes();
        let hash = Hash::of(&bytes);
        scorers.insert(hash.clone(), Arc::new(Scorer::load(&bytes).expect("it is whole")));
        record(Change::Registered { model: name("churn"), version, package: hash });
    }
    record(Change::AliasSet { model: name("churn"), alias: name("challenger"), version: 2 });
    for (deployment, version) in [("blue", 1), ("green", 2)] {
        let (endpoint, deployment) = (name("churn"), name(deployment));
        record(Change::Deployed { endpoint, deployment, model: name("churn"), version });
    }
    let traffic = [(name("blue"), 90), (name("green"), 10)].into();
    record(Change::TrafficSet { endpoint: name("churn"), traffic, reason: String::new() });
    (log, scorers)
}

fn service() -> Service {
    let (log, scorers) = log();
    Service::new(log.registry().clone(), scorers)
}

fn send(service: &Service, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Handled {
    let headers: Vec<(String, String)> = headers.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    service.handle(&Request { method, path, headers: &headers, body }, &lab())
}

const BLUE: (&str, &str) = ("x-millrace-deployment", "blue");

fn infer(body: &Json) -> Handled {
    send(&service(), "POST", "/v2/models/churn/infer", &[BLUE], body.to_string().as_bytes())
}

fn json_of(handled: &Handled) -> Json {
    serde_json::from_slice(&handled.answer.body).expect("it is JSON")
}

fn rows(ages: Json, contracts: Json) -> Json {
    let n = ages.as_array().map_or(0, Vec::len);
    json!({ "inputs": [
        { "name": "age", "shape": [n], "datatype": "INT64", "data": ages },
        { "name": "contract", "shape": [contracts.as_array().map_or(0, Vec::len), 1], "datatype": "BYTES", "data": contracts },
    ] })
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + numeric::exp(-z))
}

#[test]
fn rows_are_predicted_and_the_id_comes_back() {
    let mut body = rows(json!([30, 40]), json!(["monthly", "yearly"]));
    body["id"] = "mine".into();
    let handled = infer(&body);
    let answer = json_of(&handled);
    let (p, q) = (logistic(-1.0), logistic(1.0));
    assert_eq!(
        answer,
        json!({
            "model_name": "churn", "model_version": "1", "id": "mine",
            "outputs": [
                { "name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["no", "yes"] },
                { "name": "probabilities", "datatype": "FP64", "shape": [2, 2], "data": [1.0 - p, p, 1.0 - q, q] },
            ],
        })
    );
    let seen = &handled.seen;
    assert_eq!((seen.status, seen.n_rows, seen.served.version), (200, 2, 1));
    assert_eq!(seen.exceptions, []);
}

#[test]
fn all_that_does_not_fit_is_named_at_once() {
    let handled = infer(&json!({ "inputs": [
        { "name": "age", "shape": [3], "datatype": "BYTES", "data": [30, "forty", 3.5] },
        { "name": "colour", "shape": [3], "datatype": "BYTES", "data": ["a", "b", "c"] },
    ] }));
    assert_eq!(handled.answer.status, 400);
    let answer = json_of(&handled);
    assert_eq!(answer["code"], "schema.type_mismatch");
    assert_eq!(
        answer["error"],
        "schema.type_mismatch: column \"age\" row 2: expected a whole number of 64 bits, got \"forty\" (and 1 more)"
    );
    assert_eq!(
        answer["details"],
        json!([
            { "code": "schema.type_mismatch", "column": "age", "row": 2,
              "expected": "a whole number of 64 bits", "got": "\"forty\"" },
            { "code": "schema.missing_column", "column": "contract", "expected": "a column of category",
              "got": "no such column; the request has \"age\", \"colour\"" },
        ])
    );
    assert_eq!(
        handled.seen.exceptions,
        [Exception::TypeMismatch, Exception::TypeMismatch, Exception::MissingColumn],
        "the recorder counts each once"
    );
}

#[test]
fn what_is_only_odd_is_answered_with_a_warning_unless_strict() {
    let mut body = rows(json!([300]), json!(["weekly"]));
    body["inputs"].as_array_mut().expect("a list").push(json!(
        { "name": "colour", "shape": [1], "datatype": "BYTES", "data": ["red"] }
    ));
    let handled = infer(&body);
    assert_eq!(handled.answer.status, 200);
    let answer = json_of(&handled);
    // A category that training did not see counts as none.
    assert_eq!(answer["outputs"][1]["data"][1], logistic(26.0));
    let warnings = answer["parameters"]["warnings"].as_str().expect("a text");
    for expected in [
        "schema.out_of_range: column \"age\" row 1: expected 0 to 100 as in training, got 300",
        "schema.unknown_category: column \"contract\" row 1: expected one of \"monthly\", \"yearly\", got \"weekly\"",
        "schema.unexpected_column: column \"colour\"",
    ] {
        assert!(warnings.contains(expected), "{warnings}");
    }
    assert_eq!(handled.seen.exceptions.len(), 3);
    body["parameters"] = json!({ "strict": true });
    assert_eq!(infer(&body).answer.status, 400);
}

#[test]
fn missing_values_and_shapes_are_told_with_their_place() {
    let error = |body: &Json| json_of(&infer(body))["error"].as_str().expect("a text").to_owned();
    assert_eq!(
        error(&rows(json!([30, null]), json!(["monthly", "yearly"]))),
        "schema.null_not_allowed: column \"age\" row 2: expected integer, never missing as in training, got no value"
    );
    assert!(error(&rows(json!([30, 31]), json!(["monthly"]))).contains("1 rows where the first column has 2"));
    let mut wrong = rows(json!([30]), json!(["monthly"]));
    wrong["inputs"][0]["shape"] = json!([2]);
    assert!(error(&wrong).contains("1 values for the shape [2]"));
    wrong["inputs"][0]["shape"] = json!([u64::MAX, u64::MAX]);
    assert!(error(&wrong).contains("1 values for the shape"));
    wrong["inputs"][0]["data"] = json!([{ "a": 1 }]);
    assert!(error(&wrong).contains("\"data\" holds an object"));
    assert!(error(&json!({ "inputs": 3 })).contains("\"inputs\" is missing"));
    assert!(error(&json!([])).contains("expected an object"));
}

#[test]
fn outputs_are_chosen_and_ordered_and_may_leave_as_bytes() {
    let mut body = rows(json!([30]), json!(["monthly"]));
    body["outputs"] =
        json!([{ "name": "probabilities", "parameters": { "binary_data": true } }, { "name": "prediction" }]);
    let handled = infer(&body);
    let header =
        |name: &str| handled.answer.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.clone());
    let n_head: usize = header("inference-header-content-length").expect("it is there").parse().expect("a number");
    let (head, raw) = handled.answer.body.split_at(n_head);
    let head: Json = serde_json::from_slice(head).expect("JSON");
    assert_eq!(head["outputs"][0]["parameters"]["binary_data_size"], 16);
    assert_eq!(head["outputs"][1]["data"], json!(["no"]));
    assert_eq!(raw[8..], logistic(-1.0).to_le_bytes());
    body["outputs"] = json!([{ "name": "logits" }]);
    let answer = json_of(&infer(&body));
    assert!(answer["error"].as_str().expect("a text").contains("there is no output \"logits\""), "{answer}");
}

/// A request in bytes, and how long its head is.
fn in_bytes() -> (String, Vec<u8>) {
    let head = json!({ "inputs": [
        { "name": "age", "shape": [2], "datatype": "INT32", "parameters": { "binary_data_size": 8 } },
        { "name": "contract", "shape": [2], "datatype": "BYTES", "parameters": { "binary_data_size": 21 } },
    ] })
    .to_string();
    let mut body = head.clone().into_bytes();
    body.extend([30_i32, 40].into_iter().flat_map(i32::to_le_bytes));
    for text in ["monthly", "yearly"] {
        body.extend((text.len() as u32).to_le_bytes());
        body.extend(text.as_bytes());
    }
    (head.len().to_string(), body)
}

#[test]
fn columns_may_come_as_bytes() {
    let (length, body) = in_bytes();
    let headers = [("inference-header-content-length", length.as_str()), BLUE];
    let handled = send(&service(), "POST", "/v2/models/churn/infer", &headers, &body);
    assert_eq!(json_of(&handled)["outputs"][0]["data"], json!(["no", "yes"]));
    for cut in 0..body.len() {
        let handled = send(&service(), "POST", "/v2/models/churn/infer", &headers, &body[..cut]);
        assert_eq!(handled.answer.status, 400, "cut at {cut}");
    }
}

#[test]
fn other_dialects_say_the_same() {
    let service = service();
    let post = |path: &str, content_type: &str, body: &str| {
        send(&service, "POST", path, &[("content-type", content_type), BLUE], body.as_bytes())
    };
    for body in [
        r#"{"dataframe_split": {"columns": ["contract", "age"], "data": [["monthly", 30], ["yearly", 40]]}}"#,
        r#"{"dataframe_records": [{"age": 30, "contract": "monthly"}, {"contract": "yearly", "age": 40}]}"#,
        r#"{"inputs": {"age": [30, 40], "contract": ["monthly", "yearly"]}}"#,
        r#"{"instances": [[30, "monthly"], [40, "yearly"]]}"#,
    ] {
        let handled = post("/invocations", "application/json", body);
        assert_eq!(json_of(&handled), json!({ "predictions": ["no", "yes"] }), "{body}");
    }
    let csv = "age,contract\r\n30,monthly\r\n40,\"yearly\"\r\n";
    assert_eq!(json_of(&post("/v2/models/churn/invocations", "text/csv; charset=utf-8", csv))["predictions"][1], "yes");
    let azure = r#"{"data": [{"age": 40, "contract": "yearly"}]}"#;
    assert_eq!(json_of(&post("/score", "application/json", azure)), json!(["yes"]));
    assert_eq!(post("/invocations", "application/xml", "<a/>").answer.status, 415);
    let both = r#"{"inputs": {}, "instances": []}"#;
    assert!(
        json_of(&post("/invocations", "", both))["error"].as_str().expect("a text").contains("2 of dataframe_split")
    );
}

#[test]
fn a_request_goes_where_it_says_or_where_traffic_goes() {
    let service = service();
    let body = rows(json!([30]), json!(["monthly"])).to_string();
    let version_of = |path: &str, headers: &[(&str, &str)]| {
        let handled = send(&service, "POST", path, headers, body.as_bytes());
        json_of(&handled).get("model_version").and_then(Json::as_str).map_or(0, |text| text.parse().expect("a number"))
    };
    assert_eq!(version_of("/v2/models/churn/versions/2/infer", &[]), 2);
    assert_eq!(version_of("/v2/models/churn/versions/challenger/infer", &[]), 2);
    assert_eq!(version_of("/v2/models/churn/versions/blue/infer", &[]), 1);
    assert_eq!(version_of("/v2/models/churn/infer", &[("azureml-model-deployment", "green")]), 2);
    assert_eq!(version_of("/v2/models/churn/versions/3/infer", &[]), 0);
    let mut n_green = 0;
    for id in 0..1_000 {
        let id = id.to_string();
        let version = version_of("/v2/models/churn/infer", &[("x-request-id", &id)]);
        assert_eq!(
            version,
            version_of("/v2/models/churn/infer", &[("x-request-id", &id)]),
            "the same id, the same way"
        );
        n_green += i32::from(version == 2);
    }
    assert!((70..=130).contains(&n_green), "{n_green} of 1,000 went to green");
}

#[test]
fn a_mirror_sees_copies_and_what_it_says_is_compared() {
    let (mut log, scorers) = log();
    let traffic = [(name("blue"), 100)].into();
    for change in [
        Change::TrafficSet { endpoint: name("churn"), traffic, reason: String::new() },
        Change::MirrorSet { endpoint: name("churn"), mirror: Some(Share { deployment: name("green"), percent: 50 }) },
    ] {
        log.record(Event { at: 0, who: "test".into(), change }).expect("it fits");
    }
    let service = Service::new(log.registry().clone(), scorers);
    let body = rows(json!([30, 20]), json!(["monthly", "monthly"])).to_string();
    let path = "/v2/models/churn/infer";
    let mut n_mirrored = 0;
    for id in 0..400 {
        let live = send(&service, "POST", path, &[("x-request-id", &id.to_string())], body.as_bytes());
        assert_eq!(json_of(&live)["model_version"], "1");
        let Some(mirror) = live.mirror else { continue };
        n_mirrored += 1;
        let copy = send(&service, "POST", path, &[("x-millrace-deployment", mirror.as_str())], body.as_bytes());
        assert_eq!(copy.mirror, None, "a copy is not copied again");
        let apart = Disagreement::of(&live.scored.expect("rows"), &copy.scored.expect("rows"));
        assert_eq!((apart.n_rows, apart.n_labels), (2, 2));
        assert!((apart.max_difference - (logistic(2.0) - logistic(-1.0))).abs() < 1e-15);
        assert_eq!(apart.n_by_tenth.iter().sum::<u64>(), 2);
        assert!(apart.n_by_tenth[(apart.max_difference * 10.0) as usize] >= 1);
    }
    assert!((160..=240).contains(&n_mirrored), "{n_mirrored} of 400 were mirrored");
}

#[test]
fn what_is_not_there_not_loaded_or_stopped_says_so() {
    let (mut log, mut scorers) = log();
    let body = rows(json!([30]), json!(["monthly"])).to_string();
    let code = |service: &Service, path: &str| {
        let handled = send(service, "POST", path, &[BLUE], body.as_bytes());
        (handled.answer.status, json_of(&handled)["code"].as_str().unwrap_or_default().to_owned())
    };
    let whole = Service::new(log.registry().clone(), scorers.clone());
    assert_eq!(code(&whole, "/v2/models/iris/infer"), (404, "model.not_found".into()));
    assert_eq!(code(&whole, "/v3/x"), (404, "request.not_found".into()));
    assert_eq!(code(&whole, "/v2/models/churn"), (405, "request.method_not_allowed".into()));
    assert!(whole.is_ready());
    scorers.pop_first();
    scorers.pop_first();
    let empty = Service::new(log.registry().clone(), scorers);
    assert_eq!(code(&empty, "/v2/models/churn/infer"), (503, "model.not_ready".into()));
    assert!(!empty.is_ready());
    let unload = send(&whole, "POST", "/v2/repository/models/churn/unload", &[], b"");
    assert_eq!(unload.change, Some(Change::Stopped { endpoint: name("churn") }));
    log.record(Event { at: 0, who: "test".into(), change: unload.change.expect("a change") }).expect("it fits");
    let stopped = Service::new(log.registry().clone(), whole.scorers().clone());
    assert_eq!(code(&stopped, "/v2/models/churn/infer"), (503, "model.not_ready".into()));
    let index = send(&stopped, "POST", "/v2/repository/index", &[], b"");
    assert_eq!(json_of(&index)[0]["state"], "UNAVAILABLE");
}

#[test]
fn a_model_describes_itself() {
    let service = service();
    let get = |path: &str| json_of(&send(&service, "GET", path, &[], b""));
    let model = get("/v2/models/churn");
    assert_eq!(model["versions"], json!(["1", "2"]));
    assert_eq!(model["inputs"][1]["datatype"], "BYTES");
    assert_eq!(model["outputs"][1]["shape"], json!([-1, 2]));
    assert_eq!(model["properties"]["classes"], r#"["no","yes"]"#);
    let docs = get("/v2/models/churn/docs/dataplane.json");
    let sample =
        &docs["paths"]["/v2/models/churn/infer"]["post"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(infer(sample).answer.status, 200, "the sample request is answered");
    assert_eq!(get("/v2")["extensions"][2], "binary_tensor_data");
    assert_eq!(get("/v2/health/ready"), json!({ "ready": true }));
    assert_eq!(get("/v2/models/churn/versions/2/ready"), json!({ "name": "churn", "ready": true }));
}

#[test]
fn a_number_that_is_none_is_not_sent() {
    let mut package = package(0.0);
    let mut model = Model::from_bytes(&package.model).expect("a model");
    model.target = Target::Number { name: "churn".into() };
    model.estimator = Estimator::Linear(LinearModel { coefficients: vec![f64::MAX, 0.0, 0.0], intercept: f64::MAX });
    package.model = model.to_bytes();
    package.header.signature.predicts = Predicts::Number { name: "churn".into() };
    let bytes = package.to_bytes();
    let mut log = Log::default();
    for change in [
        Change::Registered { model: name("churn"), version: 1, package: Hash::of(&bytes) },
        Change::Deployed { endpoint: name("churn"), deployment: name("blue"), model: name("churn"), version: 1 },
    ] {
        log.record(Event { at: 0, who: "test".into(), change }).expect("it fits");
    }
    let scorer = Arc::new(Scorer::load(&bytes).expect("it is whole"));
    let service = Service::new(log.registry().clone(), [(Hash::of(&bytes), scorer)].into());
    let body = rows(json!([0, 30]), json!(["monthly", "monthly"])).to_string();
    let handled = send(&service, "POST", "/v2/models/churn/infer", &[BLUE], body.as_bytes());
    assert_eq!(handled.answer.status, 500);
    assert_eq!(
        json_of(&handled)["error"],
        "the model gave inf for row 2, expected a finite number; column \"age\" is 30 there"
    );
}

#[test]
fn no_body_brings_it_down() {
    let service = service();
    let good = rows(json!([30, 40]), json!(["monthly", "yearly"])).to_string();
    for at in 0..good.len() {
        for byte in [b'"', b'[', b'{', b'0', 0xff, b',', b'N'] {
            let mut body = good.clone().into_bytes();
            body[at] = byte;
            let handled = send(&service, "POST", "/v2/models/churn/infer", &[BLUE], &body);
            assert!([200, 400].contains(&handled.answer.status), "{}", handled.answer.status);
        }
    }
    let big = service.clone().with_max_body(10);
    assert_eq!(send(&big, "POST", "/v2/models/churn/infer", &[BLUE], good.as_bytes()).answer.status, 413);
}

/// A few bytes changed, left out, doubled, or replaced by what parsers trip over.
fn spoiled(good: &[u8], stream: &mut Stream) -> Vec<u8> {
    const TRIPS: [&[u8]; 10] = [
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9223372036854775808",
        b"[[[[",
        b"{\"",
        b"\\ud800",
        b"\xff\xfe",
        b"\0",
        b"null",
    ];
    let mut body = good.to_vec();
    for _ in 0..=stream.below(4) {
        let at = stream.below(body.len() as u64) as usize;
        let end = (at + 1 + stream.below(8) as usize).min(body.len());
        match stream.below(4) {
            0 => body[at] = stream.below(256) as u8,
            1 => _ = body.drain(at..end),
            2 => {
                let again = body[at..end].to_vec();
                body.splice(at..at, again);
            }
            _ => _ = body.splice(at..end, TRIPS[stream.below(TRIPS.len() as u64) as usize].iter().copied()),
        }
        if body.is_empty() {
            return body;
        }
    }
    body
}

#[test]
fn no_spoiled_body_brings_it_down_whatever_is_spoken() {
    const N_EACH: usize = 4_000;
    let (service, stream) = (service(), &mut Stream::new(1));
    let (length, bytes) = in_bytes();
    let json = rows(json!([30, 40]), json!(["monthly", "yearly"])).to_string();
    let length = ("inference-header-content-length", length.as_str());
    let csv = ("content-type", "text/csv");
    let good: [(&str, (&str, &str), &[u8]); 7] = [
        ("/v2/models/churn/infer", BLUE, json.as_bytes()),
        ("/v2/models/churn/infer", length, &bytes),
        ("/invocations", BLUE, br#"{"dataframe_split": {"columns": ["contract", "age"], "data": [["monthly", 30]]}}"#),
        ("/invocations", BLUE, br#"{"dataframe_records": [{"age": 30, "contract": "monthly"}]}"#),
        ("/invocations", csv, b"age,contract\r\n30,monthly\r\n40,\"yearly\"\r\n"),
        ("/score", BLUE, br#"{"input_data": {"columns": ["age", "contract"], "data": [[40, "yearly"]]}}"#),
        ("/v2/models/churn/feedback", BLUE, br#"{"id": "a", "label": "yes"}"#),
    ];
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for (path, header, good) in good {
        for _ in 0..N_EACH {
            let body = spoiled(good, stream);
            let handled = send(&service, "POST", path, &[header], &body);
            *statuses.entry(handled.answer.status).or_default() += 1;
            assert!(handled.answer.status < 500, "{path}: {:?}", String::from_utf8_lossy(&body));
            assert!(handled.answer.status == 200 || json_of(&handled)["code"].is_string());
        }
    }
    println!("{} spoiled bodies, by status: {statuses:?}", N_EACH * good.len());
}
