//! Columns brought to mean 0 and standard deviation 1 before distances are taken.

use model::{Lanes, Matrix};

use crate::dense::sum_of;
use crate::{Checkpoint, FitError};

/// Mean and standard deviation (dividing by n) of each column; 1 for a column that does not vary.
pub(crate) async fn scaling(x: &Matrix, checkpoint: &mut impl Checkpoint) -> Result<Vec<(f64, f64)>, FitError> {
    let n = x.n_rows as f64;
    let mut scaling = Vec::with_capacity(x.n_columns);
    for column_idx in 0..x.n_columns {
        let column = x.column(column_idx);
        let first = column.first().copied().unwrap_or(0.0);
        // Differences to the first value: a constant column has exactly its value as mean.
        let mean = first + sum_of(column, |value| value - first) / n;
        let variance = sum_of(column, |value| (value - mean) * (value - mean)) / n;
        if !variance.is_finite() {
            return Err(FitError::Overflow);
        }
        let deviation = numeric::sqrt(variance);
        // What is this small beside the mean is rounding.
        let varies = deviation > 8.0 * f64::EPSILON * mean.abs();
        scaling.push((mean, if varies { deviation } else { 1.0 }));
        checkpoint.checkpoint(0.0, "Scaling columns").await?;
    }
    Ok(scaling)
}

/// The scaled rows, for distances.
pub(crate) fn lanes(x: &Matrix, scaling: Option<&[(f64, f64)]>) -> Lanes {
    Lanes::new(x.n_rows, x.n_columns, |row_idx, column_idx| match scaling {
        Some(scaling) => (x.at(row_idx, column_idx) - scaling[column_idx].0) / scaling[column_idx].1,
        None => x.at(row_idx, column_idx),
    })
}
