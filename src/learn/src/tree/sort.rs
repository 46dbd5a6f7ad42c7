//! Sorts keys whose upper half is a rank.

/// Below this many keys the standard library's sort is quicker.
const FEW: usize = 64;

/// Sorts by the upper 32 bits, which lie between `min` and `max`. Keys of equal rank end in some order that depends
/// on nothing but the keys.
pub(super) fn sort(keys: &mut Vec<u64>, scratch: &mut Vec<u64>, min: u32, max: u32) {
    let n_bits = 32 - (max - min).leading_zeros();
    // A wide range needs more passes than comparisons would cost.
    if keys.len() < FEW || n_bits > 22 && keys.len() < 1024 {
        keys.sort_unstable();
        return;
    }
    let widest_digit = if keys.len() < 2_048 { 8 } else { 11 };
    let n_passes = n_bits.div_ceil(widest_digit).max(1);
    let n_digit_bits = n_bits.div_ceil(n_passes).max(1);
    let n_buckets = 1usize << n_digit_bits;
    let mask = n_buckets - 1;
    scratch.resize(keys.len(), 0);
    let mut ends = [0u32; 1 << 11];
    for pass in 0..n_passes {
        let shift = pass * n_digit_bits;
        let digit = |key: u64| (((key >> 32) as u32 - min) >> shift) as usize & mask;
        let ends = &mut ends[..n_buckets];
        ends.fill(0);
        for &key in keys.iter() {
            ends[digit(key)] += 1;
        }
        let mut first = 0;
        for end in ends.iter_mut() {
            let count = *end;
            *end = first;
            first += count;
        }
        for &key in keys.iter() {
            let end = &mut ends[digit(key)];
            scratch[*end as usize] = key;
            *end += 1;
        }
        std::mem::swap(keys, scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_by_rank_whatever_their_number_and_range() {
        let mut stream = numeric::Stream::new(1);
        for n in [0, 1, 2, 63, 64, 65, 1_000, 5_000] {
            for range in [1, 2, 255, 256, 257, 70_000, 1 << 31] {
                let ranks: Vec<u32> = (0..n).map(|_| 7 + stream.below(range) as u32).collect();
                let mut keys: Vec<u64> = ranks.iter().map(|&rank| u64::from(rank) << 32 | stream.below(9)).collect();
                let mut expected = keys.clone();
                expected.sort_unstable();
                let (min, max) = (ranks.iter().min().copied().unwrap_or(0), ranks.iter().max().copied().unwrap_or(0));
                sort(&mut keys, &mut Vec::new(), min, max);
                assert!(keys.windows(2).all(|pair| pair[0] >> 32 <= pair[1] >> 32));
                keys.sort_unstable();
                assert_eq!(keys, expected);
            }
        }
    }
}
