//! The request log: a line of JSON for each request, with the columns of Azure's traffic log.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use axum::http::request::Parts;
use endpoint::Handled;
use serde_json::json;

use crate::folder::now_ms;

/// Lines that wait for the file; when there are more, requests wait too.
const MAX_WAITING: usize = 10_000;

/// The file, which a thread of its own writes: no request waits for a disk.
pub(super) struct RequestLog {
    /// None when it ends.
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
}

impl RequestLog {
    /// Adds to this file.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.with_context(|| format!("{} cannot be written", path.display()))?;
        let (lines, waiting) = sync_channel(MAX_WAITING);
        let writer = std::thread::spawn(move || keep_writing(file, &waiting));
        Ok(Self { lines: Some(lines), writer: Some(writer) })
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
        // The writer ends last.
        let _ = self.lines.as_ref().map(|lines| lines.send(format!("{line}\n")));
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        self.lines = None;
        // One that panicked has said so.
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

/// Writes what waits, and sees that it is in the file before it waits itself.
fn keep_writing(file: File, waiting: &Receiver<String>) {
    let mut file = BufWriter::new(file);
    while let Ok(first) = waiting.recv() {
        let written =
            std::iter::once(first).chain(waiting.try_iter()).try_for_each(|line| file.write_all(line.as_bytes()));
        if let Err(error) = written.and_then(|()| file.flush()) {
            eprintln!("warning: the request log cannot be written: {error}");
        }
    }
}
