//! Sums of gradients by bin.

use super::bins::{Bins, GROUP};

/// The sum of the gradients of some rows, and in one number the sum of their second derivatives and how many they are,
/// in the lowest bits: whole numbers, so that any order of adding gives the same.
pub(super) type Sums = [i64; 2];

/// By bin.
pub(super) type Column = [Sums; 256];

/// Rows whose gradients stay near while the groups of columns are gone through.
pub(super) const CHUNK: usize = 1 << 13;

/// Adds the rows of a leaf to the histograms of the columns of a group.
pub(super) fn fill(bins: &Bins, group_idx: usize, rows: &[u32], gradients: &[Sums], columns: &mut [Column]) {
    let words = bins.group(group_idx);
    let ([columns], []) = columns.as_chunks_mut::<GROUP>() else { return };
    let [a, b, c, d] = columns;
    for (&row_idx, gradient) in rows.iter().zip(gradients) {
        let Some(&word) = words.get(row_idx as usize) else { return };
        add(&mut a[(word & 0xff) as usize], gradient);
        add(&mut b[(word >> 8 & 0xff) as usize], gradient);
        add(&mut c[(word >> 16 & 0xff) as usize], gradient);
        add(&mut d[(word >> 24) as usize], gradient);
    }
}

#[inline(always)]
fn add(sum: &mut Sums, gradient: &Sums) {
    *sum = [sum[0] + gradient[0], sum[1] + gradient[1]];
}

/// Takes the sums of one child off the parent's, which leaves the other child's.
pub(super) fn subtract(parent: &mut [Column], child: &[Column], bins: &Bins) {
    for ((parent, child), column) in parent.iter_mut().zip(child).zip(&bins.columns) {
        for (sum, other) in parent.iter_mut().zip(child).take(column.n_bins + 1) {
            *sum = [sum[0] - other[0], sum[1] - other[1]];
        }
    }
}
