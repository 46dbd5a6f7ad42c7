//! The request log: a line of JSON for each request, with the columns of Azure's traffic log.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::http::request::Parts;
use endpoint::Handled;
use serde_json::json;

use crate::folder::now_ms;

/// The file.
pub(super) struct RequestLog(Mutex<File>);

impl RequestLog {
    /// Adds to this file.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(Mutex::new(opened.with_context(|| format!("{} cannot be written", path.display()))?)))
    }

    /// Writes a line.
    pub fn write(&self, parts: &Parts, headers: &[(String, String)], handled: &Handled, seconds: f64) {
        let header =
            |name: &str| headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value.as_str());
        let agent: String = header("user-agent").chars().take(70).collect();
        let served = &handled.seen.served;
        let line = json!({
            "Timestamp": now_ms(), "Method": parts.method.as_str(), "Path": handled.route,
            "EndpointName": served.endpoint, "DeploymentName": served.deployment, "ModelVersion": served.version,
            "ResponseCode": handled.answer.status,
            "ResponseCodeReason": handled.seen.exceptions.first().map(|exception| exception.code()),
            "RequestPayloadSize": header("content-length").parse::<u64>().ok(),
            "ResponsePayloadSize": handled.answer.body.len(), "UserAgent": agent,
            "XRequestId": handled.id, "XMSClientRequestId": header("x-ms-client-request-id"),
            "TraceId": handled.trace.as_ref().map(|trace| &trace.trace_id),
            "SpanId": handled.trace.as_ref().map(|trace| &trace.span_id),
            "ParentSpanId": handled.trace.as_ref().map(|trace| &trace.parent_id),
            "TotalDurationMs": seconds * 1e3,
        });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            eprintln!("warning: the request log cannot be written: {error}");
        }
    }
}
