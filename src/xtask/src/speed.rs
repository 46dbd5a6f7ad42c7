//! `cargo xtask test speed`: promises about speed that every change keeps, measured in a real browser.
//!
//! Other work on the machine makes figures worse and never better, so a figure counts at its best of a few tries, and
//! fails nothing where none of them had two cores to itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::server::Server;
use crate::{browser, tools};

/// Figures that miss their bar on two cores even in a quiet hour, with the best that was seen. They are told, and fail
/// nothing; ARCHITECTURE.md says what is known of the reasons.
const FALL_SHORT: [(&str, &str); 4] = [
    ("ten folds: two workers against one", "1.46"),
    ("1,000 trees: two workers against one", "1.33"),
    ("the service worker at work, p50", "3.3"),
    ("the service worker started anew, p50", "51.5"),
];
/// What a machine that does nothing else gives two threads, less what starting them takes.
const QUIET_CORES: f64 = 1.8;

/// One figure, as tests/browser/bench writes it.
#[derive(Deserialize)]
struct Figure {
    what: String,
    measured: f64,
    unit: String,
    bar: f64,
    cores: f64,
}

impl Figure {
    fn holds(&self) -> bool {
        // Of what is so many times as fast, more is better.
        if self.unit == "times" { self.measured >= self.bar } else { self.measured <= self.bar }
    }

    /// Whether nothing is to be done about it, and in words what that means.
    fn verdict(&self) -> (bool, String) {
        let known = FALL_SHORT.iter().find(|(what, _)| *what == self.what);
        match known {
            _ if self.holds() => (true, "holds".into()),
            Some((_, seen)) => (true, format!("falls short, as is known (best seen: {seen})")),
            None if self.cores < QUIET_CORES => {
                (true, format!("not judged: other work left {:.1} of two cores", self.cores))
            }
            None => (false, "FALLS SHORT".into()),
        }
    }
}

/// Measures, prints every figure with its bar, and gives how many are as they should be and how many are not.
pub fn measure(out: &Path) -> Result<(usize, usize)> {
    tools::node_packages()?;
    let chromium = browser::find_or_install()?;
    let server = Server::start(out, 0)?;
    let path = std::env::temp_dir().join(format!("millrace-figures-{}.json", std::process::id()));
    let mut node = Command::new("node");
    node.args(["tests/browser/bench/page.js", "--short", "sweep", "pool", "run", "endpoint"]);
    node.env("MILLRACE_URL", server.address()).env("MILLRACE_CHROMIUM", chromium).env("MILLRACE_FIGURES", &path);
    node.status().context("`node` could not be started")?;
    // Also when a bar was missed; whatever could not be measured leaves nothing.
    let Ok(text) = fs::read_to_string(&path) else {
        bail!("not everything could be measured; the message above says why");
    };
    fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    let figures: Vec<Figure> = serde_json::from_str(&text).context("tests/browser/bench wrote no figures")?;
    println!();
    let mut n_failed = 0;
    for figure in &figures {
        let (is_well, verdict) = figure.verdict();
        n_failed += usize::from(!is_well);
        let Figure { what, measured, unit, bar, .. } = figure;
        println!("{what:54} {measured:7.2} {unit:5}  bar {bar:5} {verdict}");
    }
    Ok((figures.len() - n_failed, n_failed))
}
