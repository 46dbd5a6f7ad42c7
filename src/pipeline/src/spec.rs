//! What a component is, as data: the palette, the inspector, the command line and the checks
//! are drawn from this alone.

use std::collections::BTreeMap;

use schema::Kind;
use serde::{Deserialize, Serialize};

use crate::Value;

/// A component's description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// `family.name`, for instance `transform.normalize-data`. Never changes.
    pub id: String,
    /// Goes up when the meaning of a parameter or a port changes.
    pub version: u32,
    /// Shown in the palette and on the node.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Help for the inspector: paragraphs separated by blank lines; `code`, *emphasis* and `- ` lists.
    pub help: String,
    /// Other words under which people look for it.
    pub keywords: Vec<String>,
    /// Where it stands in the palette.
    pub family: Family,
    /// Name of its icon in the sprite (Lucide's names).
    pub icon: String,
    /// What it needs.
    pub inputs: Vec<PortSpec>,
    /// What it gives.
    pub outputs: Vec<PortSpec>,
    /// What can be set.
    pub params: Vec<ParamSpec>,
    /// The node's one-line summary: text with `{param}` in braces, e.g. `{n_trees} trees · depth {max_depth}`.
    pub caption: String,
    /// Equal inputs, parameters and seed give equal results, so that a result may be reused.
    pub is_deterministic: bool,
    /// What a GPU may do for what comes of it.
    pub acceleration: Acceleration,
}

/// What a GPU may do for a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Acceleration {
    /// Nothing.
    #[default]
    None,
    /// Some of the work, and what comes of it is the same to the last bit.
    Exact,
    /// Some of the work, which it rounds otherwise: results are kept apart.
    Rounded,
    /// It trains networks, which rounds otherwise too, and is worth finding out how fast the GPU is.
    Networks,
}

/// The families of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Where tables come from.
    Data,
    /// What changes tables.
    Prepare,
    /// Untrained learners.
    Learn,
    /// Training and scoring.
    Score,
    /// Judging.
    Evaluate,
}

impl Family {
    /// In palette order.
    pub const ALL: [Self; 5] = [Self::Data, Self::Prepare, Self::Learn, Self::Score, Self::Evaluate];

    /// The word shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Prepare => "Prepare",
            Self::Learn => "Learn",
            Self::Score => "Score",
            Self::Evaluate => "Evaluate",
        }
    }

    /// The suffix of the family's colour token, `--fam-…`.
    pub fn token(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Prepare => "prepare",
            Self::Learn => "learn",
            Self::Score => "score",
            Self::Evaluate => "evaluate",
        }
    }
}

/// What flows through a port. Edges join equal types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortType {
    /// Rows and columns.
    Table,
    /// A learner that has seen no data yet.
    Learner,
    /// A clustering algorithm that has seen no data yet.
    Clusterer,
    /// A trained model.
    Model,
    /// A trained clustering.
    Clustering,
    /// A fitted transform.
    Transformation,
    /// Figures that judge a model.
    Evaluation,
}

impl PortType {
    /// With its article, as in "gives a table".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::Learner => "an untrained learner",
            Self::Clusterer => "an untrained clustering",
            Self::Model => "a trained model",
            Self::Clustering => "a trained clustering",
            Self::Transformation => "a transformation",
            Self::Evaluation => "an evaluation",
        }
    }
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// Unique among the inputs, or among the outputs, of its component.
    pub name: String,
    /// What flows through it.
    pub port_type: PortType,
    /// An input that may stay open.
    pub optional: bool,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamSpec {
    /// `snake_case`; the name in files and on the command line.
    pub name: String,
    /// Sentence case.
    pub label: String,
    /// One or two sentences on the consequence of changing it.
    pub help: String,
    /// The value when nothing is set.
    pub default: Value,
    /// What it may be, and so which control shows it.
    pub kind: ParamKind,
    /// Shown, and used, only while all of these hold.
    pub when: Vec<Condition>,
}

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ParamKind {
    /// `Value::Bool`.
    Switch,
    /// `Value::Int` from `min` to `max`; with `optional` also `Value::None`, shown as "no limit".
    Int {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
        /// May be left open.
        optional: bool,
        /// A slider would be logarithmic.
        log: bool,
    },
    /// `Value::Float` from `min` to `max`; with `optional` also `Value::None`.
    Float {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
        /// May be left open.
        optional: bool,
        /// A slider would be logarithmic.
        log: bool,
    },
    /// `Value::Text` with the value of one of these.
    Choice(Vec<Choice>),
    /// `Value::Text`, one line or several.
    Text {
        /// Several lines.
        multiline: bool,
    },
    /// `Value::Int`: where the random stream starts.
    Seed,
    /// `Value::Text` with the name of one column of the input `port`, or `Value::None`.
    Column {
        /// The input it is picked from.
        port: String,
        /// Offered kinds; empty for all.
        kinds: Vec<Kind>,
        /// May be left open, for "the column with the role of target" and the like.
        optional: bool,
    },
    /// `Value::Columns` over the input `port`.
    Columns {
        /// The input they are picked from.
        port: String,
        /// Offered kinds; empty for all.
        kinds: Vec<Kind>,
    },
    /// `Value::File`, or `Value::None` until one is chosen.
    File {
        /// Extensions without dots.
        extensions: Vec<String>,
    },
    /// `Value::Text` holding comma-separated values, edited as a small grid.
    Grid,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Saved.
    pub value: String,
    /// Shown.
    pub label: String,
}

/// Another parameter's values under which a parameter counts, or an input that must be connected for it to be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The other parameter, or the input.
    pub param: String,
    /// The values under which this one counts; none for an input.
    pub values: Vec<Value>,
}

impl Spec {
    /// The input with this name.
    pub fn input(&self, name: &str) -> Option<&PortSpec> {
        self.inputs.iter().find(|port| port.name == name)
    }

    /// The output with this name.
    pub fn output(&self, name: &str) -> Option<&PortSpec> {
        self.outputs.iter().find(|port| port.name == name)
    }

    /// The parameter with this name.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// All components there are, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    specs: BTreeMap<String, Spec>,
}

impl Catalogue {
    /// A catalogue of these components.
    pub fn new(specs: impl IntoIterator<Item = Spec>) -> Self {
        Self { specs: specs.into_iter().map(|spec| (spec.id.clone(), spec)).collect() }
    }

    /// The component with this id.
    pub fn get(&self, id: &str) -> Option<&Spec> {
        self.specs.get(id)
    }

    /// Every component, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Spec> {
        self.specs.values()
    }
}

/// The words in which components describe themselves.
impl Spec {
    /// A component without ports and parameters.
    pub fn new(id: &str, version: u32, family: Family, title: &str) -> Self {
        Self {
            id: id.into(),
            version,
            title: title.into(),
            summary: String::new(),
            help: String::new(),
            keywords: Vec::new(),
            family,
            icon: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            params: Vec::new(),
            caption: String::new(),
            is_deterministic: true,
            acceleration: Acceleration::None,
        }
    }

    /// One sentence.
    pub fn with_summary(mut self, summary: &str) -> Self {
        self.summary = summary.into();
        self
    }

    /// Help for the inspector.
    pub fn with_help(mut self, help: &str) -> Self {
        self.help = help.into();
        self
    }

    /// Other words under which people look for it, separated by spaces.
    pub fn with_keywords(mut self, keywords: &str) -> Self {
        self.keywords = keywords.split_whitespace().map(Into::into).collect();
        self
    }

    /// The icon's name in the sprite.
    pub fn with_icon(mut self, icon: &str) -> Self {
        self.icon = icon.into();
        self
    }

    /// The node's one-line summary.
    pub fn with_caption(mut self, caption: &str) -> Self {
        self.caption = caption.into();
        self
    }

    /// Its results differ from one computation to the next, as those of a service do; they are never reused.
    pub fn not_deterministic(mut self) -> Self {
        self.is_deterministic = false;
        self
    }

    /// What a GPU may do for it.
    pub fn accelerated(mut self, acceleration: Acceleration) -> Self {
        self.acceleration = acceleration;
        self
    }

    /// One more input.
    pub fn with_input(mut self, port: impl Into<PortSpec>) -> Self {
        self.inputs.push(port.into());
        self
    }

    /// One more output.
    pub fn with_output(mut self, port: impl Into<PortSpec>) -> Self {
        self.outputs.push(port.into());
        self
    }

    /// One more parameter.
    pub fn with_param(mut self, param: impl Into<ParamSpec>) -> Self {
        self.params.push(param.into());
        self
    }
}
