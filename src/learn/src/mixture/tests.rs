use super::*;
use crate::clusters::tests::{assigned, features, matrix};
use crate::{Unwatched, block_on};

fn fitted(settings: &MixtureSettings, x: &Matrix) -> Result<Clustered, FitError> {
    block_on(fit(settings, features(x.n_columns), x, 1, &mut Unwatched))
}

fn mixture(found: &Clustered) -> &Mixture {
    match &found.clustering.membership {
        Membership::Mixture(mixture) => mixture,
        other => panic!("a mixture, not {other:?}"),
    }
}

/// Two long groups side by side: three quarters of the rows in the first.
fn stripes(n_rows: usize) -> (Matrix, Vec<u32>) {
    let mut stream = Stream::new(3);
    let (mut along, mut across, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for row_idx in 0..n_rows {
        let group = u32::from(row_idx % 4 == 0);
        let (t, e) = (stream.normal() * 3.0, stream.normal() * 0.3);
        along.push(t);
        across.push(t + e + 4.0 * f64::from(group));
        truth.push(group);
    }
    (matrix(&[&along, &across]), truth)
}

#[test]
fn one_distribution_has_the_mean_and_the_variances_of_all_rows() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 6.0], &[2.0, 0.0, 1.0, 5.0]]);
    for covariance in [Covariance::Full, Covariance::Diagonal, Covariance::Spherical] {
        let settings =
            MixtureSettings { k: 1, covariance, regularization: 0.0, standardize: false, ..MixtureSettings::default() };
        let found = fitted(&settings, &x).expect("a mixture");
        let center = &found.clustering.centroids;
        assert!((center[0] - 3.0).abs() < 1e-12 && (center[1] - 2.0).abs() < 1e-12, "{center:?}");
        // Variances 3.5 and 3.5, covariance 2.75: the logarithm of the determinant, and d for the squares.
        let log_determinant = match covariance {
            Covariance::Full => (3.5f64 * 3.5 - 2.75 * 2.75).ln(),
            Covariance::Diagonal | Covariance::Spherical => (3.5f64 * 3.5).ln(),
        };
        let expected = -0.5 * (2.0 * (2.0 * std::f64::consts::PI).ln() + log_determinant + 2.0);
        let found = mixture(&found).log_likelihood;
        assert!((found - expected).abs() < 1e-12, "{covariance:?}: {found} for {expected}");
    }
}

#[test]
fn long_groups_side_by_side_are_told_apart_by_full_covariances_alone() {
    let (x, truth) = stripes(800);
    let right = |covariance| {
        let settings = MixtureSettings { k: 2, covariance, ..MixtureSettings::default() };
        let found = fitted(&settings, &x).expect("a mixture");
        let n_same = found.clusters.iter().zip(&truth).filter(|(found, truth)| found == truth).count();
        n_same.max(truth.len() - n_same) as f64 / truth.len() as f64
    };
    assert!(right(Covariance::Full) > 0.99);
    assert!(right(Covariance::Spherical) < 0.9);
}

#[test]
fn no_round_makes_rows_less_likely() {
    let (x, _) = stripes(300);
    for covariance in [Covariance::Full, Covariance::Diagonal, Covariance::Spherical] {
        let after = |max_iterations| {
            let settings = MixtureSettings {
                covariance,
                n_init: 1,
                max_iterations,
                tolerance: 0.0,
                regularization: 0.0,
                ..MixtureSettings::default()
            };
            mixture(&fitted(&settings, &x).expect("a mixture")).log_likelihood
        };
        let likelihoods: Vec<f64> = (1..15).map(after).collect();
        assert!(likelihoods.is_sorted_by(|one, next| next - one > -1e-9), "{likelihoods:?}");
    }
}

#[test]
fn rows_have_the_same_clusters_anew_and_probabilities_that_sum_to_one() {
    let (x, _) = stripes(101);
    let found = fitted(&MixtureSettings::default(), &x).expect("a mixture");
    let again = assigned(&found.clustering, &x);
    assert_eq!(again.clusters, found.clusters);
    assert_eq!(found.clustering.sizes.iter().sum::<u64>(), 101);
    for probabilities in again.probabilities.chunks_exact(3) {
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let far = assigned(&found.clustering, &matrix(&[&[1e300], &[-1e300]]));
    assert!(far.probabilities.iter().all(|p| p.is_finite()) && far.clusters[0] < 3);
    assert_eq!(found, fitted(&MixtureSettings::default(), &x).expect("the same"));
}

#[test]
fn what_cannot_be_is_refused() {
    let x = matrix(&[&[0.0, 1.0, 2.0, 9.0], &[5.0; 4]]);
    let error = |settings: MixtureSettings| fitted(&settings, &x).unwrap_err().to_string();
    let plain = MixtureSettings::default();
    assert_eq!(error(MixtureSettings { n_init: 0, ..plain }), "the number of starts is 0, expected at least 1");
    assert_eq!(error(MixtureSettings { k: 5, ..plain }), "the number of clusters is 5, but there are only 4 rows");
    assert_eq!(
        error(MixtureSettings { regularization: -1.0, ..plain }),
        "the regularization is -1, expected a number of at least 0"
    );
    for covariance in [Covariance::Full, Covariance::Diagonal] {
        assert_eq!(
            error(MixtureSettings { covariance, regularization: 0.0, ..plain }),
            "cluster 0 has lost its extent: its rows are all alike in some direction"
        );
    }
    let wide: Vec<Vec<f64>> = (0..201).map(|j| vec![0.0, f64::from(j), 1.0]).collect();
    let columns: Vec<&[f64]> = wide.iter().map(Vec::as_slice).collect();
    assert_eq!(
        fitted(&plain, &matrix(&columns)).unwrap_err(),
        FitError::TooWide { n_columns: 201, limit: MAX_FULL_COLUMNS }
    );
}

#[test]
fn a_limit_that_is_reached_is_told() {
    let (x, _) = stripes(100);
    let found = fitted(&MixtureSettings { max_iterations: 2, ..MixtureSettings::default() }, &x).expect("a mixture");
    assert!(found.notes[0].starts_with("It stopped at the limit of 2 rounds"), "{:?}", found.notes);
}
