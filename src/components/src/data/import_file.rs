//! Reads a file of the user's: delimited text, JSON records, or one JSON record per line.
//!
//! The file comes in pieces, so that one far larger than the page's patience shows its progress and can be stopped.

use std::collections::BTreeMap;

use engine::{Component, Flow, FlowError, Job, JobError, Out, Param, Running};
use pipeline::{Family, FileRef, Spec};
use protocol::{Failure, Panel};
use schema::{Kind, Schema};
use table::{Encoding, Options, ReadError, Reader, Report, Table, read_bytes};

use crate::turns::in_turns;

const TABLE: Out<Table> = Out::new("table");
const FILE: Param<Option<FileRef>> = Param::file("file", &["csv", "tsv", "tab", "txt", "json", "jsonl", "ndjson"])
    .label("File")
    .help("It stays on this computer. Links carry its name and columns, and the rows only of very small files.");
const DELIMITER: Param<String> = Param::choice(
    "delimiter",
    &[("auto", "Detect"), ("comma", "Comma"), ("semicolon", "Semicolon"), ("tab", "Tab"), ("pipe", "Bar |")],
    "auto",
)
.label("Delimiter")
.help("Between cells. Set it if everything lands in one column.");
const HEADER: Param<String> = Param::choice("header", &[("auto", "Detect"), ("yes", "Yes"), ("no", "No")], "auto")
    .label("First row has names")
    .help("Without names, columns are called Column 1, Column 2 and so on.");
const ENCODING: Param<String> = Param::choice(
    "encoding",
    &[
        ("auto", "Detect"),
        ("utf-8", "UTF-8"),
        ("utf-16-le", "UTF-16 LE"),
        ("utf-16-be", "UTF-16 BE"),
        ("latin-1", "Latin-1 (Windows-1252)"),
    ],
    "auto",
)
.label("Encoding")
.help("How characters are written. Set it if letters with accents look wrong.");
const DECIMAL: Param<String> =
    Param::choice("decimal", &[("auto", "Detect"), ("point", "Point, 1.5"), ("comma", "Comma, 1,5")], "auto")
        .label("Decimal sign")
        .help("A wrong choice turns numbers into texts, or 1,5 into 15.");
const MISSING: Param<String> = Param::text("missing", "")
    .label("Missing values are written as")
    .help("Several are separated by spaces, for example: NA -999. Left empty, the usual ones count: NA, N/A, null, nan, ? and -. An empty cell is always missing.");
const KINDS: Param<String> = Param::text("kinds", "")
    .label("Kinds of columns")
    .help("What detection gets wrong, for example: zip: text; year: category. Kinds are number, integer, boolean, category, text and date-time.");

/// Import File.
pub struct ImportFile;

impl Component for ImportFile {
    fn spec(&self) -> Spec {
        Spec::new("data.import-file", 1, Family::Data, "Import File")
            .with_summary("Reads a CSV, TSV or JSON file from this computer.")
            .with_help(
                "Drop a file anywhere on the page, or choose one here. Nothing is uploaded.\n\n\
                 Delimiter, names, encoding, decimal sign and the kind of every column are detected, and can be set \
                 where detection is wrong. Zeros at the front of a number (`00501`) keep a column text, so that codes \
                 are not damaged.\n\n\
                 - *CSV and TSV*: cells may be quoted and hold line breaks; rows with too many cells are rejected \
                 and listed with their line, not silently bent\n\
                 - *JSON*: an array of records, `[{\"a\": 1}, …]`, or one record per line",
            )
            .with_keywords("csv tsv json ndjson open upload load read excel text own data")
            .with_icon("file-spreadsheet")
            .with_caption("{file}")
            .with_output(TABLE)
            .with_param(FILE)
            .with_param(DELIMITER)
            .with_param(HEADER)
            .with_param(ENCODING)
            .with_param(DECIMAL)
            .with_param(MISSING)
            .with_param(KINDS)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let kinds = kinds(&flow.param(KINDS).unwrap_or_default())?;
        let Some(file) = flow.param(FILE).flatten() else {
            return Err(FlowError {
                place: FILE.name().into(),
                message: "no file is chosen".into(),
                help: "Choose a file here, or drop one on the page.".into(),
            });
        };
        let options = Written {
            delimiter: flow.param(DELIMITER).unwrap_or_default(),
            header: flow.param(HEADER).unwrap_or_default(),
            encoding: flow.param(ENCODING).unwrap_or_default(),
            decimal: flow.param(DECIMAL).unwrap_or_default(),
            missing: flow.param(MISSING).unwrap_or_default(),
            kinds,
        }
        .options();
        if let Some(bytes) = &file.inline {
            // What cannot be read is told by the run, with the same words and more context.
            if let Ok(read) = read_bytes(&file.name, bytes, options) {
                flow.output(TABLE, read.table.schema().clone());
            }
            return Ok(());
        }
        // The columns were seen under detection: with anything set by hand they may come out differently.
        let detected = options == Options { kinds: options.kinds.clone(), ..Options::default() };
        if let Some(mut schema) = file.schema.filter(|_| detected) {
            for column in &mut schema.columns {
                column.kind = options.kinds.get(&column.name).copied().unwrap_or(column.kind);
            }
            flow.output(TABLE, schema);
        }
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let file = job
                .param(FILE)?
                .ok_or_else(|| Failure::new("no file is chosen", "Choose a file here, or drop one on the page."))?;
            let options = Written {
                delimiter: job.param(DELIMITER)?,
                header: job.param(HEADER)?,
                encoding: job.param(ENCODING)?,
                decimal: job.param(DECIMAL)?,
                missing: job.param(MISSING)?,
                kinds: kinds(&job.param(KINDS)?).map_err(crate::failures::from_flow)?,
            }
            .options();
            let (table, report) = read(job, &file, options).await?;
            job.panel(facts(&file, &table, &report));
            if report.n_rejected > 0 {
                job.panel(rejected(&report));
            }
            job.output(TABLE, table);
            Ok(())
        })
    }
}

/// Pieces are cut smaller still, so that a click is answered while a large one is read.
const SLICE_BYTES: usize = 1 << 18;

async fn read(job: &mut Job<'_>, file: &FileRef, options: Options) -> Result<(Table, Report), JobError> {
    let unreadable = |error: ReadError| Failure::new(format!("{}: {error}", file.name), error.help());
    let mut source = job.host().open(file).await?;
    let (n_bytes, limit) = (source.size(), job.host().table_bytes());
    let mut reader = Reader::new(&file.name, options);
    let mut n_read = 0u64;
    loop {
        let piece = source.next().await?;
        if piece.is_empty() {
            break;
        }
        for slice in piece.chunks(SLICE_BYTES) {
            reader.push(slice).map_err(unreadable)?;
            n_read += slice.len() as u64;
            fits(file, reader.n_rows(), reader.n_bytes(), n_read, n_bytes, limit)?;
            let said = format!("{} rows · {} of {}", reader.n_rows(), megabytes(n_read), megabytes(n_bytes));
            job.checkpoint(0.95 * n_read as f64 / n_bytes.max(1) as f64, &said).await?;
        }
    }
    let read = in_turns(job, 0.95, "Putting columns together", reader.finish_in_turns()).await?.map_err(unreadable)?;
    Ok((read.table, read.report))
}

/// Refuses a file whose rows outgrow the memory, or clearly will.
fn fits(file: &FileRef, n_rows: u64, n_held: u64, n_read: u64, n_bytes: u64, limit: u64) -> Result<(), Failure> {
    /// After this much the rest can be judged; by a factor, for rows may get shorter and texts repeat.
    const ENOUGH_BYTES: u64 = 32_000_000;
    const SURELY: u64 = 2;
    let needed = (u128::from(n_held) * u128::from(n_bytes.max(n_read)) / u128::from(n_read.max(1))) as u64;
    let will_surely_not = n_read >= ENOUGH_BYTES && needed / SURELY > limit;
    if n_held <= limit && !will_surely_not {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "{}: the first {n_rows} rows ({} of {}) take {} of memory, so all would take about {}, and one table may \
             take {}",
            file.name,
            megabytes(n_read),
            megabytes(n_bytes),
            megabytes(n_held),
            megabytes(needed),
            megabytes(limit),
        ),
        "Import a part of the file: fewer rows or fewer columns. On a computer with enough memory the command line, \
         millrace, reads it whole.",
    ))
}

/// The columns of a file from its first bytes, as far as they can be told; a whole row is needed.
pub fn first_columns(file_name: &str, head_bytes: &[u8]) -> Option<Schema> {
    const ENOUGH_BYTES: usize = 1 << 18;
    let is_whole = head_bytes.len() <= ENOUGH_BYTES;
    let head = &head_bytes[..head_bytes.len().min(ENOUGH_BYTES)];
    if is_whole && let Ok(read) = read_bytes(file_name, head, Options::default()) {
        return Some(read.table.schema().clone());
    }
    // The last row is cut off somewhere, and a line break may stand inside quotes: the last few are tried.
    let breaks = (0..head.len()).rev().filter(|at| head[*at] == b'\n').take(8);
    for row_end in breaks {
        if let Ok(read) = read_bytes(file_name, &head[..=row_end], Options::default()) {
            return Some(read.table.schema().clone());
        }
    }
    let record_end = head.iter().rposition(|byte| *byte == b'}')?;
    let mut records = head[..=record_end].to_vec();
    records.push(b']');
    read_bytes(file_name, &records, Options::default()).ok().map(|read| read.table.schema().clone())
}

/// The options as parameters say them.
struct Written {
    delimiter: String,
    header: String,
    encoding: String,
    decimal: String,
    missing: String,
    kinds: BTreeMap<String, Kind>,
}

impl Written {
    fn options(self) -> Options {
        Options {
            delimiter: match self.delimiter.as_str() {
                "comma" => Some(b','),
                "semicolon" => Some(b';'),
                "tab" => Some(b'\t'),
                "pipe" => Some(b'|'),
                _ => None,
            },
            header: match self.header.as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            encoding: match self.encoding.as_str() {
                "utf-8" => Some(Encoding::Utf8),
                "utf-16-le" => Some(Encoding::Utf16Le),
                "utf-16-be" => Some(Encoding::Utf16Be),
                "latin-1" => Some(Encoding::Windows1252),
                _ => None,
            },
            decimal_comma: match self.decimal.as_str() {
                "point" => Some(false),
                "comma" => Some(true),
                _ => None,
            },
            missing: self.missing.split_whitespace().map(str::to_owned).collect(),
            kinds: self.kinds,
        }
    }
}

/// Reads `zip: text; year: category`.
fn kinds(text: &str) -> Result<BTreeMap<String, Kind>, FlowError> {
    let mut kinds = BTreeMap::new();
    for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, word) = entry.rsplit_once(':').unwrap_or((entry, ""));
        let kind = Kind::ALL.into_iter().find(|kind| kind.label() == word.trim());
        let Some(kind) = kind else {
            return Err(FlowError {
                place: KINDS.name().into(),
                message: format!(
                    "{entry:?} is no column with its kind; the kinds are number, integer, boolean, category, text and date-time"
                ),
                help: "Write it as in: zip: text; year: category.".into(),
            });
        };
        kinds.insert(name.trim().to_owned(), kind);
    }
    Ok(kinds)
}

fn facts(file: &FileRef, table: &Table, report: &Report) -> Panel {
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let delimiter = match report.delimiter {
        Some(b',') => "Comma",
        Some(b';') => "Semicolon",
        Some(b'\t') => "Tab",
        Some(b'|') => "Bar",
        Some(_) => "Another character",
        None => "None, it is JSON",
    };
    let yes_no = |truth: bool| if truth { "Yes" } else { "No" }.to_owned();
    let mut rows = vec![
        fact("File", format!("{}, {}", file.name, megabytes(file.size))),
        fact("Rows", table.n_rows().to_string()),
        fact("Columns", table.n_columns().to_string()),
        fact("Rows rejected", report.n_rejected.to_string()),
        fact("Delimiter", delimiter.into()),
        fact("Encoding", report.encoding.label().into()),
        fact("First row has names", yes_no(report.header)),
        fact("Decimal comma", yes_no(report.decimal_comma)),
    ];
    rows.extend(report.notes.iter().map(|note| fact("Note", note.clone())));
    Panel::Facts { title: "How the file was read".into(), heads: vec!["What".into(), "Found".into()], rows }
}

fn rejected(report: &Report) -> Panel {
    let n_listed = report.rejected.len() as u64;
    let title = if n_listed < report.n_rejected {
        format!("Rejected rows, the first {n_listed} of {}", report.n_rejected)
    } else {
        "Rejected rows".into()
    };
    let title = format!("{title}: mend these lines in the file and choose it again, or go on without them");
    Panel::Facts {
        title,
        heads: vec!["Line".into(), "Why".into()],
        rows: report.rejected.iter().map(|row| vec![row.line.to_string(), row.reason.clone()]).collect(),
    }
}

fn megabytes(n_bytes: u64) -> String {
    if n_bytes < 100_000 {
        format!("{:.1} kB", n_bytes as f64 / 1e3)
    } else {
        format!("{:.1} MB", n_bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use engine::testing::{TestHost, run_component, run_component_in};
    use pipeline::Value;

    use super::*;

    fn file(name: &str, content: &str) -> Value {
        Value::File(FileRef {
            name: name.into(),
            size: content.len() as u64,
            hash: "h".into(),
            schema: None,
            inline: Some(content.into()),
        })
    }

    #[test]
    fn a_rejected_row_is_told_with_its_line() {
        let content = "a,b\n1,x\n2,y,z,w\n3,x\n";
        let done = run_component(&ImportFile, vec![], vec![("file", file("t.csv", content))], 0).unwrap();
        let engine::Artifact::Table(table) = &done.outputs["table"] else { panic!("a table") };
        assert_eq!((table.n_rows(), table.n_columns()), (2, 2));
        let Some(Panel::Facts { title, rows, .. }) = done.panels.get(1) else { panic!("{:?}", done.panels) };
        assert_eq!(
            (title.as_str(), rows[0][0].as_str()),
            ("Rejected rows: mend these lines in the file and choose it again, or go on without them", "3")
        );
    }

    #[test]
    fn json_is_read_by_its_extension_and_an_empty_file_says_so() {
        let done = run_component(&ImportFile, vec![], vec![("file", file("t.json", "[{\"a\": 1}, {\"a\": 2}]"))], 0);
        assert!(done.is_ok(), "{done:?}");
        let failed = run_component(&ImportFile, vec![], vec![("file", file("t.csv", ""))], 0).unwrap_err();
        let JobError::Failed(failure) = failed else { panic!("{failed:?}") };
        assert_eq!(failure.message, "t.csv: the file is empty");
    }

    #[test]
    fn a_large_file_can_be_stopped() {
        let content = "a,b\n".to_owned() + &"1,2\n".repeat(1_000_000);
        let mut host = TestHost::stopping_after(1);
        host.files.insert("h".into(), content.clone().into_bytes());
        let file =
            FileRef { name: "t.csv".into(), size: content.len() as u64, hash: "h".into(), schema: None, inline: None };
        let stopped = run_component_in(&host, &ImportFile, vec![], vec![("file", Value::File(file))], 0).unwrap_err();
        assert_eq!(stopped, JobError::Cancelled);
    }

    #[test]
    fn kinds_can_be_set_and_the_head_of_a_file_shows_its_columns() {
        let content = "zip,n\n1,2\n3,4\n";
        let params = vec![("file", file("t.csv", content)), ("kinds", Value::Text("zip: text; n: number".into()))];
        let done = run_component(&ImportFile, vec![], params, 0).unwrap();
        let engine::Artifact::Table(table) = &done.outputs["table"] else { panic!("a table") };
        let kinds: Vec<Kind> = table.schema().columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds, [Kind::Text, Kind::Number]);
        assert!(super::kinds("zip = text").is_err());

        let long = "a,b\n".to_owned() + &"1,\"x\ny\"\n".repeat(100_000);
        assert_eq!(first_columns("t.csv", long.as_bytes()).unwrap().names(), ["a", "b"]);
        let records = format!("[{}]", vec!["{\"a\": 1}"; 100_000].join(", "));
        assert_eq!(first_columns("t.json", records.as_bytes()).unwrap().names(), ["a"]);
        assert_eq!(first_columns("t.csv", b""), None);
    }
}
