//! Each kernel beside the same sums in 64 bits. Where no GPU is, nothing is run and the tests say so.

use gpu::{Factor, Gpu, GpuError};
use pollster::block_on;

/// Rows, columns and terms: none, one, odd ones, a tile exactly and by one more or less, long ones that are cut into
/// layers, and wide ones that are not.
const SIZES: &[(usize, usize, usize)] = &[
    (0, 3, 4),
    (3, 0, 4),
    (3, 4, 0),
    (0, 0, 0),
    (1, 1, 1),
    (1, 200, 1),
    (200, 1, 1),
    (1, 1, 10_000),
    (3, 5, 7),
    (13, 17, 19),
    (63, 64, 65),
    (64, 64, 16),
    (65, 63, 15),
    (65, 129, 17),
    (128, 128, 128),
    (100, 10, 511),
    (31, 33, 4097),
    (300, 257, 255),
    (7, 6, 70_001),
    (600, 520, 33),
    (1500, 1501, 5),
];

/// Blocks of so many bytes: all at once, cut a few times, cut a great many times.
const BLOCKS: &[u64] = &[128 << 20, 64 << 10, 1000];

#[test]
fn products_are_those_of_64_bits() {
    each_size(|gpu, (m, n, k), name| {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let (a_t, b_t) = (exchanged(&a, k), exchanged(&b, n));
        let layouts = [
            (Factor::rows(&a), Factor::rows(&b)),
            (Factor::rows(&a_t).transposed(), Factor::rows(&b)),
            (Factor::rows(&a), Factor::rows(&b_t).transposed()),
            (Factor::rows(&a_t).transposed(), Factor::rows(&b_t).transposed()),
        ];
        let (a_norms, b_norms) = (norms(&a, m, k), norms(&b_t, n, k));
        let expected = pairs(&a, &b_t, (m, n, k), |x, y| x * y);
        for (layout_idx, (a, b)) in layouts.into_iter().enumerate() {
            let found = block_on(gpu.product((m, n, k), a, b)).expect("the GPU computes");
            assert_close(&found, &expected, |at| a_norms[at / n] * b_norms[at % n], &format!("{name} {layout_idx}"));
        }
    });
}

#[test]
fn gram_matrices_are_those_of_64_bits() {
    each_size(|gpu, (n_columns, _, n_rows), name| {
        let x = numbers(n_rows * n_columns, 3);
        let columns = exchanged(&x, n_columns);
        let norms = norms(&columns, n_columns, n_rows);
        let expected = pairs(&columns, &columns, (n_columns, n_columns, n_rows), |x, y| x * y);
        let found = block_on(gpu.gram((n_rows, n_columns), &x)).expect("the GPU computes");
        assert_close(&found, &expected, |at| norms[at / n_columns] * norms[at % n_columns], name);
        let is_symmetric = (0..found.len()).all(|at| found[at] == found[at % n_columns * n_columns + at / n_columns]);
        assert!(is_symmetric, "{name}");
    });
}

#[test]
fn distances_are_those_of_64_bits_even_far_from_zero() {
    each_size(|gpu, (n_rows, n_points, n_columns), name| {
        let far = |seed, n| -> Vec<f32> { numbers(n * n_columns, seed).iter().map(|number| number + 300.0).collect() };
        let (rows, points) = (far(4, n_rows), far(5, n_points));
        let size = (n_rows, n_points, n_columns);
        let expected = pairs(&rows, &points, size, |x, y| (x - y) * (x - y));
        let found = block_on(gpu.squared_distances(size, &rows, &points)).expect("the GPU computes");
        assert_close(&found, &expected, |at| expected[at], name);
    });
}

#[test]
fn sums_of_many_equal_signs_keep_their_digits() {
    let Some(gpu) = found("long sums") else { return };
    let n_rows = 1_000_000;
    let x: Vec<f32> = numbers(2 * n_rows, 6).iter().map(|number| number + 1.0).collect();
    let columns = exchanged(&x, 2);
    let expected = pairs(&columns, &columns, (2, 2, n_rows), |x, y| x * y);
    let found = block_on(gpu.gram((n_rows, 2), &x)).expect("the GPU computes");
    assert_close(&found, &expected, |at| expected[at], "a million rows");
}

#[test]
fn there_may_be_more_rows_or_columns_than_a_gpu_takes_workgroups() {
    let Some(gpu) = found("millions of rows") else { return };
    let n = 64 * 65_535 + 70;
    let (long, short) = (numbers(2 * n, 7), [0.5, 2.0]);
    let expected: Vec<f32> = long.chunks_exact(2).map(|pair| pair[0] * 0.5 + pair[1] * 2.0).collect();
    let (long, short) = (Factor::rows(&long), Factor::rows(&short));
    for (size, a, b) in [((n, 1, 2), long, short), ((1, n, 2), short, long.transposed())] {
        let found = block_on(gpu.product(size, a, b)).expect("the GPU computes");
        assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() <= 1e-5), "{size:?}");
    }
}

#[test]
fn a_gpu_that_was_given_back_is_lost() {
    let Some(gpu) = found("the loss of a GPU") else { return };
    let product = || block_on(gpu.product((1, 1, 1), Factor::rows(&[2.0]), Factor::rows(&[3.0])));
    assert_eq!(product(), Ok(vec![6.0]));
    gpu.give_back();
    assert_eq!(product(), Err(GpuError::Lost { reason: "it was given back".into() }));
    assert_eq!(block_on(gpu.gram((1, 1), &[2.0])), Err(GpuError::Lost { reason: "it was given back".into() }));
}

#[test]
fn a_result_that_fits_nowhere_is_an_error() {
    let Some(gpu) = found("a result that is too large") else { return };
    let (n_rows, n_columns) = (usize::MAX / 2, 3);
    let product = block_on(gpu.product((n_rows, n_columns, 0), Factor::rows(&[]), Factor::rows(&[])));
    assert_eq!(product, Err(GpuError::TooLarge { n_rows, n_columns }));
}

/// The GPU, or a word of what was not run.
fn found(what: &str) -> Option<Gpu> {
    match block_on(Gpu::find()) {
        Ok(gpu) => Some(gpu),
        Err(error @ GpuError::NoAdapter { .. }) => {
            eprintln!("not run: {what}; {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs `check` on each size with blocks of each kind, but for those that would be cut into thousands.
fn each_size(check: impl Fn(&Gpu, (usize, usize, usize), &str)) {
    let Some(mut gpu) = found("sums of every size") else { return };
    for &block_bytes in BLOCKS {
        gpu = gpu.with_block_bytes(block_bytes);
        for &(m, n, k) in SIZES {
            if (m * n).max(m * k).max(k * n) / block_bytes as usize <= 10 {
                check(&gpu, (m, n, k), &format!("{m} × {n} of {k} terms in blocks of {block_bytes} bytes"));
            }
        }
    }
}

fn assert_close(found: &[f32], expected: &[f64], scale: impl Fn(usize) -> f64, name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= 1e-5 * scale(at), "{name}: {found} at {at} rather than {expected}");
    }
}

/// Numbers from -1 to 1 (xorshift: Marsaglia, 2003).
fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// Rows become columns.
fn exchanged(values: &[f32], n_columns: usize) -> Vec<f32> {
    let n_rows = values.len() / n_columns.max(1);
    (0..values.len()).map(|at| values[at % n_rows * n_columns + at / n_rows]).collect()
}

/// Length of each of `n` rows of `k` numbers.
fn norms(rows: &[f32], n: usize, k: usize) -> Vec<f64> {
    (0..n).map(|row| rows[row * k..][..k].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()).collect()
}

/// Sums over each pair of `m` and `n` rows of `k` numbers.
fn pairs(a: &[f32], b: &[f32], (m, n, k): (usize, usize, usize), term: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let sum = |i: usize, j: usize| {
        a[i * k..][..k].iter().zip(&b[j * k..][..k]).map(|(x, y)| term(f64::from(*x), f64::from(*y))).sum()
    };
    (0..m * n).map(|at| sum(at / n, at % n)).collect()
}
