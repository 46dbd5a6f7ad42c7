//! `millrace sweep --record`: every trial that is over as a run in a folder of the studio's layout.
//!
//! A trial is recorded before it is kept as over, and one that is recorded already is not recorded again: whenever the
//! program is killed, a sweep that goes on records each trial once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use experiment::{EndedTrial, NewRun, RunKey, RunRecord, changes};
use pipeline::{Catalogue, NodeId, Pipeline};
use protocol::{Panel, RunEvent, RunReport};
use study::Study;

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
        let metric = study.objectives.first().map_or("", |aim| aim.metric.as_str());
        let named = place::node_of(metric, &pipeline).map(|(node, _)| node);
        let judge = named.or_else(|| turn.as_ref()?.judge(study).cloned());
        if let Some(turn) = &turn {
            replay(&mut run, turn, &pipeline, catalogue);
        }
        run.end_as(&EndedTrial { sweep: &self.sweep.id, trial, metric, judge }, &pipeline);
        record::keep(&run, &pipeline, catalogue, &self.folder)
    }
}

/// Keys of trials that begin in the same millisecond differ: the factor is odd, so no two numbers give one salt.
fn key(started_at: u64, number: u32) -> RunKey {
    RunKey::at(started_at, std::process::id().wrapping_add(number.wrapping_mul(0x9e37_79b9)))
}

impl Turn {
    /// The node that told the first objective on its way.
    fn judge(&self, study: &Study) -> Option<&NodeId> {
        self.events.iter().find_map(|(_, event)| match event {
            RunEvent::Metric { node, measured, .. } => is_aim(study, node, &measured.name).then_some(node),
            RunEvent::Planned { .. }
            | RunEvent::Started { .. }
            | RunEvent::Progress { .. }
            | RunEvent::Finished { .. } => None,
        })
    }
}

/// A run that was watched.
fn replay(run: &mut RunRecord, turn: &Turn, pipeline: &Pipeline, catalogue: &Catalogue) {
    for (at_secs, event) in &turn.events {
        run.observe(event, *at_secs, 0);
    }
    for (node, panels) in &turn.shown {
        run.show(node, panels);
    }
    run.finish(&turn.report, pipeline, catalogue);
}

/// Whether a node's figure is the first objective's.
pub fn is_aim(study: &Study, node: &NodeId, name: &str) -> bool {
    study.objectives.first().is_some_and(|aim| aim.metric == name || aim.metric == format!("{node}.{name}"))
}
