//! All counters of a host as families of metrics, which are then written for Prometheus or for OpenTelemetry.

use std::collections::BTreeMap;

use crate::drift::{ColumnReport, Report};
use crate::{Exception, Histogram, Minute, MinuteKey, Performance, Served};

/// What a host counted, and how it stands.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// The version of the program.
    pub version: &'a str,
    /// When counting began, in milliseconds since 1970.
    pub started_ms: u64,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// All that was counted since. What is served and was never called is in it too, with nothing: its counters are
    /// there at zero, so that a rate sees the first of every exception.
    pub totals: &'a BTreeMap<Served, Minute>,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests that wait.
    pub queue: u32,
    /// Of the process; none in a browser.
    pub process: Option<Process>,
    /// How the rows of the latest window differ from those of training, where that was looked at.
    pub drift: &'a BTreeMap<Served, Report>,
    /// How good predictions turned out to be, where that became known.
    pub performance: &'a BTreeMap<Served, Performance>,
}

/// What a process takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// Time on all cores, in seconds.
    pub cpu_seconds: f64,
    /// Memory that is held, in bytes.
    pub resident_bytes: u64,
}

/// Adds up minutes.
pub fn totals<'a>(minutes: impl IntoIterator<Item = (&'a MinuteKey, &'a Minute)>) -> BTreeMap<Served, Minute> {
    let mut totals: BTreeMap<Served, Minute> = BTreeMap::new();
    for (key, counts) in minutes {
        totals.entry(key.served.clone()).or_default().merge(counts);
    }
    totals
}

/// A metric with all its label sets.
pub(crate) struct Family {
    pub metric: Metric,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
pub(crate) struct Metric {
    /// As Prometheus has it, without `_total`.
    pub name: &'static str,
    /// As OpenTelemetry has it.
    pub otel_name: &'static str,
    /// In UCUM's letters, as OpenTelemetry wants it; empty for none.
    pub unit: &'static str,
    pub kind: MetricKind,
    pub help: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum MetricKind {
    Counter,
    Gauge,
    /// A gauge that can be added up over hosts.
    UpDown,
    /// A histogram of times, in seconds.
    Times,
}

pub(crate) struct Sample {
    /// Names as OpenTelemetry has them; Prometheus has underscores in place of dots.
    pub labels: Vec<(&'static str, String)>,
    pub value: Measured,
}

pub(crate) enum Measured {
    Whole(u64),
    Number(f64),
    Times(Histogram),
}

use MetricKind::{Counter, Gauge, Times, UpDown};

const fn metric(
    name: &'static str,
    otel_name: &'static str,
    unit: &'static str,
    kind: MetricKind,
    help: &'static str,
) -> Metric {
    Metric { name, otel_name, unit, kind, help }
}

const DURATION: Metric = metric(
    "http_server_request_duration_seconds",
    "http.server.request.duration",
    "s",
    Times,
    "How long requests to predict took, from arrival to answer.",
);
const ACTIVE: Metric =
    metric("http_server_active_requests", "http.server.active_requests", "{request}", UpDown, "Requests under way.");
const QUEUE: Metric =
    metric("millrace_queue_depth", "millrace.queue.depth", "{request}", UpDown, "Requests that wait.");
const REQUESTS: Metric = metric(
    "millrace_inference_requests",
    "millrace.inference.requests",
    "{request}",
    Counter,
    "Requests to predict; 4xx and 5xx are failures.",
);
const ROWS: Metric =
    metric("millrace_inference_rows", "millrace.inference.rows", "{row}", Counter, "Rows that were predicted.");
const PHASES: Metric = metric(
    "millrace_inference_phase_seconds",
    "millrace.inference.phase",
    "s",
    Times,
    "How long each part of the work took.",
);
const EXCEPTIONS: Metric = metric(
    "millrace_exceptions",
    "millrace.exceptions",
    "{exception}",
    Counter,
    "Exceptions and warnings, each counted once a request.",
);
const AVAILABILITY: Metric = metric(
    "millrace_availability_ratio",
    "millrace.availability",
    "1",
    Gauge,
    "The share of the host's requests to itself that were answered.",
);
const DRIFT: Metric = metric(
    "millrace_drift_score",
    "millrace.drift.score",
    "1",
    Gauge,
    "How far the values of the latest window are from those of training; of a test, the adjusted p-value.",
);
const QUALITY: Metric = metric(
    "millrace_data_quality_ratio",
    "millrace.data_quality",
    "1",
    Gauge,
    "The share of rows of the latest window with a value that is missing or not as in training.",
);
const LABELS: Metric =
    metric("millrace_labels", "millrace.labels", "{row}", Counter, "Predicted rows of which the truth became known.");
const PERFORMANCE: Metric = metric(
    "millrace_model_performance",
    "millrace.model.performance",
    "1",
    Gauge,
    "How good the predictions were of which the truth became known.",
);
const BUILD: Metric =
    metric("millrace_build_info", "millrace.build.info", "", Gauge, "The version of the program, as a label.");
const STARTED: Metric =
    metric("process_start_time_seconds", "process.start_time", "s", Gauge, "When counting began, since 1970.");
const CPU: Metric = metric("process_cpu_seconds", "process.cpu.time", "s", Counter, "Time on all cores.");
const MEMORY: Metric =
    metric("process_resident_memory_bytes", "process.memory.usage", "By", Gauge, "Memory that is held.");

/// The template of the address of every request that is counted, whichever of its synonyms was called.
const ROUTE: &str = "/v2/models/{model_name}/infer";

pub(crate) fn families(snapshot: &Snapshot) -> Vec<Family> {
    let Snapshot { totals, scheme, .. } = snapshot;
    let method = || ("http.request.method", "POST".to_owned());
    let whole = |labels, n| Sample { labels, value: Measured::Whole(n) };
    let number = |labels, x| Sample { labels, value: Measured::Number(x) };

    let mut durations = Vec::new();
    let (mut requests, mut rows, mut phases, mut exceptions, mut availability) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (served, counts) in *totals {
        // Nobody was answered over HTTP with what a mirror said.
        for (status, times) in counts.durations.iter().filter(|_| !served.is_mirror) {
            let mut labels = vec![
                method(),
                ("http.response.status_code", status.to_string()),
                ("http.route", ROUTE.to_owned()),
                ("url.scheme", (*scheme).to_owned()),
            ];
            // OpenTelemetry counts only these as errors of a server.
            labels.extend((*status >= 500).then(|| ("error.type", status.to_string())));
            labels.extend(labels_of(served));
            durations.push(Sample { labels, value: Measured::Times(times.clone()) });
        }
        let labels = || labels_and_traffic(served);
        let n_failed = counts.n_failed();
        for (outcome, n) in [("success", counts.n_requests() - n_failed), ("failure", n_failed)] {
            requests.push(whole(labels().chain([("outcome", outcome.to_owned())]).collect(), n));
        }
        rows.push(whole(labels().collect(), counts.n_rows));
        for (phase, times) in &counts.phases {
            let labels = labels().chain([("phase", phase.label().to_owned())]).collect();
            phases.push(Sample { labels, value: Measured::Times(times.clone()) });
        }
        for exception in Exception::ALL {
            let labels = labels().chain([("exception.type", exception.code().to_owned())]).collect();
            exceptions.push(whole(labels, counts.exceptions.get(exception).copied().unwrap_or_default()));
        }
        if let Some(share) = counts.availability() {
            availability.push(number(labels().chain([("test", "self".to_owned())]).collect(), share));
        }
    }
    let (mut drift, mut quality) = (Vec::new(), Vec::new());
    for (served, report) in snapshot.drift {
        let inputs = report.inputs.iter().map(|column| ("data_drift", column));
        for (signal, column) in inputs.chain(report.prediction.iter().map(|column| ("prediction_drift", column))) {
            let about =
                || labels_and_traffic(served).chain([("signal", signal.to_owned()), ("feature", column.name.clone())]);
            let sample = |by: &'static str| {
                move |(name, value): (&str, f64)| number(about().chain([(by, name.to_owned())]).collect(), value)
            };
            drift.extend(scores(column).map(sample("method")));
            quality.extend(checks(column).map(sample("check")));
        }
    }
    let (mut labels, mut performance) = (Vec::new(), Vec::new());
    for (served, it) in snapshot.performance {
        labels.push(whole(labels_and_traffic(served).collect(), it.n_labels));
        for (metric, value) in it.figures() {
            performance
                .push(number(labels_and_traffic(served).chain([("metric", metric.to_owned())]).collect(), value));
        }
    }
    let active = whole(vec![method(), ("url.scheme", (*scheme).to_owned())], u64::from(snapshot.in_flight));
    let queue = whole(Vec::new(), u64::from(snapshot.queue));
    let build = whole(vec![("version", snapshot.version.to_owned())], 1);
    let started = number(Vec::new(), snapshot.started_ms as f64 / 1e3);
    let process = snapshot.process.iter();
    let cpu = process.clone().map(|process| number(Vec::new(), process.cpu_seconds)).collect();
    let memory = process.map(|process| whole(Vec::new(), process.resident_bytes)).collect();

    let all = [
        (DURATION, durations),
        (ACTIVE, vec![active]),
        (QUEUE, vec![queue]),
        (REQUESTS, requests),
        (ROWS, rows),
        (PHASES, phases),
        (EXCEPTIONS, exceptions),
        (AVAILABILITY, availability),
        (DRIFT, drift),
        (QUALITY, quality),
        (LABELS, labels),
        (PERFORMANCE, performance),
        (BUILD, vec![build]),
        (STARTED, vec![started]),
        (CPU, cpu),
        (MEMORY, memory),
    ];
    let some = all.into_iter().filter(|(_, samples)| !samples.is_empty());
    some.map(|(metric, samples)| Family { metric, samples }).collect()
}

/// A model is called what its endpoint is called: that is how requests name it.
fn labels_of(served: &Served) -> impl Iterator<Item = (&'static str, String)> {
    let name = served.endpoint.iter().map(|name| ("model_name", name.to_string()));
    let version = (served.version > 0).then(|| ("model_version", served.version.to_string()));
    let deployment = served.deployment.iter().map(|name| ("deployment", name.to_string()));
    name.chain(version).chain(deployment)
}

/// The same, and whether somebody saw the answers.
fn labels_and_traffic(served: &Served) -> impl Iterator<Item = (&'static str, String)> {
    labels_of(served).chain([("traffic", if served.is_mirror { "mirror" } else { "live" }.to_owned())])
}

/// Methods as Azure's model monitor calls them, and what they found; nothing of too few rows.
fn scores(column: &ColumnReport) -> impl Iterator<Item = (&'static str, f64)> {
    column.scores.iter().flat_map(|scores| {
        let all = [
            ("population_stability_index", Some(scores.psi)),
            ("jensen_shannon_distance", Some(scores.jensen_shannon)),
            ("total_variation_distance", Some(scores.total_variation)),
            ("normalized_wasserstein_distance", scores.wasserstein),
            (scores.significance.test.name(), Some(scores.significance.adjusted_p_value)),
        ];
        all.into_iter().filter_map(|(method, found)| Some((method, found?)))
    })
}

fn checks(column: &ColumnReport) -> impl Iterator<Item = (&'static str, f64)> {
    let quality = &column.quality;
    let all = [
        ("null", quality.null_rate),
        ("type_error", quality.type_error_rate),
        ("out_of_bounds", quality.out_of_bounds_rate),
        ("unseen_category", quality.unseen_category_rate),
    ];
    all.into_iter().filter_map(|(check, found)| Some((check, found?)))
}
