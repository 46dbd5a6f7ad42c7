//! Runs the trials of a sweep on a pool of workers, and keeps the study after every change.
//!
//! Which trial comes next is asked of the engine; it depends on the study alone, never on how many workers there are.
//! The runner lives as long as the page, so that a sweep goes on while another page of the studio is shown.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, NodeId};
use protocol::{
    Answer, Answers, BlendTrials, Call, Compute, DimensionShare, Failure, NodeOutcome, Panel, Reply, RunId,
    SweepImportance, SweepNext, TrialReport, View,
};
use study::{Action, Journal, News, Settings, Study, StudyState, Trial, TrialState};

use super::keep::{self, Unsaved};
use super::sweep::{Sweep, finish, last_ended, of_state, trial, with_settings};
use crate::dom;
use crate::pool::Pool;
use crate::store::{Heard, Saved, Studio, Tone, Tried, Turn};
use crate::worker_client::Link;

/// Views look at a sweep under way at most this often: what a look takes grows with the trials, and trials need the
/// processor more.
const SHOW_EVERY_MS: f64 = 250.0;
/// How much each dimension mattered is asked for at most this often while trials run.
const WEIGH_EVERY_MS: i32 = 1_000;

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
    sweep: RefCell<Option<Sweep>>,
    /// Counts up when views are to look at the sweep.
    looks: ArcRwSignal<u32>,
    looked_ms: Cell<f64>,
    will_look: Cell<bool>,
    /// Which trials changed, for those who follow the study.
    journal: RefCell<Journal>,
    /// How far each engine was told of the study, by its seat in the pool, or none for the page's own. An engine that
    /// another has taken the place of does not know what this says, and says so.
    told: RefCell<BTreeMap<Option<usize>, usize>>,
    /// How far the sweep is kept in the browser, and which one that is.
    saved: Cell<(u32, usize)>,
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

/// So many trials keep their curves, which may take some 100 kB each; later ones keep their figures of merit.
const N_WITH_CURVES: u32 = 200;

thread_local! {
    static HELD: Held = Held {
        document: RefCell::default(),
        sweep: RefCell::default(),
        looks: ArcRwSignal::new(0),
        looked_ms: Cell::new(0.0),
        will_look: Cell::new(false),
        journal: RefCell::default(),
        told: RefCell::default(),
        saved: Cell::default(),
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
            runner.take_up(None);
            runner.form().set(None);
            HELD.with(|held| held.document.replace(document.clone()));
            let busy = crate::idle::Busy::begin();
            spawn_local(async move {
                let loaded = keep::load(&document).await;
                let is_wanted = HELD.with(|held| *held.document.borrow() == document);
                if let (Ok(Some(kept)), true) = (loaded, is_wanted) {
                    runner.find(kept);
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

    /// Looks at the sweep, now and whenever views are to look again.
    pub fn with<T>(self, look: impl FnOnce(Option<&Sweep>) -> T) -> T {
        HELD.with(|held| held.looks.clone()).track();
        self.peek(look)
    }

    /// Looks at the sweep once.
    pub fn peek<T>(self, look: impl FnOnce(Option<&Sweep>) -> T) -> T {
        HELD.with(|held| look(held.sweep.borrow().as_ref()))
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
        self.with(|sweep| sweep.is_some_and(is))
    }

    /// Begins a sweep in place of the one before.
    pub fn begin(self, sweep: Sweep) {
        self.take_up(Some(sweep));
        self.form().set(None);
        self.go();
    }

    /// Takes up what the browser kept; what was under way when it was left begins anew.
    fn find(self, kept: keep::Kept) {
        let mut sweep = kept.sweep;
        let interrupted = of_state(&sweep.study, TrialState::Running);
        sweep.study.interrupt();
        let was_running = sweep.study.state == StudyState::Running && sweep.ending.is_empty();
        let last = if was_running { last_ended(&sweep.study) } else { Vec::new() };
        if was_running {
            sweep.study.state = StudyState::Paused;
        }
        self.take_up(Some(sweep));
        HELD.with(|held| {
            let mut journal = held.journal.borrow_mut();
            if kept.is_by_trial {
                held.saved.set((journal.study_id(), journal.end()));
            }
            interrupted.into_iter().for_each(|number| journal.note(number));
        });
        // What ended when the tab was closed may have been kept without its run.
        last.into_iter().for_each(|number| self.record(number));
        self.weigh();
    }

    /// Puts a sweep in place of the one before.
    fn take_up(self, sweep: Option<Sweep>) {
        self.end_pool();
        HELD.with(|held| {
            held.turns.borrow_mut().clear();
            let study_id = held.journal.borrow().study_id() + 1;
            let trials = sweep.as_ref().map_or(&[][..], |sweep| &sweep.study.trials);
            held.journal.replace(Journal::new(study_id, trials));
            held.sweep.replace(sweep);
        });
        self.shares().set(Vec::new());
        self.look();
    }

    /// Goes on with another space, search or limits. The trials so far remain.
    pub fn go_on(self, asked: Study) {
        let has_others = |trial: &Trial| trial.settings.keys().any(|name| asked.space.dimension(name).is_none());
        let unfit = self.peek(|sweep| {
            let trials = sweep.map_or(&[][..], |sweep| &sweep.study.trials);
            let waiting = trials.iter().filter(|trial| trial.state == TrialState::Waiting);
            waiting.filter(|trial| has_others(trial)).map(|trial| trial.number).collect::<Vec<_>>()
        });
        // While the space still has their settings, for their records.
        self.end(&unfit, TrialState::Cancelled, "a setting of it is no longer varied");
        self.change(&[], |Sweep { study, .. }| {
            (study.space, study.sampling) = (asked.space, asked.sampling);
            (study.early_termination, study.limits) = (asked.early_termination, asked.limits);
        });
        self.form().set(None);
        self.resume();
    }

    /// Starts no more trials; those that run come to their end.
    pub fn pause(self) {
        self.change(&[], |sweep| sweep.study.state = StudyState::Paused);
        self.rest_if_idle();
    }

    /// Goes on.
    pub fn resume(self) {
        self.change(&[], |sweep| {
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
        let running = self.peek(|sweep| sweep.map(|sweep| of_state(&sweep.study, TrialState::Running)));
        let running = running.unwrap_or_default();
        self.end(&running, TrialState::Cancelled, "the sweep was stopped");
        self.change(&[], |sweep| {
            sweep.study.state = StudyState::Stopped;
            sweep.ending = "it was stopped".into();
        });
    }

    /// Allows so many more trials, and goes on.
    pub fn add_trials(self, n_trials: u32) {
        self.change(&[], |sweep| {
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
        let Some(space) = self.peek(|sweep| sweep.map(|sweep| sweep.study.space.clone())) else { return };
        let edits = space.edits(settings);
        let gone = self
            .studio
            .with(|editor| space.dimensions.iter().find(|dimension| editor.pipeline().node(&dimension.node).is_none()));
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
        let sweep = self.peek(|sweep| Some((sweep?.search()?, sweep?.n_workers)));
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
                        Ok(blend) => self.change(&[], |sweep| {
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
            self.change(&[], |sweep| sweep.study.state = StudyState::Paused);
            self.studio.fail(Failure::new(
                "this pipeline is open in another tab, which runs its sweep",
                "Take the pipeline over first.",
            ));
            return;
        }
        HELD.with(|held| {
            if held.pool.borrow().is_none() {
                let n_workers = held.sweep.borrow().as_ref().map_or(1, |sweep| sweep.n_workers);
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
                if self.peek(|sweep| sweep.is_none()) {
                    break;
                }
                let n_starts = HELD.with(|held| held.pool.borrow().as_ref().map_or(0, Pool::n_free));
                let asked = |news| Ok(SweepNext { news, n_starts });
                let answer = self.inform(None, self.studio.link, asked).await;
                // A study that changed meanwhile asks anew.
                if HELD.with(|held| held.asks_again.get()) {
                    continue;
                }
                match answer {
                    Ok(actions) => actions.into_iter().for_each(|action| self.act(action)),
                    Err(failure) => {
                        self.change(&[], |sweep| sweep.study.state = StudyState::Paused);
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
                let settings = self.peek(|sweep| Some(sweep?.study.trials.get(number as usize)?.settings.clone()));
                if let Some(settings) = settings {
                    self.start(number, settings, Some(resource));
                }
            }
            Action::Stop { number, reason } => self.end(&[number], TrialState::StoppedEarly, &reason),
            Action::Wait(_) => {}
            Action::Over(ending) => {
                self.change(&[], |sweep| sweep.ending = ending.in_words(&sweep.study));
                self.blend();
            }
        }
    }

    /// Ends trials that are not over, and has those recorded that had begun.
    fn end(self, numbers: &[u32], state: TrialState, why: &str) {
        for &number in numbers {
            let mut has_ended = false;
            self.change(&[number], |sweep| {
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
        self.peek(|sweep| sweep.is_some_and(trial))
    }

    /// Starts a trial if a worker is free; if none is, it is asked for again when one is.
    fn start(self, number: u32, settings: Settings, resource: Option<u32>) {
        let seat = HELD.with(|held| held.pool.borrow().as_ref().and_then(Pool::take));
        let Some((seat_idx, link)) = seat else { return };
        self.change(&[number], |sweep| {
            let at_secs = sweep.study.elapsed_secs;
            if number as usize == sweep.study.trials.len() {
                sweep.study.plan(settings);
            }
            // It comes from this study, so it is there and not over.
            let _ = sweep.study.start(number, resource, at_secs);
        });
        let epoch = HELD.with(|held| held.epoch.get());
        spawn_local(async move {
            let began_ms = dom::now_ms();
            let outcome = self.run(number, seat_idx, link, epoch).await;
            let elapsed_secs = (dom::now_ms() - began_ms) / 1_000.0;
            let report = outcome.as_ref().ok().map(|outcome| outcome.run.clone());
            let mut shown = Vec::new();
            let judges = self
                .peek(|sweep| sweep.map(|sweep| [Some(sweep.node.clone()), sweep.second.clone()]).unwrap_or_default());
            // Of a node that did not come through, the worker still shows what the trial before came to.
            let came_through = |node: &NodeId| {
                let outcome = report.as_ref().and_then(|report| Some(&report.nodes.get(node)?.outcome));
                matches!(outcome, Some(NodeOutcome::Ran | NodeOutcome::Reused))
            };
            for node in judges.into_iter().flatten().filter(came_through) {
                // Without an answer the trial keeps its bare figures.
                if let Ok(seen) = link.unsealed(View { node: node.clone() }).await {
                    let has_curves = number < N_WITH_CURVES;
                    let panels = seen.panels.into_iter();
                    let kept = panels.filter(|panel| has_curves || matches!(panel, Panel::Metrics { .. }));
                    shown.push((node, kept.collect()));
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
            self.alter(&[number], |sweep| finish(sweep, number, outcome, elapsed_secs));
            // Its run is written first: a tab that is closed in between runs the trial again, rather than leave it without one.
            if self.is_over(number) {
                self.record(number);
            }
            self.save();
            self.look();
            self.ask();
            self.weigh();
        });
    }

    /// Has a trial that has just come to its end recorded as a run.
    fn record(self, number: u32) {
        let turn = HELD.with(|held| held.turns.borrow_mut().remove(&number));
        let tried = self.peek(|sweep| {
            let sweep = sweep?;
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
                if self.peek(|sweep| sweep.is_none_or(|sweep| sweep.study.space.dimensions.len() < 2)) {
                    break;
                }
                let asked = |news| Ok(SweepImportance { news, objective_idx: 0 });
                // Without an answer the chart stays as it is; the sweep does not depend on it.
                if let Ok(shares) = self.inform(None, self.studio.link, asked).await {
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

    /// Changes the sweep, these trials of it among what changes.
    fn change(self, trials: &[u32], change: impl FnOnce(&mut Sweep)) {
        self.alter(trials, change);
        self.save();
        self.look();
    }

    /// The same, and whoever alters sees to it that it is saved and seen.
    fn alter(self, trials: &[u32], change: impl FnOnce(&mut Sweep)) {
        let now_ms = dom::now_ms();
        HELD.with(|held| {
            let since_secs = (now_ms - held.counted_ms.replace(now_ms)) / 1_000.0;
            if let Some(sweep) = &mut *held.sweep.borrow_mut() {
                if held.pool.borrow().is_some() {
                    sweep.study.elapsed_secs += since_secs;
                }
                change(sweep);
                let mut journal = held.journal.borrow_mut();
                trials.iter().for_each(|number| journal.note(*number));
            }
        });
    }

    /// Has views look at the sweep: at once, or soon where they have just done so.
    fn look(self) {
        let wait_ms = HELD.with(|held| held.looked_ms.get() + SHOW_EVERY_MS - dom::now_ms());
        if wait_ms <= 0.0 || !untrack(|| self.is_under_way()) {
            self.look_now();
        } else if !HELD.with(|held| held.will_look.replace(true)) {
            let busy = crate::idle::Busy::begin();
            spawn_local(async move {
                dom::sleep(wait_ms.ceil() as i32).await;
                HELD.with(|held| held.will_look.set(false));
                self.look_now();
                drop(busy);
            });
        }
    }

    fn look_now(self) {
        let looks = HELD.with(|held| {
            held.looked_ms.set(dom::now_ms());
            held.looks.clone()
        });
        looks.update(|n| *n += 1);
    }

    /// Asks an engine about the study, and tells it what is new to it.
    async fn inform<C, T>(
        self,
        seat: Option<usize>,
        link: Link,
        call: impl Fn(News) -> Result<C, Failure>,
    ) -> Result<T, Failure>
    where
        C: Call<Reply = Answer<C>> + Answers<Of = Option<T>>,
        Answer<C>: TryFrom<Reply>,
    {
        let mut since = HELD.with(|held| held.told.borrow().get(&seat).copied().unwrap_or_default());
        loop {
            let news_of = |sweep: &Sweep| HELD.with(|held| held.journal.borrow().news(&sweep.study, since));
            let news = self.peek(|sweep| sweep.map(news_of));
            let news = news.ok_or_else(|| Failure::new("the sweep is gone", "Begin a new one."))?;
            let until = news.until();
            match link.call(call(news)?).await? {
                Some(answer) => {
                    HELD.with(|held| held.told.borrow_mut().insert(seat, until));
                    return Ok(answer);
                }
                None if since == 0 => {
                    return Err(Failure::new("the engine does not understand the sweep", "Reload the page."));
                }
                // It has heard of another study, or of none yet.
                None => since = 0,
            }
        }
    }

    /// Runs a trial; once more if the worker broke. A run that failed is an answer, and is not repeated.
    async fn run(self, number: u32, seat_idx: usize, link: Link, epoch: u32) -> Result<TrialReport, Failure> {
        let gone = || Failure::new("the sweep is gone", "Begin a new one.");
        let asked = |news| self.peek(|sweep| trial(sweep.ok_or_else(gone)?, number, news));
        match self.inform(Some(seat_idx), link, asked).await {
            Err(_) if HELD.with(|held| held.epoch.get()) == epoch => self.inform(Some(seat_idx), link, asked).await,
            outcome => outcome,
        }
    }

    /// Lets the workers go once nothing runs and nothing is to be started.
    fn rest_if_idle(self) {
        let is_idle = self.peek(|sweep| {
            sweep.is_none_or(|sweep| {
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

    /// Writes what is new of the sweep; changes while it is being written are written after it.
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
                let Some((unsaved, study_id, until)) = self.unsaved() else { break };
                match keep::save(unsaved).await {
                    Ok(()) => HELD.with(|held| held.saved.set((study_id, until))),
                    Err(reason) => self.studio.storage_problem.set(Some(reason)),
                }
            }
            HELD.with(|held| held.is_saving.set(false));
            drop(busy);
        });
    }

    /// What is to be written, of which sweep, and how far it is kept then.
    fn unsaved(self) -> Option<(Unsaved, u32, usize)> {
        HELD.with(|held| {
            let (sweep, journal) = (held.sweep.borrow(), held.journal.borrow());
            let sweep = sweep.as_ref()?;
            let (kept_id, kept_until) = held.saved.get();
            let news = journal.news(&sweep.study, if kept_id == journal.study_id() { kept_until } else { 0 });
            let (document, replaces, until) = (held.document.borrow().clone(), news.is_all(), news.until());
            let (head, trials) = news.into_parts();
            let unsaved = Unsaved { document, head: sweep.head(head), trials, replaces };
            Some((unsaved, journal.study_id(), until))
        })
    }
}
