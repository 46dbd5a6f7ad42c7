//! Parameters from the command line: text in, checked values out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use pipeline::{Catalogue, Edit, Node, NodeId, ParamKind, ParamSpec, Parameter, Pipeline, Spec, Value};
use schema::{ColumnSelection, Kind};

use crate::Subject;
use crate::host::file_ref;

/// Paths of files by their hash.
pub type Files = BTreeMap<String, PathBuf>;

/// Applies `--param`, `--set` and `--data`, and returns the files that the pipeline now names.
pub fn apply(pipeline: &mut Pipeline, catalogue: &Catalogue, subject: &Subject) -> Result<Files> {
    let mut files = Files::new();
    for given in &subject.parameters {
        give(pipeline, catalogue, given, &mut files).with_context(|| format!("--param {given}"))?;
    }
    for setting in &subject.settings {
        let (place, text) = setting
            .split_once('=')
            .with_context(|| format!("--set {setting}: write NODE.PARAM=VALUE, as in `forest.n_trees=200`"))?;
        let (node, name) = place
            .split_once('.')
            .with_context(|| format!("--set {setting}: write NODE.PARAM=VALUE, as in `forest.n_trees=200`"))?;
        let (id, spec) = known_node(pipeline, catalogue, node).with_context(|| format!("--set {setting}"))?;
        let param = spec.param(name).with_context(|| {
            let hint = hint(name, spec.params.iter().map(|param| param.name.as_str()));
            let there = names_of(&spec.params);
            format!("--set {setting}: {} has no parameter {name:?}; it has {there}{hint}", spec.title)
        })?;
        let value = parse(param, text, &mut files).with_context(|| format!("--set {setting}"))?;
        pipeline.apply(Edit::SetParam(id, name.to_owned(), Some(value)))?;
    }
    for assignment in &subject.data {
        let (node, path) = assignment
            .split_once('=')
            .with_context(|| format!("--data {assignment}: write NODE=PATH, as in `import=churn.csv`"))?;
        let (id, spec) = known_node(pipeline, catalogue, node).with_context(|| format!("--data {assignment}"))?;
        let param = spec
            .params
            .iter()
            .find(|param| matches!(param.kind, ParamKind::File { .. }))
            .with_context(|| format!("--data {assignment}: {} reads no file", spec.title))?;
        let value = parse(param, path, &mut files).with_context(|| format!("--data {assignment}"))?;
        pipeline.apply(Edit::SetParam(id, param.name.clone(), Some(value)))?;
    }
    Ok(files)
}

/// Gives a parameter of the pipeline a value that all that is bound to it takes.
fn give(pipeline: &mut Pipeline, catalogue: &Catalogue, given: &str, files: &mut Files) -> Result<()> {
    let (name, text) = given.split_once('=').context("write NAME=VALUE, as in `trees=200`")?;
    let Some(parameter) = pipeline.parameters().get(name).cloned() else {
        let names: Vec<_> = pipeline.parameters().keys().map(String::as_str).collect();
        if names.is_empty() {
            bail!("the pipeline has no parameters\n  help: set a node's with --set NODE.PARAM=VALUE");
        }
        bail!(
            "the pipeline has no parameter {name:?}; it has {}{}",
            names.join(", "),
            hint(name, names.iter().copied())
        );
    };
    let own = pipeline.parameter_spec(name, catalogue);
    // Each of those that are bound may have a range of its own.
    let bound = pipeline
        .bound_to(name)
        .filter_map(|(node, param)| catalogue.get(&pipeline.node(node)?.component)?.param(param).cloned());
    let mut value = None;
    for spec in own.into_iter().chain(bound) {
        let parsed = parse(&spec, text, files)?;
        value.get_or_insert(parsed);
    }
    if let Some(default) = value {
        pipeline.apply(Edit::SetParameter(name.to_owned(), Some(Parameter { default, ..parameter })))?;
    }
    Ok(())
}

fn known_node<'a>(pipeline: &Pipeline, catalogue: &'a Catalogue, text: &str) -> Result<(NodeId, &'a Spec)> {
    let id = NodeId::new(text).map_err(|reason| anyhow!(reason))?;
    let found = pipeline.node(&id);
    let node: &Node = found.with_context(|| no_such_node(pipeline, text))?;
    let unknown =
        || format!("the node {text} is of the component {:?}, which this version does not know", node.component);
    Ok((id, catalogue.get(&node.component).with_context(unknown)?))
}

/// Says which nodes there are, and which was probably meant.
pub fn no_such_node(pipeline: &Pipeline, text: &str) -> String {
    let ids: Vec<_> = pipeline.nodes().keys().map(NodeId::as_str).collect();
    let hint = hint(text, ids.iter().copied());
    format!("the pipeline has no node {text:?}; it has {}{hint}", ids.join(", "))
}

/// The last line of an error about a name: the one that is few keystrokes away, if there is one.
pub fn hint<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    pipeline::nearest(wanted, names).map_or_else(String::new, |name| format!("\n  help: did you mean `{name}`?"))
}

fn names_of(params: &[ParamSpec]) -> String {
    if params.is_empty() {
        return "none".to_owned();
    }
    params.iter().map(|param| param.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The value that a text stands for.
fn parse(param: &ParamSpec, text: &str, files: &mut Files) -> Result<Value> {
    Ok(match &param.kind {
        ParamKind::Switch => match text {
            "true" | "yes" | "on" => Value::Bool(true),
            "false" | "no" | "off" => Value::Bool(false),
            _ => bail!("{text:?} is neither true nor false"),
        },
        ParamKind::Int { optional: true, .. } | ParamKind::Float { optional: true, .. } if text == "none" => {
            Value::None
        }
        ParamKind::Int { min, max, .. } => {
            let number: i64 = text.parse().map_err(|_| anyhow!("{text:?} is no whole number"))?;
            if !(*min..=*max).contains(&number) {
                bail!("{number} is out of range: {} goes from {min} to {max}", param.name);
            }
            Value::Int(number)
        }
        ParamKind::Seed => Value::Int(text.parse().map_err(|_| anyhow!("{text:?} is no whole number"))?),
        ParamKind::Float { min, max, .. } => {
            let number: f64 = text.parse().map_err(|_| anyhow!("{text:?} is no number"))?;
            if !(*min..=*max).contains(&number) {
                bail!("{number} is out of range: {} goes from {min} to {max}", param.name);
            }
            Value::Float(number)
        }
        ParamKind::Choice(choices) => {
            if !choices.iter().any(|choice| choice.value == text) {
                let values: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
                let hint = hint(text, values.iter().copied());
                bail!("{text:?} is no choice; choose from {}{hint}", values.join(", "));
            }
            Value::Text(text.to_owned())
        }
        ParamKind::Column { optional: true, .. } if text == "none" => Value::None,
        ParamKind::Column { .. } | ParamKind::Text { .. } => Value::Text(text.to_owned()),
        ParamKind::Grid => Value::Text(std::fs::read_to_string(text).unwrap_or_else(|_| text.to_owned())),
        ParamKind::Columns { .. } => Value::Columns(columns(text)?),
        ParamKind::File { .. } => {
            let path = Path::new(text);
            let file = file_ref(path)?;
            files.insert(file.hash.clone(), path.to_owned());
            Value::File(file)
        }
    })
}

/// `all`, `age,income`, `except:age,income` or `kinds:number,category`.
fn columns(text: &str) -> Result<ColumnSelection> {
    let names = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect();
    Ok(if text == "all" {
        ColumnSelection::All
    } else if let Some(list) = text.strip_prefix("except:") {
        ColumnSelection::Except(names(list))
    } else if let Some(list) = text.strip_prefix("kinds:") {
        ColumnSelection::Kinds(list.split(',').map(kind).collect::<Result<_>>()?)
    } else {
        ColumnSelection::Names(names(text))
    })
}

fn kind(text: &str) -> Result<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.label() == text.trim()).with_context(|| {
        let labels = Kind::ALL.map(Kind::label);
        format!("{text:?} is no kind of column; choose from {}", labels.join(", "))
    })
}
