//! Principal components, from the covariances of the columns.

use model::{Matrix, PrincipalComponents, scaled};
use serde::{Deserialize, Serialize};

use crate::accelerator::{ACCELERATED_FROM, Accelerated};
use crate::dense::{Svd, scatter};
use crate::scaling::{scale, scaling};
use crate::{Checkpoint, FitError};

/// More columns would take minutes: the work grows with their cube.
const MAX_COLUMNS: usize = 1_000;

/// How principal components are found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentsSettings {
    /// How many are kept.
    pub keep: Keep,
    /// Whether each column is given standard deviation 1 first.
    pub standardize: bool,
}

/// How many components are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Keep {
    /// So many.
    Count(u32),
    /// As few as have together this share of the variance.
    Share(f64),
}

impl Default for ComponentsSettings {
    fn default() -> Self {
        Self { keep: Keep::Count(2), standardize: true }
    }
}

/// Finds principal components. Of a direction and its opposite the one whose largest part is positive is taken.
///
/// # Errors
/// A setting that makes no sense, more components than columns, too many columns, numbers too large, or the user's
/// cancellation.
pub async fn fit(
    settings: &ComponentsSettings,
    x: &Matrix,
    checkpoint: &mut impl Checkpoint,
) -> Result<PrincipalComponents, FitError> {
    let d = x.n_columns;
    match settings.keep {
        Keep::Count(0) => {
            let name = "the number of components";
            return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
        }
        Keep::Count(k) if k as usize > d => {
            return Err(FitError::TooManyComponents { k: k as usize, n_columns: d });
        }
        Keep::Share(share) if !(share > 0.0 && share <= 1.0) => {
            let found = share.to_string();
            let expected = "a number above 0 and up to 1";
            return Err(FitError::Setting { name: "the share of the variance", found, expected });
        }
        Keep::Count(_) | Keep::Share(_) => {}
    }
    if d > MAX_COLUMNS {
        return Err(FitError::TooWide { n_columns: d, limit: MAX_COLUMNS });
    }
    if x.n_rows < 2 {
        return Err(FitError::OneRow);
    }
    let (means, mut covariances) = match accelerated_scatter(x, checkpoint).await? {
        Some(found) => found,
        None => scatter(&x.values, x.n_rows, d, checkpoint).await?,
    };
    let deviation = |j: usize| numeric::sqrt(covariances[j * (d + 1)] / x.n_rows as f64);
    let scales: Vec<f64> = match settings.standardize {
        true => (0..d).map(|j| scale(means[j], deviation(j))).collect(),
        false => vec![1.0; d],
    };
    for (i, of_row) in covariances.chunks_exact_mut(d).enumerate() {
        of_row.iter_mut().zip(&scales).for_each(|(value, scale)| *value /= scale * scales[i] * (x.n_rows - 1) as f64);
    }
    if !covariances.iter().all(|value| value.is_finite()) {
        return Err(FitError::Overflow);
    }
    let total_variance: f64 = (0..d).map(|j| covariances[j * (d + 1)]).sum();
    // Of a symmetric matrix without negative values singular values are eigenvalues.
    let svd = Svd::new(covariances, d, checkpoint).await?;
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|a, b| svd.values[*b].total_cmp(&svd.values[*a]).then(a.cmp(b)));
    let k = match settings.keep {
        Keep::Count(k) => k as usize,
        Keep::Share(share) => {
            let mut sum = 0.0;
            // Rounding must not ask for one more than all.
            let enough = share * total_variance * (1.0 - 1e-12);
            let is_short = |idx: &&usize| {
                let short = sum < enough;
                sum += svd.values[**idx];
                short
            };
            order.iter().take_while(is_short).count().max(1)
        }
    };
    let mut directions = Vec::with_capacity(k * d);
    for &idx in &order[..k] {
        let direction = &svd.right[idx * d..][..d];
        // Of parts that rounding alone tells apart, the first.
        let is_larger = |w: f64, largest: f64| w.abs() > largest.abs() * (1.0 + 1e-9);
        let largest = direction.iter().fold(0.0, |largest, w| if is_larger(*w, largest) { *w } else { largest });
        directions.extend(direction.iter().map(|w| w * largest.signum()));
    }
    let variances = order[..k].iter().map(|&idx| svd.values[idx]).collect();
    let scaling = means.into_iter().zip(scales).collect();
    Ok(PrincipalComponents { scaling, directions, variances, total_variance })
}

/// What `scatter` tells, by an accelerator if there is one and the columns are many.
async fn accelerated_scatter(
    x: &Matrix,
    checkpoint: &mut impl Checkpoint,
) -> Result<Option<(Vec<f64>, Vec<f64>)>, FitError> {
    let d = x.n_columns;
    let Some(accelerator) = checkpoint.accelerator().filter(|_| d >= ACCELERATED_FROM) else { return Ok(None) };
    let scaling = scaling(x, checkpoint).await?;
    let mut rows = Vec::new();
    scaled(x, &scaling, 0..x.n_rows, &mut rows);
    let by = match accelerator.gram(&rows, d).await {
        Ok(None) => return Ok(None),
        Ok(Some(gram)) => {
            checkpoint.remark(Accelerated::Wholly(accelerator.name()).to_string());
            let scatter =
                gram.iter().enumerate().map(|(at, sum)| f64::from(*sum) * scaling[at / d].1 * scaling[at % d].1);
            return Ok(Some((scaling.iter().map(|(mean, _)| *mean).collect(), scatter.collect())));
        }
        Err(lost) => Accelerated::Lost(lost.0),
    };
    checkpoint.remark(by.to_string());
    Ok(None)
}

#[cfg(test)]
mod tests {
    use numeric::Stream;
    use proptest::prelude::*;

    use super::*;
    use crate::accelerator::tests::{Accelerating, Erring};
    use crate::{Unwatched, block_on};

    fn fitted(settings: &ComponentsSettings, x: &Matrix) -> Result<PrincipalComponents, FitError> {
        block_on(fit(settings, x, &mut Unwatched))
    }

    #[test]
    fn a_line_has_one_component() {
        let x = Matrix { values: vec![0.0, 1.0, 2.0, 0.0, 2.0, 4.0], n_rows: 3, n_columns: 2 };
        let settings = ComponentsSettings { keep: Keep::Share(0.999), standardize: false };
        let found = fitted(&settings, &x).expect("components");
        assert_eq!(found.n_components(), 1);
        assert!((found.variances[0] - 5.0).abs() < 1e-12 && (found.total_variance - 5.0).abs() < 1e-12);
        let s = numeric::sqrt(0.2);
        assert!((found.directions[0] - s).abs() < 1e-12 && (found.directions[1] - 2.0 * s).abs() < 1e-12);
    }

    #[test]
    fn sums_of_many_columns_are_accelerated() {
        let mut stream = Stream::new(4);
        let (n_rows, d) = (200, ACCELERATED_FROM);
        let mut x = Matrix { values: (0..n_rows * d).map(|_| stream.normal()).collect(), n_rows, n_columns: d };
        // Other units, far from 0, and one that says nothing.
        x.values[..n_rows].iter_mut().for_each(|value| *value = 1e6 + 1e3 * *value);
        x.values[n_rows..2 * n_rows].fill(7.0);
        for standardize in [false, true] {
            let settings = ComponentsSettings { keep: Keep::Count(3), standardize };
            let on_cpu = fitted(&settings, &x).expect("components");
            let mut lost = Accelerating(Erring::new(0), Vec::new());
            assert_eq!(block_on(fit(&settings, &x, &mut lost)).as_ref(), Ok(&on_cpu));
            assert_eq!(lost.1, ["The CPU computed it, as the GPU did not: the GPU was lost."]);
            let mut found = Accelerating(Erring::new(u32::MAX), Vec::new());
            let components = block_on(fit(&settings, &x, &mut found)).expect("components");
            assert!(found.1[0].starts_with("Computed and rounded by the GPU"), "{:?}", found.1);
            for (one, other) in components.variances.iter().zip(&on_cpu.variances) {
                assert!((one / other - 1.0).abs() < 1e-5, "{one} {other}");
            }
            let dot: f64 = components.directions[..d].iter().zip(&on_cpu.directions).map(|(a, b)| a * b).sum();
            assert!((dot - 1.0).abs() < 1e-5, "{dot}");
        }
        let narrow = Matrix { values: x.values[..n_rows * (d - 1)].to_vec(), n_rows, n_columns: d - 1 };
        let mut found = Accelerating(Erring::new(u32::MAX), Vec::new());
        block_on(fit(&ComponentsSettings::default(), &narrow, &mut found)).expect("components");
        assert!(found.1.is_empty());
    }

    #[test]
    fn more_components_than_columns_are_refused() {
        let x = Matrix { values: vec![0.0, 1.0], n_rows: 2, n_columns: 1 };
        assert_eq!(fitted(&ComponentsSettings::default(), &x), Err(FitError::TooManyComponents { k: 2, n_columns: 1 }));
    }

    proptest! {
        #[test]
        fn all_components_together_say_everything(seed in 0u64..10_000, d in 1usize..6) {
            let mut stream = Stream::new(seed);
            let n = 20;
            let mut x = Matrix { values: (0..n * d).map(|_| stream.normal()).collect(), n_rows: n, n_columns: d };
            if d > 1 {
                // Two columns that say nearly the same.
                (0..n).for_each(|i| x.values[i] = 3.0 * x.values[n + i] + 0.1 * x.values[i]);
            }
            let settings = ComponentsSettings { keep: Keep::Count(d as u32), standardize: seed % 2 == 0 };
            let found = fitted(&settings, &x).expect("components");
            let sum: f64 = found.variances.iter().sum();
            prop_assert!((sum - found.total_variance).abs() < 1e-9 * found.total_variance);
            prop_assert!(found.variances.is_sorted_by(|a, b| a >= b));
            prop_assert!(found.residuals(&x).iter().all(|rest| *rest < 1e-18));
            for a in 0..d {
                for b in 0..d {
                    let product: f64 = (0..d).map(|j| found.directions[a * d + j] * found.directions[b * d + j]).sum();
                    prop_assert!((product - f64::from(u8::from(a == b))).abs() < 1e-10, "{product}");
                }
            }
        }
    }
}
