//! What the worker answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use engine::{Engine, Host, RowOrders};
use monitor::query::Tables;
use pipeline::{Acceleration, Node};
use protocol::{Compute, Failure, Motion, Networks, Reply, Request, Rerun, Run, RunId, RunReport, Sealed, Welcome};
use web_sys::File;

use crate::breath::Breath;
use crate::crew::Helpers;
use crate::files::Files;
use crate::gpu::Gpu;
use crate::host::{Wanted, WorkerHost};
use crate::sights::Sights;
use crate::standings::Lasting;
use crate::sweeps::{self, Followed, TrialHost};

/// Results are let go, oldest first, beyond this much: an instance holds 4 GiB at most.
const RESULTS_BYTES: u64 = 1_500_000_000;
/// Rows that a query over events answers with at most.
const N_EVENT_ROWS: usize = 2_000;

/// Everything the worker holds.
pub struct Session {
    engine: Engine,
    files: Files,
    breath: Breath,
    cancelled: RefCell<BTreeSet<RunId>>,
    is_running: Cell<bool>,
    row_orders: RowOrders,
    helpers: Helpers,
    gpu: Gpu,
    sights: Rc<Sights>,
    motion: Cell<Motion>,
    standings: Lasting,
    followed: Followed,
    events: RefCell<Tables>,
}

impl Session {
    /// An engine without results.
    pub fn new() -> Self {
        let sights = Rc::default();
        Self {
            engine: Engine::new(components::catalogue(), RESULTS_BYTES),
            files: Files::default(),
            breath: Breath::new(),
            cancelled: RefCell::default(),
            is_running: Cell::new(false),
            row_orders: RowOrders::default(),
            helpers: Helpers::new(Rc::clone(&sights)),
            gpu: Gpu::default(),
            sights,
            motion: Cell::default(),
            standings: Lasting::default(),
            followed: Followed::default(),
            events: RefCell::default(),
        }
    }

    /// Answers one call.
    pub async fn answer(&self, request: Request, file: Option<File>) -> Result<Reply, Failure> {
        Ok(match request {
            Request::Hello(_) => {
                self.standings.last();
                Reply::Hello(Welcome {
                    catalogue: self.engine.catalogue().clone(),
                    version: env!("CARGO_PKG_VERSION").into(),
                })
            }
            Request::Check(call) => Reply::Check(self.engine.check(&call.pipeline)),
            Request::Run(mut call) => {
                self.begin()?;
                if call.rerun != Rerun::Changed {
                    self.standings.clear();
                }
                // The GPU's program is loaded for those alone that have a use for it.
                let catalogue = self.engine.catalogue();
                let acceleration = |node: &Node| Some(catalogue.get(&node.component)?.acceleration);
                let most = call.pipeline.nodes().values().filter_map(acceleration).max().unwrap_or_default();
                let least = match call.compute.networks {
                    // How fast it is takes a second to find out, which networks alone are worth.
                    Networks::Faster(None) => Acceleration::Networks,
                    _ => Acceleration::Exact,
                };
                if most < least {
                    call.compute.networks = Networks::Cpu;
                }
                if most == Acceleration::Networks {
                    self.standings.recall().await;
                }
                self.share(call.compute, call.run).await;
                Reply::Run(self.run(&self.host(call.run), &call).await)
            }
            Request::RunTrial(call) => {
                let Some(known) = self.followed.hear(call.news) else { return Ok(Reply::RunTrial(None)) };
                let host = TrialHost::new(self.host(call.run.run), &call.node, known, call.number)?;
                self.begin()?;
                let report = self.run(&host, &call.run).await;
                Reply::RunTrial(Some(host.report(report)))
            }
            Request::Cancel(call) => {
                self.cancelled.borrow_mut().insert(call.run);
                Reply::Cancel(())
            }
            Request::SetMotion(call) => {
                if self.is_running.get() {
                    self.set_motion(call.motion);
                }
                Reply::SetMotion(())
            }
            Request::Look(call) => {
                if !self.is_running.get() {
                    return Ok(Reply::Look(None));
                }
                self.helpers.look(&call.node);
                Reply::Look(self.sights.look(&call).await)
            }
            Request::AddFile(call) => {
                let file =
                    file.ok_or_else(|| Failure::new("no file came with the message", "Choose the file again."))?;
                Reply::AddFile(self.files.add(call.name, file, &self.breath).await?)
            }
            Request::Preview(call) => {
                let table = self.engine.table(&call.output)?;
                let page = engine::preview(&table, &call, &self.row_orders, || self.breath.take()).await?;
                Reply::Preview(Sealed::new(&page))
            }
            Request::Profiles(call) => {
                let table = self.engine.table(&call.output)?;
                let profiles = engine::profiles(&table, &call, &self.row_orders, || self.breath.take()).await?;
                Reply::Profiles(Sealed::new(&profiles))
            }
            Request::View(call) => Reply::View(Sealed::new(&self.engine.view(&call.node)?)),
            Request::Pack(call) => {
                Reply::Pack(self.engine.package(&call.pipeline, &call.node, &call.about)?.to_bytes())
            }
            Request::Export(call) => {
                let artifact = self.engine.artifact(&call.output)?;
                Reply::Export(self.breath.between(engine::export_in_turns(&artifact, call.format)).await?)
            }
            Request::Opened(_) => {
                self.engine.forget_nodes();
                Reply::Opened(())
            }
            Request::ClearCache(call) => {
                self.engine.clear(call.node.as_ref());
                self.standings.clear();
                Reply::ClearCache(())
            }
            Request::Outputs(_) => Reply::Outputs(self.engine.kept_bytes()),
            Request::SweepNext(call) => {
                let known = self.followed.hear(call.news);
                Reply::SweepNext(known.map(|known| sweep::next_few(&known.borrow().study, call.n_starts as usize)))
            }
            Request::PlanSearch(call) => {
                self.begin()?;
                let host = self.host(call.run);
                Reply::PlanSearch(Box::new(self.over(automl::plan(&self.engine, &host, &call).await)?))
            }
            Request::BlendTrials(call) => {
                self.begin()?;
                self.share(call.compute, call.run).await;
                let host = self.host(call.run);
                Reply::BlendTrials(self.over(automl::blend(&self.engine, &host, &call).await)?)
            }
            Request::PlaceWinner(call) => Reply::PlaceWinner(automl::place(self.engine.catalogue(), &call)?),
            Request::TakeEvents(call) => {
                let mut events = self.events.borrow_mut();
                if call.is_new {
                    *events = Tables::default();
                }
                let unreadable = |error| {
                    Failure::new(format!("the events cannot be read: {error}"), "Update Millrace on the host or here.")
                };
                events.push_json(&call.requests, &call.exceptions).map_err(unreadable)?;
                Reply::TakeEvents(())
            }
            Request::QueryEvents(call) => {
                Reply::QueryEvents(self.events.borrow().tell_json(&call.text, call.now_ms, N_EVENT_ROWS))
            }
            Request::MeasureNetworks(_) => {
                Reply::MeasureNetworks(self.gpu.measure(&mut Wanted { breath: &self.breath, stopped: None }).await?)
            }
            Request::SweepImportance(call) => {
                let known = self.followed.hear(call.news);
                let shares = known.map(|known| sweeps::importance(&known.borrow().study, call.objective_idx as usize));
                Reply::SweepImportance(shares)
            }
        })
    }

    fn begin(&self) -> Result<(), Failure> {
        match self.is_running.replace(true) {
            true => Err(Failure::new("a run is going on already", "Wait for it, or stop it first.")),
            false => Ok(()),
        }
    }

    /// How many workers there are from now on, this one among them, and what trains networks.
    async fn share(&self, Compute { n_workers, shares_all, networks }: Compute, run: RunId) {
        self.helpers.prepare(n_workers.saturating_sub(1), shares_all);
        let mut wanted = Wanted { breath: &self.breath, stopped: Some((&self.cancelled, run)) };
        self.gpu.prepare(networks, &mut wanted).await;
    }

    fn set_motion(&self, motion: Motion) {
        self.motion.set(motion);
        self.helpers.set_motion(motion);
    }

    fn host(&self, run: RunId) -> WorkerHost<'_> {
        let Self { files, breath, cancelled, helpers, gpu, sights, motion, standings, .. } = self;
        WorkerHost { run, files, breath, cancelled, helpers, gpu, sights, motion, standings }
    }

    async fn run(&self, host: &dyn Host, call: &Run) -> RunReport {
        self.over(self.engine.run_again(host, call.run, &call.pipeline, &call.target, &call.rerun).await)
    }

    /// Passes on what came of a run that is over.
    fn over<T>(&self, outcome: T) -> T {
        self.is_running.set(false);
        self.set_motion(Motion::Free);
        self.standings.keep();
        self.sights.clear();
        self.cancelled.borrow_mut().clear();
        outcome
    }
}
