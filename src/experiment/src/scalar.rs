//! One value of a run, as lists and comparisons show it.

use std::cmp::Ordering;
use std::fmt;

use pipeline::{Catalogue, Node, NodeId, ParamSpec, Pipeline, Spec, Value, counts, number_in_words, value_in_words};

/// A number, a truth, a text, or that nothing was chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar {
    /// Left open, such as a depth without limit.
    #[default]
    None,
    /// On or off.
    Truth(bool),
    /// A number; whole ones too.
    Number(f64),
    /// Text, or a list of columns or a file in words.
    Text(String),
}

impl Scalar {
    /// The value of a parameter; what is neither number nor short text is told in words.
    pub fn of(value: &Value, spec: Option<&ParamSpec>) -> Self {
        match (value, spec) {
            (Value::None, _) => Self::None,
            (Value::Bool(truth), _) => Self::Truth(*truth),
            (Value::Int(n), _) => Self::Number(*n as f64),
            (Value::Float(x), _) => Self::Number(*x),
            (Value::Text(text), _) if text.len() <= 80 && !text.contains('\n') => Self::Text(text.clone()),
            (Value::Text(_) | Value::Columns(_) | Value::File(_), Some(spec)) => {
                Self::Text(value_in_words(spec, value))
            }
            (Value::Text(text), None) => Self::Text(text.lines().next().unwrap_or_default().chars().take(80).collect()),
            (Value::Columns(_), None) => Self::Text("columns".into()),
            (Value::File(file), None) => Self::Text(file.name.clone()),
        }
    }

    /// The value without owning it.
    pub fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::None => Cell::None,
            Self::Truth(truth) => Cell::Truth(*truth),
            Self::Number(x) => Cell::Number(*x),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

/// One value of one run in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// The run has no such thing.
    Missing,
    /// It has, and it was left open.
    None,
    /// On or off.
    Truth(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(&'a str),
}

impl Cell<'_> {
    /// Whether there is nothing to sort or to compare by.
    pub fn is_empty(self) -> bool {
        match self {
            Self::Missing | Self::None => true,
            Self::Number(x) => x.is_nan(),
            Self::Truth(_) | Self::Text(_) => false,
        }
    }

    /// The value on its own; none if the run has no such thing.
    pub fn to_scalar(self) -> Option<Scalar> {
        match self {
            Self::Missing => None,
            Self::None => Some(Scalar::None),
            Self::Truth(truth) => Some(Scalar::Truth(truth)),
            Self::Number(x) => Some(Scalar::Number(x)),
            Self::Text(text) => Some(Scalar::Text(text.into())),
        }
    }

    /// The number, if it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(x) if !x.is_nan() => Some(x),
            Self::Number(_) | Self::Missing | Self::None | Self::Truth(_) | Self::Text(_) => None,
        }
    }

    /// Truths, then numbers, then texts (whatever their case), then what is empty.
    pub fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) if !a.is_nan() && !b.is_nan() => a.total_cmp(&b),
            (Self::Truth(a), Self::Truth(b)) => a.cmp(&b),
            (Self::Text(a), Self::Text(b)) if a == b => Ordering::Equal,
            (Self::Text(a), Self::Text(b)) => folded(a).cmp(folded(b)).then_with(|| a.cmp(b)),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Truth(_) => 0,
            Self::Number(x) if !x.is_nan() => 1,
            Self::Text(_) => 2,
            Self::None => 3,
            Self::Missing | Self::Number(_) => 4,
        }
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("–"),
            Self::None => f.write_str("none"),
            Self::Truth(truth) => f.write_str(if *truth { "on" } else { "off" }),
            Self::Number(x) => f.write_str(&number_in_words(*x)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Every parameter of a node that counts, defaults too; of an unknown component those that are set.
pub(crate) fn settings_of<'a>(
    node: &'a Node,
    spec: Option<&'a Spec>,
) -> Vec<(&'a str, Option<&'a ParamSpec>, &'a Value)> {
    match spec {
        Some(spec) => {
            let counting = spec.params.iter().filter(|param| counts(spec, node, param));
            counting.map(|param| (param.name.as_str(), Some(param), node.value(param))).collect()
        }
        None => node.params.iter().map(|(name, value)| (name.as_str(), None, value)).collect(),
    }
}

/// A node's name for people: its title, else its component's.
pub(crate) fn title_of(node: &Node, catalogue: &Catalogue) -> String {
    match (&node.title, catalogue.get(&node.component)) {
        (Some(title), _) => title.clone(),
        (None, Some(spec)) => spec.title.clone(),
        (None, None) => node.component.clone(),
    }
}

/// A node of a pipeline by its name for people; its id if it is not there.
pub(crate) fn title_in(pipeline: &Pipeline, id: &NodeId, catalogue: &Catalogue) -> String {
    pipeline.node(id).map_or_else(|| id.to_string(), |node| title_of(node, catalogue))
}
