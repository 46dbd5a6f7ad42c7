//! Records, and what should come out.

use table::{Options, ReadError, csv, json};

fn read_in_pieces(file: &str, n: usize) -> Result<table::Read, ReadError> {
    let mut reader = json::Reader::new(Options::default());
    for piece in file.as_bytes().chunks(n) {
        reader.push(piece)?;
    }
    reader.finish()
}

/// As CSV, after checking that the pieces do not matter.
fn check(file: &str, expected: &str) {
    for n in [1, 3, file.len()] {
        let found = read_in_pieces(file, n).unwrap_or_else(|error| panic!("{error}"));
        let mut text = Vec::new();
        csv::write(&found.table, &mut |piece| text.extend_from_slice(piece));
        assert_eq!(String::from_utf8(text).unwrap().replace("\r\n", "\n"), expected, "in pieces of {n}");
    }
}

fn check_error(file: &str, expected: &str) {
    for n in [1, 3, file.len().max(1)] {
        assert_eq!(read_in_pieces(file, n).map(|_| ()).unwrap_err().to_string(), expected);
    }
}

#[test]
fn an_array_of_records_is_a_table() {
    check(
        r#"[{"b": 1, "a": "x"}, {"b": 2.5, "a": null, "c": true},
            {"a": "}\"{"}]"#,
        "b,a,c\n1.0,x,\n2.5,,true\n,\"}\"\"{\",\n",
    );
}

#[test]
fn one_record_per_line_is_a_table() {
    check("{\"a\":1}\n{\"a\":2}\n\n{\"a\":-3}", "a\n1\n2\n-3\n");
}

#[test]
fn records_within_records_are_flattened_once() {
    check(
        r#"[{"p": {"x": 1, "q": {"y": 2}}, "l": [1, "two"]}]"#,
        "p.x,p.q,l\n1,\"{\"\"y\"\":2}\",\"[1,\"\"two\"\"]\"\n",
    );
}

#[test]
fn bad_json_says_where() {
    check_error("", "the file is empty");
    check_error("[]", "line 1: there is no record with a value");
    check_error("[{\"a\":1},\n{\"a\":}]", "line 2: the record is not valid JSON: expected value");
    check_error("[{\"a\":1}\n{\"a\":2}]", "line 2: expected a comma or `]`, found `{`");
    check_error("[1, 2]", "line 1: expected a record, `{…}`, found `1`");
    check_error("[{\"a\":1}", "line 1: the file ends before the array's `]`: it may have been cut off");
    check_error("{\"a\":1}\n{\"a\"", "line 2: the file ends within a record: it may have been cut off");
    check_error("[{\"a\":1}] x", "line 1: something follows the closing bracket of the array");
}
