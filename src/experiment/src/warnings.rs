//! What one should know before one believes that a run is better than another.

use protocol::Direction;

use crate::entry::IndexEntry;
use crate::key::RunKey;
use crate::order::order;
use crate::record::{MetricRecord, RunState};
use crate::rows::TestRows;
use crate::stats::{PairedTest, corrected_resampled_t, holm, spread};

/// Fewer rows than these leave an accuracy of 80 % uncertain by more than 8 points either way.
pub const FEW_ROWS: u64 = 100;
/// Fewer repetitions than these say little about the spread.
pub const FEW_REPEATS: usize = 5;

/// Something that speaks against a conclusion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Warning {
    /// Several pipelines were judged by the same held-out rows, and the best of them was picked: its figure is too good.
    #[error(
        "the test set chose the model: {n_pipelines} pipelines were compared by {label} on the same test rows, so the best one's {label} is too good; judge it once on rows that took no part, or choose by cross-validation"
    )]
    TestSetChose {
        /// The metric's name for people.
        label: String,
        /// Different pipelines among them.
        n_pipelines: usize,
        /// The runs.
        runs: Vec<RunKey>,
        /// The one with the best figure.
        best: RunKey,
    },
    /// A model was judged on rows that it was trained on.
    #[error("{title} was tested on rows that it was trained on: split the data, and score the part that was kept back")]
    TestedOnTraining {
        /// The run.
        run: RunKey,
        /// Its number and name.
        title: String,
    },
    /// Runs that were judged on different rows.
    #[error(
        "{n_sets} different sets of test rows: {label} differs between them by chance, whatever the model; use one split with one seed"
    )]
    DifferentRows {
        /// The metric's name for people.
        label: String,
        /// Different sets of rows.
        n_sets: usize,
    },
    /// A figure that rests on few rows.
    #[error("{label} of {title} rests on {n_rows} rows: its last digits are chance")]
    FewRows {
        /// The run.
        run: RunKey,
        /// Its number and name.
        title: String,
        /// The metric's name for people.
        label: String,
        /// Rows.
        n_rows: u64,
    },
    /// A spread that rests on few repetitions.
    #[error("{label} of {title} rests on {n} repetitions: its interval is rough")]
    FewRepeats {
        /// The run.
        run: RunKey,
        /// Its number and name.
        title: String,
        /// The metric's name for people.
        label: String,
        /// Repetitions.
        n: usize,
    },
    /// The best run's interval overlaps with another's.
    #[error("the 95 % intervals of {best_title} and {other_title} overlap: they may be equally good")]
    IntervalsOverlap {
        /// The run with the best mean.
        best: RunKey,
        /// Its number and name.
        best_title: String,
        /// The other run.
        other: RunKey,
        /// Its number and name.
        other_title: String,
    },
}

/// What speaks against choosing among these runs by this metric (`auc`, `evaluate.auc`). Runs that did not end well, or
/// do not have it, do not count.
pub fn warnings(runs: &[&IndexEntry], metric: &str) -> Vec<Warning> {
    let judged: Vec<(&IndexEntry, &MetricRecord)> = runs
        .iter()
        .filter(|run| run.state == RunState::Done)
        .filter_map(|run| Some((*run, run.metric(metric)?)))
        .filter(|(_, metric)| !metric.value.is_nan())
        .collect();
    let mut warnings = Vec::new();
    // By cross-validation every row is a test row once and no rows are left over to be fitted to.
    let mut by_rows: Vec<(&TestRows, Vec<(&IndexEntry, &MetricRecord)>)> = Vec::new();
    for (run, metric) in judged.iter().filter(|(_, metric)| metric.repeats.is_none()) {
        let Some(rows) = run.rows(&metric.node) else { continue };
        match by_rows.iter_mut().find(|(other, _)| other.key == rows.key) {
            Some((_, compared)) => compared.push((run, metric)),
            None => by_rows.push((rows, vec![(run, metric)])),
        }
        if rows.seen_in_training {
            warnings.push(Warning::TestedOnTraining { run: run.id.clone(), title: run.title() });
        }
    }
    for (_, compared) in by_rows.iter().filter(|(rows, _)| rows.held_out && !rows.seen_in_training) {
        let n_pipelines = n_pipelines(compared);
        if let (true, Some((best, metric))) = (n_pipelines > 1, best_of(compared)) {
            warnings.push(Warning::TestSetChose {
                label: metric.label.clone(),
                n_pipelines,
                runs: compared.iter().map(|(run, _)| run.id.clone()).collect(),
                best: best.id.clone(),
            });
        }
    }
    if let (true, Some((_, metric))) = (by_rows.len() > 1, judged.first()) {
        warnings.push(Warning::DifferentRows { label: metric.label.clone(), n_sets: by_rows.len() });
    }
    for (run, metric) in &judged {
        let (id, title, label) = (run.id.clone(), run.title(), metric.label.clone());
        match (&metric.repeats, metric.n_rows) {
            (Some(repeats), _) if repeats.values.len() < FEW_REPEATS => {
                warnings.push(Warning::FewRepeats { run: id, title, label, n: repeats.values.len() });
            }
            (None, Some(n_rows)) if n_rows < FEW_ROWS => {
                warnings.push(Warning::FewRows { run: id, title, label, n_rows });
            }
            (Some(_) | None, _) => {}
        }
    }
    if let Some((best, metric)) = best_of(&judged) {
        let interval = |metric: &MetricRecord| spread(&metric.repeats.as_ref()?.values).interval;
        for (other, other_metric) in judged.iter().filter(|(run, _)| run.id != best.id) {
            let (Some(ours), Some(theirs)) = (interval(metric), interval(other_metric)) else { continue };
            if ours.0 <= theirs.1 && theirs.0 <= ours.1 {
                warnings.push(Warning::IntervalsOverlap {
                    best: best.id.clone(),
                    best_title: best.title(),
                    other: other.id.clone(),
                    other_title: other.title(),
                });
            }
        }
    }
    warnings
}

/// How many different pipelines these are.
fn n_pipelines(compared: &[(&IndexEntry, &MetricRecord)]) -> usize {
    let pipeline = |at: usize| &compared[at].0.pipeline;
    let sorted = order(compared.len(), &|a, b| pipeline(a).cmp(pipeline(b)));
    sorted.chunk_by(|&a, &b| pipeline(a) == pipeline(b)).count()
}

/// The first of those with the best figure; none where nobody knows which way is better.
fn best_of<'a>(judged: &[(&'a IndexEntry, &'a MetricRecord)]) -> Option<(&'a IndexEntry, &'a MetricRecord)> {
    let better = judged.iter().find_map(|(_, metric)| metric.better)?;
    judged.iter().copied().reduce(|best, other| {
        let is_better = match better {
            Direction::Higher => other.1.value > best.1.value,
            Direction::Lower => other.1.value < best.1.value,
        };
        if is_better { other } else { best }
    })
}

/// A run against the baseline, fold by fold.
#[derive(Clone, Debug, PartialEq)]
pub struct TestAgainst {
    /// The run.
    pub run: RunKey,
    /// Run − baseline, by the corrected resampled t-test.
    pub test: PairedTest,
    /// What its p-value is worth among all these comparisons, by Holm's correction.
    pub p_corrected: f64,
}

/// Tests these runs against the baseline by a metric that was measured fold by fold. Runs whose folds do not pair with
/// the baseline's (another number of them, or other numbers of rows) are left out.
pub fn tests_against(baseline: &IndexEntry, runs: &[&IndexEntry], metric: &str) -> Vec<TestAgainst> {
    let repeats = |run: &IndexEntry| {
        let metric = run.metric(metric)?;
        Some((metric.repeats.clone()?, run.rows(&metric.node).map(|rows| rows.key.clone())))
    };
    let Some((ours, our_rows)) = repeats(baseline) else { return Vec::new() };
    let mut tests = Vec::new();
    for run in runs.iter().filter(|run| run.id != baseline.id) {
        let Some((theirs, their_rows)) = repeats(run) else { continue };
        let same_folds = (theirs.n_train, theirs.n_test, their_rows) == (ours.n_train, ours.n_test, our_rows.clone());
        if !same_folds {
            continue;
        }
        if let Ok(test) = corrected_resampled_t(&theirs.values, &ours.values, ours.n_train, ours.n_test) {
            tests.push(TestAgainst { run: run.id.clone(), p_corrected: test.p, test });
        }
    }
    let corrected = holm(&tests.iter().map(|against| against.test.p).collect::<Vec<_>>());
    for (against, p) in tests.iter_mut().zip(corrected) {
        against.p_corrected = p;
    }
    tests
}
