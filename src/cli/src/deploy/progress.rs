//! A file that is written batch by batch, and goes on where it stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// A file that is not whole yet: it lies under another name, and beside it what is in it so far.
pub struct Unfinished {
    path: PathBuf,
    file: File,
    /// What is in it so far.
    pub done: Done,
}

/// What is in an unfinished file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What it is made of: only the same work goes on with it.
    pub work: String,
    /// Rows that are in it.
    pub n_rows: usize,
    /// Those of them that could not be scored.
    pub n_failed: usize,
    /// Its length; what is beyond was never finished.
    n_bytes: u64,
}

impl Unfinished {
    /// Goes on with what is there, or begins anew.
    ///
    /// # Errors
    /// The file cannot be written, or is another work's.
    pub fn open(path: &Path, work: &str) -> Result<Self> {
        let cannot = || format!("{} cannot be written", part(path).display());
        let done: Option<Done> = fs::read(progress(path)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let anew = || Done { work: work.into(), ..Done::default() };
        let mut done = done.unwrap_or_else(anew);
        if done.work != work {
            bail!(
                "{} is the beginning of other work: of another table, model or batch size\n  help: remove it, or write to another file",
                part(path).display()
            );
        }
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(false).open(part(path)).with_context(cannot)?;
        // When a computer loses power, what was written last may be gone, and its record not.
        if file.metadata().with_context(cannot)?.len() < done.n_bytes {
            done = anew();
        }
        file.set_len(done.n_bytes).and_then(|()| file.seek(SeekFrom::End(0))).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), file, done })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, text: &str, n_rows: usize, n_failed: usize) -> Result<()> {
        let cannot = || format!("{} cannot be written", part(&self.path).display());
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush()).with_context(cannot)?;
        self.done.n_rows += n_rows;
        self.done.n_failed += n_failed;
        self.done.n_bytes += text.len() as u64;
        let kept = progress(&self.path);
        let unfinished = kept.with_extension("new");
        fs::write(&unfinished, serde_json::to_vec(&self.done)?)
            .and_then(|()| fs::rename(&unfinished, &kept))
            .with_context(cannot)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn finish(self) -> Result<()> {
        let cannot = || format!("{} cannot be written", self.path.display());
        self.file.sync_all().with_context(cannot)?;
        fs::rename(part(&self.path), &self.path).with_context(cannot)?;
        fs::remove_file(progress(&self.path)).with_context(cannot)
    }
}

fn part(path: &Path) -> PathBuf {
    with_more(path, ".part")
}

fn progress(path: &Path) -> PathBuf {
    with_more(path, ".progress")
}

fn with_more(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
