//! Combine Models and Prepend Transformation against scikit-learn's VotingClassifier, VotingRegressor and Pipeline, row
//! by row. `combining.py` makes `combining.json`.

#[expect(dead_code, reason = "no rows are dealt to folds here")]
mod dealt;
#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use dealt::{folder, read, run};
use engine::Artifact;
use model::Prediction;
use parity::Parity;
use pipeline::Value;
use schema::{Kind, Role};
use serde_json::Value as Json;
use table::Table;

/// What every number and every probability is held to, relative to the largest one.
const TOLERANCE: f64 = 1e-9;

/// A weight, how rows are prepared for the learner, and the learner.
type Member = (i64, &'static [&'static str], &'static str);

const CLEAN: &str = "transform.clean-missing-data";
const SCALE: &str = "transform.normalize-data";

/// Data set, members, and whether values are missing.
const CASES: [(&str, &[Member], bool); 3] = [
    (
        "diabetes",
        &[
            (2, &[CLEAN], "learn.linear-regression"),
            (3, &[CLEAN, SCALE], "learn.k-nearest-neighbors"),
            (1, &[], "learn.constant-baseline"),
        ],
        true,
    ),
    ("breast_cancer", &[(3, &[], "learn.logistic-regression"), (1, &[SCALE], "learn.k-nearest-neighbors")], false),
    (
        "wine",
        &[
            (1, &[CLEAN, SCALE], "learn.logistic-regression"),
            (2, &[CLEAN, SCALE], "learn.k-nearest-neighbors"),
            (4, &[], "learn.constant-baseline"),
        ],
        true,
    ),
];

/// As near to the minimum as numbers go, and means for gaps; scikit-learn is asked for the same.
fn params(id: &str) -> Vec<(&'static str, Value)> {
    match id {
        "learn.logistic-regression" => vec![("optimization_tolerance", Value::Float(1e-10))],
        CLEAN => vec![("cleaning_mode", Value::Text("mean".into()))],
        _ => vec![],
    }
}

/// The rows to learn from and those held out, every seventh value of the first column missing where `has_gaps`.
fn halves(name: &str, has_gaps: bool) -> [Table; 2] {
    let text = std::fs::read_to_string(folder().join("data").join(format!("{name}.csv"))).expect("the data set");
    let mut lines = text.lines();
    let mut csv = lines.next().expect("a head").to_owned();
    for (row_idx, line) in lines.enumerate() {
        let (first, others) = line.split_once(',').expect("columns");
        let first = if has_gaps && row_idx % 7 == 0 { "" } else { first };
        csv.push_str(&format!("\n{first},{others}"));
    }
    let kind = if name == "diabetes" { Kind::Number } else { Kind::Category };
    let options = table::Options { kinds: [("target".into(), kind)].into(), ..table::Options::default() };
    let table = table::read_bytes(name, csv.as_bytes(), options).expect("a table").table;
    let table = table.set_role("target", Role::Target).expect("it is there");
    let held_out: Vec<bool> = (0..table.n_rows()).map(|row_idx| row_idx % 4 == 0).collect();
    let training: Vec<bool> = held_out.iter().map(|held_out| !held_out).collect();
    [table.filter(&training), table.filter(&held_out)]
}

/// Prepares the rows, trains on them, and gives back a model that prepares rows by itself.
fn trained(training: &Table, preparation: &[&str], learner: &str) -> Artifact {
    let mut table = Artifact::Table(training.clone());
    let mut transformations = Vec::new();
    for id in preparation {
        let done = run(id, vec![("table", table)], params(id));
        table = done.outputs["table"].clone();
        transformations.push(done.outputs["transformation"].clone());
    }
    let untrained = run(learner, vec![], params(learner)).outputs["learner"].clone();
    let done = run("train.train-model", vec![("learner", untrained), ("table", table)], vec![]);
    transformations.into_iter().rev().fold(done.outputs["model"].clone(), |model, transformation| {
        let inputs = vec![("transformation", transformation), ("model", model)];
        run("train.prepend-transformation", inputs, vec![]).outputs["model"].clone()
    })
}

#[test]
fn every_prediction_agrees() {
    let expected = read("combining.json");
    let mut parity = Parity::default();
    for (name, members, has_gaps) in CASES {
        let [training, held_out] = halves(name, has_gaps);
        let names: Vec<[String; 2]> =
            (1..=members.len()).map(|at| [format!("model_{at}"), format!("weight_{at}")]).collect();
        let (mut inputs, mut weights) = (Vec::new(), Vec::new());
        for ((weight, preparation, learner), [model_name, weight_name]) in members.iter().zip(&names) {
            inputs.push((model_name.as_str(), trained(&training, preparation, learner)));
            weights.push((weight_name.as_str(), Value::Int(*weight)));
        }
        let done = run("train.combine-models", inputs, weights);
        let Artifact::Model(model) = &done.outputs["model"] else { panic!("a model") };
        let (Prediction::Numbers(found) | Prediction::Probabilities { values: found, .. }) =
            model.predict(&held_out.frame()).expect("raw rows are enough");
        let expected: Vec<f64> = expected[name].as_array().expect("rows").iter().filter_map(Json::as_f64).collect();
        let what = format!("{} predictions", expected.len());
        parity.of("train.combine-models", name).near(&what, &found, &expected, TOLERANCE);
        if members.iter().any(|(_, preparation, _)| !preparation.is_empty()) {
            parity.of("train.prepend-transformation", name).near(what, &found, &expected, TOLERANCE);
        }
    }
    parity.check("Combined models");
}
