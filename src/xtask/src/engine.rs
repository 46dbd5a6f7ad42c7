//! `cargo xtask bench engine`: the learners beside those of other libraries, in turns, on one thread each; here, and in the
//! browser's engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::server::Server;
use crate::shell::run;
use crate::speed::Figure;
use crate::{browser, programs, serving, tools};

const SCRIPT: &str = "tests/reference/engine_speed.py";
/// What it needs, beside it.
const PACKAGES: &str = "engine_speed";
/// From one hour to the next, such a ratio scatters by a tenth.
const SLACK: f64 = 1.15;
const WAY_OUT: &str = "the message above says why";

/// What `tests/reference/engine_speed.py` leaves.
#[derive(Deserialize)]
struct Measured {
    figures: Vec<Figure>,
    beside: Vec<Beside>,
}

/// The best of the others, which the browser is held against.
#[derive(Deserialize)]
struct Beside {
    kernel: String,
    phase: String,
    name: String,
    ms: f64,
    bar: f64,
}

/// Prints every figure with its bar, and how times grow; whether all bars were reached.
pub fn bench(page: &Path) -> Result<bool> {
    let figures = measure(page, &["--rounds", "5", "--smartcore"])?;
    figures.iter().for_each(|figure| println!("{}", figure.line(figure.bar_verdict())));
    for besides in ["--losses", "--curves"] {
        let mut script = Command::new(tools::python(PACKAGES, None)?);
        run(script.arg(SCRIPT).arg(program()?).arg(besides), WAY_OUT)?;
    }
    Ok(figures.iter().all(Figure::holds))
}

/// The same in fewer turns, with bars that allow for them; nothing where the others cannot be installed.
pub fn held(page: &Path) -> Result<Vec<Figure>> {
    if let Err(error) = tools::python(PACKAGES, None) {
        println!("not run, the learners beside those of others: {error:#}");
        return Ok(Vec::new());
    }
    let mut figures = measure(page, &["--rounds", "3"])?;
    figures.iter_mut().for_each(|figure| figure.bar = figure.bar.map(|bar| bar * SLACK));
    Ok(figures)
}

fn program() -> Result<PathBuf> {
    Ok(programs::build_measured()?.join("examples/engine_speed"))
}

fn measure(page: &Path, how: &[&str]) -> Result<Vec<Figure>> {
    let python = tools::python(PACKAGES, None)?;
    // TensorFlow.js is among them.
    tools::node_packages()?;
    let program = program()?;
    let folder = std::env::temp_dir().join(format!("millrace-engine-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join("figures.json");
    let mut script = Command::new(python);
    script.arg(SCRIPT).arg(program).args(how).arg("--rows").arg(&folder).env("MILLRACE_FIGURES", &path);
    let before = serving::cores_free()?;
    run(&mut script, WAY_OUT)?;
    let cores = before.min(serving::cores_free()?);
    let Measured { mut figures, beside } = read(&path)?;
    figures.iter_mut().for_each(|figure| figure.cores = cores);
    let turns = in_browser(page, &folder)?;
    for Beside { kernel, phase, name, ms, bar } in beside {
        let turn = turns.iter().find(|turn| turn.what == kernel).with_context(|| format!("{kernel} was not timed"))?;
        let what =
            format!("{kernel}, {phase} in the browser: time beside {}'s", name.split(',').next().unwrap_or(&name));
        let Figure { measured, cores, .. } = *turn;
        figures.push(Figure { what, measured: measured / ms, unit: "parts".into(), bar: Some(bar), cores });
    }
    fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    Ok(figures)
}

/// Milliseconds by kernel.
fn in_browser(page: &Path, rows: &Path) -> Result<Vec<Figure>> {
    let chromium = browser::find_or_install()?;
    let server = Server::start(page, 0)?;
    let path = rows.join("browser.json");
    let mut node = Command::new("node");
    node.args(["tests/browser/bench/page.js", "engine"]).env("MILLRACE_ROWS", rows).env("MILLRACE_FIGURES", &path);
    node.env("MILLRACE_URL", server.address()).env("MILLRACE_CHROMIUM", chromium);
    if !node.status().context("`node` could not be started")?.success() {
        bail!("not everything could be measured; the message above says why");
    }
    read(&path)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("{} was not written", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} holds something else than figures", path.display()))
}
