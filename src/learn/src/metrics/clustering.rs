//! Metrics of a clustering without true labels.

use model::Matrix;
use numeric::Stream;

use super::{MetricError, check_classes, check_finite, check_lengths, sum};

/// Metrics of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusteringMetrics {
    /// Rows evaluated.
    pub n_rows: usize,
    /// Clusters with at least one row.
    pub n_clusters: usize,
    /// Rows of each cluster, empty ones too.
    pub sizes: Vec<u64>,
    /// Sum of squared distances to the mean of the own cluster.
    pub inertia: f64,
    /// Mean silhouette, from -1 to 1, higher is better; None for fewer than two clusters, and if every row is alone.
    pub silhouette: Option<f64>,
    /// How many rows the silhouette was taken from, if not from all.
    pub n_silhouette_rows: Option<usize>,
    /// Davies and Bouldin's index, lower is better; None for fewer than two clusters, and where two means coincide.
    pub davies_bouldin: Option<f64>,
}

/// The silhouette takes the distance of every pair: beyond this many rows it is taken from a random sample of them.
pub const MAX_SILHOUETTE_ROWS: usize = 4_000;

/// Metrics of a clustering; the seed draws the sample of a large one.
///
/// # Errors
/// No rows, different lengths, a cluster that does not exist, or a value that is no number.
pub fn clustering(
    x: &Matrix,
    clusters: &[u32],
    n_clusters: usize,
    seed: u64,
) -> Result<ClusteringMetrics, MetricError> {
    check_lengths(x.n_rows, clusters.len())?;
    check_classes(clusters, n_clusters)?;
    for column in x.values.chunks_exact(x.n_rows) {
        check_finite("value", column)?;
    }
    let mut sizes = vec![0u64; n_clusters];
    clusters.iter().for_each(|&cluster| sizes[cluster as usize] += 1);
    // Row by row, in which order distances are taken.
    let mut rows = vec![0.0; x.n_rows * x.n_columns];
    for column_idx in 0..x.n_columns {
        for (row_idx, value) in x.column(column_idx).iter().enumerate() {
            rows[row_idx * x.n_columns + column_idx] = *value;
        }
    }
    let row = |row_idx: usize| &rows[row_idx * x.n_columns..(row_idx + 1) * x.n_columns];
    let mut means = vec![0.0; n_clusters * x.n_columns];
    for (row_idx, &cluster) in clusters.iter().enumerate() {
        let n = sizes[cluster as usize] as f64;
        let mean = &mut means[cluster as usize * x.n_columns..][..x.n_columns];
        mean.iter_mut().zip(row(row_idx)).for_each(|(mean, value)| *mean += value / n);
    }
    let mean = |cluster: usize| &means[cluster * x.n_columns..(cluster + 1) * x.n_columns];
    let to_mean: Vec<f64> = (0..x.n_rows).map(|i| square_distance(row(i), mean(clusters[i] as usize))).collect();
    let used: Vec<usize> = (0..n_clusters).filter(|&cluster| sizes[cluster] > 0).collect();

    let sampled = x.n_rows > MAX_SILHOUETTE_ROWS;
    let mut picked: Vec<usize> = (0..x.n_rows).collect();
    if sampled {
        Stream::new(seed).shuffle(&mut picked);
        picked.truncate(MAX_SILHOUETTE_ROWS);
        picked.sort_unstable();
    }
    let sample: Vec<(&[f64], usize)> = picked.iter().map(|&i| (row(i), clusters[i] as usize)).collect();
    Ok(ClusteringMetrics {
        n_rows: x.n_rows,
        n_clusters: used.len(),
        inertia: sum(to_mean.iter().copied()),
        silhouette: silhouette(&sample, n_clusters),
        n_silhouette_rows: sampled.then_some(sample.len()),
        davies_bouldin: davies_bouldin(&used, &sizes, clusters, &to_mean, &mean),
        sizes,
    })
}

/// Rousseeuw (1987); a row alone in its cluster counts 0.
fn silhouette(rows: &[(&[f64], usize)], n_clusters: usize) -> Option<f64> {
    let mut sizes = vec![0u64; n_clusters];
    rows.iter().for_each(|(_, cluster)| sizes[*cluster] += 1);
    let n_used = sizes.iter().filter(|size| **size > 0).count();
    if n_used < 2 || n_used >= rows.len() {
        return None;
    }
    let values = rows.iter().map(|(row, own)| {
        let mut distances = vec![0.0; n_clusters];
        for (other, cluster) in rows {
            distances[*cluster] += numeric::sqrt(square_distance(row, other));
        }
        if sizes[*own] == 1 {
            return 0.0;
        }
        let within = distances[*own] / (sizes[*own] - 1) as f64;
        let nearest = (0..n_clusters)
            .filter(|cluster| cluster != own && sizes[*cluster] > 0)
            .map(|cluster| distances[cluster] / sizes[cluster] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = within.max(nearest);
        if larger == 0.0 { 0.0 } else { (nearest - within) / larger }
    });
    Some(sum(values) / rows.len() as f64)
}

/// Davies and Bouldin (1979).
fn davies_bouldin<'a>(
    used: &[usize],
    sizes: &[u64],
    clusters: &[u32],
    to_mean: &[f64],
    mean: &dyn Fn(usize) -> &'a [f64],
) -> Option<f64> {
    if used.len() < 2 {
        return None;
    }
    let mut spreads = vec![0.0; sizes.len()];
    for (&cluster, square) in clusters.iter().zip(to_mean) {
        spreads[cluster as usize] += numeric::sqrt(*square) / sizes[cluster as usize] as f64;
    }
    let mut total = 0.0;
    for &a in used {
        let mut worst = 0.0f64;
        for &b in used.iter().filter(|&&b| b != a) {
            let apart = numeric::sqrt(square_distance(mean(a), mean(b)));
            if apart == 0.0 {
                return None;
            }
            worst = worst.max((spreads[a] + spreads[b]) / apart);
        }
        total += worst;
    }
    Some(total / used.len() as f64)
}

fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
