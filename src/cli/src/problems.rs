//! `millrace check`: every problem at once.

use anyhow::Result;
use engine::Engine;
use pipeline::{Problem, Severity};
use serde_json::json;

use crate::document::Document;
use crate::{Outcome, Subject, say};

/// What `check` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the problems; errors make a bad outcome, warnings do not.
pub fn check(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::new(components::catalogue(), 0);
    let document = Document::open(&arguments.subject, engine.catalogue())?;
    let problems = engine.check(&document.pipeline).problems;
    if arguments.json {
        say::out(&format!("{:#}\n", json!({ "problems": problems.iter().map(as_json).collect::<Vec<_>>() })))?;
    } else {
        let n_errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let summary = summary(n_errors, problems.len() - n_errors);
        say::out(&format!("{}{summary}\n", in_words(&problems, &document.name)))?;
    }
    Ok(outcome(&problems))
}

/// Bad when there is an error among them.
pub fn outcome(problems: &[Problem]) -> Outcome {
    if problems.iter().any(|problem| problem.severity == Severity::Error) { Outcome::Bad } else { Outcome::Good }
}

/// As a compiler would print them: what, where, and the way out.
pub fn in_words(problems: &[Problem], file: &str) -> String {
    let mut text = String::new();
    for problem in problems {
        text.push_str(&format!("{}[{}]: {}\n", word(problem.severity), problem.code, problem.message));
        text.push_str(&match (&problem.node, &problem.place) {
            (Some(node), Some(place)) => format!("  --> {file}: node `{node}`, `{place}`\n"),
            (Some(node), None) => format!("  --> {file}: node `{node}`\n"),
            (None, _) => format!("  --> {file}\n"),
        });
        if !problem.help.is_empty() {
            text.push_str(&format!("  help: {}\n", problem.help));
        }
        text.push('\n');
    }
    text
}

fn as_json(problem: &Problem) -> serde_json::Value {
    json!({
        "code": problem.code,
        "severity": word(problem.severity),
        "node": problem.node.as_ref().map(|node| node.as_str()),
        "place": problem.place,
        "message": problem.message,
        "help": problem.help,
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn summary(n_errors: usize, n_warnings: usize) -> String {
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (n_errors, n_warnings) {
        (0, 0) => "no problems".to_owned(),
        _ => format!("{}, {}", count(n_errors, "error"), count(n_warnings, "warning")),
    }
}
