//! Running: which node is next, who computes it, and what it is told to have come to.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pipeline::{Node, NodeId, OutPort, Pipeline, Problem, Severity, Spec};
use protocol::{Failure, NodeOutcome, NodeReport, Rerun, RunEvent, RunId, RunReport, RunTarget};

use super::{Engine, Last};
use crate::cache::Kept;
use crate::face::default_face;
use crate::job::{OnMetric, OnProgress};
use crate::key::{NodeKey, Recipe, recipe};
use crate::parcel::Left;
use crate::team::{Give, Order, Team};
use crate::why::{title, what_changed};
use crate::{Answer, Artifact, Component, Flow, Host, Job, JobError, Task, Work};

/// What a run knows so far.
struct Progress<'a> {
    /// Who helps.
    team: Option<Team<'a>>,
    /// Nodes whose earlier results do not count.
    rerun: BTreeSet<NodeId>,
    keys: BTreeMap<NodeId, NodeKey>,
    /// Held here as well as in the cache, which may let them go while nodes still need them.
    results: BTreeMap<NodeId, Rc<Kept>>,
    problems: Vec<Problem>,
    titles: BTreeMap<NodeId, String>,
}

/// The nodes of a run that are not settled.
#[derive(Default)]
struct Todo<'p> {
    /// Sources first.
    waiting: Vec<NodeId>,
    /// Everything they rest on is there.
    ready: Vec<Ready<'p>>,
    /// At a helper.
    away: Vec<Away<'p>>,
}

/// A node at a helper.
struct Away<'p> {
    ticket: u64,
    worker: u32,
    ready: Ready<'p>,
}

impl<'p> Todo<'p> {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.ready.is_empty() && self.away.is_empty()
    }

    /// Whether a node is under way whose results have this key.
    fn has(&self, key: NodeKey) -> bool {
        self.ready.iter().chain(self.away.iter().map(|away| &away.ready)).any(|ready| ready.key == key)
    }

    fn next_here(&mut self) -> Option<Ready<'p>> {
        (!self.ready.is_empty()).then(|| self.ready.remove(0))
    }

    /// All that is left, because the run is over.
    fn rest(&mut self) -> Vec<NodeId> {
        let ready = self.ready.drain(..).chain(self.away.drain(..).map(|away| away.ready)).map(|ready| ready.id);
        ready.chain(self.waiting.drain(..)).collect()
    }
}

/// What is to be done for a node.
enum Next<'p> {
    /// Nothing: it came out like this.
    Settled(Box<NodeReport>),
    /// To compute it.
    Ready(Box<Ready<'p>>),
    /// To wait for another node that gives the same.
    Twin,
}

/// A node that is to be computed, and all that this takes.
struct Ready<'p> {
    id: NodeId,
    node: &'p Node,
    component: &'static dyn Component,
    spec: &'p Spec,
    recipe: Recipe,
    key: NodeKey,
    why: String,
    inputs: BTreeMap<String, Artifact>,
    work: Work,
    /// What a helper needs for it.
    n_bytes: u64,
    /// A helper fell over it.
    is_lost: bool,
}

impl Engine {
    /// Runs a pipeline, or the part of it that `target` needs. Never fails as a whole: each node says how it went.
    pub async fn run(&self, host: &dyn Host, run: RunId, pipeline: &Pipeline, target: &RunTarget) -> RunReport {
        self.run_again(host, run, pipeline, target, &Rerun::Changed).await
    }

    /// The same, and some nodes are computed although nothing has changed.
    pub async fn run_again(
        &self,
        host: &dyn Host,
        run: RunId,
        pipeline: &Pipeline,
        target: &RunTarget,
        rerun: &Rerun,
    ) -> RunReport {
        let started_secs = host.now_secs();
        self.state.borrow_mut().accelerator = host.accelerator().map_or_else(String::new, |it| it.name());
        let order = plan(pipeline, target);
        let mut consumers: BTreeMap<NodeId, Vec<NodeId>> = order.iter().map(|id| (id.clone(), Vec::new())).collect();
        for id in &order {
            for source in pipeline.upstream(id) {
                consumers.entry(source).or_default().push(id.clone());
            }
        }
        host.emit(RunEvent::Planned { run, nodes: order.clone() });
        let titles: BTreeMap<_, _> = pipeline
            .nodes()
            .keys()
            .map(|id| (id.clone(), title(pipeline, id, |component| Some(self.catalogue.get(component)?.title.clone()))))
            .collect();

        let problems = pipeline::check(pipeline, &self.catalogue);
        let rerun = rerun_nodes(pipeline, &order, rerun);
        let team = host.crew().map(Team::new);
        let mut progress = Progress { team, rerun, keys: BTreeMap::new(), results: BTreeMap::new(), problems, titles };
        let mut report =
            RunReport { run, nodes: BTreeMap::new(), cancelled: false, elapsed_secs: 0.0, schemas: BTreeMap::new() };
        let settle = |report: &mut RunReport, progress: &mut Progress<'_>, id: NodeId, node_report: NodeReport| {
            report.cancelled |= node_report.outcome == NodeOutcome::Cancelled;
            host.emit(RunEvent::Finished { run, node: id.clone(), report: node_report.clone() });
            report.nodes.insert(id, node_report);
            // A result is let go with the last node of this run that takes it.
            progress.results.retain(|source, _| consumers[source].iter().any(|id| !report.nodes.contains_key(id)));
        };
        let mut todo = Todo { waiting: order, ..Todo::default() };
        while !todo.is_empty() {
            // Between nodes too, so that a pipeline of many quick nodes can be stopped and watched.
            host.breathe().await;
            report.cancelled |= host.is_cancelled();
            if report.cancelled {
                for id in todo.rest() {
                    let why = "The run was stopped before it was its turn.";
                    settle(&mut report, &mut progress, id, unfinished(NodeOutcome::Cancelled, why));
                }
                break;
            }
            if let Some((id, node_report)) = self.come_back(host, run, &mut todo, &mut progress) {
                settle(&mut report, &mut progress, id, node_report);
            } else if let Some((id, node_report)) =
                self.look_ahead(host, run, pipeline, &mut todo, &mut progress, &report)
            {
                settle(&mut report, &mut progress, id, node_report);
            } else if let Some(ready) = todo.next_here() {
                let (outcome, left) = self.compute(host, run, &ready, &progress).await;
                let id = ready.id.clone();
                let node_report = self.conclude(ready, outcome, left, &mut progress);
                settle(&mut report, &mut progress, id, node_report);
            } else if let Some(team) = &progress.team {
                team.rest().await;
            }
        }
        for id in report.nodes.keys() {
            for (port, table) in self.tables(id) {
                report.schemas.insert(OutPort::new(id, &port), table.schema().clone());
            }
        }
        report.elapsed_secs = host.now_secs() - started_secs;
        report
    }

    /// Settles what needs no computing, or finds out what the next nodes need and hands those over that helpers may
    /// compute as a whole: the work of several does not rest on each other, and this engine keeps one.
    fn look_ahead<'p>(
        &'p self,
        host: &dyn Host,
        run: RunId,
        pipeline: &'p Pipeline,
        todo: &mut Todo<'p>,
        progress: &mut Progress<'_>,
        report: &RunReport,
    ) -> Option<(NodeId, NodeReport)> {
        let n_ahead = if progress.team.is_some() { usize::MAX } else { 1 };
        let mut at = 0;
        while at < todo.waiting.len() && todo.ready.len() < n_ahead {
            let id = todo.waiting[at].clone();
            let sources = pipeline.upstream(&id);
            let is_next = sources.iter().all(|source| report.nodes.contains_key(source));
            match is_next.then(|| self.prepare(host, run, pipeline, &id, todo, progress, &report.nodes)) {
                Some(Next::Settled(node_report)) => {
                    todo.waiting.remove(at);
                    return Some((id, *node_report));
                }
                Some(Next::Ready(ready)) => {
                    todo.waiting.remove(at);
                    todo.ready.push(*ready);
                }
                // Its turn has not come, or another node that is under way gives just what it would.
                Some(Next::Twin) | None => at += 1,
            }
        }
        let team = progress.team.as_ref()?;
        let mut n_heavy = todo.ready.iter().filter(|ready| team.is_worth(ready.work.nanos)).count();
        let mut kept = Vec::new();
        for ready in todo.ready.drain(..).rev() {
            let may_leave = n_heavy > 1 && !ready.is_lost && ready.work.n_parts < 2 && team.is_worth(ready.work.nanos);
            let order = || Order::new(ready.node, ready.recipe.node_seed(), &ready.inputs, ready.n_bytes);
            match may_leave.then(|| team.hand(&order(), Task::Whole, Give::Work)).flatten() {
                Some((ticket, worker)) => {
                    n_heavy -= 1;
                    host.emit(RunEvent::Started { run, node: ready.id.clone(), worker });
                    todo.away.push(Away { ticket, worker, ready });
                }
                None => kept.push(ready),
            }
        }
        kept.reverse();
        todo.ready = kept;
        None
    }

    /// Takes in a node that a helper has computed. One whose helper fell is computed here.
    fn come_back(
        &self,
        host: &dyn Host,
        run: RunId,
        todo: &mut Todo<'_>,
        progress: &mut Progress<'_>,
    ) -> Option<(NodeId, NodeReport)> {
        let team = progress.team.as_ref()?;
        let (at, answer) = todo.away.iter().enumerate().find_map(|(at, away)| Some((at, team.answer(away.ticket)?)))?;
        let Away { worker, ready, .. } = todo.away.remove(at);
        let parcel = match answer {
            Answer::Lost => {
                todo.ready.insert(0, Ready { is_lost: true, ..ready });
                return None;
            }
            Answer::Done(outcome) => outcome,
        };
        let (outcome, mut left) = match parcel.and_then(|parcel| Left::unpack(&parcel, &self.components)) {
            Ok(left) => (Ok(()), left),
            Err(error) => (Err(error), Left::default()),
        };
        left.workers.insert(worker);
        left.measured.iter().for_each(metric_events(host, run, ready.id.clone()));
        let id = ready.id.clone();
        Some((id, self.conclude(ready, outcome, left, progress)))
    }

    /// What is to be done for a node whose sources are settled.
    #[allow(clippy::too_many_arguments, reason = "it is a step of a run, which knows all of this")]
    fn prepare<'p>(
        &'p self,
        host: &dyn Host,
        run: RunId,
        pipeline: &'p Pipeline,
        id: &NodeId,
        todo: &Todo<'_>,
        progress: &mut Progress<'_>,
        done: &BTreeMap<NodeId, NodeReport>,
    ) -> Next<'p> {
        let Progress { rerun, keys, results, problems, titles, .. } = progress;
        let settled = |node_report| Next::Settled(Box::new(node_report));
        if let Some((culprit, name)) = blocked_by(pipeline, id, done, titles) {
            return settled(unfinished(
                NodeOutcome::Skipped(culprit),
                &format!("{name} failed, and this rests on it."),
            ));
        }
        let found = pipeline.node(id).and_then(|node| Some((node, self.components.get(&node.component)?)));
        let Some((node, (component, spec))) = found else {
            return settled(failed(Failure::new(
                "this version of Millrace does not know the component".to_owned(),
                "Open the pipeline with a newer version, or take the node away.",
            )));
        };
        let problem =
            problems.iter().find(|problem| problem.node.as_ref() == Some(id) && problem.severity == Severity::Error);
        let (computation, accelerator) = {
            let mut state = self.state.borrow_mut();
            state.n_computations += u64::from(!spec.is_deterministic);
            (state.n_computations, state.accelerator_of(spec))
        };
        let Some(recipe) = recipe(pipeline, id, spec, keys, computation, accelerator) else {
            let failure = Failure::new("an input comes from a node that did not run", "Run the whole pipeline.");
            return settled(failed(failure));
        };
        let key = recipe.key();
        if todo.has(key) {
            return Next::Twin;
        }
        keys.insert(id.clone(), key);

        let (kept, why_reused) = {
            let mut state = self.state.borrow_mut();
            // What the recipe does not tell, such as an edge to an input that there is not, is a problem all the same.
            let may_reuse = problem.is_none() && !rerun.contains(id);
            let kept = if may_reuse { state.cache.get(key) } else { None };
            let unchanged = state.last.get(id).is_some_and(|last| last.key == key);
            (
                kept,
                if unchanged {
                    "Nothing it depends on has changed."
                } else {
                    "The same step had already run on the same data."
                },
            )
        };
        if let Some(kept) = kept {
            self.state.borrow_mut().last.insert(id.clone(), Last { recipe, key, failed: false });
            let tell = metric_events(host, run, id.clone());
            kept.measured.iter().for_each(tell);
            let report = finished(NodeOutcome::Reused, why_reused.into(), key, &kept);
            results.insert(id.clone(), kept);
            return settled(report);
        }

        let why = match self.state.borrow().last.get(id) {
            None => "It had not run before.".into(),
            Some(last) if last.failed && last.key == key => "It failed last time.".into(),
            Some(last) if last.key == key && rerun.contains(id) => "It was asked to run again, unchanged.".into(),
            Some(last) => what_changed(&last.recipe, &recipe, spec, titles),
        };
        let inputs = inputs_of(&recipe, results);
        // What `check` would say comes first: it is worded for the inspector.
        if let Some(failure) = problem_before_run(node, *component, spec, &inputs, problem) {
            self.state.borrow_mut().last.insert(id.clone(), Last { recipe, key, failed: true });
            return settled(NodeReport { why, ..failed(failure) });
        }

        let job = Job::new(*component, host, node, spec, inputs.clone(), recipe.node_seed());
        let (work, needed) = (component.work(&job), component.memory(&job));
        let n_bytes = job.table_bytes().saturating_add(needed);
        if let Err(failure) = self.make_room(host, &titles[id], needed, results) {
            self.state.borrow_mut().last.insert(id.clone(), Last { recipe, key, failed: true });
            return settled(NodeReport { why, ..failed(failure) });
        }
        let id = id.clone();
        Next::Ready(Box::new(Ready {
            id,
            node,
            component: *component,
            spec,
            recipe,
            key,
            why,
            inputs,
            work,
            n_bytes,
            is_lost: false,
        }))
    }

    /// Computes a node here.
    async fn compute(
        &self,
        host: &dyn Host,
        run: RunId,
        ready: &Ready<'_>,
        progress: &Progress<'_>,
    ) -> (Result<(), JobError>, Left) {
        let Ready { id, node, component, spec, recipe, inputs, .. } = ready;
        host.emit(RunEvent::Started { run, node: id.clone(), worker: 0 });
        let started_secs = host.now_secs();
        let mut job = Job {
            on_progress: progress_events(host, run, id.clone()),
            on_metric: metric_events(host, run, id.clone()),
            watched: Some(id),
            team: progress.team.as_ref(),
            ..Job::new(*component, host, node, spec, inputs.clone(), recipe.node_seed())
        };
        let outcome = component.run(&mut job).await;
        let elapsed_secs = host.now_secs() - started_secs - job.paused_secs;
        let Job { outputs, face, panels, measured, remarks, helpers: mut workers, .. } = job;
        workers.insert(0);
        (outcome, Left { outputs, face, panels, measured, elapsed_secs, remarks, workers })
    }

    /// Keeps what a node left, and says how it came out.
    fn conclude(
        &self,
        ready: Ready<'_>,
        outcome: Result<(), JobError>,
        left: Left,
        progress: &mut Progress<'_>,
    ) -> NodeReport {
        let Ready { id, spec, recipe, key, why, .. } = ready;
        let Left { outputs, face, panels, measured, elapsed_secs, remarks, workers } = left;
        match outcome {
            Ok(()) => {
                let why = [vec![why], remarks].concat().join(" ");
                if let Some(port) = spec.outputs.iter().find(|port| !outputs.contains_key(&port.name)) {
                    return failed(Failure::new(
                        format!("{} gave nothing at its output `{}`", spec.title, port.name),
                        "This is a fault of the component: please report it with the pipeline's file.",
                    ));
                }
                let metrics = metrics_of(&outputs);
                let face = face.or_else(|| outputs.values().find_map(default_face));
                let mut state = self.state.borrow_mut();
                let kept = state.cache.insert(key, Kept { outputs, face, panels, metrics, measured, elapsed_secs });
                state.last.insert(id.clone(), Last { recipe, key, failed: false });
                let report = NodeReport { workers, ..finished(NodeOutcome::Ran, why, key, &kept) };
                progress.results.insert(id, kept);
                report
            }
            Err(JobError::Cancelled) => {
                let why = [vec!["The run was stopped.".into()], remarks].concat().join(" ");
                unfinished(NodeOutcome::Cancelled, &why)
            }
            Err(JobError::Failed(failure)) => {
                let why = [vec![why], remarks].concat().join(" ");
                self.state.borrow_mut().last.insert(id, Last { recipe, key, failed: true });
                NodeReport { why, elapsed_secs, workers, ..failed(failure) }
            }
        }
    }
}

/// What reaches a node's inputs.
fn inputs_of(recipe: &Recipe, results: &BTreeMap<NodeId, Rc<Kept>>) -> BTreeMap<String, Artifact> {
    recipe
        .inputs
        .iter()
        .filter_map(|(port, feed)| Some((port.clone(), results.get(&feed.node)?.outputs.get(&feed.port)?.clone())))
        .collect()
}

/// The nodes to visit, sources first.
fn plan(pipeline: &Pipeline, target: &RunTarget) -> Vec<NodeId> {
    let order = pipeline.topological_order();
    let RunTarget::To(ends) = target else { return order };
    let needed = pipeline.feeding(ends);
    order.into_iter().filter(|id| needed.contains(id)).collect()
}

/// The nodes whose earlier results do not count: those asked for, and all that rests on them.
fn rerun_nodes(pipeline: &Pipeline, order: &[NodeId], rerun: &Rerun) -> BTreeSet<NodeId> {
    match rerun {
        Rerun::Changed => BTreeSet::new(),
        Rerun::All => order.iter().cloned().collect(),
        Rerun::Nodes(asked) => order.iter().fold(BTreeSet::new(), |mut nodes, id| {
            if asked.contains(id) || pipeline.upstream(id).iter().any(|source| nodes.contains(source)) {
                nodes.insert(id.clone());
            }
            nodes
        }),
    }
}

/// The first source that did not come through, and the node that is to blame.
fn blocked_by(
    pipeline: &Pipeline,
    id: &NodeId,
    done: &BTreeMap<NodeId, NodeReport>,
    titles: &BTreeMap<NodeId, String>,
) -> Option<(NodeId, String)> {
    pipeline.upstream(id).into_iter().find_map(|source| {
        let culprit = match &done.get(&source)?.outcome {
            NodeOutcome::Failed(_) => source,
            NodeOutcome::Skipped(culprit) => culprit.clone(),
            NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Cancelled => return None,
        };
        let name = titles.get(&culprit).cloned().unwrap_or_else(|| culprit.to_string());
        Some((culprit, name))
    })
}

/// Passes progress on.
fn progress_events<'a>(host: &'a dyn Host, run: RunId, node: NodeId) -> OnProgress<'a> {
    Box::new(move |fraction, message| {
        let fraction = fraction.clamp(0.0, 1.0);
        host.emit(RunEvent::Progress { run, node: node.clone(), fraction, message: message.into() });
    })
}

/// Passes measurements on.
fn metric_events<'a>(host: &'a dyn Host, run: RunId, node: NodeId) -> OnMetric<'a> {
    Box::new(move |measured| {
        host.emit(RunEvent::Metric { run, node: node.clone(), measured: measured.clone() });
    })
}

/// Why a node cannot run: a problem of the document, or columns that do not fit its parameters.
fn problem_before_run(
    node: &pipeline::Node,
    component: &dyn Component,
    spec: &Spec,
    inputs: &BTreeMap<String, Artifact>,
    problem: Option<&Problem>,
) -> Option<Failure> {
    if let Some(problem) = problem {
        return Some(Failure::new(problem.message.clone(), problem.help.clone()));
    }
    let inputs = inputs
        .iter()
        .filter_map(|(port, artifact)| match artifact {
            Artifact::Table(table) => Some((port.clone(), table.schema().clone())),
            _ => None,
        })
        .collect();
    let mut flow = Flow { node, spec, inputs, sources: BTreeMap::new(), outputs: BTreeMap::new() };
    component.flow(&mut flow).err().map(|error| Failure::new(error.message, error.help))
}

fn metrics_of(outputs: &BTreeMap<String, Artifact>) -> BTreeMap<String, f64> {
    outputs
        .values()
        .filter_map(|artifact| match artifact {
            Artifact::Evaluation(evaluation) => Some(evaluation.metrics.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn unfinished(outcome: NodeOutcome, why: &str) -> NodeReport {
    NodeReport {
        outcome,
        why: why.into(),
        elapsed_secs: 0.0,
        workers: BTreeSet::new(),
        face: None,
        outputs: BTreeMap::new(),
        artifacts: BTreeMap::new(),
        metrics: BTreeMap::new(),
    }
}

fn failed(failure: Failure) -> NodeReport {
    unfinished(NodeOutcome::Failed(failure), "")
}

fn finished(outcome: NodeOutcome, why: String, key: NodeKey, kept: &Kept) -> NodeReport {
    NodeReport {
        outcome,
        why,
        elapsed_secs: kept.elapsed_secs,
        workers: BTreeSet::new(),
        face: kept.face.clone(),
        outputs: kept.outputs.iter().map(|(port, artifact)| (port.clone(), artifact.in_brief())).collect(),
        artifacts: kept.outputs.keys().map(|port| (port.clone(), format!("{key}:{port}"))).collect(),
        metrics: kept.metrics.clone(),
    }
}
