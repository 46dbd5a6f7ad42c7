//! Where a learner meets a table.

pub mod combine_models;
mod explain;
pub mod prepend_transformation;
pub mod train_anomaly_detection_model;
pub mod train_clustering_model;
pub mod train_model;
pub mod tune_model_hyperparameters;
mod watch;

use std::rc::Rc;
use std::sync::Arc;

use engine::{Flow, FlowError, In, Job, JobError, Param, Parts, Untrained, decoded, encoded};
use learn::accelerator::Accelerator;
use learn::{Checkpoint, Grove, GrownTree, Learner, Stopped, Trained, Trees};
use numeric::Stream;
use protocol::Failure;
use schema::{Column, Role};
use table::Table;

use crate::evaluate::folds::{Stretch, Stretched};
use crate::learn::ranges::{self, MODE, SINGLE_PARAMETER};
use crate::{columns, failures};

pub use explain::component_panels;

/// What is to be predicted, of the table at the input `table`.
pub const TARGET: Param<Option<String>> = Param::column("target", "table", &[], true)
    .label("Label column")
    .help("What is to be predicted. Left open, it is the column with the role of target.");

/// The name of the column to be predicted.
pub fn target(job: &Job<'_>, table: &Table) -> Result<String, JobError> {
    let chosen = job.param(TARGET)?;
    let column = columns::target(table.schema(), chosen.as_deref(), TARGET.name()).map_err(failures::from_flow)?;
    Ok(column.name.clone())
}

/// Where chance starts: the node's own place, and the number that is set.
pub fn seed(job: &Job<'_>, param: Param<u64>) -> Result<u64, JobError> {
    Ok(Stream::fork(job.seed(), job.param(param)?).next_u64())
}

/// The learner, where one is needed and not a range of its settings.
pub fn single<'a>(job: &Job<'_>, untrained: &'a Untrained) -> Result<&'a Learner, JobError> {
    match untrained {
        Untrained::Single(learner) => Ok(learner),
        Untrained::Range(range) => {
            let (message, help) = takes_one(range.title(), &job.params().spec().title);
            Err(Failure::new(message, help).into())
        }
    }
}

/// What `single` would say, before a run.
pub fn check_single(flow: &Flow<'_>, port: In<Arc<Untrained>>) -> Result<(), FlowError> {
    match flow.source(port).filter(|source| ranges::is_range(*source)) {
        None => Ok(()),
        Some(source) => {
            let (message, help) = takes_one(&source.spec().title, &flow.params().spec().title);
            Err(FlowError { place: port.name().into(), message, help })
        }
    }
}

fn takes_one(learner: &str, trainer: &str) -> (String, String) {
    let mode = MODE.title();
    (
        format!("{learner} is in Parameter Range mode, and {trainer} takes one setting of each parameter"),
        format!(
            "Connect {learner} to Tune Model Hyperparameters, which finds the best of a range, or set its {mode} to {SINGLE_PARAMETER}."
        ),
    )
}

/// About how many nanoseconds it takes on one core to train a learner on a table.
pub fn work(learner: &Learner, table: &Table) -> u64 {
    let is_feature = |column: &&Column| column.role == Role::Feature;
    learner.work(table.n_rows(), table.schema().columns.iter().filter(is_feature).count())
}

/// Into how many parts the training of a learner falls.
pub fn n_parts(learner: &Learner) -> u32 {
    if let Learner::Forest(settings) = learner { Grove::n_parts(settings) } else { 1 }
}

/// Trains a learner on all rows of a table; trees of a forest are parts of the job, which `grow` computes.
pub async fn train(
    job: &mut Job<'_>,
    stage: u32,
    (from, to): (f64, f64),
    name: &str,
    training: &Training<'_>,
) -> Result<Trained, JobError> {
    let Training { learner, table, target, seed } = *training;
    let Learner::Forest(settings) = learner else {
        let mut watched = Stretched { job, stretch: Stretch { from, to, name: name.into() } };
        let trained = learn::train_with_notes(learner, table, target, seed, &mut watched).await;
        return trained.map_err(|error| failures::from_fit(&error));
    };
    let mut trees = Trees::default();
    let parts = Parts { stage, n: Grove::n_parts(settings), work: work(learner, table), stretch: (from, to) };
    job.parts(parts, |_, _, bytes| {
        let grown: Vec<GrownTree> = decoded(&bytes)?;
        grown.into_iter().try_for_each(|tree| trees.add(tree)).map_err(|error| failures::from_fit(&error))
    })
    .await?;
    Ok(grove(job, name, training).await?.model(trees))
}

/// A learner, and what it is to learn from.
pub struct Training<'t> {
    pub learner: &'t Learner,
    pub table: &'t Table,
    pub target: &'t str,
    pub seed: u64,
}

/// Some trees of the forest that `train` is to make of the same.
pub async fn grow(job: &mut Job<'_>, part_idx: u32, name: &str, training: &Training<'_>) -> Result<Vec<u8>, JobError> {
    let grove = grove(job, name, training).await?;
    let stretch = Stretch { from: 0.0, to: 1.0, name: name.into() };
    let grown = grove.grow(part_idx, &mut Stretched { job, stretch }).await;
    encoded(&grown.map_err(|error| failures::from_fit(&error))?)
}

/// What all trees share.
async fn grove(job: &mut Job<'_>, name: &str, training: &Training<'_>) -> Result<Rc<Grove>, JobError> {
    if let Some(grove) = job.shared() {
        return Ok(grove);
    }
    let Training { learner: Learner::Forest(settings), table, target, seed } = *training else {
        return Err(JobError::Cancelled);
    };
    let stretch = Stretch { from: 0.0, to: 0.0, name: name.into() };
    let grove = Grove::new(settings, table, target, seed, &mut Stretched { job, stretch }).await;
    Ok(job.share(grove.map_err(|error| failures::from_fit(&error))?))
}

/// A job as fitting sees it: somebody who is told how far it is and may stop it.
pub struct Watched<'j, 'a>(pub &'j mut Job<'a>);

impl Checkpoint for Watched<'_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.0.checkpoint(fraction, message).await.map_err(|_| Stopped)
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.0.accelerator()
    }

    fn remark(&mut self, sentence: String) {
        self.0.remark(sentence);
    }
}
