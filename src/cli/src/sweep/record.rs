//! `millrace sweep --record`: every trial that is over as a run in a folder of the studio's layout.
//!
//! A trial is recorded before it is kept as over, and one that is recorded already is not recorded again: whenever the
//! program is killed, a sweep that goes on records each trial once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use charts::{Axis, Figure, Marks, Series};
use experiment::{MetricRecord, NewRun, RunKey, RunRecord, RunState, TrialOf, changes};
use pipeline::{Catalogue, NodeId, Pipeline};
use protocol::{Direction, Panel, RunEvent, RunReport};
use study::{Goal, Study, Trial, TrialState, better_when};

use super::kept::Identity;
use super::place;
use crate::{record, runs};

/// Where trials are recorded.
pub struct Recorder {
    folder: PathBuf,
    document: String,
    /// What each trial is compared with.
    base: Pipeline,
    sweep: Identity,
    /// The largest number of the document's runs.
    last: u32,
    recorded: BTreeSet<u32>,
    /// The last turn of each trial that is not over, or not recorded yet.
    turns: BTreeMap<u32, Turn>,
}

/// A trial's run.
pub struct Turn {
    /// When it began, in milliseconds since 1970.
    pub started_at: u64,
    /// What happened, and at which second.
    pub events: Vec<(f64, RunEvent)>,
    /// How every node came out.
    pub report: RunReport,
    /// What the nodes show.
    pub shown: Vec<(NodeId, Vec<Panel>)>,
}

impl Recorder {
    /// Records in a folder, after the runs that are there.
    pub fn new(
        folder: PathBuf,
        document: String,
        base: Pipeline,
        sweep: Identity,
        catalogue: &Catalogue,
    ) -> Result<Self> {
        let entries = runs::entries(&folder, catalogue)?.unwrap_or_default();
        let of_this = entries.iter().filter_map(|entry| entry.trial.as_ref()).filter(|trial| trial.sweep == sweep.id);
        let recorded = of_this.map(|trial| trial.number).collect();
        let (_, last) = record::last_of(&document, &entries);
        Ok(Self { folder, document, base, sweep, last, recorded, turns: BTreeMap::new() })
    }

    /// Takes in what a trial has run, which may not be all that it will.
    pub fn take(&mut self, number: u32, turn: Turn) {
        self.turns.insert(number, turn);
    }

    /// Records a trial, if it is over and not recorded yet.
    pub fn settle(&mut self, study: &Study, number: u32, catalogue: &Catalogue) -> Result<()> {
        let Some(trial) = study.trials.get(number as usize).filter(|trial| trial.state.is_over()) else {
            return Ok(());
        };
        let turn = self.turns.remove(&number);
        if !self.recorded.insert(number) {
            return Ok(());
        }
        self.last += 1;
        // Settings that a parameter does not take have ended the trial before it ran.
        let changed = place::apply(&self.base, catalogue, &study.space, &trial.settings);
        let pipeline = changed.unwrap_or_else(|_| self.base.clone());
        let started_at = match &turn {
            Some(turn) => turn.started_at,
            None => self.sweep.began_at + (1_000.0 * trial.started_secs.unwrap_or_default()) as u64,
        };
        let mut run = RunRecord::begin(NewRun {
            id: key(started_at, number),
            number: self.last,
            document: &self.document,
            pipeline: &pipeline,
            changes: changes(&self.base, &pipeline, catalogue),
            engine: env!("CARGO_PKG_VERSION"),
            host: record::host(),
            started_at,
        });
        match turn {
            Some(turn) => replay(&mut run, turn, trial, study, &pipeline, catalogue),
            None => restore(&mut run, trial, study, &pipeline),
        }
        (run.state, run.message) = match trial.state {
            TrialState::Done => (RunState::Done, String::new()),
            TrialState::Failed if run.state == RunState::Failed => (run.state, run.message),
            TrialState::Failed => (RunState::Failed, trial.failure.clone().unwrap_or_default()),
            TrialState::Waiting | TrialState::Running | TrialState::StoppedEarly | TrialState::Cancelled => {
                (RunState::Stopped, trial.reason.clone().unwrap_or_default())
            }
        };
        run.trial = Some(TrialOf { sweep: self.sweep.id.clone(), number });
        record::keep(&run, &pipeline, catalogue, &self.folder)
    }
}

/// Keys of trials that begin in the same millisecond differ: the factor is odd, so no two numbers give one salt.
fn key(started_at: u64, number: u32) -> RunKey {
    RunKey::at(started_at, std::process::id().wrapping_add(number.wrapping_mul(0x9e37_79b9)))
}

/// A run that was watched.
fn replay(run: &mut RunRecord, turn: Turn, trial: &Trial, study: &Study, pipeline: &Pipeline, catalogue: &Catalogue) {
    for (at_secs, event) in &turn.events {
        run.observe(event, *at_secs, 0);
    }
    let mut shown: BTreeMap<NodeId, Vec<Panel>> = turn.shown.into_iter().collect();
    let measured = turn.events.iter().find_map(|(_, event)| match event {
        RunEvent::Metric { node, measured, .. } => is_aim(study, node, &measured.name).then_some(node),
        RunEvent::Planned { .. } | RunEvent::Started { .. } | RunEvent::Progress { .. } | RunEvent::Finished { .. } => {
            None
        }
    });
    if let Some(node) = measured {
        shown.entry(node.clone()).or_default().extend(curve(trial, study));
    }
    for (node, panels) in &shown {
        run.show(node, panels);
    }
    run.finish(&turn.report, pipeline, catalogue);
}

/// A run of which only the trial is known: it ran before anything was recorded, or the program was killed after it.
fn restore(run: &mut RunRecord, trial: &Trial, study: &Study, pipeline: &Pipeline) {
    run.elapsed_secs = trial.elapsed_secs.unwrap_or_default();
    for (metric, value) in &trial.metrics {
        let Some((node, name)) = place::node_of(metric, pipeline) else { continue };
        run.metrics.push(MetricRecord {
            node,
            name: name.into(),
            label: name.replace('_', " "),
            value: *value,
            better: better_when(name).map(|goal| match goal {
                Goal::Maximize => Direction::Higher,
                Goal::Minimize => Direction::Lower,
            }),
            n_rows: None,
            repeats: None,
        });
    }
    let aim = study.objectives.first().and_then(|objective| place::node_of(&objective.metric, pipeline));
    if let Some((node, _)) = aim {
        run.show(&node, &Vec::from_iter(curve(trial, study)));
    }
}

/// Whether a node's figure is the first objective's.
pub fn is_aim(study: &Study, node: &NodeId, name: &str) -> bool {
    study.objectives.first().is_some_and(|aim| aim.metric == name || aim.metric == format!("{node}.{name}"))
}

/// The figures on the way, by which a trial may be given up.
fn curve(trial: &Trial, study: &Study) -> Option<Panel> {
    let metric = &study.objectives.first()?.metric;
    let name = metric.rsplit('.').next().unwrap_or(metric).replace('_', " ");
    if trial.intermediate.is_empty() {
        return None;
    }
    let axis = |label: &str| Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() };
    let points = (1..).zip(&trial.intermediate).map(|(interval, figure)| (f64::from(interval), *figure));
    Some(Panel::Figure(Figure {
        id: "intermediate".into(),
        title: "Figures on the way".into(),
        summary: format!("The {name} at each interval of the trial, by which it may be given up early."),
        x: axis("Interval"),
        y: axis(&name),
        series: vec![Series { name, color_idx: 0, marks: Marks::Line(points.collect()), detail: None }],
        guides: Vec::new(),
        n_rows: 0,
        sampling: String::new(),
    }))
}
