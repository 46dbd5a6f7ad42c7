//! Requests at a steady rate, good and faulty ones, and how they were answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes};
use axum::http::Request;
use hyper::client::conn::http1::SendRequest;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::client::{Target, connect, send};

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Load {
    /// The address of an endpoint: `http://127.0.0.1:8081/v2/models/churn`.
    pub endpoint: String,
    /// Requests a second; none for as many as are answered.
    pub rate: Option<f64>,
    /// How long.
    pub duration: Duration,
    /// Connections that are kept open.
    pub n_connections: usize,
    /// Rows of each request.
    pub n_rows: usize,
    /// Sent as a bearer token.
    pub key: Option<String>,
    /// Shares of requests that are faulty, each from 0 to 1.
    pub faults: Vec<(Fault, f64)>,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A column is left out.
    MissingColumn,
    /// A number is sent as text.
    WrongType,
    /// The body is cut off.
    InvalidJson,
    /// A model is asked for that is not there.
    UnknownModel,
    /// Numbers are half as large again: nothing fails, and drift shows.
    CovariateShift,
}

impl Fault {
    /// Every one, with its name on the command line.
    pub const ALL: [(&'static str, Self); 5] = [
        ("missing-column", Self::MissingColumn),
        ("wrong-type", Self::WrongType),
        ("invalid-json", Self::InvalidJson),
        ("unknown-model", Self::UnknownModel),
        ("covariate-shift", Self::CovariateShift),
    ];
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

/// A request that is ready to be sent.
struct Shot {
    path: String,
    body: Bytes,
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
    let Target { host, path } = Target::read(&load.endpoint)?;
    let path = path.trim_end_matches('/').to_owned();
    let mut first = connect(&host).await?;
    let docs = ask(&mut first, load, &host, "GET", &format!("{path}/docs/dataplane.json"), Bytes::new()).await?;
    let pointer = format!(
        "/paths/{}/post/requestBody/content/application~1json/example",
        format!("{path}/infer").replace('/', "~1")
    );
    let docs: Json = serde_json::from_slice(&docs.1).unwrap_or_default();
    let Some(sample) = docs.pointer(&pointer) else {
        bail!("{} does not describe itself: is it an endpoint's address?", load.endpoint);
    };
    let shots = Arc::new(shots(sample, &path, load.n_rows));
    let seen = Arc::new(Mutex::new((BTreeMap::new(), Vec::new())));
    let start = Instant::now();
    let mut senders = Vec::new();
    for at in 0..load.n_connections {
        let (load, host, shots, seen) = (load.clone(), host.clone(), Arc::clone(&shots), Arc::clone(&seen));
        senders.push(tokio::spawn(async move { fire(at, start, &load, &host, &shots, &seen).await }));
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

/// Sends the requests of one connection, each when it is due.
async fn fire(at: usize, start: Instant, load: &Load, host: &str, shots: &Shots, seen: &Answers) {
    let n = load.n_connections;
    let mut connection = None;
    for round in 0_u64.. {
        let number = round * n as u64 + at as u64;
        let due = match load.rate {
            Some(rate) => start + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        if due.duration_since(start) >= load.duration {
            return;
        }
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        if connection.is_none() {
            connection = connect(host).await.ok();
        }
        let shot = shots.choose(number, &load.faults);
        let answer = match &mut connection {
            Some(connection) => ask(connection, load, host, "POST", &shot.path, shot.body.clone()).await.ok(),
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
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    if let Some(key) = &load.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    send(connection, request.header("content-type", "application/json").body(Body::from(body))?).await
}

/// A good request, and one of each fault.
struct Shots {
    good: Shot,
    faulty: BTreeMap<Fault, Shot>,
}

fn shots(sample: &Json, path: &str, n_rows: usize) -> Shots {
    let infer = format!("{path}/infer");
    let shot = |path: &str, body: String| Shot { path: path.to_owned(), body: Bytes::from(body) };
    let mut good = sample.clone();
    for input in inputs(&mut good) {
        let value = input["data"][0].clone();
        input["shape"] = json!([n_rows]);
        input["data"] = vec![value; n_rows].into();
    }
    let changed = |change: &dyn Fn(&mut Vec<Json>)| {
        let mut body = good.clone();
        if let Some(inputs) = body["inputs"].as_array_mut() {
            change(inputs);
        }
        body.to_string()
    };
    let is_number = |input: &Json| input["data"][0].is_number();
    let wrong = changed(&|inputs| {
        if let Some(input) = inputs.iter_mut().find(|input| is_number(input)) {
            input["data"][0] = "many".into();
        }
    });
    let shifted = changed(&|inputs| {
        for input in inputs.iter_mut().filter(|input| is_number(input)) {
            let is_whole = input["data"][0].is_i64();
            for value in input["data"].as_array_mut().into_iter().flatten() {
                let larger = value.as_f64().unwrap_or_default() * 1.5;
                *value = if is_whole { json!(larger as i64) } else { json!(larger) };
            }
        }
    });
    let whole = good.to_string();
    let elsewhere = format!("{}-that-is-not-there/infer", path);
    let faulty = [
        (Fault::MissingColumn, shot(&infer, changed(&|inputs| _ = inputs.pop()))),
        (Fault::WrongType, shot(&infer, wrong)),
        (Fault::InvalidJson, shot(&infer, whole[..whole.len() / 2].to_owned())),
        (Fault::UnknownModel, shot(&elsewhere, whole.clone())),
        (Fault::CovariateShift, shot(&infer, shifted)),
    ];
    Shots { good: shot(&infer, whole), faulty: faulty.into() }
}

fn inputs(body: &mut Json) -> impl Iterator<Item = &mut Json> {
    body["inputs"].as_array_mut().into_iter().flatten()
}

impl Shots {
    /// Faults are spread evenly, and alike in every run.
    fn choose(&self, number: u64, faults: &[(Fault, f64)]) -> &Shot {
        // The golden ratio's multiples fall evenly between 0 and 1.
        let mut place = (number as f64 * 0.618_033_988_749_894_9).fract();
        for (fault, share) in faults {
            if place < *share {
                return &self.faulty[fault];
            }
            place -= share;
        }
        &self.good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_their_shares_and_break_what_they_say() {
        let sample = json!({ "inputs": [
            { "name": "age", "shape": [1], "datatype": "INT64", "data": [40] },
            { "name": "plan", "shape": [1], "datatype": "BYTES", "data": ["a"] },
        ] });
        let shots = shots(&sample, "/v2/models/churn", 2);
        let body = |shot: &Shot| serde_json::from_slice::<Json>(&shot.body).ok();
        assert_eq!(body(&shots.good).expect("it is whole")["inputs"][0]["data"], json!([40, 40]));
        let of = |fault| body(&shots.faulty[&fault]);
        assert_eq!(of(Fault::MissingColumn).expect("it is whole")["inputs"].as_array().map(Vec::len), Some(1));
        assert_eq!(of(Fault::WrongType).expect("it is whole")["inputs"][0]["data"], json!(["many", 40]));
        assert_eq!(of(Fault::CovariateShift).expect("it is whole")["inputs"][0]["data"], json!([60, 60]));
        assert_eq!(of(Fault::InvalidJson), None);
        let faults = [(Fault::WrongType, 0.1), (Fault::MissingColumn, 0.05)];
        let n = |fault| {
            let shot = &shots.faulty[&fault];
            (0..10_000).filter(|number| std::ptr::eq(shots.choose(*number, &faults), shot)).count()
        };
        assert!(n(Fault::WrongType).abs_diff(1_000) <= 5, "{}", n(Fault::WrongType));
        assert!(n(Fault::MissingColumn).abs_diff(500) <= 5, "{}", n(Fault::MissingColumn));
    }
}
