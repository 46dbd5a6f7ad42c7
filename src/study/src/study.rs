//! A study: everything that a sweep needs to go on.

use std::collections::BTreeMap;

use schema::ordered::sort_by;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{EarlyTermination, Limits, Objective, Sampling, Settings, Space, Stop, Trial, TrialState};

/// Trials at a time where each learns from the earlier ones and nothing else is said: enough for a laptop's workers,
/// few enough that little is learned late.
pub const ADAPTIVE_CONCURRENCY: u32 = 4;

/// A sweep, with all that happened so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Shown to people.
    pub name: String,
    /// What is varied.
    pub space: Space,
    /// What is aimed at, the first one foremost.
    pub objectives: Vec<Objective>,
    /// How settings are found.
    pub sampling: Sampling,
    /// When a trial that does badly is given up.
    pub early_termination: Option<EarlyTermination>,
    /// The first so many trials run to their end whatever the policy says, so that what is worth knowing in any case is known.
    #[serde(default)]
    pub n_landmarks: u32,
    /// When it ends.
    pub limits: Limits,
    /// The intervals of a whole trial, where they are known: the folds, or the rounds.
    pub n_intervals: Option<u32>,
    /// The first objective's figure for the pipeline as it stands.
    pub baseline: Option<f64>,
    /// Whether it is to go on.
    pub state: StudyState,
    /// How long it ran, pauses left out. Kept by who runs it.
    pub elapsed_secs: f64,
    /// Every trial, by number.
    ///
    /// Invariant: a trial's number is its place. Kept by `plan`.
    pub trials: Vec<Trial>,
}

/// Whether a study is to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StudyState {
    /// Trials are started.
    #[default]
    Running,
    /// No trial is started until it goes on.
    Paused,
    /// The user ended it.
    Stopped,
}

/// Why a study could not take what happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StudyError {
    /// No such trial.
    #[error("there is no trial {number}; the study has {n_trials}, numbered from 0")]
    UnknownTrial {
        /// The number asked for.
        number: u32,
        /// How many there are.
        n_trials: usize,
    },
    /// A trial that is over, or was not started.
    #[error("trial {number} is {state:?}, so it can report nothing; start it first")]
    NotRunning {
        /// The trial.
        number: u32,
        /// How it stands.
        state: TrialState,
    },
}

impl Study {
    /// A study without trials that searches at random.
    pub fn new(name: &str, space: Space, objectives: Vec<Objective>) -> Self {
        Self {
            name: name.into(),
            space,
            objectives,
            sampling: Sampling::Random { seed: 0, rule: crate::Rule::Random },
            early_termination: None,
            n_landmarks: 0,
            limits: Limits::default(),
            n_intervals: None,
            baseline: None,
            state: StudyState::Running,
            elapsed_secs: 0.0,
            trials: Vec::new(),
        }
    }

    /// Everything but the trials.
    pub fn head(&self) -> Self {
        Self {
            name: self.name.clone(),
            space: self.space.clone(),
            objectives: self.objectives.clone(),
            sampling: self.sampling.clone(),
            early_termination: self.early_termination.clone(),
            n_landmarks: self.n_landmarks,
            limits: self.limits.clone(),
            n_intervals: self.n_intervals,
            baseline: self.baseline,
            state: self.state,
            elapsed_secs: self.elapsed_secs,
            trials: Vec::new(),
        }
    }

    /// How many different settings there are; none for infinitely many.
    pub fn n_combinations(&self) -> Option<u64> {
        self.space.n_combinations()
    }

    /// Whether what is done next depends on how earlier trials went, so that it must wait for them. Hyperband's trials
    /// wait for each other at their rungs instead, and have neither policy nor patience.
    pub fn is_adaptive(&self) -> bool {
        match self.sampling {
            Sampling::Bayesian { .. } => true,
            Sampling::Grid | Sampling::Random { .. } => {
                self.early_termination.is_some() || self.limits.patience.is_some()
            }
            Sampling::Hyperband { .. } => false,
        }
    }

    /// Trials at a time: what the limits say, else all at once as in the schema, but few where trials learn from
    /// earlier ones.
    pub fn n_concurrent(&self) -> u32 {
        let unsaid = if self.is_adaptive() { ADAPTIVE_CONCURRENCY } else { self.limits.max_total_trials };
        self.limits.max_concurrent_trials.unwrap_or(unsaid).max(1)
    }

    /// The trials whose results trial `number` may look at: all but the `n_concurrent() − 1` before it, which may be
    /// running beside it. What it finds is then the same however many workers there are and however fast each is.
    pub fn before(&self, number: u32) -> &[Trial] {
        let n = number.saturating_sub(self.n_concurrent() - 1) as usize;
        &self.trials[..n.min(self.trials.len())]
    }

    /// The best trial that is done, by the first objective; the earliest of equals.
    pub fn best(&self) -> Option<&Trial> {
        let goal = self.objectives.first()?.goal;
        let mut best: Option<(&Trial, f64)> = None;
        for (trial, value) in self.done() {
            if best.is_none_or(|(_, best)| goal.is_better(value, best)) {
                best = Some((trial, value));
            }
        }
        best.map(|(trial, _)| trial)
    }

    /// The trials that are done, the best by the first objective first; equals by number.
    pub fn ranked(&self) -> Vec<&Trial> {
        let Some(goal) = self.objectives.first().map(|objective| objective.goal) else { return Vec::new() };
        let mut ranked: Vec<(&Trial, f64)> = self.done().collect();
        sort_by(&mut ranked, |(_, one), (_, other)| goal.as_loss(*one).total_cmp(&goal.as_loss(*other)));
        ranked.into_iter().map(|(trial, _)| trial).collect()
    }

    /// For every trial that is done, its number and the best figure of the first objective up to it.
    pub fn best_so_far(&self) -> Vec<(u32, f64)> {
        let Some(goal) = self.objectives.first().map(|objective| objective.goal) else { return Vec::new() };
        let mut best = f64::NAN;
        let line = self.done().map(|(trial, value)| {
            if goal.is_better(value, best) {
                best = value;
            }
            (trial.number, best)
        });
        line.collect()
    }

    /// How many trials ended since the best one, by number; all that ended where none is done.
    pub fn n_since_best(&self) -> u32 {
        let best = self.best().map(|trial| trial.number);
        let later = |trial: &&Trial| best.is_none_or(|best| trial.number > best);
        self.trials.iter().filter(|trial| trial.state.is_over()).filter(later).count() as u32
    }

    /// The trials that are done and that no other surpasses in one objective without falling behind in another, by
    /// number. Equals stand together.
    pub fn pareto_front(&self) -> Vec<&Trial> {
        let done: Vec<&Trial> = self.done().map(|(trial, _)| trial).collect();
        let on_front = |trial: &&Trial| !done.iter().any(|other| self.dominates(&other.values, &trial.values));
        done.iter().copied().filter(on_front).collect()
    }

    /// Whether figures are at least as good in every objective and better in one.
    pub fn dominates(&self, one: &[f64], other: &[f64]) -> bool {
        let pairs = || self.objectives.iter().zip(one.iter().zip(other));
        pairs().all(|(objective, (one, other))| !objective.goal.is_better(*other, *one))
            && pairs().any(|(objective, (one, other))| objective.goal.is_better(*one, *other))
    }

    /// How many trials stand so.
    pub fn n_in(&self, state: TrialState) -> usize {
        self.trials.iter().filter(|trial| trial.state == state).count()
    }

    /// Adds a trial with these settings, which is to be started before any that the sampler finds; says its number.
    pub fn plan(&mut self, settings: Settings) -> u32 {
        let number = self.trials.len() as u32;
        self.trials.push(Trial::new(number, settings));
        number
    }

    /// Says that somebody works on a trial.
    ///
    /// # Errors
    /// There is no such trial, or it is over.
    pub fn start(&mut self, number: u32, resource: Option<u32>, at_secs: f64) -> Result<(), StudyError> {
        let trial = self.trial_mut(number)?;
        if trial.state.is_over() {
            return Err(StudyError::NotRunning { number, state: trial.state });
        }
        trial.state = TrialState::Running;
        trial.resource = resource;
        trial.started_secs.get_or_insert(at_secs);
        Ok(())
    }

    /// Takes in the first objective's metric at a trial's next interval. A figure that is no finite number ends it.
    ///
    /// # Errors
    /// There is no such trial, or it does not run.
    pub fn report(&mut self, number: u32, metric: f64) -> Result<(), StudyError> {
        let trial = self.running(number)?;
        if metric.is_finite() {
            trial.intermediate.push(metric);
        } else {
            trial.state = TrialState::Failed;
            trial.failure = Some(format!("its metric is {metric} at interval {}", trial.intermediate.len() + 1));
        }
        Ok(())
    }

    /// Takes in that a trial ran all intervals that it was to run: it is done, or waits at its rung. A figure that is
    /// missing or no finite number makes it a failure.
    ///
    /// # Errors
    /// There is no such trial, or it does not run.
    pub fn finish(
        &mut self,
        number: u32,
        values: Vec<f64>,
        metrics: BTreeMap<String, f64>,
        elapsed_secs: f64,
    ) -> Result<(), StudyError> {
        let whole = match self.sampling {
            Sampling::Hyperband { max_resource, .. } => max_resource,
            Sampling::Grid | Sampling::Random { .. } | Sampling::Bayesian { .. } => 0,
        };
        let bad = match self
            .objectives
            .iter()
            .enumerate()
            .find(|(place, _)| !values.get(*place).is_some_and(|x| x.is_finite()))
        {
            Some((place, objective)) => match values.get(place) {
                Some(value) => Some(format!("its {} is {value}", objective.metric)),
                None => Some(format!("it reported no {}", objective.metric)),
            },
            None => None,
        };
        let trial = self.running(number)?;
        trial.elapsed_secs = Some(elapsed_secs);
        trial.metrics = metrics.into_iter().filter(|(_, x)| x.is_finite()).collect();
        match bad {
            Some(failure) => {
                trial.state = TrialState::Failed;
                trial.failure = Some(failure);
            }
            None => {
                let is_rung = trial.resource.is_some_and(|resource| resource < whole);
                trial.state = if is_rung { TrialState::Waiting } else { TrialState::Done };
                trial.values = values;
            }
        }
        Ok(())
    }

    /// Takes in that a trial ended before its time: `StoppedEarly`, `Failed` or `Cancelled`, and why.
    ///
    /// # Errors
    /// There is no such trial, or it is over already.
    pub fn end(&mut self, number: u32, state: TrialState, why: &str) -> Result<(), StudyError> {
        let trial = self.trial_mut(number)?;
        if trial.state.is_over() {
            return Err(StudyError::NotRunning { number, state: trial.state });
        }
        trial.state = state;
        match state {
            TrialState::Failed => trial.failure = Some(why.into()),
            TrialState::Waiting
            | TrialState::Running
            | TrialState::Done
            | TrialState::StoppedEarly
            | TrialState::Cancelled => trial.reason = Some(why.into()),
        }
        Ok(())
    }

    /// Takes in that a trial's run was ended before it was through.
    ///
    /// # Errors
    /// There is no such trial, or it does not run.
    pub fn cut_off(&mut self, number: u32, stop: Stop, elapsed_secs: f64) -> Result<(), StudyError> {
        let limit = self.limits.trial_timeout_secs.unwrap_or_default();
        self.running(number)?.elapsed_secs = Some(elapsed_secs);
        match stop {
            Stop::GivenUp(why) => self.end(number, TrialState::StoppedEarly, &why),
            Stop::AtRung(value) => self.finish(number, vec![value], BTreeMap::new(), elapsed_secs),
            Stop::Late => {
                let why = format!("it took longer than the {limit} seconds that a trial may take");
                self.end(number, TrialState::Failed, &why)
            }
        }
    }

    /// Takes in that whoever ran the trials is gone: those that were running are to be started anew.
    pub fn interrupt(&mut self) {
        for trial in self.trials.iter_mut().filter(|trial| trial.state == TrialState::Running) {
            trial.state = TrialState::Waiting;
            trial.intermediate.clear();
            trial.values.clear();
            trial.started_secs = None;
        }
    }

    /// The trials that are done, with their figure of the first objective.
    fn done(&self) -> impl Iterator<Item = (&Trial, f64)> {
        let done = self.trials.iter().filter(|trial| trial.state == TrialState::Done);
        done.filter_map(|trial| trial.values.first().map(|value| (trial, *value)))
    }

    fn trial_mut(&mut self, number: u32) -> Result<&mut Trial, StudyError> {
        let n_trials = self.trials.len();
        self.trials.get_mut(number as usize).ok_or(StudyError::UnknownTrial { number, n_trials })
    }

    fn running(&mut self, number: u32) -> Result<&mut Trial, StudyError> {
        let trial = self.trial_mut(number)?;
        match trial.state {
            TrialState::Running => Ok(trial),
            TrialState::Waiting
            | TrialState::Done
            | TrialState::StoppedEarly
            | TrialState::Failed
            | TrialState::Cancelled => Err(StudyError::NotRunning { number, state: trial.state }),
        }
    }
}
