//! Runs in a folder of the studio's layout: what `millrace run --record` and `millrace sweep --record` write.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use experiment::{
    Changes, Host, INDEX, IndexEntry, NewRun, RunKey, RunRecord, changes, path_of_pipeline, path_of_run, pipeline_hash,
    read_pipeline, write_entry, write_pipeline, write_run,
};
use pipeline::{Catalogue, Pipeline};

use crate::run::Ran;
use crate::runs;

/// When a run begins, in milliseconds since 1970.
pub fn now_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// This computer.
pub fn host() -> Host {
    Host::CommandLine {
        os: std::env::consts::OS.into(),
        n_cores: std::thread::available_parallelism().map_or(1, NonZero::get) as u32,
    }
}

/// Writes a run, its pipeline and its line in the index.
pub fn write(ran: &Ran, document: &str, started_at: u64, folder: &Path) -> Result<RunKey> {
    let (pipeline, catalogue) = (&ran.document.pipeline, ran.engine.catalogue());
    let entries = runs::entries(folder, catalogue)?.unwrap_or_default();
    let (before, last) = last_of(document, &entries);
    let id = RunKey::at(started_at, std::process::id());
    let mut run = RunRecord::begin(NewRun {
        id: id.clone(),
        number: last + 1,
        document,
        pipeline,
        changes: before.map_or_else(Changes::default, |entry| {
            let path = folder.join(path_of_pipeline(&entry.pipeline));
            let earlier = fs::read(path).ok().and_then(|bytes| read_pipeline(&bytes, &entry.pipeline).ok());
            earlier.map_or_else(Changes::default, |earlier| changes(&earlier, pipeline, catalogue))
        }),
        engine: env!("CARGO_PKG_VERSION"),
        host: host(),
        started_at,
    });
    for (at_secs, event) in &ran.events {
        run.observe(event, *at_secs, 0);
    }
    for id in ran.report.nodes.keys() {
        if let Ok(view) = ran.engine.view(id) {
            run.show(id, &view.panels);
        }
    }
    run.finish(&ran.report, pipeline, catalogue);
    keep(&run, pipeline, catalogue, folder)?;
    Ok(id)
}

/// Writes what is known of a run.
pub fn keep(run: &RunRecord, pipeline: &Pipeline, catalogue: &Catalogue, folder: &Path) -> Result<()> {
    let kept_pipeline = folder.join(path_of_pipeline(&pipeline_hash(pipeline)));
    if !kept_pipeline.exists() {
        put(&kept_pipeline, &write_pipeline(pipeline))?;
    }
    put(&folder.join(path_of_run(&run.id)), &write_run(run))?;
    let index = folder.join(INDEX);
    let line = write_entry(&IndexEntry::new(run, pipeline, catalogue));
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&index)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("{} cannot be written", index.display()))
}

/// The latest run of a document that is no trial of a sweep, and the largest number of its runs.
pub fn last_of<'a>(document: &str, entries: &'a [IndexEntry]) -> (Option<&'a IndexEntry>, u32) {
    let of_document = || entries.iter().filter(|entry| entry.document == document);
    let latest = of_document().filter(|entry| entry.trial.is_none()).max_by_key(|entry| entry.number);
    (latest, of_document().map(|entry| entry.number).max().unwrap_or_default())
}

/// Writes a file that is whole or not there.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = path.with_extension("json.part");
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}
