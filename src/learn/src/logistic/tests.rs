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
