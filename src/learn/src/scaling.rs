//! Columns brought to mean 0 and standard deviation 1 before distances are taken.

use model::{Lanes, Matrix};

use crate::dense::{mean_of, sums_about};
use crate::{Checkpoint, FitError};

/// Mean and standard deviation (dividing by n) of each column; 1 for a column that does not vary.
pub(crate) async fn scaling(x: &Matrix, checkpoint: &mut impl Checkpoint) -> Result<Vec<(f64, f64)>, FitError> {
    let n = x.n_rows as f64;
    let mut scaling = Vec::with_capacity(x.n_columns);
    for column_idx in 0..x.n_columns {
        let column = x.column(column_idx);
        let mean = mean_of(column);
        let variance = sums_about(column, None, 1.0, mean).1 / n;
        if !variance.is_finite() {
            return Err(FitError::Overflow);
        }
        scaling.push((mean, scale(mean, numeric::sqrt(variance))));
        checkpoint.checkpoint(0.0, "Scaling columns").await?;
    }
    Ok(scaling)
}

/// What a column of some mean and standard deviation is divided by.
pub(crate) fn scale(mean: f64, deviation: f64) -> f64 {
    // What is this small beside the mean is rounding.
    if deviation > 8.0 * f64::EPSILON * mean.abs() { deviation } else { 1.0 }
}

/// The scaled rows, for distances.
pub(crate) fn lanes(x: &Matrix, scaling: Option<&[(f64, f64)]>) -> Lanes {
    Lanes::new(x.n_rows, x.n_columns, |row_idx, column_idx| match scaling {
        Some(scaling) => (x.at(row_idx, column_idx) - scaling[column_idx].0) / scaling[column_idx].1,
        None => x.at(row_idx, column_idx),
    })
}
