//! Data sets, dealt to the folds that scikit-learn is given, too.

use std::path::PathBuf;

use engine::testing::{Outcome, run_component};
use engine::{Artifact, Component};
use model::Values;
use pipeline::Value;
use schema::{Kind, Role};
use serde_json::Value as Json;
use table::Table;

const N_FOLDS: i64 = 10;

/// Where the data sets and what scikit-learn makes of them are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference")
}

/// One of the files.
pub fn read(name: &str) -> Json {
    let text = std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a component makes of inputs and parameters.
pub fn run(id: &str, inputs: Vec<(&str, Artifact)>, params: Vec<(&str, Value)>) -> Outcome {
    let found = components::catalogue().iter().find(|component| component.spec().id == id);
    let component: &dyn Component = *found.unwrap_or_else(|| panic!("{id}"));
    run_component(component, inputs, params, 1).unwrap_or_else(|error| panic!("{id}: {error:?}"))
}

/// The rows of a data set, dealt to folds.
pub fn dealt(name: &str) -> Artifact {
    let bytes = std::fs::read(folder().join("data").join(format!("{name}.csv"))).expect("the data set");
    let kind = if name == "diabetes" { Kind::Number } else { Kind::Category };
    let options = table::Options { kinds: [("target".into(), kind)].into(), ..table::Options::default() };
    let table = table::read_bytes(name, &bytes, options).expect("a table").table;
    let table = table.set_role("target", Role::Target).expect("it is there");
    let mut params = vec![("mode", Value::Text("assign-to-folds".into())), ("n_folds", Value::Int(N_FOLDS))];
    if kind == Kind::Category {
        params.push(("stratify", Value::Text("target".into())));
    }
    let done = run("split.partition-and-sample", vec![("table", Artifact::Table(table))], params);
    done.outputs["table"].clone()
}

/// The fold of each row.
pub fn folds_of(dealt: &Artifact) -> Vec<i64> {
    let Artifact::Table(table) = dealt else { panic!("a table") };
    let table: &Table = table;
    let frame = table.frame();
    match frame.column("Fold Number").map(|column| &column.values) {
        Some(Values::Integer(folds)) => folds.to_vec(),
        _ => panic!("folds"),
    }
}
