//! What is asked of a host about its past, under `/v2/monitor`: the same answers from every host.

use std::collections::BTreeMap;

use monitor::drift::{Recipe, Report, Slices};
use monitor::{ExceptionEvent, Performance, PerformanceRecord, Record, RequestEvent, Served};
use registry::{ColumnReference, Event, Name, Shape};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{Answer, Disagreement, Refusal, Service, alerts};

/// What a host remembers.
pub trait Past {
    /// The minutes that were counted, the one under way included.
    fn minutes(&self) -> Vec<Record>;
    /// Those of them that end after a moment, and older ones than `minutes` gives where a host keeps them elsewhere.
    fn minutes_since(&self, since_ms: u64) -> Vec<Record> {
        let mut minutes = self.minutes();
        minutes.retain(|record| (record.key.minute + 1) * 60_000 > since_ms);
        minutes
    }
    /// The last exceptions, oldest first.
    fn exceptions(&self) -> Vec<ExceptionEvent>;
    /// The last requests to predict, oldest first.
    fn requests(&self) -> Vec<RequestEvent>;
    /// Who changed what, oldest first.
    ///
    /// # Errors
    /// The log cannot be read.
    fn events(&self) -> Result<Vec<Event>, String>;
    /// What rows looked like, the slice under way included.
    fn slices(&self) -> Slices;
    /// How good predictions turned out to be.
    fn performance(&self) -> Vec<PerformanceRecord> {
        Vec::new()
    }
    /// Now, in milliseconds since 1970.
    fn now_ms(&self) -> u64;
    /// What mirrors say otherwise.
    fn mirrored(&self) -> Vec<Mirrored>;
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// `minutes`.
    Minutes,
    /// `exceptions`.
    Exceptions,
    /// `requests`.
    Requests,
    /// `events`.
    Events,
    /// `drift`.
    Drift,
    /// `disagreements`.
    Disagreements,
    /// `alerts`.
    Alerts,
    /// `performance`.
    Performance,
}

/// A question about the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitoring {
    /// What is asked for.
    pub topic: Topic,
    /// From when on, in milliseconds since 1970.
    pub since_ms: u64,
}

/// How a mirror differs from what it mirrors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mirrored {
    /// The endpoint.
    pub endpoint: Name,
    /// Whose requests were copied.
    pub live: Name,
    /// Who saw the copies.
    pub mirror: Name,
    /// How they differ.
    pub counts: Apart,
}

/// How often and how far two deployments differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// Requests that both answered.
    pub n_requests: u64,
    /// Rows that both predicted.
    pub n_rows: u64,
    /// Rows for which they name another class.
    pub n_labels: u64,
    /// The largest difference of a probability, or of a number.
    pub max_difference: f64,
    /// Rows by the largest difference of their probabilities: below 0.1, below 0.2, and so on.
    #[serde(default)]
    pub n_by_tenth: [u64; 10],
    /// Requests that only the live deployment could answer.
    pub n_failed: u64,
}

impl Apart {
    /// Counts all that the other counted.
    pub fn merge(&mut self, other: &Self) {
        self.n_requests += other.n_requests;
        self.n_rows += other.n_rows;
        self.n_labels += other.n_labels;
        self.max_difference = self.max_difference.max(other.max_difference);
        self.count_tenths(&other.n_by_tenth);
        self.n_failed += other.n_failed;
    }

    fn count_tenths(&mut self, n_by_tenth: &[u64; 10]) {
        self.n_by_tenth.iter_mut().zip(n_by_tenth).for_each(|(sum, n)| *sum += n);
    }

    /// Counts a request that the live deployment answered; none if the mirror did not.
    pub fn see(&mut self, disagreement: Option<Disagreement>) {
        match disagreement {
            Some(Disagreement { n_rows, n_labels, max_difference, n_by_tenth }) => {
                self.n_requests += 1;
                self.n_rows += n_rows;
                self.n_labels += n_labels;
                self.max_difference = self.max_difference.max(max_difference);
                self.count_tenths(&n_by_tenth);
            }
            None => self.n_failed += 1,
        }
    }
}

/// How the rows of a deployment differ from those that its model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DriftReport {
    /// Who answered.
    pub served: Served,
    /// From when on rows are in it, in milliseconds since 1970: to ten minutes, and of older ones to an hour.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
    /// Rows that were predicted.
    pub n_predicted: u64,
    /// Those of them that were looked at: of a large request at most 1,000, spread evenly.
    pub n_rows: u64,
    /// What makes a verdict, in words.
    pub recipe: &'static str,
    /// The verdicts and figures.
    pub report: Report,
    /// The values behind them: the columns of the model, in order, and last what it predicts.
    pub spreads: Vec<Spread>,
}

/// How the values of a column are spread, in training and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The column.
    pub name: String,
    /// The inner edges of the bins, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edges: Option<Vec<f64>>,
    /// The categories; one more than them is counted, for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Values in training.
    pub expected: Vec<u64>,
    /// Values now.
    pub found: Vec<u64>,
}

impl Topic {
    const ALL: [(&'static str, Self); 8] = [
        ("minutes", Self::Minutes),
        ("exceptions", Self::Exceptions),
        ("requests", Self::Requests),
        ("events", Self::Events),
        ("drift", Self::Drift),
        ("disagreements", Self::Disagreements),
        ("alerts", Self::Alerts),
        ("performance", Self::Performance),
    ];
}

impl Monitoring {
    /// Reads an address and its query; none if it is not about the past.
    pub fn of(method: &str, path: &str, query: &str) -> Option<Result<Self, Refusal>> {
        let asked = path.strip_prefix("/v2/monitor/")?;
        Some(Self::read(method, asked, query))
    }

    fn read(method: &str, asked: &str, query: &str) -> Result<Self, Refusal> {
        let Some((_, topic)) = Topic::ALL.into_iter().find(|(name, _)| *name == asked) else {
            let names = Topic::ALL.map(|(name, _)| name);
            let message = format!("there is nothing at this address; /v2/monitor has {}", names.join(", "));
            return Err(Refusal::uncounted("request.not_found", 404, message));
        };
        if !matches!(method, "GET" | "HEAD") {
            let message = format!("/v2/monitor/{asked} takes GET, not {}", crate::json::brief_text(method));
            return Err(Refusal::uncounted("request.method_not_allowed", 405, message));
        }
        let since = query.split('&').find_map(|pair| pair.strip_prefix("since="));
        let since_ms = since.map_or(Ok(0), str::parse).map_err(|_| {
            let found = crate::json::brief_text(since.unwrap_or_default());
            let message = format!("since is {found}, expected milliseconds since 1970");
            Refusal::uncounted("request.invalid_query", 400, message)
        })?;
        Ok(Self { topic, since_ms })
    }

    /// The answer.
    pub fn answer(self, service: &Service, past: &dyn Past) -> Answer {
        let since = self.since_ms;
        let body: Json = match self.topic {
            Topic::Minutes => json!(past.minutes_since(since)),
            Topic::Exceptions => {
                json!(past.exceptions().into_iter().filter(|event| event.at_ms >= since).collect::<Vec<_>>())
            }
            Topic::Requests => {
                json!(past.requests().into_iter().filter(|event| event.at_ms >= since).collect::<Vec<_>>())
            }
            Topic::Events => match past.events() {
                Ok(events) => json!(events.into_iter().filter(|event| event.at >= since).collect::<Vec<_>>()),
                Err(why) => return Refusal::uncounted("request.failed", 500, why).answer(),
            },
            Topic::Drift => json!(drift(&past.slices(), since, service)),
            Topic::Disagreements => json!(past.mirrored()),
            Topic::Performance => json!(reports(past.performance(), since)),
            Topic::Alerts => json!(alerts(service, past)),
        };
        Answer::json(200, &body)
    }
}

/// How good the predictions of a deployment turned out to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PerformanceReport {
    /// Who predicted.
    pub served: Served,
    /// All of them.
    pub total: Performance,
    /// `accuracy`, or `mean_absolute_error` and `root_mean_squared_error`.
    pub figures: BTreeMap<&'static str, f64>,
    /// By the minute in which they were made.
    pub minutes: Vec<(u64, Performance)>,
}

/// The predictions since a moment, by who made them.
fn reports(records: Vec<PerformanceRecord>, since_ms: u64) -> Vec<PerformanceReport> {
    let mut minutes: BTreeMap<Served, BTreeMap<u64, Performance>> = BTreeMap::new();
    for PerformanceRecord { key, counts } in records {
        if (key.minute + 1) * 60_000 > since_ms {
            minutes.entry(key.served).or_default().entry(key.minute).or_default().merge(&counts);
        }
    }
    let report = |(served, minutes): (Served, BTreeMap<u64, Performance>)| {
        let mut total = Performance::default();
        minutes.values().for_each(|counts| total.merge(counts));
        let figures = total.figures().into_iter().collect();
        PerformanceReport { served, total, figures, minutes: minutes.into_iter().collect() }
    };
    minutes.into_iter().map(report).collect()
}

/// Compares what came in since a moment with what models were trained on. What is no longer served is left out.
pub fn drift(slices: &Slices, since_ms: u64, service: &Service) -> Vec<DriftReport> {
    let spans = slices.since(since_ms).into_iter();
    let reports = spans.filter_map(|((served, package), span)| {
        let reference = &service.scorers().get(&package)?.header.reference;
        let window = &span.slice.window;
        let columns = reference.inputs.iter().zip(&window.inputs);
        let columns = columns.chain(reference.prediction.iter().zip(&window.prediction));
        Some(DriftReport {
            served,
            from_ms: span.from * 60_000,
            to_ms: span.to * 60_000,
            n_predicted: span.slice.n_predicted,
            n_rows: span.slice.n_rows,
            recipe: Recipe::default().name(),
            report: Report::of(reference, window, Recipe::default()),
            spreads: columns.map(|(reference, window)| spread(reference, &window.counts)).collect(),
        })
    });
    reports.collect()
}

fn spread(reference: &ColumnReference, found: &[u64]) -> Spread {
    let (edges, names, expected) = match &reference.shape {
        Shape::Numbers { edges, counts, .. } => (Some(edges.clone()), None, counts.clone()),
        Shape::Categories { names, counts, n_others } => {
            (None, Some(names.clone()), counts.iter().copied().chain([*n_others]).collect())
        }
    };
    Spread { name: reference.name.clone(), edges, names, expected, found: found.to_vec() }
}
