//! K-means by Lloyd's rounds.

use model::{Clustering, Features, Lanes, Matrix, Membership};
use numeric::Stream;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Part;
use crate::clusters::{Clustered, Picture};
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError, Stopped};

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
    let n_starts = match settings.init {
        Init::PlusPlus | Init::Random => settings.n_init as usize,
        Init::FirstN => 1,
    };
    let mut best: Option<Found> = None;
    for start_idx in 0..n_starts {
        let mut part = Part::new(checkpoint, start_idx, n_starts);
        let mut stream = Stream::fork(seed, start_idx as u64);
        let mut search = Search { rows: &rows, work: 0, fraction: 0.0, checkpoint: &mut part };
        let centroids = match settings.init {
            Init::PlusPlus => search.plus_plus(k, &mut stream).await?,
            Init::Random => {
                let mut order: Vec<usize> = (0..x.n_rows).collect();
                stream.shuffle(&mut order);
                search.distinct(k, order.into_iter()).await?
            }
            Init::FirstN => search.distinct(k, 0..x.n_rows).await?,
        };
        let found = search.lloyd(centroids, settings.max_iterations, tolerance).await?;
        if !found.inertia.is_finite() {
            return Err(FitError::Overflow);
        }
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
            best = Some(found);
        }
    }
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
struct Search<'a, C> {
    rows: &'a Lanes,
    /// Differences summed since the last checkpoint.
    work: usize,
    fraction: f64,
    checkpoint: &'a mut C,
}

/// Which centroid each row is nearest to, and the square of how near.
struct Nearest {
    clusters: Vec<u32>,
    squares: Vec<f64>,
}

impl<C: Checkpoint> Search<'_, C> {
    async fn worked(&mut self, n: usize) -> Result<(), Stopped> {
        self.work += n;
        if self.work >= STEP {
            self.work = 0;
            self.checkpoint.checkpoint(self.fraction, "Looking for clusters").await?;
        }
        Ok(())
    }

    /// The first `k` rows in this order that differ from each other.
    async fn distinct(&mut self, k: usize, order: impl Iterator<Item = usize>) -> Result<Vec<f64>, FitError> {
        let d = self.rows.n_columns();
        let mut centroids: Vec<f64> = Vec::with_capacity(k * d);
        for row_idx in order {
            let row = self.rows.row(row_idx);
            if centroids.chunks_exact(d).all(|centroid| centroid != row) {
                centroids.extend(row);
            }
            if centroids.len() == k * d {
                return Ok(centroids);
            }
            self.worked(centroids.len()).await?;
        }
        let n = centroids.len() / d;
        Err(FitError::TooFewRows { what: "the number of clusters", k, n, rows: "distinct row" })
    }

    /// k-means++: each next centroid is a row drawn by the square of its distance to those there are; of a few draws
    /// the one that leaves the least distance is kept.
    async fn plus_plus(&mut self, k: usize, stream: &mut Stream) -> Result<Vec<f64>, FitError> {
        let n = self.rows.n_rows();
        let n_draws = 2 + numeric::ln(k as f64) as usize;
        let mut centroids = self.rows.row(stream.below(n as u64) as usize);
        let mut shrunk = vec![vec![f64::INFINITY; n]];
        let mut potential = self.shrink(&vec![f64::INFINITY; n], &[centroids.clone()], &mut shrunk).await?[0];
        let mut squares = shrunk.swap_remove(0);
        let mut cumulative = vec![0.0; n];
        for n_found in 1..k {
            if !potential.is_finite() {
                return Err(FitError::Overflow);
            }
            if potential <= 0.0 {
                let what = "the number of clusters";
                return Err(FitError::TooFewRows { what, k, n: n_found, rows: "distinct row" });
            }
            let mut sum = 0.0;
            for (cumulative, square) in cumulative.iter_mut().zip(&squares) {
                sum += square;
                *cumulative = sum;
            }
            let draw = |_| {
                let drawn = stream.uniform() * sum;
                self.rows.row(cumulative.partition_point(|&cumulative| cumulative <= drawn).min(n - 1))
            };
            let drawn: Vec<Vec<f64>> = (0..n_draws).map(draw).collect();
            shrunk.resize(n_draws, squares.clone());
            let left = self.shrink(&squares, &drawn, &mut shrunk).await?;
            let best = (1..n_draws).fold(0, |best, at| if left[at] < left[best] { at } else { best });
            potential = left[best];
            centroids.extend(&drawn[best]);
            std::mem::swap(&mut squares, &mut shrunk[best]);
        }
        Ok(centroids)
    }

    /// Of each point: each row's square, or that of its distance to the point if it is less; and their sum.
    async fn shrink(
        &mut self,
        squares: &[f64],
        points: &[Vec<f64>],
        shrunk: &mut [Vec<f64>],
    ) -> Result<Vec<f64>, Stopped> {
        let mut sums = vec![0.0; points.len()];
        let mut first = 0;
        // The rows are read once for all points.
        while first < self.rows.n_groups() {
            let last = (first + N_GROUPS).min(self.rows.n_groups());
            shrink_groups(self.rows, first..last, squares, points, shrunk, &mut sums);
            self.worked((last - first) * Lanes::WIDTH * self.rows.n_columns() * points.len()).await?;
            first = last;
        }
        Ok(sums)
    }

    async fn lloyd(&mut self, mut centroids: Vec<f64>, max_iterations: u32, tolerance: f64) -> Result<Found, Stopped> {
        let n = self.rows.n_rows();
        let mut nearest = Nearest { clusters: vec![u32::MAX; n], squares: vec![f64::INFINITY; n] };
        // How far each centroid has moved since the rows were assigned.
        let mut moves = vec![0.0; centroids.len() / self.rows.n_columns()];
        let mut n_iterations = 0;
        while n_iterations < max_iterations {
            self.fraction = f64::from(n_iterations) / f64::from(max_iterations);
            n_iterations += 1;
            if !self.assign(&centroids, &moves, &mut nearest).await? {
                break;
            }
            let moved = self.means(&mut nearest, centroids.len()).await?;
            let shift: f64 = moved.iter().zip(&centroids).map(|(new, old)| (new - old) * (new - old)).sum();
            let pairs = moved.chunks_exact(self.rows.n_columns()).zip(centroids.chunks_exact(self.rows.n_columns()));
            moves = pairs.map(|(new, old)| distance(new, old)).collect();
            centroids = moved;
            if shift <= tolerance {
                break;
            }
        }
        self.assign(&centroids, &moves, &mut nearest).await?;
        let mut sizes = vec![0; centroids.len() / self.rows.n_columns()];
        nearest.clusters.iter().for_each(|&cluster| sizes[cluster as usize] += 1);
        let inertia = nearest.squares.iter().sum();
        Ok(Found { centroids, inertia, sizes, clusters: nearest.clusters, n_iterations })
    }

    /// Whether any row has changed its cluster. The first of equally near centroids is taken.
    async fn assign(&mut self, centroids: &[f64], moves: &[f64], nearest: &mut Nearest) -> Result<bool, Stopped> {
        let mut changed = false;
        let mut first = 0;
        while first < self.rows.n_groups() {
            let last = (first + N_GROUPS).min(self.rows.n_groups());
            changed |= assign_groups(self.rows, first..last, centroids, moves, nearest);
            self.worked((last - first) * Lanes::WIDTH * centroids.len()).await?;
            first = last;
        }
        Ok(changed)
    }

    /// The mean of each cluster. One that has lost all its rows gets the row farthest from its own centroid.
    async fn means(&mut self, nearest: &mut Nearest, n_values: usize) -> Result<Vec<f64>, Stopped> {
        let d = self.rows.n_columns();
        let mut sizes = vec![0u64; n_values / d];
        nearest.clusters.iter().for_each(|&cluster| sizes[cluster as usize] += 1);
        for cluster in 0..sizes.len() {
            if sizes[cluster] > 0 {
                continue;
            }
            let mut farthest: Option<usize> = None;
            for (row_idx, square) in nearest.squares.iter().enumerate() {
                let is_farther = farthest.is_none_or(|farthest| *square > nearest.squares[farthest]);
                if is_farther && sizes[nearest.clusters[row_idx] as usize] > 1 {
                    farthest = Some(row_idx);
                }
            }
            if let Some(row_idx) = farthest {
                sizes[nearest.clusters[row_idx] as usize] -= 1;
                nearest.clusters[row_idx] = cluster as u32;
                nearest.squares[row_idx] = 0.0;
                sizes[cluster] = 1;
            }
        }
        let mut sums = vec![0.0; n_values];
        for group_idx in 0..self.rows.n_groups() {
            let clusters = &nearest.clusters[lanes_in(self.rows, group_idx)];
            for (lane, cluster) in clusters.iter().enumerate() {
                let values = self.rows.group(group_idx).iter().skip(lane).step_by(Lanes::WIDTH);
                let sums = &mut sums[*cluster as usize * d..][..d];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            self.worked(Lanes::WIDTH * d).await?;
        }
        for (sum, &size) in sums.chunks_exact_mut(d).zip(&sizes) {
            sum.iter_mut().for_each(|sum| *sum /= size.max(1) as f64);
        }
        Ok(sums)
    }
}

numeric::wide! {
    /// Whether any row of these groups has changed its cluster. The first of equally near centroids is taken.
    fn assign_groups(
        rows: &Lanes,
        groups: std::ops::Range<usize>,
        centroids: &[f64],
        moves: &[f64],
        nearest: &mut Nearest,
    ) -> bool {
        let mut changed = false;
        for group_idx in groups {
            let lanes = lanes_in(rows, group_idx);
            let n_lanes = lanes.len();
            let mut squares = [f64::INFINITY; Lanes::WIDTH];
            let mut clusters = [0u32; Lanes::WIDTH];
            // A row's own centroid is no farther than it was and has moved, rounding included.
            let mut limits = [f64::NEG_INFINITY; Lanes::WIDTH];
            let before = nearest.squares[lanes.clone()].iter().zip(&nearest.clusters[lanes.clone()]);
            for (limit, (square, cluster)) in limits.iter_mut().zip(before) {
                let farthest = numeric::sqrt(*square) + moves.get(*cluster as usize).copied().unwrap_or(0.0);
                *limit = farthest * farthest * (1.0 + 1e-9) + f64::MIN_POSITIVE;
            }
            for (cluster, centroid) in (0u32..).zip(centroids.chunks_exact(rows.n_columns())) {
                let found = rows.squared_distances_within(group_idx, centroid, &limits);
                let Some(distances) = found else { continue };
                for lane in 0..Lanes::WIDTH {
                    let nearer = distances[lane] < squares[lane];
                    squares[lane] = if nearer { distances[lane] } else { squares[lane] };
                    clusters[lane] = if nearer { cluster } else { clusters[lane] };
                    limits[lane] = if squares[lane] < limits[lane] { squares[lane] } else { limits[lane] };
                }
            }
            changed |= nearest.clusters[lanes.clone()] != clusters[..n_lanes];
            nearest.clusters[lanes.clone()].copy_from_slice(&clusters[..n_lanes]);
            nearest.squares[lanes].copy_from_slice(&squares[..n_lanes]);
        }
        changed
    }
}

numeric::wide! {
    /// Of each point: each row's square, or that of its distance to the point if it is less; their sum is added.
    fn shrink_groups(
        rows: &Lanes,
        groups: std::ops::Range<usize>,
        squares: &[f64],
        points: &[Vec<f64>],
        shrunk: &mut [Vec<f64>],
        sums: &mut [f64],
    ) {
        for group_idx in groups {
            let lanes = lanes_in(rows, group_idx);
            let squares = &squares[lanes.clone()];
            let mut limits = [f64::NEG_INFINITY; Lanes::WIDTH];
            limits[..squares.len()].copy_from_slice(squares);
            for ((point, shrunk), sum) in points.iter().zip(&mut *shrunk).zip(&mut *sums) {
                let found = rows.squared_distances_within(group_idx, point, &limits);
                let distances = found.unwrap_or([f64::INFINITY; Lanes::WIDTH]);
                for ((shrunk, square), distance) in shrunk[lanes.clone()].iter_mut().zip(squares).zip(distances) {
                    *shrunk = if distance < *square { distance } else { *square };
                    *sum += *shrunk;
                }
            }
        }
    }
}

#[inline(always)]
fn lanes_in(rows: &Lanes, group_idx: usize) -> std::ops::Range<usize> {
    let first = group_idx * Lanes::WIDTH;
    first..(first + Lanes::WIDTH).min(rows.n_rows())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    numeric::sqrt(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum())
}

#[cfg(test)]
mod tests;
