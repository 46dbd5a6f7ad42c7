//! Naive Bayes: every column speaks for the classes by itself.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// What the columns of each class look like. Columns are taken to be independent within a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NaiveBayes {
    /// Logarithm of each class's share before a row is looked at.
    pub log_priors: Vec<f64>,
    /// How columns are spread in each class.
    pub likelihood: Likelihood,
}

/// How columns are spread; class by class, one value per column of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Likelihood {
    /// Normally.
    Gaussian {
        /// Means.
        means: Vec<f64>,
        /// Variances, all above 0.
        variances: Vec<f64>,
    },
    /// As counts of a draw among the columns.
    Multinomial {
        /// Logarithm of each column's share of the class's counts.
        log_shares: Vec<f64>,
    },
    /// Present or absent.
    Bernoulli {
        /// A column is present where its value is above this.
        threshold: f64,
        /// Logarithm of the share of the class's rows in which the column is present.
        log_shares: Vec<f64>,
    },
}

impl Likelihood {
    /// Values it has for all classes together.
    pub(crate) fn n_values(&self) -> usize {
        match self {
            // A class needs both of each column.
            Self::Gaussian { means, variances } => means.len().min(variances.len()),
            Self::Multinomial { log_shares } | Self::Bernoulli { log_shares, .. } => log_shares.len(),
        }
    }
}

impl NaiveBayes {
    /// Probabilities of the classes, row by row.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let n_classes = self.log_priors.len();
        let mut scores = self.log_priors.repeat(x.n_rows);
        for class in 0..n_classes {
            let of_class = class * x.n_columns..(class + 1) * x.n_columns;
            // What does not depend on the row.
            let mut constant = 0.0;
            let mut add = |column_idx: usize, term: &dyn Fn(f64) -> f64| {
                for (scores, &value) in scores.chunks_exact_mut(n_classes).zip(x.column(column_idx)) {
                    scores[class] += term(value);
                }
            };
            match &self.likelihood {
                Likelihood::Gaussian { means, variances } => {
                    let parameters = means[of_class.clone()].iter().zip(&variances[of_class]);
                    for (column_idx, (&mean, &variance)) in parameters.enumerate() {
                        constant -= 0.5 * numeric::ln(2.0 * std::f64::consts::PI * variance);
                        add(column_idx, &|value| -0.5 * (value - mean) * ((value - mean) / variance));
                    }
                }
                Likelihood::Multinomial { log_shares } => {
                    for (column_idx, &log_share) in log_shares[of_class].iter().enumerate() {
                        add(column_idx, &|value| value * log_share);
                    }
                }
                Likelihood::Bernoulli { threshold, log_shares } => {
                    for (column_idx, &present) in log_shares[of_class].iter().enumerate() {
                        let absent = numeric::ln_1p(-numeric::exp(present));
                        constant += absent;
                        add(column_idx, &|value| if value > *threshold { present - absent } else { 0.0 });
                    }
                }
            }
            scores.chunks_exact_mut(n_classes).for_each(|scores| scores[class] += constant);
        }
        scores.chunks_exact_mut(n_classes.max(1)).for_each(|scores| self.normalize(scores));
        scores
    }

    /// From logarithms to probabilities. A row that is beyond all numbers in every class is told by the shares alone.
    fn normalize(&self, scores: &mut [f64]) {
        let largest = |scores: &[f64]| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !largest(scores).is_finite() || scores.iter().any(|score| score.is_nan()) {
            scores.copy_from_slice(&self.log_priors);
        }
        let top = largest(scores);
        scores.iter_mut().for_each(|score| *score = numeric::exp(*score - top));
        let sum: f64 = scores.iter().sum();
        scores.iter_mut().for_each(|score| *score /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_all_numbers_are_told_by_the_shares() {
        let likelihood = Likelihood::Gaussian { means: vec![0.0, 1.0], variances: vec![1e-300; 2] };
        let model = NaiveBayes { log_priors: vec![numeric::ln(0.25), numeric::ln(0.75)], likelihood };
        let x = Matrix { values: vec![1e300, 0.0], n_rows: 2, n_columns: 1 };
        let p = model.predict(&x);
        assert!((p[0] - 0.25).abs() < 1e-15 && (p[1] - 0.75).abs() < 1e-15, "{p:?}");
        assert_eq!(p[2..], [1.0, 0.0]);
    }

    #[test]
    fn what_is_absent_speaks_too() {
        // Of class 0 a half has the column, of class 1 nine in ten.
        let log_shares = vec![numeric::ln(0.5), numeric::ln(0.9)];
        let likelihood = Likelihood::Bernoulli { threshold: 0.0, log_shares };
        let model = NaiveBayes { log_priors: vec![numeric::ln(0.5); 2], likelihood };
        let p = model.predict(&Matrix { values: vec![1.0, 0.0], n_rows: 2, n_columns: 1 });
        for (found, expected) in p.iter().zip([0.5 / 1.4, 0.9 / 1.4, 0.5 / 0.6, 0.1 / 0.6]) {
            assert!((found - expected).abs() < 1e-14, "{p:?}");
        }
    }
}
