//! Work that rests now and then, watched.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use engine::{Job, JobError};

/// Drives work to its end; where it rests, the user is told how far it is, and may stop it.
pub async fn in_turns<T>(
    job: &mut Job<'_>,
    fraction: f64,
    message: &str,
    work: impl Future<Output = T>,
) -> Result<T, JobError> {
    let mut work = pin!(work);
    loop {
        job.checkpoint(fraction, message).await?;
        if let Poll::Ready(result) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Ok(result);
        }
    }
}
