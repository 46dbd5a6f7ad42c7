//! Small dense linear algebra: Gram matrices, Cholesky, Householder QR and Jacobi's singular values.
//!
//! Every sum runs in a fixed order, so the results have the same bits on every platform.

use std::ops::Range;

use model::Block;

use crate::{Checkpoint, Stopped};

/// Rows that stay in the cache while a Gram matrix is summed.
const BLOCK: usize = 512;

/// Sums that run side by side: one alone would wait for each of its additions.
pub(crate) const LANES: usize = 8;

numeric::wide! {
    /// Σ a·b, in interleaved sums that the compiler can keep in vector registers.
    pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
        dot_here(a, b)
    }
}

/// The same within a function that is itself compiled for wider registers.
#[inline(always)]
fn dot_here(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    together(sums) + a.1.iter().zip(b.1).map(|(a, b)| a * b).sum::<f64>()
}

/// Σ value(a), likewise.
pub(crate) fn sum_of(a: &[f64], value: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (lanes, rest) = a.as_chunks::<LANES>();
    for a in lanes {
        for lane in 0..LANES {
            sums[lane] += value(a[lane]);
        }
    }
    together(sums) + rest.iter().map(|a| value(*a)).sum::<f64>()
}

#[inline(always)]
pub(crate) fn together(sums: [f64; LANES]) -> f64 {
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
}

numeric::wide! {
    /// Takes a number from each, and gives the sum and the sum of the squares of what is left.
    pub(crate) fn shift(a: &mut [f64], by: f64) -> (f64, f64) {
        let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let (lanes, rest) = a.as_chunks_mut::<LANES>();
        for a in lanes {
            for lane in 0..LANES {
                a[lane] -= by;
                sums[lane] += a[lane];
                squares[lane] += a[lane] * a[lane];
            }
        }
        rest.iter_mut().for_each(|a| *a -= by);
        let of_rest = rest.iter().fold((0.0, 0.0), |(sum, squares), a| (sum + a, squares + a * a));
        (together(sums) + of_rest.0, together(squares) + of_rest.1)
    }
}

/// The largest distance from 0.
pub(crate) fn largest(a: &[f64]) -> f64 {
    let mut largest = [0.0f64; LANES];
    let (lanes, rest) = a.as_chunks::<LANES>();
    for a in lanes {
        for lane in 0..LANES {
            largest[lane] = if a[lane].abs() > largest[lane] { a[lane].abs() } else { largest[lane] };
        }
    }
    largest.iter().chain(rest).fold(0.0, |largest, a| largest.max(a.abs()))
}

numeric::wide! {
    /// `a += factor * b`.
    pub(crate) fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += factor * b;
        }
    }
}

/// Σ a·b of each of two columns with each of two others, whose numbers are loaded once for two products. `L` of the
/// interleaved sums run side by side, as many as there are registers for; the bits are those of [`dot`].
#[inline(always)]
fn dots<const L: usize>(a: [&[f64]; 2], b: [&[f64]; 2]) -> [[f64; 2]; 2] {
    let (a, b) = (a.map(|a| a.as_chunks::<LANES>()), b.map(|b| b.as_chunks::<LANES>()));
    let mut sums = [[[0.0; LANES]; 2]; 2];
    for first in (0..LANES).step_by(L) {
        let [mut s00, mut s01, mut s10, mut s11] = [[0.0; L]; 4];
        for ((a0, a1), (b0, b1)) in a[0].0.iter().zip(a[1].0).zip(b[0].0.iter().zip(b[1].0)) {
            let part = |lanes: &[f64; LANES]| -> [f64; L] { *lanes[first..].first_chunk::<L>().expect("L divides it") };
            let (a0, a1, b0, b1) = (part(a0), part(a1), part(b0), part(b1));
            for lane in 0..L {
                s00[lane] += a0[lane] * b0[lane];
                s01[lane] += a0[lane] * b1[lane];
                s10[lane] += a1[lane] * b0[lane];
                s11[lane] += a1[lane] * b1[lane];
            }
        }
        // In a loop, or the compiler takes the sums apart and computes them one by one.
        for (sums, some) in sums.iter_mut().flatten().zip([s00, s01, s10, s11]) {
            sums[first..first + L].copy_from_slice(&some);
        }
    }
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let rest = a[row].1.iter().zip(b[column].1).map(|(a, b)| a * b).sum::<f64>();
            together(sums[row][column]) + rest
        })
    })
}

numeric::wide! {
    /// Adds to `sums`, row by row of `width` numbers, Σ a·b of columns `first` and the one after it, up to `n_a`, with
    /// those columns of `b` that do not come after them.
    pub(crate) fn add_products(a: Block<'_>, b: Block<'_>, first: usize, n_a: usize, width: usize, sums: &mut [f64]) {
        let is_pair = first + 1 < n_a;
        let n_b = width.min(first + 1 + usize::from(is_pair));
        for column in (0..n_b).step_by(2) {
            if is_pair && column + 1 < n_b {
                let (a, b) = ([a.column(first), a.column(first + 1)], [b.column(column), b.column(column + 1)]);
                let found = if IS_WIDE { dots::<8>(a, b) } else { dots::<4>(a, b) };
                for (row, found) in found.iter().enumerate() {
                    for (at, found) in found.iter().enumerate() {
                        sums[(first + row) * width + column + at] += found;
                    }
                }
            } else {
                for row in first..=first + usize::from(is_pair) {
                    for column in column..n_b.min(column + 2) {
                        sums[row * width + column] += dot_here(a.column(row), b.column(column));
                    }
                }
            }
        }
    }
}

/// XᵀX of `n_columns` columns that stand one after another.
pub(crate) async fn gram(
    columns: &[f64],
    n_rows: usize,
    n_columns: usize,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, Stopped> {
    let write = |column_idx: usize, rows: Range<usize>, to: &mut [f64]| {
        to.copy_from_slice(&columns[column_idx * n_rows..][rows]);
    };
    gram_of(n_rows, n_columns, write, checkpoint).await
}

/// The same of columns that `write(column_idx, rows, to)` tells, some rows at a time.
pub(crate) async fn gram_of(
    n_rows: usize,
    n_columns: usize,
    mut write: impl FnMut(usize, Range<usize>, &mut [f64]),
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, Stopped> {
    let mut values = vec![0.0; n_columns * BLOCK.min(n_rows)];
    let mut gram = vec![0.0; n_columns * n_columns];
    for first in (0..n_rows).step_by(BLOCK) {
        let last = (first + BLOCK).min(n_rows);
        for (column_idx, to) in values.chunks_exact_mut(BLOCK.min(n_rows)).enumerate() {
            write(column_idx, first..last, &mut to[..last - first]);
        }
        let block = Block { values: &values, stride: BLOCK.min(n_rows), n_rows: last - first };
        for i in (0..n_columns).step_by(2) {
            add_products(block, block, i, n_columns, n_columns, &mut gram);
            if n_columns > 256 && i % 64 == 62 {
                checkpoint.checkpoint(first as f64 / n_rows as f64, "Comparing columns").await?;
            }
        }
        checkpoint.checkpoint(last as f64 / n_rows as f64, "Comparing columns").await?;
    }
    for i in 0..n_columns {
        for j in 0..i {
            gram[j * n_columns + i] = gram[i * n_columns + j];
        }
    }
    Ok(gram)
}

/// The means of columns that stand one after another, and Σ (x - mean)(x' - mean') of each two of them.
///
/// Numbers are read once: what is summed are differences to the mean of the first rows, and what that is off by is taken
/// from the sums. Where it is off by so much that digits would be lost, they are read once more.
pub(crate) async fn scatter(
    columns: &[f64],
    n_rows: usize,
    n_columns: usize,
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<f64>, Vec<f64>), Stopped> {
    const FAR: f64 = 16.0;
    let n = n_rows as f64;
    let column = |column_idx: usize| &columns[column_idx * n_rows..][..n_rows];
    let mut means: Vec<f64> = (0..n_columns).map(|j| mean_of(&column(j)[..BLOCK.min(n_rows)])).collect();
    let mut is_second = false;
    loop {
        let mut sums = vec![0.0; n_columns];
        let write = |column_idx: usize, rows: Range<usize>, to: &mut [f64]| {
            sums[column_idx] += write_shifted(&column(column_idx)[rows], means[column_idx], to);
        };
        let mut scatter = gram_of(n_rows, n_columns, write, checkpoint).await?;
        let off: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        for i in 0..n_columns {
            for j in 0..n_columns {
                scatter[i * n_columns + j] -= n * (off[i] * off[j]);
            }
        }
        let is_far = (0..n_columns).any(|j| n * off[j] * off[j] > FAR * scatter[j * (n_columns + 1)]);
        means.iter_mut().zip(&off).for_each(|(mean, off)| *mean += off);
        if !is_far || is_second {
            return Ok((means, scatter));
        }
        is_second = true;
    }
}

/// The mean, through differences to the first value: of a constant column it is exactly its value.
pub(crate) fn mean_of(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    first + sums_about(values, None, 1.0, first).0 / values.len().max(1) as f64
}

numeric::wide! {
    /// Σ w (part x - mean) and Σ w (part x - mean)².
    pub(crate) fn sums_about(values: &[f64], weights: Option<&[f64]>, part: f64, mean: f64) -> (f64, f64) {
        let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let (lanes, rest) = values.as_chunks::<LANES>();
        match weights {
            None => {
                for values in lanes {
                    for lane in 0..LANES {
                        let off = values[lane] * part - mean;
                        sums[lane] += off;
                        squares[lane] += off * off;
                    }
                }
            }
            Some(weights) => {
                for (values, weights) in lanes.iter().zip(weights.as_chunks::<LANES>().0) {
                    for lane in 0..LANES {
                        let off = values[lane] * part - mean;
                        sums[lane] += weights[lane] * off;
                        squares[lane] += weights[lane] * off * off;
                    }
                }
            }
        }
        let (mut sum, mut square) = (together(sums), together(squares));
        for (row_idx, value) in rest.iter().enumerate() {
            let off = value * part - mean;
            let weight = weights.map_or(1.0, |weights| weights[lanes.len() * LANES + row_idx]);
            sum += weight * off;
            square += weight * off * off;
        }
        (sum, square)
    }
}

numeric::wide! {
    /// Writes numbers less another, and gives their sum.
    fn write_shifted(from: &[f64], by: f64, to: &mut [f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let (from, to) = (from.as_chunks::<LANES>(), to.as_chunks_mut::<LANES>());
        for (from, to) in from.0.iter().zip(to.0) {
            for lane in 0..LANES {
                to[lane] = from[lane] - by;
                sums[lane] += to[lane];
            }
        }
        let mut rest = 0.0;
        for (from, to) in from.1.iter().zip(to.1) {
            *to = from - by;
            rest += *to;
        }
        together(sums) + rest
    }
}

/// A Cholesky factor L, row by row, of a symmetric positive definite matrix.
pub(crate) struct Cholesky {
    lower: Vec<f64>,
    n: usize,
}

impl Cholesky {
    /// Factors the matrix; `None` if a pivot falls to `least` or below.
    pub(crate) async fn new(
        mut a: Vec<f64>,
        n: usize,
        least: f64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Option<Self>, Stopped> {
        for i in 0..n {
            let (above, row) = a.split_at_mut(i * n);
            for j in 0..i {
                let known = dot(&row[..j], &above[j * n..j * n + j]);
                row[j] = (row[j] - known) / above[j * n + j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if pivot.is_nan() || pivot <= least {
                return Ok(None);
            }
            row[i] = numeric::sqrt(pivot);
            if i % 64 == 63 {
                checkpoint.checkpoint(i as f64 / n as f64, "Solving").await?;
            }
        }
        Ok(Some(Self { lower: a, n }))
    }

    /// L⁻¹, row by row, with zeros above the diagonal.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            let (above, row) = inverse.split_at_mut(i * n);
            let pivot = self.lower[i * n + i];
            for (factor, above) in self.lower[i * n..i * n + i].iter().zip(above.chunks_exact(n)) {
                add_scaled(&mut row[..i], -factor / pivot, &above[..i]);
            }
            row[i] = 1.0 / pivot;
        }
        inverse
    }

    /// Solves for one right side, in place.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            b[i] = (b[i] - dot(&self.lower[i * n..i * n + i], &b[..i])) / self.lower[i * n + i];
        }
        for i in (0..n).rev() {
            b[i] /= self.lower[i * n + i];
            let solved = b[i];
            add_scaled(&mut b[..i], -solved, &self.lower[i * n..i * n + i]);
        }
    }
}

/// Householder's QR of a tall matrix whose columns stand one after another.
pub(crate) struct Qr {
    /// R above the diagonal, the reflectors on and below it.
    columns: Vec<f64>,
    diagonal: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
}

impl Qr {
    /// Factors the matrix; `n_rows >= n_columns`.
    pub(crate) async fn new(
        mut columns: Vec<f64>,
        n_rows: usize,
        n_columns: usize,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Self, Stopped> {
        let mut diagonal = vec![0.0; n_columns];
        for k in 0..n_columns {
            let (left, right) = columns.split_at_mut((k + 1) * n_rows);
            let v = &mut left[k * n_rows + k..];
            let norm = numeric::sqrt(dot(v, v));
            if norm > 0.0 {
                let signed = if v[0] > 0.0 { -norm } else { norm };
                diagonal[k] = signed;
                v[0] -= signed;
                let length = numeric::sqrt(dot(v, v));
                v.iter_mut().for_each(|v| *v /= length);
                for column in right.chunks_exact_mut(n_rows) {
                    let projected = dot(v, &column[k..]);
                    add_scaled(&mut column[k..], -2.0 * projected, v);
                }
            }
            checkpoint.checkpoint((k + 1) as f64 / n_columns as f64, "Solving").await?;
        }
        Ok(Self { columns, diagonal, n_rows, n_columns })
    }

    /// R, column by column, square.
    pub(crate) fn r(&self) -> Vec<f64> {
        let n = self.n_columns;
        let mut r = vec![0.0; n * n];
        for j in 0..n {
            r[j * n..j * n + j].copy_from_slice(&self.columns[j * self.n_rows..j * self.n_rows + j]);
            r[j * n + j] = self.diagonal[j];
        }
        r
    }

    /// Qᵀb, in place; the first `n_columns` values are those that R takes.
    pub(crate) fn apply_transposed(&self, b: &mut [f64]) {
        for k in 0..self.n_columns {
            self.reflect(k, b);
        }
    }

    /// Qb, in place.
    pub(crate) fn apply(&self, b: &mut [f64]) {
        for k in (0..self.n_columns).rev() {
            self.reflect(k, b);
        }
    }

    fn reflect(&self, k: usize, b: &mut [f64]) {
        if self.diagonal[k] != 0.0 {
            let v = &self.columns[k * self.n_rows + k..(k + 1) * self.n_rows];
            let projected = dot(v, &b[k..]);
            add_scaled(&mut b[k..], -2.0 * projected, v);
        }
    }
}

/// Singular values of a square matrix, with both bases.
pub(crate) struct Svd {
    /// `U Σ`, column by column.
    pub(crate) scaled_left: Vec<f64>,
    /// V, column by column.
    pub(crate) right: Vec<f64>,
    /// Σ, in no order.
    pub(crate) values: Vec<f64>,
}

impl Svd {
    /// One-sided Jacobi rotations (Hestenes, 1958): slow for large matrices, accurate to the last digits for all.
    pub(crate) async fn new(mut a: Vec<f64>, n: usize, checkpoint: &mut impl Checkpoint) -> Result<Self, Stopped> {
        const MAX_SWEEPS: usize = 60;
        let mut right = vec![0.0; n * n];
        (0..n).for_each(|i| right[i * n + i] = 1.0);
        for sweep in 0..MAX_SWEEPS {
            let mut rotated = false;
            for i in 0..n {
                for j in i + 1..n {
                    let (alpha, beta, gamma) = {
                        let (p, q) = (&a[i * n..(i + 1) * n], &a[j * n..(j + 1) * n]);
                        (dot(p, p), dot(q, q), dot(p, q))
                    };
                    if gamma == 0.0 || gamma.abs() <= f64::EPSILON * numeric::sqrt(alpha * beta) {
                        continue;
                    }
                    rotated = true;
                    let zeta = (beta - alpha) / (2.0 * gamma);
                    let t = zeta.signum() / (zeta.abs() + numeric::sqrt(1.0 + zeta * zeta));
                    let cos = 1.0 / numeric::sqrt(1.0 + t * t);
                    let sin = cos * t;
                    rotate(&mut a, n, i, j, cos, sin);
                    rotate(&mut right, n, i, j, cos, sin);
                }
                if n > 128 {
                    checkpoint.checkpoint(sweep as f64 / MAX_SWEEPS as f64, "Solving").await?;
                }
            }
            if !rotated {
                break;
            }
        }
        let values = a.chunks_exact(n.max(1)).map(|column| numeric::sqrt(dot(column, column))).collect();
        Ok(Self { scaled_left: a, right, values })
    }
}

fn rotate(a: &mut [f64], n: usize, i: usize, j: usize, cos: f64, sin: f64) {
    let (left, right) = a.split_at_mut(j * n);
    for (p, q) in left[i * n..(i + 1) * n].iter_mut().zip(&mut right[..n]) {
        (*p, *q) = (cos * *p - sin * *q, sin * *p + cos * *q);
    }
}
