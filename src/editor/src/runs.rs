//! Keeping track of runs: what each node is at, and which results no longer fit.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::NodeId;
use protocol::{Checked, Failure, NodeOutcome, NodeReport, Rerun, RunEvent, RunId, RunReport, RunTarget};
use schema::ordered::Gather;

use crate::command::Task;
use crate::editor::Editor;
use crate::status::{NodeState, RunState};

/// How far the run under way has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    last_run: u32,
    planned: Vec<NodeId>,
    done: BTreeSet<NodeId>,
    /// Fractions of nodes that compute.
    under_way: BTreeMap<NodeId, f64>,
    /// Quarters of the run that were announced.
    quarters_told: u32,
    /// Nodes changed while the run was under way: their results are out of date when they arrive.
    changed: BTreeSet<NodeId>,
}

impl Progress {
    /// For another pipeline; run numbers go on.
    pub(crate) fn emptied(&self) -> Self {
        Self { last_run: self.last_run, ..Self::default() }
    }

    fn fraction(&self) -> f64 {
        if self.planned.is_empty() {
            return 0.0;
        }
        let under_way: f64 = self.under_way.values().sum();
        ((self.done.len() as f64 + under_way) / self.planned.len() as f64).clamp(0.0, 1.0)
    }
}

impl Editor {
    pub(crate) fn run_everything(&mut self, rerun: Rerun, tasks: &mut Vec<Task>) {
        if self.pipeline.nodes().is_empty() {
            tasks.push(Task::Refuse("There is nothing to run yet: add a component first".into()));
            return;
        }
        self.start_run(RunTarget::All, rerun, true, tasks);
    }

    pub(crate) fn run_selection(&mut self, tasks: &mut Vec<Task>) {
        if self.selection.is_empty() {
            self.run_everything(Rerun::Changed, tasks);
        } else {
            self.run_to(self.selection.iter().cloned().collect(), tasks);
        }
    }

    pub(crate) fn run_to(&mut self, nodes: Vec<NodeId>, tasks: &mut Vec<Task>) {
        let nodes: Vec<_> = nodes.into_iter().filter(|id| self.pipeline.node(id).is_some()).collect();
        if !nodes.is_empty() {
            self.start_run(RunTarget::To(nodes), Rerun::Changed, true, tasks);
        }
    }

    /// Runs a node, or the selection, although its result is at hand, and with `onward` all that rests on it.
    pub(crate) fn run_again(&mut self, node: Option<NodeId>, onward: bool, tasks: &mut Vec<Task>) {
        let asked = node.map_or_else(|| self.selection.clone(), |node| [node].into_iter().gather());
        let asked: BTreeSet<_> = asked.into_iter().filter(|id| self.pipeline.node(id).is_some()).gather();
        if asked.is_empty() {
            tasks.push(Task::Refuse("Select the nodes that are to run again first".into()));
            return;
        }
        let target = if onward { self.with_downstream(&asked) } else { asked.clone() };
        let rerun = Rerun::Nodes(asked.into_iter().collect());
        self.start_run(RunTarget::To(target.into_iter().collect()), rerun, true, tasks);
    }

    /// What nodes came out of is no longer at hand, so it is no longer shown.
    pub(crate) fn cleared(&mut self, node: Option<NodeId>) {
        match node {
            Some(node) => drop(self.statuses.remove(&node)),
            None => self.statuses.clear(),
        }
        self.shapes_changed();
    }

    pub(crate) fn start_run(&mut self, target: RunTarget, rerun: Rerun, may_ask: bool, tasks: &mut Vec<Task>) {
        if let RunState::Running { .. } = self.run {
            tasks.push(Task::Refuse("A run is under way: stop it first, or wait for it".into()));
            return;
        }
        if may_ask && self.ask_first(&target, &rerun, tasks) {
            return;
        }
        let run = RunId(self.progress.last_run + 1);
        self.progress = Progress { last_run: run.0, ..Progress::default() };
        self.run = RunState::Running { run, fraction: 0.0, cancelling: false };
        tasks.push(Task::StartRun { run, pipeline: self.as_given(), target, rerun });
        tasks.push(Task::Announce("Run started".into()));
    }

    pub(crate) fn cancel_run(&mut self, tasks: &mut Vec<Task>) {
        if let RunState::Running { run, cancelling, .. } = &mut self.run
            && !*cancelling
        {
            *cancelling = true;
            tasks.push(Task::CancelRun(*run));
        }
    }

    /// Whether this is the run under way; what older runs still say is of no interest.
    fn is_current(&self, run: RunId) -> bool {
        matches!(self.run, RunState::Running { run: current, .. } if current == run)
    }

    pub(crate) fn run_event(&mut self, event: RunEvent, tasks: &mut Vec<Task>) {
        match event {
            RunEvent::Planned { run, nodes } if self.is_current(run) => {
                for id in nodes.iter().filter(|id| self.pipeline.node(id).is_some()) {
                    self.statuses.entry(id.clone()).or_default().state = NodeState::Queued;
                }
                self.progress.planned = nodes;
            }
            RunEvent::Started { run, node, .. } if self.is_current(run) => self.advance(node, 0.0, String::new()),
            RunEvent::Progress { run, node, fraction, message } if self.is_current(run) => {
                self.advance(node, fraction, message);
            }
            RunEvent::Finished { run, node, report } if self.is_current(run) => {
                self.progress.under_way.remove(&node);
                self.progress.done.insert(node.clone());
                self.finish_node(node, report);
            }
            RunEvent::Planned { .. }
            | RunEvent::Started { .. }
            | RunEvent::Progress { .. }
            // The page shows figures once a node is through.
            | RunEvent::Metric { .. }
            | RunEvent::Finished { .. } => return,
        }
        let now = self.progress.fraction();
        if let RunState::Running { fraction, .. } = &mut self.run {
            *fraction = now;
        }
        let quarters = (now * 4.0) as u32;
        if quarters > self.progress.quarters_told && quarters < 4 {
            self.progress.quarters_told = quarters;
            tasks.push(Task::Announce(format!("{} percent done", quarters * 25)));
        }
    }

    fn advance(&mut self, node: NodeId, fraction: f64, message: String) {
        if self.pipeline.node(&node).is_none() || self.progress.done.contains(&node) {
            return;
        }
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.progress.under_way.insert(node.clone(), fraction);
        self.statuses.entry(node).or_default().state = NodeState::Running { fraction, message };
    }

    fn finish_node(&mut self, node: NodeId, report: NodeReport) {
        if self.pipeline.node(&node).is_none() {
            return;
        }
        let is_changed = self.progress.changed.contains(&node);
        let status = self.statuses.entry(node).or_default();
        status.why = report.why.clone();
        status.state = match NodeState::after(&report.outcome) {
            NodeState::Ran | NodeState::Reused if is_changed => NodeState::Stale,
            state => state,
        };
        // What an earlier run showed stays on the card when this one was stopped before the node's turn.
        let is_result = matches!(report.outcome, NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Failed(_));
        let has_result = status.report.as_ref().is_some_and(|report| !report.artifacts.is_empty());
        if is_result || !has_result {
            status.report = Some(report);
        } else if status.state == NodeState::Cancelled {
            status.state = NodeState::Stale;
        }
        self.shapes_changed();
    }

    pub(crate) fn run_done(&mut self, run: RunId, result: Result<RunReport, Failure>, tasks: &mut Vec<Task>) {
        if !self.is_current(run) {
            return;
        }
        self.run = RunState::Idle;
        // Whatever a worker that died left behind as under way is not.
        match result {
            Ok(report) => {
                for (id, node_report) in &report.nodes {
                    if !self.progress.done.contains(id) {
                        self.finish_node(id.clone(), node_report.clone());
                    }
                }
                self.schemas.extend(report.schemas.iter().map(|(port, schema)| (port.clone(), schema.clone())));
                tasks.push(Task::Announce(self.summary(&report)));
                self.last_report = Some(report);
            }
            Err(failure) => {
                tasks.push(Task::Announce(format!("The run could not be carried out: {failure}")));
                tasks.push(Task::Refuse(match failure.help.is_empty() {
                    true => failure.message,
                    false => format!("{}. {}", failure.message, failure.help),
                }));
            }
        }
        for status in self.statuses.values_mut() {
            if let NodeState::Queued | NodeState::Running { .. } = status.state {
                status.state = match status.report {
                    Some(_) => NodeState::Stale,
                    None => NodeState::Cancelled,
                };
            }
        }
        self.progress = self.progress.emptied();
        tasks.push(Task::Check);
    }

    fn summary(&self, report: &RunReport) -> String {
        let count =
            |wanted: fn(&NodeOutcome) -> bool| report.nodes.values().filter(|report| wanted(&report.outcome)).count();
        let n_failed = count(|outcome| matches!(outcome, NodeOutcome::Failed(_)));
        let n_skipped = count(|outcome| matches!(outcome, NodeOutcome::Skipped(_)));
        let n_ran = count(|outcome| matches!(outcome, NodeOutcome::Ran));
        let n_reused = count(|outcome| matches!(outcome, NodeOutcome::Reused));
        let mut parts = vec![format!("{n_ran} ran"), format!("{n_reused} reused")];
        if n_failed > 0 {
            parts.push(format!("{n_failed} failed"));
        }
        if n_skipped > 0 {
            parts.push(format!("{n_skipped} skipped"));
        }
        let head = match (report.cancelled, n_failed) {
            (true, _) => "Run stopped",
            (false, 0) => "Run finished",
            (false, _) => "Run finished with failures",
        };
        let first_failure = report.nodes.iter().find_map(|(id, report)| match &report.outcome {
            NodeOutcome::Failed(failure) => Some(format!(". {}: {failure}", self.title(id))),
            NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
        });
        format!("{head}: {}{}", parts.join(", "), first_failure.unwrap_or_default())
    }

    pub(crate) fn checked(&mut self, revision: u64, checked: Checked) {
        // An answer about an older revision would paint problems that are mended already; a newer one follows.
        if revision != self.revision() {
            return;
        }
        self.checked_revision = Some(revision);
        self.problems = checked.problems;
        self.schemas = checked.schemas;
        let stale: BTreeSet<_> = checked.stale.into_iter().gather();
        for (id, status) in &mut self.statuses {
            let Some(report) = &status.report else { continue };
            match (&status.state, stale.contains(id)) {
                (NodeState::Ran | NodeState::Reused, true) => status.state = NodeState::Stale,
                // The change was taken back: the result fits again.
                (NodeState::Stale, false) => status.state = NodeState::after(&report.outcome),
                _ => {}
            }
        }
    }

    /// These nodes and all that rest on them.
    fn with_downstream(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut open: Vec<_> = nodes.iter().cloned().collect();
        let mut seen = nodes.clone();
        while let Some(id) = open.pop() {
            for next in self.pipeline.downstream(&id) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    }

    /// After a change, results of these nodes and of all that rest on them may no longer fit. The next
    /// [`Checked`] knows for certain.
    pub(crate) fn mark_stale(&mut self, touched: &BTreeSet<NodeId>) {
        let seen = self.with_downstream(touched);
        for id in &seen {
            if let Some(status) = self.statuses.get_mut(id)
                && matches!(status.state, NodeState::Ran | NodeState::Reused)
            {
                status.state = NodeState::Stale;
            }
        }
        if let RunState::Running { .. } = self.run {
            self.progress.changed.extend(seen);
        }
    }
}
