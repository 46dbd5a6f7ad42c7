//! Every exception, caused once over HTTP, moves its counter by one and no other.

mod lab;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use model::{Estimator, Feature, FeatureEncoding, Features, LinearModel, Model, Target};
use monitor::Exception;
use registry::{Card, Cell, Field, Header, Package, Predicts, Reference, Signature};
use schema::Kind;
use serde_json::{Value as Json, json};

use lab::{Folder, PIPELINE, Server, end, sample, soon};

const INFER: &str = "/v2/models/churn/infer";

/// A model of one number that cannot do what its signature says.
fn package(encoding: FeatureEncoding, kind: Kind, coefficient: f64) -> Package {
    let model = Model {
        learner: "Linear Regression".into(),
        preparation: Vec::new(),
        features: Features { features: vec![Feature { name: "x".into(), kind, encoding }] },
        target: Target::Number { name: "y".into() },
        estimator: Estimator::Linear(LinearModel { coefficients: vec![coefficient], intercept: 0.0 }),
        importances: None,
        n_training_rows: 2,
    };
    let field = Field {
        name: "x".into(),
        kind: Kind::Number,
        nullable: false,
        categories: Vec::new(),
        range: None,
        example: Cell::Number(1.0),
    };
    let signature = Signature { inputs: vec![field], predicts: Predicts::Number { name: "y".into() } };
    let header = Header { signature, reference: Reference::default(), card: Card::default() };
    Package { header, model: model.to_bytes() }
}

/// All counters of exceptions, by type.
fn counters(server: &Server, admin: &str) -> BTreeMap<String, f64> {
    let (status, metrics) = server.ask("GET", "/metrics", Some(admin), "");
    assert_eq!(status, 200);
    let mut counters = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("millrace_exceptions_total{")) {
        let (labels, value) = line.rsplit_once(' ').expect("a value");
        let (_, exception) = labels.split_once("exception_type=\"").expect("a type");
        let exception = exception.split('"').next().expect("its end");
        *counters.entry(exception.to_owned()).or_default() += value.parse::<f64>().expect("a number");
    }
    counters
}

/// Requests under way, the one that asks included.
fn active(server: &Server, admin: &str) -> u32 {
    let (_, metrics) = server.ask("GET", "/metrics", Some(admin), "");
    let line = metrics.lines().find(|line| line.starts_with("http_server_active_requests{")).expect("it is told");
    line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn every_exception_moves_its_own_counter_by_one() {
    let folder = Folder::new("exceptions");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    let packages = [
        ("overflow", package(FeatureEncoding::Number, Kind::Number, 1e308)),
        ("broken", package(FeatureEncoding::Indicators(vec!["a".into()]), Kind::Category, 1.0)),
    ];
    for (name, package) in packages {
        let file = folder.0.join(format!("{name}.millrace"));
        fs::write(&file, package.to_bytes()).expect("it is written");
        folder.millrace(&["registry", "import", &file.display().to_string(), "--name", name]);
    }
    for model in ["churn", "overflow", "broken"] {
        folder.millrace(&["deploy", &format!("models:/{model}/1")]);
    }
    let make = |arguments: &[&str]| {
        let key = folder.millrace(&[&["keys", "make"], arguments].concat());
        key.trim().to_owned()
    };
    let admin = make(&["--scope", "admin"]);
    let read = make(&["--scope", "read"]);
    let slow = make(&["--scope", "infer:*", "--per-second", "0.001"]);
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&[
        "--registry",
        &registry,
        "--max-body",
        "20000",
        "--max-concurrent-requests",
        "1",
        "--request-timeout-ms",
        "1000",
    ]);
    let good: Json = serde_json::from_str(&sample(&folder)).expect("it is JSON");
    let key = format!("Authorization: Bearer {admin}\r\n");
    let post = |path: &str, key: Option<&str>, body: &str| server.ask("POST", path, key, body);
    let infer = |body: &Json| post(INFER, Some(&admin), &body.to_string());
    let changed = |name: &str, change: &dyn Fn(&mut Json)| {
        let mut body = good.clone();
        let inputs = body["inputs"].as_array_mut().expect("a list");
        change(inputs.iter_mut().find(|input| input["name"] == name).expect("it is a column"));
        infer(&body)
    };
    let one_number =
        json!({ "inputs": [{ "name": "x", "shape": [1], "datatype": "FP64", "data": [10.0] }] }).to_string();
    let half = || {
        let text = good.to_string();
        let mut stream = server.begin("POST", INFER, &key, text.len());
        stream.write_all(&text.as_bytes()[..10]).expect("it is read");
        soon(|| active(&server, &admin) == 2);
        (stream, text)
    };
    let cause = |exception: Exception| -> (u16, String) {
        match exception {
            Exception::MissingColumn => {
                let mut body = good.clone();
                body["inputs"].as_array_mut().expect("a list").remove(0);
                infer(&body)
            }
            Exception::UnexpectedColumn => {
                let mut body = good.clone();
                let more = json!({ "name": "shoe_size", "shape": [1], "datatype": "INT64", "data": [42] });
                body["inputs"].as_array_mut().expect("a list").push(more);
                infer(&body)
            }
            Exception::TypeMismatch => changed("age", &|age| age["data"] = json!(["forty"])),
            Exception::ShapeMismatch => changed("age", &|age| age["shape"] = json!([2])),
            Exception::NullNotAllowed => {
                post("/v2/models/overflow/infer", Some(&admin), &one_number.replace("10.0", "null"))
            }
            Exception::UnknownCategory => changed("region", &|region| region["data"] = json!(["Atlantis"])),
            Exception::OutOfRange => changed("age", &|age| age["data"] = json!([1_000])),
            Exception::InvalidJson => post(INFER, Some(&admin), "{"),
            Exception::TooLarge => post(INFER, Some(&admin), &" ".repeat(20_001)),
            Exception::UnsupportedMedia => {
                let headers = format!("{key}Content-Type: text/xml\r\n");
                let (status, _, body) = server.ask_with("POST", INFER, &headers, "<rows/>");
                (status, body)
            }
            Exception::Unauthenticated => post(INFER, None, ""),
            Exception::Forbidden => post(INFER, Some(&read), ""),
            Exception::RateLimit => {
                assert_eq!(post(INFER, Some(&slow), &good.to_string()).0, 200, "the first is within its limit");
                post(INFER, Some(&slow), &good.to_string())
            }
            Exception::ConcurrencyLimit => {
                let (mut stream, text) = half();
                let refused = infer(&good);
                stream.write_all(&text.as_bytes()[10..]).expect("it is read");
                assert_eq!(end(stream).0, 200);
                refused
            }
            Exception::ModelNotFound => post("/v2/models/iris/infer", Some(&admin), &good.to_string()),
            Exception::ModelNotReady => {
                assert_eq!(post("/v2/repository/models/churn/unload", Some(&admin), "").0, 200);
                let refused = infer(&good);
                assert_eq!(post("/v2/repository/models/churn/load", Some(&admin), "").0, 200);
                refused
            }
            Exception::ModelPanic => post("/v2/models/broken/infer", Some(&admin), &one_number),
            Exception::NonFiniteOutput => post("/v2/models/overflow/infer", Some(&admin), &one_number),
            Exception::Timeout => {
                let (stream, _) = half();
                let (status, _, body) = end(stream);
                (status, body)
            }
        }
    };
    assert_eq!(Exception::ALL.len(), 19);
    for exception in Exception::ALL {
        let before = counters(&server, &admin);
        let (status, answer) = cause(*exception);
        assert_eq!(status, exception.status(), "{exception:?}: {answer}");
        assert!(answer.contains(exception.code()), "{exception:?}: {answer}");
        let mut expected = before;
        *expected.entry(exception.code().into()).or_default() += 1.0;
        assert_eq!(counters(&server, &admin), expected, "{exception:?}: {answer}");
    }
}
