//! What users give by mistake, and what they are told: what is wrong, where, what was expected, and the way out.
//!
//! Files and tables go through whole pipelines in the engine, as in the studio and on the command line. What can only
//! happen in a page (storage that is full, two tabs, a worker that dies) is tried in `browser/`; what a single reader
//! or learner does with any bytes and numbers, beside it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;

use engine::testing::{TestHost, block_on};
use engine::{Engine, Host, Local, Source};
use pipeline::link::{self, LinkError};
use pipeline::{Edit, FileRef, InPort, NodeId, OutPort, Pipeline, Severity, Value};
use protocol::{Failure, NodeOutcome, Panel, RunEvent, RunId, RunReport, RunTarget};

/// A pipeline that imports a file, trains on it, and judges the model on the same rows.
const JOURNEY: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Bad input", "seed": 1,
    "nodes": {
        "import": { "component": "data.import-file@1" },
        "learner": { "component": "learn.LEARNER@1" },
        "train": { "component": "train.train-model@1", "params": { "target": "TARGET" } },
        "score": { "component": "score.score-model@1" },
        "evaluate": { "component": "evaluate.evaluate-model@1" }
    },
    "edges": {
        "train.learner": "learner.learner", "train.table": "import.table",
        "score.model": "train.model", "score.table": "import.table",
        "evaluate.scored": "score.scored"
    }
}"#;

fn journey(learner: &str, target: &str) -> Pipeline {
    let text = JOURNEY.replace("LEARNER", learner).replace("TARGET", target);
    pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn id(text: &str) -> NodeId {
    NodeId::new(text).expect("an id")
}

fn set(pipeline: &mut Pipeline, node: &str, param: &str, value: Value) {
    pipeline.apply(Edit::SetParam(id(node), param.into(), Some(value))).expect("the node is there");
}

fn file(name: &str, bytes: &[u8]) -> FileRef {
    let (size, hash) = (bytes.len() as u64, "0".repeat(32));
    FileRef { name: name.into(), size, hash, schema: None, inline: Some(bytes.to_vec()) }
}

fn with_file(mut pipeline: Pipeline, name: &str, bytes: &[u8]) -> Pipeline {
    set(&mut pipeline, "import", "file", Value::File(file(name, bytes)));
    pipeline
}

fn engine() -> Engine {
    Engine::new(components::catalogue(), u64::MAX)
}

fn run(host: &dyn Host, engine: &Engine, pipeline: &Pipeline) -> RunReport {
    block_on(engine.run(host, RunId(1), pipeline, &RunTarget::All))
}

/// The node that failed, and what it said.
fn failure(report: &RunReport) -> Option<(String, Failure)> {
    report.nodes.iter().find_map(|(id, node)| match &node.outcome {
        NodeOutcome::Failed(failure) => Some((id.to_string(), failure.clone())),
        NodeOutcome::Ran | NodeOutcome::Reused | NodeOutcome::Skipped(_) | NodeOutcome::Cancelled => None,
    })
}

fn came_through(report: &RunReport) -> bool {
    report.nodes.values().all(|node| node.outcome == NodeOutcome::Ran)
}

/// Everything that a node's panels say.
fn facts(engine: &Engine, node: &str) -> String {
    let mut told = String::new();
    for panel in engine.view(&id(node)).expect("it ran").panels {
        if let Panel::Facts { rows, .. } = panel {
            rows.iter().for_each(|row| told += &(row.join(" | ") + "\n"));
        }
    }
    told
}

/// What is wrong, the file, the learner it is given to; then who says it, what, and the way out.
type Wrong = (&'static str, (&'static str, &'static [u8]), &'static str, (&'static str, &'static str, &'static str));

const FOREST: &str = "decision-forest";
const LINE: &str = "linear-regression";
const FEATURES: &str = "Leave it out with Select Columns, or set its role to ignored with Edit Metadata.";

/// Files and tables of which no model can come.
const REFUSED: &[Wrong] = &[
    (
        "empty file",
        ("t.csv", b""),
        FOREST,
        ("import", "t.csv: the file is empty", "Choose a file that has a row of column names and rows of values."),
    ),
    (
        "nothing but line breaks",
        ("t.csv", b"\n\n \n"),
        FOREST,
        ("import", "t.csv: the file is empty", "Choose a file that has a row of column names and rows of values."),
    ),
    (
        "header only",
        ("t.csv", b"x,y\n"),
        FOREST,
        (
            "import",
            "t.csv: the file has 2 column names in line 1 and no rows below them",
            "Add rows, or, if line 1 is a row of values, set “First row has names” to no.",
        ),
    ),
    (
        "one column",
        ("t.csv", b"y\n1\n2\n3\n"),
        FOREST,
        (
            "train",
            "the table has no column with the role of a feature beside the target",
            "Set the role of at least one column to feature with Edit Metadata.",
        ),
    ),
    (
        "too many fields in every row",
        ("t.csv", b"x,y\n1,2,3,4\n5,6,7,8\n"),
        FOREST,
        (
            "import",
            "t.csv: none of the 2 rows can be read; line 2: it has 4 cells, but there are 2 columns",
            "Check the delimiter: it may be another than the one that was detected.",
        ),
    ),
    (
        "binary file",
        ("t.csv", b"\x00\x01\x02\xff\xfe\x00"),
        FOREST,
        (
            "import",
            "t.csv: the file is binary, not text",
            "Choose a CSV, TSV or JSON file; a spreadsheet can be saved as CSV (UTF-8).",
        ),
    ),
    (
        "workbook",
        ("t.csv", b"PK\x03\x04rest"),
        FOREST,
        (
            "import",
            "t.csv: the file is a zip archive or an Excel workbook, not text",
            "Unpack it, or save the sheet as CSV (UTF-8).",
        ),
    ),
    (
        "quote that stays open",
        ("t.csv", b"x,y\n1,\"a\n2,b\n3,c\n"),
        FOREST,
        (
            "import",
            "t.csv: line 2: a quote is opened and not closed again before the end of the file",
            "Close the quote, or double it (\"\") if it is part of the text; a file that was cut off must be downloaded \
             again.",
        ),
    ),
    (
        "broken JSON",
        ("t.json", b"[{\"x\": 1},\n {\"x\": }]"),
        FOREST,
        (
            "import",
            "t.json: line 2: the record is not valid JSON: expected value",
            "The file must be an array of records, [{\"a\": 1}, …], or one record per line.",
        ),
    ),
    (
        "JSON that was cut off",
        ("t.ndjson", b"{\"x\": 1}\n{\"x\": 1"),
        FOREST,
        (
            "import",
            "t.ndjson: line 2: the file ends within a record: it may have been cut off",
            "The file must be an array of records, [{\"a\": 1}, …], or one record per line.",
        ),
    ),
    (
        "column without any value",
        ("t.csv", b"x,z,y\n1,,a\n2,,b\n3,,a\n4,,b\n"),
        FOREST,
        ("train", "column \"z\" has no value in any row", FEATURES),
    ),
    (
        "gaps",
        ("t.csv", b"x,y\n1,a\n,b\n3,a\n,b\n"),
        FOREST,
        (
            "train",
            "column \"x\" has 2 missing values, the first in row 2",
            "Fill the gaps or drop the rows with Clean Missing Data before training.",
        ),
    ),
    (
        "target with one class",
        ("t.csv", b"x,y\n1,a\n2,a\n3,a\n4,a\n"),
        FOREST,
        (
            "train",
            "every row of the target \"y\" is \"a\", expected at least two classes",
            "Choose another target, or look whether a step before has dropped the other classes.",
        ),
    ),
    (
        "infinite values",
        ("t.csv", b"x,y\n1.5,a\ninf,b\n3.5,a\n-inf,b\n"),
        FOREST,
        (
            "train",
            "column \"x\" has 2 infinite values, the first is inf in row 2",
            "Correct the value in the data, or leave the column out with Select Columns.",
        ),
    ),
    (
        "NaN labels",
        ("t.csv", b"x,y\n1,2.5\n2,nan\n3,4.5\n"),
        LINE,
        (
            "train",
            "the target \"y\" has 1 missing value, the first in row 2",
            "Drop those rows with Clean Missing Data: they have nothing to teach.",
        ),
    ),
    (
        "infinite label",
        ("t.csv", b"x,y\n1,2.5\n2,inf\n3,4.5\n"),
        LINE,
        ("train", "the target \"y\" is inf in row 2, expected a finite number", "Correct the value in the data."),
    ),
    (
        "text for a learner that needs numbers",
        ("t.csv", b"x,y\none fine day,1\nthe end of it,2\nand so on,4\nnever,3\n"),
        LINE,
        (
            "train",
            "column \"x\" is text, and a learner needs numbers or categories",
            "With Edit Metadata make it a category or set its role to ignored, or leave it out with Select Columns.",
        ),
    ),
    (
        "dates for a learner that needs numbers",
        ("t.csv", b"x,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n"),
        LINE,
        (
            "train",
            "column \"x\" is date-time, and a learner needs numbers or categories",
            "With Edit Metadata make it a number or set its role to ignored, or leave it out with Select Columns.",
        ),
    ),
    (
        "classes for a learner of numbers",
        ("t.csv", b"x,y\n1,a\n2,b\n3,a\n4,b\n"),
        LINE,
        (
            "train",
            "Linear Regression predicts numbers, but the target \"y\" is category",
            "Choose a target of numbers, or use a learner for classes such as Logistic Regression.",
        ),
    ),
    (
        "numbers for a learner of classes",
        ("t.csv", b"x,y\n1,1.5\n2,2.5\n3,3.5\n"),
        "logistic-regression",
        (
            "train",
            "Logistic Regression predicts classes, but the target \"y\" is number",
            "Make the target a category with Edit Metadata, or use a learner for numbers.",
        ),
    ),
    (
        "target that is not there",
        ("t.csv", b"x,z\n1,2\n2,3\n"),
        LINE,
        (
            "train",
            "no column named \"y\"; the table has \"x\", \"z\"",
            "Choose among the columns that reach this node, or let the column through further up.",
        ),
    ),
    (
        "more neighbours than rows",
        ("t.csv", b"x,y\n1,a\n2,b\n3,a\n4,b\n"),
        "k-nearest-neighbors",
        (
            "train",
            "the number of neighbours is 5, but there are only 4 rows",
            "Set it to 4 or less, or train on more rows.",
        ),
    ),
];

#[test]
fn a_file_or_table_of_which_no_model_can_come_says_what_where_and_how_out() {
    let mut differences = String::new();
    for (what, (file, bytes), learner, expected) in REFUSED {
        let pipeline = with_file(journey(learner, "y"), file, bytes);
        let report = run(&TestHost::default(), &engine(), &pipeline);
        let found = failure(&report);
        if found.as_ref().map(|(node, said)| (node.as_str(), said.message.as_str(), said.help.as_str()))
            != Some(*expected)
        {
            let _ = writeln!(differences, "{what}: {found:#?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Only what rests on the failure is held up.
#[test]
fn the_other_nodes_of_a_failed_run_are_skipped_and_name_the_culprit() {
    let pipeline = with_file(journey(FOREST, "y"), "t.csv", b"x,y\n1,a\n2,a\n");
    let report = run(&TestHost::default(), &engine(), &pipeline);
    for (node, expected) in [
        ("import", NodeOutcome::Ran),
        ("learner", NodeOutcome::Ran),
        ("score", NodeOutcome::Skipped(id("train"))),
        ("evaluate", NodeOutcome::Skipped(id("train"))),
    ] {
        assert_eq!(report.nodes[&id(node)].outcome, expected, "{node}");
    }
}

/// What is wrong with rows that come after training; who says it, what, and the way out.
const LATER: &[(&str, &str, (&str, &str, &str))] = &[
    (
        "a column is not there",
        "z,c,y\n1,red,a\n",
        (
            "score",
            "no column named \"x\"; the table has \"z\", \"c\", \"y\"",
            "Give it rows with the columns it was trained on: let the column through further up, or name it alike with \
             Edit Metadata.",
        ),
    ),
    (
        "a column is of another kind",
        "x,c,y\nmuch of it,red,a\nsome more,red,b\nnothing,blue,a\nand so on,red,b\n",
        (
            "score",
            "column \"x\" is text, expected integer",
            "Change the column's kind with Edit Metadata, so that it is what it was in training.",
        ),
    ),
    (
        "a value is missing",
        "x,c,y\n1,red,a\n,blue,b\n",
        (
            "score",
            "column \"x\" has 1 missing value, the first in row 2",
            "Fill or remove missing values with Clean Missing Data; for test rows, apply its transformation.",
        ),
    ),
    (
        "a value is infinite",
        "x,c,y\n1.5,red,a\ninf,blue,b\n",
        (
            "score",
            "column \"x\" is inf in row 2, expected a finite number",
            "Correct the value in the file, or leave the row out.",
        ),
    ),
    (
        "there are no labels",
        "x,c\n1,red\n2,blue\n",
        (
            "evaluate",
            "no column has the role of target, so there is no truth to compare with",
            "Score rows whose target is known, and keep that column up to here.",
        ),
    ),
    // These can be answered: the first counts as none of the categories, the second as never right.
    ("a category was not there", "x,c,y\n1,green,a\n2,blue,b\n", ("", "", "")),
    ("a class was not there", "x,c,y\n1,red,a\n2,blue,other\n", ("", "", "")),
];

#[test]
fn rows_that_do_not_fit_the_model_say_what_where_and_how_out() {
    let text = JOURNEY
        .replace("LEARNER", FOREST)
        .replace("TARGET", "y")
        .replace(r#""nodes": {"#, r#""nodes": { "later": { "component": "data.import-file@1" },"#)
        .replace(r#""score.table": "import.table""#, r#""score.table": "later.table""#);
    let mut differences = String::new();
    for (what, rows, expected) in LATER {
        let mut pipeline = pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}"));
        let training = "x,c,y\n1,red,a\n2,blue,b\n3,red,a\n4,blue,b\n5,red,a\n6,blue,b\n";
        for (node, rows) in [("import", training), ("later", rows)] {
            set(&mut pipeline, node, "file", Value::File(file("t.csv", rows.as_bytes())));
            set(&mut pipeline, node, "kinds", Value::Text("c: category".into()));
        }
        let found = failure(&run(&TestHost::default(), &engine(), &pipeline));
        let found = found.as_ref().map_or(("", "", ""), |(node, said)| (node, &said.message, &said.help));
        if found != *expected {
            let _ = writeln!(differences, "{what}: {found:#?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// What is wrong, the file, and what the import's panels say of it. A model comes all the same.
const MENDED: &[(&str, &[u8], &str)] = &[
    ("row with too many fields", b"x,y\n1,a\n2,b,c,d\n3,a\n4,b\n", "3 | it has 4 cells, but there are 2 columns"),
    (
        "row with too few fields",
        b"x,y\n1,a\n2,b\n3,a\n4,b\n\"5\"\n",
        "Note | 1 rows have fewer cells than there are columns; the rest is missing.",
    ),
    (
        "duplicate column names",
        b"x,x,y\n1,5,a\n2,6,b\n3,7,a\n4,8,b\n",
        "Note | Names that occur more than once were numbered: \"x (2)\".",
    ),
    ("columns without names", b"x,,y\n1,5,a\n2,6,b\n3,7,a\n4,8,b\n", "called by their position"),
    ("constant column", b"x,z,y\n1,7,a\n2,7,b\n3,7,a\n4,7,b\n", "Rows | 4"),
    ("column without any value", b"x,z,y\n1,,a\n2,,b\n3,,a\n4,,b\n", "Note | No value at all in \"z\"."),
    ("no header", b"1,5\n2,6\n3,7\n", "called by their position"),
    ("Latin-1", b"x,y\n1,Jos\xe9\n2,Zo\xeb\n3,Jos\xe9\n4,Zo\xeb\n", "Encoding | Latin-1 (Windows-1252)"),
    ("UTF-16", b"x\x00,\x00y\x00\n\x001\x00,\x00a\x00\n\x002\x00,\x00b\x00\n\x00", "Encoding | UTF-16 LE"),
];

#[test]
fn a_file_that_can_be_mended_is_and_says_so() {
    for (what, bytes, expected) in MENDED {
        let engine = engine();
        let pipeline = with_file(journey(FOREST, "y"), "t.csv", bytes);
        let report = run(&TestHost::default(), &engine, &pipeline);
        assert_eq!(report.nodes[&id("import")].outcome, NodeOutcome::Ran, "{what}");
        let told = facts(&engine, "import");
        assert!(told.contains(expected), "{what}: {told}");
    }
}

#[test]
fn a_wrong_encoding_is_told_with_its_line() {
    let mut pipeline = with_file(journey(FOREST, "y"), "t.csv", b"x,y\n1,abc\n2,Jos\xe9\n3,abc\n4,Jos\xe9\n");
    set(&mut pipeline, "import", "encoding", Value::Text("utf-8".into()));
    let engine = engine();
    let report = run(&TestHost::default(), &engine, &pipeline);
    assert!(came_through(&report), "{report:?}");
    let told = facts(&engine, "import");
    let expected = "2 characters are not UTF-8, the first in line 3, and were replaced by \u{fffd}; with another encoding \
                    they may be letters.";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_constant_column_is_no_hindrance_to_any_learner() {
    for (learner, target) in [
        ("constant-baseline", "c"),
        ("decision-tree", "c"),
        (FOREST, "c"),
        ("k-nearest-neighbors", "c"),
        ("logistic-regression", "c"),
        (LINE, "n"),
    ] {
        let rows = b"x,z,n,c\n1,7,1.5,a\n2,7,2.5,b\n3,7,3.5,a\n4,7,4.5,b\n5,7,5.5,a\n6,7,6.5,b\n";
        let mut pipeline = with_file(journey(learner, target), "t.csv", rows);
        if target == "n" {
            set(&mut pipeline, "import", "kinds", Value::Text("c: category".into()));
        }
        let report = run(&TestHost::default(), &engine(), &pipeline);
        assert!(came_through(&report), "{learner}: {:?}", failure(&report));
        assert!(report.nodes[&id("evaluate")].metrics.values().all(|metric| metric.is_finite()), "{learner}");
    }
}

#[test]
fn ten_thousand_columns_are_imported_trained_on_and_judged() {
    let mut text = (0..10_000).map(|column| format!("x{column},")).collect::<String>() + "y\n";
    for row in 0..12 {
        for column in 0..10_000 {
            let _ = write!(text, "{},", (row * (column + 3)) % 17);
        }
        text.push_str(if row % 2 == 0 { "a\n" } else { "b\n" });
    }
    for learner in ["decision-tree", "k-nearest-neighbors", "logistic-regression"] {
        let pipeline = with_file(journey(learner, "y"), "wide.csv", text.as_bytes());
        let report = run(&TestHost::default(), &engine(), &pipeline);
        assert!(came_through(&report), "{learner}: {:?}", failure(&report));
        assert_eq!(report.nodes[&id("import")].outputs["table"], "12 × 10,001");
    }
}

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

/// What is wrong, what in the document becomes what, and the problem: its code, place, message and way out.
type WrongDocument =
    (&'static str, (&'static str, &'static str), (&'static str, &'static str, &'static str, &'static str));

const PROBLEMS: &[WrongDocument] = &[
    (
        "missing input",
        (r#""train.table": "import.table","#, ""),
        (
            "P008",
            "train.table",
            "Train Model needs a table at its input `table`, and nothing is connected to it",
            "connect the table of a Data or Prepare node",
        ),
    ),
    (
        "unknown parameter",
        (r#""learn.LEARNER@1""#, r#""learn.decision-forest@1", "params": { "n_treees": 5 }"#),
        ("P003", "learner.n_treees", "Decision Forest has no parameter `n_treees`", "did you mean `n_trees`?"),
    ),
    (
        "parameter out of range",
        (r#""learn.LEARNER@1""#, r#""learn.decision-forest@1", "params": { "n_trees": 0 }"#),
        (
            "P005",
            "learner.n_trees",
            "Number of trees is 0, and must be from 1 to 2000",
            "set it to a number from 1 to 2000",
        ),
    ),
    (
        "parameter of another kind",
        (r#""learn.LEARNER@1""#, r#""learn.decision-forest@1", "params": { "n_trees": "many" }"#),
        (
            "P004",
            "learner.n_trees",
            "Number of trees takes a whole number, but is set to the text \"many\"",
            "set it anew, or give it back its default (100)",
        ),
    ),
    (
        "unknown component",
        ("learn.LEARNER", "learn.decision-florist"),
        (
            "P001",
            "learner.",
            "this version of Millrace does not know the component `learn.decision-florist`",
            "did you mean `learn.decision-forest`? Its settings are kept until then",
        ),
    ),
    (
        "component of a newer version",
        ("learn.LEARNER@1", "learn.decision-forest@9"),
        (
            "P002",
            "learner.",
            "the node was made with version 9 of Decision Forest, and this is version 1",
            "open it with a newer version of Millrace if its results matter",
        ),
    ),
    (
        "ports that do not fit",
        (r#""score.model": "train.model""#, r#""score.model": "import.table""#),
        (
            "P007",
            "score.model",
            "`import.table` gives a table, but `score.model` takes a trained model",
            "connect the `model` output of a Train Model node",
        ),
    ),
];

#[test]
fn a_wrong_document_says_what_where_and_how_out_before_anything_runs() {
    let mut differences = String::new();
    for (what, (right, changed), (code, place, message, help)) in PROBLEMS {
        assert!(JOURNEY.contains(right), "{what}");
        let text = JOURNEY.replace(right, changed).replace("LEARNER", FOREST);
        let pipeline = pipeline::from_json(&text).unwrap_or_else(|error| panic!("{what}: {error}"));
        let problems = engine().check(&pipeline).problems;
        let found = problems.iter().any(|found| {
            let node = found.node.as_ref().map_or("", NodeId::as_str);
            let found_place = format!("{node}.{}", found.place.as_deref().unwrap_or_default());
            (found.code.as_str(), found_place.as_str(), found.message.as_str(), found.help.as_str())
                == (*code, *place, *message, *help)
        });
        if !found {
            let _ = writeln!(differences, "{what}: {problems:#?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn a_cycle_is_refused_by_the_edge_that_closes_it() {
    let text = JOURNEY
        .replace("LEARNER", FOREST)
        .replace(r#""train.table": "import.table""#, r#""train.table": "score.scored""#);
    let error = pipeline::from_json(&text).expect_err("a cycle").to_string();
    assert_eq!(
        error,
        "its edges do not fit: this would close a cycle: `score` → `train` → `score`; leave out one of these connections"
    );
    let mut pipeline = with_file(journey(FOREST, "y"), "t.csv", b"x,y\n1,a\n2,b\n");
    let (from, to) = (OutPort::new(&id("score"), "scored"), InPort::new(&id("train"), "table"));
    let before = pipeline.clone();
    let error = pipeline.apply(Edit::Connect(from, to)).expect_err("a cycle").to_string();
    assert_eq!(error, "this would close a cycle: `train` → `score` → `train`; leave out one of these connections");
    assert_eq!(pipeline, before);
}

/// A pipeline with problems still runs what it can.
#[test]
fn a_node_whose_input_is_missing_fails_alone() {
    let text = JOURNEY.replace(r#""train.table": "import.table","#, "").replace("LEARNER", FOREST);
    let pipeline = pipeline::from_json(&text).expect("a document");
    let report = run(&TestHost::default(), &engine(), &with_file(pipeline, "t.csv", b"x,y\n1,a\n2,b\n"));
    let (node, said) = failure(&report).expect("it cannot run");
    assert_eq!((node.as_str(), said.message.contains("input `table`")), ("train", true), "{said:?}");
    assert!(!said.help.is_empty());
    assert_eq!(report.nodes[&id("import")].outcome, NodeOutcome::Ran);
}

#[test]
fn a_link_that_was_cut_or_changed_is_refused_and_one_from_a_newer_version_says_so() {
    let pipeline = with_file(journey(FOREST, "y"), "t.csv", b"x,y\n1,a\n2,b\n");
    let whole = format!("https://example.org/studio/#{}", link::encode(&pipeline));
    assert_eq!(link::decode(&whole).as_ref(), Ok(&pipeline));
    let start = whole.find("1d.").expect("a version") + 3;
    for n_chars in start..whole.len() {
        let error = link::decode(&whole[..n_chars]).expect_err("it was cut");
        let said = error.to_string();
        assert!(said.starts_with("it is damaged (") && said.ends_with("so copy it again, whole"), "{n_chars}: {said}");
    }
    for at in start..whole.len() {
        for letter in ["A", "z", "_", "%", "é"] {
            let mut changed = whole.clone();
            changed.replace_range(at..=at, letter);
            match link::decode(&changed) {
                // The same letter, or bits of the last one that carry nothing.
                Ok(opened) => assert_eq!(opened, pipeline, "{at} {letter}"),
                Err(LinkError::Damaged(_) | LinkError::Bomb) => {}
                Err(other) => panic!("{at} {letter}: {other}"),
            }
        }
    }
    let newer = link::decode(&whole.replace("p=1d.", "p=7d.")).expect_err("a newer one").to_string();
    assert_eq!(
        newer,
        "it is of version 7, and this version of Millrace reads up to 2: reload the page, or open it with a newer version"
    );
}

#[test]
fn a_file_of_a_newer_format_says_so() {
    let text = JOURNEY.replace("LEARNER", FOREST).replace(r#""format": 1"#, r#""format": 99"#);
    let error = pipeline::from_json(&text).expect_err("a newer format").to_string();
    assert!(error.contains("is of format 99") && error.contains("open it with a newer version"), "{error}");
}

/// A check finds every problem at once, errors and warnings.
#[test]
fn problems_are_told_all_together() {
    let text = JOURNEY
        .replace(r#""train.table": "import.table","#, "")
        .replace(r#""learn.LEARNER@1""#, r#""learn.decision-forest@1", "params": { "n_treees": 5, "n_trees": 0 }"#);
    let problems = engine().check(&pipeline::from_json(&text).expect("a document")).problems;
    let found: Vec<(&str, Severity)> =
        problems.iter().map(|problem| (problem.code.as_str(), problem.severity)).collect();
    for expected in
        [("P003", Severity::Warning), ("P005", Severity::Error), ("P008", Severity::Error), ("P011", Severity::Error)]
    {
        assert!(found.contains(&expected), "{problems:#?}");
    }
}
