//! Boosted trees against scikit-learn's HistGradientBoosting, row by row. `boosting.py` makes `boosting.json`.

#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use std::path::PathBuf;

use learn::boosting::{BoostingColumn, BoostingRows, BoostingSettings, Loss, fit};
use learn::dataset::Labels;
use learn::{Unwatched, block_on, metrics};
use model::Matrix;
use parity::Parity;
use serde_json::Value;

/// What every number and every probability is held to, relative to the largest one.
const TOLERANCE: f64 = 1e-6;
/// Sets with a number to predict.
const NUMBERS: [&str; 6] = ["cancer_texture", "diabetes", "friedman", "generated_number", "iris_width", "wine_proline"];

struct Case {
    name: &'static str,
    data: &'static str,
    has_gaps: bool,
    is_weighted: bool,
    settings: BoostingSettings,
    directions: &'static [i8],
    /// Not where the libraries choose otherwise among splits that are as good: scikit-learn takes the last of equal
    /// thresholds where gaps go left, rounds gradients to 24 bits where whole numbers make many splits equal, and judges
    /// values that are cut at a bound by their gradients alone. There accuracy or R² is compared.
    is_exact: bool,
}

fn case(name: &'static str, data: &'static str, change: impl FnOnce(&mut BoostingSettings)) -> Case {
    let mut settings = BoostingSettings { n_trees: 40, max_leaves: 8, min_rows_leaf: 5, ..BoostingSettings::default() };
    change(&mut settings);
    Case { name, data, has_gaps: false, is_weighted: false, settings, directions: &[], is_exact: true }
}

fn cases() -> Vec<Case> {
    let numbers = "diabetes";
    vec![
        case("two classes", "breast_cancer", |_| ()),
        Case { has_gaps: true, ..case("two classes with gaps", "breast_cancer", |settings| settings.l2_weight = 1.0) },
        case("three classes", "wine", |_| ()),
        Case {
            is_exact: false,
            ..case("ten classes", "digits", |settings| {
                (settings.n_trees, settings.max_leaves, settings.min_rows_leaf) = (5, 31, 20);
            })
        },
        case("numbers", numbers, |_| ()),
        Case {
            has_gaps: true,
            is_exact: false,
            ..case("numbers with gaps", numbers, |settings| settings.max_depth = Some(2))
        },
        Case { is_weighted: true, ..case("numbers with weights", numbers, |_| ()) },
        case("medians", numbers, |settings| settings.loss = Loss::Absolute),
        Case { is_exact: false, ..case("upper quantiles", numbers, |settings| settings.loss = Loss::Quantile(0.75)) },
        case("counts", numbers, |settings| settings.loss = Loss::Poisson),
        Case {
            directions: &[0, 0, 1, 1, 0, 0, -1, 0, 0, 0],
            is_exact: false,
            ..case("rising and falling", numbers, |_| ())
        },
        case("iris", "iris", |_| ()),
        case("generated_class", "generated_class", |_| ()),
        case("moons", "moons", |_| ()),
        case("generated_number", "generated_number", |_| ()),
        case("iris_width", "iris_width", |_| ()),
        case("wine_proline", "wine_proline", |_| ()),
        case("cancer_texture", "cancer_texture", |_| ()),
        case("friedman", "friedman", |_| ()),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference")
}

/// Columns at 64 levels, and the target.
fn read(case: &Case) -> (Vec<Vec<f64>>, Vec<f64>) {
    let text = std::fs::read_to_string(folder().join("data").join(format!("{}.csv", case.data))).expect("the data set");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let n_columns = rows[0].len() - 1;
    let mut columns = Vec::new();
    for at in 0..n_columns {
        let values = column(at);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = if high > low { high - low } else { 1.0 };
        columns.push(values.iter().map(|x| ((x - low) / range * 63.0).floor()).collect::<Vec<f64>>());
    }
    if case.has_gaps {
        columns[0].iter_mut().step_by(7).for_each(|x| *x = f64::NAN);
    }
    (columns, column(n_columns))
}

fn predicted(case: &Case) -> Vec<f64> {
    let (columns, y) = read(case);
    let is_held_out = |row_idx: &usize| row_idx.is_multiple_of(4);
    let of = |keep: &dyn Fn(&usize) -> bool| -> (Matrix, Vec<f64>) {
        let kept: Vec<usize> = (0..y.len()).filter(keep).collect();
        let values = columns.iter().flat_map(|column| kept.iter().map(|&row_idx| column[row_idx])).collect();
        let x = Matrix { values, n_rows: kept.len(), n_columns: columns.len() };
        (x, kept.iter().map(|&row_idx| y[row_idx]).collect())
    };
    let (x, target) = of(&|row_idx| !is_held_out(row_idx));
    let is_class = !NUMBERS.contains(&case.data);
    let n_classes = if is_class { 1 + y.iter().fold(0.0f64, |most, y| most.max(*y)) as usize } else { 0 };
    let labels =
        if is_class { Labels::Classes(target.iter().map(|y| *y as u32).collect()) } else { Labels::Numbers(target) };
    let weights: Vec<f64> = (0..y.len()).filter(|i| !is_held_out(i)).map(|i| (1 + i % 3) as f64).collect();
    let weights = case.is_weighted.then_some(&weights[..]);
    let bound =
        |at: usize| BoostingColumn { n_categories: None, direction: case.directions.get(at).copied().unwrap_or(0) };
    let told: Vec<BoostingColumn> = (0..columns.len()).map(bound).collect();
    let rows = BoostingRows { x: &x, columns: &told, labels: &labels, n_classes, weights };
    let fitted = block_on(fit(&case.settings, rows, 1, &mut Unwatched));
    fitted.expect("a fit").boosted.predict(&of(&is_held_out).0)
}

#[test]
fn boosted_trees_agree() {
    let text = std::fs::read_to_string(folder().join("boosting.json")).expect("the reference");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let mut parity = Parity::default();
    for case in cases() {
        let found = predicted(&case);
        let expected: Vec<f64> =
            expected[case.name].as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect();
        let mut compared = parity.of("learn.boosted-decision-tree", case.data);
        if case.is_exact {
            compared.near(format!("{}: predictions", case.name), &found, &expected, TOLERANCE);
        } else {
            assert_eq!(found.len(), expected.len(), "{}", case.name);
            let what = format!("{}: {}", case.name, if NUMBERS.contains(&case.data) { "R²" } else { "accuracy" });
            compared.metric(what, score(&case, &found), score(&case, &expected));
        }
    }
    parity.check("Boosted trees");
}

/// Accuracy, or R², on the rows held out.
fn score(case: &Case, predicted: &[f64]) -> f64 {
    let truth: Vec<f64> = read(case).1.into_iter().step_by(4).collect();
    let n_classes = predicted.len() / truth.len();
    if n_classes == 1 {
        return metrics::regression(&truth, predicted).expect("metrics").r2.expect("numbers that differ");
    }
    let classes: Vec<u32> = truth.iter().map(|y| *y as u32).collect();
    metrics::classification(&classes, predicted, n_classes, 1).expect("metrics").accuracy
}
