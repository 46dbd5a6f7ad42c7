//! What the program knows between two requests, and how it answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use endpoint::{
    Action, Answer, Apart, Disagreement, Feedback, Handled, Host, Managed, Mirrored, Monitoring, Observed, Observer,
    Past, Refusal, Remembered, Request, Route, Scorer, Service, Topic, drift, rollbacks, watches_drift,
};
use monitor::drift::{SliceRecord, Slices};
use monitor::{
    Exception, ExceptionEvent, Minute, MinuteKey, Performance, PerformanceRecord, Record, Recorder, RequestEvent,
    Served, Snapshot, TextFormat,
};
use registry::{Change, Event, Hash, Log, Name, Registry};
use serde_json::json;

use crate::message::{Asked, Errands, In, Kept, Out, Taken};

/// Copies of requests that wait for a mirror; more are not copied.
const MAX_COPIES: usize = 100;
/// Requests and exceptions that are kept until they are taken.
const MAX_EVENTS: usize = 10_000;
/// Slices of rows are kept for so many hours: a week.
const N_HOURS: u64 = 7 * 24;
/// What the metrics say of drift is of the last hour.
const DRIFT_MS: u64 = 3_600_000;

/// What the program knows.
pub struct State {
    log: Log,
    service: Service,
    /// When the first message came, in milliseconds since 1970.
    started_ms: u64,
    /// Packages that cannot be served, so that they are not asked for again.
    broken: BTreeMap<Hash, String>,
    recorder: Recorder,
    observer: RefCell<Observer>,
    requests: Vec<RequestEvent>,
    exceptions: Vec<ExceptionEvent>,
    copies: Vec<Copied>,
    mirrored: BTreeMap<(Name, Name, Name), Apart>,
    performance: Vec<PerformanceRecord>,
    remembered: Vec<(String, Remembered)>,
    judged: Vec<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            log: Log::default(),
            service: Service::default(),
            started_ms: 0,
            broken: BTreeMap::new(),
            recorder: Recorder::default(),
            observer: RefCell::new(Observer::new(0)),
            requests: Vec::new(),
            exceptions: Vec::new(),
            copies: Vec::new(),
            mirrored: BTreeMap::new(),
            performance: Vec::new(),
            remembered: Vec::new(),
            judged: Vec::new(),
        }
    }
}

/// A request that a mirror is to see.
struct Copied {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    live: Handled,
}

/// What an answer may rest on.
struct Known<'a> {
    asked: &'a Asked,
    clock: &'a dyn Fn() -> f64,
    state: &'a State,
    is_mirror: bool,
}

impl State {
    /// Answers a message. `clock` gives seconds since some moment.
    ///
    /// A browser compiles a function when it is first called, so what each kind of message asks for stays a function of its
    /// own: a service worker that was just started compiles what its first request needs, and no more.
    pub fn take(&mut self, message: In, bytes: &[u8], clock: &dyn Fn() -> f64) -> (Out, Vec<u8>) {
        let out = match message {
            In::Open { events, now_ms, seed } => self.open(&events, now_ms, seed),
            In::Load { package } => {
                self.load(package, bytes);
                Out::Ready { needs: self.needs() }
            }
            In::Request(asked) => return self.answer(&asked, bytes, clock),
            In::Failed(asked) => {
                let refusal = Refusal::new(Exception::ModelPanic, "the model failed, and was loaded anew");
                return self.refuse(&asked, &refusal, clock);
            }
            In::Header => {
                let answer = Managed::package(bytes.to_vec(), true);
                return given(answer.unwrap_or_else(|refusal| refusal.answer()));
            }
            In::Copy { now_ms } => {
                self.copy(now_ms, clock);
                Out::Ready { needs: Vec::new() }
            }
            In::Take { with_slices } => Out::Taken(self.taken(with_slices)),
            In::Merge { mut kept, more } => {
                kept.counts.merge(&more.counts);
                kept.key.minute = kept.key.minute.max(more.key.minute);
                Out::Merged { record: json!(kept) }
            }
            In::MergeSlices { mut kept, more } => {
                kept.slice.merge(&more.slice);
                Out::Merged { record: json!(kept) }
            }
            In::MergeMirrored { mut kept, more } => {
                kept.counts.merge(&more.counts);
                Out::Merged { record: json!(kept) }
            }
            In::MergePerformance { mut kept, more } => {
                kept.counts.merge(&more.counts);
                Out::Merged { record: json!(kept) }
            }
            In::Rules { minutes, now_ms } => self.follow_rules(&minutes, now_ms),
            In::Settle { slices, now_ms } => settled(slices, now_ms),
        };
        (out, Vec::new())
    }

    #[inline(never)]
    fn open(&mut self, events: &str, now_ms: u64, seed: u64) -> Out {
        match Log::read(events) {
            Ok(log) => {
                self.started_ms = now_ms;
                self.observer = RefCell::new(Observer::new(seed));
                self.serve(log);
                Out::Ready { needs: self.needs() }
            }
            Err(error) => Out::Refused { message: error.to_string() },
        }
    }

    #[inline(never)]
    fn follow_rules(&mut self, minutes: &[Record], now_ms: u64) -> Out {
        let changes = rollbacks(minutes, self.log.registry(), now_ms);
        match self.record("rule", now_ms, changes) {
            Ok(append) => Out::Changed { append, needs: self.needs() },
            Err(refusal) => Out::Refused { message: refusal.message },
        }
    }

    #[inline(never)]
    fn taken(&mut self, with_slices: bool) -> Taken {
        Taken {
            minutes: self.recorder.take_all(),
            requests: std::mem::take(&mut self.requests),
            exceptions: std::mem::take(&mut self.exceptions),
            slices: if with_slices { self.observer.get_mut().slices.take_all() } else { Vec::new() },
            mirrored: mirrored(&std::mem::take(&mut self.mirrored)),
            performance: std::mem::take(&mut self.performance),
            remembered: std::mem::take(&mut self.remembered),
            judged: std::mem::take(&mut self.judged),
            has_rules: self.log.registry().endpoints.values().any(|endpoint| endpoint.rollback.is_some()),
        }
    }

    /// Serves what a log adds up to, with the packages that are loaded already.
    fn serve(&mut self, log: Log) {
        let registry = log.registry().clone();
        self.log = log;
        self.put(registry, self.service.scorers().clone());
    }

    fn put(&mut self, registry: Registry, mut scorers: BTreeMap<Hash, Arc<Scorer>>) {
        let served = registry.served_packages();
        scorers.retain(|hash, _| served.contains(hash));
        self.service = Service::new(registry, scorers).with_max_body(endpoint::MAX_BODY);
    }

    #[inline(never)]
    fn load(&mut self, package: Hash, bytes: &[u8]) {
        let loaded = if Hash::of(bytes) == package {
            Scorer::load(bytes).map_err(|error| error.to_string())
        } else {
            Err("it is not what was registered".into())
        };
        match loaded {
            Ok(scorer) => {
                let mut scorers = self.service.scorers().clone();
                scorers.insert(package, Arc::new(scorer));
                self.put(self.log.registry().clone(), scorers);
            }
            Err(reason) => {
                self.broken.insert(package, reason);
            }
        }
    }

    /// Packages that are served and not loaded.
    fn needs(&self) -> Vec<Hash> {
        let served = self.log.registry().served_packages().into_iter();
        let is_missing = |hash: &&Hash| !self.service.scorers().contains_key(*hash) && !self.broken.contains_key(*hash);
        served.filter(is_missing).cloned().collect()
    }

    #[inline(never)]
    fn answer(&mut self, asked: &Asked, body: &[u8], clock: &dyn Fn() -> f64) -> (Out, Vec<u8>) {
        let request = Request { method: &asked.method, path: &asked.path, headers: &asked.headers, body };
        if let Some(managed) = Managed::of(&request) {
            return self.manage(asked, managed);
        }
        match Monitoring::of(&asked.method, &asked.path, &asked.query) {
            Some(Ok(monitoring)) => return self.monitor(asked, monitoring),
            Some(Err(refusal)) => return given(refusal.answer()),
            None => {}
        }
        let route = Route::of(&asked.method, &asked.path);
        if asked.past.is_none()
            && let Ok(route) = &route
        {
            if route.rests_on_counts() {
                let since_ms = asked.now_ms.saturating_sub(DRIFT_MS);
                let tables = &["totals", "slices", "performance"];
                return (Out::Needs { tables, request: None, since_ms }, Vec::new());
            }
            if route.action == Action::Feedback
                && let Ok(feedback) = Feedback::read(body)
            {
                return (Out::Needs { tables: &[], request: Some(feedback.id), since_ms: 0 }, Vec::new());
            }
        }
        let mut handled = self.service.handle(&request, &Known { asked, clock, state: self, is_mirror: false });
        let mut errands = Errands::default();
        if let Some(change) = handled.change.take() {
            match self.record("protocol", asked.now_ms, vec![change]) {
                Ok(append) => errands = Errands { append, needs: self.needs(), ..errands },
                Err(refusal) => handled.answer = refusal.answer(),
            }
        }
        if let Some(record) = handled.judged.take() {
            self.performance.push(record);
            self.judged.push(handled.id.clone());
        }
        if route.is_ok_and(|route| route.predicts()) {
            self.count(&mut handled, asked, clock() - asked.arrived);
            if let Some(mirror) = handled.mirror.as_ref().filter(|_| self.copies.len() < MAX_COPIES) {
                let mut headers = asked.headers.clone();
                headers.insert(0, ("x-millrace-deployment".into(), mirror.to_string()));
                let live = handled.clone();
                self.copies.push(Copied { path: asked.path.clone(), headers, body: body.to_vec(), live });
                errands.has_copy = true;
            }
        }
        answered(handled.answer, errands)
    }

    #[inline(never)]
    fn monitor(&mut self, asked: &Asked, monitoring: Monitoring) -> (Out, Vec<u8>) {
        let Some(kept) = &asked.past else {
            // Whoever looks finds a minute without requests, and not one of which nothing is known.
            for served in self.service.served() {
                self.recorder.stand_by(asked.now_ms, &served);
            }
            let tables: &[&str] = match monitoring.topic {
                Topic::Alerts if watches_drift(self.log.registry()) => &["minutes", "slices"],
                Topic::Minutes | Topic::Alerts => &["minutes"],
                Topic::Exceptions => &["exceptions"],
                Topic::Requests => &["requests"],
                Topic::Drift => &["slices"],
                Topic::Disagreements => &["mirrored"],
                Topic::Performance => &["performance"],
                Topic::Events => &[],
            };
            // An alert looks back as far as it likes.
            let since_ms = if monitoring.topic == Topic::Alerts { 0 } else { monitoring.since_ms };
            return (Out::Needs { tables, request: None, since_ms }, Vec::new());
        };
        given(monitoring.answer(&self.service, &History { kept, state: self, now_ms: asked.now_ms }))
    }

    /// Answers what is not to be asked of the service.
    #[inline(never)]
    fn refuse(&mut self, asked: &Asked, refusal: &Refusal, clock: &dyn Fn() -> f64) -> (Out, Vec<u8>) {
        let mut handled = match Route::of(&asked.method, &asked.path) {
            Ok(route) => Handled::refused(refusal, self.service.meant(route.model), route.template(), asked.id.clone()),
            Err(_) => Handled::refused(refusal, None, "_OTHER", asked.id.clone()),
        };
        self.count(&mut handled, asked, clock() - asked.arrived);
        given(handled.answer)
    }

    #[inline(never)]
    fn manage(&mut self, asked: &Asked, managed: Result<Managed<'_>, Refusal>) -> (Out, Vec<u8>) {
        let managed = match managed {
            Ok(managed) => managed,
            Err(refusal) => return given(refusal.answer()),
        };
        let (who, changes, registers) = match managed {
            Managed::Show => return given(Managed::state(self.log.registry())),
            Managed::Fetch { package, is_header } => return (Out::Package { package, is_header }, Vec::new()),
            Managed::Change { who, changes } => (who, changes, None),
            Managed::Register { model, package } => {
                let package = Hash::of(package);
                let version = self.log.registry().next_version(&model);
                let change = Change::Registered { model: model.clone(), version, package: package.clone() };
                ("studio".into(), vec![change], Some((model, version, package)))
            }
        };
        let append = match self.record(&who, asked.now_ms, changes) {
            Ok(append) => append,
            Err(refusal) => return given(refusal.answer()),
        };
        let (answer, keep) = match registers {
            None => (Managed::state(self.log.registry()), None),
            Some((model, version, package)) => (Managed::registered(&model, version), Some(package)),
        };
        answered(answer, Errands { append, keep, needs: self.needs(), has_copy: false })
    }

    /// Records all changes, or none; gives the lines that are to be kept.
    fn record(&mut self, who: &str, now_ms: u64, changes: Vec<Change>) -> Result<String, Refusal> {
        if changes.is_empty() {
            return Ok(String::new());
        }
        let mut log = self.log.clone();
        let mut lines = String::new();
        for change in changes {
            let event = Event { at: now_ms, who: who.into(), change };
            lines.push_str(&Log::line(&event));
            log.record(event).map_err(|error| Managed::conflict(&error))?;
        }
        self.serve(log);
        Ok(lines)
    }

    fn count(&mut self, handled: &mut Handled, asked: &Asked, seconds: f64) {
        handled.seen.at_ms = asked.now_ms;
        handled.seen.seconds = seconds;
        handled.seen.in_flight = asked.in_flight;
        self.recorder.see(&handled.seen);
        if self.exceptions.len() < MAX_EVENTS {
            self.exceptions.extend(handled.exceptions());
        }
        if self.requests.len() < MAX_EVENTS && !handled.seen.served.is_mirror {
            self.requests.push(handled.request());
            self.remembered.extend(Remembered::of(handled).map(|remembered| (handled.id.clone(), remembered)));
        }
    }

    /// Asks the mirror what was asked, after the callers were answered.
    #[inline(never)]
    fn copy(&mut self, now_ms: u64, clock: &dyn Fn() -> f64) {
        for Copied { path, headers, body, live } in std::mem::take(&mut self.copies) {
            let (method, id) = ("POST".into(), live.id.clone());
            let asked = Asked { method, path, headers, id, now_ms, arrived: clock(), ..Asked::default() };
            let request = Request { method: &asked.method, path: &asked.path, headers: &asked.headers, body: &body };
            let known = Known { asked: &asked, clock, state: self, is_mirror: true };
            let mut handled = self.service.handle(&request, &known);
            let names = (live.seen.served.endpoint, live.seen.served.deployment, live.mirror);
            if let ((Some(endpoint), Some(deployment), Some(mirror)), Some(scored)) = (names, &live.scored) {
                let disagreement = handled.scored.as_ref().map(|copied| Disagreement::of(scored, copied));
                self.mirrored.entry((endpoint, deployment, mirror)).or_default().see(disagreement);
            }
            handled.seen.served.is_mirror = true;
            self.count(&mut handled, &asked, clock() - asked.arrived);
        }
    }

    /// What was kept, and what was counted since; by who answered, with the last minute.
    fn totals(&self, kept: Option<&Kept>) -> BTreeMap<Served, (u64, Minute)> {
        let mut totals: BTreeMap<Served, (u64, Minute)> = BTreeMap::new();
        let kept = kept.into_iter().flat_map(|kept| &kept.totals).map(|record| (&record.key, &record.counts));
        for (key, counts) in kept.chain(self.recorder.minutes()) {
            let (minute, total) = totals.entry(key.served.clone()).or_default();
            *minute = (*minute).max(key.minute);
            total.merge(counts);
        }
        for served in self.service.served() {
            totals.entry(served).or_default();
        }
        totals
    }

    fn slices(&self, kept: &Kept) -> Slices {
        let mut slices = added_up(kept.slices.clone());
        self.observer.borrow().slices.clone().take_all().into_iter().for_each(|record| slices.add(record));
        slices
    }
}

#[inline(never)]
fn settled(slices: Vec<SliceRecord>, now_ms: u64) -> Out {
    let mut all = added_up(slices);
    all.settle(now_ms, N_HOURS);
    Out::Taken(Taken { slices: all.take_all(), ..Taken::default() })
}

fn added_up(records: Vec<SliceRecord>) -> Slices {
    let mut slices = Slices::default();
    records.into_iter().for_each(|record| slices.add(record));
    slices
}

fn mirrored(counted: &BTreeMap<(Name, Name, Name), Apart>) -> Vec<Mirrored> {
    let names = counted.iter().map(|((endpoint, live, mirror), counts)| Mirrored {
        endpoint: endpoint.clone(),
        live: live.clone(),
        mirror: mirror.clone(),
        counts: *counts,
    });
    names.collect()
}

/// An answer with nothing to be done.
fn given(answer: Answer) -> (Out, Vec<u8>) {
    answered(answer, Errands::default())
}

fn answered(answer: Answer, errands: Errands) -> (Out, Vec<u8>) {
    let Answer { status, headers, body } = answer;
    (Out::Answer { status, headers, errands }, body)
}

impl Host for Known<'_> {
    fn seconds(&self) -> f64 {
        (self.clock)()
    }

    fn fresh_id(&self) -> String {
        self.asked.id.clone()
    }

    // Only pages of this browser can ask, and none is served by it but them.
    fn takes_faults(&self) -> bool {
        true
    }

    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        let totals = self.state.totals(self.asked.past.as_ref()).into_iter();
        totals.map(|(served, (minute, counts))| (MinuteKey { minute, served }, counts)).collect()
    }

    fn remembered(&self, _: &str) -> Option<Remembered> {
        self.asked.past.as_ref()?.remembered.clone()
    }

    fn metrics(&self, accept: &str) -> Answer {
        let format = TextFormat::accepted(accept);
        let totals = self.state.totals(self.asked.past.as_ref()).into_iter();
        let totals = totals.map(|(served, (_, counts))| (served, counts)).collect();
        let slices = self.asked.past.as_ref().map_or_else(Slices::default, |kept| self.state.slices(kept));
        let since = self.asked.now_ms.saturating_sub(DRIFT_MS);
        let reports = drift(&slices, since, &self.state.service).into_iter();
        let mut performance: BTreeMap<Served, Performance> = BTreeMap::new();
        for record in self.asked.past.iter().flat_map(|kept| &kept.performance) {
            performance.entry(record.key.served.clone()).or_default().merge(&record.counts);
        }
        let snapshot = Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            started_ms: self.state.started_ms,
            now_ms: self.asked.now_ms,
            scheme: "https",
            totals: &totals,
            in_flight: self.asked.in_flight,
            queue: 0,
            process: None,
            performance: &performance,
            drift: &reports.map(|report| (report.served, report.report)).collect(),
        };
        Answer::text(format.content_type(), monitor::exposition(&snapshot, format))
    }

    fn observe(&self, observed: &Observed<'_>) {
        self.state.observer.borrow_mut().observe(self.asked.now_ms, observed, self.is_mirror);
    }
}

/// What the script keeps, and what was counted since it was last taken.
struct History<'a> {
    kept: &'a Kept,
    state: &'a State,
    now_ms: u64,
}

impl Past for History<'_> {
    fn minutes(&self) -> Vec<Record> {
        let under_way = self.state.recorder.minutes().iter();
        let under_way = under_way.map(|(key, counts)| Record { key: key.clone(), counts: counts.clone() });
        self.kept.minutes.iter().cloned().chain(under_way).collect()
    }

    fn exceptions(&self) -> Vec<ExceptionEvent> {
        self.kept.exceptions.iter().chain(&self.state.exceptions).cloned().collect()
    }

    fn requests(&self) -> Vec<RequestEvent> {
        self.kept.requests.iter().chain(&self.state.requests).cloned().collect()
    }

    fn events(&self) -> Result<Vec<Event>, String> {
        Ok(self.state.log.events().to_vec())
    }

    fn slices(&self) -> Slices {
        self.state.slices(self.kept)
    }

    fn performance(&self) -> Vec<PerformanceRecord> {
        self.kept.performance.iter().chain(&self.state.performance).cloned().collect()
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn mirrored(&self) -> Vec<Mirrored> {
        self.kept.mirrored.iter().cloned().chain(mirrored(&self.state.mirrored)).collect()
    }
}
