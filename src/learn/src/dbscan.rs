//! DBSCAN: clusters are where rows lie densely (Ester, Kriegel, Sander and Xu, 1996).

use model::{ClusterAssignments, Features, Lanes, Matrix, Membership, NOISE};
use serde::{Deserialize, Serialize};

use crate::clusters::{Clustered, Grouped, Pace, Picture, Sets};
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError, Stopped};

/// Rows whose reach is shown.
const N_REACHES: usize = 500;

/// How DBSCAN looks for clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbscanSettings {
    /// Rows up to this far apart are neighbours.
    pub eps: f64,
    /// A row with so many neighbours, itself included, is in the midst of a cluster.
    pub min_samples: u32,
    /// Whether each column is given mean 0 and standard deviation 1 before distances are taken.
    pub standardize: bool,
}

impl Default for DbscanSettings {
    fn default() -> Self {
        Self { eps: 0.5, min_samples: 5, standardize: true }
    }
}

/// Looks for clusters. They are numbered in the order of their first core rows; a row at the border of several belongs
/// to that of the nearest core row, the first of equals, so that its cluster does not depend on the order of rows.
///
/// # Errors
/// A setting that makes no sense, too many clusters, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &DbscanSettings,
    features: Features,
    x: &Matrix,
    checkpoint: &mut impl Checkpoint,
) -> Result<Clustered, FitError> {
    settings.check()?;
    let (n, d) = (x.n_rows, x.n_columns);
    let columns = scaling(x, checkpoint).await?;
    let scaling = settings.standardize.then_some(columns);
    let rows = lanes(x, scaling.as_deref());
    let mut pace = Pace::new("Looking for dense places", checkpoint);
    let least = settings.min_samples as usize;

    let all = Sorted::new(&rows, (0..n as u32).collect());
    let mut is_core = vec![false; n];
    for place in 0..n {
        let mut n_neighbors = 0;
        let work = all.neighbors(place, 0, settings.eps, &mut |_| n_neighbors += 1);
        is_core[all.order[place] as usize] = n_neighbors >= least;
        pace.worked(work, 0.5 * place as f64 / n as f64).await?;
    }
    let reaches = reaches(&rows, least, &mut pace).await?;

    let core_idxs: Vec<u32> = (0..n as u32).filter(|row_idx| is_core[*row_idx as usize]).collect();
    let mut positions = vec![0u32; n];
    (0..).zip(&core_idxs).for_each(|(position, row_idx)| positions[*row_idx as usize] = position);
    let cores = Sorted::new(&rows, core_idxs.clone());
    let mut sets = Sets::new(core_idxs.len());
    for place in 0..cores.order.len() {
        let own = positions[cores.order[place] as usize] as usize;
        let work = cores.neighbors(place, place, settings.eps, &mut |row_idx| {
            sets.join(own, positions[row_idx as usize] as usize);
        });
        pace.worked(work, 0.5 + 0.4 * place as f64 / n as f64).await?;
    }
    let (of_cores, n_clusters) = sets.numbered();

    let mut clusters = vec![NOISE; n];
    core_idxs.iter().zip(&of_cores).for_each(|(row_idx, cluster)| clusters[*row_idx as usize] = *cluster);
    let membership = Membership::NearestRow {
        rows: core_idxs.iter().flat_map(|row_idx| rows.row(*row_idx as usize)).collect(),
        clusters: of_cores,
        reach: Some(settings.eps),
    };
    // Centres count the rows at the border too, and those are told by the clustering itself.
    let mut clustering =
        Grouped { rows: &rows, clusters: &clusters, n_clusters }.clustering(features, scaling, membership)?;
    for group_idx in 0..rows.n_groups() {
        let first = group_idx * Lanes::WIDTH;
        let group = first..(first + Lanes::WIDTH).min(n);
        if is_core[group.clone()].contains(&false) {
            let mut assigned = ClusterAssignments::default();
            clustering.assign_group(&rows, group_idx, None, &mut assigned);
            clusters[group].copy_from_slice(&assigned.clusters);
            pace.worked(clustering.work_per_group(d), 0.9 + 0.1 * first as f64 / n as f64).await?;
        }
    }
    let (features, scaling, membership) = (clustering.features, clustering.scaling, clustering.membership);
    clustering = Grouped { rows: &rows, clusters: &clusters, n_clusters }.clustering(features, scaling, membership)?;

    let mut notes = Vec::new();
    if n_clusters == 0 {
        notes.push(format!(
            "No row has {least} rows within {}, itself included, so all are noise: raise the distance, or ask for fewer \
             rows.",
            settings.eps
        ));
    } else if n_clusters == 1 && clustering.n_noise == 0 {
        notes.push("All rows are one cluster: lower the distance, or ask for more rows.".into());
    }
    Ok(Clustered { clustering, clusters, picture: Picture::Reaches(reaches), notes })
}

impl DbscanSettings {
    fn check(&self) -> Result<(), FitError> {
        if !(self.eps.is_finite() && self.eps > 0.0) {
            let found = self.eps.to_string();
            return Err(FitError::Setting { name: "the distance of neighbours", found, expected: "a number above 0" });
        }
        if self.min_samples == 0 {
            let name = "the number of rows of a dense place";
            return Err(FitError::Setting { name, found: "0".into(), expected: "at least 1" });
        }
        Ok(())
    }
}

/// How far some rows must reach until they have so many neighbours, themselves included.
async fn reaches<C: Checkpoint>(rows: &Lanes, least: usize, pace: &mut Pace<'_, C>) -> Result<Vec<f64>, Stopped> {
    let n = rows.n_rows();
    let n_shown = n.min(N_REACHES);
    let mut reaches = Vec::with_capacity(n_shown);
    let mut squares = Vec::with_capacity(n + Lanes::WIDTH);
    for shown in 0..n_shown {
        let row = rows.row(shown * n / n_shown);
        squares.clear();
        (0..rows.n_groups()).for_each(|group_idx| squares.extend(rows.squared_distances(group_idx, &row)));
        squares.truncate(n);
        let (_, square, _) = squares.select_nth_unstable_by(least.min(n) - 1, f64::total_cmp);
        reaches.push(numeric::sqrt(*square));
        pace.worked(n * row.len(), 0.5).await?;
    }
    reaches.sort_by(f64::total_cmp);
    Ok(reaches)
}

/// Rows in the order of the column in which they are spread the most: those near to one lie near to it in the order.
struct Sorted {
    rows: Lanes,
    /// Which row lies at each place.
    order: Vec<u32>,
    /// The value in that column at each place.
    values: Vec<f64>,
}

impl Sorted {
    fn new(all: &Lanes, mut order: Vec<u32>) -> Self {
        let spread = |column_idx: usize| {
            let values = order.iter().map(|row_idx| all.at(*row_idx as usize, column_idx));
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
            high - low
        };
        let spreads: Vec<f64> = (0..all.n_columns()).map(spread).collect();
        let widest = (0..spreads.len()).fold(0, |best, at| if spreads[at] > spreads[best] { at } else { best });
        let value = |row_idx: u32| all.at(row_idx as usize, widest);
        order.sort_by(|a, b| value(*a).total_cmp(&value(*b)).then(a.cmp(b)));
        let values = order.iter().map(|row_idx| value(*row_idx)).collect();
        let rows =
            Lanes::new(order.len(), all.n_columns(), |place, column_idx| all.at(order[place] as usize, column_idx));
        Self { rows, order, values }
    }

    /// Tells every row from this place on that is at most so far from the row at a place; how much was looked at.
    fn neighbors(&self, place: usize, from: usize, eps: f64, tell: &mut dyn FnMut(u32)) -> usize {
        let row = self.rows.row(place);
        // A little more than needed: whether a row is a neighbour is for its distance alone to say.
        let window = eps * (1.0 + 1e-9);
        let own = self.values[place];
        let first = self.values.partition_point(|value| *value < own - window).max(from);
        let last = self.values.partition_point(|value| *value <= own + window);
        for group_idx in first / Lanes::WIDTH..last.div_ceil(Lanes::WIDTH) {
            let squares = self.rows.squared_distances(group_idx, &row);
            for (lane, square) in squares.into_iter().enumerate() {
                let at = group_idx * Lanes::WIDTH + lane;
                if square <= eps * eps && (first..last).contains(&at) {
                    tell(self.order[at]);
                }
            }
        }
        (last - first.min(last) + Lanes::WIDTH) * row.len()
    }
}

#[cfg(test)]
mod tests;
