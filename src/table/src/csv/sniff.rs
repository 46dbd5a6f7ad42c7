//! What a file's first rows tell about all of it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::scan::{Next, Scanner};
use crate::build::Rules;
use crate::read::Options;
use crate::value::{integer, moment, number};

/// How a file is written.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub delimiter: u8,
    pub newline: u8,
    pub has_header: bool,
    pub decimal_comma: bool,
    /// Quoted `NA` is a text: quotes are used only where they are needed.
    pub quotes_protect: bool,
    /// One per column; empty where the file does not say.
    pub names: Vec<String>,
    pub notes: Vec<String>,
}

/// A cell and whether it was quoted.
type Cell = (Vec<u8>, bool);

const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];
const MOST_ROWS: usize = 200;

/// Judges the first part of a file; `is_all` says that there is no more.
pub(super) fn sniff(sample: &[u8], is_all: bool, options: &Options) -> Dialect {
    let newline = if !sample.contains(&b'\n') && sample.contains(&b'\r') { b'\r' } else { b'\n' };
    let delimiter = options.delimiter.unwrap_or_else(|| delimiter(sample, newline, is_all));
    let rows: Vec<Vec<Cell>> = rows(sample, delimiter, newline, is_all);
    let decimal_comma = options.decimal_comma.unwrap_or_else(|| delimiter != b',' && has_decimal_comma(&rows));
    let rules = options.rules(if decimal_comma { b',' } else { b'.' });
    let has_header = options.header.unwrap_or_else(|| has_header(&rows, &rules));
    let all_quoted = rows.iter().flatten().all(|(text, is_quoted)| *is_quoted || text.is_empty());
    let some_quoted_number = rows.iter().flatten().any(|(text, is_quoted)| *is_quoted && is_number(text, &rules));

    let mut notes = Vec::new();
    let body = &rows[usize::from(has_header).min(rows.len())..];
    let width = usual_width(body);
    let names = match rows.first() {
        Some(first) if has_header => {
            let mut names: Vec<String> =
                first.iter().map(|(text, _)| String::from_utf8_lossy(text).trim().to_owned()).collect();
            let ends_empty =
                body.iter().all(|row| row.len() < width || row.last().is_none_or(|(text, _)| text.is_empty()));
            if names.len() > 1 && names.last().is_some_and(String::is_empty) && ends_empty && width <= names.len() {
                // Every row, the header too, ends with a delimiter.
                names.pop();
            } else if width == names.len() + 1 && !ends_empty && body.iter().all(|row| row.len() == width) {
                // R leaves the row names' column without a name.
                names.insert(0, "Row".into());
                notes.push(
                    "The header has one name less than the rows have cells: the first column is called \"Row\".".into(),
                );
            }
            names
        }
        _ => vec![String::new(); width.max(1)],
    };
    Dialect {
        delimiter,
        newline,
        has_header,
        decimal_comma,
        quotes_protect: !(all_quoted && some_quoted_number),
        names,
        notes,
    }
}

fn rows(sample: &[u8], delimiter: u8, newline: u8, is_all: bool) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut scanner = Scanner::new(delimiter, newline);
    let mut take = |buffer: &[u8], fields: &[super::scan::Field], _line: u64| -> Result<Next, Infallible> {
        let row: Vec<Cell> = fields
            .iter()
            .map(|field| {
                let (text, is_quoted) = field.text(buffer);
                (text.into_owned(), is_quoted)
            })
            .collect();
        if row.len() > 1 || row.first().is_some_and(|(text, is_quoted)| *is_quoted || !text.is_empty()) {
            rows.push(row);
        }
        Ok(if rows.len() < MOST_ROWS { Next::Continue } else { Next::Stop })
    };
    let Ok(()) = scanner.scan(sample, &mut take);
    // A row that the sample cuts off says something only if there is no other.
    if is_all || rows_are_none(&scanner, sample) {
        let Ok(()) = scanner.finish(sample, &mut take);
    }
    rows.truncate(MOST_ROWS);
    rows
}

fn rows_are_none(scanner: &Scanner, sample: &[u8]) -> bool {
    scanner.n_open_bytes() == sample.len()
}

fn usual_width(rows: &[Vec<Cell>]) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map_or(0, |(width, _)| width)
}

/// The delimiter that cuts most rows into the same number of cells.
fn delimiter(sample: &[u8], newline: u8, is_all: bool) -> u8 {
    let mut best = (0.0, b',');
    for candidate in DELIMITERS {
        if memchr::memchr(candidate, sample).is_none() {
            continue;
        }
        let rows = rows(sample, candidate, newline, is_all);
        let width = usual_width(&rows);
        if width < 2 {
            continue;
        }
        let n_usual = rows.iter().filter(|row| row.len() == width).count();
        let share = n_usual as f64 / rows.len() as f64;
        // A delimiter is found in the header too.
        let in_header = if rows[0].len() + 1 >= width && rows[0].len() > 1 { 1.0 } else { 0.5 };
        // In the order of the candidates: commas occur in texts and numbers, tabs hardly ever.
        if share * in_header > best.0 + 1e-9 {
            best = (share * in_header, candidate);
        }
    }
    best.1
}

fn has_decimal_comma(rows: &[Vec<Cell>]) -> bool {
    let n_with = |point: u8| {
        rows.iter()
            .flatten()
            .filter(|(text, _)| text.contains(&point) && text.len() < 40 && number(text, point).is_some())
            .count()
    };
    n_with(b',') > n_with(b'.')
}

fn is_number(text: &[u8], rules: &Rules) -> bool {
    integer(text).is_some() || number(text, rules.point).is_some()
}

/// Names are not numbers, and look unlike what stands below them.
fn has_header(rows: &[Vec<Cell>], rules: &Rules) -> bool {
    let Some((first, body)) = rows.split_first() else { return false };
    let is_value = |text: &[u8]| is_number(text, rules) || moment(text).is_some();
    let n_values = first.iter().filter(|(text, _)| is_value(text)).count();
    if n_values == 0 {
        // Missing values do not name columns, unless nothing else is there to tell.
        let n_tokens = first.iter().filter(|(text, _)| !text.is_empty() && rules.is_missing(text)).count();
        return n_tokens == 0 || n_tokens * 2 < first.len();
    }
    // Years and the like may name columns: then some other name stands over numbers.
    let n_names_over_values = first
        .iter()
        .enumerate()
        .filter(|(column_idx, (text, _))| {
            let below: Vec<&[u8]> = body
                .iter()
                .filter_map(|row| row.get(*column_idx))
                .map(|(text, _)| text.as_slice())
                .filter(|text| !rules.is_missing(text))
                .collect();
            !rules.is_missing(text) && !is_value(text) && !below.is_empty() && below.iter().all(|text| is_value(text))
        })
        .count();
    n_names_over_values > 0 && n_names_over_values >= n_values
}
