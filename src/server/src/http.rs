//! The server: connections in, answers out.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use endpoint::{Action, Answer, Handled, Host, Refusal, Request, Route, Service};
use http_body_util::BodyExt;
use monitor::{Exception, ExceptionEvent, Record};
use registry::Name;
use serde_json::json;
use tokio::net::TcpListener;

use crate::folder::{Folder, now_ms};
use crate::keys::{Key, Keys};
use crate::state::{State, meant, refused};

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub address: SocketAddr,
    /// The registry whose endpoints are served.
    pub folder: Option<Folder>,
    /// Packages that are served under a name, with all traffic, if there is no folder.
    pub packages: Vec<(Name, Vec<u8>)>,
    /// Threads that answer.
    pub n_workers: usize,
    /// Requests under way at once; more are refused with 429.
    pub max_in_flight: u32,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The longest time for an answer.
    pub timeout: Duration,
    /// Where a line is written of every request, in JSON.
    pub request_log: Option<PathBuf>,
    /// Serve a public address without keys.
    pub is_insecure: bool,
}

/// Bodies from this size on are worked on beside the threads that answer.
const LARGE_BODY: usize = 64 << 10;
/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long requests under way may take when the server ends.
const DRAIN: Duration = Duration::from_secs(10);

struct Server {
    state: Arc<State>,
    options: Options,
    buckets: Mutex<BTreeMap<String, Bucket>>,
    log: Option<Mutex<std::fs::File>>,
}

/// What is left of a key's requests of this second.
struct Bucket {
    n_left: f64,
    at: Instant,
}

/// Serves until the program is asked to end, then lets requests under way end. `ready` is told the address.
///
/// # Errors
/// A package cannot be served, the address cannot be used, or would be public without keys.
pub fn serve(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.n_workers)
        .enable_io()
        .enable_time()
        .build()
        .context("the server cannot be started")?;
    runtime.block_on(run(options, ready))
}

async fn run(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let state = match &options.folder {
        Some(folder) => State::of_folder(folder.clone(), options.max_body)?,
        None => State::of_packages(options.packages.clone(), Keys::default(), options.max_body)?,
    };
    if !options.address.ip().is_loopback() && state.keys().keys.is_empty() && !options.is_insecure {
        bail!(
            "{} can be reached from other computers, and there is no key\n  help: make one with `millrace keys`, or say --insecure",
            options.address
        );
    }
    let log = options.request_log.as_deref().map(open_log).transpose()?;
    let listener = TcpListener::bind(options.address)
        .await
        .with_context(|| format!("{} cannot be used; choose another with --port", options.address))?;
    let address = listener.local_addr().context("the server has no address")?;
    let state = Arc::new(state);
    let server =
        Arc::new(Server { state: Arc::clone(&state), options, buckets: Mutex::default(), log: log.map(Mutex::new) });
    tokio::spawn(watch(Arc::clone(&server)));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
    ready(address);
    let draining = Arc::clone(&state);
    let asked = async move {
        ended().await;
        draining.is_draining.store(true, Ordering::Relaxed);
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(asked);
    let patience = async {
        ended().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.context("the server failed")?,
        () = patience => {}
    }
    keep(&state, &state.last_minutes());
    Ok(())
}

/// Waits for Ctrl+C or the signal that ends a service.
async fn ended() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Without signals the program ends when it is killed.
    let _ = interrupted.await;
}

/// Looks for changes in the folder, and finishes minutes.
async fn watch(server: Arc<Server>) {
    let state = &server.state;
    let stamp = || state.folder().map(|folder| (folder.stamp(), stamp_of(&folder.path().join("keys.json"))));
    let mut seen = stamp();
    let mut minute = now_ms() / 60_000;
    state.finish_minutes();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = stamp();
        if now != seen {
            seen = now;
            if let Err(error) = state.reload() {
                eprintln!("warning: the registry is served as it was before: {error:#}");
            }
        }
        if now_ms() / 60_000 != minute {
            minute = now_ms() / 60_000;
            keep(state, &state.finish_minutes());
        }
    }
}

fn stamp_of(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Writes minutes beside the registry, so that they are there after a restart.
fn keep(state: &State, records: &[Record]) {
    let Some(folder) = state.folder().filter(|_| !records.is_empty()) else { return };
    let path = folder.path().join("minutes.ndjson");
    let lines: String = records.iter().map(|record| format!("{}\n", json!(record))).collect();
    let written = OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = written.and_then(|mut file| file.write_all(lines.as_bytes())) {
        eprintln!("warning: {} cannot be written: {error}", path.display());
    }
}

fn open_log(path: &Path) -> Result<std::fs::File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.with_context(|| format!("{} cannot be written", path.display()))
}

/// A request that is under way.
struct Guard<'a> {
    state: &'a State,
    n: u32,
}

impl<'a> Guard<'a> {
    fn new(state: &'a State) -> Self {
        Self { state, n: state.in_flight.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(Shared(server): Shared<Arc<Server>>, request: axum::extract::Request) -> Response {
    let started = Instant::now();
    let guard = Guard::new(&server.state);
    let (parts, body) = request.into_parts();
    if let Some(answer) = monitoring(&server, &parts) {
        return response(answer);
    }
    let headers: Arc<Vec<(String, String)>> = Arc::new(
        parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.to_str().unwrap_or_default().into()))
            .collect(),
    );
    let service = server.state.service();
    let route = Route::of(parts.method.as_str(), parts.uri.path());
    let refuse = |refusal: &Refusal| match &route {
        Ok(route) => refused(refusal, meant(&service, route.model), route.template()),
        Err(_) => refused(refusal, None, "_OTHER"),
    };
    let (mut handled, body) = match admitted(&server, &parts, &route, guard.n, body).await {
        Err(refusal) => (refuse(&refusal), None),
        Ok(body) => match handle(&server, &service, &parts, &headers, &body).await {
            Err(refusal) => (refuse(&refusal), None),
            Ok(handled) => (handled, Some(body)),
        },
    };
    if let Some(change) = handled.change.take()
        && let Err(error) = server.state.change("server", change)
    {
        handled = refuse(&Refusal::uncounted("request.failed", 409, format!("{error:#}")));
    }
    let seconds = started.elapsed().as_secs_f64();
    let is_prediction = route.is_ok_and(|route| predicts(route.action));
    if is_prediction {
        count(&server, &mut handled, &headers, seconds, guard.n);
        if let (Some(_), Some(body)) = (&handled.mirror, body) {
            mirror(&server, &service, &parts, &headers, body, handled.clone());
        }
    }
    server.write_log(&parts, &headers, &handled, seconds);
    response(handled.answer)
}

fn predicts(action: Action) -> bool {
    matches!(action, Action::Infer | Action::Invocations | Action::Score)
}

/// The body of a request that may be answered.
async fn admitted(
    server: &Server,
    parts: &Parts,
    route: &Result<Route<'_>, Refusal>,
    n_in_flight: u32,
    body: Body,
) -> Result<Bytes, Refusal> {
    let route = route.as_ref().map_err(Clone::clone)?;
    let keys = server.state.keys();
    let key = keys.admit(bearer(parts), route, now_ms())?;
    if matches!(route.action, Action::Load | Action::Unload) && parts.headers.contains_key("origin") {
        let message =
            "a page of another site may not start or stop endpoints; send the request without an Origin header";
        return Err(Refusal::new(Exception::Forbidden, message));
    }
    if server.state.is_draining.load(Ordering::Relaxed) && !matches!(route.action, Action::Live) {
        return Err(Refusal::new(Exception::ModelNotReady, "the server is ending: ask another"));
    }
    let options = &server.options;
    if predicts(route.action) {
        if n_in_flight > options.max_in_flight {
            let message = format!("{n_in_flight} requests are under way, at most {} are taken", options.max_in_flight);
            return Err(Refusal::new(Exception::ConcurrencyLimit, message));
        }
        server.limit_rate(key)?;
    }
    let too_large = || {
        let message = format!("the body has more than {} bytes: send fewer rows at once", options.max_body);
        Refusal::new(Exception::TooLarge, message)
    };
    match tokio::time::timeout(options.timeout, read(body, options.max_body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::invalid(format!("the body ended too early: {error}"))),
        Err(_) => Err(server.timed_out()),
    }
}

/// A body, or nothing if it is too large. What is too much is read on for a while and thrown away: a caller that is still
/// sending when the connection closes never sees the answer.
async fn read(mut body: Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
    const PATIENCE: usize = 8;
    let mut kept = Vec::new();
    let mut n_bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        n_bytes += piece.len();
        if n_bytes <= max {
            kept.extend_from_slice(&piece);
        } else if n_bytes > max.saturating_mul(PATIENCE) {
            break;
        }
    }
    Ok((n_bytes <= max).then(|| kept.into()))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    header("authorization").and_then(|value| value.strip_prefix("Bearer ")).or_else(|| header("x-api-key"))
}

/// Asks the service; a panic is an answer, too.
async fn handle(
    server: &Arc<Server>,
    service: &Arc<Service>,
    parts: &Parts,
    headers: &Arc<Vec<(String, String)>>,
    body: &Bytes,
) -> Result<Handled, Refusal> {
    let ask = {
        let (server, service, headers, body) =
            (Arc::clone(server), Arc::clone(service), Arc::clone(headers), body.clone());
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        move || {
            let request = Request { method: method.as_str(), path: &path, headers: &headers, body: &body };
            let host: &dyn Host = &*server.state;
            catch_unwind(AssertUnwindSafe(|| service.handle(&request, host)))
                .map_err(|_| Refusal::new(Exception::ModelPanic, "the model failed; the server's log has the place"))
        }
    };
    if body.len() < LARGE_BODY {
        return ask();
    }
    let work = tokio::task::spawn_blocking(ask);
    match tokio::time::timeout(server.options.timeout, work).await {
        Ok(Ok(handled)) => handled,
        Ok(Err(_)) => Err(Refusal::new(Exception::ModelPanic, "the model failed; the server's log has the place")),
        Err(_) => Err(server.timed_out()),
    }
}

/// Asks the mirror the same, after the caller was answered.
fn mirror(
    server: &Arc<Server>,
    service: &Arc<Service>,
    parts: &Parts,
    headers: &Arc<Vec<(String, String)>>,
    body: Bytes,
    live: Handled,
) {
    let Some(deployment) = live.mirror.clone() else { return };
    let (server, service, path) = (Arc::clone(server), Arc::clone(service), parts.uri.path().to_owned());
    let mut headers: Vec<(String, String)> = headers.to_vec();
    headers.insert(0, ("x-millrace-deployment".into(), deployment.to_string()));
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let request = Request { method: "POST", path: &path, headers: &headers, body: &body };
        let asked = catch_unwind(AssertUnwindSafe(|| service.handle(&request, &*server.state)));
        // A mirror that fails harms nobody but its own record.
        if let Ok(mut mirrored) = asked {
            server.state.compare(&live, &mirrored);
            mirrored.seen.served.is_mirror = true;
            count(&server, &mut mirrored, &headers, started.elapsed().as_secs_f64(), 0);
        }
    });
}

fn count(server: &Server, handled: &mut Handled, headers: &[(String, String)], seconds: f64, n_in_flight: u32) {
    handled.seen.at_ms = now_ms();
    handled.seen.seconds = seconds;
    handled.seen.in_flight = n_in_flight;
    let id = request_id(&handled.answer, headers);
    let event = |exception: Exception, message: String, column: Option<String>, row: Option<u64>| ExceptionEvent {
        at_ms: handled.seen.at_ms,
        request_id: id.clone(),
        served: handled.seen.served.clone(),
        exception,
        message,
        column,
        row,
    };
    let mut events: Vec<ExceptionEvent> = Vec::new();
    for mismatch in &handled.mismatches {
        // Each kind once, as it is counted.
        if !events.iter().any(|known| known.exception == mismatch.exception) {
            let row = mismatch.row.map(|row| row as u64 - 1);
            events.push(event(mismatch.exception, mismatch.in_words(), Some(mismatch.column.clone()), row));
        }
    }
    for exception in &handled.seen.exceptions {
        if !events.iter().any(|known| known.exception == *exception) {
            events.push(event(*exception, handled.error.clone(), None, None));
        }
    }
    server.state.count(&handled.seen, events);
}

fn request_id(answer: &Answer, headers: &[(String, String)]) -> String {
    let given = answer.headers.iter().find(|(name, _)| *name == "x-request-id").map(|(_, id)| id.clone());
    let brought = || headers.iter().find(|(name, _)| name == "x-request-id").map(|(_, id)| id.clone());
    given.or_else(brought).unwrap_or_default()
}

impl Server {
    fn timed_out(&self) -> Refusal {
        let message = format!("there was no answer within {} ms", self.options.timeout.as_millis());
        Refusal::new(Exception::Timeout, message)
    }

    /// A bucket that holds a second's requests, and is filled as time goes by.
    fn limit_rate(&self, key: Option<&Key>) -> Result<(), Refusal> {
        let Some((key, per_second)) = key.and_then(|key| Some((key, key.per_second?))) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let bucket = buckets.entry(key.id.clone()).or_insert(Bucket { n_left: per_second, at: now });
        bucket.n_left = (bucket.n_left + per_second * (now - bucket.at).as_secs_f64()).min(per_second.max(1.0));
        bucket.at = now;
        if bucket.n_left < 1.0 {
            let message = format!("the key {} may send {per_second} requests a second", key.id);
            return Err(Refusal::new(Exception::RateLimit, message));
        }
        bucket.n_left -= 1.0;
        Ok(())
    }

    /// A line of the request log, with the columns of Azure's traffic log.
    fn write_log(&self, parts: &Parts, headers: &[(String, String)], handled: &Handled, seconds: f64) {
        let Some(log) = &self.log else { return };
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
            "XRequestId": request_id(&handled.answer, headers), "XMSClientRequestId": header("x-ms-client-request-id"),
            "TotalDurationMs": seconds * 1e3,
        });
        let mut file = log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            eprintln!("warning: the request log cannot be written: {error}");
        }
    }
}

/// What is asked of the server itself, under `/v2/monitor`: minutes, exceptions, events and disagreements.
fn monitoring(server: &Server, parts: &Parts) -> Option<Answer> {
    let asked = parts.uri.path().strip_prefix("/v2/monitor/")?;
    let route = Route { action: Action::Stats, model: None, version: None };
    let keys = server.state.keys();
    if let Err(refusal) = keys.admit(bearer(parts), &route, now_ms()) {
        return Some(refusal.answer());
    }
    let state = &server.state;
    Some(match asked {
        "minutes" => Answer::json(200, &json!(state.minutes())),
        "exceptions" => Answer::json(200, &json!(state.exceptions())),
        "disagreements" => {
            let rows = state.disagreements().into_iter();
            let rows = rows.map(|(endpoint, live, mirror, apart)| {
                json!({ "endpoint": endpoint, "live": live, "mirror": mirror, "counts": apart })
            });
            Answer::json(200, &rows.collect())
        }
        "events" => match state.events() {
            Ok(events) => Answer::json(200, &json!(events)),
            Err(error) => Refusal::uncounted("request.failed", 500, format!("{error:#}")).answer(),
        },
        _ => Refusal::uncounted("request.not_found", 404, "expected minutes, exceptions, events or disagreements")
            .answer(),
    })
}

fn response(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        // A name that a client made up may hold what no header can.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}
