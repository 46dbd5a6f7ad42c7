//! Products of matrices of 32-bit numbers.

/// A matrix that lies in a slice: value `(i, j)` is at `i * strides.0 + j * strides.1`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The values.
    pub values: &'a [f32],
    /// From one row to the next, and from one column to the next.
    pub strides: (usize, usize),
}

impl<'a> Strided<'a> {
    /// Row by row.
    pub fn rows(values: &'a [f32], n_columns: usize) -> Self {
        Self { values, strides: (n_columns, 1) }
    }

    /// With rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { values: self.values, strides: (self.strides.1, self.strides.0) }
    }
}

/// Memory that products use again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
    /// Squares of images.
    pub(crate) squares: Vec<f32>,
}

impl Scratch {
    /// `c = a b`, of `m × k` and `k × n`; `c` is filled row by row. Each value is summed in the order of `k`, so its
    /// bits are the same on every platform.
    pub fn product(&mut self, (m, n, k): (usize, usize, usize), a: Strided<'_>, b: Strided<'_>, c: &mut [f32]) {
        if k == 0 {
            c.fill(0.0);
            return;
        }
        multiply(self, (m, n, k), (a, b), c);
    }
}

numeric::wide! {
    fn multiply(scratch: &mut Scratch, size: (usize, usize, usize), factors: (Strided<'_>, Strided<'_>), c: &mut [f32]) {
        // Blocks that fill the registers.
        if IS_WIDE {
            blocks::<6, 16>(scratch, size, factors, c);
        } else {
            blocks::<4, 8>(scratch, size, factors, c);
        }
    }
}

/// Sums blocks of `R` rows and `C` columns.
#[inline(always)]
fn blocks<const R: usize, const C: usize>(
    scratch: &mut Scratch,
    (m, n, k): (usize, usize, usize),
    (a, b): (Strided<'_>, Strided<'_>),
    c: &mut [f32],
) {
    pack::<C>(&mut scratch.b, n, k, b.transposed());
    pack::<R>(&mut scratch.a, m, k, a);
    for (first_row, a) in (0..m).step_by(R).zip(scratch.a.chunks_exact(R * k)) {
        for (first_column, b) in (0..n).step_by(C).zip(scratch.b.chunks_exact(C * k)) {
            let sums = block::<R, C>(a, b);
            let n_columns = C.min(n - first_column);
            for (row, sums) in (first_row..m).zip(&sums) {
                c[row * n + first_column..][..n_columns].copy_from_slice(&sums[..n_columns]);
            }
        }
    }
}

/// Groups of `N` rows, column by column; what is beyond the last row is 0.
#[inline(always)]
fn pack<const N: usize>(packed: &mut Vec<f32>, n_rows: usize, n_columns: usize, from: Strided<'_>) {
    // What is left of another product is written over.
    packed.resize(n_rows.div_ceil(N) * N * n_columns, 0.0);
    for (group_idx, group) in packed.chunks_exact_mut((N * n_columns).max(1)).enumerate() {
        let n_lanes = N.min(n_rows - group_idx * N);
        let values = &from.values[group_idx * N * from.strides.0..];
        let (slots, _) = group.as_chunks_mut::<N>();
        match from.strides {
            (1, stride) if n_lanes == N => {
                for (column_idx, slots) in slots.iter_mut().enumerate() {
                    slots.copy_from_slice(&values[column_idx * stride..][..N]);
                }
            }
            (stride, 1) if n_lanes == N => {
                let rows: [&[f32]; N] = std::array::from_fn(|lane| &values[lane * stride..][..n_columns]);
                for (column_idx, slots) in slots.iter_mut().enumerate() {
                    for lane in 0..N {
                        slots[lane] = rows[lane][column_idx];
                    }
                }
            }
            (of_rows, of_columns) => {
                for (column_idx, slots) in slots.iter_mut().enumerate() {
                    for (lane, slot) in slots.iter_mut().enumerate() {
                        let is_row = lane < n_lanes;
                        *slot = if is_row { values[lane * of_rows + column_idx * of_columns] } else { 0.0 };
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn block<const R: usize, const C: usize>(a: &[f32], b: &[f32]) -> [[f32; C]; R] {
    let mut sums = [[0.0f32; C]; R];
    let (a, _) = a.as_chunks::<R>();
    let (b, _) = b.as_chunks::<C>();
    for (a, b) in a.iter().zip(b) {
        for row in 0..R {
            for column in 0..C {
                sums[row][column] += a[row] * b[column];
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_that_of_the_textbook_for_every_shape_and_layout() {
        let number = |i: usize| ((i * 7919) % 13) as f32 - 6.0;
        for (m, n, k) in
            [(1, 1, 1), (40, 40, 1), (40, 1, 40), (1, 40, 40), (3, 9, 5), (4, 8, 16), (13, 17, 7), (5, 2, 0)]
        {
            let a: Vec<f32> = (0..m * k).map(number).collect();
            let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
            let expected: Vec<f32> =
                (0..m * n).map(|at| (0..k).map(|p| a[at / n * k + p] * b[p * n + at % n]).sum()).collect();
            let mut found = vec![9.0; m * n];
            Scratch::default().product((m, n, k), Strided::rows(&a, k), Strided::rows(&b, n), &mut found);
            assert_eq!(found, expected, "{m} {n} {k}");
            // The same with both laid out column by column.
            let a_t: Vec<f32> = (0..m * k).map(|at| a[at % m * k + at / m]).collect();
            let b_t: Vec<f32> = (0..k * n).map(|at| b[at % k.max(1) * n + at / k.max(1)]).collect();
            let (a_t, b_t) = (Strided::rows(&a_t, m).transposed(), Strided::rows(&b_t, k).transposed());
            Scratch::default().product((m, n, k), a_t, b_t, &mut found);
            assert_eq!(found, expected, "{m} {n} {k}");
        }
    }
}
