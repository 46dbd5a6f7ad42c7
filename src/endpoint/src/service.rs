//! From a request to an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Prediction;
use monitor::{
    Exception, ExceptionEvent, FAULT_HEADER, Minute, MinuteKey, PerformanceRecord, Phase, RequestEvent, Seen, Served,
};
use registry::{Address, Change, Deployment, Endpoint, Hash, Name, Registry, Which};
use schema::list;
use serde_json::{Value as Json, json};

use crate::check::check;
use crate::infer::{self, By};
use crate::observe::{Observed, Outcome};
use crate::plain::{self, Dialect};
use crate::route::{Action, Route};
use crate::rows::Rows;
use crate::scorer::{Scored, Scorer};
use crate::{Answer, Feedback, Mismatch, Refusal, Remembered, Request, Trace, describe, stats};

/// What a host knows.
pub trait Host {
    /// Seconds on a clock that never goes back, for measuring.
    fn seconds(&self) -> f64;
    /// Names a request that brings no name of its own.
    fn fresh_id(&self) -> String;
    /// What was counted so far.
    fn minutes(&self) -> Vec<(MinuteKey, Minute)>;
    /// Counters in the text that scrapers read, for what the `accept` header prefers.
    fn metrics(&self, accept: &str) -> Answer;
    /// What it remembers of a request, if anything, so that feedback can be given on it.
    fn remembered(&self, _id: &str) -> Option<Remembered> {
        None
    }
    /// Whether requests may ask it to do wrong, so that whoever watches can be tried out (`x-millrace-fault: panic`).
    fn takes_faults(&self) -> bool {
        false
    }
    /// Is told of rows that were held to a model's signature, and what became of them.
    fn observe(&self, _: &Observed<'_>) {}
}

/// Endpoints, and what is loaded of the packages behind them. It does not change: a new state of the registry is a new
/// service, so that a request sees one or the other.
#[derive(Clone, Debug, Default)]
pub struct Service {
    registry: Registry,
    scorers: BTreeMap<Hash, Arc<Scorer>>,
    max_body: usize,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Handled {
    /// To be sent.
    pub answer: Answer,
    /// The address' template: `/v2/models/{model_name}/infer`.
    pub route: &'static str,
    /// What was predicted, if it was.
    pub scored: Option<Scored>,
    /// What the request did not fit, or was warned of.
    pub mismatches: Vec<Mismatch>,
    /// The name of a request to predict; empty for others.
    pub id: String,
    /// Why it was refused; empty if it was not.
    pub error: String,
    /// A deployment that is to see a copy of it.
    pub mirror: Option<Name>,
    /// The package that predicted, if one did.
    pub package: Option<Hash>,
    /// How good an earlier prediction was, as it tells; the host adds it up.
    pub judged: Option<PerformanceRecord>,
    /// The trace of the caller that it belongs to.
    pub trace: Option<Trace>,
    /// A change of the registry that it asked for.
    pub change: Option<Change>,
    /// What is to be counted of it; the host adds when it was, how long it took and what was under way beside it.
    pub seen: Seen,
}

/// Where a request is answered.
struct Target<'a> {
    endpoint: &'a Endpoint,
    deployment: &'a Name,
    version: u32,
    package: &'a Hash,
    scorer: &'a Scorer,
    /// Chosen by the shares of traffic, not named by the request.
    is_shared: bool,
}

impl Service {
    /// A service of all endpoints of a registry. A deployment whose package is not among `scorers` is not ready.
    pub fn new(registry: Registry, scorers: BTreeMap<Hash, Arc<Scorer>>) -> Self {
        Self { registry, scorers, max_body: crate::MAX_BODY }
    }

    /// Takes larger or only smaller bodies, in bytes.
    pub fn with_max_body(mut self, max_body: usize) -> Self {
        self.max_body = max_body;
        self
    }

    /// The state that is served.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is loaded.
    pub fn scorers(&self) -> &BTreeMap<Hash, Arc<Scorer>> {
        &self.scorers
    }

    /// Whether everything that has traffic is loaded.
    pub fn is_ready(&self) -> bool {
        self.registry.endpoints.values().all(|endpoint| endpoint.is_stopped || self.is_endpoint_ready(endpoint))
    }

    /// What is served, also if nothing asked for it yet.
    pub fn served(&self) -> Vec<Served> {
        let endpoints = self.registry.endpoints.iter();
        endpoints
            .flat_map(|(endpoint, entry)| {
                entry.deployments.iter().map(|(deployment, it)| Served {
                    endpoint: Some(endpoint.clone()),
                    deployment: Some(deployment.clone()),
                    version: it.version,
                    is_mirror: false,
                })
            })
            .collect()
    }

    /// The name of the endpoint that a refused request was meant for, if there is such a one.
    pub fn meant(&self, model: Option<&str>) -> Option<Name> {
        match model {
            Some(model) => self.named(model).ok().map(|(name, _)| name.clone()),
            None => self.only().ok().map(|(name, _)| name.clone()),
        }
    }

    fn is_endpoint_ready(&self, endpoint: &Endpoint) -> bool {
        let mut live = endpoint.deployments.iter().filter(|(name, _)| endpoint.has_traffic(name));
        !endpoint.is_stopped && live.all(|(_, deployment)| self.scorer(deployment).is_some())
    }

    fn scorer(&self, deployment: &Deployment) -> Option<(&Hash, &Scorer)> {
        let version = self.registry.version(&deployment.model, deployment.version).ok()?;
        self.scorers.get(&version.package).map(|scorer| (&version.package, &**scorer))
    }

    /// Answers a request.
    pub fn handle(&self, request: &Request<'_>, host: &dyn Host) -> Handled {
        let nothing = Seen {
            at_ms: 0,
            served: Served::default(),
            status: 0,
            seconds: 0.0,
            n_rows: 0,
            in_flight: 0,
            queue: 0,
            exceptions: Vec::new(),
            phases: Vec::new(),
        };
        let mut handled = Handled {
            answer: Answer { status: 500, headers: Vec::new(), body: Vec::new() },
            route: "_OTHER",
            scored: None,
            mismatches: Vec::new(),
            id: String::new(),
            error: String::new(),
            mirror: None,
            package: None,
            judged: None,
            trace: None,
            change: None,
            seen: nothing,
        };
        let answer = Route::of(request.method, request.path).and_then(|route| {
            handled.route = route.template();
            self.answer(&route, request, host, &mut handled)
        });
        handled.answer = answer.unwrap_or_else(|refusal| {
            handled.seen.exceptions.extend(refusal.exception);
            handled.seen.exceptions.extend(refusal.mismatches.iter().map(|mismatch| mismatch.exception));
            handled.error.clone_from(&refusal.message);
            handled.mismatches.clone_from(&refusal.mismatches);
            let answer = refusal.answer();
            if handled.id.is_empty() { answer } else { answer.with("x-request-id", handled.id.clone()) }
        });
        handled.seen.status = handled.answer.status;
        handled.go_on_with_trace(request);
        handled
    }

    fn answer(
        &self,
        route: &Route<'_>,
        request: &Request<'_>,
        host: &dyn Host,
        handled: &mut Handled,
    ) -> Result<Answer, Refusal> {
        match route.action {
            Action::Server => Ok(Answer::json(200, &describe::server())),
            Action::Live => Ok(Answer::json(200, &json!({ "live": true }))),
            Action::Ready => {
                let ready = self.is_ready();
                Ok(Answer::json(if ready { 200 } else { 503 }, &json!({ "ready": ready })))
            }
            Action::Models => {
                let names: Vec<&Name> = self.registry.endpoints.keys().collect();
                Ok(Answer::json(200, &json!({ "models": names })))
            }
            Action::Docs => Ok(Answer::json(200, &describe::open_api(None))),
            Action::Metrics => Ok(host.metrics(request.header("accept").unwrap_or_default())),
            Action::Index => self.index(request.body),
            Action::Stats => {
                let asked = route.model.map(|model| self.named(model)).transpose()?;
                let asked = asked.map(|(name, endpoint)| (name.clone(), endpoint));
                let version = route.version;
                let of_version = match (&asked, version) {
                    (Some((_, endpoint)), Some(version)) => Some(self.deployment(endpoint, version)?.1.version),
                    _ => None,
                };
                let is_asked = |name: &Name, version: u32| {
                    asked.as_ref().is_none_or(|(asked, _)| asked == name) && of_version.is_none_or(|of| of == version)
                };
                Ok(Answer::json(200, &stats::stats(&host.minutes(), is_asked)))
            }
            Action::Load | Action::Unload => {
                let (name, _) = self.named(route.model.unwrap_or_default())?;
                let endpoint = name.clone();
                handled.change = Some(match route.action {
                    Action::Load => Change::Started { endpoint },
                    _ => Change::Stopped { endpoint },
                });
                Ok(Answer::json(200, &json!({})))
            }
            Action::Metadata | Action::ModelDocs => {
                let (name, endpoint) = self.named(route.model.unwrap_or_default())?;
                let target = self.target(endpoint, route.version, request, "")?;
                let signature = &target.scorer.header.signature;
                let json = match route.action {
                    Action::Metadata => describe::model(name.as_str(), endpoint, signature),
                    _ => describe::open_api(Some((name.as_str(), signature))),
                };
                Ok(Answer::json(200, &json))
            }
            Action::ModelReady => {
                let (name, endpoint) = self.named(route.model.unwrap_or_default())?;
                let ready = match route.version {
                    Some(version) => {
                        !endpoint.is_stopped && self.scorer(self.deployment(endpoint, version)?.1).is_some()
                    }
                    None => self.is_endpoint_ready(endpoint),
                };
                Ok(Answer::json(if ready { 200 } else { 503 }, &json!({ "name": name, "ready": ready })))
            }
            Action::Feedback => self.feedback(route, request, host, handled),
            Action::Infer => self.predict(route, request, host, handled, None),
            Action::Invocations => self.predict(route, request, host, handled, Some(Dialect::Mlflow)),
            Action::Score => self.predict(route, request, host, handled, Some(Dialect::Azure)),
        }
    }

    /// Predicts the rows of a request.
    fn predict(
        &self,
        route: &Route<'_>,
        request: &Request<'_>,
        host: &dyn Host,
        handled: &mut Handled,
        dialect: Option<Dialect>,
    ) -> Result<Answer, Refusal> {
        let id = request.id().map_or_else(|| host.fresh_id(), str::to_owned);
        handled.id.clone_from(&id);
        let (name, endpoint) = match route.model {
            Some(model) => self.named(model)?,
            None => self.only()?,
        };
        handled.seen.served.endpoint = Some(name.clone());
        let target = self.target(endpoint, route.version, request, &id)?;
        handled.seen.served.deployment = Some(target.deployment.clone());
        handled.seen.served.version = target.version;
        if target.is_shared {
            handled.mirror = target.endpoint.choose_mirror(&id).cloned();
        }
        self.check_body(request, dialect)?;
        let signature = &target.scorer.header.signature;
        let started = host.seconds();
        let infer = match dialect {
            None => infer::read(request, signature)?,
            Some(dialect) => {
                let rows: Rows = plain::read(request, dialect, signature)?;
                infer::Infer { rows, ..infer::Infer::default() }
            }
        };
        let decoded = host.seconds();
        handled.seen.phases.push((Phase::Decode, decoded - started));
        let observe = |served: &Served, outcome: Outcome<'_>| {
            host.observe(&Observed { served, package: target.package, scorer: target.scorer, outcome });
        };
        let fit = check(signature, &infer.rows, infer.is_strict).inspect_err(|refusal| {
            observe(&handled.seen.served, Outcome::Refused { mismatches: &refusal.mismatches });
        })?;
        let checked = host.seconds();
        handled.seen.phases.push((Phase::Validate, checked - decoded));
        handled.seen.exceptions.extend(fit.warnings.iter().map(|warning| warning.exception));
        handled.mismatches.clone_from(&fit.warnings);
        if host.takes_faults() && request.header(FAULT_HEADER) == Some("panic") {
            panic!("the request asked for it");
        }
        let scored = target.scorer.score(&fit, infer.rows.n_rows)?;
        let predicted = host.seconds();
        handled.seen.phases.push((Phase::Predict, predicted - checked));
        handled.seen.n_rows = infer.rows.n_rows as u64;
        let by = By {
            model_name: name.as_str(),
            model_version: target.version,
            id: infer.id.clone().unwrap_or_else(|| id.clone()),
        };
        let answer = match dialect {
            None => infer::write(&infer, &by, &signature.predicts, &scored, &fit.warnings)?,
            Some(dialect) => plain::write(dialect, &signature.predicts, &scored),
        };
        handled.seen.phases.push((Phase::Encode, host.seconds() - predicted));
        observe(&handled.seen.served, Outcome::Predicted { rows: &fit.columns, scored: &scored });
        handled.scored = Some(scored);
        handled.package = Some(target.package.clone());
        Ok(answer.with("x-request-id", id).with("x-millrace-deployment", target.deployment.as_str()))
    }

    /// Judges an earlier prediction.
    fn feedback(
        &self,
        route: &Route<'_>,
        request: &Request<'_>,
        host: &dyn Host,
        handled: &mut Handled,
    ) -> Result<Answer, Refusal> {
        let (name, _) = self.named(route.model.unwrap_or_default())?;
        let feedback = Feedback::read(request.body)?;
        let remembered = host.remembered(&feedback.id).filter(|it| it.served.endpoint.as_ref() == Some(name));
        let found = remembered.and_then(|it| Some((self.scorers.get(&it.package)?, it)));
        let (scorer, remembered) = found.ok_or_else(|| {
            let id = crate::json::brief_text(&feedback.id);
            let message = format!("no prediction of {name} for the request {id} is remembered; feedback is given once");
            Refusal::uncounted("feedback.not_found", 404, message)
        })?;
        let record = feedback.judge(&remembered, &scorer.header.signature.predicts)?;
        let figures: BTreeMap<&str, f64> = record.counts.figures().into_iter().collect();
        let body = json!({ "id": feedback.id, "n_labels": record.counts.n_labels, "figures": figures });
        handled.id = feedback.id;
        handled.judged = Some(record);
        Ok(Answer::json(200, &body))
    }

    fn check_body(&self, request: &Request<'_>, dialect: Option<Dialect>) -> Result<(), Refusal> {
        let (n_bytes, max) = (request.body.len(), self.max_body);
        if n_bytes > max {
            let message = format!("the body has {n_bytes} bytes, at most {max} are taken: send fewer rows at once");
            return Err(Refusal::new(Exception::TooLarge, message));
        }
        let given = request.content_type();
        // Clients that send no type send JSON, and curl says that it sends a form unless it is told otherwise.
        let is_json = matches!(&*given, "" | "application/x-www-form-urlencoded")
            || given.ends_with("/json")
            || given.ends_with("+json");
        let is_taken = match dialect {
            None => is_json || given == "application/octet-stream",
            Some(Dialect::Mlflow) => is_json || given == "text/csv",
            Some(Dialect::Azure) => is_json,
        };
        if is_taken {
            return Ok(());
        }
        let expected =
            if dialect == Some(Dialect::Mlflow) { "application/json or text/csv" } else { "application/json" };
        Err(Refusal::new(Exception::UnsupportedMedia, format!("the content type is {given:?}, expected {expected}")))
    }

    /// The endpoint with this name.
    fn named(&self, model: &str) -> Result<(&Name, &Endpoint), Refusal> {
        let found = self.registry.endpoints.iter().find(|(name, _)| name.as_str() == model);
        found.ok_or_else(|| {
            let names: Vec<String> = self.registry.endpoints.keys().map(ToString::to_string).collect();
            let names =
                if names.is_empty() { "nothing is served".into() } else { format!("there is {}", list(&names)) };
            Refusal::new(
                Exception::ModelNotFound,
                format!("there is no model {}; {names}", crate::json::brief_text(model)),
            )
        })
    }

    /// The endpoint that needs no name.
    fn only(&self) -> Result<(&Name, &Endpoint), Refusal> {
        let mut endpoints = self.registry.endpoints.iter();
        match (endpoints.next(), endpoints.next()) {
            (Some(only), None) => Ok(only),
            _ => {
                let n = self.registry.endpoints.len();
                let message = format!("{n} models are served: name one, as in /v2/models/NAME/invocations");
                Err(Refusal::new(Exception::ModelNotFound, message))
            }
        }
    }

    /// A deployment by its name, its version's number, or an alias of its model.
    fn deployment<'a>(&self, endpoint: &'a Endpoint, segment: &str) -> Result<(&'a Name, &'a Deployment), Refusal> {
        let is_meant = |(name, it): &(&'a Name, &'a Deployment)| match Which::from_segment(segment) {
            Ok(Which::Version(version)) => it.version == version,
            Ok(which @ Which::Alias(_)) => {
                let address = Address { model: it.model.clone(), which };
                name.as_str() == segment
                    || self.registry.resolve(&address).is_ok_and(|version| version.number == it.version)
            }
            Ok(Which::Latest) | Err(_) => false,
        };
        endpoint.deployments.iter().find(is_meant).ok_or_else(|| {
            let there: Vec<String> =
                endpoint.deployments.iter().map(|(name, it)| format!("{} ({name})", it.version)).collect();
            let there = if there.is_empty() { "none".into() } else { there.join(", ") };
            let segment = crate::json::brief_text(segment);
            let message = format!("no deployment serves version {segment}; deployed: {there}");
            Refusal::new(Exception::ModelNotFound, message)
        })
    }

    /// Where a request is answered: at what it names, or as the traffic is shared.
    fn target<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        version: Option<&str>,
        request: &Request<'_>,
        key: &str,
    ) -> Result<Target<'a>, Refusal> {
        if endpoint.is_stopped {
            return Err(Refusal::new(Exception::ModelNotReady, "the endpoint is stopped: start it first"));
        }
        let header =
            ["x-millrace-deployment", "azureml-model-deployment"].into_iter().find_map(|header| request.header(header));
        let named = version.or(header);
        let (deployment, it) = match named {
            Some(named) => self.deployment(endpoint, named)?,
            None => {
                let chosen = endpoint.choose(key).and_then(|name| endpoint.deployments.get_key_value(name));
                chosen.ok_or_else(|| {
                    let message = "no deployment of the endpoint has traffic: give one a share, or name one";
                    Refusal::new(Exception::ModelNotFound, message)
                })?
            }
        };
        let (package, scorer) = self.scorer(it).ok_or_else(|| {
            Refusal::new(Exception::ModelNotReady, format!("version {} is being loaded: try again", it.version))
        })?;
        Ok(Target { endpoint, deployment, version: it.version, package, scorer, is_shared: named.is_none() })
    }

    fn index(&self, body: &[u8]) -> Result<Answer, Refusal> {
        let asked = if body.is_empty() { Json::Null } else { crate::json::parse(body)? };
        let only_ready = asked.get("ready").and_then(Json::as_bool).unwrap_or(false);
        let mut models = Vec::new();
        for (name, endpoint) in &self.registry.endpoints {
            for deployment in endpoint.deployments.values() {
                let is_loaded = self.scorer(deployment).is_some();
                let (state, reason) = match (endpoint.is_stopped, is_loaded) {
                    (true, _) => ("UNAVAILABLE", "stopped"),
                    (false, true) => ("READY", ""),
                    (false, false) => ("LOADING", ""),
                };
                if !only_ready || state == "READY" {
                    models.push(json!({
                        "name": name, "version": deployment.version.to_string(), "state": state, "reason": reason,
                    }));
                }
            }
        }
        Ok(Answer::json(200, &models.into()))
    }
}

impl Handled {
    /// What a host refuses before it asks the service, with the name that the request brings or gets.
    pub fn refused(refusal: &Refusal, endpoint: Option<Name>, route: &'static str, id: String) -> Self {
        let answer = refusal.answer().with("x-request-id", id.as_str());
        let seen = Seen {
            at_ms: 0,
            served: Served { endpoint, ..Served::default() },
            status: answer.status,
            seconds: 0.0,
            n_rows: 0,
            in_flight: 0,
            queue: 0,
            exceptions: refusal.exception.into_iter().collect(),
            phases: Vec::new(),
        };
        Self {
            answer,
            route,
            scored: None,
            mismatches: Vec::new(),
            id,
            error: refusal.message.clone(),
            mirror: None,
            package: None,
            judged: None,
            trace: None,
            change: None,
            seen,
        }
    }

    /// Goes on with the trace that the caller sends along, and tells it the request's own span.
    pub fn go_on_with_trace(&mut self, request: &Request<'_>) {
        self.trace = request.header("traceparent").and_then(|given| Trace::of(given, &self.id));
        if let Some(trace) = &self.trace {
            self.answer.headers.push(("traceparent", trace.header()));
        }
    }

    /// The row of the table of requests, once the host has said when it was and how long it took.
    pub fn request(&self) -> RequestEvent {
        let Seen { at_ms, ref served, status, seconds, n_rows, .. } = self.seen;
        RequestEvent { at_ms, id: self.id.clone(), served: served.clone(), status, seconds, n_rows }
    }

    /// The rows of the table of exceptions: each kind once, as it is counted.
    pub fn exceptions(&self) -> Vec<ExceptionEvent> {
        let event = |exception: Exception, message: String, column: Option<String>, row: Option<u64>| ExceptionEvent {
            at_ms: self.seen.at_ms,
            request_id: self.id.clone(),
            served: self.seen.served.clone(),
            exception,
            message,
            column,
            row,
        };
        let mut events: Vec<ExceptionEvent> = Vec::new();
        for mismatch in &self.mismatches {
            if !events.iter().any(|known| known.exception == mismatch.exception) {
                let row = mismatch.row.map(|row| row as u64 - 1);
                events.push(event(mismatch.exception, mismatch.in_words(), Some(mismatch.column.clone()), row));
            }
        }
        for exception in &self.seen.exceptions {
            if !events.iter().any(|known| known.exception == *exception) {
                events.push(event(*exception, self.error.clone(), None, None));
            }
        }
        events
    }
}

/// How far two models are apart in what they say of the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disagreement {
    /// Rows that both predicted.
    pub n_rows: u64,
    /// Rows for which they name another class.
    pub n_labels: u64,
    /// The largest difference of a probability, or of a number.
    pub max_difference: f64,
    /// Rows by the largest difference of their probabilities: below 0.1, below 0.2, and so on. All zero for numbers,
    /// whose differences have no scale of their own, and for models with other classes.
    pub n_by_tenth: [u64; 10],
}

impl Disagreement {
    /// Of predictions of the same rows; models with other classes differ in every row.
    pub fn of(live: &Scored, mirrored: &Scored) -> Self {
        let (Prediction::Numbers(a) | Prediction::Probabilities { values: a, .. }) = &live.prediction;
        let (Prediction::Numbers(b) | Prediction::Probabilities { values: b, .. }) = &mirrored.prediction;
        let n_rows = if live.classes.is_empty() { a.len() } else { live.classes.len() };
        let n_labels = live.classes.iter().zip(&mirrored.classes).filter(|(a, b)| a != b).count();
        let largest = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let is_comparable = a.len() == b.len() && live.classes.len() == mirrored.classes.len();
        let n_labels = if is_comparable { n_labels } else { n_rows };
        let mut n_by_tenth = [0; 10];
        if is_comparable && !live.classes.is_empty() {
            let n_classes = a.len() / n_rows;
            for (a, b) in a.chunks_exact(n_classes).zip(b.chunks_exact(n_classes)) {
                n_by_tenth[((largest(a, b) * 10.0) as usize).min(9)] += 1;
            }
        }
        Self { n_rows: n_rows as u64, n_labels: n_labels as u64, max_difference: largest(a, b), n_by_tenth }
    }
}
