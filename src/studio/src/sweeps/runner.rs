//! Runs the trials of a sweep on a pool of workers, and keeps the study after every change.
//!
//! Which trial comes next is asked of the engine; it depends on the study alone, never on how many workers there are.
//! The runner lives as long as the page, so that a sweep goes on while another page of the studio is shown.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, NodeId, OutPort, Pipeline};
use protocol::{
    Blend, BlendTrials, Compute, DimensionShare, Failure, NodeOutcome, Panel, Rerun, Run, RunId, RunReport, RunTarget,
    RunTrial, Search, TrialReport, View,
};
use serde::{Deserialize, Serialize};
use study::{Action, Settings, Study, StudyState, Trial, TrialState};

use super::keep;
use crate::dom;
use crate::pool::Pool;
use crate::store::{Heard, Saved, Studio, Tone, Tried, Turn};
use crate::worker_client::Link;

/// How much each dimension mattered is asked for at most this often while trials run.
const WEIGH_EVERY_MS: i32 = 1_000;

/// A sweep with all it needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Names it in the records of its trials.
    #[serde(default)]
    pub id: String,
    /// What is varied, and what came of it.
    pub study: Study,
    /// The pipeline as it stood when the sweep began, as its file.
    pub pipeline: String,
    /// The node whose metric is the objective.
    pub node: NodeId,
    /// The objective for people.
    pub objective: String,
    /// The node of the second objective, where it is another.
    #[serde(default)]
    pub second: Option<NodeId>,
    /// Workers side by side.
    pub n_workers: u32,
    /// How large the memory of a worker grew.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Why nothing more comes; empty while something may.
    pub ending: String,
    /// What it looks for, where it tries preparations and learners of its own.
    #[serde(default)]
    pub automl: Option<Automl>,
}

/// What a search over preparations and learners looks for, and what came of it beside its trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automl {
    /// The table that it began with.
    pub table: OutPort,
    /// What is predicted.
    pub target: String,
    /// What to know of the table.
    pub notes: Vec<String>,
    /// Which trials are best together, once that is known.
    pub blend: Option<Blend>,
}

impl Sweep {
    /// The search that it is, if it is one.
    pub fn search(&self) -> Option<Search> {
        let Automl { table, target, notes, .. } = self.automl.clone()?;
        let pipeline = pipeline::from_json(&self.pipeline).ok()?;
        Some(Search { pipeline, judge: self.node.clone(), table, target, study: self.study.clone(), notes })
    }
}

/// What is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A sweep to begin.
    New,
    /// A search over preparations and learners.
    Automl,
    /// How the one that rests goes on.
    Change,
}

struct Held {
    document: RefCell<String>,
    sweep: ArcRwSignal<Option<Sweep>>,
    form: ArcRwSignal<Option<Form>>,
    shares: ArcRwSignal<Vec<DimensionShare>>,
    pool: RefCell<Option<Pool>>,
    /// Counts up when the pool ends, so that what its workers were doing is no longer waited for.
    epoch: Cell<u32>,
    /// The last turn of each trial that is not over.
    turns: RefCell<BTreeMap<u32, Turn>>,
    is_asking: Cell<bool>,
    asks_again: Cell<bool>,
    counted_ms: Cell<f64>,
    is_blending: ArcRwSignal<bool>,
    is_weighing: Cell<bool>,
    weighs_again: Cell<bool>,
    is_saving: Cell<bool>,
    saves_again: Cell<bool>,
}

thread_local! {
    static HELD: Held = Held {
        document: RefCell::default(),
        sweep: ArcRwSignal::new(None),
        form: ArcRwSignal::new(None),
        shares: ArcRwSignal::new(Vec::new()),
        pool: RefCell::default(),
        epoch: Cell::new(0),
        turns: RefCell::default(),
        is_asking: Cell::new(false),
        asks_again: Cell::new(false),
        counted_ms: Cell::new(0.0),
        is_blending: ArcRwSignal::new(false),
        is_weighing: Cell::new(false),
        weighs_again: Cell::new(false),
        is_saving: Cell::new(false),
        saves_again: Cell::new(false),
    };
}

/// The one runner of the page.
#[derive(Clone, Copy)]
pub struct Runner {
    studio: Studio,
}

impl Runner {
    /// The runner, with the sweep of the document that is open.
    pub fn of_open_document(studio: Studio) -> Self {
        let runner = Self { studio };
        let document = studio.document.get_untracked();
        if HELD.with(|held| *held.document.borrow() != document) {
            runner.end_pool();
            HELD.with(|held| held.turns.borrow_mut().clear());
            runner.sweep().set(None);
            runner.shares().set(Vec::new());
            runner.form().set(None);
            HELD.with(|held| held.document.replace(document.clone()));
            let busy = crate::idle::Busy::begin();
            spawn_local(async move {
                let loaded = keep::load(&document).await;
                let is_wanted = HELD.with(|held| *held.document.borrow() == document);
                if let (Ok(Some(mut sweep)), true) = (loaded, is_wanted) {
                    sweep.study.interrupt();
                    if sweep.study.state == StudyState::Running && sweep.ending.is_empty() {
                        sweep.study.state = StudyState::Paused;
                    }
                    runner.sweep().set(Some(sweep));
                    runner.weigh();
                }
                drop(busy);
            });
        }
        runner
    }

    /// The page that it runs in.
    pub fn studio(self) -> Studio {
        self.studio
    }

    /// The sweep, for views.
    pub fn sweep(self) -> ArcRwSignal<Option<Sweep>> {
        HELD.with(|held| held.sweep.clone())
    }

    /// How much each dimension mattered, for views.
    pub fn shares(self) -> ArcRwSignal<Vec<DimensionShare>> {
        HELD.with(|held| held.shares.clone())
    }

    /// Which form is shown in place of the results, for views.
    pub fn form(self) -> ArcRwSignal<Option<Form>> {
        HELD.with(|held| held.form.clone())
    }

    /// Whether an ensemble is being chosen, for views.
    pub fn is_blending(self) -> ArcRwSignal<bool> {
        HELD.with(|held| held.is_blending.clone())
    }

    /// Whether trials run, or are to be started.
    pub fn is_under_way(self) -> bool {
        let is = |sweep: &Sweep| {
            let may_start = sweep.study.state == StudyState::Running && sweep.ending.is_empty();
            may_start || sweep.study.n_in(TrialState::Running) > 0
        };
        self.sweep().with(|sweep| sweep.as_ref().is_some_and(is))
    }

    /// Begins a sweep in place of the one before.
    pub fn begin(self, sweep: Sweep) {
        self.end_pool();
        HELD.with(|held| held.turns.borrow_mut().clear());
        self.shares().set(Vec::new());
        self.sweep().set(Some(sweep));
        self.form().set(None);
        self.go();
    }

    /// Goes on with another space, search or limits. The trials so far remain.
    pub fn go_on(self, asked: Study) {
        let has_others = |trial: &Trial| trial.settings.keys().any(|name| asked.space.dimension(name).is_none());
        let unfit = self.sweep().with_untracked(|sweep| {
            let trials = sweep.as_ref().map_or(&[][..], |sweep| &sweep.study.trials);
            let waiting = trials.iter().filter(|trial| trial.state == TrialState::Waiting);
            waiting.filter(|trial| has_others(trial)).map(|trial| trial.number).collect::<Vec<_>>()
        });
        // While the space still has their settings, for their records.
        self.end(&unfit, TrialState::Cancelled, "a setting of it is no longer varied");
        self.change(|Sweep { study, .. }| {
            (study.space, study.sampling) = (asked.space, asked.sampling);
            (study.early_termination, study.limits) = (asked.early_termination, asked.limits);
        });
        self.form().set(None);
        self.resume();
    }

    /// Starts no more trials; those that run come to their end.
    pub fn pause(self) {
        self.change(|sweep| sweep.study.state = StudyState::Paused);
        self.rest_if_idle();
    }

    /// Goes on.
    pub fn resume(self) {
        self.change(|sweep| {
            sweep.study.state = StudyState::Running;
            sweep.ending.clear();
            if let Some(automl) = &mut sweep.automl {
                automl.blend = None;
            }
        });
        self.go();
    }

    /// Ends it; trials under way are cancelled.
    pub fn stop(self) {
        self.end_pool();
        let running = |sweep: &Option<Sweep>| sweep.as_ref().map(|sweep| of_state(&sweep.study, TrialState::Running));
        let running = self.sweep().with_untracked(running).unwrap_or_default();
        self.end(&running, TrialState::Cancelled, "the sweep was stopped");
        self.change(|sweep| {
            sweep.study.state = StudyState::Stopped;
            sweep.ending = "it was stopped".into();
        });
    }

    /// Allows so many more trials, and goes on.
    pub fn add_trials(self, n_trials: u32) {
        self.change(|sweep| {
            let allowed = sweep.study.limits.max_total_trials.max(sweep.study.trials.len() as u32) + n_trials;
            sweep.study.limits.max_total_trials = allowed.min(study::MAX_TRIALS);
        });
        self.resume();
    }

    /// Opens the form of a new sweep. This one remains until that one begins.
    pub fn leave(self) {
        self.form().set(Some(Form::New));
    }

    /// Puts a trial's settings into the open pipeline: one step that can be undone.
    pub fn promote(self, settings: &Settings) {
        let Some(sweep) = self.sweep().get_untracked() else { return };
        let edits = sweep.study.space.edits(settings);
        let gone = self.studio.with(|editor| {
            let dimensions = &sweep.study.space.dimensions;
            dimensions.iter().find(|dimension| editor.pipeline().node(&dimension.node).is_none()).cloned()
        });
        if let Some(dimension) = gone {
            self.studio.fail(Failure::new(
                format!("the pipeline has no node `{}` any more", dimension.node),
                "Undo its removal, or begin a new sweep over the pipeline as it is.",
            ));
            return;
        }
        let n = edits.len();
        self.studio.send(editor::Command::Edit(Edit::Batch(edits)));
        let help = "Undo takes them back in one step.";
        self.studio.toast(Tone::Good, format!("{n} settings put into the pipeline"), help);
    }

    /// Chooses which trials of a search are best together.
    pub fn blend(self) {
        let sweep = self.sweep().with_untracked(|sweep| Some((sweep.as_ref()?.search()?, sweep.as_ref()?.n_workers)));
        let Some((search, n_workers)) = sweep.filter(|(search, _)| search.study.best().is_some()) else { return };
        if self.is_blending().get_untracked() {
            return;
        }
        self.is_blending().set(true);
        HELD.with(|held| {
            if held.pool.borrow().is_none() {
                let own = self.studio.has_unkept_files.get_untracked();
                held.pool.replace(Some(if own { Pool::of(self.studio.link) } else { Pool::start(1) }));
            }
        });
        let seat = HELD.with(|held| held.pool.borrow().as_ref().and_then(Pool::take));
        let epoch = HELD.with(|held| held.epoch.get());
        let busy = crate::idle::Busy::begin();
        spawn_local(async move {
            if let Some((seat_idx, link)) = seat {
                let outcome =
                    link.call(BlendTrials { run: RunId(0), search, compute: Compute::with_workers(n_workers) }).await;
                // A sweep that was begun or went on meanwhile has other trials.
                if HELD.with(|held| held.epoch.get()) == epoch {
                    HELD.with(|held| {
                        if let Some(pool) = &*held.pool.borrow() {
                            pool.give_back(seat_idx);
                        }
                    });
                    match outcome {
                        Ok(blend) => self.change(|sweep| {
                            if let Some(automl) = &mut sweep.automl {
                                automl.blend = Some(blend);
                            }
                        }),
                        Err(failure) => self.studio.fail(failure),
                    }
                }
            }
            self.is_blending().set(false);
            self.rest_if_idle();
            drop(busy);
        });
    }

    fn go(self) {
        if self.studio.saved.get_untracked() == Saved::Elsewhere {
            self.change(|sweep| sweep.study.state = StudyState::Paused);
            self.studio.fail(Failure::new(
                "this pipeline is open in another tab, which runs its sweep",
                "Take the pipeline over first.",
            ));
            return;
        }
        HELD.with(|held| {
            if held.pool.borrow().is_none() {
                let n_workers = held.sweep.with_untracked(|sweep| sweep.as_ref().map_or(1, |sweep| sweep.n_workers));
                let own = self.studio.has_unkept_files.get_untracked();
                held.pool.replace(Some(if own { Pool::of(self.studio.link) } else { Pool::start(n_workers) }));
            }
            held.counted_ms.set(dom::now_ms());
        });
        self.save();
        self.ask();
    }

    /// Asks what is to be done, and does it; one question at a time.
    fn ask(self) {
        let is_first = HELD.with(|held| {
            held.asks_again.set(true);
            !held.is_asking.replace(true)
        });
        if !is_first {
            return;
        }
        spawn_local(async move {
            while HELD.with(|held| held.asks_again.replace(false)) {
                let study = self.sweep().with_untracked(|sweep| sweep.as_ref().map(|sweep| sweep.study.clone()));
                let Some(study) = study else { break };
                let answer = self.studio.link.call(protocol::SweepNext { study }).await;
                // A study that changed meanwhile asks anew.
                if HELD.with(|held| held.asks_again.get()) {
                    continue;
                }
                match answer {
                    Ok(actions) => actions.into_iter().for_each(|action| self.act(action)),
                    Err(failure) => {
                        self.change(|sweep| sweep.study.state = StudyState::Paused);
                        self.studio.fail(failure);
                    }
                }
            }
            HELD.with(|held| held.is_asking.set(false));
            self.rest_if_idle();
        });
    }

    fn act(self, action: Action) {
        match action {
            Action::Start { number, settings, resource } => self.start(number, settings, resource),
            Action::Continue { number, resource } => {
                let settings = self
                    .sweep()
                    .with_untracked(|sweep| Some(sweep.as_ref()?.study.trials.get(number as usize)?.settings.clone()));
                if let Some(settings) = settings {
                    self.start(number, settings, Some(resource));
                }
            }
            Action::Stop { number, reason } => self.end(&[number], TrialState::StoppedEarly, &reason),
            Action::Wait(_) => {}
            Action::Over(ending) => {
                self.change(|sweep| sweep.ending = ending.in_words(&sweep.study));
                self.blend();
            }
        }
    }

    /// Ends trials that are not over, and has those recorded that had begun.
    fn end(self, numbers: &[u32], state: TrialState, why: &str) {
        for &number in numbers {
            let mut has_ended = false;
            self.change(|sweep| {
                let has_begun =
                    sweep.study.trials.get(number as usize).is_some_and(|trial| trial.started_secs.is_some());
                // One that is over since it was asked about needs no end.
                has_ended = sweep.study.end(number, state, why).is_ok() && has_begun;
            });
            if has_ended {
                self.record(number);
            }
        }
    }

    fn is_over(self, number: u32) -> bool {
        let trial = |sweep: &Sweep| sweep.study.trials.get(number as usize).is_some_and(|trial| trial.state.is_over());
        self.sweep().with_untracked(|sweep| sweep.as_ref().is_some_and(trial))
    }

    /// Starts a trial if a worker is free; if none is, it is asked for again when one is.
    fn start(self, number: u32, settings: Settings, resource: Option<u32>) {
        let seat = HELD.with(|held| held.pool.borrow().as_ref().and_then(Pool::take));
        let Some((seat_idx, link)) = seat else { return };
        self.change(|sweep| {
            let at_secs = sweep.study.elapsed_secs;
            if number as usize == sweep.study.trials.len() {
                sweep.study.plan(settings);
            }
            // It comes from this study, so it is there and not over.
            let _ = sweep.study.start(number, resource, at_secs);
        });
        let Some(call) = self.sweep().with_untracked(|sweep| sweep.as_ref().map(|sweep| trial(sweep, number))) else {
            return;
        };
        let epoch = HELD.with(|held| held.epoch.get());
        spawn_local(async move {
            let began_ms = dom::now_ms();
            let outcome = match call {
                Ok(call) => run(link, call, epoch).await,
                Err(failure) => Err(failure),
            };
            let elapsed_secs = (dom::now_ms() - began_ms) / 1_000.0;
            let report = outcome.as_ref().ok().map(|outcome| outcome.run.clone());
            let mut shown = Vec::new();
            let judges = self.sweep().with_untracked(|sweep| {
                sweep.as_ref().map(|sweep| [Some(sweep.node.clone()), sweep.second.clone()]).unwrap_or_default()
            });
            // Of a node that did not come through, the worker still shows what the trial before came to.
            let came_through = |node: &NodeId| {
                let outcome = report.as_ref().and_then(|report| Some(&report.nodes.get(node)?.outcome));
                matches!(outcome, Some(NodeOutcome::Ran | NodeOutcome::Reused))
            };
            for node in judges.into_iter().flatten().filter(came_through) {
                // Without an answer the trial keeps its bare figures.
                if let Ok(seen) = link.call(View { node: node.clone() }).await {
                    let metrics = seen.panels.into_iter().filter(|panel| matches!(panel, Panel::Metrics { .. }));
                    shown.push((node, metrics.collect()));
                }
            }
            if HELD.with(|held| held.epoch.get()) != epoch {
                return;
            }
            HELD.with(|held| {
                if let Some(pool) = &*held.pool.borrow() {
                    pool.give_back(seat_idx);
                }
            });
            if let Some(report) = report {
                HELD.with(|held| held.turns.borrow_mut().insert(number, Turn { began_ms, report, shown }));
            }
            self.change(|sweep| finish(sweep, number, outcome, elapsed_secs));
            if self.is_over(number) {
                self.record(number);
            }
            self.ask();
            self.weigh();
        });
    }

    /// Has a trial that has just come to its end recorded as a run.
    fn record(self, number: u32) {
        let turn = HELD.with(|held| held.turns.borrow_mut().remove(&number));
        let tried = self.sweep().with_untracked(|sweep| {
            let sweep = sweep.as_ref()?;
            let trial = sweep.study.trials.get(number as usize)?.clone();
            let base = pipeline::from_json(&sweep.pipeline).ok()?;
            let began_ms = match &turn {
                Some(turn) => turn.began_ms,
                // It ran before the page was opened anew.
                None => dom::now_ms() - 1_000.0 * (sweep.study.elapsed_secs - trial.started_secs?),
            };
            Some(Tried {
                document: HELD.with(|held| held.document.borrow().clone()),
                sweep: sweep.id.clone(),
                metric: sweep.study.objectives.first().map_or_else(String::new, |aim| aim.metric.clone()),
                judge: sweep.node.clone(),
                // Settings that a parameter does not take have ended the trial before it ran.
                pipeline: with_settings(sweep, &base, number).unwrap_or_else(|_| base.clone()),
                base,
                trial,
                turn,
                began_ms,
            })
        });
        if let Some(tried) = tried {
            self.studio.note(Heard::Tried(Box::new(tried)));
        }
    }

    /// Asks how much each dimension mattered, now and then: the answer costs time that trials could have.
    fn weigh(self) {
        let is_first = HELD.with(|held| {
            held.weighs_again.set(true);
            !held.is_weighing.replace(true)
        });
        if !is_first {
            return;
        }
        let busy = crate::idle::Busy::begin();
        spawn_local(async move {
            while HELD.with(|held| held.weighs_again.replace(false)) {
                let study = self.sweep().with_untracked(|sweep| sweep.as_ref().map(|sweep| sweep.study.clone()));
                let Some(study) = study.filter(|study| study.space.dimensions.len() > 1) else { break };
                // Without an answer the chart stays as it is; the sweep does not depend on it.
                if let Ok(shares) = self.studio.link.call(protocol::SweepImportance { study, objective_idx: 0 }).await {
                    self.shares().set(shares);
                }
                if self.is_under_way() {
                    dom::sleep(WEIGH_EVERY_MS).await;
                }
            }
            HELD.with(|held| held.is_weighing.set(false));
            drop(busy);
        });
    }

    fn change(self, change: impl FnOnce(&mut Sweep)) {
        let now_ms = dom::now_ms();
        let since_secs = HELD.with(|held| (now_ms - held.counted_ms.replace(now_ms)) / 1_000.0);
        let works = HELD.with(|held| held.pool.borrow().is_some());
        self.sweep().update(|sweep| {
            if let Some(sweep) = sweep {
                if works {
                    sweep.study.elapsed_secs += since_secs;
                }
                change(sweep);
            }
        });
        self.save();
    }

    /// Lets the workers go once nothing runs and nothing is to be started.
    fn rest_if_idle(self) {
        let is_idle = self.sweep().with_untracked(|sweep| {
            sweep.as_ref().is_none_or(|sweep| {
                let waits = sweep.study.state != StudyState::Running || !sweep.ending.is_empty();
                waits && sweep.study.n_in(TrialState::Running) == 0
            })
        });
        if is_idle && !self.is_blending().get_untracked() {
            self.end_pool();
        }
    }

    fn end_pool(self) {
        HELD.with(|held| {
            held.epoch.set(held.epoch.get() + 1);
            drop(held.pool.take());
        });
    }

    /// Writes the sweep; changes while it is being written are written after it.
    fn save(self) {
        let is_first = HELD.with(|held| {
            held.saves_again.set(true);
            !held.is_saving.replace(true)
        });
        if !is_first {
            return;
        }
        let busy = crate::idle::Busy::begin();
        spawn_local(async move {
            while HELD.with(|held| held.saves_again.replace(false)) {
                let document = HELD.with(|held| held.document.borrow().clone());
                let Some(sweep) = self.sweep().get_untracked() else { break };
                if let Err(reason) = keep::save(&document, &sweep).await {
                    self.studio.storage_problem.set(Some(reason));
                }
            }
            HELD.with(|held| held.is_saving.set(false));
            drop(busy);
        });
    }
}

/// The numbers of the trials that stand so.
fn of_state(study: &Study, state: TrialState) -> Vec<u32> {
    study.trials.iter().filter(|trial| trial.state == state).map(|trial| trial.number).collect()
}

/// What a worker is asked for a trial.
pub fn trial(sweep: &Sweep, number: u32) -> Result<RunTrial, Failure> {
    let unsound = |message: String| Failure::new(message, "Begin a new sweep over the pipeline as it is.");
    let base = pipeline::from_json(&sweep.pipeline).map_err(|error| unsound(error.to_string()))?;
    let pipeline = with_settings(sweep, &base, number).map_err(unsound)?;
    let target = RunTarget::To([&sweep.node].into_iter().chain(&sweep.second).cloned().collect());
    // Workers are for trials side by side; each has one for itself.
    let compute = Compute::with_workers(1);
    let run = Run { run: RunId(number + 1), pipeline, target, rerun: Rerun::Changed, compute };
    Ok(RunTrial { run, node: sweep.node.clone(), study: sweep.study.clone(), number })
}

/// The pipeline with a trial's settings, or why it cannot have them.
fn with_settings(sweep: &Sweep, base: &Pipeline, number: u32) -> Result<Pipeline, String> {
    let mut pipeline = base.clone();
    let settings = sweep.study.trials.get(number as usize).map(|trial| &trial.settings);
    let edits = Edit::Batch(settings.map_or(Vec::new(), |settings| sweep.study.space.edits(settings)));
    pipeline.apply(edits).map_err(|error| error.to_string())?;
    Ok(pipeline)
}

/// Runs a trial; once more if the worker broke. A run that failed is an answer, and is not repeated.
async fn run(link: Link, call: RunTrial, epoch: u32) -> Result<TrialReport, Failure> {
    match link.call(call.clone()).await {
        Err(_) if HELD.with(|held| held.epoch.get()) == epoch => link.call(call).await,
        outcome => outcome,
    }
}

/// The metrics of the nodes that are aimed at, those of the second by its name, or why there are none.
fn metrics(sweep: &Sweep, report: &RunReport) -> Result<BTreeMap<String, f64>, Failure> {
    let failed = report.nodes.values().find_map(|report| match &report.outcome {
        NodeOutcome::Failed(failure) => Some(failure.clone()),
        NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let of = |node: &NodeId| match report.nodes.get(node) {
        Some(report) => Ok(&report.metrics),
        None => Err(Failure::new(format!("the run did not reach `{node}`"), "")),
    };
    let mut metrics = of(&sweep.node)?.clone();
    if let Some(node) = &sweep.second {
        for (metric, value) in of(node)? {
            metrics.insert(format!("{node}.{metric}"), *value);
        }
    }
    Ok(metrics)
}

fn finish(sweep: &mut Sweep, number: u32, outcome: Result<TrialReport, Failure>, elapsed_secs: f64) {
    if let Ok(TrialReport { intermediate, memory_bytes, .. }) = &outcome {
        sweep.memory_bytes = sweep.memory_bytes.max(*memory_bytes);
        for figure in intermediate {
            // One that is no number ends the trial, and what follows is of no interest.
            let _ = sweep.study.report(number, *figure);
        }
    }
    let outcome = outcome.and_then(|TrialReport { run, stop, .. }| match stop {
        Some(stop) => Ok(Err(stop)),
        None => metrics(sweep, &run).map(Ok),
    });
    // The trial was started by us and ends only here, so the study takes it unless a figure has ended it.
    let _ = match outcome {
        Ok(Ok(metrics)) => {
            let value = |objective: &study::Objective| metrics.get(&objective.metric).copied().unwrap_or(f64::NAN);
            let values = sweep.study.objectives.iter().map(value).collect();
            sweep.study.finish(number, values, metrics, elapsed_secs)
        }
        Ok(Err(stop)) => sweep.study.cut_off(number, stop, elapsed_secs),
        Err(failure) => {
            let why = format!("{} {}", failure.message, failure.help);
            sweep.study.end(number, TrialState::Failed, why.trim())
        }
    };
}
