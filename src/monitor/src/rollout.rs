//! Taking traffic back from a new version that serves worse than the old one.

use registry::{Change, Endpoint, Name};
use serde::{Deserialize, Serialize};

use crate::Point;

/// When a new deployment is so much worse than the old one that its traffic goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollbackRule {
    /// By how much its share of failed requests may be larger: 0.02 allows 3 % beside 1 %.
    pub max_more_failures: f64,
    /// How many times as long its p95 of response times may be.
    pub max_times_p95: f64,
    /// For how many windows on end it must be worse.
    pub n_windows: usize,
    /// A window in which either has fewer requests says nothing, and nothing goes back on its account.
    pub min_requests: u64,
}

impl Default for RollbackRule {
    fn default() -> Self {
        Self { max_more_failures: 0.02, max_times_p95: 2.0, n_windows: 3, min_requests: 50 }
    }
}

impl RollbackRule {
    /// Which deployments are compared: of those with traffic the latest is the new one, and the old one is the one of the
    /// others that has most of it. The old one comes first.
    pub fn pair(endpoint: &Endpoint) -> Option<(&Name, &Name)> {
        let share = |name: &Name| endpoint.traffic.get(name).copied().filter(|percent| *percent > 0);
        let live = || endpoint.deployments.iter().filter_map(|(name, it)| Some((name, it.since, share(name)?)));
        let (green, ..) = live().max_by_key(|(_, since, _)| *since)?;
        let (blue, ..) = live().filter(|(name, ..)| *name != green).max_by_key(|(_, _, percent)| *percent)?;
        Some((blue, green))
    }

    /// The change that gives the share of `green` to `blue`, if `green` was worse in each of the last windows. The two
    /// series are of the same windows.
    pub fn decide(
        &self,
        endpoint: (&Name, &Endpoint),
        blue: (&Name, &[Point]),
        green: (&Name, &[Point]),
    ) -> Option<Change> {
        let share = endpoint.1.traffic.get(green.0).copied().filter(|share| *share > 0)?;
        let mut windows = blue.1.iter().zip(green.1).rev();
        let reasons: Vec<String> =
            windows.by_ref().take(self.n_windows).map_while(|(old, new)| self.worse(old, new)).collect();
        if reasons.len() < self.n_windows {
            return None;
        }
        let latest = reasons.first()?;
        let mut traffic = endpoint.1.traffic.clone();
        traffic.insert(green.0.clone(), 0);
        *traffic.entry(blue.0.clone()).or_default() += share;
        let windows = if self.n_windows == 1 { "a window".into() } else { format!("{} windows", self.n_windows) };
        let reason = format!("{} was worse than {} for {windows}: {latest}", green.0, blue.0);
        Some(Change::TrafficSet { endpoint: endpoint.0.clone(), traffic, reason })
    }

    /// In what the new one is worse.
    fn worse(&self, old: &Point, new: &Point) -> Option<String> {
        if old.counts.n_requests().min(new.counts.n_requests()) < self.min_requests {
            return None;
        }
        let (was, is) = (old.counts.failure_rate()?, new.counts.failure_rate()?);
        if is - was > self.max_more_failures {
            return Some(format!("{:.1} % of its requests failed, {:.1} % of the other's", 100.0 * is, 100.0 * was));
        }
        let (was, is) = (old.quantile(0.95)?, new.quantile(0.95)?);
        let is_slower = is > self.max_times_p95 * was;
        is_slower.then(|| format!("its p95 was {:.1} ms, the other's {:.1} ms", 1e3 * is, 1e3 * was))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    /// A window by its good and failed requests, and how long each took, in seconds.
    fn window(good: u32, failed: u32, seconds: f64) -> Point {
        let times = |n| {
            let mut times = Histogram::default();
            (0..n).for_each(|_| times.observe(seconds));
            times
        };
        let mut point = Point { n_minutes: 1, ..Point::default() };
        point.counts.durations = [(200, times(good)), (500, times(failed))].into();
        point
    }

    fn decide(blue: &[Point], green: &[Point]) -> Option<Change> {
        let traffic = [(name("blue"), 85), (name("green"), 10), (name("red"), 5)].into();
        let endpoint = Endpoint { traffic, ..Endpoint::default() };
        RollbackRule::default().decide((&name("churn"), &endpoint), (&name("blue"), blue), (&name("green"), green))
    }

    #[test]
    fn a_deployment_that_fails_more_often_loses_its_traffic() {
        let (blue, good, bad) = (window(990, 10, 0.002), window(99, 1, 0.002), window(95, 5, 0.002));
        let old = vec![blue; 4];
        let change = decide(&old, &[good.clone(), bad.clone(), bad.clone(), bad.clone()]);
        let reason = "green was worse than blue for 3 windows: 5.0 % of its requests failed, 1.0 % of the other's";
        let traffic = [(name("blue"), 95), (name("green"), 0), (name("red"), 5)].into();
        assert_eq!(change, Some(Change::TrafficSet { endpoint: name("churn"), traffic, reason: reason.into() }));
        assert_eq!(decide(&old, &[bad.clone(), bad.clone(), good.clone(), bad.clone()]), None);
        assert_eq!(decide(&old[..2], &[bad.clone(), bad]), None);
    }

    #[test]
    fn a_deployment_that_is_slower_loses_its_traffic() {
        let (blue, green) = (vec![window(100, 0, 0.002); 3], vec![window(100, 0, 0.008); 3]);
        let Some(Change::TrafficSet { reason, .. }) = decide(&blue, &green) else { panic!("it is slower") };
        assert!(reason.ends_with("its p95 was 9.8 ms, the other's 2.4 ms"), "{reason}");
        assert_eq!(decide(&blue, &blue), None);
    }

    #[test]
    fn the_latest_deployment_with_traffic_is_compared_with_the_largest_of_the_others() {
        let deployment = |since| registry::Deployment { model: name("churn"), version: 1, since };
        let deployments = [("blue", 1), ("green", 3), ("red", 2), ("idle", 4)];
        let deployments = deployments.map(|(deployed, since)| (name(deployed), deployment(since))).into();
        let traffic = [(name("blue"), 20), (name("green"), 10), (name("red"), 70), (name("idle"), 0)].into();
        let mut endpoint = Endpoint { deployments, traffic, ..Endpoint::default() };
        assert_eq!(RollbackRule::pair(&endpoint), Some((&name("red"), &name("green"))));
        endpoint.traffic = [(name("blue"), 100)].into();
        assert_eq!(RollbackRule::pair(&endpoint), None);
    }

    #[test]
    fn few_requests_say_nothing() {
        let (blue, green) = (vec![window(100, 0, 0.002); 3], vec![window(0, 49, 0.002); 3]);
        assert_eq!(decide(&blue, &green), None);
    }
}
