//! Rows that do not fit the model that they come to.

use std::fmt::Write as _;

use engine::testing::TestHost;
use pipeline::Value;

use crate::{FOREST, JOURNEY, engine, failure, file, run, set};

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
