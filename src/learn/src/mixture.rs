//! Mixtures of normal distributions, by expectation and maximization (Dempster, Laird and Rubin, 1977).
//!
//! Conventions are scikit-learn's `GaussianMixture`: starts are k-means', and what regularizes is added to variances.

use model::{Clustering, Covariance, Features, Lanes, Matrix, Membership, Mixture};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Part, Watched};
use crate::clusters::{Clustered, Pace, Picture, inertia};
use crate::dense::{Cholesky, gram};
use crate::kmeans::{self, KMeansSettings};
use crate::scaling::lanes;
use crate::{Checkpoint, FitError};

/// More columns would take minutes with full covariances: the work grows with their square for each row.
const MAX_FULL_COLUMNS: usize = 200;

/// How a mixture of normal distributions is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixtureSettings {
    /// How many distributions.
    pub k: u32,
    /// How they may be stretched.
    pub covariance: Covariance,
    /// How often it starts anew; the most likely result is kept.
    pub n_init: u32,
    /// Rounds at most.
    pub max_iterations: u32,
    /// It ends when the mean log-likelihood of a row changes by less than this.
    pub tolerance: f64,
    /// Added to every variance.
    pub regularization: f64,
    /// Whether each column is given mean 0 and standard deviation 1 first.
    pub standardize: bool,
}

impl Default for MixtureSettings {
    fn default() -> Self {
        Self {
            k: 3,
            covariance: Covariance::Full,
            n_init: 5,
            max_iterations: 200,
            tolerance: 1e-4,
            regularization: 1e-6,
            standardize: true,
        }
    }
}

/// Fits a mixture. Each start has its own random stream.
///
/// # Errors
/// A setting that makes no sense, too many columns, fewer distinct rows than distributions, a distribution without
/// extent, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &MixtureSettings,
    features: Features,
    x: &Matrix,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Clustered, FitError> {
    settings.check()?;
    if settings.covariance == Covariance::Full && x.n_columns > MAX_FULL_COLUMNS {
        return Err(FitError::TooWide { n_columns: x.n_columns, limit: MAX_FULL_COLUMNS });
    }
    let start =
        KMeansSettings { k: settings.k, n_init: 1, standardize: settings.standardize, ..KMeansSettings::default() };
    let n_starts = settings.n_init as usize;
    let mut best: Option<(Clustering, Lanes)> = None;
    for start_idx in 0..n_starts {
        let mut part = Part::new(checkpoint, start_idx, n_starts);
        let mut part = Watched::new(&mut part);
        let stream = Stream::fork(seed, start_idx as u64).next_u64();
        let found = kmeans::fit(&start, features.clone(), x, stream, &mut part).await?;
        let rows = lanes(x, found.clustering.scaling.as_deref());
        let found = Search { settings, rows: &rows }.climb(found, &mut part).await?;
        if best.as_ref().is_none_or(|(best, _)| likelihood(&found) > likelihood(best)) {
            best = Some((found, rows));
        }
    }
    let Some((mut clustering, rows)) = best else { return Err(FitError::NoRows) };
    let mut assigned = model::ClusterAssignments::default();
    let mut pace = Pace::new("Assigning rows", checkpoint);
    for group_idx in 0..rows.n_groups() {
        clustering.assign_group(&rows, group_idx, None, &mut assigned);
        pace.worked(clustering.work_per_group(x.n_columns), 1.0).await?;
    }
    let clusters = assigned.clusters;
    clustering.inertia = inertia(&rows, &clusters, &clustering.centroids);
    if !clustering.inertia.is_finite() {
        return Err(FitError::Overflow);
    }
    clustering.sizes.iter_mut().for_each(|size| *size = 0);
    clusters.iter().for_each(|cluster| clustering.sizes[*cluster as usize] += 1);
    let mut notes = Vec::new();
    if let Membership::Mixture(Mixture { converged: false, .. }) = &clustering.membership {
        notes.push(format!(
            "It stopped at the limit of {} rounds while the likelihood was still rising: allow more rounds, or ask for \
             fewer clusters.",
            settings.max_iterations
        ));
    }
    Ok(Clustered { clustering, clusters, picture: Picture::None, notes })
}

fn likelihood(clustering: &Clustering) -> f64 {
    match &clustering.membership {
        Membership::Mixture(mixture) => mixture.log_likelihood,
        Membership::NearestCentroid { .. } | Membership::NearestRow { .. } => f64::NEG_INFINITY,
    }
}

impl MixtureSettings {
    fn check(&self) -> Result<(), FitError> {
        for (name, found) in [("the number of starts", self.n_init), ("the number of rounds", self.max_iterations)] {
            if found == 0 {
                return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
            }
        }
        for (name, found) in [("the tolerance", self.tolerance), ("the regularization", self.regularization)] {
            if !(found.is_finite() && found >= 0.0) {
                let found = found.to_string();
                return Err(FitError::Setting { name, found, expected: "a number of at least 0" });
            }
        }
        Ok(())
    }
}

/// One start.
struct Search<'a> {
    settings: &'a MixtureSettings,
    rows: &'a Lanes,
}

impl Search<'_> {
    /// From the clusters of k-means to the nearest mixture that no round makes more likely.
    async fn climb(&self, start: Clustered, checkpoint: &mut Watched<'_>) -> Result<Clustering, FitError> {
        let Clustered { clustering: mut found, clusters, .. } = start;
        let (n, k) = (self.rows.n_rows(), found.n_clusters());
        // Cluster by cluster, how much of each row belongs to it.
        let mut shares = vec![0.0; k * n];
        clusters.iter().enumerate().for_each(|(row_idx, cluster)| shares[*cluster as usize * n + row_idx] = 1.0);
        let mut before = f64::NEG_INFINITY;
        let mut n_iterations = 0;
        loop {
            let mut mixture = self.maximize(&shares, &mut found.centroids, n_iterations, checkpoint).await?;
            let mean = self.expect(&mixture, &found.centroids, &mut shares, n_iterations, checkpoint).await?;
            if !mean.is_finite() {
                return Err(FitError::Overflow);
            }
            n_iterations += 1;
            mixture.log_likelihood = mean;
            mixture.n_iterations = n_iterations;
            mixture.converged = (mean - before).abs() < self.settings.tolerance;
            let ends = mixture.converged || n_iterations == self.settings.max_iterations;
            found.membership = Membership::Mixture(mixture);
            if ends {
                return Ok(found);
            }
            before = mean;
        }
    }

    /// How much of each row belongs to each distribution; the mean log-likelihood.
    async fn expect(
        &self,
        mixture: &Mixture,
        centroids: &[f64],
        shares: &mut [f64],
        n_iterations: u32,
        checkpoint: &mut Watched<'_>,
    ) -> Result<f64, FitError> {
        let n = self.rows.n_rows();
        let mut pace = Pace::new("Fitting distributions", checkpoint);
        let work = Lanes::WIDTH * (mixture.precisions.len() + centroids.len() + 32 * mixture.weights.len());
        let mut sum = 0.0;
        for group_idx in 0..self.rows.n_groups() {
            let first = group_idx * Lanes::WIDTH;
            let n_lanes = (n - first).min(Lanes::WIDTH);
            let mut joint = mixture.joint(self.rows, group_idx, centroids);
            sum += Mixture::share(&mut joint)[..n_lanes].iter().sum::<f64>();
            for (column, joint) in shares.chunks_exact_mut(n).zip(&joint) {
                column[first..first + n_lanes].copy_from_slice(&joint[..n_lanes]);
            }
            pace.worked(work, self.fraction(n_iterations)).await?;
        }
        Ok(sum / n as f64)
    }

    /// The distributions that are most likely, given how much of each row belongs to them.
    async fn maximize(
        &self,
        shares: &[f64],
        centroids: &mut [f64],
        n_iterations: u32,
        checkpoint: &mut Watched<'_>,
    ) -> Result<Mixture, FitError> {
        let (n, d) = (self.rows.n_rows(), self.rows.n_columns());
        let covariance = self.settings.covariance;
        let fraction = self.fraction(n_iterations);
        let mut weights = Vec::new();
        let mut precisions = Vec::new();
        // Differences to a centre, column by column, each by the root of the row's share.
        let mut differences = vec![0.0; n * d];
        for (cluster, (shares, center)) in shares.chunks_exact(n).zip(centroids.chunks_exact_mut(d)).enumerate() {
            let collapsed = || FitError::Collapsed { cluster };
            // Nothing is divided by nothing, as in scikit-learn.
            let total = shares.iter().sum::<f64>() + 10.0 * f64::EPSILON;
            for (j, center) in center.iter_mut().enumerate() {
                let sum: f64 = shares.iter().enumerate().map(|(i, share)| share * self.rows.at(i, j)).sum();
                *center = sum / total;
                let column = &mut differences[j * n..(j + 1) * n];
                for ((i, share), difference) in shares.iter().enumerate().zip(column) {
                    *difference = numeric::sqrt(*share) * (self.rows.at(i, j) - *center);
                }
                if j % 8 == 7 {
                    checkpoint.checkpoint(fraction, "Fitting distributions").await?;
                }
            }
            checkpoint.checkpoint(fraction, "Fitting distributions").await?;
            let regularization = self.settings.regularization;
            let inverse = |variance: f64| match 1.0 / numeric::sqrt(variance) {
                precision if precision.is_finite() && precision > 0.0 => Ok(precision),
                _ => Err(collapsed()),
            };
            let variances = differences.chunks_exact(n).map(|column| crate::dense::dot(column, column) / total);
            match covariance {
                Covariance::Full => {
                    let mut matrix = gram(&differences, n, d, checkpoint).await?;
                    matrix.iter_mut().for_each(|value| *value /= total);
                    (0..d).for_each(|j| matrix[j * (d + 1)] += regularization);
                    let factor = Cholesky::new(matrix, d, 0.0, checkpoint).await?.ok_or_else(collapsed)?;
                    precisions.extend(factor.inverse());
                }
                Covariance::Diagonal => {
                    for variance in variances {
                        precisions.push(inverse(variance + regularization)?);
                    }
                }
                Covariance::Spherical => {
                    precisions.push(inverse(variances.sum::<f64>() / d as f64 + regularization)?);
                }
            }
            weights.push(total / n as f64);
        }
        let peaks = Mixture::peaks(covariance, &weights, &precisions, d);
        Ok(Mixture { covariance, weights, precisions, peaks, log_likelihood: 0.0, n_iterations: 0, converged: false })
    }

    fn fraction(&self, n_iterations: u32) -> f64 {
        f64::from(n_iterations) / f64::from(self.settings.max_iterations)
    }
}

#[cfg(test)]
mod tests;
