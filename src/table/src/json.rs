//! JSON: an array of records, or one record after the other.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::build::{ColumnBuilder, Rules, TooMuchText};
use crate::decode::Decoder;
use crate::read::{Options, Read, ReadError, Report, assemble, replaced_note, unique_names};
use crate::{Encoding, binary, turns};

const LONGEST_RECORD: usize = 64 << 20;

/// Reads records that come in pieces of any size. Records within records become columns with a dot in their
/// name, one level deep; lists become their JSON text.
#[derive(Debug)]
pub struct Reader {
    options: Options,
    rules: Rules,
    decoder: Option<Decoder>,
    /// The first bytes, which tell the encoding.
    sample: Vec<u8>,
    buffer: Vec<u8>,
    /// Of the buffer; everything before has been looked at.
    at: usize,
    line: u64,
    place: Place,
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
    record_line: u64,
    columns: BTreeMap<String, usize>,
    names: Vec<String>,
    builders: Vec<ColumnBuilder>,
    n_nested: u64,
    n_deep: u64,
    report: Report,
    failure: Option<ReadError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing but white space so far.
    Start,
    /// Between the records of an array; whether a comma has to come first.
    InArray { needs_comma: bool },
    /// Between records that follow each other.
    InLines,
    /// Within a record; where to return to.
    InRecord { in_array: bool },
    /// After the array.
    End,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(options: Options) -> Self {
        let report = Report {
            delimiter: None,
            encoding: Encoding::Utf8,
            header: true,
            decimal_comma: false,
            n_rows: 0,
            rejected: Vec::new(),
            n_rejected: 0,
            notes: Vec::new(),
        };
        Self {
            rules: options.rules(b'.'),
            options,
            decoder: None,
            sample: Vec::new(),
            buffer: Vec::new(),
            at: 0,
            line: 1,
            place: Place::Start,
            depth: 0,
            is_in_text: false,
            is_escaped: false,
            record_line: 1,
            columns: BTreeMap::new(),
            names: Vec::new(),
            builders: Vec::new(),
            n_nested: 0,
            n_deep: 0,
            report,
            failure: None,
        }
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u64 {
        self.report.n_rows
    }

    /// Bytes of memory that the rows so far take.
    pub fn n_bytes(&self) -> u64 {
        self.builders.iter().map(ColumnBuilder::n_bytes).sum::<usize>() as u64 + self.buffer.capacity() as u64
    }

    /// Takes the next piece of the file.
    ///
    /// # Errors
    /// The file cannot be read; after that, every call says so again.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = self.take(piece, false);
        self.failure = result.clone().err();
        result
    }

    fn take(&mut self, piece: &[u8], is_all: bool) -> Result<(), ReadError> {
        const SAMPLE: usize = 4096;
        match &mut self.decoder {
            Some(decoder) => decoder.push(piece, &mut self.buffer),
            None => {
                self.sample.extend_from_slice(piece);
                if self.sample.len() <= SAMPLE && !is_all {
                    return Ok(());
                }
                let sample = std::mem::take(&mut self.sample);
                let start = &sample[..sample.len().min(SAMPLE)];
                let encoding = self.options.encoding.unwrap_or_else(|| Encoding::detect(start));
                if let Some(error) = binary::recognise(start, encoding) {
                    return Err(error);
                }
                let mut decoder = Decoder::new(encoding, self.options.encoding.is_some());
                decoder.push(&sample, &mut self.buffer);
                self.decoder = Some(decoder);
            }
        }
        if is_all && let Some(decoder) = &mut self.decoder {
            decoder.finish(&mut self.buffer);
        }
        let buffer = std::mem::take(&mut self.buffer);
        let result = self.scan(&buffer);
        self.buffer = buffer;
        let start = result?;
        self.buffer.drain(..start);
        self.at -= start;
        if self.buffer.len() > LONGEST_RECORD {
            return Err(self.wrong(self.record_line, "one record is longer than 64 MB"));
        }
        Ok(())
    }

    fn wrong(&self, line: u64, found: impl Into<String>) -> ReadError {
        ReadError::Json { line, found: found.into() }
    }

    /// Takes every complete record; gives the position of the first byte that is still needed.
    fn scan(&mut self, buffer: &[u8]) -> Result<usize, ReadError> {
        let mut start = 0;
        while self.at < buffer.len() {
            if let Place::InRecord { in_array } = self.place {
                let Some(end) = self.find_end(buffer) else { return Ok(start) };
                self.record(&buffer[start..end])?;
                self.place = if in_array { Place::InArray { needs_comma: true } } else { Place::InLines };
                start = end;
                continue;
            }
            let byte = buffer[self.at];
            let line = self.line;
            match (self.place, byte) {
                (_, b'\n') => self.line += 1,
                (_, b' ' | b'\t' | b'\r') => {}
                (Place::Start, b'[') => self.place = Place::InArray { needs_comma: false },
                (Place::Start | Place::InLines, b'{') => self.begin(false),
                (Place::InArray { needs_comma: false }, b'{') => self.begin(true),
                (Place::InArray { needs_comma: true }, b',') => self.place = Place::InArray { needs_comma: false },
                // Some writers put a comma between lines of records.
                (Place::InLines, b',') => {}
                (Place::InArray { .. }, b']') => self.place = Place::End,
                (Place::End, _) => return Err(self.wrong(line, "something follows the closing bracket of the array")),
                (Place::InArray { needs_comma: true }, _) => {
                    return Err(self.wrong(line, format!("expected a comma or `]`, found {}", shown(byte))));
                }
                (Place::Start | Place::InLines | Place::InArray { .. }, _) => {
                    return Err(self.wrong(line, format!("expected a record, `{{…}}`, found {}", shown(byte))));
                }
                (Place::InRecord { .. }, _) => {}
            }
            if matches!(self.place, Place::InRecord { .. }) {
                start = self.at;
            } else {
                self.at += 1;
                start = self.at;
            }
        }
        Ok(start)
    }

    fn begin(&mut self, in_array: bool) {
        self.place = Place::InRecord { in_array };
        self.record_line = self.line;
        self.depth = 0;
    }

    /// The end of the record in which `at` is, if it is there.
    fn find_end(&mut self, buffer: &[u8]) -> Option<usize> {
        while self.at < buffer.len() {
            let byte = buffer[self.at];
            self.at += 1;
            self.line += u64::from(byte == b'\n');
            if self.is_in_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(self.at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn record(&mut self, text: &[u8]) -> Result<(), ReadError> {
        let Record(cells) = serde_json::from_slice(text).map_err(|error| {
            let text = error.to_string();
            let message = text.split(" at line").next().unwrap_or_default();
            let line = self.record_line + error.line().saturating_sub(1) as u64;
            self.wrong(line, format!("the record is not valid JSON: {message}"))
        })?;
        for (name, value) in cells {
            match value {
                Value::Record(inner) => {
                    self.n_nested += 1;
                    for (inner_name, value) in inner {
                        let name = format!("{name}.{inner_name}");
                        match value {
                            Value::Record(_) | Value::List(_) => {
                                self.n_deep += 1;
                                self.cell(name, &value.json())?;
                            }
                            value => self.cell(name, &value)?,
                        }
                    }
                }
                Value::List(_) => {
                    self.n_deep += 1;
                    self.cell(name, &value.json())?;
                }
                value => self.cell(name, &value)?,
            }
        }
        self.report.n_rows += 1;
        for builder in &mut self.builders {
            if (builder.n_rows() as u64) < self.report.n_rows {
                builder.push_missing();
            }
        }
        Ok(())
    }

    fn cell(&mut self, name: String, value: &Value) -> Result<(), ReadError> {
        let n_rows = self.report.n_rows as usize;
        let column_idx = match self.columns.get(&name) {
            Some(column_idx) => *column_idx,
            None => {
                let forced = self.options.kinds.get(&name).copied();
                self.builders.push(ColumnBuilder::with_missing(forced, n_rows));
                self.names.push(name.clone());
                self.columns.insert(name.clone(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        let builder = &mut self.builders[column_idx];
        if builder.n_rows() > n_rows {
            // The record names it twice; the first one counts.
            return Ok(());
        }
        let result = match value {
            Value::Null => {
                builder.push_missing();
                Ok(())
            }
            Value::Bool(true) => builder.push(b"true", false, &self.rules),
            Value::Bool(false) => builder.push(b"false", false, &self.rules),
            Value::Integer(value) => builder.push(value.to_string().as_bytes(), true, &self.rules),
            Value::Number(x) => builder.push(format!("{x:?}").as_bytes(), true, &self.rules),
            Value::Text(text) => builder.push(text.as_bytes(), false, &self.rules),
            Value::Record(_) | Value::List(_) => builder.push(b"", false, &self.rules),
        };
        let line = self.record_line;
        result.map_err(|TooMuchText| ReadError::TooMuchText { column: name, line })
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
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.take(&[], true)?;
        match self.place {
            Place::Start => return Err(ReadError::Empty),
            Place::InRecord { .. } => {
                return Err(self.wrong(self.record_line, "the file ends within a record: it may have been cut off"));
            }
            Place::InArray { .. } => {
                return Err(self.wrong(self.line, "the file ends before the array's `]`: it may have been cut off"));
            }
            Place::InLines | Place::End => {}
        }
        if self.report.n_rows == 0 || self.names.is_empty() {
            return Err(self.wrong(self.line, "there is no record with a value"));
        }
        if let Some(decoder) = &self.decoder {
            self.report.encoding = decoder.encoding;
            if decoder.n_replaced > 0 {
                self.report.notes.push(replaced_note(decoder, None));
            }
        }
        if self.n_nested > 0 {
            self.report.notes.push("Records within records became columns with a dot in their name.".into());
        }
        if self.n_deep > 0 {
            self.report.notes.push("Lists, and records deeper than one level, are kept as JSON text.".into());
        }
        let names = unique_names(self.names, &mut self.report.notes);
        assemble(names, self.builders, &self.rules, &self.options, false, self.report).await
    }
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}`", char::from(byte)) } else { format!("the byte {byte:#04x}") }
}

/// Names and values in the order of the file.
struct Record(Vec<(String, Value)>);

enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Record(Vec<(String, Value)>),
    List(Vec<Value>),
}

impl Value {
    /// The JSON text of it, as a text.
    fn json(&self) -> Self {
        fn write(value: &Value, out: &mut String) {
            match value {
                Value::Null => out.push_str("null"),
                Value::Bool(value) => out.push_str(&value.to_string()),
                Value::Integer(value) => out.push_str(&value.to_string()),
                Value::Number(x) => out.push_str(&format!("{x:?}")),
                Value::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
                Value::Record(cells) => {
                    out.push('{');
                    for (cell_idx, (name, value)) in cells.iter().enumerate() {
                        if cell_idx > 0 {
                            out.push(',');
                        }
                        out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                        out.push(':');
                        write(value, out);
                    }
                    out.push('}');
                }
                Value::List(values) => {
                    out.push('[');
                    for (value_idx, value) in values.iter().enumerate() {
                        if value_idx > 0 {
                            out.push(',');
                        }
                        write(value, out);
                    }
                    out.push(']');
                }
            }
        }
        let mut out = String::new();
        write(self, &mut out);
        Self::Text(out)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Record(cells) => Ok(Self(cells)),
            _ => Err(serde::de::Error::custom("expected a record")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Integer(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Integer))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element()? {
                    values.push(value);
                }
                Ok(Value::List(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut cells = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    cells.push(entry);
                }
                Ok(Value::Record(cells))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
