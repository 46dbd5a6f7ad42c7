//! The k nearest training rows.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{Lanes, Matrix, Points, Screen};

/// The training rows, kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbors {
    /// Training rows, row by row, in scaled units.
    pub rows: Vec<f64>,
    /// Width of a row.
    pub n_columns: usize,
    /// Mean and deviation of each column, taken off and divided out of the rows to be predicted.
    pub scaling: Option<Vec<(f64, f64)>>,
    /// The target of each row: a number, or the position of its class.
    pub targets: Vec<f64>,
    /// Classes; 0 for a number.
    pub n_classes: usize,
    /// How many vote.
    pub k: usize,
    /// Nearer ones count more (1 / distance) instead of all the same.
    pub weighted: bool,
    /// Sum of absolute differences instead of the Euclidean distance.
    pub manhattan: bool,
    /// The rows as distances are taken of them.
    #[serde(skip)]
    pub prepared: Prepared,
}

/// Made at the first prediction, for all others; it says nothing that the rows do not.
#[derive(Clone, Debug, Default)]
pub struct Prepared(OnceLock<(Lanes, Option<Screen>)>);

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Queries that share one pass over the training rows, so that those stay in the cache.
const BLOCK: usize = 128;

numeric::wide! {
    /// Finds the nearest rows by Euclidean distance.
    fn look_around(training: &Lanes, screen: &Screen, queries: &[Vec<f64>], nearest: &mut [Nearest]) {
        let points = screen.points(&queries.concat());
        let mut limits = vec![[f32::INFINITY; Points::AT_ONCE]; queries.len().div_ceil(Points::AT_ONCE)];
        for group_idx in 0..training.n_groups() {
            let some = queries.chunks(Points::AT_ONCE).zip(nearest.chunks_mut(Points::AT_ONCE));
            for ((tile, (queries, nearest)), limits) in some.enumerate().zip(&mut limits) {
                // As many at once as there are registers for.
                let beyond = match IS_WIDE {
                    true => screen.are_beyond::<8>(group_idx, &points, tile, limits),
                    false => screen.are_beyond::<4>(group_idx, &points, tile, limits),
                };
                for (((query, nearest), limit), is_beyond) in queries.iter().zip(nearest).zip(limits).zip(beyond) {
                    if !is_beyond {
                        nearest.see(training, group_idx, training.squared_distances(group_idx, query));
                        *limit = screen.limit(nearest.farthest);
                    }
                }
            }
        }
    }
}

numeric::wide! {
    /// Finds the nearest rows by the sum of absolute differences.
    fn look_in_blocks(training: &Lanes, queries: &[Vec<f64>], nearest: &mut [Nearest]) {
        for group_idx in 0..training.n_groups() {
            for (query, nearest) in queries.iter().zip(&mut *nearest) {
                nearest.see(training, group_idx, training.absolute_distances(group_idx, query));
            }
        }
    }
}

numeric::wide! {
    /// Finds the nearest rows by Euclidean distance, in those groups that may have any.
    fn look_where_near(training: &Lanes, query: &[f64], are_near: &[bool], nearest: &mut Nearest) {
        for (group_idx, _) in are_near.iter().enumerate().filter(|(_, is_near)| **is_near) {
            nearest.see(training, group_idx, training.squared_distances(group_idx, query));
        }
    }
}

impl Neighbors {
    /// One number a row, or class shares row by row. Of rows at the same distance the first are nearer.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        self.predict_told(x, None)
    }

    /// What an accelerator may compare rows with beforehand; none if distances are not Euclidean, or their squares may be
    /// beyond all numbers.
    pub fn screen(&self) -> Option<&Screen> {
        self.prepared.0.get_or_init(|| self.prepare()).1.as_ref().filter(|screen| screen.is_bounded())
    }

    /// The queries that rows become, one after another.
    pub fn queries(&self, x: &Matrix) -> Vec<f64> {
        (0..x.n_rows).flat_map(|row_idx| self.query(x, row_idx)).collect()
    }

    /// The same as `predict`, to the last bit, where an accelerator has told of each query and each group of
    /// `Lanes::WIDTH` training rows the least square of a distance, in the unit of the screen.
    pub fn predict_told(&self, x: &Matrix, told: Option<&[f32]>) -> Vec<f64> {
        let (training, screen) = self.prepared.0.get_or_init(|| self.prepare());
        if let (Some(screen), Some(told)) = (screen, told)
            && told.len() == x.n_rows * training.n_groups()
        {
            let mut predicted = Vec::with_capacity(x.n_rows * self.n_classes.max(1));
            for (row_idx, least) in told.chunks_exact(training.n_groups().max(1)).enumerate() {
                let query = self.query(x, row_idx);
                let mut nearest = Nearest::new(self.k.min(training.n_rows()));
                look_where_near(training, &query, &screen.near(&query, least, nearest.k), &mut nearest);
                self.vote(&nearest, &mut predicted);
            }
            return predicted;
        }
        let mut predicted = Vec::with_capacity(x.n_rows * self.n_classes.max(1));
        let mut first = 0;
        while first < x.n_rows {
            let last = (first + BLOCK).min(x.n_rows);
            let queries: Vec<Vec<f64>> = (first..last).map(|row_idx| self.query(x, row_idx)).collect();
            let mut nearest = vec![Nearest::new(self.k.min(training.n_rows())); queries.len()];
            match screen {
                Some(screen) => look_around(training, screen, &queries, &mut nearest),
                None => look_in_blocks(training, &queries, &mut nearest),
            }
            nearest.iter().for_each(|nearest| self.vote(nearest, &mut predicted));
            first = last;
        }
        predicted
    }

    /// About how many numbers are looked at for a row, as others do it: the screen looks at many at once.
    pub(crate) fn work_per_row(&self) -> usize {
        if self.manhattan { self.rows.len() } else { self.rows.len() / 8 }
    }

    fn prepare(&self) -> (Lanes, Option<Screen>) {
        let n_training = self.rows.len().checked_div(self.n_columns).unwrap_or(0).min(self.targets.len());
        let training = Lanes::new(n_training, self.n_columns, |row_idx, column_idx| {
            self.rows[row_idx * self.n_columns + column_idx]
        });
        let screen = (!self.manhattan).then(|| Screen::new(&training));
        (training, screen)
    }

    fn query(&self, x: &Matrix, row_idx: usize) -> Vec<f64> {
        let value = |column_idx| match self.scaling.as_ref().and_then(|scaling| scaling.get(column_idx)) {
            Some((mean, deviation)) => (x.at(row_idx, column_idx) - mean) / deviation,
            None => x.at(row_idx, column_idx),
        };
        let mut query: Vec<f64> = (0..x.n_columns.min(self.n_columns)).map(value).collect();
        // Of a package that was tampered with.
        query.resize(self.n_columns, 0.0);
        query
    }

    fn vote(&self, nearest: &Nearest, predicted: &mut Vec<f64>) {
        let distance = |d: f64| if self.manhattan { d } else { numeric::sqrt(d) };
        let closest = nearest.found.first().map_or(0.0, |found| distance(found.0));
        let weight = |d: f64| match (self.weighted, distance(d)) {
            (false, _) => 1.0,
            // A neighbour in the same place outvotes all others.
            (true, d) if closest == 0.0 => f64::from(u8::from(d == 0.0)),
            (true, _) if closest.is_infinite() => 1.0,
            // One over the distance, in units of the closest so that nothing overflows.
            (true, d) => closest / d,
        };
        let total: f64 = nearest.found.iter().map(|found| weight(found.0)).sum();
        if self.n_classes == 0 {
            let first = nearest.found.first().map_or(0.0, |found| self.targets[found.1]);
            // Halves, for a difference may be beyond all numbers.
            let half = |found: &(f64, usize)| weight(found.0) / total * (self.targets[found.1] / 2.0 - first / 2.0);
            predicted.push(2.0 * (first / 2.0 + nearest.found.iter().map(half).sum::<f64>()));
        } else {
            let start = predicted.len();
            predicted.resize(start + self.n_classes, 0.0);
            for found in &nearest.found {
                if let Some(share) = predicted[start..].get_mut(self.targets[found.1] as usize) {
                    *share += weight(found.0);
                }
            }
            predicted[start..].iter_mut().for_each(|share| *share /= total);
        }
    }
}

/// The nearest rows so far.
#[derive(Clone)]
struct Nearest {
    /// Distance and row, nearest first.
    found: Vec<(f64, usize)>,
    k: usize,
    /// Distance beyond which nothing is wanted.
    farthest: f64,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Self { found: Vec::with_capacity(k + 1), k, farthest: f64::INFINITY }
    }

    /// Looks at the rows of a group, at these distances.
    #[inline(always)]
    fn see(&mut self, training: &Lanes, group_idx: usize, distances: [f64; Lanes::WIDTH]) {
        let n_lanes = (training.n_rows() - group_idx * Lanes::WIDTH).min(Lanes::WIDTH);
        for (lane, &distance) in distances[..n_lanes].iter().enumerate() {
            if self.wants(distance) {
                self.insert(distance, group_idx * Lanes::WIDTH + lane);
            }
        }
    }

    #[inline(always)]
    fn wants(&self, distance: f64) -> bool {
        distance < self.farthest || self.found.len() < self.k
    }

    fn insert(&mut self, distance: f64, row_idx: usize) {
        let position = self.found.partition_point(|found| found.0 <= distance);
        self.found.insert(position, (distance, row_idx));
        self.found.truncate(self.k);
        if self.found.len() == self.k {
            self.farthest = self.found.last().map_or(f64::INFINITY, |found| found.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbors(weighted: bool, manhattan: bool, k: usize, n_classes: usize) -> Neighbors {
        Neighbors {
            rows: vec![0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 4.0, 4.0],
            n_columns: 2,
            scaling: None,
            targets: vec![0.0, 1.0, 1.0, 0.0],
            n_classes,
            k,
            weighted,
            manhattan,
            prepared: Prepared::default(),
        }
    }

    fn at(x: f64, y: f64) -> Matrix {
        Matrix { values: vec![x, y], n_rows: 1, n_columns: 2 }
    }

    #[test]
    fn of_rows_at_the_same_distance_the_first_are_nearer() {
        // All of the first three are at distance √2 of (1, 1).
        assert_eq!(neighbors(false, false, 1, 2).predict(&at(1.0, 1.0)), [1.0, 0.0]);
        assert_eq!(neighbors(false, false, 2, 2).predict(&at(1.0, 1.0)), [0.5, 0.5]);
    }

    #[test]
    fn a_neighbour_in_the_same_place_outvotes_all_others() {
        assert_eq!(neighbors(true, false, 3, 2).predict(&at(0.0, 0.0)), [1.0, 0.0]);
    }

    #[test]
    fn nearer_neighbours_count_by_one_over_their_distance() {
        // Distances 1, 1 and 3 in the city of blocks.
        let predicted = neighbors(true, true, 3, 0).predict(&at(1.0, 0.0));
        assert!((predicted[0] - 1.0 / (1.0 + 1.0 + 1.0 / 3.0) - 1.0 / 3.0 / (1.0 + 1.0 + 1.0 / 3.0)).abs() < 1e-15);
    }

    #[test]
    fn distances_beyond_all_numbers_still_give_a_vote() {
        assert_eq!(neighbors(true, false, 4, 2).predict(&at(1e300, -1e300)), [0.5, 0.5]);
    }

    #[test]
    fn more_votes_than_rows_are_all_rows() {
        assert_eq!(neighbors(false, false, 9, 0).predict(&at(0.0, 0.0)), [0.5]);
    }
}
