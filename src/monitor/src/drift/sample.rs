//! Some of many numbers, so that samples of parts add up to a sample of all.

use std::collections::BTreeMap;

use numeric::Stream;
use registry::SAMPLE_LIMIT;
use serde::{Deserialize, Serialize};

/// At most [`SAMPLE_LIMIT`] of the numbers that were seen, each as likely as any other.
///
/// Every number draws a key, and those with the smallest keys stay ("bottom-k sampling", Cohen and Kaplan, 2007). Which
/// these are does not depend on who saw what in which order, so merging gives what seeing all together would have given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample(BTreeMap<u64, f64>);

impl Sample {
    /// Shows it a number.
    pub fn see(&mut self, x: f64, stream: &mut Stream) {
        self.put(stream.next_u64(), x);
    }

    /// Shows it all that the other was shown.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(key, x)| self.put(*key, *x));
    }

    /// The numbers in ascending order.
    pub fn sorted(&self) -> Vec<f64> {
        let mut numbers: Vec<f64> = self.0.values().copied().collect();
        numbers.sort_unstable_by(f64::total_cmp);
        numbers
    }

    /// Keeps at most so many numbers.
    pub(super) fn thin(&mut self, n: usize) {
        while self.0.len() > n {
            self.0.pop_last();
        }
    }

    fn put(&mut self, key: u64, x: f64) {
        let is_full = self.0.len() >= SAMPLE_LIMIT;
        if is_full && self.0.last_key_value().is_some_and(|(largest, _)| *largest < key) {
            return;
        }
        self.0.insert(key, x);
        if self.0.len() > SAMPLE_LIMIT {
            self.0.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_as_likely_to_stay() {
        let (stream, mut sample) = (&mut Stream::new(3), Sample::default());
        (0..20_000).for_each(|i| sample.see(f64::from(i), stream));
        let kept = sample.sorted();
        assert_eq!(kept.len(), SAMPLE_LIMIT);
        // A quarter of them is expected in each quarter; 400 to 600 is five standard deviations.
        for quarter in 0..4 {
            let within = kept.iter().filter(|x| (**x / 5_000.0) as usize == quarter).count();
            assert!((400..600).contains(&within), "{within} of quarter {quarter}");
        }
    }

    #[test]
    fn full_samples_merge_as_if_all_was_seen_together() {
        let stream = &mut Stream::new(4);
        let (mut all, mut left, mut right) = (Sample::default(), Sample::default(), Sample::default());
        for i in 0..9_000 {
            let part = if i % 3 == 0 { &mut left } else { &mut right };
            all.see(f64::from(i), &mut stream.clone());
            part.see(f64::from(i), stream);
        }
        right.merge(&left);
        assert_eq!(right, all);
    }
}
