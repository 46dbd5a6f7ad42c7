//! The engine's host in a worker.

use std::cell::RefCell;
use std::collections::BTreeSet;

use engine::{Crew, Host, Local, Source};
use pipeline::FileRef;
use protocol::{Failure, FromWorker, RunEvent, RunId};

use crate::breath::Breath;
use crate::crew::Helpers;
use crate::files::Files;
use crate::{post, scope};

/// One run's view of the world.
pub struct WorkerHost<'a> {
    /// Which run.
    pub run: RunId,
    /// The user's files.
    pub files: &'a Files,
    /// For letting messages in.
    pub breath: &'a Breath,
    /// Runs that were asked to stop.
    pub cancelled: &'a RefCell<BTreeSet<RunId>>,
    /// Who computes beside this worker.
    pub helpers: &'a Helpers,
}

impl Host for WorkerHost<'_> {
    fn now_secs(&self) -> f64 {
        scope().performance().map_or(0.0, |performance| performance.now() / 1_000.0)
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        Box::pin(self.files.open(file))
    }

    fn crew(&self) -> Option<&dyn Crew> {
        Some(self.helpers).filter(|helpers| helpers.n_helpers() > 0).map(|helpers| helpers as &dyn Crew)
    }

    fn breathe(&self) -> Local<'_, ()> {
        Box::pin(self.breath.take())
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.borrow().contains(&self.run)
    }

    fn emit(&self, event: RunEvent) {
        post(&FromWorker::Event(event));
    }
}
