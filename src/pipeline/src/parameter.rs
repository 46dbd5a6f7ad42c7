//! Parameters of a whole pipeline: declared once, bound to parameters of any number of nodes, and given anew for a run.
//!
//! A parameter of a node that is bound holds the default of the pipeline's parameter, so that whoever reads a node need
//! not know of any of this. To run with another value is to run the pipeline with another default.

use schema::ordered::Gather;
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Edit, EditError, NodeId, ParamKind, ParamSpec, Pipeline, Value};

/// A parameter of a pipeline, without its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Shown to people.
    pub label: String,
    /// What values it takes.
    pub kind: ParameterKind,
    /// What it is unless a run is given something else.
    pub default: Value,
}

/// What values a parameter of a pipeline takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterKind {
    /// On or off.
    Switch,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Text, one of several choices, the name of a column.
    Text,
    /// A selection of columns.
    Columns,
    /// A file.
    File,
}

impl ParameterKind {
    /// The one for a parameter of a node.
    pub fn of(kind: &ParamKind) -> Self {
        match kind {
            ParamKind::Switch => Self::Switch,
            ParamKind::Int { .. } | ParamKind::Seed => Self::Integer,
            ParamKind::Float { .. } => Self::Number,
            ParamKind::Choice(_) | ParamKind::Text { .. } | ParamKind::Column { .. } | ParamKind::Grid => Self::Text,
            ParamKind::Columns { .. } => Self::Columns,
            ParamKind::File { .. } => Self::File,
        }
    }

    /// The word in files and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Columns => "columns",
            Self::File => "file",
        }
    }

    /// Whether it takes a value. What may be left open, only the bound nodes know.
    pub fn takes(self, value: &Value) -> bool {
        match value {
            Value::None => true,
            Value::Bool(_) => self == Self::Switch,
            Value::Int(_) => matches!(self, Self::Integer | Self::Number),
            Value::Float(_) => self == Self::Number,
            Value::Text(_) => self == Self::Text,
            Value::Columns(_) => self == Self::Columns,
            Value::File(_) => self == Self::File,
        }
    }
}

/// Whether text names a parameter: one to 40 of `a-z 0-9 _`, a letter first.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl Pipeline {
    /// The parameters of a node that take the value of a parameter of the pipeline, by node and name.
    pub fn bound_to<'a>(&'a self, parameter: &'a str) -> impl Iterator<Item = &'a (NodeId, String)> {
        self.bindings.iter().filter(move |(_, name)| *name == parameter).map(|(place, _)| place)
    }

    /// The parameter of the pipeline that a node's parameter takes its value from.
    pub fn binding(&self, node: &NodeId, param: &str) -> Option<&str> {
        self.bindings.get(&(node.clone(), param.to_owned())).map(String::as_str)
    }

    /// A parameter of the pipeline as that of a node: its control and its range are those of the first parameter that
    /// is bound to it.
    pub fn parameter_spec(&self, name: &str, catalogue: &Catalogue) -> Option<ParamSpec> {
        let Parameter { label, kind, default } = self.parameters.get(name)?.clone();
        let bound = self.bound_to(name).find_map(|(node, param)| {
            catalogue
                .get(&self.node(node)?.component)?
                .param(param)
                .filter(|spec| ParameterKind::of(&spec.kind) == kind)
        });
        let (kind, help) = match bound {
            Some(spec) => (spec.kind.clone(), spec.help.clone()),
            None => (any(kind), String::new()),
        };
        Some(ParamSpec { name: name.into(), label, help, default, kind, when: Vec::new() })
    }

    /// A free name like this one: `n_trees`, then `n_trees_2`.
    pub fn free_parameter(&self, wanted: &str) -> String {
        let stem: String = wanted.chars().filter(|c| is_name(&format!("a{c}"))).take(36).collect();
        let stem = if is_name(&stem) { stem } else { format!("p{stem}") };
        let mut name = stem.clone();
        let mut n = 1;
        while self.parameters.contains_key(&name) {
            n += 1;
            name = format!("{stem}_{n}");
        }
        name
    }

    /// The edit that gives a parameter of the pipeline another name.
    pub fn rename_parameter(&self, old: &str, new: &str) -> Edit {
        let bind = |(node, param): &(NodeId, String)| Edit::Bind(node.clone(), param.clone(), Some(new.into()));
        let mut edits = vec![Edit::SetParameter(new.into(), self.parameters.get(old).cloned())];
        edits.extend(self.bound_to(old).map(bind));
        edits.push(Edit::SetParameter(old.into(), None));
        Edit::Batch(edits)
    }

    /// Declares, changes or, with `None`, takes away a parameter; what is bound to it keeps its value.
    pub(crate) fn set_parameter(&mut self, name: String, parameter: Option<Parameter>) -> Result<Edit, EditError> {
        if !is_name(&name) {
            return Err(EditError::ParameterName(name));
        }
        let bound: Vec<_> = self.bound_to(&name).cloned().collect();
        let Some(parameter) = parameter else {
            let before = self.parameters.remove(&name).ok_or_else(|| EditError::ParameterNotFound(name.clone()))?;
            let mut back = vec![Edit::SetParameter(name.clone(), Some(before))];
            for place in bound {
                self.bindings.remove(&place);
                back.push(Edit::Bind(place.0, place.1, Some(name.clone())));
            }
            return Ok(Edit::Batch(back));
        };
        for (node, param) in bound {
            self.node_mut(&node)?.params.insert(param, parameter.default.clone());
        }
        let before = self.parameters.insert(name.clone(), parameter);
        Ok(Edit::SetParameter(name, before))
    }

    /// Binds a parameter of a node, or with `None` lets it go with the value that it has.
    pub(crate) fn bind(&mut self, id: NodeId, param: String, to: Option<String>) -> Result<Edit, EditError> {
        let place = (id.clone(), param.clone());
        let Some(to) = to else {
            self.node_mut(&id)?;
            return Ok(Edit::Bind(id, param, self.bindings.remove(&place)));
        };
        let Some(Parameter { default, .. }) = self.parameters.get(&to).cloned() else {
            return Err(EditError::ParameterNotFound(to));
        };
        let value = self.node_mut(&id)?.params.insert(param.clone(), default);
        Ok(match self.bindings.insert(place, to) {
            Some(before) => Edit::Bind(id, param, Some(before)),
            None => Edit::Batch(vec![Edit::Bind(id.clone(), param.clone(), None), Edit::SetParam(id, param, value)]),
        })
    }

    /// What is to be done in place of setting a parameter of a node that is bound.
    pub(crate) fn set_bound(&self, id: &NodeId, param: &str, value: &Option<Value>) -> Option<Edit> {
        let name = self.binding(id, param)?;
        Some(match (value, self.parameters.get(name)) {
            (Some(value), Some(parameter)) => {
                Edit::SetParameter(name.into(), Some(Parameter { default: value.clone(), ..parameter.clone() }))
            }
            _ => Edit::Batch(vec![
                Edit::Bind(id.clone(), param.into(), None),
                Edit::SetParam(id.clone(), param.into(), value.clone()),
            ]),
        })
    }

    /// Lets everything of a node go; the edits that bind it again.
    pub(crate) fn unbind_node(&mut self, id: &NodeId) -> Vec<Edit> {
        let of_node = |place: &&(NodeId, String)| place.0 == *id;
        let places: Vec<_> = self.bindings.keys().filter(of_node).cloned().collect();
        let unbind = |place: (NodeId, String)| {
            let to = self.bindings.remove(&place);
            Edit::Bind(place.0, place.1, to)
        };
        places.into_iter().map(unbind).collect()
    }

    /// The nodes with those parameters alone that have a value of their own, as files and links hold them.
    pub(crate) fn nodes_unbound(&self) -> std::collections::BTreeMap<NodeId, crate::Node> {
        let mut nodes = self.nodes.clone();
        for (id, param) in self.bindings.keys() {
            if let Some(node) = nodes.get_mut(id) {
                node.params.remove(param);
            }
        }
        nodes
    }

    /// The same with parameters, from a file or a link: each with its name and what is bound to it.
    ///
    /// # Errors
    /// Names that are none, and bindings of nodes that there are not.
    pub(crate) fn with_parameters(mut self, declared: Vec<Declared>) -> Result<Self, EditError> {
        for (name, parameter, bound) in declared {
            self.apply(Edit::SetParameter(name.clone(), Some(parameter)))?;
            for (node, param) in bound {
                self.apply(Edit::Bind(node, param, Some(name.clone())))?;
            }
        }
        Ok(self)
    }

    /// Each parameter with its name and what is bound to it.
    pub(crate) fn declared(&self) -> Vec<Declared> {
        let bound = |name: &String| self.bound_to(name).cloned().gather::<Vec<_>>();
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.clone(), bound(name))).collect()
    }
}

/// A parameter's name, the parameter, and what is bound to it.
pub(crate) type Declared = (String, Parameter, Vec<(NodeId, String)>);

/// Any value of a kind.
fn any(kind: ParameterKind) -> ParamKind {
    match kind {
        ParameterKind::Switch => ParamKind::Switch,
        ParameterKind::Integer => ParamKind::Int { min: i64::MIN, max: i64::MAX, optional: false, log: false },
        ParameterKind::Number => ParamKind::Float { min: f64::MIN, max: f64::MAX, optional: false, log: false },
        ParameterKind::Text => ParamKind::Text { multiline: false },
        ParameterKind::Columns => ParamKind::Columns { port: String::new(), kinds: Vec::new() },
        ParameterKind::File => ParamKind::File { extensions: Vec::new() },
    }
}
