//! Files that do not fit into memory.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;

use engine::{Host, Local, Source};
use pipeline::{FileRef, Value};
use protocol::{Failure, NodeOutcome, RunEvent, RunReport};

use crate::{FOREST, engine, failure, id, journey, run, set};

/// Rows that are made while they are read, and memory that ends.
struct Endless {
    n_bytes: u64,
    table_bytes: u64,
    n_read: Rc<Cell<u64>>,
    is_stopped: bool,
    /// How far the import is, and what it says of it.
    progress: RefCell<Vec<(f64, String)>>,
}

struct Rows {
    n_bytes: u64,
    n_read: Rc<Cell<u64>>,
}

impl Source for Rows {
    fn size(&self) -> u64 {
        self.n_bytes
    }

    fn next(&mut self) -> Local<'_, Result<Vec<u8>, Failure>> {
        Box::pin(async {
            let n_before = self.n_read.get();
            let mut piece = String::new();
            while piece.len() < 1 << 20 && n_before + (piece.len() as u64) < self.n_bytes {
                let at = n_before + piece.len() as u64;
                let _ = writeln!(piece, "{at}.25,7,words that differ {at},no");
            }
            self.n_read.set(n_before + piece.len() as u64);
            Ok(piece.into_bytes())
        })
    }
}

impl Host for Endless {
    fn now_secs(&self) -> f64 {
        // Time goes with the bytes, a second for each megabyte.
        self.n_read.get() as f64 / 1e6
    }

    fn open<'a>(&'a self, _: &'a FileRef) -> Local<'a, Result<Box<dyn Source>, Failure>> {
        let rows = Rows { n_bytes: self.n_bytes, n_read: Rc::clone(&self.n_read) };
        Box::pin(async move { Ok(Box::new(rows) as Box<dyn Source>) })
    }

    fn table_bytes(&self) -> u64 {
        self.table_bytes
    }

    fn breathe(&self) -> Local<'_, ()> {
        Box::pin(async {})
    }

    fn is_cancelled(&self) -> bool {
        self.is_stopped
    }

    fn emit(&self, event: RunEvent) {
        if let RunEvent::Progress { node, fraction, message, .. } = event
            && node == id("import")
        {
            self.progress.borrow_mut().push((fraction, message));
        }
    }
}

/// The report of a run over a file of that many bytes that is nowhere, and how much of it was read.
fn run_endless(n_bytes: u64, table_bytes: u64, is_stopped: bool) -> (RunReport, u64) {
    let host = Endless { n_bytes, table_bytes, n_read: Rc::default(), is_stopped, progress: RefCell::default() };
    let report = run_in(&host, n_bytes);
    (report, host.n_read.get())
}

fn run_in(host: &Endless, n_bytes: u64) -> RunReport {
    let mut pipeline = journey(FOREST, "y");
    let file = FileRef { name: "large.csv".into(), size: n_bytes, hash: "0".repeat(32), schema: None, inline: None };
    set(&mut pipeline, "import", "file", Value::File(file));
    run(host, &engine(), &pipeline)
}

#[test]
fn an_import_tells_how_far_it_is() {
    let (n_bytes, n_read) = (20_000_000, Rc::default());
    let host = Endless { n_bytes, table_bytes: u64::MAX, n_read, is_stopped: false, progress: RefCell::default() };
    assert_eq!(run_in(&host, n_bytes).nodes[&id("import")].outcome, NodeOutcome::Ran);
    let progress = host.progress.borrow();
    assert!(progress.len() > 10 && progress.is_sorted_by(|one, next| one.0 <= next.0), "{progress:?}");
    let (_, halfway) = progress.iter().find(|(fraction, _)| *fraction > 0.5).expect("more than half");
    assert!(halfway.contains(" rows · ") && halfway.ends_with(" of 20.0 MB"), "{halfway}");
}

const FOUR_GIGABYTES: u64 = 4 << 30;

#[test]
fn four_gigabytes_are_refused_as_soon_as_it_is_clear_that_they_do_not_fit() {
    let (report, n_read) = run_endless(FOUR_GIGABYTES, 1_400_000_000, false);
    let (node, said) = failure(&report).expect("it does not fit");
    assert_eq!(node, "import");
    assert!(said.message.starts_with("large.csv: the first "), "{said:?}");
    assert!(said.message.contains(" of 4295.0 MB) take "), "{said:?}");
    assert!(said.message.ends_with(" MB, and one table may take 1400.0 MB"), "{said:?}");
    assert!(said.help.contains("fewer rows or fewer columns"), "{said:?}");
    assert!(n_read < 100_000_000, "{n_read} bytes were read first");
}

#[test]
fn memory_that_ends_while_a_file_is_read_is_told() {
    let (report, n_read) = run_endless(20_000_000, 10_000_000, false);
    let (node, said) = failure(&report).expect("it does not fit");
    assert_eq!(node, "import");
    assert!(said.message.contains(" of 20.0 MB) take "), "{said:?}");
    assert!(said.message.ends_with("and one table may take 10.0 MB"), "{said:?}");
    assert!(n_read < 20_000_000, "{n_read} bytes were read");
    // The same rows where there is room.
    let (report, _) = run_endless(2_000_000, 10_000_000, false);
    assert_eq!(report.nodes[&id("import")].outcome, NodeOutcome::Ran);
}

#[test]
fn four_gigabytes_can_be_stopped_at_once() {
    let (report, n_read) = run_endless(FOUR_GIGABYTES, u64::MAX, true);
    assert_eq!(report.nodes[&id("import")].outcome, NodeOutcome::Cancelled);
    assert!(n_read <= 2 << 20, "{n_read} bytes were read first");
}
