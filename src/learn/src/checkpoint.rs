//! How long work says how far it is, and lets itself be stopped.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::accelerator::Accelerator;
use crate::neural::{Sight, Standings};

/// Whoever watches a fit: shows its progress and may stop it.
#[allow(async_fn_in_trait, reason = "every fit runs on one thread")]
pub trait Checkpoint {
    /// Tells how far the work is (0 to 1) and what it does. Cheap enough for every few milliseconds of work.
    ///
    /// # Errors
    /// The work is no longer wanted.
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped>;

    /// What may compute beside the CPU.
    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        None
    }

    /// Hears how a fit came about, where that is no part of what comes of it: a whole sentence.
    fn remark(&mut self, sentence: String) {
        drop(sentence);
    }

    /// Whether somebody waits to see the network as it is now. To make it ready takes time.
    fn wants_sight(&mut self) -> bool {
        false
    }

    /// Shows a network under way, and in the end the one that came out.
    fn sight(&mut self, sight: Sight<'_>) {
        let _ = sight;
    }

    /// Hears that a pass over the rows is done: whoever goes pass by pass holds at the next checkpoint.
    fn passed(&mut self) {}

    /// Where trainings stood that were stopped, or kept on their way, to go on from there.
    fn standings(&self) -> Option<Rc<Standings>> {
        None
    }

    /// Whether it is time to keep where a training stands. To make that ready takes time.
    fn wants_standing(&mut self) -> bool {
        false
    }
}

/// The work is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped before it was finished")]
pub struct Stopped;

/// Nobody watches, nobody stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Checkpoint for Unwatched {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        Ok(())
    }
}

/// Any checkpoint behind one type, so that fits are compiled once rather than for everybody who watches.
pub(crate) struct Watched<'a>(&'a mut (dyn Watch + 'a));

trait Watch {
    fn watch<'a>(
        &'a mut self,
        fraction: f64,
        message: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + 'a>>;

    fn watched_accelerator(&self) -> Option<Rc<dyn Accelerator>>;

    fn watch_remark(&mut self, sentence: String);

    fn watcher_wants_sight(&mut self) -> bool;

    fn watch_sight(&mut self, sight: Sight<'_>);

    fn watch_passed(&mut self);

    fn watched_standings(&self) -> Option<Rc<Standings>>;
}

impl<C: Checkpoint> Watch for C {
    fn watch<'a>(
        &'a mut self,
        fraction: f64,
        message: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + 'a>> {
        Box::pin(self.checkpoint(fraction, message))
    }

    fn watched_accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.accelerator()
    }

    fn watch_remark(&mut self, sentence: String) {
        self.remark(sentence);
    }

    fn watcher_wants_sight(&mut self) -> bool {
        self.wants_sight()
    }

    fn watch_sight(&mut self, sight: Sight<'_>) {
        self.sight(sight);
    }

    fn watch_passed(&mut self) {
        self.passed();
    }

    fn watched_standings(&self) -> Option<Rc<Standings>> {
        self.standings()
    }
}

impl<'a> Watched<'a> {
    pub(crate) fn new(checkpoint: &'a mut (impl Checkpoint + 'a)) -> Self {
        Self(checkpoint)
    }
}

impl Checkpoint for Watched<'_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.0.watch(fraction, message).await
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.0.watched_accelerator()
    }

    fn remark(&mut self, sentence: String) {
        self.0.watch_remark(sentence);
    }

    fn wants_sight(&mut self) -> bool {
        self.0.watcher_wants_sight()
    }

    fn sight(&mut self, sight: Sight<'_>) {
        self.0.watch_sight(sight);
    }

    fn passed(&mut self) {
        self.0.watch_passed();
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        self.0.watched_standings()
    }
}

/// One of several equal parts of the work: its 0 to 1 is a piece of the whole's.
pub(crate) struct Part<'a, C> {
    whole: &'a mut C,
    part_idx: usize,
    n_parts: usize,
}

impl<'a, C: Checkpoint> Part<'a, C> {
    pub(crate) fn new(whole: &'a mut C, part_idx: usize, n_parts: usize) -> Self {
        Self { whole, part_idx, n_parts }
    }
}

impl<C: Checkpoint> Checkpoint for Part<'_, C> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        let whole = (self.part_idx as f64 + fraction.clamp(0.0, 1.0)) / self.n_parts as f64;
        self.whole.checkpoint(whole, message).await
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.whole.accelerator()
    }

    fn remark(&mut self, sentence: String) {
        self.whole.remark(sentence);
    }
}

/// Runs a future to its end on this thread; for those that never wait, as a fit under `Unwatched`.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}
