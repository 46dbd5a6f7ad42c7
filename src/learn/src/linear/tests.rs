use model::Matrix;
use numeric::Stream;

use super::*;
use crate::{Unwatched, block_on};

fn matrix(columns: &[&[f64]]) -> Matrix {
    Matrix { values: columns.concat(), n_rows: columns[0].len(), n_columns: columns.len() }
}

fn fitted(settings: &LinearSettings, x: &Matrix, y: &[f64]) -> LinearModel {
    block_on(fit(settings, x, y, None, &mut Unwatched)).unwrap()
}

fn method(method: LinearMethod) -> LinearSettings {
    LinearSettings { method, l1_weight: 0.1, l2_weight: 0.1, ..LinearSettings::default() }
}

const METHODS: [LinearMethod; 4] =
    [LinearMethod::LeastSquares, LinearMethod::Ridge, LinearMethod::Lasso, LinearMethod::ElasticNet];

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-9 * e.abs().max(1.0), "{found:?} instead of {expected:?}");
    }
}

#[test]
fn a_plane_is_found_again() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 4.0], &[1.0, 0.0, 2.0, -1.0]]);
    let y: Vec<f64> = (0..4).map(|i| 3.0 + 2.0 * x.at(i, 0) - 5.0 * x.at(i, 1)).collect();
    let model = fitted(&LinearSettings::default(), &x, &y);
    near(&model.coefficients, &[2.0, -5.0]);
    near(&[model.intercept], &[3.0]);
}

#[test]
fn a_repeated_column_shares_its_coefficient() {
    let x = matrix(&[&[1.0, 2.0, 3.0, 5.0], &[1.0, 2.0, 3.0, 5.0]]);
    let model = fitted(&LinearSettings::default(), &x, &[2.0, 4.0, 6.0, 10.0]);
    near(&model.coefficients, &[1.0, 1.0]);
    near(&[model.intercept], &[0.0]);
}

#[test]
fn a_constant_column_gets_nothing() {
    for kind in METHODS {
        let x = matrix(&[&[0.1, 0.1, 0.1, 0.1], &[1.0, 2.0, 3.0, 4.0]]);
        let model = fitted(&method(kind), &x, &[1.0, 3.0, 2.0, 5.0]);
        assert_eq!(model.coefficients[0], 0.0, "{kind:?}");
    }
}

#[test]
fn indicators_that_sum_to_one_have_a_smallest_solution() {
    // Means of the groups are 1, 2 and 6: the mean of the three, and deviations that sum to 0.
    let x = matrix(&[&[1.0, 1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 1.0, 1.0, 0.0], &[0.0, 0.0, 0.0, 0.0, 1.0]]);
    let model = fitted(&LinearSettings::default(), &x, &[0.0, 2.0, 1.0, 3.0, 6.0]);
    near(&model.coefficients, &[-2.0, -1.0, 3.0]);
    near(&[model.intercept], &[3.0]);
}

#[test]
fn more_columns_than_rows_have_a_smallest_solution_too() {
    let x = matrix(&[&[1.0, -1.0], &[1.0, -1.0], &[2.0, -2.0]]);
    near(&fitted(&LinearSettings::default(), &x, &[6.0, -6.0]).coefficients, &[1.0, 1.0, 2.0]);
    // With the penalty 12 the solution is shrunk to half: σ² = 12.
    let ridge = LinearSettings { l2_weight: 12.0, ..method(LinearMethod::Ridge) };
    near(&fitted(&ridge, &x, &[6.0, -6.0]).coefficients, &[0.5, 0.5, 1.0]);
}

#[test]
fn units_of_any_size_lose_no_digits() {
    let (a, b) = ([1.0, 2.0, 3.0, 4.0, 7.0], [1.0, 0.0, 2.0, -1.0, 3.0]);
    let big = a.map(|v: f64| v * 1e160);
    let small = b.map(|v: f64| v * 1e-160 + 1e-158);
    let y: Vec<f64> = (0..5).map(|i| 2.0 * a[i] - 5.0 * b[i]).collect();
    let model = fitted(&LinearSettings::default(), &matrix(&[&big, &small]), &y);
    near(&[model.coefficients[0] * 1e160, model.coefficients[1] * 1e-160], &[2.0, -5.0]);
}

#[test]
fn a_weight_of_two_is_a_row_twice() {
    let once = matrix(&[&[1.0, 2.0, 4.0], &[0.0, 3.0, 1.0]]);
    let twice = matrix(&[&[1.0, 2.0, 4.0, 4.0], &[0.0, 3.0, 1.0, 1.0]]);
    for kind in METHODS {
        let weighted =
            block_on(fit(&method(kind), &once, &[1.0, 5.0, 2.0], Some(&[1.0, 1.0, 2.0]), &mut Unwatched)).unwrap();
        let repeated = fitted(&method(kind), &twice, &[1.0, 5.0, 2.0, 2.0]);
        near(&weighted.coefficients, &repeated.coefficients);
        near(&[weighted.intercept], &[repeated.intercept]);
    }
}

#[test]
fn one_column_of_unit_variance_is_shrunk_by_the_penalty() {
    // y = 3x, mean square of x is 1: lasso gives 3 - l1, elastic net (3 - l1) / (1 + l2).
    let x = matrix(&[&[1.0, -1.0, 1.0, -1.0]]);
    let y = [3.0, -3.0, 3.0, -3.0];
    let settings = |kind| LinearSettings { l1_weight: 1.0, l2_weight: 3.0, ..method(kind) };
    near(&fitted(&settings(LinearMethod::Lasso), &x, &y).coefficients, &[2.0]);
    near(&fitted(&settings(LinearMethod::ElasticNet), &x, &y).coefficients, &[0.5]);
    let all = LinearSettings { l1_weight: 3.5, ..settings(LinearMethod::Lasso) };
    assert_eq!(fitted(&all, &x, &y).coefficients, [0.0]);
}

#[test]
fn a_constant_target_is_the_intercept() {
    for kind in METHODS {
        let model = fitted(&method(kind), &matrix(&[&[1.0, 2.0, 3.0]]), &[0.3, 0.3, 0.3]);
        near(&model.coefficients, &[0.0]);
        near(&[model.intercept], &[0.3]);
    }
}

#[test]
fn no_intercept_goes_through_the_origin() {
    for kind in METHODS {
        let settings = LinearSettings { fit_intercept: false, l1_weight: 0.0, l2_weight: 0.0, ..method(kind) };
        let model = fitted(&settings, &matrix(&[&[1.0, 2.0]]), &[2.0, 3.0]);
        near(&model.coefficients, &[1.6]);
        assert_eq!(model.intercept, 0.0);
    }
}

#[test]
fn one_row_and_no_column_are_fitted_without_a_panic() {
    for kind in METHODS {
        let model = fitted(&method(kind), &matrix(&[&[2.0], &[3.0]]), &[7.0]);
        assert_eq!((model.coefficients, model.intercept), (vec![0.0, 0.0], 7.0));
        let none = Matrix { values: Vec::new(), n_rows: 2, n_columns: 0 };
        assert_eq!(fitted(&method(kind), &none, &[1.0, 3.0]).intercept, 2.0);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        for settings in [
            LinearSettings { l1_weight: wrong, ..method(LinearMethod::Lasso) },
            LinearSettings { l2_weight: wrong, ..method(LinearMethod::Ridge) },
        ] {
            let fitted = block_on(fit(&settings, &matrix(&[&[1.0, 2.0]]), &[1.0, 2.0], None, &mut Unwatched));
            assert!(matches!(fitted, Err(FitError::Setting { .. })));
        }
    }
}

#[test]
fn numbers_at_the_limit_give_a_model_or_an_error_and_never_nan() {
    for kind in METHODS {
        let x = matrix(&[&[f64::MAX, f64::MIN, 1.0], &[f64::MIN_POSITIVE, 0.0, 5e-324]]);
        match block_on(fit(&method(kind), &x, &[f64::MAX, -f64::MAX, 0.0], None, &mut Unwatched)) {
            Ok(model) => assert!(model.coefficients.iter().all(|w| w.is_finite())),
            Err(error) => assert!(matches!(error, FitError::Overflow | FitError::NotConverged { .. }), "{error}"),
        }
    }
}

/// Stops at once.
struct Impatient;

impl Checkpoint for Impatient {
    async fn checkpoint(&mut self, _: f64, _: &str) -> Result<(), crate::Stopped> {
        Err(crate::Stopped)
    }
}

#[test]
fn every_method_can_be_stopped() {
    for kind in METHODS {
        let x = matrix(&[&[1.0, 2.0, 3.5], &[1.0, 2.5, 3.0]]);
        let stopped = block_on(fit(&method(kind), &x, &[1.0, 2.0, 9.0], None, &mut Impatient));
        assert_eq!(stopped, Err(FitError::Stopped(crate::Stopped)), "{kind:?}");
    }
}

#[test]
fn a_penalty_too_small_to_be_seen_does_not_keep_lasso_from_its_end() {
    for n in [20, 40, 60, 100] {
        let mut stream = Stream::new(1);
        let mut values: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.7e308 } else { -1.7e308 }).collect();
        values.extend((0..n).map(|_| stream.normal()));
        let x = Matrix { values, n_rows: n, n_columns: 2 };
        let y: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let settings = LinearSettings { method: LinearMethod::Lasso, ..LinearSettings::default() };
        let model = block_on(fit(&settings, &x, &y, None, &mut Unwatched)).expect("a model");
        assert_eq!(model.coefficients[1], 0.0);
    }
}
