//! A linear model.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// `intercept + Σ coefficients[j] * x[j]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    /// One per column of the matrix.
    pub coefficients: Vec<f64>,
    /// Added to every prediction.
    pub intercept: f64,
}

impl LinearModel {
    /// One number a row. A matrix narrower than the model lacks the terms of the columns it does not have.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let mut predicted = vec![self.intercept; x.n_rows];
        for (column_idx, coefficient) in self.coefficients.iter().take(x.n_columns).enumerate() {
            for (sum, value) in predicted.iter_mut().zip(x.column(column_idx)) {
                *sum += coefficient * value;
            }
        }
        predicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_is_the_intercept_and_the_weighted_columns() {
        let model = LinearModel { coefficients: vec![2.0, -1.0], intercept: 10.0 };
        let x = Matrix { values: vec![1.0, 2.0, 3.0, 4.0], n_rows: 2, n_columns: 2 };
        assert_eq!(model.predict(&x), [9.0, 10.0]);
    }
}
