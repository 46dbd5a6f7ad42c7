//! Counters and exceptions are pushed to a collector of OpenTelemetry.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use monitor::{otlp_logs, otlp_metrics};
use tokio::sync::Mutex;

use crate::client::{Target, post};
use crate::state::State;

/// A collector, and what it was told.
pub(super) struct Collector {
    target: Target,
    /// So many exceptions, in the order in which they came, are not to be told any more.
    n_told: u64,
    has_failed: bool,
}

/// Pushes again and again.
pub(super) async fn keep_pushing(collector: Arc<Mutex<Collector>>, state: Arc<State>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        collector.lock().await.push(&state).await;
    }
}

impl Collector {
    /// Takes what is posted to `/v1/metrics` and `/v1/logs` below an address.
    pub fn new(target: Target) -> Self {
        Self { target, n_told: 0, has_failed: false }
    }

    /// Pushes all counters, and the exceptions since the last time. What the collector did not take is pushed the next time:
    /// counters only ever grow, and an exception is told until it was taken once.
    pub async fn push(&mut self, state: &State) {
        let failed = self.try_to_push(state).await.err();
        match &failed {
            // Once is enough until it works again.
            Some(error) if !self.has_failed => eprintln!("warning: nothing can be pushed: {error:#}"),
            Some(_) | None => {}
        }
        self.has_failed = failed.is_some();
    }

    async fn try_to_push(&mut self, state: &State) -> Result<()> {
        post(&self.target.below("/v1/metrics"), state.snapshot(otlp_metrics).to_string()).await?;
        let (exceptions, n_forgotten) = state.exceptions_after(self.n_told);
        if n_forgotten > 0 {
            eprintln!("warning: {n_forgotten} exceptions are pushed as counters alone: more came than are kept");
            self.n_told += n_forgotten;
        }
        if !exceptions.is_empty() {
            let logs = otlp_logs(env!("CARGO_PKG_VERSION"), &exceptions).to_string();
            post(&self.target.below("/v1/logs"), logs).await?;
            self.n_told += exceptions.len() as u64;
        }
        Ok(())
    }
}
