//! What the service and its mirrors are asked, and what is counted of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::request::Parts;
use endpoint::{Handled, Host, Refusal, Request, Service};
use monitor::{Exception, FAULT_HEADER, delay_ms};

use super::Server;
use crate::folder::now_ms;
use crate::state::MirrorHost;

/// Bodies from this size on are worked on beside the threads that answer.
const LARGE_BODY: usize = 64 << 10;

/// Asks the service; a panic is an answer, too. What rests on all that was counted takes a while to say, so other threads
/// take over meanwhile.
pub(super) async fn handle(
    server: &Arc<Server>,
    service: &Arc<Service>,
    parts: &Parts,
    headers: &Arc<Vec<(String, String)>>,
    body: &Bytes,
    rests_on_counts: bool,
) -> Result<Handled, Refusal> {
    let ask = {
        let (server, service, headers, body) =
            (Arc::clone(server), Arc::clone(service), Arc::clone(headers), body.clone());
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        move || {
            let request = Request { method: method.as_str(), path: &path, headers: &headers, body: &body };
            let host: &dyn Host = &*server.state;
            catch_unwind(AssertUnwindSafe(|| service.handle(&request, host)))
                .map_err(|_| Refusal::new(Exception::ModelPanic, "the model failed; the server's log has the place"))
        }
    };
    let asked = headers.iter().find(|(name, _)| server.options.takes_faults && name == FAULT_HEADER);
    if let Some(delay) = asked.and_then(|(_, asked)| delay_ms(asked)).map(Duration::from_millis) {
        tokio::time::sleep(delay.min(server.options.timeout)).await;
        if delay >= server.options.timeout {
            return Err(server.timed_out());
        }
    }
    if rests_on_counts {
        return tokio::task::block_in_place(ask);
    }
    if body.len() < LARGE_BODY {
        return ask();
    }
    let work = tokio::task::spawn_blocking(ask);
    match tokio::time::timeout(server.options.timeout, work).await {
        Ok(Ok(handled)) => handled,
        Ok(Err(_)) => Err(Refusal::new(Exception::ModelPanic, "the model failed; the server's log has the place")),
        Err(_) => Err(server.timed_out()),
    }
}

/// Asks the mirror the same, after the caller was answered.
pub(super) fn mirror(
    server: &Arc<Server>,
    service: &Arc<Service>,
    parts: &Parts,
    headers: &Arc<Vec<(String, String)>>,
    body: Bytes,
    live: Handled,
) {
    let Some(deployment) = live.mirror.clone() else { return };
    let (server, service, path) = (Arc::clone(server), Arc::clone(service), parts.uri.path().to_owned());
    let mut headers: Vec<(String, String)> = headers.to_vec();
    headers.insert(0, ("x-millrace-deployment".into(), deployment.to_string()));
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let request = Request { method: "POST", path: &path, headers: &headers, body: &body };
        let asked = catch_unwind(AssertUnwindSafe(|| service.handle(&request, &MirrorHost(&server.state))));
        // A mirror that fails harms nobody but its own record.
        if let Ok(mut mirrored) = asked {
            server.state.compare(&live, &mirrored);
            mirrored.seen.served.is_mirror = true;
            count(&server, &mut mirrored, started.elapsed().as_secs_f64(), 0);
        }
    });
}

pub(super) fn count(server: &Server, handled: &mut Handled, seconds: f64, n_in_flight: u32) {
    handled.seen.at_ms = now_ms();
    handled.seen.seconds = seconds;
    handled.seen.in_flight = n_in_flight;
    server.state.count(handled);
}
