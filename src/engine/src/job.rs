//! What a running component works with.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use learn::accelerator::Accelerator;
use learn::neural::Standings;
use pipeline::{Node, NodeId, Spec};
use protocol::{Face, Failure, FoldRows, Measured, Motion, Panel, RunEvent, RunId};
use serde::{Deserialize, Serialize};

use crate::team::{Order, Spread, Team};
use crate::{Artifact, Component, Host, In, NodeParams, Out, Param, ParamValue, Port};

/// Hears how far a node is, 0 to 1, and with what.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(f64, &str) + 'a>;

/// Tells the host.
pub(crate) fn progress_events<'a>(host: &'a dyn Host, run: RunId, node: NodeId) -> OnProgress<'a> {
    Box::new(move |fraction, message| {
        let fraction = fraction.clamp(0.0, 1.0);
        host.emit(RunEvent::Progress { run, node: node.clone(), fraction, message: message.into() });
    })
}

/// Hears what a node measures on its way.
pub(crate) type OnMetric<'a> = Box<dyn Fn(&Measured) + 'a>;

/// Sees to the helpers that work at the same time.
type Tend<'a> = Box<dyn FnMut() + 'a>;

/// Inputs, parameters and outputs of one node while it runs.
pub struct Job<'a> {
    pub(crate) component: &'a dyn Component,
    pub(crate) host: &'a dyn Host,
    pub(crate) node: &'a Node,
    pub(crate) spec: &'a Spec,
    pub(crate) inputs: BTreeMap<String, Artifact>,
    pub(crate) outputs: BTreeMap<String, Artifact>,
    pub(crate) seed: u64,
    pub(crate) face: Option<Face>,
    pub(crate) panels: Vec<Panel>,
    pub(crate) measured: Vec<Measured>,
    pub(crate) remarks: Vec<String>,
    pub(crate) on_progress: OnProgress<'a>,
    pub(crate) on_metric: OnMetric<'a>,
    pub(crate) last_breath_secs: f64,
    pub(crate) last_told_secs: f64,
    /// When it was last kept where a training stands; at first, when it began.
    pub(crate) last_standing_secs: f64,
    /// The node, where somebody may look at it while it runs.
    pub(crate) watched: Option<&'a NodeId>,
    /// When what is looked at was asked for, and when it may be again.
    pub(crate) sight_began_secs: f64,
    pub(crate) next_sight_secs: f64,
    pub(crate) pause: Pause,
    /// How long it was paused.
    pub(crate) paused_secs: f64,
    /// What its parts share.
    pub(crate) shared: Vec<Rc<dyn Any>>,
    /// Workers that have computed parts of it.
    pub(crate) helpers: BTreeSet<u32>,
    /// Who may compute parts of it.
    pub(crate) team: Option<&'a Team<'a>>,
    pub(crate) tend: Option<Tend<'a>>,
}

/// How far a job is with being paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It is not asked for.
    Not,
    /// It has heard of it, and is to show what it is like now.
    Heard,
    /// It has shown that.
    Shown,
}

/// Work of a job that falls into parts, each of which [`Component::part`] computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    /// Which work it is, where a job has several.
    pub stage: u32,
    /// How many parts.
    pub n: u32,
    /// About how many nanoseconds all of it takes on one core. Only whether helpers are asked depends on it.
    pub work: u64,
    /// Where it begins and ends on the job's way from 0 to 1.
    pub stretch: (f64, f64),
}

/// Why a component stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobError {
    /// The user asked for it.
    Cancelled,
    /// It cannot be done.
    Failed(Failure),
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Job<'a> {
    /// A job that nobody listens to.
    pub(crate) fn new(
        component: &'a dyn Component,
        host: &'a dyn Host,
        node: &'a Node,
        spec: &'a Spec,
        inputs: BTreeMap<String, Artifact>,
        seed: u64,
    ) -> Self {
        Self {
            component,
            host,
            node,
            spec,
            inputs,
            outputs: BTreeMap::new(),
            seed,
            face: None,
            panels: Vec::new(),
            measured: Vec::new(),
            remarks: Vec::new(),
            on_progress: Box::new(|_, _| {}),
            on_metric: Box::new(|_| {}),
            last_breath_secs: host.now_secs(),
            last_told_secs: f64::NEG_INFINITY,
            last_standing_secs: host.now_secs(),
            watched: None,
            sight_began_secs: 0.0,
            next_sight_secs: f64::NEG_INFINITY,
            pause: Pause::Not,
            paused_secs: 0.0,
            shared: Vec::new(),
            helpers: BTreeSet::new(),
            team: None,
            tend: None,
        }
    }

    /// What reaches a connected input.
    ///
    /// # Errors
    /// Nothing does, which `check` has already told unless the input is optional.
    pub fn input<T: Port>(&self, port: In<T>) -> Result<T, JobError> {
        self.optional_input(port).ok_or_else(|| {
            Failure::new(
                format!("the input `{}` is not connected", port.name),
                format!("Connect {} to it.", T::TYPE.phrase()),
            )
            .into()
        })
    }

    /// What reaches an input that may stay open.
    pub fn optional_input<T: Port>(&self, port: In<T>) -> Option<T> {
        self.inputs.get(port.name).and_then(T::from_artifact)
    }

    /// Bytes of all tables that reach it.
    pub fn table_bytes(&self) -> u64 {
        let of = |artifact: &Artifact| if let Artifact::Table(table) = artifact { table.n_bytes() } else { 0 };
        self.inputs.values().map(of).sum()
    }

    /// Gives a result.
    pub fn output<T: Port>(&mut self, port: Out<T>, result: T) {
        self.outputs.insert(port.name.into(), result.into_artifact());
    }

    /// What computes beside the CPU, if anything does.
    pub fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.host.accelerator()
    }

    /// Where trainings stood that were stopped.
    pub fn standings(&self) -> Option<Rc<Standings>> {
        self.host.standings()
    }

    /// Whether it is time to keep where a training stands: twice a minute, so that a page that is closed loses no more.
    pub fn wants_standing(&mut self) -> bool {
        const PAUSE_SECS: f64 = 30.0;
        let now_secs = self.host.now_secs();
        let wants = now_secs - self.last_standing_secs >= PAUSE_SECS;
        if wants {
            self.last_standing_secs = now_secs;
        }
        wants
    }

    /// Whether to make ready what whoever watches is to see now. It is asked for at most four times a second, and so that
    /// it takes no more than a twentieth of the time; and whenever the job is about to be paused.
    pub fn wants_sight(&mut self) -> bool {
        let now_secs = self.host.now_secs();
        let is_due = now_secs >= self.next_sight_secs || self.pause == Pause::Heard;
        let wants = is_due && self.watched.is_some_and(|node| self.host.is_watched(node));
        if wants {
            self.sight_began_secs = now_secs;
        }
        wants
    }

    /// Shows it.
    pub fn sight(&mut self, panels: Vec<Panel>) {
        const PAUSE_SECS: f64 = 0.25;
        const SHARE: f64 = 0.05;
        let Some(node) = self.watched else { return };
        self.host.show(node, panels);
        let now_secs = self.host.now_secs();
        self.next_sight_secs = now_secs + PAUSE_SECS.max((now_secs - self.sight_began_secs) * (1.0 / SHARE - 1.0));
        if self.pause == Pause::Heard {
            self.pause = Pause::Shown;
        }
    }

    /// A pass over the rows is done: whoever goes pass by pass is paused at the next checkpoint.
    pub fn passed(&mut self) {
        if self.host.motion() == Motion::OnePass {
            self.host.pause();
            self.pause = Pause::Heard;
        }
    }

    /// All that is set.
    pub fn params(&self) -> NodeParams<'a> {
        NodeParams::new(self.spec, self.node)
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// A value of the wrong type, which `check` has already told.
    pub fn param<T: ParamValue>(&self, param: Param<T>) -> Result<T, JobError> {
        self.params().param(param)
    }

    /// The node's own seed: the pipeline's, mixed with what the node is.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The world outside.
    pub fn host(&self) -> &dyn Host {
        self.host
    }

    /// Says what the node shows on its card. Without it the engine makes one from the first output.
    pub fn show(&mut self, face: Face) {
        self.face = Some(face);
    }

    /// Adds something to look at when the node is opened.
    pub fn panel(&mut self, panel: Panel) {
        self.panels.push(panel);
    }

    /// Adds a sentence to what the run's report says of the node.
    pub fn remark(&mut self, sentence: String) {
        self.remarks.push(sentence);
    }

    /// Tells a figure before the last one is known, so that charts grow and sweeps give up early. Steps count from 0.
    pub fn log_metric(&mut self, name: &str, value: f64, step: u32) {
        self.log(Measured { name: name.into(), step, value, rows: None });
    }

    /// The same for a fold: a measurement of its own, of which the metric of this name is the mean.
    pub fn log_fold(&mut self, name: &str, value: f64, fold_idx: u32, rows: FoldRows) {
        self.log(Measured { name: name.into(), step: fold_idx, value, rows: Some(rows) });
    }

    fn log(&mut self, measured: Measured) {
        (self.on_metric)(&measured);
        self.measured.push(measured);
    }

    /// What parts of this job share, if one of them has made it already.
    pub fn shared<T: 'static>(&self) -> Option<Rc<T>> {
        self.shared.iter().find_map(|made| Rc::clone(made).downcast().ok())
    }

    /// Keeps what parts of this job share; the one of this type before is let go.
    pub fn share<T: 'static>(&mut self, made: T) -> Rc<T> {
        let made = Rc::new(made);
        self.shared.retain(|other| !other.is::<T>());
        self.shared.push(made.clone());
        made
    }

    /// The work of this job as another engine needs it.
    fn order(&self) -> Arc<Order> {
        let n_bytes = self.table_bytes().saturating_add(self.component.memory(self));
        Order::new(None, self.node, self.seed, &self.inputs, n_bytes)
    }

    /// Computes parts: by helpers too, if the host has some and the work is worth it, and here. `take` is given what
    /// they came to, in their order.
    ///
    /// # Errors
    /// That of the first part that fails, of `take`, or the user's cancellation.
    pub async fn parts(
        &mut self,
        parts: Parts,
        mut take: impl FnMut(&mut Self, u32, Vec<u8>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let Parts { stage, n, work, stretch: (from, to) } = parts;
        let team = self.team.filter(|team| n > 1 && team.is_worth(work));
        let team = team.map(|team| (team, self.order()));
        let spread = RefCell::new(Spread::new(team, stage, n));
        let fraction = |n_taken: u32, more: f64| {
            let n_done = f64::from(n_taken) + spread.borrow().n_done() as f64;
            from + (to - from) * (n_done + more) / f64::from(n.max(1))
        };
        let mut n_taken = 0;
        while n_taken < n {
            spread.borrow_mut().tend();
            let taken = spread.borrow_mut().take(n_taken);
            if let Some(outcome) = taken {
                take(self, n_taken, outcome?)?;
                n_taken += 1;
                continue;
            }
            let next = spread.borrow_mut().next_here();
            let Some(part_idx) = next else {
                if let Some(team) = self.team {
                    team.rest().await;
                }
                self.checkpoint(fraction(n_taken, 0.0), &format!("{n_taken} of {n} parts are done")).await?;
                continue;
            };
            spread.borrow_mut().is_busy_here = true;
            let (host, on_progress) = (self.host, &mut self.on_progress);
            let mut job = Job {
                on_progress: Box::new(|done, message| on_progress(fraction(n_taken, done), message)),
                last_breath_secs: self.last_breath_secs,
                last_told_secs: self.last_told_secs,
                pause: self.pause,
                shared: std::mem::take(&mut self.shared),
                tend: Some(Box::new(|| spread.borrow_mut().tend())),
                ..Job::new(self.component, host, self.node, self.spec, self.inputs.clone(), self.seed)
            };
            let outcome = job.component.part(&mut job, stage, part_idx).await;
            let (last_breath_secs, last_told_secs) = (job.last_breath_secs, job.last_told_secs);
            let shared = std::mem::take(&mut job.shared);
            let (pause, paused_secs) = (job.pause, job.paused_secs);
            drop(job);
            (self.pause, self.paused_secs) = (pause, self.paused_secs + paused_secs);
            (self.shared, self.last_breath_secs, self.last_told_secs) = (shared, last_breath_secs, last_told_secs);
            spread.borrow_mut().is_busy_here = false;
            if outcome == Err(JobError::Cancelled) {
                return Err(JobError::Cancelled);
            }
            spread.borrow_mut().settle(part_idx, outcome);
        }
        self.helpers.append(&mut spread.borrow_mut().helpers);
        Ok(())
    }

    /// Tells how far it is (0 to 1) and lets the user stop it. Cheap enough for every tree, row block or
    /// iteration: it breathes at most every 12 ms, and tells four times a second, as whoever draws it has other work on
    /// the same cores.
    ///
    /// # Errors
    /// The user asked to stop.
    pub async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), JobError> {
        const BREATH_SECS: f64 = 0.012;
        const TELL_SECS: f64 = 0.25;
        let now_secs = self.host.now_secs();
        if now_secs - self.last_breath_secs >= BREATH_SECS {
            if now_secs - self.last_told_secs >= TELL_SECS {
                (self.on_progress)(fraction, message);
                self.last_told_secs = now_secs;
            }
            self.host.breathe().await;
            self.last_breath_secs = self.host.now_secs();
            if let Some(tend) = &mut self.tend {
                tend();
            }
        }
        match self.host.motion() {
            Motion::Paused => self.wait(fraction, message).await,
            // It may have been resumed before it came to wait.
            Motion::Free | Motion::OnePass => self.pause = Pause::Not,
        }
        if self.host.is_cancelled() { Err(JobError::Cancelled) } else { Ok(()) }
    }

    /// Waits while it is paused; once it hears of that, it goes to the next checkpoint to show what it is like there.
    async fn wait(&mut self, fraction: f64, message: &str) {
        if self.pause == Pause::Not {
            self.pause = Pause::Heard;
            return;
        }
        let from_secs = self.host.now_secs();
        (self.on_progress)(fraction, &format!("{message}, paused"));
        while self.host.motion() == Motion::Paused && !self.host.is_cancelled() {
            self.host.breathe().await;
            if let Some(tend) = &mut self.tend {
                tend();
            }
        }
        let now_secs = self.host.now_secs();
        self.paused_secs += now_secs - from_secs;
        (self.last_breath_secs, self.last_told_secs) = (now_secs, f64::NEG_INFINITY);
        self.pause = Pause::Not;
    }
}
