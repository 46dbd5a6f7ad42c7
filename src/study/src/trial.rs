//! One trial.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Settings;

/// The pipeline with one choice of settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its place in the study's list, from 0.
    pub number: u32,
    /// The value of every dimension that counts.
    pub settings: Settings,
    /// How it stands.
    pub state: TrialState,
    /// How many intervals it may run before its next rung is decided; none for all.
    pub resource: Option<u32>,
    /// The first objective's metric at each interval so far; always finite.
    pub intermediate: Vec<f64>,
    /// One figure for each objective, once it is done or at a rung; always finite.
    pub values: Vec<f64>,
    /// Everything it reported.
    pub metrics: BTreeMap<String, f64>,
    /// When it started, in seconds since the study did.
    pub started_secs: Option<f64>,
    /// How long it ran.
    pub elapsed_secs: Option<f64>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Why it was stopped early or cancelled.
    pub reason: Option<String>,
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialState {
    /// To be started, or, with all of its `resource` spent, waiting for the others of its rung.
    Waiting,
    /// Somebody works on it.
    Running,
    /// It ran to its end.
    Done,
    /// It did worse than others and was given up.
    StoppedEarly,
    /// It could not be finished.
    Failed,
    /// The user stopped it.
    Cancelled,
}

/// Why a trial's run was ended before it was through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stop {
    /// The policy of early termination gave it up: why.
    GivenUp(String),
    /// It ran the intervals that it was to run for now, and came to this figure.
    AtRung(f64),
    /// It took longer than a trial may.
    Late,
}

impl TrialState {
    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done | Self::StoppedEarly | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl Trial {
    /// A trial that is to be started.
    pub fn new(number: u32, settings: Settings) -> Self {
        Self {
            number,
            settings,
            state: TrialState::Waiting,
            resource: None,
            intermediate: Vec::new(),
            values: Vec::new(),
            metrics: BTreeMap::new(),
            started_secs: None,
            elapsed_secs: None,
            failure: None,
            reason: None,
        }
    }

    /// Whether it waits for a decision on its rung rather than to be started.
    pub fn is_at_rung(&self) -> bool {
        self.state == TrialState::Waiting && !self.values.is_empty()
    }
}
