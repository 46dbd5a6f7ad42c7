//! Learners that do not go together, and columns that are no hindrance to any.

use std::fmt::Write as _;

use engine::testing::TestHost;
use pipeline::{Pipeline, Value};

use crate::{FOREST, JOURNEY, LINE, came_through, engine, failure, id, journey, run, set, with_file};

/// The learners within, by port; then who says it, what, and the way out.
type WrongWithin = (&'static str, &'static [(&'static str, &'static str)], (&'static str, &'static str, &'static str));

const OF_CLASSES: &str =
    "Connect a learner of classes such as Logistic Regression, or set what it predicts to classes.";

const WITHIN: &[WrongWithin] = &[
    (
        "one-vs-all-multiclass",
        &[("learner", LINE)],
        (
            "learner",
            "One-vs-All Multiclass takes learners that predict classes, but Linear Regression predicts numbers",
            OF_CLASSES,
        ),
    ),
    (
        "one-vs-one-multiclass",
        &[("learner", "isolation-forest")],
        (
            "learner",
            "One-vs-One Multiclass takes learners that predict classes, but Isolation Forest looks for anomalies",
            OF_CLASSES,
        ),
    ),
    (
        "calibrated-probabilities",
        &[("learner", "poisson-regression")],
        (
            "learner",
            "Calibrated Probabilities takes learners that predict classes, but Poisson Regression predicts numbers",
            OF_CLASSES,
        ),
    ),
    (
        "calibrated-probabilities",
        &[("learner", "naive-bayes")],
        (
            "train",
            "the class \"b\" of the target \"y\" has 3 rows, and Calibrated Probabilities needs at least 5 of each class",
            "Set fewer folds, or leave the rows of rare classes out before.",
        ),
    ),
    (
        "stacking",
        &[("learner_1", "naive-bayes"), ("final_learner", LINE)],
        (
            "learner",
            "Stacking takes learners of the same kind, but Naive Bayes predicts classes and Linear Regression predicts \
             numbers",
            "Connect learners of classes only, or of numbers only; those that can do both say which at Predicts.",
        ),
    ),
    (
        "stacking",
        &[("learner_1", LINE), ("final_learner", LINE)],
        (
            "train",
            "Stacking predicts numbers, but the target \"y\" is category",
            "Choose a target of numbers, or use a learner for classes such as Logistic Regression.",
        ),
    ),
    (
        "stacking",
        &[("final_learner", LINE)],
        (
            "learner",
            "Stacking needs an untrained learner at its input `learner_1`, and nothing is connected to it",
            "connect a node of the family Learn, such as Decision Forest",
        ),
    ),
    ("one-vs-all-multiclass", &[("learner", "naive-bayes")], ("", "", "")),
    ("stacking", &[("learner_1", "naive-bayes"), ("learner_8", FOREST), ("final_learner", FOREST)], ("", "", "")),
];

/// A pipeline whose learner is made of others.
fn within(learner: &str, parts: &[(&str, &str)], bytes: &[u8]) -> Pipeline {
    let (mut nodes, mut edges) = (String::new(), String::new());
    for (port, part) in parts {
        let node = port.replace('_', "-");
        let _ = write!(nodes, r#""part-{node}": {{ "component": "learn.{part}@1" }},"#);
        let _ = write!(edges, r#""learner.{port}": "part-{node}.learner","#);
    }
    let text = JOURNEY
        .replace("LEARNER", learner)
        .replace("TARGET", "y")
        .replace(r#""nodes": {"#, &format!(r#""nodes": {{ {nodes}"#))
        .replace(r#""edges": {"#, &format!(r#""edges": {{ {edges}"#));
    with_file(pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}")), "t.csv", bytes)
}

#[test]
fn learners_that_do_not_go_together_say_who_and_how_out() {
    let rows = b"x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,a\n9,a\n";
    let mut differences = String::new();
    for (learner, parts, expected) in WITHIN {
        let found = failure(&run(&TestHost::default(), &engine(), &within(learner, parts, rows)));
        let found = found.as_ref().map_or(("", "", ""), |(node, said)| (node, &said.message, &said.help));
        if found != *expected {
            let _ = writeln!(differences, "{learner} {parts:?}: {found:#?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn a_range_goes_through_a_learner_that_takes_one_and_is_refused_by_others_before_a_run() {
    let said = |learner, parts: &[(&str, &str)]| {
        let mut pipeline = within(learner, parts, b"x,y\n1,a\n2,b\n3,a\n4,b\n");
        set(&mut pipeline, "part-learner-1", "trainer_mode", Value::Text("range".into()));
        engine().check(&pipeline).problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    let expected = "Decision Forest is in Parameter Range mode, and Stacking takes one setting of each parameter";
    let found = said("stacking", &[("learner_1", FOREST), ("final_learner", FOREST)]);
    assert!(found.iter().any(|message| message == expected), "{found:?}");
    let mut pipeline = within("one-vs-all-multiclass", &[("learner", FOREST)], b"x,y\n1,a\n2,b\n3,a\n4,b\n");
    set(&mut pipeline, "part-learner", "trainer_mode", Value::Text("range".into()));
    let (node, told) = failure(&run(&TestHost::default(), &engine(), &pipeline)).expect("Train Model takes one");
    let expected = "Decision Forest is in Parameter Range mode, and Train Model takes one setting of each parameter";
    assert_eq!((node.as_str(), told.message.as_str()), ("train", expected));
}

#[test]
fn a_constant_column_is_no_hindrance_to_any_learner() {
    for (learner, target) in [
        ("constant-baseline", "c"),
        ("decision-tree", "c"),
        (FOREST, "c"),
        ("k-nearest-neighbors", "c"),
        ("logistic-regression", "c"),
        ("naive-bayes", "c"),
        ("ada-boost", "c"),
        ("ada-boost", "n"),
        ("neural-network", "c"),
        ("support-vector-machine", "c"),
        ("poisson-regression", "n"),
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
    for learner in [
        "decision-tree",
        "k-nearest-neighbors",
        "logistic-regression",
        "naive-bayes",
        "support-vector-machine",
        "isolation-forest",
        "ada-boost",
    ] {
        let pipeline = with_file(journey(learner, "y"), "wide.csv", text.as_bytes());
        let report = run(&TestHost::default(), &engine(), &pipeline);
        assert!(came_through(&report), "{learner}: {:?}", failure(&report));
        assert_eq!(report.nodes[&id("import")].outputs["table"], "12 × 10,001");
    }
}
