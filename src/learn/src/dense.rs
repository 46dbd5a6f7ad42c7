//! Small dense linear algebra: Gram matrices, Cholesky, Householder QR and Jacobi's singular values.
//!
//! Every sum runs in a fixed order, so the results have the same bits on every platform.

use crate::{Checkpoint, Stopped};

/// Rows that stay in the cache while a Gram matrix is summed.
const BLOCK: usize = 512;

/// Sums that run side by side: one alone would wait for each of its additions.
const LANES: usize = 8;

numeric::wide! {
    /// Σ a·b, in interleaved sums that the compiler can keep in vector registers.
    pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.0.iter().zip(b.0) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        together(sums) + a.1.iter().zip(b.1).map(|(a, b)| a * b).sum::<f64>()
    }
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
fn together(sums: [f64; LANES]) -> f64 {
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

/// XᵀX of `n_columns` columns that stand one after another.
pub(crate) async fn gram(
    columns: &[f64],
    n_rows: usize,
    n_columns: usize,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, Stopped> {
    gram_scaled(columns, n_rows, &vec![(0.0, 1.0); n_columns], checkpoint).await
}

/// The same of columns from each of which a number is taken before it is divided by another.
pub(crate) async fn gram_scaled(
    columns: &[f64],
    n_rows: usize,
    scaling: &[(f64, f64)],
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, Stopped> {
    let n_columns = scaling.len();
    let is_plain = scaling.iter().all(|scaling| *scaling == (0.0, 1.0));
    let mut scaled = vec![0.0; if is_plain { 0 } else { n_columns * BLOCK }];
    let mut gram = vec![0.0; n_columns * n_columns];
    let mut first = 0;
    while first < n_rows {
        let last = (first + BLOCK).min(n_rows);
        let rows = last - first;
        if !is_plain {
            for (column_idx, (scaled, (shift, scale))) in scaled.chunks_exact_mut(BLOCK).zip(scaling).enumerate() {
                let column = &columns[column_idx * n_rows + first..column_idx * n_rows + last];
                scaled.iter_mut().zip(column).for_each(|(scaled, value)| *scaled = (value - shift) / scale);
            }
        }
        let block = |column_idx: usize| match is_plain {
            true => &columns[column_idx * n_rows + first..column_idx * n_rows + last],
            false => &scaled[column_idx * BLOCK..][..rows],
        };
        for i in 0..n_columns {
            let a = block(i);
            for j in 0..=i {
                gram[i * n_columns + j] += dot(a, block(j));
            }
            if n_columns > 256 && i % 64 == 63 {
                checkpoint.checkpoint(first as f64 / n_rows as f64, "Comparing columns").await?;
            }
        }
        checkpoint.checkpoint(last as f64 / n_rows as f64, "Comparing columns").await?;
        first = last;
    }
    for i in 0..n_columns {
        for j in 0..i {
            gram[j * n_columns + i] = gram[i * n_columns + j];
        }
    }
    Ok(gram)
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
