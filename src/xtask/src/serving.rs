//! `cargo xtask bench server`: how quickly `millrace serve` is ready, what it takes, and how fast it answers, and how fast
//! MLflow's scoring server answers beside it.
//!
//! A forest of 100 trees with its preparation answers requests of one row; the program that sends them runs beside it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::millrace::{Millrace, Serving};
use crate::shell::output_of;
use crate::speed::Figure;
use crate::{programs, tools};

const PIPELINE: &str = "public/gallery/churn.json";
const RATE: &str = "5000";
/// Other work on the machine makes response times longer and never shorter: the best of so many tries counts.
const N_TRIES: usize = 3;

/// Prints every figure with its bar; whether all bars were reached.
pub fn bench() -> Result<bool> {
    let figures = measure()?;
    figures.iter().for_each(|figure| println!("{}", figure.line(figure.bar_verdict())));
    Ok(figures.iter().all(Figure::holds))
}

/// Measures everything.
pub fn measure() -> Result<Vec<Figure>> {
    let millrace = Millrace::new(&programs::build_measured()?, "target/bench/registry")?;
    millrace.registry(&["register", PIPELINE, "--node", "train-forest", "--name", "churn"])?;
    millrace.registry(&["deploy", "models:/churn/1"])?;
    let mut tries = Vec::new();
    for _ in 0..N_TRIES {
        tries.push(Try::make(&millrace)?);
    }
    // None of them had more cores than the best.
    let cores = tries.iter().map(|it| it.cores).fold(0.0, f64::max);
    let best = |of: fn(&Try) -> f64| tries.iter().map(of).fold(f64::INFINITY, f64::min);
    let held = |what: String, measured, unit: &str, bar| Figure { what, measured, unit: unit.into(), bar, cores };
    let mut figures = vec![
        held("from the server's start until it answers".into(), best(|it| it.ready_ms), "ms", Some(100.0)),
        held("the server's memory before the first request".into(), best(|it| it.idle_mb), "MB", Some(30.0)),
        held("the most memory that it took".into(), best(|it| it.most_mb), "MB", Some(30.0)),
        held(format!("the server at {RATE} requests a second, p50"), best(|it| of(&it.steady, "p50_ms")), "ms", None),
        held(
            format!("the server at {RATE} requests a second, p99"),
            best(|it| of(&it.steady, "p99_ms")),
            "ms",
            Some(1.0),
        ),
        held("as many requests a second as are answered".into(), -best(|it| -of(&it.most, "rate")), "/s", None),
        held("the server's p99 then".into(), best(|it| of(&it.most, "p99_ms")), "ms", None),
    ];
    match beside_mlflow(&millrace) {
        Ok(times) => figures.push(held("MLflow's server against it, median".into(), times, "times", Some(10.0))),
        Err(error) => println!("not run, MLflow's server beside it: {error:#}"),
    }
    Ok(figures)
}

/// A server that was started, measured and ended.
struct Try {
    ready_ms: f64,
    idle_mb: f64,
    most_mb: f64,
    steady: Json,
    most: Json,
    /// Cores that were free.
    cores: f64,
}

impl Try {
    fn make(millrace: &Millrace) -> Result<Self> {
        let cores = cores_free()?;
        let server = millrace.serve()?;
        // So that what starting takes is not measured with what serving takes.
        std::thread::sleep(Duration::from_millis(500));
        let idle_mb = server.memory_mb("VmRSS")?;
        let steady = load(millrace, &server, &["--rate", RATE])?;
        let most = load(millrace, &server, &[])?;
        let most_mb = server.memory_mb("VmHWM")?;
        Ok(Self { ready_ms: server.ready_ms, idle_mb, most_mb, steady, most, cores: cores.min(cores_free()?) })
    }
}

fn load(millrace: &Millrace, server: &Serving, more: &[&str]) -> Result<Json> {
    let endpoint = format!("{}/v2/models/churn", server.address);
    let mut load = millrace.command();
    load.args(["load", &endpoint, "--duration", "5", "--json"]).args(more);
    Ok(serde_json::from_str(&output_of(&mut load, "its message says why")?)?)
}

fn of(load: &Json, figure: &str) -> f64 {
    load[figure].as_f64().unwrap_or(f64::NAN)
}

/// How many times as long MLflow's scoring server takes with the same forest from scikit-learn, asked in turns.
fn beside_mlflow(millrace: &Millrace) -> Result<f64> {
    let python = tools::python("serving", None)?;
    let mut script = Command::new(python);
    script.arg("tests/reference/serving.py").arg("--millrace").arg(millrace.command().get_program());
    let said = output_of(&mut script, "its message says why")?;
    print!("{said}");
    let ratio = said.lines().last().and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse().ok());
    ratio.context("it did not say how many times")
}

/// How much of two cores is free, as the browser's figures are judged by.
pub fn cores_free() -> Result<f64> {
    const ASK: &str = "import('./tests/browser/bench/cores.js').then(async (it) => console.log(await it.coresFree()))";
    let said = output_of(Command::new("node").args(["-e", ASK]), "install Node 20 (nodejs.org)")?;
    said.trim().parse().context("tests/browser/bench/cores.js did not say how many cores are free")
}
