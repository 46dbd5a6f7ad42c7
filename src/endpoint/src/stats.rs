//! Statistics in the words of the protocol's extension.

use std::collections::BTreeMap;

use monitor::{Histogram, Minute, MinuteKey, Phase};
use registry::Name;
use serde_json::{Value as Json, json};

/// Statistics of models, from what was counted of them.
pub(crate) fn stats(minutes: &[(MinuteKey, Minute)], is_asked: impl Fn(&Name, u32) -> bool) -> Json {
    let mut totals: BTreeMap<(&Name, u32), Total> = BTreeMap::new();
    for (key, minute) in minutes {
        let version = key.served.version;
        let Some(endpoint) = key.served.endpoint.as_ref().filter(|name| is_asked(name, version)) else { continue };
        // What answered a copy was seen by nobody.
        if version > 0 && !key.served.is_mirror {
            totals.entry((endpoint, version)).or_default().add(key, minute);
        }
    }
    let totals: Vec<Json> = totals.iter().map(|((name, version), total)| total.json(name, *version)).collect();
    json!({ "model_stats": totals })
}

#[derive(Default)]
struct Total {
    last_minute: u64,
    counts: Minute,
}

impl Total {
    fn add(&mut self, key: &MinuteKey, minute: &Minute) {
        self.last_minute = self.last_minute.max(key.minute);
        self.counts.merge(minute);
    }

    fn json(&self, name: &Name, version: u32) -> Json {
        let duration = |times: &Histogram| json!({ "count": times.count(), "ns": (times.sum() * 1e9) as u64 });
        let answers = |are_good: bool| {
            let mut all = Histogram::default();
            let taken = self.counts.durations.iter().filter(|(status, _)| (**status < 400) == are_good);
            taken.for_each(|(_, times)| all.merge(times));
            all
        };
        let phases = |phases: &[Phase]| {
            let times: Vec<&Histogram> = phases.iter().filter_map(|phase| self.counts.phases.get(phase)).collect();
            let count = times.iter().map(|times| times.count()).max().unwrap_or_default();
            json!({ "count": count, "ns": (times.iter().map(|times| times.sum()).sum::<f64>() * 1e9) as u64 })
        };
        let success = answers(true);
        json!({
            "name": name, "version": version.to_string(),
            // To the minute: that is how requests are counted.
            "last_inference": self.last_minute * 60_000,
            "inference_count": self.counts.n_rows, "execution_count": success.count(),
            "inference_stats": {
                "success": duration(&success),
                "fail": duration(&answers(false)),
                "queue": { "count": success.count(), "ns": 0 },
                "compute_input": phases(&[Phase::Decode, Phase::Validate]),
                "compute_infer": phases(&[Phase::Predict]),
                "compute_output": phases(&[Phase::Encode]),
            },
            "batch_stats": [],
        })
    }
}
