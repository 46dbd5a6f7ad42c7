//! Every statistic against SciPy, statsmodels and matplotlib: see `reference/README.md`.

use std::collections::BTreeMap;

use experiment::stats::{
    StatsError, box_plot, corrected_resampled_t, holm, mcnemar, paired_t, spread, student_t_quantile,
    student_t_two_sided, wilcoxon,
};
use serde_json::Value as Json;

fn expected(part: &str) -> Json {
    let all: Json = serde_json::from_str(include_str!("reference/expected.json")).unwrap();
    all[part].clone()
}

fn number(row: &Json, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row} is no number"))
}

fn numbers(row: &Json, name: &str) -> Vec<f64> {
    row[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The largest deviation of each figure, relative to the number itself.
#[derive(Default)]
struct Deviations(BTreeMap<String, f64>);

impl Deviations {
    fn compare(&mut self, what: &str, ours: f64, theirs: f64, tolerance: f64) {
        let deviation = if ours == theirs { 0.0 } else { (ours - theirs).abs() / theirs.abs() };
        assert!(deviation <= tolerance, "{what}: {ours:e} instead of {theirs:e}, off by {deviation:e}");
        let largest = self.0.entry(what.into()).or_default();
        *largest = largest.max(deviation);
    }

    fn print(self) {
        self.0.iter().for_each(|(what, deviation)| println!("{what}: {deviation:.1e}"));
    }
}

#[test]
fn spreads_are_those_of_scipy() {
    let mut deviations = Deviations::default();
    for row in expected("spreads").as_array().unwrap() {
        let ours = spread(&numbers(row, "values"));
        let (low, high) = ours.interval.unwrap();
        deviations.compare("mean", ours.mean, number(row, "mean"), 1e-14);
        deviations.compare("median", ours.median, number(row, "median"), 1e-14);
        deviations.compare("std", ours.std.unwrap(), number(row, "std"), 1e-12);
        deviations.compare("standard error", ours.standard_error.unwrap(), number(row, "standard_error"), 1e-12);
        deviations.compare("low", low, number(row, "low"), 1e-12);
        deviations.compare("high", high, number(row, "high"), 1e-12);
    }
    deviations.print();
}

#[test]
fn boxes_are_those_of_numpy_and_matplotlib() {
    let mut deviations = Deviations::default();
    for row in expected("boxes").as_array().unwrap() {
        let values = numbers(row, "values");
        let ours = box_plot(&values).unwrap();
        assert_eq!(ours.n, values.len());
        for (what, figure) in [("q1", ours.q1), ("median", ours.median), ("q3", ours.q3)] {
            deviations.compare(what, figure, number(row, what), 1e-15);
        }
        assert_eq!((ours.low, ours.high), (number(row, "low"), number(row, "high")));
        assert_eq!(ours.outliers, numbers(row, "outliers"));
    }
    deviations.print();
}

#[test]
fn a_box_leaves_out_what_is_no_finite_number() {
    assert_eq!(box_plot(&[f64::NAN, f64::INFINITY]), None);
    assert_eq!(box_plot(&[3.0, f64::NAN, 1.0, f64::NEG_INFINITY]), box_plot(&[1.0, 3.0]));
}

#[test]
fn a_spread_tells_what_it_does_not_know() {
    let none = spread(&[f64::NAN]);
    assert_eq!((none.n, none.std, none.interval), (0, None, None));
    let one = spread(&[3.0, f64::NAN]);
    assert_eq!((one.n, one.mean, one.median, one.std, one.interval), (1, 3.0, 3.0, None, None));
    let same = spread(&[0.1; 7]);
    assert_eq!((same.min, same.mean, same.max, same.interval), (0.1, 0.1, 0.1, Some((0.1, 0.1))));
    let infinite = spread(&[1.0, f64::INFINITY]);
    assert_eq!((infinite.n, infinite.max, infinite.std), (2, f64::INFINITY, None));
}

#[test]
fn students_t_is_that_of_scipy() {
    let mut deviations = Deviations::default();
    let student = expected("student");
    for row in student["p"].as_array().unwrap() {
        let dof = number(row, "dof");
        deviations.compare("p", student_t_two_sided(number(row, "t"), dof), number(row, "p"), 1e-10);
    }
    for row in student["quantile"].as_array().unwrap() {
        let dof = number(row, "dof");
        deviations.compare("t", student_t_quantile(number(row, "p"), dof), number(row, "t"), 1e-10);
    }
    deviations.print();
    // With one degree of freedom it is Cauchy's distribution.
    for t in [1e-9_f64, 1e-6, 1e-3] {
        let exact = 1.0 - t.atan() * std::f64::consts::FRAC_2_PI;
        assert!((student_t_two_sided(t, 1.0) - exact).abs() < 4e-16, "{t}");
    }
    assert_eq!(student_t_quantile(1.0, 5.0), 0.0);
    assert_eq!(student_t_two_sided(0.0, 5.0), 1.0);
    assert_eq!(student_t_two_sided(f64::INFINITY, 5.0), 0.0);
    assert!(student_t_quantile(0.0, 5.0).is_nan() && student_t_quantile(0.05, 0.0).is_nan());
}

#[test]
fn the_paired_t_test_is_that_of_scipy() {
    let mut deviations = Deviations::default();
    for row in expected("paired").as_array().unwrap() {
        let test = paired_t(&numbers(row, "first"), &numbers(row, "second")).unwrap();
        deviations.compare("t", test.t, number(row, "t"), 1e-10);
        deviations.compare("p", test.p, number(row, "p"), 1e-10);
        deviations.compare("low", test.interval.0, number(row, "low"), 1e-10);
        deviations.compare("high", test.interval.1, number(row, "high"), 1e-10);
    }
    deviations.print();
}

#[test]
fn the_corrected_resampled_t_test_is_nadeau_and_bengios() {
    let mut deviations = Deviations::default();
    for row in expected("corrected").as_array().unwrap() {
        let (n_train, n_test) = (row["n_train"].as_u64().unwrap(), row["n_test"].as_u64().unwrap());
        let (first, second) = (numbers(row, "first"), numbers(row, "second"));
        let test = corrected_resampled_t(&first, &second, n_train, n_test).unwrap();
        deviations.compare("t", test.t, number(row, "t"), 1e-10);
        deviations.compare("p", test.p, number(row, "p"), 1e-10);
        deviations.compare("low", test.interval.0, number(row, "low"), 1e-10);
        deviations.compare("high", test.interval.1, number(row, "high"), 1e-10);
        assert!(test.p > paired_t(&first, &second).unwrap().p, "the correction makes one less sure");
    }
    deviations.print();
}

#[test]
fn models_that_never_differ_are_equal_and_models_that_always_do_are_not() {
    let equal = paired_t(&[0.8, 0.9], &[0.8, 0.9]).unwrap();
    assert_eq!((equal.t, equal.p, equal.interval), (0.0, 1.0, (0.0, 0.0)));
    let always = paired_t(&[3.0, 5.0], &[2.0, 4.0]).unwrap();
    assert_eq!((always.t, always.p, always.interval), (f64::INFINITY, 0.0, (1.0, 1.0)));
}

#[test]
fn pairs_that_are_none_are_refused() {
    assert_eq!(paired_t(&[1.0], &[]), Err(StatsError::Unequal { n_first: 1, n_second: 0 }));
    assert_eq!(paired_t(&[1.0], &[0.5]), Err(StatsError::TooFew { found: 1, needed: 2 }));
    assert_eq!(paired_t(&[], &[]), Err(StatsError::TooFew { found: 0, needed: 2 }));
    assert_eq!(paired_t(&[1.0, f64::NAN], &[1.0, 2.0]), Err(StatsError::NotFinite { pair_idx: 1 }));
    assert_eq!(wilcoxon(&[f64::INFINITY], &[1.0]), Err(StatsError::NotFinite { pair_idx: 0 }));
    let folds = corrected_resampled_t(&[1.0, 2.0], &[1.0, 2.0], 0, 10);
    assert_eq!(folds, Err(StatsError::NoRows { n_train: 0, n_test: 10 }));
}

#[test]
fn mcnemars_test_is_that_of_scipys_distributions() {
    let mut deviations = Deviations::default();
    for row in expected("mcnemar").as_array().unwrap() {
        let (b, c) = (row["first_only"].as_u64().unwrap(), row["second_only"].as_u64().unwrap());
        let test = mcnemar(b, c);
        deviations.compare("exact", test.p_exact, number(row, "p_exact"), 1e-12);
        deviations.compare("chi-squared", test.chi_squared, number(row, "chi_squared"), 1e-14);
        deviations.compare("p of chi-squared", test.p_chi_squared, number(row, "p_chi_squared"), 1e-12);
    }
    deviations.print();
    assert_eq!((mcnemar(0, 0).p_exact, mcnemar(0, 0).p_chi_squared), (1.0, 1.0));
}

#[test]
fn wilcoxons_test_is_that_of_scipy() {
    let mut deviations = Deviations::default();
    for row in expected("wilcoxon").as_array().unwrap() {
        let (first, second) = (numbers(row, "first"), numbers(row, "second"));
        let test = wilcoxon(&first, &second).unwrap();
        let kind = if test.is_exact { "exact" } else { "normal" };
        assert_eq!(test.is_exact, test.n <= 50);
        deviations.compare(&format!("statistic, {kind}"), test.statistic, number(row, "statistic"), 1e-14);
        deviations.compare(&format!("p, {kind}"), test.p, number(row, "p"), 1e-12);
    }
    deviations.print();
    let equal = wilcoxon(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
    assert_eq!((equal.n, equal.p), (0, 1.0));
}

#[test]
fn holms_correction_is_that_of_statsmodels() {
    let mut deviations = Deviations::default();
    for row in expected("holm").as_array().unwrap() {
        for (ours, theirs) in holm(&numbers(row, "p")).into_iter().zip(numbers(row, "adjusted")) {
            deviations.compare("adjusted p", ours, theirs, 1e-12);
        }
    }
    deviations.print();
    assert_eq!(holm(&[]), [0.0; 0]);
    let with_none = holm(&[f64::NAN, 0.02, 0.01]);
    assert!(with_none[0].is_nan());
    assert_eq!(with_none[1..], [0.02, 0.02]);
}
