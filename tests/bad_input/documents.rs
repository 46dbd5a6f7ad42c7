//! Pipelines, links and files of pipelines that are wrong.

use std::fmt::Write as _;

use engine::testing::TestHost;
use pipeline::link::LinkError;
use pipeline::{Edit, InPort, NodeId, OutPort, Severity, link};
use protocol::NodeOutcome;

use crate::{FOREST, JOURNEY, engine, failure, id, journey, run, with_file};

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
