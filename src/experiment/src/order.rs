//! Sorting, compiled once: the standard library's sort is compiled anew for every type.

use std::cmp::Ordering;

/// Positions 0 to n in the order of this comparison; equal ones in their own order.
pub(crate) fn order(n: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..n).collect();
    positions.sort_by(|&a, &b| compare(a, b));
    positions
}

/// Numbers in ascending order.
pub(crate) fn ascending(numbers: &[f64]) -> Vec<f64> {
    order(numbers.len(), &|a, b| numbers[a].total_cmp(&numbers[b])).into_iter().map(|at| numbers[at]).collect()
}
