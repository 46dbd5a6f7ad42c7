//! What is heard of runs and of the trials of sweeps, for whoever writes it down.

use leptos::prelude::*;
use pipeline::{NodeId, Pipeline};
use protocol::{Failure, Panel, RunEvent, RunId, RunReport};
use study::Trial;

use super::Studio;
use crate::dom;

/// What the recorder of runs hears.
pub enum Heard {
    /// A run begins.
    Began {
        /// Which.
        run: RunId,
        /// Of which document.
        document: String,
        /// What runs.
        pipeline: Pipeline,
    },
    /// Something happened in it.
    Event(RunEvent),
    /// It is over.
    Ended {
        /// Which.
        run: RunId,
        /// How.
        result: Result<RunReport, Failure>,
    },
    /// A trial of a sweep is over.
    Tried(Box<Tried>),
}

/// A trial of a sweep that is over, as its run is recorded.
pub struct Tried {
    /// Of which document.
    pub document: String,
    /// The sweep's id.
    pub sweep: String,
    /// How it went.
    pub trial: Trial,
    /// The metric that is aimed at first.
    pub metric: String,
    /// The node that measures it.
    pub judge: NodeId,
    /// What the sweep varies.
    pub base: Pipeline,
    /// With the trial's settings.
    pub pipeline: Pipeline,
    /// Its last turn, if this page saw one.
    pub turn: Option<Turn>,
    /// When it began, in milliseconds since the page was opened.
    pub began_ms: f64,
}

/// A run of a trial, which may not be all of it.
pub struct Turn {
    /// When it began, in milliseconds since the page was opened.
    pub began_ms: f64,
    /// How it went.
    pub report: RunReport,
    /// What the nodes showed that measured it.
    pub shown: Vec<(NodeId, Vec<Panel>)>,
}

impl Studio {
    /// Tells the recorder of runs.
    pub fn note(self, what: Heard) {
        self.heard.update_value(|heard| heard.push((dom::now_ms(), what)));
        self.on_heard.with_value(|on_heard| {
            if let Some(on_heard) = on_heard {
                on_heard();
            }
        });
    }

    /// What was heard of runs since the last time, and when, in milliseconds since the page was opened.
    pub fn take_heard(self) -> Vec<(f64, Heard)> {
        self.heard.try_update_value(std::mem::take).unwrap_or_default()
    }

    /// What is called whenever something is heard of a run.
    pub fn set_on_heard(self, on_heard: impl Fn() + 'static) {
        self.on_heard.set_value(Some(Box::new(on_heard)));
    }
}
