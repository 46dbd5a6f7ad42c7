//! Counts along time, for charts and alerts.

use registry::Name;

use crate::{Minute, MinuteKey, Served};

/// Whose counts are wanted; none is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Filter {
    /// The endpoint.
    pub endpoint: Option<Name>,
    /// The deployment.
    pub deployment: Option<Name>,
    /// The model's version.
    pub version: Option<u32>,
    /// Copies of requests instead of requests.
    #[serde(default)]
    pub is_mirror: bool,
}

impl Filter {
    /// Whether these counts are wanted.
    pub fn takes(&self, served: &Served) -> bool {
        let is = |wanted: &Option<Name>, found: &Option<Name>| wanted.is_none() || wanted == found;
        is(&self.endpoint, &served.endpoint)
            && is(&self.deployment, &served.deployment)
            && self.version.is_none_or(|version| version == served.version)
            && self.is_mirror == served.is_mirror
    }
}

/// What was counted from one minute to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Where it begins, in minutes since 1970.
    pub minute: u64,
    /// Of how many minutes there are counts; 0 if nobody counted, which is not the same as no requests.
    pub n_minutes: u64,
    /// All that was counted.
    pub counts: Minute,
}

impl Point {
    /// Requests per second, over the minutes that were counted; none if nobody counted.
    pub fn request_rate(&self) -> Option<f64> {
        self.per_second(self.counts.n_requests())
    }

    /// Predicted rows per second, likewise.
    pub fn row_rate(&self) -> Option<f64> {
        self.per_second(self.counts.n_rows)
    }

    /// Exceptions of all types that are not mere warnings per second, likewise.
    pub fn exception_rate(&self) -> Option<f64> {
        let failures = self.counts.exceptions.iter().filter(|(exception, _)| !exception.is_warning());
        self.per_second(failures.map(|(_, n)| n).sum())
    }

    /// The response time, in seconds, that a share `q` of requests took at most; none without requests.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.counts.all_durations().quantile(q)
    }

    /// The most requests under way at once; none if nobody counted.
    pub fn max_in_flight(&self) -> Option<u32> {
        (self.n_minutes > 0).then_some(self.counts.max_in_flight)
    }

    fn per_second(&self, n: u64) -> Option<f64> {
        (self.n_minutes > 0).then(|| n as f64 / (60 * self.n_minutes) as f64)
    }
}

/// The counts from a minute to another, the latter excluded, added up over steps of `step` minutes each, every one of them
/// in the answer.
///
/// The last step may go beyond `to`; what lies there is not in it.
pub fn series<'a>(
    minutes: impl IntoIterator<Item = (&'a MinuteKey, &'a Minute)>,
    filter: &Filter,
    from: u64,
    to: u64,
    step: u64,
) -> Vec<Point> {
    let step = step.max(1);
    let n_points = to.saturating_sub(from).div_ceil(step);
    let mut points: Vec<Point> =
        (0..n_points).map(|at| Point { minute: from + at * step, ..Point::default() }).collect();
    let mut counted = vec![false; to.saturating_sub(from) as usize];
    for (key, counts) in minutes {
        if (from..to).contains(&key.minute) && filter.takes(&key.served) {
            let point = &mut points[((key.minute - from) / step) as usize];
            point.counts.merge(counts);
            let is_counted = &mut counted[(key.minute - from) as usize];
            point.n_minutes += u64::from(!*is_counted);
            *is_counted = true;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Exception, Recorder, Seen};

    fn name(text: &str) -> Option<Name> {
        Some(Name::new(text).expect("a name"))
    }

    fn seen(minute: u64, deployment: &str, status: u16, is_mirror: bool) -> Seen {
        Seen {
            at_ms: minute * 60_000,
            served: Served { endpoint: name("churn"), deployment: name(deployment), version: 3, is_mirror },
            status,
            seconds: 0.002,
            n_rows: 5,
            in_flight: minute as u32,
            queue: 0,
            exceptions: if status < 400 { vec![Exception::OutOfRange] } else { vec![Exception::MissingColumn] },
            phases: Vec::new(),
        }
    }

    fn minutes() -> BTreeMap<MinuteKey, Minute> {
        let mut recorder = Recorder::default();
        for _ in 0..30 {
            recorder.see(&seen(10, "blue", 200, false));
        }
        for (minute, deployment, status, is_mirror) in
            [(10, "green", 400, false), (11, "blue", 500, false), (11, "green", 200, true), (13, "blue", 200, false)]
        {
            recorder.see(&seen(minute, deployment, status, is_mirror));
        }
        recorder.stand_by(15 * 60_000, &seen(0, "blue", 200, false).served);
        recorder.minutes().clone()
    }

    #[test]
    fn steps_add_up_and_nobody_counting_is_not_zero() {
        let points = series(&minutes(), &Filter::default(), 10, 18, 2);
        let found: Vec<_> = points.iter().map(|point| (point.minute, point.n_minutes, point.request_rate())).collect();
        // 32 requests in two minutes; one in the only minute that was counted; none in one; nobody counted.
        let expected = [(10, 2, Some(32.0 / 120.0)), (12, 1, Some(1.0 / 60.0)), (14, 1, Some(0.0)), (16, 0, None)];
        assert_eq!(found, expected);
        assert_eq!(points[0].counts.failure_rate(), Some(2.0 / 32.0));
        assert_eq!(points[0].exception_rate(), Some(2.0 / 120.0));
        assert_eq!(points[0].counts.exceptions[&Exception::OutOfRange], 30);
        assert_eq!((points[2].counts.failure_rate(), points[2].quantile(0.5)), (None, None));
        assert_eq!(points.iter().map(Point::max_in_flight).collect::<Vec<_>>(), [Some(11), Some(13), Some(0), None]);
        assert_eq!(points[0].row_rate(), Some(160.0 / 120.0));
    }

    #[test]
    fn a_filter_takes_what_it_names() {
        let n = |filter: Filter| {
            let points = series(&minutes(), &filter, 0, 20, 20);
            points[0].counts.n_requests()
        };
        assert_eq!(n(Filter::default()), 33);
        assert_eq!(n(Filter { deployment: name("green"), ..Filter::default() }), 1);
        assert_eq!(n(Filter { is_mirror: true, ..Filter::default() }), 1);
        assert_eq!(n(Filter { version: Some(4), ..Filter::default() }), 0);
        assert_eq!(n(Filter { endpoint: name("other"), ..Filter::default() }), 0);
    }

    #[test]
    fn a_last_step_that_is_cut_off_holds_what_is_before_the_end() {
        let points = series(&minutes(), &Filter::default(), 10, 13, 2);
        assert_eq!(points.iter().map(|point| point.n_minutes).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(series(&minutes(), &Filter::default(), 13, 10, 1), []);
    }
}
