//! Counters and exceptions are pushed to a collector of OpenTelemetry.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use endpoint::Past;
use monitor::{ExceptionEvent, otlp_logs, otlp_metrics};

use crate::client::{Target, post};
use crate::folder::now_ms;
use crate::state::State;

/// Exceptions so young are pushed the next time: one that was just seen may not be listed yet.
const SETTLED_MS: u64 = 500;

/// Pushes to `/v1/metrics` and `/v1/logs` below an address, again and again. What a collector did not take is pushed the
/// next time: counters only ever grow.
pub(super) async fn push(state: Arc<State>, collector: Target, every: Duration) {
    let mut pushed_until = 0;
    let mut has_failed = false;
    loop {
        tokio::time::sleep(every).await;
        let until = now_ms().saturating_sub(SETTLED_MS);
        let failed = push_once(&state, &collector, pushed_until..until).await.err();
        match &failed {
            None => pushed_until = until,
            // Once is enough until it works again.
            Some(error) if !has_failed => eprintln!("warning: nothing can be pushed: {error:#}"),
            Some(_) => {}
        }
        has_failed = failed.is_some();
    }
}

async fn push_once(state: &State, collector: &Target, when: std::ops::Range<u64>) -> Result<()> {
    let below = |path: &str| Target {
        host: collector.host.clone(),
        path: format!("{}{path}", collector.path.trim_end_matches('/')),
    };
    post(&below("/v1/metrics"), state.snapshot(otlp_metrics).to_string()).await?;
    let exceptions = Past::exceptions(state).into_iter();
    let exceptions: Vec<ExceptionEvent> = exceptions.filter(|event| when.contains(&event.at_ms)).collect();
    if !exceptions.is_empty() {
        post(&below("/v1/logs"), otlp_logs(env!("CARGO_PKG_VERSION"), &exceptions).to_string()).await?;
    }
    Ok(())
}
