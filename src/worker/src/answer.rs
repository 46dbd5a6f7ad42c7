//! What the worker answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use engine::{Engine, Host, RowOrders};
use monitor::query::Tables;
use protocol::{Compute, Failure, Reply, Request, Run, RunId, RunReport, Welcome};
use web_sys::File;

use crate::breath::Breath;
use crate::crew::Helpers;
use crate::files::Files;
use crate::host::WorkerHost;
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
    followed: Followed,
    events: RefCell<Tables>,
}

impl Session {
    /// An engine without results.
    pub fn new() -> Self {
        Self {
            engine: Engine::new(components::catalogue(), RESULTS_BYTES),
            files: Files::default(),
            breath: Breath::new(),
            cancelled: RefCell::default(),
            is_running: Cell::new(false),
            row_orders: RowOrders::default(),
            helpers: Helpers::new(),
            followed: Followed::default(),
            events: RefCell::default(),
        }
    }

    /// Answers one call.
    pub async fn answer(&self, request: Request, file: Option<File>) -> Result<Reply, Failure> {
        Ok(match request {
            Request::Hello(_) => Reply::Hello(Welcome {
                catalogue: self.engine.catalogue().clone(),
                version: env!("CARGO_PKG_VERSION").into(),
            }),
            Request::Check(call) => Reply::Check(self.engine.check(&call.pipeline)),
            Request::Run(call) => {
                self.begin()?;
                self.share(call.compute);
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
            Request::AddFile(call) => {
                let file =
                    file.ok_or_else(|| Failure::new("no file came with the message", "Choose the file again."))?;
                Reply::AddFile(self.files.add(call.name, file, &self.breath).await?)
            }
            Request::Preview(call) => {
                let table = self.engine.table(&call.output)?;
                Reply::Preview(engine::preview(&table, &call, &self.row_orders, || self.breath.take()).await?)
            }
            Request::Profiles(call) => {
                let table = self.engine.table(&call.output)?;
                Reply::Profiles(engine::profiles(&table, &call, &self.row_orders, || self.breath.take()).await?)
            }
            Request::View(call) => Reply::View(self.engine.view(&call.node)?),
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
                self.share(call.compute);
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

    /// How many workers there are from now on, this one among them.
    fn share(&self, Compute { n_workers, shares_all }: Compute) {
        self.helpers.prepare(n_workers.saturating_sub(1), shares_all);
    }

    fn host(&self, run: RunId) -> WorkerHost<'_> {
        WorkerHost { run, files: &self.files, breath: &self.breath, cancelled: &self.cancelled, helpers: &self.helpers }
    }

    async fn run(&self, host: &dyn Host, call: &Run) -> RunReport {
        self.over(self.engine.run_again(host, call.run, &call.pipeline, &call.target, &call.rerun).await)
    }

    /// Passes on what came of a run that is over.
    fn over<T>(&self, outcome: T) -> T {
        self.is_running.set(false);
        self.cancelled.borrow_mut().clear();
        outcome
    }
}
