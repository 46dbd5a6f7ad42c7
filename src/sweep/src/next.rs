//! What is to be done next.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pipeline::Value;
use study::{Action, Ending, Pause, ProblemSeverity, Sampling, Settings, Study, StudyError, StudyState, TrialState};

use crate::{grid, hyperband, random, tpe};

/// What is to be done now: trials to give up, trials to go on with or to start, then one [`Wait`](Action::Wait) or
/// [`Over`](Action::Over). Whoever has fewer workers than [`Study::n_concurrent`] takes as many as it has, from the
/// front. Ask again when a trial ended or the study was changed.
///
/// What a trial tries, and whether there is one, depends on the numbers and results of the trials before it that
/// cannot run beside it ([`Study::before`]), and never on who finished first. Only limits of time, and what the user
/// does, depend on the clock.
///
/// The space may be changed between calls. Trials whose settings no longer [fit](crate::fits) remain as history: they count
/// as trials and for patience, but neither as tried combinations nor for the sampler. (The Parzen estimator alone also
/// learns from trials that lack a dimension, or have one more, as long as all that they share has allowed values.)
pub fn next(study: &Study) -> Vec<Action> {
    next_few(study, usize::MAX)
}

/// As [`next`], for somebody who can start no more than `n_starts` trials now: those from the front, without looking
/// for the settings of those behind them.
pub fn next_few(study: &Study, n_starts: usize) -> Vec<Action> {
    let problems = study.check();
    if let Some(problem) = problems.iter().find(|problem| problem.severity == ProblemSeverity::Error) {
        return vec![Action::Over(Ending::Unsound(format!(
            "{}: {}; {}",
            problem.place, problem.message, problem.help
        )))];
    }
    let n_running = study.n_in(TrialState::Running);
    match study.state {
        StudyState::Running => {}
        StudyState::Paused => return vec![Action::Wait(Pause::Paused)],
        StudyState::Stopped if n_running > 0 => return vec![Action::Wait(Pause::LastTrials)],
        StudyState::Stopped => return vec![Action::Over(Ending::Stopped)],
    }
    if study.elapsed_secs >= study.limits.timeout_secs as f64 {
        let is_idle = n_running == 0;
        return vec![if is_idle { Action::Over(Ending::Timeout) } else { Action::Wait(Pause::LastTrials) }];
    }
    let n_free = (study.n_concurrent() as usize).saturating_sub(n_running);
    if n_free == 0 {
        return vec![Action::Wait(Pause::Full)];
    }
    let mut tried = Tried::of(study);
    let no_more_come = study.trials.len() >= study.limits.max_total_trials as usize || tried.is_all();
    let (mut starting, stopping): (Vec<Action>, Vec<Action>) = hyperband::decide(study, no_more_come)
        .into_iter()
        .partition(|action| matches!(action, Action::Continue { .. }));
    let waiting = study.trials.iter().filter(|trial| trial.state == TrialState::Waiting && !trial.is_at_rung());
    starting.extend(waiting.map(|trial| Action::Start {
        number: trial.number,
        settings: trial.settings.clone(),
        resource: trial.resource.or(hyperband::first_resource(study, trial.number)),
    }));
    let n_starts = n_free.min(n_starts);
    let mut grown = Cow::Borrowed(study);
    let mut latest: Option<Settings> = None;
    let pause = loop {
        if starting.len() >= n_starts {
            break Ok(Pause::Full);
        }
        if let Some(settings) = latest.take() {
            // With the trials that are started now, so that it makes no difference whether they are started in one go.
            grown.to_mut().plan(settings);
        }
        match new_trial(&grown, &tried) {
            Ok(settings) => {
                tried.add(&settings);
                let number = grown.trials.len() as u32;
                let resource = hyperband::first_resource(study, number);
                latest = Some(settings.clone());
                starting.push(Action::Start { number, settings, resource });
            }
            Err(pause) => break pause,
        }
    };
    starting.truncate(n_starts);
    let is_idle = n_running == 0 && starting.is_empty() && stopping.is_empty();
    let last = match pause {
        Ok(pause) => Action::Wait(pause),
        Err(ending) if is_idle => Action::Over(ending),
        Err(_) => Action::Wait(Pause::LastTrials),
    };
    stopping.into_iter().chain(starting).chain([last]).collect()
}

/// The settings of the trial after those there are, or why there is none: for now, or at all.
fn new_trial(study: &Study, tried: &Tried) -> Result<Settings, Result<Pause, Ending>> {
    let number = study.trials.len() as u32;
    if number >= study.limits.max_total_trials {
        return Err(Err(Ending::MaxTrials));
    }
    if tried.is_all() {
        return Err(Err(Ending::AllTried));
    }
    if study.is_adaptive() {
        let is_settled = study.before(number).iter().all(|trial| trial.state.is_over());
        if !is_settled {
            return Err(Ok(Pause::Results));
        }
        if study.limits.patience.is_some_and(|patience| n_no_better(study, number) >= patience) {
            return Err(Err(Ending::Patience));
        }
    }
    settings(study, number, tried).ok_or(Err(Ending::AllTried))
}

/// Writes what was done into the study: a trial that is started runs from now on.
///
/// # Errors
/// The actions do not come from this study.
pub fn apply(study: &mut Study, actions: &[Action], at_secs: f64) -> Result<(), StudyError> {
    for action in actions {
        match action {
            Action::Start { number, settings, resource } => {
                if *number as usize == study.trials.len() {
                    study.plan(settings.clone());
                }
                study.start(*number, *resource, at_secs)?;
            }
            Action::Continue { number, resource } => study.start(*number, Some(*resource), at_secs)?,
            Action::Stop { number, reason } => study.end(*number, TrialState::StoppedEarly, reason)?,
            Action::Wait(_) | Action::Over(_) => {}
        }
    }
    Ok(())
}

/// The combinations that were tried, or are being.
pub(crate) struct Tried {
    keys: BTreeSet<Vec<u8>>,
    n_combinations: Option<u64>,
}

impl Tried {
    fn of(study: &Study) -> Self {
        let dimensions = study.space.in_order();
        let all = study.trials.iter().map(|trial| &trial.settings);
        let fitting = all.filter(|settings| random::fits_in_order(&dimensions, settings));
        Self { keys: fitting.map(key).collect(), n_combinations: study.n_combinations() }
    }

    fn add(&mut self, settings: &Settings) {
        self.keys.insert(key(settings));
    }

    pub(crate) fn contains(&self, settings: &Settings) -> bool {
        self.keys.contains(&key(settings))
    }

    /// Whether there is no other.
    fn is_all(&self) -> bool {
        self.n_combinations.is_some_and(|n| self.keys.len() as u64 >= n)
    }
}

/// Settings as bytes: equal for equal settings alone.
fn key(settings: &Settings) -> Vec<u8> {
    let mut key = Vec::with_capacity(32 * settings.len());
    let mut push = |tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        key.extend_from_slice(bytes);
    };
    for (name, value) in settings {
        push(0, name.as_bytes());
        match value {
            Value::None => push(1, &[]),
            Value::Bool(on) => push(2, &[u8::from(*on)]),
            Value::Int(n) => push(3, &n.to_le_bytes()),
            // Adding 0 makes 0 of −0, which is the same setting.
            Value::Float(x) => push(4, &(x + 0.0).to_bits().to_le_bytes()),
            Value::Text(text) => push(5, text.as_bytes()),
            // No distribution has such values, so how long it takes to write them is of no interest.
            Value::Columns(_) | Value::File(_) => push(6, format!("{value:?}").as_bytes()),
        }
    }
    key
}

/// How many trials ended in a row, as far as trial `number` may look, that were no better: a trial is better if no
/// earlier one is as good in every objective.
fn n_no_better(study: &Study, number: u32) -> u32 {
    let mut n = 0;
    let mut best: Vec<&[f64]> = Vec::new();
    for trial in study.before(number) {
        match trial.state {
            TrialState::Done if !best.iter().any(|other| is_as_good(study, other, &trial.values)) => {
                best.push(&trial.values);
                n = 0;
            }
            TrialState::Done | TrialState::StoppedEarly | TrialState::Failed => n += 1,
            TrialState::Waiting | TrialState::Running | TrialState::Cancelled => {}
        }
    }
    n
}

fn is_as_good(study: &Study, one: &[f64], other: &[f64]) -> bool {
    let pairs = one.iter().zip(other);
    study.objectives.iter().zip(pairs).all(|(objective, (one, other))| !objective.goal.is_better(*other, *one))
}

fn settings(study: &Study, number: u32, tried: &Tried) -> Option<Settings> {
    let drawn = match study.sampling {
        Sampling::Grid => None,
        Sampling::Random { seed, rule } => untried(study, seed, rule, number, tried),
        Sampling::Hyperband { seed, .. } => untried(study, seed, study::Rule::Random, number, tried),
        Sampling::Bayesian { seed } => {
            let learned = tpe::suggest(study, number, seed, tried);
            learned.or_else(|| untried(study, seed, tpe::START, number, tried))
        }
    };
    drawn.or_else(|| grid::combinations(&study.space).find(|settings| !tried.contains(settings)))
}

/// Drawn by chance, a few times over to find a combination that was not tried; with values without end, a repetition
/// is at last as good as anything.
fn untried(study: &Study, seed: u64, rule: study::Rule, number: u32, tried: &Tried) -> Option<Settings> {
    const N_ATTEMPTS: u32 = 64;
    let draw = |attempt| random::draw(&study.space, seed, rule, number, attempt);
    let found = (0..N_ATTEMPTS).map(draw).find(|settings| !tried.contains(settings));
    found.or_else(|| tried.n_combinations.is_none().then(|| draw(0)))
}
