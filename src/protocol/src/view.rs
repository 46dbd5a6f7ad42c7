//! What results look like to whoever shows them.

use charts::Figure;
use schema::{Column, Kind};
use serde::{Deserialize, Serialize};

/// A window on a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePage {
    /// Rows in the whole table.
    pub n_rows_total: u64,
    /// Rows that pass the filters.
    pub n_rows_filtered: u64,
    /// Columns in the whole table.
    pub n_columns_total: u32,
    /// The columns of the window.
    pub columns: Vec<Column>,
    /// Position in the unfiltered table, counted from 0, of each row of the window.
    pub row_idx: Vec<u64>,
    /// Row by row.
    pub cells: Vec<Vec<Cell>>,
}

/// One value, ready to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// Nothing there.
    Missing,
    /// Shown as it stands; numbers with as many digits as bring back the same value.
    Text(String),
}

/// Order by one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Which.
    pub column: String,
    /// Largest first. Missing values come last either way.
    pub descending: bool,
}

/// One condition on rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Filter {
    /// The number (or date, as milliseconds) lies in `low <= x < high`, or `<= high` for the last bin.
    Range {
        /// Which column.
        column: String,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// The upper bound belongs to it.
        closed: bool,
    },
    /// The value reads exactly so.
    Equals {
        /// Which column.
        column: String,
        /// Its text.
        value: String,
    },
    /// The value is missing.
    Missing {
        /// Which column.
        column: String,
    },
    /// The text of any column contains this, whatever its case.
    Contains {
        /// What is looked for.
        text: String,
    },
}

/// A column in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Which.
    pub column: Column,
    /// Rows.
    pub n_rows: u64,
    /// Rows without a value.
    pub n_missing: u64,
    /// Different values; a lower bound when `distinct_is_bound`.
    pub n_distinct: u64,
    /// Counting stopped there.
    pub distinct_is_bound: bool,
    /// Rows with an infinite value.
    pub n_infinite: u64,
    /// Rows that are zero.
    pub n_zero: u64,
    /// Of finite values; sample deviation (n - 1). None for columns without numbers.
    pub mean: Option<f64>,
    /// Sample standard deviation.
    pub std: Option<f64>,
    /// Third standardised moment.
    pub skewness: Option<f64>,
    /// Minimum, 5 %, 25 %, 50 %, 75 %, 95 % and maximum, linearly interpolated.
    pub quantiles: Option<[f64; 7]>,
    /// Bin edges, for numbers and dates.
    pub edges: Vec<f64>,
    /// Rows per bin.
    pub counts: Vec<u64>,
    /// Rows per bin that pass the filters; equal to `counts` without filters.
    pub filtered_counts: Vec<u64>,
    /// The most frequent values of other kinds.
    pub top: Vec<TopValue>,
    /// What the user should know: "constant", "every value differs"…
    pub alerts: Vec<String>,
}

/// A frequent value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopValue {
    /// Its text.
    pub value: String,
    /// Rows.
    pub n: u64,
    /// Rows that pass the filters.
    pub n_filtered: u64,
}

/// A result in miniature, on the node's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Face {
    /// A histogram, heights from 0 to 1.
    Histogram(Vec<f32>),
    /// A curve in the unit square, with the diagonal to compare with or without.
    Curve {
        /// From left to right.
        points: Vec<(f32, f32)>,
        /// Draw the diagonal.
        diagonal: bool,
    },
    /// Dots in the unit square.
    Dots(Vec<(f32, f32)>),
    /// Up to four labelled values, the largest filling the width.
    Bars(Vec<(String, f64)>),
    /// A small matrix, row by row, values from 0 to 1.
    Matrix {
        /// Columns.
        n_columns: u32,
        /// Row by row.
        values: Vec<f32>,
    },
    /// Just a line of text; every face may be preceded by one.
    Text(String),
    /// A headline and a picture: "AUC 0.846".
    Headline(String, Option<Box<Face>>),
}

/// What a node shows when it is opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its outputs that are tables, in order, with row and column counts.
    pub tables: Vec<(String, u64, u32)>,
    /// Everything else, in reading order.
    pub panels: Vec<Panel>,
}

/// One thing to look at.
#[allow(clippy::large_enum_variant, reason = "a view has a dozen panels at most, and each is moved once")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Panel {
    /// Figures of merit.
    Metrics {
        /// Names of the compared inputs; one or two.
        series: Vec<String>,
        /// One row each.
        metrics: Vec<Metric>,
    },
    /// Actual against predicted classes.
    Confusion(Confusion),
    /// A chart.
    Figure(Figure),
    /// A decision tree.
    Tree(TreeView),
    /// Rows of name and values.
    Facts {
        /// What they are.
        title: String,
        /// Heads of the columns.
        heads: Vec<String>,
        /// Row by row.
        rows: Vec<Vec<String>>,
    },
    /// Small pictures beside each other.
    Pictures(Pictures),
    /// A chart over an area that is coloured by what a model says there.
    Map {
        /// What stands on it; its axes have a fixed range.
        figure: Figure,
        /// All of the area between them.
        map: Map,
    },
}

/// Small pictures beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pictures {
    /// A stable name.
    pub id: String,
    /// Sentence case.
    pub title: String,
    /// One sentence that says what is to be seen, for whoever cannot see it.
    pub summary: String,
    /// In reading order.
    pub groups: Vec<PictureGroup>,
}

/// Pictures that have one scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureGroup {
    /// What they are of.
    pub label: String,
    /// The number that the strongest shade stands for.
    pub largest: f64,
    /// In order; those left out are counted by `n_left_out`.
    pub pictures: Vec<Picture>,
    /// How many more there are.
    pub n_left_out: u32,
}

/// Numbers as shades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Shades in a row.
    pub n_columns: u32,
    /// Row by row from the top: -127 is as far below 0 as 127 is above it.
    pub shades: Vec<i8>,
}

/// An area in small cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// Cells in a row.
    pub n_columns: u32,
    /// The colour of each as in `charts::Series`, row by row from the top.
    pub colors: Vec<u8>,
    /// How strong it is: 255 is all there is.
    pub strengths: Vec<u8>,
}

/// One figure of merit for each series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `auc`, `accuracy`, `rmse`…
    pub name: String,
    /// "AUC".
    pub label: String,
    /// What it says, in a sentence with its formula's source.
    pub help: String,
    /// One per series; none where it is not defined.
    pub values: Vec<Option<f64>>,
    /// Which way is better.
    pub better: Direction,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// As large as can be.
    Higher,
    /// As small as can be.
    Lower,
}

/// A confusion matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Which input it belongs to.
    pub series: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Rows: actual class, row by row; columns: predicted.
    pub counts: Vec<u64>,
}

/// A decision tree to be drawn; node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeView {
    /// "Decision tree", "Tree 1 of 100".
    pub title: String,
    /// Names of the classes; empty for numbers.
    pub classes: Vec<String>,
    /// What the nodes' measure is: "impurity", "variance", "gain".
    pub measure: String,
    /// Parents before children.
    pub nodes: Vec<TreeNode>,
}

/// One node of a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// "petal length <= 2.45"; empty at a leaf.
    pub rule: String,
    /// Where the rule holds.
    pub yes: Option<u32>,
    /// Where it does not.
    pub no: Option<u32>,
    /// Training rows.
    pub n_rows: f64,
    /// The tree says what it is.
    pub measure: f64,
    /// Share of each class, or the one mean value.
    pub value: Vec<f64>,
}

/// The kinds whose profile is a histogram.
pub fn has_histogram(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Integer | Kind::DateTime)
}
