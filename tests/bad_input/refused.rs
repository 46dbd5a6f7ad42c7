//! Files and tables of which no model can come.

use std::fmt::Write as _;

use engine::testing::TestHost;
use protocol::NodeOutcome;

use crate::{FOREST, LINE, engine, failure, id, journey, run, with_file};

/// What is wrong, the file, the learner it is given to; then who says it, what, and the way out.
type Wrong = (&'static str, (&'static str, &'static [u8]), &'static str, (&'static str, &'static str, &'static str));

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
        "negative numbers for a learner of counts",
        ("t.csv", b"x,y\n1.5,2\n2.5,-1\n3.5,4\n"),
        "poisson-regression",
        (
            "train",
            "the target \"y\" is -1 in row 2, and Poisson Regression predicts counts, which are at least 0",
            "Choose a target of counts, or use Linear Regression.",
        ),
    ),
    (
        "three classes for a learner of anomalies",
        ("t.csv", b"x,y\n1,a\n2,b\n3,c\n4,a\n"),
        "isolation-forest",
        (
            "train",
            "the target \"y\" has 3 classes, and Isolation Forest knows two: anomalies and the rest",
            "Choose a column that says of each row whether it is an anomaly, or leave the label column open.",
        ),
    ),
    (
        "more components than columns",
        ("t.csv", b"x,y\n1,a\n2,b\n3,a\n4,b\n"),
        "pca-based-anomaly-detection",
        (
            "train",
            "2 components are wanted of 1 column",
            "Keep fewer components: with as many as columns (1) nothing is left over.",
        ),
    ),
    (
        "counts below 0",
        ("t.csv", b"x,y\n1,2\n2,-3\n3,4\n4,0\n"),
        "boosted-decision-tree@1\", \"params\": { \"loss\": \"poisson\" }, \"title\": \"",
        (
            "train",
            "the target \"y\" is -3 in row 2, and Boosted Decision Tree predicts counts, which are at least 0",
            "Choose a target of counts, or use Linear Regression.",
        ),
    ),
    (
        "a column that is not there and must rise",
        ("t.csv", b"x,y\n1,2.5\n2,3.5\n3,4.5\n4,0.5\n"),
        "boosted-decision-tree@1\", \"params\": { \"rising\": \"x, z\" }, \"title\": \"",
        ("train", "no column named \"z\"; the table has \"x\"", "Choose a column that the table has."),
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
