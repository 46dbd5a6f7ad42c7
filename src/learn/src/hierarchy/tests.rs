use numeric::Stream;

use super::*;
use crate::clusters::tests::{assigned, features, matrix};
use crate::{Unwatched, block_on};

const LINKAGES: [Linkage; 4] = [Linkage::Ward, Linkage::Complete, Linkage::Average, Linkage::Single];

fn fitted(linkage: Linkage, cut: Cut, x: &Matrix) -> Result<Clustered, FitError> {
    let settings = HierarchySettings { linkage, cut, standardize: false };
    block_on(fit(&settings, features(x.n_columns), x, &mut Unwatched))
}

fn heights(linkage: Linkage, x: &Matrix) -> Vec<f64> {
    let rows = lanes(x, None);
    let joins = block_on(joins(linkage, &rows, &mut Pace::new("", &mut Unwatched))).expect("joins");
    joins.iter().map(|join| join.height).collect()
}

#[test]
fn distances_of_groups_are_those_by_hand() {
    let x = matrix(&[&[0.0, 1.0, 5.0, 7.0, 20.0]]);
    for (linkage, expected) in [
        (Linkage::Single, [1.0, 2.0, 4.0, 13.0]),
        (Linkage::Complete, [1.0, 2.0, 7.0, 20.0]),
        (Linkage::Average, [1.0, 2.0, 5.5, 16.75]),
        (Linkage::Ward, [1.0, 2.0, 60.5f64.sqrt(), 448.9f64.sqrt()]),
    ] {
        for (found, expected) in heights(linkage, &x).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{linkage:?}: {found} for {expected}");
        }
    }
}

/// The nearest two groups are looked for each time.
fn by_definition(linkage: Linkage, x: &Matrix) -> Vec<f64> {
    let distance = |a: usize, b: usize| {
        let squares = (0..x.n_columns).map(|j| (x.at(a, j) - x.at(b, j)) * (x.at(a, j) - x.at(b, j)));
        squares.sum::<f64>().sqrt()
    };
    let mean = |group: &[usize], j: usize| group.iter().map(|i| x.at(*i, j)).sum::<f64>() / group.len() as f64;
    let apart = |a: &[usize], b: &[usize]| {
        let pairs: Vec<f64> = a.iter().flat_map(|i| b.iter().map(|j| distance(*i, *j))).collect();
        match linkage {
            Linkage::Single => pairs.iter().copied().fold(f64::INFINITY, f64::min),
            Linkage::Complete => pairs.iter().copied().fold(0.0, f64::max),
            Linkage::Average => pairs.iter().sum::<f64>() / pairs.len() as f64,
            Linkage::Ward => {
                let squares: f64 =
                    (0..x.n_columns).map(|j| (mean(a, j) - mean(b, j)) * (mean(a, j) - mean(b, j))).sum();
                let (a, b) = (a.len() as f64, b.len() as f64);
                (2.0 * a * b / (a + b) * squares).sqrt()
            }
        }
    };
    let mut groups: Vec<Vec<usize>> = (0..x.n_rows).map(|i| vec![i]).collect();
    let mut heights = Vec::new();
    while groups.len() > 1 {
        let pairs = (0..groups.len()).flat_map(|a| (a + 1..groups.len()).map(move |b| (a, b)));
        let (height, (a, b)) = pairs
            .map(|(a, b)| (apart(&groups[a], &groups[b]), (a, b)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .expect("two");
        let gone = groups.remove(b);
        groups[a].extend(gone);
        heights.push(height);
    }
    heights
}

#[test]
fn chains_of_neighbours_lead_to_the_joins_of_the_definition() {
    for seed in 0..20 {
        let mut stream = Stream::new(seed);
        let n = 2 + stream.below(40) as usize;
        let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..n).map(|_| stream.normal()).collect()).collect();
        let x = matrix(&[&columns[0], &columns[1], &columns[2]]);
        for linkage in LINKAGES {
            let (found, expected) = (heights(linkage, &x), by_definition(linkage, &x));
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-9, "{linkage:?}, seed {seed}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn cuts_leave_so_many_clusters_or_groups_so_far_apart() {
    let x = matrix(&[&[20.0, 0.0, 5.0, 1.0, 7.0]]);
    let clusters = |cut| fitted(Linkage::Single, cut, &x).expect("clusters").clusters;
    assert_eq!(clusters(Cut::Count(1)), [0; 5]);
    assert_eq!(clusters(Cut::Count(3)), [0, 1, 2, 1, 2]);
    assert_eq!(clusters(Cut::Count(5)), [0, 1, 2, 3, 4]);
    assert_eq!(clusters(Cut::Distance(2.0)), [0, 1, 2, 1, 3]);
    assert_eq!(clusters(Cut::Distance(2.1)), [0, 1, 2, 1, 2]);
    let found = fitted(Linkage::Single, Cut::Distance(100.0), &x).expect("clusters");
    assert!(found.notes[0].starts_with("All rows are one cluster"), "{:?}", found.notes);
}

#[test]
fn rows_that_are_alike_stay_together_and_new_rows_go_to_the_nearest() {
    let x = matrix(&[&[3.0, 0.0, 3.0, 9.0, 0.0, 3.0]]);
    for linkage in LINKAGES {
        let found = fitted(linkage, Cut::Count(3), &x).expect("clusters");
        assert_eq!(found.clusters, [0, 1, 0, 2, 1, 0]);
        assert_eq!(assigned(&found.clustering, &x).clusters, found.clusters);
        assert_eq!(assigned(&found.clustering, &matrix(&[&[1.4, 1.6, 100.0, 1e300]])).clusters[..3], [1, 0, 2]);
        let error = fitted(linkage, Cut::Count(4), &x).unwrap_err().to_string();
        assert_eq!(error, "the number of clusters is 4, but there are only 3 distinct rows");
    }
}

#[test]
fn a_dendrogram_shows_the_last_joins_without_crossing_lines() {
    let mut stream = Stream::new(7);
    let values: Vec<f64> = (0..200).map(|_| stream.normal()).collect();
    let found = fitted(Linkage::Average, Cut::Count(4), &matrix(&[&values])).expect("clusters");
    let Picture::Dendrogram(Dendrogram { leaves, joins, cut }) = found.picture else { panic!("a dendrogram") };
    assert_eq!((leaves.len(), joins.len(), leaves.iter().sum::<u64>()), (30, 29, 200));
    assert_eq!(joins.iter().filter(|join| join.height >= cut).count(), 3);
    // Each group stands over leaves beside each other.
    let mut spans: Vec<(usize, usize)> = (0..leaves.len()).map(|leaf| (leaf, leaf)).collect();
    for join in &joins {
        let (left, right) = (spans[join.left], spans[join.right]);
        assert_eq!(left.1 + 1, right.0);
        spans.push((left.0, right.1));
    }
    assert_eq!(spans.last(), Some(&(0, 29)));
    let one = fitted(Linkage::Ward, Cut::Count(1), &matrix(&[&[5.0]])).expect("one row");
    assert_eq!(one.clusters, [0]);
}

#[test]
fn what_cannot_be_is_refused() {
    let x = matrix(&[&[0.0, 1.0]]);
    let error = |cut| fitted(Linkage::Ward, cut, &x).unwrap_err().to_string();
    assert_eq!(error(Cut::Count(0)), "the number of clusters is 0, expected at least 1");
    assert_eq!(error(Cut::Count(3)), "the number of clusters is 3, but there are only 2 rows");
    assert_eq!(error(Cut::Distance(0.0)), "the distance of the cut is 0, expected a number above 0");
    let many = matrix(&[&vec![0.0; MAX_ROWS + 1]]);
    let error = fitted(Linkage::Ward, Cut::Count(1), &many).unwrap_err();
    assert_eq!(
        error.to_string(),
        "20001 rows are too many for this method, which keeps the distance of every pair: expected at most 20000"
    );
    assert!(error.help().contains("Partition and Sample"));
    let large = matrix(&[&[1e300, -1e300, 0.0]]);
    assert_eq!(fitted(Linkage::Ward, Cut::Count(2), &large).unwrap_err(), FitError::Overflow);
}
