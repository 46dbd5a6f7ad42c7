//! Whole sweeps, run by workers that finish in any order.

use std::collections::BTreeMap;

use numeric::Stream;
use pipeline::{NodeId, Value};
use proptest::prelude::*;
use study::{
    Dimension, Distribution, EarlyTermination, Goal, Objective, Rule, Sampling, Settings, Space, Study, StudyState,
    Trial, TrialState,
};
use sweep::{Action, Ending, Pause};

const N_INTERVALS: u32 = 9;

fn dimension(name: &str, distribution: Distribution) -> Dimension {
    Dimension { name: name.into(), ..Dimension::new(NodeId::new("n").unwrap(), name, distribution) }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn choice(values: &[&str]) -> Distribution {
    Distribution::Choice { values: values.iter().map(|value| text(value)).collect() }
}

fn uniform(min_value: f64, max_value: f64) -> Distribution {
    Distribution::Uniform { min_value, max_value }
}

/// A space with conditions, a coupling, steps and a log scale.
fn space() -> Space {
    Space {
        dimensions: vec![
            dimension("kernel", choice(&["rbf", "linear", "poly"])),
            dimension("c", Distribution::LogUniform { min_value: -5.0, max_value: 5.0 }),
            dimension("gamma", Distribution::LogNormal { mu: 0.0, sigma: 1.0 })
                .when("kernel", [text("rbf"), text("poly")]),
            dimension("degree", Distribution::QUniform { min_value: 2.0, max_value: 5.0, q: 1.0 })
                .when("kernel", [text("poly")]),
            dimension("depth", Distribution::RandInt { upper: 12 }),
            dimension("too", choice(&[])).same_as("depth"),
        ],
    }
}

fn study(sampling: Sampling) -> Study {
    let objective = Objective { metric: "loss".into(), goal: Goal::Minimize };
    let mut study = Study::new("sweep", space(), vec![objective]);
    study.sampling = sampling;
    study.limits.max_total_trials = 40;
    study.limits.max_concurrent_trials = Some(7);
    study
}

fn number(settings: &Settings, name: &str) -> f64 {
    match settings.get(name) {
        Some(Value::Int(n)) => *n as f64,
        Some(Value::Float(x)) => *x,
        _ => 0.0,
    }
}

/// The loss after an interval; none where the settings cannot be run.
fn loss(settings: &Settings, interval: u32) -> Option<f64> {
    let kernel = if settings.get("kernel") == Some(&text("rbf")) { 0.0 } else { 1.0 };
    let depth = number(settings, "depth");
    let at_last = kernel + (numeric::ln(number(settings, "c").max(1e-9)) - 1.0).abs() + (depth - 7.0).abs() / 4.0;
    (depth != 3.0).then(|| at_last + 3.0 / f64::from(interval))
}

/// Runs a study with some workers; how long each interval takes is a matter of chance.
struct Runner {
    study: Study,
    n_workers: usize,
    /// The trials at work, and when each reports next.
    working: BTreeMap<u32, f64>,
    now: f64,
    chance: Stream,
}

impl Runner {
    fn new(study: Study, n_workers: usize, seed: u64) -> Self {
        Self { study, n_workers, working: BTreeMap::new(), now: 0.0, chance: Stream::new(seed) }
    }

    /// Does what is to be done, as far as there are workers; says whether the sweep is over.
    fn hand_out(&mut self) -> Option<Ending> {
        let actions = sweep::next(&self.study);
        let (last, others) = actions.split_last().expect("there is always something to say");
        for action in others {
            let starts = match action {
                Action::Start { number, .. } | Action::Continue { number, .. } => Some(*number),
                Action::Stop { .. } => None,
                Action::Wait(_) | Action::Over(_) => panic!("{action:?} comes last"),
            };
            if starts.is_some() && self.working.len() >= self.n_workers {
                continue;
            }
            sweep::apply(&mut self.study, std::slice::from_ref(action), self.now).unwrap();
            if let Some(number) = starts {
                self.working.insert(number, self.now + self.chance.uniform());
            }
        }
        match last {
            Action::Over(ending) => Some(ending.clone()),
            _ => None,
        }
    }

    /// One worker reports an interval.
    fn report(&mut self) {
        let (number, at) = self
            .working
            .iter()
            .min_by(|one, other| one.1.total_cmp(other.1))
            .map(|(number, at)| (*number, *at))
            .unwrap();
        self.now = at;
        let trial = &self.study.trials[number as usize];
        let interval = trial.intermediate.len() as u32 + 1;
        let Some(loss) = loss(&trial.settings, interval) else {
            self.study.end(number, TrialState::Failed, "depth 3 cannot be").unwrap();
            self.working.remove(&number);
            return;
        };
        self.study.report(number, loss).unwrap();
        let trial = &self.study.trials[number as usize];
        if let Some(reason) = sweep::should_stop(&self.study, trial, interval) {
            self.study.end(number, TrialState::StoppedEarly, &reason).unwrap();
            self.working.remove(&number);
        } else if interval >= trial.resource.unwrap_or(N_INTERVALS) {
            let values = self.study.objectives.iter().map(|_| loss).collect();
            self.study.finish(number, values, BTreeMap::new(), 1.0).unwrap();
            self.working.remove(&number);
        } else {
            self.working.insert(number, self.now + self.chance.uniform());
        }
    }

    fn run(&mut self) -> Ending {
        loop {
            if let Some(ending) = self.hand_out() {
                return ending;
            }
            let n_working = self.working.len();
            while self.working.len() == n_working {
                self.report();
            }
        }
    }

    /// The trials without what the clock says of them.
    fn trials(&self) -> Vec<Trial> {
        let timeless = |trial: &Trial| Trial { started_secs: None, elapsed_secs: None, ..trial.clone() };
        self.study.trials.iter().map(timeless).collect()
    }
}

fn run(study: &Study, n_workers: usize, seed: u64) -> (Vec<Trial>, Ending) {
    let mut runner = Runner::new(study.clone(), n_workers, seed);
    let ending = runner.run();
    (runner.trials(), ending)
}

fn samplings() -> [Sampling; 4] {
    [
        Sampling::Random { seed: 3, rule: Rule::Random },
        Sampling::Random { seed: 3, rule: Rule::Sobol },
        Sampling::Bayesian { seed: 3 },
        Sampling::Hyperband { seed: 3, min_resource: 1, max_resource: N_INTERVALS, eta: 3 },
    ]
}

fn policies() -> [Option<EarlyTermination>; 4] {
    let (evaluation_interval, delay_evaluation) = (2, 3);
    [
        None,
        Some(EarlyTermination::MedianStopping { evaluation_interval, delay_evaluation }),
        Some(EarlyTermination::Bandit {
            slack_factor: Some(0.2),
            slack_amount: None,
            evaluation_interval,
            delay_evaluation,
        }),
        Some(EarlyTermination::TruncationSelection {
            truncation_percentage: 30,
            exclude_finished_jobs: false,
            evaluation_interval,
            delay_evaluation,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn trials_are_the_same_whoever_finishes_first_and_however_many_workers_there_are(
        sampling in prop::sample::select(samplings().to_vec()),
        policy in prop::sample::select(policies().to_vec()),
        patience in prop::option::of(5..20u32),
        seeds in prop::array::uniform3(any::<u64>()),
    ) {
        let mut study = study(sampling);
        if !matches!(study.sampling, Sampling::Hyperband { .. }) {
            study.early_termination = policy;
            study.limits.patience = patience;
        }
        let alone = run(&study, 1, seeds[0]);
        prop_assert!(alone.0.len() > 5);
        prop_assert_eq!(&run(&study, 2, seeds[1]), &alone);
        prop_assert_eq!(&run(&study, 7, seeds[2]), &alone);
    }

    #[test]
    fn a_killed_tab_changes_nothing(
        sampling in prop::sample::select(samplings().to_vec()),
        seed in any::<u64>(),
        n_reports in 1..120usize,
    ) {
        let study = study(sampling);
        let whole = run(&study, 3, seed);
        let mut killed = Runner::new(study, 3, seed);
        for _ in 0..n_reports {
            killed.hand_out();
            if killed.working.is_empty() {
                break;
            }
            killed.report();
        }
        killed.study.interrupt();
        let mut resumed = Runner::new(killed.study, 2, seed ^ 1);
        let ending = resumed.run();
        prop_assert_eq!((resumed.trials(), ending), whole);
    }

    #[test]
    fn no_more_trials_run_than_may(sampling in prop::sample::select(samplings().to_vec()), seed in any::<u64>()) {
        let mut runner = Runner::new(study(sampling), 100, seed);
        while runner.hand_out().is_none() {
            prop_assert!(runner.study.n_in(TrialState::Running) <= 7);
            runner.report();
        }
        prop_assert!(runner.study.trials.iter().all(|trial| trial.state.is_over()));
        prop_assert!(runner.study.trials.iter().enumerate().all(|(idx, trial)| trial.number as usize == idx));
    }

    #[test]
    fn every_trial_fits_the_space(sampling in prop::sample::select(samplings().to_vec()), seed in any::<u64>()) {
        let (trials, _) = run(&study(sampling), 4, seed);
        for trial in trials {
            prop_assert!(sweep::fits(&space(), &trial.settings), "{:?}", trial.settings);
        }
    }
}

#[test]
fn a_grid_tries_every_combination_once_and_is_over() {
    let mut study = study(Sampling::Grid);
    study.space.dimensions.remove(1);
    study.space.dimensions.remove(1);
    // Kernels rbf and linear, and poly with 4 degrees, times 12 depths.
    assert_eq!(study.n_combinations(), Some(72));
    study.limits.max_total_trials = 1_000;
    study.limits.max_concurrent_trials = None;
    let (trials, ending) = run(&study, 5, 1);
    assert_eq!(ending, Ending::AllTried);
    let keys: std::collections::BTreeSet<String> = trials.iter().map(|trial| format!("{:?}", trial.settings)).collect();
    assert_eq!((trials.len(), keys.len()), (72, 72));
    let first = Settings::from([
        ("kernel".into(), text("rbf")),
        ("depth".into(), Value::Int(0)),
        ("too".into(), Value::Int(0)),
    ]);
    assert_eq!(trials[0].settings, first);
}

#[test]
fn sampling_a_small_space_never_repeats_itself() {
    for sampling in samplings() {
        let mut study = study(sampling);
        study.space = Space {
            dimensions: vec![
                dimension("kernel", choice(&["rbf", "linear"])),
                dimension("depth", Distribution::RandInt { upper: 9 }),
            ],
        };
        let (trials, ending) = run(&study, 3, 5);
        assert_eq!((trials.len(), ending), (18, Ending::AllTried), "{:?}", study.sampling);
    }
}

#[test]
fn a_sweep_without_end_stops_at_its_limit_and_goes_on_when_trials_are_added() {
    for sampling in samplings() {
        let mut longer = study(sampling.clone());
        longer.limits.max_total_trials = 60;
        let mut runner = Runner::new(study(sampling.clone()), 3, 1);
        assert_eq!(runner.run(), Ending::MaxTrials);
        assert_eq!(runner.study.trials.len(), 40);
        runner.study.limits.max_total_trials = 60;
        assert_eq!(runner.run(), Ending::MaxTrials);
        assert_eq!(runner.study.trials.len(), 60);
        if !matches!(sampling, Sampling::Hyperband { .. }) {
            assert_eq!(runner.trials(), run(&longer, 2, 9).0, "{sampling:?}: added trials are those of a longer sweep");
        }
    }
}

#[test]
fn a_paused_sweep_starts_nothing_and_resumes_where_it_was() {
    let whole = run(&study(Sampling::Bayesian { seed: 3 }), 3, 1);
    let mut runner = Runner::new(study(Sampling::Bayesian { seed: 3 }), 3, 1);
    for _ in 0..100 {
        runner.hand_out();
        runner.report();
    }
    runner.study.state = StudyState::Paused;
    assert_eq!(sweep::next(&runner.study), [Action::Wait(Pause::Paused)]);
    while !runner.working.is_empty() {
        runner.report();
    }
    assert_eq!(sweep::next(&runner.study), [Action::Wait(Pause::Paused)]);
    runner.study.state = StudyState::Running;
    assert_eq!((runner.run(), runner.trials()), (whole.1, whole.0));
}

#[test]
fn a_stopped_sweep_waits_for_what_runs_and_is_over() {
    let mut runner = Runner::new(study(Sampling::Bayesian { seed: 3 }), 1, 1);
    runner.hand_out();
    runner.study.state = StudyState::Stopped;
    assert_eq!(sweep::next(&runner.study), [Action::Wait(Pause::LastTrials)]);
    while !runner.working.is_empty() {
        runner.report();
    }
    assert_eq!(sweep::next(&runner.study), [Action::Over(Ending::Stopped)]);
}

#[test]
fn time_that_is_up_starts_nothing_more() {
    let mut study = study(Sampling::Bayesian { seed: 3 });
    study.limits.timeout_secs = 60;
    study.elapsed_secs = 59.9;
    assert!(matches!(sweep::next(&study)[0], Action::Start { .. }));
    study.elapsed_secs = 60.0;
    assert_eq!(sweep::next(&study), [Action::Over(Ending::Timeout)]);
    assert_eq!(Ending::Timeout.in_words(&study), "the 60 seconds are up");
}

#[test]
fn a_study_with_errors_says_the_first_and_starts_nothing() {
    let mut study = study(Sampling::Grid);
    study.objectives.clear();
    let Some(Action::Over(Ending::Unsound(problem))) = sweep::next(&study).pop() else { panic!("it is unsound") };
    assert_eq!(problem, "objective: nothing is aimed at; name a metric, and whether to maximize or minimize it");
}

#[test]
fn patience_ends_a_sweep_that_gets_no_better() {
    let mut study = study(Sampling::Random { seed: 3, rule: Rule::Random });
    study.limits.patience = Some(6);
    study.limits.max_concurrent_trials = Some(1);
    study.limits.max_total_trials = 1_000;
    let (trials, ending) = run(&study, 1, 1);
    assert_eq!(ending, Ending::Patience);
    let best = trials
        .iter()
        .filter(|trial| trial.state == TrialState::Done)
        .min_by(|one, other| one.values[0].total_cmp(&other.values[0]));
    assert_eq!(trials.len(), best.unwrap().number as usize + 1 + 6);
}

#[test]
fn a_trial_of_the_users_own_is_started_before_those_of_the_sampler() {
    let mut study = study(Sampling::Bayesian { seed: 3 });
    let own = Settings::from([
        ("kernel".into(), text("linear")),
        ("c".into(), Value::Float(1.0)),
        ("depth".into(), Value::Int(7)),
        ("too".into(), Value::Int(7)),
    ]);
    study.plan(own.clone());
    assert_eq!(sweep::next(&study)[0], Action::Start { number: 0, settings: own, resource: None });
}

#[test]
fn a_space_that_is_changed_on_the_way_keeps_its_history_and_is_kept_to() {
    for sampling in samplings() {
        let mut runner = Runner::new(study(sampling), 3, 1);
        runner.study.limits.max_total_trials = 25;
        runner.run();
        let before = runner.trials();
        runner.study.limits.max_total_trials = 50;
        runner.study.space.dimensions[0].distribution = choice(&["rbf"]);
        runner.study.space.dimensions[1].distribution = Distribution::LogUniform { min_value: 0.0, max_value: 2.0 };
        runner.study.space.dimensions.push(dimension("new", uniform(5.0, 6.0)));
        assert_eq!(runner.run(), Ending::MaxTrials);
        assert_eq!(runner.trials()[..25], before);
        let space = runner.study.space.clone();
        assert!(runner.study.trials[25..].iter().all(|trial| sweep::fits(&space, &trial.settings)));
        assert!(!sweep::fits(&space, &before[0].settings));
    }
}

#[test]
fn a_grid_that_is_widened_goes_on_with_what_is_new() {
    let mut study = study(Sampling::Grid);
    study.space = Space { dimensions: vec![dimension("depth", Distribution::RandInt { upper: 5 })] };
    let mut runner = Runner::new(study, 1, 1);
    assert_eq!(runner.run(), Ending::AllTried);
    runner.study.space.dimensions[0].distribution = Distribution::RandInt { upper: 7 };
    assert_eq!(runner.run(), Ending::AllTried);
    let depths: Vec<_> = runner.study.trials.iter().map(|trial| number(&trial.settings, "depth")).collect();
    assert_eq!(depths, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn the_estimator_finds_what_chance_does_not() {
    let best = |sampling| {
        let mut runner = Runner::new(study(sampling), 1, 1);
        runner.study.limits.max_concurrent_trials = Some(1);
        runner.study.limits.max_total_trials = 60;
        runner.run();
        runner.study.best().map(|trial| trial.values[0]).unwrap()
    };
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let learned = median((0..9).map(|seed| best(Sampling::Bayesian { seed })).collect());
    let drawn = median((0..9).map(|seed| best(Sampling::Random { seed, rule: Rule::Random })).collect());
    // The least there is, is a third.
    assert!(learned < 0.36 && drawn > 0.5, "{learned} {drawn}");
}

#[test]
fn hyperband_runs_few_trials_to_the_end_and_they_are_good_ones() {
    let mut study = study(Sampling::Hyperband { seed: 1, min_resource: 1, max_resource: 9, eta: 3 });
    study.limits.max_total_trials = 9 + 5 + 3;
    let (trials, ending) = run(&study, 4, 1);
    assert_eq!(ending, Ending::MaxTrials);
    let n_at = |range: std::ops::Range<usize>, least: usize| {
        trials[range].iter().filter(|trial| trial.intermediate.len() >= least).count()
    };
    let n_failed =
        |range: std::ops::Range<usize>| trials[range].iter().filter(|trial| trial.state == TrialState::Failed).count();
    assert_eq!((n_at(0..9, 1) + n_failed(0..9), n_at(0..9, 3), n_at(0..9, 9)), (9, 3, 1));
    assert_eq!((n_at(9..14, 3) + n_failed(9..14), n_at(9..14, 9)), (5, 1));
    let at_rung = |trial: &&Trial| trial.intermediate.len() == 1;
    let worst_going_on = trials[..9]
        .iter()
        .filter(|trial| trial.intermediate.len() > 1)
        .map(|trial| trial.intermediate[0])
        .fold(0.0, f64::max);
    assert!(trials[..9].iter().filter(at_rung).all(|trial| trial.intermediate[0] >= worst_going_on));
    let reason = trials[..9].iter().find(|trial| trial.intermediate.len() == 1).and_then(|trial| trial.reason.clone());
    assert_eq!(reason.as_deref(), Some("after 1 intervals it was not among the best 3 of 9 trials"));
}

#[test]
fn several_objectives_spread_along_the_front() {
    let goals = [Goal::Minimize, Goal::Maximize];
    let objectives: Vec<_> =
        goals.iter().enumerate().map(|(idx, goal)| Objective { metric: format!("m{idx}"), goal: *goal }).collect();
    let space = Space { dimensions: vec![dimension("x", uniform(-5.0, 5.0)), dimension("y", uniform(-5.0, 5.0))] };
    let front = |sampling: Sampling| {
        let mut study = Study::new("front", space.clone(), objectives.clone());
        study.sampling = sampling;
        study.limits.max_total_trials = 80;
        study.limits.max_concurrent_trials = Some(1);
        while let [Action::Start { number: trial, settings, .. }, ..] = &sweep::next(&study)[..] {
            let (x, y) = (number(settings, "x"), number(settings, "y"));
            study.plan(settings.clone());
            study.start(*trial, None, 0.0).unwrap();
            // The front is y = 0 with x from 0 to 2.
            let values = vec![x * x + y * y, -(x - 2.0) * (x - 2.0) - y * y];
            study.finish(*trial, values, BTreeMap::new(), 0.0).unwrap();
        }
        let close = |trial: &&&Trial| number(&trial.settings, "y").abs() < 0.5;
        let front = study.pareto_front();
        (front.iter().filter(close).count(), front.len())
    };
    let (close, n) = front(Sampling::Bayesian { seed: 1 });
    let (close_drawn, n_drawn) = front(Sampling::Random { seed: 1, rule: Rule::Random });
    assert!(close >= 2 * close_drawn.max(3), "{close} of {n}, by chance {close_drawn} of {n_drawn}");
}

#[test]
fn what_was_tried_is_not_drawn_again_where_only_other_settings_are_without_end() {
    let space = Space {
        dimensions: vec![
            dimension("learner", choice(&["constant", "linear"])),
            dimension("penalty", uniform(0.0, 1.0)).when("learner", [text("linear")]),
        ],
    };
    for sampling in [Sampling::Random { seed: 3, rule: Rule::Random }, Sampling::Bayesian { seed: 3 }] {
        let mut study = study(sampling);
        study.space = space.clone();
        study.limits.max_concurrent_trials = Some(1);
        for number in 0..40 {
            let actions = sweep::next(&study);
            sweep::apply(&mut study, &actions[..1], 0.0).unwrap();
            study.finish(number, vec![f64::from(number)], BTreeMap::new(), 1.0).unwrap();
        }
        let constant = study.trials.iter().filter(|trial| trial.settings["learner"] == text("constant"));
        assert_eq!(constant.count(), 1, "{:?}", study.sampling);
    }
}

#[test]
fn whoever_can_start_few_is_told_the_same_trials() {
    for sampling in [
        Sampling::Random { seed: 3, rule: Rule::Sobol },
        Sampling::Bayesian { seed: 3 },
        Sampling::Hyperband { seed: 3, min_resource: 1, max_resource: 9, eta: 3 },
    ] {
        let mut study = study(sampling);
        study.limits.max_concurrent_trials = Some(4);
        let all = sweep::next(&study);
        for n_starts in 0..=4 {
            let few = sweep::next_few(&study, n_starts);
            assert_eq!(few[..n_starts], all[..n_starts], "{:?}", study.sampling);
            assert_eq!(few[n_starts..], [Action::Wait(Pause::Full)], "{:?}", study.sampling);
        }
    }
}
