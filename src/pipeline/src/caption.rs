//! A node's one-line summary, and values in words.

use schema::ColumnSelection;

use crate::{InPort, Node, NodeId, ParamKind, ParamSpec, Pipeline, Spec, Value};

/// The node's one-line summary: its spec's caption with values in place of `{param}`. Parts between ` · ` whose
/// parameters do not count at the moment are left out.
pub fn caption(spec: &Spec, node: &Node) -> String {
    let parts = spec.caption.split(" · ").filter_map(|part| {
        let mut text = String::new();
        let mut rest = part;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            let param = spec.param(name)?;
            if !counts(spec, node, param) {
                return None;
            }
            text.push_str(&value_in_words(param, node.value(param)));
            rest = after;
        }
        text.push_str(rest);
        Some(text).filter(|text| !text.trim().is_empty())
    });
    parts.collect::<Vec<_>>().join(" · ")
}

/// Whether a parameter counts: those that it depends on count and have one of the values named.
pub fn counts(spec: &Spec, node: &Node, param: &ParamSpec) -> bool {
    // A chain of conditions is as long as there are parameters at most; one that bites its tail ends there.
    counts_within(spec, node, param, spec.params.len())
}

/// Whether the inputs are connected without which a parameter says nothing.
pub fn is_fed(pipeline: &Pipeline, node: &NodeId, param: &ParamSpec) -> bool {
    let mut inputs = param.when.iter().filter(|condition| condition.values.is_empty());
    inputs.all(|input| pipeline.source(&InPort { node: node.clone(), port: input.param.clone() }).is_some())
}

fn counts_within(spec: &Spec, node: &Node, param: &ParamSpec, n_links: usize) -> bool {
    param.when.iter().all(|condition| {
        spec.param(&condition.param).is_none_or(|other| {
            condition.values.contains(node.value(other))
                && (n_links == 0 || counts_within(spec, node, other, n_links - 1))
        })
    })
}

/// A value as the inspector and the card say it.
pub fn value_in_words(param: &ParamSpec, value: &Value) -> String {
    match (value, &param.kind) {
        (Value::None, ParamKind::Int { .. } | ParamKind::Float { .. }) => "no limit".into(),
        (Value::None, ParamKind::File { .. }) => "no file yet".into(),
        (Value::None, ParamKind::Column { optional: false, .. }) => "no column yet".into(),
        (Value::None, ParamKind::Column { optional: true, .. }) => "automatic".into(),
        (Value::None, _) => "none".into(),
        (Value::Bool(truth), _) => if *truth { "on" } else { "off" }.into(),
        (Value::Int(n), ParamKind::Seed) => n.to_string(),
        (Value::Int(n), _) => grouped(*n),
        (Value::Float(x), _) => number_in_words(*x),
        (Value::Text(text), ParamKind::Choice(options)) => {
            let option = options.iter().find(|option| option.value == *text);
            option.map_or_else(|| text.clone(), |option| option.label.clone())
        }
        (Value::Text(text), ParamKind::Grid) => {
            let n = text.lines().filter(|line| !line.trim().is_empty()).count().saturating_sub(1);
            format!("{} row{}", grouped(n as i64), if n == 1 { "" } else { "s" })
        }
        (Value::Text(text), _) => {
            let line = text.lines().next().unwrap_or_default();
            if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line.into() }
        }
        (Value::Columns(selection), _) => match selection {
            ColumnSelection::All => "all columns".into(),
            ColumnSelection::Names(names) => match names.as_slice() {
                [] => "no columns yet".into(),
                [one] => one.clone(),
                [one, other] => format!("{one}, {other}"),
                several => format!("{} columns", several.len()),
            },
            ColumnSelection::Except(names) => match names.as_slice() {
                [] => "all columns".into(),
                [one] => format!("all but {one}"),
                several => format!("all but {} columns", several.len()),
            },
            ColumnSelection::Kinds(kinds) => match kinds.as_slice() {
                [] => "no columns yet".into(),
                kinds => format!("{} columns", kinds.iter().map(|kind| kind.label()).collect::<Vec<_>>().join(" and ")),
            },
        },
        (Value::File(file), _) => file.name.clone(),
    }
}

/// A whole number with its thousands set apart.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (digit_idx, digit) in digits.chars().enumerate() {
        if digit_idx > 0 && (digits.len() - digit_idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A real number in as few digits as bring it back; very small and very large ones with an exponent.
pub fn number_in_words(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let size = x.abs();
    if (1e-4..1e9).contains(&size) { format!("{x}") } else { format!("{x:e}") }
}
