//! What components hold at their peak. `tests/memory.rs` compares it with what they really take.

use learn::tree::TreeSettings;
use learn::{AdaBoostSettings, Clusterer, ForestSettings, Learner};
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
    let tree = |settings: &TreeSettings| grown(settings, n_rows, n_classes);
    match learner {
        Learner::Baseline(_) => n_rows * VALUE,
        // Columns that depend on each other, and absolute penalties, need them once more.
        Learner::Linear(_) => 2 * matrix + n_rows * 4 * VALUE,
        Learner::Logistic(_) | Learner::Poisson(_) => 5 * matrix / 2 + n_rows * 4 * VALUE,
        Learner::NaiveBayes(_) => 2 * matrix + n_rows * 2 * VALUE,
        Learner::Neural(settings) => {
            // What does not fit together is told by the training itself.
            let stages = settings.stages(width(table), n_classes).unwrap_or_default();
            let n_weights = learn::neural::n_weights(&stages) as u64;
            let n_numbers = settings.n_numbers(&stages) as u64;
            // Numbers of half the width: weights, two of the optimizer, slopes, the best so far and those of the model. What
            // stages make of a batch, and the slopes above and below the widest.
            let of_weights = n_weights.saturating_mul(6 * VALUE / 2);
            let of_batch = n_numbers.saturating_mul(3 * VALUE / 2);
            (3 * matrix / 2 + n_rows * 4 * VALUE).saturating_add(of_weights).saturating_add(of_batch)
        }
        Learner::PcaAnomaly(_) => 3 * matrix + n_rows * 4 * VALUE,
        Learner::Isolation(settings) => {
            2 * matrix + n_rows * 4 * VALUE + u64::from(settings.n_trees) * u64::from(settings.n_sampled) * 2 * 60
        }
        Learner::Svm(settings) => {
            let kernel_rows = (u64::from(settings.cache_mb) << 20).min(n_rows * n_rows * 4);
            4 * matrix + n_rows * 12 * VALUE + kernel_rows
        }
        Learner::Tree(settings) => 2 * matrix + n_rows * 10 * VALUE + tree(settings),
        Learner::AdaBoost(settings) => {
            let trees = tree(&settings.tree).saturating_mul(u64::from(settings.n_trees));
            (2 * matrix + n_rows * 14 * VALUE).saturating_add(trees)
        }
        Learner::Forest(settings) => {
            let trees = tree(&settings.tree).saturating_mul(u64::from(settings.n_trees));
            (2 * matrix + n_rows * 10 * VALUE).saturating_add(trees)
        }
        Learner::Boosting(settings) => {
            // One byte a value, gradients, scores and orders of rows, and the histograms of leaves.
            let scores = n_classes.max(1) as u64;
            let of_rows = n_rows * (80 + scores * 2 * VALUE);
            let histograms = (n_columns(table) * 4096 * u64::from(settings.max_leaves.min(32))).min(1 << 28);
            2 * columns(table.n_rows(), n_columns(table) as usize) + of_rows + histograms
        }
        // What is trained last takes most, beside all that is left of those before.
        Learner::Multiclass(settings) => {
            let n_members = settings.coding.n_members(n_classes.max(2)) as u64;
            let kept = left(&settings.learner, table, 2).saturating_mul(n_members);
            table.n_bytes().saturating_add(training(&settings.learner, table, 2)).saturating_add(kept)
        }
        Learner::Calibrated(settings) => {
            let n_models = if settings.ensemble { u64::from(settings.n_folds) } else { 1 };
            let kept = left(&settings.learner, table, n_classes).saturating_mul(n_models);
            testing(&settings.learner, table, n_classes).saturating_add(kept)
        }
        Learner::Stacking(settings) => {
            let of = |member: &Learner| testing(member, table, n_classes);
            let largest = settings.members.iter().chain([&*settings.last]).map(of).max().unwrap_or_default();
            let kept: u64 = settings.members.iter().map(|member| left(member, table, n_classes)).sum();
            largest.saturating_add(kept) + columns(table.n_rows(), settings.members.len() * n_classes.max(1))
        }
        // The rows are the model.
        Learner::Neighbors(_) => 9 * matrix / 2 + n_rows * 2 * VALUE,
    }
}

/// A tree. A number has a leaf of its own for nearly every row; a class shares it with many.
fn grown(settings: &TreeSettings, n_rows: u64, n_classes: usize) -> u64 {
    let bytes_per_row = if n_classes > 0 { 30 } else { 100 };
    let n_leaves = 1_u64 << settings.max_depth.unwrap_or(63).min(63);
    (n_rows * bytes_per_row).min(n_leaves.saturating_mul(200))
}

/// What is left of a training: the model. Only models that grow with the rows are worth counting.
fn left(learner: &Learner, table: &Table, n_classes: usize) -> u64 {
    match learner {
        Learner::Tree(settings) => grown(settings, table.n_rows() as u64, n_classes),
        Learner::Forest(ForestSettings { tree, n_trees, .. })
        | Learner::AdaBoost(AdaBoostSettings { tree, n_trees, .. }) => {
            grown(tree, table.n_rows() as u64, n_classes).saturating_mul(u64::from(*n_trees))
        }
        Learner::Multiclass(_) | Learner::Calibrated(_) | Learner::Stacking(_) => training(learner, table, n_classes),
        Learner::Neighbors(_) | Learner::Svm(_) => columns(table.n_rows(), width(table) + 1),
        Learner::Baseline(_)
        | Learner::Linear(_)
        | Learner::Logistic(_)
        | Learner::NaiveBayes(_)
        | Learner::Poisson(_)
        | Learner::Neural(_)
        | Learner::PcaAnomaly(_)
        | Learner::Isolation(_)
        | Learner::Boosting(_) => 0,
    }
}

/// Columns that learners look at.
fn n_columns(table: &Table) -> u64 {
    table.schema().columns.iter().filter(|column| column.role == Role::Feature).count() as u64
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

/// Looking for clusters by any method.
pub fn clustering(clusterer: &Clusterer, table: &Table) -> u64 {
    /// Where how many clusters there are shows only in the end.
    const SOME: usize = 16;
    let (n_rows, width) = (table.n_rows(), width(table));
    match clusterer {
        // Rows as they are, in groups, and these in single precision.
        Clusterer::KMeans(settings) => columns(n_rows, 3 * width + 2 * settings.k as usize + 4),
        // Rows in their order and in another, the core rows twice.
        Clusterer::Dbscan(_) => columns(n_rows, 5 * width + 2 * SOME + 8),
        // More rows are refused.
        Clusterer::Hierarchy(_) if n_rows > learn::hierarchy::MAX_ROWS => 0,
        Clusterer::Hierarchy(_) => {
            columns(n_rows, n_rows.saturating_sub(1)) / 2 + columns(n_rows, 4 * width + 2 * SOME + 8)
        }
        Clusterer::Mixture(settings) => columns(n_rows, 5 * width + 6 * settings.k as usize + 4),
    }
}

/// Finding places for rows by so many columns: how alike all pairs are, or each row and its neighbours.
pub fn embedding(n_rows: usize, n_columns: usize, perplexity: f64) -> u64 {
    let rows = columns(n_rows, 2 * n_columns + 20);
    if n_rows > learn::embedding::MAX_EXACT_ROWS {
        // A place and a share for each neighbour of a row, for each row it is a neighbour of, and for both together.
        let n_neighbors = (3.0 * perplexity + 1.0).min(n_rows as f64) as usize;
        return rows + columns(n_rows, 6 * n_neighbors);
    }
    rows + columns(n_rows, n_rows)
}

/// What a model says of rows, and the columns it becomes.
pub fn scoring(n_rows: usize, n_classes: usize) -> u64 {
    2 * columns(n_rows, n_classes + 1)
}

/// Rows as numbers, and what each column contributes to each.
pub fn explaining(table: &Table) -> u64 {
    columns(table.n_rows(), width(table) + 2 * table.n_columns() + 6)
}

/// Judging rows: what is so, what was said, ranked by it.
pub fn judging(n_rows: usize, n_classes: usize) -> u64 {
    columns(n_rows, if n_classes > 0 { 2 * n_classes + 17 } else { 8 })
}

/// Training on nearly all rows of a table, which are copied for it; then scoring and judging the rest.
pub fn testing(learner: &Learner, table: &Table, n_classes: usize) -> u64 {
    table.n_bytes() + training(learner, table, n_classes)
}
