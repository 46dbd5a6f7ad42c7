//! Requests of ours to servers that encrypt: webhooks, collectors, and endpoints behind something that encrypts for them.

mod lab;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use lab::{Folder, PIPELINE, Server, encrypted, listener, soon};

fn millrace(authorities: Option<&Path>, arguments: &[&str]) -> Output {
    let mut millrace = Command::new(env!("CARGO_BIN_EXE_millrace"));
    millrace.args(arguments).env_remove("SSL_CERT_FILE").envs(authorities.map(|file| ("SSL_CERT_FILE", file)));
    millrace.output().expect("it starts")
}

#[test]
fn a_webhook_and_a_collector_may_encrypt() {
    let folder = Folder::new("encrypted-pushes");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    folder.millrace(&["alerts", "set", "failures", "--metric", "failure-rate", "--above", "0.5"]);
    let (plain, told) = listener();
    let (address, certificate) = encrypted(&folder, &plain);
    let (registry, webhook) = (folder.0.display().to_string(), format!("{address}/told"));
    let arguments = ["--registry", &registry, "--webhook", &webhook, "--otlp", &address, "--otlp-interval", "1"];
    let server = Server::start_trusting(Some(&certificate), &arguments);
    assert_eq!(server.ask("POST", "/v2/models/churn/infer", None, "{").0, 400);
    let mut paths = Vec::new();
    while !["/told", "/v1/metrics", "/v1/logs"].iter().all(|path| paths.contains(&(*path).to_owned())) {
        paths.push(told.recv_timeout(Duration::from_secs(10)).expect("somebody is told").0);
    }
}

#[test]
fn an_endpoint_that_encrypts_is_asked_if_it_is_trusted() {
    let folder = Folder::new("encrypted-endpoint");
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder.millrace(&["deploy", "models:/churn/1"]);
    let server = Server::start(&folder.0);
    let (address, certificate) = encrypted(&folder, &server.address);
    let endpoint = format!("{address}/v2/models/churn");
    let load = ["load", &endpoint, "--rate", "20", "--duration", "1", "--connections", "2"];
    let loaded = millrace(Some(&certificate), &load);
    let said = String::from_utf8_lossy(&loaded.stdout);
    assert!(loaded.status.success() && said.contains("20 × 200"), "{said}{}", String::from_utf8_lossy(&loaded.stderr));
    let (rows, out) = (folder.0.join("rows.csv"), folder.0.join("predicted.csv"));
    std::fs::write(&rows, ROWS).expect("it is written");
    let [rows, predicted] = [&rows, &out].map(|path| path.display().to_string());
    let scored = millrace(Some(&certificate), &["score", &rows, "--endpoint", &endpoint, "--out", &predicted]);
    assert!(scored.status.success(), "{}", String::from_utf8_lossy(&scored.stderr));
    assert_eq!(std::fs::read_to_string(out).expect("it is written").lines().count(), 3);
    // Nobody signed for it whom the computer trusts.
    let refused = millrace(None, &load);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("there is no encrypted connection to localhost"), "{why}");
    soon(|| server.ask("GET", "/v2/health/ready", None, "").0 == 200);
}

const ROWS: &str =
    "age,region,contract,payment,internet,paperless,tenure_months,support_calls,monthly_charges,total_charges
44,West,Two year,Bank transfer,DSL,true,12,4,55.5,660.25
30,North,Month-to-month,Credit card,Fiber optic,false,3,0,80.0,240.0
";
