//! `millrace load`: requests at a steady rate, and how they were answered.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use server::{Fault, Load};

use super::{pair, rows};
use crate::{Outcome, say};

/// What `load` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// The endpoint, as in http://127.0.0.1:8081/v2/models/churn
    #[arg(value_name = "ADDRESS")]
    endpoint: String,
    /// Requests a second [default: as many as are answered]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    duration: f64,
    /// Connections that are kept open
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Rows of each request
    #[arg(long, value_name = "N", default_value_t = 1)]
    rows: usize,
    /// Send the rows of this table (CSV or JSON), one after another and again [default: rows that are spread as in
    /// training, where the server says how]
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Move a column's numbers by so many standard deviations, as in `tenure=1.5`
    #[arg(long = "shift", value_name = "COLUMN=SDS")]
    shifts: Vec<String>,
    /// Leave a column out of every request
    #[arg(long = "break", value_name = "COLUMN")]
    breaks: Vec<String>,
    /// Send this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Make a share of requests faulty, as in `missing-column=0.05`; also wrong-type, unknown-category, huge-number,
    /// invalid-json, unsupported-media, unknown-model, slow and covariate-shift; late and panic of a server that runs
    /// with --take-faults
    #[arg(long = "fault", value_name = "KIND=SHARE")]
    faults: Vec<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Sends, waits and tells.
pub fn load(arguments: &Arguments) -> Result<Outcome> {
    let is_above_zero = |number: f64| number > 0.0 && number.is_finite();
    if !is_above_zero(arguments.duration) || arguments.rate.is_some_and(|rate| !is_above_zero(rate)) {
        bail!("--rate and --duration must be above 0");
    }
    let faults = arguments.faults.iter().map(|text| fault(text)).collect::<Result<Vec<_>>>()?;
    if faults.iter().map(|(_, share)| share).sum::<f64>() > 1.0 {
        bail!("the shares of faults add up to more than 1");
    }
    let outcome = server::load(&Load {
        endpoint: arguments.endpoint.clone(),
        rate: arguments.rate,
        duration: Duration::try_from_secs_f64(arguments.duration).context("--duration is too long")?,
        n_connections: arguments.connections as usize,
        n_rows: arguments.rows.max(1),
        rows: match &arguments.table {
            Some(path) => {
                let (table, _) = rows::table(path)?;
                Some(rows::columns(&table, 0..table.n_rows()))
            }
            None => None,
        },
        shifts: arguments.shifts.iter().map(|text| shift(text)).collect::<Result<_>>()?,
        breaks: arguments.breaks.clone(),
        key: arguments.key.clone(),
        faults,
    })?;
    if arguments.json {
        say::out(&format!("{:#}\n", json!(outcome)))?;
    } else {
        let statuses: Vec<String> = outcome.statuses.iter().map(|(status, n)| format!("{n} × {status}")).collect();
        say::out(&format!(
            "{:.0} requests a second for {:.1} s: {}\np50 {:.2} ms · p95 {:.2} ms · p99 {:.2} ms · max {:.2} ms\n",
            outcome.rate,
            outcome.seconds,
            statuses.join(", "),
            outcome.p50_ms,
            outcome.p95_ms,
            outcome.p99_ms,
            outcome.max_ms
        ))?;
    }
    Ok(if outcome.statuses.contains_key(&0) { Outcome::Bad } else { Outcome::Good })
}

fn shift(text: &str) -> Result<(String, f64)> {
    let (column, deviations) = pair(text, "COLUMN=SDS, as in tenure=1.5")?;
    let deviations = deviations.parse().with_context(|| format!("{text}: {deviations:?} is no number"))?;
    Ok((column.to_owned(), deviations))
}

fn fault(text: &str) -> Result<(Fault, f64)> {
    let (name, share) = pair(text, "KIND=SHARE, as in missing-column=0.05")?;
    let known = Fault::ALL.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = Fault::ALL.iter().map(|(known, _)| *known).collect();
    let (_, fault) = known.with_context(|| format!("{name:?} is no fault; there are {}", names.join(", ")))?;
    let share: f64 = share.parse().with_context(|| format!("{text}: {share:?} is no share"))?;
    if !(0.0..=1.0).contains(&share) {
        bail!("{text}: a share is from 0 to 1");
    }
    Ok((*fault, share))
}
