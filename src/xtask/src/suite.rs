//! `cargo xtask test`: every part is run even when one before it failed, and
//! the last line counts what passed and what failed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::page::{self, Profile};
use crate::server::Server;
use crate::shell::say;
use crate::{browser, parity, peers, programs, search, size, speed, tools};

/// A part of the test suite.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Formatting and clippy, native and wasm32
    Lint,
    /// Unit, property, reference and golden tests, the table of parity, and the direction of dependencies
    Unit,
    /// Golden pipelines, natively and in a real worker, against the same snapshot
    Golden,
    /// Scenarios in a real browser
    Browser,
    /// How good the search for settings is, beside Optuna's
    Search,
    /// What programs of others make of telemetry, manifests and the server
    Peers,
    /// The size budgets
    Size,
    /// What is promised about speed, as far as a few minutes can hold it
    Speed,
}

/// How many checks of a step passed and failed.
#[derive(Default)]
struct Count {
    n_passed: usize,
    n_failed: usize,
}

impl Count {
    fn of(passed: bool) -> Self {
        Self { n_passed: usize::from(passed), n_failed: usize::from(!passed) }
    }
}

/// Runs the parts, or all of them when none is named.
pub fn run(parts: &[Part], only: Option<&str>, debug: bool) -> Result<ExitCode> {
    let asked = |part| parts.is_empty() || parts.contains(&part);
    let profile = Profile::new(debug);
    let mut total = Count::default();
    let mut failed_steps = Vec::new();
    let mut step = |name: &str, run: &mut dyn FnMut() -> Result<Count>| {
        say(name);
        let count = run().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Count::of(false)
        });
        if count.n_failed > 0 {
            failed_steps.push(name.to_owned());
        }
        total.n_passed += count.n_passed;
        total.n_failed += count.n_failed;
    };

    if asked(Part::Lint) {
        step("formatting", &mut || {
            tools::for_lint()?;
            passes(Command::new("cargo").args(["fmt", "--all", "--check"]))
        });
        step("clippy, native", &mut || passes(clippy().args(["--workspace", "--all-targets"]).args(DENY_WARNINGS)));
        step("clippy, wasm32", &mut || {
            tools::for_page()?;
            let wasm = ["--target", "wasm32-unknown-unknown", "--target-dir", "target/web"];
            let programs = ["studio", "worker", "service_worker", "accelerator"].map(|name| ["-p", name]);
            passes(clippy().args(programs.as_flattened()).args(wasm).args(DENY_WARNINGS))
        });
    }
    if asked(Part::Unit) {
        tools::gpu_driver();
        let compared = parity::empty_folder()?;
        step("unit, property, reference and golden tests", &mut || {
            counts(cargo_test().arg("--workspace").env(parity::VARIABLE, &compared))
        });
        step("the table of parity", &mut || Ok(Count::of(parity::holds(&compared)?)));
    } else if asked(Part::Golden) {
        step("golden pipelines, native", &mut || {
            counts(cargo_test().args(["-p", "millrace-tests", "--test", "golden"]))
        });
    }
    let out = Path::new(if debug { "target/web/debug-page" } else { "dist" });
    if [Part::Browser, Part::Golden, Part::Size, Part::Speed].into_iter().any(asked) {
        step("building the page", &mut || page::build(profile, out).map(|()| Count::of(true)));
    }
    if asked(Part::Browser) || asked(Part::Golden) {
        let only = if asked(Part::Browser) { only } else { Some("golden") };
        step("the programs that scenarios compare with", &mut || programs::build().map(|_| Count::of(true)));
        step("browser scenarios", &mut || scenarios(out, only));
    }
    if asked(Part::Search) {
        step("the search for settings", &mut || Ok(Count::of(search::measure()?)));
    }
    if asked(Part::Peers) {
        step("programs of others", &mut || {
            let (n_passed, n_failed) = peers::measure()?;
            Ok(Count { n_passed, n_failed })
        });
    }
    if asked(Part::Size) && !debug {
        step("size budgets", &mut || Ok(Count::of(size::measure(out)?)));
    }
    if asked(Part::Speed) && !debug {
        step("speed", &mut || {
            let (n_passed, n_failed) = speed::measure(out)?;
            Ok(Count { n_passed, n_failed })
        });
    }

    for name in &failed_steps {
        println!("failed: {name}");
    }
    println!("{} passed, {} failed", total.n_passed, total.n_failed);
    Ok(if total.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

fn clippy() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["clippy", "--quiet"]);
    cargo
}

fn cargo_test() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-fail-fast"]);
    cargo
}

/// A step that is one check: it passes when the program ends well.
fn passes(command: &mut Command) -> Result<Count> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("`{name}` could not be started"))?;
    Ok(Count::of(status.success()))
}

/// A step that is many checks: counted from what the test runner prints.
fn counts(command: &mut Command) -> Result<Count> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{name}` could not be started"))?;
    let mut count = Count::default();
    for line in BufReader::new(child.stdout.take().context("the test runner has no output")?).lines() {
        let line = line.context("the test runner's output cannot be read")?;
        println!("{line}");
        add(&mut count, &line);
    }
    let status = child.wait().context("the test runner was lost")?;
    // A suite that does not compile prints no count at all.
    if !status.success() && count.n_failed == 0 {
        count.n_failed = 1;
    }
    Ok(count)
}

/// Understands the summaries of Rust's test harness and of Node's.
fn add(count: &mut Count, line: &str) {
    let number = |text: &str| text.trim().parse::<usize>().unwrap_or(0);
    if let Some(result) = line.strip_prefix("test result: ") {
        for part in result.split([';', '.']) {
            if let Some(passed) = part.strip_suffix(" passed") {
                count.n_passed += number(passed);
            } else if let Some(failed) = part.strip_suffix(" failed") {
                count.n_failed += number(failed);
            }
        }
    } else if let Some(passed) = line.strip_prefix("# pass ") {
        count.n_passed += number(passed);
    } else if let Some(failed) = line.strip_prefix("# fail ") {
        count.n_failed += number(failed);
    }
}

/// Runs the scenarios of tests/browser against a page that is served here.
fn scenarios(out: &Path, only: Option<&str>) -> Result<Count> {
    tools::node_packages()?;
    let chromium = browser::find_or_install()?;
    let server = Server::start(out, 0)?;
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap", "--test-concurrency=1"]);
    if let Some(text) = only {
        node.arg(format!("--test-name-pattern={text}"));
    }
    let out = out.canonicalize().with_context(|| format!("{} is missing", out.display()))?;
    node.env("MILLRACE_URL", server.address()).env("MILLRACE_PAGE", out).env("MILLRACE_CHROMIUM", chromium);
    counts(node.args(page::files_ending(Path::new("tests/browser"), ".test.js")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summaries_of_both_test_runners_are_counted() {
        let mut count = Count::default();
        let printed = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                       # tests 5\n# pass 4\n# fail 1\n# cancelled 0\ntest one_passed ... ok";
        printed.lines().for_each(|line| add(&mut count, line));
        assert_eq!((count.n_passed, count.n_failed), (16, 4));
    }
}
