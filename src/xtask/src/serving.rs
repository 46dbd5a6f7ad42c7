//! `cargo xtask bench server`: how quickly `millrace serve` is ready, what it takes, and how fast it answers.
//!
//! A forest of 100 trees with its preparation answers requests of one row; the program that sends them runs beside it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::shell::{output_of, run};

const PROGRAM: &str = "target/release/millrace";
const PIPELINE: &str = "public/gallery/churn.json";
const REGISTRY: &str = "target/bench/registry";
const RATE: &str = "5000";
/// Other work on the machine makes response times longer and never shorter: the best of so many tries counts.
const N_TRIES: usize = 3;

/// Prints every figure with its bar; whether all bars were reached.
pub fn measure() -> Result<bool> {
    run(
        Command::new("cargo").args(["build", "--quiet", "--release", "--package", "cli"]),
        "the message above says why",
    )?;
    if Path::new(REGISTRY).exists() {
        fs::remove_dir_all(REGISTRY).with_context(|| format!("{REGISTRY} cannot be removed"))?;
    }
    millrace(&["register", PIPELINE, "--node", "train-forest", "--name", "churn"])?;
    millrace(&["deploy", "models:/churn/1"])?;
    let server = Server::start()?;
    let mut holds = figure("from its start until it answers", server.ready_ms, "ms", Some(100.0));
    holds &= figure("memory before the first request", server.memory_mb("VmRSS")?, "MB", Some(30.0));
    let mut tries = Vec::new();
    for _ in 0..N_TRIES {
        tries.push(server.load(&["--rate", RATE])?);
    }
    let p99 = |load: &Json| load["p99_ms"].as_f64().unwrap_or(f64::INFINITY);
    tries.sort_by(|a, b| p99(a).total_cmp(&p99(b)));
    let best = &tries[0];
    figure(&format!("p50 at {RATE} requests a second"), best["p50_ms"].as_f64().unwrap_or(f64::NAN), "ms", None);
    holds &= figure(&format!("p99 at {RATE} requests a second"), p99(best), "ms", Some(1.0));
    let most = server.load(&[])?;
    figure("requests a second, as many as are answered", most["rate"].as_f64().unwrap_or(f64::NAN), "/s", None);
    figure("p99 then", p99(&most), "ms", None);
    holds &= figure("the most memory that it took", server.memory_mb("VmHWM")?, "MB", Some(30.0));
    Ok(holds)
}

fn figure(what: &str, measured: f64, unit: &str, bar: Option<f64>) -> bool {
    let holds = bar.is_none_or(|bar| measured <= bar);
    let verdict = match bar {
        Some(bar) if holds => format!("bar {bar}"),
        Some(bar) => format!("bar {bar}  FALLS SHORT"),
        None => String::new(),
    };
    println!("{what:46} {measured:9.2} {unit:3} {verdict}");
    holds
}

fn millrace(arguments: &[&str]) -> Result<String> {
    output_of(Command::new(PROGRAM).args(arguments).args(["--registry", REGISTRY]), "its message says why")
}

/// A server that ends when it is no longer needed.
struct Server {
    child: Child,
    address: String,
    ready_ms: f64,
}

impl Server {
    fn start() -> Result<Self> {
        let started = Instant::now();
        let mut serve = Command::new(PROGRAM);
        serve.args(["serve", "--port", "0", "--registry", REGISTRY]).stdout(Stdio::piped());
        let mut child = serve.spawn().context("the server could not be started")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it says nothing")?).read_line(&mut line)?;
        let ready_ms = started.elapsed().as_secs_f64() * 1e3;
        let address = line.split_whitespace().nth(1).context("the server did not say where it is")?.to_owned();
        // So that what starting takes is not measured with what serving takes.
        std::thread::sleep(Duration::from_millis(500));
        Ok(Self { child, address, ready_ms })
    }

    /// What Linux says of its memory.
    fn memory_mb(&self, field: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: this needs Linux"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("Linux does not say what it takes")?;
        Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
    }

    fn load(&self, more: &[&str]) -> Result<Json> {
        let endpoint = format!("{}/models/churn", self.address);
        let mut load = Command::new(PROGRAM);
        load.args(["load", &endpoint, "--duration", "5", "--json"]).args(more);
        Ok(serde_json::from_str(&output_of(&mut load, "its message says why")?)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
