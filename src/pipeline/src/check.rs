//! Everything that is wrong with a pipeline, at once.

use std::collections::BTreeSet;

use schema::ColumnSelection;
use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::caption::{counts, number_in_words};
use crate::{Catalogue, InPort, Node, NodeId, ParamKind, ParamSpec, Pipeline, PortType, Spec, Value};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// The node cannot run.
    Error,
    /// It can run, and the user should know.
    Warning,
}

/// One thing that is wrong, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `P001` and so on; stable.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// The parameter or port of that node.
    pub place: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Problem {
    /// As a compiler prints it: what, where, and the way out.
    pub fn rendered(&self, file: &str) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = match (&self.node, &self.place) {
            (Some(node), Some(place)) => format!("{file}: node `{node}`, `{place}`"),
            (Some(node), None) => format!("{file}: node `{node}`"),
            (None, _) => file.to_owned(),
        };
        let help = if self.help.is_empty() { String::new() } else { format!("  help: {}\n", self.help) };
        format!("{word}[{}]: {}\n  --> {place}\n{help}", self.code, self.message)
    }
}

/// What can be told from the document and the catalogue alone: unknown components and parameters,
/// values out of range, open inputs, ports that do not exist or do not fit. By node, then by code.
pub fn check(pipeline: &Pipeline, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (id, node) in pipeline.nodes() {
        let Some(spec) = catalogue.get(&node.component) else {
            problems.push(Problem {
                code: "P001".into(),
                severity: Severity::Error,
                node: Some(id.clone()),
                place: None,
                message: format!("this version of Millrace does not know the component `{}`", node.component),
                help: match nearest(&node.component, catalogue.iter().map(|spec| spec.id.as_str())) {
                    Some(id) => format!("did you mean `{id}`? Its settings are kept until then"),
                    None => "open it with a version that has it, or delete the node; its settings are kept".into(),
                },
            });
            continue;
        };
        let mut about = About { id, problems: &mut problems };
        versions(&mut about, node, spec);
        params(&mut about, pipeline, node, spec);
        inputs(&mut about, pipeline, catalogue, spec);
        outputs(&mut about, pipeline, spec);
    }
    for (name, parameter) in pipeline.parameters() {
        let (severity, code, message, help) = if !parameter.kind.takes(&parameter.default) {
            let (found, kind) = (found(&parameter.default), parameter.kind.word());
            let message = format!("the pipeline parameter `{name}` is of the kind {kind}, but its default is {found}");
            (Severity::Error, "P013", message, "give it a default of its kind")
        } else if pipeline.bound_to(name).next().is_none() {
            let message = format!("the pipeline parameter `{name}` is bound to nothing, so its value changes nothing");
            (Severity::Warning, "P012", message, "bind a node's parameter to it, or take it away")
        } else {
            continue;
        };
        let (code, help) = (code.into(), help.into());
        problems.push(Problem { code, severity, node: None, place: Some(name.clone()), message, help });
    }
    problems
}

/// Collects the problems of one node.
struct About<'a> {
    id: &'a NodeId,
    problems: &'a mut Vec<Problem>,
}

impl About<'_> {
    fn say(&mut self, code: &str, severity: Severity, place: Option<&str>, message: String, help: impl Into<String>) {
        self.problems.push(Problem {
            code: code.into(),
            severity,
            node: Some(self.id.clone()),
            place: place.map(Into::into),
            message,
            help: help.into(),
        });
    }

    fn error(&mut self, code: &str, place: &str, message: String, help: impl Into<String>) {
        self.say(code, Severity::Error, Some(place), message, help);
    }
}

fn versions(about: &mut About, node: &Node, spec: &Spec) {
    if node.version > spec.version {
        let message = format!(
            "the node was made with version {} of {}, and this is version {}",
            node.version, spec.title, spec.version
        );
        about.say(
            "P002",
            Severity::Warning,
            None,
            message,
            "open it with a newer version of Millrace if its results matter",
        );
    } else if node.version < spec.version {
        let message = format!(
            "the node was made with version {} of {}, and nothing brings it to version {}",
            node.version, spec.title, spec.version
        );
        about.say("P002", Severity::Warning, None, message, "look its settings over, or place the component anew");
    }
}

fn params(about: &mut About, pipeline: &Pipeline, node: &Node, spec: &Spec) {
    for name in node.params.keys().filter(|name| spec.param(name).is_none()) {
        let message = format!("{} has no parameter `{name}`", spec.title);
        let help = match nearest(name, spec.params.iter().map(|param| param.name.as_str())) {
            Some(other) => format!("did you mean `{other}`?"),
            None => "it has no effect and can be taken away".into(),
        };
        about.say("P003", Severity::Warning, Some(name), message, help);
    }
    for param in &spec.params {
        if counts(spec, node, param) {
            let n_before = about.problems.len();
            value(about, param, node.value(param));
            if let Some(name) = pipeline.binding(about.id, &param.name) {
                for problem in &mut about.problems[n_before..] {
                    problem.help.push_str(&format!("; the pipeline parameter `{name}` sets it"));
                }
            }
        }
    }
}

/// Complains about a value that its parameter does not take.
fn value(about: &mut About, param: &ParamSpec, value: &Value) {
    let (name, label) = (&param.name, &param.label);
    let range = |about: &mut About, shown: String, low: String, high: String| {
        let message = format!("{label} is {shown}, and must be from {low} to {high}");
        about.error("P005", name, message, format!("set it to a number from {low} to {high}"));
    };
    match (&param.kind, value) {
        (ParamKind::Int { optional: true, .. } | ParamKind::Float { optional: true, .. }, Value::None) => {}
        (ParamKind::Column { optional: true, .. }, Value::None) => {}
        (ParamKind::Switch, Value::Bool(_)) | (ParamKind::Seed, Value::Int(_)) => {}
        (ParamKind::Text { .. } | ParamKind::Grid, Value::Text(_)) => {}
        (ParamKind::Int { min, max, .. }, Value::Int(n)) => {
            if n < min || n > max {
                range(about, n.to_string(), min.to_string(), max.to_string());
            }
        }
        (ParamKind::Float { min, max, .. }, Value::Int(_) | Value::Float(_)) => {
            let x = if let Value::Int(n) = value {
                *n as f64
            } else if let Value::Float(x) = value {
                *x
            } else {
                f64::NAN
            };
            if !(x >= *min && x <= *max) {
                range(about, number_in_words(x), number_in_words(*min), number_in_words(*max));
            }
        }
        (ParamKind::Choice(options), Value::Text(text)) => {
            if options.iter().all(|option| option.value != *text) {
                let all: Vec<_> = options.iter().map(|option| format!("`{}`", option.value)).collect();
                let message = format!("{label} is `{text}`, which is none of its choices");
                about.error("P006", name, message, format!("choose one of {}", all.join(", ")));
            }
        }
        (ParamKind::Column { .. }, Value::Text(text)) if !text.is_empty() => {}
        (ParamKind::Column { optional: true, .. }, Value::Text(_)) => {}
        (ParamKind::Column { port, .. }, Value::None | Value::Text(_)) => {
            let message = format!("{label}: no column is chosen");
            about.error("P010", name, message, format!("choose a column of the table that arrives at `{port}`"));
        }
        (ParamKind::Columns { port, .. }, Value::Columns(selection)) => {
            let is_empty = match selection {
                ColumnSelection::Names(names) => names.is_empty(),
                ColumnSelection::Kinds(kinds) => kinds.is_empty(),
                ColumnSelection::All | ColumnSelection::Except(_) => false,
            };
            if is_empty {
                let message = format!("{label}: no columns are chosen");
                about.error("P010", name, message, format!("choose columns of the table that arrives at `{port}`"));
            }
        }
        (ParamKind::File { .. }, Value::File(_)) => {}
        (ParamKind::File { extensions }, Value::None) => {
            let kinds: Vec<_> = extensions.iter().map(|extension| format!(".{extension}")).collect();
            let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
            let message = format!("{label}: no file is chosen");
            about.error("P011", name, message, format!("choose a file{kinds}, or drop one on the page"));
        }
        (kind, value) => {
            let message = format!("{label} takes {}, but is set to {}", takes(kind), found(value));
            about.error(
                "P004",
                name,
                message,
                format!("set it anew, or give it back its default ({})", crate::value_in_words(param, &param.default)),
            );
        }
    }
}

fn takes(kind: &ParamKind) -> &'static str {
    match kind {
        ParamKind::Switch => "on or off",
        ParamKind::Int { .. } | ParamKind::Seed => "a whole number",
        ParamKind::Float { .. } => "a number",
        ParamKind::Choice(_) => "one of its choices",
        ParamKind::Text { .. } | ParamKind::Grid => "text",
        ParamKind::Column { .. } => "the name of a column",
        ParamKind::Columns { .. } => "a selection of columns",
        ParamKind::File { .. } => "a file",
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::None => "nothing".into(),
        Value::Bool(truth) => if *truth { "on" } else { "off" }.into(),
        Value::Int(n) => format!("the number {n}"),
        Value::Float(x) => format!("the number {}", number_in_words(*x)),
        Value::Text(text) if text.chars().count() > 40 => "a long text".into(),
        Value::Text(text) => format!("the text {text:?}"),
        Value::Columns(_) => "a selection of columns".into(),
        Value::File(file) => format!("the file {:?}", file.name),
    }
}

fn inputs(about: &mut About, pipeline: &Pipeline, catalogue: &Catalogue, spec: &Spec) {
    let id = about.id;
    for port in &spec.inputs {
        let Some(from) = pipeline.source(&InPort::new(id, &port.name)) else {
            if !port.optional {
                let message = format!(
                    "{} needs {} at its input `{}`, and nothing is connected to it",
                    spec.title,
                    port.port_type.phrase(),
                    port.name
                );
                about.error("P008", &port.name, message, giver(port.port_type));
            }
            continue;
        };
        // A source that is not known, or has no such output, is told at the source.
        let source = pipeline.node(&from.node).and_then(|node| catalogue.get(&node.component));
        let Some(gives) = source.and_then(|source| source.output(&from.port)) else { continue };
        if gives.port_type != port.port_type {
            let message = format!(
                "`{from}` gives {}, but `{id}.{}` takes {}",
                gives.port_type.phrase(),
                port.name,
                port.port_type.phrase()
            );
            about.error("P007", &port.name, message, giver(port.port_type));
        }
    }
    for to in pipeline.edges().keys().filter(|to| to.node == *id && spec.input(&to.port).is_none()) {
        let names: Vec<_> = spec.inputs.iter().map(|port| format!("`{}`", port.name)).collect();
        let message = format!("{} has no input `{}`", spec.title, to.port);
        let help = if names.is_empty() {
            "it has no inputs; disconnect it".into()
        } else {
            format!("connect to {} instead", names.join(" or "))
        };
        about.error("P009", &to.port, message, help);
    }
}

fn outputs(about: &mut About, pipeline: &Pipeline, spec: &Spec) {
    let id = about.id;
    let unknown: BTreeSet<_> = pipeline
        .edges()
        .values()
        .filter(|from| from.node == *id && spec.output(&from.port).is_none())
        .map(|from| from.port.clone())
        .gather();
    for port in unknown {
        let names: Vec<_> = spec.outputs.iter().map(|port| format!("`{}`", port.name)).collect();
        let message = format!("{} has no output `{port}`", spec.title);
        about.error("P009", &port, message, format!("connect {} instead", names.join(" or ")));
    }
}

/// Where what an input takes comes from.
fn giver(wanted: PortType) -> &'static str {
    match wanted {
        PortType::Table => "connect the table of a Data or Prepare node",
        PortType::Learner => "connect a node of the family Learn, such as Decision Forest",
        PortType::Clusterer => "connect a node that finds clusters, such as K-Means",
        PortType::Model => "connect the `model` output of a Train Model node",
        PortType::Clustering => "connect the `clustering` output of a Train Clustering Model node",
        PortType::Transformation => "connect the `transformation` output of a Prepare node",
        PortType::Evaluation => "connect the `evaluation` output of an Evaluate Model node",
    }
}

/// The name that is few keystrokes away.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (wanted.chars().count() / 3).max(1);
    names.map(|name| (n_keystrokes(wanted, name), name)).filter(|(n, _)| *n <= most).min().map(|(_, name)| name)
}

/// Letters to add, take away, replace, or swap with their neighbour (Damerau's distance, each letter moved once).
fn n_keystrokes(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}
