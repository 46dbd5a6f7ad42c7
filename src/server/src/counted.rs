//! What a running server counted: minutes, the last requests and exceptions, what rows looked like.

use std::collections::{BTreeMap, VecDeque};

use endpoint::{Apart, Disagreement, Handled, Mirrored, Remembered};
use monitor::drift::{SliceRecord, Slices};
use monitor::{
    ExceptionEvent, Minute, MinuteKey, Performance, PerformanceRecord, Record, Recorder, RequestEvent, Served,
};
use registry::Name;

use crate::folder::Folder;
use crate::records;

/// Single requests that are kept for whoever looks.
const N_REQUESTS: usize = 10_000;
/// Single exceptions, likewise.
const N_EXCEPTIONS: usize = 1_000;
/// Minutes that are kept in memory: six hours. Older ones are read when they are asked for.
const N_MINUTES: u64 = 360;
/// Hours for which it is known what rows looked like.
const N_DRIFT_HOURS: u64 = 24;

/// For so many days it is known how good predictions turned out to be.
const N_LABEL_DAYS: u64 = 30;

/// What was kept of the past, as far as it is still wanted.
pub(crate) struct Kept {
    minutes: Vec<Record>,
    slices: Vec<SliceRecord>,
    performance: Vec<PerformanceRecord>,
}

impl Kept {
    /// What is kept beside a registry.
    pub fn read(folder: &Folder, now_ms: u64) -> Self {
        let now = now_ms / 60_000;
        let minute = Counted::oldest_minute(now_ms);
        let slice = now.saturating_sub(60 * N_DRIFT_HOURS);
        let label = now.saturating_sub(24 * 60 * N_LABEL_DAYS);
        Self {
            minutes: records::read(folder, records::MINUTES, minute * 60_000, |it: &Record| it.key.minute >= minute),
            slices: records::read(folder, records::SLICES, slice * 60_000, |it: &SliceRecord| it.key.minute >= slice),
            performance: records::read(folder, records::PERFORMANCE, label * 60_000, |it: &PerformanceRecord| {
                it.key.minute >= label
            }),
        }
    }
}

/// What a running server counted.
#[derive(Default)]
pub(crate) struct Counted {
    recorder: Recorder,
    /// Finished minutes, at most `N_MINUTES` back.
    recent: VecDeque<Record>,
    /// All since the start but what the recorder still holds.
    totals: BTreeMap<Served, Minute>,
    /// The minute of the last request.
    last_minute: BTreeMap<Served, u64>,
    requests: VecDeque<RequestEvent>,
    exceptions: VecDeque<ExceptionEvent>,
    /// All that ever came, those included that are no longer kept.
    n_exceptions: u64,
    disagreements: BTreeMap<(Name, Name, Name), Apart>,
    /// Finished slices.
    slices: Slices,
    /// What was predicted, and the truth about it is not known yet.
    remembered: BTreeMap<String, Remembered>,
    /// The same by age.
    remembered_ids: VecDeque<String>,
    performance: BTreeMap<MinuteKey, Performance>,
}

/// Adds to the end, and lets the oldest go.
fn push<T>(kept: &mut VecDeque<T>, most: usize, new: T) {
    if kept.len() == most {
        kept.pop_front();
    }
    kept.push_back(new);
}

impl Counted {
    /// Adds what was kept of the past.
    pub fn recall(&mut self, kept: Kept, now_ms: u64) {
        let since = std::mem::replace(&mut self.recent, kept.minutes.into());
        self.recent.extend(since);
        kept.performance.into_iter().for_each(|record| self.judge("", record));
        self.keep_slices(kept.slices, now_ms);
    }

    /// The first minute that is kept in memory.
    pub fn oldest_minute(now_ms: u64) -> u64 {
        (now_ms / 60_000).saturating_sub(N_MINUTES)
    }

    /// Counts an answer.
    pub fn see(&mut self, handled: &Handled) {
        let seen = &handled.seen;
        self.recorder.see(seen);
        match self.last_minute.get_mut(&seen.served) {
            Some(last) => *last = (*last).max(seen.at_ms / 60_000),
            None => _ = self.last_minute.insert(seen.served.clone(), seen.at_ms / 60_000),
        }
        if let Some(remembered) = Remembered::of(handled) {
            if self.remembered_ids.len() == N_REQUESTS
                && let Some(oldest) = self.remembered_ids.pop_front()
            {
                self.remembered.remove(&oldest);
            }
            self.remembered_ids.push_back(handled.id.clone());
            self.remembered.insert(handled.id.clone(), remembered);
        }
        if !seen.served.is_mirror {
            push(&mut self.requests, N_REQUESTS, handled.request());
        }
        for exception in handled.exceptions() {
            push(&mut self.exceptions, N_EXCEPTIONS, exception);
            self.n_exceptions += 1;
        }
    }

    /// What was predicted under a name, unless it is long ago or was judged.
    pub fn remembered(&self, id: &str) -> Option<Remembered> {
        self.remembered.get(id).cloned()
    }

    /// Adds how good a prediction turned out to be, and forgets it.
    pub fn judge(&mut self, id: &str, record: PerformanceRecord) {
        self.remembered.remove(id);
        self.performance.entry(record.key).or_default().merge(&record.counts);
    }

    /// How good predictions turned out to be.
    pub fn performance(&self) -> Vec<PerformanceRecord> {
        let record =
            |(key, counts): (&MinuteKey, &Performance)| PerformanceRecord { key: key.clone(), counts: *counts };
        self.performance.iter().map(record).collect()
    }

    /// Compares what a mirror answered with what the caller got.
    pub fn compare(&mut self, live: &Handled, mirrored: &Handled) {
        let Served { endpoint: Some(endpoint), deployment: Some(a), .. } = live.seen.served.clone() else { return };
        let (Some(b), Some(scored)) = (mirrored.seen.served.deployment.clone(), &live.scored) else { return };
        let apart = self.disagreements.entry((endpoint, a, b)).or_default();
        apart.see(mirrored.scored.as_ref().map(|mirrored| Disagreement::of(scored, mirrored)));
    }

    /// What mirrors say otherwise.
    pub fn mirrored(&self) -> Vec<Mirrored> {
        let mirrored = |((endpoint, live, mirror), counts): (&(Name, Name, Name), &Apart)| Mirrored {
            endpoint: endpoint.clone(),
            live: live.clone(),
            mirror: mirror.clone(),
            counts: *counts,
        };
        self.disagreements.iter().map(mirrored).collect()
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<RequestEvent> {
        self.requests.iter().cloned().collect()
    }

    /// The last exceptions, oldest first.
    pub fn exceptions(&self) -> Vec<ExceptionEvent> {
        self.exceptions.iter().cloned().collect()
    }

    /// Those that came after the first `n`, oldest first, and of how many of them nothing is known any more.
    pub fn exceptions_after(&self, n: u64) -> (Vec<ExceptionEvent>, u64) {
        let n_kept = self.exceptions.len() as u64;
        let n_wanted = self.n_exceptions.saturating_sub(n);
        let kept = self.exceptions.iter().skip(n_kept.saturating_sub(n_wanted) as usize);
        (kept.cloned().collect(), n_wanted.saturating_sub(n_kept))
    }

    /// The minutes of the last hours, the one under way included.
    pub fn minutes(&self) -> Vec<Record> {
        let under_way = self.recorder.minutes().iter();
        let under_way = under_way.map(|(key, counts)| Record { key: key.clone(), counts: counts.clone() });
        self.recent.iter().cloned().chain(under_way).collect()
    }

    /// Finished slices.
    pub fn slices(&self) -> &Slices {
        &self.slices
    }

    /// Takes slices in that are over.
    pub fn keep_slices(&mut self, slices: Vec<SliceRecord>, now_ms: u64) {
        slices.into_iter().for_each(|record| self.slices.add(record));
        self.slices.settle(now_ms, N_DRIFT_HOURS);
    }

    /// To be called each minute with all that is served: finished minutes are added up, and given to be kept.
    pub fn finish_minutes(&mut self, now_ms: u64, served: &[Served]) -> Vec<Record> {
        let finished = self.recorder.take_finished(now_ms);
        for Record { key, counts } in &finished {
            self.totals.entry(key.served.clone()).or_default().merge(counts);
        }
        self.recent.extend(finished.iter().cloned());
        self.forget(now_ms);
        served.iter().for_each(|served| self.recorder.stand_by(now_ms, served));
        finished
    }

    fn forget(&mut self, now_ms: u64) {
        let oldest = Self::oldest_minute(now_ms);
        while self.recent.front().is_some_and(|record| record.key.minute < oldest) {
            self.recent.pop_front();
        }
    }

    /// Everything that was not given to be kept yet, because the server ends.
    pub fn last_minutes(&mut self) -> Vec<Record> {
        self.recorder.take_all()
    }

    /// All since the start, with nothing for what is served and was never asked.
    pub fn totals(&self, served: &[Served]) -> BTreeMap<Served, Minute> {
        let mut totals = monitor::totals(self.recorder.minutes());
        for (served, counts) in &self.totals {
            totals.entry(served.clone()).or_default().merge(counts);
        }
        for served in served {
            totals.entry(served.clone()).or_default();
        }
        totals
    }

    /// The same, each at the minute of its last request; 0 before the first.
    pub fn totals_and_last(&self, served: &[Served]) -> Vec<(MinuteKey, Minute)> {
        let last = |served: &Served| self.last_minute.get(served).copied().unwrap_or_default();
        let totals = self.totals(served).into_iter();
        totals.map(|(served, counts)| (MinuteKey { minute: last(&served), served }, counts)).collect()
    }
}
