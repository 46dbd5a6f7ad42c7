//! What components hold at their peak. `tests/memory.rs` compares it with what they really take.

use learn::Learner;
use learn::tree::TreeSettings;
use model::Values;
use schema::{Column, Role};
use table::Table;

/// Of a number, a date, a whole number.
const VALUE: u64 = 8;

/// A column of values for each row.
pub fn columns(n_rows: usize, n_columns: usize) -> u64 {
    n_rows as u64 * n_columns as u64 * VALUE
}

/// Training a learner on a table, to predict so many classes, or numbers.
pub fn training(learner: &Learner, table: &Table, n_classes: usize) -> u64 {
    let n_rows = table.n_rows() as u64;
    let matrix = columns(table.n_rows(), width(table));
    // A number has a leaf of its own for nearly every row; a class shares it with many.
    let tree = |settings: &TreeSettings| {
        let bytes_per_row = if n_classes > 0 { 30 } else { 100 };
        let n_leaves = 1_u64 << settings.max_depth.unwrap_or(63).min(63);
        (n_rows * bytes_per_row).min(n_leaves.saturating_mul(200))
    };
    match learner {
        Learner::Baseline(_) => n_rows * VALUE,
        Learner::Linear(_) | Learner::Logistic(_) => 5 * matrix / 2 + n_rows * 4 * VALUE,
        Learner::Tree(settings) => 2 * matrix + n_rows * 10 * VALUE + tree(settings),
        Learner::Forest(settings) => {
            let trees = tree(&settings.tree).saturating_mul(u64::from(settings.n_trees));
            (2 * matrix + n_rows * 10 * VALUE).saturating_add(trees)
        }
        // The rows are the model.
        Learner::Neighbors(_) => 9 * matrix / 2 + n_rows * 2 * VALUE,
    }
}

/// Numbers that learners make of a row: one of a number, one of each category.
fn width(table: &Table) -> usize {
    let is_feature = |column: &Column| column.role == Role::Feature;
    let of_column =
        |values: &Values<'_>| if let Values::Category { dictionary, .. } = values { dictionary.len() } else { 1 };
    let frame = table.frame();
    let columns = table.schema().columns.iter().zip(&frame.columns);
    columns.filter(|(column, _)| is_feature(column)).map(|(_, view)| of_column(&view.values)).sum()
}

/// Classes of the target, where they can be told; 0 for a number.
pub fn n_classes(table: &Table, target: Option<&str>) -> usize {
    let frame = table.frame();
    let name = target.or_else(|| table.schema().target().map(|column| column.name.as_str()));
    match name.and_then(|name| frame.column(name)).map(|column| &column.values) {
        Some(Values::Category { dictionary, .. }) => dictionary.len(),
        Some(Values::Boolean(_) | Values::Text(_)) => 2,
        Some(Values::Number(_) | Values::Integer(_) | Values::DateTime(_)) | None => 0,
    }
}

/// Looking for clusters in rows, and how far each row is from each.
pub fn assigning(table: &Table, n_clusters: usize) -> u64 {
    columns(table.n_rows(), 2 * width(table) + 2 * n_clusters + 4)
}

/// What a model says of rows, and the columns it becomes.
pub fn scoring(n_rows: usize, n_classes: usize) -> u64 {
    2 * columns(n_rows, n_classes + 1)
}

/// Judging rows: what is so, what was said, ranked by it.
pub fn judging(n_rows: usize, n_classes: usize) -> u64 {
    columns(n_rows, if n_classes > 0 { 2 * n_classes + 17 } else { 8 })
}

/// Training on nearly all rows of a table, which are copied for it; then scoring and judging the rest.
pub fn testing(learner: &Learner, table: &Table, n_classes: usize) -> u64 {
    table.n_bytes() + training(learner, table, n_classes)
}
