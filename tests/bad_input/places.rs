//! Rows for which places are looked for.

use engine::testing::TestHost;

use crate::{came_through, engine, failure, run, with_file};

/// A pipeline that imports a file and finds places for its rows.
const PLACING: &str = r#"{
    "millrace": "pipeline", "format": 1, "name": "Bad input", "seed": 1,
    "nodes": {
        "import": { "component": "data.import-file@1" },
        "places": { "component": "transform.t-sne@1", "params": { PARAMS } }
    },
    "edges": { "places.table": "import.table" }
}"#;

/// What is wrong, settings, the file; then what is said, and the way out.
type Refused<'a> = (&'a str, &'a str, &'a [u8], (&'a str, &'a str));

#[test]
fn rows_that_cannot_be_placed_are_refused_with_a_way_out() {
    const FEW: &[u8] = b"x,y\n1,2\n2,1\n";
    let text = |n_rows: usize| "x\n".to_owned() + &"1\n2\n".repeat(n_rows / 2 + 1)[..2 * n_rows];
    let (long, thirty) = (text(20_001), text(30));
    let cases: &[Refused<'_>] = &[
        (
            "as many neighbours as rows",
            "",
            thirty.as_bytes(),
            (
                "the perplexity is 30, but there are only 30 rows",
                "Set it to 10 or less, a third of the rows, or take more rows.",
            ),
        ),
        (
            "two rows",
            "",
            FEW,
            (
                "the perplexity is 30, but there are only 2 rows",
                "Set it to 1 or less, a third of the rows, or take more rows.",
            ),
        ),
        (
            "one row",
            "",
            b"x\n1\n",
            ("the table has one row", "Look at the steps before: a filter or a split may have left too little."),
        ),
        (
            "too many rows",
            "",
            long.as_bytes(),
            (
                "20001 rows are too many for t-SNE, expected at most 20000",
                "Take up to 20000 of them with Partition and Sample, or use Principal Component Analysis, which takes any \
                 number.",
            ),
        ),
        (
            "gaps",
            r#""perplexity": 1.5"#,
            b"x,y\n1,2\n,3\n4,5\n",
            (
                "column \"x\" has 1 missing value, the first in row 2",
                "Fill the gaps or drop the rows with Clean Missing Data before training.",
            ),
        ),
        (
            "infinite values",
            r#""perplexity": 1.5"#,
            b"x,y\n1.5,2\ninf,3\n4.5,5\n",
            (
                "column \"x\" has 1 infinite value, the first is inf in row 2",
                "Correct the value in the data, or leave the column out with Select Columns.",
            ),
        ),
        (
            "huge values",
            r#""perplexity": 1.5"#,
            b"x,y\n1e300,2\n-1e300,3\n0.5,5\n",
            (
                "the numbers are too large: their squares are beyond what a 64-bit number holds",
                "Rescale the columns with Normalize Data.",
            ),
        ),
    ];
    for (what, params, bytes, expected) in cases {
        let pipeline =
            pipeline::from_json(&PLACING.replace("PARAMS", params)).unwrap_or_else(|error| panic!("{error}"));
        let report = run(&TestHost::default(), &engine(), &with_file(pipeline, "t.csv", bytes));
        let found = failure(&report).unwrap_or_else(|| panic!("{what}"));
        assert_eq!(
            (found.0.as_str(), found.1.message.as_str(), found.1.help.as_str()),
            ("places", expected.0, expected.1),
            "{what}"
        );
    }
    // Constant columns, rows that are alike and two rows are no hindrance.
    for (params, bytes) in [(r#""perplexity": 1.0"#, FEW), (r#""perplexity": 2.0"#, b"x,y\n1,7\n1,7\n2,7\n2,7\n1,7\n")]
    {
        let pipeline =
            pipeline::from_json(&PLACING.replace("PARAMS", params)).unwrap_or_else(|error| panic!("{error}"));
        let report = run(&TestHost::default(), &engine(), &with_file(pipeline, "t.csv", bytes));
        assert!(came_through(&report), "{:?}", failure(&report));
    }
}
