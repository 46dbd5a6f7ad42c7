//! What a server says of its past.

mod lab;

use serde_json::{Value as Json, json};

use lab::{Folder, PIPELINE, Server, inputs, listener, raw_rows, sample};

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
    let older = older(rows);
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

/// The same rows, but everybody is twenty years older.
fn older(mut rows: Vec<Json>) -> Vec<Json> {
    let age = rows.iter_mut().find(|input| input["name"] == "age").expect("it is a column");
    for value in age["data"].as_array_mut().expect("a list") {
        *value = json!(value.as_i64().map(|age| age + 20));
    }
    rows
}

#[test]
fn an_alert_tells_that_a_column_drifts() {
    let folder = Folder::new("drift-alert");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let set = |alert: &str, more: &[&str]| {
        folder.millrace(&[&["alerts", "set", alert, "--above", "0.25", "--metric"], more].concat());
    };
    set("ages", &["data-drift", "--column", "age"]);
    set("any", &["data-drift"]);
    set("charges", &["data-drift", "--column", "monthly_charges", "--endpoint", "churn"]);
    set("predictions", &["prediction-drift", "--deployment", "green"]);
    let listed = folder.millrace(&["alerts"]);
    assert!(listed.contains("ages  data-drift of the column age above 0.25 for 1 min  warning\n"), "{listed}");
    let (address, told) = listener();
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--webhook", &format!("{address}/told")]);
    let standing = || {
        let alerts = server.json("/v2/monitor/alerts");
        let alerts = alerts.as_array().expect("a list").iter();
        let standing = alerts.map(|it| (it["alert"].clone(), it["state"]["type"].clone(), it["value"].as_f64()));
        standing.collect::<Vec<_>>()
    };
    let states = || standing().into_iter().map(|(_, state, _)| state).collect::<Vec<_>>();
    assert_eq!(states(), ["inactive"; 4]);
    assert_eq!(standing()[0].2, None, "there are no rows");
    let rows = inputs(&raw_rows());
    let post = |rows: &[Json]| {
        let (status, answer) = server.ask("POST", INFER, None, &json!({ "inputs": rows }).to_string());
        assert_eq!(status, 200, "{answer}");
    };
    post(&rows);
    assert_eq!(states(), ["inactive"; 4]);
    assert_eq!(standing()[0].2, Some(0.0), "what differs may be chance");
    let older = older(rows);
    (0..3).for_each(|_| post(&older));
    assert_eq!(states(), ["firing", "firing", "inactive", "inactive"], "{:?}", standing());
    assert!(standing()[0].2.is_some_and(|psi| psi > 0.25), "{:?}", standing());
    let alerts = [(); 2].map(|()| told.recv_timeout(std::time::Duration::from_secs(10)).expect("somebody is told").1);
    assert_eq!(alerts.each_ref().map(|alert| &alert["alert"]), ["ages", "any"]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(["alerts", "set", "x", "--metric", "data-drift", "--below", "0.1", "--registry", &registry])
        .output()
        .expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("drift is bad above a threshold, not below one"), "{error}");
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
    assert!(
        body.contains("minutes, exceptions, requests, events, drift, disagreements, alerts, performance"),
        "{body}"
    );
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

#[test]
fn what_turned_out_to_be_true_is_told_by_version() {
    let (folder, server) = served("feedback");
    let good = sample(&folder);
    let mut labels = Vec::new();
    for at in 0..4 {
        let (status, _, answer) = server.ask_with("POST", INFER, &format!("x-request-id: r{at}\r\n"), &good);
        assert_eq!(status, 200, "{answer}");
        let answer: Json = serde_json::from_str(&answer).expect("it is JSON");
        labels.push(answer["outputs"][0]["data"][0].as_str().expect("a class").to_owned());
    }
    // Three were right.
    labels[3] = if labels[3] == "yes" { "no".into() } else { "yes".into() };
    let feedback = |id: &str, label: &str| {
        let body = json!({ "id": id, "label": label }).to_string();
        server.ask("POST", "/v2/models/churn/feedback", None, &body)
    };
    for (at, label) in labels.iter().enumerate() {
        assert_eq!(feedback(&format!("r{at}"), label).0, 200);
    }
    let (status, why) = feedback("r0", &labels[0]);
    assert_eq!(status, 404);
    assert!(why.contains("feedback is given once"), "{why}");
    let check = |server: &Server| {
        let reports = server.json("/v2/monitor/performance");
        assert_eq!((&reports[0]["figures"]["accuracy"], &reports[0]["total"]["n_labels"]), (&json!(0.75), &json!(4)));
        let (_, metrics) = server.ask("GET", "/metrics", None, "");
        assert!(metrics.contains("millrace_model_performance{model_name=\"churn\",model_version=\"1\",deployment=\"blue\",traffic=\"live\",metric=\"accuracy\"} 0.75\n"), "{metrics}");
    };
    check(&server);
    server.end();
    check(&Server::start(&folder.0));
}

#[test]
fn a_trace_of_the_caller_goes_on_and_is_in_the_log() {
    let folder = Folder::new("trace");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let (registry, log) = (folder.0.display().to_string(), folder.0.join("requests.ndjson"));
    let server = Server::start_with(&["--registry", &registry, "--request-log", &log.display().to_string()]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let header = format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n");
    let mut spans = Vec::new();
    for body in [sample(&folder), "{".into()] {
        let (_, head, _) = server.ask_with("POST", INFER, &header, &body);
        let given = head.lines().find_map(|line| line.strip_prefix("traceparent: 00-")).expect("it is told");
        let (found, rest) = given.split_once('-').expect("a span");
        assert_eq!(found, trace);
        spans.push(rest.split('-').next().expect("a span").to_owned());
    }
    server.end();
    let lines = std::fs::read_to_string(log).expect("it is written");
    for (line, span) in lines.lines().zip(&spans) {
        let line: Json = serde_json::from_str(line).expect("it is JSON");
        assert_eq!((&line["TraceId"], &line["SpanId"]), (&json!(trace), &json!(span)));
        assert_eq!(line["ParentSpanId"], "b7ad6b7169203331");
    }
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn a_collector_of_open_telemetry_gets_counters_and_each_exception_once() {
    let folder = Folder::new("otlp");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let (collector, pushed) = listener();
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--otlp", &collector, "--otlp-interval", "1"]);
    // While it is pushed, and until the server ends.
    let (mut n_metrics, mut exceptions, mut n_asked) = (0, Vec::new(), 0);
    let mut take = |(path, body): (String, Json)| {
        match path.as_str() {
            "/v1/metrics" => {
                n_metrics += 1;
                let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().expect("a list");
                assert!(metrics.iter().any(|metric| metric["name"] == "millrace.exceptions"));
            }
            "/v1/logs" => {
                let records = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().expect("a list");
                exceptions.extend(records.iter().map(|record| record["attributes"][0]["value"]["stringValue"].clone()));
            }
            other => panic!("{other}"),
        }
        n_metrics
    };
    while pushed.try_iter().map(&mut take).last().is_none_or(|n_metrics| n_metrics < 3) {
        assert_eq!(server.ask("POST", INFER, None, "{").0, 400);
        n_asked += 1;
        // More than a thousand between two pushes would not be kept.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    server.end();
    pushed.try_iter().for_each(|pushed| _ = take(pushed));
    assert_eq!(exceptions, vec!["request.invalid_json"; n_asked]);
}

#[test]
fn a_load_is_spread_as_in_training_unless_it_is_told_otherwise() {
    let (_folder, server) = served("load");
    let address = format!("http://{}/v2/models/churn", server.address);
    let load = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(["load", &address, "--rate", "40", "--duration", "1", "--rows", "20", "--json"])
            .args(more)
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Json>(&output.stdout).expect("it is JSON")
    };
    assert_eq!(load(&[])["statuses"], json!({ "200": 40 }));
    let report = |server: &Server| server.json("/v2/monitor/drift")[0].clone();
    let before = report(&server);
    for column in before["report"]["inputs"].as_array().expect("a list") {
        assert_eq!(column["verdict"]["type"], "stable", "{column}");
    }
    load(&["--shift", "monthly_charges=2"]);
    let after = report(&server);
    assert_eq!([verdict(&after, "monthly_charges"), verdict(&after, "age")], ["drift", "stable"]);
    assert_eq!(load(&["--break", "age"])["statuses"], json!({ "400": 40 }));
    assert_eq!(load(&["--fault", "slow=0.5"])["statuses"], json!({ "200": 40 }));
    assert_eq!(load(&["--fault", "panic=0.5"])["statuses"], json!({ "200": 40 }), "it is not there to be tried out");
}

#[test]
fn a_server_that_takes_faults_answers_late_and_fails_as_it_is_asked() {
    let folder = Folder::new("faults");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--take-faults", "--request-timeout-ms", "1000"]);
    let body = sample(&folder);
    let ask = |fault: &str| {
        let began = std::time::Instant::now();
        let (status, ..) = server.ask_with("POST", INFER, &format!("x-millrace-fault: {fault}\r\n"), &body);
        (status, began.elapsed().as_millis())
    };
    let (status, ms) = ask("delay=250");
    assert!(status == 200 && ms >= 250, "{status} after {ms} ms");
    assert_eq!(ask("panic").0, 500);
    assert_eq!(ask("delay=5000").0, 408);
    assert_eq!(ask("nonsense").0, 200);
}

#[test]
fn a_server_is_ready_at_once_and_takes_little() {
    let folder = Folder::new("small");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    // Other work on the machine makes it later and never earlier.
    let start = |_| {
        let started = std::time::Instant::now();
        let server = Server::start(&folder.0);
        (started.elapsed().as_millis(), server)
    };
    let (ready_ms, server) = (0..3).map(start).min_by_key(|(ready_ms, _)| *ready_ms).expect("it starts");
    assert!(ready_ms <= 100, "ready after {ready_ms} ms");
    let good = sample(&folder);
    for _ in 0..100 {
        assert_eq!(server.ask("POST", INFER, None, &good).0, 200);
    }
    let (_, metrics) = server.ask("GET", "/metrics", None, "");
    let resident = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    // Where the system does not say, nothing is known.
    if let Some(bytes) = resident.and_then(|bytes| bytes.parse::<f64>().ok()) {
        println!("ready after {ready_ms} ms, {:.1} MB", bytes / 1e6);
        assert!(bytes <= 30e6, "{bytes} bytes");
    }
}
