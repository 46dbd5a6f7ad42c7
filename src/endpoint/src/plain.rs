//! The bodies of MLflow's `/invocations` and Azure's `/score`.

use model::Prediction;
use monitor::Exception;
use registry::{Cell, Predicts, Signature};
use schema::Kind;
use serde_json::{Map, Value as Json, json};

use crate::infer::{label, shape_mismatch};
use crate::json::{cell, in_brief, parse};
use crate::rows::Rows;
use crate::scorer::Scored;
use crate::{Answer, Refusal, Request};

/// Whose words are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `dataframe_split`, `dataframe_records`, `instances`, `inputs`, or CSV.
    Mlflow,
    /// `data`, `input_data`.
    Azure,
}

/// Reads the rows of a request.
///
/// # Errors
/// A body that is not as the dialect says.
pub(crate) fn read(request: &Request<'_>, dialect: Dialect, signature: &Signature) -> Result<Rows, Refusal> {
    if request.content_type() == "text/csv" {
        return csv(request.body, signature);
    }
    let Json::Object(mut body) = parse(request.body)? else {
        return Err(Refusal::invalid("the body is no object"));
    };
    let keys: &[&str] = match dialect {
        Dialect::Mlflow => &["dataframe_split", "dataframe_records", "instances", "inputs"],
        Dialect::Azure => &["data", "input_data"],
    };
    let given: Vec<&&str> = keys.iter().filter(|key| body.contains_key(**key)).collect();
    let [key] = given[..] else {
        let given = given.len();
        return Err(Refusal::invalid(format!("{given} of {} are given, expected exactly one", keys.join(", "))));
    };
    match body.remove(*key).unwrap_or_default() {
        Json::Object(mut object) if object.contains_key("columns") && object.contains_key("data") => {
            split(object.remove("columns").unwrap_or_default(), object.remove("data").unwrap_or_default())
        }
        Json::Object(object) => by_column(object),
        Json::Array(items) if items.iter().all(Json::is_object) && !items.is_empty() => records(items),
        Json::Array(items) => in_order(items, signature),
        other => Err(Refusal::invalid(format!("{key:?} is {}, expected rows", in_brief(&other)))),
    }
}

fn value(json: Json, column: &str) -> Result<Cell, Refusal> {
    cell(json).map_err(|found| shape_mismatch(column, format!("{} where a value was expected", in_brief(&found))))
}

/// `{"columns": […], "data": [[…]]}`.
fn split(columns: Json, data: Json) -> Result<Rows, Refusal> {
    let names: Option<Vec<String>> =
        columns.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    let Some(names) = names else { return Err(Refusal::invalid("\"columns\" must be a list of names")) };
    let Json::Array(data) = data else { return Err(Refusal::invalid("\"data\" must be a list of rows")) };
    with_names(names, data)
}

/// Rows as lists, in the order of the signature.
fn in_order(items: Vec<Json>, signature: &Signature) -> Result<Rows, Refusal> {
    let names = signature.inputs.iter().map(|field| field.name.clone()).collect();
    with_names(names, items)
}

fn with_names(names: Vec<String>, items: Vec<Json>) -> Result<Rows, Refusal> {
    let n_rows = items.len();
    let mut columns: Vec<(String, Vec<Cell>)> =
        names.into_iter().map(|name| (name, Vec::with_capacity(n_rows))).collect();
    for (row_idx, item) in items.into_iter().enumerate() {
        let Json::Array(values) = item else {
            return Err(Refusal::invalid(format!("row {} is {}, expected a list", row_idx + 1, in_brief(&item))));
        };
        if values.len() != columns.len() {
            let got = format!("{} values in row {} for {} columns", values.len(), row_idx + 1, columns.len());
            return Err(Refusal::new(Exception::ShapeMismatch, got));
        }
        for ((name, cells), json) in columns.iter_mut().zip(values) {
            cells.push(value(json, name)?);
        }
    }
    Ok(Rows { columns, n_rows })
}

/// `{"age": [1, 2], …}`; a single value stands for a list of one.
fn by_column(object: Map<String, Json>) -> Result<Rows, Refusal> {
    let mut columns = Vec::with_capacity(object.len());
    for (name, json) in object {
        let values = match json {
            Json::Array(values) => values,
            single => vec![single],
        };
        let cells = values.into_iter().map(|json| value(json, &name)).collect::<Result<Vec<_>, _>>()?;
        columns.push((name, cells));
    }
    let n_rows = columns.first().map_or(0, |(_, cells)| cells.len());
    match columns.iter().find(|(_, cells)| cells.len() != n_rows) {
        Some((name, cells)) => {
            Err(shape_mismatch(name, format!("{} values where another column has {n_rows}", cells.len())))
        }
        None => Ok(Rows { columns, n_rows }),
    }
}

/// `[{"age": 1, …}, …]`; a column that a row does not name is missing there.
fn records(items: Vec<Json>) -> Result<Rows, Refusal> {
    let n_rows = items.len();
    let mut columns: Vec<(String, Vec<Cell>)> = Vec::new();
    for (row_idx, item) in items.into_iter().enumerate() {
        let Json::Object(record) = item else { continue };
        for (name, json) in record {
            let value = value(json, &name)?;
            let at = columns.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                columns.push((name, vec![Cell::Missing; n_rows]));
                columns.len() - 1
            });
            columns[at].1[row_idx] = value;
        }
    }
    Ok(Rows { columns, n_rows })
}

/// Comma-separated values with a head (RFC 4180). What a column holds says the signature.
fn csv(body: &[u8], signature: &Signature) -> Result<Rows, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::invalid(format!("byte {} of the body is no UTF-8", error.valid_up_to() + 1)))?;
    let mut lines = csv_lines(text)?.into_iter();
    let names = lines.next().ok_or_else(|| Refusal::invalid("the body is empty, expected a head and rows"))?;
    let mut columns: Vec<(String, Vec<Cell>)> = names.into_iter().map(|name| (name, Vec::new())).collect();
    let mut n_rows = 0;
    for (row_idx, line) in lines.enumerate() {
        if line.len() != columns.len() {
            let got = format!("{} values in row {} for {} columns", line.len(), row_idx + 1, columns.len());
            return Err(Refusal::new(Exception::ShapeMismatch, got));
        }
        for ((name, cells), text) in columns.iter_mut().zip(line) {
            cells.push(csv_cell(text, signature.field(name).map(|field| field.kind)));
        }
        n_rows += 1;
    }
    Ok(Rows { columns, n_rows })
}

/// A text that does not read as its kind stays one, and the signature refuses it.
fn csv_cell(text: String, kind: Option<Kind>) -> Cell {
    if text.is_empty() {
        return Cell::Missing;
    }
    let number =
        |text: &str| text.parse().map_or_else(|_| text.parse().map(Cell::Number).ok(), |n| Some(Cell::Integer(n)));
    let read = match kind {
        Some(Kind::Number | Kind::Integer | Kind::DateTime) => number(&text),
        Some(Kind::Boolean) => text.to_ascii_lowercase().parse().map(Cell::Boolean).ok(),
        Some(Kind::Category | Kind::Text) | None => None,
    };
    read.unwrap_or(Cell::Text(text))
}

fn csv_lines(text: &str) -> Result<Vec<Vec<String>>, Refusal> {
    let (mut lines, mut line, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut is_quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => line.push(std::mem::take(&mut field)),
            '\r' if !is_quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                line.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut line));
            }
            c => field.push(c),
        }
    }
    if is_quoted {
        return Err(Refusal::invalid(format!("a quote in row {} is not closed", lines.len())));
    }
    if !field.is_empty() || !line.is_empty() {
        line.push(field);
        lines.push(line);
    }
    // An empty line is none.
    lines.retain(|line: &Vec<String>| line.len() != 1 || !line[0].is_empty());
    Ok(lines)
}

/// Writes what the model said: the labels, or the numbers.
pub(crate) fn write(dialect: Dialect, predicts: &Predicts, scored: &Scored) -> Answer {
    let predictions: Json = match (&scored.prediction, predicts) {
        (Prediction::Probabilities { .. }, Predicts::Class { kind, classes, .. }) => {
            scored.classes.iter().map(|class| json!(label(*kind, &classes[*class as usize]))).collect()
        }
        (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }, _) => {
            values.iter().map(|value| json!(value)).collect()
        }
    };
    let body = match dialect {
        Dialect::Mlflow => json!({ "predictions": predictions }),
        Dialect::Azure => predictions,
    };
    Answer::json(200, &body)
}
