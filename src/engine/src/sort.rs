//! Sorting that lets others have their turn.

use std::cmp::Ordering;
use std::future::Future;

/// Values in one turn, a few milliseconds' work.
pub(crate) const BLOCK: usize = 1 << 15;

/// Sorts blocks, then merges neighbouring runs; `breathe` is awaited between blocks. Of equal values the order is open.
pub(crate) async fn sort<T: Copy, F: Future>(
    values: &mut Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    breathe: &mut impl FnMut() -> F,
) {
    for block in values.chunks_mut(BLOCK) {
        block.sort_unstable_by(&compare);
        breathe().await;
    }
    let mut width = BLOCK;
    while width < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for pair in values.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([first, rest_of_left @ ..], [second, rest_of_right @ ..]) = (left, right) {
                if compare(first, second).is_le() {
                    merged.push(*first);
                    left = rest_of_left;
                } else {
                    merged.push(*second);
                    right = rest_of_right;
                }
                if merged.len() % BLOCK == 0 {
                    breathe().await;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        *values = merged;
        width *= 2;
        breathe().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_blocks_comes_out_in_order_and_breathes() {
        for n in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 7] {
            let mut values: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).collect();
            let mut expected = values.clone();
            expected.sort_unstable();
            let mut n_breaths = 0;
            let mut breathe = || {
                n_breaths += 1;
                std::future::ready(())
            };
            learn::block_on(sort(&mut values, u64::cmp, &mut breathe));
            assert_eq!(values, expected, "{n} values");
            assert!(n_breaths >= n / BLOCK, "{n} values in {n_breaths} breaths");
        }
    }
}
