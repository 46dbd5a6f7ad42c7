//! Records beside a registry, a line each, so that they are there after a restart.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::folder::Folder;

/// Counts by minute.
pub(crate) const MINUTES: &str = "minutes.ndjson";
/// How good predictions turned out to be.
pub(crate) const PERFORMANCE: &str = "performance.ndjson";
/// What rows looked like.
pub(crate) const SLICES: &str = "drift.ndjson";

/// Adds records. That it fails is told, and nothing else fails with it.
pub(crate) fn append<T: Serialize>(folder: Option<&Folder>, file: &str, records: &[T]) {
    let Some(folder) = folder.filter(|_| !records.is_empty()) else { return };
    let path = folder.path().join(file);
    let written = || -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        OpenOptions::new().create(true).append(true).open(&path)?.write_all(&lines)
    };
    if let Err(error) = written() {
        eprintln!("warning: {} cannot be written: {error}", path.display());
    }
}

/// The records that are wanted; a line that is none was cut off when something ended, and is passed over.
pub(crate) fn read<T: DeserializeOwned>(folder: &Folder, file: &str, is_wanted: impl Fn(&T) -> bool) -> Vec<T> {
    let Ok(file) = OpenOptions::new().read(true).open(folder.path().join(file)) else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    lines.filter_map(|line| serde_json::from_str(&line).ok()).filter(is_wanted).collect()
}
