//! A request that a model takes, to begin with.

use schema::Kind;
use serde_json::{Map, Value as Json, json};

use crate::{Field, Signature};

impl Signature {
    /// The body of an inference request of one row, the example.
    pub fn sample_request(&self) -> Json {
        let input = |field: &Field| {
            json!({
                "name": field.name, "shape": [1], "datatype": datatype(field.kind), "data": [field.example],
            })
        };
        json!({ "inputs": self.inputs.iter().map(input).collect::<Vec<_>>() })
    }

    /// The example as a record, as MLflow's `dataframe_records` has it.
    pub fn sample_record(&self) -> Json {
        let mut record = Map::new();
        for field in &self.inputs {
            record.insert(field.name.clone(), json!(field.example));
        }
        Json::Object(record)
    }
}

/// The protocol's type under which values of a kind come.
pub fn datatype(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "FP64",
        Kind::Integer | Kind::DateTime => "INT64",
        Kind::Boolean => "BOOL",
        Kind::Category | Kind::Text => "BYTES",
    }
}
