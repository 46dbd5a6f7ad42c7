//! Least squares with or without a squared penalty.
//!
//! The way is chosen by what the data allow: Cholesky on the Gram matrix of equalised columns, mended once or twice with the
//! residual of the rows, where they are independent; the singular values of Householder's R where they are not. Of many
//! columns an accelerator may compute the Gram matrix in single precision, which is then mended more often.

use std::ops::Range;

use crate::accelerator::{ACCELERATED_FROM, Accelerated};
use crate::dense::{Cholesky, Qr, Svd, add_scaled, dot, gram, gram_of};
use crate::{Checkpoint, FitError};

use super::{Design, penalty_in};

/// The widest Gram matrix (128 MB).
const MAX_GRAM: usize = 4_096;
/// The widest matrix whose singular values are taken; their cost grows with the cube.
const MAX_SVD: usize = 1_024;
/// Below this pivot of a matrix with 1 on its diagonal, the normal equations have lost half of the digits.
const LEAST_PIVOT: f64 = 1e-8;
/// Below this one single precision does not tell columns apart.
const LEAST_ACCELERATED_PIVOT: f64 = 1e-4;
/// Rows that are handed over together while they are in the cache.
const BLOCK: usize = 512;

/// Coefficients in the design's units.
pub(super) async fn solve(
    design: &Design<'_>,
    l2: f64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    let (n, d) = (design.n_rows, design.n_columns);
    if d == 0 {
        return Ok(Vec::new());
    }
    if n.min(d) > MAX_GRAM {
        return Err(FitError::TooWide { n_columns: d, limit: MAX_GRAM });
    }
    // The penalty is on the coefficients of the data: w = scaled / unit.
    let penalties: Vec<f64> = design.units.iter().map(|unit| penalty_in(*unit, l2)).collect();
    if d <= n {
        if let Some(w) = accelerated(design, &penalties, checkpoint).await? {
            return Ok(w);
        }
        if let Some(w) = normal_equations(design, &penalties, checkpoint).await? {
            return Ok(w);
        }
    } else if l2 > 0.0
        && let Some(w) = dual(design, &penalties, checkpoint).await?
    {
        return Ok(w);
    }
    if n.min(d) > MAX_SVD {
        return Err(FitError::TooWide { n_columns: d, limit: MAX_SVD });
    }
    singular_values(design, l2, checkpoint).await
}

async fn normal_equations(
    design: &Design<'_>,
    penalties: &[f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<Option<Vec<f64>>, FitError> {
    let d = design.n_columns;
    // With y as one more column.
    let write = |column_idx: usize, rows: Range<usize>, to: &mut [f64]| match column_idx < d {
        true => design.write(column_idx, rows, to),
        false => to.copy_from_slice(&design.y[rows]),
    };
    let products = gram_of(design.n_rows, d + 1, write, checkpoint).await?;
    let mut a = Vec::with_capacity(d * d);
    products[..d * (d + 1)].chunks_exact(d + 1).for_each(|row| a.extend_from_slice(&row[..d]));
    let mut correlations = products[d * (d + 1)..][..d].to_vec();
    let roots = roots((0..d).map(|j| a[j * d + j]), penalties);
    for i in 0..d {
        for j in 0..d {
            a[i * d + j] /= roots[i].unwrap_or(1.0) * roots[j].unwrap_or(1.0);
        }
        a[i * d + i] = 1.0;
    }
    let Some(factor) = Cholesky::new(a, d, LEAST_PIVOT, checkpoint).await? else { return Ok(None) };
    let equations = Equations { factor, roots, penalties };
    let mut w = vec![0.0; d];
    for round in 0..3 {
        if round > 0 {
            correlations = design.correlations(&w);
        }
        let moved = equations.step(&correlations, &mut w);
        checkpoint.checkpoint(1.0, "Solving").await?;
        // Each round leaves of the error the part that this one moved; squared, it is below what rounding does.
        if round > 0 && moved <= 1e-9 {
            break;
        }
    }
    Ok(Some(w))
}

/// The same, where an accelerator adds up in single precision: none if there is none, or columns are so much alike that
/// its rounding would matter.
async fn accelerated(
    design: &Design<'_>,
    penalties: &[f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<Option<Vec<f64>>, FitError> {
    /// Each round leaves about a hundredth of the error, or less.
    const MAX_ROUNDS: usize = 12;
    let (n, d) = (design.n_rows, design.n_columns);
    let Some(accelerator) = checkpoint.accelerator().filter(|_| d >= ACCELERATED_FROM) else { return Ok(None) };
    let mut column = vec![0.0; n];
    let mut squares = Vec::with_capacity(d);
    for j in 0..d {
        design.write(j, 0..n, &mut column);
        squares.push(dot(&column, &column));
        checkpoint.checkpoint(0.0, "Comparing columns").await?;
    }
    let lengths: Vec<f64> = squares.iter().map(|square| numeric::sqrt(*square)).collect();
    // Of length 1, so that nothing is beyond single precision.
    let mut rows = vec![0.0f32; n * d];
    for first in (0..n).step_by(BLOCK) {
        let last = n.min(first + BLOCK);
        for (j, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0.0) {
            design.write(j, first..last, &mut column[..last - first]);
            let to = rows[first * d..].iter_mut().skip(j).step_by(d);
            to.zip(&column[..last - first]).for_each(|(to, value)| *to = (value / length) as f32);
        }
        checkpoint.checkpoint(0.0, "Comparing columns").await?;
    }
    let gram = match accelerator.gram(&rows, d).await {
        Ok(Some(gram)) => gram,
        Ok(None) => return Ok(None),
        Err(lost) => {
            checkpoint.remark(Accelerated::Lost(lost.0).to_string());
            return Ok(None);
        }
    };
    drop(rows);
    let roots = roots(squares.into_iter(), penalties);
    let part = |j: usize| roots[j].map_or(0.0, |root| lengths[j] / root);
    let mut a: Vec<f64> =
        gram.iter().enumerate().map(|(at, sum)| f64::from(*sum) * part(at / d) * part(at % d)).collect();
    (0..d).for_each(|j| a[j * (d + 1)] = 1.0);
    let Some(factor) = Cholesky::new(a, d, LEAST_ACCELERATED_PIVOT, checkpoint).await? else { return Ok(None) };
    let equations = Equations { factor, roots, penalties };
    let mut w = vec![0.0; d];
    let mut last = f64::INFINITY;
    for _ in 0..MAX_ROUNDS {
        let moved = equations.step(&design.correlations(&w), &mut w);
        checkpoint.checkpoint(1.0, "Solving").await?;
        if moved <= 1e-11 {
            checkpoint.remark(Accelerated::Mended(accelerator.name()).to_string());
            return Ok(Some(w));
        }
        // What is not a number does not get smaller.
        let shrinks = moved < last / 4.0;
        if !shrinks {
            break;
        }
        last = moved;
    }
    Ok(None)
}

/// Of each column the square root of its sum of squares with the penalty; none for a column of zeros, which keeps a
/// coefficient of 0.
fn roots(squares: impl Iterator<Item = f64>, penalties: &[f64]) -> Vec<Option<f64>> {
    squares.zip(penalties).map(|(square, penalty)| (square != 0.0).then(|| numeric::sqrt(square + penalty))).collect()
}

/// Normal equations of columns that are divided by their roots.
struct Equations<'a> {
    factor: Cholesky,
    roots: Vec<Option<f64>>,
    penalties: &'a [f64],
}

impl Equations<'_> {
    /// Moves coefficients to where these correlations of the columns with the residual would vanish, and tells how far: the
    /// largest move in parts of the largest coefficient, of equalised columns.
    fn step(&self, correlations: &[f64], w: &mut [f64]) -> f64 {
        let right =
            |(j, root): (usize, &Option<f64>)| (correlations[j] - self.penalties[j] * w[j]) / root.unwrap_or(1.0);
        let mut step: Vec<f64> = self.roots.iter().enumerate().map(right).collect();
        self.factor.solve(&mut step);
        let (mut moved, mut size) = (0.0f64, 0.0f64);
        for (j, root) in self.roots.iter().enumerate().filter_map(|(j, root)| Some((j, (*root)?))) {
            w[j] += step[j] / root;
            moved = moved.max(step[j].abs());
            size = size.max((w[j] * root).abs());
        }
        if moved == 0.0 { 0.0 } else { moved / size }
    }
}

/// With more columns than rows: w = P⁻¹Xᵀa, (XP⁻¹Xᵀ + 1)a = y, where P holds the penalties.
async fn dual(
    design: &Design<'_>,
    penalties: &[f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<Option<Vec<f64>>, FitError> {
    let (n, d) = (design.n_rows, design.n_columns);
    let mut rows = vec![0.0; n * d];
    let mut column = vec![0.0; n];
    for (j, penalty) in penalties.iter().enumerate() {
        let root = numeric::sqrt(*penalty);
        design.write(j, 0..n, &mut column);
        for (row_idx, value) in column.iter().enumerate() {
            rows[row_idx * d + j] = value / root;
        }
    }
    let mut a = gram(&rows, d, n, checkpoint).await?;
    drop(rows);
    (0..n).for_each(|i| a[i * n + i] += 1.0);
    let largest = (0..n).fold(1.0f64, |largest, i| largest.max(a[i * n + i]));
    if !largest.is_finite() {
        return Ok(None);
    }
    let Some(factor) = Cholesky::new(a, n, LEAST_PIVOT * LEAST_PIVOT * largest, checkpoint).await? else {
        return Ok(None);
    };
    let mut w = vec![0.0; d];
    let mut dual = vec![0.0; n];
    for _ in 0..3 {
        let mut step = design.residual(&w);
        add_scaled(&mut step, -1.0, &dual);
        factor.solve(&mut step);
        add_scaled(&mut dual, 1.0, &step);
        for (j, w) in w.iter_mut().enumerate() {
            design.write(j, 0..n, &mut column);
            *w = dot(&column, &dual) / penalties[j];
        }
        checkpoint.checkpoint(1.0, "Solving").await?;
    }
    Ok(Some(w))
}

/// The solution of least norm; singular values below `max(n, d) ε` of the largest count as 0, as in LAPACK's `gelsd`.
async fn singular_values(design: &Design<'_>, l2: f64, checkpoint: &mut impl Checkpoint) -> Result<Vec<f64>, FitError> {
    let (n, d) = (design.n_rows, design.n_columns);
    // Which solution is the smallest depends on the units: it is meant in those of the data, up to one common factor.
    let common = design.units.iter().copied().fold(0.0f64, f64::max);
    let relative: Vec<f64> = design.units.iter().map(|unit| unit / common).collect();
    let mut scaled = vec![0.0; n * d];
    let tall = n >= d;
    let mut column = vec![0.0; n];
    for j in 0..d {
        design.write(j, 0..n, &mut column);
        for (i, value) in column.iter().enumerate() {
            scaled[if tall { j * n + i } else { i * d + j }] = value * relative[j];
        }
    }
    let k = n.min(d);
    let qr = Qr::new(scaled, n.max(d), k, checkpoint).await?;
    let mut r = qr.r();
    if !tall {
        // X = RᵀQᵀ.
        for i in 0..k {
            for j in 0..i {
                r.swap(i * k + j, j * k + i);
            }
        }
    }
    let svd = Svd::new(r, k, checkpoint).await?;
    let mut target = design.y.clone();
    if tall {
        qr.apply_transposed(&mut target);
    }
    let largest = svd.values.iter().copied().fold(0.0f64, f64::max);
    let least = largest * n.max(d) as f64 * f64::EPSILON;
    let l2 = penalty_in(common, l2);
    let mut w = vec![0.0; n.max(d)];
    for (i, &sigma) in svd.values.iter().enumerate().filter(|(_, sigma)| **sigma > least) {
        // The left vectors carry one σ already.
        let part = dot(&svd.scaled_left[i * k..(i + 1) * k], &target[..k]) / (sigma * sigma + l2);
        add_scaled(&mut w[..k], part, &svd.right[i * k..(i + 1) * k]);
    }
    if !tall {
        qr.apply(&mut w);
    }
    w.truncate(d);
    w.iter_mut().zip(&relative).for_each(|(w, relative)| *w *= relative);
    Ok(w)
}
