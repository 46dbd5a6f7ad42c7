//! Running: which node is next, who computes it, and what it is told to have come to.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use pipeline::{NodeId, OutPort, Pipeline, Problem, Severity, Spec};
use protocol::{Failure, NodeOutcome, NodeReport, Rerun, RunEvent, RunId, RunReport, RunTarget};

use super::course::{Away, Course, Ready};
use super::{Engine, Last};
use crate::cache::Kept;
use crate::face::default_face;
use crate::job::{OnMetric, progress_events};
use crate::key::{NodeKey, Recipe, recipe};
use crate::parcel::Left;
use crate::team::{Give, Order, Team};
use crate::why::{title, what_changed};
use crate::{Answer, Artifact, Component, Flow, Host, Job, JobError, Local, Task};

/// A node that is being computed here, on its way.
type Computing<'a, 'p> = Local<'a, (Ready<'p>, Result<(), JobError>, Left)>;

/// What is to be done for a node.
enum Next<'p> {
    /// Nothing: it came out like this.
    Settled(Box<NodeReport>),
    /// To compute it.
    Ready(Box<Ready<'p>>),
    /// To wait: another node under way gives the same, or others hold the memory that it would need.
    Later,
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
        let team = host.crew().map(Team::new);
        let mut course = self.course(host, run, pipeline, target, rerun, team.as_ref());
        // In the order of `course.here`.
        let mut computing: Vec<Computing<'_, '_>> = Vec::new();
        while !course.is_over() {
            if computing.is_empty() {
                // Between nodes too, so that a pipeline of many quick nodes can be stopped and watched.
                host.breathe().await;
            }
            course.report.cancelled |= host.is_cancelled();
            if !course.report.cancelled {
                if self.come_back(&mut course) || self.look_ahead(&mut course) {
                    continue;
                }
                while let Some(ready) = course.next_here() {
                    computing.push(Box::pin(async {
                        let (outcome, left) = self.compute(host, run, team.as_ref(), &ready).await;
                        (ready, outcome, left)
                    }));
                }
            } else if computing.is_empty() {
                course.stop();
            }
            if !computing.is_empty() {
                let ended = poll_fn(|context| {
                    let polled = computing.iter_mut().map(|computing| computing.as_mut().poll(context));
                    match polled.enumerate().find(|(_, polled)| polled.is_ready()) {
                        Some((at, Poll::Ready(ended))) => Poll::Ready(Some((at, ended))),
                        _ if course.has_answer() && !course.report.cancelled => Poll::Ready(None),
                        _ => Poll::Pending,
                    }
                });
                if let Some((at, (ready, outcome, left))) = ended.await {
                    drop(computing.remove(at));
                    course.here.remove(at);
                    self.conclude(ready, outcome, left, &mut course);
                }
            } else if let Some(team) = &team {
                team.rest().await;
            }
        }
        let mut report = course.report;
        for id in report.nodes.keys() {
            for (port, table) in self.tables(id) {
                report.schemas.insert(OutPort::new(id, &port), table.schema().clone());
            }
        }
        report.elapsed_secs = host.now_secs() - started_secs;
        report
    }

    /// A run of which nothing has been done.
    fn course<'a, 'p>(
        &'p self,
        host: &'a dyn Host,
        run: RunId,
        pipeline: &'p Pipeline,
        target: &RunTarget,
        rerun: &Rerun,
        team: Option<&'a Team<'a>>,
    ) -> Course<'a, 'p> {
        let order = plan(pipeline, target);
        let mut consumers: BTreeMap<NodeId, Vec<NodeId>> = order.iter().map(|id| (id.clone(), Vec::new())).collect();
        for id in &order {
            for source in pipeline.upstream(id) {
                consumers.entry(source).or_default().push(id.clone());
            }
        }
        host.emit(RunEvent::Planned { run, nodes: order.clone() });
        let title_of = |component: &str| Some(self.catalogue.get(component)?.title.clone());
        let titles = pipeline.nodes().keys().map(|id| (id.clone(), title(pipeline, id, title_of))).collect();
        Course {
            host,
            run,
            pipeline,
            team,
            rerun: rerun_nodes(pipeline, &order, rerun),
            keys: BTreeMap::new(),
            results: BTreeMap::new(),
            problems: pipeline::check(pipeline, &self.catalogue),
            titles,
            consumers,
            waiting: order,
            ready: Vec::new(),
            away: Vec::new(),
            here: Vec::new(),
            report: RunReport {
                run,
                nodes: BTreeMap::new(),
                cancelled: false,
                elapsed_secs: 0.0,
                schemas: BTreeMap::new(),
            },
        }
    }

    /// Settles what needs no computing, or finds out what the next nodes need and hands those over that helpers may
    /// compute as a whole: the work of several does not rest on each other, and this engine keeps one. Whether a node was
    /// settled.
    fn look_ahead<'p>(&'p self, course: &mut Course<'_, 'p>) -> bool {
        let n_ahead = if course.team.is_some() { usize::MAX } else { 1 };
        let mut at = 0;
        while at < course.waiting.len() && course.ready.len() < n_ahead {
            let id = course.waiting[at].clone();
            let sources = course.pipeline.upstream(&id);
            let is_next = sources.iter().all(|source| course.report.nodes.contains_key(source));
            match is_next.then(|| self.prepare(course, &id)) {
                Some(Next::Settled(node_report)) => {
                    course.waiting.remove(at);
                    course.settle(id, *node_report);
                    return true;
                }
                Some(Next::Ready(ready)) => {
                    course.waiting.remove(at);
                    course.ready.push(*ready);
                }
                Some(Next::Later) | None => at += 1,
            }
        }
        let Some(team) = course.team else { return false };
        let n_kept = usize::from(course.here.is_empty());
        let mut n_long = course.ready.iter().filter(|ready| course.is_long(ready)).count();
        // The last leave first, and those that had rather stay, last.
        let mut leaving: Vec<usize> = (0..course.ready.len()).rev().collect();
        leaving.sort_by_key(|at| course.ready[*at].work.stays);
        let mut handed = BTreeMap::new();
        for at in leaving {
            let ready = &course.ready[at];
            if n_long <= n_kept || ready.is_lost || ready.work.n_parts >= 2 || !course.is_long(ready) {
                continue;
            }
            let place = Some((course.run, ready.id.clone()));
            let order = Order::new(place, ready.node, ready.recipe.node_seed(), &ready.inputs, ready.n_bytes);
            if let Some((ticket, worker)) = team.hand(&order, Task::Whole, Give::Work) {
                n_long -= 1;
                course.host.emit(RunEvent::Started { run: course.run, node: ready.id.clone(), worker });
                handed.insert(at, (ticket, worker));
            }
        }
        for (at, ready) in std::mem::take(&mut course.ready).into_iter().enumerate() {
            match handed.remove(&at) {
                Some((ticket, worker)) => course.away.push(Away { ticket, worker, ready }),
                None => course.ready.push(ready),
            }
        }
        false
    }

    /// Takes in a node that a helper has computed, if one has. One whose helper fell is computed here.
    fn come_back(&self, course: &mut Course<'_, '_>) -> bool {
        let Some(team) = course.team else { return false };
        let answers = course.away.iter().enumerate().find_map(|(at, away)| Some((at, team.answer(away.ticket)?)));
        let Some((at, answer)) = answers else { return false };
        let Away { worker, ready, .. } = course.away.remove(at);
        let parcel = match answer {
            Answer::Lost => {
                course.ready.insert(0, Ready { is_lost: true, ..ready });
                return true;
            }
            Answer::Done(outcome) => outcome,
        };
        let (outcome, mut left) = match parcel.and_then(|parcel| Left::unpack(&parcel, &self.components)) {
            Ok(left) => (Ok(()), left),
            Err(error) => (Err(error), Left::default()),
        };
        left.workers.insert(worker);
        left.measured.iter().for_each(metric_events(course.host, course.run, ready.id.clone()));
        self.conclude(ready, outcome, left, course);
        true
    }

    /// What is to be done for a node whose sources are settled.
    fn prepare<'p>(&'p self, course: &mut Course<'_, 'p>, id: &NodeId) -> Next<'p> {
        let (host, run, pipeline) = (course.host, course.run, course.pipeline);
        let settled = |node_report| Next::Settled(Box::new(node_report));
        if let Some((culprit, name)) = blocked_by(pipeline, id, &course.report.nodes, &course.titles) {
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
        let is_error = |problem: &&Problem| problem.node.as_ref() == Some(id) && problem.severity == Severity::Error;
        let problem = course.problems.iter().find(is_error);
        let (computation, accelerator) = {
            let mut state = self.state.borrow_mut();
            state.n_computations += u64::from(!spec.is_deterministic);
            (state.n_computations, state.accelerator_of(spec))
        };
        let Some(recipe) = recipe(pipeline, id, spec, &course.keys, computation, accelerator) else {
            let failure = Failure::new("an input comes from a node that did not run", "Run the whole pipeline.");
            return settled(failed(failure));
        };
        let key = recipe.key();
        if course.has(key) {
            return Next::Later;
        }
        course.keys.insert(id.clone(), key);

        let (kept, why_reused) = {
            let mut state = self.state.borrow_mut();
            // What the recipe does not tell, such as an edge to an input that there is not, is a problem all the same.
            let may_reuse = problem.is_none() && !course.rerun.contains(id);
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
            course.results.insert(id.clone(), kept);
            return settled(report);
        }

        let why = match self.state.borrow().last.get(id) {
            None => "It had not run before.".into(),
            Some(last) if last.failed && last.key == key => "It failed last time.".into(),
            Some(last) if last.key == key && course.rerun.contains(id) => {
                "It was asked to run again, unchanged.".into()
            }
            Some(last) => what_changed(&last.recipe, &recipe, spec, &course.titles),
        };
        let inputs = inputs_of(&recipe, &course.results);
        // What `check` would say comes first: it is worded for the inspector.
        if let Some(failure) = problem_before_run(node, *component, spec, &inputs, problem) {
            self.state.borrow_mut().last.insert(id.clone(), Last { recipe, key, failed: true });
            return settled(NodeReport { why, ..failed(failure) });
        }

        let job = Job::new(*component, host, node, spec, inputs.clone(), recipe.node_seed());
        let (work, needed) = (component.work(&job), component.memory(&job));
        let n_bytes = job.table_bytes().saturating_add(needed);
        if let Err(failure) = self.make_room(host, &course.titles[id], needed, &course.results) {
            if course.is_under_way() {
                return Next::Later;
            }
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
        team: Option<&Team<'_>>,
        ready: &Ready<'_>,
    ) -> (Result<(), JobError>, Left) {
        let Ready { id, node, component, spec, recipe, inputs, .. } = ready;
        host.emit(RunEvent::Started { run, node: id.clone(), worker: 0 });
        let started_secs = host.now_secs();
        let mut job = Job {
            on_progress: progress_events(host, run, id.clone()),
            on_metric: metric_events(host, run, id.clone()),
            watched: Some(id),
            team,
            ..Job::new(*component, host, node, spec, inputs.clone(), recipe.node_seed())
        };
        let outcome = component.run(&mut job).await;
        let elapsed_secs = host.now_secs() - started_secs - job.paused_secs;
        let Job { outputs, face, panels, measured, remarks, helpers: mut workers, .. } = job;
        workers.insert(0);
        (outcome, Left { outputs, face, panels, measured, elapsed_secs, remarks, workers })
    }

    /// Keeps what a node left, and says how it came out.
    fn conclude(&self, ready: Ready<'_>, outcome: Result<(), JobError>, left: Left, course: &mut Course<'_, '_>) {
        let Ready { id, spec, recipe, key, why: reason, .. } = ready;
        let Left { outputs, face, panels, measured, elapsed_secs, remarks, workers } = left;
        let why = |first: String| [vec![first], remarks].concat().join(" ");
        let node_report = match outcome {
            Ok(()) => match spec.outputs.iter().find(|port| !outputs.contains_key(&port.name)) {
                Some(port) => failed(Failure::new(
                    format!("{} gave nothing at its output `{}`", spec.title, port.name),
                    "This is a fault of the component: please report it with the pipeline's file.",
                )),
                None => {
                    let metrics = metrics_of(&outputs);
                    let face = face.or_else(|| outputs.values().find_map(default_face));
                    let mut state = self.state.borrow_mut();
                    let kept = state.cache.insert(key, Kept { outputs, face, panels, metrics, measured, elapsed_secs });
                    state.last.insert(id.clone(), Last { recipe, key, failed: false });
                    let report = NodeReport { workers, ..finished(NodeOutcome::Ran, why(reason), key, &kept) };
                    course.results.insert(id.clone(), kept);
                    report
                }
            },
            Err(JobError::Cancelled) => unfinished(NodeOutcome::Cancelled, &why("The run was stopped.".into())),
            Err(JobError::Failed(failure)) => {
                self.state.borrow_mut().last.insert(id.clone(), Last { recipe, key, failed: true });
                NodeReport { why: why(reason), elapsed_secs, workers, ..failed(failure) }
            }
        };
        course.settle(id, node_report);
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

pub(super) fn unfinished(outcome: NodeOutcome, why: &str) -> NodeReport {
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
