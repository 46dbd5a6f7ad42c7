//! Alerts and rollbacks of a server, and who is told.

mod lab;

use serde_json::Value as Json;

use lab::{Folder, PIPELINE, Server, listener, sample, soon};

const INFER: &str = "/v2/models/churn/infer";

#[test]
fn an_alert_fires_as_soon_as_a_minute_is_bad_and_somebody_is_told() {
    let folder = Folder::new("alert");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    folder.millrace(&["alerts", "set", "failures", "--metric", "failure-rate", "--above", "0.5"]);
    let listed = folder.millrace(&["alerts"]);
    assert_eq!(listed, "failures  failure-rate above 0.5 for 1 min  warning\n");
    let (address, told) = listener();
    let webhook = format!("{address}/told");
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--webhook", &webhook]);
    let state = || server.json("/v2/monitor/alerts")[0]["state"]["type"].as_str().expect("a state").to_owned();
    assert_eq!(state(), "inactive");
    server.ask("POST", INFER, None, "{");
    assert_eq!(state(), "firing");
    let (path, alert) = told.recv_timeout(std::time::Duration::from_secs(10)).expect("somebody is told");
    assert_eq!(path, "/told");
    assert_eq!((&alert["alert"], &alert["state"]["type"]), (&"failures".into(), &"firing".into()));
    assert_eq!(alert["value"], 1.0);
    folder.millrace(&["alerts", "remove", "failures"]);
    soon(|| server.json("/v2/monitor/alerts") == Json::Array(Vec::new()));
}

#[test]
fn traffic_goes_back_from_a_deployment_that_fails_and_the_log_says_why() {
    let folder = Folder::new("rollback");
    for _ in 0..2 {
        folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    }
    folder.millrace(&["deploy", "models:/churn/1"]);
    folder.millrace(&["deploy", "models:/churn/2", "--as", "green", "--percent", "50"]);
    folder.millrace(&["alerts", "rollback", "churn", "--for", "1", "--min-requests", "20"]);
    let (address, told) = listener();
    let webhook = format!("{address}/told");
    let registry = folder.0.display().to_string();
    let server = Server::start_with(&["--registry", &registry, "--webhook", &webhook]);
    let good = sample(&folder);
    let ask_and_wait = |_| {
        for _ in 0..30 {
            assert_eq!(server.ask("POST", "/v2/models/churn/versions/blue/infer", None, &good).0, 200);
            assert_eq!(server.ask("POST", "/v2/models/churn/versions/green/infer", None, "{}").0, 400);
        }
        told.recv_timeout(std::time::Duration::from_secs(5)).ok()
    };
    // Once more, should the minute end in the middle.
    let (_, event) = (0..2).find_map(ask_and_wait).expect("somebody is told");
    let reason = "green was worse than blue for a window: 100.0 % of its requests failed, 0.0 % of the other's";
    assert_eq!(event["change"]["reason"], reason);
    let shares = folder.millrace(&["traffic", "churn"]);
    assert!(shares.contains("models:/churn/1  100 %") && shares.contains("models:/churn/2  0 %"), "{shares}");
    let log = folder.millrace(&["registry", "log"]);
    let last = log.lines().last().expect("it is not empty");
    assert!(last.ends_with(&format!("rule  traffic of churn is blue 100 %, green 0 %: {reason}")), "{last}");
}
