//! `cargo xtask bench page`: what is promised about speed, measured in a real browser; `bench engine`, `bench gpu`,
//! `bench search` and `bench server`: see there.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::page::{self, Profile};
use crate::server::Server;
use crate::{browser, engine, gpu, search, serving, tools};

/// What the program in tests/browser/bench ends with when a bar was missed.
const FALLS_SHORT: i32 = 3;

#[derive(clap::Args)]
pub struct Arguments {
    /// What to measure
    subject: Subject,
    /// Only this part
    #[arg(long)]
    only: Option<Section>,
    /// Measure the page that was built last
    #[arg(long)]
    no_build: bool,
    /// Measure an unoptimised page: its figures mean little
    #[arg(long)]
    debug: bool,
    /// Fail when a bar is missed, not only when something cannot be measured
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// The page, through the DevTools protocol
    Page,
    /// The learners, beside those of other libraries
    Engine,
    /// Networks on the GPU, beside TensorFlow.js'
    Gpu,
    /// The search for settings, beside Optuna's
    Search,
    /// `millrace serve`, under load
    Server,
}

#[derive(Clone, Copy, ValueEnum)]
enum Section {
    /// A CSV of a million rows: imported, stopped, scrolled
    Import,
    /// Five hundred nodes: panned and dragged
    Canvas,
    /// Every link of the gallery, from the click to the last figure
    Gallery,
    /// A sweep of a thousand trials: brushed and pointed at
    Sweep,
    /// The trials of a sweep: on one worker and on two
    Pool,
    /// Folds, trees and nodes of one run: on one worker and on two
    Run,
    /// A network while it learns: looked at and not
    Watch,
    /// A list of ten thousand runs: opened, scrolled, sorted, searched, grouped
    Runs,
    /// Requests to the endpoint that lives in the browser
    Endpoint,
    /// Questions about a million requests
    Questions,
}

/// Prints a table of figures and bars.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.subject {
        Subject::Page => measure_page(arguments),
        Subject::Engine if engine::bench(&built(arguments)?)? || !arguments.strict => Ok(ExitCode::SUCCESS),
        Subject::Search if search::measure()? || !arguments.strict => Ok(ExitCode::SUCCESS),
        Subject::Server if serving::bench()? || !arguments.strict => Ok(ExitCode::SUCCESS),
        Subject::Gpu if gpu::bench(&built(arguments)?)? || !arguments.strict => Ok(ExitCode::SUCCESS),
        Subject::Engine | Subject::Gpu | Subject::Search | Subject::Server => bail!("a bar was missed"),
    }
}

/// The page to measure.
fn built(arguments: &Arguments) -> Result<PathBuf> {
    let out = PathBuf::from(if arguments.debug { "target/web/debug-page" } else { "dist" });
    if !arguments.no_build {
        page::build(Profile::new(arguments.debug), &out)?;
    }
    Ok(out)
}

fn measure_page(arguments: &Arguments) -> Result<ExitCode> {
    let out = built(arguments)?;
    tools::node_packages()?;
    let chromium = browser::find_or_install()?;
    let server = Server::start(&out, 0)?;
    let mut node = Command::new("node");
    node.arg("tests/browser/bench/page.js").args(arguments.only.map(|section| match section {
        Section::Import => "import",
        Section::Canvas => "canvas",
        Section::Gallery => "gallery",
        Section::Sweep => "sweep",
        Section::Pool => "pool",
        Section::Run => "run",
        Section::Watch => "watch",
        Section::Runs => "runs",
        Section::Endpoint => "endpoint",
        Section::Questions => "questions",
    }));
    node.env("MILLRACE_URL", server.address()).env("MILLRACE_CHROMIUM", chromium);
    let status = node.status().context("`node` could not be started")?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(FALLS_SHORT) if !arguments.strict => Ok(ExitCode::SUCCESS),
        Some(FALLS_SHORT) => bail!("a bar was missed"),
        _ => bail!("not everything could be measured; the message above says why"),
    }
}
