//! `millrace runs`: the runs in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use engine::Engine;
use experiment::{
    INDEX, IndexEntry, Place, Query, RunKey, RunState, RunTable, SortKey, path_of_pipeline, path_of_run, place_of,
    read_index, read_pipeline, read_run,
};
use pipeline::Catalogue;
use serde_json::{Map, Value, json};

use crate::{Outcome, say};

/// What `runs` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where `millrace run --record` and `millrace sweep --record` wrote them
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only those, as in "metric.auc > 0.9 and param.n_trees <= 200"
    #[arg(long, value_name = "QUERY", default_value = "")]
    query: String,
    /// Smallest first, as in "metric.rmse"; with a minus largest first, as in "-metric.auc" [default: the last first]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Lists the runs that the query asks for.
pub fn list(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::new(components::catalogue(), 0);
    let Some(entries) = entries(&arguments.folder, engine.catalogue())? else {
        let folder = arguments.folder.display();
        bail!("{folder} holds no runs\n  help: record some with `millrace run FILE --record DIR`");
    };
    let table = RunTable::new(entries);
    let wrong = |error: experiment::QueryError| {
        let blamed = arguments.query.get(error.range.clone()).unwrap_or_default();
        let place = if blamed.is_empty() { format!("at {}", error.range.start + 1) } else { format!("{blamed:?}") };
        anyhow!("--query: {place}: {}", error.problem)
    };
    let query = Query::parse(&arguments.query).map_err(wrong)?;
    let mut rows = table.filter(&query).map_err(wrong)?;
    rows.reverse();
    if let Some(by) = &arguments.sort {
        let (descending, column) = by.strip_prefix('-').map_or((false, by.as_str()), |column| (true, column));
        let key = SortKey { column: column.into(), descending };
        table.sort(&mut rows, &[key]).map_err(|error| anyhow!("--sort: {error}"))?;
    }
    let found: Vec<&IndexEntry> = rows.iter().filter_map(|&row_idx| table.entry(row_idx)).collect();
    if arguments.json {
        let runs: Vec<Value> = found.into_iter().map(as_json).collect();
        say::out(&format!("{:#}\n", Value::Array(runs)))?;
    } else {
        let lines: String = found.iter().map(|entry| in_words(entry)).collect();
        say::out(&format!("{lines}{} of {} runs\n", found.len(), table.len()))?;
    }
    Ok(Outcome::Good)
}

/// Those of the index, and those that it lacks from their own files; none if nothing was ever recorded there.
pub fn entries(folder: &Path, catalogue: &Catalogue) -> Result<Option<Vec<IndexEntry>>> {
    let files = folder.join("runs");
    let listed = match fs::read_dir(&files) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", files.display())),
    };
    let index = fs::read_to_string(folder.join(INDEX)).unwrap_or_default();
    let mut entries = read_index(&index).entries;
    let known: BTreeSet<RunKey> = entries.iter().map(|entry| entry.id.clone()).collect();
    let mut lacking = BTreeSet::new();
    for file in listed {
        let file = file.with_context(|| format!("{} cannot be read", files.display()))?;
        match place_of(&format!("runs/{}", file.file_name().to_string_lossy())) {
            Some(Place::Run(run)) if !known.contains(&run) => _ = lacking.insert(run),
            Some(Place::Run(_) | Place::Pipeline(_) | Place::Index) | None => {}
        }
    }
    for run in lacking {
        match entry_of(folder, &run, catalogue) {
            Ok(entry) => entries.push(entry),
            // One that cannot be read costs only itself.
            Err(error) => say::aside(&format!("warning: {error:#}\n")),
        }
    }
    Ok(Some(entries))
}

fn entry_of(folder: &Path, run: &RunKey, catalogue: &Catalogue) -> Result<IndexEntry> {
    let path = folder.join(path_of_run(run));
    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let run = read_run(&bytes).with_context(|| path.display().to_string())?;
    let path = folder.join(path_of_pipeline(&run.pipeline));
    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let pipeline = read_pipeline(&bytes, &run.pipeline).with_context(|| path.display().to_string())?;
    Ok(IndexEntry::new(&run, &pipeline, catalogue))
}

fn in_words(entry: &IndexEntry) -> String {
    let when = table::date_text(entry.started_at as i64, true);
    let trial = entry.trial.as_ref().map_or_else(String::new, |trial| format!("  trial {}", trial.number));
    let mut text = format!("{when}  {}  {}  {}{trial}\n", word(entry.state), entry.pipeline_name, entry.name);
    if !entry.message.is_empty() {
        text.push_str(&format!("  {}\n", entry.message));
    }
    let figures: Vec<String> = entry
        .metrics
        .iter()
        .filter(|metric| !metric.name.contains('.'))
        .take(5)
        .map(|metric| format!("{} {:.4}", metric.label, metric.value))
        .collect();
    if !figures.is_empty() {
        text.push_str(&format!("  {}\n", figures.join(" · ")));
    }
    text
}

/// A run as data. The names in it are stable.
fn as_json(entry: &IndexEntry) -> Value {
    let metrics: Map<String, Value> = entry
        .metrics
        .iter()
        .map(|metric| {
            let repeats = metric.repeats.as_ref().map(|repeats| &repeats.values);
            (format!("{}.{}", metric.node, metric.name), json!({ "value": metric.value, "repeats": repeats }))
        })
        .collect();
    json!({
        "id": entry.id.as_str(),
        "number": entry.number,
        "name": entry.name,
        "document": entry.document,
        "pipeline_name": entry.pipeline_name,
        "pipeline": entry.pipeline.as_str(),
        "seed": entry.seed,
        "started_at": entry.started_at,
        "elapsed_secs": entry.elapsed_secs,
        "state": word(entry.state),
        "message": entry.message,
        "metrics": metrics,
        "tags": entry.tags,
        "note": entry.note,
        "sweep": entry.trial.as_ref().map(|trial| &trial.sweep),
        "trial": entry.trial.as_ref().map(|trial| trial.number),
    })
}

fn word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Done => "done",
        RunState::Failed => "failed",
        RunState::Stopped => "stopped",
    }
}
