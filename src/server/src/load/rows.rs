//! Rows to send: those of a table, or such as the model was trained on.

use anyhow::{Result, bail};
use axum::body::{Body, Bytes};
use hyper::client::conn::http1::SendRequest;
use numeric::Stream;
use registry::{ColumnReference, Header, Shape};
use serde_json::{Value as Json, json};

use super::{Columns, Load, ask};
use crate::client::send;

/// So many rows are drawn.
const N_DRAWN: usize = 2_000;

/// The columns of a table that a model looks at.
pub(super) fn chosen(wanted: &Columns, table: &Columns) -> Result<Columns> {
    let chosen = wanted.iter().map(|(name, _)| match table.iter().find(|(found, _)| found == name) {
        Some((_, values)) if !values.is_empty() => Ok((name.clone(), values.clone())),
        Some(_) => bail!("the table has no rows"),
        None => {
            let names: Vec<String> = table.iter().map(|(name, _)| name.clone()).collect();
            bail!("the table has no column {name:?}, which the model looks at; it has {}", schema::list(&names))
        }
    });
    chosen.collect()
}

/// What the package behind an endpoint says of itself; none if it is not told.
pub(super) async fn header(connection: &mut SendRequest<Body>, load: &Load, host: &str, path: &str) -> Option<Header> {
    let (base, endpoint) = path.split_once("/models/")?;
    let (_, state) = ask(connection, load, host, "GET", &format!("{base}/registry"), Bytes::new()).await.ok()?;
    let state: Json = serde_json::from_slice(&state).ok()?;
    let endpoint = &state["endpoints"][endpoint];
    let shares = endpoint["traffic"].as_object()?.iter();
    let (deployment, _) = shares.max_by_key(|(_, percent)| percent.as_u64())?;
    let deployment = &endpoint["deployments"][deployment];
    let versions = &state["models"][deployment["model"].as_str()?]["versions"];
    let package = versions[deployment["version"].as_u64()? as usize - 1]["package"].as_str()?;
    let request = super::request(load, host, "GET", &format!("{base}/registry/packages/{package}"));
    let request = request.header("accept", "application/json").body(Body::empty()).ok()?;
    let (_, header) = send(connection, request).await.ok()?;
    serde_json::from_slice(&header).ok()
}

/// Rows whose columns are, each by itself, spread as in training. What the model cannot do without is never missing.
pub(super) fn drawn(wanted: &Columns, header: &Header) -> Columns {
    let Header { signature, reference, .. } = header;
    let mut stream = Stream::new(1);
    let mut draw = |(name, example): &(String, Vec<Json>)| {
        let values = match reference.inputs.iter().find(|column| column.name == *name) {
            Some(column) => {
                let may_be_missing = signature.field(name).is_some_and(|field| field.nullable);
                let n_missing = if may_be_missing { column.n_missing } else { 0 };
                let draw = |_| match stream.below(reference.n_rows.max(1)) < n_missing {
                    true => Json::Null,
                    false => value(column, example, &mut stream),
                };
                (0..N_DRAWN).map(draw).collect()
            }
            None => example.clone(),
        };
        (name.clone(), values)
    };
    wanted.iter().map(&mut draw).collect()
}

fn value(column: &ColumnReference, example: &[Json], stream: &mut Stream) -> Json {
    let example = example.first().cloned().unwrap_or_default();
    match &column.shape {
        Shape::Numbers { sample, .. } if !sample.is_empty() => {
            let x = sample[stream.below(sample.len() as u64) as usize];
            if x.fract() == 0.0 && example.is_i64() { json!(x as i64) } else { json!(x) }
        }
        Shape::Categories { names, counts, .. } if !names.is_empty() => {
            let mut place = stream.below(counts.iter().sum::<u64>().max(1));
            let found = names.iter().zip(counts).find(|(_, count)| {
                let is_here = place < **count;
                place = place.saturating_sub(**count);
                is_here
            });
            match (found.map(|(name, _)| name.as_str()), example.is_boolean()) {
                (Some(name), true) => json!(name == "true"),
                (Some(name), false) => json!(name),
                (None, _) => example,
            }
        }
        Shape::Numbers { .. } | Shape::Categories { .. } => example,
    }
}

#[cfg(test)]
mod tests {
    use registry::{Card, Cell, Field, Predicts, Reference, Signature};
    use schema::Kind;

    use super::*;

    #[test]
    fn drawn_rows_are_spread_as_in_training() {
        let ages: Vec<Option<f64>> = (20..60).map(|age| Some(f64::from(age))).collect();
        let plans = ["a", "b", "b", "b"].map(Some);
        let inputs = vec![
            ColumnReference::of_numbers("age", &ages),
            ColumnReference::of_categories("plan", plans, 9),
            ColumnReference { n_missing: 20, ..ColumnReference::of_categories("paid", [Some("true")], 9) },
            ColumnReference { n_missing: 20, ..ColumnReference::of_categories("left", [Some("true")], 9) },
        ];
        let field = |(name, nullable): (&str, bool)| Field {
            name: name.into(),
            kind: Kind::Text,
            nullable,
            categories: Vec::new(),
            range: None,
            example: Cell::Missing,
        };
        let fields = [("age", false), ("plan", false), ("paid", true), ("left", false)].map(field).into();
        let header = Header {
            signature: Signature { inputs: fields, predicts: Predicts::Number { name: "y".into() } },
            reference: Reference { n_rows: 40, inputs, prediction: None },
            card: Card::default(),
        };
        let example = |name: &str, value: Json| (name.to_owned(), vec![value]);
        let wanted = vec![
            example("age", json!(30)),
            example("plan", json!("a")),
            example("paid", json!(true)),
            example("left", json!(true)),
        ];
        let drawn = drawn(&wanted, &header);
        let [(_, ages), (_, plans), (_, paid), (_, left)] = &drawn[..] else { panic!("four columns") };
        assert!(ages.iter().all(|age| age.as_i64().is_some_and(|age| (20..60).contains(&age))));
        let n_b = plans.iter().filter(|plan| **plan == "b").count();
        assert!((1_400..1_600).contains(&n_b), "{n_b} of 2,000");
        let n_missing = paid.iter().filter(|paid| paid.is_null()).count();
        assert!((900..1_100).contains(&n_missing), "{n_missing} of 2,000");
        assert!(left.iter().all(|left| *left == true), "the model cannot do without it");
    }

    #[test]
    fn a_table_must_have_what_the_model_looks_at() {
        let table: Columns = vec![("age".into(), vec![json!(30)]), ("name".into(), vec![json!("Ada")])];
        let wanted = |name: &str| vec![(name.to_owned(), vec![Json::Null])];
        assert_eq!(chosen(&wanted("age"), &table).expect("it has it"), [("age".to_owned(), vec![json!(30)])]);
        let error = chosen(&wanted("plan"), &table).expect_err("it has not").to_string();
        assert_eq!(error, "the table has no column \"plan\", which the model looks at; it has \"age\", \"name\"");
    }
}
