//! K-means centroids.

use serde::{Deserialize, Serialize};

use crate::{Features, Frame, Lanes, ModelError};

/// A trained clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// What it looks at.
    pub features: Features,
    /// Subtracted from and divided out of each column before distances are taken, as learned in training.
    pub scaling: Option<Vec<(f64, f64)>>,
    /// Centroid by centroid, in scaled units.
    pub centroids: Vec<f64>,
    /// Sum of squared distances to the nearest centroid over the training rows.
    pub inertia: f64,
    /// Training rows in each cluster.
    pub sizes: Vec<u64>,
    /// Rounds until nothing moved.
    pub n_iterations: u32,
}

/// Which cluster each row belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterAssignments {
    /// One a row.
    pub clusters: Vec<u32>,
    /// Euclidean distance to every centroid, row by row.
    pub distances: Vec<f64>,
}

impl Clustering {
    /// The nearest centroid of each row, the first of equals.
    ///
    /// # Errors
    /// As `Features::matrix`.
    pub fn assign(&self, frame: &Frame<'_>) -> Result<ClusterAssignments, ModelError> {
        let x = self.features.matrix(frame)?;
        let rows = Lanes::new(x.n_rows, x.n_columns, |row_idx, column_idx| {
            let value = x.at(row_idx, column_idx);
            match self.scaling.as_ref().and_then(|scaling| scaling.get(column_idx)) {
                Some((mean, deviation)) => (value - mean) / deviation,
                None => value,
            }
        });
        let n_clusters = self.centroids.len() / x.n_columns.max(1);
        let mut clusters = vec![0; x.n_rows];
        let mut distances = vec![0.0; x.n_rows * n_clusters];
        for group_idx in 0..rows.n_groups() {
            let first = group_idx * Lanes::WIDTH;
            let n_lanes = (x.n_rows - first).min(Lanes::WIDTH);
            let mut nearest = [f64::INFINITY; Lanes::WIDTH];
            for (cluster, centroid) in self.centroids.chunks_exact(x.n_columns.max(1)).enumerate() {
                let squares = rows.squared_distances(group_idx, centroid);
                for lane in 0..n_lanes {
                    distances[(first + lane) * n_clusters + cluster] = numeric::sqrt(squares[lane]);
                    if squares[lane] < nearest[lane] {
                        nearest[lane] = squares[lane];
                        clusters[first + lane] = cluster as u32;
                    }
                }
            }
        }
        Ok(ClusterAssignments { clusters, distances })
    }
}
