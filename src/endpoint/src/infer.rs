//! The inference request and answer of the Open Inference Protocol, version 2.

use model::Prediction;
use monitor::Exception;
use registry::{Cell, Predicts, Signature};
use schema::Kind;
use serde_json::{Map, Value as Json, json};

use crate::binary::{self, Tensors};
use crate::json::{cell, in_brief, parse};
use crate::rows::Rows;
use crate::scorer::Scored;
use crate::{Answer, Mismatch, Refusal, Request};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Infer {
    /// To be given back.
    pub id: Option<String>,
    /// The rows.
    pub rows: Rows,
    /// The outputs wanted, in their order; none for all.
    pub outputs: Option<Vec<Wanted>>,
    /// Outputs leave as bytes unless they say otherwise.
    pub is_binary: bool,
    /// Warnings are errors.
    pub is_strict: bool,
}

/// An output that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    name: String,
    is_binary: Option<bool>,
}

/// Reads an inference request.
///
/// # Errors
/// A body that is not as the protocol says.
pub(crate) fn read(request: &Request<'_>, signature: &Signature) -> Result<Infer, Refusal> {
    let (head, mut tensors) = binary::split(request)?;
    let Json::Object(mut body) = parse(head)? else {
        return Err(Refusal::invalid("the body is no inference request: expected an object with \"inputs\""));
    };
    let parameters = object(body.remove("parameters"), "parameters")?;
    let flag = |name: &str| parameters.get(name).and_then(Json::as_bool).unwrap_or(false);
    let id = match body.remove("id") {
        None | Some(Json::Null) => None,
        Some(Json::String(id)) => Some(id),
        Some(other) => return Err(Refusal::invalid(format!("\"id\" is {}, expected text", in_brief(&other)))),
    };
    let outputs = body.remove("outputs").map(wanted).transpose()?.filter(|outputs| !outputs.is_empty());
    let Some(Json::Array(inputs)) = body.remove("inputs") else {
        return Err(Refusal::invalid("\"inputs\" is missing: expected a list of columns"));
    };
    let mut columns = Vec::with_capacity(inputs.len());
    for (at, input) in inputs.into_iter().enumerate() {
        columns.push(Input::read(input, at, &mut tensors)?);
    }
    tensors.done()?;
    let (is_binary, is_strict) = (flag("binary_data_output"), flag("strict"));
    Ok(Infer { id, rows: rows(columns, signature)?, outputs, is_binary, is_strict })
}

struct Input {
    name: String,
    shape: Vec<usize>,
    cells: Vec<Cell>,
}

impl Input {
    fn read(input: Json, at: usize, tensors: &mut Tensors<'_>) -> Result<Self, Refusal> {
        let at = format!("\"inputs\", item {}", at + 1);
        let Json::Object(mut input) = input else {
            return Err(Refusal::invalid(format!("{at} is {}, expected an object", in_brief(&input))));
        };
        let Some(Json::String(name)) = input.remove("name") else {
            return Err(Refusal::invalid(format!("{at} has no \"name\"")));
        };
        let shape: Option<Vec<usize>> = match input.remove("shape") {
            Some(Json::Array(sides)) => sides.iter().map(|side| side.as_u64().map(|side| side as usize)).collect(),
            _ => None,
        };
        let Some(shape) = shape else {
            return Err(Refusal::invalid(format!("{at} ({name:?}): \"shape\" must be a list of whole numbers")));
        };
        let datatype = input.remove("datatype").unwrap_or_default();
        let Some(datatype) = datatype.as_str().and_then(binary::Datatype::from_name) else {
            let (found, names) = (in_brief(&datatype), binary::Datatype::NAMES.join(", "));
            return Err(Refusal::invalid(format!("{at} ({name:?}): \"datatype\" is {found}, expected one of {names}")));
        };
        let parameters = object(input.remove("parameters"), "parameters")?;
        let cells = match (input.remove("data"), parameters.get("binary_data_size").and_then(Json::as_u64)) {
            (None, Some(n_bytes)) => tensors.take(&name, datatype, n_bytes as usize)?,
            (Some(data), None) => {
                let mut cells = Vec::new();
                flatten(data, &mut cells).map_err(|found| {
                    Refusal::invalid(format!(
                        "{at} ({name:?}): \"data\" holds {found}, expected values or lists of them"
                    ))
                })?;
                cells
            }
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid(format!("{at} ({name:?}) has both \"data\" and \"binary_data_size\"")));
            }
            (None, None) => return Err(Refusal::invalid(format!("{at} ({name:?}) has no \"data\""))),
        };
        let expected = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        if shape.is_empty() || expected != Some(cells.len()) {
            return Err(shape_mismatch(&name, format!("{} values for the shape {shape:?}", cells.len())));
        }
        Ok(Self { name, shape, cells })
    }
}

/// Columns of one value a row; or, where a model takes numbers alone, one matrix of all columns.
fn rows(mut inputs: Vec<Input>, signature: &Signature) -> Result<Rows, Refusal> {
    if let [Input { shape, .. }] = &inputs[..]
        && let [n_rows, n_columns] = shape[..]
        && n_columns > 1
    {
        let Some(Input { name, cells, .. }) = inputs.pop() else { return Ok(Rows::default()) };
        let is_all_numbers = signature.inputs.iter().all(|field| field.kind.is_numeric());
        if !is_all_numbers || n_columns != signature.inputs.len() {
            let found = format!("{n_columns} columns in one input; send one input a column");
            return Err(shape_mismatch(&name, found));
        }
        let column = |at: usize| cells.iter().skip(at).step_by(n_columns).cloned().collect();
        let columns = signature.inputs.iter().enumerate().map(|(at, field)| (field.name.clone(), column(at))).collect();
        return Ok(Rows { columns, n_rows });
    }
    let n_rows = inputs.first().map_or(0, |input| input.shape[0]);
    let mut columns: Vec<(String, Vec<Cell>)> = Vec::with_capacity(inputs.len());
    for Input { name, shape, cells } in inputs {
        if cells.len() != shape[0] {
            return Err(shape_mismatch(&name, format!("the shape {shape:?}, expected one value a row")));
        }
        if shape[0] != n_rows {
            return Err(shape_mismatch(&name, format!("{} rows where the first column has {n_rows}", shape[0])));
        }
        if columns.iter().any(|(known, _)| *known == name) {
            return Err(shape_mismatch(&name, "the column twice".into()));
        }
        columns.push((name, cells));
    }
    Ok(Rows { columns, n_rows })
}

pub(crate) fn shape_mismatch(column: &str, got: String) -> Refusal {
    Refusal::mismatched(vec![Mismatch {
        exception: Exception::ShapeMismatch,
        column: column.into(),
        row: None,
        expected: "as many values as rows, in one column".into(),
        got,
    }])
}

fn flatten(data: Json, cells: &mut Vec<Cell>) -> Result<(), String> {
    match data {
        Json::Array(items) => items.into_iter().try_for_each(|item| flatten(item, cells)),
        other => {
            cells.push(cell(other).map_err(|found| in_brief(&found))?);
            Ok(())
        }
    }
}

fn object(json: Option<Json>, name: &str) -> Result<Map<String, Json>, Refusal> {
    match json {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object),
        Some(other) => Err(Refusal::invalid(format!("{name:?} is {}, expected an object", in_brief(&other)))),
    }
}

fn wanted(outputs: Json) -> Result<Vec<Wanted>, Refusal> {
    let Json::Array(outputs) = outputs else {
        return Err(Refusal::invalid(format!("\"outputs\" is {}, expected a list", in_brief(&outputs))));
    };
    let one = |output: &Json| {
        let name = output.get("name").and_then(Json::as_str);
        let name = name.ok_or_else(|| Refusal::invalid("an item of \"outputs\" has no \"name\""))?;
        let is_binary = output.pointer("/parameters/binary_data").and_then(Json::as_bool);
        Ok(Wanted { name: name.into(), is_binary })
    };
    outputs.iter().map(one).collect()
}

/// A column of an answer.
pub(crate) struct Output {
    pub name: &'static str,
    pub datatype: binary::Datatype,
    pub shape: Vec<usize>,
    pub cells: Vec<Cell>,
}

/// The names and types of what a model gives; -1 stands for the rows.
pub(crate) fn output_specs(predicts: &Predicts) -> Vec<(&'static str, binary::Datatype, Vec<i64>)> {
    match predicts {
        Predicts::Number { .. } => vec![("prediction", binary::Datatype::Fp64, vec![-1])],
        Predicts::Class { kind, classes, .. } => vec![
            ("prediction", label_datatype(*kind), vec![-1]),
            ("probabilities", binary::Datatype::Fp64, vec![-1, classes.len() as i64]),
        ],
    }
}

fn label_datatype(kind: Kind) -> binary::Datatype {
    match kind {
        Kind::Integer => binary::Datatype::Int64,
        Kind::Boolean => binary::Datatype::Bool,
        Kind::Number | Kind::Category | Kind::Text | Kind::DateTime => binary::Datatype::Bytes,
    }
}

/// What a model said, as columns.
pub(crate) fn outputs(predicts: &Predicts, scored: &Scored) -> Vec<Output> {
    let numbers = |values: &[f64]| values.iter().map(|value| Cell::Number(*value)).collect();
    match (&scored.prediction, predicts) {
        (Prediction::Probabilities { values, n_classes }, Predicts::Class { kind, classes, .. }) => {
            let labels = scored.classes.iter().map(|class| label(*kind, &classes[*class as usize])).collect();
            let n_rows = scored.classes.len();
            let datatype = label_datatype(*kind);
            vec![
                Output { name: "prediction", datatype, shape: vec![n_rows], cells: labels },
                Output {
                    name: "probabilities",
                    datatype: binary::Datatype::Fp64,
                    shape: vec![n_rows, *n_classes],
                    cells: numbers(values),
                },
            ]
        }
        (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }, _) => vec![Output {
            name: "prediction",
            datatype: binary::Datatype::Fp64,
            shape: vec![values.len()],
            cells: numbers(values),
        }],
    }
}

/// A class as the column had it.
pub(crate) fn label(kind: Kind, class: &str) -> Cell {
    let text = || Cell::Text(class.to_owned());
    match kind {
        Kind::Integer => class.parse().map_or_else(|_| text(), Cell::Integer),
        Kind::Boolean => class.parse().map_or_else(|_| text(), Cell::Boolean),
        Kind::Number | Kind::Category | Kind::Text | Kind::DateTime => text(),
    }
}

/// Who answers.
pub(crate) struct By<'a> {
    pub model_name: &'a str,
    pub model_version: u32,
    pub id: String,
}

/// Writes an inference answer.
///
/// # Errors
/// An output is asked for that the model does not give.
pub(crate) fn write(
    infer: &Infer,
    by: &By<'_>,
    predicts: &Predicts,
    scored: &Scored,
    warnings: &[Mismatch],
) -> Result<Answer, Refusal> {
    let mut given = outputs(predicts, scored);
    if let Some(wanted) = &infer.outputs {
        let mut chosen = Vec::with_capacity(wanted.len());
        for Wanted { name, .. } in wanted {
            let Some(at) = given.iter().position(|output| output.name == name) else {
                let names: Vec<_> = output_specs(predicts).iter().map(|(name, ..)| name.to_string()).collect();
                let names = schema::list(&names);
                return Err(Refusal::invalid(format!(
                    "there is no output {name:?}, or it is named twice; the model gives {names}"
                )));
            };
            chosen.push(given.remove(at));
        }
        given = chosen;
    }
    let mut raw = Vec::new();
    let mut columns = Vec::with_capacity(given.len());
    for (at, output) in given.into_iter().enumerate() {
        let asked = infer.outputs.as_ref().and_then(|wanted| wanted[at].is_binary);
        let mut column = json!({ "name": output.name, "datatype": output.datatype.name(), "shape": output.shape });
        if asked.unwrap_or(infer.is_binary) {
            let before = raw.len();
            binary::write(output.datatype, &output.cells, &mut raw);
            column["parameters"] = json!({ "binary_data_size": raw.len() - before });
        } else {
            column["data"] = output.cells.into_iter().map(|cell| json!(cell)).collect();
        }
        columns.push(column);
    }
    let mut body = json!({
        "model_name": by.model_name, "model_version": by.model_version.to_string(), "id": by.id, "outputs": columns,
    });
    if !warnings.is_empty() {
        // Parameters are texts, numbers and truth values alone.
        let told: Vec<String> =
            warnings.iter().map(|warning| format!("{}: {}", warning.exception.code(), warning.in_words())).collect();
        body["parameters"] = json!({ "warnings": told.join("; ") });
    }
    let answer = Answer::json(200, &body);
    if raw.is_empty() {
        return Ok(answer);
    }
    let n_head = answer.body.len();
    let body = [answer.body, raw].concat();
    let headers = vec![
        ("content-type", "application/octet-stream".into()),
        ("inference-header-content-length", n_head.to_string()),
    ];
    Ok(Answer { status: 200, headers, body })
}
