//! Work shared with other engines: parts of a node's work, and whole nodes.
//!
//! A host that has helpers offers them as a [`Crew`]. What they compute is what this engine would compute, from the
//! same inputs, parameters and seed, so results are the same bits on any number of them.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::{Node, NodeId, Spec};
use protocol::RunId;
use serde::{Deserialize, Serialize};

use crate::job::progress_events;
use crate::parcel::{Components, Left, Packing, unpack_artifacts};
use crate::{Artifact, Component, Host, Job, JobError, Local, Parcel};

/// What a helper is to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// A part of the node's work.
    Part {
        /// Which of the works of the node that fall into parts.
        stage: u32,
        /// Counted from 0.
        part_idx: u32,
    },
    /// All of it.
    Whole,
}

/// A node's work as another engine needs it: settings, seed and inputs.
#[derive(Debug)]
pub struct Order {
    id: u64,
    place: Option<(RunId, NodeId)>,
    node: Node,
    seed: u64,
    inputs: BTreeMap<String, Artifact>,
    /// What a helper with a memory of its own needs for it, the inputs included.
    n_bytes: u64,
}

impl Order {
    pub(crate) fn new(
        place: Option<(RunId, NodeId)>,
        node: &Node,
        seed: u64,
        inputs: &BTreeMap<String, Artifact>,
        n_bytes: u64,
    ) -> Arc<Self> {
        static N_ORDERS: AtomicU64 = AtomicU64::new(0);
        let id = N_ORDERS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, place, node: node.clone(), seed, inputs: inputs.clone(), n_bytes })
    }

    /// Tells orders apart, so that each travels to a helper once.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The run and the node that it is, where a helper does all of it and somebody may follow how.
    pub fn place(&self) -> Option<&(RunId, NodeId)> {
        self.place.as_ref()
    }

    /// Ready to travel to another memory.
    ///
    /// # Errors
    /// Never, as far as is known: all of it is plain data.
    pub fn pack(&self) -> Result<Parcel, JobError> {
        let mut packing = Packing::default();
        let inputs = packing.artifacts(&self.inputs);
        packing.seal(&(self.id, &self.place, &self.node, self.seed, inputs, self.n_bytes))
    }
}

/// The helpers of a host.
pub trait Crew {
    /// How many there are.
    fn n_helpers(&self) -> u32;

    /// Work that is worth sharing, in nanoseconds of one core: less is done before a helper has begun.
    fn least_work(&self) -> u64;

    /// The most bytes that all helpers together may need.
    fn spare_bytes(&self) -> u64;

    /// Gives a helper something to do, after what it has. Each ticket is answered once, in the order of giving.
    fn hand(&self, helper: u32, ticket: u64, order: &Arc<Order>, task: Task);

    /// Tells a helper that nobody wants any more what it was given. It answers all the same.
    fn stop(&self, helper: u32);

    /// What has come since this was asked last.
    fn answers(&self) -> Vec<Answered>;

    /// Comes back when there may be an answer, or after a few milliseconds.
    fn rest(&self) -> Local<'_, ()>;

    /// Nothing more will come of the orders so far: what helpers hold of them can be let go.
    fn dismiss(&self);
}

/// What came of a ticket.
#[derive(Debug)]
pub struct Answered {
    /// Who worked.
    pub helper: u32,
    /// At what.
    pub ticket: u64,
    /// What came of it.
    pub outcome: Answer,
}

/// How a helper's work ended.
#[derive(Debug)]
pub enum Answer {
    /// As it would have here.
    Done(Result<Parcel, JobError>),
    /// It fell. Another has taken its place, and knows of nothing.
    Lost,
}

static N_TICKETS: AtomicU64 = AtomicU64::new(0);

/// The helpers during one run.
pub(crate) struct Team<'a> {
    crew: &'a dyn Crew,
    seats: RefCell<Vec<Seat>>,
    answers: RefCell<BTreeMap<u64, Answer>>,
}

#[derive(Default)]
struct Seat {
    /// What it works at, and what lies ready for it.
    tickets: Vec<u64>,
    order: Option<u64>,
    n_lost: u32,
}

/// How much a helper is given at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Give {
    /// Something to do, if it has nothing.
    Work,
    /// What it goes on with, too: it need not wait until this worker looks at what it has done.
    Supply,
}

/// A helper that falls twice in a run is left alone: there is something about the work.
const MAX_LOST: u32 = 2;

impl<'a> Team<'a> {
    pub(crate) fn new(crew: &'a dyn Crew) -> Self {
        let seats = (0..crew.n_helpers()).map(|_| Seat::default()).collect();
        Self { crew, seats: RefCell::new(seats), answers: RefCell::default() }
    }

    /// The helpers and this one.
    fn n_workers(&self) -> u32 {
        self.crew.n_helpers() + 1
    }

    pub(crate) fn is_worth(&self, work: u64) -> bool {
        work >= self.crew.least_work()
    }

    pub(crate) fn rest(&self) -> Local<'_, ()> {
        self.crew.rest()
    }

    /// Hands a task to a helper that has nothing to do, or no supply, if there is one and its memory can bear it: the
    /// ticket, and the number of its worker, of which 0 is this one.
    pub(crate) fn hand(&self, order: &Arc<Order>, task: Task, give: Give) -> Option<(u64, u32)> {
        let mut seats = self.seats.borrow_mut();
        let n_fitting = self.crew.spare_bytes().checked_div(order.n_bytes).unwrap_or(u64::MAX);
        let holders = |seat: &&Seat| seat.order == Some(order.id);
        let n_holders = seats.iter().filter(holders).count() as u64;
        let is_free = |seat: &Seat| seat.tickets.is_empty() && seat.n_lost < MAX_LOST;
        let known = seats.iter().position(|seat| is_free(seat) && seat.order == Some(order.id));
        let other = || seats.iter().position(is_free).filter(|_| n_holders < n_fitting);
        // Of the same order only: a helper holds one at a time.
        let has_one = |seat: &Seat| seat.tickets.len() == 1 && seat.order == Some(order.id);
        let next = || seats.iter().position(has_one).filter(|_| give == Give::Supply);
        let helper = known.or_else(other).or_else(next)?;
        // No two runs share a ticket, for a helper may still be at work for the one before.
        let ticket = N_TICKETS.fetch_add(1, Ordering::Relaxed);
        seats[helper].tickets.push(ticket);
        seats[helper].order = Some(order.id);
        self.crew.hand(helper as u32, ticket, order, task);
        Some((ticket, helper as u32 + 1))
    }

    /// What came of a ticket, once there is an answer.
    pub(crate) fn answer(&self, ticket: u64) -> Option<Answer> {
        self.hear();
        self.answers.borrow_mut().remove(&ticket)
    }

    /// Whether there is an answer.
    pub(crate) fn has_answer(&self, ticket: u64) -> bool {
        self.hear();
        self.answers.borrow().contains_key(&ticket)
    }

    fn hear(&self) {
        let mut seats = self.seats.borrow_mut();
        for Answered { helper, ticket, outcome } in self.crew.answers() {
            // An answer to an earlier run's ticket has nobody who waits for it.
            let Some(seat) = seats.get_mut(helper as usize).filter(|seat| seat.tickets.contains(&ticket)) else {
                continue;
            };
            seat.tickets.retain(|other| *other != ticket);
            // Who falls loses its order, and all that it was given: it fell once.
            if matches!(outcome, Answer::Lost) && seat.order.take().is_some() {
                seat.n_lost += 1;
            }
            self.answers.borrow_mut().insert(ticket, outcome);
        }
    }

    /// Nobody waits for this any more.
    pub(crate) fn abandon(&self, ticket: u64) {
        self.answers.borrow_mut().remove(&ticket);
        let helper = self.seats.borrow().iter().position(|seat| seat.tickets.contains(&ticket));
        if let Some(helper) = helper {
            self.crew.stop(helper as u32);
        }
    }
}

impl Drop for Team<'_> {
    fn drop(&mut self) {
        for (helper, seat) in (0u32..).zip(self.seats.get_mut()) {
            if !seat.tickets.is_empty() {
                self.crew.stop(helper);
            }
        }
        self.crew.dismiss();
    }
}

/// Parts of one work on their way.
pub(crate) struct Spread<'t, 'a> {
    team: Option<(&'t Team<'a>, Arc<Order>)>,
    stage: u32,
    /// Parts from here on are not begun: all there are, or those after one that failed.
    end: u32,
    next: u32,
    /// A part is being computed here.
    pub(crate) is_busy_here: bool,
    /// Parts whose helper fell: they are done here.
    lost: Vec<u32>,
    out: Vec<Out>,
    done: BTreeMap<u32, Result<Vec<u8>, JobError>>,
    /// Workers that have computed some of it.
    pub(crate) helpers: BTreeSet<u32>,
}

/// A part at a helper.
struct Out {
    ticket: u64,
    part_idx: u32,
    worker: u32,
}

impl<'t, 'a> Spread<'t, 'a> {
    pub(crate) fn new(team: Option<(&'t Team<'a>, Arc<Order>)>, stage: u32, n_parts: u32) -> Self {
        Self {
            team,
            stage,
            end: n_parts,
            next: 0,
            is_busy_here: false,
            lost: Vec::new(),
            out: Vec::new(),
            done: BTreeMap::new(),
            helpers: BTreeSet::new(),
        }
    }

    /// Takes in what helpers have done, and gives those that are free the next parts.
    pub(crate) fn tend(&mut self) {
        let Some((team, order)) = self.team.clone() else { return };
        let mut waiting = std::mem::take(&mut self.out);
        waiting.retain(|&Out { ticket, part_idx, worker }| match team.answer(ticket) {
            None => true,
            Some(Answer::Done(outcome)) => {
                self.helpers.insert(worker);
                self.settle(part_idx, outcome.map(|parcel| parcel.bytes));
                false
            }
            Some(Answer::Lost) => {
                self.lost.push(part_idx);
                false
            }
        });
        self.out = waiting;
        // Whoever hands parts over keeps one, unless it has one already.
        while self.next + u32::from(!self.is_busy_here) < self.end {
            let task = Task::Part { stage: self.stage, part_idx: self.next };
            // Of the last ones, none lies ready for one worker while another has nothing to do.
            let give = if self.end - self.next > team.n_workers() { Give::Supply } else { Give::Work };
            let Some((ticket, worker)) = team.hand(&order, task, give) else { break };
            self.out.push(Out { ticket, part_idx: self.next, worker });
            self.next += 1;
        }
    }

    /// The next part that is to be computed here.
    pub(crate) fn next_here(&mut self) -> Option<u32> {
        self.lost.pop().or_else(|| {
            let part_idx = self.next;
            (part_idx < self.end).then(|| {
                self.next += 1;
                part_idx
            })
        })
    }

    pub(crate) fn settle(&mut self, part_idx: u32, outcome: Result<Vec<u8>, JobError>) {
        if outcome.is_err() {
            // The first part that fails is the one to be told, so those before it go on.
            self.end = self.end.min(part_idx + 1);
        }
        self.done.insert(part_idx, outcome);
    }

    pub(crate) fn take(&mut self, part_idx: u32) -> Option<Result<Vec<u8>, JobError>> {
        self.done.remove(&part_idx)
    }

    pub(crate) fn n_done(&self) -> usize {
        self.done.len()
    }
}

impl Drop for Spread<'_, '_> {
    fn drop(&mut self) {
        if let Some((team, _)) = &self.team {
            self.out.iter().for_each(|out| team.abandon(out.ticket));
        }
    }
}

/// An engine that computes for another one.
pub struct Helper {
    components: Components,
    held: Option<Held>,
}

struct Held {
    order: Arc<Order>,
    /// What several parts share.
    shared: Vec<Rc<dyn Any>>,
}

impl Helper {
    /// A helper with these components.
    pub fn new(components: &[&'static dyn Component]) -> Self {
        Self { components: crate::parcel::by_id(components), held: None }
    }

    /// Takes an order in, in place of the one before.
    pub fn open(&mut self, order: Arc<Order>) {
        self.held = Some(Held { order, shared: Vec::new() });
    }

    /// As `open`, of one that has travelled.
    ///
    /// # Errors
    /// It is not what another engine of this version has packed.
    pub fn open_parcel(&mut self, parcel: &Parcel) -> Result<(), JobError> {
        let (id, place, node, seed, inputs, n_bytes) =
            parcel.open::<(u64, Option<(RunId, NodeId)>, Node, u64, _, u64)>()?;
        let inputs = unpack_artifacts(inputs, &parcel.tables, &self.components)?;
        self.open(Arc::new(Order { id, place, node, seed, inputs, n_bytes }));
        Ok(())
    }

    /// The order that it holds.
    pub fn order(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.order.id)
    }

    /// Lets the order go.
    pub fn close(&mut self) {
        self.held = None;
    }

    /// Computes something of the order that it holds.
    ///
    /// # Errors
    /// Those of the component; `Cancelled` also where there is no order.
    pub async fn compute(&mut self, host: &dyn Host, task: Task) -> Result<Parcel, JobError> {
        let Some(Held { order, shared }) = &mut self.held else { return Err(JobError::Cancelled) };
        let found: Option<&(&'static dyn Component, Spec)> = self.components.get(&order.node.component);
        let Some((component, spec)) = found else { return Err(JobError::Cancelled) };
        let mut job = Job::new(*component, host, &order.node, spec, order.inputs.clone(), order.seed);
        match task {
            Task::Part { stage, part_idx } => {
                job.shared = std::mem::take(shared);
                let outcome = component.part(&mut job, stage, part_idx).await;
                *shared = job.shared;
                outcome.map(|bytes| Parcel { bytes, tables: Vec::new() })
            }
            Task::Whole => {
                if let Some((run, id)) = &order.place {
                    job.on_progress = progress_events(host, *run, id.clone());
                    job.watched = Some(id);
                }
                let began_secs = host.now_secs();
                component.run(&mut job).await?;
                let elapsed_secs = host.now_secs() - began_secs - job.paused_secs;
                let Job { outputs, face, panels, measured, .. } = job;
                Left { outputs, face, panels, measured, elapsed_secs, ..Left::default() }.pack()
            }
        }
    }
}
