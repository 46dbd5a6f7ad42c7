//! The algorithms of a sweep, as the page asks them, and a trial's view of the world.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use engine::{Host, Local, Source};
use pipeline::{FileRef, NodeId};
use protocol::{DimensionShare, Failure, RunEvent, RunReport, TrialReport};
use study::{Known, News, Stop, Study};
use sweep::Watch;

use crate::host::WorkerHost;

/// The study that this worker was last told of.
#[derive(Default)]
pub struct Followed(RefCell<Option<Rc<RefCell<Known>>>>);

impl Followed {
    /// Takes in what is new; none if it builds upon something that was never told here.
    pub fn hear(&self, news: News) -> Option<Rc<RefCell<Known>>> {
        if news.is_all() {
            // A trial under way goes on with the study that it began with.
            self.0.replace(Known::begin(news).map(|known| Rc::new(RefCell::new(known))));
            return self.0.borrow().clone();
        }
        let known = self.0.borrow().clone()?;
        let is_understood = known.borrow_mut().hear(news);
        is_understood.then_some(known)
    }
}

/// How much each dimension mattered.
pub fn importance(study: &Study, objective_idx: usize) -> Vec<DimensionShare> {
    let told = |found: sweep::Importance| DimensionShare {
        dimension: found.dimension,
        share: found.share,
        standard_error: found.standard_error,
    };
    sweep::importance(study, objective_idx).into_iter().map(told).collect()
}

/// The world as a trial sees it: it ends when its time is up, or when it is not worth going on.
pub struct TrialHost<'a> {
    world: WorkerHost<'a>,
    node: &'a NodeId,
    known: Rc<RefCell<Known>>,
    watch: RefCell<Watch>,
    number: usize,
    n_known: usize,
    ends_secs: f64,
    is_late: Cell<bool>,
}

impl<'a> TrialHost<'a> {
    /// For a trial that begins now.
    ///
    /// # Errors
    /// The study has no such trial.
    pub fn new(
        world: WorkerHost<'a>,
        node: &'a NodeId,
        known: Rc<RefCell<Known>>,
        number: u32,
    ) -> Result<Self, Failure> {
        let number = number as usize;
        let (watch, n_known, limit) = {
            let Known { study, .. } = &*known.borrow();
            let trial = study.trials.get(number).ok_or_else(|| {
                let n = study.trials.len();
                Failure::new(format!("there is no trial {number}; the sweep has {n}"), "Begin the sweep anew.")
            })?;
            let limit = study.limits.trial_timeout_secs.map_or(f64::INFINITY, |secs| secs as f64);
            (Watch::of(trial), trial.intermediate.len(), limit)
        };
        Ok(Self {
            node,
            known,
            watch: RefCell::new(watch),
            number,
            n_known,
            ends_secs: world.now_secs() + limit,
            is_late: Cell::new(false),
            world,
        })
    }

    /// What came of it.
    pub fn report(self, run: RunReport) -> TrialReport {
        let late = (run.cancelled && self.is_late.get()).then_some(Stop::Late);
        let stop = self.watch.borrow().stop().cloned().or(late);
        let known = self.known.borrow();
        let told = known.study.trials.get(self.number).and_then(|trial| trial.intermediate.get(self.n_known..));
        let intermediate = told.unwrap_or_default().to_vec();
        TrialReport { run, intermediate, stop, memory_bytes: memory_bytes() }
    }
}

impl Host for TrialHost<'_> {
    fn now_secs(&self) -> f64 {
        self.world.now_secs()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        self.world.open(file)
    }

    fn memory_limit(&self) -> Option<u64> {
        self.world.memory_limit()
    }

    fn breathe(&self) -> Local<'_, ()> {
        self.world.breathe()
    }

    fn is_cancelled(&self) -> bool {
        let is_late = self.ends_secs.is_finite() && self.world.now_secs() > self.ends_secs;
        self.is_late.set(is_late);
        is_late || self.watch.borrow().stop().is_some() || self.world.is_cancelled()
    }

    fn emit(&self, event: RunEvent) {
        if let RunEvent::Metric { node, measured, .. } = &event {
            let Known { study, .. } = &mut *self.known.borrow_mut();
            let is_aim = study.objectives.first().is_some_and(|objective| objective.metric == measured.name);
            if is_aim && node == self.node {
                self.watch.borrow_mut().tell(study, measured.value, measured.rows.is_some());
            }
        }
        self.world.emit(event);
    }
}

/// The size of this worker's memory; 0 where there is no such thing.
pub fn memory_bytes() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0) as u64 * 65_536;
    #[cfg(not(target_arch = "wasm32"))]
    0
}
