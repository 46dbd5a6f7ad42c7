//! How far apart two distributions are.

/// A bin without values counts as this share where its logarithm is taken, as in Evidently.
const SHARE_OF_NONE: f64 = 0.0001;

/// Counts as shares of their sum.
pub(super) fn shares(counts: &[u64]) -> Vec<f64> {
    let n = counts.iter().sum::<u64>() as f64;
    counts.iter().map(|count| *count as f64 / n).collect()
}

/// Population stability index: Σ (q - p) ln(q / p). Above 0.1 one watches, above 0.25 one acts.
pub(super) fn psi(p: &[f64], q: &[f64]) -> f64 {
    let not_none = |share: f64| if share == 0.0 { SHARE_OF_NONE } else { share };
    let pairs = p.iter().zip(q).map(|(p, q)| (not_none(*p), not_none(*q)));
    pairs.map(|(p, q)| (q - p) * numeric::ln(q / p)).sum()
}

/// Jensen-Shannon distance to the base 2, from 0 to 1: the square root of the mean divergence from the mean of both.
pub(super) fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let term = |x: f64, mean: f64| if x == 0.0 { 0.0 } else { x * numeric::ln(x / mean) };
    let divergence: f64 = p.iter().zip(q).map(|(p, q)| term(*p, (p + q) / 2.0) + term(*q, (p + q) / 2.0)).sum();
    numeric::sqrt((divergence / 2.0 / std::f64::consts::LN_2).max(0.0))
}

/// Total variation, from 0 to 1: the share of values that would have to move to another bin.
pub(super) fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

/// The largest distance between two empirical distribution functions, from 0 to 1. Both are ascending.
pub(super) fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    steps(a, b).map(|step| step.apart).fold(0.0, f64::max)
}

/// The area between two empirical distribution functions: how far values must move on average, in their unit. Both are
/// ascending.
pub(super) fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    steps(a, b).map(|step| step.apart * step.width).sum()
}

/// Where two empirical distribution functions stay as far apart as they are.
struct Step {
    apart: f64,
    /// To the next value of either.
    width: f64,
}

fn steps<'a>(a: &'a [f64], b: &'a [f64]) -> impl Iterator<Item = Step> + 'a {
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let next = |i: usize, j: usize| match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => Some(x.min(*y)),
            (x, y) => x.or(y).copied(),
        };
        let at = next(i, j)?;
        i += a[i..].iter().take_while(|x| **x <= at).count();
        j += b[j..].iter().take_while(|y| **y <= at).count();
        let apart = (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs();
        Some(Step { apart, width: next(i, j).map_or(0.0, |next| next - at) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distributions_are_not_apart() {
        let p = [0.2, 0.0, 0.8];
        assert_eq!((psi(&p, &p), jensen_shannon(&p, &p), total_variation(&p, &p)), (0.0, 0.0, 0.0));
        let a = [1.0, 2.0, 2.0];
        assert_eq!((kolmogorov_smirnov(&a, &a), wasserstein(&a, &a)), (0.0, 0.0));
    }

    #[test]
    fn distributions_without_anything_in_common_are_as_far_apart_as_can_be() {
        let (p, q) = ([1.0, 0.0], [0.0, 1.0]);
        assert_eq!((jensen_shannon(&p, &q), total_variation(&p, &q)), (1.0, 1.0));
        let (a, b) = ([1.0, 2.0], [5.0, 6.0, 7.0]);
        assert_eq!((kolmogorov_smirnov(&a, &b), wasserstein(&a, &b)), (1.0, 4.5));
    }
}
