//! Names of a search space and of objectives, as places in the pipeline.

use anyhow::{Result, anyhow};
use pipeline::{Catalogue, Edit, InPort, NodeId, ParamKind, ParamSpec, Pipeline, Value};
use serde_json::Value as Json;
use study::{Dimension, Distribution, Objective, Settings, Space};

use crate::values;

/// Whether every dimension sets a parameter that there is, to values that it may have.
pub fn check(space: &Space, pipeline: &Pipeline, catalogue: &Catalogue) -> Result<()> {
    for dimension in &space.dimensions {
        let at = |message: String| anyhow!("search_space.{}: {message}", dimension.name);
        if dimension.is_input {
            check_sources(dimension, pipeline, catalogue).map_err(at)?;
            continue;
        }
        let param = param(dimension, pipeline, catalogue).map_err(at)?;
        let source = dimension.same_as.as_ref().and_then(|name| space.dimension(name)).unwrap_or(dimension);
        check_values(&source.distribution, param).map_err(at)?;
    }
    Ok(())
}

/// Marks the dimensions that name an input in place of a parameter: those vary what feeds it.
pub fn mark_inputs(space: &mut Space, pipeline: &Pipeline, catalogue: &Catalogue) {
    for dimension in &mut space.dimensions {
        let spec = pipeline.node(&dimension.node).and_then(|node| catalogue.get(&node.component));
        dimension.is_input =
            spec.is_some_and(|spec| spec.param(&dimension.param).is_none() && spec.input(&dimension.param).is_some());
    }
}

/// Whether every value names an output that fits the input, so that no trial closes a cycle.
fn check_sources(dimension: &Dimension, pipeline: &Pipeline, catalogue: &Catalogue) -> Result<(), String> {
    let spec_of = |node: &NodeId| catalogue.get(&pipeline.node(node)?.component);
    let input = spec_of(&dimension.node).and_then(|spec| spec.input(&dimension.param));
    let wanted = input.map(|input| input.port_type);
    let Distribution::Choice { values } = &dimension.distribution else {
        return Err(format!(
            "{} is an input, and `{}` draws numbers\n  help: use `choice` of the nodes that may feed it",
            dimension.param,
            dimension.distribution.name()
        ));
    };
    for value in values {
        let source = dimension.source(value).ok_or_else(|| format!("{} names no output", text_of(value)))?;
        if pipeline.node(&source.node).is_none() {
            return Err(values::no_such_node(pipeline, source.node.as_str()));
        }
        let output = spec_of(&source.node).and_then(|spec| spec.output(&source.port));
        if output.map(|output| output.port_type) != wanted {
            let port = wanted.map_or("something else", |wanted| wanted.phrase());
            return Err(format!("`{source}` does not give {port}, which {} takes", dimension.param));
        }
        let mut changed = pipeline.clone();
        let edit = Edit::Connect(source, InPort::new(&dimension.node, &dimension.param));
        changed.apply(edit).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn param<'a>(dimension: &Dimension, pipeline: &Pipeline, catalogue: &'a Catalogue) -> Result<&'a ParamSpec, String> {
    let node = dimension.node.as_str();
    let found = pipeline.node(&dimension.node).ok_or_else(|| values::no_such_node(pipeline, node))?;
    let spec = catalogue.get(&found.component).ok_or_else(|| {
        format!("the node {node} is of the component {:?}, which this version does not know", found.component)
    })?;
    spec.param(&dimension.param).ok_or_else(|| {
        let names: Vec<&str> = spec.params.iter().map(|param| param.name.as_str()).collect();
        let hint = values::hint(&dimension.param, names.iter().copied());
        format!("{} has no parameter {:?}; it has {}{hint}", spec.title, dimension.param, names.join(", "))
    })
}

/// Values that are listed, or the ends of the range.
fn check_values(distribution: &Distribution, param: &ParamSpec) -> Result<(), String> {
    if let Distribution::Choice { values } = distribution {
        return values.iter().try_for_each(|value| fitting(param, value).map(|_| ()));
    }
    if matches!(param.kind, ParamKind::Int { .. } | ParamKind::Seed)
        && distribution.step().is_none_or(|step| step.fract() != 0.0)
    {
        return Err(format!(
            "{} takes whole numbers, and {} draws others\n  help: use `randint`, or a distribution with a `q` of 1 or \
             another whole number",
            param.name,
            distribution.name()
        ));
    }
    match distribution.bounds() {
        Some((low, high)) => [low, high].into_iter().try_for_each(|x| fitting(param, &Value::Float(x)).map(|_| ())),
        // Its tails may lie outside of what the parameter takes; those trials fail, and say so.
        None => match param.kind {
            ParamKind::Int { .. } | ParamKind::Float { .. } | ParamKind::Seed => Ok(()),
            ParamKind::Switch
            | ParamKind::Choice(_)
            | ParamKind::Text { .. }
            | ParamKind::Column { .. }
            | ParamKind::Columns { .. }
            | ParamKind::File { .. }
            | ParamKind::Grid => fitting(param, &Value::Float(0.0)).map(|_| ()),
        },
    }
}

/// A value in the form that a parameter takes, or why it takes it not.
fn fitting(param: &ParamSpec, value: &Value) -> Result<Value, String> {
    let name = &param.name;
    let wrong = |expected: &str| Err(format!("{} is nothing that {name} can be: expected {expected}", text_of(value)));
    let range = |x: f64, min: f64, max: f64| {
        if (min..=max).contains(&x) {
            Ok(())
        } else {
            Err(format!("{x} is out of range: {name} goes from {min} to {max}"))
        }
    };
    match (&param.kind, value) {
        (ParamKind::Int { optional: true, .. } | ParamKind::Float { optional: true, .. }, Value::None)
        | (ParamKind::Switch, Value::Bool(_))
        | (ParamKind::Text { .. } | ParamKind::Column { .. }, Value::Text(_))
        | (ParamKind::Column { optional: true, .. }, Value::None) => Ok(value.clone()),
        (ParamKind::Int { min, max, .. }, Value::Int(_) | Value::Float(_)) => {
            let n = whole(value).ok_or_else(|| format!("{name} takes whole numbers, found {value:?}"))?;
            range(n as f64, *min as f64, *max as f64).map(|()| Value::Int(n))
        }
        (ParamKind::Seed, Value::Int(_) | Value::Float(_)) => match whole(value).filter(|n| *n >= 0) {
            Some(n) => Ok(Value::Int(n)),
            None => wrong("a whole number of 0 or more"),
        },
        (ParamKind::Float { min, max, .. }, Value::Float(x)) => range(*x, *min, *max).map(|()| value.clone()),
        (ParamKind::Float { min, max, .. }, Value::Int(n)) => {
            range(*n as f64, *min, *max).map(|()| Value::Float(*n as f64))
        }
        (ParamKind::Choice(choices), Value::Text(text)) => {
            if choices.iter().any(|choice| choice.value == *text) {
                return Ok(value.clone());
            }
            let names: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
            let hint = values::hint(text, names.iter().copied());
            Err(format!("{text:?} is no choice of {name}; choose from {}{hint}", names.join(", ")))
        }
        (ParamKind::Switch, _) => wrong("true or false"),
        (ParamKind::Int { .. }, _) => wrong("a whole number"),
        (ParamKind::Seed, _) => wrong("a whole number"),
        (ParamKind::Float { .. }, _) => wrong("a number"),
        (ParamKind::Choice(_) | ParamKind::Text { .. } | ParamKind::Column { .. }, _) => wrong("text"),
        (ParamKind::Columns { .. } | ParamKind::File { .. } | ParamKind::Grid, _) => {
            Err(format!("{name} cannot be swept\n  help: sweep a number, a switch or a choice"))
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
        _ => None,
    }
}

/// The pipeline with a trial's settings.
pub fn apply(
    pipeline: &Pipeline,
    catalogue: &Catalogue,
    space: &Space,
    settings: &Settings,
) -> Result<Pipeline, String> {
    let mut changed = pipeline.clone();
    for (name, value) in settings {
        let Some(dimension) = space.dimension(name) else { continue };
        if dimension.is_input {
            let source = dimension.source(value).ok_or_else(|| format!("{} names no output", text_of(value)))?;
            let edit = Edit::Connect(source, InPort::new(&dimension.node, &dimension.param));
            changed.apply(edit).map_err(|error| error.to_string())?;
            continue;
        }
        let value = fitting(param(dimension, pipeline, catalogue)?, value)?;
        let edit = Edit::SetParam(dimension.node.clone(), dimension.param.clone(), Some(value));
        changed.apply(edit).map_err(|error| error.to_string())?;
    }
    Ok(changed)
}

/// As `--set` takes it.
pub fn as_setting(space: &Space, name: &str, value: &Value) -> String {
    let place = space
        .dimension(name)
        .map_or_else(|| name.to_owned(), |dimension| format!("{}.{}", dimension.node, dimension.param));
    format!("{place}={}", text_of(value))
}

/// As a search space writes it.
pub fn as_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(truth) => Json::from(*truth),
        Value::Int(n) => Json::from(*n),
        Value::Float(x) => Json::from(*x),
        Value::Text(_) | Value::Columns(_) | Value::File(_) => Json::from(text_of(value)),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::None => "none".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(text) => text.clone(),
        Value::Columns(_) => "a choice of columns".into(),
        Value::File(file) => file.name.clone(),
    }
}

/// The node that a metric names, and the metric's own name there.
pub fn node_of<'a>(metric: &'a str, pipeline: &Pipeline) -> Option<(NodeId, &'a str)> {
    let (node, name) = metric.split_once('.')?;
    let id = NodeId::new(node).ok()?;
    pipeline.node(&id).map(|_| (id, name))
}

/// Whether objectives name nodes that there are. What those report shows when they run.
pub fn check_objectives(objectives: &[Objective], pipeline: &Pipeline) -> Result<()> {
    for objective in objectives {
        if let Some((node, _)) = objective.metric.split_once('.')
            && node_of(&objective.metric, pipeline).is_none()
            // `precision.2` is a metric of a second input.
            && !objective.metric.ends_with(".2")
        {
            return Err(anyhow!("objective {}: {}", objective.metric, values::no_such_node(pipeline, node)));
        }
    }
    Ok(())
}
