//! Values become numbers of bins, one byte each.

use model::Matrix;

use super::BoostingColumn;
use crate::{Checkpoint, Stopped};

/// Bins are found on at most so many rows of a column, at equal distances.
const MAX_SAMPLE: usize = 1 << 16;
/// Columns whose bins stand in one word.
pub(super) const GROUP: usize = 4;

/// The bins of all values.
pub(super) struct Bins {
    /// Group by group of four columns, row by row, a byte for each column.
    words: Vec<u32>,
    pub(super) n_rows: usize,
    pub(super) columns: Vec<BinnedColumn>,
}

/// How the values of a column fall into bins.
pub(super) struct BinnedColumn {
    /// A value is in the first bin whose edge it does not exceed; the last bin has none. Empty for categories.
    pub(super) edges: Vec<f64>,
    /// The edges, and above them nothing that is exceeded.
    ladder: [f64; 256],
    /// Bins of values; that of gaps follows.
    pub(super) n_bins: usize,
    pub(super) is_category: bool,
    pub(super) has_gaps: bool,
}

impl Bins {
    pub(super) async fn new(
        x: &Matrix,
        columns: &[BoostingColumn],
        max_bins: usize,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Self, Stopped> {
        let n_groups = x.n_columns.div_ceil(GROUP);
        let mut bins = Self { words: vec![0; n_groups * x.n_rows], n_rows: x.n_rows, columns: Vec::new() };
        for (column_idx, column) in columns.iter().enumerate() {
            checkpoint.checkpoint(0.0, "Sorting columns into bins").await?;
            let values = x.column(column_idx);
            let binned = BinnedColumn::new(values, column, max_bins);
            for (chunk_idx, chunk) in values.chunks(MAX_SAMPLE).enumerate() {
                bins.write(&binned, chunk, column_idx, chunk_idx * MAX_SAMPLE);
                if chunk_idx > 0 {
                    checkpoint.checkpoint(0.0, "Sorting columns into bins").await?;
                }
            }
            bins.columns.push(binned);
        }
        Ok(bins)
    }

    fn write(&mut self, column: &BinnedColumn, values: &[f64], column_idx: usize, first_row: usize) {
        let words = &mut self.words[column_idx / GROUP * self.n_rows + first_row..][..values.len()];
        let shift = column_idx % GROUP * 8;
        for (word, &value) in words.iter_mut().zip(values) {
            *word |= u32::from(column.bin(value)) << shift;
        }
    }

    pub(super) fn n_groups(&self) -> usize {
        self.columns.len().div_ceil(GROUP)
    }

    /// The bins of all rows in a group's columns.
    pub(super) fn group(&self, group_idx: usize) -> &[u32] {
        &self.words[group_idx * self.n_rows..][..self.n_rows]
    }

    /// The words of a column's group, and how far its byte is to be shifted.
    pub(super) fn column(&self, column_idx: usize) -> (&[u32], u32) {
        (self.group(column_idx / GROUP), (column_idx % GROUP * 8) as u32)
    }
}

impl BinnedColumn {
    fn new(values: &[f64], column: &BoostingColumn, max_bins: usize) -> Self {
        let has_gaps = values.iter().any(|value| value.is_nan());
        if let Some(n_categories) = column.n_categories {
            return Self {
                edges: Vec::new(),
                ladder: [f64::INFINITY; 256],
                n_bins: n_categories as usize,
                is_category: true,
                has_gaps,
            };
        }
        let step = values.len().div_ceil(MAX_SAMPLE).max(1);
        let mut sample: Vec<f64> = values.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect();
        sample.sort_unstable_by(f64::total_cmp);
        let edges = edges(&sample, max_bins);
        let mut ladder = [f64::INFINITY; 256];
        ladder[..edges.len()].copy_from_slice(&edges);
        Self { n_bins: edges.len() + 1, edges, ladder, is_category: false, has_gaps }
    }

    pub(super) fn bin(&self, value: f64) -> u8 {
        if value.is_nan() {
            return self.n_bins as u8;
        }
        if self.is_category {
            return value as u8;
        }
        // The number of edges below the value, without a branch to guess wrong.
        let mut n = 0;
        for half in [128, 64, 32, 16, 8, 4, 2, 1] {
            n += half * usize::from(self.ladder[(n + half - 1) & 0xff] < value);
        }
        n as u8
    }
}

/// Between the distinct values, if they are few enough; otherwise so that bins hold about as many values each.
fn edges(sorted: &[f64], max_bins: usize) -> Vec<f64> {
    let mut edges = Vec::new();
    let n_distinct = 1 + sorted.windows(2).filter(|pair| pair[0] < pair[1]).count();
    if n_distinct <= max_bins {
        edges.extend(sorted.windows(2).filter(|pair| pair[0] < pair[1]).map(|pair| midpoint(pair[0], pair[1])));
        return edges;
    }
    // What is left is shared among the bins that are left: a value that fills several bins takes none from the others.
    let (mut n_left, mut bins_left, mut in_bin) = (sorted.len(), max_bins, 0);
    for pair in sorted.windows(2) {
        in_bin += 1;
        if pair[0] < pair[1] && in_bin * bins_left >= n_left && bins_left > 1 {
            edges.push(midpoint(pair[0], pair[1]));
            n_left -= in_bin;
            bins_left -= 1;
            in_bin = 0;
        }
    }
    edges
}

/// A threshold with `low <= threshold < high`, in the middle if there is a number.
fn midpoint(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low <= middle && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64], max_bins: usize) -> BinnedColumn {
        BinnedColumn::new(values, &BoostingColumn::default(), max_bins)
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let column = column(&[3.0, 1.0, f64::NAN, 3.0, -0.0, 0.0], 255);
        assert_eq!(column.edges, [0.5, 2.0]);
        let bins: Vec<u8> = [-9.0, 0.0, 0.5, 0.6, 2.0, 2.1, 9.0, f64::NAN].map(|value| column.bin(value)).to_vec();
        assert_eq!(bins, [0, 0, 0, 1, 1, 2, 2, 3]);
        assert!(column.has_gaps);
    }

    #[test]
    fn many_values_share_bins_evenly_and_a_frequent_one_takes_no_other_bin() {
        let values: Vec<f64> = (0..1_000).map(f64::from).chain(std::iter::repeat_n(500.0, 9_000)).collect();
        let column = column(&values, 11);
        let mut counts = [0; 11];
        values.iter().for_each(|value| counts[usize::from(column.bin(*value))] += 1);
        assert!(column.n_bins <= 11 && counts.iter().filter(|count| **count > 0).count() == column.n_bins);
        assert!(counts.iter().filter(|count| **count < 9_000).all(|count| *count <= 1_000), "{counts:?}");
    }
}
