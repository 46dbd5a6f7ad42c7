//! What a sweep aims at, how it searches, and when it ends.

use serde::{Deserialize, Serialize};

/// A figure to make small or large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The metric, by its id: `auc`, or `evaluate.auc` where several nodes report it.
    pub metric: String,
    /// Which way is better.
    pub goal: Goal,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

impl Goal {
    /// Whether `one` is better than `other`. Nothing is better than a figure that is not a number, but any figure is.
    pub fn is_better(self, one: f64, other: f64) -> bool {
        match self {
            Self::Minimize => one < other || (other.is_nan() && !one.is_nan()),
            Self::Maximize => one > other || (other.is_nan() && !one.is_nan()),
        }
    }

    /// The figure with its sign turned where larger is better, so that smaller always is.
    pub fn as_loss(self, x: f64) -> f64 {
        match self {
            Self::Minimize => x,
            Self::Maximize => -x,
        }
    }

    /// The better of some figures; none if there is no number among them.
    pub fn best(self, figures: impl IntoIterator<Item = f64>) -> Option<f64> {
        figures.into_iter().filter(|x| !x.is_nan()).reduce(|best, x| if self.is_better(x, best) { x } else { best })
    }
}

/// How the settings of the next trial are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Every combination in turn, the last dimension fastest.
    Grid,
    /// By chance.
    Random {
        /// Where the random stream starts.
        seed: u64,
        /// Chance, or a sequence that leaves fewer holes.
        rule: Rule,
    },
    /// Where the better trials are dense and the worse ones are not: a tree-structured Parzen estimator.
    Bayesian {
        /// Where the random stream starts.
        seed: u64,
    },
    /// Many trials for a short time, the better ones for longer.
    Hyperband {
        /// Where the random stream starts.
        seed: u64,
        /// The fewest intervals that a trial runs.
        min_resource: u32,
        /// The intervals of a whole trial.
        max_resource: u32,
        /// One in so many trials goes on to so many times the intervals.
        eta: u32,
    },
}

/// How random settings are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Independently.
    #[default]
    Random,
    /// By Sobol's sequence.
    Sobol,
}

/// When a trial that does badly is given up. One interval is one report of the first objective's metric: a fold, or a
/// round of boosting. A policy looks at intervals that are multiples of `evaluation_interval`, once
/// `delay_evaluation` of them have passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyTermination {
    /// Its best figure is further from the best of all than the slack allows.
    Bandit {
        /// As a ratio.
        slack_factor: Option<f64>,
        /// In the unit of the metric.
        slack_amount: Option<f64>,
        /// Look at every how many intervals.
        evaluation_interval: u32,
        /// Do not look before this interval.
        delay_evaluation: u32,
    },
    /// Its best figure is worse than the median of the other trials' averages up to that interval.
    MedianStopping {
        /// Look at every how many intervals.
        evaluation_interval: u32,
        /// Do not look before this interval.
        delay_evaluation: u32,
    },
    /// It is among the worst at that interval.
    TruncationSelection {
        /// The share of trials that is given up, 1 to 99.
        truncation_percentage: u32,
        /// Compare only with trials that did not end by then.
        exclude_finished_jobs: bool,
        /// Look at every how many intervals.
        evaluation_interval: u32,
        /// Do not look before this interval.
        delay_evaluation: u32,
    },
}

impl EarlyTermination {
    /// Look at every how many intervals, and from which on.
    pub fn rhythm(&self) -> (u32, u32) {
        match self {
            Self::Bandit { evaluation_interval, delay_evaluation, .. }
            | Self::MedianStopping { evaluation_interval, delay_evaluation }
            | Self::TruncationSelection { evaluation_interval, delay_evaluation, .. } => {
                (*evaluation_interval, *delay_evaluation)
            }
        }
    }

    /// Whether the policy looks at a trial after so many intervals.
    pub fn looks_at(&self, n_intervals: u32) -> bool {
        let (every, delay) = self.rhythm();
        n_intervals >= delay.max(1) && n_intervals.is_multiple_of(every.max(1))
    }
}

/// The most trials that the sweep schema allows, and how many there are if nothing is said.
pub const MAX_TRIALS: u32 = 1_000;

/// When a sweep ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Trials in all, those that failed or were stopped included.
    pub max_total_trials: u32,
    /// Trials at a time; see [`Study::n_concurrent`](crate::Study::n_concurrent) for what holds if nothing is said.
    pub max_concurrent_trials: Option<u32>,
    /// Seconds for the whole sweep.
    pub timeout_secs: u64,
    /// Seconds for one trial.
    pub trial_timeout_secs: Option<u64>,
    /// End after so many trials in a row that were no better.
    pub patience: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_total_trials: MAX_TRIALS,
            max_concurrent_trials: None,
            timeout_secs: 5_184_000,
            trial_timeout_secs: None,
            patience: None,
        }
    }
}
