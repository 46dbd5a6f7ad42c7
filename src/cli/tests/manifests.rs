//! Manifests, word for word; `tests/reference/manifests.py` holds them to the validators of others.

mod lab;

use std::process::Command;

use expect_test::expect_file;

use lab::{Folder, PIPELINE};

#[test]
fn manifests_are_written_for_every_place() {
    let folder = Folder::new("manifests");
    folder.millrace(&["register", PIPELINE, "--name", "Churn_2"]);
    let manifest = |kind: &str| folder.millrace(&["manifest", kind, "--model", "models:/Churn_2/1"]);
    expect_file!["../../../tests/reference/manifests/Dockerfile"].assert_eq(&manifest("docker"));
    expect_file!["../../../tests/reference/manifests/compose.yaml"].assert_eq(&manifest("compose"));
    expect_file!["../../../tests/reference/manifests/kubernetes.yaml"].assert_eq(&manifest("kubernetes"));
    expect_file!["../../../tests/reference/manifests/kserve.yaml"].assert_eq(&manifest("kserve"));
    let output = Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(["manifest", "kserve", "--model", "models:/Churn_2/1", "--min-replicas", "9", "--registry"])
        .arg(&folder.0)
        .output()
        .expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("--max-replicas 4 is less than --min-replicas 9"), "{error}");
}
