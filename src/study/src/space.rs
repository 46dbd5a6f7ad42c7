//! What is varied, and over which values.

use std::collections::BTreeMap;

use pipeline::{Edit, InPort, NodeId, OutPort, Value};
use serde::{Deserialize, Serialize};

/// Values by the name of their dimension.
pub type Settings = BTreeMap<String, Value>;

/// Everything that is varied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Space {
    /// In the order in which they are shown.
    pub dimensions: Vec<Dimension>,
}

/// One parameter that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Unique, and how trials name the value: `forest.n_trees`.
    pub name: String,
    /// The node whose parameter it is.
    pub node: NodeId,
    /// The parameter, or the input.
    pub param: String,
    /// It is an input of the node, and each value names what feeds it: `forest`, or `split.train` where the output has
    /// another name than the input.
    #[serde(default)]
    pub is_input: bool,
    /// The values, and how often each is drawn.
    pub distribution: Distribution,
    /// It counts only while another dimension has one of these values.
    pub when: Option<When>,
    /// It takes the value of that dimension instead of one of its own.
    pub same_as: Option<String>,
}

/// Values of another dimension under which a dimension counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// The other dimension.
    pub dimension: String,
    /// The values under which this one counts.
    pub values: Vec<Value>,
}

/// The values of a dimension, in the words of the sweep schema. Below, U is uniform from `min_value` to `max_value`
/// and N is normal with mean `mu` and standard deviation `sigma`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// One of the values, each as often.
    Choice {
        /// The values.
        values: Vec<Value>,
    },
    /// A whole number from 0 to `upper` − 1, each as often.
    RandInt {
        /// The first that is not drawn.
        upper: u64,
    },
    /// U.
    Uniform {
        /// Smallest.
        min_value: f64,
        /// Largest.
        max_value: f64,
    },
    /// round(U / q) · q.
    QUniform {
        /// Smallest before rounding.
        min_value: f64,
        /// Largest before rounding.
        max_value: f64,
        /// The step.
        q: f64,
    },
    /// exp(U): the bounds are exponents.
    LogUniform {
        /// Logarithm of the smallest.
        min_value: f64,
        /// Logarithm of the largest.
        max_value: f64,
    },
    /// round(exp(U) / q) · q: the bounds are exponents.
    QLogUniform {
        /// Logarithm of the smallest before rounding.
        min_value: f64,
        /// Logarithm of the largest before rounding.
        max_value: f64,
        /// The step.
        q: f64,
    },
    /// N.
    Normal {
        /// Mean.
        mu: f64,
        /// Standard deviation.
        sigma: f64,
    },
    /// round(N / q) · q.
    QNormal {
        /// Mean before rounding.
        mu: f64,
        /// Standard deviation before rounding.
        sigma: f64,
        /// The step.
        q: f64,
    },
    /// exp(N).
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// round(exp(N) / q) · q.
    QLogNormal {
        /// Mean of the logarithm before rounding.
        mu: f64,
        /// Standard deviation of the logarithm before rounding.
        sigma: f64,
        /// The step.
        q: f64,
    },
}

impl Space {
    /// The dimension with this name.
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == name)
    }

    /// The dimensions, each after those that it waits for. Dimensions that wait for each other are left out.
    pub fn in_order(&self) -> Vec<&Dimension> {
        let mut ordered: Vec<&Dimension> = Vec::new();
        let mut left: Vec<&Dimension> = self.dimensions.iter().collect();
        loop {
            let is_ready = |dimension: &&Dimension| {
                dimension.waits_for().all(|name| ordered.iter().any(|earlier| earlier.name == name))
            };
            let (ready, later): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
            if ready.is_empty() {
                return ordered;
            }
            ordered.extend(ready);
            left = later;
        }
    }

    /// Settings made by asking `draw` for every dimension that counts and is not coupled to another.
    pub fn settle(&self, mut draw: impl FnMut(&Dimension) -> Value) -> Settings {
        let mut settings = Settings::new();
        for dimension in self.in_order() {
            if !dimension.counts(&settings) {
                continue;
            }
            let value = match &dimension.same_as {
                Some(source) => settings.get(source).cloned(),
                None => Some(draw(dimension)),
            };
            if let Some(value) = value {
                settings.insert(dimension.name.clone(), value);
            }
        }
        settings
    }

    /// What gives a pipeline these settings. A setting of no dimension, or that can stand for nothing, is left out.
    pub fn edits(&self, settings: &Settings) -> Vec<Edit> {
        let edit = |dimension: &Dimension| dimension.edit(settings.get(&dimension.name)?);
        self.dimensions.iter().filter_map(edit).collect()
    }

    /// How many different settings there are; none for infinitely many. A dimension that does not count adds nothing,
    /// and neither does a coupled one. As many as a `u64` holds at most.
    pub fn n_combinations(&self) -> Option<u64> {
        let ordered = self.in_order();
        let roots = ordered.iter().filter(|dimension| dimension.same_as.is_none() && dimension.when.is_none());
        roots.map(|root| n_below(&ordered, root)).try_fold(1u64, |n, below| Some(n.saturating_mul(below?)))
    }
}

impl Dimension {
    /// A dimension that always counts and is not coupled.
    pub fn new(node: NodeId, param: &str, distribution: Distribution) -> Self {
        let name = format!("{node}.{param}");
        Self { name, node, param: param.into(), is_input: false, distribution, when: None, same_as: None }
    }

    /// One over what feeds an input.
    pub fn of_input(node: NodeId, input: &str, sources: &[&str]) -> Self {
        let values = sources.iter().map(|source| Value::Text((*source).into())).collect();
        Self { is_input: true, ..Self::new(node, input, Distribution::Choice { values }) }
    }

    /// The output that a value of an input's dimension names; none where it can name none.
    pub fn source(&self, value: &Value) -> Option<OutPort> {
        let Value::Text(source) = value else { return None };
        let (node, port) = source.split_once('.').unwrap_or((source, &self.param));
        Some(OutPort::new(&NodeId::new(node).ok()?, port))
    }

    fn edit(&self, value: &Value) -> Option<Edit> {
        Some(match self.is_input {
            true => Edit::Connect(self.source(value)?, InPort::new(&self.node, &self.param)),
            false => Edit::SetParam(self.node.clone(), self.param.clone(), Some(value.clone())),
        })
    }

    /// It counts only while another dimension has one of these values.
    pub fn when(mut self, dimension: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.when = Some(When { dimension: dimension.into(), values: values.into_iter().collect() });
        self
    }

    /// It takes the value of another dimension.
    pub fn same_as(mut self, dimension: &str) -> Self {
        self.same_as = Some(dimension.into());
        self
    }

    /// Whether it counts beside these values of the dimensions before it.
    pub fn counts(&self, settings: &Settings) -> bool {
        let holds = |when: &When| settings.get(&when.dimension).is_some_and(|value| when.values.contains(value));
        self.when.as_ref().is_none_or(holds) && self.same_as.as_ref().is_none_or(|source| settings.contains_key(source))
    }

    /// The dimensions whose values must be known before its own.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.when.as_ref().map(|when| when.dimension.as_str()).into_iter().chain(self.same_as.as_deref())
    }
}

impl Distribution {
    /// The name in the sweep schema.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Choice { .. } => "choice",
            Self::RandInt { .. } => "randint",
            Self::Uniform { .. } => "uniform",
            Self::QUniform { .. } => "quniform",
            Self::LogUniform { .. } => "loguniform",
            Self::QLogUniform { .. } => "qloguniform",
            Self::Normal { .. } => "normal",
            Self::QNormal { .. } => "qnormal",
            Self::LogNormal { .. } => "lognormal",
            Self::QLogNormal { .. } => "qlognormal",
        }
    }

    /// The step, where values are multiples of one.
    pub fn step(&self) -> Option<f64> {
        match self {
            Self::RandInt { .. } => Some(1.0),
            Self::QUniform { q, .. }
            | Self::QLogUniform { q, .. }
            | Self::QNormal { q, .. }
            | Self::QLogNormal { q, .. } => Some(*q),
            Self::Choice { .. }
            | Self::Uniform { .. }
            | Self::LogUniform { .. }
            | Self::Normal { .. }
            | Self::LogNormal { .. } => None,
        }
    }

    /// Whether its values spread evenly on a logarithmic axis.
    pub fn is_log(&self) -> bool {
        match self {
            Self::LogUniform { .. } | Self::QLogUniform { .. } | Self::LogNormal { .. } | Self::QLogNormal { .. } => {
                true
            }
            Self::Choice { .. }
            | Self::RandInt { .. }
            | Self::Uniform { .. }
            | Self::QUniform { .. }
            | Self::Normal { .. }
            | Self::QNormal { .. } => false,
        }
    }

    /// How many values there are to enumerate: of a choice, of whole numbers, and of steps between bounds.
    pub fn n_values(&self) -> Option<u64> {
        match self {
            Self::Choice { values } => Some(distinct(values).len() as u64),
            Self::RandInt { upper } => Some(*upper),
            Self::QUniform { .. } => {
                let (first, last) = self.multiples()?;
                Some((last - first) as u64 + 1)
            }
            Self::Uniform { .. }
            | Self::LogUniform { .. }
            | Self::QLogUniform { .. }
            | Self::Normal { .. }
            | Self::QNormal { .. }
            | Self::LogNormal { .. }
            | Self::QLogNormal { .. } => None,
        }
    }

    /// The `idx`th of the values counted by [`n_values`](Self::n_values).
    pub fn value(&self, idx: u64) -> Option<Value> {
        if idx >= self.n_values()? {
            return None;
        }
        match self {
            Self::Choice { values } => distinct(values).into_iter().nth(idx as usize).cloned(),
            Self::RandInt { .. } => i64::try_from(idx).ok().map(Value::Int),
            Self::QUniform { q, .. } => self.multiples().map(|(first, _)| multiple(first + idx as f64, *q)),
            Self::Uniform { .. }
            | Self::LogUniform { .. }
            | Self::QLogUniform { .. }
            | Self::Normal { .. }
            | Self::QNormal { .. }
            | Self::LogNormal { .. }
            | Self::QLogNormal { .. } => None,
        }
    }

    /// The values counted by [`n_values`](Self::n_values), of which there may be a million at most.
    pub fn values(&self) -> Option<Vec<Value>> {
        let n = self.n_values().filter(|n| *n <= 1_000_000)?;
        match self {
            Self::Choice { values } => Some(distinct(values).into_iter().cloned().collect()),
            _ => (0..n).map(|idx| self.value(idx)).collect(),
        }
    }

    /// The first and last whole k for which k · q is a value, where there are bounds.
    pub fn multiples(&self) -> Option<(f64, f64)> {
        let step = |x: f64, q: f64| (x / q).round_ties_even();
        let bounds = match self {
            Self::RandInt { upper } => (0.0, upper.saturating_sub(1) as f64),
            Self::QUniform { min_value, max_value, q } => (step(*min_value, *q), step(*max_value, *q)),
            Self::QLogUniform { min_value, max_value, q } => (step(min_value.exp(), *q), step(max_value.exp(), *q)),
            Self::Choice { .. }
            | Self::Uniform { .. }
            | Self::LogUniform { .. }
            | Self::Normal { .. }
            | Self::QNormal { .. }
            | Self::LogNormal { .. }
            | Self::QLogNormal { .. } => return None,
        };
        (bounds.0.is_finite() && bounds.1.is_finite() && bounds.0 <= bounds.1).then_some(bounds)
    }

    /// The smallest and largest value, for an axis; for a normal one, four standard deviations to either side.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let around = |mu: f64, sigma: f64| (mu - 4.0 * sigma, mu + 4.0 * sigma);
        let ends = match self {
            Self::Choice { values } => {
                let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
                let numbers = numbers.filter(|numbers| !numbers.is_empty())?;
                let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
                (low, numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            }
            Self::RandInt { .. } | Self::QUniform { .. } | Self::QLogUniform { .. } => {
                let (first, last) = self.multiples()?;
                let q = self.step()?;
                (number(&multiple(first, q))?, number(&multiple(last, q))?)
            }
            Self::Uniform { min_value, max_value } => (*min_value, *max_value),
            Self::LogUniform { min_value, max_value } => (min_value.exp(), max_value.exp()),
            Self::Normal { mu, sigma } | Self::QNormal { mu, sigma, .. } => around(*mu, *sigma),
            Self::LogNormal { mu, sigma } | Self::QLogNormal { mu, sigma, .. } => {
                let (low, high) = around(*mu, *sigma);
                (low.exp(), high.exp())
            }
        };
        Some(ends)
    }

    /// Whether it can give this value.
    pub fn contains(&self, value: &Value) -> bool {
        // The page and the engine may differ in the last bit of an exponential.
        const SLACK: f64 = 1e-9;
        if let Self::Choice { values } = self {
            return values.contains(value);
        }
        let Some(x) = number(value).filter(|x| x.is_finite()) else { return false };
        let is_multiple = |q: f64| multiple((x / q).round_ties_even(), q) == *value;
        match self {
            Self::Choice { .. } => false,
            Self::RandInt { upper } => matches!(value, Value::Int(n) if *n >= 0 && (*n as u64) < *upper),
            Self::Uniform { min_value, max_value } => (*min_value..=*max_value).contains(&x),
            Self::QUniform { q, .. } | Self::QLogUniform { q, .. } => {
                let between = |(first, last): (f64, f64)| (first..=last).contains(&(x / q).round_ties_even());
                is_multiple(*q) && self.multiples().is_some_and(between)
            }
            Self::LogUniform { min_value, max_value } => {
                x > 0.0 && (*min_value - SLACK..=*max_value + SLACK).contains(&x.ln())
            }
            Self::Normal { .. } => true,
            Self::QNormal { q, .. } => is_multiple(*q),
            Self::LogNormal { .. } => x > 0.0,
            Self::QLogNormal { q, .. } => x >= 0.0 && is_multiple(*q),
        }
    }
}

/// k · q as a parameter takes it: a whole number where `q` is one, else the number nearest to the product of k and q
/// as they are written, so that 3 · 0.1 is 0.3.
pub fn multiple(k: f64, q: f64) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let product = k * q;
    if q.fract() == 0.0 && product.abs() <= WHOLE {
        return Value::Int(product as i64);
    }
    // Both parts of the decimal are whole and small, so that the division rounds once.
    let digits = format!("{q}");
    let n_after = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let mantissa: Option<f64> = digits.replace('.', "").parse().ok();
    match mantissa {
        Some(mantissa) if n_after <= 15 && (k * mantissa).abs() <= WHOLE => {
            let ten = (0..n_after).fold(1.0, |power: f64, _| power * 10.0);
            Value::Float(k * mantissa / ten + 0.0)
        }
        _ => Value::Float(product + 0.0),
    }
}

/// The combinations of a dimension and of those that count under its values. Every dimension has one condition at
/// most, so that conditions form trees and each value's subtrees multiply.
fn n_below(ordered: &[&Dimension], dimension: &Dimension) -> Option<u64> {
    let children: Vec<_> = ordered
        .iter()
        .filter(|child| child.same_as.is_none())
        .filter_map(|child| child.when.as_ref().map(|when| (*child, when)))
        .filter(|(_, when)| when.dimension == dimension.name)
        .collect();
    if children.is_empty() {
        return dimension.distribution.n_values();
    }
    let values = dimension.distribution.values()?;
    values.iter().try_fold(0u64, |sum, value| {
        let counting = children.iter().filter(|(_, when)| when.values.contains(value));
        let product = counting
            .map(|(child, _)| n_below(ordered, child))
            .try_fold(1u64, |product, below| Some(product.saturating_mul(below?)))?;
        Some(sum.saturating_add(product))
    })
}

pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        Value::None | Value::Bool(_) | Value::Text(_) | Value::Columns(_) | Value::File(_) => None,
    }
}

/// The values without repetitions.
fn distinct(values: &[Value]) -> Vec<&Value> {
    let mut seen: Vec<&Value> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
