//! A sweep as the browser keeps it, and what its trials run and come to.

use std::collections::BTreeMap;

use pipeline::{Edit, NodeId, OutPort, Pipeline};
use protocol::{
    Blend, Compute, Failure, NodeOutcome, Rerun, Run, RunId, RunReport, RunTarget, RunTrial, Search, TrialReport,
};
use schema::ordered::sort_by;
use serde::{Deserialize, Serialize};
use study::{News, Study, TrialState};

/// A sweep with all it needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Names it in the records of its trials.
    #[serde(default)]
    pub id: String,
    /// What is varied, and what came of it.
    pub study: Study,
    /// The pipeline as it stood when the sweep began, as its file.
    pub pipeline: String,
    /// The node whose metric is the objective.
    pub node: NodeId,
    /// The objective for people.
    pub objective: String,
    /// The node of the second objective, where it is another.
    #[serde(default)]
    pub second: Option<NodeId>,
    /// Workers side by side.
    pub n_workers: u32,
    /// How large the memory of a worker grew.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Why nothing more comes; empty while something may.
    pub ending: String,
    /// What it looks for, where it tries preparations and learners of its own.
    #[serde(default)]
    pub automl: Option<Automl>,
}

/// What a search over preparations and learners looks for, and what came of it beside its trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automl {
    /// The table that it began with.
    pub table: OutPort,
    /// What is predicted.
    pub target: String,
    /// What to know of the table.
    pub notes: Vec<String>,
    /// Which trials are best together, once that is known.
    pub blend: Option<Blend>,
}

impl Sweep {
    /// Everything but the trials, with the study's own as it is given.
    pub fn head(&self, study: Study) -> Self {
        Self {
            id: self.id.clone(),
            study,
            pipeline: self.pipeline.clone(),
            node: self.node.clone(),
            objective: self.objective.clone(),
            second: self.second.clone(),
            n_workers: self.n_workers,
            memory_bytes: self.memory_bytes,
            ending: self.ending.clone(),
            automl: self.automl.clone(),
        }
    }

    /// The search that it is, if it is one.
    pub fn search(&self) -> Option<Search> {
        let Automl { table, target, notes, .. } = self.automl.clone()?;
        let pipeline = pipeline::from_json(&self.pipeline).ok()?;
        Some(Search { pipeline, judge: self.node.clone(), table, target, study: self.study.clone(), notes })
    }
}

/// The trials that ended last, as many as may have ended at once.
pub fn last_ended(study: &Study) -> Vec<u32> {
    /// More workers than any computer of a reader has.
    const N_AT_ONCE: usize = 64;
    let over = study.trials.iter().filter(|trial| trial.state.is_over());
    let mut ended: Vec<(f64, u32)> = over
        .map(|trial| (trial.started_secs.unwrap_or_default() + trial.elapsed_secs.unwrap_or_default(), trial.number))
        .collect();
    sort_by(&mut ended, |a, b| b.0.total_cmp(&a.0));
    ended.into_iter().take(N_AT_ONCE).map(|(_, number)| number).collect()
}

/// The numbers of the trials that stand so.
pub fn of_state(study: &Study, state: TrialState) -> Vec<u32> {
    study.trials.iter().filter(|trial| trial.state == state).map(|trial| trial.number).collect()
}

/// What a worker is asked for a trial.
pub fn trial(sweep: &Sweep, number: u32, news: News) -> Result<RunTrial, Failure> {
    let unsound = |message: String| Failure::new(message, "Begin a new sweep over the pipeline as it is.");
    let base = pipeline::from_json(&sweep.pipeline).map_err(|error| unsound(error.to_string()))?;
    let pipeline = with_settings(sweep, &base, number).map_err(unsound)?;
    let target = RunTarget::To([&sweep.node].into_iter().chain(&sweep.second).cloned().collect());
    // Workers are for trials side by side; each has one for itself.
    let compute = Compute::with_workers(1);
    let run = Run { run: RunId(number + 1), pipeline, target, rerun: Rerun::Changed, compute };
    Ok(RunTrial { run, node: sweep.node.clone(), news, number })
}

/// The pipeline with a trial's settings, or why it cannot have them.
pub fn with_settings(sweep: &Sweep, base: &Pipeline, number: u32) -> Result<Pipeline, String> {
    let mut pipeline = base.clone();
    let settings = sweep.study.trials.get(number as usize).map(|trial| &trial.settings);
    let edits = Edit::Batch(settings.map_or(Vec::new(), |settings| sweep.study.space.edits(settings)));
    pipeline.apply(edits).map_err(|error| error.to_string())?;
    Ok(pipeline)
}

/// The metrics of the nodes that are aimed at, those of the second by its name, or why there are none.
fn metrics(sweep: &Sweep, report: &RunReport) -> Result<BTreeMap<String, f64>, Failure> {
    let failed = report.nodes.values().find_map(|report| match &report.outcome {
        NodeOutcome::Failed(failure) => Some(failure.clone()),
        NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let of = |node: &NodeId| match report.nodes.get(node) {
        Some(report) => Ok(&report.metrics),
        None => Err(Failure::new(format!("the run did not reach `{node}`"), "")),
    };
    let mut metrics = of(&sweep.node)?.clone();
    if let Some(node) = &sweep.second {
        for (metric, value) in of(node)? {
            metrics.insert(format!("{node}.{metric}"), *value);
        }
    }
    Ok(metrics)
}

/// Writes what came of a trial into the study.
pub fn finish(sweep: &mut Sweep, number: u32, outcome: Result<TrialReport, Failure>, elapsed_secs: f64) {
    if let Ok(TrialReport { intermediate, memory_bytes, .. }) = &outcome {
        sweep.memory_bytes = sweep.memory_bytes.max(*memory_bytes);
        for figure in intermediate {
            // One that is no number ends the trial, and what follows is of no interest.
            let _ = sweep.study.report(number, *figure);
        }
    }
    let outcome = outcome.and_then(|TrialReport { run, stop, .. }| match stop {
        Some(stop) => Ok(Err(stop)),
        None => metrics(sweep, &run).map(Ok),
    });
    // The trial was started by us and ends only here, so the study takes it unless a figure has ended it.
    let _ = match outcome {
        Ok(Ok(metrics)) => {
            let value = |objective: &study::Objective| metrics.get(&objective.metric).copied().unwrap_or(f64::NAN);
            let values = sweep.study.objectives.iter().map(value).collect();
            sweep.study.finish(number, values, metrics, elapsed_secs)
        }
        Ok(Err(stop)) => sweep.study.cut_off(number, stop, elapsed_secs),
        Err(failure) => {
            let why = format!("{} {}", failure.message, failure.help);
            sweep.study.end(number, TrialState::Failed, why.trim())
        }
    };
}
