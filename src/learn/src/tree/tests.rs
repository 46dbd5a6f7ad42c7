use model::{Matrix, Tree};

use super::*;
use crate::{Unwatched, block_on};

/// Column by column.
fn matrix(columns: &[&[f64]]) -> Matrix {
    Matrix { values: columns.concat(), n_rows: columns[0].len(), n_columns: columns.len() }
}

fn grown(settings: &TreeSettings, x: &Matrix, labels: &Labels, weights: Option<&[f64]>) -> TreeFit {
    let n_classes = match labels {
        Labels::Classes(classes) => classes.iter().max().map_or(0, |class| *class as usize + 1),
        Labels::Numbers(_) => 0,
    };
    block_on(fit(settings, x, labels, n_classes, weights, 0, &mut Unwatched)).expect("a tree")
}

/// Each split as column, threshold; each leaf as its values.
fn text(tree: &Tree) -> String {
    fn node(tree: &Tree, at: usize, text: &mut String) {
        let n = tree.n_outputs as usize;
        let found = &tree.nodes[at];
        if found.left == 0 {
            text.push_str(&format!("{:?}", &tree.values[at * n..][..n]));
        } else {
            text.push_str(&format!("(x{} <= {} ", found.feature, found.threshold));
            node(tree, found.left as usize, text);
            text.push(' ');
            node(tree, found.right as usize, text);
            text.push(')');
        }
    }
    let mut text = String::new();
    node(tree, 0, &mut text);
    text
}

fn classes(classes: &[u32]) -> Labels {
    Labels::Classes(classes.to_vec())
}

#[test]
fn a_threshold_is_the_middle_between_neighbours() {
    let x = matrix(&[&[1.0, 2.0, 5.0, 8.0]]);
    let fit = grown(&TreeSettings::default(), &x, &classes(&[0, 0, 1, 1]), None);
    assert_eq!(text(&fit.tree), "(x0 <= 3.5 [1.0, 0.0] [0.0, 1.0])");
    assert_eq!(fit.importances, [1.0]);
    assert_eq!(fit.tree.nodes[0].impurity, 0.5);
    assert_eq!(fit.tree.nodes[0].n_rows, 4.0);
}

#[test]
fn the_column_that_tells_most_is_split_first() {
    // By hand: the second column leaves Gini 0.25, the first 0.444 at best.
    let x = matrix(&[&[1.0, 3.0, 2.0, 4.0], &[0.0, 0.0, 0.0, 1.0]]);
    let labels = classes(&[0, 0, 1, 2]);
    let fit = grown(&TreeSettings { max_depth: Some(1), ..TreeSettings::default() }, &x, &labels, None);
    assert!(text(&fit.tree).starts_with("(x0 <= 3.5 ") || text(&fit.tree).starts_with("(x1 <= 0.5 "));
    assert!((fit.tree.nodes[0].impurity - 0.625).abs() < 1e-15);
}

#[test]
fn exclusive_or_is_learnt_although_its_first_split_gains_nothing() {
    let x = matrix(&[&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 0.0, 1.0]]);
    for criterion in [Criterion::Gini, Criterion::Entropy] {
        let settings = TreeSettings { criterion, ..TreeSettings::default() };
        let fit = grown(&settings, &x, &classes(&[0, 1, 1, 0]), None);
        assert_eq!(text(&fit.tree), "(x0 <= 0.5 (x1 <= 0.5 [1.0, 0.0] [0.0, 1.0]) (x1 <= 0.5 [0.0, 1.0] [1.0, 0.0]))");
    }
}

#[test]
fn entropy_is_counted_in_bits() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 4.0]]);
    let settings = TreeSettings { criterion: Criterion::Entropy, ..TreeSettings::default() };
    for weights in [None, Some(&[1.0; 4][..])] {
        let fit = grown(&settings, &x, &classes(&[0, 0, 1, 1]), weights);
        assert!((fit.tree.nodes[0].impurity - 1.0).abs() < 1e-15);
        assert_eq!(text(&fit.tree), "(x0 <= 2.5 [1.0, 0.0] [0.0, 1.0])");
    }
}

#[test]
fn numbers_are_split_by_variance() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 4.0, 5.0]]);
    let labels = Labels::Numbers(vec![1.0, 1.0, 1.0, 7.0, 9.0]);
    let fit = grown(&TreeSettings { max_depth: Some(1), ..TreeSettings::default() }, &x, &labels, None);
    assert_eq!(text(&fit.tree), "(x0 <= 3.5 [1.0] [8.0])");
    assert!((fit.tree.nodes[0].impurity - 12.16).abs() < 1e-12);
    assert_eq!(fit.tree.nodes[1].impurity, 0.0);
}

#[test]
fn weights_count_like_repeated_rows() {
    let (x, twice) = (matrix(&[&[1.0, 2.0, 3.0]]), matrix(&[&[1.0, 1.0, 2.0, 3.0, 3.0, 3.0]]));
    for criterion in [Criterion::Gini, Criterion::Entropy] {
        let settings = TreeSettings { criterion, max_depth: Some(1), ..TreeSettings::default() };
        let weighted = grown(&settings, &x, &classes(&[0, 1, 0]), Some(&[2.0, 1.0, 3.0]));
        let repeated = grown(&settings, &twice, &classes(&[0, 0, 1, 0, 0, 0]), None);
        assert_eq!(text(&weighted.tree), text(&repeated.tree));
        assert_eq!(weighted.tree.nodes[0].n_rows, 6.0);
    }
}

#[test]
fn balanced_classes_weigh_the_same() {
    let x = matrix(&[&[1.0, 1.0, 1.0, 1.0]]);
    let settings = TreeSettings { class_weights: ClassWeights::Balanced, ..TreeSettings::default() };
    let fit = grown(&settings, &x, &classes(&[0, 1, 1, 1]), None);
    assert_eq!(fit.tree.nodes.len(), 1);
    assert!((fit.tree.values[0] - 0.5).abs() < 1e-15);
    assert_eq!(fit.importances, [0.0]);
}

#[test]
fn leaves_keep_their_least_rows() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]);
    let settings = TreeSettings { min_rows_leaf: 2, ..TreeSettings::default() };
    let fit = grown(&settings, &x, &classes(&[0, 1, 1, 1, 1, 1]), None);
    assert!(text(&fit.tree).starts_with("(x0 <= 2.5 [0.5, 0.5] "));
    let settings = TreeSettings { min_rows_split: 7, ..TreeSettings::default() };
    assert_eq!(grown(&settings, &x, &classes(&[0, 1, 1, 1, 1, 1]), None).tree.nodes.len(), 1);
}

#[test]
fn neighbouring_numbers_are_told_apart() {
    let low = 1.0f64;
    let high = f64::from_bits(low.to_bits() + 1);
    for (low, high) in [(low, high), (-f64::MAX, f64::MAX), (f64::MAX / 2.0, f64::MAX), (0.0, 5e-324), (-5e-324, 0.0)] {
        let fit = grown(&TreeSettings::default(), &matrix(&[&[low, high]]), &classes(&[0, 1]), None);
        let threshold = fit.tree.nodes[0].threshold;
        assert!(low <= threshold && threshold < high, "{low} {threshold} {high}");
    }
}

#[test]
fn zero_and_minus_zero_are_equal() {
    let fit = grown(&TreeSettings::default(), &matrix(&[&[0.0, -0.0]]), &classes(&[0, 1]), None);
    assert_eq!(fit.tree.nodes.len(), 1);
}

#[test]
fn full_trees_know_their_training_rows() {
    let mut stream = numeric::Stream::new(11);
    for round in 0..30u64 {
        let n_rows = 2 + stream.below(400) as usize;
        let n_columns = 1 + stream.below(5) as usize;
        let mut values: Vec<f64> = (0..n_rows * n_columns).map(|_| stream.below(6) as f64 / 3.0).collect();
        // The first column makes every row distinct.
        (0..n_rows).for_each(|row_idx| values[row_idx] = stream.normal() * 1e3);
        let x = Matrix { values, n_rows, n_columns };
        let truth: Vec<u32> =
            (0..n_rows).map(|row_idx| if row_idx < 3 { row_idx as u32 } else { stream.below(3) as u32 }).collect();
        let weights: Option<Vec<f64>> = (round % 2 == 1).then(|| (0..n_rows).map(|_| 0.1 + stream.uniform()).collect());
        let criterion = if round % 3 == 0 { Criterion::Entropy } else { Criterion::Gini };
        let settings = TreeSettings { criterion, ..TreeSettings::default() };
        let fit_result =
            block_on(fit(&settings, &x, &Labels::Classes(truth.clone()), 3, weights.as_deref(), 1, &mut Unwatched));
        let predicted = fit_result.expect("a tree").tree.predict(&x);
        for (row, &class) in predicted.chunks_exact(3).zip(&truth) {
            assert_eq!(row[class as usize], 1.0);
        }
        let y: Vec<f64> = (0..n_rows).map(|_| stream.normal() * 1e200).collect();
        let fit = grown(&settings, &x, &Labels::Numbers(y.clone()), weights.as_deref());
        assert_eq!(fit.tree.predict(&x), y);
        assert!((fit.importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let x = matrix(&[&[1.0, 2.0]]);
    let settings = TreeSettings { min_rows_leaf: 0, ..TreeSettings::default() };
    let error = block_on(fit(&settings, &x, &classes(&[0, 1]), 2, None, 0, &mut Unwatched)).unwrap_err();
    assert_eq!(error.to_string(), "the minimum number of rows in a leaf is 0, expected at least 1");
}
