//! Reads delimited text piece by piece.

use super::scan::{Field, Next, Scanner};
use super::sniff::{Dialect, sniff};
use crate::build::{ColumnBuilder, Rules, TooMuchText};
use crate::decode::Decoder;
use crate::read::{Options, Read, ReadError, Report, assemble, replaced_note, unique_names};
use crate::{Encoding, binary, turns};

/// This much of a file decides how it is read.
const SAMPLE: usize = 256 * 1024;
const LONGEST_ROW: usize = 64 << 20;

/// Reads delimited text that comes in pieces of any size. The pieces' boundaries do not matter, and a piece
/// costs time in proportion to its length.
#[derive(Debug)]
pub struct Reader {
    options: Options,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The first bytes, as they came.
    Sampling(Vec<u8>),
    Reading(Box<Rows>),
    /// It failed, and said so.
    Over(ReadError),
}

#[derive(Debug)]
struct Rows {
    decoder: Decoder,
    scanner: Scanner,
    /// Text that is not cut into rows yet.
    buffer: Vec<u8>,
    /// Line of the first character that the encoding does not have.
    first_replaced: Option<u64>,
    sink: Sink,
}

/// Takes complete rows.
#[derive(Debug)]
struct Sink {
    rules: Rules,
    dialect: Dialect,
    columns: Vec<ColumnBuilder>,
    names: Vec<String>,
    awaits_header: bool,
    /// Empty lines in a file of one column: missing values, unless the file ends with them.
    n_blank: usize,
    n_short: u64,
    n_header_names: usize,
    report: Report,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(options: Options) -> Self {
        Self { options, stage: Stage::Sampling(Vec::new()) }
    }

    /// Takes the next piece of the file.
    ///
    /// # Errors
    /// The file cannot be read; after that, every call says so again.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        let result = match &mut self.stage {
            Stage::Sampling(sample) => {
                sample.extend_from_slice(piece);
                if sample.len() <= SAMPLE { Ok(()) } else { self.begin(false) }
            }
            Stage::Reading(rows) => rows.push(piece),
            Stage::Over(error) => return Err(error.clone()),
        };
        if let Err(error) = &result {
            self.stage = Stage::Over(error.clone());
        }
        result
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u64 {
        match &self.stage {
            Stage::Reading(rows) => rows.sink.report.n_rows,
            Stage::Sampling(_) | Stage::Over(_) => 0,
        }
    }

    /// Bytes of memory that the rows so far take.
    pub fn n_bytes(&self) -> u64 {
        match &self.stage {
            Stage::Reading(rows) => {
                rows.sink.columns.iter().map(ColumnBuilder::n_bytes).sum::<usize>() as u64
                    + rows.buffer.capacity() as u64
            }
            Stage::Sampling(sample) => sample.capacity() as u64,
            Stage::Over(_) => 0,
        }
    }

    /// The table.
    ///
    /// # Errors
    /// The file cannot be read, or a value is not of the kind that was asked for.
    pub fn finish(self) -> Result<Read, ReadError> {
        turns::all(self.finish_in_turns())
    }

    /// The table, put together in turns as `table::Reader::finish_in_turns` says.
    ///
    /// # Errors
    /// The file cannot be read, or a value is not of the kind that was asked for.
    pub async fn finish_in_turns(mut self) -> Result<Read, ReadError> {
        if let Stage::Sampling(_) = self.stage {
            self.begin(true)?;
        }
        match self.stage {
            Stage::Reading(rows) => rows.finish(&self.options).await,
            Stage::Sampling(_) => Err(ReadError::Empty),
            Stage::Over(error) => Err(error),
        }
    }

    /// Decides how the file is read, and reads what has come so far.
    fn begin(&mut self, is_all: bool) -> Result<(), ReadError> {
        let Stage::Sampling(raw) = &mut self.stage else { return Ok(()) };
        let raw = std::mem::take(raw);
        let sample = &raw[..raw.len().min(SAMPLE)];
        let encoding = self.options.encoding.unwrap_or_else(|| Encoding::detect(sample));
        if let Some(error) = binary::recognise(sample, encoding) {
            return Err(error);
        }
        let mut decoder = Decoder::new(encoding, self.options.encoding.is_some());
        let mut buffer = Vec::new();
        decoder.push(sample, &mut buffer);
        if is_all {
            decoder.finish(&mut buffer);
        }
        if is_all && buffer.iter().all(u8::is_ascii_whitespace) {
            return Err(ReadError::Empty);
        }
        let dialect = sniff(&buffer, is_all, &self.options);
        let mut report = Report {
            delimiter: Some(dialect.delimiter),
            encoding,
            header: dialect.has_header,
            decimal_comma: dialect.decimal_comma,
            n_rows: 0,
            rejected: Vec::new(),
            n_rejected: 0,
            notes: dialect.notes.clone(),
        };
        let n_header_names = dialect.names.len();
        let names = unique_names(dialect.names.clone(), &mut report.notes);
        if !dialect.has_header {
            // They are all without a name, which the report says already.
            report.notes.clear();
            report.notes.push("The first row holds values: columns are called by their position.".into());
        }
        let mut rows = Box::new(Rows {
            decoder,
            scanner: Scanner::new(dialect.delimiter, dialect.newline),
            buffer,
            first_replaced: None,
            sink: Sink {
                rules: self.options.rules(if dialect.decimal_comma { b',' } else { b'.' }),
                columns: names.iter().map(|name| ColumnBuilder::new(self.options.kinds.get(name).copied())).collect(),
                awaits_header: dialect.has_header,
                names,
                dialect,
                n_blank: 0,
                n_short: 0,
                n_header_names,
                report,
            },
        });
        rows.look_for_replaced(0);
        rows.scan()?;
        if raw.len() > SAMPLE {
            rows.push(&raw[SAMPLE..])?;
        }
        self.stage = Stage::Reading(rows);
        Ok(())
    }
}

impl Rows {
    fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        let n_before = self.buffer.len();
        self.decoder.push(piece, &mut self.buffer);
        self.look_for_replaced(n_before);
        self.scan()
    }

    /// Keeps the line of the first replaced character; text from here on is new.
    fn look_for_replaced(&mut self, from: usize) {
        if self.decoder.n_replaced > 0 && self.first_replaced.is_none() {
            let at = memchr::memmem::find(&self.buffer[from..], "\u{fffd}".as_bytes());
            self.first_replaced = at.map(|at| self.scanner.line_at(&self.buffer, from + at));
        }
    }

    fn scan(&mut self) -> Result<(), ReadError> {
        let Self { scanner, buffer, sink, .. } = self;
        scanner.scan(buffer, |buffer, fields, line| sink.row(buffer, fields, line))?;
        if scanner.n_open_bytes() > LONGEST_ROW {
            let line = scanner.row_line();
            return Err(if scanner.is_quote_open() {
                ReadError::OpenQuote { line, at_end: false }
            } else {
                ReadError::LongRow { line }
            });
        }
        scanner.drain(buffer);
        Ok(())
    }

    async fn finish(mut self, options: &Options) -> Result<Read, ReadError> {
        let n_before = self.buffer.len();
        self.decoder.finish(&mut self.buffer);
        self.look_for_replaced(n_before);
        self.scan()?;
        if self.scanner.is_quote_open() {
            return Err(ReadError::OpenQuote { line: self.scanner.row_line(), at_end: true });
        }
        let Self { mut scanner, buffer, mut sink, decoder, first_replaced } = self;
        scanner.finish(&buffer, |buffer, fields, line| sink.row(buffer, fields, line))?;
        let Sink { rules, dialect, columns, names, n_short, n_header_names, mut report, .. } = sink;
        if report.n_rows == 0 {
            if let Some(first) = report.rejected.first() {
                return Err(ReadError::NoRows {
                    n_rejected: report.n_rejected,
                    line: first.line,
                    reason: first.reason.clone(),
                });
            }
            return Err(if dialect.has_header {
                ReadError::HeaderOnly { n_columns: n_header_names }
            } else {
                ReadError::Empty
            });
        }
        report.encoding = decoder.encoding;
        if n_short > 0 {
            report.notes.push(format!("{n_short} rows have fewer cells than there are columns; the rest is missing."));
        }
        if decoder.n_replaced > 0 {
            report.notes.push(replaced_note(&decoder, first_replaced));
        }
        let prefers_day_first = dialect.decimal_comma || dialect.delimiter == b';';
        assemble(names, columns, &rules, options, prefers_day_first, report).await
    }
}

impl Sink {
    fn row(&mut self, buffer: &[u8], fields: &[Field], line: u64) -> Result<Next, ReadError> {
        if let [field] = fields {
            let (text, is_quoted) = field.text(buffer);
            if text.is_empty() && !is_quoted {
                // Lines before the header do not count.
                self.n_blank += usize::from(self.columns.len() == 1 && !self.awaits_header);
                return Ok(Next::Continue);
            }
        }
        if self.awaits_header {
            self.awaits_header = false;
            return Ok(Next::Continue);
        }
        let n_columns = self.columns.len();
        if fields.len() > n_columns
            && fields[n_columns..].iter().any(|field| {
                let (text, is_quoted) = field.text(buffer);
                is_quoted || !text.is_empty()
            })
        {
            self.report.reject(line, || format!("it has {} cells, but there are {n_columns} columns", fields.len()));
            return Ok(Next::Continue);
        }
        for _ in 0..std::mem::take(&mut self.n_blank) {
            self.report.n_rows += 1;
            self.columns.iter_mut().for_each(ColumnBuilder::push_missing);
        }
        let protects = self.dialect.quotes_protect;
        for (column_idx, (column, field)) in self.columns.iter_mut().zip(fields).enumerate() {
            let (text, is_quoted) = field.text(buffer);
            column
                .push(&text, is_quoted && protects, &self.rules)
                .map_err(|TooMuchText| ReadError::TooMuchText { column: self.names[column_idx].clone(), line })?;
        }
        if fields.len() < n_columns {
            self.n_short += 1;
            self.columns[fields.len()..].iter_mut().for_each(ColumnBuilder::push_missing);
        }
        self.report.n_rows += 1;
        Ok(Next::Continue)
    }
}
