//! Windows of ten minutes, as they are kept and sent, and how they add up to longer ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use registry::{Hash, Reference};
use serde::{Deserialize, Serialize};

use super::Window;
use crate::Served;

/// How long a slice is, in minutes.
pub const SLICE_MINUTES: u64 = 10;
const HOUR: u64 = 60;
/// Of a slice, and of slices that were added up, so many numbers of each column are kept. Were it more, a sample of slices
/// that were cut would not be one of all their numbers.
const N_NUMBERS: usize = 500;

/// Whose rows they are, and when they came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SliceKey {
    /// Where it begins, in minutes since 1970.
    pub minute: u64,
    /// How long it is.
    pub n_minutes: u64,
    /// Who answered.
    pub served: Served,
    /// The package whose reference the window is of.
    pub package: Hash,
}

/// What rows looked like. Two of the same key add up, in any order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Rows that were predicted.
    pub n_predicted: u64,
    /// Those of them that were looked at.
    pub n_rows: u64,
    /// What they looked like.
    pub window: Window,
}

/// A slice as it is stored and sent: the server and the browser write the same JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// Whose rows they are, and when they came.
    pub key: SliceKey,
    /// What they looked like.
    pub slice: Slice,
}

/// Slices by their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slices(BTreeMap<SliceKey, Slice>);

/// Slices of one deployment, added up.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Where the first begins, in minutes since 1970.
    pub from: u64,
    /// Where the last ends.
    pub to: u64,
    /// Their sum.
    pub slice: Slice,
}

impl Slice {
    /// Of no rows yet.
    pub fn new(reference: &Reference) -> Self {
        Self { window: Window::new(reference), ..Self::default() }
    }

    /// Counts all that the other counted; both are of the same reference.
    pub fn merge(&mut self, other: &Self) {
        self.n_predicted += other.n_predicted;
        self.n_rows += other.n_rows;
        self.window.merge(&other.window);
        self.window.thin(N_NUMBERS);
    }
}

impl Slices {
    /// The slice of this moment.
    pub fn at(&mut self, at_ms: u64, served: Served, package: &Hash, reference: &Reference) -> &mut Slice {
        let minute = at_ms / 60_000 / SLICE_MINUTES * SLICE_MINUTES;
        let key = SliceKey { minute, n_minutes: SLICE_MINUTES, served, package: package.clone() };
        self.0.entry(key).or_insert_with(|| Slice::new(reference))
    }

    /// Adds what somebody counted.
    pub fn add(&mut self, record: SliceRecord) {
        match self.0.get_mut(&record.key) {
            Some(slice) => slice.merge(&record.slice),
            None => _ = self.0.insert(record.key, record.slice),
        }
    }

    /// Takes the slices that are over.
    pub fn take_finished(&mut self, now_ms: u64) -> Vec<SliceRecord> {
        let now = now_ms / 60_000;
        let is_over = |key: &SliceKey| key.minute + key.n_minutes <= now;
        let (over, open) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| is_over(key));
        self.0 = open;
        records(over)
    }

    /// Takes everything, because the host may end at any time.
    pub fn take_all(&mut self) -> Vec<SliceRecord> {
        records(std::mem::take(&mut self.0))
    }

    /// Adds up to whole hours what is older than two, and forgets what is older than so many.
    pub fn settle(&mut self, now_ms: u64, n_hours: u64) {
        let now = now_ms / 60_000;
        for (mut key, slice) in std::mem::take(&mut self.0) {
            let end = key.minute + key.n_minutes;
            if end + n_hours * HOUR < now {
                continue;
            }
            if end + 2 * HOUR < now && key.n_minutes < HOUR {
                key.minute = key.minute / HOUR * HOUR;
                key.n_minutes = HOUR;
            }
            self.add(SliceRecord { key, slice });
        }
    }

    /// Where slices begin and how long they are, in minutes: each stretch of time once.
    pub fn stretches(&self) -> BTreeSet<(u64, u64)> {
        self.0.keys().map(|key| (key.minute, key.n_minutes)).collect()
    }

    /// Adds up the slices that end after a moment, by who answered and by the reference that they are of.
    pub fn since(&self, since_ms: u64) -> BTreeMap<(Served, Hash), Span> {
        self.ending_in(since_ms / 60_000 + 1..=u64::MAX)
    }

    /// Adds up the slices that end in some minutes since 1970, likewise.
    pub fn ending_in(&self, minutes: RangeInclusive<u64>) -> BTreeMap<(Served, Hash), Span> {
        let mut spans: BTreeMap<(Served, Hash), Span> = BTreeMap::new();
        for (key, slice) in &self.0 {
            let (from, to) = (key.minute, key.minute + key.n_minutes);
            if !minutes.contains(&to) {
                continue;
            }
            match spans.get_mut(&(key.served.clone(), key.package.clone())) {
                Some(span) => {
                    span.from = span.from.min(from);
                    span.to = span.to.max(to);
                    span.slice.merge(slice);
                }
                None => {
                    let mut slice = slice.clone();
                    slice.window.thin(N_NUMBERS);
                    spans.insert((key.served.clone(), key.package.clone()), Span { from, to, slice });
                }
            }
        }
        spans
    }
}

fn records(slices: BTreeMap<SliceKey, Slice>) -> Vec<SliceRecord> {
    let record = |(key, mut slice): (SliceKey, Slice)| {
        slice.window.thin(N_NUMBERS);
        SliceRecord { key, slice }
    };
    slices.into_iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use numeric::Stream;
    use registry::ColumnReference;

    use super::*;

    fn reference() -> Reference {
        let numbers: Vec<Option<f64>> = (0..500).map(|i| Some(f64::from(i))).collect();
        Reference { n_rows: 500, inputs: vec![ColumnReference::of_numbers("age", &numbers)], prediction: None }
    }

    /// A number a minute, seen by one of several who keep slices.
    fn slices(minutes: impl Iterator<Item = u64>, seed: u64) -> Slices {
        let (reference, package, stream) = (reference(), Hash::of(b"a"), &mut Stream::new(seed));
        let mut slices = Slices::default();
        for minute in minutes {
            let slice = slices.at(minute * 60_000 + 7, Served::default(), &package, &reference);
            slice.n_predicted += 2;
            slice.n_rows += 1;
            slice.window.inputs[0].see_number(&reference.inputs[0], Some(minute as f64), stream);
        }
        slices
    }

    #[test]
    fn slices_of_ten_minutes_add_up_whoever_kept_them() {
        let mut even = slices((0..60).step_by(2), 1);
        let mut all = slices((1..60).step_by(2), 2);
        even.take_all().into_iter().for_each(|record| all.add(record));
        assert_eq!(all.0.len(), 6);
        let span = &all.since(25 * 60_000)[&(Served::default(), Hash::of(b"a"))];
        assert_eq!((span.from, span.to, span.slice.n_predicted, span.slice.n_rows), (20, 60, 80, 40));
        let expected: Vec<f64> = (20..60).map(f64::from).collect();
        assert_eq!(span.slice.window.inputs[0].sample.sorted(), expected);
    }

    #[test]
    fn what_is_over_is_taken_once() {
        let mut slices = slices(0..25, 1);
        let taken = slices.take_finished(20 * 60_000);
        assert_eq!(taken.iter().map(|record| record.key.minute).collect::<Vec<_>>(), [0, 10]);
        assert_eq!(slices.take_finished(20 * 60_000), []);
        assert_eq!(slices.take_all().len(), 1);
    }

    #[test]
    fn old_slices_become_hours_and_then_are_forgotten() {
        let mut slices = slices(0..600, 1);
        slices.settle(600 * 60_000, 8);
        let found: Vec<_> = slices.0.iter().map(|(key, slice)| (key.minute, key.n_minutes, slice.n_rows)).collect();
        // What ended before minute 120 is forgotten; what ended before 480 is an hour.
        assert_eq!(found[..3], [(60, 60, 10), (120, 60, 60), (180, 60, 60)]);
        assert_eq!(found[found.len() - 1], (590, 10, 10));
        assert_eq!(found.iter().map(|(_, _, n_rows)| n_rows).sum::<u64>(), 490);
    }

    #[test]
    fn samples_of_slices_that_were_added_up_are_of_all_their_numbers() {
        let mut all = slices((0..4_000).map(|at| at / 100), 1);
        let mut few = slices((0..100).map(|at| at / 100 + 40), 2);
        few.take_all().into_iter().for_each(|record| all.add(record));
        let span = &all.since(0)[&(Served::default(), Hash::of(b"a"))];
        let sample = span.slice.window.inputs[0].sample.sorted();
        assert_eq!(sample.len(), N_NUMBERS);
        let n_last = sample.iter().filter(|x| **x >= 40.0).count();
        // 500 of 4,100 are kept: 12 of the last 100 are expected, give or take 3 by one standard deviation.
        assert!((2..=24).contains(&n_last), "{n_last}");
    }
}
