use proptest::prelude::*;

use super::*;
use crate::{Unwatched, block_on};

fn matrix(rows: &[Vec<f64>]) -> Matrix {
    let n_columns = rows[0].len();
    let values = (0..n_columns).flat_map(|j| rows.iter().map(move |row| row[j])).collect();
    Matrix { values, n_rows: rows.len(), n_columns }
}

fn fitted(settings: &SvmSettings, x: &Matrix, labels: &Labels, n_classes: usize) -> SvmFit {
    block_on(fit(settings, x, labels, n_classes, None, 1, &mut Unwatched)).expect("a model")
}

fn straight() -> SvmSettings {
    let kernel = KernelKind::Linear;
    SvmSettings { kernel, standardize: false, probabilities: false, tolerance: 1e-9, ..SvmSettings::default() }
}

/// Two overlapping heaps.
fn heaps(n: usize, seed: u64) -> (Matrix, Vec<u32>) {
    let mut stream = Stream::new(seed);
    let classes: Vec<u32> = (0..n as u32).map(|i| i % 2).collect();
    let rows: Vec<Vec<f64>> =
        classes.iter().map(|&c| vec![f64::from(c) + stream.normal(), stream.normal() - f64::from(c)]).collect();
    (matrix(&rows), classes)
}

#[test]
fn the_widest_margin_lies_in_the_middle() {
    let x = matrix(&[vec![0.0], vec![1.0], vec![3.0], vec![9.0]]);
    let labels = Labels::Classes(vec![0, 0, 1, 1]);
    let found = fitted(&SvmSettings { c: 1e3, ..straight() }, &x, &labels, 2);
    assert!(found.converged);
    // Only the rows at 1 and 3 matter: f(x) = x - 2.
    assert_eq!(found.model.vectors, [1.0, 3.0]);
    let decisions = found.model.decisions(&matrix(&[vec![2.0], vec![5.0]]));
    assert!(decisions[0].abs() < 1e-6 && (decisions[1] - 3.0).abs() < 1e-6, "{decisions:?}");
}

#[test]
fn a_curve_leaves_the_tube_alone() {
    let x = matrix(&[vec![0.0], vec![1.0], vec![2.0], vec![3.0]]);
    let labels = Labels::Numbers(vec![0.0, 2.0, 4.0, 6.0]);
    let found = fitted(&SvmSettings { c: 1e3, epsilon: 0.5, ..straight() }, &x, &labels, 0);
    // The flattest line within 0.5 of all points: from (0, 0.5) to (3, 5.5).
    let predicted = found.model.predict(&x);
    assert!((predicted[0] - 0.5).abs() < 1e-6 && (predicted[3] - 5.5).abs() < 1e-6, "{predicted:?}");
}

#[test]
fn shrinking_and_a_small_cache_change_nothing() {
    let (x, classes) = heaps(400, 3);
    let labels = Labels::Classes(classes);
    let settings = SvmSettings { probabilities: false, tolerance: 1e-6, ..SvmSettings::default() };
    let plain = fitted(&SvmSettings { shrinking: false, ..settings }, &x, &labels, 2);
    let shrunk = fitted(&settings, &x, &labels, 2);
    let small = fitted(&SvmSettings { cache_mb: 0, ..settings }, &x, &labels, 2);
    assert_eq!(shrunk, small);
    for (a, b) in plain.model.decisions(&x).iter().zip(shrunk.model.decisions(&x)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn three_classes_are_told_apart_with_probabilities() {
    let mut stream = Stream::new(5);
    let classes: Vec<u32> = (0..90).map(|i| i % 3).collect();
    let rows: Vec<Vec<f64>> = classes
        .iter()
        .map(|&c| vec![3.0 * f64::from(c) + stream.normal(), f64::from(c * c) + stream.normal()])
        .collect();
    let x = matrix(&rows);
    let found = fitted(&SvmSettings::default(), &x, &Labels::Classes(classes.clone()), 3);
    let predicted = found.model.predict(&x);
    let hits = predicted.chunks(3).zip(&classes).filter(|(p, class)| p[**class as usize] > 0.5).count();
    assert!(hits > 75, "{hits}");
    assert!(predicted.chunks(3).all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-12));
}

#[test]
fn a_class_of_one_row_is_fitted_too() {
    let x = matrix(&[vec![0.0], vec![0.5], vec![1.0], vec![9.0]]);
    let found = fitted(&SvmSettings::default(), &x, &Labels::Classes(vec![0, 0, 0, 1]), 2);
    assert!(found.model.predict(&x).iter().all(|p| p.is_finite()));
}

#[test]
fn numbers_whose_squares_are_too_large_are_refused() {
    let x = matrix(&[vec![1e300], vec![-1e300]]);
    let error = block_on(fit(&straight(), &x, &Labels::Classes(vec![0, 1]), 2, None, 1, &mut Unwatched));
    assert_eq!(error.map(|_| ()), Err(FitError::Overflow));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The conditions of Karush, Kuhn and Tucker, row by row.
    #[test]
    fn no_row_could_do_better(seed in 0u64..1_000, c in 0.05..20.0f64, kernel in 0..3) {
        let kernel = [KernelKind::Linear, KernelKind::Rbf, KernelKind::Polynomial][kernel as usize];
        let (x, classes) = heaps(60, seed);
        let settings = SvmSettings { kernel, c, coef0: 1.0, probabilities: false, ..SvmSettings::default() };
        let found = fitted(&settings, &x, &Labels::Classes(classes.clone()), 2);
        prop_assert!(found.converged);
        let machine = &found.model.machines[0];
        prop_assert!(machine.weights.iter().map(|(_, w)| w).sum::<f64>().abs() < 1e-9 * c.max(1.0));
        let scaled: Vec<Vec<f64>> = {
            let scaling = found.model.scaling.as_ref().expect("a scaling");
            (0..x.n_rows).map(|i| (0..2).map(|j| (x.at(i, j) - scaling[j].0) / scaling[j].1).collect()).collect()
        };
        let weight = |row: &[f64]| {
            machine.weights.iter().filter(|(idx, _)| found.model.vectors[*idx as usize * 2..][..2] == *row)
                .map(|(_, w)| w.abs()).sum::<f64>()
        };
        for ((row, decision), class) in scaled.iter().zip(found.model.decisions(&x)).zip(&classes) {
            let margin = if *class == 1 { decision } else { -decision };
            let alpha = weight(row);
            // Twice the tolerance: the bias lies anywhere within it.
            prop_assert!(alpha > 0.0 || margin >= 1.0 - 2e-3, "{margin} {alpha}");
            prop_assert!(alpha < c || margin <= 1.0 + 2e-3, "{margin} {alpha}");
        }
    }
}
