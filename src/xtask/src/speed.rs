//! `cargo xtask test speed`: promises about speed that every change keeps, measured in a real browser and with a server.
//!
//! Other work on the machine makes figures worse and never better, so a figure counts at its best of a few tries, and
//! fails nothing where none of them had two cores to itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::server::Server;
use crate::{browser, engine, gpu, serving, tools};

/// Figures that miss their bar on two cores even in a quiet hour, or have missed it, with the best that was seen. They are
/// told, and fail nothing. ARCHITECTURE.md says what was tried.
const FALL_SHORT: [(&str, &str); 10] = [
    ("ten folds: two workers against one", "1.62"),
    ("1,000 trees: two workers against one", "1.76"),
    ("the service worker at work, p50", "2.3"),
    ("the service worker started anew, p50", "33.9"),
    ("boosting, fit: time beside LightGBM's", "0.36"),
    // Where PyTorch is installed, which 3 GB of packages bring.
    ("network, fit: time beside PyTorch's", "0.73"),
    ("network, fit in the browser: time beside PyTorch's", "1.33"),
    ("pca, fit and projection in the browser: time beside scikit-learn's", "1.24"),
    ("network, fit in the browser: time beside TensorFlow.js's", "0.11"),
    // Its kernel's cache is as large as is asked for.
    ("svm: the most memory beside the rows' and the model's own", "23"),
];
/// Two cores of usual speed, less what starting them takes: a machine that is slow, or has other work, judges nothing.
const QUIET_CORES: f64 = 1.8;

/// One figure, as tests/browser/bench writes it.
#[derive(Deserialize)]
pub struct Figure {
    /// In words.
    pub what: String,
    /// The best of a few tries.
    pub measured: f64,
    /// `ms`, `MB`, `times`…
    pub unit: String,
    /// What is promised; none if nothing is.
    pub bar: Option<f64>,
    /// Cores of usual speed that were free in the quietest try.
    pub cores: f64,
}

impl Figure {
    /// Whether it is as promised.
    pub fn holds(&self) -> bool {
        // Of what is so many times as fast, more is better.
        self.bar.is_none_or(|bar| if self.unit == "times" { self.measured >= bar } else { self.measured <= bar })
    }

    /// The same in a word.
    pub fn bar_verdict(&self) -> &'static str {
        match self.bar {
            None => "",
            Some(_) if self.holds() => "holds",
            Some(_) => "FALLS SHORT",
        }
    }

    /// A line of a table.
    pub fn line(&self, verdict: impl std::fmt::Display) -> String {
        let Self { what, measured, unit, bar, .. } = self;
        let bar = bar.map_or_else(String::new, |bar| format!("bar {}", (bar * 1e3).round() / 1e3));
        format!("{what:54} {measured:9.2} {unit:5}  {bar:9} {verdict}").trim_end().to_owned()
    }

    /// Whether nothing is to be done about it, and in words what that means.
    fn verdict(&self) -> (bool, String) {
        let known = FALL_SHORT.iter().find(|(what, _)| *what == self.what);
        match known {
            _ if self.holds() => (true, self.bar_verdict().into()),
            Some((_, seen)) => (true, format!("falls short, as is known (best seen: {seen})")),
            None if self.cores < QUIET_CORES => {
                (true, format!("not judged: {:.1} cores of usual speed were free, not two", self.cores))
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
    node.args([
        "tests/browser/bench/page.js",
        "--short",
        "sweep",
        "pool",
        "run",
        "watch",
        "runs",
        "endpoint",
        "questions",
    ]);
    node.env("MILLRACE_URL", server.address()).env("MILLRACE_CHROMIUM", chromium).env("MILLRACE_FIGURES", &path);
    node.status().context("`node` could not be started")?;
    // Also when a bar was missed; whatever could not be measured leaves nothing.
    let Ok(text) = fs::read_to_string(&path) else {
        bail!("not everything could be measured; the message above says why");
    };
    fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    let mut figures: Vec<Figure> = serde_json::from_str(&text).context("tests/browser/bench wrote no figures")?;
    figures.extend(serving::measure()?);
    figures.extend(engine::held(out)?);
    figures.extend(gpu::measure(out, &["--short"])?);
    println!();
    let mut n_failed = 0;
    for figure in &figures {
        let (is_well, verdict) = figure.verdict();
        n_failed += usize::from(!is_well);
        println!("{}", figure.line(verdict));
    }
    let n_held = figures.iter().filter(|figure| figure.bar.is_some()).count();
    Ok((n_held - n_failed, n_failed))
}
