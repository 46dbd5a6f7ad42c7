//! Bodies that are ready to be sent, good and faulty ones.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context as Waker, Poll, ready};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use hyper::client::conn::http1::SendRequest;
use monitor::FAULT_HEADER;
use serde_json::{Value as Json, json};
use tokio::time::{Sleep, sleep};

use super::{Columns, Load, request};
use crate::client::send;

/// At most so many different bodies are sent, one after another and again.
const N_BODIES: usize = 256;
/// How long a slow request pauses in the middle of its body.
const PAUSE: Duration = Duration::from_millis(200);

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A column is left out.
    MissingColumn,
    /// A number is sent as text.
    WrongType,
    /// A category that training did not see: a warning.
    UnknownCategory,
    /// A number that is far beyond training: a warning, and with some models no finite answer.
    HugeNumber,
    /// The body is cut off.
    InvalidJson,
    /// The body is said to be something else.
    UnsupportedMedia,
    /// A model is asked for that is not there.
    UnknownModel,
    /// The body comes slowly: nothing fails, and response times show it.
    Slow,
    /// Numbers are half as large again: nothing fails, and drift shows.
    CovariateShift,
    /// The host is asked to answer late.
    Late,
    /// The host is asked to let the model fail: the answer is a 500.
    Panic,
}

impl Fault {
    /// Every one, with its name on the command line.
    pub const ALL: [(&'static str, Self); 11] = [
        ("missing-column", Self::MissingColumn),
        ("wrong-type", Self::WrongType),
        ("unknown-category", Self::UnknownCategory),
        ("huge-number", Self::HugeNumber),
        ("invalid-json", Self::InvalidJson),
        ("unsupported-media", Self::UnsupportedMedia),
        ("unknown-model", Self::UnknownModel),
        ("slow", Self::Slow),
        ("covariate-shift", Self::CovariateShift),
        ("late", Self::Late),
        ("panic", Self::Panic),
    ];

    /// Spoils a request, if it has such a column.
    fn spoil(self, inputs: &mut Vec<Json>) {
        let number = |inputs: &mut Vec<Json>, value: Json| {
            if let Some(input) = inputs.iter_mut().find(|input| is_number(input)) {
                input["data"][0] = value;
            }
        };
        match self {
            Self::MissingColumn => _ = inputs.pop(),
            Self::WrongType => number(inputs, "many".into()),
            Self::HugeNumber => number(inputs, json!(i64::MAX)),
            Self::UnknownCategory => {
                if let Some(input) = inputs.iter_mut().find(|input| input["datatype"] == "BYTES") {
                    input["data"][0] = "never seen".into();
                }
            }
            Self::CovariateShift => {
                for input in inputs.iter_mut().filter(|input| is_number(input)) {
                    for value in input["data"].as_array_mut().into_iter().flatten() {
                        *value = changed(value, |x| x * 1.5);
                    }
                }
            }
            Self::InvalidJson | Self::UnsupportedMedia | Self::UnknownModel | Self::Slow | Self::Late | Self::Panic => {
            }
        }
    }

    /// What it asks of the host.
    fn asked_of_host(self) -> Option<&'static str> {
        match self {
            Self::Late => monitor::Fault::Late.asked_of_host(),
            Self::Panic => monitor::Fault::Panic.asked_of_host(),
            Self::MissingColumn
            | Self::WrongType
            | Self::UnknownCategory
            | Self::HugeNumber
            | Self::InvalidJson
            | Self::UnsupportedMedia
            | Self::UnknownModel
            | Self::Slow
            | Self::CovariateShift => None,
        }
    }
}

fn is_number(input: &Json) -> bool {
    matches!(input["datatype"].as_str(), Some("FP64" | "INT64"))
}

/// A number that stays whole if it was; anything else stays as it is.
fn changed(value: &Json, change: impl Fn(f64) -> f64) -> Json {
    match value.as_f64() {
        Some(x) if value.is_i64() => json!(change(x).round() as i64),
        Some(x) => json!(change(x)),
        None => value.clone(),
    }
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Shot {
    path: String,
    content_type: &'static str,
    body: Bytes,
    is_slow: bool,
    asked_of_host: Option<&'static str>,
}

impl Shot {
    /// Sends it, and waits for the answer.
    pub async fn send(&self, connection: &mut SendRequest<Body>, load: &Load, host: &str) -> Result<(u16, Bytes)> {
        let mut request = request(load, host, "POST", &self.path).header("content-type", self.content_type);
        if let Some(asked) = self.asked_of_host {
            request = request.header(FAULT_HEADER, asked);
        }
        let body = if self.is_slow { Body::new(Slow::new(self.body.clone())) } else { Body::from(self.body.clone()) };
        send(connection, request.body(body)?).await
    }
}

/// Good requests, and some of each fault.
#[derive(Debug)]
pub(super) struct Shots {
    good: Vec<Shot>,
    faulty: BTreeMap<Fault, Vec<Shot>>,
}

impl Shots {
    /// From a request of one row, which says what columns are called and how they are sent, and the rows to send.
    pub fn new(sample: &Json, path: &str, mut rows: Columns, load: &Load) -> Result<Self> {
        for (column, deviations) in &load.shifts {
            let found = rows.iter_mut().find(|(name, _)| name == column);
            let (_, values) = found.with_context(|| format!("--shift: the model looks at no column {column:?}"))?;
            shift(values, *deviations).with_context(|| format!("--shift: the column {column:?} has no numbers"))?;
        }
        for column in &load.breaks {
            let before = rows.len();
            rows.retain(|(name, _)| name != column);
            if rows.len() == before {
                bail!("--break: the model looks at no column {column:?}");
            }
        }
        let n_rows = rows.first().map_or(0, |(_, values)| values.len());
        let n_bodies = n_rows.div_ceil(load.n_rows.max(1)).clamp(1, N_BODIES);
        let bodies: Vec<Vec<Json>> =
            (0..n_bodies).map(|at| body(sample, &rows, at * load.n_rows, load.n_rows)).collect();
        let shots = |fault: Option<Fault>| bodies.iter().map(|inputs| shot(path, inputs.clone(), fault)).collect();
        let faulty = load.faults.iter().map(|(fault, _)| (*fault, shots(Some(*fault)))).collect();
        Ok(Self { good: shots(None), faulty })
    }

    /// Faults are spread evenly, and alike in every run.
    pub fn choose(&self, number: u64, faults: &[(Fault, f64)]) -> &Shot {
        // The golden ratio's multiples fall evenly between 0 and 1.
        let mut place = (number as f64 * 0.618_033_988_749_894_9).fract();
        let mut shots = &self.good;
        for (fault, share) in faults {
            if place < *share {
                shots = &self.faulty[fault];
                break;
            }
            place -= share;
        }
        &shots[number as usize % shots.len()]
    }
}

/// Moves numbers by standard deviations of theirs; none if there are none.
fn shift(values: &mut [Json], deviations: f64) -> Option<()> {
    let numbers: Vec<f64> = values.iter().filter_map(Json::as_f64).collect();
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    let by = deviations * variance.sqrt();
    values.iter_mut().for_each(|value| *value = changed(value, |x| x + by));
    (!numbers.is_empty()).then_some(())
}

/// The inputs of a request of some rows, from a row on, beginning anew where they end.
fn body(sample: &Json, rows: &Columns, from: usize, n_rows: usize) -> Vec<Json> {
    let input = |(name, values): &(String, Vec<Json>)| {
        let sent = sample["inputs"].as_array().into_iter().flatten().find(|input| input["name"] == name.as_str());
        let datatype = sent.map_or(&Json::Null, |input| &input["datatype"]);
        let data: Vec<&Json> = (from..from + n_rows).map(|at| &values[at % values.len()]).collect();
        json!({ "name": name, "datatype": datatype, "shape": [n_rows], "data": data })
    };
    rows.iter().filter(|(_, values)| !values.is_empty()).map(input).collect()
}

fn shot(path: &str, mut inputs: Vec<Json>, fault: Option<Fault>) -> Shot {
    if let Some(fault) = fault {
        fault.spoil(&mut inputs);
    }
    let mut text = json!({ "inputs": inputs }).to_string();
    if fault == Some(Fault::InvalidJson) {
        // Within the name of its first column, so that no character is cut.
        text.truncate("{\"inputs".len());
    }
    let elsewhere = if fault == Some(Fault::UnknownModel) { "-that-is-not-there" } else { "" };
    Shot {
        path: format!("{path}{elsewhere}/infer"),
        content_type: if fault == Some(Fault::UnsupportedMedia) { "text/xml" } else { "application/json" },
        body: text.into(),
        is_slow: fault == Some(Fault::Slow),
        asked_of_host: fault.and_then(Fault::asked_of_host),
    }
}

/// A body that pauses in its middle.
struct Slow {
    pieces: Vec<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl Slow {
    fn new(mut body: Bytes) -> Self {
        let first = body.split_to(body.len() / 2);
        Self { pieces: vec![body, first], pause: Box::pin(sleep(PAUSE)) }
    }
}

impl HttpBody for Slow {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.pieces.len() == 1 {
            ready!(self.pause.as_mut().poll(waker));
        }
        Poll::Ready(self.pieces.pop().map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Json {
        json!({ "inputs": [
            { "name": "age", "shape": [1], "datatype": "INT64", "data": [40] },
            { "name": "plan", "shape": [1], "datatype": "BYTES", "data": ["a"] },
        ] })
    }

    fn shots(faults: &[(Fault, f64)], shifts: &[(&str, f64)], breaks: &[&str]) -> Result<Shots> {
        let load = Load {
            endpoint: String::new(),
            rate: None,
            duration: Duration::ZERO,
            n_connections: 1,
            n_rows: 2,
            rows: None,
            shifts: shifts.iter().map(|(column, by)| ((*column).to_owned(), *by)).collect(),
            breaks: breaks.iter().map(|column| (*column).to_owned()).collect(),
            key: None,
            faults: faults.to_vec(),
        };
        let rows = vec![
            ("age".to_owned(), vec![json!(40), json!(50), json!(60)]),
            ("plan".to_owned(), ["a", "b", "c"].map(Json::from).to_vec()),
        ];
        Shots::new(&sample(), "/v2/models/churn", rows, &load)
    }

    fn inputs(shot: &Shot) -> Option<Json> {
        serde_json::from_slice::<Json>(&shot.body).ok().map(|mut body| body["inputs"].take())
    }

    #[test]
    fn rows_are_sent_one_after_another_and_again() {
        let shots = shots(&[], &[], &[]).expect("they fit");
        let ages = |number| inputs(shots.choose(number, &[])).expect("it is whole")[0]["data"].clone();
        assert_eq!([ages(0), ages(1), ages(2)], [json!([40, 50]), json!([60, 40]), json!([40, 50])]);
    }

    #[test]
    fn faults_have_their_shares_and_break_what_they_say() {
        let faults = [(Fault::WrongType, 0.1), (Fault::MissingColumn, 0.05), (Fault::InvalidJson, 0.01)];
        let shots = shots(&faults, &[], &[]).expect("they fit");
        let of = |fault| inputs(&shots.faulty[&fault][0]);
        assert_eq!(of(Fault::MissingColumn).expect("it is whole").as_array().map(Vec::len), Some(1));
        assert_eq!(of(Fault::WrongType).expect("it is whole")[0]["data"], json!(["many", 50]));
        assert_eq!(of(Fault::InvalidJson), None);
        for (fault, share) in faults {
            let is_such = |number: &u64| {
                let shot: *const Shot = shots.choose(*number, &faults);
                shots.faulty[&fault].iter().any(|such| std::ptr::eq(such, shot))
            };
            let n = (0..10_000).filter(is_such).count();
            assert!(n.abs_diff((share * 10_000.0) as usize) <= 5, "{n} of {fault:?}");
        }
    }

    #[test]
    fn columns_are_moved_and_left_out_in_every_request() {
        let moved = shots(&[], &[("age", 2.0)], &["plan"]).expect("they fit");
        let inputs = inputs(&moved.good[0]).expect("it is whole");
        assert_eq!((inputs.as_array().map(Vec::len), &inputs[0]["data"]), (Some(1), &json!([60, 70])));
        let error = |shifts: &[(&str, f64)], breaks: &[&str]| shots(&[], shifts, breaks).expect_err("no").to_string();
        assert_eq!(error(&[("size", 1.0)], &[]), "--shift: the model looks at no column \"size\"");
        assert_eq!(error(&[("plan", 1.0)], &[]), "--shift: the column \"plan\" has no numbers");
        assert_eq!(error(&[], &["size"]), "--break: the model looks at no column \"size\"");
    }
}
