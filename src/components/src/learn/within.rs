//! Learners that come in, to become part of another.

use std::sync::Arc;

use engine::{In, Job, JobError, Out, Untrained, WrapLearner};
use learn::Learner;

use crate::failures;

/// Makes another learner of the one that comes in, or of each in a range of settings.
pub fn give(
    job: &mut Job<'_>,
    from: In<Arc<Untrained>>,
    to: Out<Arc<Untrained>>,
    wrap: WrapLearner,
) -> Result<(), JobError> {
    let params = job.params();
    let untrained = match &*job.input(from)? {
        Untrained::Single(learner) => Untrained::Single(wrap(params, learner.clone())?),
        Untrained::Range(range) => Untrained::Range(Box::new(range.within(params, wrap))),
    };
    job.output(to, Arc::new(untrained));
    Ok(())
}

/// The learner, if those that it is made of go together.
pub fn checked(learner: Learner) -> Result<Learner, JobError> {
    match learner.ability() {
        Ok(_) => Ok(learner),
        Err(error) => Err(failures::from_fit(&error)),
    }
}
