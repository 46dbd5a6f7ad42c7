//! Models that are explained by rows.

use std::fmt::Write as _;

use engine::JobError;
use engine::testing::{TestHost, run_component};
use pipeline::{OutPort, Value};

use crate::{FOREST, engine, failure, file, id, run, set, with_file};

/// A pipeline that trains on some rows and explains the model by others.
const EXPLAINED: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Explained", "seed": 1,
    "nodes": {
        "import": { "component": "data.import-file@1" },
        "later": { "component": "data.import-file@1" },
        "learner": { "component": "learn.LEARNER@1" },
        "train": { "component": "train.train-model@1", "params": { "target": "y" } },
        "explain": { "component": "evaluate.COMPONENT@1", "params": { PARAMS } }
    },
    "edges": {
        "train.learner": "learner.learner", "train.table": "import.table",
        "explain.model": "train.model", "explain.table": "later.table"
    }
}"#;

const IMPORTANCE: &str = "permutation-feature-importance";
const CONTRIBUTIONS: &str = "feature-contributions";
const DEPENDENCE: &str = "partial-dependence";
const TRAINED_WITH: &str = "Give it rows with the columns it was trained on: let the column through further up, or name it \
                            alike with Edit Metadata.";
const KIND: &str = "Change the column's kind with Edit Metadata, so that it is what it was in training.";
const GAPS: &str = "Fill or remove missing values with Clean Missing Data; for test rows, apply its transformation.";

/// What is wrong, the learner, the component and its parameters, the rows it is given; what it says, and the way out.
type Unexplained =
    (&'static str, &'static str, (&'static str, &'static str), &'static str, (&'static str, &'static str));

const UNEXPLAINED: &[Unexplained] = &[
    (
        "no truth to measure with",
        FOREST,
        (IMPORTANCE, ""),
        "x,c\n1,red\n2,blue\n",
        (
            "no column named \"y\", which the model predicts; the table has \"x\", \"c\"",
            "Give it rows whose target is known: without the truth no prediction is right or wrong.",
        ),
    ),
    (
        "a column is not there",
        FOREST,
        (IMPORTANCE, ""),
        "z,c,y\n1,red,a\n2,blue,b\n",
        ("no column named \"x\"; the table has \"z\", \"c\", \"y\"", TRAINED_WITH),
    ),
    (
        "a gap, behind a row whose target is missing",
        FOREST,
        (IMPORTANCE, ""),
        "x,c,y\n1,red,a\n2,blue,\n,blue,b\n4,blue,b\n",
        ("column \"x\" has 1 missing value, the first in row 3", GAPS),
    ),
    (
        "one row to shuffle",
        FOREST,
        (IMPORTANCE, ""),
        "x,c,y\n1,red,a\n",
        (
            "there is one row whose \"y\" is known, and at least two are needed to be shuffled",
            "Give it more rows: a hundred at least, or chance is all there is to see.",
        ),
    ),
    (
        "no row whose target is known",
        FOREST,
        (IMPORTANCE, ""),
        "x,c,y\n1,red,\n2,blue,\n",
        (
            "there is no row whose \"y\" is known, and at least two are needed to be shuffled",
            "Give it more rows: a hundred at least, or chance is all there is to see.",
        ),
    ),
    (
        "a metric of numbers for a model of classes",
        FOREST,
        (IMPORTANCE, r#""metric": "rmse""#),
        "x,c,y\n1,red,a\n2,blue,b\n",
        (
            "Root mean squared error judges numbers, but the model predicts classes of \"y\"",
            "Choose one of Accuracy, Precision, Recall, F1, AUC, Log loss.",
        ),
    ),
    (
        "a metric that needs both classes",
        FOREST,
        (IMPORTANCE, r#""metric": "auc""#),
        "x,c,y\n1,red,a\n2,blue,a\n",
        (
            "AUC is not defined: the target \"y\" does not have every class in these rows",
            "Give it rows that differ in the target, or choose another metric.",
        ),
    ),
    (
        "a model of which nothing is important",
        "constant-baseline",
        (IMPORTANCE, ""),
        "x,c,y\n1,red,a\n2,blue,b\n",
        ("Constant Baseline looks at no column, so none is important", "Connect a model that learns from columns."),
    ),
    (
        "a model without exact contributions",
        "k-nearest-neighbors",
        (CONTRIBUTIONS, ""),
        "x,c,y\n1,red,a\n2,blue,b\n",
        (
            "k-Nearest Neighbours has no exact contributions here: it is neither made of trees nor a weighted sum",
            "Connect a Decision Tree, Decision Forest, Extra Trees, Boosted Decision Tree, or a Linear, Logistic or \
             Poisson Regression. Permutation Feature Importance and Partial Dependence explain every model.",
        ),
    ),
    (
        "a class that is not there",
        FOREST,
        (CONTRIBUTIONS, r#""class": "z""#),
        "x,c\n1,red\n2,blue\n",
        ("\"y\" has no class \"z\"; the model knows \"a\", \"b\"", "Choose one of them, or leave the class open."),
    ),
    (
        "a column of another kind",
        FOREST,
        (CONTRIBUTIONS, ""),
        "x,c\nmuch of it,red\nsome more,red\nnothing,blue\n",
        ("column \"x\" is text, expected integer", KIND),
    ),
    (
        "a gap",
        "logistic-regression",
        (CONTRIBUTIONS, ""),
        "x,c\n1,red\n,blue\n",
        ("column \"x\" has 1 missing value, the first in row 2", GAPS),
    ),
    (
        "one row without a background",
        "logistic-regression",
        (CONTRIBUTIONS, ""),
        "x,c\n1,red\n",
        (
            "one row is its own mean, so no column would contribute",
            "Connect the training rows to `background`: a row is explained by how it differs from them.",
        ),
    ),
    (
        "a column that is not there, to vary",
        FOREST,
        (DEPENDENCE, r#""column": "z""#),
        "x,c\n1,red\n2,blue\n",
        (
            "no column named \"z\"; the table has \"x\", \"c\"",
            "Choose among the columns that reach this node, or let the column through further up.",
        ),
    ),
    (
        "a column that the model does not look at",
        FOREST,
        (DEPENDENCE, r#""column": "y""#),
        "x,c,y\n1,red,a\n2,blue,b\n",
        (
            "the model does not look at \"y\", so nothing depends on it; it looks at \"c\", \"x\"",
            "Choose one of the columns that it looks at.",
        ),
    ),
    (
        "a column without any value",
        "boosted-decision-tree",
        (DEPENDENCE, r#""column": "c""#),
        "x,c\n1,\n2,\n",
        ("column \"c\" has no value in any row", "Choose another column."),
    ),
    (
        "a constant column",
        FOREST,
        (DEPENDENCE, r#""column": "x""#),
        "x,c\n7,red\n7,blue\n",
        (
            "column \"x\" has one value to try, 7, so nothing can depend on it",
            "Choose a column that varies, or let the quantiles reach further.",
        ),
    ),
    (
        "a gap in another column",
        FOREST,
        (DEPENDENCE, r#""column": "x""#),
        "x,c\n1,red\n2,\n",
        ("column \"c\" has 1 missing value, the first in row 2", GAPS),
    ),
    (
        "quantiles the wrong way around",
        FOREST,
        (DEPENDENCE, r#""column": "x", "from_quantile": 0.9, "to_quantile": 0.1"#),
        "x,c\n1,red\n2,blue\n",
        (
            "the values to try go from the quantile 0.9 to the quantile 0.1, which is not above it",
            "Set the second one above the first; 0.05 and 0.95 leave out the outermost rows.",
        ),
    ),
    // These can be answered: a constant column matters to nobody, one row has its tree, a gap is filled by what is tried.
    ("a constant column", FOREST, (IMPORTANCE, ""), "x,c,y\n7,red,a\n7,red,b\n", ("", "")),
    ("a constant column", FOREST, (CONTRIBUTIONS, ""), "x,c\n7,red\n7,red\n", ("", "")),
    ("one row", FOREST, (CONTRIBUTIONS, ""), "x,c\n1,red\n", ("", "")),
    ("a category that was not there", FOREST, (CONTRIBUTIONS, ""), "x,c\n1,green\n", ("", "")),
    ("gaps that boosted trees take", "boosted-decision-tree", (CONTRIBUTIONS, ""), "x,c\n,red\n2,\n", ("", "")),
    ("a gap where values are tried", FOREST, (DEPENDENCE, r#""column": "x""#), "x,c\n1,red\n,red\n3,blue\n", ("", "")),
];

#[test]
fn what_cannot_be_explained_says_what_where_and_how_out() {
    let mut differences = String::new();
    for (what, learner, (component, params), rows, expected) in UNEXPLAINED {
        let text = EXPLAINED.replace("LEARNER", learner).replace("COMPONENT", component).replace("PARAMS", params);
        let mut pipeline = pipeline::from_json(&text).unwrap_or_else(|error| panic!("{error}"));
        let training = "x,c,y\n1,red,a\n2,blue,b\n3,red,a\n4,blue,b\n5,red,a\n6,blue,b\n";
        for (node, rows, kinds) in [("import", training, "c: category"), ("later", *rows, "c: category; y: category")] {
            set(&mut pipeline, node, "file", Value::File(file("t.csv", rows.as_bytes())));
            let kinds = if rows.starts_with("x,c\n") { "c: category" } else { kinds };
            set(&mut pipeline, node, "kinds", Value::Text(kinds.into()));
        }
        let found = failure(&run(&TestHost::default(), &engine(), &pipeline));
        let found = found.as_ref().map_or(("", "", ""), |(node, said)| (node, &said.message, &said.help));
        let node = if expected.0.is_empty() { "" } else { "explain" };
        if found != (node, expected.0, expected.1) {
            let _ = writeln!(differences, "{what}: {found:#?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn rows_that_are_all_gone_are_not_explained() {
    let text = EXPLAINED.replace("LEARNER", FOREST).replace("COMPONENT", CONTRIBUTIONS).replace("PARAMS", "");
    let pipeline = with_file(pipeline::from_json(&text).expect("a document"), "t.csv", b"x,y\n1,a\n2,b\n3,a\n4,b\n");
    let engine = engine();
    run(&TestHost::default(), &engine, &pipeline);
    let (model, table) = (OutPort::new(&id("train"), "model"), OutPort::new(&id("import"), "table"));
    let (model, table) = (engine.artifact(&model).expect("it ran"), engine.table(&table).expect("it ran").take(&[]));
    for (component, said) in [
        (IMPORTANCE, "there is no row whose \"y\" is known, and at least two are needed to be shuffled"),
        (CONTRIBUTIONS, "there are no rows to explain"),
        (DEPENDENCE, "there are no rows"),
    ] {
        let found = components::catalogue().iter().find(|found| found.spec().id == format!("evaluate.{component}"));
        let inputs = vec![("model", model.clone()), ("table", engine::Artifact::Table(table.clone()))];
        let outcome = run_component(*found.expect("a component"), inputs, vec![], 1);
        match outcome.expect_err("there is nothing to explain") {
            JobError::Failed(failure) => assert_eq!(failure.message, said),
            JobError::Cancelled => panic!("nobody stopped it"),
        }
    }
}
