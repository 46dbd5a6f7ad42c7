//! What looking for clusters gives, whatever the method.

use model::{Clustering, Features, Lanes, Membership, NOISE};

use crate::hierarchy::Dendrogram;
use crate::{Checkpoint, FitError, Stopped};

/// Distances to so many clusters can still be kept for every row.
pub(crate) const MAX_CLUSTERS: usize = 1_000;
/// Numbers that are looked at between two checkpoints, about a millisecond's.
pub(crate) const STEP: usize = 1 << 20;

/// A clustering, and what the user should know about how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustered {
    /// The clustering.
    pub clustering: Clustering,
    /// The cluster of each training row; `NOISE` for none.
    pub clusters: Vec<u32>,
    /// What helps to choose the settings.
    pub picture: Picture,
    /// Whole sentences, each with a way out.
    pub notes: Vec<String>,
}

/// What helps to choose the settings of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Nothing beside the centres.
    None,
    /// How far rows reach to have enough neighbours, ascending; of many rows a sample.
    Reaches(Vec<f64>),
    /// Which groups were joined last.
    Dendrogram(Dendrogram),
}

/// Rows whose clusters are known.
pub(crate) struct Grouped<'a> {
    pub(crate) rows: &'a Lanes,
    /// `NOISE` for none.
    pub(crate) clusters: &'a [u32],
    pub(crate) n_clusters: usize,
}

impl Grouped<'_> {
    /// The clustering with the mean of each cluster as its centre.
    pub(crate) fn clustering(
        &self,
        features: Features,
        scaling: Option<Vec<(f64, f64)>>,
        membership: Membership,
    ) -> Result<Clustering, FitError> {
        let Self { rows, clusters, n_clusters } = *self;
        if n_clusters > MAX_CLUSTERS {
            return Err(FitError::TooManyClusters { n: n_clusters, limit: MAX_CLUSTERS });
        }
        let d = rows.n_columns();
        let mut sizes = vec![0u64; n_clusters];
        let mut centroids = vec![0.0; n_clusters * d];
        let assigned = || clusters.iter().enumerate().filter(|(_, cluster)| **cluster != NOISE);
        for (row_idx, &cluster) in assigned() {
            sizes[cluster as usize] += 1;
            let center = &mut centroids[cluster as usize * d..][..d];
            center.iter_mut().enumerate().for_each(|(j, sum)| *sum += rows.at(row_idx, j));
        }
        for (center, &size) in centroids.chunks_exact_mut(d).zip(&sizes) {
            center.iter_mut().for_each(|sum| *sum /= size as f64);
        }
        let inertia = inertia(rows, clusters, &centroids);
        if !inertia.is_finite() {
            return Err(FitError::Overflow);
        }
        let n_noise = clusters.iter().filter(|cluster| **cluster == NOISE).count() as u64;
        Ok(Clustering { features, scaling, centroids, inertia, sizes, n_noise, membership })
    }
}

/// Sum of squared distances to the own centre.
pub(crate) fn inertia(rows: &Lanes, clusters: &[u32], centroids: &[f64]) -> f64 {
    let d = rows.n_columns();
    let square = |(row_idx, &cluster): (usize, &u32)| {
        let center = &centroids[cluster as usize * d..][..d];
        (0..d).map(|j| (rows.at(row_idx, j) - center[j]) * (rows.at(row_idx, j) - center[j])).sum::<f64>()
    };
    clusters.iter().enumerate().filter(|(_, cluster)| **cluster != NOISE).map(square).sum()
}

/// Counts work between checkpoints.
pub(crate) struct Pace<'a, C> {
    work: usize,
    message: &'static str,
    checkpoint: &'a mut C,
}

impl<'a, C: Checkpoint> Pace<'a, C> {
    pub(crate) fn new(message: &'static str, checkpoint: &'a mut C) -> Self {
        Self { work: 0, message, checkpoint }
    }

    /// So many numbers were looked at, and so far it is.
    pub(crate) async fn worked(&mut self, n: usize, fraction: f64) -> Result<(), Stopped> {
        self.work += n;
        if self.work >= STEP {
            self.work = 0;
            self.checkpoint.checkpoint(fraction, self.message).await?;
        }
        Ok(())
    }
}

/// Sets of rows that are joined; each is known by one of its rows.
pub(crate) struct Sets(Vec<u32>);

impl Sets {
    /// Every row by itself.
    pub(crate) fn new(n_rows: usize) -> Self {
        Self((0..n_rows as u32).collect())
    }

    /// The row by which the set of a row is known.
    pub(crate) fn find(&mut self, row_idx: usize) -> usize {
        let mut at = row_idx;
        while self.0[at] as usize != at {
            // Halving the path keeps it short.
            self.0[at] = self.0[self.0[at] as usize];
            at = self.0[at] as usize;
        }
        at
    }

    /// Joins the sets of two rows under the smaller of the rows by which they are known.
    pub(crate) fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.0[one.max(other)] = one.min(other) as u32;
    }

    /// The number of each row's set, counted from 0 in the order of first rows, and how many sets there are.
    pub(crate) fn numbered(&mut self) -> (Vec<u32>, usize) {
        let n = self.0.len();
        let mut numbers = vec![NOISE; n];
        let mut n_sets = 0;
        for row_idx in 0..n {
            // A set is known by its first row.
            let root = self.find(row_idx);
            if root == row_idx {
                numbers[row_idx] = n_sets;
                n_sets += 1;
            } else {
                numbers[row_idx] = numbers[root];
            }
        }
        (numbers, n_sets as usize)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::{ClusterAssignments, Feature, FeatureEncoding, Matrix};
    use schema::Kind;

    use super::*;
    use crate::scaling::lanes;

    pub(crate) fn features(n_columns: usize) -> Features {
        let feature =
            |idx: usize| Feature { name: format!("x{idx}"), kind: Kind::Number, encoding: FeatureEncoding::Number };
        Features { features: (0..n_columns).map(feature).collect() }
    }

    pub(crate) fn matrix(columns: &[&[f64]]) -> Matrix {
        Matrix { values: columns.concat(), n_rows: columns[0].len(), n_columns: columns.len() }
    }

    /// What a clustering says of rows.
    pub(crate) fn assigned(clustering: &Clustering, x: &Matrix) -> ClusterAssignments {
        let rows = lanes(x, clustering.scaling.as_deref());
        let mut assigned = ClusterAssignments::default();
        (0..rows.n_groups()).for_each(|group_idx| clustering.assign_group(&rows, group_idx, None, &mut assigned));
        assigned
    }

    #[test]
    fn sets_are_numbered_by_their_first_rows() {
        let mut sets = Sets::new(6);
        sets.join(5, 3);
        sets.join(1, 4);
        sets.join(4, 5);
        assert_eq!(sets.numbered(), (vec![0, 1, 2, 1, 1, 1], 3));
    }
}
