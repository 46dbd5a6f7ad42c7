//! Records, and what should come out.

use proptest::prelude::*;
use schema::Kind;
use table::{Encoding, Options, ReadError, csv, json};

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
fn texts_keep_their_zeros_and_dates_and_missing_tokens_are_known() {
    check(
        r#"[{"zip": "00501", "day": "2024-01-05", "n": "NA"}, {"zip": "10001", "day": "2024-02-05", "n": "3"}]"#,
        "zip,day,n\n00501,2024-01-05,\n10001,2024-02-05,3\n",
    );
}

#[test]
fn encodings_are_recognised() {
    let file = "[{\"name\": \"José\"}, {\"name\": \"Zoë\"}]";
    let wide = |unit: fn(u16) -> [u8; 2]| file.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let latin: Vec<u8> = file.chars().map(|c| c as u8).collect();
    for (bytes, encoding) in [
        (file.as_bytes().to_vec(), Encoding::Utf8),
        (format!("\u{feff}{file}").into_bytes(), Encoding::Utf8),
        ([&[0xff, 0xfe][..], &wide(u16::to_le_bytes)].concat(), Encoding::Utf16Le),
        ([&[0xfe, 0xff][..], &wide(u16::to_be_bytes)].concat(), Encoding::Utf16Be),
        (latin.clone(), Encoding::Windows1252),
    ] {
        let found = table::read_bytes("t.json", &bytes, Options::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found.report.encoding, encoding);
        assert_eq!((found.table.cells(0).str(0), found.table.cells(0).str(1)), (Some("José"), Some("Zoë")));
    }
    let options = Options { encoding: Some(Encoding::Utf8), ..Options::default() };
    let notes = table::read_bytes("t.json", &latin, options).unwrap().report.notes;
    assert!(notes.iter().any(|note| note.starts_with("2 characters are not UTF-8, and were replaced")), "{notes:?}");
}

#[test]
fn kinds_can_be_set() {
    let options = Options { kinds: [("zip".into(), Kind::Text)].into(), ..Options::default() };
    let found = table::read_bytes("t.ndjson", b"{\"zip\": 501}\n{\"zip\": 10001}\n", options).unwrap();
    assert_eq!(found.table.schema().columns[0].kind, Kind::Text);
    assert_eq!(found.table.cells(0).str(0), Some("501"));
}

proptest! {
    #[test]
    fn the_pieces_do_not_matter(
        file in r#"(\{|\}|\[|\]|,|:|"a"|"b"|1|-2.5|null|true|"x\\u00e9"|[ \n]|\{"a": 1\}){0,40}"#,
        n in 1_usize..20,
    ) {
        let seen = |read: Result<table::Read, ReadError>| read.map(|read| (read.table.fingerprint(), read.report));
        prop_assert_eq!(seen(read_in_pieces(&file, n)), seen(read_in_pieces(&file, file.len().max(1))));
    }

    #[test]
    fn a_damaged_file_is_an_error_or_a_table(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut file = br#"[{"b": 1, "a": "x"}, {"b": 2.5, "a": null, "c": {"d": [1, "e"]}}]"#.to_vec();
        let at = at.index(file.len());
        file[at] = byte;
        let _ = table::read_bytes("t.json", &file, Options::default());
        let _ = table::read_bytes("t.json", &file[..at], Options::default());
    }
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
