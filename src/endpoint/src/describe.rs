//! What a service says of itself and of what it serves.

use registry::{Endpoint, Field, Signature};
use serde_json::{Map, Value as Json, json};

use crate::infer::output_specs;

/// The service.
pub(crate) fn server() -> Json {
    json!({
        "name": "millrace",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["model_repository", "statistics", "binary_tensor_data", "parameters"],
    })
}

/// A model's metadata.
pub(crate) fn model(name: &str, endpoint: &Endpoint, signature: &Signature) -> Json {
    let mut versions: Vec<u32> = endpoint.deployments.values().map(|deployment| deployment.version).collect();
    versions.sort_unstable();
    versions.dedup();
    let versions: Vec<String> = versions.iter().map(u32::to_string).collect();
    let input = |field: &Field| {
        json!({
            "name": field.name, "datatype": registry::datatype(field.kind), "shape": [-1],
            "parameters": { "kind": field.kind.label(), "nullable": field.nullable },
        })
    };
    let outputs = output_specs(&signature.predicts);
    let outputs: Vec<Json> = outputs
        .iter()
        .map(|(name, datatype, shape)| json!({ "name": name, "datatype": datatype.name(), "shape": shape }))
        .collect();
    let mut properties = Map::new();
    properties.insert("predicts".into(), signature.predicts.name().into());
    if let registry::Predicts::Class { classes, .. } = &signature.predicts {
        properties.insert("classes".into(), json!(classes).to_string().into());
    }
    json!({
        "name": name, "versions": versions, "platform": "millrace_package",
        "inputs": signature.inputs.iter().map(input).collect::<Vec<_>>(), "outputs": outputs,
        "properties": properties,
    })
}

/// The service's OpenAPI description, with the columns of one model if one is named.
pub(crate) fn open_api(model: Option<(&str, &Signature)>) -> Json {
    let answer = |what: &str| json!({ "description": what, "content": { "application/json": {} } });
    let get = |what: &str| json!({ "get": { "summary": what, "responses": { "200": answer(what) } } });
    let mut paths = Map::new();
    paths.insert("/v2".into(), get("Server metadata"));
    paths.insert("/v2/health/live".into(), get("Whether the server lives"));
    paths.insert("/v2/health/ready".into(), get("Whether the server is ready"));
    paths.insert("/v2/models".into(), get("The models served"));
    let name = model.map_or("{model_name}", |(name, _)| name);
    paths.insert(format!("/v2/models/{name}"), get("Model metadata"));
    paths.insert(format!("/v2/models/{name}/ready"), get("Whether the model is ready"));
    paths.insert(format!("/v2/models/{name}/stats"), get("Statistics of the model"));
    let mut request = json!({ "schema": { "type": "object", "required": ["inputs"] } });
    if let Some((_, signature)) = model {
        request["example"] = signature.sample_request();
    }
    let mut responses = Map::new();
    responses.insert("200".into(), answer("Predictions"));
    for (status, what) in [
        ("400", "Rows that do not fit the signature, all mismatches named"),
        ("401", "No key, or one that is not known"),
        ("404", "No such model, version or deployment"),
        ("429", "Too many requests at once"),
        ("503", "Not ready"),
    ] {
        responses.insert(status.into(), answer(what));
    }
    paths.insert(
        format!("/v2/models/{name}/infer"),
        json!({ "post": {
            "summary": "Predicts rows",
            "requestBody": { "required": true, "content": { "application/json": request } },
            "responses": responses,
        } }),
    );
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Millrace: Open Inference Protocol", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
    })
}
