//! What is to be done next in a sweep, and why one waits or is over. The crate `sweep` decides it.

use serde::{Deserialize, Serialize};

use crate::{Settings, Study};

/// Something that whoever runs a sweep is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Start a trial from its first interval, be it new or one that waits.
    Start {
        /// Its number; a new one comes right after those there are.
        number: u32,
        /// The value of every dimension that counts.
        settings: Settings,
        /// How many intervals it runs for now; none for all.
        resource: Option<u32>,
    },
    /// Let a trial that waits at its rung go on.
    Continue {
        /// The trial.
        number: u32,
        /// How many intervals it has run when it next waits, or is done.
        resource: u32,
    },
    /// Give up a trial that waits at its rung.
    Stop {
        /// The trial.
        number: u32,
        /// Why, in words.
        reason: String,
    },
    /// Nothing more for now.
    Wait(Pause),
    /// Nothing more at all.
    Over(Ending),
}

/// Why a sweep waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pause {
    /// The user paused it.
    Paused,
    /// As many trials run as may run at a time.
    Full,
    /// Earlier trials must end first, because the next one looks at them.
    Results,
    /// No trial is left to start, and some still run.
    LastTrials,
}

/// Why a sweep is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The user stopped it.
    Stopped,
    /// There is no other combination of values.
    AllTried,
    /// There are as many trials as were allowed.
    MaxTrials,
    /// Too many trials in a row were no better.
    Patience,
    /// The time is up.
    Timeout,
    /// The study has errors; the first of them.
    Unsound(String),
}

impl Ending {
    /// As a sentence.
    pub fn in_words(&self, study: &Study) -> String {
        let limits = &study.limits;
        match self {
            Self::Stopped => "it was stopped".into(),
            Self::AllTried => "every combination was tried".into(),
            Self::MaxTrials => format!("all {} trials were made", limits.max_total_trials),
            Self::Patience => format!("{} trials in a row were no better", limits.patience.unwrap_or_default()),
            Self::Timeout => format!("the {} seconds are up", limits.timeout_secs),
            Self::Unsound(problem) => problem.clone(),
        }
    }
}
