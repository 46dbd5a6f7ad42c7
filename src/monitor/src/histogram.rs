//! Times in buckets, as Prometheus keeps them.

use serde::{Deserialize, Serialize};

/// Upper bounds of the buckets of response times, in seconds: those of OpenTelemetry's semantic conventions for HTTP, and
/// finer ones below, since a model answers in less than a millisecond.
pub const LATENCY_BOUNDS: [f64; 19] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
    10.0,
];

/// The bounds of which four times is a bound too: for these targets, in seconds, [`Histogram::apdex`] is exact.
pub const APDEX_TARGETS: [f64; 5] = [0.00025, 0.0025, 0.025, 0.25, 2.5];

/// Times in buckets. What it counts is whole, so that merging gives the same in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Histogram {
    /// Invariant: at most one more than there are bounds, and the last is not zero. Kept by `add` and `try_from`.
    counts: Vec<u64>,
    sum_ns: u64,
}

impl Histogram {
    /// Counts a time, in seconds. A bucket holds what is at most its bound.
    pub fn observe(&mut self, seconds: f64) {
        self.add(LATENCY_BOUNDS.partition_point(|bound| *bound < seconds), 1);
        // The cast makes a negative time and NaN zero.
        self.sum_ns = self.sum_ns.saturating_add((seconds * 1e9).round() as u64);
    }

    /// Counts all that the other counted.
    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().enumerate().for_each(|(bucket, count)| self.add(bucket, *count));
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub fn sum(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// Their mean, in seconds; none of no times.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum() / count as f64)
    }

    /// The count of each bucket, the last for all above the last bound.
    pub fn buckets(&self) -> [u64; LATENCY_BOUNDS.len() + 1] {
        std::array::from_fn(|bucket| self.counts.get(bucket).copied().unwrap_or_default())
    }

    /// The time, in seconds, that a share `q` of all times is at most; none of no times.
    ///
    /// Linear within a bucket, as Prometheus's `histogram_quantile`: the first one begins at 0, and what lies above the
    /// last bound is said to be that bound.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = q * self.count() as f64;
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if (below + count) as f64 >= rank {
                let Some((lower, upper)) = limits(bucket) else { break };
                return Some(lower + (upper - lower) * ((rank - below as f64) / *count as f64));
            }
            below += count;
        }
        (!self.counts.is_empty()).then_some(LATENCY_BOUNDS[LATENCY_BOUNDS.len() - 1])
    }

    /// How many times were at most this many seconds: exact at the bounds, linear between them.
    pub fn n_within(&self, seconds: f64) -> f64 {
        let within = self.counts.iter().enumerate().map(|(bucket, count)| match limits(bucket) {
            Some((lower, upper)) => *count as f64 * ((seconds - lower) / (upper - lower)).clamp(0.0, 1.0),
            None => 0.0,
        });
        within.sum()
    }

    /// How content users are, from 0 to 1, who want an answer within `target` seconds and bear four times as long; none of
    /// no times. (Satisfied + tolerating / 2) / all, as the Apdex Alliance defines it.
    pub fn apdex(&self, target: f64) -> Option<f64> {
        let count = self.count();
        let (satisfied, borne) = (self.n_within(target), self.n_within(4.0 * target));
        (count > 0).then(|| (satisfied + borne) / 2.0 / count as f64)
    }

    fn add(&mut self, bucket: usize, count: u64) {
        if count > 0 {
            self.counts.resize(self.counts.len().max(bucket + 1), 0);
            self.counts[bucket] += count;
        }
    }
}

/// Where a bucket begins and ends, in seconds; the last has no end.
fn limits(bucket: usize) -> Option<(f64, f64)> {
    let upper = LATENCY_BOUNDS.get(bucket)?;
    Some((if bucket == 0 { 0.0 } else { LATENCY_BOUNDS[bucket - 1] }, *upper))
}

#[derive(Deserialize)]
struct Unchecked {
    counts: Vec<u64>,
    sum_ns: u64,
}

impl TryFrom<Unchecked> for Histogram {
    type Error = String;
    fn try_from(Unchecked { mut counts, sum_ns }: Unchecked) -> Result<Self, String> {
        let (found, most) = (counts.len(), LATENCY_BOUNDS.len() + 1);
        if found > most {
            return Err(format!("a histogram of response times has at most {most} counts, found {found}"));
        }
        counts.truncate(counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1));
        Ok(Self { counts, sum_ns })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        times.iter().for_each(|seconds| histogram.observe(*seconds));
        histogram
    }

    #[test]
    fn a_bucket_holds_what_is_at_most_its_bound() {
        let buckets = of(&[0.0, 0.0001, 0.00011, 10.0, 10.1]).buckets();
        assert_eq!((buckets[0], buckets[1], buckets[18], buckets[19]), (2, 1, 1, 1));
    }

    #[test]
    fn times_that_are_none_count_as_nothing() {
        let histogram = of(&[-1.0, f64::NAN]);
        assert_eq!((histogram.buckets()[0], histogram.sum()), (2, 0.0));
    }

    #[test]
    fn a_quantile_is_linear_within_its_bucket() {
        // Two in (0.001, 0.0025], six in (0.0025, 0.005], two above all bounds.
        let histogram = of(&[0.002, 0.002, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 11.0, 12.0]);
        let near = |q: f64, expected: f64| {
            let found = histogram.quantile(q).expect("there are times");
            assert!((found - expected).abs() < 1e-15, "{q}: {found}, expected {expected}");
        };
        near(0.0, 0.001);
        near(0.1, 0.00175);
        near(0.2, 0.0025);
        near(0.5, 0.00375);
        near(0.8, 0.005);
        near(0.9, 10.0);
        near(1.0, 10.0);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn apdex_is_exact_for_its_targets() {
        // Three satisfied, four tolerating, one frustrated.
        let histogram = of(&[0.01, 0.02, 0.025, 0.026, 0.05, 0.09, 0.1, 0.2]);
        assert_eq!(histogram.apdex(0.025), Some((3.0 + 4.0 / 2.0) / 8.0));
        assert_eq!(Histogram::default().apdex(0.025), None);
        for target in APDEX_TARGETS {
            assert!(LATENCY_BOUNDS.contains(&target) && LATENCY_BOUNDS.contains(&(4.0 * target)), "{target}");
        }
    }

    #[test]
    fn counts_from_outside_are_checked() {
        let read = |counts: &str| serde_json::from_str::<Histogram>(&format!("{{\"counts\":{counts},\"sum_ns\":0}}"));
        assert_eq!(read("[0,1,0]").expect("it fits").counts, [0, 1]);
        let error = read(&format!("{:?}", [1; 21])).expect_err("too many");
        assert!(
            error.to_string().starts_with("a histogram of response times has at most 20 counts, found 21"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn merging_is_counting_together(times in prop::collection::vec(0.0..12.0f64, 0..60), cut in 0.0..1.0f64) {
            let at = (cut * times.len() as f64) as usize;
            let (mut left, mut right) = (of(&times[..at]), of(&times[at..]));
            let (first, second) = (left.clone(), right.clone());
            left.merge(&second);
            right.merge(&first);
            prop_assert_eq!(&left, &of(&times));
            prop_assert_eq!(&right, &left);
        }

        #[test]
        fn a_quantile_lies_in_the_bucket_of_the_time_it_stands_for(
            mut times in prop::collection::vec(0.0..10.0f64, 1..60),
            q in 0.001..1.0f64,
        ) {
            let histogram = of(&times);
            times.sort_by(f64::total_cmp);
            let exact = times[((q * times.len() as f64).ceil() as usize).max(1) - 1];
            let bucket = LATENCY_BOUNDS.partition_point(|bound| *bound < exact);
            let (lower, upper) = limits(bucket).expect("below the last bound");
            let found = histogram.quantile(q).expect("there are times");
            prop_assert!((lower..=upper).contains(&found), "{} is not within {}..={}", found, lower, upper);
        }
    }
}
