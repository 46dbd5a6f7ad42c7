//! What a chart shows, before anyone draws it.

use serde::{Deserialize, Serialize};

/// One chart: axes, series and what must be said about them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// A stable name: `roc`, `precision-recall`, `residuals`, `predicted-actual`, `histogram`…
    pub id: String,
    /// Sentence case.
    pub title: String,
    /// One sentence that says what is to be seen, for whoever cannot see it.
    pub summary: String,
    /// Horizontal.
    pub x: Axis,
    /// Vertical.
    pub y: Axis,
    /// Drawn in this order.
    pub series: Vec<Series>,
    /// Straight lines to compare with: chance, identity, zero.
    pub guides: Vec<Guide>,
    /// How many rows it rests on.
    pub n_rows: u64,
    /// "every 10th row" and the like; empty if nothing is left out.
    pub sampling: String,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// What the axis shows at least; the data may widen it unless `fixed`.
    pub range: Option<(f64, f64)>,
    /// The range is kept whatever the data.
    pub fixed: bool,
    /// Names at 0, 1, 2… instead of numbers.
    pub categories: Vec<String>,
}

/// The `color_idx` of the first colour of the ramp; the others follow.
pub const RAMP: u8 = 128;

/// Colours of the ramp.
pub const N_LEVELS: u8 = 6;

/// One set of marks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// For the legend and the table.
    pub name: String,
    /// Which colour of the palette; equal numbers look equal in every figure of a view.
    pub color_idx: u8,
    /// The marks.
    pub marks: Marks,
    /// An extra value per mark for the tooltip, such as the threshold on a ROC curve.
    pub detail: Option<Detail>,
}

/// A value that belongs to each mark and is told in its tooltip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// What it is.
    pub label: String,
    /// One per mark.
    pub values: Vec<f64>,
}

/// Marks in the figure's coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Marks {
    /// A line through these points. One whose place is no number is no mark: it breaks the line.
    Line(Vec<(f64, f64)>),
    /// A line with the area under it tinted.
    Area(Vec<(f64, f64)>),
    /// Dots.
    Points(Vec<(f64, f64)>),
    /// Bars between edges: `heights.len() + 1 == edges.len()`.
    Histogram {
        /// Ascending.
        edges: Vec<f64>,
        /// One per bin.
        heights: Vec<f64>,
    },
    /// Vertical bars at categories 0, 1, 2… of the x axis.
    Columns(Vec<f64>),
    /// Horizontal bars at categories 0, 1, 2… of the y axis, top down.
    Bars(Vec<f64>),
    /// Horizontal bars from a place to another at a category of the y axis, top down: from, to, category.
    Spans(Vec<(f64, f64, f64)>),
    /// A box at each category 0, 1, 2… of the x axis.
    Boxes(Vec<BoxMark>),
}

/// How values spread: a box over the middle half of them, with a whisker at each end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxMark {
    /// Where the lower whisker ends.
    pub low: f64,
    /// The box's lower end.
    pub q1: f64,
    /// The line across the box.
    pub median: f64,
    /// The box's upper end.
    pub q3: f64,
    /// Where the upper whisker ends.
    pub high: f64,
}

/// A dashed straight line between two points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guide {
    /// "chance", "perfect", "zero".
    pub label: String,
    /// One end.
    pub from: (f64, f64),
    /// The other end.
    pub to: (f64, f64),
}
