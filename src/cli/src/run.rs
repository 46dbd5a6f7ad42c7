//! `millrace run`: run a pipeline and say what came out.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use engine::Engine;
use engine::testing::block_on;
use pipeline::NodeId;
use protocol::{RunEvent, RunId, RunReport, RunTarget};

use crate::document::Document;
use crate::host::NativeHost;
use crate::networks::{self, Networks};
use crate::{Outcome, Subject, outputs, record, report, say, values};

/// Results of a run are kept for `--out`, whatever their size.
const RESULTS_BYTES: u64 = u64::MAX;

/// What `run` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Run only this node and what it rests on
    #[arg(long, value_name = "NODE")]
    to: Vec<String>,
    /// Folds, trees and settings computed at a time; the result does not depend on it [default: as many as there are
    /// cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// What trains neural networks, and works on 64 columns or more: the CPU gives the same figures everywhere; a
    /// GPU rounds in its own way
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Networks::Cpu)]
    networks: Networks,
    /// Refuse what would take more memory than this, such as `2GB` or `500MB` [default: no bound]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_memory: Option<u64>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write every result into this folder: tables as CSV, models and metrics as JSON, charts as SVG
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Record the run in this folder, for `millrace runs` and the studio
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// Runs, prints and writes; a node that failed makes a bad outcome.
pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let started_at = record::now_millis();
    let compute = Compute { n_jobs: arguments.jobs, max_memory: arguments.max_memory, networks: arguments.networks };
    let ran = Ran::new(&arguments.subject, &arguments.to, compute, arguments.json)?;
    let recorded = match &arguments.record {
        Some(folder) => Some((record::write(&ran, &arguments.subject.source, started_at, folder)?, folder)),
        None => None,
    };
    if let Some(folder) = &arguments.out {
        outputs::write(&ran, folder)?;
    }
    if arguments.json {
        say::out(&format!("{:#}\n", report::as_json(&ran.document.pipeline, &ran.report)))?;
    } else {
        let pipeline = &ran.document.pipeline;
        say::out(&report::in_words(pipeline, &pipeline.topological_order(), &ran.report))?;
        if let Some(folder) = &arguments.out {
            say::out(&format!("results are in {}\n", folder.display()))?;
        }
        if let Some((run, folder)) = recorded {
            say::out(&format!("the run is recorded as {run} in {}\n", folder.display()))?;
        }
    }
    Ok(if report::all_came_through(&ran.report) { Outcome::Good } else { Outcome::Bad })
}

/// "2GB" or "500MB" in bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000)];
    let found =
        units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim().parse::<f64>().ok()?, *size)));
    match found {
        Some((n, size)) if n > 0.0 => Ok((n * f64::from(size)) as u64),
        Some(_) | None => Err("expected a size such as 2GB or 500MB".into()),
    }
}

/// What a run may take of the computer.
#[derive(Clone, Copy, Default)]
pub struct Compute {
    /// Threads; as many as there are cores if nothing is said.
    pub n_jobs: Option<u32>,
    /// Bytes of memory; no bound if nothing is said.
    pub max_memory: Option<u64>,
    /// What trains neural networks.
    pub networks: Networks,
}

/// A pipeline that has run, with its results.
pub struct Ran {
    /// What ran, with the settings of the command line.
    pub document: Document,
    /// Holds the results.
    pub engine: Engine,
    /// How every node came out.
    pub report: RunReport,
    /// What happened, and at which second; progress left out.
    pub events: Vec<(f64, RunEvent)>,
}

impl Ran {
    /// Opens and runs what the command line names.
    pub fn new(subject: &Subject, to: &[String], compute: Compute, quiet: bool) -> Result<Self> {
        let engine = Engine::new(components::catalogue(), RESULTS_BYTES);
        let document = Document::open(subject, engine.catalogue())?;
        let ends = to.iter().map(|text| existing(&document, text)).collect::<Result<Vec<_>>>()?;
        let target = if ends.is_empty() { RunTarget::All } else { RunTarget::To(ends) };
        let host = NativeHost::new(document.files.clone(), document.folder.clone(), quiet)
            .with_max_memory(compute.max_memory)
            .with_jobs(compute.n_jobs)
            .with_accelerator(networks::accelerator(compute.networks));
        let report = block_on(engine.run(&host, RunId(0), &document.pipeline, &target));
        Ok(Self { document, engine, report, events: host.into_events() })
    }
}

fn existing(document: &Document, text: &str) -> Result<NodeId> {
    let id = NodeId::new(text).map_err(|reason| anyhow!("--to {text}: {reason}"))?;
    document
        .pipeline
        .node(&id)
        .with_context(|| format!("--to {text}: {}", values::no_such_node(&document.pipeline, text)))?;
    Ok(id)
}
