//! How far a run is.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pipeline::{Node, NodeId, Pipeline, Problem, Spec};
use protocol::{NodeOutcome, NodeReport, RunEvent, RunId, RunReport};

use super::run::unfinished;
use crate::cache::{Kept, bytes_of};
use crate::key::{NodeKey, Recipe};
use crate::team::Team;
use crate::{Artifact, Component, Host, Work};

/// A run on its way.
pub(super) struct Course<'a, 'p> {
    pub(super) host: &'a dyn Host,
    pub(super) run: RunId,
    pub(super) pipeline: &'p Pipeline,
    /// Who helps.
    pub(super) team: Option<&'a Team<'a>>,
    /// Nodes whose earlier results do not count.
    pub(super) rerun: BTreeSet<NodeId>,
    pub(super) keys: BTreeMap<NodeId, NodeKey>,
    /// Held here as well as in the cache, which may let them go while nodes still need them.
    pub(super) results: BTreeMap<NodeId, Rc<Kept>>,
    pub(super) problems: Vec<Problem>,
    pub(super) titles: BTreeMap<NodeId, String>,
    /// Who takes what a node gives.
    pub(super) consumers: BTreeMap<NodeId, Vec<NodeId>>,
    /// Sources first.
    pub(super) waiting: Vec<NodeId>,
    /// Everything they rest on is there.
    pub(super) ready: Vec<Ready<'p>>,
    /// At a helper.
    pub(super) away: Vec<Away<'p>>,
    /// Being computed here.
    pub(super) here: Vec<Here>,
    pub(super) report: RunReport,
}

/// A node at a helper.
pub(super) struct Away<'p> {
    pub(super) ticket: u64,
    pub(super) worker: u32,
    pub(super) ready: Ready<'p>,
}

/// A node that is being computed here.
pub(super) struct Here {
    pub(super) key: NodeKey,
    pub(super) is_long: bool,
    pub(super) n_bytes: u64,
}

/// A node that is to be computed, and all that this takes.
pub(super) struct Ready<'p> {
    pub(super) id: NodeId,
    pub(super) node: &'p Node,
    pub(super) component: &'static dyn Component,
    pub(super) spec: &'p Spec,
    pub(super) recipe: Recipe,
    pub(super) key: NodeKey,
    pub(super) why: String,
    pub(super) inputs: BTreeMap<String, Artifact>,
    pub(super) work: Work,
    /// What it needs, the inputs included.
    pub(super) n_bytes: u64,
    /// A helper fell over it.
    pub(super) is_lost: bool,
}

impl<'p> Course<'_, 'p> {
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.ready.is_empty() && self.away.is_empty() && self.here.is_empty()
    }

    /// Whether a node is under way whose results have this key.
    pub(super) fn has(&self, key: NodeKey) -> bool {
        let elsewhere = self.ready.iter().chain(self.away.iter().map(|away| &away.ready)).map(|ready| ready.key);
        elsewhere.chain(self.here.iter().map(|here| here.key)).any(|other| other == key)
    }

    /// Whether anything else is being done that will come to an end.
    pub(super) fn is_under_way(&self) -> bool {
        !(self.ready.is_empty() && self.away.is_empty() && self.here.is_empty())
    }

    pub(super) fn is_long(&self, ready: &Ready<'_>) -> bool {
        self.team.is_some_and(|team| team.is_worth(ready.work.nanos))
    }

    /// The next node to compute here. While a long one is, those that are soon done need not wait for it; an accelerator
    /// serves one after the other.
    pub(super) fn next_here(&mut self) -> Option<Ready<'p>> {
        let at = match &self.here[..] {
            [] => 0,
            [one] if one.is_long && self.host.accelerator().is_none() => {
                let held = bytes_of(self.results.values().map(Rc::as_ref)).saturating_add(one.n_bytes);
                let room = self.host.memory_limit().map_or(u64::MAX, |limit| limit.saturating_sub(held));
                self.ready.iter().position(|ready| !self.is_long(ready) && ready.n_bytes <= room)?
            }
            _ => return None,
        };
        let ready = (at < self.ready.len()).then(|| self.ready.remove(at))?;
        self.here.push(Here { key: ready.key, is_long: self.is_long(&ready), n_bytes: ready.n_bytes });
        Some(ready)
    }

    /// Whether a helper is through with a node.
    pub(super) fn has_answer(&self) -> bool {
        self.team.is_some_and(|team| self.away.iter().any(|away| team.has_answer(away.ticket)))
    }

    pub(super) fn settle(&mut self, id: NodeId, node_report: NodeReport) {
        let Self { run, report, results, consumers, .. } = self;
        report.cancelled |= node_report.outcome == NodeOutcome::Cancelled;
        self.host.emit(RunEvent::Finished { run: *run, node: id.clone(), report: node_report.clone() });
        report.nodes.insert(id, node_report);
        // A result is let go with the last node of this run that takes it.
        results.retain(|source, _| consumers[source].iter().any(|id| !report.nodes.contains_key(id)));
    }

    /// The run is over, whatever is left.
    pub(super) fn stop(&mut self) {
        let ready = self.ready.drain(..).chain(self.away.drain(..).map(|away| away.ready)).map(|ready| ready.id);
        let left: Vec<NodeId> = ready.chain(self.waiting.drain(..)).collect();
        for id in left {
            let why = "The run was stopped before it was its turn.";
            self.settle(id, unfinished(NodeOutcome::Cancelled, why));
        }
    }
}
