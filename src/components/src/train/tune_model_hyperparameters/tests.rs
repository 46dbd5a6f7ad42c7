use engine::Artifact;
use engine::testing::{Outcome, TestHost, run_component, run_component_in};
use model::Values;
use pipeline::NodeId;
use study::Dimension;
use table::read_bytes;

use super::*;
use crate::data::sample_datasets::SampleDatasets;
use crate::evaluate::cross_validate_model::CrossValidateModel;
use crate::learn::decision_tree::DecisionTree;
use crate::learn::k_nearest_neighbors::KNearestNeighbors;
use crate::learn::linear_regression::LinearRegression;
use crate::learn::logistic_regression::LogisticRegression;
use crate::train::train_model::TrainModel;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn sample(name: &str) -> Artifact {
    let done = run_component(&SampleDatasets, vec![], vec![("dataset", text(name))], 1).expect("it works");
    done.outputs["table"].clone()
}

fn csv(lines: &str) -> Artifact {
    Artifact::Table(read_bytes("t.csv", lines.as_bytes(), table::Options::default()).expect("a table").table)
}

fn single(component: &dyn Component, params: Vec<(&str, Value)>) -> Artifact {
    run_component(component, vec![], params, 1).expect("it works").outputs["learner"].clone()
}

fn range(component: &dyn Component, mut params: Vec<(&str, Value)>) -> Artifact {
    params.push(("trainer_mode", text("range")));
    single(component, params)
}

fn tuned(learner: Artifact, table: Artifact, params: Vec<(&str, Value)>) -> Result<Outcome, JobError> {
    run_component(&TuneModelHyperparameters, vec![("learner", learner), ("table", table)], params, 1)
}

fn refused(learner: Artifact, table: Artifact, params: Vec<(&str, Value)>) -> Failure {
    match tuned(learner, table, params) {
        Err(JobError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn results(done: &Outcome) -> &Table {
    match &done.outputs["sweep_results"] {
        Artifact::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

/// A column of the results in words, row by row.
fn cells(table: &Table, name: &str) -> Vec<String> {
    let column_idx = table.schema().position(name).unwrap_or_else(|_| panic!("{name}: {:?}", table.schema().names()));
    let frame = table.frame();
    let column = &frame.columns[column_idx];
    let cell = |row_idx: usize| match &column.values {
        _ if !column.is_valid(row_idx) => "-".to_owned(),
        Values::Number(values) => format!("{:?}", values[row_idx]),
        Values::Integer(values) => values[row_idx].to_string(),
        Values::Text(texts) => texts[row_idx].to_owned(),
        _ => panic!("{name}"),
    };
    (0..table.n_rows()).map(cell).collect()
}

/// What is told beside the results.
fn notes(done: &Outcome) -> Vec<String> {
    let told = |panel: &Panel| match panel {
        Panel::Facts { title, rows, .. } if title == "What to know" => Some(rows.concat()),
        _ => None,
    };
    done.panels.iter().find_map(told).unwrap_or_default()
}

#[test]
fn one_setting_is_cross_validated_and_trained_and_that_nothing_was_compared_is_said() {
    let (learner, table) = (|| single(&DecisionTree, vec![]), || sample("breast-cancer"));
    let done = tuned(learner(), table(), vec![]).expect("it works");
    let inputs = || vec![("learner", learner()), ("table", table())];
    let validated =
        run_component(&CrossValidateModel, inputs(), vec![("n_folds", Value::Int(5))], 1).expect("it works");
    let Artifact::Evaluation(evaluation) = &validated.outputs["evaluation"] else { panic!("an evaluation") };
    let told: BTreeMap<String, f64> = done.measured.iter().map(|told| (told.name.clone(), told.value)).collect();
    assert_eq!(told, evaluation.metrics);
    assert_eq!(cells(results(&done), "Accuracy"), [format!("{:?}", evaluation.metrics["accuracy"])]);
    let trained = run_component(&TrainModel, inputs(), vec![], 1).expect("it works");
    let (Artifact::Model(best), Artifact::Model(model)) = (&done.outputs["best_model"], &trained.outputs["model"])
    else {
        panic!("models")
    };
    assert_eq!(best, model);
    assert!(notes(&done)[0].starts_with("Decision Tree is in Single Parameter mode"), "{:?}", notes(&done));
    let one = range(&DecisionTree, vec![("max_depth_range", text("8")), ("min_rows_leaf_range", text("1"))]);
    let done = tuned(one, table(), vec![]).expect("it works");
    assert!(notes(&done)[0].starts_with("One setting was judged"), "{:?}", notes(&done));
    let several = range(&DecisionTree, vec![]);
    assert_eq!(notes(&tuned(several, table(), vec![]).expect("it works")), Vec::<String>::new());
}

#[test]
fn trials_are_ranked_from_best_to_worst_and_measured_in_their_order() {
    let params = vec![("max_depth_range", text("1, 2, no limit")), ("min_rows_leaf_range", text("1, 40"))];
    let done = tuned(range(&DecisionTree, params), sample("iris"), vec![]).expect("it works");
    let results = results(&done);
    assert_eq!(cells(results, "Rank"), ["1", "2", "3", "4", "5", "6"]);
    let accuracies: Vec<f64> = cells(results, "Accuracy").iter().map(|cell| cell.parse().expect("a number")).collect();
    assert!(accuracies.is_sorted_by(|one, other| one >= other), "{accuracies:?}");
    let trials: Vec<usize> = cells(results, "Trial").iter().map(|cell| cell.parse().expect("a number")).collect();
    let measured: Vec<f64> =
        done.measured.iter().filter(|told| told.name == "accuracy").map(|told| told.value).collect();
    assert_eq!(accuracies, trials.iter().map(|&trial| measured[trial]).collect::<Vec<_>>());
    let depth_of = ["1", "1", "2", "2", "no limit", "no limit"];
    let leaf_of = ["1", "40", "1", "40", "1", "40"];
    assert_eq!(cells(results, "Maximum depth"), trials.iter().map(|&trial| depth_of[trial]).collect::<Vec<_>>());
    assert_eq!(cells(results, "Minimum rows per leaf"), trials.iter().map(|&trial| leaf_of[trial]).collect::<Vec<_>>());
    assert!(results.schema().names().contains(&"Accuracy: standard deviation".to_owned()));
}

#[test]
fn what_is_better_is_higher_or_lower_as_the_metric_is() {
    let learner = || {
        let params = vec![("solution_method", text("ridge")), ("l2_weight_range", text("1, 100, 10000"))];
        range(&LinearRegression, params)
    };
    for (metric, label) in [("r2", "R²"), ("rmse", "Root mean squared error")] {
        let done = tuned(learner(), sample("diabetes"), vec![("ranking_numbers", text(metric))]).expect("it works");
        let values: Vec<f64> =
            cells(results(&done), label).iter().map(|cell| cell.parse().expect("a number")).collect();
        let is_sorted = values.is_sorted_by(|one, other| if metric == "r2" { one > other } else { one < other });
        assert!(is_sorted, "{metric}: {values:?}");
    }
}

#[test]
fn of_equally_good_settings_the_first_is_the_best() {
    // One question tells the classes apart, so that deeper trees are the same tree.
    let rows: String = (0..40).map(|i| format!("{i},{}\n", if i < 20 { "low" } else { "high" })).collect();
    let learner = range(&DecisionTree, vec![("max_depth_range", text("3, 1, 2")), ("min_rows_leaf_range", text("1"))]);
    let params = vec![("target", text("c")), ("stratify", text("c"))];
    let done = tuned(learner, csv(&format!("x,c\n{rows}")), params).expect("it works");
    let accuracy = cells(results(&done), "Accuracy");
    assert!(accuracy.iter().all(|cell| *cell == accuracy[0]), "the example has equals: {accuracy:?}");
    assert_eq!(cells(results(&done), "Trial"), ["0", "1", "2"]);
    assert_eq!(cells(results(&done), "Maximum depth"), ["3", "1", "2"]);
}

#[test]
fn a_random_sweep_draws_what_the_sweep_of_a_pipeline_draws() {
    let values = "0.001 to 10 times 10";
    let lists = vec![("l2_weight_range", text(values)), ("l1_weight_range", text("0 to 1"))];
    let random = |seed: i64| {
        vec![
            ("sweeping_mode", text("random")),
            ("max_runs", Value::Int(6)),
            ("seed", Value::Int(seed)),
            ("n_folds", Value::Int(2)),
        ]
    };
    let done = tuned(range(&LogisticRegression, lists.clone()), sample("iris"), random(7)).expect("it works");
    let node = NodeId::new("logistic").expect("an id");
    let listed = [0.001, 0.01, 0.1, 1.0, 10.0].map(Value::Float).to_vec();
    let dimensions = vec![
        Dimension::new(node.clone(), "l2_weight", Distribution::Choice { values: listed }),
        Dimension::new(node, "l1_weight", Distribution::Uniform { min_value: 0.0, max_value: 1.0 }),
    ];
    let objective = Objective { metric: "accuracy".into(), goal: Goal::Maximize };
    let mut study = Study::new("a sweep", Space { dimensions }, vec![objective]);
    study.sampling = Sampling::Random { seed: 7, rule: Rule::Random };
    study.limits.max_total_trials = 6;
    let drawn = |action| match action {
        Action::Start { number, settings, .. } => Some((number.to_string(), settings)),
        _ => None,
    };
    let drawn: BTreeMap<String, Settings> = sweep::next(&study).into_iter().filter_map(drawn).collect();
    let table = results(&done);
    assert_eq!(table.n_rows(), 6);
    for (row_idx, trial) in cells(table, "Trial").iter().enumerate() {
        for (param, label) in [("l2_weight", "L2 regularization weight"), ("l1_weight", "L1 regularization weight")] {
            let Value::Float(expected) = drawn[trial][&format!("logistic.{param}")] else { panic!("a number") };
            assert_eq!(cells(table, label)[row_idx], format!("{expected:?}"), "{param} of trial {trial}");
        }
    }
    let other = tuned(range(&LogisticRegression, lists), sample("iris"), random(8)).expect("it works");
    assert_ne!(cells(table, "L1 regularization weight"), cells(results(&other), "L1 regularization weight"));
}

#[test]
fn a_random_sweep_tries_each_combination_once_and_no_more_than_there_are() {
    let learner =
        range(&DecisionTree, vec![("max_depth_range", text("1, 2, 3")), ("min_rows_leaf_range", text("1, 9"))]);
    let params = vec![("sweeping_mode", text("random")), ("max_runs", Value::Int(500)), ("n_folds", Value::Int(2))];
    let done = tuned(learner, sample("iris"), params).expect("it works");
    let table = results(&done);
    let pairs = cells(table, "Maximum depth").into_iter().zip(cells(table, "Minimum rows per leaf"));
    assert_eq!((table.n_rows(), pairs.collect::<std::collections::BTreeSet<_>>().len()), (6, 6));
}

#[test]
fn a_validation_table_takes_the_place_of_folds() {
    let learner = range(&DecisionTree, vec![("max_depth_range", text("1, 4"))]);
    let inputs = vec![("learner", learner), ("table", sample("iris")), ("validation", sample("iris"))];
    let done = run_component(&TuneModelHyperparameters, inputs, vec![], 1).expect("it works");
    let names = results(&done).schema().names();
    assert!(!names.iter().any(|name| name.contains("standard deviation")), "{names:?}");
    let first: f64 = cells(results(&done), "Accuracy")[0].parse().expect("a number");
    assert!(first > 0.98, "it is judged on the rows that it was trained on: {first}");
}

#[test]
fn a_setting_that_fails_has_no_rank_and_says_why_and_the_others_go_on() {
    // Eight rows are trained on, and have no 100 neighbours.
    let rows: String = (0..12).map(|i| format!("{i},{}\n", ["a", "b"][i % 2])).collect();
    let learner = range(&KNearestNeighbors, vec![("k_range", text("1, 100")), ("weighting_range", text("uniform"))]);
    let params = vec![("target", text("c")), ("n_folds", Value::Int(3))];
    let done = tuned(learner, csv(&format!("x,c\n{rows}")), params).expect("one works");
    assert_eq!(cells(results(&done), "Rank"), ["1", "-"]);
    assert_eq!(cells(results(&done), "Trial"), ["0", "1"]);
    let failures = cells(results(&done), "Failure");
    assert!(failures[0] == "-" && failures[1].contains("100"), "{failures:?}");
    assert_eq!(notes(&done), ["1 of 2 trials failed and have no rank; the column Failure says why."]);
}

#[test]
fn what_cannot_be_tuned_is_told_with_the_way_out() {
    let iris = || sample("iris");
    let drawn = range(&LogisticRegression, vec![("l2_weight_range", text("0.01 to 100"))]);
    let failure = refused(drawn, iris(), vec![]);
    let message =
        "L2 regularization weight of Logistic Regression is to be drawn from a range, and a grid tries every value";
    assert_eq!(failure.message, message);
    assert!(failure.help.contains("Random sweep"), "{failure:?}");
    let many = vec![("max_depth_range", text("1 to 64")), ("min_rows_leaf_range", text("1 to 20"))];
    let failure = refused(range(&DecisionTree, many), iris(), vec![]);
    assert_eq!(failure.message, "the grid has 1280 combinations, and 1000 are tried at most");
    let few = csv("x,y\n1,1.5\n2,2.5\n3,2.5\n");
    let failure = refused(range(&LinearRegression, vec![]), few, vec![("target", text("y"))]);
    assert!(failure.message.starts_with("the number of folds is 5, with 3 rows"), "{failure:?}");
    let gap = csv("x,y\n1,1.5\n,2.5\n3,2.5\n");
    let failure = refused(range(&DecisionTree, vec![]), gap, vec![("target", text("y"))]);
    assert!(failure.message.contains("row 2"), "{failure:?}");
    let rows: String = (0..12).map(|i| format!("{i},{}\n", ["a", "b"][i % 2])).collect();
    let learner = range(&KNearestNeighbors, vec![("k_range", text("90, 100"))]);
    let failure = refused(learner, csv(&format!("x,c\n{rows}")), vec![("target", text("c"))]);
    assert!(failure.message.starts_with("all 4 trials failed, the first because "), "{failure:?}");
    let learner = range(&DecisionTree, vec![]);
    let inputs = vec![("learner", learner), ("table", iris()), ("validation", csv("x,y\n1,2\n"))];
    let Err(JobError::Failed(failure)) = run_component(&TuneModelHyperparameters, inputs, vec![], 1) else {
        panic!("a failure")
    };
    assert!(failure.message.contains("species"), "{failure:?}");
}

#[test]
fn it_stops_within_any_trial_when_asked() {
    let (learner, table) = (range(&LogisticRegression, vec![]), sample("breast-cancer"));
    let inputs = || vec![("learner", learner.clone()), ("table", table.clone())];
    let host = TestHost::default();
    run_component_in(&host, &TuneModelHyperparameters, inputs(), vec![], 1).expect("nobody stops it");
    let n_breaths = host.n_breaths();
    assert!(n_breaths >= 14, "{n_breaths}");
    for after in (1..n_breaths).step_by(n_breaths as usize / 7) {
        let host = TestHost::stopping_after(after);
        let stopped = run_component_in(&host, &TuneModelHyperparameters, inputs(), vec![], 1);
        assert_eq!(stopped.err(), Some(JobError::Cancelled));
        assert_eq!(host.n_breaths(), after, "no breath after the one that asks to stop");
    }
}
