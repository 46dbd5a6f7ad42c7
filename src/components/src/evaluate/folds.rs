//! Folds, and judging a learner on rows that it was not trained on: what Cross Validate Model and Tune Model
//! Hyperparameters share.

use std::collections::BTreeSet;
use std::rc::Rc;

use engine::{Job, JobError, Param};
use learn::accelerator::Accelerator;
use learn::preprocess::{FoldSettings, assign_folds};
use learn::{Checkpoint, Learner, Stopped};
use model::Model;
use numeric::Stream;
use protocol::{Failure, FoldRows, Metric};
use schema::Kind;
use table::Table;

use super::evaluate_model::{Judged, Scored, judge};
use crate::failures;
use crate::score::score_model::{Scores, predict, with_scores};
use crate::split::FOLD_NUMBER;
use crate::split::partition_and_sample::folds_of;

pub const FOLDS: Param<String> = Param::choice(
    "folds",
    &[("of-table", "Those of the table, else new ones"), ("new", "New ones")],
    "of-table",
)
.label("Folds")
.help("A table that Partition and Sample has dealt to folds brings its own in the column Fold Number, so that several learners meet the same ones.");
pub const N_FOLDS: Param<u32> = Param::int("n_folds", 10)
    .range(2, 100)
    .label("Number of folds")
    .help("Counts where the folds are new. Each one more is one more training; 5 or 10 are usual.");
pub const STRATIFY: Param<Option<String>> =
    Param::column("stratify", "table", &[Kind::Category, Kind::Boolean, Kind::Integer, Kind::Text], true)
        .label("Stratify by")
        .help("Counts where the folds are new: each value of this column has the same share in every fold. Choose the target when a class is rare.");

/// The share of a test's time that training takes, for the bar; scoring takes the rest.
const TRAINING: f64 = 0.8;

/// Which rows are tested together.
pub struct Fold {
    pub number: i64,
    pub rows: Vec<u32>,
}

/// The folds of the table, or new ones; at least two, every row in one.
pub fn deal(job: &Job<'_>, table: &Table, seed: u64) -> Result<Vec<Fold>, JobError> {
    let frame = table.frame();
    let own = (job.param(FOLDS)? == "of-table").then(|| frame.column(FOLD_NUMBER).and_then(folds_of)).flatten();
    let numbers: Vec<i64> = match own {
        Some(folds) => folds
            .enumerate()
            .map(|(row_idx, fold)| {
                fold.ok_or_else(|| {
                    Failure::new(
                        format!("row {} is in no fold: its {FOLD_NUMBER:?} is missing", row_idx + 1),
                        "Deal the rows anew with Partition and Sample, or choose new folds here.",
                    )
                })
            })
            .collect::<Result<_, _>>()?,
        None => {
            let settings =
                FoldSettings { n_folds: job.param(N_FOLDS)?, randomized: true, stratify: job.param(STRATIFY)? };
            let folds = assign_folds(table, &settings, seed).map_err(|error| failures::from_prepare(&error))?;
            folds.into_iter().map(i64::from).collect()
        }
    };
    let there: BTreeSet<i64> = numbers.iter().copied().collect();
    if there.len() < 2 {
        return Err(Failure::new(
            format!("all rows are in the same fold, {}", there.first().copied().unwrap_or_default()),
            "Deal the rows to several folds with Partition and Sample, or choose new folds here.",
        )
        .into());
    }
    let mut folds: Vec<Fold> = there.into_iter().map(|number| Fold { number, rows: Vec::new() }).collect();
    for (row_idx, number) in (0u32..).zip(numbers) {
        let fold_idx = folds.binary_search_by_key(&number, |fold| fold.number).unwrap_or_default();
        folds[fold_idx].rows.push(row_idx);
    }
    Ok(folds)
}

/// A learner that was trained and judged.
pub struct Tested {
    pub model: Model,
    pub scores: Scores,
    pub metrics: Vec<Metric>,
    pub rows: FoldRows,
    /// What is to be known of the training.
    pub notes: Vec<String>,
}

/// Which stretch of a node's whole work a part of it is, from 0 to 1, and how the user is told.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub from: f64,
    pub to: f64,
    pub name: String,
}

/// A job as one stretch of it sees it.
pub struct Stretched<'j, 'a> {
    pub job: &'j mut Job<'a>,
    pub stretch: Stretch,
}

impl Checkpoint for Stretched<'_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        let Stretch { from, to, name } = &self.stretch;
        let done = from + (to - from) * fraction.clamp(0.0, 1.0);
        let message = if name.is_empty() { message.to_owned() } else { format!("{name}: {message}") };
        self.job.checkpoint(done, &message).await.map_err(|_| Stopped)
    }

    /// For a fit that is all of a node's work. Of many fits helpers compute some, and they have none.
    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.job.accelerator().filter(|_| (self.stretch.from, self.stretch.to) == (0.0, 1.0))
    }

    fn remark(&mut self, sentence: String) {
        self.job.remark(sentence);
    }
}

/// Trains on all but one fold, scores and judges that one as Train Model, Score Model and Evaluate Model do.
///
/// # Errors
/// What is wrong with rows is told with their place in the whole table, and anything else with the fold.
pub async fn test_fold(
    job: &mut Job<'_>,
    learner: &Learner,
    table: &Table,
    target: &str,
    (folds, fold_idx): (&[Fold], usize),
    seed: u64,
    stretch: Stretch,
) -> Result<Tested, JobError> {
    let fold = &folds[fold_idx];
    let mut is_tested = vec![false; table.n_rows()];
    fold.rows.iter().for_each(|&row_idx| is_tested[row_idx as usize] = true);
    let others: Vec<u32> = (0..table.n_rows() as u32).filter(|&row_idx| !is_tested[row_idx as usize]).collect();
    let seed = Stream::fork(seed, fold_idx as u64).next_u64();
    let (training, test) = (table.take(&others), table.take(&fold.rows));
    let tested = test_on(job, learner, &training, &test, target, seed, stretch).await;
    tested.map_err(|error| match error {
        TestError::Stopped => JobError::Cancelled,
        TestError::Training(error) => {
            let in_table = learn::check(learner, table, target);
            in_table.err().map_or_else(|| in_fold(fold.number, error), |error| failures::from_fit(&error))
        }
        TestError::Scoring(model, error) => {
            let in_table = model.predict(&table.frame());
            in_table.err().map_or(error, |error| failures::from_model(&error))
        }
        TestError::Judging(error) => in_fold(fold.number, error),
    })
}

/// Why a learner could not be tested.
pub enum TestError {
    Stopped,
    Training(JobError),
    Scoring(Box<Model>, JobError),
    Judging(JobError),
}

impl From<TestError> for JobError {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Stopped => Self::Cancelled,
            TestError::Training(error) | TestError::Scoring(_, error) | TestError::Judging(error) => error,
        }
    }
}

/// Trains on some rows, scores and judges others.
pub async fn test_on(
    job: &mut Job<'_>,
    learner: &Learner,
    training: &Table,
    test: &Table,
    target: &str,
    seed: u64,
    stretch: Stretch,
) -> Result<Tested, TestError> {
    let stopped_or = |error: JobError, other: fn(JobError) -> TestError| match error {
        JobError::Cancelled => TestError::Stopped,
        error @ JobError::Failed(_) => other(error),
    };
    let share = |from: f64, to: f64| {
        let at = |share: f64| stretch.from + (stretch.to - stretch.from) * share;
        Stretch { from: at(from), to: at(to), name: stretch.name.clone() }
    };
    let rows = FoldRows { n_train: training.n_rows() as u64, n_test: test.n_rows() as u64 };
    let mut watched = Stretched { job, stretch: share(0.0, TRAINING) };
    let trained = learn::train_with_notes(learner, training, target, seed, &mut watched).await;
    let trained = trained.map_err(|error| stopped_or(failures::from_fit(&error), TestError::Training))?;
    let model = trained.model;
    let mut watched = Stretched { job, stretch: share(TRAINING, 1.0) };
    let scores = match predict(&mut watched, &model, test).await {
        Ok(scores) => scores,
        Err(JobError::Cancelled) => return Err(TestError::Stopped),
        Err(error) => return Err(TestError::Scoring(Box::new(model), error)),
    };
    let copy = Scores { values: scores.values.clone(), classes: scores.classes.clone() };
    let scored = with_scores(test, &model.target, copy).map_err(TestError::Judging)?;
    let judged = judge(&mut watched, &[Scored { name: stretch.name, table: scored }]).await;
    let Judged { metrics, .. } = judged.map_err(|error| stopped_or(error, TestError::Judging))?;
    Ok(Tested { model, scores, metrics, rows, notes: trained.notes })
}

fn in_fold(number: i64, error: JobError) -> JobError {
    match error {
        JobError::Cancelled => JobError::Cancelled,
        JobError::Failed(Failure { message, help }) => {
            Failure::new(format!("without the rows of fold {number}: {message}"), help).into()
        }
    }
}

/// Mean, and standard deviation, which divides by n − 1, of what is known.
pub fn mean_and_deviation(values: &[Option<f64>]) -> (Option<f64>, Option<f64>) {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let n = known.len() as f64;
    let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / n);
    let deviation = mean
        .filter(|_| known.len() > 1)
        .map(|mean| numeric::sqrt(known.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)));
    (mean, deviation)
}
