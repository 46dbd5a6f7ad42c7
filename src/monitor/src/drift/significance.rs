//! How likely a difference is if nothing has changed.

use numeric::{exp, ln, ln_gamma};

/// Pearson's chi-squared statistic of two rows of counts, and its degrees of freedom; columns without counts are left out.
pub(super) fn chi_squared(a: &[u64], b: &[u64]) -> (f64, usize) {
    let (n_a, n_b) = (a.iter().sum::<u64>() as f64, b.iter().sum::<u64>() as f64);
    let columns: Vec<(f64, f64)> =
        a.iter().zip(b).filter(|(a, b)| *a + *b > 0).map(|(a, b)| (*a as f64, *b as f64)).collect();
    let term = |found: f64, expected: f64| (found - expected) * (found - expected) / expected;
    let terms = columns.iter().map(|(a, b)| {
        let share = (a + b) / (n_a + n_b);
        term(*a, share * n_a) + term(*b, share * n_b)
    });
    (terms.sum(), columns.len().saturating_sub(1))
}

/// The probability that a chi-squared statistic with `freedom` degrees of freedom is at least `x`.
pub(super) fn chi_squared_p(x: f64, freedom: usize) -> f64 {
    if freedom == 0 || x <= 0.0 { 1.0 } else { upper_gamma(freedom as f64 / 2.0, x / 2.0) }
}

/// The regularized upper incomplete gamma function Q(a, x): the series of 6.5.29 below `a + 1`, the continued fraction of
/// 6.5.31 above (Abramowitz and Stegun), the latter by Lentz's method.
fn upper_gamma(a: f64, x: f64) -> f64 {
    let scale = exp(a * ln(x) - x - ln_gamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * f64::EPSILON {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return 1.0 - scale * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut fraction = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let numerator = i * (a - i);
        b += 2.0;
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    scale * fraction
}

/// The probability that the empirical distribution functions of `n_a` and `n_b` values of the same distribution are at
/// least `d` apart: that of one of as many values as their harmonic mean's half from its distribution, as SciPy's
/// `ks_2samp` with `method="asymp"` has it.
pub(super) fn kolmogorov_smirnov_p(d: f64, n_a: usize, n_b: usize) -> f64 {
    let (n_a, n_b) = (n_a as f64, n_b as f64);
    let n = (n_a * n_b / (n_a + n_b)).round_ties_even();
    // Beyond here being apart on both sides is so rare that twice one side is exact to 2e-6, and soon to all digits.
    let far = if n > 140.0 { 2.2 } else { 4.0 };
    let p = if d <= 0.0 {
        1.0
    } else if d >= 1.0 {
        0.0
    } else if d >= 0.5 || n * d * d >= far {
        2.0 * one_sided(n, d)
    } else {
        1.0 - two_sided(n as usize, d)
    };
    p.clamp(0.0, 1.0)
}

/// The probability that an empirical distribution function of `n` values is somewhere at least `d` above its own
/// (Birnbaum and Tingey, 1951).
fn one_sided(n: f64, d: f64) -> f64 {
    let terms = (0..=(n * (1.0 - d)) as u32).map(|j| {
        let j = f64::from(j);
        let left = 1.0 - d - j / n;
        let choices = ln_gamma(n + 1.0) - ln_gamma(j + 1.0) - ln_gamma(n - j + 1.0);
        let of_left = if n == j { 0.0 } else { (n - j) * ln(left.max(0.0)) };
        exp(choices + (j - 1.0) * ln(d + j / n) + of_left)
    });
    d * terms.sum::<f64>()
}

/// The probability that an empirical distribution function of `n` values is nowhere `d` from its own: Durbin's matrix
/// (Marsaglia, Tsang and Wang, 2003), applied `n` times to a vector rather than raised to a power.
fn two_sided(n: usize, d: f64) -> f64 {
    let t = n as f64 * d;
    let k = t as usize + 1;
    let (m, h) = (2 * k - 1, k as f64 - t);
    let power = |i: usize| numeric::pow(h, i as f64);
    // What is on and below the diagonal above the main one: row by row, from the first column.
    let mut matrix: Vec<Vec<f64>> = (0..m).map(|i| vec![1.0; (i + 2).min(m)]).collect();
    matrix.iter_mut().enumerate().for_each(|(i, row)| row[0] -= power(i + 1));
    matrix[m - 1].iter_mut().enumerate().for_each(|(j, entry)| *entry -= power(m - j));
    matrix[m - 1][0] += numeric::pow((2.0 * h - 1.0).max(0.0), m as f64);
    let mut of_factorials = vec![1.0; m + 1];
    (1..=m).for_each(|i| of_factorials[i] = of_factorials[i - 1] / i as f64);
    for (i, row) in matrix.iter_mut().enumerate() {
        row.iter_mut().enumerate().for_each(|(j, entry)| *entry *= of_factorials[i + 1 - j]);
    }
    // n! / n^n, shared out evenly so that nothing grows or vanishes on the way.
    let scale = exp(ln_gamma(n as f64 + 1.0) / n as f64 - ln(n as f64));
    let mut vector = vec![0.0; m];
    vector[k - 1] = 1.0;
    for _ in 0..n {
        let dot = |row: &Vec<f64>| row.iter().zip(&vector).map(|(a, b)| a * b).sum::<f64>() * scale;
        vector = matrix.iter().map(dot).collect();
    }
    vector[k - 1]
}

/// Probabilities adjusted for being many, so that of those below 0.05 one in twenty is expected to be a false alarm
/// (Benjamini and Hochberg, 1995).
pub(super) fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    schema::ordered::sort_by(&mut order, |a, b| p_values[*a].total_cmp(&p_values[*b]));
    let (mut adjusted, mut least) = (vec![1.0; p_values.len()], 1.0_f64);
    for (rank, at) in order.iter().enumerate().rev() {
        least = least.min(p_values[*at] * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[*at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found:e}, expected {expected:e}");
    }

    #[test]
    fn two_degrees_of_freedom_are_an_exponential() {
        for x in [0.001, 0.5, 3.9, 4.1, 30.0, 1_000.0] {
            near(chi_squared_p(x, 2), exp(-x / 2.0));
        }
        assert_eq!((chi_squared_p(0.0, 3), chi_squared_p(5.0, 0)), (1.0, 1.0));
    }

    #[test]
    fn one_value_is_apart_as_a_uniform_number_says() {
        // Of one uniform number u the distance is max(u, 1 - u).
        near(two_sided(1, 0.6), 0.2);
        near(two_sided(1, 0.9), 0.8);
        // Two numbers stay within 0.3 of (0, 1/2, 1): 2 · (0.3 + 0.3 - 0.5)².
        near(two_sided(2, 0.3), 2.0 * 0.1 * 0.1);
        near(one_sided(1.0, 0.7), 0.3);
    }

    #[test]
    fn adjusting_keeps_the_order_and_never_lowers() {
        assert_eq!(benjamini_hochberg(&[0.01, 0.04, 0.03, 0.5]), [0.04, 0.16 / 3.0, 0.16 / 3.0, 0.5]);
        assert_eq!(benjamini_hochberg(&[]), [0.0; 0]);
    }
}
