//! Which requests are answered at all: keys, limits, and how much is read of a body.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use endpoint::{Action, Refusal, Route};
use http_body_util::BodyExt;
use monitor::Exception;

use super::Server;
use super::manage::{is_of_no_other_site, other_site};
use crate::folder::now_ms;
use crate::keys::Key;

/// What is left of a key's requests of this second.
pub(super) struct Bucket {
    n_left: f64,
    at: Instant,
}

/// The body of a request that may be answered.
pub(super) async fn admitted(
    server: &Server,
    parts: &Parts,
    route: &Result<Route<'_>, Refusal>,
    n_predicting: u32,
    body: Body,
) -> Result<Bytes, Refusal> {
    let route = route.as_ref().map_err(Clone::clone)?;
    let keys = server.state.keys();
    let key = keys.admit(bearer(parts), route, now_ms())?;
    let is_open = keys.keys.is_empty();
    if matches!(route.action, Action::Load | Action::Unload) && !is_of_no_other_site(parts, is_open) {
        return Err(other_site());
    }
    if server.state.is_draining.load(Ordering::Relaxed) && !matches!(route.action, Action::Live) {
        return Err(Refusal::new(Exception::ModelNotReady, "the server is ending: ask another"));
    }
    let options = &server.options;
    if route.predicts() {
        if n_predicting > options.max_in_flight {
            let message =
                format!("{n_predicting} predictions are under way, at most {} are taken", options.max_in_flight);
            return Err(Refusal::new(Exception::ConcurrencyLimit, message));
        }
        server.limit_rate(key)?;
    }
    let too_large = || {
        let message = format!("the body has more than {} bytes: send fewer rows at once", options.max_body);
        Refusal::new(Exception::TooLarge, message)
    };
    match tokio::time::timeout(options.timeout, read(body, options.max_body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::invalid(format!("the body ended too early: {error}"))),
        Err(_) => Err(server.timed_out()),
    }
}

/// A body, or nothing if it is too large. What is too much is read on for a while and thrown away: a caller that is still
/// sending when the connection closes never sees the answer.
pub(super) async fn read(mut body: Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
    const PATIENCE: usize = 8;
    let mut kept = Vec::new();
    let mut n_bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        n_bytes += piece.len();
        if n_bytes <= max {
            kept.extend_from_slice(&piece);
        } else if n_bytes > max.saturating_mul(PATIENCE) {
            break;
        }
    }
    Ok((n_bytes <= max).then(|| kept.into()))
}

pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    header("authorization").and_then(|value| value.strip_prefix("Bearer ")).or_else(|| header("x-api-key"))
}

impl Server {
    pub(super) fn timed_out(&self) -> Refusal {
        let message = format!("there was no answer within {} ms", self.options.timeout.as_millis());
        Refusal::new(Exception::Timeout, message)
    }

    /// A bucket that holds a second's requests, and is filled as time goes by.
    fn limit_rate(&self, key: Option<&Key>) -> Result<(), Refusal> {
        let Some((key, per_second)) = key.and_then(|key| Some((key, key.per_second?))) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // A key that may send one in a minute may send its first at once.
        let most = per_second.max(1.0);
        let bucket = buckets.entry(key.id.clone()).or_insert(Bucket { n_left: most, at: now });
        bucket.n_left = (bucket.n_left + per_second * (now - bucket.at).as_secs_f64()).min(most);
        bucket.at = now;
        if bucket.n_left < 1.0 {
            let message = format!("the key {} may send {per_second} requests a second", key.id);
            return Err(Refusal::new(Exception::RateLimit, message));
        }
        bucket.n_left -= 1.0;
        Ok(())
    }
}
