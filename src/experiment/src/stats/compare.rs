//! Tests between models.

use super::special::{incomplete_beta, normal_two_sided, student_t_quantile, student_t_two_sided};
use super::{CONFIDENCE, moments};
use crate::order::order;

/// Why a test cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Pairs are needed.
    #[error("{n_first} values against {n_second}: measure both models on the same folds or rows")]
    Unequal {
        /// Of the first.
        n_first: usize,
        /// Of the second.
        n_second: usize,
    },
    /// There is nothing to estimate a spread from.
    #[error("{found} pairs of values, and at least {needed} are needed: use more folds or repetitions")]
    TooFew {
        /// Pairs.
        found: usize,
        /// At least.
        needed: usize,
    },
    /// A value that is no finite number.
    #[error("pair {pair_idx} has a value that is no finite number")]
    NotFinite {
        /// Counted from 0.
        pair_idx: usize,
    },
    /// Folds without rows.
    #[error("{n_train} rows to train on and {n_test} to test on: both must be above 0")]
    NoRows {
        /// Rows to train on.
        n_train: u64,
        /// Rows to test on.
        n_test: u64,
    },
}

/// The result of a paired t-test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedTest {
    /// Pairs.
    pub n: usize,
    /// Mean of first − second.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// 95 % interval of the difference.
    pub interval: (f64, f64),
    /// Student's t; infinite when all pairs differ by the same.
    pub t: f64,
    /// Degrees of freedom.
    pub dof: f64,
    /// How probable so large a difference would be if there were none, on either side.
    pub p: f64,
}

/// Student's t-test of paired values, for independent repetitions. Folds of a cross-validation are not independent,
/// since their training rows overlap: use [`corrected_resampled_t`] for them.
///
/// # Errors
/// Other than at least two pairs of finite numbers.
pub fn paired_t(first: &[f64], second: &[f64]) -> Result<PairedTest, StatsError> {
    let n = first.len() as f64;
    t_of_differences(first, second, 1.0 / n)
}

/// The corrected resampled t-test, for folds or repeated splits: their training rows overlap, and the plain test finds
/// differences where there are none.
///
/// The variance of the mean is (1/n + n_test / n_train) s² instead of s² / n: Nadeau and Bengio, "Inference for the
/// Generalization Error", *Machine Learning* 52 (2003), 239–281.
///
/// # Errors
/// Other than at least two pairs of finite numbers, or folds without rows.
pub fn corrected_resampled_t(
    first: &[f64],
    second: &[f64],
    n_train: u64,
    n_test: u64,
) -> Result<PairedTest, StatsError> {
    if n_train == 0 || n_test == 0 {
        return Err(StatsError::NoRows { n_train, n_test });
    }
    let n = first.len() as f64;
    t_of_differences(first, second, 1.0 / n + n_test as f64 / n_train as f64)
}

/// `share` is the variance of the mean as a share of the variance of one difference.
fn t_of_differences(first: &[f64], second: &[f64], share: f64) -> Result<PairedTest, StatsError> {
    let differences = differences(first, second)?;
    let (difference, Some(std)) = moments(&differences) else {
        return Err(StatsError::TooFew { found: differences.len(), needed: 2 });
    };
    let n = differences.len();
    let dof = n as f64 - 1.0;
    let standard_error = std * share.sqrt();
    // Equal models differ by nothing, whatever the spread.
    let t = if difference == 0.0 { 0.0 } else { difference / standard_error };
    let half = student_t_quantile(1.0 - CONFIDENCE, dof) * standard_error;
    let interval = (difference - half, difference + half);
    Ok(PairedTest { n, difference, standard_error, interval, t, dof, p: student_t_two_sided(t, dof) })
}

fn differences(first: &[f64], second: &[f64]) -> Result<Vec<f64>, StatsError> {
    if first.len() != second.len() {
        return Err(StatsError::Unequal { n_first: first.len(), n_second: second.len() });
    }
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    match differences.iter().position(|x| !x.is_finite()) {
        Some(pair_idx) => Err(StatsError::NotFinite { pair_idx }),
        None => Ok(differences),
    }
}

/// The result of McNemar's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Rows that only the first classifier got right.
    pub n_first_only: u64,
    /// Rows that only the second got right.
    pub n_second_only: u64,
    /// By the binomial distribution, exact whatever the number of rows.
    pub p_exact: f64,
    /// (|b − c| − 1)² / (b + c): chi-squared with one degree of freedom and Edwards' correction for continuity.
    pub chi_squared: f64,
    /// By that distribution; good from about 25 rows on which one is right and the other wrong.
    pub p_chi_squared: f64,
}

/// McNemar's test of two classifiers on the same rows: whether the rows that only the one got right are more than those
/// that only the other did (McNemar, *Psychometrika* 12, 1947).
pub fn mcnemar(n_first_only: u64, n_second_only: u64) -> McNemar {
    let (b, c) = (n_first_only as f64, n_second_only as f64);
    let (n, fewer) = (b + c, b.min(c));
    // P(X ≤ k) of n fair coins is I_½(n − k, k + 1): DLMF 8.17.5.
    let p_exact = if b == c { 1.0 } else { (2.0 * incomplete_beta(0.5, 0.5, n - fewer, fewer + 1.0)).min(1.0) };
    let beyond = ((b - c).abs() - 1.0).max(0.0);
    let chi_squared = if n > 0.0 { beyond * beyond / n } else { 0.0 };
    let p_chi_squared = normal_two_sided(chi_squared.sqrt());
    McNemar { n_first_only, n_second_only, p_exact, chi_squared, p_chi_squared }
}

/// The result of Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// Pairs that differ; the others do not count.
    pub n: usize,
    /// The smaller of the sums of the ranks of positive and of negative differences.
    pub statistic: f64,
    /// How probable so small a sum would be if the differences lay evenly about 0.
    pub p: f64,
    /// Whether `p` is exact; otherwise it rests on the normal distribution.
    pub is_exact: bool,
}

/// Up to this many pairs the distribution is counted out: sums of subsets stay below 2⁵³ and so exact.
const MOST_EXACT: usize = 50;

/// Wilcoxon's signed-rank test of paired values (*Biometrics Bulletin* 1, 1945), for differences that are not normal.
/// Equal differences share the mean of their ranks. Up to 50 pairs it is exact, ties included; beyond, normal with the
/// variance corrected for ties, without correction for continuity.
///
/// # Errors
/// Unequal numbers of values, or values that are no finite numbers.
pub fn wilcoxon(first: &[f64], second: &[f64]) -> Result<SignedRank, StatsError> {
    let mut differences = differences(first, second)?;
    differences.retain(|x| *x != 0.0);
    let differences: Vec<f64> = order(differences.len(), &|a, b| differences[a].abs().total_cmp(&differences[b].abs()))
        .into_iter()
        .map(|at| differences[at])
        .collect();
    let n = differences.len();
    if n == 0 {
        return Ok(SignedRank { n, statistic: 0.0, p: 1.0, is_exact: true });
    }
    // Twice the ranks, so that means of two are whole.
    let mut doubled: Vec<usize> = Vec::with_capacity(n);
    let mut ties = 0.0;
    for tied in differences.chunk_by(|a, b| a.abs() == b.abs()) {
        let below = doubled.len();
        doubled.extend(std::iter::repeat_n(2 * below + tied.len() + 1, tied.len()));
        let t = tied.len() as f64;
        ties += t * t * t - t;
    }
    let positive: usize = doubled.iter().zip(&differences).filter(|(_, x)| **x > 0.0).map(|(rank, _)| rank).sum();
    let total: usize = doubled.iter().sum();
    let smaller = positive.min(total - positive);
    let statistic = smaller as f64 / 2.0;
    if n <= MOST_EXACT {
        let mut n_subsets = vec![0.0; total + 1];
        n_subsets[0] = 1.0;
        let mut largest = 0;
        for rank in doubled {
            largest += rank;
            for sum in (rank..=largest).rev() {
                n_subsets[sum] += n_subsets[sum - rank];
            }
        }
        let n_smaller: f64 = n_subsets[..=smaller].iter().sum();
        let p = (2.0 * n_smaller / libm::exp2(n as f64)).min(1.0);
        return Ok(SignedRank { n, statistic, p, is_exact: true });
    }
    let n_pairs = n as f64;
    let mean = n_pairs * (n_pairs + 1.0) / 4.0;
    let variance = n_pairs * (n_pairs + 1.0) * (2.0 * n_pairs + 1.0) / 24.0 - ties / 48.0;
    let p = normal_two_sided((statistic - mean) / variance.sqrt());
    Ok(SignedRank { n, statistic, p, is_exact: false })
}

/// Holm's correction (*Scandinavian Journal of Statistics* 6, 1979): what each of several p-values is worth when all
/// the comparisons were made together. In the order given; a p-value that is no number stays one.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order = order(p_values.len(), &|a, b| p_values[a].total_cmp(&p_values[b]));
    order.retain(|&at| !p_values[at].is_nan());
    let mut adjusted = p_values.to_vec();
    let mut least: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        least = least.max((p_values[i] * (order.len() - rank) as f64).min(1.0));
        adjusted[i] = least;
    }
    adjusted
}
