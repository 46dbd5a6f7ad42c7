//! Distances in single precision, twice as many at a time: where rounding cannot have decided, they are enough.

use crate::Lanes;

/// Points that are compared at once.
const POINTS: usize = 8;
const LANES: usize = Lanes::WIDTH;

/// Rows about their mean, in a unit in which nothing overflows.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Group by group, column by column, eight rows each.
    values: Vec<f32>,
    /// Squared lengths of the rows.
    norms: Vec<[f32; LANES]>,
    center: Vec<f64>,
    unit: f64,
    n_rows: usize,
}

/// Points in the same unit.
#[derive(Clone, Debug)]
pub struct Points {
    /// Eight points at a time, column by column; what is beyond the last point is 0.
    values: Vec<f32>,
    /// Squared lengths; beyond the last point infinite, which makes it nobody's nearest.
    norms: Vec<[f32; POINTS]>,
    /// The largest of a point.
    largest: f32,
    n_columns: usize,
}

impl Screen {
    /// Of the same rows.
    pub fn new(rows: &Lanes) -> Self {
        let n_columns = rows.n_columns();
        let mut center = vec![0.0; n_columns];
        for group_idx in 0..rows.n_groups() {
            for (sum, lanes) in center.iter_mut().zip(rows.group(group_idx).chunks_exact(LANES)) {
                *sum += lanes.iter().sum::<f64>();
            }
        }
        center.iter_mut().for_each(|sum| *sum /= rows.n_rows().max(1) as f64);
        let mut largest = 0.0f64;
        for group_idx in 0..rows.n_groups() {
            for (center, lanes) in center.iter().zip(rows.group(group_idx).chunks_exact(LANES)) {
                for value in lanes {
                    largest = largest.max((value - center).abs());
                }
            }
        }
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let mut values = Vec::with_capacity(rows.n_groups() * n_columns * LANES);
        let mut norms = Vec::with_capacity(rows.n_groups());
        for group_idx in 0..rows.n_groups() {
            let mut squares = [0.0f32; LANES];
            for (center, lanes) in center.iter().zip(rows.group(group_idx).chunks_exact(LANES)) {
                for lane in 0..LANES {
                    let value = ((lanes[lane] - center) / unit) as f32;
                    squares[lane] += value * value;
                    values.push(value);
                }
            }
            norms.push(squares);
        }
        Self { values, norms, center, unit, n_rows: rows.n_rows() }
    }

    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.center.len()
    }

    /// The rows one after another, as an accelerator compares them.
    pub fn rows(&self) -> Vec<f32> {
        let n_columns = self.center.len();
        let mut rows = Vec::with_capacity(self.n_rows * n_columns);
        for row_idx in 0..self.n_rows {
            let group = &self.values[row_idx / LANES * n_columns * LANES..][..n_columns * LANES];
            rows.extend(group.iter().skip(row_idx % LANES).step_by(LANES));
        }
        rows
    }

    /// The same of points that stand one after another, and their squared lengths.
    pub fn placed(&self, points: &[f64]) -> (Vec<f32>, Vec<f32>) {
        let n_columns = self.center.len().max(1);
        let place = |(value, center): (&f64, &f64)| ((value - center) / self.unit) as f32;
        let placed: Vec<f32> =
            points.chunks_exact(n_columns).flat_map(|point| point.iter().zip(&self.center).map(place)).collect();
        let norms = placed.chunks_exact(n_columns).map(|point| point.iter().map(|value| value * value).sum()).collect();
        (placed, norms)
    }

    /// Whether the squares of all distances between its rows are numbers.
    pub fn is_bounded(&self) -> bool {
        (4.0 * self.center.len() as f64 * self.unit * self.unit).is_finite()
    }

    /// What the square of a distance of the screen's numbers may be off by where an accelerator computed it: in parts of the
    /// sum of both squared lengths. Up to [`Self::FLUSHED`] besides, as it may take numbers near 0 for 0.
    pub fn accelerated(n_columns: usize) -> f32 {
        2.0 * (n_columns + 8) as f32 * f32::EPSILON
    }

    /// What numbers near 0 may have added up to.
    pub const FLUSHED: f32 = 1e-30;

    /// What the square of a distance that an accelerator computed is off by at most, in the square of the unit: of a group's
    /// rows to a point of this squared length.
    #[inline(always)]
    pub fn doubt(&self, group_idx: usize, norm: f32) -> f32 {
        let largest =
            self.norms[group_idx].iter().fold(0.0f32, |largest, norm| if *norm > largest { *norm } else { largest });
        self.rounding() * (largest + norm) + Self::FLUSHED
    }

    /// Points that stand one after another.
    pub fn points(&self, points: &[f64]) -> Points {
        let n_columns = self.center.len();
        let n_points = points.len() / n_columns.max(1);
        let n_tiles = n_points.div_ceil(POINTS);
        let mut placed = Points {
            values: vec![0.0; n_tiles * n_columns * POINTS],
            norms: vec![[f32::INFINITY; POINTS]; n_tiles],
            largest: 0.0,
            n_columns,
        };
        for (point_idx, point) in points.chunks_exact(n_columns.max(1)).enumerate() {
            let (tile, at) = (point_idx / POINTS, point_idx % POINTS);
            let mut norm = 0.0;
            for (column_idx, (value, center)) in point.iter().zip(&self.center).enumerate() {
                let value = ((value - center) / self.unit) as f32;
                placed.values[(tile * n_columns + column_idx) * POINTS + at] = value;
                norm += value * value;
            }
            placed.norms[tile][at] = norm;
            placed.largest = if norm > placed.largest || norm.is_nan() { norm } else { placed.largest };
        }
        placed
    }

    /// Of each row of a group and `N_AT_ONCE` points `x·p`.
    #[inline(always)]
    fn dots<const N_AT_ONCE: usize>(
        &self,
        group_idx: usize,
        points: &Points,
        (tile, first): (usize, usize),
    ) -> [[f32; LANES]; N_AT_ONCE] {
        let n_values = LANES * points.n_columns;
        let (group, _) = self.values[group_idx * n_values..][..n_values].as_chunks::<LANES>();
        let (of_tile, _) = points.values[tile * POINTS * points.n_columns..].as_chunks::<POINTS>();
        let mut dots = [[0.0f32; LANES]; N_AT_ONCE];
        for (lanes, of_points) in group.iter().zip(of_tile) {
            for at in 0..N_AT_ONCE {
                for lane in 0..LANES {
                    dots[at][lane] += of_points[first + at] * lanes[lane];
                }
            }
        }
        dots
    }

    /// What values, products and sums of a distance can be off by, in parts of `|x|² + |p|²`: each step half a unit in the
    /// last place, and as much again to be safe.
    #[inline(always)]
    fn rounding(&self) -> f32 {
        4.0 * (self.center.len() + 8) as f32 * f32::EPSILON
    }

    /// The point that each row of a group is nearest to, by `|x|² + |p|² − 2 x·p`; none if of any row the next one is
    /// so near that rounding could have decided. `N_AT_ONCE` is 4 or 8, as there are registers; the answer is the same.
    #[inline(always)]
    pub fn nearest<const N_AT_ONCE: usize>(&self, group_idx: usize, points: &Points) -> Option<[u32; LANES]> {
        let (mut least, mut next) = ([f32::INFINITY; LANES], [f32::INFINITY; LANES]);
        let mut nearest = [0u32; LANES];
        for (tile, norms) in points.norms.iter().enumerate() {
            for first in (0..POINTS).step_by(N_AT_ONCE) {
                let dots = self.dots::<N_AT_ONCE>(group_idx, points, (tile, first));
                for (at, dots) in dots.iter().enumerate() {
                    let point_idx = (tile * POINTS + first + at) as u32;
                    for lane in 0..LANES {
                        let far = norms[first + at] - 2.0 * dots[lane];
                        let is_nearer = far < least[lane];
                        let second = if far < next[lane] { far } else { next[lane] };
                        next[lane] = if is_nearer { least[lane] } else { second };
                        nearest[lane] = if is_nearer { point_idx } else { nearest[lane] };
                        least[lane] = if is_nearer { far } else { least[lane] };
                    }
                }
            }
        }
        let mut is_certain = true;
        for lane in 0..LANES {
            let rounding = self.rounding() * (self.norms[group_idx][lane] + points.largest);
            is_certain &= next[lane] - least[lane] > rounding;
        }
        is_certain.then_some(nearest)
    }

    /// The point that each row of a group is nearest to, where an accelerator has told of each row in turn the nearest point,
    /// the square of its distance and that of the next one. None if of any row rounding could have decided.
    #[inline(always)]
    pub fn nearest_told(&self, group_idx: usize, largest_norm: f32, told: &[f32]) -> Option<[u32; LANES]> {
        let mut nearest = [0; LANES];
        let doubt = self.doubt(group_idx, largest_norm);
        for (nearest, told) in nearest.iter_mut().zip(told.chunks_exact(3)) {
            *nearest = told[0] as u32;
            // Neither may be off by more; what is not a number is no answer.
            let is_certain = told[2] - told[1] > 2.0 * doubt;
            if !is_certain {
                return None;
            }
        }
        Some(nearest)
    }

    /// Which groups may have rows among the `k` nearest to a point, where an accelerator has told of each group the least
    /// square of a distance.
    pub fn near(&self, point: &[f64], least: &[f32], k: usize) -> Vec<bool> {
        let norm = self.placed(point).1[0];
        let doubts: Vec<f32> = (0..least.len()).map(|group_idx| self.doubt(group_idx, norm)).collect();
        let mut reach = f32::INFINITY;
        if (1..=least.len()).contains(&k) {
            // As many groups have a row at least that near.
            let mut most: Vec<f32> = least.iter().zip(&doubts).map(|(least, doubt)| least + doubt).collect();
            reach = *most.select_nth_unstable_by(k - 1, f32::total_cmp).1;
        }
        let is_far = |(least, doubt): (&f32, &f32)| least - doubt > reach;
        // What is not a number is not far.
        least.iter().zip(&doubts).map(|told| !is_far(told)).collect()
    }

    /// Sums of squared differences of the rows of a group to a point, in the square of the unit; 0 for the same row, and for
    /// one that is the same in single precision.
    #[inline(always)]
    pub fn squares(&self, group_idx: usize, points: &Points, point_idx: usize) -> [f32; LANES] {
        let n_values = LANES * points.n_columns;
        let (group, _) = self.values[group_idx * n_values..][..n_values].as_chunks::<LANES>();
        let (tile, at) = (point_idx / POINTS, point_idx % POINTS);
        let (of_tile, _) = points.values[tile * POINTS * points.n_columns..].as_chunks::<POINTS>();
        let mut sums = [0.0f32; LANES];
        for (lanes, of_points) in group.iter().zip(of_tile) {
            for lane in 0..LANES {
                let difference = lanes[lane] - of_points[at];
                sums[lane] += difference * difference;
            }
        }
        sums
    }

    /// A squared distance as [`Self::are_beyond`] takes it: rather more than less.
    pub fn limit(&self, square: f64) -> f32 {
        (square / self.unit / self.unit * (1.0 + f64::from(f32::EPSILON))) as f32
    }

    /// Of eight points, whether all rows of a group are farther from them than these limits. Where rounding could decide,
    /// the answer is no.
    #[inline(always)]
    pub fn are_beyond<const N_AT_ONCE: usize>(
        &self,
        group_idx: usize,
        points: &Points,
        tile: usize,
        limits: &[f32; POINTS],
    ) -> [bool; POINTS] {
        let mut beyond = [false; POINTS];
        for first in (0..POINTS).step_by(N_AT_ONCE) {
            let dots = self.dots::<N_AT_ONCE>(group_idx, points, (tile, first));
            for (at, dots) in dots.iter().enumerate() {
                let norm = points.norms[tile][first + at];
                let mut are_beyond = true;
                for (dot, of_row) in dots.iter().zip(&self.norms[group_idx]) {
                    let together = of_row + norm;
                    let square = together - 2.0 * dot - self.rounding() * together;
                    are_beyond &= square > limits[first + at];
                }
                beyond[first + at] = are_beyond;
            }
        }
        beyond
    }
}

impl Points {
    /// Points that are compared at once.
    pub const AT_ONCE: usize = POINTS;
}

#[cfg(test)]
mod tests {
    use numeric::Stream;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_it_is_certain_of_is_so(seed in 0u64..10_000, n_columns in 1usize..30, scale in -30i32..30, n_points in 1usize..20) {
            let mut stream = Stream::new(seed);
            let size = f64::powi(10.0, scale);
            // Rows close together and far from 0, so that much is too near to call.
            let offset = size * 100.0 * stream.normal();
            let mut number = || offset + size * stream.normal() * if seed % 2 == 0 { 1.0 } else { 1e-4 };
            let rows = Lanes::new(21, n_columns, |_, _| 0.0);
            let values: Vec<f64> = (0..rows.n_rows() * n_columns).map(|_| number()).collect();
            let rows = Lanes::new(21, n_columns, |row_idx, column_idx| values[row_idx * n_columns + column_idx]);
            let given: Vec<f64> = (0..n_points * n_columns).map(|_| number()).collect();
            let screen = Screen::new(&rows);
            let points = screen.points(&given);
            for group_idx in 0..rows.n_groups() {
                let squares: Vec<[f64; LANES]> =
                    given.chunks_exact(n_columns).map(|point| rows.squared_distances(group_idx, point)).collect();
                let n_lanes = LANES.min(rows.n_rows() - group_idx * LANES);
                let found = screen.nearest::<8>(group_idx, &points);
                prop_assert_eq!(found, screen.nearest::<4>(group_idx, &points));
                for lane in 0..n_lanes {
                    if let Some(found) = found {
                        let best = (0..n_points).min_by(|a, b| squares[*a][lane].total_cmp(&squares[*b][lane]));
                        prop_assert_eq!(Some(found[lane] as usize), best);
                    }
                }
                for (tile, squares) in squares.chunks(POINTS).enumerate() {
                    let limit = squares[0][0] * 0.9;
                    let beyond = screen.are_beyond::<4>(group_idx, &points, tile, &[screen.limit(limit); POINTS]);
                    for (squares, is_beyond) in squares.iter().zip(beyond) {
                        prop_assert!(!is_beyond || squares[..n_lanes].iter().all(|square| *square > limit));
                    }
                }
            }
        }
    }

    #[test]
    fn distances_that_differ_clearly_are_told_apart() {
        let rows = Lanes::new(8, 2, |row_idx, column_idx| if column_idx == 0 { row_idx as f64 } else { 1e3 });
        let screen = Screen::new(&rows);
        let points = screen.points(&[1.2, 1e3, 6.1, 1e3]);
        assert_eq!(screen.nearest::<8>(0, &points), Some([0, 0, 0, 0, 1, 1, 1, 1]));
        let limits = [screen.limit(1.0); POINTS];
        assert!(!screen.are_beyond::<8>(0, &points, 0, &limits)[0]);
        let far = screen.points(&[9.0, 1e3]);
        assert!(screen.are_beyond::<8>(0, &far, 0, &limits)[0]);
        // What is beyond single precision is left to others.
        assert_eq!(screen.nearest::<8>(0, &screen.points(&[1e300, 0.0])), None);
    }
}
