//! A run over time: a bar per node and worker, what was reused, and the chain of nodes that it could not be faster than.

use std::collections::BTreeSet;

use pipeline::{Catalogue, NodeId, Pipeline};
use schema::ordered::sort_by;

use crate::record::{Outcome, RunRecord};
use crate::scalar::title_in;

/// A run over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// From the run's beginning to its end.
    pub total_secs: f64,
    /// By worker, then by beginning.
    pub bars: Vec<Bar>,
    /// How many workers computed.
    pub n_workers: u32,
    /// The longest chain of computing nodes, each fed by the one before, from its beginning to its end.
    pub critical: Vec<NodeId>,
    /// How long that chain took.
    pub critical_secs: f64,
    /// Computing time of all nodes together.
    pub busy_secs: f64,
    /// How long the reused results took when they were computed.
    pub saved_secs: f64,
}

/// One node's time.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Which node.
    pub node: NodeId,
    /// Its name for people.
    pub title: String,
    /// Which worker, counted from 0.
    pub worker: u32,
    /// Workers that computed parts of it beside that one.
    pub helpers: BTreeSet<u32>,
    /// When it began.
    pub start_secs: f64,
    /// How long it computed; 0 for a reused result.
    pub elapsed_secs: f64,
    /// What it would have taken; only for a reused result.
    pub saved_secs: f64,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it ran or was reused.
    pub why: String,
    /// It is on the longest chain.
    pub is_critical: bool,
    /// Its beginning was not recorded: it is drawn where the last of its inputs was ready.
    pub is_start_guessed: bool,
}

impl Bar {
    /// The workers that computed it, counted from 1, as people read them: "1", "1–3", "1, 3".
    pub fn workers_in_words(&self) -> String {
        // From the first to the last of each stretch without a gap.
        let mut spans: Vec<(u32, u32)> = Vec::new();
        let mut all = self.helpers.clone();
        all.insert(self.worker);
        for number in all.into_iter().map(|worker| worker + 1) {
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                Some(_) | None => spans.push((number, number)),
            }
        }
        let words = spans.into_iter().map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}–{last}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// A run over time. Nodes that never began have no bar.
pub fn timeline(run: &RunRecord, pipeline: &Pipeline, catalogue: &Catalogue) -> Timeline {
    let flow: Vec<NodeId> = pipeline.topological_order().into_iter().filter(|id| run.node(id).is_some()).collect();
    let mut chains: Vec<Chain> = Vec::with_capacity(flow.len());
    let mut drawn = Timeline { total_secs: run.elapsed_secs, ..Timeline::default() };
    for id in &flow {
        let Some(node) = run.node(id) else { continue };
        let above = pipeline.upstream(id);
        let above: Vec<usize> = above.iter().filter_map(|id| flow.iter().position(|other| other == id)).collect();
        let (elapsed_secs, saved_secs, has_bar) = match &node.outcome {
            Outcome::Ran | Outcome::Failed { .. } => (node.elapsed_secs, 0.0, true),
            Outcome::Reused => (0.0, node.elapsed_secs, true),
            // One that was stopped while it computed has a beginning.
            Outcome::Stopped | Outcome::Pending => (node.elapsed_secs, 0.0, node.start_secs.is_some()),
            Outcome::Skipped { .. } => (0.0, 0.0, false),
        };
        let before = longest(above.iter().copied(), &chains);
        let ready_secs = above.iter().fold(0.0, |ready: f64, at| ready.max(chains[*at].end_secs));
        let start_secs = node.start_secs.unwrap_or(ready_secs);
        chains.push(Chain {
            secs: before.map_or(0.0, |at| chains[at].secs) + elapsed_secs,
            before,
            end_secs: if has_bar { start_secs + elapsed_secs } else { 0.0 },
        });
        if !has_bar {
            continue;
        }
        drawn.total_secs = drawn.total_secs.max(start_secs + elapsed_secs);
        drawn.busy_secs += elapsed_secs;
        drawn.saved_secs += saved_secs;
        let last_worker = node.helpers.last().map_or(node.worker, |last| node.worker.max(*last));
        drawn.n_workers = drawn.n_workers.max(last_worker + 1);
        drawn.bars.push(Bar {
            title: title_in(pipeline, id, catalogue),
            node: id.clone(),
            worker: node.worker,
            helpers: node.helpers.clone(),
            start_secs,
            elapsed_secs,
            saved_secs,
            outcome: node.outcome.clone(),
            why: node.why.clone(),
            is_critical: false,
            is_start_guessed: node.start_secs.is_none(),
        });
    }
    let mut last = longest(0..chains.len(), &chains);
    drawn.critical_secs = last.map_or(0.0, |at| chains[at].secs);
    while let Some(at) = last {
        last = chains[at].before;
        // Nodes that took no time do not hold anything up.
        let bar = drawn.bars.iter_mut().find(|bar| bar.node == flow[at] && bar.elapsed_secs > 0.0);
        if let Some(bar) = bar {
            bar.is_critical = true;
            drawn.critical.push(flow[at].clone());
        }
    }
    drawn.critical.reverse();
    sort_by(&mut drawn.bars, |a, b| a.worker.cmp(&b.worker).then_with(|| a.start_secs.total_cmp(&b.start_secs)));
    drawn
}

/// The longest chain of nodes that ends with one.
struct Chain {
    /// Computing time of all of them.
    secs: f64,
    /// The node before, by its place in the flow.
    before: Option<usize>,
    /// When the node's own result was there.
    end_secs: f64,
}

/// Of these nodes, the first of those with the longest chain.
fn longest(nodes: impl Iterator<Item = usize>, chains: &[Chain]) -> Option<usize> {
    nodes.reduce(|best, other| if chains[other].secs > chains[best].secs { other } else { best })
}
