//! The k nearest training rows.

use serde::{Deserialize, Serialize};

use crate::{Lanes, Matrix};

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
}

/// Queries that share one pass over the training rows, so that those stay in the cache.
const BLOCK: usize = 32;

impl Neighbors {
    /// One number a row, or class shares row by row. Of rows at the same distance the first are nearer.
    pub fn predict(&self, x: &Matrix) -> Vec<f64> {
        let n_training = self.rows.len().checked_div(self.n_columns).unwrap_or(0).min(self.targets.len());
        let training = Lanes::new(n_training, self.n_columns, |row_idx, column_idx| {
            self.rows[row_idx * self.n_columns + column_idx]
        });
        let mut predicted = Vec::with_capacity(x.n_rows * self.n_classes.max(1));
        let mut first = 0;
        while first < x.n_rows {
            let last = (first + BLOCK).min(x.n_rows);
            let queries: Vec<Vec<f64>> = (first..last).map(|row_idx| self.query(x, row_idx)).collect();
            let mut nearest = vec![Nearest::new(self.k.min(n_training)); queries.len()];
            for group_idx in 0..training.n_groups() {
                let n_lanes = (n_training - group_idx * Lanes::WIDTH).min(Lanes::WIDTH);
                for (query, nearest) in queries.iter().zip(&mut nearest) {
                    let distances = if self.manhattan {
                        training.absolute_distances(group_idx, query)
                    } else {
                        training.squared_distances(group_idx, query)
                    };
                    for (lane, &distance) in distances[..n_lanes].iter().enumerate() {
                        if nearest.wants(distance) {
                            nearest.insert(distance, group_idx * Lanes::WIDTH + lane);
                        }
                    }
                }
            }
            nearest.iter().for_each(|nearest| self.vote(nearest, &mut predicted));
            first = last;
        }
        predicted
    }

    fn query(&self, x: &Matrix, row_idx: usize) -> Vec<f64> {
        (0..x.n_columns.min(self.n_columns))
            .map(|column_idx| match self.scaling.as_ref().and_then(|scaling| scaling.get(column_idx)) {
                Some((mean, deviation)) => (x.at(row_idx, column_idx) - mean) / deviation,
                None => x.at(row_idx, column_idx),
            })
            .collect()
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
            let sum: f64 =
                nearest.found.iter().map(|found| weight(found.0) / total * (self.targets[found.1] - first)).sum();
            predicted.push(first + sum);
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

    #[inline]
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
