//! The engine's host on a computer of one's own: files are paths, progress is one line of the terminal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::{Context, Result};
use engine::testing::Bytes;
use engine::threads::Threads;
use engine::{Crew, Host, Local, Source, give_way};
use learn::accelerator::Accelerator;
use pipeline::{FileRef, NodeId};
use protocol::{Failure, RunEvent};

use crate::say;

const PIECE_BYTES: usize = 1 << 20;
const HASH_DIGITS: usize = 32;

/// Files by hash, a clock, and a progress line.
pub struct NativeHost {
    started: Instant,
    files: BTreeMap<String, PathBuf>,
    /// Where a file of the document may lie that no `--data` names.
    folder: PathBuf,
    line: RefCell<ProgressLine>,
    /// What happened, and at which second; progress left out.
    events: RefCell<Vec<(f64, RunEvent)>>,
    /// Who computes beside this thread.
    crew: Option<Threads>,
    /// What trains networks beside the CPU.
    accelerator: Option<Rc<dyn Accelerator>>,
    /// The most bytes of memory that it may take, if somebody has set a bound.
    max_memory: Option<u64>,
}

impl NativeHost {
    /// A host that finds these files by their hash, and others by their name in `folder`.
    pub fn new(files: BTreeMap<String, PathBuf>, folder: PathBuf, quiet: bool) -> Self {
        let line = ProgressLine { shown: !quiet && io::stderr().is_terminal(), ..ProgressLine::default() };
        Self {
            started: Instant::now(),
            files,
            folder,
            line: RefCell::new(line),
            events: RefCell::default(),
            crew: None,
            accelerator: None,
            max_memory: None,
        }
    }

    /// The same with something that trains networks beside the CPU.
    pub fn with_accelerator(self, accelerator: Option<Rc<dyn Accelerator>>) -> Self {
        Self { accelerator, ..self }
    }

    /// The same with a bound to its memory.
    pub fn with_max_memory(self, max_memory: Option<u64>) -> Self {
        Self { max_memory, ..self }
    }

    /// The same with so many threads in all, as many as there are cores if nothing is said.
    pub fn with_jobs(self, n_jobs: Option<u32>) -> Self {
        let n_cores = || available_parallelism().map_or(1, NonZero::get) as u32;
        let n_helpers = n_jobs.unwrap_or_else(n_cores).saturating_sub(1);
        let crew = (n_helpers > 0).then(|| Threads::start(n_helpers, components::catalogue(), self.table_bytes()));
        Self { crew, ..self }
    }

    /// What happened, and at which second.
    pub fn into_events(self) -> Vec<(f64, RunEvent)> {
        self.events.into_inner()
    }

    fn path_of(&self, file: &FileRef) -> Result<PathBuf, Failure> {
        if let Some(path) = self.files.get(&file.hash) {
            return Ok(path.clone());
        }
        let neighbour = Path::new(&file.name).file_name().map(|name| self.folder.join(name));
        match neighbour.filter(|path| path.is_file()) {
            Some(path) if hash_of(&path).is_ok_and(|(hash, _)| hash == file.hash) => Ok(path),
            Some(path) => Err(Failure::new(
                format!("{} is not the file that the pipeline was made with: its content differs", path.display()),
                "Name the file to use with --data NODE=PATH.",
            )),
            None => Err(Failure::new(
                format!("the file {} ({} bytes) is not beside the pipeline", file.name, file.size),
                "Name it with --data NODE=PATH.",
            )),
        }
    }
}

impl Host for NativeHost {
    fn now_secs(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn open<'a>(&'a self, file: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        Box::pin(async move {
            if let Some(bytes) = &file.inline {
                return Ok(Box::new(Bytes::new(bytes.clone())) as Box<dyn Source>);
            }
            let path = self.path_of(file)?;
            let opened = File::open(&path).map_err(|error| unreadable(&path, &error))?;
            let size = opened.metadata().map_err(|error| unreadable(&path, &error))?.len();
            Ok(Box::new(FileSource { opened, path, size }) as Box<dyn Source>)
        })
    }

    fn memory_limit(&self) -> Option<u64> {
        self.max_memory
    }

    /// Half of the memory that is free, where the system tells, or a third of what may be taken.
    fn table_bytes(&self) -> u64 {
        let told = std::fs::read_to_string("/proc/meminfo").ok();
        let free = told.and_then(|told| available_bytes(&told)).map_or(u64::MAX, |bytes| bytes / 2);
        self.max_memory.map_or(free, |limit| free.min(limit / 3))
    }

    fn crew(&self) -> Option<&dyn Crew> {
        self.crew.as_ref().map(|crew| crew as &dyn Crew)
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.accelerator.clone()
    }

    fn breathe(&self) -> Local<'_, ()> {
        Box::pin(give_way())
    }

    /// Ctrl+C ends the program, so nobody is left to ask.
    fn is_cancelled(&self) -> bool {
        false
    }

    fn emit(&self, event: RunEvent) {
        self.line.borrow_mut().tell(&event);
        match event {
            RunEvent::Progress { .. } => {}
            RunEvent::Planned { .. }
            | RunEvent::Started { .. }
            | RunEvent::Metric { .. }
            | RunEvent::Finished { .. } => self.events.borrow_mut().push((self.now_secs(), event)),
        }
    }
}

struct FileSource {
    opened: File,
    path: PathBuf,
    size: u64,
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn next(&mut self) -> Local<'_, Result<Vec<u8>, Failure>> {
        Box::pin(async {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            (&mut self.opened)
                .take(PIECE_BYTES as u64)
                .read_to_end(&mut piece)
                .map_err(|error| unreadable(&self.path, &error))?;
            Ok(piece)
        })
    }
}

/// What Linux says is free: `MemAvailable:   12345 kB`.
fn available_bytes(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()), "Check the path and its permissions.")
}

/// A file as documents name it: by what is in it.
pub fn file_ref(path: &Path) -> Result<FileRef> {
    let (hash, size) = hash_of(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(FileRef { name, size, hash, schema: None, inline: None })
}

fn hash_of(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut size = 0;
    loop {
        let n_bytes = file.read(&mut piece)?;
        if n_bytes == 0 {
            return Ok((hasher.finalize().to_hex()[..HASH_DIGITS].to_owned(), size));
        }
        hasher.update(&piece[..n_bytes]);
        size += n_bytes as u64;
    }
}

/// One line that is written over and over, on a terminal only.
#[derive(Default)]
struct ProgressLine {
    shown: bool,
    n_planned: usize,
    n_done: usize,
}

impl ProgressLine {
    fn tell(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Planned { nodes, .. } => self.n_planned = nodes.len(),
            RunEvent::Started { node, .. } => self.draw(node, 0.0, ""),
            RunEvent::Progress { node, fraction, message, .. } => self.draw(node, *fraction, message),
            RunEvent::Metric { .. } => {}
            RunEvent::Finished { .. } => {
                self.n_done += 1;
                if self.shown && self.n_done >= self.n_planned {
                    say::aside("\r\x1b[K");
                }
            }
        }
    }

    fn draw(&self, node: &NodeId, fraction: f64, message: &str) {
        const WIDTH: usize = 24;
        if !self.shown {
            return;
        }
        let done = (self.n_done as f64 + fraction) / self.n_planned.max(1) as f64;
        let n_full = ((done * WIDTH as f64) as usize).min(WIDTH);
        let bar = format!("{}{}", "━".repeat(n_full), "┄".repeat(WIDTH - n_full));
        say::aside(&format!("\r\x1b[K{bar} {:>3.0} %  {node}  {message}", done * 100.0));
    }
}
