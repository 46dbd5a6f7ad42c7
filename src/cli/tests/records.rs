//! Runs recorded in a folder, listed and searched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const CHURN: &str = "public/gallery/churn.json";

fn millrace(arguments: &[&str]) -> (Option<i32>, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_millrace")).args(arguments).current_dir(root).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("records-{name}"));
    // It is there only after an earlier run.
    let _ = fs::remove_dir_all(&path);
    path
}

fn runs(folder: &str, query: &str) -> Vec<Value> {
    let (code, out, err) = millrace(&["runs", folder, "--json", "--query", query]);
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str::<Value>(&out).unwrap().as_array().unwrap().clone()
}

#[test]
fn runs_are_recorded_listed_and_searched() {
    let path = folder("listed");
    let folder = path.to_str().unwrap();
    for setting in ["forest.n_trees=30", "forest.n_trees=5", "forest.n_trees=5"] {
        let (code, out, err) = millrace(&["run", CHURN, "--record", folder, "--set", setting]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("the run is recorded as "), "{out}");
    }
    let all = runs(folder, "");
    assert_eq!(all.iter().map(|run| run["number"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(all[1]["name"], "Number of trees 30 → 5");
    assert_eq!(all[0]["metrics"]["evaluate.auc"]["value"], all[1]["metrics"]["evaluate.auc"]["value"]);
    assert_eq!(fs::read_dir(path.join("pipelines")).unwrap().count(), 2, "equal pipelines are kept once");
    assert_eq!(runs(folder, "param.n_trees <= 10 and metric.auc > 0.5").len(), 2);
    assert_eq!(runs(folder, "metric.auc > 0.999").len(), 0);

    let (_, out, _) = millrace(&["runs", folder, "--query", "param.n_trees > 10"]);
    assert!(out.contains("done") && out.ends_with("1 of 3 runs\n"), "{out}");

    fs::remove_file(path.join("index.jsonl")).unwrap();
    assert_eq!(runs(folder, ""), all, "the index holds nothing that the runs' files lack");
}

#[test]
fn runs_are_sorted_by_any_column() {
    let path = folder("sorted");
    let folder = path.to_str().unwrap();
    for n_trees in ["5", "30", "10"] {
        millrace(&["run", CHURN, "--record", folder, "--set", &format!("forest.n_trees={n_trees}")]);
    }
    let sorted = |by: &str| -> Vec<u64> {
        let (code, out, err) = millrace(&["runs", folder, "--json", "--sort", by]);
        assert_eq!(code, Some(0), "{err}");
        let runs: Value = serde_json::from_str(&out).unwrap();
        runs.as_array().unwrap().iter().map(|run| run["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(sorted("param.n_trees"), [1, 3, 2]);
    assert_eq!(sorted("-param.n_trees"), [2, 3, 1]);
    let (code, _, err) = millrace(&["runs", folder, "--sort", "param.n_tree"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("error: --sort: no run has \"param.n_tree\"; did you mean "), "{err}");
}

#[test]
fn the_figures_of_folds_are_kept_as_repeats() {
    let path = folder("folds");
    let (folder, pipeline) = (path.to_str().unwrap(), "tests/golden/pipelines/validation.json");
    let (code, _, err) = millrace(&["run", pipeline, "--record", folder]);
    assert_eq!(code, Some(0), "{err}");
    let run = &runs(folder, "")[0];
    let auc = &run["metrics"]["cross-validate.auc"];
    let repeats: Vec<f64> = auc["repeats"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!(repeats.len(), 4);
    assert_eq!(auc["value"].as_f64(), Some(repeats.iter().sum::<f64>() / 4.0));
}

#[test]
fn every_trial_of_a_search_is_recorded_with_its_figures_on_the_way() {
    let path = folder("search");
    let folder = path.to_str().unwrap();
    let search = ["automl", CHURN, "--table", "data", "--trials", "6", "--folds", "3", "--jobs", "2", "--json"];
    let (code, out, err) = millrace(&[&search[..], &["--record", folder]].concat());
    assert_eq!(code, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let recorded = runs(folder, &format!("sweep = {}", report["sweep"].as_str().unwrap()));
    assert_eq!(recorded.len(), 6);
    let leaderboard = report["leaderboard"].as_array().unwrap();
    for ranked in leaderboard {
        let run = recorded.iter().find(|run| run["trial"] == ranked["trial"]).unwrap();
        let judged: Vec<&Value> = run["metrics"].as_object().unwrap().values().collect();
        assert!(judged.iter().any(|figure| figure["repeats"] == ranked["folds"]), "{run}");
        let kept = fs::read_to_string(path.join(format!("runs/{}.json", run["id"].as_str().unwrap()))).unwrap();
        assert!(kept.contains("\"id\":\"intermediate\""), "{kept}");
    }
    assert!(!leaderboard.is_empty());
    let (_, out, err) = millrace(&[&search[..10], &["--record", folder]].concat());
    assert!(
        out.contains(&format!("every trial is recorded in {folder}: millrace runs {folder} --query \"sweep = ")),
        "{err}"
    );
    assert_eq!(runs(folder, "").len(), 12, "a second search goes on in the folder");
}

#[test]
fn a_query_or_a_folder_that_makes_no_sense_is_told() {
    let path = folder("wrong");
    let folder = path.to_str().unwrap();
    let (code, _, err) = millrace(&["runs", folder]);
    assert_eq!(code, Some(2));
    assert!(err.contains("holds no runs\n  help: record some with `millrace run FILE --record DIR`"), "{err}");
    millrace(&["run", CHURN, "--record", folder]);
    let (code, _, err) = millrace(&["runs", folder, "--query", "metric.acu > 0.9"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("--query: \"metric.acu\": no run has ") && err.contains("did you mean"), "{err}");
    let (code, _, err) = millrace(&["runs", folder, "--query", "metric.auc >"]);
    assert!(code == Some(2) && err.starts_with("error: --query: at 13: expected "), "{err}");
}
