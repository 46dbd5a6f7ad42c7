//! `millrace score`: predicts all rows of a table, batch by batch, and goes on where it stopped.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};
use server::Columns;
use table::Table;

use super::model::Model;
use super::progress::Unfinished;
use super::{Where, rows};
use crate::{Outcome, say};

/// What `score` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// The table: CSV, JSON or lines of JSON
    #[arg(value_name = "TABLE")]
    table: PathBuf,
    /// Predict with this version, here: `models:/churn/3`, `models:/churn@champion`
    #[arg(long, value_name = "MODEL", required_unless_present = "endpoint", conflicts_with = "endpoint")]
    model: Option<String>,
    #[command(flatten)]
    place: Where,
    /// Ask this endpoint, as in http://127.0.0.1:8081/v2/models/churn
    #[arg(long, value_name = "ADDRESS")]
    endpoint: Option<String>,
    /// Send this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Where predictions are written, as CSV: the row's number, what is predicted, and why if nothing is
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Rows that are predicted at once
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Stop after more rows than these that cannot be predicted
    #[arg(long, value_name = "N", default_value_t = 0)]
    error_threshold: usize,
}

/// Predicts all rows.
pub fn score(arguments: &Arguments) -> Result<Outcome> {
    let (table, hash) = rows::table(&arguments.table)?;
    let (mut model, who) = match (&arguments.model, &arguments.endpoint) {
        (Some(address), _) => Model::version(&arguments.place.folder(), address)?,
        (None, address) => {
            let address = address.as_deref().context("--model or --endpoint is missing")?;
            (Model::endpoint(address, arguments.key.clone())?, address.to_owned())
        }
    };
    let metadata = model.metadata()?;
    let batches = Batches::new(&table, &metadata);
    let mut out = Unfinished::open(&arguments.out, &format!("{hash} {who} {}", arguments.batch_size))?;
    if out.done.n_rows == 0 {
        out.add(&batches.head(), 0, 0)?;
    }
    while out.done.n_rows < table.n_rows() {
        let from = out.done.n_rows;
        let to = (from + arguments.batch_size as usize).min(table.n_rows());
        let (mut text, mut failed) = (String::new(), Vec::new());
        batches.score(&mut model, from..to, &mut text, &mut failed)?;
        out.add(&text, to - from, failed.len())?;
        if out.done.n_failed > arguments.error_threshold {
            let why = failed.first().map_or("", String::as_str);
            say::aside(&format!(
                "error: {} rows of the first {to} cannot be predicted, at most {} may: {why}\n  help: mend the table, or \
                 allow more with --error-threshold; run it again to go on\n",
                out.done.n_failed, arguments.error_threshold
            ));
            return Ok(Outcome::Bad);
        }
    }
    let n_failed = out.done.n_failed;
    out.finish()?;
    let n_rows = table.n_rows();
    say::out(&format!("{}: {n_rows} rows, {n_failed} of them not predicted\n", arguments.out.display()))?;
    Ok(Outcome::Good)
}

/// The rows of a table, as a model takes them.
struct Batches<'a> {
    table: &'a Table,
    /// What the model looks at, as far as the table has it, and how it is sent.
    inputs: Vec<(String, String)>,
    classes: Vec<String>,
}

impl<'a> Batches<'a> {
    fn new(table: &'a Table, metadata: &Json) -> Self {
        let inputs = metadata["inputs"].as_array().into_iter().flatten();
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let inputs = inputs.map(|input| (text(&input["name"]), text(&input["datatype"])));
        let is_there = |name: &str| table.schema().columns.iter().any(|column| column.name == name);
        let classes = metadata["properties"]["classes"].as_str();
        Self {
            table,
            inputs: inputs.filter(|(name, _)| is_there(name)).collect(),
            classes: classes.and_then(|classes| serde_json::from_str(classes).ok()).unwrap_or_default(),
        }
    }

    fn head(&self) -> String {
        let probabilities = self.classes.iter().map(|class| format!(",{}", quoted(&format!("probability of {class}"))));
        format!("row,prediction{},error\n", probabilities.collect::<String>())
    }

    /// Predicts rows. Of a batch that is refused the halves are tried, until it is known which rows do not fit.
    fn score(&self, model: &mut Model, rows: Range<usize>, text: &mut String, failed: &mut Vec<String>) -> Result<()> {
        let columns: Columns = rows::columns(self.table, rows.clone());
        let input = |(name, datatype): &(String, String)| {
            let data = columns.iter().find(|(found, _)| found == name).map(|(_, values)| values);
            json!({ "name": name, "datatype": datatype, "shape": [rows.len()], "data": data })
        };
        let body = json!({ "inputs": self.inputs.iter().map(input).collect::<Vec<_>>() });
        let (status, answer) = model.infer(&body.to_string())?;
        match status {
            200 => self.write(&answer, rows, text),
            400 | 413 | 500 if rows.len() > 1 => {
                let middle = rows.start + rows.len() / 2;
                self.score(model, rows.start..middle, text, failed)?;
                self.score(model, middle..rows.end, text, failed)
            }
            400 | 413 | 500 => {
                let why = why(&answer);
                let commas = ",".repeat(self.classes.len());
                text.push_str(&format!("{},{commas},{}\n", rows.start + 1, quoted(&why)));
                failed.push(why);
                Ok(())
            }
            _ => bail!(
                "rows {} to {} are answered with {status}: {}\n  help: what is predicted so far is kept; run it again to go on",
                rows.start + 1,
                rows.end,
                answer["error"].as_str().unwrap_or_default()
            ),
        }
    }

    fn write(&self, answer: &Json, rows: Range<usize>, text: &mut String) -> Result<()> {
        let output = |name: &str| {
            let outputs = answer["outputs"].as_array().into_iter().flatten();
            outputs.filter(|output| output["name"] == name).find_map(|output| output["data"].as_array())
        };
        let predictions = output("prediction").filter(|found| found.len() == rows.len());
        let predictions = predictions.context("the answer has not as many predictions as the request had rows")?;
        let (n_classes, probabilities) = (self.classes.len(), output("probabilities"));
        for (at, prediction) in predictions.iter().enumerate() {
            let predicted = prediction.as_str().map_or_else(|| prediction.to_string(), quoted);
            text.push_str(&format!("{},{predicted}", rows.start + at + 1));
            for class in 0..n_classes {
                let probability = probabilities.and_then(|found| found.get(at * n_classes + class));
                text.push_str(&format!(",{}", probability.unwrap_or(&Json::Null)));
            }
            text.push_str(",\n");
        }
        Ok(())
    }
}

/// Why a row does not fit. Its number in the request says nothing to whoever has the table.
fn why(answer: &Json) -> String {
    let details = answer["details"].as_array().into_iter().flatten();
    let details = details.map(|detail| {
        let [code, column, expected, got] =
            ["code", "column", "expected", "got"].map(|key| detail[key].as_str().unwrap_or_default());
        format!("{code}: column {column:?}: expected {expected}, got {got}")
    });
    let details: Vec<String> = details.collect();
    match details[..] {
        [] => answer["error"].as_str().unwrap_or("it is refused").to_owned(),
        _ => details.join("; "),
    }
}

/// A text as a cell.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}
