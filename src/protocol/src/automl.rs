//! Looking for a good model by itself: what is asked, what is searched, and what came of it.

use pipeline::{Edit, NodeId, OutPort, Pipeline};
use serde::{Deserialize, Serialize};
use study::{Settings, Study};

use crate::{Compute, RunId};

/// Asks for a search over preparations and learners. The table is computed if it is not at hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSearch {
    /// Of the run that computes the table.
    pub run: RunId,
    /// As it stands.
    pub pipeline: Pipeline,
    /// What is wanted of it.
    pub question: Question,
}

/// What a model is wanted for, and how it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The table to learn from.
    pub table: OutPort,
    /// The column to predict; left open, the one with the role of target.
    pub target: Option<String>,
    /// Whether classes or a number are predicted.
    pub predicts: Predicts,
    /// The metric to aim at; left open, `auc` for two classes, `log_loss` for more and `r2` for numbers.
    pub metric: Option<String>,
    /// Each candidate is trained and judged on so many folds.
    pub n_folds: u32,
    /// Whether a candidate that does badly on its first folds is given up.
    pub early_termination: bool,
    /// Trials in all.
    pub n_trials: u32,
    /// No trial is started after so many seconds.
    pub budget_secs: u64,
    /// Where the search's random stream starts.
    pub seed: u64,
}

/// Metrics that a search for classes can aim at.
pub const METRICS_OF_CLASSES: &[&str] = &[
    "auc",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "average_precision",
    "log_loss",
    "brier",
    "mcc",
    "kappa",
];

/// Metrics that a search for numbers can aim at.
pub const METRICS_OF_NUMBERS: &[&str] = &["r2", "rmse", "mae", "median_absolute_error", "explained_variance"];

/// What is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predicts {
    /// Classes if the target is a category, a truth value or a text, or a whole number with two values; else numbers.
    #[default]
    ByTarget,
    /// Classes.
    Classes,
    /// Numbers.
    Numbers,
}

/// A search that can be run as a sweep: every candidate is a setting of one pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// What comes before the table, then a split, preparations, learners, and the node that judges them.
    pub pipeline: Pipeline,
    /// Cross Validate Model, which reports the objective.
    pub judge: NodeId,
    /// The table it began with.
    pub table: OutPort,
    /// What is predicted.
    pub target: String,
    /// The space, and each learner with its usual settings as the first trials.
    pub study: Study,
    /// What to know of the table: columns left out, gaps filled.
    pub notes: Vec<String>,
}

/// Asks which of these candidates are best together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlendTrials {
    /// Of the runs of the candidates.
    pub run: RunId,
    /// With the trials that are done.
    pub search: Search,
    /// How many workers.
    pub compute: Compute,
}

/// An ensemble of candidates, and what it is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    /// The candidates by trial, and how often each was chosen, the most often first.
    pub members: Vec<Member>,
    /// The objective on rows that had no say in the choice; the mean over [`N_PARTS`] parts of them.
    pub value: f64,
    /// The same for the best candidate alone.
    pub best_alone: f64,
    /// By how much the ensemble is better, and the standard error of that: parts are paired.
    pub gain: f64,
    /// Of the gain.
    pub standard_error: f64,
}

/// Parts of the rows, each of which judges an ensemble that was chosen on the others.
pub const N_PARTS: usize = 5;

/// One candidate of an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its trial.
    pub trial: u32,
    /// How often it was chosen.
    pub weight: u32,
    /// Its settings.
    pub settings: Settings,
}

impl Blend {
    /// Whether it is better than the best candidate alone by more than chance explains.
    pub fn is_better(&self) -> bool {
        self.members.len() > 1 && self.gain > self.standard_error
    }
}

/// Asks how candidates become a part of the pipeline that can be read and changed: trained, scored on rows that the
/// search has not seen, and evaluated. Several become an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceWinner {
    /// The document as it stands.
    pub pipeline: Pipeline,
    /// The search.
    pub search: Search,
    /// Whom to place.
    pub members: Vec<Member>,
}

/// What places a winner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placing {
    /// Edits of the document; new nodes have no places yet.
    pub edits: Vec<Edit>,
    /// The node that evaluates it.
    pub evaluation: NodeId,
}
