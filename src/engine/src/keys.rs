//! Typed keys: a port or a parameter is declared once as a constant, and everything else
//! (spec, default, check, form field, saved name) follows from it.

use std::marker::PhantomData;

use pipeline::{Choice, Condition, Node, ParamKind, ParamSpec, PortSpec, Spec, Value};
use protocol::Failure;
use schema::{ColumnSelection, Kind};

use crate::{JobError, Port};

/// An input.
pub struct In<T> {
    pub(crate) name: &'static str,
    optional: bool,
    port: PhantomData<fn() -> T>,
}

/// An output.
pub struct Out<T> {
    pub(crate) name: &'static str,
    port: PhantomData<fn() -> T>,
}

impl<T> In<T> {
    /// An input that must be connected.
    pub const fn new(name: &'static str) -> Self {
        Self { name, optional: false, port: PhantomData }
    }

    /// It may stay open.
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Out<T> {
    /// An output.
    pub const fn new(name: &'static str) -> Self {
        Self { name, port: PhantomData }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for In<T> {}
impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}

impl<T: Port> From<In<T>> for PortSpec {
    fn from(key: In<T>) -> Self {
        Self { name: key.name.into(), port_type: T::TYPE, optional: key.optional }
    }
}

impl<T: Port> From<Out<T>> for PortSpec {
    fn from(key: Out<T>) -> Self {
        Self { name: key.name.into(), port_type: T::TYPE, optional: false }
    }
}

/// A type that a parameter's value reads as.
pub trait ParamValue: Sized {
    /// Out of a checked value.
    fn from_value(value: &Value) -> Option<Self>;
}

impl ParamValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
}

impl ParamValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }
}

impl ParamValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|n| n.try_into().ok())
    }
}

impl ParamValue for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|n| n.try_into().ok())
    }
}

impl ParamValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(x) => Some(*x),
            Value::Int(n) => Some(*n as f64),
            _ => None,
        }
    }
}

impl ParamValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl ParamValue for ColumnSelection {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Columns(selection) => Some(selection.clone()),
            _ => None,
        }
    }
}

impl ParamValue for pipeline::FileRef {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::File(file) => Some(file.clone()),
            _ => None,
        }
    }
}

impl<T: ParamValue> ParamValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// What is set on a node, read by typed keys.
#[derive(Clone, Copy, Debug)]
pub struct NodeParams<'a> {
    spec: &'a Spec,
    node: &'a Node,
}

impl<'a> NodeParams<'a> {
    /// Of a node that places the component of this spec.
    pub fn new(spec: &'a Spec, node: &'a Node) -> Self {
        Self { spec, node }
    }

    /// The component.
    pub fn spec(self) -> &'a Spec {
        self.spec
    }

    /// The node.
    pub fn node(self) -> &'a Node {
        self.node
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// A value of the wrong type, which `check` has already told.
    pub fn param<T: ParamValue>(self, param: Param<T>) -> Result<T, JobError> {
        let spec = self.spec.param(param.name);
        spec.and_then(|spec| T::from_value(self.node.value(spec))).ok_or_else(|| {
            Failure::new(
                format!("the parameter `{}` has a value of the wrong type", param.name),
                "Set it again in the inspector.",
            )
            .into()
        })
    }
}

#[derive(Clone, Copy)]
enum Default {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    AllColumns,
    Kinds(&'static [Kind]),
}

#[derive(Clone, Copy)]
enum Shape {
    Switch,
    Int { min: i64, max: i64, optional: bool, log: bool },
    Float { min: f64, max: f64, optional: bool, log: bool },
    Choice(&'static [(&'static str, &'static str)]),
    Text { multiline: bool },
    Seed,
    Column { port: &'static str, kinds: &'static [Kind], optional: bool },
    Columns { port: &'static str, kinds: &'static [Kind] },
    File(&'static [&'static str]),
    Grid,
}

/// A parameter. `const N_TREES: Param<u32> = Param::int("n_trees", 100).range(1, 2_000).label("Number of trees")`.
pub struct Param<T> {
    pub(crate) name: &'static str,
    label: &'static str,
    help: &'static str,
    default: Default,
    shape: Shape,
    when: [Option<(&'static str, &'static [&'static str])>; 2],
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Param<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Param<T> {}

impl<T> Param<T> {
    const fn new(name: &'static str, default: Default, shape: Shape) -> Self {
        Self { name, label: name, help: "", default, shape, when: [None; 2], value: PhantomData }
    }

    /// The label in the inspector.
    pub const fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// The consequence of changing it.
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Counts only while the choice (or, as `"true"`/`"false"`, the switch) `param` has one of these values. Said twice,
    /// both must hold.
    pub const fn when(mut self, param: &'static str, values: &'static [&'static str]) -> Self {
        let [first, second] = &mut self.when;
        *if first.is_none() { first } else { second } = Some((param, values));
        self
    }

    /// Shown only while the input is connected.
    pub const fn when_connected(self, input: &'static str) -> Self {
        self.when(input, &[])
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its label.
    pub const fn title(&self) -> &'static str {
        self.label
    }
}

impl Param<bool> {
    /// On or off.
    pub const fn switch(name: &'static str, default: bool) -> Self {
        Self::new(name, Default::Bool(default), Shape::Switch)
    }
}

impl Param<u32> {
    /// A whole number.
    pub const fn int(name: &'static str, default: i64) -> Self {
        Self::new(name, Default::Int(default), Shape::Int { min: 0, max: 1_000_000, optional: false, log: false })
    }
}

impl Param<Option<u32>> {
    /// A whole number that may be left open; open by default.
    pub const fn optional_int(name: &'static str) -> Self {
        Self::new(name, Default::None, Shape::Int { min: 0, max: 1_000_000, optional: true, log: false })
    }

    /// A default other than open.
    pub const fn default(mut self, default: i64) -> Self {
        self.default = Default::Int(default);
        self
    }
}

impl Param<u64> {
    /// Where the random stream starts.
    pub const fn seed(name: &'static str, default: i64) -> Self {
        Self::new(name, Default::Int(default), Shape::Seed)
    }
}

impl Param<f64> {
    /// A real number.
    pub const fn float(name: &'static str, default: f64) -> Self {
        Self::new(
            name,
            Default::Float(default),
            Shape::Float { min: f64::MIN, max: f64::MAX, optional: false, log: false },
        )
    }

    /// Smallest and largest allowed.
    pub const fn range(mut self, min: f64, max: f64) -> Self {
        if let Shape::Float { min: low, max: high, .. } = &mut self.shape {
            *low = min;
            *high = max;
        }
        self
    }

    /// A slider would be logarithmic.
    pub const fn log(mut self) -> Self {
        if let Shape::Float { log, .. } = &mut self.shape {
            *log = true;
        }
        self
    }
}

macro_rules! int_range {
    ($type:ty) => {
        impl Param<$type> {
            /// Smallest and largest allowed.
            pub const fn range(mut self, min: i64, max: i64) -> Self {
                if let Shape::Int { min: low, max: high, .. } = &mut self.shape {
                    *low = min;
                    *high = max;
                }
                self
            }

            /// A slider would be logarithmic.
            pub const fn log(mut self) -> Self {
                if let Shape::Int { log, .. } = &mut self.shape {
                    *log = true;
                }
                self
            }
        }
    };
}
int_range!(u32);
int_range!(Option<u32>);

impl Param<String> {
    /// One of some options, as (saved, shown).
    pub const fn choice(
        name: &'static str,
        options: &'static [(&'static str, &'static str)],
        default: &'static str,
    ) -> Self {
        Self::new(name, Default::Text(default), Shape::Choice(options))
    }

    /// One line of text.
    pub const fn text(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Default::Text(default), Shape::Text { multiline: false })
    }

    /// A small table as comma-separated values.
    pub const fn grid(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Default::Text(default), Shape::Grid)
    }
}

impl Param<Option<String>> {
    /// One column of the input `port`; `optional` if it may stay open.
    pub const fn column(name: &'static str, port: &'static str, kinds: &'static [Kind], optional: bool) -> Self {
        Self::new(name, Default::None, Shape::Column { port, kinds, optional })
    }
}

impl Param<ColumnSelection> {
    /// Columns of the input `port`; all of these kinds by default.
    pub const fn columns(name: &'static str, port: &'static str, kinds: &'static [Kind]) -> Self {
        let default = if kinds.is_empty() { Default::AllColumns } else { Default::Kinds(kinds) };
        Self::new(name, default, Shape::Columns { port, kinds })
    }
}

impl Param<Option<pipeline::FileRef>> {
    /// A file of the user's.
    pub const fn file(name: &'static str, extensions: &'static [&'static str]) -> Self {
        Self::new(name, Default::None, Shape::File(extensions))
    }
}

impl<T> From<Param<T>> for ParamSpec {
    fn from(key: Param<T>) -> Self {
        let default = match key.default {
            Default::None => Value::None,
            Default::Bool(truth) => Value::Bool(truth),
            Default::Int(n) => Value::Int(n),
            Default::Float(x) => Value::Float(x),
            Default::Text(text) => Value::Text(text.into()),
            Default::AllColumns => Value::Columns(ColumnSelection::All),
            Default::Kinds(kinds) => Value::Columns(ColumnSelection::Kinds(kinds.to_vec())),
        };
        let kind = match key.shape {
            Shape::Switch => ParamKind::Switch,
            Shape::Int { min, max, optional, log } => ParamKind::Int { min, max, optional, log },
            Shape::Float { min, max, optional, log } => ParamKind::Float { min, max, optional, log },
            Shape::Choice(options) => ParamKind::Choice(
                options.iter().map(|&(value, label)| Choice { value: value.into(), label: label.into() }).collect(),
            ),
            Shape::Text { multiline } => ParamKind::Text { multiline },
            Shape::Seed => ParamKind::Seed,
            Shape::Column { port, kinds, optional } => {
                ParamKind::Column { port: port.into(), kinds: kinds.to_vec(), optional }
            }
            Shape::Columns { port, kinds } => ParamKind::Columns { port: port.into(), kinds: kinds.to_vec() },
            Shape::File(extensions) => {
                ParamKind::File { extensions: extensions.iter().map(|&extension| extension.into()).collect() }
            }
            Shape::Grid => ParamKind::Grid,
        };
        let conditions = key.when.into_iter().flatten().map(|(param, values)| Condition {
            param: param.into(),
            values: values
                .iter()
                .map(|&value| match value {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    text => Value::Text(text.into()),
                })
                .collect(),
        });
        let when = conditions.collect();
        Self { name: key.name.into(), label: key.label.into(), help: key.help.into(), default, kind, when }
    }
}
