//! Cross Validate Model against scikit-learn's `cross_validate` on the same folds, metric by metric and fold by fold.
//!
//! Partition and Sample deals the rows; `MILLRACE_UPDATE=1 cargo test -p millrace-tests --test cross_validation` writes
//! `folds.json`, from which `cross_validation.py` makes `cross_validation.json`.

mod dealt;
#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use std::collections::BTreeMap;

use dealt::{dealt, folder, folds_of, read, run};
use engine::Artifact;
use parity::Parity;
use pipeline::Value;
use serde_json::Value as Json;

/// As many as `folds.json` was dealt with.
const N_FOLDS: usize = 10;

/// What every metric of every fold is held to, relative to itself.
const TOLERANCE: f64 = 1e-9;

/// Data set and learner.
const CASES: [(&str, &str); 3] = [
    ("diabetes", "learn.linear-regression"),
    ("breast_cancer", "learn.logistic-regression"),
    ("wine", "learn.k-nearest-neighbors"),
];

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
    let mut parity = Parity::default();
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
            assert_eq!((told.len(), values.len()), (N_FOLDS, N_FOLDS), "{name}: {metric}");
            let mut compared = parity.of("evaluate.cross-validate-model", name);
            compared.each(metric, &told, &values, TOLERANCE);
        }
    }
    parity.check("Cross validation");
}
