//! Requests at a steady rate, good and faulty ones, and how they were answered.

mod rows;
mod shots;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::http::request::Builder;
use hyper::client::conn::http1::SendRequest;
use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use self::shots::Fault;
use self::shots::Shots;
use crate::client::{Target, send};

/// Named columns of values, all equally long.
pub type Columns = Vec<(String, Vec<Json>)>;

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Load {
    /// The address of an endpoint: `http://127.0.0.1:8081/v2/models/churn`, or with `https`.
    pub endpoint: String,
    /// Requests a second; none for as many as are answered.
    pub rate: Option<f64>,
    /// How long.
    pub duration: Duration,
    /// Connections that are kept open.
    pub n_connections: usize,
    /// Rows of each request.
    pub n_rows: usize,
    /// Rows to choose from, column by column; without them they are drawn from what the model's package says of its
    /// training rows, or, where that is not told, are the example.
    pub rows: Option<Columns>,
    /// Columns whose numbers are moved by so many standard deviations in every request.
    pub shifts: Vec<(String, f64)>,
    /// Columns that are left out of every request.
    pub breaks: Vec<String>,
    /// Sent as a bearer token.
    pub key: Option<String>,
    /// Shares of requests that are faulty, each from 0 to 1.
    pub faults: Vec<(Fault, f64)>,
}

/// How requests were answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Answers by status; 0 for those that never came.
    pub statuses: BTreeMap<u16, u64>,
    /// From the first to the last, in seconds.
    pub seconds: f64,
    /// Answers a second.
    pub rate: f64,
    /// Response times in milliseconds, from when a request was due: one that waits behind a slow one counts its wait.
    pub p50_ms: f64,
    /// 95 of 100 are at most so slow.
    pub p95_ms: f64,
    /// 99 of 100 are at most so slow.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Sends requests and waits for their answers.
///
/// # Errors
/// The endpoint cannot be reached, or does not describe itself.
pub fn load(load: &Load) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.context("no requests can be sent")?.block_on(run(load))
}

async fn run(load: &Load) -> Result<Outcome> {
    let target = Target::read(&load.endpoint)?;
    let path = target.path.trim_end_matches('/').to_owned();
    let mut first = target.connect().await?;
    let docs = ask(&mut first, load, &target.host, "GET", &format!("{path}/docs/dataplane.json"), Bytes::new()).await?;
    let pointer = format!(
        "/paths/{}/post/requestBody/content/application~1json/example",
        format!("{path}/infer").replace('/', "~1")
    );
    let docs: Json = serde_json::from_slice(&docs.1).unwrap_or_default();
    let Some(sample) = docs.pointer(&pointer) else {
        bail!("{} does not describe itself: is it an endpoint's address?", load.endpoint);
    };
    let columns: Columns = sample["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|input| (input["name"].as_str().unwrap_or_default().to_owned(), input["data"].as_array().cloned()))
        .map(|(name, data)| (name, data.unwrap_or_default()))
        .collect();
    let rows = match &load.rows {
        Some(rows) => rows::chosen(&columns, rows)?,
        None => match rows::header(&mut first, load, &target.host, &path).await {
            Some(header) => rows::drawn(&columns, &header),
            None => columns,
        },
    };
    let shots = Arc::new(Shots::new(sample, &path, rows, load)?);
    let seen = Arc::new(Mutex::new((BTreeMap::new(), Vec::new())));
    let start = Instant::now();
    let mut senders = Vec::new();
    for clock in clocks(load, start) {
        let (load, target, shots, seen) = (load.clone(), target.clone(), Arc::clone(&shots), Arc::clone(&seen));
        senders.push(tokio::spawn(async move { fire(clock, &load, &target, &shots, &seen).await }));
    }
    for sender in senders {
        sender.await.context("a connection failed")?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let (statuses, mut times): (BTreeMap<u16, u64>, Vec<f64>) =
        std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    times.sort_by(f64::total_cmp);
    let quantile = |q: f64| times.get(((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1)));
    let ms = |q: f64| quantile(q).copied().unwrap_or_default() * 1e3;
    Ok(Outcome {
        seconds,
        rate: times.len() as f64 / seconds,
        p50_ms: ms(0.5),
        p95_ms: ms(0.95),
        p99_ms: ms(0.99),
        max_ms: ms(1.0),
        statuses,
    })
}

type Answers = Mutex<(BTreeMap<u16, u64>, Vec<f64>)>;

/// Says which request of a connection is next, and when it is due.
enum Clock {
    /// Each in its time.
    Steady(UnboundedReceiver<(u64, Instant)>),
    /// The next at once.
    Unlimited { next: u64, step: u64, end: Instant },
}

impl Clock {
    /// None if it is over.
    async fn next(&mut self) -> Option<(u64, Instant)> {
        match self {
            Self::Steady(due) => due.recv().await,
            Self::Unlimited { next, step, end } => {
                let (number, now) = (*next, Instant::now());
                *next += *step;
                (now < *end).then_some((number, now))
            }
        }
    }
}

/// A clock for each connection. The timers of the runtime are good to a millisecond, which is longer than an answer takes:
/// a thread of its own sleeps until each request is due.
fn clocks(load: &Load, start: Instant) -> Vec<Clock> {
    let n = load.n_connections as u64;
    let Some(rate) = load.rate else {
        return (0..n).map(|next| Clock::Unlimited { next, step: n, end: start + load.duration }).collect();
    };
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..n).map(|_| unbounded_channel()).unzip();
    let duration = load.duration;
    std::thread::spawn(move || {
        for number in 0_u64.. {
            let after = Duration::from_secs_f64(number as f64 / rate);
            let due = start + after;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let is_over = after >= duration;
            if is_over || senders[(number % n) as usize].send((number, due)).is_err() {
                return;
            }
        }
    });
    receivers.into_iter().map(Clock::Steady).collect()
}

/// Sends the requests of one connection, each when it is due.
async fn fire(mut clock: Clock, load: &Load, target: &Target, shots: &Shots, seen: &Answers) {
    let mut connection = None;
    while let Some((number, due)) = clock.next().await {
        if connection.is_none() {
            connection = target.connect().await.ok();
        }
        let shot = shots.choose(number, &load.faults);
        let answer = match &mut connection {
            Some(connection) => shot.send(connection, load, &target.host).await.ok(),
            None => None,
        };
        if answer.is_none() {
            connection = None;
        }
        let status = answer.map_or(0, |(status, _)| status);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.0.entry(status).or_default() += 1;
        seen.1.push(due.elapsed().as_secs_f64());
    }
}

async fn ask(
    connection: &mut SendRequest<Body>,
    load: &Load,
    host: &str,
    method: &str,
    path: &str,
    body: Bytes,
) -> Result<(u16, Bytes)> {
    send(connection, request(load, host, method, path).body(Body::from(body))?).await
}

fn request(load: &Load, host: &str, method: &str, path: &str) -> Builder {
    let request = Request::builder().method(method).uri(path).header("host", host);
    match &load.key {
        Some(key) => request.header("authorization", format!("Bearer {key}")),
        None => request,
    }
}
