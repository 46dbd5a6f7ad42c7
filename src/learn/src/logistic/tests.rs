use model::Matrix;

use super::*;
use crate::{Unwatched, block_on};

fn column(values: &[f64]) -> Matrix {
    Matrix { values: values.to_vec(), n_rows: values.len(), n_columns: 1 }
}

fn fitted(settings: &LogisticSettings, x: &Matrix, classes: &[u32], n_classes: usize) -> LogisticFit {
    block_on(fit(settings, x, classes, n_classes, None, &mut Unwatched)).unwrap()
}

/// The largest slope of the penalised loss at a model, in the units of the data.
fn slope(model: &LogisticModel, x: &Matrix, classes: &[u32], n_classes: usize, l2: f64) -> f64 {
    let p = model.predict(x);
    let mut largest = 0.0f64;
    for output in 0..model.intercepts.len() {
        let class = if n_classes == 2 { 1 } else { output };
        let error = |i: usize| p[i * n_classes + class] - f64::from(u8::from(classes[i] as usize == class));
        largest = largest.max((0..x.n_rows).map(error).sum::<f64>().abs());
        for j in 0..x.n_columns {
            let own = l2 * model.coefficients[output * x.n_columns + j];
            largest = largest.max(((0..x.n_rows).map(|i| error(i) * x.at(i, j)).sum::<f64>() + own).abs());
        }
    }
    largest
}

#[test]
fn the_slope_is_nothing_at_the_solution() {
    let x =
        Matrix { values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.3, 0.1, 0.9, -0.4, 0.5, 0.2], n_rows: 6, n_columns: 2 };
    for (classes, n_classes) in [([0, 1, 0, 1, 1, 0], 2), ([0, 1, 2, 1, 2, 0], 3)] {
        let fit = fitted(&LogisticSettings::default(), &x, &classes, n_classes);
        assert!(fit.converged);
        assert!(slope(&fit.model, &x, &classes, n_classes, 1.0) < 1e-6);
    }
}

#[test]
fn both_ways_to_solve_newtons_equations_agree() {
    // 240 columns and 3 classes: 723 parameters, more than the Hessian takes.
    let (n_rows, n_columns) = (300, 240);
    let mut stream = numeric::Stream::new(3);
    let values: Vec<f64> = (0..n_rows * n_columns).map(|_| stream.normal()).collect();
    let classes: Vec<u32> =
        (0..n_rows).map(|i| u32::from(values[i] > 0.3) + u32::from(values[n_rows + i] > 0.0)).collect();
    let x = Matrix { values, n_rows, n_columns };
    let fit = fitted(&LogisticSettings::default(), &x, &classes, 3);
    assert!(fit.converged);
    assert!(slope(&fit.model, &x, &classes, 3, 1.0) < 1e-6);
}

#[test]
fn classes_that_can_be_separated_stay_finite() {
    let x = column(&[1.0, 2.0, 3.0, 10.0, 11.0, 12.0]);
    let fit = fitted(&LogisticSettings::default(), &x, &[0, 0, 0, 1, 1, 1], 2);
    assert!(fit.converged && fit.model.coefficients[0] < 5.0);
    for l2_weight in [1e-12, 0.0] {
        let settings = LogisticSettings { l2_weight, ..LogisticSettings::default() };
        let fit = fitted(&settings, &x, &[0, 0, 0, 1, 1, 1], 2);
        assert!(fit.model.coefficients[0].is_finite());
        assert_eq!(
            fit.model.predict(&x).chunks(2).map(|p| u32::from(p[1] > 0.5)).collect::<Vec<_>>(),
            [0, 0, 0, 1, 1, 1]
        );
    }
}

#[test]
fn units_do_not_matter_without_a_penalty() {
    let settings = LogisticSettings { l2_weight: 0.0, ..LogisticSettings::default() };
    let classes = [0, 1, 0, 1, 1, 0, 1];
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let plain = fitted(&settings, &column(&x), &classes, 2).model.predict(&column(&x));
    let far = x.map(|v: f64| v * 1e150 + 1e150);
    let scaled = fitted(&settings, &column(&far), &classes, 2).model.predict(&column(&far));
    for (a, b) in plain.iter().zip(&scaled) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn balanced_classes_are_weighted_classes() {
    let x = column(&[1.0, 2.0, 3.0, 4.0, 2.5]);
    let classes = [0, 0, 0, 1, 1];
    let balanced = LogisticSettings { class_weights: ClassWeights::Balanced, ..LogisticSettings::default() };
    let weights = classes.map(|class| if class == 0 { 5.0 / 6.0 } else { 5.0 / 4.0 });
    let by_hand = block_on(fit(&LogisticSettings::default(), &x, &classes, 2, Some(&weights), &mut Unwatched)).unwrap();
    assert_eq!(fitted(&balanced, &x, &classes, 2).model, by_hand.model);
}

#[test]
fn a_constant_column_gets_nothing() {
    let x = Matrix { values: vec![0.1, 0.1, 0.1, 0.1, 1.0, 2.0, 3.0, 4.0], n_rows: 4, n_columns: 2 };
    for (classes, n_classes) in [([0, 1, 0, 1], 2), ([0, 1, 2, 1], 3)] {
        let model = fitted(&LogisticSettings::default(), &x, &classes, n_classes).model;
        assert!(model.coefficients.chunks(2).all(|w| w[0].abs() < 1e-12), "{model:?}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let default = LogisticSettings::default();
    for settings in [
        LogisticSettings { l2_weight: -1.0, ..default },
        LogisticSettings { l2_weight: f64::NAN, ..default },
        LogisticSettings { l1_weight: -1.0, ..default },
        LogisticSettings { l1_weight: 1.0, memory_size: 0, ..default },
        LogisticSettings { tolerance: 0.0, ..default },
        LogisticSettings { max_iterations: 0, ..default },
    ] {
        let fitted = block_on(fit(&settings, &column(&[1.0, 2.0]), &[0, 1], 2, None, &mut Unwatched));
        assert!(matches!(fitted, Err(FitError::Setting { .. })));
    }
}

#[test]
fn numbers_at_the_limit_give_a_model_or_an_error_and_never_nan() {
    for l2_weight in [0.0, 1.0] {
        let settings = LogisticSettings { l2_weight, ..LogisticSettings::default() };
        let x = column(&[f64::MAX, f64::MIN, 0.0, 5e-324]);
        match block_on(fit(&settings, &x, &[0, 1, 0, 1], 2, None, &mut Unwatched)) {
            Ok(fit) => assert!(fit.model.predict(&x).iter().all(|p| p.is_finite())),
            Err(error) => assert_eq!(error, FitError::Overflow),
        }
    }
}

/// How far a model with an L1 weight is from a minimum: at a coefficient that is 0 the slope may be as large as the
/// weight, at others it has to be the weight.
fn slope_beyond(model: &LogisticModel, x: &Matrix, classes: &[u32], n_classes: usize, l1: f64, l2: f64) -> f64 {
    let p = model.predict(x);
    let mut largest = 0.0f64;
    for output in 0..model.intercepts.len() {
        let class = if n_classes == 2 { 1 } else { output };
        let error = |i: usize| p[i * n_classes + class] - f64::from(u8::from(classes[i] as usize == class));
        largest = largest.max((0..x.n_rows).map(error).sum::<f64>().abs());
        for j in 0..x.n_columns {
            let w = model.coefficients[output * x.n_columns + j];
            let slope = (0..x.n_rows).map(|i| error(i) * x.at(i, j)).sum::<f64>() + l2 * w;
            let beyond = if w == 0.0 { (slope.abs() - l1).max(0.0) } else { (slope + l1 * w.signum()).abs() };
            largest = largest.max(beyond);
        }
    }
    largest
}

/// Columns of unequal size, of which only the first two matter.
fn noisy(n_rows: usize, n_columns: usize) -> (Matrix, Vec<u32>, Vec<u32>) {
    let mut stream = numeric::Stream::new(7);
    let mut values: Vec<f64> = (0..n_rows * n_columns).map(|_| stream.normal()).collect();
    let of_three = (0..n_rows).map(|i| u32::from(values[i] > 0.3) + u32::from(values[n_rows + i] > 0.0)).collect();
    let of_two = (0..n_rows).map(|i| u32::from(values[i] + values[n_rows + i] + stream.normal() > 0.0)).collect();
    values[2 * n_rows..3 * n_rows].iter_mut().for_each(|v| *v = 50.0 + 20.0 * *v);
    (Matrix { values, n_rows, n_columns }, of_two, of_three)
}

#[test]
fn an_l1_weight_is_minimised_too() {
    let (x, of_two, of_three) = noisy(200, 12);
    for (classes, n_classes) in [(&of_two, 2), (&of_three, 3)] {
        for (l1_weight, l2_weight) in [(1.0, 0.0), (5.0, 1.0), (0.01, 1.0)] {
            let settings = LogisticSettings { l1_weight, l2_weight, ..LogisticSettings::default() };
            let fit = fitted(&settings, &x, classes, n_classes);
            let beyond = slope_beyond(&fit.model, &x, classes, n_classes, l1_weight, l2_weight);
            // The tolerance is of standardised columns, and one of these has a mean of 50 and a deviation of 20.
            assert!(fit.converged, "{n_classes} {l1_weight}");
            assert!(beyond < (50.0 + 20.0) * 200.0 * settings.tolerance, "{n_classes} {l1_weight}: {beyond}");
        }
    }
}

#[test]
fn a_larger_l1_weight_leaves_fewer_columns_and_the_largest_none() {
    let (x, classes, _) = noisy(200, 12);
    let n_left = |l1_weight: f64| {
        let settings = LogisticSettings { l1_weight, l2_weight: 0.0, ..LogisticSettings::default() };
        fitted(&settings, &x, &classes, 2).model.coefficients.iter().filter(|w| **w != 0.0).count()
    };
    let left = [0.01, 5.0, 15.0, 1e6].map(n_left);
    assert_eq!((left[0], left[3]), (12, 0), "{left:?}");
    assert!(left.is_sorted_by(|more, fewer| more >= fewer) && left[2] < 6 && left[2] > 0, "{left:?}");
}

#[test]
fn a_trace_of_l1_gives_what_newton_gives() {
    let (x, _, classes) = noisy(200, 12);
    let newton = fitted(&LogisticSettings::default(), &x, &classes, 3).model;
    let settings = LogisticSettings { l1_weight: 1e-12, ..LogisticSettings::default() };
    let fit = fitted(&settings, &x, &classes, 3);
    assert!(fit.converged && fit.n_iterations < 12, "{} steps", fit.n_iterations);
    for (found, expected) in fit.model.coefficients.iter().zip(&newton.coefficients) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn many_columns_with_an_l1_weight_are_left_to_l_bfgs() {
    // 240 columns and 3 classes: 723 parameters, more than the Hessian takes.
    let (n_rows, n_columns) = (300, 240);
    let mut stream = numeric::Stream::new(3);
    let values: Vec<f64> = (0..n_rows * n_columns).map(|_| stream.normal()).collect();
    let classes: Vec<u32> =
        (0..n_rows).map(|i| u32::from(values[i] > 0.3) + u32::from(values[n_rows + i] > 0.0)).collect();
    let x = Matrix { values, n_rows, n_columns };
    for memory_size in [5, 20] {
        let settings = LogisticSettings { l1_weight: 3.0, memory_size, ..LogisticSettings::default() };
        let fit = fitted(&settings, &x, &classes, 3);
        let beyond = slope_beyond(&fit.model, &x, &classes, 3, 3.0, 1.0);
        assert!(fit.converged && beyond < 2.0 * 300.0 * settings.tolerance, "{memory_size}: {beyond}");
        let n_left = fit.model.coefficients.iter().filter(|w| **w != 0.0).count();
        assert!(n_left > 5 && n_left < 200, "{n_left}");
    }
}
