//! The golden pipelines through a worker that someone else holds: requests leave as lines of hexadecimal digits on
//! standard output, what the worker says comes back as such lines on standard input.
//!
//! `tests/browser/golden.test.js` joins it to the real worker in a real browser. Metrics are held to the snapshot that
//! the native engine is held to, and every table, to the last digit, to what the native engine exports.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use engine::testing::{TestHost, block_on};
use engine::{Artifact, Engine};
use pipeline::{OutPort, Pipeline};
use protocol::{
    Compute, Export, ExportFormat, FromWorker, NodeOutcome, Reply, Request, Rerun, Run, RunId, RunReport, RunTarget,
    ToWorker, decode, encode,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match compare_all(&mut Link::default()) {
        Ok(n_compared) => {
            eprintln!("{n_compared} figures and tables are the same in the worker");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare_all(link: &mut Link) -> Outcome<usize> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let snapshot = fs::read_to_string(here.join("golden/snapshot.json"))?;
    let snapshot: BTreeMap<String, serde_json::Value> = serde_json::from_str(&snapshot)?;
    let native = Engine::new(components::catalogue(), u64::MAX);
    let mut n_compared = 0;
    for (name, expected) in &snapshot {
        let in_gallery = here.join(format!("../public/gallery/{name}.json"));
        let path = if in_gallery.exists() { in_gallery } else { here.join(format!("golden/pipelines/{name}.json")) };
        let text = fs::read_to_string(path)?;
        n_compared += compare(link, &native, &pipeline::from_json(&text)?, expected)
            .map_err(|difference| format!("{name}: {difference}"))?;
    }
    if n_compared == 0 {
        return Err("the snapshot is empty".into());
    }
    Ok(n_compared)
}

/// Runs one pipeline on both sides; the number of figures and tables that were compared, or what differs.
fn compare(link: &mut Link, native: &Engine, pipeline: &Pipeline, expected: &serde_json::Value) -> Outcome<usize> {
    block_on(native.run(&TestHost::default(), RunId(1), pipeline, &RunTarget::All));
    let mut n_compared = 0;
    for n_workers in [1, 3] {
        let compute = Compute { shares_all: true, ..Compute::with_workers(n_workers) };
        n_compared += compare_with(link, native, pipeline, expected, compute)
            .map_err(|difference| format!("with workers: {n_workers}, {difference}"))?;
    }
    Ok(n_compared)
}

fn compare_with(
    link: &mut Link,
    native: &Engine,
    pipeline: &Pipeline,
    expected: &serde_json::Value,
    compute: Compute,
) -> Outcome<usize> {
    let (run, target) = (RunId(1), RunTarget::All);
    let report = link.run(Run { run, pipeline: pipeline.clone(), target, rerun: Rerun::All, compute })?;
    let mut n_compared = 0;
    for (id, node) in &report.nodes {
        if node.outcome != NodeOutcome::Ran {
            return Err(format!("{id} came out as {:?}", node.outcome).into());
        }
        for (name, value) in &node.metrics {
            let kept = expected[id.as_str()]["metrics"][name].as_str().unwrap_or("nothing");
            if format!("{value:?}") != kept {
                return Err(format!("{id}.{name} is {value:?}, and the snapshot has {kept}").into());
            }
            n_compared += 1;
        }
        for port in node.outputs.keys() {
            let output = OutPort::new(id, port);
            let artifact = native.artifact(&output)?;
            if matches!(artifact, Artifact::Table(_)) {
                let here = engine::export(&artifact, ExportFormat::Csv)?;
                let there = link.export(Export { output: output.clone(), format: ExportFormat::Csv })?;
                if let Some(line) = first_difference(&here, &there) {
                    return Err(format!("the table at {output} differs in line {line}").into());
                }
                n_compared += 1;
            }
        }
    }
    Ok(n_compared)
}

/// The first line, counted from 1, in which two files differ.
fn first_difference(here: &[u8], there: &[u8]) -> Option<usize> {
    if here == there {
        return None;
    }
    let (mut here, mut there) = (here.split(|byte| *byte == b'\n'), there.split(|byte| *byte == b'\n'));
    (1..).find(|_| here.next() != there.next())
}

/// Calls over standard input and output.
#[derive(Default)]
struct Link {
    n_calls: u32,
}

impl Link {
    fn run(&mut self, call: Run) -> Outcome<RunReport> {
        match self.call(call.into())? {
            Reply::Run(report) => Ok(report),
            other => Err(format!("a run was answered with {other:?}").into()),
        }
    }

    fn export(&mut self, call: Export) -> Outcome<Vec<u8>> {
        match self.call(call.into())? {
            Reply::Export(bytes) => Ok(bytes),
            other => Err(format!("an export was answered with {other:?}").into()),
        }
    }

    fn call(&mut self, request: Request) -> Outcome<Reply> {
        self.n_calls += 1;
        let call_id = self.n_calls;
        let digits: String = encode(&ToWorker { call_id, request }).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut out = io::stdout().lock();
        writeln!(out, "{digits}")?;
        out.flush()?;
        for line in io::stdin().lock().lines() {
            match decode::<FromWorker>(&bytes(line?.trim())?)? {
                FromWorker::Reply(answered, answer) if answered == call_id => return Ok(answer?),
                FromWorker::Reply(answered, _) => return Err(format!("call {answered} was never made").into()),
                FromWorker::Event(_) => {}
            }
        }
        Err("the worker is gone".into())
    }
}

fn bytes(digits: &str) -> Outcome<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2).ok_or("half a byte"));
    pairs.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect()
}
