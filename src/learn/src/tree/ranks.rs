//! The rank of every value within its column.

use model::Matrix;

use crate::{Checkpoint, Stopped};

/// Values sorted or merged between two checkpoints.
const STEP: usize = 1 << 15;

/// Column by column, the number of distinct smaller values in the column.
pub(crate) async fn ranks(x: &Matrix, checkpoint: &mut impl Checkpoint) -> Result<Vec<u32>, Stopped> {
    let mut ranks = vec![0; x.n_rows * x.n_columns];
    let mut sorted: Vec<(u64, u32)> = Vec::with_capacity(x.n_rows);
    let mut merged = Vec::new();
    let mut work = 0;
    for column_idx in 0..x.n_columns {
        sorted.clear();
        sorted.extend((0u32..).zip(x.column(column_idx)).map(|(row_idx, &value)| (ordered(value), row_idx)));
        for run in sorted.chunks_mut(STEP) {
            run.sort_unstable();
            work += run.len();
            if work >= STEP {
                work = 0;
                checkpoint.checkpoint(0.0, "Sorting columns").await?;
            }
        }
        let mut width = STEP;
        while width < sorted.len() {
            merged.clear();
            for pair in sorted.chunks(2 * width) {
                let (mut left, mut right) = pair.split_at(width.min(pair.len()));
                while let ([first, rest @ ..], [second, others @ ..]) = (left, right) {
                    if first <= second {
                        merged.push(*first);
                        left = rest;
                    } else {
                        merged.push(*second);
                        right = others;
                    }
                    if merged.len() % (4 * STEP) == 0 {
                        checkpoint.checkpoint(0.0, "Sorting columns").await?;
                    }
                }
                merged.extend_from_slice(left);
                merged.extend_from_slice(right);
            }
            std::mem::swap(&mut sorted, &mut merged);
            width *= 2;
        }
        let column = &mut ranks[column_idx * x.n_rows..][..x.n_rows];
        let mut rank = 0;
        let mut previous = sorted.first().map_or(0, |first| first.0);
        for &(value, row_idx) in &sorted {
            rank += u32::from(value != previous);
            previous = value;
            column[row_idx as usize] = rank;
        }
    }
    Ok(ranks)
}

/// Bits that compare as whole numbers the way finite numbers compare; 0 and -0 are equal.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}
