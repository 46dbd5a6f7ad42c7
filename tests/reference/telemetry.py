"""Reads what Millrace writes for scrapers and collectors with the parsers of Prometheus and OpenTelemetry.

    cargo xtask test peers

The files in `telemetry/` are held to the program word for word by `src/monitor/tests/telemetry.rs`. OpenMetrics's parser
is the strict one: it refuses buckets out of order, a counter without `_total`, a missing `# EOF`.
"""

import json
import pathlib

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

HERE = pathlib.Path(__file__).parent / "telemetry"


def samples(parse, file):
    families = list(parse((HERE / file).read_text()))
    found = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    assert len(found) == sum(len(family.samples) for family in families), f"{file}: a sample is there twice"
    return {family.name: family.type for family in families}, found


types, strict = samples(open_metrics, "metrics.openmetrics.txt")
older_types, older = samples(prometheus, "metrics.prometheus.txt")
assert types == older_types and strict == older, "the two formats differ"
assert types["http_server_request_duration_seconds"] == "histogram", types
assert types["millrace_exceptions"] == "counter" and types["millrace_labels"] == "counter", types
for (name, labels), value in strict.items():
    if name.endswith("_bucket") and ("le", "+Inf") in labels:
        count = strict[name.removesuffix("_bucket") + "_count", labels - {("le", "+Inf")}]
        assert count == value, f"{name}: {value} in all buckets, {count} counted"

request = json_format.ParseDict(json.loads((HERE / "metrics.otlp.json").read_text()), ExportMetricsServiceRequest())
metrics = {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}
# Every number that Prometheus is told, OpenTelemetry is told too.
n_points = 0
for name, metric in metrics.items():
    kind = metric.WhichOneof("data")
    points = getattr(metric, kind).data_points
    if kind in ("sum", "histogram"):
        assert getattr(metric, kind).aggregation_temporality == 2, name
    for point in points:
        n_points += 1
        labels = frozenset((a.key.replace(".", "_"), a.value.string_value) for a in point.attributes)
        same = [value for (_, found), value in strict.items() if found == labels]
        value = point.count if kind == "histogram" else getattr(point, point.WhichOneof("value"))
        assert value in same, f"{name} {labels}: {value}, Prometheus is told {same}"
        if kind == "histogram":
            assert sum(point.bucket_counts) == point.count, name
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1, name
        assert point.time_unix_nano - point.start_time_unix_nano == 90_500_000_000, name
assert metrics["http.server.request.duration"].unit == "s"

logs = json_format.ParseDict(json.loads((HERE / "logs.otlp.json").read_text()), ExportLogsServiceRequest())
records = logs.resource_logs[0].scope_logs[0].log_records
for record in records:
    attributes = {a.key: a.value for a in record.attributes}
    assert record.event_name == "exception" and record.body.string_value
    assert attributes["exception.message"].string_value == record.body.string_value
assert [r.severity_number for r in records] == [17, 13, 17]

print(f"{len(strict)} samples in two formats, {n_points} points, {len(records)} log records: all as they should be")
