use super::*;
use crate::clusters::tests::matrix;
use crate::{Unwatched, block_on};

fn fitted(settings: &AdaBoostSettings, x: &Matrix, labels: &Labels, n_classes: usize) -> AdaBoostFit {
    block_on(fit(settings, x, labels, n_classes, None, 1, &mut Unwatched)).expect("trees")
}

/// The example of Freund and Schapire's tutorial in one column: no single cut is right about all rows.
fn interval() -> (Matrix, Labels) {
    let x = matrix(&[&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]]);
    (x, Labels::Classes(vec![1, 1, 1, 0, 0, 0, 1, 1, 1, 0]))
}

#[test]
fn weights_of_trees_are_those_by_hand() {
    let (x, labels) = interval();
    let found = fitted(&AdaBoostSettings { n_trees: 3, ..AdaBoostSettings::default() }, &x, &labels, 2);
    // Cut after 2, after 8 and after 5.
    let expected = [3.0 / 10.0, 3.0 / 14.0, 2.0 / 11.0];
    for (found, expected) in found.voters.errors.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }
    for (weight, error) in found.voters.weights.iter().zip(expected) {
        assert!((weight - ((1.0f64 - error) / error).ln()).abs() < 1e-12);
    }
    let predicted = found.voters.predict(&x, 2);
    let Labels::Classes(classes) = &labels else { unreachable!("they are") };
    for (row, class) in predicted.chunks_exact(2).zip(classes) {
        assert_eq!(u32::from(row[1] > row[0]), *class, "{predicted:?}");
        assert!((row[0] + row[1] - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_perfect_tree_ends_it_and_so_does_one_that_guesses() {
    let x = matrix(&[&[0.0, 1.0, 2.0, 3.0]]);
    let plain = AdaBoostSettings::default();
    let found = fitted(&plain, &x, &Labels::Classes(vec![0, 0, 1, 1]), 2);
    assert_eq!((found.voters.weights.as_slice(), found.ended), ([1.0].as_slice(), Some(Ended::Perfect)));
    let flat = matrix(&[&[7.0; 4]]);
    let found = fitted(&plain, &flat, &Labels::Classes(vec![0, 1, 0, 1]), 2);
    assert_eq!((found.voters.trees.len(), found.ended), (1, Some(Ended::Guessing)));
    assert_eq!(found.voters.predict(&flat, 2).len(), 8);
    let found = fitted(&plain, &flat, &Labels::Numbers(vec![1.0; 4]), 0);
    assert_eq!((found.voters.predict(&flat, 0), found.ended), (vec![1.0; 4], Some(Ended::Perfect)));
}

#[test]
fn numbers_are_the_weighted_median_of_what_trees_say() {
    let mut stream = Stream::new(5);
    let values: Vec<f64> = (0..200).map(|_| stream.uniform() * 6.0).collect();
    let y: Vec<f64> = values.iter().map(|x| x.sin() + 0.05 * stream.normal()).collect();
    let x = matrix(&[&values]);
    for loss in [ErrorLoss::Linear, ErrorLoss::Square, ErrorLoss::Exponential] {
        let tree = TreeSettings { max_depth: Some(3), ..TreeSettings::default() };
        let settings = AdaBoostSettings { loss, tree, ..AdaBoostSettings::default() };
        let found = fitted(&settings, &x, &Labels::Numbers(y.clone()), 0);
        assert_eq!(found, fitted(&settings, &x, &Labels::Numbers(y.clone()), 0));
        let predicted = found.voters.predict(&x, 0);
        let worst = predicted.iter().zip(&y).map(|(p, y)| (p - y).abs()).fold(0.0, f64::max);
        assert!(worst < 0.5 && found.voters.trees.len() > 5, "{loss:?}: {worst}, {} trees", found.voters.trees.len());
        assert!((found.importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let (x, labels) = interval();
    let error = |settings: AdaBoostSettings| {
        block_on(fit(&settings, &x, &labels, 2, None, 1, &mut Unwatched)).unwrap_err().to_string()
    };
    let plain = AdaBoostSettings::default();
    assert_eq!(error(AdaBoostSettings { n_trees: 0, ..plain }), "the number of trees is 0, expected at least 1");
    assert_eq!(
        error(AdaBoostSettings { learning_rate: 0.0, ..plain }),
        "the learning rate is 0, expected a number above 0"
    );
}
