//! Sweeps as files of the sweep schema write them.

use expect_test::{Expect, expect};
use study::Study;
use sweep::job;

fn read(text: &str) -> Result<Study, String> {
    job::from_json(text, &job::by_name).map_err(|error| error.to_string())
}

fn check_error(text: &str, expected: Expect) {
    let error = read(text).expect_err("there is something wrong with it");
    expected.assert_eq(&error);
}

/// What a study holds, a line each.
fn summary(study: &Study) -> String {
    let mut lines = vec![study.name.clone()];
    for dimension in &study.space.dimensions {
        let links = (&dimension.when, &dimension.same_as);
        let place = format!("{}: {} {}", dimension.name, dimension.node, dimension.param);
        lines.push(match links {
            (None, None) => format!("{place} {:?}", dimension.distribution),
            (_, Some(source)) => format!("{place} same as {source}"),
            (Some(when), None) => {
                format!("{place} {:?} when {} is {:?}", dimension.distribution, when.dimension, when.values)
            }
        });
    }
    lines.push(format!("{:?}", study.objectives));
    lines.push(format!("{:?}", study.sampling));
    lines.push(format!("{:?}", study.early_termination));
    lines.push(format!("{:?}", study.limits));
    lines.join("\n") + "\n"
}

const SMALLEST: &str = r#"{"search_space": {"forest.n_trees": {"type": "randint", "upper": 9}}}"#;

#[test]
fn what_a_file_leaves_out_is_as_the_schema_says() {
    let study = read(SMALLEST).unwrap();
    expect![[r#"
        Sweep
        forest.n_trees: forest n_trees RandInt { upper: 9 }
        []
        Random { seed: 0, rule: Random }
        None
        Limits { max_total_trials: 1000, max_concurrent_trials: None, timeout_secs: 5184000, trial_timeout_secs: None, patience: None }
    "#]]
    .assert_eq(&summary(&study));
    let policy = |text: &str| {
        let text = SMALLEST.replacen('{', &format!(r#"{{"early_termination": {text},"#), 1);
        format!("{:?}", read(&text).unwrap().early_termination)
    };
    assert_eq!(
        policy(r#"{"type": "median_stopping"}"#),
        "Some(MedianStopping { evaluation_interval: 1, delay_evaluation: 0 })"
    );
    assert_eq!(
        policy(r#"{"type": "truncation_selection", "truncation_percentage": 20}"#),
        "Some(TruncationSelection { truncation_percentage: 20, exclude_finished_jobs: false, evaluation_interval: 1, delay_evaluation: 0 })"
    );
}

#[test]
fn every_sampling_algorithm_has_its_short_or_long_form() {
    let sampling = |text: &str| {
        let text = SMALLEST.replacen('{', &format!(r#"{{"sampling_algorithm": {text},"#), 1);
        read(&text).map_or_else(|error| error, |study| format!("{:?}", study.sampling))
    };
    assert_eq!(sampling(r#""grid""#), "Grid");
    assert_eq!(sampling(r#"{"type": "grid"}"#), "Grid");
    assert_eq!(sampling(r#""Bayesian""#), "Bayesian { seed: 0 }");
    assert_eq!(sampling(r#"{"type": "bayesian", "seed": 7}"#), "Bayesian { seed: 7 }");
    assert_eq!(sampling(r#"{"type": "random", "seed": 7, "rule": "sobol"}"#), "Random { seed: 7, rule: Sobol }");
    assert_eq!(
        sampling(r#"{"type": "hyperband", "max_resource": 9}"#),
        "Hyperband { seed: 0, min_resource: 1, max_resource: 9, eta: 3 }"
    );
    assert_eq!(
        sampling(r#"{"type": "random", "logbase": 10}"#),
        "sampling_algorithm.logbase: there is no `logbase` here; take it away and give the bounds as powers of e"
    );
    assert_eq!(
        sampling(r#""annealing""#),
        "sampling_algorithm: expected one of `random`, `grid`, `bayesian`, `hyperband`, found \"annealing\"; write one of them"
    );
}

#[test]
fn several_objectives_are_a_list() {
    let text = SMALLEST.replacen(
        '{',
        r#"{"objective": [{"primary_metric": "auc", "goal": "maximize"}, {"primary_metric": "log_loss", "goal": "minimize"}],"#,
        1,
    );
    let metrics: Vec<String> = read(&text).unwrap().objectives.into_iter().map(|objective| objective.metric).collect();
    assert_eq!(metrics, ["auc", "log_loss"]);
}

#[test]
fn an_error_names_the_place_what_was_found_and_the_way_out() {
    check_error("{", expect!["line 1, column 1: this is no JSON: EOF while parsing an object; mend it there"]);
    check_error("[]", expect!["the file: expected an object, found a list; write keys with their values"]);
    check_error("{}", expect!["the file: `search_space` is missing; say what to vary"]);
    check_error(
        r#"{"serch_space": {}}"#,
        expect![
            "serch_space: this key is not known; known here are `display_name`, `early_termination`, `limits`, `name`, `objective`, `sampling_algorithm`, `search_space`, `type`"
        ],
    );
    check_error(
        r#"{"type": "command", "search_space": {}}"#,
        expect![[r#"type: expected one of `sweep`, found "command"; write one of them"#]],
    );
    let space = |dimension: &str| format!(r#"{{"search_space": {{"forest.n_trees": {dimension}}}}}"#);
    check_error(
        &space(r#"{"type": "uniform", "min_value": "a", "max_value": 1}"#),
        expect![[
            r#"search_space.forest.n_trees.min_value: expected a number, found "a"; write it as digits, without quotes"#
        ]],
    );
    check_error(
        &space(r#"{"type": "quniform", "min_value": 0, "max_value": 1}"#),
        expect!["search_space.forest.n_trees: `q` is missing; quniform needs `min_value`, `max_value`, `q`"],
    );
    check_error(
        &space(r#"{"type": "uniform", "min": 0, "max_value": 1}"#),
        expect!["search_space.forest.n_trees.min: this key is not known; known here are `min_value`, `max_value`"],
    );
    check_error(
        &space(r#"{"type": "unifrom"}"#),
        expect![[
            r#"search_space.forest.n_trees.type: expected one of `choice`, `randint`, `uniform`, `quniform`, `loguniform`, `qloguniform`, `normal`, `qnormal`, `lognormal`, `qlognormal`, found "unifrom"; write one of them"#
        ]],
    );
    check_error(
        &space(r#"{"type": "choice", "values": [1, {"a": 2}]}"#),
        expect![
            "search_space.forest.n_trees.values[1]: expected a number, text, or true or false, found an object; give each parameter a dimension, with `when`"
        ],
    );
    check_error(
        &space(r#"{"type": "randint", "upper": -4}"#),
        expect![
            "search_space.forest.n_trees.upper: expected a whole number of 0 or more, found -4; write it as digits, without quotes"
        ],
    );
    check_error(
        r#"{"search_space": {"n_trees": {"type": "randint", "upper": 4}}}"#,
        expect![
            "search_space.n_trees: `n_trees` is no parameter of the pipeline; name it by node and parameter: `forest.n_trees`"
        ],
    );
    check_error(
        &SMALLEST.replacen('{', r#"{"limits": {"max_total_trials": 1e3},"#, 1),
        expect![
            "limits.max_total_trials: expected a whole number of 0 or more, found 1000.0; write it as digits, without quotes"
        ],
    );
    check_error(
        r#"{"jobs": {"train": {"type": "command"}}}"#,
        expect!["the file: none of the `jobs` has the type `sweep`; give the file of a sweep"],
    );
}

#[test]
fn whoever_reads_a_file_says_what_its_names_stand_for() {
    let text = r#"{"search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}}}"#;
    let bind = |name: &str| match name {
        "lr" => job::by_name("boosting.learning_rate"),
        _ => Err("name `lr`".into()),
    };
    let study = job::from_json(text, &bind).unwrap();
    let dimension = &study.space.dimensions[0];
    assert_eq!(
        (dimension.name.as_str(), dimension.node.as_str(), dimension.param.as_str()),
        ("lr", "boosting", "learning_rate")
    );
}

#[cfg(feature = "yaml")]
mod yaml {
    use super::*;

    #[test]
    fn a_sweep_in_yaml_holds_every_part_of_the_schema() {
        let study = job::from_yaml(include_str!("jobs/sweep.yml"), &job::by_name).unwrap();
        expect![[r#"
            Forest, wide
            forest.a: forest a Choice { values: [Text("gini"), Text("entropy")] }
            forest.b: forest b RandInt { upper: 12 }
            forest.c: forest c Uniform { min_value: 0.0, max_value: 1.5 }
            forest.d: forest d QUniform { min_value: 50.0, max_value: 600.0, q: 10.0 }
            forest.e: forest e LogUniform { min_value: -6.9, max_value: -0.7 }
            forest.f: forest f QLogUniform { min_value: 0.0, max_value: 4.0, q: 1.0 }
            forest.g: forest g Normal { mu: 0.0, sigma: 1.0 }
            forest.h: forest h QNormal { mu: 10.0, sigma: 2.0, q: 0.5 }
            forest.i: forest i LogNormal { mu: 0.0, sigma: 1.0 }
            forest.j: forest j QLogNormal { mu: 2.0, sigma: 0.1, q: 1.0 }
            forest.k: forest k Uniform { min_value: 1.0, max_value: 2.0 } when forest.a is [Text("gini")]
            forest.l: forest l same as forest.b
            rate: boosting learning_rate LogUniform { min_value: -5.0, max_value: -1.0 }
            [Objective { metric: "auc", goal: Maximize }]
            Random { seed: 42, rule: Sobol }
            Some(Bandit { slack_factor: Some(0.1), slack_amount: None, evaluation_interval: 2, delay_evaluation: 3 })
            Limits { max_total_trials: 200, max_concurrent_trials: None, timeout_secs: 5184000, trial_timeout_secs: Some(60), patience: Some(30) }
        "#]].assert_eq(&summary(&study));
        assert_eq!(study.check(), []);
    }

    #[test]
    fn a_pipeline_job_gives_the_sweep_among_its_jobs() {
        let study = job::from_yaml(include_str!("jobs/pipeline.yml"), &job::by_name).unwrap();
        expect![[r#"
            Sweep
            svc.c: svc c Uniform { min_value: 0.5, max_value: 0.9 }
            svc.degree: svc degree Choice { values: [Int(2), Int(3), Float(4.5), Bool(true)] }
            svc.kernel: svc kernel Choice { values: [Text("rbf"), Text("linear"), Text("poly")] }
            [Objective { metric: "f1", goal: Minimize }]
            Random { seed: 0, rule: Random }
            None
            Limits { max_total_trials: 5, max_concurrent_trials: Some(3), timeout_secs: 7200, trial_timeout_secs: None, patience: None }
        "#]].assert_eq(&summary(&study));
        let problems: Vec<_> = study.check().into_iter().map(|problem| problem.message).collect();
        assert_eq!(problems, ["`f1` is made small, and it is better when it is large"]);
    }

    #[test]
    fn errors_in_yaml_name_the_line_or_the_keys() {
        let error = |text: &str| job::from_yaml(text, &job::by_name).unwrap_err().to_string();
        expect!["line 2, column 6: this is no YAML: unclosed bracket '['; mend it there"]
            .assert_eq(&error("search_space:\n  a: [1, 2\n"));
        expect![[
            r#"search_space.forest.a.min_value: expected a number, found "low"; write it as digits, without quotes"#
        ]]
        .assert_eq(&error("search_space:\n  forest.a:\n    type: uniform\n    min_value: low\n    max_value: 1\n"));
        expect!["line 2, column 1: this is no YAML: duplicate mapping key: search_space; mend it there"]
            .assert_eq(&error("search_space: {}\nsearch_space: {}\n"));
    }

    #[test]
    fn a_file_that_unfolds_without_end_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = level - 1;
            let items = vec![format!("*a{before}"); 10].join(", ");
            text += &format!("a{level}: &a{level} [{items}]\n");
        }
        assert!(job::from_yaml(&text, &job::by_name).is_err());
    }
}
