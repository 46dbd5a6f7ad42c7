//! A registry in a folder of the layout that the `registry` crate describes.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use registry::{Change, Event, Hash, Log, Name, path_of_package};

const EVENTS: &str = "events.ndjson";

/// A registry's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

impl Folder {
    /// A folder, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its keys are.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys.json")
    }

    /// When its log was last written to, and how long it is; changes whenever the log does.
    pub fn stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = fs::metadata(self.path.join(EVENTS)).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// All that happened.
    ///
    /// # Errors
    /// The log cannot be read, or does not add up.
    pub fn log(&self) -> Result<Log> {
        let path = self.path.join(EVENTS);
        match fs::read_to_string(&path) {
            Ok(text) => Log::read(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Log::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Records changes that depend on the state, which nobody else changes meanwhile: all of them, or none.
    ///
    /// # Errors
    /// A change does not fit, or the log cannot be written.
    pub fn record(&self, who: &str, changes: impl FnOnce(&Log) -> Result<Vec<Change>>) -> Result<Log> {
        fs::create_dir_all(&self.path).with_context(|| format!("{} cannot be made", self.path.display()))?;
        let path = self.path.join(EVENTS);
        let cannot = || format!("{} cannot be written", path.display());
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path).with_context(cannot)?;
        // Released when the file is closed.
        file.lock().with_context(cannot)?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(cannot)?;
        let mut log = Log::read(&text).with_context(|| path.display().to_string())?;
        let mut lines = String::new();
        // A line that was cut off ends here, so that it is told from what follows.
        if !text.is_empty() && !text.ends_with('\n') {
            self.cut(&file, &text)?;
        }
        for change in changes(&log)? {
            let event = Event { at: now_ms(), who: who.into(), change };
            lines.push_str(&Log::line(&event));
            log.record(event)?;
        }
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).with_context(cannot)?;
        Ok(log)
    }

    /// Takes away the beginning of a line that was never finished.
    fn cut(&self, file: &File, text: &str) -> Result<()> {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(|| format!("{} cannot be mended", self.path.join(EVENTS).display()))
    }

    /// Keeps a package and registers it as a model's next version, together with what is to happen to that version at
    /// once: its aliases and tags.
    ///
    /// # Errors
    /// The folder cannot be written, or what is to happen does not fit.
    pub fn register(
        &self,
        who: &str,
        model: &Name,
        bytes: &[u8],
        at_once: impl FnOnce(u32) -> Vec<Change>,
    ) -> Result<u32> {
        let hash = self.put(bytes)?;
        let mut number = 0;
        self.record(who, |log| {
            number = log.registry().next_version(model);
            let registered = Change::Registered { model: model.clone(), version: number, package: hash };
            Ok([registered].into_iter().chain(at_once(number)).collect())
        })?;
        Ok(number)
    }

    /// Keeps a package's bytes under their hash.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash> {
        let hash = Hash::of(bytes);
        let path = self.path.join(path_of_package(&hash));
        if !path.exists() {
            let folder = path.parent().unwrap_or(&self.path);
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            write_whole(&path, bytes, 0o644)?;
        }
        Ok(hash)
    }

    /// A package's bytes, which are what they were when they were put.
    ///
    /// # Errors
    /// The file is missing, or was changed.
    pub fn package(&self, hash: &Hash) -> Result<Vec<u8>> {
        let path = self.path.join(path_of_package(hash));
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        if Hash::of(&bytes) != *hash {
            bail!("{} is not what was registered: it was changed; restore it from a copy", path.display());
        }
        Ok(bytes)
    }
}

/// Writes a file so that whoever reads it finds all of it or what was there before, also when the computer loses power.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    static N_WRITTEN: AtomicU32 = AtomicU32::new(0);
    let number = N_WRITTEN.fetch_add(1, Ordering::Relaxed);
    // Of its own, should somebody else write the same.
    let unfinished = path.with_extension(format!("{}-{number}.part", std::process::id()));
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(&unfinished).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    let written = written.and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may not be there at all.
        let _ = fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("millrace-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder::new(path)
    }

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn versions_of_many_writers_at_once_count_up_without_a_gap() {
        let folder = folder("writers");
        let write = |writer: u8| {
            let folder = folder.clone();
            std::thread::spawn(move || {
                for round in 0..10 {
                    folder.register("test", &name("churn"), &[writer, round], |_| Vec::new()).expect("it is written");
                }
            })
        };
        let threads: Vec<_> = (0..4).map(write).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        let log = folder.log().expect("it is whole");
        assert_eq!(log.registry().next_version(&name("churn")), 41);
        fs::remove_dir_all(folder.path()).expect("it is there");
    }

    #[test]
    fn a_line_that_was_cut_off_is_mended_by_the_next() {
        let folder = folder("mended");
        folder.register("test", &name("churn"), b"a", |_| Vec::new()).expect("it is written");
        let path = folder.path().join(EVENTS);
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is there");
        file.write_all(b"{\"at\":1,\"who\":").expect("it is written");
        let second = folder.register("test", &name("churn"), b"b", |_| Vec::new());
        assert_eq!(second.expect("it is written"), 2);
        assert_eq!(folder.log().expect("it is whole").events().len(), 2);
        fs::remove_dir_all(folder.path()).expect("it is there");
    }

    #[test]
    fn a_version_and_its_alias_are_registered_together_or_not_at_all() {
        let folder = folder("together");
        let to = |alias: &str, version| Change::AliasSet { model: name("churn"), alias: name(alias), version };
        folder.register("test", &name("churn"), b"a", |version| vec![to("champion", version)]).expect("it fits");
        let error = folder.register("test", &name("churn"), b"b", |version| vec![to("challenger", version + 1)]);
        assert_eq!(error.expect_err("there is no third").to_string(), "churn has no version 3; its newest is 2");
        let log = folder.log().expect("it is whole");
        assert_eq!((log.events().len(), log.registry().next_version(&name("churn"))), (2, 2));
        fs::remove_dir_all(folder.path()).expect("it is there");
    }

    #[test]
    fn a_package_that_was_changed_is_refused() {
        let folder = folder("changed");
        let hash = folder.put(b"a model").expect("it is written");
        assert_eq!(folder.package(&hash).expect("it is there"), b"a model");
        fs::write(folder.path().join(path_of_package(&hash)), b"another").expect("it is written");
        let error = folder.package(&hash).expect_err("it was changed").to_string();
        assert!(error.ends_with("is not what was registered: it was changed; restore it from a copy"), "{error}");
        fs::remove_dir_all(folder.path()).expect("it is there");
    }
}
