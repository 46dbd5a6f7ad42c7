//! Records beside a registry, a line each, so that they are there after a restart.
//!
//! Each kind has a folder, in which each day since 1970 (UTC) has a file: `monitor/minutes/20786.ndjson`. Files are only
//! added to, and removed as a whole once they are too old: neither a crash nor another server at work in the same folder
//! can lose anything that is wanted.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::folder::Folder;

const DAY_MS: u64 = 86_400_000;

/// What is kept.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    name: &'static str,
    /// Files are kept for so many days after theirs.
    n_days: u64,
}

/// Counts by minute: a week.
pub(crate) const MINUTES: Kind = Kind { name: "minutes", n_days: 7 };
/// How good predictions turned out to be: a month.
pub(crate) const PERFORMANCE: Kind = Kind { name: "performance", n_days: 30 };
/// What rows looked like: a day.
pub(crate) const SLICES: Kind = Kind { name: "drift", n_days: 1 };

impl Kind {
    fn folder(self, folder: &Folder) -> PathBuf {
        folder.path().join("monitor").join(self.name)
    }
}

/// Adds records. That it fails is told, and nothing else fails with it.
pub(crate) fn append<T: Serialize>(folder: Option<&Folder>, kind: Kind, records: &[T], now_ms: u64) {
    let Some(folder) = folder.filter(|_| !records.is_empty()) else { return };
    let (folder, today) = (kind.folder(folder), now_ms / DAY_MS);
    let path = folder.join(format!("{today}.ndjson"));
    let written = || -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            // In front, so that a line that was cut off spoils no other.
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, record)?;
        }
        if !path.exists() {
            fs::create_dir_all(&folder)?;
            forget(&folder, today.saturating_sub(kind.n_days))?;
        }
        OpenOptions::new().create(true).append(true).open(&path)?.write_all(&lines)
    };
    if let Err(error) = written() {
        eprintln!("warning: {} cannot be written: {error}", path.display());
    }
}

/// Removes the files of the days before one.
fn forget(folder: &Path, first: u64) -> io::Result<()> {
    for (_, path) in days(folder).into_iter().filter(|(day, _)| *day < first) {
        match fs::remove_file(path) {
            // Another server was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// The files of a folder by their days, oldest first.
fn days(folder: &Path) -> Vec<(u64, PathBuf)> {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let day = |path: PathBuf| Some((path.file_name()?.to_str()?.strip_suffix(".ndjson")?.parse().ok()?, path));
    let mut days: Vec<(u64, PathBuf)> = files.filter_map(day).collect();
    days.sort();
    days
}

/// The records that are wanted, of those that were written since a moment, in the order in which they were; a line that
/// is none was cut off when something ended, and is passed over.
pub(crate) fn read<T: DeserializeOwned>(
    folder: &Folder,
    kind: Kind,
    since_ms: u64,
    is_wanted: impl Fn(&T) -> bool,
) -> Vec<T> {
    let days = days(&kind.folder(folder)).into_iter().filter(|(day, _)| *day >= since_ms / DAY_MS);
    let files = days.filter_map(|(_, path)| fs::File::open(path).ok());
    let lines = files.flat_map(|file| BufReader::new(file).lines().map_while(Result::ok));
    lines.filter_map(|line| serde_json::from_str(&line).ok()).filter(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_forgotten_and_a_line_that_was_cut_off_is_passed_over() {
        let path = std::env::temp_dir().join(format!("millrace-records-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let folder = Folder::new(&path);
        let add = |day: u64, record: u64| append(Some(&folder), SLICES, &[record], day * DAY_MS + 7);
        let all = |since_day: u64| read::<u64>(&folder, SLICES, since_day * DAY_MS, |record| *record != 12);
        add(100, 10);
        add(101, 11);
        add(101, 12);
        assert_eq!((all(0), all(101)), (vec![10, 11], vec![11]));
        let last = SLICES.folder(&folder).join("101.ndjson");
        OpenOptions::new()
            .append(true)
            .open(last)
            .and_then(|mut file| file.write_all(b"\n{\"cut"))
            .expect("it is there");
        add(101, 13);
        add(102, 14);
        assert_eq!(all(0), [11, 13, 14], "a day is kept beside today's");
        let names: Vec<u64> = days(&SLICES.folder(&folder)).into_iter().map(|(day, _)| day).collect();
        assert_eq!(names, [101, 102]);
        fs::remove_dir_all(path).expect("it is there");
    }
}
