//! What can be varied: the parameters that an objective depends on.

use std::collections::BTreeSet;

use editor::Editor;
use pipeline::{Choice, Condition, Family, NodeId, ParamKind, ParamSpec, Pipeline, Spec, Value};

/// One parameter that can be varied.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// `forest.n_trees`, as its dimension is named.
    pub name: String,
    pub node: NodeId,
    pub param: String,
    pub node_title: String,
    pub label: String,
    /// Its value in words.
    pub now: String,
    /// Its value, where it is a number.
    pub figure: Option<f64>,
    pub kind: Kind,
    /// It counts as the pipeline stands.
    pub counts: bool,
    /// The other offer that it waits for, and under which of its values it counts.
    pub needs: Option<(String, Vec<Value>)>,
}

/// What kind of values a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number { is_whole: bool, min: f64, max: f64, is_log: bool, is_optional: bool },
    Options(Vec<Choice>),
    Switch,
}

impl Kind {
    /// Whether values of one may stand for the other's.
    pub fn shares(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number { is_whole, .. }, Self::Number { is_whole: other, .. }) => is_whole == other,
            (one, other) => one == other,
        }
    }
}

/// Whether a sweep may vary a parameter: of what prepares and learns, not of what reads or judges.
pub fn can_vary(spec: &Spec, param: &ParamSpec) -> bool {
    let is_step = spec.family != Family::Evaluate && spec.family != Family::Data;
    // A learner that stands for a range of its settings is no trial.
    is_step && param.name != "trainer_mode" && kind(param).is_some()
}

fn kind(param: &ParamSpec) -> Option<Kind> {
    Some(match &param.kind {
        ParamKind::Int { min, max, log, optional } => {
            Kind::Number { is_whole: true, min: *min as f64, max: *max as f64, is_log: *log, is_optional: *optional }
        }
        ParamKind::Float { min, max, log, optional } => {
            Kind::Number { is_whole: false, min: *min, max: *max, is_log: *log, is_optional: *optional }
        }
        ParamKind::Choice(choices) => Kind::Options(choices.clone()),
        ParamKind::Switch => Kind::Switch,
        ParamKind::Text { .. }
        | ParamKind::Seed
        | ParamKind::Column { .. }
        | ParamKind::Columns { .. }
        | ParamKind::File { .. }
        | ParamKind::Grid => return None,
    })
}

/// Every node that feeds this one, however far away.
pub fn rests_on(pipeline: &Pipeline, node: &NodeId) -> BTreeSet<NodeId> {
    let mut found = pipeline.feeding([node]);
    found.remove(node);
    found
}

/// Every parameter of a pipeline that can be varied, those of what learns first: they are varied most often.
pub fn offers(editor: &Editor, pipeline: &Pipeline) -> Vec<Offer> {
    let (mut learners, mut others) = (Vec::new(), Vec::new());
    for id in pipeline.topological_order() {
        let Some(placed) = pipeline.node(&id) else { continue };
        let Some(spec) = editor.catalogue().get(&placed.component) else { continue };
        let can_vary_here = |param: &&ParamSpec| can_vary(spec, param) && pipeline::is_fed(pipeline, &id, param);
        for param in spec.params.iter().filter(can_vary_here) {
            let counts = pipeline::counts(spec, placed, param);
            let name = |param: &str| format!("{id}.{param}");
            // A dimension waits for one other at most: the one that stands against it, else the nearest.
            let stands_against = |one: &&Condition| {
                spec.param(&one.param).is_some_and(|other| !one.values.contains(placed.value(other)))
            };
            let against: Vec<_> = param.when.iter().filter(stands_against).collect();
            let needs = match against.as_slice() {
                [] => param.when.last(),
                [one] => Some(*one),
                _ => None,
            };
            let needs = needs.filter(|one| spec.param(&one.param).is_some_and(|other| can_vary(spec, other)));
            let (Some(kind), true) = (kind(param), counts || needs.is_some()) else { continue };
            let value = placed.value(param);
            let offer = Offer {
                name: name(&param.name),
                node: id.clone(),
                param: param.name.clone(),
                node_title: editor.title(&id).to_owned(),
                label: param.label.clone(),
                now: pipeline::value_in_words(param, value),
                figure: match value {
                    Value::Int(n) => Some(*n as f64),
                    Value::Float(x) => Some(*x),
                    _ => None,
                },
                kind,
                counts,
                needs: needs.map(|one| (name(&one.param), one.values.clone())),
            };
            if spec.family == Family::Learn { learners.push(offer) } else { others.push(offer) }
        }
    }
    learners.append(&mut others);
    learners
}

impl Offer {
    /// A stretch around the value as it is; from the smallest on where none is set.
    pub fn range(&self) -> (f64, f64) {
        let Kind::Number { is_whole, min, max, is_log, .. } = self.kind else { return (0.0, 1.0) };
        let whole = |x: f64| if is_whole { x.floor() } else { x };
        let (low, high) = match self.figure {
            None if is_whole => (min + 1.0, min + 15.0),
            figure => {
                let factor = match (is_whole, is_log) {
                    (true, true) => 4.0,
                    (false, true) => 10.0,
                    (true | false, false) => 2.0,
                };
                let now = figure.unwrap_or(1.0);
                (whole(now / factor), now * factor)
            }
        };
        let (low, high) = (low.clamp(min, max), high.clamp(min, max));
        if low < high { (low, high) } else { (min, max.min(min + 1.0)) }
    }

    /// A value as it is typed.
    pub fn value(&self, text: &str) -> Result<Value, String> {
        let wrong = |what: &str| Err(format!("{}: {text:?} is nothing it can be; {what}", self.label));
        match &self.kind {
            Kind::Switch => match text {
                "on" => Ok(Value::Bool(true)),
                "off" => Ok(Value::Bool(false)),
                _ => wrong("it is on or off"),
            },
            Kind::Options(choices) => {
                let names: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
                if names.contains(&text) { Ok(Value::Text(text.into())) } else { wrong(&names.join(", ")) }
            }
            Kind::Number { is_optional: true, .. } if text == "none" => Ok(Value::None),
            Kind::Number { is_whole, .. } => match text.parse::<f64>() {
                Ok(x) if *is_whole && x.is_finite() && x.fract() == 0.0 => Ok(Value::Int(x as i64)),
                Ok(x) if !*is_whole && x.is_finite() => Ok(Value::Float(x)),
                Ok(_) | Err(_) => wrong(if *is_whole { "type a whole number, such as 10" } else { "type a number" }),
            },
        }
    }

    /// Values as they are typed, between commas.
    pub fn values(&self, text: &str) -> Result<Vec<Value>, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| self.value(part)).collect()
    }
}

/// Values as [`Offer::values`] reads them.
pub fn typed(values: &[Value]) -> String {
    let typed = values.iter().map(|value| match value {
        Value::Bool(on) => if *on { "on" } else { "off" }.into(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(text) => text.clone(),
        Value::None | Value::Columns(_) | Value::File(_) => "none".into(),
    });
    typed.collect::<Vec<String>>().join(", ")
}
