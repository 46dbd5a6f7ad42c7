//! What scrapers and collectors are sent, word for word. `tests/reference/telemetry.py` reads the same files with the
//! parsers of Prometheus and OpenTelemetry.

use std::collections::BTreeMap;

use expect_test::expect_file;
use monitor::drift::{Recipe, Report, Window};
use monitor::{
    Exception, ExceptionEvent, Minute, Performance, Phase, Process, Recorder, Seen, Served, Snapshot, TextFormat,
    exposition, otlp_logs, otlp_metrics, totals,
};
use numeric::Stream;
use registry::{ColumnReference, Name, Reference};

const STARTED: u64 = 1_764_300_000_000;

fn served(deployment: &str, version: u32, is_mirror: bool) -> Served {
    let name = |text| Some(Name::new(text).expect("a name"));
    Served { endpoint: name("churn"), deployment: name(deployment), version, is_mirror }
}

fn counted() -> BTreeMap<Served, Minute> {
    let mut recorder = Recorder::default();
    let mut see = |served: Served, status: u16, seconds: f64, exceptions: &[Exception]| {
        let phases = vec![(Phase::Decode, seconds / 8.0), (Phase::Predict, seconds / 4.0)];
        let n_rows = if status == 200 { 4 } else { 0 };
        let exceptions = exceptions.to_vec();
        recorder.see(&Seen {
            at_ms: STARTED + 1_000,
            served,
            status,
            seconds,
            n_rows,
            in_flight: 1,
            queue: 0,
            exceptions,
            phases,
        });
    };
    see(served("blue", 3, false), 200, 0.0018, &[]);
    see(served("blue", 3, false), 200, 0.0071, &[Exception::UnknownCategory]);
    see(served("blue", 3, false), 500, 0.3, &[Exception::ModelPanic]);
    see(served("green", 4, true), 400, 0.0004, &[Exception::TypeMismatch, Exception::MissingColumn]);
    see(Served::default(), 404, 0.00002, &[Exception::ModelNotFound]);
    recorder.probe(STARTED, &served("blue", 3, false), true);
    recorder.probe(STARTED + 60_000, &served("blue", 3, false), false);
    // Served and never called.
    recorder.stand_by(STARTED, &served("green", 4, false));
    totals(recorder.minutes())
}

/// Of 300 rows: ages that are higher than in training, a plan that was never seen, and predictions as before.
fn drifted() -> BTreeMap<Served, Report> {
    let numbers = |from: u32| (0..300).map(|i| Some(f64::from(from + i % 50))).collect::<Vec<_>>();
    let plans = ["basic", "plus", "pro"];
    let reference = Reference {
        n_rows: 300,
        inputs: vec![
            ColumnReference::of_numbers("age \"in\\years\"", &numbers(20)),
            ColumnReference::of_categories("plan", (0..300).map(|i| Some(plans[i % 2])), 10),
        ],
        prediction: Some(ColumnReference::of_numbers("spend", &numbers(0))),
    };
    let (mut window, mut stream) = (Window::new(&reference), Stream::new(1));
    for (i, age) in numbers(30).into_iter().enumerate() {
        let age = age.filter(|_| i % 30 > 0);
        window.inputs[0].see_number(&reference.inputs[0], age, &mut stream);
        window.inputs[1].see_category(&reference.inputs[1], Some(plans[i % 3]));
    }
    let (prediction, of) = (window.prediction.as_mut(), reference.prediction.as_ref());
    let (prediction, of) = prediction.zip(of).expect("there is one");
    numbers(0).into_iter().for_each(|spend| prediction.see_number(of, spend, &mut stream));
    [(served("blue", 3, false), Report::of(&reference, &window, Recipe::default()))].into()
}

fn judged() -> BTreeMap<Served, Performance> {
    let mut counts = Performance::of_class(true);
    counts.merge(&Performance::of_class(false));
    [(served("blue", 3, false), counts)].into()
}

fn snapshot<'a>(
    totals: &'a BTreeMap<Served, Minute>,
    drift: &'a BTreeMap<Served, Report>,
    performance: &'a BTreeMap<Served, Performance>,
) -> Snapshot<'a> {
    Snapshot {
        version: "0.1.0",
        started_ms: STARTED,
        now_ms: STARTED + 90_500,
        scheme: "http",
        totals,
        in_flight: 2,
        queue: 1,
        process: Some(Process { cpu_seconds: 1.25, resident_bytes: 52_428_800 }),
        drift,
        performance,
    }
}

fn pretty(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).expect("plain data") + "\n"
}

#[test]
fn metrics_are_written_for_prometheus() {
    let text = exposition(&snapshot(&counted(), &drifted(), &judged()), TextFormat::Prometheus);
    expect_file!["../../../tests/reference/telemetry/metrics.prometheus.txt"].assert_eq(&text);
}

#[test]
fn metrics_are_written_as_open_metrics() {
    let text = exposition(&snapshot(&counted(), &drifted(), &judged()), TextFormat::OpenMetrics);
    expect_file!["../../../tests/reference/telemetry/metrics.openmetrics.txt"].assert_eq(&text);
}

#[test]
fn metrics_are_written_for_open_telemetry() {
    expect_file!["../../../tests/reference/telemetry/metrics.otlp.json"].assert_eq(&pretty(&otlp_metrics(&snapshot(
        &counted(),
        &drifted(),
        &judged(),
    ))));
}

#[test]
fn exceptions_are_log_records_for_open_telemetry() {
    let event = |exception, message: &str, column: Option<&str>, row| ExceptionEvent {
        at_ms: STARTED + 1_234,
        request_id: "a1".into(),
        served: served("blue", 3, false),
        exception,
        message: message.into(),
        column: column.map(str::to_owned),
        row,
    };
    let events = [
        event(Exception::TypeMismatch, "column \"age\" row 3: expected number, got \"forty\"", Some("age"), Some(3)),
        event(Exception::UnknownCategory, "column \"plan\" row 0: \"gold\" was never seen", Some("plan"), Some(0)),
        event(Exception::Timeout, "the answer took longer than 5000 ms", None, None),
    ];
    expect_file!["../../../tests/reference/telemetry/logs.otlp.json"].assert_eq(&pretty(&otlp_logs("0.1.0", &events)));
}
