//! The tables that can be asked, filled one event at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry::Name;

use super::table::{CellKind, Column, Table, Values};
use crate::{ExceptionEvent, RequestEvent, Served};

/// The tables `requests` and `exceptions`.
#[derive(Clone, Debug)]
pub struct Tables {
    requests: Filling,
    exceptions: Filling,
}

/// How a query calls the tables.
pub(super) const NAMES: [&str; 2] = ["requests", "exceptions"];

const REQUESTS: &[(&str, CellKind)] = &[
    ("timestamp", CellKind::DateTime),
    ("id", CellKind::String),
    ("name", CellKind::String),
    ("success", CellKind::Bool),
    ("resultCode", CellKind::Long),
    ("duration", CellKind::Real),
    ("operation_Id", CellKind::String),
    ("endpoint", CellKind::String),
    ("deployment", CellKind::String),
    ("model_version", CellKind::Long),
    ("n_rows", CellKind::Long),
];

const EXCEPTIONS: &[(&str, CellKind)] = &[
    ("timestamp", CellKind::DateTime),
    ("type", CellKind::String),
    ("outerMessage", CellKind::String),
    ("operation_Id", CellKind::String),
    ("endpoint", CellKind::String),
    ("deployment", CellKind::String),
    ("model_version", CellKind::Long),
    ("column", CellKind::String),
    ("row", CellKind::Long),
];

impl Default for Tables {
    fn default() -> Self {
        Self { requests: Filling::new(REQUESTS), exceptions: Filling::new(EXCEPTIONS) }
    }
}

impl Tables {
    /// Adds a request. Its duration is in milliseconds, as Application Insights has it.
    pub fn push_request(&mut self, event: &RequestEvent) {
        let (endpoint, deployment, version) = dimensions(&event.served);
        self.requests.push(&[
            Value::Number(event.at_ms as f64),
            Value::Text(&event.id),
            Value::Text(&format!(
                "POST /v2/models/{}/infer",
                if endpoint.is_empty() { "{model_name}" } else { endpoint }
            )),
            Value::Number(f64::from(u8::from(event.status < 400))),
            Value::Number(f64::from(event.status)),
            Value::Number(event.seconds * 1e3),
            Value::Text(&event.id),
            Value::Text(endpoint),
            Value::Text(deployment),
            version,
            Value::Number(event.n_rows as f64),
        ]);
    }

    /// Adds an exception.
    pub fn push_exception(&mut self, event: &ExceptionEvent) {
        let (endpoint, deployment, version) = dimensions(&event.served);
        self.exceptions.push(&[
            Value::Number(event.at_ms as f64),
            Value::Text(event.exception.code()),
            Value::Text(&event.message),
            Value::Text(&event.request_id),
            Value::Text(endpoint),
            Value::Text(deployment),
            version,
            Value::Text(event.column.as_deref().unwrap_or_default()),
            Value::Number(event.row.map_or(f64::NAN, |row| row as f64)),
        ]);
    }

    pub(super) fn named(&self, name: &str) -> Option<&Table> {
        let at = NAMES.iter().position(|table| *table == name)?;
        Some(&[&self.requests, &self.exceptions][at].table)
    }
}

fn dimensions(served: &Served) -> (&str, &str, Value<'_>) {
    fn text(name: &Option<Name>) -> &str {
        name.as_ref().map(Name::as_str).unwrap_or_default()
    }
    let version = if served.version == 0 { f64::NAN } else { f64::from(served.version) };
    (text(&served.endpoint), text(&served.deployment), Value::Number(version))
}

enum Value<'a> {
    Number(f64),
    Text(&'a str),
}

/// A table that grows, and where each text already is.
#[derive(Clone, Debug)]
struct Filling {
    table: Table,
    places: Vec<BTreeMap<String, u32>>,
}

impl Filling {
    fn new(columns: &[(&str, CellKind)]) -> Self {
        let column = |(name, kind): &(&str, CellKind)| {
            let values = match kind {
                CellKind::String => Values::Texts { codes: Vec::new(), texts: Arc::default() },
                _ => Values::Numbers(Vec::new()),
            };
            Column { name: (*name).to_owned(), kind: *kind, values }
        };
        let columns: Vec<Column> = columns.iter().map(column).collect();
        Self { places: vec![BTreeMap::new(); columns.len()], table: Table { columns, n_rows: 0 } }
    }

    fn push(&mut self, row: &[Value]) {
        for ((column, places), value) in self.table.columns.iter_mut().zip(&mut self.places).zip(row) {
            match (&mut column.values, value) {
                (Values::Numbers(numbers), Value::Number(x)) => numbers.push(*x),
                (Values::Texts { codes, texts }, Value::Text(text)) => {
                    let place = places.get(*text).copied().unwrap_or_else(|| {
                        let texts = Arc::make_mut(texts);
                        texts.push((*text).to_owned());
                        places.insert((*text).to_owned(), texts.len() as u32 - 1);
                        texts.len() as u32 - 1
                    });
                    codes.push(place);
                }
                (Values::Numbers(_), Value::Text(_)) | (Values::Texts { .. }, Value::Number(_)) => {
                    unreachable!("rows are pushed by the two functions above, column by column")
                }
            }
        }
        self.table.n_rows += 1;
    }
}
