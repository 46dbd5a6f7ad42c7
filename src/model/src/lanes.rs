//! Rows in groups of eight, laid out for distances: the same column of eight rows stands together.

/// Rows that are compared at once.
const LANES: usize = 8;
/// Columns after which it is looked whether the rest can matter.
const PART: usize = 8;

/// Rows of numbers whose distances to a point are wanted, eight at a time. Each distance is summed in the order of the
/// columns, so its bits do not depend on the layout.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// Group by group, column by column, eight rows each; what is beyond the last row is 0.
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
}

impl Lanes {
    /// Rows in a group.
    pub const WIDTH: usize = LANES;

    /// Rows whose value in a column is told by `value(row_idx, column_idx)`.
    pub fn new(n_rows: usize, n_columns: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let mut values = vec![0.0; n_rows.div_ceil(LANES) * LANES * n_columns];
        for (group_idx, group) in values.chunks_exact_mut((LANES * n_columns).max(1)).enumerate() {
            for (column_idx, lanes) in group.chunks_exact_mut(LANES).enumerate() {
                for (lane, slot) in lanes.iter_mut().enumerate() {
                    let row_idx = group_idx * LANES + lane;
                    if row_idx < n_rows {
                        *slot = value(row_idx, column_idx);
                    }
                }
            }
        }
        Self { values, n_rows, n_columns }
    }

    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Groups of eight rows, the last one perhaps with fewer.
    pub fn n_groups(&self) -> usize {
        self.n_rows.div_ceil(LANES)
    }

    /// One value.
    pub fn at(&self, row_idx: usize, column_idx: usize) -> f64 {
        self.values[(row_idx / LANES * self.n_columns + column_idx) * LANES + row_idx % LANES]
    }

    /// One row.
    pub fn row(&self, row_idx: usize) -> Vec<f64> {
        (0..self.n_columns).map(|column_idx| self.at(row_idx, column_idx)).collect()
    }

    /// Eight rows, column by column.
    #[inline(always)]
    pub fn group(&self, group_idx: usize) -> &[f64] {
        &self.values[group_idx * LANES * self.n_columns..][..LANES * self.n_columns]
    }

    /// Sums of squared differences to a point.
    #[inline(always)]
    pub fn squared_distances(&self, group_idx: usize, point: &[f64]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (lanes, x) in self.group(group_idx).chunks_exact(LANES).zip(point) {
            for lane in 0..LANES {
                let difference = lanes[lane] - x;
                sums[lane] += difference * difference;
            }
        }
        sums
    }

    /// The same, or none where each is its lane's limit or more: as a sum of squares never falls, that is often clear after a few columns.
    #[inline(always)]
    pub fn squared_distances_within(
        &self,
        group_idx: usize,
        point: &[f64],
        limits: &[f64; LANES],
    ) -> Option<[f64; LANES]> {
        let mut sums = [0.0; LANES];
        for (columns, part) in self.group(group_idx).chunks(LANES * PART).zip(point.chunks(PART)) {
            for (lanes, x) in columns.chunks_exact(LANES).zip(part) {
                for lane in 0..LANES {
                    let difference = lanes[lane] - x;
                    sums[lane] += difference * difference;
                }
            }
            let mut is_within = false;
            for lane in 0..LANES {
                // What is not a number is no reason to stop.
                is_within |= sums[lane] < limits[lane] || sums[lane].is_nan();
            }
            if !is_within {
                return None;
            }
        }
        Some(sums)
    }

    /// Sums of products with a point.
    #[inline(always)]
    pub fn dots(&self, group_idx: usize, point: &[f64]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (lanes, x) in self.group(group_idx).chunks_exact(LANES).zip(point) {
            for lane in 0..LANES {
                sums[lane] += lanes[lane] * x;
            }
        }
        sums
    }

    /// Sums of absolute differences to a point.
    #[inline(always)]
    pub fn absolute_distances(&self, group_idx: usize, point: &[f64]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (lanes, x) in self.group(group_idx).chunks_exact(LANES).zip(point) {
            for lane in 0..LANES {
                sums[lane] += (lanes[lane] - x).abs();
            }
        }
        sums
    }
}
