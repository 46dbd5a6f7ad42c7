//! Files that can be mended, and say so.

use engine::testing::TestHost;
use pipeline::Value;
use protocol::NodeOutcome;

use crate::{FOREST, came_through, engine, facts, id, journey, run, set, with_file};

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
