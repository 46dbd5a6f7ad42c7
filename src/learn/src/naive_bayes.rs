//! Naive Bayes: what the columns of each class look like, one column at a time (Manning, Raghavan and Schütze,
//! Introduction to Information Retrieval, 2008, chapter 13).
//!
//! Conventions are scikit-learn's: `GaussianNB`, `MultinomialNB` and `BernoulliNB`.

use model::{Likelihood, Matrix, NaiveBayes};
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, FitError};

/// How a naive Bayes model is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NaiveBayesSettings {
    /// How columns are taken to be spread within a class.
    pub distribution: Distribution,
    /// Gaussian: this share of the largest column's variance is added to every variance.
    pub var_smoothing: f64,
    /// Multinomial and Bernoulli: added to every count, so that nothing is impossible only because it was not seen.
    pub alpha: f64,
    /// Bernoulli: a column is present where its value is above this.
    pub threshold: f64,
    /// Whether classes are as likely as they are frequent; otherwise all alike.
    pub fit_prior: bool,
}

impl Default for NaiveBayesSettings {
    fn default() -> Self {
        let distribution = Distribution::Gaussian;
        Self { distribution, var_smoothing: 1e-9, alpha: 1.0, threshold: 0.0, fit_prior: true }
    }
}

/// How columns are taken to be spread within a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distribution {
    /// Measurements: normally.
    #[default]
    Gaussian,
    /// Counts, such as of words.
    Multinomial,
    /// Present or absent.
    Bernoulli,
}

/// Fits a naive Bayes model. `classes` are below `n_classes`, and each occurs with a positive weight; counts are at
/// least 0.
///
/// # Errors
/// A setting that makes no sense, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &NaiveBayesSettings,
    x: &Matrix,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
    checkpoint: &mut impl Checkpoint,
) -> Result<NaiveBayes, FitError> {
    settings.check()?;
    let weight = |row_idx: usize| weights.map_or(1.0, |weights| weights[row_idx]);
    let mut totals = vec![0.0; n_classes];
    for (row_idx, &class) in classes.iter().enumerate() {
        totals[class as usize] += weight(row_idx);
    }
    // Weighted sums of a function of a column over the rows of each class.
    let sums = |column_idx: usize, of: &dyn Fn(f64, usize) -> f64| {
        let mut sums = vec![0.0; n_classes];
        for (row_idx, (&value, &class)) in x.column(column_idx).iter().zip(classes).enumerate() {
            sums[class as usize] += weight(row_idx) * of(value, class as usize);
        }
        sums
    };
    let d = x.n_columns;
    let mut first = vec![0.0; n_classes * d];
    let mut second = vec![0.0; n_classes * d];
    let mut largest_variance = 0.0f64;
    for column_idx in 0..d {
        let column = x.column(column_idx);
        match settings.distribution {
            Distribution::Gaussian => {
                // Differences to the first value: of large numbers that are nearly the same the digits remain.
                let origin = column[0];
                let mut means = sums(column_idx, &|value, _| value - origin);
                means.iter_mut().zip(&totals).for_each(|(mean, total)| *mean = *mean / total + origin);
                let squares = sums(column_idx, &|value, class| (value - means[class]) * (value - means[class]));
                for class in 0..n_classes {
                    first[class * d + column_idx] = means[class];
                    second[class * d + column_idx] = squares[class] / totals[class];
                }
                let mean = origin + column.iter().map(|value| value - origin).sum::<f64>() / x.n_rows as f64;
                let variance =
                    column.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / x.n_rows as f64;
                largest_variance = largest_variance.max(variance);
                if !variance.is_finite() {
                    return Err(FitError::Overflow);
                }
            }
            Distribution::Multinomial | Distribution::Bernoulli => {
                let counts = match settings.distribution {
                    Distribution::Bernoulli => {
                        sums(column_idx, &|value, _| f64::from(u8::from(value > settings.threshold)))
                    }
                    Distribution::Multinomial | Distribution::Gaussian => sums(column_idx, &|value, _| value),
                };
                for (class, count) in counts.into_iter().enumerate() {
                    first[class * d + column_idx] = count + settings.alpha;
                }
            }
        }
        checkpoint.checkpoint((column_idx + 1) as f64 / d as f64, "Reading columns").await?;
    }
    let likelihood = match settings.distribution {
        Distribution::Gaussian => {
            // Where nothing varies, the least number keeps the density finite.
            let smoothing = (settings.var_smoothing * largest_variance).max(f64::MIN_POSITIVE);
            second.iter_mut().for_each(|variance| *variance += smoothing);
            Likelihood::Gaussian { means: first, variances: second }
        }
        Distribution::Multinomial => {
            for shares in first.chunks_exact_mut(d) {
                let total: f64 = shares.iter().sum();
                if !total.is_finite() {
                    return Err(FitError::Overflow);
                }
                // A class of nothing but zeros has no shares; then all are alike.
                let log_total = numeric::ln(total);
                shares.iter_mut().for_each(|share| {
                    *share = if total > 0.0 { numeric::ln(*share) - log_total } else { -numeric::ln(d as f64) };
                });
            }
            Likelihood::Multinomial { log_shares: first }
        }
        Distribution::Bernoulli => {
            for (shares, total) in first.chunks_exact_mut(d).zip(&totals) {
                let log_total = numeric::ln(total + 2.0 * settings.alpha);
                shares.iter_mut().for_each(|share| *share = numeric::ln(*share) - log_total);
            }
            Likelihood::Bernoulli { threshold: settings.threshold, log_shares: first }
        }
    };
    let total: f64 = totals.iter().sum();
    let log_priors = totals.iter().map(|of_class| match settings.fit_prior {
        true => numeric::ln(*of_class) - numeric::ln(total),
        false => -numeric::ln(n_classes as f64),
    });
    Ok(NaiveBayes { log_priors: log_priors.collect(), likelihood })
}

impl NaiveBayesSettings {
    fn check(&self) -> Result<(), FitError> {
        if !(self.var_smoothing.is_finite() && self.var_smoothing >= 0.0) {
            let found = self.var_smoothing.to_string();
            return Err(FitError::Setting { name: "variance smoothing", found, expected: "a number of at least 0" });
        }
        // A count of 0 has no logarithm.
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            let found = self.alpha.to_string();
            return Err(FitError::Setting { name: "smoothing", found, expected: "a number above 0" });
        }
        if !self.threshold.is_finite() {
            let found = self.threshold.to_string();
            return Err(FitError::Setting { name: "the threshold", found, expected: "a finite number" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Unwatched, block_on};

    fn fitted(settings: NaiveBayesSettings, values: &[f64], classes: &[u32], weights: Option<&[f64]>) -> NaiveBayes {
        let n_rows = classes.len();
        let x = Matrix { values: values.to_vec(), n_rows, n_columns: values.len() / n_rows };
        block_on(fit(&settings, &x, classes, 2, weights, &mut Unwatched)).expect("a model")
    }

    #[test]
    fn means_and_variances_are_those_of_each_class() {
        let found = fitted(NaiveBayesSettings::default(), &[1.0, 3.0, 10.0, 14.0], &[0, 0, 1, 1], None);
        let Likelihood::Gaussian { means, variances } = found.likelihood else { panic!("gaussian") };
        assert_eq!(means, [2.0, 12.0]);
        assert!((variances[0] - 1.0).abs() < 1e-6 && (variances[1] - 4.0).abs() < 1e-6);
    }

    #[test]
    fn shares_are_counted_with_the_smoothing() {
        let settings = NaiveBayesSettings { distribution: Distribution::Multinomial, ..Default::default() };
        // Class 0 has 3 and 0, class 1 has 1 and 2.
        let found = fitted(settings, &[3.0, 1.0, 0.0, 2.0], &[0, 1], None);
        let Likelihood::Multinomial { log_shares } = found.likelihood else { panic!("multinomial") };
        for (found, expected) in log_shares.iter().zip([4.0 / 5.0, 1.0 / 5.0, 2.0 / 5.0, 3.0 / 5.0]) {
            assert!((numeric::exp(*found) - expected).abs() < 1e-14, "{log_shares:?}");
        }
    }

    proptest! {
        #[test]
        fn a_weight_of_two_is_the_row_twice(
            rows in prop::collection::vec((-9.0..9.0f64, 0.0..5.0f64, 1u8..3), 4..20),
            distribution in prop::sample::select(vec![Distribution::Gaussian, Distribution::Bernoulli]),
        ) {
            let settings = NaiveBayesSettings { distribution, var_smoothing: 0.0, ..Default::default() };
            let classes: Vec<u32> = (0..rows.len() as u32).map(|row_idx| row_idx % 2).collect();
            let weights: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
            let values: Vec<f64> = rows.iter().map(|row| row.0).chain(rows.iter().map(|row| row.1)).collect();
            let twice: Vec<usize> = (0..rows.len()).flat_map(|i| vec![i; usize::from(rows[i].2)]).collect();
            let again: Vec<f64> =
                twice.iter().map(|&i| rows[i].0).chain(twice.iter().map(|&i| rows[i].1)).collect();
            let again_classes: Vec<u32> = twice.iter().map(|&i| classes[i]).collect();
            let weighted = fitted(settings, &values, &classes, Some(&weights));
            let repeated = fitted(settings, &again, &again_classes, None);
            let x = Matrix { values: vec![0.5, -3.0, 1.0, 4.0], n_rows: 2, n_columns: 2 };
            for (a, b) in weighted.predict(&x).iter().zip(repeated.predict(&x)) {
                prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }
}
