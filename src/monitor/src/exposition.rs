//! Metrics as text that scrapers read: Prometheus's format 0.0.4, or OpenMetrics 1.0.

use std::fmt::Write;

use crate::metrics::{Family, Measured, MetricKind, Sample, families};
use crate::{LATENCY_BOUNDS, Snapshot};

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// Prometheus's text, 0.0.4.
    Prometheus,
    /// OpenMetrics, 1.0.
    OpenMetrics,
}

impl TextFormat {
    /// What a scraper likes best of the two, by its `Accept` header; Prometheus's text if it says nothing.
    pub fn accepted(accept: &str) -> Self {
        let quality = |media_type: &str| {
            let ranges = accept.split(',').map(|range| range.split(';').map(str::trim));
            let mut of_type = ranges.filter_map(|mut range| (range.next() == Some(media_type)).then_some(range));
            let mut parameters = of_type.next()?;
            Some(parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f64))
        };
        let open_metrics = quality("application/openmetrics-text").unwrap_or(0.0);
        if open_metrics > quality("text/plain").unwrap_or(0.0) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The value of the `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics as text.
pub fn exposition(snapshot: &Snapshot, format: TextFormat) -> String {
    let mut text = String::new();
    for family in families(snapshot) {
        write_family(&mut text, &family, format);
    }
    if format == TextFormat::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(text: &mut String, family: &Family, format: TextFormat) {
    let kind = match family.metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge | MetricKind::UpDown => "gauge",
        MetricKind::Times => "histogram",
    };
    let suffix = if family.metric.kind == MetricKind::Counter { "_total" } else { "" };
    // OpenMetrics names the family, the older format the samples.
    let of_family = if format == TextFormat::OpenMetrics { "" } else { suffix };
    let name = family.metric.name;
    line(text, format_args!("# HELP {name}{of_family} {}", family.metric.help));
    line(text, format_args!("# TYPE {name}{of_family} {kind}"));
    for sample in &family.samples {
        let labels = labels(sample);
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        match &sample.value {
            Measured::Whole(n) => line(text, format_args!("{name}{suffix}{braced} {n}")),
            Measured::Number(x) => line(text, format_args!("{name}{suffix}{braced} {x}")),
            Measured::Times(times) => {
                let comma = if labels.is_empty() { "" } else { "," };
                let mut below = 0;
                for (bucket, count) in times.buckets().into_iter().enumerate() {
                    below += count;
                    let bound = LATENCY_BOUNDS.get(bucket).map_or("+Inf".into(), |bound| format!("{bound:?}"));
                    line(text, format_args!("{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}"));
                }
                line(text, format_args!("{name}_sum{braced} {}", times.sum()));
                line(text, format_args!("{name}_count{braced} {below}"));
            }
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn labels(sample: &Sample) -> String {
    let label = |(name, value): &(&str, String)| format!("{}=\"{}\"", name.replace('.', "_"), escaped(value));
    sample.labels.iter().map(label).collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_the_scraper_likes_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert_eq!(TextFormat::accepted(prometheus), TextFormat::OpenMetrics);
        assert_eq!(TextFormat::accepted("application/openmetrics-text"), TextFormat::OpenMetrics);
        for text in ["", "*/*", "text/plain", "application/openmetrics-text; q=0.2, text/plain"] {
            assert_eq!(TextFormat::accepted(text), TextFormat::Prometheus, "{text}");
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let sample = Sample {
            labels: vec![("feature", "a \"b\"\\c\nd".into()), ("error.type", "500".into())],
            value: Measured::Whole(1),
        };
        assert_eq!(labels(&sample), r#"feature="a \"b\"\\c\nd",error_type="500""#);
    }
}
