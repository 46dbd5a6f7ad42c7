//! Files of the world, and what should come out.

use std::fmt::Write as _;

use proptest::prelude::*;
use schema::Kind;
use table::{Options, Read, ReadError, Table, csv};

fn read(bytes: &[u8]) -> Result<Read, ReadError> {
    read_in_pieces(bytes, bytes.len().max(1), Options::default())
}

fn read_in_pieces(bytes: &[u8], n: usize, options: Options) -> Result<Read, ReadError> {
    let mut reader = csv::Reader::new(options);
    for piece in bytes.chunks(n) {
        reader.push(piece)?;
    }
    reader.finish()
}

/// Names with kinds, then the rows; `~` is missing.
fn shown(table: &Table) -> String {
    let mut text = String::new();
    for (column_idx, column) in table.schema().columns.iter().enumerate() {
        let _ = write!(text, "{}{}:{}", if column_idx > 0 { " | " } else { "" }, column.name, column.kind.label());
    }
    let mut cell = String::new();
    for row_idx in 0..table.n_rows() {
        text.push('\n');
        for column_idx in 0..table.n_columns() {
            if column_idx > 0 {
                text.push_str(" | ");
            }
            let has_value = table.cells(column_idx).read(row_idx, &mut cell);
            text.push_str(if has_value { &cell } else { "~" });
        }
    }
    text
}

#[track_caller]
fn check(file: impl AsRef<[u8]>, expected: &str) {
    check_with(file, Options::default(), expected);
}

#[track_caller]
fn check_with(file: impl AsRef<[u8]>, options: Options, expected: &str) {
    let file = file.as_ref();
    for n in [1, 2, 3, 7, file.len().max(1)] {
        match read_in_pieces(file, n, options.clone()) {
            Ok(found) => assert_eq!(shown(&found.table), expected, "in pieces of {n}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[track_caller]
fn check_error(file: impl AsRef<[u8]>, expected: &str) {
    let file = file.as_ref();
    for n in [1, 5, file.len().max(1)] {
        match read_in_pieces(file, n, Options::default()) {
            Ok(found) => panic!("read as {}", shown(&found.table)),
            Err(error) => {
                assert_eq!(error.to_string(), expected);
                assert!(!error.help().is_empty());
            }
        }
    }
}

#[test]
fn kinds_are_found() {
    check(
        "n,x,flag,group,name,day\n1,0.5,true,a,Ann,2024-01-31\n2,,false,b,Bob,2024-02-01\n-3,1e3,NA,a,Cy,\n",
        "n:integer | x:number | flag:boolean | group:category | name:text | day:date-time\n\
         1 | 0.5 | true | a | Ann | 2024-01-31\n\
         2 | ~ | false | b | Bob | 2024-02-01\n\
         -3 | 1000 | ~ | a | Cy | ~",
    );
}

#[test]
fn every_delimiter_is_found() {
    for delimiter in [',', ';', '\t', '|'] {
        let file = "a,b\n1,x y\n2,z\n".replace(',', &delimiter.to_string());
        check(file, "a:integer | b:text\n1 | x y\n2 | z");
    }
}

#[test]
fn quotes_hold_delimiters_quotes_and_line_breaks() {
    check("a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n2, \"w\" \r\n", "a:integer | b:text\n1 | x, \"y\"\nz\n2 | w");
}

#[test]
fn leading_zeros_are_kept_as_text_from_the_first_row() {
    check("zip\n123\n007\n55\n", "zip:text\n123\n007\n55");
}

#[test]
fn a_late_word_brings_back_the_texts_before_it() {
    check(
        "x\n1\n-20\n1.50\n0.8444218515250481\n1e-05\n+3\nNA\ninf\nword\n",
        "x:text\n1\n-20\n1.50\n0.8444218515250481\n1e-05\n+3\n~\ninf\nword",
    );
    check(
        "d,e\n2020-01-05T10:30:00.123456Z,1\n2020-01-05 10:30,2\n5/13/2020,3\nsoon,4\n",
        "d:text | e:integer\n2020-01-05T10:30:00.123456Z | 1\n2020-01-05 10:30 | 2\n5/13/2020 | 3\nsoon | 4",
    );
}

#[test]
fn decimal_commas_come_with_semicolons() {
    check("a;b\n1,5;-0,25\n2,75;3\n", "a:number | b:number\n1.5 | -0.25\n2.75 | 3");
}

#[test]
fn day_and_month_are_told_apart_by_the_column() {
    check("d\n01/02/2020\n31/02/2020x\n", "d:text\n01/02/2020\n31/02/2020x");
    check("d,e\n01/02/2020,1\n25/02/2020,2\n", "d:date-time | e:integer\n2020-02-01 | 1\n2020-02-25 | 2");
    check("d,e\n01/02/2020,1\n02/25/2020,2\n", "d:date-time | e:integer\n2020-01-02 | 1\n2020-02-25 | 2");
    check("d,e\n25/02/2020,1\n02/25/2020,2\n", "d:text | e:integer\n25/02/2020 | 1\n02/25/2020 | 2");
    check(
        "d,e\n01.02.2020,1\n02.03.2020 13:45,2\n",
        "d:date-time | e:integer\n2020-02-01 | 1\n2020-03-02T13:45:00 | 2",
    );
}

#[test]
fn truth_values_come_in_pairs_of_words() {
    check(
        "a,b,c\nYes,T,f\nNO,F,f\nyes,t,f\n",
        "a:boolean | b:boolean | c:category\ntrue | true | f\nfalse | false | f\ntrue | true | f",
    );
}

#[test]
fn a_file_without_header_is_recognised() {
    check("1,2.5,x\n3,4.5,y\n", "Column 1:integer | Column 2:number | Column 3:text\n1 | 2.5 | x\n3 | 4.5 | y");
    check("id,2019,n\n7,1,2\n", "id:integer | 2019:integer | n:integer\n7 | 1 | 2");
}

#[test]
fn encodings_are_recognised() {
    let file = "name;n\nJosé;1\nZoë “Z”;2\n";
    let expected = "name:text | n:integer\nJosé | 1\nZoë “Z” | 2";
    check(file, expected);
    check(format!("\u{feff}{file}"), expected);
    for (mark, unit) in [
        (&[0xff, 0xfe][..], u16::to_le_bytes as fn(u16) -> [u8; 2]),
        (&[0xfe, 0xff][..], u16::to_be_bytes),
        (&[][..], u16::to_le_bytes),
    ] {
        let mut wide = mark.to_vec();
        wide.extend(file.encode_utf16().flat_map(unit));
        check(wide, expected);
    }
    check(b"name;n\nJos\xe9;1\nZo\xeb \x93Z\x94;2\n", expected);
}

#[test]
fn latin_1_far_down_is_noticed() {
    let mut file = b"name,n\n".to_vec();
    for n in 0..60_000 {
        file.extend_from_slice(format!("ab{n},{n}\n").as_bytes());
    }
    file.extend_from_slice(b"Jos\xe9,1\n");
    let found = read(&file).unwrap();
    assert_eq!(found.table.cells(0).str(60_000), Some("José"));
    assert_eq!(found.report.encoding, table::Encoding::Windows1252);
}

#[test]
fn ragged_rows_are_filled_or_rejected() {
    let found = read(b"a,b,c\n1,2\n1,2,3,4\n5,6,7,\n8,9,10\n").unwrap();
    assert_eq!(shown(&found.table), "a:integer | b:integer | c:integer\n1 | 2 | ~\n5 | 6 | 7\n8 | 9 | 10");
    assert_eq!(found.report.n_rejected, 1);
    assert_eq!(found.report.rejected[0].line, 3);
    assert_eq!(found.report.rejected[0].reason, "it has 4 cells, but there are 3 columns");
    assert!(found.report.notes[0].starts_with("1 rows have fewer cells"));
}

#[test]
fn names_are_made_unique() {
    check("a,a,,a (2)\n1,2,3,4\n", "a:integer | a (3):integer | Column 3:integer | a (2):integer\n1 | 2 | 3 | 4");
}

#[test]
fn row_names_of_r_get_a_column() {
    check("\"x\",\"y\"\n\"1\",5,6\n\"2\",7,8\n", "Row:integer | x:integer | y:integer\n1 | 5 | 6\n2 | 7 | 8");
}

#[test]
fn quoted_missing_tokens_are_texts_where_quotes_are_rare() {
    check("a,b\n1,\"NA\"\n\"\",x\n2,NA\n", "a:integer | b:text\n1 | NA\n~ | x\n2 | ~");
    check("\"a\",\"b\"\n\"1\",\"\"\n\"2\",\"x\"\n", "a:integer | b:text\n1 | ~\n2 | x");
}

#[test]
fn blank_lines_are_missing_values_only_in_one_column() {
    check("a\n1\n\n3\n\n", "a:integer\n1\n~\n3");
    check("a,b\n1,2\n\n3,4\n", "a:integer | b:integer\n1 | 2\n3 | 4");
}

#[test]
fn kinds_can_be_forced() {
    let options = |kind| Options { kinds: [("a".to_owned(), kind)].into(), ..Options::default() };
    check_with("a,b\n1,x\n007,y\n", options(Kind::Integer), "a:integer | b:text\n1 | x\n7 | y");
    check_with("a,b\n1,x\n0,y\n", options(Kind::Boolean), "a:boolean | b:text\ntrue | x\nfalse | y");
    check_with("a,b\n1.50,x\n2,y\n", options(Kind::Text), "a:text | b:text\n1.50 | x\n2 | y");
    check_with("a,b\n1.50,x\n2,y\n", options(Kind::Category), "a:category | b:text\n1.50 | x\n2 | y");
    let error = read_in_pieces(b"a,b\n1,x\noops,y\n", 4, options(Kind::Number)).unwrap_err();
    assert_eq!(error.to_string(), "row 2, column \"a\": \"oops\" is not of kind number");
}

#[test]
fn bad_files_say_what_where_and_how_out() {
    check_error("", "the file is empty");
    check_error(" \n\n", "the file is empty");
    check_error("\u{feff}", "the file is empty");
    check_error("a,b,c\n", "the file has 3 column names in line 1 and no rows below them");
    check_error(b"PK\x03\x04abc", "the file is a zip archive or an Excel workbook, not text");
    check_error(b"a,b\n\0\0\x01\x02,3\n", "the file is binary, not text");
    check_error("a,b\n1,2\n3,\"4\n5,6\n", "line 3: a quote is opened and not closed again before the end of the file");
    check_error(
        "a,b\n1,2,3\n1,2,4,5\n1,2,3,4,5,6\n",
        "none of the 3 rows can be read; line 2: it has 3 cells, but there are 2 columns",
    );
}

#[test]
fn one_cell_is_a_table_if_the_user_says_so() {
    let options = Options { header: Some(false), ..Options::default() };
    check_with("x", options, "Column 1:text\nx");
}

#[test]
fn all_missing_and_constant_columns_are_noted() {
    let found = read(b"a,b\nNA,1\n,1\n?,1\n").unwrap();
    assert_eq!(shown(&found.table), "a:number | b:integer\n~ | 1\n~ | 1\n~ | 1");
    assert!(found.report.notes.iter().any(|note| note.contains("No value at all in \"a\"")));
}

#[test]
fn ten_thousand_columns_are_read() {
    let names: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let row = vec!["1.5"; 10_000].join(",");
    let found = read(format!("{}\n{row}\n{row}\n", names.join(",")).as_bytes()).unwrap();
    assert_eq!((found.table.n_columns(), found.table.n_rows()), (10_000, 2));
}

#[test]
fn a_huge_cell_is_read() {
    let cell = "x".repeat(3_000_000);
    let file = format!("a,b\n1,\"{cell}\"\n");
    let found = read_in_pieces(file.as_bytes(), 100_000, Options::default()).unwrap();
    assert_eq!(found.table.cells(1).str(0).map(str::len), Some(3_000_000));
}

#[test]
fn old_line_ends_and_last_lines_without_one_are_read() {
    check("a,b\r1,2\r3,4", "a:integer | b:integer\n1 | 2\n3 | 4");
    check("a,b\n1,2\n3,", "a:integer | b:integer\n1 | 2\n3 | ~");
}

#[test]
fn a_text_that_outgrows_its_dictionary_keeps_its_rows() {
    let mut file = String::from("n,t\n");
    for n in 0..30_000 {
        let _ = writeln!(file, "{n},{}", if n < 100 { n.to_string() } else { format!("text {n}") });
    }
    let found = read_in_pieces(file.as_bytes(), 64 * 1024, Options::default()).unwrap();
    let cells = found.table.cells(1);
    assert_eq!((cells.str(0), cells.str(99), cells.str(29_999)), (Some("0"), Some("99"), Some("text 29999")));
    assert_eq!(found.table.schema().columns[1].kind, Kind::Text);
}

fn values() -> impl Strategy<Value = Vec<model::NewColumn>> {
    (1_usize..6, 1_usize..30).prop_flat_map(|(n_columns, n_rows)| {
        proptest::collection::vec(column(n_rows), n_columns).prop_map(|mut columns| {
            for (column_idx, column) in columns.iter_mut().enumerate() {
                column.column.name = format!("{}{column_idx}", column.column.name);
            }
            columns
        })
    })
}

fn column(n_rows: usize) -> impl Strategy<Value = model::NewColumn> {
    use model::NewValues;
    let texts = || "[ -~äß“\n\r\"]{0,12}|NA|-|[0-9]{1,6}|true";
    let values = prop_oneof![
        proptest::collection::vec(prop_oneof![any::<f64>(), -1e3..1e3], n_rows).prop_map(|mut values| {
            values.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = f64::INFINITY);
            (Kind::Number, NewValues::Number(values))
        }),
        proptest::collection::vec(any::<i64>(), n_rows).prop_map(|values| (Kind::Integer, NewValues::Integer(values))),
        proptest::collection::vec(any::<bool>(), n_rows).prop_map(|values| (Kind::Boolean, NewValues::Boolean(values))),
        proptest::collection::vec(texts(), n_rows).prop_map(|values| (Kind::Text, NewValues::Text(values))),
        proptest::collection::vec(-62_000_000_000_000_i64..253_000_000_000_000, n_rows)
            .prop_map(|values| (Kind::DateTime, NewValues::DateTime(values))),
    ];
    ("[a-zA-Z_ ,\"\n]{0,8}x", values, proptest::collection::vec(proptest::bool::weighted(0.8), n_rows)).prop_map(
        |(name, (kind, values), valid)| model::NewColumn {
            column: schema::Column::new(name, kind),
            values,
            valid: Some(valid),
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(columns in values()) {
        let n_rows = match &columns[0].values {
            model::NewValues::Number(values) => values.len(),
            _ => columns[0].valid.as_ref().map_or(0, Vec::len),
        };
        // Names are trimmed when they are read.
        let columns: Vec<_> = columns
            .into_iter()
            .map(|mut column| { column.column.name = column.column.name.trim().to_owned(); column })
            .collect();
        let table = Table::from_new_columns(columns, n_rows).unwrap();
        let mut file = Vec::new();
        csv::write(&table, &mut |piece| file.extend_from_slice(piece));
        let options = Options {
            kinds: table.schema().columns.iter().map(|column| (column.name.clone(), column.kind)).collect(),
            header: Some(true),
            delimiter: Some(b','),
            ..Options::default()
        };
        let again = read_in_pieces(&file, 13, options).unwrap().table;
        prop_assert_eq!(shown(&again), shown(&table));
        prop_assert_eq!(again.fingerprint(), table.fingerprint());
    }

    #[test]
    fn the_pieces_do_not_matter(
        file in "([a-z0-9.,;\"\n\t -]|NA|[0-9]{1,3}\\.[0-9]|,|\n|2020-0[1-9]-1[0-9]|é){0,120}",
        n in 1_usize..20,
    ) {
        let whole = read(file.as_bytes()).map(|read| (shown(&read.table), read.report));
        let pieces = read_in_pieces(file.as_bytes(), n, Options::default()).map(|read| (shown(&read.table), read.report));
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), n in 1_usize..50) {
        let _ = read_in_pieces(&bytes, n, Options::default());
        let _ = table::read_bytes("x.json", &bytes, Options::default());
    }
}

#[test]
fn columns_are_put_together_in_many_short_turns() {
    // Dates, numbers that turn out to be texts, and a kind that was asked for: each needs another look at every cell.
    let mut file = String::from("when,mixed,wanted\n");
    for row in 0..200_000 {
        let mixed = if row == 199_999 { "word".to_owned() } else { row.to_string() };
        writeln!(file, "2024-03-{:02},{mixed},{row}", row % 28 + 1).unwrap();
    }
    let options = Options { kinds: [("wanted".to_owned(), Kind::Text)].into(), ..Options::default() };
    let mut reader = csv::Reader::new(options);
    reader.push(file.as_bytes()).unwrap();
    let mut n_turns = 0;
    let mut work = std::pin::pin!(reader.finish_in_turns());
    let read = loop {
        n_turns += 1;
        match work.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(read) => break read.unwrap(),
            std::task::Poll::Pending => {}
        }
    };
    assert!(n_turns > 3 * 200_000 / 65_536, "{n_turns} turns");
    let kinds: Vec<Kind> = read.table.schema().columns.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, [Kind::DateTime, Kind::Text, Kind::Text]);
}
