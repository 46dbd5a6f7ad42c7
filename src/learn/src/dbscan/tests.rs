use numeric::Stream;

use super::*;
use crate::clusters::tests::{assigned, features, matrix};
use crate::{Unwatched, block_on};

fn settings(eps: f64, min_samples: u32) -> DbscanSettings {
    DbscanSettings { eps, min_samples, standardize: false }
}

fn found(settings: DbscanSettings, x: &Matrix) -> Clustered {
    block_on(fit(&settings, features(x.n_columns), x, &mut Unwatched)).expect("clusters")
}

#[test]
fn heaps_are_found_by_hand_and_a_row_apart_is_noise() {
    let x = matrix(&[&[0.0, 0.1, 0.2, 5.0, 20.0, 5.1, 5.2]]);
    let found = found(settings(0.15, 2), &x);
    assert_eq!(found.clusters, [0, 0, 0, 1, NOISE, 1, 1]);
    assert_eq!((found.clustering.sizes.as_slice(), found.clustering.n_noise), ([3, 3].as_slice(), 1));
    let centers: Vec<String> = found.clustering.centroids.iter().map(|center| format!("{center:.3}")).collect();
    assert_eq!(centers, ["0.100", "5.100"]);
}

#[test]
fn a_row_between_two_clusters_belongs_to_the_nearer_whatever_the_order() {
    // The row at 1.1 reaches one row of each, which are too few to make it a core row.
    let mut values = vec![0.0, 0.1, 0.2, 0.3, 0.4, 1.1, 1.75, 1.85, 1.95, 2.05];
    let in_order = found(settings(0.71, 4), &matrix(&[&values]));
    assert_eq!(in_order.clusters, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    values.reverse();
    let reversed = found(settings(0.71, 4), &matrix(&[&values]));
    assert_eq!(reversed.clusters, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
}

/// As the paper tells it, row by row.
fn by_definition(x: &Matrix, eps: f64, least: usize) -> (Vec<bool>, Vec<Option<usize>>) {
    let n = x.n_rows;
    let near = |a: usize, b: usize| {
        (0..x.n_columns).map(|j| (x.at(a, j) - x.at(b, j)) * (x.at(a, j) - x.at(b, j))).sum::<f64>() <= eps * eps
    };
    let is_core: Vec<bool> = (0..n).map(|a| (0..n).filter(|b| near(a, *b)).count() >= least).collect();
    let mut clusters = vec![None; n];
    let mut n_clusters = 0;
    for first in 0..n {
        if !is_core[first] || clusters[first].is_some() {
            continue;
        }
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            clusters[at] = Some(n_clusters);
            open.extend((0..n).filter(|b| is_core[*b] && clusters[*b].is_none() && near(at, *b)));
        }
        n_clusters += 1;
    }
    (is_core, clusters)
}

#[test]
fn core_rows_have_the_clusters_of_the_definition() {
    for seed in 0..30 {
        let mut stream = Stream::new(seed);
        let n = 20 + stream.below(150) as usize;
        let columns: Vec<Vec<f64>> = (0..2).map(|_| (0..n).map(|_| stream.uniform() * 10.0).collect()).collect();
        let x = matrix(&[&columns[0], &columns[1]]);
        let (is_core, expected) = by_definition(&x, 0.9, 4);
        let found = found(settings(0.9, 4), &x);
        for row_idx in 0..n {
            if is_core[row_idx] {
                assert_eq!(Some(found.clusters[row_idx] as usize), expected[row_idx], "seed {seed}, row {row_idx}");
            }
        }
        // What is told of training rows anew is what was told in training.
        assert_eq!(assigned(&found.clustering, &x).clusters, found.clusters);
    }
}

#[test]
fn a_new_row_is_noise_where_no_core_row_is_within_reach() {
    let found = found(settings(0.15, 2), &matrix(&[&[0.0, 0.1, 0.2, 5.0, 5.1]]));
    let new = assigned(&found.clustering, &matrix(&[&[0.3, 0.36, 4.9, -0.14, 1e300]]));
    assert_eq!(new.clusters, [0, NOISE, 1, 0, NOISE]);
    assert_eq!(new.distances.len(), 10);
}

#[test]
fn where_no_place_is_dense_all_is_noise_and_told() {
    let found = found(settings(0.1, 3), &matrix(&[&[0.0, 1.0, 2.0]]));
    assert_eq!((found.clusters.as_slice(), found.clustering.n_clusters()), ([NOISE; 3].as_slice(), 0));
    assert!(found.notes[0].starts_with("No row has 3 rows within 0.1"), "{:?}", found.notes);
    assert_eq!(found.picture, Picture::Reaches(vec![1.0, 2.0, 2.0]));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |settings: DbscanSettings| {
        let x = matrix(&[&[0.0, 1.0]]);
        block_on(fit(&settings, features(1), &x, &mut Unwatched)).unwrap_err().to_string()
    };
    assert_eq!(refused(settings(0.0, 3)), "the distance of neighbours is 0, expected a number above 0");
    assert_eq!(refused(settings(1.0, 0)), "the number of rows of a dense place is 0, expected at least 1");
}
