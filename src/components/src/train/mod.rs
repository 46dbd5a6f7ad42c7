//! Where a learner meets a table.

pub mod combine_models;
mod explain;
pub mod prepend_transformation;
pub mod train_clustering_model;
pub mod train_model;
pub mod tune_model_hyperparameters;

use std::sync::Arc;

use engine::{Flow, FlowError, In, Job, JobError, Param, Untrained};
use learn::{Checkpoint, Learner, Stopped};
use numeric::Stream;
use protocol::Failure;
use schema::{Column, Role};
use table::Table;

use crate::learn::ranges::{self, MODE, SINGLE_PARAMETER};
use crate::{columns, failures};

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

/// A job as fitting sees it: somebody who is told how far it is and may stop it.
pub struct Watched<'j, 'a>(pub &'j mut Job<'a>);

impl Checkpoint for Watched<'_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.0.checkpoint(fraction, message).await.map_err(|_| Stopped)
    }
}
