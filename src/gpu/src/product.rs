//! Products of matrices, and what is summed in the same way.

use std::borrow::Cow;
use std::ops::Range;

use crate::device::Memory;
use crate::kernels::{Kernel, Sums};
use crate::{Gpu, GpuError};

/// Rows and columns of a tile, which one workgroup sums.
const TILE: usize = 64;
/// Terms of a tile that are read together.
const DEPTH: usize = 16;
/// Tiles beside each other in one dimension; every GPU takes so many.
const MAX_TILES: usize = 65_535;
/// Workgroups that keep a large GPU busy. Where tiles are fewer, their terms are cut into layers beside each other.
const BUSY_GROUPS: usize = 512;
/// Terms that are added one after the other: with more of them, 32 bits would lose too much, and llvmpipe breaks off a
/// kernel whose loops went round 65,535 times.
const MAX_TERMS: usize = 4096;
/// Fewer terms are not worth a layer of their own.
const MIN_TERMS: usize = 256;
/// Products of one dispatch, at least with `MIN_TERMS`: systems take a GPU that works for seconds for one that hangs.
const MAX_PRODUCTS: u64 = 1 << 34;

/// A matrix that lies in a slice without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a> {
    /// The values.
    pub values: &'a [f32],
    /// Whether they lie column by column instead of row by row.
    pub is_transposed: bool,
}

impl<'a> Factor<'a> {
    /// Row by row.
    pub fn rows(values: &'a [f32]) -> Self {
        Self { values, is_transposed: false }
    }

    /// With rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { values: self.values, is_transposed: !self.is_transposed }
    }

    /// These rows and columns of a matrix of `size`, in the order in which it is stored.
    fn cut(self, size: (usize, usize), rows: &Range<usize>, columns: &Range<usize>) -> Cow<'a, [f32]> {
        let (width, lines, part) = if self.is_transposed { (size.0, columns, rows) } else { (size.1, rows, columns) };
        if part.len() == width {
            return Cow::Borrowed(&self.values[lines.start * width..lines.end * width]);
        }
        let mut cut = Vec::with_capacity(lines.len() * part.len());
        lines.clone().for_each(|line| cut.extend_from_slice(&self.values[line * width..][part.clone()]));
        Cow::Owned(cut)
    }
}

impl Gpu {
    /// `a b`, of `m × k` and `k × n`, row by row.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute; or the result does not fit into memory.
    ///
    /// # Panics
    /// If a factor has another number of values.
    pub async fn product(
        &self,
        size: (usize, usize, usize),
        a: Factor<'_>,
        b: Factor<'_>,
    ) -> Result<Vec<f32>, GpuError> {
        Task { sums: Sums::Products, size, a, b }.run(self).await
    }

    /// The products of all pairs of columns of `x`, which lies row by row: `xᵀ x`, of `n_columns × n_columns`.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute; or the result does not fit into memory.
    ///
    /// # Panics
    /// If `x` has another number of values.
    pub async fn gram(&self, (n_rows, n_columns): (usize, usize), x: &[f32]) -> Result<Vec<f32>, GpuError> {
        let x = Factor::rows(x);
        let size = (n_columns, n_columns, n_rows);
        let mut found = Task { sums: Sums::Gram, size, a: x.transposed(), b: x }.run(self).await?;
        for row in 1..n_columns {
            for column in 0..row {
                found[row * n_columns + column] = found[column * n_columns + row];
            }
        }
        Ok(found)
    }

    /// Squared Euclidean distance of each of `n_rows` to each of `n_points`, of which each has `n_columns` numbers: that
    /// is `size`. Both lie row by row, and so do the distances.
    ///
    /// # Errors
    /// The GPU is lost, out of memory, or refuses to compute; or the result does not fit into memory.
    ///
    /// # Panics
    /// If `rows` or `points` have another number of values.
    pub async fn squared_distances(
        &self,
        size: (usize, usize, usize),
        rows: &[f32],
        points: &[f32],
    ) -> Result<Vec<f32>, GpuError> {
        let (a, b) = (Factor::rows(rows), Factor::rows(points).transposed());
        Task { sums: Sums::Distances, size, a, b }.run(self).await
    }
}

/// Sums over what each row of A and each column of B have in common.
#[derive(Clone, Copy)]
struct Task<'a> {
    sums: Sums,
    /// Rows of A, columns of B, and terms of a sum.
    size: (usize, usize, usize),
    a: Factor<'a>,
    b: Factor<'a>,
}

impl Task<'_> {
    /// The sums, row by row, from one block of them after another.
    async fn run(self, gpu: &Gpu) -> Result<Vec<f32>, GpuError> {
        let (m, n, k) = self.size;
        assert_eq!((self.a.values.len(), self.b.values.len()), (m * k, k * n), "values of {m} × {k} and {k} × {n}");
        let mut found = zeros(m, n)?;
        if found.is_empty() || k == 0 {
            return Ok(found);
        }
        let (of_rows, of_columns, of_terms) = block_size(self.size, gpu.block_len());
        for rows in parts(m, of_rows) {
            for columns in parts(n, of_columns) {
                if self.sums == Sums::Gram && columns.end <= rows.start {
                    continue;
                }
                let block = self.block(gpu, &rows, &columns, of_terms).await?;
                for (row, sums) in rows.clone().zip(block.chunks_exact(columns.len())) {
                    found[row * n..][columns.clone()].copy_from_slice(sums);
                }
            }
        }
        Ok(found)
    }

    /// The sums of these rows and columns, so many terms at a time.
    async fn block(
        self,
        gpu: &Gpu,
        rows: &Range<usize>,
        columns: &Range<usize>,
        of_terms: usize,
    ) -> Result<Vec<f32>, GpuError> {
        let (m, n, k) = self.size;
        let sums = gpu.accepted(|| gpu.numbers(rows.len() * columns.len())).await?;
        for terms in parts(k, of_terms) {
            let submit = || {
                let a = gpu.upload(&self.a.cut((m, k), rows, &terms));
                let is_same = self.sums == Sums::Gram && rows == columns;
                let b = (!is_same).then(|| gpu.upload(&self.b.cut((k, n), &terms, columns)));
                let block = Block {
                    kernel: Kernel::Product {
                        a_is_transposed: self.a.is_transposed,
                        b_is_transposed: self.b.is_transposed,
                        sums: self.sums,
                    },
                    size: (rows.len(), columns.len(), terms.len()),
                    first: (rows.start, columns.start),
                    is_added: terms.start > 0,
                    a: &a,
                    b: b.as_ref().unwrap_or(&a),
                    sums: &sums,
                };
                block.submit(gpu);
            };
            gpu.accepted(submit).await?;
            if terms.end < k {
                // What is uploaded takes memory until it is used.
                gpu.finish().await?;
            }
        }
        gpu.read(&sums).await
    }
}

/// Sums and terms that the GPU can hold at once.
pub(crate) struct Block<'a> {
    pub(crate) kernel: Kernel,
    /// Rows, columns and terms.
    pub(crate) size: (usize, usize, usize),
    /// First row and column in the whole.
    pub(crate) first: (usize, usize),
    /// Whether it is added to what `sums` holds.
    pub(crate) is_added: bool,
    pub(crate) a: &'a Memory,
    pub(crate) b: &'a Memory,
    pub(crate) sums: &'a Memory,
}

impl Block<'_> {
    /// Hands it over.
    pub(crate) fn submit(&self, gpu: &Gpu) {
        let (m, n, k) = self.size;
        let (n_layers, n_terms) = layers(self.size, gpu.block_len());
        let n_groups = |n_layers| [n.div_ceil(TILE), m.div_ceil(TILE), n_layers];
        let figures = |first_term: usize, is_added: bool| {
            let (first_row, first_column) = self.first;
            gpu.figures(
                &[m, n, k, first_term, n_terms, first_row, first_column, usize::from(is_added)].map(|n| n as u32),
            )
        };
        if n_layers == 1 {
            for first_term in (0..k).step_by(n_terms) {
                let figures = figures(first_term, self.is_added || first_term > 0);
                gpu.dispatch(self.kernel, &[&figures, self.a, self.b, self.sums], n_groups(1));
            }
            return;
        }
        let layers = gpu.numbers(n_layers * m * n);
        for first_term in (0..k).step_by(n_layers * n_terms) {
            let n_layers = n_layers.min((k - first_term).div_ceil(n_terms));
            gpu.dispatch(self.kernel, &[&figures(first_term, false), self.a, self.b, &layers], n_groups(n_layers));
            let is_added = self.is_added || first_term > 0;
            let figures = gpu.figures(&[m * n, n_layers, usize::from(is_added)].map(|n| n as u32));
            gpu.dispatch(Kernel::Add, &[&figures, &layers, self.sums], [(m * n).div_ceil(256), 1, 1]);
        }
    }
}

/// Rows, columns and terms of blocks, each of whose three matrices has at most `max_len` numbers.
fn block_size((mut m, mut n, mut k): (usize, usize, usize), max_len: usize) -> (usize, usize, usize) {
    let halve = |larger: &mut usize| *larger = larger.div_ceil(2);
    (m, n) = (m.min(MAX_TILES * TILE), n.min(MAX_TILES * TILE));
    loop {
        let (of_a, of_b, of_sums) = (m.saturating_mul(k), k.saturating_mul(n), m.saturating_mul(n));
        if of_a.max(of_b).max(of_sums) <= max_len {
            return (m, n, k);
        }
        if of_sums > max_len {
            halve(if m > n { &mut m } else { &mut n });
        } else if of_a > max_len {
            halve(if m > k { &mut m } else { &mut k });
        } else {
            halve(if n > k { &mut n } else { &mut k });
        }
    }
}

/// Into how many layers the terms of a block are cut, and how many terms a layer sums at a time. The layers have at most
/// `max_len` numbers.
fn layers((m, n, k): (usize, usize, usize), max_len: usize) -> (usize, usize) {
    let n_tiles = m.div_ceil(TILE) * n.div_ceil(TILE);
    let most = (BUSY_GROUPS / n_tiles).min(max_len / (m * n)).min(k.div_ceil(MIN_TERMS)).max(1);
    let max_terms = (MAX_PRODUCTS / (m * n) as u64).clamp(MIN_TERMS as u64, MAX_TERMS as u64) as usize;
    let n_terms = k.div_ceil(most).min(max_terms).next_multiple_of(DEPTH);
    (most.min(k.div_ceil(n_terms)), n_terms)
}

/// Room for the result.
fn zeros(n_rows: usize, n_columns: usize) -> Result<Vec<f32>, GpuError> {
    let mut zeros = Vec::new();
    let len = n_rows.checked_mul(n_columns).filter(|len| zeros.try_reserve_exact(*len).is_ok());
    zeros.resize(len.ok_or(GpuError::TooLarge { n_rows, n_columns })?, 0.0);
    Ok(zeros)
}

/// `0..n` in parts of `len`.
fn parts(n: usize, len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(len).map(move |start| start..n.min(start + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fit_into_what_the_gpu_takes() {
        for size in [(1, 1, 1), (70, 1, 3000), (1 << 20, 1 << 18, 1 << 22), (1, 1 << 30, 5), (64, 64, 64)] {
            for max_len in [1, 7, 4096, 1 << 25] {
                let (m, n, k) = block_size(size, max_len);
                assert!((1..=size.0).contains(&m) && (1..=size.1).contains(&n) && (1..=size.2).contains(&k));
                assert!(m * k <= max_len && k * n <= max_len && m * n <= max_len, "{size:?} {max_len}");
                assert!(m.max(n) <= MAX_TILES * TILE);
            }
        }
        assert_eq!(block_size((5000, 20, 300), 1 << 25), (5000, 20, 300));
    }

    #[test]
    fn layers_hold_every_term_and_fit() {
        for size in [(1, 1, 1), (10, 50, 1 << 19), (5000, 5000, 5000), (64, 64, 300), (3, 1 << 24, 2)] {
            for max_len in [1 << 25, 1 << 27] {
                let (n_layers, n_terms) = layers(size, max_len);
                assert!(n_layers == 1 || n_layers * size.0 * size.1 <= max_len, "{size:?}");
                assert!((1..=MAX_TERMS).contains(&n_terms) && n_terms % DEPTH == 0, "{size:?}");
                assert!(n_layers == 1 || (n_layers - 1) * n_terms < size.2, "{size:?}: a layer is empty");
            }
        }
    }
}
