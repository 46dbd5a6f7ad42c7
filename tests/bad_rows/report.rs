//! The table of who does what with which rows, and what is said.

use std::fmt::Write as _;

use pipeline::Value;
use protocol::Failure;

use crate::cases::{CASES, Case, LATER};
use crate::learners::{Learner, Settings, Task};
use crate::{Came, Tried};

const HEAD: &str = "# What becomes of bad rows\n\n\
    Written by `UPDATE_EXPECT=1 cargo test --workspace --test bad_rows`, and held by the same test: see `bad_rows.rs`.\n\n\
    *trains*: there is a model whose scores are finite and proper. A number is what was said instead, to be found below; \
    beside *trains* it is what Evaluate Model said of the scores. Where two and three classes differ, both are told.\n";

/// Failures by number.
#[derive(Default)]
struct Notes(Vec<Failure>);

/// The whole document.
pub fn text(learners: &[Learner], tried: &[Tried]) -> String {
    let mut text = HEAD.to_owned();
    let mut notes = Notes::default();
    for (cases, title) in [(CASES, "Rows to train on"), (LATER, "Rows that come later")] {
        for (part, tasks) in [
            ("classes", &[Task::Classes][..]),
            ("numbers", &[Task::Numbers]),
            ("anomalies and clusters", &[Task::Anomalies, Task::Clusters]),
        ] {
            let of_part: Vec<(&Learner, &[Vec<Came>])> = learners
                .iter()
                .zip(tried)
                .filter(|(learner, _)| tasks.contains(&learner.task))
                .map(|(learner, tried)| {
                    (learner, if title == "Rows to train on" { &tried.training } else { &tried.later })
                })
                .map(|(learner, came)| (learner, came.as_slice()))
                .collect();
            let _ = write!(text, "\n## {title}: {part}\n\n");
            write_table(&mut text, cases, &of_part, &mut notes);
        }
    }
    write_settings(&mut text, learners, tried, &mut notes);
    text.push_str("\n## What is said\n\n");
    for (at, Failure { message, help }) in notes.0.iter().enumerate() {
        let _ = writeln!(text, "{}. {message}\\\n   {help}", at + 1);
    }
    text
}

fn write_table(text: &mut String, cases: &[Case], learners: &[(&Learner, &[Vec<Came>])], notes: &mut Notes) {
    let heads: Vec<&str> = learners.iter().map(|(learner, _)| learner.name.as_str()).collect();
    let _ = writeln!(text, "| | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for (case_idx, case) in cases.iter().enumerate() {
        if learners.iter().all(|(_, came)| came[case_idx].is_empty()) {
            continue;
        }
        let cells: Vec<String> = learners.iter().map(|(_, came)| notes.cell(&came[case_idx])).collect();
        let _ = writeln!(text, "| {} | {} |", case.name.replace('|', "\\|"), cells.join(" | "));
    }
}

fn write_settings(text: &mut String, learners: &[Learner], tried: &[Tried], notes: &mut Notes) {
    text.push_str(
        "\n## Settings\n\nEach parameter at its bounds, each option, on the hardest of these rows; what differs.\n\n",
    );
    let n: usize = tried.iter().map(|tried| tried.n_settings).sum();
    let n_other: usize = tried.iter().map(|tried| tried.settings.len()).sum();
    let _ = writeln!(text, "{} of {n} settings make no difference.\n", n - n_other);
    text.push_str("| learner | setting | rows |\n|---|---|---|\n");
    for (learner, tried) in learners.iter().zip(tried) {
        for (settings, others) in &tried.settings {
            // By what came of them.
            let mut groups: Vec<(&Came, Vec<&str>)> = Vec::new();
            for (case, came) in others {
                match groups.iter_mut().find(|(known, _)| *known == came) {
                    Some((_, cases)) => cases.push(case),
                    None => groups.push((came, vec![case])),
                }
            }
            let told = |(came, cases): &(&Came, Vec<&str>)| {
                let cases = if cases.len() == tried.n_hard { "all".to_owned() } else { cases.join(", ") };
                format!("{}: {cases}", notes.word(came))
            };
            let told: Vec<String> = groups.iter().map(told).collect();
            let _ = writeln!(text, "| {} | {} | {} |", learner.title(), in_words(settings), told.join("; "));
        }
    }
}

/// `loss = poisson`.
pub fn in_words(settings: &Settings) -> String {
    let of = |(name, value): &(String, Value)| match value {
        Value::Bool(truth) => format!("{name} = {truth}"),
        Value::Int(n) => format!("{name} = {n}"),
        Value::Float(x) => format!("{name} = {x:?}"),
        Value::Text(text) => format!("{name} = {text:?}"),
        Value::None => format!("{name} = none"),
        Value::Columns(_) | Value::File(_) => format!("{name} = {value:?}"),
    };
    settings.iter().map(of).collect::<Vec<_>>().join(", ")
}

impl Learner {
    /// Its name, with what it is trained for.
    pub fn title(&self) -> String {
        match self.task {
            Task::Classes => format!("{}, classes", self.name),
            Task::Numbers => format!("{}, numbers", self.name),
            Task::Anomalies | Task::Clusters => self.name.clone(),
        }
    }
}

impl Notes {
    fn cell(&mut self, came: &[Came]) -> String {
        let mut each: Vec<String> = came.iter().map(|came| self.word(came)).collect();
        each.dedup();
        each.join(" / ")
    }

    fn word(&mut self, came: &Came) -> String {
        match came {
            Came::Trains(None) => "trains".into(),
            Came::Trains(Some(failure)) => format!("trains {}", self.number(failure)),
            Came::Fails(failure) => self.number(failure).to_string(),
        }
    }

    fn number(&mut self, failure: &Failure) -> usize {
        let known = self.0.iter().position(|known| known == failure);
        known.unwrap_or_else(|| {
            self.0.push(failure.clone());
            self.0.len() - 1
        }) + 1
    }
}
