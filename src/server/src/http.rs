//! The server: connections in, answers out.

mod admit;
mod ask;
mod log;
mod manage;
mod monitor;
mod otlp;
mod rules;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use endpoint::{Answer, Handled, Host, Refusal, Request, Route};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use registry::Name;
use tokio::net::TcpListener;

use self::admit::{Bucket, admitted};
use self::ask::{count, handle, mirror};
use self::log::RequestLog;
use self::manage::{failed, managing};
use self::monitor::monitoring;
use self::otlp::{Collector, keep_pushing};
use self::rules::Rules;
use self::watch::watch;
use crate::client::Target;
use crate::folder::Folder;
use crate::state::State;
use crate::studio;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub address: SocketAddr,
    /// The registry whose endpoints are served.
    pub folder: Option<Folder>,
    /// Packages that are served under a name, with all traffic, if there is no folder.
    pub packages: Vec<(Name, Vec<u8>)>,
    /// The file of the keys, if there may be any.
    pub keys: Option<PathBuf>,
    /// Threads that answer.
    pub n_workers: usize,
    /// Predictions under way at once; more are refused with 429.
    pub max_in_flight: u32,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The longest time for an answer.
    pub timeout: Duration,
    /// The longest time that a connection waits for the head of a request.
    pub idle_timeout: Duration,
    /// Where alerts and rollbacks are posted to: `https://HOST:PORT/PATH`, or with `http`.
    pub webhook: Option<String>,
    /// The collector that counters and exceptions are pushed to, `https://HOST:PORT`, or with `http`, and how often.
    pub otlp: Option<(String, Duration)>,
    /// Where a line is written of every request, in JSON.
    pub request_log: Option<PathBuf>,
    /// Serve a public address without keys.
    pub is_insecure: bool,
    /// Do wrong where a request asks for it, so that alerts and rollbacks can be tried out.
    pub takes_faults: bool,
    /// A built studio, to be served at `/studio/`.
    pub studio: Option<PathBuf>,
}

/// How long requests under way may take when the server ends.
const DRAIN: Duration = Duration::from_secs(10);
/// How long no connection is taken after one could not be.
const REST: Duration = Duration::from_millis(50);
/// How long the last push to a collector may take.
const LAST_PUSH: Duration = Duration::from_secs(2);

struct Server {
    state: Arc<State>,
    options: Options,
    buckets: Mutex<BTreeMap<String, Bucket>>,
    log: Option<RequestLog>,
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
    let state = State::new(&options)?;
    if !options.address.ip().is_loopback() && state.keys().keys.is_empty() && !options.is_insecure {
        bail!(
            "{} can be reached from other computers, and there is no key\n  help: make one with `millrace keys make`, name its file with --keys, or say --insecure",
            options.address
        );
    }
    options.studio.as_deref().map_or(Ok(()), studio::check)?;
    let log = options.request_log.as_deref().map(RequestLog::open).transpose()?;
    let webhook = options.webhook.as_deref().map(Target::read).transpose().context("--webhook")?;
    let collector = options.otlp.as_ref().map(|(address, every)| Ok((Target::read(address)?, *every)));
    let collector = collector.transpose().map_err(|error: anyhow::Error| error.context("--otlp"))?;
    let listener = TcpListener::bind(options.address)
        .await
        .with_context(|| format!("{} cannot be used; choose another with --port", options.address))?;
    let address = listener.local_addr().context("the server has no address")?;
    let state = Arc::new(state);
    let server = Arc::new(Server { state: Arc::clone(&state), options, buckets: Mutex::default(), log });
    let collector = collector.map(|(target, every)| {
        let collector = Arc::new(tokio::sync::Mutex::new(Collector::new(target)));
        tokio::spawn(keep_pushing(Arc::clone(&collector), Arc::clone(&state), every));
        collector
    });
    tokio::spawn(watch(Arc::clone(&server), Rules::new(webhook)));
    ready(address);
    connect(listener, server).await;
    state.finish();
    if let Some(collector) = collector {
        // Whoever waits for the server to end does not wait for a collector that is gone.
        let last = async { collector.lock().await.push(&state).await };
        let _ = tokio::time::timeout(LAST_PUSH, last).await;
    }
    Ok(())
}

/// Takes connections until the program is asked to end, then lets requests under way end.
async fn connect(listener: TcpListener, server: Arc<Server>) {
    let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
    let mut http = http1::Builder::new();
    // Whoever sends a head bit by bit, or nothing at all, keeps no connection for good.
    http.timer(TokioTimer::new()).header_read_timeout(server.options.idle_timeout);
    let connections = GracefulShutdown::new();
    let mut asked = pin!(ended());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut asked => break,
        };
        let Ok((stream, _)) = accepted else {
            // The caller went away, or no more files can be open until others are closed.
            tokio::time::sleep(REST).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        // A connection that breaks concerns its caller alone.
        tokio::spawn(async move { drop(connection.await) });
    }
    server.state.is_draining.store(true, Ordering::Relaxed);
    // What takes longer is cut off.
    let _ = tokio::time::timeout(DRAIN, connections.shutdown()).await;
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

/// A request that is under way.
struct Guard<'a> {
    counter: &'a AtomicU32,
    n: u32,
}

impl<'a> Guard<'a> {
    fn new(counter: &'a AtomicU32) -> Self {
        Self { counter, n: counter.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(Shared(server): Shared<Arc<Server>>, request: axum::extract::Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    if let Some(file) = server.options.studio.as_deref().and_then(|folder| studio::answer(folder, &parts)) {
        return file;
    }
    if let Some(answer) = monitoring(&server, &parts).await {
        return response(answer);
    }
    let guard = Guard::new(&server.state.in_flight);
    let headers: Arc<Vec<(String, String)>> = Arc::new(
        parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.to_str().unwrap_or_default().into()))
            .collect(),
    );
    let body = match managing(&server, &parts, &headers, body).await {
        Ok(answer) => return response(answer),
        Err(body) => body,
    };
    let service = server.state.service();
    let route = Route::of(parts.method.as_str(), parts.uri.path());
    let rests_on_counts = route.as_ref().is_ok_and(|route| route.rests_on_counts());
    let is_prediction = route.as_ref().is_ok_and(|route| route.predicts());
    // Whoever scrapes the metrics takes no prediction's place.
    let predicting = is_prediction.then(|| Guard::new(&server.state.predicting));
    let n_predicting = predicting.as_ref().map_or(0, |guard| guard.n);
    let refuse = |refusal: &Refusal| {
        let request = Request { method: parts.method.as_str(), path: parts.uri.path(), headers: &headers, body: &[] };
        let id = request.id().map_or_else(|| server.state.fresh_id(), str::to_owned);
        let mut handled = match &route {
            Ok(route) => Handled::refused(refusal, service.meant(route.model), route.template(), id),
            Err(_) => Handled::refused(refusal, None, "_OTHER", id),
        };
        handled.go_on_with_trace(&request);
        handled
    };
    let (mut handled, body) = match admitted(&server, &parts, &route, n_predicting, body).await {
        Err(refusal) => (refuse(&refusal), None),
        Ok(body) => match handle(&server, &service, &parts, &headers, &body, rests_on_counts).await {
            Err(refusal) => (refuse(&refusal), None),
            Ok(handled) => (handled, Some(body)),
        },
    };
    if let Some(change) = handled.change.take()
        && let Err(error) = server.state.change("server", vec![change])
    {
        handled = refuse(&failed(&error));
    }
    if let Some(record) = handled.judged.take() {
        server.state.judge(&handled.id, record).await;
    }
    let seconds = started.elapsed().as_secs_f64();
    if is_prediction {
        count(&server, &mut handled, seconds, guard.n);
        if let (Some(_), Some(body)) = (&handled.mirror, body) {
            mirror(&server, &service, &parts, &headers, body, handled.clone());
        }
    }
    if let Some(log) = &server.log {
        log.write(&parts, &headers, &handled, seconds);
    }
    response(handled.answer)
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
