//! Long work in short turns: between two of them, whoever drives it may do something else, or drop it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Rows in one turn, a few milliseconds' work.
pub(crate) const ROWS: usize = 1 << 15;

/// Ends a turn.
pub(crate) async fn rest() {
    let mut has_rested = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_rested, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Ends a turn with every so many rows.
pub(crate) async fn rest_at(row_idx: usize) {
    if row_idx % ROWS == ROWS - 1 {
        rest().await;
    }
}

/// All turns, one after the other.
pub(crate) fn all<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}
