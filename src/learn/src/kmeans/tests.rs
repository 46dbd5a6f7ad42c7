use super::*;
use crate::clusters::tests::features;
use crate::{Unwatched, block_on};

fn fitted(settings: &KMeansSettings, x: &Matrix, seed: u64) -> Result<Clustering, FitError> {
    block_on(fit(settings, features(x.n_columns), x, seed, &mut Unwatched)).map(|found| found.clustering)
}

fn blobs(n_rows: usize) -> Matrix {
    let mut stream = Stream::new(1);
    let mut values = vec![0.0; n_rows * 2];
    for row_idx in 0..n_rows {
        let center = (row_idx % 3) as f64 * 10.0;
        values[row_idx] = center + stream.normal();
        values[n_rows + row_idx] = center * center / 5.0 + stream.normal();
    }
    Matrix { values, n_rows, n_columns: 2 }
}

#[test]
fn two_heaps_are_found_by_hand() {
    let x = Matrix { values: vec![0.0, 2.0, 10.0, 12.0], n_rows: 4, n_columns: 1 };
    for init in [Init::PlusPlus, Init::Random, Init::FirstN] {
        let settings = KMeansSettings { k: 2, init, standardize: false, ..KMeansSettings::default() };
        let found = fitted(&settings, &x, 1).expect("clusters");
        let mut centroids = found.centroids.clone();
        centroids.sort_by(f64::total_cmp);
        assert_eq!(centroids, [1.0, 11.0]);
        assert_eq!(found.inertia, 4.0);
        assert_eq!(found.sizes, [2, 2]);
    }
}

#[test]
fn blobs_are_found_from_any_seed() {
    let x = blobs(301);
    for seed in 0..10 {
        let found = fitted(&KMeansSettings::default(), &x, seed).expect("clusters");
        let mut sizes = found.sizes.clone();
        sizes.sort_unstable();
        assert_eq!(sizes, [100, 100, 101]);
        assert_eq!(found, fitted(&KMeansSettings::default(), &x, seed).expect("clusters"));
    }
}

#[test]
fn a_cluster_that_loses_its_rows_gets_the_farthest_one() {
    let rows = Lanes::new(4, 1, |row_idx, _| [0.0, 1.0, 2.0, 50.0][row_idx]);
    let screen = Screen::new(&rows);
    let mut search = Search {
        rows: &rows,
        screen: &screen,
        comparison: &mut Comparison::none(),
        work: 0,
        fraction: 0.0,
        checkpoint: &mut Unwatched,
    };
    let found = block_on(search.lloyd(vec![1.0, 1000.0], 100, 0.0)).expect("clusters");
    assert_eq!(found.sizes, [3, 1]);
    assert_eq!(found.centroids, [1.0, 50.0]);
}

#[test]
fn more_clusters_than_rows_are_refused() {
    let x = Matrix { values: vec![1.0, 1.0, 2.0], n_rows: 3, n_columns: 1 };
    let error =
        |k, init| fitted(&KMeansSettings { k, init, ..KMeansSettings::default() }, &x, 1).unwrap_err().to_string();
    assert_eq!(error(4, Init::PlusPlus), "the number of clusters is 4, but there are only 3 rows");
    for init in [Init::PlusPlus, Init::Random, Init::FirstN] {
        assert_eq!(error(3, init), "the number of clusters is 3, but there are only 2 distinct rows");
    }
    assert_eq!(error(0, Init::PlusPlus), "the number of clusters is 0, expected at least 1");
}

#[test]
fn numbers_too_large_for_squares_are_refused() {
    let x = Matrix { values: vec![1e300, -1e300, 0.0], n_rows: 3, n_columns: 1 };
    assert_eq!(fitted(&KMeansSettings { k: 2, ..KMeansSettings::default() }, &x, 1), Err(FitError::Overflow));
}

/// The same numbers are expected of the WebAssembly build.
#[test]
fn clusterings_have_the_same_bits_everywhere() {
    let found = fitted(&KMeansSettings { k: 5, ..KMeansSettings::default() }, &blobs(1_000), 42).expect("clusters");
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for value in found.centroids.iter().chain([&found.inertia]) {
        for byte in value.to_bits().to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(hash, 0xf936_1dd6_d181_aeae, "{hash:#x}");
}
