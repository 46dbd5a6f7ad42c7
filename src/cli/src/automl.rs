//! `millrace automl`: look for a good model of a table, and write it as a pipeline.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow};
use engine::Engine;
use engine::testing::block_on;
use pipeline::{Catalogue, Edit, NodeId, OutPort, Pipeline, PortType, Value};
use protocol::{
    Blend, BlendTrials, Compute, Failure, Member, PlaceWinner, PlanSearch, Predicts, Question, RunId, RunTarget, Search,
};
use serde_json::{Value as Json, json};
use study::{Trial, TrialState, metric_label};
use sweep::Ending;

use crate::document::Document;
use crate::host::NativeHost;
use crate::sweep::trials::Sweep;
use crate::sweep::{Identity, Recorder, place, usual_jobs};
use crate::{Outcome, Subject, report, say, values};

/// Results that are kept, so that the ensemble and the winner find what the search has computed.
const RESULTS_BYTES: u64 = 1 << 30;

/// What `automl` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The table to learn from [default: the one that nothing takes]
    #[arg(long, value_name = "NODE[.OUTPUT]")]
    table: Option<String>,
    /// The column to predict [default: the one with the role of target]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Whether classes or numbers are predicted [default: as the column is]
    #[arg(long, value_name = "WHAT")]
    predicts: Option<What>,
    /// The metric to aim at [default: auc for two classes, log_loss for more, r2 for numbers]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Trials in all
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,
    /// Start no trial after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
    /// Folds that each candidate is judged on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=20))]
    folds: u32,
    /// Judge every candidate on all folds, also those that do badly on the first ones
    #[arg(long)]
    no_early_termination: bool,
    /// Where the search's random stream starts
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Trials at a time; the result does not depend on it [default: one fewer than there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Write the pipeline with the winner into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Record every trial as a run in this folder, for `millrace runs` and the studio
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    Classes,
    Numbers,
}

/// Searches, prints and writes; a search without a candidate that came through makes a bad outcome.
pub fn automl(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::new(components::catalogue(), RESULTS_BYTES);
    let document = Document::open(&arguments.subject, engine.catalogue())?;
    let host = NativeHost::new(document.files.clone(), document.folder.clone(), true).with_jobs(arguments.jobs);
    let run = RunId(0);
    let question = question(arguments, &document.pipeline, engine.catalogue())?;
    let call = PlanSearch { run, pipeline: document.pipeline.clone(), question };
    let mut search = block_on(::automl::plan(&engine, &host, &call)).map_err(in_words)?;

    let n_jobs = arguments.jobs.map_or_else(usual_jobs, |n| n as usize);
    let shown = !arguments.json && io::stderr().is_terminal();
    let searched = Document {
        name: document.name.clone(),
        pipeline: search.pipeline.clone(),
        files: document.files.clone(),
        folder: document.folder.clone(),
    };
    let identity = Identity::new();
    let recorder = match &arguments.record {
        Some(folder) => {
            let (source, base) = (arguments.subject.source.clone(), search.pipeline.clone());
            Some(Recorder::new(folder.clone(), source, base, identity.clone(), engine.catalogue())?)
        }
        None => None,
    };
    let target = RunTarget::To(vec![search.judge.clone()]);
    let sweep = Sweep::new(searched, target, Mutex::new(search.study), None, shown).recorded_by(recorder);
    let (study, ending) = sweep.run(n_jobs)?;
    search.study = study;
    let Some(best) = search.study.best().cloned() else {
        let why = search.study.trials.iter().find_map(|trial| trial.failure.clone());
        say::aside(&format!(
            "error: no candidate came through: {}\n",
            why.unwrap_or_else(|| ending.in_words(&search.study))
        ));
        return Ok(Outcome::Bad);
    };

    let blended = block_on(::automl::blend(
        &engine,
        &host,
        &BlendTrials { run, search: search.clone(), compute: Compute::with_workers(n_jobs as u32) },
    ))
    .map_err(in_words)?;
    let alone = vec![Member { trial: best.number, weight: 1, settings: best.settings.clone() }];
    let members = if blended.is_better() { blended.members.clone() } else { alone };
    let call = PlaceWinner { pipeline: document.pipeline.clone(), search: search.clone(), members };
    let placing = ::automl::place(engine.catalogue(), &call).map_err(in_words)?;
    let mut winner = document.pipeline.clone();
    winner.apply(Edit::Batch(placing.edits))?;
    // Old places and none do not go together: without any, the studio lays all nodes out.
    let nowhere = winner.nodes().keys().map(|id| (id.clone(), pipeline::Point::default())).collect();
    winner.apply(Edit::Move(nowhere))?;
    let tested = block_on(engine.run(&host, run, &winner, &RunTarget::To(vec![placing.evaluation.clone()])));
    let metrics = tested.nodes.get(&placing.evaluation).map(|node| node.metrics.clone()).unwrap_or_default();
    if let Some(path) = &arguments.out {
        fs::write(path, pipeline::to_json(&winner)).with_context(|| format!("{} cannot be written", path.display()))?;
    }

    let found = Found { search: &search, ending: &ending, blended: &blended, metrics: &metrics };
    if arguments.json {
        let mut report = found.as_json(engine.catalogue());
        report["sweep"] = arguments.record.as_ref().map(|_| identity.id).into();
        say::out(&format!("{report:#}\n"))?;
    } else {
        say::out(&found.in_words(engine.catalogue()))?;
        if let Some(path) = &arguments.out {
            say::out(&format!("the winner is in {}\n", path.display()))?;
        }
        if let Some(folder) = &arguments.record {
            say::out(&identity.recorded_in(folder))?;
        }
    }
    Ok(if report::all_came_through(&tested) { Outcome::Good } else { Outcome::Bad })
}

fn in_words(failure: Failure) -> anyhow::Error {
    match failure.help.is_empty() {
        true => anyhow!("{}", failure.message),
        false => anyhow!("{}\n  help: {}", failure.message, failure.help),
    }
}

fn question(arguments: &Arguments, pipeline: &Pipeline, catalogue: &Catalogue) -> Result<Question> {
    Ok(Question {
        table: table(arguments.table.as_deref(), pipeline, catalogue)?,
        target: arguments.target.clone(),
        predicts: match arguments.predicts {
            None => Predicts::ByTarget,
            Some(What::Classes) => Predicts::Classes,
            Some(What::Numbers) => Predicts::Numbers,
        },
        metric: arguments.metric.clone(),
        n_folds: arguments.folds,
        early_termination: !arguments.no_early_termination,
        n_trials: arguments.trials,
        budget_secs: arguments.timeout,
        seed: arguments.seed,
    })
}

/// The output that is named, or the only table that nothing takes.
fn table(named: Option<&str>, pipeline: &Pipeline, catalogue: &Catalogue) -> Result<OutPort> {
    let tables = |id: &NodeId| -> Vec<OutPort> {
        let spec = pipeline.node(id).and_then(|node| catalogue.get(&node.component));
        let outputs = spec.map(|spec| spec.outputs.as_slice()).unwrap_or_default();
        let tables = outputs.iter().filter(|port| port.port_type == PortType::Table);
        tables.map(|port| OutPort::new(id, &port.name)).collect()
    };
    if let Some(named) = named {
        let (node, output) = named.split_once('.').map_or((named, None), |(node, port)| (node, Some(port)));
        let id = NodeId::new(node).ok().filter(|id| pipeline.node(id).is_some());
        let id = id.ok_or_else(|| anyhow!("--table {named}: {}", values::no_such_node(pipeline, node)))?;
        let tables = tables(&id);
        let found = tables.iter().find(|port| output.is_none_or(|output| port.port == output));
        return found.cloned().ok_or_else(|| {
            let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
            anyhow!("--table {named}: {node} gives no such table; it gives {}", names.join(", "))
        });
    }
    let all: Vec<OutPort> = pipeline.topological_order().iter().flat_map(tables).collect();
    let open: Vec<&OutPort> = all.iter().filter(|port| !pipeline.edges().values().any(|from| from == *port)).collect();
    match open.as_slice() {
        [table] => Ok((*table).clone()),
        _ => {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(anyhow!("which table?\n  help: add --table with one of {}", names.join(", ")))
        }
    }
}

/// What a search came to.
struct Found<'a> {
    search: &'a Search,
    ending: &'a Ending,
    blended: &'a Blend,
    /// Of the winner, on the rows that the search has not seen.
    metrics: &'a std::collections::BTreeMap<String, f64>,
}

impl Found<'_> {
    /// The trials that are done, the best first, with what they came to.
    fn ranked(&self) -> Vec<(&Trial, f64)> {
        let ranked = self.search.study.ranked().into_iter();
        ranked.filter_map(|trial| Some((trial, *trial.values.first()?))).collect()
    }

    /// The learner of a trial, by its title.
    fn learner(&self, trial: &Trial, catalogue: &Catalogue) -> String {
        let id = match trial.settings.get(&self.search.study.space.dimensions[0].name) {
            Some(Value::Text(id)) => NodeId::new(id).ok(),
            _ => None,
        };
        let spec = id.and_then(|id| catalogue.get(&self.search.pipeline.node(&id)?.component));
        spec.map_or_else(String::new, |spec| spec.title.clone())
    }

    fn in_words(&self, catalogue: &Catalogue) -> String {
        let Self { search, ending, blended, metrics } = self;
        let study = &search.study;
        let mut text = format!("{}\n\n", study.name);
        for note in &search.notes {
            text.push_str(&format!("  {note}\n"));
        }
        let metric = metric_label(&study.objectives[0].metric);
        let folds = study.n_intervals.unwrap_or_default();
        let given_up = match study.n_in(TrialState::StoppedEarly) {
            0 => String::new(),
            n => format!(", {n} of them given up early"),
        };
        text.push_str(&format!(
            "{}{} trials{given_up}; {}\n\nbest trial of each learner, {metric} over {folds} folds\n",
            if search.notes.is_empty() { "" } else { "\n" },
            study.trials.len(),
            ending.in_words(study),
        ));
        let mut seen = Vec::new();
        for (trial, value) in self.ranked() {
            let learner = self.learner(trial, catalogue);
            if !seen.contains(&learner) {
                text.push_str(&format!("  {learner:22} {value:<20} trial {}\n", trial.number));
                seen.push(learner);
            }
        }
        let verdict = if blended.is_better() { "the ensemble wins" } else { "the best trial alone wins" };
        text.push_str(&format!(
            "\nensemble of {}: {} on rows without a say, {} for the best alone; the difference {:.6} has a standard \
             error of {:.6}, so {verdict}\n",
            blended.members.len(),
            blended.value,
            blended.best_alone,
            blended.gain,
            blended.standard_error,
        ));
        for member in blended.members.iter().filter(|_| blended.is_better()) {
            let trial = &study.trials[member.trial as usize];
            text.push_str(&format!(
                "  {} × {}, trial {}\n",
                member.weight,
                self.learner(trial, catalogue),
                member.trial
            ));
        }
        if !blended.is_better()
            && let Some(best) = study.best()
        {
            for (name, value) in &best.settings {
                text.push_str(&format!("  {}\n", place::as_setting(&study.space, name, value)));
            }
        }
        text.push_str("\non rows that the search has not seen\n");
        let width = metrics.keys().map(String::len).max().unwrap_or(0);
        for (name, value) in *metrics {
            text.push_str(&format!("  {name:width$}  {value}\n"));
        }
        text
    }

    /// The same as data. The names in it are stable.
    fn as_json(&self, catalogue: &Catalogue) -> Json {
        let Self { search, ending, blended, metrics } = self;
        let leaderboard = self.ranked().into_iter().map(|(trial, value)| {
            let settings: serde_json::Map<String, Json> =
                trial.settings.iter().map(|(name, value)| (name.clone(), place::as_json(value))).collect();
            json!({
                "trial": trial.number,
                "learner": self.learner(trial, catalogue),
                "value": value,
                "folds": trial.intermediate,
                "settings": settings,
            })
        });
        json!({
            "name": search.study.name,
            "objective": search.study.objectives[0],
            "ending": ending.in_words(&search.study),
            "notes": search.notes,
            "given_up": search.study.n_in(TrialState::StoppedEarly),
            "leaderboard": leaderboard.collect::<Vec<_>>(),
            "ensemble": {
                "members": blended.members.iter().map(|member| json!({ "trial": member.trial, "weight": member.weight })).collect::<Vec<_>>(),
                "value": blended.value,
                "best_alone": blended.best_alone,
                "gain": blended.gain,
                "standard_error": blended.standard_error,
                "wins": blended.is_better(),
            },
            "test": metrics,
        })
    }
}
