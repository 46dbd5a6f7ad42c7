//! `millrace run --record`: what came of a run, in a folder of the studio's layout.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::num::NonZero;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use experiment::{
    Changes, Host, INDEX, IndexEntry, NewRun, RunKey, RunRecord, changes, path_of_pipeline, path_of_run, pipeline_hash,
    read_index, read_pipeline, write_entry, write_pipeline, write_run,
};

use crate::run::Ran;

/// When a run begins, in milliseconds since 1970.
pub fn now_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Writes a run, its pipeline and its line in the index.
pub fn write(ran: &Ran, document: &str, started_at: u64, folder: &Path) -> Result<RunKey> {
    let (pipeline, catalogue) = (&ran.document.pipeline, ran.engine.catalogue());
    let before = last_of(document, folder)?;
    let id = RunKey::at(started_at, std::process::id());
    let mut run = RunRecord::begin(NewRun {
        id: id.clone(),
        number: before.as_ref().map_or(1, |entry| entry.number + 1),
        document,
        pipeline,
        changes: before.map_or_else(Changes::default, |entry| {
            let path = folder.join(path_of_pipeline(&entry.pipeline));
            let earlier = fs::read(path).ok().and_then(|bytes| read_pipeline(&bytes, &entry.pipeline).ok());
            earlier.map_or_else(Changes::default, |earlier| changes(&earlier, pipeline, catalogue))
        }),
        engine: env!("CARGO_PKG_VERSION"),
        host: Host::CommandLine {
            os: std::env::consts::OS.into(),
            n_cores: std::thread::available_parallelism().map_or(1, NonZero::get) as u32,
        },
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

    let kept_pipeline = folder.join(path_of_pipeline(&pipeline_hash(pipeline)));
    if !kept_pipeline.exists() {
        put(&kept_pipeline, &write_pipeline(pipeline))?;
    }
    put(&folder.join(path_of_run(&id)), &write_run(&run))?;
    let index = folder.join(INDEX);
    let line = write_entry(&IndexEntry::new(&run, pipeline, catalogue));
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&index)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("{} cannot be written", index.display()))?;
    Ok(id)
}

/// The run before, of the same document.
fn last_of(document: &str, folder: &Path) -> Result<Option<IndexEntry>> {
    let path = folder.join(INDEX);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let entries = read_index(&text).entries.into_iter().filter(|entry| entry.document == document);
    Ok(entries.max_by_key(|entry| entry.number))
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
