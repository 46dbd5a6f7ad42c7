//! What is counted of one deployment in one minute.

use std::collections::BTreeMap;

use registry::Name;
use serde::{Deserialize, Serialize};

use crate::{Exception, Histogram, Phase};

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Served {
    /// The endpoint; none for requests that name no endpoint there is, so that made-up names make no counters.
    pub endpoint: Option<Name>,
    /// The deployment; none if none was reached.
    pub deployment: Option<Name>,
    /// The model's version; 0 if none was reached.
    pub version: u32,
    /// Whether it answered a copy of a request, and nobody saw the answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub is_mirror: bool,
}

/// Whose counts they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MinuteKey {
    /// Minutes since 1970.
    pub minute: u64,
    /// Who answered.
    pub served: Served,
}

/// The counts of a minute, as they are stored and sent: the server and the browser write the same JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose counts they are.
    pub key: MinuteKey,
    /// The counts.
    pub counts: Minute,
}

/// Counts. Two of the same key add up, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Response times by the status of the answer; each request is in one of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub durations: BTreeMap<u16, Histogram>,
    /// Rows that were predicted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_rows: u64,
    /// Exceptions and warnings, each counted once a request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<Exception, u64>,
    /// How long each phase of the work took, where that was measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phases: BTreeMap<Phase, Histogram>,
    /// The most requests under way at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max_in_flight: u32,
    /// The most requests that waited at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max_queue: u32,
    /// Requests of the host to itself, to see whether it answers; they are in nothing else.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_probes: u64,
    /// Those of them that failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_failed_probes: u64,
}

impl Minute {
    /// Counts all that the other counted.
    pub fn merge(&mut self, other: &Self) {
        for (status, times) in &other.durations {
            self.durations.entry(*status).or_default().merge(times);
        }
        for (exception, n) in &other.exceptions {
            *self.exceptions.entry(*exception).or_default() += n;
        }
        for (phase, times) in &other.phases {
            self.phases.entry(*phase).or_default().merge(times);
        }
        self.n_rows += other.n_rows;
        self.max_in_flight = self.max_in_flight.max(other.max_in_flight);
        self.max_queue = self.max_queue.max(other.max_queue);
        self.n_probes += other.n_probes;
        self.n_failed_probes += other.n_failed_probes;
    }

    /// Requests that were answered.
    pub fn n_requests(&self) -> u64 {
        self.durations.values().map(Histogram::count).sum()
    }

    /// Requests that were answered with 4xx or 5xx: what Application Insights counts as failed.
    pub fn n_failed(&self) -> u64 {
        self.durations.iter().filter(|(status, _)| **status >= 400).map(|(_, times)| times.count()).sum()
    }

    /// Response times, whatever the status.
    pub fn all_durations(&self) -> Histogram {
        let mut all = Histogram::default();
        self.durations.values().for_each(|times| all.merge(times));
        all
    }

    /// The share of requests that failed; none of no requests.
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.n_failed(), self.n_requests())
    }

    /// The share of probes that were answered; none of no probes.
    pub fn availability(&self) -> Option<f64> {
        share(self.n_probes - self.n_failed_probes.min(self.n_probes), self.n_probes)
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
