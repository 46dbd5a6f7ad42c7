//! `cargo xtask bench search`: how good the search for settings is, against its bars.
//!
//! The figures come from seeds alone, so they are the same on every machine, and the test suite holds them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::programs;
use crate::shell::output_of;

const FOLDER: &str = "src/sweep/tests/reference";
const PIPELINES: [(&str, &str); 3] =
    [("forest", "evaluate.log_loss"), ("neighbours", "evaluate.rmse"), ("logistic", "evaluate.log_loss")];
const N_SEEDS: usize = 20;
const BUDGETS: [usize; 2] = [25, 50];

/// Prints every figure; whether all bars were reached.
pub fn measure() -> Result<bool> {
    let built = programs::build()?;
    let mut holds = true;
    for example in ["quality", "early_termination"] {
        println!();
        let status = Command::new(built.join("examples").join(example)).status();
        holds &= status.with_context(|| format!("{example} could not be started"))?.success();
    }
    println!();
    Ok(holds & pipelines(&built.join("millrace"))?)
}

/// Sweeps three real pipelines, as `optuna_pipelines.py` did with Optuna. The bar: no worse after 50 trials.
fn pipelines(millrace: &Path) -> Result<bool> {
    let kept = fs::read_to_string(Path::new(FOLDER).join("optuna_pipelines.json")).context("Optuna's figures")?;
    let kept: Json = serde_json::from_str(&kept).context("Optuna's figures are no JSON")?;
    println!("smallest value, median of {N_SEEDS} seeds; Optuna {}", kept["optuna"].as_str().unwrap_or("?"));
    println!("{:<12} {:<34} {:>9} {:>9}", "pipeline", "sampler", "25", "50");
    let mut holds = true;
    for (name, metric) in PIPELINES {
        let ours = (0..N_SEEDS).map(|seed| sweep(millrace, name, metric, seed)).collect::<Result<Vec<_>>>()?;
        let ours = medians(&ours);
        let optuna = |sampler: &str| -> Vec<[f64; 2]> {
            let rows = kept["best"][name][sampler].as_array().into_iter().flatten();
            rows.map(|row| [0, 1].map(|i| row[i].as_f64().unwrap_or(f64::NAN))).collect()
        };
        let theirs = medians(&optuna("tpe"));
        print(name, "TPE", ours);
        print("", "TPE, Optuna", theirs);
        print("", "random, Optuna", medians(&optuna("random")));
        if ours[1].total_cmp(&theirs[1]).is_gt() {
            println!("{name}: falls short of Optuna after 50 trials");
            holds = false;
        }
    }
    Ok(holds)
}

/// The smallest value after each budget of trials.
fn sweep(millrace: &Path, name: &str, metric: &str, seed: usize) -> Result<[f64; 2]> {
    let folder = Path::new(FOLDER).join("pipelines");
    let space = fs::read_to_string(folder.join(format!("{name}.yaml")))?;
    fs::create_dir_all("target/bench")?;
    let seeded = Path::new("target/bench/space.yaml");
    fs::write(seeded, space.replace("seed: 0", &format!("seed: {seed}")))?;
    let mut millrace = Command::new(millrace);
    millrace.arg("sweep").arg(folder.join(format!("{name}.json"))).arg("--space").arg(seeded).arg("--json");
    let said: Json = serde_json::from_str(&output_of(&mut millrace, "its message says why")?)?;
    let trials = said["trials"].as_array().context("the sweep printed no trials")?;
    let values: Vec<f64> = trials.iter().filter_map(|trial| trial["metrics"][metric].as_f64()).collect();
    Ok(BUDGETS.map(|budget| values.iter().take(budget).copied().fold(f64::INFINITY, f64::min)))
}

fn medians(rows: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|i| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[i]).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.is_empty() { f64::NAN } else { f64::midpoint(values[middle], values[(values.len() - 1) / 2]) }
    })
}

fn print(name: &str, sampler: &str, values: [f64; 2]) {
    println!("{name:<12} {sampler:<34} {:>9.4} {:>9.4}", values[0], values[1]);
}
