//! What the engine asks of whoever runs it.

use std::future::{Future, poll_fn};
use std::mem::replace;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use learn::accelerator::Accelerator;
use learn::neural::Standings;
use pipeline::{FileRef, NodeId};
use protocol::{Failure, Motion, Panel, RunEvent};

use crate::Crew;

/// A future that need not be sent between threads.
pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The world outside: a worker, a native program, or a test.
pub trait Host {
    /// Seconds since some fixed moment.
    fn now_secs(&self) -> f64;

    /// Opens a file of the workspace by its hash.
    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>>;

    /// The most bytes of memory that one table may take: a third of all, for while a list grows it is there twice.
    fn table_bytes(&self) -> u64 {
        self.memory_limit().map_or(u64::MAX, |limit| limit / 3)
    }

    /// The most bytes of memory that the program may hold at a time; none where nobody sets a bound. What was taken once
    /// and is free again counts as free.
    fn memory_limit(&self) -> Option<u64> {
        None
    }

    /// Who computes parts of a run beside this engine, if anybody does.
    fn crew(&self) -> Option<&dyn Crew> {
        None
    }

    /// What computes beside the CPU, if anything does.
    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        None
    }

    /// Where trainings stood that were stopped.
    fn standings(&self) -> Option<Rc<Standings>> {
        None
    }

    /// Whether somebody waits to see what a node under way has to show. Asked often; must be cheap.
    fn is_watched(&self, node: &NodeId) -> bool {
        let _ = node;
        false
    }

    /// Shows it.
    fn show(&self, node: &NodeId, panels: Vec<Panel>) {
        let _ = (node, panels);
    }

    /// How the run is to move. Asked often; must be cheap.
    fn motion(&self) -> Motion {
        Motion::Free
    }

    /// The run has moved as far as it was asked to, and is paused from now on.
    fn pause(&self) {}

    /// Lets messages in, a cancellation among them, and gives way to what else is under way.
    fn breathe(&self) -> Local<'_, ()>;

    /// Whether the user has asked to stop. Asked often; must be cheap.
    fn is_cancelled(&self) -> bool;

    /// Tells whoever listens.
    fn emit(&self, event: RunEvent);
}

/// A breath where there are no messages: whatever else is under way has its turn.
pub async fn give_way() {
    let mut has_given = false;
    poll_fn(|context| {
        if replace(&mut has_given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The bytes of a file, piece by piece.
pub trait Source {
    /// Bytes in all.
    fn size(&self) -> u64;

    /// The next piece, of at most a few megabytes; empty at the end.
    fn next(&mut self) -> Local<'_, Result<Vec<u8>, Failure>>;
}
