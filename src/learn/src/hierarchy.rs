//! Hierarchical clustering: the two groups that are nearest to each other are joined, again and again.
//!
//! By chains of nearest neighbours (Murtagh, 1983), which need time and memory for each pair of rows, and give the same
//! joins as looking for the nearest two groups each time.

use model::{Features, Lanes, Matrix, Membership};
use serde::{Deserialize, Serialize};

use crate::clusters::{Clustered, Grouped, MAX_CLUSTERS, Pace, Picture, Sets};
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError};

/// The distances of more rows would not fit into the memory of a browser.
pub const MAX_ROWS: usize = 20_000;
/// Groups at the foot of a dendrogram.
const N_LEAVES: usize = 30;

/// How hierarchical clustering looks for clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HierarchySettings {
    /// How far two groups are apart.
    pub linkage: Linkage,
    /// Which joins are undone.
    pub cut: Cut,
    /// Whether each column is given mean 0 and standard deviation 1 before distances are taken.
    pub standardize: bool,
}

/// How far two groups are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Linkage {
    /// By how much the squares of distances to the own centre would grow (Ward, 1963).
    #[default]
    Ward,
    /// As far as their farthest rows.
    Complete,
    /// The mean over all pairs of their rows.
    Average,
    /// As far as their nearest rows.
    Single,
}

/// Which joins are undone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cut {
    /// As many of the last as leave so many clusters.
    Count(u32),
    /// Those of groups this far apart or farther.
    Distance(f64),
}

impl Default for HierarchySettings {
    fn default() -> Self {
        Self { linkage: Linkage::Ward, cut: Cut::Count(3), standardize: true }
    }
}

/// Which groups were joined last.
#[derive(Clone, Debug, PartialEq)]
pub struct Dendrogram {
    /// Rows of each group at its foot, from left to right.
    pub leaves: Vec<u64>,
    /// Ascending. Groups are named by their place: first those at the foot, then what the joins gave.
    pub joins: Vec<Join>,
    /// Above which joins were undone.
    pub cut: f64,
}

/// Two groups that were joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Join {
    /// One of them.
    pub left: usize,
    /// The other.
    pub right: usize,
    /// How far they were apart.
    pub height: f64,
}

/// Looks for clusters, numbered in the order of their first rows.
///
/// # Errors
/// A setting that makes no sense, too many rows, fewer distinct rows than clusters, too many clusters, numbers too
/// large, or the user's cancellation.
pub async fn fit(
    settings: &HierarchySettings,
    features: Features,
    x: &Matrix,
    checkpoint: &mut impl Checkpoint,
) -> Result<Clustered, FitError> {
    let n = x.n_rows;
    settings.check()?;
    if n > MAX_ROWS {
        return Err(FitError::TooManyRows { n, limit: MAX_ROWS });
    }
    if let Cut::Count(k) = settings.cut
        && k as usize > n
    {
        return Err(FitError::TooFewRows { what: "the number of clusters", k: k as usize, n, rows: "row" });
    }
    let columns = scaling(x, checkpoint).await?;
    let scaling = settings.standardize.then_some(columns);
    let rows = lanes(x, scaling.as_deref());
    let mut pace = Pace::new("Joining groups", checkpoint);
    let joins = joins(settings.linkage, &rows, &mut pace).await?;

    let n_kept = match settings.cut {
        Cut::Count(k) => {
            let n_distinct = 1 + joins.iter().filter(|join| join.height > 0.0).count();
            if k as usize > n_distinct {
                let what = "the number of clusters";
                return Err(FitError::TooFewRows { what, k: k as usize, n: n_distinct, rows: "distinct row" });
            }
            n - k as usize
        }
        Cut::Distance(distance) => joins.partition_point(|join| join.height < distance),
    };
    let mut sets = Sets::new(n);
    joins[..n_kept].iter().for_each(|join| sets.join(join.left, join.right));
    let (clusters, n_clusters) = sets.numbered();
    // Between the last join that is kept and the first that is not.
    let height = |at: usize| joins.get(at).map(|join| join.height);
    let cut = match (settings.cut, n_kept.checked_sub(1).and_then(height), height(n_kept)) {
        (Cut::Distance(distance), _, _) => distance,
        (Cut::Count(_), Some(below), Some(above)) => f64::midpoint(below, above),
        (Cut::Count(_), below, above) => above.map_or(below.unwrap_or(0.0), |above| above / 2.0),
    };
    let picture = Picture::Dendrogram(dendrogram(n, &joins, cut));
    let membership = Membership::NearestRow {
        rows: (0..n).flat_map(|row_idx| rows.row(row_idx)).collect(),
        clusters: clusters.clone(),
        reach: None,
    };
    let clustering =
        Grouped { rows: &rows, clusters: &clusters, n_clusters }.clustering(features, scaling, membership)?;
    let mut notes = Vec::new();
    if n_clusters == 1 && matches!(settings.cut, Cut::Distance(_)) {
        notes
            .push("All rows are one cluster, for no groups were that far apart: lower the distance of the cut.".into());
    }
    Ok(Clustered { clustering, clusters, picture, notes })
}

impl HierarchySettings {
    fn check(&self) -> Result<(), FitError> {
        match self.cut {
            Cut::Count(0) => {
                Err(FitError::Setting { name: "the number of clusters", found: "0".into(), expected: "at least 1" })
            }
            Cut::Count(k) if k as usize > MAX_CLUSTERS => {
                Err(FitError::TooManyClusters { n: k as usize, limit: MAX_CLUSTERS })
            }
            Cut::Distance(distance) if !(distance.is_finite() && distance > 0.0) => {
                let found = distance.to_string();
                Err(FitError::Setting { name: "the distance of the cut", found, expected: "a number above 0" })
            }
            Cut::Count(_) | Cut::Distance(_) => Ok(()),
        }
    }
}

/// Distances of all pairs of groups.
struct Pairs {
    /// Of each row to those after it.
    distances: Vec<f64>,
    n: usize,
}

impl Pairs {
    fn at(&self, i: usize, j: usize) -> usize {
        let (i, j) = if i < j { (i, j) } else { (j, i) };
        i * (2 * self.n - i - 1) / 2 + j - i - 1
    }

    fn get(&self, i: usize, j: usize) -> f64 {
        self.distances[self.at(i, j)]
    }
}

/// All joins, the nearest first; of two groups each is named by one of its rows. Of pairs at the same distance those of
/// the first rows are joined first.
async fn joins<C: Checkpoint>(linkage: Linkage, rows: &Lanes, pace: &mut Pace<'_, C>) -> Result<Vec<Join>, FitError> {
    let n = rows.n_rows();
    // Ward's distances grow by squares; the order of the nearest and the farthest is that of their squares.
    let are_squares = linkage != Linkage::Average;
    let mut pairs = Pairs { distances: Vec::with_capacity(n * (n - 1) / 2), n };
    for i in 0..n {
        let row = rows.row(i);
        for group_idx in (i + 1) / Lanes::WIDTH..rows.n_groups() {
            let squares = rows.squared_distances(group_idx, &row);
            for (lane, square) in squares.into_iter().enumerate() {
                if (i + 1..n).contains(&(group_idx * Lanes::WIDTH + lane)) {
                    pairs.distances.push(if are_squares { square } else { numeric::sqrt(square) });
                }
            }
        }
        pace.worked((n - i) * row.len(), 0.3 * i as f64 / n as f64).await?;
    }
    if !pairs.distances.iter().all(|distance| distance.is_finite()) {
        return Err(FitError::Overflow);
    }
    // A group keeps the place of its last row; 0 where there is none any more.
    let mut sizes = vec![1.0f64; n];
    let mut joins = Vec::with_capacity(n.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    let mut first = 0;
    while joins.len() + 1 < n {
        if chain.is_empty() {
            while sizes[first] == 0.0 {
                first += 1;
            }
            chain.push(first);
        }
        let x = chain[chain.len() - 1];
        // The one before in the chain is preferred among equals, so that no chain goes round in circles.
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let mut nearest = before.map(|before| (pairs.get(x, before), before));
        for (i, _) in sizes.iter().enumerate().filter(|(i, size)| **size > 0.0 && *i != x) {
            let distance = pairs.get(x, i);
            if nearest.is_none_or(|(least, _)| distance < least) {
                nearest = Some((distance, i));
            }
        }
        pace.worked(4 * n, 0.3 + 0.7 * joins.len() as f64 / n as f64).await?;
        let Some((distance, y)) = nearest else { break };
        if before != Some(y) {
            chain.push(y);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (gone, kept) = (x.min(y), x.max(y));
        let (a, b) = (sizes[gone], sizes[kept]);
        for (i, &c) in sizes.iter().enumerate().take(n) {
            if c == 0.0 || i == gone || i == kept {
                continue;
            }
            let (to_gone, to_kept) = (pairs.get(gone, i), pairs.get(kept, i));
            // Lance and Williams, 1967.
            let joined = match linkage {
                Linkage::Ward => ((a + c) * to_gone + (b + c) * to_kept - c * distance) / (a + b + c),
                Linkage::Complete => to_gone.max(to_kept),
                Linkage::Average => (a * to_gone + b * to_kept) / (a + b),
                Linkage::Single => to_gone.min(to_kept),
            };
            if !joined.is_finite() {
                return Err(FitError::Overflow);
            }
            let at = pairs.at(kept, i);
            pairs.distances[at] = joined;
        }
        (sizes[gone], sizes[kept]) = (0.0, a + b);
        let height = if are_squares { numeric::sqrt(distance.max(0.0)) } else { distance };
        joins.push(Join { left: gone, right: kept, height });
    }
    // Stable, so that a group is there before it is joined to another at the same distance.
    joins.sort_by(|one, other| one.height.total_cmp(&other.height));
    Ok(joins)
}

/// The last joins.
fn dendrogram(n_rows: usize, joins: &[Join], cut: f64) -> Dendrogram {
    let n_shown = joins.len().min(N_LEAVES - 1);
    let (hidden, shown) = joins.split_at(joins.len() - n_shown);
    let mut sets = Sets::new(n_rows);
    hidden.iter().for_each(|join| sets.join(join.left, join.right));
    let (mut groups, n_leaves) = sets.numbered();
    let mut sizes = vec![0u64; n_leaves];
    groups.iter().for_each(|group| sizes[*group as usize] += 1);
    // A set is known by its first row, and at that place stands what it has become.
    let mut named = Vec::with_capacity(n_shown);
    for join in shown {
        let (left, right) = (sets.find(join.left), sets.find(join.right));
        named.push(Join { left: groups[left] as usize, right: groups[right] as usize, height: join.height });
        sets.join(left, right);
        groups[left.min(right)] = (n_leaves + named.len() - 1) as u32;
    }
    // From the last join down, so that no lines cross.
    let mut order = Vec::with_capacity(n_leaves);
    let mut open = vec![n_leaves + named.len() - 1];
    while let Some(group) = open.pop() {
        match group.checked_sub(n_leaves) {
            Some(join_idx) => open.extend([named[join_idx].right, named[join_idx].left]),
            None => order.push(group),
        }
    }
    let mut places = vec![0; n_leaves];
    order.iter().enumerate().for_each(|(place, leaf)| places[*leaf] = place);
    let placed = |group: usize| places.get(group).copied().unwrap_or(group);
    Dendrogram {
        leaves: order.iter().map(|leaf| sizes[*leaf]).collect(),
        joins: named
            .into_iter()
            .map(|Join { left, right, height }| Join { left: placed(left), right: placed(right), height })
            .collect(),
        cut,
    }
}

#[cfg(test)]
mod tests;
