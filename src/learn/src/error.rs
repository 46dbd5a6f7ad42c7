//! Why a fit is not possible, and the way out.

use model::{Image, ModelError};
use schema::{ColumnNotFound, Kind};
use table::number_text;

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
    /// A count is negative.
    #[error("column {name:?} is {} in row {}, and {learner} needs counts, which are at least 0", number_text(*.value), .row_idx + 1)]
    NegativeFeature {
        /// Which.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
        /// The learner's title.
        learner: &'static str,
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
    /// A count is negative.
    #[error("the target {name:?} is {} in row {}, and {learner} predicts counts, which are at least 0", number_text(*.value), .row_idx + 1)]
    NegativeLabel {
        /// The target.
        name: String,
        /// The first such row, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
        /// The learner's title.
        learner: &'static str,
    },
    /// Nothing was counted at all.
    #[error("the target {name:?} is 0 in every row")]
    NoCounts {
        /// The target.
        name: String,
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
    /// The weights have no sum.
    #[error("the weights {name:?} add up to more than a 64-bit number holds")]
    HeavyWeights {
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
    #[error("{what} is {k}, but there {} only {n} {rows}{}", if *.n == 1 { "is" } else { "are" }, plural(*.n))]
    TooFewRows {
        /// "the number of clusters".
        what: &'static str,
        /// What was set.
        k: usize,
        /// Rows there are.
        n: usize,
        /// "row" or "distinct row".
        rows: &'static str,
    },
    /// Distances to as many clusters would not fit into memory.
    #[error("there are {n} clusters, expected at most {limit}")]
    TooManyClusters {
        /// Clusters there are.
        n: usize,
        /// How many may be.
        limit: usize,
    },
    /// The method compares every row with every other, and keeps what it finds.
    #[error("{n} rows are too many for this method, which keeps the distance of every pair: expected at most {limit}")]
    TooManyRows {
        /// Rows there are.
        n: usize,
        /// How many may be.
        limit: usize,
    },
    /// More rows than places can be found for in a sensible time.
    #[error("{n} rows are too many for t-SNE, expected at most {limit}")]
    TooManyToPlace {
        /// Rows there are.
        n: usize,
        /// How many may be.
        limit: usize,
    },
    /// More neighbours are to count than there are rows.
    #[error("the perplexity is {perplexity}, but there are only {n} rows")]
    Perplexity {
        /// What was set.
        perplexity: f64,
        /// Rows there are.
        n: usize,
    },
    /// A normal distribution without extent in some direction.
    #[error("cluster {cluster} has lost its extent: its rows are all alike in some direction")]
    Collapsed {
        /// Counted from 0.
        cluster: usize,
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
    /// More components than there can be.
    #[error("{k} components are wanted of {n_columns} column{}", plural(*.n_columns))]
    TooManyComponents {
        /// What was set.
        k: usize,
        /// After categories have become indicators.
        n_columns: usize,
    },
    /// Nothing can differ.
    #[error("the table has one row")]
    OneRow,
    /// Anomalies are one of two classes.
    #[error("the target {name:?} has {n} classes, and {learner} knows two: anomalies and the rest")]
    NotTwoClasses {
        /// The target.
        name: String,
        /// How many.
        n: usize,
        /// The learner's title.
        learner: &'static str,
    },
    /// The learner looks for anomalies, and another was expected, or the other way round.
    #[error("{learner} does not look for anomalies")]
    NoAnomalies {
        /// The learner's title.
        learner: &'static str,
    },
    /// A learner that is made of others takes no such one.
    #[error("{outer} takes learners that predict {expected}, but {learner} {does}")]
    WrongPart {
        /// The title of the learner that is made of others.
        outer: &'static str,
        /// "classes", or "classes or numbers".
        expected: &'static str,
        /// The title of the other.
        learner: &'static str,
        /// "predicts numbers".
        does: &'static str,
    },
    /// Learners that are to work on the same task do not.
    #[error("{outer} takes learners of the same kind, but {first} predicts classes and {second} predicts numbers")]
    MixedParts {
        /// The title of the learner that is made of others.
        outer: &'static str,
        /// The title of one.
        first: &'static str,
        /// The title of another.
        second: &'static str,
    },
    /// Learners are made of learners without an end in sight.
    #[error("learners are made of learners more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// Too few rows of a class for each fold to have one.
    #[error("the class {class:?} of the target {name:?} has {n} row{}, and {learner} needs at least {needed} of each class", plural(*.n))]
    RareClass {
        /// The target.
        name: String,
        /// Which.
        class: String,
        /// Rows of it.
        n: usize,
        /// How many there must be.
        needed: usize,
        /// The learner's title.
        learner: &'static str,
    },
    /// One model cannot work on what another was trained on.
    #[error(transparent)]
    Prediction(#[from] ModelError),
    /// The network would not fit into memory.
    #[error("the network would have {n_weights} weights, expected at most {limit}")]
    NetworkTooLarge {
        /// Weights between all layers.
        n_weights: usize,
        /// How many may be.
        limit: usize,
    },
    /// The columns are not those of the image.
    #[error(
        "an image of {} × {} × {} has {} numbers, but there are {n_columns} columns",
        .image.height, .image.width, .image.n_channels, .image.n_numbers()
    )]
    ImageSize {
        /// What was set.
        image: Image,
        /// After categories have become indicators.
        n_columns: usize,
    },
    /// No square lies within the image.
    #[error(
        "stage {stage} takes squares of {size} × {size} pixels, but the image that reaches it has {} × {}",
        .image.height, .image.width
    )]
    SquaresTooLarge {
        /// Counted from 1.
        stage: usize,
        /// Pixels along a side of a square.
        size: usize,
        /// What reaches it.
        image: Image,
    },
    /// The loss grew beyond all numbers.
    #[error("the loss grew beyond all numbers: with a learning rate of {learning_rate}, steps are too long")]
    Diverged {
        /// What was set.
        learning_rate: f64,
    },
    /// Numbers too large to compute with.
    #[error("the numbers are too large: their squares are beyond what a 64-bit number holds")]
    Overflow,
    /// The same, with the one that is likeliest to be the cause.
    #[error("the numbers are too large to be computed with: column {name:?} is {} in row {}", number_text(*.value), .row_idx + 1)]
    HugeNumber {
        /// Which.
        name: String,
        /// The row with the largest number, counted from 0.
        row_idx: usize,
        /// What stands there.
        value: f64,
    },
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
            Self::NegativeFeature { .. } => {
                "Choose the Gaussian distribution, which takes any number, or rescale the columns to 0 to 1 with Normalize Data."
                    .into()
            }
            Self::TooLarge { name, .. } => {
                format!("Leave {name:?} out with Select Columns, or train on fewer rows with Split Data.")
            }
            Self::MissingLabel { .. } => "Drop those rows with Clean Missing Data: they have nothing to teach.".into(),
            Self::InfiniteLabel { .. } => "Correct the value in the data.".into(),
            Self::NegativeLabel { .. } => "Choose a target of counts, or use Linear Regression.".into(),
            Self::NoCounts { .. } => {
                "Choose another target, or look whether a step before has dropped the other rows.".into()
            }
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
            Self::HeavyWeights { .. } => "Divide the weights by a large number, or give the column another role.".into(),
            Self::Setting { name, expected, .. } => format!("Set {name} to {expected}."),
            // One row alone has no neighbour, and no fold beside its own.
            Self::TooFewRows { n: 0 | 1, .. } => "Train on more rows that differ from each other.".into(),
            Self::TooFewRows { n, .. } => format!("Set it to {n} or less, or train on more rows."),
            Self::TooManyClusters { .. } => {
                "Look for larger ones: raise the distance, or ask for fewer clusters.".into()
            }
            Self::TooManyRows { limit, .. } => format!(
                "Take up to {limit} of them with Partition and Sample, or use K-Means or DBSCAN, which take any number."
            ),
            Self::TooManyToPlace { limit, .. } => format!(
                "Take up to {limit} of them with Partition and Sample, or use Principal Component Analysis, which takes any number."
            ),
            Self::Perplexity { n, .. } => {
                format!("Set it to {} or less, a third of the rows, or take more rows.", (n / 3).max(1))
            }
            Self::Collapsed { .. } => {
                "Raise the regularization, ask for fewer clusters, or choose diagonal or spherical covariances.".into()
            }
            Self::TooWide { .. } => {
                "Use fewer columns with Select Columns, or a Decision Forest, which takes any number.".into()
            }
            Self::ModelTooLarge { .. } => {
                "Grow fewer trees, limit their depth, or ask for more rows in each leaf.".into()
            }
            Self::TooManyComponents { n_columns, .. } => {
                format!("Keep fewer components: with as many as columns ({n_columns}) nothing is left over.")
            }
            Self::OneRow => "Look at the steps before: a filter or a split may have left too little.".into(),
            Self::NotTwoClasses { .. } => {
                "Choose a column that says of each row whether it is an anomaly, or leave the label column open.".into()
            }
            Self::NoAnomalies { .. } => "Connect PCA-Based Anomaly Detection or Isolation Forest.".into(),
            Self::WrongPart { expected: "classes", .. } => {
                "Connect a learner of classes such as Logistic Regression, or set what it predicts to classes.".into()
            }
            Self::WrongPart { .. } => "Connect a learner of classes or numbers such as Decision Forest.".into(),
            Self::MixedParts { .. } => {
                "Connect learners of classes only, or of numbers only; those that can do both say which at Predicts.".into()
            }
            Self::TooDeep { .. } => "Connect a learner that is made of fewer others.".into(),
            Self::RareClass { .. } => {
                "Set fewer folds, or leave the rows of rare classes out before.".into()
            }
            Self::Prediction(_) => {
                "Rescale the columns with Normalize Data, or leave out the learner whose numbers grow beyond bounds."
                    .into()
            }
            Self::NetworkTooLarge { .. } => "Use fewer nodes, or fewer columns with Select Columns.".into(),
            Self::ImageSize { .. } => {
                "Set the size of the image to that of the data, and leave columns that are no pixels out with Select Columns."
                    .into()
            }
            Self::SquaresTooLarge { .. } => "Use smaller squares there, or pool less before.".into(),
            Self::Diverged { learning_rate } => {
                format!("Set the learning rate to {} or less, or choose Adam.", learning_rate / 10.0)
            }
            Self::Overflow => "Rescale the columns with Normalize Data.".into(),
            Self::HugeNumber { .. } => {
                "Correct the number if it is a slip; otherwise rescale the column to 0 to 1 with Normalize Data.".into()
            }
            Self::NotConverged { .. } => "Rescale the columns with Normalize Data, or raise the penalty.".into(),
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
