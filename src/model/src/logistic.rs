//! A logistic model of two or more classes.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// Two classes: one row of coefficients, the log odds of the second class. More: one row per class, through softmax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticModel {
    /// Row by row, one row for two classes, else one per class.
    pub coefficients: Vec<f64>,
    /// One per row of coefficients.
    pub intercepts: Vec<f64>,
}

impl LogisticModel {
    /// The weighted sums, row by row.
    pub fn scores(&self, x: &Matrix) -> Vec<f64> {
        let n_scores = self.intercepts.len();
        if n_scores == 0 {
            return Vec::new();
        }
        let width = self.coefficients.len() / n_scores;
        let mut scores = self.intercepts.repeat(x.n_rows);
        for column_idx in 0..x.n_columns.min(width) {
            let weights: Vec<f64> = (0..n_scores).map(|class| self.coefficients[class * width + column_idx]).collect();
            for (row, value) in scores.chunks_exact_mut(n_scores).zip(x.column(column_idx)) {
                for (score, weight) in row.iter_mut().zip(&weights) {
                    *score += weight * value;
                }
            }
        }
        scores
    }

    /// Probabilities of the classes, row by row.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let mut scores = self.scores(x);
        let n_scores = self.intercepts.len();
        if n_scores == 1 {
            return scores
                .into_iter()
                .flat_map(|score| {
                    let p = 1.0 / (1.0 + numeric::exp(-score));
                    [1.0 - p, p]
                })
                .collect();
        }
        for row in scores.chunks_exact_mut(n_scores.max(1)) {
            // Subtracting the largest score keeps the exponentials from overflowing.
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|score| *score = numeric::exp(*score - top));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|score| *score /= sum);
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_scores_become_certainty_rather_than_nan() {
        let x = Matrix { values: vec![1e300, -1e300, 0.0], n_rows: 3, n_columns: 1 };
        let two = LogisticModel { coefficients: vec![1.0], intercepts: vec![0.0] };
        assert_eq!(two.predict(&x), [0.0, 1.0, 1.0, 0.0, 0.5, 0.5]);
        let three = LogisticModel { coefficients: vec![1.0, 0.0, -1.0], intercepts: vec![0.0; 3] };
        let p = three.predict(&x);
        assert_eq!(p[..6], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert!((p[6] - 1.0 / 3.0).abs() < 1e-15);
    }
}
