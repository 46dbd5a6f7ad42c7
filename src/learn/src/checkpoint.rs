//! How long work says how far it is, and lets itself be stopped.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Whoever watches a fit: shows its progress and may stop it.
#[allow(async_fn_in_trait, reason = "every fit runs on one thread")]
pub trait Checkpoint {
    /// Tells how far the work is (0 to 1) and what it does. Cheap enough for every few milliseconds of work.
    ///
    /// # Errors
    /// The work is no longer wanted.
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped>;
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
}

impl<C: Checkpoint> Watch for C {
    fn watch<'a>(
        &'a mut self,
        fraction: f64,
        message: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + 'a>> {
        Box::pin(self.checkpoint(fraction, message))
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
