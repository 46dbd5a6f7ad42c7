//! `millrace check`: every problem at once.

use anyhow::Result;
use engine::Engine;
use pipeline::{Catalogue, Pipeline, Problem, Severity, value_in_words, value_to_json};
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
        let problems: Vec<_> = problems.iter().map(as_json).collect();
        let parameters: Vec<_> = document.pipeline.parameters().keys().map(|name| parameter(&document, name)).collect();
        say::out(&format!("{:#}\n", json!({ "problems": problems, "parameters": parameters })))?;
    } else {
        let n_errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let summary = summary(n_errors, problems.len() - n_errors);
        let parameters = parameters_in_words(&document.pipeline, engine.catalogue());
        say::out(&format!("{parameters}{}{summary}\n", in_words(&problems, &document.name)))?;
    }
    Ok(outcome(&problems))
}

/// Every parameter of the pipeline: its name, kind and default, and what is bound to it.
fn parameters_in_words(pipeline: &Pipeline, catalogue: &Catalogue) -> String {
    let rows: Vec<_> = pipeline
        .parameters()
        .iter()
        .filter_map(|(name, declared)| {
            let spec = pipeline.parameter_spec(name, catalogue)?;
            let bound: Vec<_> = pipeline.bound_to(name).map(|(node, param)| format!("{node}.{param}")).collect();
            let default = value_in_words(&spec, &declared.default);
            Some([name.clone(), declared.kind.word().to_owned(), default, declared.label.clone(), bound.join(", ")])
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for [name, kind, default, label, bound] in &rows {
        let [a, b, c, d] = widths;
        text.push_str(format!("  {name:a$}  {kind:b$}  {default:c$}  {label:d$}  {bound}").trim_end());
        text.push('\n');
    }
    if rows.is_empty() { text } else { format!("parameters, given with --param NAME=VALUE:\n{text}\n") }
}

fn parameter(document: &Document, name: &str) -> serde_json::Value {
    let declared = &document.pipeline.parameters()[name];
    let bound: Vec<_> = document.pipeline.bound_to(name).map(|(node, param)| format!("{node}.{param}")).collect();
    let default = value_to_json(&declared.default);
    json!({ "name": name, "label": declared.label, "kind": declared.kind.word(), "default": default, "bound": bound })
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
