//! When somebody is to be told: conditions on a series, as Prometheus and Azure Monitor have them.

use serde::{Deserialize, Serialize};

use crate::{Filter, Point};

/// When somebody is to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRule {
    /// What people call it.
    pub name: String,
    /// Whose counts are looked at.
    pub filter: Filter,
    /// What is looked at.
    pub metric: AlertMetric,
    /// Of data drift, the column; none for whichever drifts most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Which side of the threshold is bad.
    pub comparison: Comparison,
    /// In the metric's unit; to be on it is not bad.
    pub threshold: f64,
    /// For how many minutes on end it must be bad.
    pub for_minutes: u64,
    /// How bad that is.
    pub severity: Severity,
}

/// What an alert looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertMetric {
    /// Requests per second.
    RequestRate,
    /// The median of response times, in seconds.
    P50,
    /// What 95 of 100 response times are at most, in seconds.
    P95,
    /// What 99 of 100 response times are at most, in seconds.
    P99,
    /// The share of requests answered with 4xx or 5xx.
    FailureRate,
    /// Exceptions that are no mere warnings, per second.
    ExceptionRate,
    /// The share of the host's requests to itself that were answered.
    Availability,
    /// The most requests under way at once.
    InFlight,
    /// By how much the rows of the last hour differ from those of training: the population stability index, or 0 where the
    /// difference may be chance ([`crate::drift::Scores::drift`]).
    DataDrift,
    /// By how much predictions do, likewise.
    PredictionDrift,
}

impl AlertMetric {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::RequestRate,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::FailureRate,
        Self::ExceptionRate,
        Self::Availability,
        Self::InFlight,
        Self::DataDrift,
        Self::PredictionDrift,
    ];

    /// Whether it looks at rows rather than at requests.
    pub fn is_drift(self) -> bool {
        matches!(self, Self::DataDrift | Self::PredictionDrift)
    }

    /// Its value; none if nothing is known, or if it looks at rows.
    pub fn of(self, point: &Point) -> Option<f64> {
        match self {
            Self::RequestRate => point.request_rate(),
            Self::P50 => point.quantile(0.5),
            Self::P95 => point.quantile(0.95),
            Self::P99 => point.quantile(0.99),
            Self::FailureRate => point.counts.failure_rate(),
            Self::ExceptionRate => point.exception_rate(),
            Self::Availability => point.counts.availability(),
            Self::InFlight => point.max_in_flight().map(f64::from),
            Self::DataDrift | Self::PredictionDrift => None,
        }
    }
}

/// Which side of a threshold is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// More.
    Above,
    /// Less.
    Below,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be looked at soon.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Info, Self::Warning, Self::Critical];
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum AlertState {
    /// Nothing is bad.
    #[default]
    Inactive,
    /// It is bad, but not for long enough.
    Pending {
        /// Since this minute since 1970.
        since: u64,
    },
    /// It is bad for long enough.
    Firing {
        /// When it became bad, in minutes since 1970.
        since: u64,
    },
    /// It was bad for long enough, and is no more.
    Resolved {
        /// When it became bad, in minutes since 1970.
        since: u64,
        /// From when on it was not.
        until: u64,
    },
}

impl AlertRule {
    /// How the alert stands after each point of a series with steps of `step` minutes.
    pub fn states(&self, points: &[Point], step: u64) -> Vec<AlertState> {
        self.after_each(points.iter().map(|point| (point.minute, step, self.metric.of(point))))
    }

    /// How the alert stands after each value of what it looks at: the minute since 1970 in which it begins, how many minutes
    /// it is of, and the value.
    ///
    /// Where nothing is known, nothing is said: what fires goes on firing, and what was about to begins anew.
    pub fn after_each(&self, values: impl IntoIterator<Item = (u64, u64, Option<f64>)>) -> Vec<AlertState> {
        let mut state = AlertState::Inactive;
        let mut next = |value| {
            state = self.after(state, value);
            state
        };
        values.into_iter().map(&mut next).collect()
    }

    /// Whether a value is bad.
    pub fn is_bad(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.threshold,
            Comparison::Below => value < self.threshold,
        }
    }

    /// Whether it can be looked at.
    ///
    /// # Errors
    /// What does not go together, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        match (self.metric.is_drift(), self.comparison, &self.column) {
            (true, Comparison::Below, _) => Err("drift is bad above a threshold, not below one"),
            (true, Comparison::Above, Some(_)) if self.metric != AlertMetric::DataDrift => {
                Err("there is one prediction: name no column")
            }
            (false, _, Some(_)) => Err("a column is named for data drift alone"),
            (true, Comparison::Above, _) | (false, _, None) => Ok(()),
        }
    }

    fn after(&self, state: AlertState, (minute, n_minutes, value): (u64, u64, Option<f64>)) -> AlertState {
        use AlertState::{Firing, Inactive, Pending, Resolved};
        let is_bad = value.map(|value| self.is_bad(value));
        match (state, is_bad) {
            (Firing { .. }, Some(true) | None) | (Resolved { .. }, Some(false) | None) => state,
            (Firing { since }, Some(false)) => Resolved { since, until: minute },
            (Inactive | Pending { .. }, Some(false) | None) => Inactive,
            (Inactive | Pending { .. } | Resolved { .. }, Some(true)) => {
                let since = if let Pending { since } = state { since } else { minute };
                let is_long_enough = minute + n_minutes - since >= self.for_minutes;
                if is_long_enough { Firing { since } } else { Pending { since } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use AlertState::{Firing, Inactive, Pending, Resolved};

    use super::*;
    use crate::Histogram;

    /// Points of a minute each from minute 10 on, by how many of 100 requests failed; none where nobody counted.
    fn failing(percent: &[Option<u32>]) -> Vec<Point> {
        let point = |(minute, failed): (u64, &Option<u32>)| {
            let mut point = Point { minute, ..Point::default() };
            if let Some(failed) = failed {
                let times = |n| {
                    let mut times = Histogram::default();
                    (0..n).for_each(|_| times.observe(0.002));
                    times
                };
                point.n_minutes = 1;
                point.counts.durations = [(200, times(100 - failed)), (500, times(*failed))].into();
            }
            point
        };
        (10..).zip(percent).map(point).collect()
    }

    fn rule(comparison: Comparison, threshold: f64, for_minutes: u64) -> AlertRule {
        AlertRule {
            name: "failures".into(),
            filter: Filter::default(),
            metric: AlertMetric::FailureRate,
            column: None,
            comparison,
            threshold,
            for_minutes,
            severity: Severity::Critical,
        }
    }

    #[test]
    fn it_fires_when_it_is_bad_for_long_enough_and_resolves() {
        let points = failing(&[0, 1, 2, 0, 2, 3, 2, 2, 1, 0, 5].map(Some));
        let states = rule(Comparison::Above, 0.01, 3).states(&points, 1);
        let resolved = Resolved { since: 14, until: 18 };
        let expected = [
            Inactive,
            Inactive,
            Pending { since: 12 },
            Inactive,
            Pending { since: 14 },
            Pending { since: 14 },
            Firing { since: 14 },
            Firing { since: 14 },
            resolved,
            resolved,
            Pending { since: 20 },
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn where_nobody_counted_nothing_is_said() {
        let points = failing(&[Some(9), None, Some(9), Some(9), None, None, Some(0), None, Some(9)]);
        let states = rule(Comparison::Above, 0.05, 2).states(&points, 1);
        let resolved = Resolved { since: 12, until: 16 };
        let expected = [
            Pending { since: 10 },
            Inactive,
            Pending { since: 12 },
            Firing { since: 12 },
            Firing { since: 12 },
            Firing { since: 12 },
            resolved,
            resolved,
            Pending { since: 18 },
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn a_step_may_be_long_enough_at_once() {
        let points = failing(&[Some(9)]);
        assert_eq!(rule(Comparison::Above, 0.05, 0).states(&points, 1), [Firing { since: 10 }]);
        assert_eq!(rule(Comparison::Above, 0.05, 5).states(&points, 5), [Firing { since: 10 }]);
        assert_eq!(rule(Comparison::Below, 0.09, 0).states(&points, 1), [Inactive]);
        assert_eq!(rule(Comparison::Below, 0.10, 0).states(&points, 1), [Firing { since: 10 }]);
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let rule = |metric, comparison, column: Option<&str>| {
            AlertRule { metric, column: column.map(Into::into), ..rule(comparison, 0.25, 1) }.check()
        };
        use AlertMetric::{DataDrift, FailureRate, PredictionDrift};
        use Comparison::{Above, Below};
        assert_eq!(rule(DataDrift, Above, Some("age")), Ok(()));
        assert_eq!(rule(FailureRate, Below, None), Ok(()));
        assert_eq!(rule(DataDrift, Below, None), Err("drift is bad above a threshold, not below one"));
        assert_eq!(rule(PredictionDrift, Above, Some("age")), Err("there is one prediction: name no column"));
        assert_eq!(rule(FailureRate, Above, Some("age")), Err("a column is named for data drift alone"));
    }

    #[test]
    fn a_rule_comes_back_as_it_was_written() {
        let rule = rule(Comparison::Above, 0.01, 3);
        let json = serde_json::to_string(&rule).expect("plain data");
        assert_eq!(serde_json::from_str::<AlertRule>(&json).expect("our own"), rule);
    }
}
