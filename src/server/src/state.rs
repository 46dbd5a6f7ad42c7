//! What a running server knows: what it serves, who may ask, and what it counted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use endpoint::{Answer, Handled, Host, Mirrored, Observed, Observer, Past, Remembered, Scorer, Service};
use monitor::drift::{Report, Slices};
use monitor::{
    ExceptionEvent, Minute, MinuteKey, PerformanceRecord, Process, Record, RequestEvent, Served, Snapshot, TextFormat,
    exposition, performance,
};
use registry::{Change, Event, Hash, Log, Name, Registry};
use tokio::sync::watch;

use crate::counted::{Counted, Kept};
use crate::folder::{Folder, now_ms};
use crate::http::Options;
use crate::keys::Keys;
use crate::records;

/// What a running server knows.
pub(crate) struct State {
    source: Source,
    keys_path: Option<PathBuf>,
    max_body: usize,
    takes_faults: bool,
    service: RwLock<Arc<Service>>,
    keys: RwLock<Arc<Keys>>,
    counted: Mutex<Counted>,
    /// Whether what was kept of the past is read.
    has_past: watch::Sender<bool>,
    observer: Mutex<Observer>,
    /// Requests under way, and those of them that ask for a prediction.
    pub in_flight: AtomicU32,
    pub predicting: AtomicU32,
    pub is_draining: AtomicBool,
    started: Instant,
    started_ms: u64,
    next_id: AtomicU32,
}

/// Where the registry's log is.
enum Source {
    /// In a folder that others may write to.
    Folder(Folder),
    /// Here alone, made up of the packages that were named.
    Memory(Mutex<Log>),
}

/// A lock that a panicked thread held is still good: what it guards is changed in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Serves a registry's folder, or packages, each under its name with all its traffic.
    pub fn new(options: &Options) -> Result<Self> {
        let (source, registry, packages) = match &options.folder {
            Some(folder) => {
                let registry = folder.log()?.registry().clone();
                (Source::Folder(folder.clone()), registry, BTreeMap::new())
            }
            None => {
                let (log, packages) = log_of(&options.packages)?;
                let registry = log.registry().clone();
                (Source::Memory(Mutex::new(log)), registry, packages)
            }
        };
        let now = now_ms();
        let keys = options.keys.as_deref().map(Keys::read).transpose()?.unwrap_or_default();
        let state = Self {
            source,
            keys_path: options.keys.clone(),
            max_body: options.max_body,
            takes_faults: options.takes_faults,
            service: RwLock::default(),
            keys: RwLock::new(Arc::new(keys)),
            counted: Mutex::default(),
            has_past: watch::Sender::new(false),
            observer: Mutex::new(Observer::new(seed()?)),
            in_flight: AtomicU32::new(0),
            predicting: AtomicU32::new(0),
            is_draining: AtomicBool::new(false),
            started: Instant::now(),
            started_ms: now,
            next_id: AtomicU32::new(0),
        };
        state.serve(registry, &packages)?;
        Ok(state)
    }

    /// Reads what was kept of the past, which may be much: a thread of its own reads, and the server answers meanwhile. To
    /// be called once, before anything is kept.
    pub async fn recall(&self) {
        if let Some(folder) = self.folder().cloned() {
            let now = now_ms();
            match tokio::task::spawn_blocking(move || Kept::read(&folder, now)).await {
                Ok(kept) => locked(&self.counted).recall(kept, now),
                Err(error) => eprintln!("warning: what was counted before cannot be read: {error}"),
            }
        }
        self.has_past.send_replace(true);
    }

    /// Waits until the past is known.
    pub async fn recalled(&self) {
        // The sender lives as long as this.
        let _ = self.has_past.subscribe().wait_for(|has_past| *has_past).await;
    }

    /// Serves this state of the registry from now on. Requests under way end with the one they began with.
    fn serve(&self, registry: Registry, packages: &BTreeMap<Hash, Vec<u8>>) -> Result<()> {
        let before = self.service();
        let mut scorers = BTreeMap::new();
        for hash in registry.served_packages() {
            let scorer = match before.scorers().get(hash) {
                Some(scorer) => Arc::clone(scorer),
                None => {
                    let bytes = match (packages.get(hash), &self.source) {
                        (Some(bytes), _) => bytes.clone(),
                        (None, Source::Folder(folder)) => folder.package(hash)?,
                        (None, Source::Memory(_)) => continue,
                    };
                    let loaded = Scorer::load(&bytes);
                    Arc::new(loaded.with_context(|| format!("the package {} cannot be served", hash.short()))?)
                }
            };
            scorers.insert(hash.clone(), scorer);
        }
        let service = Service::new(registry, scorers).with_max_body(self.max_body);
        *self.service.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(service);
        Ok(())
    }

    /// What is served now.
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who may ask.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The registry's folder, if there is one.
    pub fn folder(&self) -> Option<&Folder> {
        match &self.source {
            Source::Folder(folder) => Some(folder),
            Source::Memory(_) => None,
        }
    }

    /// Looks at the keys and the folder again.
    pub fn reload(&self) -> Result<()> {
        if let Some(path) = &self.keys_path {
            let keys = Keys::read(path)?;
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        }
        let Some(folder) = self.folder() else { return Ok(()) };
        self.serve(folder.log()?.registry().clone(), &BTreeMap::new())
    }

    /// Carries out changes that a request asked for: all, or none.
    pub fn change(&self, who: &str, changes: Vec<Change>) -> Result<()> {
        match &self.source {
            Source::Folder(folder) => {
                let log = folder.record(who, |_| Ok(changes))?;
                self.serve(log.registry().clone(), &BTreeMap::new())
            }
            Source::Memory(log) => {
                let mut log = locked(log);
                let mut next = log.clone();
                for change in changes {
                    next.record(Event { at: now_ms(), who: who.into(), change })?;
                }
                *log = next;
                self.serve(log.registry().clone(), &BTreeMap::new())
            }
        }
    }

    /// Counts an answer.
    pub fn count(&self, handled: &Handled) {
        locked(&self.counted).see(handled);
    }

    /// The exceptions that came after the first `n`, and of how many of them nothing is known any more.
    pub fn exceptions_after(&self, n: u64) -> (Vec<ExceptionEvent>, u64) {
        locked(&self.counted).exceptions_after(n)
    }

    /// Compares what a mirror answered with what the caller got.
    pub fn compare(&self, live: &Handled, mirrored: &Handled) {
        locked(&self.counted).compare(live, mirrored);
    }

    /// To be called each minute: keeps what is over.
    pub fn finish_minutes(&self) {
        let now = now_ms();
        let slices = locked(&self.observer).slices.take_finished(now);
        records::append(self.folder(), records::SLICES, &slices, now);
        let served = self.service().served();
        let mut counted = locked(&self.counted);
        counted.keep_slices(slices, now);
        let minutes = counted.finish_minutes(now, &served);
        drop(counted);
        records::append(self.folder(), records::MINUTES, &minutes, now);
    }

    /// Keeps everything, because the server ends.
    pub fn finish(&self) {
        let (folder, now) = (self.folder(), now_ms());
        records::append(folder, records::MINUTES, &locked(&self.counted).last_minutes(), now);
        records::append(folder, records::SLICES, &locked(&self.observer).slices.take_all(), now);
    }

    /// Adds how good a prediction turned out to be.
    pub async fn judge(&self, id: &str, record: PerformanceRecord) {
        // What is kept from now on is not read as well.
        self.recalled().await;
        records::append(self.folder(), records::PERFORMANCE, std::slice::from_ref(&record), now_ms());
        locked(&self.counted).judge(id, record);
    }

    /// All that was counted, for scrapers and collectors.
    pub fn snapshot<T>(&self, write: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let counted = locked(&self.counted);
        let (totals, judged) = (counted.totals(&self.service().served()), counted.performance());
        drop(counted);
        write(&Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            started_ms: self.started_ms,
            now_ms: now_ms(),
            scheme: "http",
            totals: &totals,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            queue: 0,
            process: process(),
            drift: &self.drift(),
            performance: &performance(&judged),
        })
    }

    /// How the rows of the last hour differ from those of training.
    fn drift(&self) -> BTreeMap<Served, Report> {
        const WINDOW_MS: u64 = 3_600_000;
        let reports = endpoint::drift(&self.slices(), now_ms().saturating_sub(WINDOW_MS), &self.service());
        reports.into_iter().map(|report| (report.served, report.report)).collect()
    }
}

impl Host for State {
    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Unique within this server's life, and not to be guessed from another's.
    fn fresh_id(&self) -> String {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}-{number:08x}", self.started_ms)
    }

    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        locked(&self.counted).totals_and_last(&self.service().served())
    }

    fn metrics(&self, accept: &str) -> Answer {
        let format = TextFormat::accepted(accept);
        Answer::text(format.content_type(), self.snapshot(|snapshot| exposition(snapshot, format)))
    }

    fn remembered(&self, id: &str) -> Option<Remembered> {
        locked(&self.counted).remembered(id)
    }

    fn takes_faults(&self) -> bool {
        self.takes_faults
    }

    fn observe(&self, observed: &Observed<'_>) {
        locked(&self.observer).observe(now_ms(), observed, false);
    }
}

/// The same host to whoever answers copies of requests.
pub(crate) struct MirrorHost<'a>(pub &'a State);

impl Host for MirrorHost<'_> {
    fn seconds(&self) -> f64 {
        self.0.seconds()
    }

    fn fresh_id(&self) -> String {
        self.0.fresh_id()
    }

    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        Host::minutes(self.0)
    }

    fn metrics(&self, accept: &str) -> Answer {
        self.0.metrics(accept)
    }

    fn observe(&self, observed: &Observed<'_>) {
        locked(&self.0.observer).observe(now_ms(), observed, true);
    }
}

impl Past for State {
    fn minutes(&self) -> Vec<Record> {
        locked(&self.counted).minutes()
    }

    fn minutes_since(&self, since_ms: u64) -> Vec<Record> {
        let since = since_ms / 60_000;
        let recent = Counted::oldest_minute(now_ms());
        let is_older = |record: &Record| (since..recent).contains(&record.key.minute);
        let older = self.folder().filter(|_| since < recent);
        let older = older.map(|folder| records::read(folder, records::MINUTES, since_ms, is_older));
        let recent =
            locked(&self.counted).minutes().into_iter().filter(|record| record.key.minute >= since.max(recent));
        older.into_iter().flatten().chain(recent).collect()
    }

    fn exceptions(&self) -> Vec<ExceptionEvent> {
        locked(&self.counted).exceptions()
    }

    fn requests(&self) -> Vec<RequestEvent> {
        locked(&self.counted).requests()
    }

    fn events(&self) -> Result<Vec<Event>, String> {
        match &self.source {
            Source::Folder(folder) => folder.log().map(|log| log.events().to_vec()).map_err(|why| format!("{why:#}")),
            Source::Memory(log) => Ok(locked(log).events().to_vec()),
        }
    }

    fn slices(&self) -> Slices {
        let mut slices = locked(&self.counted).slices().clone();
        let under_way = locked(&self.observer).slices.clone().take_all();
        under_way.into_iter().for_each(|record| slices.add(record));
        slices
    }

    fn performance(&self) -> Vec<PerformanceRecord> {
        locked(&self.counted).performance()
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    fn mirrored(&self) -> Vec<Mirrored> {
        locked(&self.counted).mirrored()
    }
}

/// Differs from that of every other server, so that what both kept can be added up.
fn seed() -> Result<u64> {
    let seed = getrandom::u64();
    seed.map_err(|error| anyhow!("no random bytes are to be had: {error}"))
}

/// A registry of packages, each deployed under its name with all its traffic, and their bytes.
fn log_of(packages: &[(Name, Vec<u8>)]) -> Result<(Log, BTreeMap<Hash, Vec<u8>>)> {
    let mut log = Log::default();
    let mut by_hash = BTreeMap::new();
    for (name, bytes) in packages {
        let package = Hash::of(bytes);
        let version = log.registry().next_version(name);
        let live = Name::new("live")?;
        let traffic = [(live.clone(), 100)].into();
        for change in [
            Change::Registered { model: name.clone(), version, package: package.clone() },
            Change::Deployed { endpoint: name.clone(), deployment: live, model: name.clone(), version },
            Change::TrafficSet { endpoint: name.clone(), traffic, reason: String::new() },
        ] {
            log.record(Event { at: now_ms(), who: "server".into(), change })?;
        }
        by_hash.insert(package, bytes.clone());
    }
    Ok((log, by_hash))
}

/// What Linux says of this process.
fn process() -> Option<Process> {
    /// Clock ticks a second, the same on every Linux in use.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets, which may hold spaces: state is the first field, user and system time the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?;
    Some(Process { cpu_seconds: ticks / TICKS, resident_bytes: resident.trim().parse::<u64>().ok()? * 1024 })
}
