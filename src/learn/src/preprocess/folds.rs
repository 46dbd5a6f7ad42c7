//! Folds: every row in one of several parts of about equal size.

use numeric::Stream;
use table::Table;

use super::PrepareError;
use super::split::strata;

/// How rows are dealt to folds.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldSettings {
    /// How many folds.
    pub n_folds: u32,
    /// Rows are shuffled by the seed before they are dealt; otherwise they are dealt in the table's order.
    pub randomized: bool,
    /// Each value of this column is dealt for itself, so that it has the same share in every fold, as near as whole
    /// rows allow. Missing values count as a value.
    pub stratify: Option<String>,
}

/// The fold of each row, counted from 0. Rows are dealt like cards, one to each fold in turn, and the next stratum goes
/// on where the one before ended: folds differ by one row at most, strata within folds by one row at most.
///
/// # Errors
/// Fewer than two folds, fewer rows than folds, or a column to stratify by that is not there or has real numbers.
pub fn assign_folds(table: &Table, settings: &FoldSettings, seed: u64) -> Result<Vec<u32>, PrepareError> {
    let n_rows = table.n_rows();
    let n_folds = settings.n_folds;
    if n_folds < 2 || n_folds as usize > n_rows {
        let found = format!("{n_folds}, with {n_rows} row{}", if n_rows == 1 { "" } else { "s" });
        let expected = "at least 2, and at most as many as there are rows";
        return Err(PrepareError::Setting { setting: "the number of folds", found, expected });
    }
    let strata = match &settings.stratify {
        None => vec![(0..n_rows as u32).collect()],
        Some(name) => strata(table, name)?,
    };
    let mut folds = vec![0; n_rows];
    let mut next_fold = (0..n_folds).cycle();
    for (stratum_idx, mut rows) in strata.into_iter().enumerate() {
        if settings.randomized {
            Stream::fork(seed, stratum_idx as u64).shuffle(&mut rows);
        }
        for (row_idx, fold) in rows.into_iter().zip(&mut next_fold) {
            folds[row_idx as usize] = fold;
        }
    }
    Ok(folds)
}
