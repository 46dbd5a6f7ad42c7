//! Tune Model Hyperparameters against scikit-learn's `GridSearchCV`, trial by trial: `tuning.py` makes `tuning.json`.

mod dealt;
#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use std::collections::BTreeMap;

use dealt::{dealt, folds_of, read, run};
use engine::Artifact;
use model::{Prediction, Values};
use parity::Parity;
use pipeline::Value;
use serde_json::Value as Json;
use table::Table;

const ID: &str = "train.tune-model-hyperparameters";

/// What every figure is held to, relative to itself.
const TOLERANCE: f64 = 1e-9;

struct Case {
    name: &'static str,
    learner: &'static str,
    params: Vec<(&'static str, Value)>,
    /// A setting by the label of its column.
    settings: &'static [(&'static str, &'static str)],
    /// A metric by the label of its column, the ranking one first.
    metrics: &'static [(&'static str, &'static str)],
    ranking: (&'static str, &'static str),
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "diabetes",
            learner: "learn.linear-regression",
            params: vec![("solution_method", text("ridge")), ("l2_weight_range", text("0.001 to 10 times 10"))],
            settings: &[("l2_weight", "L2 regularization weight")],
            metrics: &[("rmse", "Root mean squared error"), ("mae", "Mean absolute error"), ("r2", "R²")],
            ranking: ("ranking_numbers", "rmse"),
        },
        Case {
            name: "breast_cancer",
            learner: "learn.logistic-regression",
            // As near to the minimum as numbers go; scikit-learn's is asked for the same.
            params: vec![
                ("l2_weight_range", text("1, 10, 100, 1000")),
                ("optimization_tolerance", Value::Float(1e-10)),
            ],
            settings: &[("l2_weight", "L2 regularization weight")],
            metrics: &[("log_loss", "Log loss"), ("auc", "AUC"), ("f1", "F1"), ("accuracy", "Accuracy")],
            ranking: ("ranking_classes", "log_loss"),
        },
        Case {
            name: "wine",
            learner: "learn.k-nearest-neighbors",
            params: vec![
                ("k_range", text("1, 3, 5, 9, 15, 25")),
                ("weighting_range", text("uniform")),
                ("metric_range", text("euclidean, manhattan")),
            ],
            settings: &[("k", "Number of neighbours"), ("metric", "Distance")],
            metrics: &[("f1", "F1"), ("accuracy", "Accuracy"), ("balanced_accuracy", "Balanced accuracy")],
            ranking: ("ranking_classes", "f1"),
        },
    ]
}

fn table(artifact: &Artifact) -> &Table {
    match artifact {
        Artifact::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

/// A column as numbers or texts, by trial.
fn by_trial(results: &Table, column: &str) -> BTreeMap<i64, Json> {
    let frame = results.frame();
    let view =
        |name: &str| frame.column(name).unwrap_or_else(|| panic!("{name:?}, not in {:?}", results.schema().names()));
    let Values::Integer(trials) = &view("Trial").values else { panic!("whole numbers") };
    let cell = |row_idx: usize| match &view(column).values {
        Values::Number(values) => Json::from(values[row_idx]),
        Values::Integer(values) => Json::from(values[row_idx]),
        Values::Text(texts) => Json::from(texts[row_idx]),
        _ => panic!("{column} holds something else"),
    };
    (0..results.n_rows()).map(|row_idx| (trials[row_idx], cell(row_idx))).collect()
}

/// Compares the table of a sweep with the trials of `GridSearchCV`.
fn compare(case: &Case, what: &str, results: &Table, trials: &Json, parity: &mut Parity) {
    let trials = trials.as_array().expect("trials");
    assert_eq!(results.n_rows(), trials.len(), "{}", case.name);
    for (param, label) in case.settings {
        let found = by_trial(results, label);
        for (number, trial) in (0..).zip(trials) {
            let expected = &trial["settings"][param];
            // The table says options as the inspector does.
            let same = match (&found[&number], expected) {
                (Json::String(found), Json::String(expected)) => {
                    let options = [("euclidean", "Euclidean"), ("manhattan", "Manhattan")];
                    options.iter().any(|(value, label)| value == expected && label == found)
                }
                (found, expected) => found.as_f64() == expected.as_f64(),
            };
            assert!(
                same,
                "{} {what}: {param} of trial {number} is {}, scikit-learn's {expected}",
                case.name, found[&number]
            );
        }
    }
    let (ranking, ranking_label) = case.metrics[0];
    let mut columns: Vec<(String, String, &str)> =
        case.metrics.iter().map(|(metric, label)| ((*metric).to_owned(), (*label).to_owned(), "means")).collect();
    if what == "folds" {
        columns.push((ranking.to_owned(), format!("{ranking_label}: standard deviation"), "deviations"));
    }
    for (metric, label, kind) in columns {
        let found = by_trial(results, &label);
        let found: Vec<f64> = found.values().map(|figure| figure.as_f64().expect("a figure")).collect();
        let expected: Vec<f64> = trials.iter().map(|trial| trial[kind][&metric].as_f64().expect("a figure")).collect();
        parity.of(ID, case.name).each(format!("{what}: {kind} of {metric}"), &found, &expected, TOLERANCE);
    }
    // The best first, and ranks as they follow from scikit-learn's figures.
    let loss = |number: i64| {
        let mean = trials[number as usize]["means"][ranking].as_f64().expect("a figure");
        if matches!(ranking, "rmse" | "log_loss") { mean } else { -mean }
    };
    let frame = results.frame();
    let Some(Values::Integer(order)) = frame.column("Trial").map(|column| &column.values) else { panic!("trials") };
    let in_order = order.windows(2).all(|pair| loss(pair[0]) <= loss(pair[1]) + 1e-12);
    assert!(in_order, "{} {what}: {order:?} is not from best to worst", case.name);
    assert!(by_trial(results, "Rank")[&order[0]] == 1, "{} {what}", case.name);
}

#[test]
fn every_trial_of_a_grid_agrees_and_so_does_the_best_model() {
    let expected = read("tuning.json");
    let mut parity = Parity::default();
    for case in cases() {
        let (name, rows) = (case.name, dealt(case.name));
        let mut params = case.params.clone();
        params.push(("trainer_mode", text("range")));
        let learner = run(case.learner, vec![], params).outputs["learner"].clone();
        let (ranking, metric) = case.ranking;
        let tune = |inputs: Vec<(&str, Artifact)>| {
            let ranking = vec![(ranking, text(metric)), ("target", text("target"))];
            run("train.tune-model-hyperparameters", inputs, ranking).outputs
        };
        let tuned = tune(vec![("learner", learner.clone()), ("table", rows.clone())]);
        compare(&case, "folds", table(&tuned["sweep_results"]), &expected[name]["trials"], &mut parity);

        let Artifact::Model(best) = &tuned["best_model"] else { panic!("a model") };
        let said = match best.predict(&table(&rows).frame()).expect("it predicts") {
            Prediction::Numbers(numbers) => numbers,
            Prediction::Probabilities { values, n_classes } => values.into_iter().skip(1).step_by(n_classes).collect(),
        };
        let theirs = expected[name]["best_on_all_rows"].as_array().expect("numbers");
        let theirs: Vec<f64> = theirs.iter().map(|number| number.as_f64().expect("a number")).collect();
        let what = format!("what the best says of {} rows", theirs.len());
        parity.of(ID, name).near(what, &said, &theirs, TOLERANCE);

        let folds = folds_of(&rows);
        let part = |held_out: bool| {
            let rows = table(&rows).filter(&folds.iter().map(|fold| (*fold == 0) == held_out).collect::<Vec<_>>());
            Artifact::Table(rows)
        };
        let held_out = tune(vec![("learner", learner), ("table", part(false)), ("validation", part(true))]);
        compare(&case, "held out", table(&held_out["sweep_results"]), &expected[name]["held_out"], &mut parity);
    }
    parity.check("Tuning");
}
