//! The same metrics, and exceptions as log records, for a collector of OpenTelemetry: OTLP/HTTP in JSON.
//!
//! As the protocol has it, names are in camel case and 64-bit integers are texts; counters are cumulative. Post the one to
//! `/v1/metrics`, the other to `/v1/logs`, with the content type `application/json`.

use serde_json::{Value as Json, json};

use crate::metrics::{Family, Measured, MetricKind, families};
use crate::{ExceptionEvent, LATENCY_BOUNDS, Snapshot};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// All metrics as an `ExportMetricsServiceRequest`.
pub fn otlp_metrics(snapshot: &Snapshot) -> Json {
    let (start, now) = (nanos(snapshot.started_ms), nanos(snapshot.now_ms));
    let metrics: Vec<Json> = families(snapshot).iter().map(|family| metric(family, &start, &now)).collect();
    json!({ "resourceMetrics": [{
        "resource": resource(snapshot.version),
        "scopeMetrics": [{ "scope": { "name": "millrace" }, "metrics": metrics }],
    }] })
}

/// Exceptions as an `ExportLogsServiceRequest`, each a log event named `exception`.
pub fn otlp_logs(version: &str, exceptions: &[ExceptionEvent]) -> Json {
    let records: Vec<Json> = exceptions.iter().map(record).collect();
    json!({ "resourceLogs": [{
        "resource": resource(version),
        "scopeLogs": [{ "scope": { "name": "millrace" }, "logRecords": records }],
    }] })
}

fn metric(family: &Family, start: &str, now: &str) -> Json {
    let points: Vec<Json> = family
        .samples
        .iter()
        .map(|sample| {
            let labels = sample.labels.iter().map(|(name, value)| attribute(name, value));
            let mut point = json!({
                "attributes": labels.collect::<Vec<_>>(), "startTimeUnixNano": start, "timeUnixNano": now,
            });
            match &sample.value {
                Measured::Whole(n) => point["asInt"] = n.to_string().into(),
                Measured::Number(x) => point["asDouble"] = (*x).into(),
                Measured::Times(times) => {
                    point["count"] = times.count().to_string().into();
                    point["sum"] = times.sum().into();
                    point["bucketCounts"] = times.buckets().iter().map(ToString::to_string).collect();
                    point["explicitBounds"] = LATENCY_BOUNDS.as_slice().into();
                }
            }
            point
        })
        .collect();
    let mut metric =
        json!({ "name": family.metric.otel_name, "description": family.metric.help, "unit": family.metric.unit });
    match family.metric.kind {
        MetricKind::Gauge => metric["gauge"] = json!({ "dataPoints": points }),
        MetricKind::Times => {
            metric["histogram"] = json!({ "dataPoints": points, "aggregationTemporality": CUMULATIVE });
        }
        MetricKind::Counter | MetricKind::UpDown => {
            let is_monotonic = family.metric.kind == MetricKind::Counter;
            metric["sum"] =
                json!({ "dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": is_monotonic });
        }
    }
    metric
}

fn record(event: &ExceptionEvent) -> Json {
    let (number, text) = if event.exception.is_warning() { (13, "WARN") } else { (17, "ERROR") };
    let served = &event.served;
    let mut attributes = vec![
        attribute("exception.type", event.exception.code()),
        attribute("exception.message", &event.message),
        attribute("millrace.request_id", &event.request_id),
    ];
    attributes.extend(served.endpoint.iter().map(|name| attribute("model_name", name.as_str())));
    attributes.extend((served.version > 0).then(|| attribute("model_version", &served.version.to_string())));
    attributes.extend(served.deployment.iter().map(|name| attribute("deployment", name.as_str())));
    attributes.extend(event.column.iter().map(|column| attribute("millrace.column", column)));
    let row = |row: &u64| json!({ "key": "millrace.row", "value": { "intValue": row.to_string() } });
    attributes.extend(event.row.iter().map(row));
    json!({
        "timeUnixNano": nanos(event.at_ms), "observedTimeUnixNano": nanos(event.at_ms), "eventName": "exception",
        "severityNumber": number, "severityText": text, "body": { "stringValue": event.message },
        "attributes": attributes,
    })
}

fn resource(version: &str) -> Json {
    json!({ "attributes": [attribute("service.name", "millrace"), attribute("service.version", version)] })
}

fn attribute(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanos(ms: u64) -> String {
    (u128::from(ms) * 1_000_000).to_string()
}
