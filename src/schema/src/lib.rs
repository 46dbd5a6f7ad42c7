//! What a table looks like without its rows: named columns, each with a kind and a role.
//!
//! Plain data that every layer shares: tables carry it, models sign with it, and pipelines
//! let it flow through the graph before anything runs.

pub mod ordered;

use serde::{Deserialize, Serialize};

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Real numbers, 64-bit.
    Number,
    /// Whole numbers, 64-bit.
    Integer,
    /// True or false.
    Boolean,
    /// One of a list of names.
    Category,
    /// Free text.
    Text,
    /// A date, or a date with a time of day; milliseconds since 1970 without a time zone.
    DateTime,
}

impl Kind {
    /// Every kind, in the order in which choices are offered.
    pub const ALL: [Self; 6] = [Self::Number, Self::Integer, Self::Boolean, Self::Category, Self::Text, Self::DateTime];

    /// The word shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Text => "text",
            Self::DateTime => "date-time",
        }
    }

    /// Whether values can be added and averaged.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Number | Self::Integer)
    }
}

/// What a column is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A learner may look at it.
    #[default]
    Feature,
    /// What is to be predicted.
    Target,
    /// Names the row; no learner looks at it.
    Id,
    /// How much the row counts.
    Weight,
    /// Kept, and left out of training.
    Ignored,
}

impl Role {
    /// Every role, in the order in which choices are offered.
    pub const ALL: [Self; 5] = [Self::Feature, Self::Target, Self::Id, Self::Weight, Self::Ignored];

    /// The word shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Target => "target",
            Self::Id => "id",
            Self::Weight => "weight",
            Self::Ignored => "ignored",
        }
    }
}

/// One column, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Unique within its schema.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// What it is for.
    pub role: Role,
}

impl Column {
    /// A feature column.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, role: Role::Feature }
    }

    /// The same column with another role.
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

/// A name that no column has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column named {name:?}; the table has {}", list(.available))]
pub struct ColumnNotFound {
    /// The name that was looked for.
    pub name: String,
    /// The names there are.
    pub available: Vec<String>,
}

/// Up to eight quoted names, then how many more there are.
pub fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("no columns");
    }
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// The columns of a table, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schema {
    /// Invariant: names are unique. Kept by the readers and transforms that make schemas.
    pub columns: Vec<Column>,
}

impl Schema {
    /// A schema of these columns.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// The position of the column with this name.
    pub fn position(&self, name: &str) -> Result<usize, ColumnNotFound> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| ColumnNotFound { name: name.into(), available: self.names() })
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Result<&Column, ColumnNotFound> {
        self.position(name).map(|column_idx| &self.columns[column_idx])
    }

    /// All names, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The first column whose role is `Target`.
    pub fn target(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.role == Role::Target)
    }
}

/// Which columns a step works on: a rule, so that it still fits when the table changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnSelection {
    /// Every column.
    All,
    /// These, by name.
    Names(Vec<String>),
    /// All but these.
    Except(Vec<String>),
    /// Every column of one of these kinds.
    Kinds(Vec<Kind>),
}

impl ColumnSelection {
    /// Positions of the selected columns, in table order (in the given order for `Names`).
    ///
    /// # Errors
    /// A name that the schema does not have.
    pub fn resolve(&self, schema: &Schema) -> Result<Vec<usize>, ColumnNotFound> {
        match self {
            Self::All => Ok((0..schema.columns.len()).collect()),
            Self::Names(names) => names.iter().map(|name| schema.position(name)).collect(),
            Self::Except(names) => {
                let left_out = names.iter().map(|name| schema.position(name)).collect::<Result<Vec<_>, _>>()?;
                Ok((0..schema.columns.len()).filter(|column_idx| !left_out.contains(column_idx)).collect())
            }
            Self::Kinds(kinds) => Ok((0..schema.columns.len())
                .filter(|&column_idx| kinds.contains(&schema.columns[column_idx].kind))
                .collect()),
        }
    }
}
