//! K-means by Lloyd's rounds.

use std::ops::Range;

use model::{Clustering, Features, Lanes, Matrix, Membership, Points, Screen};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::accelerator::Comparison;
use crate::checkpoint::Part;
use crate::clusters::{Clustered, Picture};
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError, Stopped};

/// About how many rounds a start takes.
const N_ROUNDS: usize = 10;
/// Differences summed between two checkpoints, about a millisecond's.
const STEP: usize = 1 << 20;

/// How k-means looks for clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KMeansSettings {
    /// How many clusters.
    pub k: u32,
    /// Where the first centroids stand.
    pub init: Init,
    /// How often it starts anew; the best result is kept. `FirstN` always gives the same, so it starts once.
    pub n_init: u32,
    /// Rounds at most.
    pub max_iterations: u32,
    /// It ends when the squared moves of the centroids sum to at most this part of the mean variance of the columns.
    pub tolerance: f64,
    /// Whether each column is given mean 0 and standard deviation 1 before distances are taken.
    pub standardize: bool,
    /// What becomes of labels that are there already. Looking for clusters does not depend on it.
    pub labels: LabelMode,
}

/// What becomes of the target of rows that were clustered; the cloud designer's modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelMode {
    /// It stays.
    #[default]
    Ignore,
    /// A row without a label gets the one that is closest to the centre of its cluster.
    FillMissing,
    /// Every row gets the label that is closest to the centre of its cluster.
    Overwrite,
}

impl Default for KMeansSettings {
    fn default() -> Self {
        Self {
            k: 3,
            init: Init::PlusPlus,
            n_init: 10,
            max_iterations: 300,
            tolerance: 1e-4,
            standardize: true,
            labels: LabelMode::Ignore,
        }
    }
}

/// Where the first centroids stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Init {
    /// On rows far from each other: k-means++ (Arthur and Vassilvitskii, 2007), the best of a few draws each.
    #[default]
    PlusPlus,
    /// On rows drawn at random, all different.
    Random,
    /// On the first distinct rows.
    FirstN,
}

/// Looks for clusters. Each start has its own random stream.
///
/// # Errors
/// A setting that makes no sense, fewer distinct rows than clusters, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &KMeansSettings,
    features: Features,
    x: &Matrix,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Clustered, FitError> {
    settings.check()?;
    let k = settings.k as usize;
    if k > x.n_rows {
        return Err(FitError::TooFewRows { what: "the number of clusters", k, n: x.n_rows, rows: "row" });
    }
    let columns = scaling(x, checkpoint).await?;
    let tolerance = match settings.standardize {
        true => settings.tolerance,
        false => {
            let variances = columns.iter().map(|(_, deviation)| deviation * deviation).sum::<f64>();
            settings.tolerance * variances / x.n_columns as f64
        }
    };
    let scaling = settings.standardize.then_some(columns);
    let rows = lanes(x, scaling.as_deref());
    let screen = Screen::new(&rows);
    let accelerator = checkpoint.accelerator();
    let n_starts = match settings.init {
        Init::PlusPlus | Init::Random => settings.n_init as usize,
        Init::FirstN => 1,
    };
    let mut comparison = Comparison::new(accelerator.as_ref(), &screen, k * n_starts * N_ROUNDS).await;
    let mut best: Option<Found> = None;
    for start_idx in 0..n_starts {
        let mut part = Part::new(checkpoint, start_idx, n_starts);
        let mut stream = Stream::fork(seed, start_idx as u64);
        let mut search = Search {
            rows: &rows,
            screen: &screen,
            comparison: &mut comparison,
            work: 0,
            fraction: 0.0,
            checkpoint: &mut part,
        };
        let centroids = match settings.init {
            Init::PlusPlus => search.plus_plus(k, &mut stream).await?,
            Init::Random => {
                let mut order: Vec<usize> = (0..x.n_rows).collect();
                stream.shuffle(&mut order);
                search.distinct(k, Vec::new(), order.into_iter()).await?
            }
            Init::FirstN => search.distinct(k, Vec::new(), 0..x.n_rows).await?,
        };
        let found = search.lloyd(centroids, settings.max_iterations, tolerance).await?;
        if !found.inertia.is_finite() {
            return Err(FitError::Overflow);
        }
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
            best = Some(found);
        }
    }
    comparison.tell(checkpoint);
    let Some(Found { centroids, inertia, sizes, clusters, n_iterations }) = best else {
        return Err(FitError::NoRows);
    };
    let membership = Membership::NearestCentroid { n_iterations };
    let clustering = Clustering { features, scaling, centroids, inertia, sizes, n_noise: 0, membership };
    Ok(Clustered { clustering, clusters, picture: Picture::None, notes: Vec::new() })
}

impl KMeansSettings {
    fn check(&self) -> Result<(), FitError> {
        for (name, found) in [
            ("the number of clusters", self.k),
            ("the number of starts", self.n_init),
            ("the number of iterations", self.max_iterations),
        ] {
            if found == 0 {
                return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
            }
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            let found = self.tolerance.to_string();
            return Err(FitError::Setting { name: "the tolerance", found, expected: "a number of at least 0" });
        }
        Ok(())
    }
}

/// What one start has led to.
struct Found {
    centroids: Vec<f64>,
    inertia: f64,
    sizes: Vec<u64>,
    clusters: Vec<u32>,
    n_iterations: u32,
}

/// Groups of rows that are worked on at once.
const N_GROUPS: usize = 16;

/// One start.
struct Search<'a, 'c, C> {
    rows: &'a Lanes,
    screen: &'a Screen,
    comparison: &'a mut Comparison<'c>,
    /// Differences summed since the last checkpoint.
    work: usize,
    fraction: f64,
    checkpoint: &'a mut C,
}

/// What rows are compared with.
struct Centers<'a> {
    centroids: &'a [f64],
    points: Points,
    told: Option<Told>,
}

/// What an accelerator tells.
struct Told {
    /// As `Distances::nearest`.
    nearest: Vec<f32>,
    /// The largest squared length of a centroid.
    largest: f32,
}

/// Which cluster each row is in, and the sums of the rows in each.
struct Assigned {
    clusters: Vec<u32>,
    sizes: Vec<u64>,
    sums: Vec<f64>,
}

impl Assigned {
    fn new(n_rows: usize, k: usize, n_columns: usize) -> Self {
        Self { clusters: vec![u32::MAX; n_rows], sizes: vec![0; k], sums: vec![0.0; k * n_columns] }
    }

    /// Puts a row into a cluster.
    fn put(&mut self, rows: &Lanes, row_idx: usize, cluster: u32) {
        let d = rows.n_columns();
        let before = std::mem::replace(&mut self.clusters[row_idx], cluster);
        let values = rows.group(row_idx / Lanes::WIDTH).iter().skip(row_idx % Lanes::WIDTH).step_by(Lanes::WIDTH);
        if before != u32::MAX {
            self.sizes[before as usize] -= 1;
            let sums = &mut self.sums[before as usize * d..][..d];
            sums.iter_mut().zip(values.clone()).for_each(|(sum, value)| *sum -= value);
        }
        self.sizes[cluster as usize] += 1;
        self.sums[cluster as usize * d..][..d].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }

    fn means(&self, n_columns: usize) -> Vec<f64> {
        let of_cluster = |(sums, size): (&[f64], &u64)| {
            let size = (*size).max(1) as f64;
            sums.iter().map(|sum| sum / size).collect::<Vec<f64>>()
        };
        self.sums.chunks_exact(n_columns).zip(&self.sizes).flat_map(of_cluster).collect()
    }
}

impl<C: Checkpoint> Search<'_, '_, C> {
    async fn worked(&mut self, n: usize) -> Result<(), Stopped> {
        self.work += n;
        if self.work >= STEP {
            self.work = 0;
            self.checkpoint.checkpoint(self.fraction, "Looking for clusters").await?;
        }
        Ok(())
    }

    /// Some centroids, and of the rows in this order the first that differ from them and from each other.
    async fn distinct(
        &mut self,
        k: usize,
        mut centroids: Vec<f64>,
        order: impl Iterator<Item = usize>,
    ) -> Result<Vec<f64>, FitError> {
        let d = self.rows.n_columns();
        for row_idx in order {
            if centroids.len() == k * d {
                return Ok(centroids);
            }
            let row = self.rows.row(row_idx);
            if centroids.chunks_exact(d).all(|centroid| centroid != row) {
                centroids.extend(row);
            }
            self.worked(centroids.len()).await?;
        }
        let n = centroids.len() / d;
        if n == k {
            return Ok(centroids);
        }
        Err(FitError::TooFewRows { what: "the number of clusters", k, n, rows: "distinct row" })
    }

    /// k-means++: each next centroid is a row drawn by the square of its distance to those there are; of a few draws
    /// the one that leaves the least distance is kept. Single precision is enough to draw by.
    async fn plus_plus(&mut self, k: usize, stream: &mut Stream) -> Result<Vec<f64>, FitError> {
        let n = self.rows.n_rows();
        let n_draws = 2 + numeric::ln(k as f64) as usize;
        let mut centroids = self.rows.row(stream.below(n as u64) as usize);
        let mut shrunk = vec![vec![f32::INFINITY; n]];
        let mut potential = self.shrink(&vec![f32::INFINITY; n], &centroids, &mut shrunk).await?[0];
        let mut squares = shrunk.swap_remove(0);
        let mut cumulative = vec![0.0; n];
        for _ in 1..k {
            if !potential.is_finite() {
                return Err(FitError::Overflow);
            }
            if potential <= 0.0 {
                // All others differ from these by less than it sees, if at all.
                return self.distinct(k, centroids, 0..n).await;
            }
            let mut sum = 0.0;
            for (cumulative, square) in cumulative.iter_mut().zip(&squares) {
                sum += f64::from(*square);
                *cumulative = sum;
            }
            let draw = |_| {
                let drawn = stream.uniform() * sum;
                self.rows.row(cumulative.partition_point(|&cumulative| cumulative <= drawn).min(n - 1))
            };
            let drawn: Vec<Vec<f64>> = (0..n_draws).map(draw).collect();
            shrunk.resize(n_draws, squares.clone());
            let left = self.shrink(&squares, &drawn.concat(), &mut shrunk).await?;
            let best = (1..n_draws).fold(0, |best, at| if left[at] < left[best] { at } else { best });
            potential = left[best];
            centroids.extend(&drawn[best]);
            std::mem::swap(&mut squares, &mut shrunk[best]);
        }
        Ok(centroids)
    }

    /// Of each point: each row's square, or that of its distance to the point if it is less; and their sum.
    async fn shrink(&mut self, squares: &[f32], points: &[f64], shrunk: &mut [Vec<f32>]) -> Result<Vec<f64>, Stopped> {
        let points = self.screen.points(points);
        let mut sums = vec![0.0; shrunk.len()];
        // The rows are read once for all points.
        for first in (0..self.rows.n_groups()).step_by(N_GROUPS) {
            let last = (first + N_GROUPS).min(self.rows.n_groups());
            shrink_groups(self.rows, self.screen, first..last, squares, &points, shrunk, &mut sums);
            self.worked((last - first) * Lanes::WIDTH * self.rows.n_columns() * shrunk.len()).await?;
        }
        Ok(sums)
    }

    async fn lloyd(&mut self, mut centroids: Vec<f64>, max_iterations: u32, tolerance: f64) -> Result<Found, Stopped> {
        let (n, d) = (self.rows.n_rows(), self.rows.n_columns());
        let k = centroids.len() / d;
        let mut assigned = Assigned::new(n, k, d);
        let mut n_iterations = 0;
        while n_iterations < max_iterations {
            self.fraction = f64::from(n_iterations) / f64::from(max_iterations);
            n_iterations += 1;
            if !self.assign(&centroids, &mut assigned).await? {
                break;
            }
            self.fill(&centroids, &mut assigned).await?;
            let moved = assigned.means(d);
            let shift: f64 = moved.iter().zip(&centroids).map(|(new, old)| (new - old) * (new - old)).sum();
            centroids = moved;
            if shift <= tolerance {
                break;
            }
        }
        // Once more as one sum, without what rounding left of rows that came and went.
        let mut anew = Assigned::new(n, k, d);
        for (row_idx, cluster) in assigned.clusters.iter().enumerate() {
            anew.put(self.rows, row_idx, *cluster);
            if row_idx % Lanes::WIDTH == 0 {
                self.worked(Lanes::WIDTH * d).await?;
            }
        }
        centroids = anew.means(d);
        self.assign(&centroids, &mut anew).await?;
        let inertia = self.squares(&centroids, &anew.clusters).await?.iter().sum();
        Ok(Found { centroids, inertia, sizes: anew.sizes, clusters: anew.clusters, n_iterations })
    }

    /// Whether any row has changed its cluster. The first of equally near centroids is taken.
    async fn assign(&mut self, centroids: &[f64], assigned: &mut Assigned) -> Result<bool, Stopped> {
        let told = match self.comparison.is_there() {
            true => self.told(centroids).await?,
            false => None,
        };
        let centers = Centers { centroids, points: self.screen.points(centroids), told };
        let work_per_row = if centers.told.is_some() { self.rows.n_columns() } else { centroids.len() };
        let mut changed = false;
        let mut nearest = [[0; Lanes::WIDTH]; N_GROUPS];
        for first in (0..self.rows.n_groups()).step_by(N_GROUPS) {
            let last = (first + N_GROUPS).min(self.rows.n_groups());
            nearest_of_groups(self.rows, self.screen, first..last, &centers, &mut nearest);
            for (group_idx, nearest) in (first..last).zip(&nearest) {
                for (row_idx, cluster) in lanes_in(self.rows, group_idx).zip(nearest) {
                    if assigned.clusters[row_idx] != *cluster {
                        assigned.put(self.rows, row_idx, *cluster);
                        changed = true;
                    }
                }
            }
            self.worked((last - first) * Lanes::WIDTH * work_per_row).await?;
        }
        Ok(changed)
    }

    /// What the accelerator tells of each row and the centroids.
    async fn told(&mut self, centroids: &[f64]) -> Result<Option<Told>, Stopped> {
        self.work = 0;
        self.checkpoint.checkpoint(self.fraction, "Looking for clusters").await?;
        let (points, norms) = self.screen.placed(centroids);
        let largest = norms
            .into_iter()
            .fold(0.0f32, |largest, norm| if norm > largest || norm.is_nan() { norm } else { largest });
        Ok(self.comparison.nearest(&points).await.map(|nearest| Told { nearest, largest }))
    }

    /// Squares of the distances to the centroids of the rows' clusters.
    async fn squares(&mut self, centroids: &[f64], clusters: &[u32]) -> Result<Vec<f64>, Stopped> {
        let d = self.rows.n_columns();
        let mut squares = Vec::with_capacity(clusters.len());
        for group_idx in 0..self.rows.n_groups() {
            let mut sums = [0.0; Lanes::WIDTH];
            let clusters = &clusters[lanes_in(self.rows, group_idx)];
            for (column_idx, lanes) in self.rows.group(group_idx).chunks_exact(Lanes::WIDTH).enumerate() {
                for ((sum, value), cluster) in sums.iter_mut().zip(lanes).zip(clusters) {
                    let difference = value - centroids[*cluster as usize * d + column_idx];
                    *sum += difference * difference;
                }
            }
            squares.extend_from_slice(&sums[..clusters.len()]);
            self.worked(Lanes::WIDTH * d).await?;
        }
        Ok(squares)
    }

    /// Gives each cluster that has lost all its rows the row farthest from its own centroid.
    async fn fill(&mut self, centroids: &[f64], assigned: &mut Assigned) -> Result<(), Stopped> {
        if !assigned.sizes.contains(&0) {
            return Ok(());
        }
        let mut squares = self.squares(centroids, &assigned.clusters).await?;
        for cluster in 0..assigned.sizes.len() {
            if assigned.sizes[cluster] > 0 {
                continue;
            }
            let mut farthest: Option<usize> = None;
            for (row_idx, square) in squares.iter().enumerate() {
                let is_farther = farthest.is_none_or(|farthest| *square > squares[farthest]);
                if is_farther && assigned.sizes[assigned.clusters[row_idx] as usize] > 1 {
                    farthest = Some(row_idx);
                }
            }
            if let Some(row_idx) = farthest {
                assigned.put(self.rows, row_idx, cluster as u32);
                squares[row_idx] = 0.0;
            }
        }
        Ok(())
    }
}

numeric::wide! {
    /// The first of the centroids nearest to each row of these groups.
    fn nearest_of_groups(
        rows: &Lanes,
        screen: &Screen,
        groups: Range<usize>,
        centers: &Centers<'_>,
        nearest: &mut [[u32; Lanes::WIDTH]; N_GROUPS],
    ) {
        let Centers { centroids, points, told } = centers;
        for (group_idx, nearest) in groups.zip(nearest) {
            let found = match told {
                Some(told) => {
                    let lanes = lanes_in(rows, group_idx);
                    screen.nearest_told(group_idx, told.largest, &told.nearest[3 * lanes.start..3 * lanes.end])
                }
                // As many at once as there are registers for.
                None if IS_WIDE => screen.nearest::<8>(group_idx, points),
                None => screen.nearest::<4>(group_idx, points),
            };
            *nearest = found.unwrap_or_else(|| {
                let mut squares = [f64::INFINITY; Lanes::WIDTH];
                let mut clusters = [0u32; Lanes::WIDTH];
                for (cluster, centroid) in (0u32..).zip(centroids.chunks_exact(rows.n_columns())) {
                    let Some(distances) = rows.squared_distances_within(group_idx, centroid, &squares) else { continue };
                    for lane in 0..Lanes::WIDTH {
                        let nearer = distances[lane] < squares[lane];
                        squares[lane] = if nearer { distances[lane] } else { squares[lane] };
                        clusters[lane] = if nearer { cluster } else { clusters[lane] };
                    }
                }
                clusters
            });
        }
    }
}

numeric::wide! {
    /// Of each point: each row's square, or that of its distance to the point if it is less; their sum is added.
    fn shrink_groups(
        rows: &Lanes,
        screen: &Screen,
        groups: Range<usize>,
        squares: &[f32],
        points: &Points,
        shrunk: &mut [Vec<f32>],
        sums: &mut [f64],
    ) {
        for group_idx in groups {
            let lanes = lanes_in(rows, group_idx);
            let squares = &squares[lanes.clone()];
            for (point_idx, (shrunk, sum)) in shrunk.iter_mut().zip(&mut *sums).enumerate() {
                let distances = screen.squares(group_idx, points, point_idx);
                for ((shrunk, square), distance) in shrunk[lanes.clone()].iter_mut().zip(squares).zip(distances) {
                    // What is not a number stays one, and is told.
                    *shrunk = if distance >= *square { *square } else { distance };
                    *sum += f64::from(*shrunk);
                }
            }
        }
    }
}

#[inline(always)]
fn lanes_in(rows: &Lanes, group_idx: usize) -> Range<usize> {
    let first = group_idx * Lanes::WIDTH;
    first..(first + Lanes::WIDTH).min(rows.n_rows())
}

#[cfg(test)]
mod tests;
