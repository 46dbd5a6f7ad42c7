//! Groups of rows, and which of them a new row belongs to.

use serde::{Deserialize, Serialize};

use crate::{Features, Frame, Lanes, Mixture, ModelError};

/// What stands for a cluster where a row belongs to none.
pub const NOISE: u32 = u32::MAX;

/// A trained clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// What it looks at.
    pub features: Features,
    /// Subtracted from and divided out of each column before distances are taken, as learned in training.
    pub scaling: Option<Vec<(f64, f64)>>,
    /// The centre of each cluster, one after another, in scaled units.
    pub centroids: Vec<f64>,
    /// Sum of squared distances to the own centre over the training rows that have one.
    pub inertia: f64,
    /// Training rows in each cluster.
    pub sizes: Vec<u64>,
    /// Training rows in none.
    pub n_noise: u64,
    /// What tells the cluster of a row.
    pub membership: Membership,
}

/// What tells the cluster of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Membership {
    /// The nearest centre, as k-means does.
    NearestCentroid {
        /// Rounds until nothing moved.
        n_iterations: u32,
    },
    /// The nearest of some training rows.
    NearestRow {
        /// Row by row, in scaled units.
        rows: Vec<f64>,
        /// The cluster of each.
        clusters: Vec<u32>,
        /// A row farther away than this belongs to no cluster.
        reach: Option<f64>,
    },
    /// The most probable of some normal distributions.
    Mixture(Mixture),
}

/// Which cluster each row belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterAssignments {
    /// One a row; `NOISE` for none.
    pub clusters: Vec<u32>,
    /// Euclidean distance to every centroid, row by row.
    pub distances: Vec<f64>,
    /// The probability of every cluster, row by row; only of a mixture.
    pub probabilities: Vec<f64>,
}

impl Clustering {
    /// How many clusters there are.
    pub fn n_clusters(&self) -> usize {
        self.sizes.len()
    }

    /// Whether a row may belong to no cluster.
    pub fn knows_noise(&self) -> bool {
        matches!(self.membership, Membership::NearestRow { reach: Some(_), .. })
    }

    /// The numbers of rows, as distances are taken of them.
    ///
    /// # Errors
    /// As `Features::matrix`.
    pub fn rows(&self, frame: &Frame<'_>) -> Result<Lanes, ModelError> {
        let x = self.features.matrix(frame)?;
        Ok(Lanes::new(x.n_rows, x.n_columns, |row_idx, column_idx| {
            let value = x.at(row_idx, column_idx);
            match self.scaling.as_ref().and_then(|scaling| scaling.get(column_idx)) {
                Some((mean, deviation)) => (value - mean) / deviation,
                None => value,
            }
        }))
    }

    /// The cluster of each row; of several that are equally near or probable the first.
    ///
    /// # Errors
    /// As `Features::matrix`.
    pub fn assign(&self, frame: &Frame<'_>) -> Result<ClusterAssignments, ModelError> {
        let rows = self.rows(frame)?;
        let mut assigned = ClusterAssignments::default();
        (0..rows.n_groups()).for_each(|group_idx| self.assign_group(&rows, group_idx, None, &mut assigned));
        Ok(assigned)
    }

    /// Whether rows that were assigned are at a distance at all.
    ///
    /// # Errors
    /// One is so far from a centre that it is not.
    pub fn check_distances(&self, assigned: &ClusterAssignments, frame: &Frame<'_>) -> Result<(), ModelError> {
        let Some(at) = assigned.distances.iter().position(|distance| !distance.is_finite()) else { return Ok(()) };
        let (row_idx, x) = (at / self.n_clusters(), self.features.matrix(frame)?);
        let largest = self.features.largest(&x, row_idx);
        Err(ModelError::Unbounded { row_idx, found: assigned.distances[at], largest })
    }

    /// About how many numbers are looked at for a group of eight rows.
    pub fn work_per_group(&self, n_columns: usize) -> usize {
        let of_membership = match &self.membership {
            Membership::NearestCentroid { .. } => self.centroids.len(),
            Membership::NearestRow { rows, .. } => rows.len(),
            Membership::Mixture(mixture) => mixture.precisions.len() + 32 * mixture.weights.len(),
        };
        Lanes::WIDTH * (of_membership + self.centroids.len() + n_columns)
    }

    /// Adds the rows of one group; `known` are the clusters of all rows, where they need not be looked for.
    pub fn assign_group(
        &self,
        rows: &Lanes,
        group_idx: usize,
        known: Option<&[u32]>,
        assigned: &mut ClusterAssignments,
    ) {
        let first = group_idx * Lanes::WIDTH;
        let n_lanes = (rows.n_rows() - first).min(Lanes::WIDTH);
        let n_clusters = self.n_clusters();
        let width = rows.n_columns().max(1);
        let start = assigned.distances.len();
        assigned.distances.resize(start + n_lanes * n_clusters, 0.0);
        let (mut least, mut by_centroid) = ([f64::INFINITY; Lanes::WIDTH], [0; Lanes::WIDTH]);
        for (cluster, centroid) in (0..n_clusters).zip(self.centroids.chunks_exact(width)) {
            let squares = rows.squared_distances(group_idx, centroid);
            for (lane, &square) in squares.iter().enumerate().take(n_lanes) {
                assigned.distances[start + lane * n_clusters + cluster] = numeric::sqrt(square);
                if square < least[lane] {
                    (least[lane], by_centroid[lane]) = (square, cluster as u32);
                }
            }
        }
        // Rows so far away that squares are beyond all numbers are as near to one cluster as to another.
        let mut clusters = [if self.knows_noise() { NOISE } else { 0 }; Lanes::WIDTH];
        match &self.membership {
            Membership::NearestCentroid { .. } => clusters = by_centroid,
            Membership::NearestRow { .. } if known.is_some() => {}
            Membership::NearestRow { rows: training, clusters: own, reach } => {
                let limit = reach.map_or(f64::INFINITY, |reach| reach * reach);
                let training = own.iter().copied().zip(training.chunks_exact(width));
                nearest(rows, group_idx, training, limit, &mut clusters);
            }
            Membership::Mixture(mixture) => {
                let mut shares = mixture.joint(rows, group_idx, &self.centroids);
                let _ = Mixture::share(&mut shares);
                let mut most = [0.0; Lanes::WIDTH];
                for (cluster, shares) in (0..).zip(&shares) {
                    for lane in 0..n_lanes {
                        if shares[lane] > most[lane] {
                            (most[lane], clusters[lane]) = (shares[lane], cluster);
                        }
                    }
                }
                for lane in 0..n_lanes {
                    assigned.probabilities.extend(shares.iter().map(|shares| shares[lane]));
                }
            }
        }
        match known {
            Some(known) => assigned.clusters.extend_from_slice(&known[first..first + n_lanes]),
            None => assigned.clusters.extend_from_slice(&clusters[..n_lanes]),
        }
    }
}

/// The cluster of the nearest point that is no farther than the limit, a square; of equals the first.
fn nearest<'a>(
    rows: &Lanes,
    group_idx: usize,
    points: impl Iterator<Item = (u32, &'a [f64])>,
    limit: f64,
    clusters: &mut [u32; Lanes::WIDTH],
) {
    let mut least = [f64::INFINITY; Lanes::WIDTH];
    for (cluster, point) in points {
        let squares = rows.squared_distances(group_idx, point);
        for lane in 0..Lanes::WIDTH {
            let nearer = squares[lane] < least[lane] && squares[lane] <= limit;
            least[lane] = if nearer { squares[lane] } else { least[lane] };
            clusters[lane] = if nearer { cluster } else { clusters[lane] };
        }
    }
}
