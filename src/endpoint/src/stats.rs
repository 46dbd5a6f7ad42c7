//! Statistics in the words of the protocol's extension.

use std::collections::BTreeMap;

use monitor::{Minute, MinuteKey, Phase};
use registry::Name;
use serde_json::{Value as Json, json};

/// Statistics of models, from what was counted of them.
pub(crate) fn stats(minutes: &[(MinuteKey, Minute)], is_asked: impl Fn(&Name, u32) -> bool) -> Json {
    let mut totals: BTreeMap<(&Name, u32), Total> = BTreeMap::new();
    for (key, minute) in minutes {
        let Some(endpoint) = key.endpoint.as_ref().filter(|name| is_asked(name, key.version)) else { continue };
        if key.version > 0 {
            totals.entry((endpoint, key.version)).or_default().add(key, minute);
        }
    }
    let totals: Vec<Json> = totals.iter().map(|((name, version), total)| total.json(name, *version)).collect();
    json!({ "model_stats": totals })
}

#[derive(Default)]
struct Total {
    last_minute: u64,
    n_rows: u64,
    n_good: u64,
    n_bad: u64,
    seconds: f64,
    phase_ms: BTreeMap<Phase, f64>,
}

impl Total {
    fn add(&mut self, key: &MinuteKey, minute: &Minute) {
        self.last_minute = self.last_minute.max(key.minute);
        self.n_rows += minute.n_rows;
        for (status, n) in &minute.statuses {
            *(if *status < 400 { &mut self.n_good } else { &mut self.n_bad }) += n;
        }
        self.seconds += minute.durations.sum;
        for (phase, ms) in &minute.phase_ms {
            *self.phase_ms.entry(*phase).or_default() += ms;
        }
    }

    fn json(&self, name: &Name, version: u32) -> Json {
        let duration = |count: u64, ms: f64| json!({ "count": count, "ns": (ms * 1e6) as u64 });
        let phase = |phases: &[Phase]| {
            let ms = phases.iter().filter_map(|phase| self.phase_ms.get(phase)).sum();
            duration(self.n_good, ms)
        };
        let all_ms = self.seconds * 1e3;
        let n = (self.n_good + self.n_bad).max(1) as f64;
        json!({
            "name": name, "version": version.to_string(),
            // To the minute: that is how requests are counted.
            "last_inference": self.last_minute * 60_000,
            "inference_count": self.n_rows, "execution_count": self.n_good,
            "inference_stats": {
                "success": duration(self.n_good, all_ms * self.n_good as f64 / n),
                "fail": duration(self.n_bad, all_ms * self.n_bad as f64 / n),
                "queue": duration(self.n_good, 0.0),
                "compute_input": phase(&[Phase::Decode, Phase::Validate]),
                "compute_infer": phase(&[Phase::Predict]),
                "compute_output": phase(&[Phase::Encode]),
            },
            "batch_stats": [],
        })
    }
}
