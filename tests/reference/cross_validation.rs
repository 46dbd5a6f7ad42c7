//! Cross Validate Model against scikit-learn's `cross_validate` on the same folds, metric by metric and fold by fold.
//!
//! Partition and Sample deals the rows; `MILLRACE_UPDATE=1 cargo test -p millrace-tests --test cross_validation` writes
//! `folds.json`, from which `cross_validation.py` makes `cross_validation.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::testing::{Outcome, run_component};
use engine::{Artifact, Component};
use model::Values;
use pipeline::Value;
use schema::{Kind, Role};
use serde_json::Value as Json;
use table::Table;

const N_FOLDS: i64 = 10;

/// What every metric of every fold is held to, relative to itself.
const TOLERANCE: f64 = 1e-9;

/// Data set and learner.
const CASES: [(&str, &str); 3] = [
    ("diabetes", "learn.linear-regression"),
    ("breast_cancer", "learn.logistic-regression"),
    ("wine", "learn.k-nearest-neighbors"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference")
}

fn read(name: &str) -> Json {
    let text = std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn run(id: &str, inputs: Vec<(&str, Artifact)>, params: Vec<(&str, Value)>) -> Outcome {
    let found = components::catalogue().iter().find(|component| component.spec().id == id);
    let component: &dyn Component = *found.unwrap_or_else(|| panic!("{id}"));
    run_component(component, inputs, params, 1).unwrap_or_else(|error| panic!("{id}: {error:?}"))
}

/// The rows of a data set, dealt to folds.
fn dealt(name: &str) -> Artifact {
    let bytes = std::fs::read(folder().join("data").join(format!("{name}.csv"))).expect("the data set");
    let kind = if name == "diabetes" { Kind::Number } else { Kind::Category };
    let options = table::Options { kinds: [("target".into(), kind)].into(), ..table::Options::default() };
    let table = table::read_bytes(name, &bytes, options).expect("a table").table;
    let table = table.set_role("target", Role::Target).expect("it is there");
    let mut params = vec![("mode", Value::Text("assign-to-folds".into())), ("n_folds", Value::Int(N_FOLDS))];
    if kind == Kind::Category {
        params.push(("stratify", Value::Text("target".into())));
    }
    let done = run("split.partition-and-sample", vec![("table", Artifact::Table(table))], params);
    done.outputs["table"].clone()
}

fn folds_of(dealt: &Artifact) -> Vec<i64> {
    let Artifact::Table(table) = dealt else { panic!("a table") };
    let table: &Table = table;
    let frame = table.frame();
    match frame.column("Fold Number").map(|column| &column.values) {
        Some(Values::Integer(folds)) => folds.to_vec(),
        _ => panic!("folds"),
    }
}

#[test]
fn every_metric_of_every_fold_agrees() {
    let dealt: BTreeMap<&str, Artifact> = CASES.iter().map(|(name, _)| (*name, dealt(name))).collect();
    let folds: BTreeMap<&str, Vec<i64>> = dealt.iter().map(|(name, table)| (*name, folds_of(table))).collect();
    if std::env::var_os("MILLRACE_UPDATE").is_some() {
        let text = format!("{}\n", serde_json::to_string(&folds).expect("plain data"));
        std::fs::write(folder().join("folds.json"), text).expect("it can be written");
        return;
    }
    assert_eq!(read("folds.json"), serde_json::json!(folds), "scikit-learn was given other folds");
    let expected = read("cross_validation.json");
    let mut wrong = Vec::new();
    for (name, id) in CASES {
        // As near to the minimum as numbers go; scikit-learn's is asked for the same.
        let params = match id {
            "learn.logistic-regression" => vec![("optimization_tolerance", Value::Float(1e-10))],
            _ => vec![],
        };
        let learner = run(id, vec![], params).outputs["learner"].clone();
        let inputs = vec![("learner", learner), ("table", dealt[name].clone())];
        let done = run("evaluate.cross-validate-model", inputs, vec![]);
        for (metric, values) in expected[name].as_object().expect("metrics") {
            let values: Vec<f64> = values.as_array().expect("folds").iter().filter_map(Json::as_f64).collect();
            let told: Vec<f64> =
                done.measured.iter().filter(|told| told.name == *metric).map(|told| told.value).collect();
            assert_eq!((told.len(), values.len()), (N_FOLDS as usize, N_FOLDS as usize), "{name}: {metric}");
            let deviation =
                told.iter().zip(&values).map(|(found, expected)| (found / expected - 1.0).abs()).fold(0.0, f64::max);
            println!("{deviation:>9.1e} of {TOLERANCE:.0e}  {name}: {metric}");
            if deviation.is_nan() || deviation > TOLERANCE {
                wrong.push(format!("{name}: {metric}, {told:?}, scikit-learn {values:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
