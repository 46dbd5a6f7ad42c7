//! Explanations of models against scikit-learn and shap, as `explaining.py` wrote them into `explaining.json`.

#[expect(dead_code, reason = "no rows are dealt to folds here")]
mod dealt;
#[expect(dead_code, reason = "models are trained by components here, or read")]
mod fitted;
#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use dealt::{folder, read, run};
use engine::Artifact;
use fitted::number;
use learn::contributions::explain;
use learn::{Unwatched, block_on};
use model::{
    Boosted, BoostedTree, Estimator, Feature, FeatureEncoding, Features, Forest, LinearModel, Link, LogisticModel,
    Matrix, Model, NewColumn, NewValues, Target, Tree, TreeNode, Values,
};
use parity::{Compared, Parity, nan_max};
use pipeline::Value;
use schema::{Column, Kind, Role};
use serde_json::Value as Json;
use table::Table;

/// What every number is held to, relative to the largest of its kind.
const TOLERANCE: f64 = 1e-9;

fn numbers(value: &Json) -> Vec<f64> {
    let values = value.as_array().expect("numbers").iter();
    // No value is a gap.
    values.map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn rows_of(value: &Json) -> Vec<Vec<f64>> {
    value.as_array().expect("rows").iter().map(numbers).collect()
}

const IMPORTANCE: &str = "evaluate.permutation-feature-importance";
const CONTRIBUTIONS: &str = "evaluate.feature-contributions";
const DEPENDENCE: &str = "evaluate.partial-dependence";

/// Compares numbers, relative to the largest that is expected, or to 0.01 if all are smaller.
fn near(compared: &mut Compared<'_>, what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |largest, x| largest.max(x.abs())).max(0.01);
    let deviations = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / largest);
    compared.line(format!("{what}: {} numbers", found.len()), deviations.fold(0.0, nan_max), TOLERANCE);
}

/// The rows to learn from and those held out, in single precision; the target a category where it is a class.
fn halves(name: &str) -> [Table; 2] {
    let text = std::fs::read_to_string(folder().join(format!("data/{name}.csv"))).expect("the data set");
    let single = |field: &str| f64::from(field.parse::<f64>().expect("a number") as f32);
    let rows: Vec<Vec<f64>> = text.lines().skip(1).map(|line| line.split(',').map(single).collect()).collect();
    [1, 0].map(|held_out| {
        let kept: Vec<&Vec<f64>> = rows
            .iter()
            .enumerate()
            .filter(|(at, _)| usize::from(at % 4 == 0) != held_out)
            .map(|(_, row)| row)
            .collect();
        let n_columns = kept[0].len() - 1;
        let column = |at: usize| kept.iter().map(|row| row[at]).collect::<Vec<f64>>();
        let mut columns: Vec<NewColumn> = (0..n_columns).map(|at| number(&format!("x{at}"), column(at))).collect();
        let target = column(n_columns);
        columns.push(if name == "diabetes" {
            number("target", target)
        } else {
            let n_classes = target.iter().fold(0.0f64, |most, class| most.max(*class)) as i32 + 1;
            let codes = target.iter().map(|class| *class as i32).collect();
            let dictionary = (0..n_classes).map(|class| class.to_string()).collect();
            let column = Column::new("target", Kind::Category);
            NewColumn { column, values: NewValues::Category { codes, dictionary }, valid: None }
        });
        let table = Table::from_new_columns(columns, kept.len()).expect("a table");
        table.set_role("target", Role::Target).expect("it is there")
    })
}

/// A linear or logistic model of the first half, and the rows held out.
fn trained(name: &str) -> (Artifact, Table) {
    let [training, held_out] = halves(name);
    let (learner, params) = match name {
        "diabetes" => ("learn.linear-regression", vec![]),
        _ => ("learn.logistic-regression", vec![("optimization_tolerance", Value::Float(1e-10))]),
    };
    let learner = run(learner, vec![], params).outputs["learner"].clone();
    let inputs = vec![("learner", learner), ("table", Artifact::Table(training))];
    (run("train.train-model", inputs, vec![]).outputs["model"].clone(), held_out)
}

fn column(table: &Table, name: &str) -> Vec<f64> {
    match &table.frame().column(name).unwrap_or_else(|| panic!("{name}")).values {
        Values::Number(values) => values.to_vec(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_permutation_importance_agrees() {
    let expected = &read("explaining.json")["importance"];
    let mut parity = Parity::default();
    for (name, metrics) in expected.as_object().expect("data sets") {
        let (model, held_out) = trained(name);
        for (metric, expected) in metrics.as_object().expect("metrics") {
            let inputs = vec![("model", model.clone()), ("table", Artifact::Table(held_out.clone()))];
            let params = vec![("metric", Value::Text(metric.clone())), ("n_repeats", Value::Int(3))];
            let done = run("evaluate.permutation-feature-importance", inputs, params);
            let Artifact::Table(found) = &done.outputs["importance"] else { panic!("a table") };
            let frame = found.frame();
            let Some(Values::Text(features)) = frame.column("Feature").map(|column| &column.values) else {
                panic!("names")
            };
            let places: Vec<usize> = features.iter().map(|name| name[1..].parse().expect("x and a number")).collect();
            let in_order = |values: Vec<f64>| places.iter().map(|&at| values[at]).collect::<Vec<f64>>();
            let means = column(found, "Score");
            assert!(means.is_sorted_by(|one, next| one >= next), "{name} {metric}: {means:?}");
            let mut compared = parity.of(IMPORTANCE, name);
            near(&mut compared, &format!("{metric}: mean"), &means, &in_order(numbers(&expected["mean"])));
            let deviations = column(found, "Standard Deviation");
            near(&mut compared, &format!("{metric}: deviation"), &deviations, &in_order(numbers(&expected["std"])));
        }
    }
    parity.check("Permutation importance");
}

/// A model of as many columns as its rows have; classes where it has several outputs, or log odds.
fn model(n_columns: usize, n_classes: usize, estimator: Estimator) -> Model {
    let encoding = || match &estimator {
        Estimator::Boosted(_) => FeatureEncoding::NumberOrGap,
        _ => FeatureEncoding::Number,
    };
    let feature = |at: usize| Feature { name: format!("x{at}"), kind: Kind::Number, encoding: encoding() };
    let classes = (0..n_classes).map(|class| class.to_string()).collect();
    Model {
        learner: "A learner".into(),
        preparation: Vec::new(),
        features: Features { features: (0..n_columns).map(feature).collect() },
        target: if n_classes == 0 {
            Target::Number { name: "target".into() }
        } else {
            Target::Class { name: "target".into(), kind: Kind::Category, classes }
        },
        estimator,
        importances: None,
        n_training_rows: 1,
    }
}

fn tree(written: &Json) -> Tree {
    let of = |name: &str| numbers(&written[name]);
    let (features, thresholds, n_rows) = (of("feature"), of("threshold"), of("n_rows"));
    let (left, right) = (of("left"), of("right"));
    let node = |at: usize| TreeNode {
        threshold: thresholds[at],
        feature: features[at] as u32,
        left: left[at] as u32,
        right: right[at] as u32,
        n_rows: n_rows[at],
        impurity: 0.0,
    };
    let n_outputs = written["n_outputs"].as_u64().expect("a number") as u32;
    Tree { nodes: (0..features.len()).map(node).collect(), values: of("values"), n_outputs }
}

fn boosted(written: &Json) -> BoostedTree {
    let missing_left = written["missing_left"].as_array().expect("truths").iter().map(|left| left == true).collect();
    BoostedTree { tree: tree(written), missing_left, left_categories: Default::default() }
}

fn matrix(rows: &[Vec<f64>]) -> Matrix {
    let n_columns = rows[0].len();
    let values = (0..n_columns).flat_map(|at| rows.iter().map(move |row| row[at])).collect();
    Matrix { values, n_rows: rows.len(), n_columns }
}

/// Compares all contributions of all outputs, and that they add up.
fn compare(parity: &mut Parity, what: &str, model: &Model, x: &Matrix, usual: &Matrix, expected: &Json) {
    let mut compared = parity.of(CONTRIBUTIONS, data(what));
    let of_outputs = expected["values"].as_array().expect("outputs");
    for (output, rows) in of_outputs.iter().enumerate() {
        let class = (of_outputs.len() > 1).then_some(output);
        let found = block_on(explain(model, x, usual, class, &mut Unwatched)).expect("nobody stops it");
        let found = found.expect("it can be explained");
        let base = numbers(&expected["expected"])[output];
        near(&mut compared, &format!("{what}, output {output}: base"), &found.base, &vec![base; x.n_rows]);
        let columns: Vec<Vec<f64>> =
            (0..x.n_rows).map(|row| found.contributions.iter().map(|c| c[row]).collect()).collect();
        let (in_a_row, theirs) = (columns.concat(), rows_of(rows).concat());
        near(&mut compared, &format!("{what}, output {output}: contributions"), &in_a_row, &theirs);
        let sums: Vec<f64> =
            columns.iter().zip(&found.base).map(|(row, base)| base + row.iter().sum::<f64>()).collect();
        near(&mut compared, &format!("{what}, output {output}: sums"), &sums, &found.raw);
    }
}

/// The data set of a case of `explaining.py`.
fn data(case: &str) -> &'static str {
    match case {
        "decision tree" | "boosted three classes" | "logistic of three classes" => "wine",
        "deep decision tree" | "boosted numbers" | "linear" | "poisson" => "diabetes",
        "decision forest" => "iris",
        "extra trees" => "wine_proline",
        "boosted classes" | "logistic" => "breast_cancer",
        other => panic!("{other}"),
    }
}

#[test]
fn every_contribution_to_shared_trees_agrees() {
    let mut parity = Parity::default();
    for (what, expected) in read("explaining.json")["trees"].as_object().expect("cases") {
        let x = matrix(&rows_of(&expected["rows"]));
        let written = expected["trees"].as_array().expect("trees");
        let base = numbers(&expected["base"]);
        let n_outputs = expected["values"].as_array().map_or(0, Vec::len);
        let (n_classes, estimator) = if !base.is_empty() {
            let link = if what.contains("numbers") { Link::Identity } else { Link::Softmax };
            let n_classes = if what.contains("numbers") { 0 } else { n_outputs.max(2) };
            let trees = written.iter().map(boosted).collect();
            (n_classes, Estimator::Boosted(Boosted { trees, base, link, held_out_losses: Vec::new() }))
        } else if written.len() > 1 {
            let n_classes = if n_outputs > 1 { n_outputs } else { 0 };
            (n_classes, Estimator::Forest(Forest { trees: written.iter().map(tree).collect() }))
        } else {
            (if n_outputs > 1 { n_outputs } else { 0 }, Estimator::Tree(tree(&written[0])))
        };
        compare(&mut parity, what, &model(x.n_columns, n_classes, estimator), &x, &x, expected);
    }
    parity.check("Contributions to trees");
}

#[test]
fn every_contribution_to_shared_weighted_sums_agrees() {
    let mut parity = Parity::default();
    for (what, expected) in read("explaining.json")["linear"].as_object().expect("cases") {
        let x = matrix(&rows_of(&expected["rows"]));
        let usual = matrix(&[numbers(&expected["usual"])]);
        let (coefficients, intercepts) =
            (rows_of(&expected["coefficients"]).concat(), numbers(&expected["intercepts"]));
        let n_outputs = intercepts.len();
        let linear = || LinearModel { coefficients: coefficients.clone(), intercept: intercepts[0] };
        let (n_classes, estimator) = match what.as_str() {
            "linear" => (0, Estimator::Linear(linear())),
            "poisson" => (0, Estimator::Poisson(linear())),
            _ => (n_outputs.max(2), Estimator::Logistic(LogisticModel { coefficients, intercepts })),
        };
        compare(&mut parity, what, &model(x.n_columns, n_classes, estimator), &x, &usual, expected);
    }
    parity.check("Contributions to weighted sums");
}

#[test]
fn every_partial_dependence_agrees() {
    let mut parity = Parity::default();
    for case in read("explaining.json")["dependence"].as_array().expect("cases") {
        let (name, at) = (case["data"].as_str().expect("a name"), case["column"].as_u64().expect("a place"));
        let varied = format!("x{at}");
        let (model, held_out) = trained(name);
        let n_rows = held_out.n_rows();
        let asked = |class: &str| {
            let params = vec![
                ("column", Value::Text(varied.clone())),
                ("grid", Value::Text(case["grid"].as_str().expect("a choice").into())),
                ("n_values", Value::Int(case["n_values"].as_i64().expect("a number"))),
                ("class", Value::Text(class.into())),
                ("n_curves", Value::Int(500)),
            ];
            let inputs = vec![("model", model.clone()), ("table", Artifact::Table(held_out.clone()))];
            let done = run("evaluate.partial-dependence", inputs, params);
            let [Artifact::Table(averages), Artifact::Table(curves)] =
                ["dependence", "curves"].map(|port| done.outputs[port].clone())
            else {
                panic!("tables")
            };
            (averages, curves)
        };
        let averages = rows_of(&case["average"]);
        let class = if averages.len() > 1 { (averages.len() - 1).to_string() } else { String::new() };
        let (found, curves) = asked(&class);
        let mut compared = parity.of(DEPENDENCE, name);
        near(&mut compared, &format!("{varied}: values"), &column(&found, &varied), &numbers(&case["values"]));
        let average = column(&found, "Average Prediction");
        near(&mut compared, &format!("{varied}: average"), &average, averages.last().expect("an output"));
        let individual = rows_of(&case["individual"]).concat();
        let predictions = column(&curves, "Prediction");
        assert_eq!(predictions.len(), n_rows * average.len(), "{name}, {varied}");
        near(&mut compared, &format!("{varied}: single rows"), &predictions[..individual.len()], &individual);
        if averages.len() > 1 {
            let (all, none) = asked("");
            assert_eq!(none.n_rows(), 0);
            for (class, expected) in averages.iter().enumerate() {
                let found = column(&all, &format!("Average Prediction_{class}"));
                near(&mut compared, &format!("{varied}, class {class}: average"), &found, expected);
            }
        }
    }
    parity.check("Partial dependence");
}
