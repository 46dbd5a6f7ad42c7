//! What a study tells of itself.

use std::collections::BTreeMap;

use pipeline::{Edit, InPort, NodeId, OutPort, Value};
use proptest::prelude::*;
use study::{
    Dimension, Distribution, EarlyTermination, Goal, Objective, ProblemSeverity, Rule, Sampling, Settings, Space,
    Study, StudyError, Trial, TrialState, multiple,
};

fn dimension(param: &str, distribution: Distribution) -> Dimension {
    Dimension::new(NodeId::new("forest").unwrap(), param, distribution)
}

fn choice(values: &[&str]) -> Distribution {
    Distribution::Choice { values: values.iter().map(|text| Value::Text((*text).into())).collect() }
}

fn study_of(dimensions: Vec<Dimension>) -> Study {
    let objective = Objective { metric: "auc".into(), goal: Goal::Maximize };
    let mut study = Study::new("Forest", Space { dimensions }, vec![objective]);
    study.limits.max_total_trials = 20;
    study
}

/// A study of one dimension with trials that gave these figures; NaN for one that failed.
fn ran(goals: &[Goal], values: &[&[f64]]) -> Study {
    let mut study = study_of(vec![dimension("rate", Distribution::Uniform { min_value: 0.0, max_value: 1.0 })]);
    let objective = |(place, goal): (usize, &Goal)| Objective { metric: format!("m{place}"), goal: *goal };
    study.objectives = goals.iter().enumerate().map(objective).collect();
    for values in values {
        let number = study.plan(Settings::new());
        study.start(number, None, 0.0).unwrap();
        study.finish(number, values.to_vec(), BTreeMap::new(), 1.0).unwrap();
    }
    study
}

fn codes(study: &Study) -> Vec<(&'static str, String)> {
    study.check().into_iter().map(|problem| (problem.code, problem.place)).collect()
}

#[test]
fn a_sound_study_has_no_problems() {
    let study = study_of(vec![
        dimension("n_trees", Distribution::QUniform { min_value: 50.0, max_value: 600.0, q: 10.0 }),
        dimension("criterion", choice(&["gini", "entropy"])),
        dimension("rate", Distribution::LogUniform { min_value: -4.6, max_value: -0.7 }),
    ]);
    assert_eq!(study.check(), []);
}

#[test]
fn every_problem_of_a_distribution_is_told_at_once() {
    let study = study_of(vec![
        dimension("a", Distribution::Uniform { min_value: 2.0, max_value: 1.0 }),
        dimension("b", Distribution::QUniform { min_value: 0.0, max_value: 1.0, q: 0.0 }),
        dimension("c", choice(&[])),
        dimension("d", Distribution::RandInt { upper: 0 }),
        dimension("e", Distribution::Normal { mu: 0.0, sigma: -1.0 }),
        dimension("f", Distribution::LogUniform { min_value: 0.0, max_value: 1e4 }),
        dimension("g", Distribution::LogUniform { min_value: 0.001, max_value: 0.1 }),
        dimension("h", Distribution::QUniform { min_value: 1.0, max_value: 10.0, q: 4.0 }),
        dimension("i", Distribution::Uniform { min_value: f64::NAN, max_value: 1.0 }),
        dimension("j", Distribution::QLogUniform { min_value: -3.0, max_value: 3.0, q: 1.0 }),
        dimension("k", choice(&["x", "x"])),
    ]);
    let found: Vec<_> =
        study.check().into_iter().map(|problem| (problem.code, problem.place, problem.severity)).collect();
    let forest = |name: &str| format!("forest.{name}");
    use ProblemSeverity::{Error, Warning};
    assert_eq!(
        found,
        [
            ("S003", forest("a"), Error),
            ("S004", forest("b"), Error),
            ("S005", forest("c"), Error),
            ("S005", forest("d"), Error),
            ("S006", forest("e"), Error),
            ("S007", forest("f"), Error),
            ("S007", forest("g"), Warning),
            ("S011", forest("h"), Warning),
            ("S003", forest("i"), Error),
            ("S011", forest("j"), Warning),
            ("S005", forest("k"), Warning),
        ]
    );
}

#[test]
fn a_problem_names_the_way_out() {
    let study = study_of(vec![dimension("rate", Distribution::LogUniform { min_value: 0.001, max_value: 0.1 })]);
    let problem = &study.check()[0];
    assert_eq!(problem.message, "the bounds are exponents, so the values reach from 1.0010 to 1.1052");
    assert_eq!(problem.help, "for values from 0.001 to 0.1, write -6.9078 and -2.3026");
}

#[test]
fn conditions_and_couplings_must_lead_somewhere() {
    let study = study_of(vec![
        dimension("kernel", choice(&["rbf", "linear"])),
        dimension("gamma", Distribution::Uniform { min_value: 0.0, max_value: 1.0 })
            .when("forest.kernel", [Value::Text("poly".into())]),
        dimension("degree", Distribution::RandInt { upper: 5 }).when("forest.kernle", [Value::Int(1)]),
        dimension("a", Distribution::RandInt { upper: 5 }).when("forest.b", [Value::Int(1)]),
        dimension("b", Distribution::RandInt { upper: 5 }).when("forest.a", [Value::Int(1)]),
        dimension("c", Distribution::RandInt { upper: 5 }).same_as("forest.nothing"),
        dimension("d", Distribution::RandInt { upper: 5 }).same_as("forest.d"),
        dimension("e", Distribution::RandInt { upper: 5 }).same_as("forest.kernel"),
        dimension("f", Distribution::RandInt { upper: 5 }).same_as("forest.e"),
        dimension("g", Distribution::RandInt { upper: 5 }).when("forest.e", [Value::Int(1)]),
    ]);
    let forest = |name: &str| format!("forest.{name}");
    assert_eq!(
        codes(&study),
        [
            ("S014", forest("gamma")),
            ("S010", forest("degree")),
            ("S010", forest("c")),
            ("S013", forest("f")),
            ("S013", forest("g")),
            ("S012", forest("a")),
        ]
    );
    let circle = study.check().pop().unwrap();
    assert_eq!(circle.message, "the conditions run in a circle: forest.a, forest.b, forest.d");
}

#[test]
fn two_dimensions_may_share_a_parameter_only_under_conditions() {
    let kernel = dimension("kernel", choice(&["rbf", "linear"]));
    let gamma = |max_value| dimension("gamma", Distribution::Uniform { min_value: 0.0, max_value });
    let named = |mut dimension: Dimension, name: &str| {
        dimension.name = name.into();
        dimension
    };
    let both = study_of(vec![kernel.clone(), gamma(1.0), named(gamma(2.0), "wide")]);
    assert_eq!(codes(&both), [("S002", "wide".to_owned())]);
    let either = study_of(vec![
        kernel,
        gamma(1.0).when("forest.kernel", [Value::Text("rbf".into())]),
        named(gamma(2.0), "wide").when("forest.kernel", [Value::Text("linear".into())]),
    ]);
    assert_eq!(codes(&either), []);
}

#[test]
fn a_grid_needs_values_that_end() {
    let mut study = study_of(vec![
        dimension("rate", Distribution::Uniform { min_value: 0.0, max_value: 1.0 }),
        dimension("depth", Distribution::RandInt { upper: 4 }),
        dimension("criterion", choice(&["gini"])),
    ]);
    study.sampling = Sampling::Grid;
    let found: Vec<_> = study.check().into_iter().map(|problem| (problem.code, problem.severity)).collect();
    assert_eq!(found, [("S017", ProblemSeverity::Error), ("S017", ProblemSeverity::Note)]);
}

#[test]
fn bayesian_sampling_of_more_than_the_schema_allows_is_noted() {
    let mut study = study_of(vec![dimension("rate", Distribution::LogUniform { min_value: -5.0, max_value: 0.0 })]);
    study.sampling = Sampling::Bayesian { seed: 1 };
    let found: Vec<_> = study.check().into_iter().map(|problem| (problem.code, problem.severity)).collect();
    assert_eq!(found, [("S017", ProblemSeverity::Note)]);
    study.limits.max_concurrent_trials = Some(10);
    let found: Vec<_> = study.check().into_iter().map(|problem| (problem.code, problem.severity)).collect();
    assert_eq!(found, [("S017", ProblemSeverity::Note), ("S018", ProblemSeverity::Warning)]);
}

#[test]
fn minimizing_what_is_better_when_larger_is_warned_of() {
    let mut study = study_of(vec![dimension("criterion", choice(&["gini", "entropy"]))]);
    study.objectives = vec![
        Objective { metric: "evaluate.f1".into(), goal: Goal::Minimize },
        Objective { metric: "rmse".into(), goal: Goal::Maximize },
        Objective { metric: "profit".into(), goal: Goal::Minimize },
    ];
    let problems = study.check();
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["S016", "S016"]);
    assert_eq!(problems[0].message, "`evaluate.f1` is made small, and it is better when it is large");
    assert_eq!(problems[0].severity, ProblemSeverity::Warning);
}

#[test]
fn bandit_has_one_kind_of_slack() {
    let mut study = study_of(vec![dimension("criterion", choice(&["gini", "entropy"]))]);
    let mut problems = |slack_factor, slack_amount| {
        study.early_termination =
            Some(EarlyTermination::Bandit { slack_factor, slack_amount, evaluation_interval: 1, delay_evaluation: 0 });
        study.check().into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(problems(Some(0.1), None), [""; 0]);
    assert_eq!(problems(None, Some(0.1)), [""; 0]);
    assert_eq!(problems(None, None), ["bandit has neither `slack_factor` nor `slack_amount`"]);
    assert_eq!(problems(Some(0.1), Some(0.1)), ["bandit has both `slack_factor` and `slack_amount`"]);
    assert_eq!(problems(Some(-0.1), None), ["the slack of bandit is -0.1"]);
}

#[test]
fn limits_of_nothing_and_hyperband_without_room_are_refused() {
    let mut study = study_of(vec![dimension("criterion", choice(&["gini", "entropy"]))]);
    study.limits.max_total_trials = 0;
    study.limits.trial_timeout_secs = Some(0);
    study.sampling = Sampling::Hyperband { seed: 1, min_resource: 4, max_resource: 3, eta: 1 };
    let found: Vec<_> = study.check().into_iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["S019", "S019", "S021", "S021"]);
}

#[test]
fn hyperband_has_neither_policy_nor_patience() {
    let mut study = study_of(vec![dimension("criterion", choice(&["gini", "entropy"]))]);
    study.sampling = Sampling::Hyperband { seed: 1, min_resource: 1, max_resource: 9, eta: 3 };
    study.early_termination = Some(EarlyTermination::MedianStopping { evaluation_interval: 1, delay_evaluation: 0 });
    study.limits.patience = Some(5);
    let found: Vec<_> = study.check().into_iter().map(|problem| (problem.code, problem.severity)).collect();
    assert_eq!(found, [("S020", ProblemSeverity::Error), ("S021", ProblemSeverity::Warning)]);
}

#[test]
fn an_empty_study_says_what_it_lacks() {
    let mut study = study_of(Vec::new());
    study.objectives.clear();
    assert_eq!(codes(&study), [("S001", "space".to_owned()), ("S015", "objective".to_owned())]);
}

#[test]
fn combinations_multiply_and_conditions_add() {
    let n = |dimensions| study_of(dimensions).n_combinations();
    let criterion = || dimension("criterion", choice(&["gini", "entropy", "gini"]));
    let depth = || dimension("depth", Distribution::RandInt { upper: 5 });
    assert_eq!(n(vec![criterion(), depth()]), Some(10));
    assert_eq!(n(vec![criterion(), depth().when("forest.criterion", [Value::Text("gini".into())])]), Some(6));
    assert_eq!(n(vec![criterion(), depth().same_as("forest.criterion")]), Some(2));
    assert_eq!(
        n(vec![depth(), dimension("q", Distribution::QUniform { min_value: 0.0, max_value: 1.0, q: 0.1 })]),
        Some(55)
    );
    assert_eq!(n(vec![criterion(), dimension("rate", Distribution::Uniform { min_value: 0.0, max_value: 1.0 })]), None);
    let many = (0..30).map(|place| dimension(&format!("p{place}"), Distribution::RandInt { upper: 1_000 })).collect();
    assert_eq!(n(many), Some(u64::MAX));
}

#[test]
fn a_chain_of_conditions_counts_every_way_through_it() {
    let text = |text: &str| Value::Text(text.into());
    let study = study_of(vec![
        dimension("leaf", Distribution::RandInt { upper: 7 }).when("forest.depth", [Value::Int(2)]),
        dimension("depth", Distribution::RandInt { upper: 3 }).when("forest.learner", [text("tree")]),
        dimension("k", Distribution::RandInt { upper: 4 }).when("forest.learner", [text("knn")]),
        dimension("learner", choice(&["tree", "knn", "bayes"])),
        dimension("scale", choice(&["on", "off"])),
    ]);
    // Tree: depths 0 and 1, and 7 leaves at depth 2; knn: 4; bayes: 1; each with and without scaling.
    assert_eq!(study.n_combinations(), Some((2 + 7 + 4 + 1) * 2));
}

#[test]
fn steps_are_the_numbers_that_people_write() {
    assert_eq!(multiple(3.0, 0.1), Value::Float(0.3));
    assert_eq!(multiple(7.0, 0.07), Value::Float(0.49));
    assert_eq!(multiple(-3.0, 0.1), Value::Float(-0.3));
    assert_eq!(multiple(12.0, 5.0), Value::Int(60));
    assert_eq!(multiple(3.0, 1.5), Value::Float(4.5));
    assert_eq!(multiple(3.0, 1e-20), Value::Float(3.0 * 1e-20));
    assert_eq!(multiple(-0.0, 0.1), Value::Float(0.0));
}

#[test]
fn a_distribution_knows_its_values() {
    let q = Distribution::QUniform { min_value: 0.0, max_value: 1.0, q: 0.25 };
    let values = [0.0, 0.25, 0.5, 0.75, 1.0].map(Value::Float);
    assert_eq!(q.values().unwrap(), values);
    assert!(values.iter().all(|value| q.contains(value)));
    assert!(
        !q.contains(&Value::Float(0.3)) && !q.contains(&Value::Float(1.25)) && !q.contains(&Value::Text("a".into()))
    );
    assert!(!Distribution::RandInt { upper: 3 }.contains(&Value::Int(3)));
    assert!(Distribution::LogUniform { min_value: 0.0, max_value: 1.0 }.contains(&Value::Float(1f64.exp())));
    assert!(!Distribution::LogUniform { min_value: 0.0, max_value: 1.0 }.contains(&Value::Float(0.99)));
    assert!(!Distribution::LogNormal { mu: 0.0, sigma: 1.0 }.contains(&Value::Float(-1.0)));
    let whole = Distribution::QLogUniform { min_value: 0.0, max_value: 5.0, q: 2.0 };
    assert!(whole.contains(&Value::Int(148)) && !whole.contains(&Value::Int(150)) && !whole.contains(&Value::Int(3)));
}

#[test]
fn the_best_trial_is_the_earliest_of_the_best_that_are_done() {
    let study = ran(&[Goal::Maximize], &[&[0.7], &[0.9], &[f64::NAN], &[0.9], &[0.8]]);
    assert_eq!(study.best().map(|trial| trial.number), Some(1));
    assert_eq!(study.best_so_far(), [(0, 0.7), (1, 0.9), (3, 0.9), (4, 0.9)]);
    assert_eq!(study.n_since_best(), 3);
    assert_eq!(study.trials[2].failure.as_deref(), Some("its m0 is NaN"));
    let study = ran(&[Goal::Minimize], &[&[0.7], &[0.9], &[0.1]]);
    assert_eq!(study.best().map(|trial| trial.number), Some(2));
    assert_eq!(ran(&[Goal::Minimize], &[]).best(), None);
}

#[test]
fn trials_that_are_done_are_ranked_by_the_first_objective_and_equals_by_number() {
    let numbers = |goals: &[Goal], values: &[&[f64]]| -> Vec<u32> {
        ran(goals, values).ranked().into_iter().map(|trial| trial.number).collect()
    };
    let values: &[&[f64]] = &[&[0.7, 1.0], &[0.9, 2.0], &[f64::NAN, 0.0], &[0.9, 9.0], &[0.8, 3.0]];
    assert_eq!(numbers(&[Goal::Maximize, Goal::Maximize], values), [1, 3, 4, 0]);
    assert_eq!(numbers(&[Goal::Minimize, Goal::Maximize], values), [0, 4, 1, 3]);
    assert!(numbers(&[Goal::Minimize], &[]).is_empty());
}

#[test]
fn the_front_holds_what_nothing_surpasses() {
    let goals = [Goal::Maximize, Goal::Minimize];
    let study = ran(&goals, &[&[0.9, 5.0], &[0.8, 2.0], &[0.7, 3.0], &[0.95, 9.0], &[0.8, 2.0], &[0.9, 6.0]]);
    let front: Vec<_> = study.pareto_front().into_iter().map(|trial| trial.number).collect();
    assert_eq!(front, [0, 1, 3, 4]);
}

#[test]
fn trials_look_only_at_those_that_cannot_run_beside_them() {
    let mut study = ran(&[Goal::Maximize], &[&[0.1][..]; 10]);
    study.sampling = Sampling::Bayesian { seed: 1 };
    assert_eq!(study.n_concurrent(), 4);
    study.limits.max_concurrent_trials = Some(3);
    let seen = |number| study.before(number).len();
    assert_eq!([seen(0), seen(2), seen(3), seen(10), seen(100)], [0, 0, 1, 8, 10]);
    let mut study = ran(&[Goal::Maximize], &[]);
    study.sampling = Sampling::Random { seed: 1, rule: Rule::Random };
    assert_eq!(study.n_concurrent(), study.limits.max_total_trials);
}

#[test]
fn only_a_running_trial_reports() {
    let mut study = ran(&[Goal::Maximize], &[&[0.1]]);
    assert_eq!(study.report(0, 0.5), Err(StudyError::NotRunning { number: 0, state: TrialState::Done }));
    assert_eq!(study.report(9, 0.5), Err(StudyError::UnknownTrial { number: 9, n_trials: 1 }));
    let number = study.plan(Settings::new());
    study.start(number, None, 3.0).unwrap();
    study.report(number, 0.5).unwrap();
    study.report(number, f64::INFINITY).unwrap();
    assert_eq!(study.trials[1].failure.as_deref(), Some("its metric is inf at interval 2"));
    assert_eq!(study.trials[1].state, TrialState::Failed);
}

#[test]
fn what_ran_when_the_tab_was_killed_is_to_be_started_anew() {
    let mut study = ran(&[Goal::Maximize], &[&[0.1]]);
    let number = study.plan(Settings::new());
    study.start(number, None, 3.0).unwrap();
    study.report(number, 0.5).unwrap();
    study.interrupt();
    let planned = Trial::new(number, Settings::new());
    assert_eq!(study.trials[1], planned);
    assert_eq!(study.trials[0].state, TrialState::Done);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9).prop_map(Value::Float),
        "[a-z ]{0,8}".prop_map(Value::Text),
    ]
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let pair = || (-50.0..50.0f64, 0.01..50.0f64, 0.001..5.0f64);
    prop_oneof![
        prop::collection::vec(any_value(), 0..4).prop_map(|values| Distribution::Choice { values }),
        any::<u64>().prop_map(|upper| Distribution::RandInt { upper }),
        pair().prop_map(|(min_value, width, _)| Distribution::Uniform { min_value, max_value: min_value + width }),
        pair().prop_map(|(min_value, width, q)| Distribution::QUniform { min_value, max_value: min_value + width, q }),
        pair().prop_map(|(min_value, width, _)| Distribution::LogUniform { min_value, max_value: min_value + width }),
        pair().prop_map(|(min_value, width, q)| Distribution::QLogUniform {
            min_value,
            max_value: min_value + width,
            q
        }),
        pair().prop_map(|(mu, sigma, _)| Distribution::Normal { mu, sigma }),
        pair().prop_map(|(mu, sigma, q)| Distribution::QNormal { mu, sigma, q }),
        pair().prop_map(|(mu, sigma, _)| Distribution::LogNormal { mu, sigma }),
        pair().prop_map(|(mu, sigma, q)| Distribution::QLogNormal { mu, sigma, q }),
    ]
}

fn any_policy() -> impl Strategy<Value = Option<EarlyTermination>> {
    (0..4u8, any::<Option<u8>>(), any::<bool>(), 0..9u32, 0..9u32).prop_map(
        |(which, slack, exclude_finished_jobs, evaluation_interval, delay_evaluation)| match which {
            0 => None,
            1 => Some(EarlyTermination::MedianStopping { evaluation_interval, delay_evaluation }),
            2 => Some(EarlyTermination::TruncationSelection {
                truncation_percentage: 20,
                exclude_finished_jobs,
                evaluation_interval,
                delay_evaluation,
            }),
            _ => Some(EarlyTermination::Bandit {
                slack_factor: slack.map(f64::from),
                slack_amount: None,
                evaluation_interval,
                delay_evaluation,
            }),
        },
    )
}

fn any_sampling() -> impl Strategy<Value = Sampling> {
    prop_oneof![
        Just(Sampling::Grid),
        (any::<u64>(), any::<bool>())
            .prop_map(|(seed, sobol)| Sampling::Random { seed, rule: if sobol { Rule::Sobol } else { Rule::Random } }),
        any::<u64>().prop_map(|seed| Sampling::Bayesian { seed }),
        any::<u64>().prop_map(|seed| Sampling::Hyperband { seed, min_resource: 1, max_resource: 27, eta: 3 }),
    ]
}

fn any_trial() -> impl Strategy<Value = Trial> {
    (
        prop::collection::btree_map("[a-z.]{1,8}", any_value(), 0..4),
        prop::collection::vec(-1e9..1e9f64, 0..5),
        prop::option::of("[a-z ]{0,8}"),
        prop::sample::select(vec![
            TrialState::Waiting,
            TrialState::Running,
            TrialState::StoppedEarly,
            TrialState::Done,
        ]),
    )
        .prop_map(|(settings, intermediate, failure, state)| Trial {
            state,
            failure,
            values: intermediate.clone(),
            intermediate,
            metrics: BTreeMap::from([("auc".into(), 0.5)]),
            started_secs: Some(1.5),
            ..Trial::new(0, settings)
        })
}

fn any_study() -> impl Strategy<Value = Study> {
    let spaces = prop::collection::vec((any_distribution(), prop::option::of(any_value()), any::<bool>()), 0..5);
    (spaces, any_policy(), any_sampling(), prop::collection::vec(any_trial(), 0..4)).prop_map(
        |(dimensions, early_termination, sampling, trials)| {
            let dimensions = dimensions.into_iter().enumerate().map(|(place, (distribution, when, coupled))| {
                let mut made = dimension(&format!("p{place}"), distribution);
                made = if let Some(value) = when { made.when("forest.p0", [value]) } else { made };
                if coupled { made.same_as("forest.p1") } else { made }
            });
            let mut study = study_of(dimensions.collect());
            (study.early_termination, study.sampling, study.trials) = (early_termination, sampling, trials);
            study
        },
    )
}

#[test]
fn a_setting_is_a_parameter_or_what_feeds_an_input() {
    let node = |name: &str| NodeId::new(name).unwrap();
    let learner = Dimension::of_input(node("judge"), "learner", &["forest", "tree"]);
    let table = Dimension::of_input(node("judge"), "table", &["split.train"]);
    let depth = Dimension::new(node("tree"), "max_depth", Distribution::RandInt { upper: 9 });
    let space = Space { dimensions: vec![learner, table, depth] };
    let text = |text: &str| Value::Text(text.into());
    let settings = Settings::from([
        ("judge.learner".into(), text("tree")),
        ("judge.table".into(), text("split.train")),
        ("tree.max_depth".into(), Value::Int(3)),
        ("gone.param".into(), Value::Int(1)),
    ]);
    let feeds = |from: (&str, &str), input: &str| {
        Edit::Connect(OutPort::new(&node(from.0), from.1), InPort::new(&node("judge"), input))
    };
    let expected = vec![
        feeds(("tree", "learner"), "learner"),
        feeds(("split", "train"), "table"),
        Edit::SetParam(node("tree"), "max_depth".into(), Some(Value::Int(3))),
    ];
    assert_eq!(space.edits(&settings), expected);
    // A number names no output, and neither does a text that is no name.
    for value in [Value::Int(1), text("No Node")] {
        assert_eq!(space.edits(&Settings::from([("judge.learner".into(), value)])), []);
    }
}

proptest! {
    #[test]
    fn a_study_comes_back_from_postcard_and_from_json(study in any_study()) {
        let bytes = postcard::to_stdvec(&study).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<Study>(&bytes).unwrap(), &study);
        let text = serde_json::to_string(&study).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Study>(&text).unwrap(), &study);
    }

    #[test]
    fn no_study_is_too_wrong_to_be_checked(study in any_study()) {
        study.check();
        study.n_combinations();
    }

    #[test]
    fn the_values_of_steps_are_contained_and_as_many_as_counted(
        min_value in -20.0..20.0f64,
        width in 0.0..20.0f64,
        q in prop::sample::select(vec![0.1, 0.25, 0.3, 1.0, 2.5, 7.0]),
    ) {
        let distribution = Distribution::QUniform { min_value, max_value: min_value + width, q };
        let values = distribution.values().unwrap();
        prop_assert_eq!(Some(values.len() as u64), distribution.n_values());
        for (idx, value) in values.iter().enumerate() {
            prop_assert!(distribution.contains(value), "{:?}", value);
            prop_assert_eq!(distribution.value(idx as u64), Some(value.clone()));
        }
    }
}
