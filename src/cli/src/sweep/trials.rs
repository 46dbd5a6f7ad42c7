//! Trials on threads: each thread has an engine of its own, and all share the files and the study.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use engine::testing::{Bytes, block_on};
use engine::{Engine, Host, Local, Source};
use pipeline::{Catalogue, FileRef};
use protocol::{Failure, NodeOutcome, RunEvent, RunId, RunReport, RunTarget};
use study::{Stop, Study, TrialState};
use sweep::{Action, Ending, Watch};

use super::kept::Kept;
use super::place;
use super::record::{Recorder, Turn, is_aim};
use crate::document::Document;
use crate::host::NativeHost;
use crate::{record, say};

/// Results that each thread's engine keeps, so that trials share the steps that their settings do not touch.
const RESULTS_BYTES: u64 = 512 << 20;

/// A sweep under way.
pub struct Sweep {
    document: Document,
    target: RunTarget,
    study: Mutex<Study>,
    /// Told whenever a trial ended.
    changed: Condvar,
    kept: Option<Kept>,
    recorder: Option<Mutex<Recorder>>,
    files: SharedFiles,
    started: Instant,
    /// How long it had run before it was resumed.
    earlier_secs: f64,
    shows_progress: bool,
}

impl Sweep {
    pub fn new(
        document: Document,
        target: RunTarget,
        study: Mutex<Study>,
        kept: Option<Kept>,
        shows_progress: bool,
    ) -> Self {
        let earlier_secs = locked(&study).elapsed_secs;
        Self {
            document,
            target,
            study,
            changed: Condvar::new(),
            kept,
            recorder: None,
            files: SharedFiles::default(),
            started: Instant::now(),
            earlier_secs,
            shows_progress,
        }
    }

    /// Has trials recorded that come to their end.
    pub fn recorded_by(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder.map(Mutex::new);
        self
    }

    /// Makes all trials. The first thread that cannot write ends the sweep.
    pub fn run(self, n_jobs: usize) -> Result<(Study, Ending)> {
        let work = || {
            let done = self.work();
            if done.is_err() {
                locked(&self.study).state = study::StudyState::Stopped;
                self.changed.notify_all();
            }
            done
        };
        let endings: Vec<Result<Ending>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..n_jobs).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a trial's thread has panicked"))))
                .collect()
        });
        if self.shows_progress {
            say::aside("\r\x1b[K");
        }
        let mut last = Ending::Stopped;
        for ending in endings {
            last = ending?;
        }
        Ok((self.study.into_inner().unwrap_or_else(PoisonError::into_inner), last))
    }

    fn now_secs(&self) -> f64 {
        self.earlier_secs + self.started.elapsed().as_secs_f64()
    }

    /// What one thread does: takes what is next, until there is nothing more.
    fn work(&self) -> Result<Ending> {
        let engine = Engine::new(components::catalogue(), RESULTS_BYTES);
        let mut study = locked(&self.study);
        loop {
            study.elapsed_secs = self.now_secs();
            let actions = sweep::next_few(&study, 1);
            let Some(action) = actions.into_iter().next() else { return Ok(Ending::Stopped) };
            match &action {
                Action::Over(ending) => {
                    self.changed.notify_all();
                    return Ok(ending.clone());
                }
                Action::Wait(_) => {
                    // Time limits pass without anybody telling.
                    let waited = self.changed.wait_timeout(study, Duration::from_secs(1));
                    study = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Action::Stop { number, .. } => {
                    let number = *number;
                    sweep::apply(&mut study, &[action], self.now_secs())?;
                    self.keep(&study, number, engine.catalogue())?;
                }
                Action::Start { number, .. } | Action::Continue { number, .. } => {
                    let number = *number;
                    sweep::apply(&mut study, &[action], self.now_secs())?;
                    self.keep(&study, number, engine.catalogue())?;
                    drop(study);
                    self.trial(&engine, number)?;
                    study = locked(&self.study);
                    self.keep(&study, number, engine.catalogue())?;
                    self.show(&study);
                    self.changed.notify_all();
                }
            }
        }
    }

    /// Records a trial that is over, and keeps it as it stands.
    fn keep(&self, study: &Study, number: u32, catalogue: &Catalogue) -> Result<()> {
        if let Some(recorder) = &self.recorder {
            locked(recorder).settle(study, number, catalogue)?;
        }
        match (&self.kept, study.trials.get(number as usize)) {
            (Some(kept), Some(trial)) => kept.write(trial),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Runs the pipeline with a trial's settings, and writes into the study what came of it.
    fn trial(&self, engine: &Engine, number: u32) -> Result<()> {
        let (changed, watch) = {
            let study = locked(&self.study);
            let trial = &study.trials[number as usize];
            let changed = place::apply(&self.document.pipeline, engine.catalogue(), &study.space, &trial.settings);
            (changed, Watch::of(trial))
        };
        let pipeline = match changed {
            Ok(pipeline) => pipeline,
            Err(why) => return Ok(locked(&self.study).end(number, TrialState::Failed, &why)?),
        };
        let host = TrialHost {
            sweep: self,
            world: NativeHost::new(self.document.files.clone(), self.document.folder.clone(), true),
            began: Instant::now(),
            limit: locked(&self.study).limits.trial_timeout_secs.map(Duration::from_secs),
            watch: RefCell::new(watch),
        };
        let started_at = record::now_millis();
        let report = block_on(engine.run(&host, RunId(number), &pipeline, &self.target));
        let elapsed_secs = host.began.elapsed().as_secs_f64();
        let is_late = host.is_late();
        let TrialHost { world, watch, .. } = host;
        let stop = watch.into_inner().stop().cloned().or((report.cancelled && is_late).then_some(Stop::Late));
        if let Some(recorder) = &self.recorder {
            // Of a node that did not come through, the engine still shows what the trial before came to.
            let came_through = report.nodes.iter().filter(|(_, node)| match node.outcome {
                NodeOutcome::Ran | NodeOutcome::Reused => true,
                NodeOutcome::Failed(_) | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => false,
            });
            let shown = came_through.filter_map(|(id, _)| Some((id.clone(), engine.view(id).ok()?.panels))).collect();
            let turn = Turn { started_at, events: world.into_events(), report: report.clone(), shown };
            locked(recorder).take(number, turn);
        }

        let mut study = locked(&self.study);
        if study.trials[number as usize].state.is_over() {
            // A figure that is no number has ended it.
            return Ok(());
        }
        match stop {
            Some(stop) => study.cut_off(number, stop, elapsed_secs)?,
            None => match outcome(&study, &report, &self.document) {
                Ok((values, metrics)) => study.finish(number, values, metrics, elapsed_secs)?,
                Err(why) => study.end(number, TrialState::Failed, &why)?,
            },
        }
        Ok(())
    }

    fn show(&self, study: &Study) {
        if !self.shows_progress {
            return;
        }
        let n_over = study.trials.iter().filter(|trial| trial.state.is_over()).count();
        let best = study.best().and_then(|trial| Some((trial.number, trial.values.first()?)));
        let best = best.map_or_else(String::new, |(number, value)| format!("  best {value:.6}, trial {number}"));
        say::aside(&format!("\r\x1b[K{n_over} of {} trials{best}", study.limits.max_total_trials));
    }
}

/// The objectives' figures and everything that was reported, or why the trial failed.
fn outcome(
    study: &Study,
    report: &RunReport,
    document: &Document,
) -> Result<(Vec<f64>, BTreeMap<String, f64>), String> {
    let failed =
        document.pipeline.topological_order().into_iter().find_map(|id| match &report.nodes.get(&id)?.outcome {
            NodeOutcome::Failed(failure) => Some(format!("{id}: {}", failure.message)),
            NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
        });
    if let Some(failed) = failed {
        return Err(failed);
    }
    let metrics: BTreeMap<String, f64> = report
        .nodes
        .iter()
        .flat_map(|(id, node)| node.metrics.iter().map(move |(name, value)| (format!("{id}.{name}"), *value)))
        .collect();
    let value_of = |metric: &String| {
        let of_any = format!(".{metric}");
        let found: Vec<(&String, &f64)> =
            metrics.iter().filter(|(name, _)| *name == metric || name.ends_with(&of_any)).collect();
        match found.as_slice() {
            [(_, value)] => Ok(**value),
            [] => {
                let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
                Err(format!("it reported no {metric}, but {}", names.join(", ")))
            }
            _ => metrics.get(metric).copied().ok_or_else(|| {
                let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
                format!("several nodes report {metric}: {}; name one of them", names.join(", "))
            }),
        }
    };
    let values = study.objectives.iter().map(|objective| value_of(&objective.metric)).collect::<Result<_, _>>()?;
    Ok((values, metrics))
}

/// The world as a trial sees it: it ends when its time is up, or when it is not worth going on.
struct TrialHost<'a> {
    sweep: &'a Sweep,
    world: NativeHost,
    began: Instant,
    limit: Option<Duration>,
    watch: RefCell<Watch>,
}

impl TrialHost<'_> {
    fn is_late(&self) -> bool {
        self.limit.is_some_and(|limit| self.began.elapsed() > limit)
    }
}

impl Host for TrialHost<'_> {
    fn now_secs(&self) -> f64 {
        self.world.now_secs()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        Box::pin(async move {
            let bytes = self.sweep.files.get(&self.world, file).await?;
            Ok(Box::new(Bytes::new(bytes.to_vec())) as Box<dyn Source>)
        })
    }

    fn table_bytes(&self) -> u64 {
        self.world.table_bytes()
    }

    fn breathe(&self) -> Local<'_, ()> {
        self.world.breathe()
    }

    fn is_cancelled(&self) -> bool {
        self.watch.borrow().stop().is_some() || self.is_late()
    }

    fn emit(&self, event: RunEvent) {
        match &event {
            RunEvent::Metric { node, measured, .. } => {
                let is_aim = is_aim(&locked(&self.sweep.study), node, &measured.name);
                if is_aim {
                    let mut study = locked(&self.sweep.study);
                    self.watch.borrow_mut().tell(&mut study, measured.value, measured.rows.is_some());
                }
            }
            RunEvent::Planned { .. }
            | RunEvent::Started { .. }
            | RunEvent::Progress { .. }
            | RunEvent::Finished { .. } => {}
        }
        self.world.emit(event);
    }
}

/// Files by hash, each read once for all threads.
#[derive(Default)]
struct SharedFiles {
    files: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

impl SharedFiles {
    async fn get(&self, world: &NativeHost, file: &FileRef) -> Result<Arc<[u8]>, Failure> {
        if let Some(bytes) = locked(&self.files).get(&file.hash) {
            return Ok(Arc::clone(bytes));
        }
        let mut source = world.open(file).await?;
        let mut bytes = Vec::with_capacity(source.size() as usize);
        loop {
            let piece = source.next().await?;
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(&piece);
        }
        let bytes: Arc<[u8]> = bytes.into();
        Ok(Arc::clone(locked(&self.files).entry(file.hash.clone()).or_insert(bytes)))
    }
}

/// What is behind a lock. A thread that panicked under it has ended the sweep with its own message.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
