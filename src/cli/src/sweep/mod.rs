//! `millrace sweep`: try settings, keep what came of each trial, and say which were best.

mod kept;
pub mod place;
mod record;
pub mod trials;

use std::fs;
use std::io::{self, IsTerminal};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow, bail};
use engine::Engine;
use pipeline::Catalogue;
use protocol::RunTarget;
use serde_json::{Value as Json, json};
use study::{Goal, Objective, ProblemSeverity, Study, Trial, TrialState, better_when};
use sweep::Ending;
use sweep::job::{by_name, from_json, from_yaml};

use crate::document::Document;
use crate::{Outcome, Subject, say};
use kept::Kept;
use trials::Sweep;

pub use kept::Identity;
pub use record::Recorder;

/// What `sweep` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// What to vary, as a sweep job in YAML or JSON
    #[arg(long, value_name = "FILE")]
    space: PathBuf,
    /// Trials in all, in place of the limit in the file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    trials: Option<u32>,
    /// Trials at a time; the result does not depend on it [default: one fewer than there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// The metric to aim at, such as `evaluate.auc`, in place of the objective in the file
    #[arg(long, value_name = "NODE.METRIC")]
    objective: Option<String>,
    /// Whether it is to be large or small [default: what is usual for the metric]
    #[arg(long, value_name = "GOAL", requires = "objective")]
    goal: Option<GoalWord>,
    /// Write every trial into this folder as it ends
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the sweep that is in the folder
    #[arg(long, requires = "out")]
    resume: bool,
    /// Record every trial as a run in this folder, for `millrace runs` and the studio
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Print the trials as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum GoalWord {
    Maximize,
    Minimize,
}

/// Sweeps, prints and writes; a sweep without a trial that came through makes a bad outcome.
pub fn sweep(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::new(components::catalogue(), 0);
    let document = Document::open(&arguments.subject, engine.catalogue())?;
    let mut study = study(arguments, &document, engine.catalogue())?;
    let kept = match &arguments.out {
        Some(folder) => Some(Kept::open(folder, arguments.resume, &document.pipeline, &mut study)?),
        None => None,
    };
    let identity = kept.as_ref().map_or_else(Identity::new, |kept| kept.identity().clone());
    let recorder = match &arguments.record {
        Some(folder) => {
            let (source, base) = (arguments.subject.source.clone(), document.pipeline.clone());
            let mut recorder = Recorder::new(folder.clone(), source, base, identity.clone(), engine.catalogue())?;
            // Those that were over before anything was recorded.
            study.trials.iter().try_for_each(|trial| recorder.settle(&study, trial.number, engine.catalogue()))?;
            Some(recorder)
        }
        None => None,
    };
    let n_jobs = arguments.jobs.map_or_else(usual_jobs, |n| n as usize);
    let shown = !arguments.json && io::stderr().is_terminal();
    let target = target(&study, &document);
    let sweep = Sweep::new(document, target, Mutex::new(study), kept, shown).recorded_by(recorder);
    let (study, ending) = sweep.run(n_jobs)?;

    if arguments.json {
        let mut report = as_json(&study, &ending);
        report["sweep"] = arguments.record.as_ref().map(|_| identity.id).into();
        say::out(&format!("{report:#}\n"))?;
    } else {
        say::out(&in_words(&study, &ending))?;
        if let Some(folder) = &arguments.out {
            say::out(&format!("every trial is in {}\n", folder.display()))?;
        }
        if let Some(folder) = &arguments.record {
            say::out(&identity.recorded_in(folder))?;
        }
    }
    Ok(if study.best().is_some() { Outcome::Good } else { Outcome::Bad })
}

/// The sweep that the file and the command line ask for, checked against the pipeline.
fn study(arguments: &Arguments, document: &Document, catalogue: &Catalogue) -> Result<Study> {
    let path = arguments.space.display();
    let text = fs::read_to_string(&arguments.space).with_context(|| format!("{path} cannot be read"))?;
    let is_json = arguments.space.extension().is_some_and(|extension| extension == "json");
    let read = if is_json { from_json(&text, &by_name) } else { from_yaml(&text, &by_name) };
    let wrong = |place: &str, message: &str, help: &str| anyhow!("{path}: {place}: {message}\n  help: {help}");
    let mut study = read.map_err(|error| wrong(&error.place, &error.message, &error.help))?;
    if let Some(n_trials) = arguments.trials {
        study.limits.max_total_trials = n_trials;
    }
    if let Some(metric) = &arguments.objective {
        let goal = match arguments.goal {
            Some(GoalWord::Maximize) => Goal::Maximize,
            Some(GoalWord::Minimize) => Goal::Minimize,
            None => better_when(metric).with_context(|| {
                format!("--objective {metric}: which way is better?\n  help: add --goal maximize or --goal minimize")
            })?,
        };
        study.objectives = vec![Objective { metric: metric.clone(), goal }];
    }
    for problem in study.check() {
        match problem.severity {
            ProblemSeverity::Error => return Err(wrong(&problem.place, &problem.message, &problem.help)),
            ProblemSeverity::Warning => {
                let (place, message, help) = (problem.place, problem.message, problem.help);
                say::aside(&format!("warning: {path}: {place}: {message}\n  help: {help}\n"));
            }
            ProblemSeverity::Note => {}
        }
    }
    place::mark_inputs(&mut study.space, &document.pipeline, catalogue);
    place::check(&study.space, &document.pipeline, catalogue).with_context(|| path.to_string())?;
    place::check_objectives(&study.objectives, &document.pipeline)?;
    let problems = pipeline::check(&document.pipeline, catalogue);
    if let Some(problem) = problems.iter().find(|problem| problem.severity == pipeline::Severity::Error) {
        bail!("{}: {}\n  help: {}; `millrace check` names every problem", document.name, problem.message, problem.help);
    }
    Ok(study)
}

/// Only what the objectives rest on is run, where they name their nodes.
fn target(study: &Study, document: &Document) -> RunTarget {
    let nodes: Option<Vec<_>> = study
        .objectives
        .iter()
        .map(|objective| place::node_of(&objective.metric, &document.pipeline).map(|(id, _)| id))
        .collect();
    nodes.map_or(RunTarget::All, RunTarget::To)
}

/// One fewer than there are cores.
pub fn usual_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1)
}

fn in_words(study: &Study, ending: &Ending) -> String {
    let mut text = format!("{}\n\n", study.name);
    let counts: Vec<String> = [
        (TrialState::Done, "done"),
        (TrialState::StoppedEarly, "given up early"),
        (TrialState::Failed, "failed"),
        (TrialState::Cancelled, "cancelled"),
    ]
    .into_iter()
    .map(|(state, word)| (study.n_in(state), word))
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    text.push_str(&format!("{} trials: {}; {}\n", study.trials.len(), counts.join(", "), ending.in_words(study)));
    if study.objectives.len() > 1 {
        text.push_str("\ntrials that no other surpasses\n");
        study.pareto_front().into_iter().for_each(|trial| text.push_str(&trial_in_words(study, trial)));
    } else if let Some(best) = study.best() {
        text.push_str("\nbest trial\n");
        text.push_str(&trial_in_words(study, best));
    }
    for trial in study.trials.iter().filter(|trial| trial.state == TrialState::Failed).take(3) {
        text.push_str(&format!("\ntrial {} failed: {}\n", trial.number, trial.failure.as_deref().unwrap_or_default()));
    }
    text
}

fn trial_in_words(study: &Study, trial: &Trial) -> String {
    let mut text = format!("  trial {}\n", trial.number);
    for (objective, value) in study.objectives.iter().zip(&trial.values) {
        text.push_str(&format!("    {} {value}\n", objective.metric));
    }
    for (name, value) in &trial.settings {
        text.push_str(&format!("    --set {}\n", place::as_setting(&study.space, name, value)));
    }
    text
}

/// The sweep as data. The names in it are stable.
fn as_json(study: &Study, ending: &Ending) -> Json {
    json!({
        "name": study.name,
        "objectives": study.objectives,
        "ending": ending.in_words(study),
        "best": study.best().map(|trial| trial.number),
        "pareto_front": study.pareto_front().iter().map(|trial| trial.number).collect::<Vec<_>>(),
        "trials": study.trials.iter().map(trial_as_json).collect::<Vec<_>>(),
    })
}

fn trial_as_json(trial: &Trial) -> Json {
    let settings: serde_json::Map<String, Json> =
        trial.settings.iter().map(|(name, value)| (name.clone(), place::as_json(value))).collect();
    json!({
        "number": trial.number,
        "state": trial.state,
        "settings": settings,
        "values": trial.values,
        "intermediate": trial.intermediate,
        "metrics": trial.metrics,
        "started_secs": trial.started_secs,
        "elapsed_secs": trial.elapsed_secs,
        "failure": trial.failure,
        "reason": trial.reason,
    })
}
