//! What a running server knows: what it serves, who may ask, and what it counted.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use anyhow::{Context, Result};
use endpoint::{Answer, Disagreement, Handled, Host, Scorer, Service};
use monitor::{
    ExceptionEvent, Minute, MinuteKey, Process, Record, Recorder, Seen, Served, Snapshot, TextFormat, exposition,
};
use registry::{Change, Event, Hash, Log, Name, Registry};
use serde::Serialize;

use crate::folder::{Folder, now_ms};
use crate::http::Options;
use crate::keys::Keys;

/// Exceptions that are kept for whoever looks.
const N_EXCEPTIONS: usize = 1_000;
/// Minutes that are kept in memory for whoever looks: six hours.
const N_MINUTES: u64 = 360;

/// What a running server knows.
pub(crate) struct State {
    source: Source,
    keys_path: Option<PathBuf>,
    max_body: usize,
    service: RwLock<Arc<Service>>,
    keys: RwLock<Arc<Keys>>,
    counted: Mutex<Counted>,
    pub in_flight: AtomicU32,
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

#[derive(Default)]
struct Counted {
    recorder: Recorder,
    /// Finished minutes, at most `N_MINUTES` back.
    recent: VecDeque<Record>,
    /// All since the start but what the recorder still holds.
    totals: BTreeMap<Served, Minute>,
    /// The minute of the last request.
    last_minute: BTreeMap<Served, u64>,
    exceptions: VecDeque<ExceptionEvent>,
    disagreements: BTreeMap<(Name, Name, Name), Apart>,
}

/// How a mirror differs from what it mirrors.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Apart {
    /// Requests that both answered.
    n_requests: u64,
    /// Rows that both predicted.
    n_rows: u64,
    /// Rows for which they name another class.
    n_labels: u64,
    /// The largest difference of a probability, or of a number.
    max_difference: f64,
    /// Requests that only the live deployment could answer.
    n_failed: u64,
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
        let keys = options.keys.as_deref().map(Keys::read).transpose()?.unwrap_or_default();
        let state = Self {
            source,
            keys_path: options.keys.clone(),
            max_body: options.max_body,
            service: RwLock::default(),
            keys: RwLock::new(Arc::new(keys)),
            counted: Mutex::default(),
            in_flight: AtomicU32::new(0),
            is_draining: AtomicBool::new(false),
            started: Instant::now(),
            started_ms: now_ms(),
            next_id: AtomicU32::new(0),
        };
        state.serve(registry, &packages)?;
        Ok(state)
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

    /// Who moved what, and when.
    pub fn events(&self) -> Result<Vec<Event>> {
        match &self.source {
            Source::Folder(folder) => Ok(folder.log()?.events().to_vec()),
            Source::Memory(log) => Ok(locked(log).events().to_vec()),
        }
    }

    /// Counts an answer.
    pub fn count(&self, seen: &Seen, exceptions: Vec<ExceptionEvent>) {
        let mut counted = locked(&self.counted);
        counted.recorder.see(seen);
        match counted.last_minute.get_mut(&seen.served) {
            Some(last) => *last = (*last).max(seen.at_ms / 60_000),
            None => _ = counted.last_minute.insert(seen.served.clone(), seen.at_ms / 60_000),
        }
        for exception in exceptions {
            if counted.exceptions.len() == N_EXCEPTIONS {
                counted.exceptions.pop_front();
            }
            counted.exceptions.push_back(exception);
        }
    }

    /// Compares what a mirror answered with what the caller got.
    pub fn compare(&self, live: &Handled, mirrored: &Handled) {
        let names = |handled: &Handled| handled.seen.served.clone();
        let (Served { endpoint: Some(endpoint), deployment: Some(a), .. }, Some(b)) =
            (names(live), names(mirrored).deployment)
        else {
            return;
        };
        let mut counted = locked(&self.counted);
        let apart = counted.disagreements.entry((endpoint, a, b)).or_default();
        match (&live.scored, &mirrored.scored) {
            (Some(live), Some(mirrored)) => {
                let Disagreement { n_rows, n_labels, max_difference } = Disagreement::of(live, mirrored);
                apart.n_requests += 1;
                apart.n_rows += n_rows;
                apart.n_labels += n_labels;
                apart.max_difference = apart.max_difference.max(max_difference);
            }
            (Some(_), None) => apart.n_failed += 1,
            (None, _) => {}
        }
    }

    /// What mirrors say otherwise, by endpoint, live deployment and mirror.
    pub fn disagreements(&self) -> Vec<(Name, Name, Name, Apart)> {
        let counted = locked(&self.counted);
        counted.disagreements.iter().map(|((e, a, b), apart)| (e.clone(), a.clone(), b.clone(), *apart)).collect()
    }

    /// The last exceptions, oldest first.
    pub fn exceptions(&self) -> Vec<ExceptionEvent> {
        locked(&self.counted).exceptions.iter().cloned().collect()
    }

    /// The minutes of the last hours, the one under way included.
    pub fn recent_minutes(&self) -> Vec<Record> {
        let counted = locked(&self.counted);
        let under_way = counted.recorder.minutes().iter();
        let under_way = under_way.map(|(key, counts)| Record { key: key.clone(), counts: counts.clone() });
        counted.recent.iter().cloned().chain(under_way).collect()
    }

    /// To be called each minute: finished minutes are added up, and given to be kept.
    pub fn finish_minutes(&self) -> Vec<Record> {
        let now = now_ms();
        let served = self.service().served();
        let mut counted = locked(&self.counted);
        let finished = counted.recorder.take_finished(now);
        for Record { key, counts } in &finished {
            counted.totals.entry(key.served.clone()).or_default().merge(counts);
        }
        counted.recent.extend(finished.iter().cloned());
        let oldest = (now / 60_000).saturating_sub(N_MINUTES);
        while counted.recent.front().is_some_and(|record| record.key.minute < oldest) {
            counted.recent.pop_front();
        }
        for served in served {
            counted.recorder.stand_by(now, &served);
        }
        finished
    }

    /// Everything that was not given to be kept yet, because the server ends.
    pub fn last_minutes(&self) -> Vec<Record> {
        locked(&self.counted).recorder.take_all()
    }

    fn totals(&self) -> BTreeMap<Served, Minute> {
        let counted = locked(&self.counted);
        let mut totals = counted.totals.clone();
        for (key, counts) in counted.recorder.minutes() {
            totals.entry(key.served.clone()).or_default().merge(counts);
        }
        drop(counted);
        for served in self.service().served() {
            totals.entry(served).or_default();
        }
        totals
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
        let totals = self.totals();
        let counted = locked(&self.counted);
        // What was never asked is counted in no minute of ours: statistics say 0.
        let last = |served: &Served| counted.last_minute.get(served).copied().unwrap_or_default();
        totals.into_iter().map(|(served, counts)| (MinuteKey { minute: last(&served), served }, counts)).collect()
    }

    fn metrics(&self, accept: &str) -> Answer {
        let format = TextFormat::accepted(accept);
        let totals = self.totals();
        let snapshot = Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            started_ms: self.started_ms,
            now_ms: now_ms(),
            scheme: "http",
            totals: &totals,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            queue: 0,
            process: process(),
            drift: &BTreeMap::new(),
        };
        Answer::text(format.content_type(), exposition(&snapshot, format))
    }
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
