//! Why a fit is not possible, and the way out.

use schema::{ColumnNotFound, Kind};

use crate::Stopped;

/// Why a fit is not possible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The target is not in the table.
    #[error(transparent)]
    ColumnNotFound(#[from] ColumnNotFound),
    /// The table is empty.
    #[error("the table has no rows")]
    NoRows,
    /// Nothing to learn from.
    #[error("the table has no column with the role of a feature beside the target")]
    NoFeatures,
    /// A feature cannot become numbers.
    #[error("column {name:?} is {}, and a learner needs numbers or categories", .kind.label())]
    FeatureKind {
        /// Which.
        name: String,
        /// Text or date-time.
        kind: Kind,
    },
    /// A feature has no value at all.
    #[error("column {name:?} has no value in any row")]
    NoValues {
        /// Which.
        name: String,
    },
    /// A feature lacks values.
    #[error("column {name:?} has {n} missing value{}, the first in row {}", plural(*.n), .row_idx + 1)]
    MissingFeature {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// How many.
        n: usize,
    },
    /// A feature is infinite.
    #[error("column {name:?} has {n} infinite value{}, the first is {value} in row {}", plural(*.n), .row_idx + 1)]
    InfiniteFeature {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
        /// How many.
        n: usize,
    },
    /// The numbers would not fit into memory.
    #[error("the features become {n_rows} × {n_columns} numbers, more than {limit}; the widest is {name:?}")]
    TooLarge {
        /// Rows.
        n_rows: usize,
        /// Columns after categories have become indicators.
        n_columns: usize,
        /// Numbers that fit.
        limit: usize,
        /// The column with the most indicators.
        name: String,
    },
    /// A row has no label.
    #[error("the target {name:?} has {n} missing value{}, the first in row {}", plural(*.n), .row_idx + 1)]
    MissingLabel {
        /// The target.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// How many.
        n: usize,
    },
    /// A label is infinite.
    #[error("the target {name:?} is {value} in row {}, expected a finite number", .row_idx + 1)]
    InfiniteLabel {
        /// The target.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
    },
    /// Every row is of one class.
    #[error("every row of the target {name:?} is {class:?}, expected at least two classes")]
    OneClass {
        /// The target.
        name: String,
        /// The class.
        class: String,
    },
    /// More classes than anybody wants.
    #[error("the target {name:?} has {n} classes, expected at most {limit}")]
    TooManyClasses {
        /// The target.
        name: String,
        /// How many.
        n: usize,
        /// How many may be.
        limit: usize,
    },
    /// The learner predicts something else.
    #[error("{learner} predicts {predicts}, but the target {name:?} is {}", .kind.label())]
    TargetKind {
        /// The learner's title.
        learner: &'static str,
        /// "classes" or "numbers".
        predicts: &'static str,
        /// The target.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// Two columns claim to be the row weights.
    #[error("columns {first:?} and {second:?} both have the role of a weight")]
    TwoWeights {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// The weights are no numbers.
    #[error("the weight {name:?} is {}, expected numbers", .kind.label())]
    WeightKind {
        /// The column.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// A weight is missing, negative or infinite.
    #[error("the weight {name:?} is {found} in row {}, expected a number of at least 0", .row_idx + 1)]
    Weight {
        /// The column.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// "missing" or the number.
        found: String,
    },
    /// No row counts.
    #[error("every row of the weight {name:?} is 0")]
    NoWeight {
        /// The column.
        name: String,
    },
    /// A setting makes no sense.
    #[error("{name} is {found}, expected {expected}")]
    Setting {
        /// Its label.
        name: &'static str,
        /// What was set.
        found: String,
        /// What may be set.
        expected: &'static str,
    },
    /// More neighbours or clusters than rows.
    #[error("{what} is {k}, but there {} only {n} {rows}", if *.n == 1 { "is" } else { "are" })]
    TooFewRows {
        /// "the number of clusters".
        what: &'static str,
        /// What was set.
        k: usize,
        /// Rows there are.
        n: usize,
        /// "rows" or "distinct rows".
        rows: &'static str,
    },
    /// The method cannot take as many columns.
    #[error("{n_columns} columns are too many for this method, expected at most {limit}")]
    TooWide {
        /// After categories have become indicators.
        n_columns: usize,
        /// How many may be.
        limit: usize,
    },
    /// The model would not fit into memory.
    #[error("the model grows beyond {limit} numbers after {n_trees} trees")]
    ModelTooLarge {
        /// Numbers that fit.
        limit: usize,
        /// Trees grown until then.
        n_trees: usize,
    },
    /// Numbers too large to compute with.
    #[error("the numbers are too large: their squares are beyond what a 64-bit number holds")]
    Overflow,
    /// It ran out of iterations.
    #[error("no solution after {n_iterations} iterations")]
    NotConverged {
        /// How many.
        n_iterations: usize,
    },
}

impl FitError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::Stopped(_) => "Run it again when you want its result.".into(),
            Self::ColumnNotFound(_) => "Choose a column that the table has.".into(),
            Self::NoRows => "Look at the steps before: a filter or a split may have left nothing.".into(),
            Self::NoFeatures => "Set the role of at least one column to feature with Edit Metadata.".into(),
            Self::FeatureKind { kind: Kind::Text, .. } => {
                "With Edit Metadata make it a category or set its role to ignored, or leave it out with Select Columns."
                    .into()
            }
            Self::FeatureKind { .. } => {
                "With Edit Metadata make it a number or set its role to ignored, or leave it out with Select Columns."
                    .into()
            }
            Self::NoValues { .. } => {
                "Leave it out with Select Columns, or set its role to ignored with Edit Metadata.".into()
            }
            Self::MissingFeature { .. } => {
                "Fill the gaps or drop the rows with Clean Missing Data before training.".into()
            }
            Self::InfiniteFeature { .. } => {
                "Correct the value in the data, or leave the column out with Select Columns.".into()
            }
            Self::TooLarge { name, .. } => {
                format!("Leave {name:?} out with Select Columns, or train on fewer rows with Split Data.")
            }
            Self::MissingLabel { .. } => "Drop those rows with Clean Missing Data: they have nothing to teach.".into(),
            Self::InfiniteLabel { .. } => "Correct the value in the data.".into(),
            Self::OneClass { .. } => {
                "Choose another target, or look whether a step before has dropped the other classes.".into()
            }
            Self::TooManyClasses { .. } => {
                "Choose another target, or train a regression if its values are quantities.".into()
            }
            Self::TargetKind { predicts: "classes", .. } => {
                "Make the target a category with Edit Metadata, or use a learner for numbers.".into()
            }
            Self::TargetKind { .. } => {
                "Choose a target of numbers, or use a learner for classes such as Logistic Regression.".into()
            }
            Self::TwoWeights { second, .. } => format!("Set the role of {second:?} to ignored with Edit Metadata."),
            Self::WeightKind { .. } => "Set its role to ignored with Edit Metadata, or choose another weight.".into(),
            Self::Weight { .. } => "Correct the value in the data, or give the column another role.".into(),
            Self::NoWeight { .. } => "Give at least one row a weight above 0, or give the column another role.".into(),
            Self::Setting { name, expected, .. } => format!("Set {name} to {expected}."),
            Self::TooFewRows { n, .. } => format!("Set it to {n} or less, or train on more rows."),
            Self::TooWide { .. } => {
                "Use fewer columns with Select Columns, or a Decision Forest, which takes any number.".into()
            }
            Self::ModelTooLarge { .. } => {
                "Grow fewer trees, limit their depth, or ask for more rows in each leaf.".into()
            }
            Self::Overflow => "Rescale the columns with Normalize Data.".into(),
            Self::NotConverged { .. } => "Rescale the columns with Normalize Data, or raise the penalty.".into(),
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
