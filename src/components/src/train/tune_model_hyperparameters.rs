//! Tries settings of a learner, ranks them, and trains it with the best.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use charts::{Figure, Marks, Series};
use engine::{
    Component, Flow, FlowError, In, Job, JobError, Local, NodeParams, Out, Param, Parts, Running, Scoring, Untrained,
    Work, decoded, encoded,
};
use learn::Learner;
use model::{Model, NewColumn, NewValues};
use pipeline::{Family, Spec, Value};
use protocol::{Direction, Face, Failure, Metric, Panel};
use schema::{Column, Kind, Schema};
use serde::{Deserialize, Serialize};
use study::{Distribution, Goal, Objective, Rule, Sampling, Settings, Space, Study};
use sweep::Action;
use table::Table;

use super::{SINGLE_PARAMETER, TARGET, Training, explain, grow, train};
use crate::evaluate::figures::{axis, brief, category_axis, figure};
use crate::evaluate::folds::{self, FOLDS, Fold, STRATIFY, Stretch, mean_and_deviation, test_fold, test_on};
use crate::learn::ranges;
use crate::split::FOLD_NUMBER;
use crate::{columns, failures, memory, tell};

const LEARNER: In<Arc<Untrained>> = In::new("learner");
const TABLE: In<Table> = In::new("table");
const VALIDATION: In<Table> = In::new("validation").optional();
const RESULTS: Out<Table> = Out::new("sweep_results");
const BEST: Out<Arc<Model>> = Out::new("best_model");
const MODE: Param<String> =
    Param::choice("sweeping_mode", &[(ENTIRE_GRID, "Entire grid"), ("random", "Random sweep")], ENTIRE_GRID)
        .label("Parameter sweeping mode")
        .help("The grid tries every combination of the learner's values; a random sweep draws some, and finds about as good a one sooner.");
const MAX_RUNS: Param<u32> = Param::int("max_runs", 20)
    .range(1, MAX_TRIALS as i64)
    .log()
    .label("Maximum number of runs on random sweep")
    .help("So many combinations are drawn, each once. Of 60 one is among the best twentieth, almost surely.")
    .when("sweeping_mode", &["random"]);
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number draws other settings and other folds, and grows other models where chance enters.");
const RANKING_CLASSES: Param<String> = Param::choice(
    "ranking_classes",
    &[
        ("accuracy", "Accuracy"),
        ("precision", "Precision"),
        ("recall", "Recall"),
        ("f1", "F1"),
        ("auc", "AUC"),
        ("log_loss", "Log loss"),
    ],
    "accuracy",
)
.label("Ranking metric for classes")
.help("What the best setting is best in, where classes are predicted. Accuracy deceives when one class is rare; AUC does not.");
const RANKING_NUMBERS: Param<String> = Param::choice(
    "ranking_numbers",
    &[
        ("mae", "Mean absolute error"),
        ("rmse", "Root mean squared error"),
        ("relative_absolute_error", "Relative absolute error"),
        ("relative_squared_error", "Relative squared error"),
        ("r2", "R²"),
    ],
    "mae",
)
.label("Ranking metric for numbers")
.help("What the best setting is best in, where numbers are predicted. Squared errors mind single large misses more.");
const N_FOLDS: Param<u32> = Param::int(folds::N_FOLDS.name(), 5)
    .range(2, 100)
    .label(folds::N_FOLDS.title())
    .help("Counts where the folds are new. Each one more is one more training of every setting; 5 or 10 are usual.");

const ENTIRE_GRID: &str = "grid";
/// As many as a sweep may have.
const MAX_TRIALS: u32 = study::MAX_TRIALS;

/// Tune Model Hyperparameters.
pub struct TuneModelHyperparameters;

impl Component for TuneModelHyperparameters {
    fn spec(&self) -> Spec {
        Spec::new("train.tune-model-hyperparameters", 1, Family::Score, "Tune Model Hyperparameters")
            .with_summary("Tries many settings of a learner, and trains it with the best.")
            .with_help(
                "Connect a learner whose *Create trainer mode* is *Parameter Range*, and the rows to learn from. Every \
                 combination of its values, or a random draw of them, is trained and judged on rows that it has not \
                 seen: those at `validation`, or, if that stays open, fold by fold as in Cross Validate Model.\n\n\
                 - `sweep_results`: a row for each setting with its metrics, the best first. Trials are numbered from 0 \
                 in the order in which they ran\n\
                 - `best_model`: the learner with the best setting, trained on *all* rows at `table`\n\n\
                 All settings meet the same folds, so their differences are their own. Of settings that are equally \
                 good, the one that was tried first is the best. With the same seed a random sweep draws what \
                 `millrace sweep` draws from the same values.\n\n\
                 The best of many has also been lucky: its figure here is a little too good. Judge it on rows that took \
                 no part, with Split Data before, and Score Model and Evaluate Model after.",
            )
            .with_keywords("hyperparameter sweep grid search random search gridsearchcv optimize best parameters")
            .with_icon("target")
            .with_caption("{sweeping_mode} · {max_runs} runs · Label: {target}")
            .with_input(LEARNER)
            .with_input(TABLE)
            .with_input(VALIDATION)
            .with_output(RESULTS)
            .with_output(BEST)
            .with_param(MODE)
            .with_param(MAX_RUNS)
            .with_param(SEED)
            .with_param(TARGET)
            .with_param(RANKING_CLASSES)
            .with_param(RANKING_NUMBERS)
            .with_param(FOLDS)
            .with_param(N_FOLDS)
            .with_param(STRATIFY)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        // What the results have as columns depends on what is predicted, which is settled when it runs.
        let source = flow.source(LEARNER).filter(|source| ranges::is_range(*source));
        if let (Some(source), Some(ENTIRE_GRID)) = (source, flow.param(MODE).as_deref())
            && let Ok(space) = ranges::space(source)
        {
            check_grid(&space, source.spec())?;
        }
        let Some(schema) = flow.input(TABLE) else { return Ok(()) };
        let chosen = flow.param(TARGET).flatten();
        let target = columns::target(schema, chosen.as_deref(), TARGET.name())?;
        if let Some(name) = flow.param(STRATIFY).flatten() {
            schema.column(&name).map_err(|error| failures::column_not_found(STRATIFY.name(), &error))?;
        }
        flow.input(VALIDATION).map_or(Ok(()), |validation| has_target(validation, &target.name))
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Trains { table: TABLE.name() }
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(untrained), Some(table)) = (job.optional_input(LEARNER), job.optional_input(TABLE)) else { return 0 };
        let candidates = candidates(job, &untrained).unwrap_or_default();
        let n_classes = memory::n_classes(&table, job.param(TARGET).unwrap_or_default().as_deref());
        let of = |candidate: &Candidate| memory::testing(&candidate.learner, &table, n_classes);
        candidates.iter().map(of).max().unwrap_or_default()
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let tuning = tuning(job).await?;
            let trials = tuning.try_all(job).await?;
            tuning.conclude(job, trials).await
        })
    }

    fn part<'a>(&'a self, job: &'a mut Job<'_>, stage: u32, part_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        Box::pin(async move {
            let tuning = match job.shared() {
                Some(tuning) => tuning,
                None => tuning(job).await?,
            };
            match stage.checked_sub(1) {
                None => {
                    let outcome = tuning.test(job, part_idx as usize).await;
                    // A setting that fails does not end the others.
                    encoded(&match outcome {
                        Err(JobError::Failed(failure)) => Err(failure),
                        outcome => Ok(outcome?),
                    })
                }
                Some(trial_idx) => {
                    let learner = tuning.candidates[trial_idx as usize].learner.clone();
                    grow(job, part_idx, LAST, &tuning.training(&learner)).await
                }
            }
        })
    }

    fn work(&self, job: &Job<'_>) -> Work {
        let (Some(untrained), Some(table)) = (job.optional_input(LEARNER), job.optional_input(TABLE)) else {
            return Work::default();
        };
        let n_folds = if job.optional_input(VALIDATION).is_some() { Ok(1) } else { job.param(N_FOLDS) };
        let n_folds = n_folds.unwrap_or(1);
        candidates(job, &untrained).map_or_else(
            |_| Work::default(),
            |candidates| {
                let works = candidates.iter().map(|candidate| super::work(&candidate.learner, &table));
                let nanos = works.sum::<u64>().saturating_mul(n_folds.into());
                Work { nanos, n_parts: candidates.len() as u32 * n_folds, ..Work::default() }
            },
        )
    }
}

/// How the training that follows the trials is called.
const LAST: &str = "The best setting, on all rows";

async fn tuning(job: &mut Job<'_>) -> Result<Rc<Tuning>, JobError> {
    let untrained = job.input(LEARNER)?;
    let table = job.input(TABLE)?;
    let target = super::target(job, &table)?;
    let seed = super::seed(job, SEED)?;
    job.checkpoint(0.0, "Choosing what to try").await?;
    let candidates = candidates(job, &untrained)?;
    // What is wrong with the rows themselves is told before anything is tried.
    learn::check(&candidates[0].learner, &table, &target).map_err(|error| failures::from_fit(&error))?;
    let rows = match job.optional_input(VALIDATION) {
        Some(validation) => {
            has_target(validation.schema(), &target).map_err(failures::from_flow)?;
            Rows::Held(validation)
        }
        None => Rows::Folds(folds::deal(job, &table, seed)?),
    };
    let table = table.without(&[FOLD_NUMBER.to_owned()]);
    Ok(job.share(Tuning { untrained, table, target, rows, seed, candidates }))
}

fn has_target(validation: &Schema, target: &str) -> Result<(), FlowError> {
    validation.column(target).map(|_| ()).map_err(|error| failures::column_not_found(VALIDATION.name(), &error))
}

/// One setting and its learner.
#[derive(Clone)]
struct Candidate {
    settings: Settings,
    learner: Learner,
}

/// What will be tried, in order; at least one.
fn candidates(job: &Job<'_>, untrained: &Untrained) -> Result<Vec<Candidate>, JobError> {
    let range = match untrained {
        Untrained::Single(learner) => {
            return Ok(vec![Candidate { settings: Settings::new(), learner: learner.clone() }]);
        }
        Untrained::Range(range) => range,
    };
    let space = range.space();
    let settings: Vec<Settings> = if job.param(MODE)? == ENTIRE_GRID || space.dimensions.is_empty() {
        check_grid(space, range.spec()).map_err(failures::from_flow)?;
        sweep::combinations(space).collect()
    } else {
        drawn(space, job.param(SEED)?, job.param(MAX_RUNS)?)
    };
    let candidate = |settings: Settings| Ok(Candidate { learner: range.learner(&settings)?, settings });
    settings.into_iter().map(candidate).collect()
}

/// Whether a grid comes to an end, and soon enough.
fn check_grid(space: &Space, learner: &Spec) -> Result<(), FlowError> {
    let title = &learner.title;
    let refused = |message: String, help: String| Err(FlowError { place: MODE.name().into(), message, help });
    let endless = space.dimensions.iter().find(|dimension| dimension.distribution.n_values().is_none());
    if let Some(param) = endless.and_then(|dimension| learner.param(&dimension.param)) {
        let label = &param.label;
        return refused(
            format!("{label} of {title} is to be drawn from a range, and a grid tries every value"),
            "Say its step there, as in `0.01 to 100 times 10`, or choose Random sweep here.".into(),
        );
    }
    match space.n_combinations() {
        Some(n) if n > u64::from(MAX_TRIALS) => refused(
            format!("the grid has {n} combinations, and {MAX_TRIALS} are tried at most"),
            format!("Choose Random sweep, or give {title} fewer values."),
        ),
        Some(_) | None => Ok(()),
    }
}

/// The settings of a random sweep, each once.
fn drawn(space: &Space, seed: u64, max_runs: u32) -> Vec<Settings> {
    // Drawing looks at no metric, so any will do.
    let objective = Objective { metric: RANKING_CLASSES.name().into(), goal: Goal::Maximize };
    let mut study = Study::new("", space.clone(), vec![objective]);
    study.sampling = Sampling::Random { seed, rule: Rule::Random };
    study.limits.max_total_trials = max_runs;
    let settings = |action| match action {
        Action::Start { settings, .. } => Some(settings),
        Action::Continue { .. } | Action::Stop { .. } | Action::Wait(_) | Action::Over(_) => None,
    };
    sweep::next(&study).into_iter().filter_map(settings).collect()
}

/// The metrics of a setting: their means over its tests.
fn over_tests(tests: &[Test]) -> Vec<Judged> {
    let judged = |metric: &Metric| {
        let of = |test: &Test| test.metrics.iter().find(|other| other.name == metric.name)?.values[0];
        let (mean, deviation) = mean_and_deviation(&tests.iter().map(of).collect::<Vec<_>>());
        Judged { metric: Metric { values: vec![mean], ..metric.clone() }, deviation }
    };
    tests.first().map(|test| test.metrics.iter().map(judged).collect()).unwrap_or_default()
}

/// What settings are judged on.
enum Rows {
    Held(Table),
    Folds(Vec<Fold>),
}

/// A setting that was tried.
struct Trial {
    settings: Settings,
    learner: Learner,
    /// What it is worth, or why nobody knows.
    judged: Result<Vec<Judged>, Failure>,
}

/// One metric of a trial: its mean over the folds, or on the rows held out.
struct Judged {
    metric: Metric,
    deviation: Option<f64>,
}

impl Judged {
    fn value(&self) -> Option<f64> {
        self.metric.values[0]
    }
}

impl Trial {
    fn figure(&self, metric: &str) -> Option<&Judged> {
        self.judged.as_ref().ok()?.iter().find(|judged| judged.metric.name == metric)
    }

    fn value(&self, metric: &Metric) -> Option<f64> {
        self.figure(&metric.name)?.value()
    }
}

/// What stays the same from trial to trial.
struct Tuning {
    untrained: Arc<Untrained>,
    table: Table,
    target: String,
    rows: Rows,
    seed: u64,
    candidates: Vec<Candidate>,
}

/// What one test of a setting came to.
#[derive(Serialize, Deserialize)]
struct Test {
    metrics: Vec<Metric>,
    notes: Vec<String>,
}

impl Tuning {
    fn n_tests(&self) -> usize {
        match &self.rows {
            Rows::Held(_) => 1,
            Rows::Folds(folds) => folds.len(),
        }
    }

    /// Where the trials end and the last training begins, on the way from 0 to 1.
    fn trials_end(&self, n_trials: usize) -> f64 {
        let n_tests = (n_trials * self.n_tests()) as f64;
        n_tests / (n_tests + 1.0)
    }

    fn training<'t>(&'t self, learner: &'t Learner) -> Training<'t> {
        Training { learner, table: &self.table, target: &self.target, seed: self.seed }
    }

    async fn try_all(&self, job: &mut Job<'_>) -> Result<Vec<Trial>, JobError> {
        let (n_trials, n_tests) = (self.candidates.len(), self.n_tests());
        let works = self.candidates.iter().map(|candidate| super::work(&candidate.learner, &self.table));
        let work = works.sum::<u64>().saturating_mul(n_tests as u64);
        let parts = Parts { stage: 0, n: (n_trials * n_tests) as u32, work, stretch: (0.0, self.trials_end(n_trials)) };
        let mut trials: Vec<Trial> = Vec::new();
        // A note comes as often as something is trained.
        let mut notes: BTreeMap<String, usize> = BTreeMap::new();
        let mut tests: Vec<Result<Test, Failure>> = Vec::new();
        job.parts(parts, |job, part_idx, bytes| {
            tests.push(decoded(&bytes)?);
            if tests.len() < n_tests {
                return Ok(());
            }
            let trial_idx = part_idx as usize / n_tests;
            let mut sound = Vec::new();
            let mut failed = None;
            for test in tests.drain(..) {
                match test {
                    // What is tested after a failure counts no more.
                    Ok(test) if failed.is_none() => sound.push(test),
                    Ok(_) => {}
                    Err(failure) => failed = failed.take().or(Some(failure)),
                }
            }
            sound.iter().flat_map(|test| &test.notes).for_each(|note| *notes.entry(note.clone()).or_default() += 1);
            let judged = failed.map_or_else(|| Ok(over_tests(&sound)), Err);
            for Judged { metric, .. } in judged.iter().flatten() {
                if let Some(value) = metric.values[0] {
                    job.log_metric(&metric.name, value, trial_idx as u32);
                }
            }
            let Candidate { settings, learner } = self.candidates[trial_idx].clone();
            trials.push(Trial { settings, learner, judged });
            Ok(())
        })
        .await?;
        let n_trained = n_trials * n_tests;
        let told = notes.into_iter().map(|(note, n)| format!("In {n} of {n_trained} trainings: {note}"));
        tell(job, &self.warnings(&trials).into_iter().chain(told).collect::<Vec<_>>());
        Ok(trials)
    }

    /// Trains and judges a setting on one fold, or on the rows held out.
    async fn test(&self, job: &mut Job<'_>, part_idx: usize) -> Result<Test, JobError> {
        let (trial_idx, test_idx) = (part_idx / self.n_tests(), part_idx % self.n_tests());
        let learner = &self.candidates[trial_idx].learner;
        let name = format!("Trial {} of {}", trial_idx + 1, self.candidates.len());
        let stretch = |name| Stretch { from: 0.0, to: 1.0, name };
        let (table, target, seed) = (&self.table, &self.target, self.seed);
        let tested = match &self.rows {
            Rows::Held(validation) => test_on(job, learner, table, validation, target, seed, stretch(name)).await?,
            Rows::Folds(folds) => {
                let name = format!("{name}, fold {} of {}", test_idx + 1, folds.len());
                test_fold(job, learner, table, target, (folds, test_idx), seed, stretch(name)).await?
            }
        };
        Ok(Test { metrics: tested.metrics, notes: tested.notes })
    }

    fn warnings(&self, trials: &[Trial]) -> Vec<String> {
        let mut warnings = Vec::new();
        match &*self.untrained {
            Untrained::Single(learner) if !learner.parts().is_empty() => warnings
                .push(format!("{} came with one setting, which was judged; nothing was compared.", learner.title())),
            Untrained::Single(learner) => warnings.push(format!(
                "{} is in {SINGLE_PARAMETER} mode, so its one setting was judged and nothing was compared. Set its \
                 Create trainer mode to Parameter Range to try several.",
                learner.title()
            )),
            Untrained::Range(range) if trials.len() == 1 => warnings.push(format!(
                "One setting was judged, and nothing was compared. Give {} several values, or allow more runs.",
                range.title()
            )),
            Untrained::Range(_) => {}
        }
        let n_failed = trials.iter().filter(|trial| trial.judged.is_err()).count();
        if n_failed > 0 {
            warnings.push(format!(
                "{n_failed} of {} trials failed and have no rank; the column Failure says why.",
                trials.len()
            ));
        }
        warnings
    }

    /// Ranks the trials, trains with the best setting, and shows both.
    async fn conclude(&self, job: &mut Job<'_>, trials: Vec<Trial>) -> Result<(), JobError> {
        let metric = ranking(job, &trials)?;
        let order = ranked(&trials, &metric);
        let best = &trials[order[0]];
        let Some(value) = best.value(&metric) else {
            let help =
                "Choose another ranking metric, or stratify by the label column, so that every fold has each class.";
            return Err(Failure::new(format!("{} is undefined for every setting", metric.label), help).into());
        };
        let from = self.trials_end(trials.len());
        let stage = order[0] as u32 + 1;
        let trained = train(job, stage, (from, 1.0), LAST, &self.training(&best.learner)).await?;
        let results = self.results(&trials, &order, &metric).map_err(|error| failures::from_table(&error))?;

        job.panel(self.best_setting(&trials, best, &metric));
        if let Ok(judged) = &best.judged {
            let mut metrics: Vec<Metric> = judged.iter().map(|judged| judged.metric.clone()).collect();
            metrics.sort_by_key(|other| other.name != metric.name);
            job.panel(Panel::Metrics { series: vec![format!("Best setting, {}", self.judged_on())], metrics });
        }
        if trials.len() > 1 {
            job.panel(Panel::Figure(self.trial_by_trial(&trials, &metric)));
            for name in self.varied(&trials) {
                job.panel(Panel::Figure(self.by_setting(&trials, &metric, name)));
            }
        }
        for panel in explain::panels(&trained.model) {
            job.panel(panel);
        }
        let of_all = if trials.len() > 1 { format!(" · best of {}", trials.len()) } else { String::new() };
        let headline = format!("{} {}{of_all}", metric.label, brief(value));
        job.show(Face::Headline(headline, best_so_far(&trials, &metric).map(Box::new)));
        job.output(RESULTS, results);
        job.output(BEST, Arc::new(trained.model));
        Ok(())
    }

    fn judged_on(&self) -> String {
        match &self.rows {
            Rows::Held(validation) => format!("{} validation rows", validation.n_rows()),
            Rows::Folds(folds) => format!("mean of {} folds", folds.len()),
        }
    }

    fn label<'a>(&'a self, param: &'a str) -> &'a str {
        match &*self.untrained {
            Untrained::Single(_) => param,
            Untrained::Range(range) => range.label(param),
        }
    }

    fn in_words(&self, param: &str, value: &Value) -> String {
        match &*self.untrained {
            Untrained::Single(_) => String::new(),
            Untrained::Range(range) => range.in_words(param, value),
        }
    }

    /// The parameters that took more than one value, in the learner's order.
    fn varied(&self, trials: &[Trial]) -> Vec<&str> {
        let differ =
            |name: &&str| trials.iter().any(|trial| trial.settings.get(*name) != trials[0].settings.get(*name));
        self.params().into_iter().filter(differ).collect()
    }

    /// The parameters of the range, in the learner's order.
    fn params(&self) -> Vec<&str> {
        match &*self.untrained {
            Untrained::Single(_) => Vec::new(),
            Untrained::Range(range) => {
                range.space().dimensions.iter().map(|dimension| dimension.name.as_str()).collect()
            }
        }
    }

    /// A row for each setting, the best first.
    fn results(&self, trials: &[Trial], order: &[usize], metric: &Metric) -> Result<Table, table::TableError> {
        let in_order: Vec<&Trial> = order.iter().map(|&trial_idx| &trials[trial_idx]).collect();
        let is_ranked: Vec<bool> = in_order.iter().map(|trial| trial.value(metric).is_some()).collect();
        let ranks = (1..=order.len() as i64).collect();
        let numbers = order.iter().map(|&trial_idx| trial_idx as i64).collect();
        let mut columns = vec![
            column("Rank", NewValues::Integer(ranks), Some(is_ranked)),
            column("Trial", NewValues::Integer(numbers), None),
        ];
        for name in self.params() {
            let values: Vec<Option<&Value>> = in_order.iter().map(|trial| trial.settings.get(name)).collect();
            columns.push(settings_column(self.label(name), &values, |value| self.in_words(name, value)));
        }
        let figures = |name: &str, of: fn(&Judged) -> Option<f64>| -> Vec<Option<f64>> {
            in_order.iter().map(|trial| trial.figure(name).and_then(of)).collect()
        };
        columns.push(number_column(&metric.label, &figures(&metric.name, Judged::value)));
        if matches!(self.rows, Rows::Folds(_)) {
            let title = format!("{}: standard deviation", metric.label);
            columns.push(number_column(&title, &figures(&metric.name, |judged| judged.deviation)));
        }
        let all = trials.iter().find_map(|trial| trial.judged.as_ref().ok());
        for Judged { metric: other, .. } in all.into_iter().flatten().filter(|judged| judged.metric.name != metric.name)
        {
            columns.push(number_column(&other.label, &figures(&other.name, Judged::value)));
        }
        if trials.iter().any(|trial| trial.judged.is_err()) {
            let failure = |trial: &&Trial| trial.judged.as_ref().err().map(|failure| failure.message.clone());
            let failures: Vec<Option<String>> = in_order.iter().map(failure).collect();
            let valid = failures.iter().map(Option::is_some).collect();
            let texts = failures.into_iter().map(Option::unwrap_or_default).collect();
            columns.push(column("Failure", NewValues::Text(texts), Some(valid)));
        }
        Table::from_new_columns(columns, trials.len())
    }

    fn best_setting(&self, trials: &[Trial], best: &Trial, metric: &Metric) -> Panel {
        let mut rows = Vec::new();
        if let Some(judged) = best.figure(&metric.name) {
            let value = judged.value().map(brief).unwrap_or_default();
            let spread = judged.deviation.map_or_else(String::new, |deviation| format!(" ± {}", brief(deviation)));
            rows.push(vec![format!("{}, {}", metric.label, self.judged_on()), format!("{value}{spread}")]);
        }
        for (name, value) in self.params().into_iter().filter_map(|name| best.settings.get_key_value(name)) {
            rows.push(vec![self.label(name).to_owned(), self.in_words(name, value)]);
        }
        rows.push(vec!["Settings tried".into(), trials.len().to_string()]);
        Panel::Facts { title: "The best setting".into(), heads: vec!["What".into(), "Value".into()], rows }
    }

    fn trial_by_trial(&self, trials: &[Trial], metric: &Metric) -> Figure {
        let mut figure = figure("trials", "Trial by trial", axis("Trial"), axis(&metric.label), self.table.n_rows());
        figure.summary =
            format!("Each dot is a setting, in the order of the trials; the line is the best {} so far.", metric.label);
        let dots = trials.iter().enumerate().filter_map(|(idx, trial)| Some((idx as f64, trial.value(metric)?)));
        figure.series = vec![
            series("Best so far", 1, Marks::Line(bests(trials, metric))),
            series("Trials", 0, Marks::Points(dots.collect())),
        ];
        figure
    }

    /// The metric by the values of one setting.
    fn by_setting(&self, trials: &[Trial], metric: &Metric, name: &str) -> Figure {
        let label = self.label(name);
        let listed = match &*self.untrained {
            Untrained::Single(_) => None,
            Untrained::Range(range) => {
                range.space().dimension(name).and_then(|dimension| match &dimension.distribution {
                    Distribution::Choice { values } => Some(values),
                    _ => None,
                })
            }
        };
        let x_axis = match listed {
            Some(values) => category_axis(label, values.iter().map(|value| self.in_words(name, value)).collect()),
            None => axis(label),
        };
        let x = |value: &Value| match (listed, value) {
            (Some(values), value) => values.iter().position(|other| other == value).map(|idx| idx as f64),
            (None, Value::Float(x)) => Some(*x),
            (None, Value::Int(n)) => Some(*n as f64),
            (None, Value::None | Value::Bool(_) | Value::Text(_) | Value::Columns(_) | Value::File(_)) => None,
        };
        let dots = trials.iter().filter_map(|trial| Some((x(trial.settings.get(name)?)?, trial.value(metric)?)));
        let id = format!("by-{}", name.replace('_', "-"));
        let mut figure = figure(&id, label, x_axis, axis(&metric.label), self.table.n_rows());
        figure.summary =
            format!("Each dot is a trial. Where dots of one value lie apart, other settings matter more than {label}.");
        figure.series = vec![series("Trials", 0, Marks::Points(dots.collect()))];
        figure
    }
}

/// The metric by which trials are ranked.
fn ranking(job: &Job<'_>, trials: &[Trial]) -> Result<Metric, JobError> {
    let chosen = [job.param(RANKING_CLASSES)?, job.param(RANKING_NUMBERS)?];
    let metrics = trials.iter().find_map(|trial| trial.judged.as_ref().ok());
    let found = metrics.into_iter().flatten().find(|judged| chosen.contains(&judged.metric.name));
    if let Some(judged) = found {
        return Ok(judged.metric.clone());
    }
    Err(match (trials.iter().find_map(|trial| trial.judged.as_ref().err()), trials) {
        (Some(failure), [_]) => failure.clone(),
        (Some(Failure { message, help }), trials) => {
            Failure::new(format!("all {} trials failed, the first because {message}", trials.len()), help)
        }
        (None, _) => Failure::new("no trial has the ranking metric", "Choose another ranking metric."),
    }
    .into())
}

fn goal(metric: &Metric) -> Goal {
    match metric.better {
        Direction::Higher => Goal::Maximize,
        Direction::Lower => Goal::Minimize,
    }
}

/// The places of trials from best to worst, the earlier of equals first, and those without a figure last.
fn ranked(trials: &[Trial], metric: &Metric) -> Vec<usize> {
    let loss =
        |trial_idx: &usize| trials[*trial_idx].value(metric).map_or(f64::INFINITY, |value| goal(metric).as_loss(value));
    let mut order: Vec<usize> = (0..trials.len()).collect();
    order.sort_by(|one, other| loss(one).total_cmp(&loss(other)));
    order
}

/// The best figure so far, from trial to trial, in steps.
fn bests(trials: &[Trial], metric: &Metric) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (trial_idx, trial) in trials.iter().enumerate() {
        let (at, best) = (trial_idx as f64, line.last().map(|(_, best)| *best));
        line.extend(best.map(|best| (at, best)));
        let better = trial.value(metric).filter(|value| best.is_none_or(|best| goal(metric).is_better(*value, best)));
        line.extend(better.map(|better| (at, better)));
    }
    line
}

/// How the best figure came about, in the unit square.
fn best_so_far(trials: &[Trial], metric: &Metric) -> Option<Face> {
    let line = bests(trials, metric);
    let (low, high) =
        line.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, x)| (low.min(*x), high.max(*x)));
    let span = if high > low { high - low } else { 1.0 };
    let width = trials.len().checked_sub(1).filter(|width| *width > 0)? as f64;
    let point = |(at, x): (f64, f64)| ((at / width) as f32, ((x - low) / span) as f32);
    Some(Face::Curve { points: line.into_iter().map(point).collect(), diagonal: false })
}

fn series(name: &str, color_idx: u8, marks: Marks) -> Series {
    Series { name: name.into(), color_idx, marks, detail: None }
}

fn column(name: &str, values: NewValues, valid: Option<Vec<bool>>) -> NewColumn {
    let kind = match &values {
        NewValues::Text(_) => Kind::Text,
        NewValues::Integer(_) => Kind::Integer,
        NewValues::Boolean(_) => Kind::Boolean,
        _ => Kind::Number,
    };
    NewColumn { column: Column::new(name, kind), values, valid }
}

fn number_column(name: &str, values: &[Option<f64>]) -> NewColumn {
    let valid = values.iter().map(Option::is_some).collect();
    column(name, NewValues::Number(values.iter().map(|value| value.unwrap_or_default()).collect()), Some(valid))
}

/// Whole numbers, numbers and truth values as such, and anything else in words, such as numbers beside "no limit".
fn settings_column(name: &str, values: &[Option<&Value>], in_words: impl Fn(&Value) -> String) -> NewColumn {
    let known = || values.iter().flatten();
    let valid = values.iter().map(Option::is_some).collect();
    let number = |value: &Option<&Value>| match value {
        Some(Value::Float(x)) => *x,
        Some(Value::Int(n)) => *n as f64,
        _ => 0.0,
    };
    let values = if known().all(|value| matches!(value, Value::Int(_))) {
        NewValues::Integer(values.iter().map(|value| number(value) as i64).collect())
    } else if known().all(|value| matches!(value, Value::Int(_) | Value::Float(_))) {
        NewValues::Number(values.iter().map(number).collect())
    } else if known().all(|value| matches!(value, Value::Bool(_))) {
        NewValues::Boolean(values.iter().map(|value| matches!(value, Some(Value::Bool(true)))).collect())
    } else {
        NewValues::Text(values.iter().map(|value| value.map(&in_words).unwrap_or_default()).collect())
    };
    column(name, values, Some(valid))
}

#[cfg(test)]
mod tests;
