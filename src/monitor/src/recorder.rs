//! Who is told of each request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Exception, Minute, MinuteKey, Record, Served};

/// A part of the work on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading the body.
    Decode,
    /// Holding it to the model's signature.
    Validate,
    /// Preparation and prediction.
    Predict,
    /// Writing the answer.
    Encode,
}

impl Phase {
    /// `decode`: the label of its times.
    pub fn label(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Validate => "validate",
            Self::Predict => "predict",
            Self::Encode => "encode",
        }
    }
}

/// What is told of one request to predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// When it was answered, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who answered.
    pub served: Served,
    /// The answer's status.
    pub status: u16,
    /// From its arrival to its answer, in seconds.
    pub seconds: f64,
    /// Rows that were predicted.
    pub n_rows: u64,
    /// Requests that were under way when it came, itself included.
    pub in_flight: u32,
    /// Requests that waited when it came.
    pub queue: u32,
    /// What went wrong or was warned of.
    pub exceptions: Vec<Exception>,
    /// How long each phase took, in seconds, where that was measured.
    pub phases: Vec<(Phase, f64)>,
}

/// Counts requests by deployment and minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorder {
    minutes: BTreeMap<MinuteKey, Minute>,
}

impl Recorder {
    /// Counts a request.
    pub fn see(&mut self, seen: &Seen) {
        let minute = self.at(seen.at_ms, &seen.served);
        minute.durations.entry(seen.status).or_default().observe(seen.seconds);
        minute.n_rows += seen.n_rows;
        minute.max_in_flight = minute.max_in_flight.max(seen.in_flight);
        minute.max_queue = minute.max_queue.max(seen.queue);
        for (at, exception) in seen.exceptions.iter().enumerate() {
            if !seen.exceptions[..at].contains(exception) {
                *minute.exceptions.entry(*exception).or_default() += 1;
            }
        }
        for (phase, seconds) in &seen.phases {
            minute.phases.entry(*phase).or_default().observe(*seconds);
        }
    }

    /// Says that a deployment stands ready, so that a minute without requests is a minute with none and not one of which
    /// nothing is known. To be called each minute.
    pub fn stand_by(&mut self, at_ms: u64, served: &Served) {
        self.at(at_ms, served);
    }

    /// Counts a request of the host to itself, and whether it was answered.
    pub fn probe(&mut self, at_ms: u64, served: &Served, was_answered: bool) {
        let minute = self.at(at_ms, served);
        minute.n_probes += 1;
        minute.n_failed_probes += u64::from(!was_answered);
    }

    /// What was counted and not yet taken.
    pub fn minutes(&self) -> &BTreeMap<MinuteKey, Minute> {
        &self.minutes
    }

    /// Takes the minutes that are over. A request that is told of later begins its minute anew: the two records add up.
    pub fn take_finished(&mut self, now_ms: u64) -> Vec<Record> {
        let now = MinuteKey { minute: now_ms / 60_000, served: Served::default() };
        let unfinished = self.minutes.split_off(&now);
        records(std::mem::replace(&mut self.minutes, unfinished))
    }

    /// Takes everything, because the host may end at any time.
    pub fn take_all(&mut self) -> Vec<Record> {
        records(std::mem::take(&mut self.minutes))
    }

    fn at(&mut self, at_ms: u64, served: &Served) -> &mut Minute {
        self.minutes.entry(MinuteKey { minute: at_ms / 60_000, served: served.clone() }).or_default()
    }
}

fn records(minutes: BTreeMap<MinuteKey, Minute>) -> Vec<Record> {
    minutes.into_iter().map(|(key, counts)| Record { key, counts }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use registry::Name;

    use super::*;

    fn served(deployment: &str, version: u32) -> Served {
        let name = |text| Some(Name::new(text).expect("a name"));
        Served { endpoint: name("churn"), deployment: name(deployment), version, is_mirror: false }
    }

    fn seen(at_ms: u64, status: u16, exceptions: &[Exception]) -> Seen {
        Seen {
            at_ms,
            served: served("blue", 3),
            status,
            seconds: 0.002,
            n_rows: 10,
            in_flight: 2,
            queue: 0,
            exceptions: exceptions.to_vec(),
            phases: vec![(Phase::Predict, 0.0002)],
        }
    }

    fn any_seen() -> impl Strategy<Value = Seen> {
        let exception = prop::sample::select(Exception::ALL);
        (
            (0..240_000u64, 0..2u32, prop::sample::select(vec![200u16, 400, 500])),
            (0.0..0.1f64, 0..50u64, 0..9u32, 0..3u32, prop::collection::vec(exception, 0..3)),
        )
            .prop_map(|((at_ms, version, status), (seconds, n_rows, in_flight, queue, exceptions))| Seen {
                at_ms,
                served: served("blue", version),
                status,
                seconds,
                n_rows,
                in_flight,
                queue,
                exceptions,
                phases: vec![(Phase::Encode, seconds / 2.0)],
            })
    }

    fn recorded(all: &[Seen]) -> Recorder {
        let mut recorder = Recorder::default();
        all.iter().for_each(|seen| recorder.see(seen));
        recorder
    }

    #[test]
    fn a_request_is_counted_where_it_belongs() {
        let twice = [Exception::TypeMismatch, Exception::TypeMismatch];
        let mut recorder = recorded(&[seen(60_000, 200, &[]), seen(119_999, 400, &twice), seen(120_000, 200, &[])]);
        recorder.probe(119_000, &served("blue", 3), false);
        let taken = recorder.take_finished(120_000);
        expect![[r#"[{"key":{"minute":1,"served":{"endpoint":"churn","deployment":"blue","version":3}},"counts":{"durations":{"200":{"counts":[0,0,0,0,1],"sum_ns":2000000},"400":{"counts":[0,0,0,0,1],"sum_ns":2000000}},"n_rows":20,"exceptions":{"schema.type_mismatch":1},"phases":{"predict":{"counts":[0,2],"sum_ns":400000}},"max_in_flight":2,"n_probes":1,"n_failed_probes":1}}]"#]]
        .assert_eq(&serde_json::to_string(&taken).expect("plain data"));
        let rest = recorder.take_all();
        assert_eq!(rest.iter().map(|record| record.key.minute).collect::<Vec<_>>(), [2]);
        assert!(recorder.minutes().is_empty());
    }

    #[test]
    fn standing_by_is_a_minute_without_requests() {
        let mut recorder = Recorder::default();
        recorder.stand_by(61_000, &served("blue", 3));
        let taken = recorder.take_all();
        assert_eq!((taken.len(), &taken[0].counts), (1, &Minute::default()));
    }

    proptest! {
        #[test]
        fn merging_is_counting_together_in_any_order(
            all in prop::collection::vec((any_seen(), 0..4usize), 0..40),
            order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        ) {
            // Four who count, and someone who adds up what they wrote, in some order.
            let mut parts: [Recorder; 4] = Default::default();
            all.iter().for_each(|(seen, part)| parts[*part].see(seen));
            let mut merged: BTreeMap<MinuteKey, Minute> = BTreeMap::new();
            for part in order {
                for record in parts[part].take_all() {
                    merged.entry(record.key).or_default().merge(&record.counts);
                }
            }
            let together: Vec<Seen> = all.into_iter().map(|(seen, _)| seen).collect();
            let expected = recorded(&together);
            prop_assert_eq!(&merged, expected.minutes());
        }

        #[test]
        fn a_record_comes_back_as_it_was_written(all in prop::collection::vec(any_seen(), 0..10)) {
            let records = recorded(&all).take_all();
            let json = serde_json::to_string(&records).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<Vec<Record>>(&json).expect("our own"), records);
        }
    }
}
