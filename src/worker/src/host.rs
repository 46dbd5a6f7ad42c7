//! The engine's host in a worker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use engine::{Crew, Host, Local, Source};
use js_sys::Reflect;
use learn::accelerator::Accelerator;
use learn::neural::Standings;
use learn::{Checkpoint, Stopped};
use pipeline::{FileRef, NodeId};
use protocol::{Failure, FromWorker, Motion, Panel, RunEvent, RunId, Sealed};
use wasm_bindgen::JsValue;

use crate::breath::Breath;
use crate::crew::Helpers;
use crate::files::Files;
use crate::gpu::Gpu;
use crate::sights::Sights;
use crate::standings::Lasting;
use crate::{post, scope};

/// Before a run begins: whether it is still wanted, if it can be stopped at all.
pub struct Wanted<'a> {
    /// For letting messages in.
    pub breath: &'a Breath,
    /// Runs that were asked to stop, and which this is.
    pub stopped: Option<(&'a RefCell<BTreeSet<RunId>>, RunId)>,
}

impl Checkpoint for Wanted<'_> {
    async fn checkpoint(&mut self, _fraction: f64, _message: &str) -> Result<(), Stopped> {
        self.breath.take().await;
        let is_stopped = self.stopped.is_some_and(|(stopped, run)| stopped.borrow().contains(&run));
        if is_stopped { Err(Stopped) } else { Ok(()) }
    }
}

/// One run's view of the world.
pub struct WorkerHost<'a> {
    /// Which run.
    pub run: RunId,
    /// The user's files.
    pub files: &'a Files,
    /// For letting messages in.
    pub breath: &'a Breath,
    /// Runs that were asked to stop.
    pub cancelled: &'a RefCell<BTreeSet<RunId>>,
    /// Who computes beside this worker.
    pub helpers: &'a Helpers,
    /// What computes beside the CPU.
    pub gpu: &'a Gpu,
    /// What nodes under way show.
    pub sights: &'a Sights,
    /// How runs are to move.
    pub motion: &'a Cell<Motion>,
    /// Where trainings stood that were stopped.
    pub standings: &'a Lasting,
}

impl Host for WorkerHost<'_> {
    fn now_secs(&self) -> f64 {
        scope().performance().map_or(0.0, |performance| performance.now() / 1_000.0)
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        Box::pin(self.files.open(file))
    }

    fn memory_limit(&self) -> Option<u64> {
        /// A program of 32 bits holds no more, and a computer with less memory has less.
        const MOST_GIB: f64 = 4.0;
        Some((device_gib().min(MOST_GIB) * (1_u64 << 30) as f64) as u64)
    }

    fn crew(&self) -> Option<&dyn Crew> {
        Some(self.helpers).filter(|helpers| helpers.n_helpers() > 0).map(|helpers| helpers as &dyn Crew)
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.gpu.accelerator()
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        Some(self.standings.standings())
    }

    fn is_watched(&self, node: &NodeId) -> bool {
        self.sights.are_wanted(node)
    }

    fn show(&self, node: &NodeId, panels: Vec<Panel>) {
        self.sights.show(node, Sealed::new(&panels));
    }

    fn motion(&self) -> Motion {
        self.motion.get()
    }

    fn pause(&self) {
        self.motion.set(Motion::Paused);
    }

    fn breathe(&self) -> Local<'_, ()> {
        self.standings.keep();
        Box::pin(self.breath.at(self.motion.get()))
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.borrow().contains(&self.run)
    }

    fn emit(&self, event: RunEvent) {
        if let RunEvent::Finished { node, .. } = &event {
            self.sights.end(node);
        }
        post(&FromWorker::Event(event));
    }
}

/// The computer's memory, as far as the browser tells: it says 8 where there is more.
pub fn device_gib() -> f64 {
    const USUAL_GIB: f64 = 4.0;
    let told = Reflect::get(&scope().navigator(), &JsValue::from_str("deviceMemory"));
    told.ok().and_then(|told| told.as_f64()).unwrap_or(USUAL_GIB)
}
