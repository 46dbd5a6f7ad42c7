//! One request after another to a server, over a connection that is kept open.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::body::{Body, Bytes};
use axum::http::Request;
use hyper::client::conn::http1::SendRequest;
use tokio::runtime::Runtime;

use crate::client::{Target, send};

/// How often a request is sent that a server is too busy for, or that finds none; a second lies between.
const TRIES: u32 = 5;

/// One request after another to an endpoint.
pub struct Caller {
    runtime: Runtime,
    target: Target,
    key: Option<String>,
    connection: Option<SendRequest<Body>>,
}

impl Caller {
    /// To the endpoint at an address, as in `http://127.0.0.1:8081/v2/models/churn`.
    ///
    /// # Errors
    /// It is no address.
    pub fn new(endpoint: &str, key: Option<String>) -> Result<Self> {
        let target = Target::read(endpoint.trim_end_matches('/'))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        Ok(Self { runtime: runtime.context("no requests can be sent")?, target, key, connection: None })
    }

    /// Sends a request to an address below the endpoint's, and gives the status and body of its answer. A server that is
    /// too busy, or not there, is asked again.
    ///
    /// # Errors
    /// There is no answer.
    pub fn ask(&mut self, method: &str, below: &str, body: &str) -> Result<(u16, Bytes)> {
        let mut tried = 0;
        loop {
            tried += 1;
            let answer = self.ask_once(method, below, body);
            match answer {
                Ok((429 | 503, _)) | Err(_) if tried < TRIES => std::thread::sleep(Duration::from_secs(1)),
                answer => return answer,
            }
        }
    }

    fn ask_once(&mut self, method: &str, below: &str, body: &str) -> Result<(u16, Bytes)> {
        let Self { runtime, target, key, connection } = self;
        let mut request = Request::builder().method(method).uri(format!("{}{below}", target.path));
        request = request.header("host", &target.host).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(Body::from(body.to_owned()))?;
        let answer = runtime.block_on(async {
            if connection.as_ref().is_none_or(SendRequest::is_closed) {
                *connection = Some(target.connect().await?);
            }
            let connection = connection.as_mut().ok_or_else(|| anyhow!("there is no connection"))?;
            send(connection, request).await
        });
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}
