//! What a server says of its past.

mod lab;

use serde_json::{Value as Json, json};

use lab::{Folder, PIPELINE, Server, inputs, raw_rows, sample};

const INFER: &str = "/v2/models/churn/infer";

fn served(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let server = Server::start(&folder.0);
    (folder, server)
}

fn verdict<'a>(report: &'a Json, column: &str) -> &'a str {
    let inputs = report["report"]["inputs"].as_array().expect("a list");
    let found = inputs.iter().find(|input| input["name"] == column).expect("it is a column of the model");
    found["verdict"]["type"].as_str().expect("a verdict")
}

#[test]
fn rows_that_are_not_like_those_of_training_are_told_by_column_also_after_a_restart() {
    let (folder, server) = served("drift");
    assert_eq!(server.json("/v2/monitor/drift"), json!([]));
    let rows = inputs(&raw_rows());
    let post = |server: &Server, rows: &[Json]| {
        let (status, answer) = server.ask("POST", INFER, None, &json!({ "inputs": rows }).to_string());
        assert_eq!(status, 200, "{answer}");
    };
    post(&server, &rows);
    let reports = server.json("/v2/monitor/drift");
    let report = &reports[0];
    assert_eq!(report["served"], json!({ "endpoint": "churn", "deployment": "blue", "version": 1 }));
    assert_eq!((&report["n_predicted"], &report["n_rows"]), (&json!(1_000), &json!(1_000)));
    for column in report["report"]["inputs"].as_array().expect("a list") {
        assert_eq!(column["verdict"]["type"], "stable", "{column}");
    }
    assert_eq!(report["report"]["prediction"]["verdict"]["type"], "stable");
    // Everybody is twenty years older.
    let mut older = rows;
    let age = older.iter_mut().find(|input| input["name"] == "age").expect("it is a column");
    for value in age["data"].as_array_mut().expect("a list") {
        *value = json!(value.as_i64().map(|age| age + 20));
    }
    for _ in 0..3 {
        post(&server, &older);
    }
    let check = |server: &Server| {
        let reports = server.json("/v2/monitor/drift");
        let report = &reports[0];
        assert_eq!(report["n_rows"], 4_000);
        assert_eq!([verdict(report, "age"), verdict(report, "monthly_charges")], ["drift", "stable"], "{report}");
        let spread = &report["spreads"][0];
        assert_eq!(spread["name"], "age");
        let found: u64 = spread["found"].as_array().expect("a list").iter().filter_map(Json::as_u64).sum();
        assert!(found > 3_500, "{spread}");
        let (_, metrics) = server.ask("GET", "/metrics", None, "");
        let psi = r#"millrace_drift_score{model_name="churn",model_version="1",deployment="blue",traffic="live",signal="data_drift",feature="age",method="population_stability_index"}"#;
        let line = metrics.lines().find(|line| line.starts_with(psi)).expect("it is measured");
        assert!(line.rsplit(' ').next().and_then(|psi| psi.parse().ok()).is_some_and(|psi: f64| psi > 0.25), "{line}");
    };
    check(&server);
    let later = server::now_ms() + 3_600_000;
    assert_eq!(server.json(&format!("/v2/monitor/drift?since={later}")), json!([]));
    let minutes = server.json("/v2/monitor/minutes");
    server.end();
    let again = Server::start(&folder.0);
    check(&again);
    let n_rows = |minutes: &Json| {
        let counts = minutes.as_array().expect("a list").iter().map(|record| &record["counts"]["n_rows"]);
        counts.filter_map(Json::as_u64).sum::<u64>()
    };
    assert_eq!((n_rows(&minutes), n_rows(&again.json("/v2/monitor/minutes"))), (4_000, 4_000));
}

#[test]
fn requests_are_listed_with_what_became_of_them() {
    let (folder, server) = served("requests");
    let good = sample(&folder);
    assert_eq!(server.ask("POST", INFER, None, &good).0, 200);
    assert_eq!(server.ask("POST", INFER, None, "{").0, 400);
    let requests = server.json("/v2/monitor/requests");
    let statuses: Vec<_> = requests.as_array().expect("a list").iter().map(|event| &event["status"]).collect();
    assert_eq!(statuses, [200, 400]);
    let exceptions = server.json("/v2/monitor/exceptions");
    assert_eq!(exceptions[0]["request_id"], requests[1]["id"]);
    assert!(requests[1]["id"].as_str().is_some_and(|id| !id.is_empty()), "{requests}");
    assert_eq!(server.ask("GET", "/v2/monitor/drift?since=now", None, "").0, 400);
    assert_eq!(server.ask("POST", "/v2/monitor/drift", None, "").0, 405);
    let (status, body) = server.ask("GET", "/v2/monitor/nothing", None, "");
    assert_eq!(status, 404);
    assert!(body.contains("minutes, exceptions, requests, events, drift, disagreements"), "{body}");
}

#[test]
fn what_is_refused_counts_against_the_quality_of_its_column() {
    let (folder, server) = served("quality");
    let good = sample(&folder);
    let mut bad: Json = serde_json::from_str(&good).expect("it is JSON");
    let age = bad["inputs"].as_array_mut().expect("a list").iter_mut().find(|input| input["name"] == "age");
    age.expect("it is a column")["data"] = json!(["forty"]);
    for body in [good, bad.to_string()] {
        server.ask("POST", INFER, None, &body);
    }
    let reports = server.json("/v2/monitor/drift");
    let quality = &reports[0]["report"]["inputs"][0]["quality"];
    assert_eq!((&quality["type_error_rate"], &quality["null_rate"]), (&json!(0.5), &json!(0.0)));
}
