//! Columns of so few rows that they stay in the cache.

/// Columns of some rows, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The values.
    pub values: &'a [f64],
    /// From one column to the next.
    pub stride: usize,
    /// Rows of each.
    pub n_rows: usize,
}

impl<'a> Block<'a> {
    /// One column.
    #[inline(always)]
    pub fn column(&self, column_idx: usize) -> &'a [f64] {
        &self.values[column_idx * self.stride..][..self.n_rows]
    }
}

numeric::wide! {
    /// Adds to numbers a sum of columns, each times a factor.
    pub fn add_sum(to: &mut [f64], factors: &[f64], columns: Block<'_>) {
        let (fours, rest) = factors.as_chunks::<4>();
        for (four, factors) in fours.iter().enumerate() {
            let [a, b, c, d]: [&[f64]; 4] = std::array::from_fn(|at| &columns.column(4 * four + at)[..to.len()]);
            for (row, to) in to.iter_mut().enumerate() {
                *to = (((*to + factors[0] * a[row]) + factors[1] * b[row]) + factors[2] * c[row]) + factors[3] * d[row];
            }
        }
        for (at, factor) in rest.iter().enumerate() {
            let column = columns.column(4 * fours.len() + at);
            to.iter_mut().zip(column).for_each(|(to, value)| *to += factor * value);
        }
    }
}
