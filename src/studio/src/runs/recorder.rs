//! Writes down what is heard of runs.

use charts::Marks;
use experiment::{
    EndedTrial, Host, IndexEntry, NewRun, PipelineHash, RunKey, RunRecord, RunState, TrialOf, browser_name, changes,
    pipeline_hash,
};
use leptos::task::spawn_local;
use pipeline::{NodeId, Pipeline, PortType};
use protocol::{Failure, NodeOutcome, Panel, RunEvent, RunId, RunReport, View};

use super::store::{Runs, lock_name};
use crate::dom;
use crate::idle::Busy;
use crate::lock::DocumentLock;
use crate::store::{Heard, Tried};

/// A run under way is written at most this often.
const WRITE_EVERY_MS: f64 = 1_000.0;

impl Runs {
    /// Sees to what was heard, in its order.
    pub fn hear(self) {
        let begins = self.with_session(|session| {
            session.waiting.extend(self.studio.take_heard());
            let begins = !session.is_seen_to && !session.waiting.is_empty();
            session.is_seen_to |= begins;
            begins
        });
        if begins != Some(true) {
            return;
        }
        let busy = Busy::begin();
        spawn_local(async move {
            loop {
                let next = self.with_session(|session| {
                    let next = session.waiting.pop_front();
                    session.is_seen_to = next.is_some();
                    next
                });
                match next.flatten() {
                    Some((at_ms, Heard::Began { run, document, pipeline })) => {
                        self.begin(run, &document, pipeline, at_ms).await;
                    }
                    Some((at_ms, Heard::Event(event))) => self.observe(&event, at_ms).await,
                    Some((_, Heard::Ended { run, result })) => self.end(run, result).await,
                    Some((_, Heard::Tried(tried))) => self.take_trial(*tried).await,
                    None => break,
                }
            }
            drop(busy);
        });
    }

    async fn begin(self, run: RunId, document: &str, pipeline: Pipeline, at_ms: f64) {
        let mut changed = experiment::Changes::default();
        let number = self.next_number(document);
        if let Some(hash) = self.before(document) {
            // Without the pipeline before, nothing is known of what was changed.
            if let Ok(old) = self.pipeline_of(&hash).await {
                changed = self.studio.with(|editor| changes(&old, &pipeline, editor.catalogue()));
            }
        }
        let (started_at, key) = key_of(at_ms);
        let engine = leptos::prelude::GetUntracked::get_untracked(&self.studio.engine);
        let record = RunRecord::begin(NewRun {
            id: key.clone(),
            number,
            document,
            pipeline: &pipeline,
            changes: changed,
            engine: &engine,
            host: host(),
            started_at,
        });
        let lock = DocumentLock::request(&lock_name(&key), false, |_| ());
        self.with_session(|session| {
            session.pipelines.insert(pipeline_hash(&pipeline), pipeline);
            session.records.insert(key.clone(), record);
            session.under_way.insert(run, (key.clone(), at_ms));
            session.locks.insert(key.clone(), lock);
            session.written_ms = at_ms;
        });
        self.list_again(&key);
        self.keep(&key, true).await;
    }

    /// The pipeline of a document's latest run that is no trial.
    fn before(self, document: &str) -> Option<PipelineHash> {
        self.with_table(|table| {
            // Keys sort by time.
            let latest_first = table.all().into_iter().rev().filter_map(|row_idx| table.entry(row_idx));
            let mut of_document = latest_first.filter(|entry| entry.document == document && entry.trial.is_none());
            of_document.next().map(|entry| entry.pipeline.clone())
        })
    }

    /// The last run that was recorded of a pipeline.
    pub fn last_run_of(self, document: &str, pipeline: &PipelineHash) -> Option<RunKey> {
        self.with_table(|table| {
            // Keys sort by time.
            let latest_first = table.all().into_iter().rev().filter_map(|row_idx| table.entry(row_idx));
            let mut same = latest_first.filter(|entry| entry.document == document && entry.pipeline == *pipeline);
            same.next().map(|entry| entry.id.clone())
        })
    }

    /// The run of a trial, and its number.
    fn run_of(self, sweep: &str, number: u32) -> Option<(RunKey, u32)> {
        let is_it = |trial: &TrialOf| trial.sweep == sweep && trial.number == number;
        self.with_table(|table| {
            let mut entries = table.all().into_iter().filter_map(|row_idx| table.entry(row_idx));
            let found = entries.find(|entry| entry.trial.as_ref().is_some_and(is_it));
            found.map(|entry| (entry.id.clone(), entry.number))
        })
    }

    /// The number of a document's next run.
    fn next_number(self, document: &str) -> u32 {
        self.with_table(|table| table.last_number(document)) + 1
    }

    /// A trial of a sweep is over: a run like any other, but for what it is compared with.
    async fn take_trial(self, tried: Tried) {
        // Of what ended in an earlier visit, there may be a run already.
        let before = self.run_of(&tried.sweep, tried.trial.number);
        if tried.turn.is_none() && before.is_some() {
            return;
        }
        let (started_at, key) = key_of(tried.began_ms);
        let engine = leptos::prelude::GetUntracked::get_untracked(&self.studio.engine);
        // Where the tab was closed between a run and its trial, the trial has run again: its run is written anew.
        let (key, number) = before.unwrap_or_else(|| (key, self.next_number(&tried.document)));
        self.studio.with(|editor| {
            let mut record = RunRecord::begin(NewRun {
                id: key.clone(),
                number,
                document: &tried.document,
                pipeline: &tried.pipeline,
                changes: changes(&tried.base, &tried.pipeline, editor.catalogue()),
                engine: &engine,
                host: host(),
                started_at,
            });
            if let Some(turn) = &tried.turn {
                record.finish(&turn.report, &tried.pipeline, editor.catalogue());
                record.settle_starts();
                for (node, panels) in &turn.shown {
                    record.show(node, panels);
                }
            }
            let ended = EndedTrial {
                sweep: &tried.sweep,
                trial: &tried.trial,
                metric: &tried.metric,
                judge: Some(tried.judge.clone()),
            };
            record.end_as(&ended, &tried.pipeline);
            self.with_session(|session| {
                session.pipelines.insert(pipeline_hash(&tried.pipeline), tried.pipeline);
                session.records.insert(key.clone(), record);
            });
        });
        self.list_again(&key);
        self.keep(&key, true).await;
    }

    async fn observe(self, event: &RunEvent, at_ms: f64) {
        let run = match event {
            RunEvent::Planned { run, .. }
            | RunEvent::Started { run, .. }
            | RunEvent::Progress { run, .. }
            | RunEvent::Metric { run, .. }
            | RunEvent::Finished { run, .. } => *run,
        };
        let key = self.with_session(|session| {
            let (key, began_ms) = session.under_way.get(&run)?.clone();
            session.records.get_mut(&key)?.observe(event, (at_ms - began_ms) / 1_000.0, 0);
            Some(key)
        });
        let Some(key) = key.flatten() else { return };
        if matches!(event, RunEvent::Finished { .. }) {
            self.list_again(&key);
        }
        let is_due = self.with_session(|session| {
            let is_due = at_ms - session.written_ms > WRITE_EVERY_MS;
            if is_due {
                session.written_ms = at_ms;
            }
            is_due
        });
        if is_due == Some(true) {
            self.keep(&key, false).await;
        }
    }

    async fn end(self, run: RunId, result: Result<RunReport, Failure>) {
        let known = self.with_session(|session| {
            let (key, _) = session.under_way.remove(&run)?;
            let hash = session.records.get(&key)?.pipeline.clone();
            Some((key, session.pipelines.get(&hash)?.clone()))
        });
        let Some((key, pipeline)) = known.flatten() else { return };
        let mut judges = Vec::new();
        self.studio.with(|editor| {
            self.with_session(|session| {
                let Some(record) = session.records.get_mut(&key) else { return };
                match &result {
                    Ok(report) => {
                        record.finish(report, &pipeline, editor.catalogue());
                        record.settle_starts();
                        judges = telling(report, &pipeline, editor);
                    }
                    Err(failure) if record.nodes.is_empty() => {
                        record.state = RunState::Failed;
                        record.message = failure.message.clone();
                    }
                    Err(failure) => record.interrupt(&failure.message),
                }
            })
        });
        for (node, is_judge) in judges {
            // Without an answer the run keeps its bare figures.
            let shown = self.studio.link.unsealed(View { node: node.clone() }).await;
            if let Ok(mut shown) = shown {
                shown.panels.retain(|panel| is_judge || is_curve(panel));
                self.with_session(|session| {
                    if let Some(record) = session.records.get_mut(&key) {
                        record.show(&node, &shown.panels);
                    }
                });
            }
        }
        self.list_again(&key);
        self.keep(&key, false).await;
        self.with_session(|session| session.locks.remove(&key));
    }

    /// Makes a run's entry anew from its record.
    fn list_again(self, key: &RunKey) {
        let entry = self.studio.with(|editor| {
            self.with_session(|session| {
                let record = session.records.get(key)?;
                let pipeline = session.pipelines.get(&record.pipeline)?;
                Some(IndexEntry::new(record, pipeline, editor.catalogue()))
            })
        });
        if let Some(entry) = entry.flatten() {
            self.list(entry);
        }
    }
}

/// When something began that began at this time since the page was opened, and a key for it.
fn key_of(at_ms: f64) -> (u64, RunKey) {
    let started_at = (dom::date_ms() - (dom::now_ms() - at_ms)).max(0.0) as u64;
    (started_at, RunKey::at(started_at, (js_sys::Math::random() * f64::from(u32::MAX)) as u32))
}

/// The nodes that came through and judge a model, and those that trained one: whether it is one of the former.
fn telling(report: &RunReport, pipeline: &Pipeline, editor: &editor::Editor) -> Vec<(NodeId, bool)> {
    let gives = |id: &NodeId, port_type| {
        let spec = pipeline.node(id).and_then(|node| editor.catalogue().get(&node.component));
        spec.is_some_and(|spec| spec.outputs.iter().any(|port| port.port_type == port_type))
    };
    let came_through = report.nodes.iter().filter(|(_, report)| match report.outcome {
        NodeOutcome::Ran | NodeOutcome::Reused => true,
        NodeOutcome::Failed(_) | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => false,
    });
    let ids = came_through.map(|(id, _)| (id.clone(), gives(id, PortType::Evaluation)));
    ids.filter(|(id, is_judge)| *is_judge || gives(id, PortType::Model)).collect()
}

/// Whether it shows how training went, as losses do.
fn is_curve(panel: &Panel) -> bool {
    matches!(panel, Panel::Figure(figure) if figure.series.iter().all(|series| matches!(series.marks, Marks::Line(_))))
}

fn host() -> Host {
    let navigator = dom::window().navigator();
    let name = browser_name(&navigator.user_agent().unwrap_or_default());
    Host::Browser { name, n_cores: (navigator.hardware_concurrency() as u32).max(1) }
}
