//! The miniature a node shows when its component gives none.

use arrow_array::{Array, Float64Array, Int64Array};
use protocol::Face;
use schema::{Kind, Role};
use table::Table;

use crate::Artifact;

const N_BINS: usize = 18;

/// A histogram of the column that matters most; nothing for what is no table.
pub fn default_face(artifact: &Artifact) -> Option<Face> {
    match artifact {
        Artifact::Table(table) => histogram(table),
        Artifact::Learner(_)
        | Artifact::Clusterer(_)
        | Artifact::Model(_)
        | Artifact::Clustering(_)
        | Artifact::Transformation(_)
        | Artifact::Evaluation(_) => None,
    }
}

/// Of the target if it is a number, else of the first number.
fn histogram(table: &Table) -> Option<Face> {
    let columns = &table.schema().columns;
    let position = columns
        .iter()
        .position(|column| column.role == Role::Target && column.kind.is_numeric())
        .or_else(|| columns.iter().position(|column| column.kind == Kind::Number))
        .or_else(|| columns.iter().position(|column| column.kind == Kind::Integer))?;
    let array = table.columns().get(position)?;
    let values: Vec<f64> = if let Some(numbers) = array.as_any().downcast_ref::<Float64Array>() {
        numbers.iter().flatten().filter(|x| x.is_finite()).collect()
    } else {
        array.as_any().downcast_ref::<Int64Array>()?.iter().flatten().map(|n| n as f64).collect()
    };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() {
        return None;
    }
    let mut counts = [0u32; N_BINS];
    for x in values {
        let bin = if high > low { ((x - low) / (high - low) * N_BINS as f64) as usize } else { N_BINS / 2 };
        counts[bin.min(N_BINS - 1)] += 1;
    }
    let top = counts.iter().copied().max().unwrap_or(1).max(1) as f32;
    Some(Face::Histogram(counts.iter().map(|&n| n as f32 / top).collect()))
}
