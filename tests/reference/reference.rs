//! Learners, transforms and metrics against scikit-learn, on the data sets beside this file.
//!
//! `generate.py` made `data/*.csv` and `expected.json`; its versions are printed at the top of the table that
//! `cargo test -p millrace-tests --test reference -- --nocapture` prints. What has a closed form is held to 1e-6 of the
//! number, coefficients of iterative fits to 1e-5, metrics of iterative fits, trees and forests to 0.01.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use learn::linear::{LinearMethod, LinearSettings};
use learn::logistic::{ClassWeights, LogisticSettings};
use learn::preprocess::{
    CleanMode, CleanSettings, IndicatorSettings, NormalizeMethod, NormalizeSettings, fit_clean_missing, fit_indicators,
    fit_normalize,
};
use learn::{
    BaselineClass, BaselineNumber, BaselineSettings, Clusterer, Criterion, FeaturesPerSplit, ForestSettings, Init,
    KMeansSettings, Learner, Metric, NeighborsSettings, TreeSettings, Unwatched, Weighting, block_on, metrics,
};
use model::{Estimator, Fill, Model, NewColumn, NewValues, Prediction, Rescale, Transform};
use schema::{Column, ColumnSelection, Kind, Role};
use serde_json::Value;
use table::Table;

const CLOSED_FORM: f64 = 1e-6;
const COEFFICIENT: f64 = 1e-5;
const METRIC: f64 = 0.01;
const N_FOLDS: usize = 4;

/// One data set and what scikit-learn says of it.
struct Set {
    name: String,
    columns: Vec<Vec<f64>>,
    target: Vec<f64>,
    is_class: bool,
    expected: Value,
}

/// One line of the table.
struct Line {
    what: String,
    deviation: f64,
    tolerance: f64,
}

/// Everything that was compared, so that one run shows every deviation.
#[derive(Default)]
struct Parity {
    lines: Vec<Line>,
}

impl Parity {
    /// Compares numbers, relative to the largest of their kind.
    fn near(&mut self, what: impl Into<String>, found: &[f64], expected: &[f64], tolerance: f64) {
        let largest = expected.iter().fold(0.0f64, |largest, e| largest.max(e.abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let deviation = if found.len() == expected.len() {
            found.iter().zip(expected).map(|(f, e)| (f - e).abs() / scale).fold(0.0, nan_max)
        } else {
            f64::INFINITY
        };
        self.lines.push(Line { what: what.into(), deviation, tolerance });
    }

    /// Compares each number relative to itself.
    fn each(&mut self, what: impl Into<String>, found: &[f64], expected: &[f64], tolerance: f64) {
        let deviation = if found.len() == expected.len() {
            found.iter().zip(expected).map(|(f, e)| (f - e).abs() / e.abs().max(1e-9)).fold(0.0, nan_max)
        } else {
            f64::INFINITY
        };
        self.lines.push(Line { what: what.into(), deviation, tolerance });
    }

    /// Compares a metric, absolutely.
    fn metric(&mut self, what: impl Into<String>, found: f64, expected: f64) {
        let what = format!("{} ({found:.4}, scikit-learn {expected:.4})", what.into());
        self.lines.push(Line { what, deviation: (found - expected).abs(), tolerance: METRIC });
    }

    fn check(self, title: &str) {
        let mut text = format!("\n{title}: deviation from scikit-learn {}\n", versions());
        let mut wrong = Vec::new();
        for line in &self.lines {
            let holds = line.deviation <= line.tolerance;
            let mark = if holds { "  " } else { "!!" };
            let _ = writeln!(text, "{mark} {:>9.1e} of {:>7.0e}  {}", line.deviation, line.tolerance, line.what);
            if !holds {
                wrong.push(line.what.as_str());
            }
        }
        println!("{text}");
        assert!(wrong.is_empty(), "{text}\nbeyond tolerance: {wrong:#?}");
    }
}

/// The larger one; NaN counts as infinite.
fn nan_max(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference")
}

fn expected() -> Value {
    let text = std::fs::read_to_string(folder().join("expected.json")).expect("expected.json is kept with the test");
    serde_json::from_str(&text).expect("generate.py writes JSON")
}

/// The versions that made the numbers.
fn versions() -> String {
    let versions = expected()["versions"].clone();
    format!("{} (numpy {}, scipy {})", versions["scikit-learn"], versions["numpy"], versions["scipy"])
}

fn sets() -> Vec<Set> {
    let expected = expected();
    let sets = expected["sets"].as_object().expect("data sets by name");
    sets.iter()
        .map(|(name, expected)| {
            let text = std::fs::read_to_string(folder().join(format!("data/{name}.csv"))).expect("one file a set");
            let rows: Vec<Vec<f64>> = text
                .lines()
                .skip(1)
                .map(|line| line.split(',').map(|field| field.parse().expect("numbers only")).collect())
                .collect();
            let mut columns: Vec<Vec<f64>> =
                (0..rows[0].len()).map(|column_idx| rows.iter().map(|row| row[column_idx]).collect()).collect();
            let target = columns.pop().expect("a target");
            let is_class = expected["kind"] == "class";
            Set { name: name.clone(), columns, target, is_class, expected: expected.clone() }
        })
        .collect()
}

impl Set {
    fn at(&self, path: &str) -> &Value {
        let found = self.expected.pointer(path);
        found.unwrap_or_else(|| panic!("expected.json has no {path} for {}", self.name))
    }

    fn number(&self, path: &str) -> f64 {
        self.at(path).as_f64().expect("a number")
    }

    fn numbers(&self, path: &str) -> Vec<f64> {
        let values = self.at(path).as_array().expect("numbers");
        values.iter().map(|value| value.as_f64().unwrap_or(f64::INFINITY)).collect()
    }

    /// Rows that `keep`, all columns as numbers; the target a category where it is a class.
    fn table(&self, keep: impl Fn(usize) -> bool) -> Table {
        let rows: Vec<usize> = (0..self.target.len()).filter(|&row_idx| keep(row_idx)).collect();
        let pick = |values: &[f64]| rows.iter().map(|&row_idx| values[row_idx]).collect::<Vec<f64>>();
        let mut columns: Vec<NewColumn> =
            self.columns.iter().enumerate().map(|(j, values)| number(&format!("x{j}"), pick(values))).collect();
        let target = pick(&self.target);
        columns.push(if self.is_class {
            let codes = target.iter().map(|&class| class as i32).collect();
            let dictionary = (0..self.n_classes()).map(|class| class.to_string()).collect();
            let column = Column::new("target", Kind::Category).with_role(Role::Target);
            NewColumn { column, values: NewValues::Category { codes, dictionary }, valid: None }
        } else {
            let mut column = number("target", target);
            column.column.role = Role::Target;
            column
        });
        Table::from_new_columns(columns, rows.len()).expect("a table")
    }

    fn n_classes(&self) -> usize {
        self.target.iter().fold(0.0f64, |most, class| most.max(*class)) as usize + 1
    }

    /// The rows of fold 0, which are held out.
    fn held_out(&self) -> Vec<usize> {
        (0..self.target.len()).filter(|row_idx| row_idx % N_FOLDS == 0).collect()
    }

    fn held_out_target(&self) -> Vec<f64> {
        self.held_out().into_iter().map(|row_idx| self.target[row_idx]).collect()
    }

    /// Predictions of every row by models that have not seen it.
    fn cross_validated(&self, learner: &Learner, seed: u64) -> Vec<f64> {
        let width = if self.is_class { self.n_classes() } else { 1 };
        let mut predicted = vec![0.0; self.target.len() * width];
        for fold in 0..N_FOLDS {
            let model = train(learner, &self.table(|row_idx| row_idx % N_FOLDS != fold), seed);
            let part = values(&model, &self.table(|row_idx| row_idx % N_FOLDS == fold));
            for (position, row) in part.chunks(width).enumerate() {
                predicted[(position * N_FOLDS + fold) * width..][..width].copy_from_slice(row);
            }
        }
        predicted
    }
}

fn number(name: &str, values: Vec<f64>) -> NewColumn {
    NewColumn { column: Column::new(name, Kind::Number), values: NewValues::Number(values), valid: None }
}

fn classes(target: &[f64]) -> Vec<u32> {
    target.iter().map(|&class| class as u32).collect()
}

fn train(learner: &Learner, table: &Table, seed: u64) -> Model {
    block_on(learn::train(learner, table, "target", seed, &mut Unwatched)).expect("a model")
}

fn values(model: &Model, table: &Table) -> Vec<f64> {
    match model.predict(&table.frame()).expect("predictions") {
        Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
    }
}

#[test]
fn linear_models_agree() {
    let mut parity = Parity::default();
    for set in sets().iter().filter(|set| !set.is_class) {
        let (training, held_out) = (set.table(|i| i % N_FOLDS != 0), set.table(|i| i % N_FOLDS == 0));
        let default = LinearSettings::default();
        for (name, method, l1_weight, l2_weight, tolerance) in [
            ("least_squares", LinearMethod::LeastSquares, 0.0, 0.0, CLOSED_FORM),
            ("ridge_1", LinearMethod::Ridge, 0.0, 1.0, CLOSED_FORM),
            ("ridge_100", LinearMethod::Ridge, 0.0, 100.0, CLOSED_FORM),
            ("lasso_0.1", LinearMethod::Lasso, 0.1, 0.0, COEFFICIENT),
            ("lasso_1", LinearMethod::Lasso, 1.0, 0.0, COEFFICIENT),
            ("elastic_net", LinearMethod::ElasticNet, 0.5 * 0.4, 0.5 * 0.6, COEFFICIENT),
        ] {
            let settings = LinearSettings { method, l1_weight, l2_weight, ..default };
            let model = train(&Learner::Linear(settings), &training, 0);
            let Estimator::Linear(linear) = &model.estimator else { panic!("a linear model") };
            let what = format!("{} {name}", set.name);
            let path = |part: &str| format!("/linear/{name}/{part}");
            let mut coefficients = [linear.coefficients.clone(), set.numbers(&path("coefficients"))];
            if method == LinearMethod::Lasso && set.name == "generated_number" {
                // The last column repeats x5, and lasso does not mind how the two share: only their sum is determined.
                for coefficients in &mut coefficients {
                    let shared = coefficients.pop().expect("a repeated column");
                    coefficients[5] += shared;
                }
            }
            let [found, expected] = &coefficients;
            parity.near(format!("{what}: coefficients"), found, expected, tolerance);
            parity.each(
                format!("{what}: intercept"),
                &[linear.intercept],
                &[set.number(&path("intercept"))],
                tolerance,
            );
            let metrics = metrics::regression(&set.held_out_target(), &values(&model, &held_out)).expect("metrics");
            parity.each(
                format!("{what}: R²"),
                &[metrics.r2.unwrap_or(f64::NAN)],
                &[set.number(&path("r2"))],
                tolerance,
            );
        }
        let weights = (0..set.target.len()).filter(|i| i % N_FOLDS != 0).map(|i| (1 + i % 3) as f64).collect();
        let mut column = number("weight", weights);
        column.column.role = Role::Weight;
        let weighted = training.with_columns(vec![column]).expect("a table");
        let settings = LinearSettings { method: LinearMethod::Ridge, l2_weight: 1.0, ..default };
        let model = train(&Learner::Linear(settings), &weighted, 0);
        let Estimator::Linear(linear) = &model.estimator else { panic!("a linear model") };
        let expected = set.numbers("/linear/weighted_ridge_1/coefficients");
        parity.near(
            format!("{} weighted ridge_1: coefficients", set.name),
            &linear.coefficients,
            &expected,
            CLOSED_FORM,
        );
    }
    parity.check("Linear regression");
}

#[test]
fn logistic_models_agree() {
    let mut parity = Parity::default();
    for set in sets().iter().filter(|set| set.is_class) {
        let (training, held_out) = (set.table(|i| i % N_FOLDS != 0), set.table(|i| i % N_FOLDS == 0));
        for (name, l2_weight, class_weights) in [
            ("1.0", 1.0, ClassWeights::Uniform),
            ("0.1", 0.1, ClassWeights::Uniform),
            ("balanced", 1.0, ClassWeights::Balanced),
        ] {
            let settings = LogisticSettings { l2_weight, class_weights, ..LogisticSettings::default() };
            let model = train(&Learner::Logistic(settings), &training, 0);
            let Estimator::Logistic(logistic) = &model.estimator else { panic!("a logistic model") };
            let what = format!("{} logistic, L2 {name}", set.name);
            let fit = set.at("/logistic").get(name).expect("a fit").clone();
            let numbers = |part: &str| -> Vec<f64> {
                fit[part].as_array().expect("numbers").iter().map(|v| v.as_f64().expect("a number")).collect()
            };
            parity.near(format!("{what}: coefficients"), &logistic.coefficients, &numbers("coefficients"), COEFFICIENT);
            if class_weights == ClassWeights::Balanced {
                continue;
            }
            parity.near(format!("{what}: intercepts"), &logistic.intercepts, &numbers("intercepts"), COEFFICIENT);
            let predicted = values(&model, &held_out);
            let actual = classes(&set.held_out_target());
            let found = metrics::classification(&actual, &predicted, set.n_classes(), 1).expect("metrics");
            parity.metric(format!("{what}: accuracy"), found.accuracy, fit["accuracy"].as_f64().expect("a number"));
            let log_loss = fit["log_loss"].as_f64().expect("a number");
            parity.each(format!("{what}: log loss"), &[found.log_loss.unwrap_or(f64::NAN)], &[log_loss], 1e-4);
        }
    }
    parity.check("Logistic regression");
}

/// With an L1 weight there need not be one solution only, and scikit-learn's `saga` stops before it is there: what is
/// minimised must not be larger than there, and the metrics near.
#[test]
fn sparse_logistic_models_agree() {
    let mut parity = Parity::default();
    for set in sets().iter().filter(|set| set.is_class) {
        let scaled = scaled(set);
        let part = |held_out: bool| {
            let rows: Vec<bool> = (0..set.target.len()).map(|i| (i % N_FOLDS == 0) == held_out).collect();
            scaled.filter(&rows)
        };
        let (training, held_out) = (part(false), part(true));
        for (name, l1_weight, l2_weight) in [("l1", 1.0, 0.0), ("elastic_net", 0.5, 0.5)] {
            let settings = LogisticSettings { l1_weight, l2_weight, ..LogisticSettings::default() };
            let model = train(&Learner::Logistic(settings), &training, 0);
            let Estimator::Logistic(logistic) = &model.estimator else { panic!("a logistic model") };
            let what = format!("{} logistic, {name}", set.name);
            let number = |part: &str| set.number(&format!("/logistic/{name}/{part}"));
            let judged = |table: &Table, keep: fn(usize) -> bool| {
                let actual: Vec<f64> = (0..set.target.len()).filter(|i| keep(*i)).map(|i| set.target[i]).collect();
                metrics::classification(&classes(&actual), &values(&model, table), set.n_classes(), 1).expect("metrics")
            };
            let own = judged(&training, |i| i % N_FOLDS != 0);
            let loss = own.log_loss.unwrap_or(f64::NAN) * own.n_rows as f64;
            let penalty = |w: &f64| l1_weight * w.abs() + l2_weight / 2.0 * w * w;
            let objective = loss + logistic.coefficients.iter().map(penalty).sum::<f64>();
            let theirs = number("objective");
            parity.each(format!("{what}: objective"), &[objective.max(theirs)], &[theirs], CLOSED_FORM);
            let found = judged(&held_out, |i| i % N_FOLDS == 0);
            parity.metric(format!("{what}: accuracy"), found.accuracy, number("accuracy"));
            parity.metric(format!("{what}: log loss"), found.log_loss.unwrap_or(f64::NAN), number("log_loss"));
        }
    }
    parity.check("Logistic regression with an L1 weight");
}

/// All rows, columns with mean 0 and deviation 1.
fn scaled(set: &Set) -> Table {
    let table = set.table(|_| true);
    let fitted = fit_normalize(&table, &NormalizeSettings::default()).expect("a transform");
    learn::transform::apply(&fitted.transform, &table).expect("a table")
}

#[test]
fn baselines_agree() {
    let mut parity = Parity::default();
    for set in sets() {
        let (training, held_out) = (set.table(|i| i % N_FOLDS != 0), set.table(|i| i % N_FOLDS == 0));
        let first = held_out.take(&[0]);
        for (name, class, number) in [
            (["prior", "mean"], BaselineClass::Prior, BaselineNumber::Mean),
            (["most_frequent", "median"], BaselineClass::MostFrequent, BaselineNumber::Median),
        ] {
            let model = train(&Learner::Baseline(BaselineSettings { class, number }), &training, 0);
            let name = name[usize::from(!set.is_class)];
            let path = format!("/baseline/{name}");
            let expected = if set.is_class { set.numbers(&path) } else { vec![set.number(&path)] };
            parity.near(format!("{} baseline, {name}", set.name), &values(&model, &first), &expected, CLOSED_FORM);
        }
    }
    parity.check("Constant baseline");
}

#[test]
fn scalers_and_imputers_agree() {
    let mut parity = Parity::default();
    for set in sets() {
        let table = set.table(|_| true);
        let last = table.take(&[table.n_rows() as u32 - 1]);
        for (name, method, shifts, scales) in [
            ("z_score", NormalizeMethod::ZScore, "means", "deviations"),
            ("min_max", NormalizeMethod::MinMax, "minima", "ranges"),
        ] {
            let settings = NormalizeSettings { method, ..NormalizeSettings::default() };
            let fitted = fit_normalize(&table, &settings).expect("a transform");
            let Transform::Normalize(normalize) = &fitted.transform else { panic!("a scaler") };
            let expected_shifts = set.numbers(&format!("/{name}/{shifts}"));
            let expected_scales = set.numbers(&format!("/{name}/{scales}"));
            for (column_idx, (column, _, rescale)) in normalize.columns.iter().enumerate() {
                // scikit-learn divides a constant column by 1 where ours becomes 0; both give 0.
                if let Rescale::Affine { shift, scale } = rescale {
                    let what = format!("{} {name} {column}", set.name);
                    let expected = [expected_shifts[column_idx], expected_scales[column_idx]];
                    parity.each(what, &[*shift, *scale], &expected, CLOSED_FORM);
                }
            }
            let scaled = learn::transform::apply(&fitted.transform, &last).expect("a table");
            let found = row(&scaled, set.columns.len());
            parity.near(
                format!("{} {name}: last row", set.name),
                &found,
                &set.numbers(&format!("/{name}/last_row")),
                CLOSED_FORM,
            );
        }

        for (name, method, ddof) in [
            ("logistic", NormalizeMethod::Logistic, 0),
            ("tanh", NormalizeMethod::Tanh, 0),
            ("sample", NormalizeMethod::ZScore, 1),
        ] {
            let settings = NormalizeSettings { method, ddof, ..NormalizeSettings::default() };
            let fitted = fit_normalize(&table, &settings).expect("a transform");
            let found = row(&learn::transform::apply(&fitted.transform, &last).expect("a table"), set.columns.len());
            let expected = set.numbers(&format!("/shapes/{name}"));
            parity.near(format!("{} scaled, {name}: last row", set.name), &found, &expected, CLOSED_FORM);
        }
        let above_0 = set.numbers("/shapes/log_normal_columns");
        if !above_0.is_empty() {
            let names = above_0.iter().map(|j| format!("x{j}")).collect();
            let columns = ColumnSelection::Names(names);
            let settings =
                NormalizeSettings { method: NormalizeMethod::LogNormal, columns, ..NormalizeSettings::default() };
            let fitted = fit_normalize(&table, &settings).expect("a transform");
            let all = row(&learn::transform::apply(&fitted.transform, &last).expect("a table"), set.columns.len());
            let found: Vec<f64> = above_0.iter().map(|j| all[*j as usize]).collect();
            let expected = set.numbers("/shapes/log_normal");
            parity.near(format!("{} scaled, log-normal: last row", set.name), &found, &expected, CLOSED_FORM);
        }

        if set.is_class {
            let columns = ColumnSelection::Names(vec!["target".into()]);
            let fitted = fit_indicators(&table, &IndicatorSettings { columns, keep: false }).expect("a transform");
            let converted = learn::transform::apply(&fitted.transform, &table).expect("a table");
            let frame = converted.frame();
            let made: Vec<Vec<f64>> = frame.columns[set.columns.len()..].iter().map(numbers_of).collect();
            let sums: Vec<f64> = made.iter().map(|values| values.iter().sum()).collect();
            let last: Vec<f64> = made.iter().map(|values| values[values.len() - 1]).collect();
            parity.each(format!("{} indicators: sums", set.name), &sums, &set.numbers("/one_hot/sums"), CLOSED_FORM);
            parity.near(
                format!("{} indicators: last row", set.name),
                &last,
                &set.numbers("/one_hot/last_row"),
                CLOSED_FORM,
            );
        }

        let n_columns = set.columns.len();
        let hollow: Vec<NewColumn> = (set.columns.iter().enumerate())
            .map(|(j, values)| {
                let valid = (0..values.len()).map(|i| (i * n_columns + j) % 7 != 3).collect();
                NewColumn { valid: Some(valid), ..number(&format!("x{j}"), values.clone()) }
            })
            .collect();
        let hollow = Table::from_new_columns(hollow, set.target.len()).expect("a table");
        let settings =
            CleanSettings { columns: ColumnSelection::All, mode: CleanMode::RemoveRows, ..CleanSettings::default() };
        let fitted = fit_clean_missing(&hollow, &settings).expect("a transform");
        let left = learn::transform::apply(&fitted.transform, &hollow).expect("a table").n_rows() as f64;
        parity.near(format!("{} rows without a gap", set.name), &[left], &[set.number("/complete_rows")], CLOSED_FORM);
        for (name, mode) in [("mean", CleanMode::Mean), ("median", CleanMode::Median), ("mode", CleanMode::Mode)] {
            let settings = CleanSettings { columns: ColumnSelection::All, mode, ..CleanSettings::default() };
            let fitted = fit_clean_missing(&hollow, &settings).expect("a transform");
            let Transform::CleanMissing(clean) = &fitted.transform else { panic!("an imputer") };
            let found: Vec<f64> = (clean.columns.iter())
                .map(|(_, fill)| if let Fill::Number(x) = fill { *x } else { f64::NAN })
                .collect();
            parity.each(
                format!("{} impute {name}", set.name),
                &found,
                &set.numbers(&format!("/impute/{name}")),
                CLOSED_FORM,
            );
        }
    }
    parity.check("Scalers and imputers");
}

/// The first row of the first columns.
fn row(table: &Table, n_columns: usize) -> Vec<f64> {
    table.frame().columns[..n_columns].iter().map(|column| numbers_of(column)[0]).collect()
}

fn numbers_of(column: &model::ColumnView<'_>) -> Vec<f64> {
    match &column.values {
        model::Values::Number(values) => values.to_vec(),
        model::Values::Integer(values) => values.iter().map(|&n| n as f64).collect(),
        _ => vec![f64::NAN],
    }
}

#[test]
fn metrics_agree() {
    let mut parity = Parity::default();
    for set in sets() {
        let scores = set.numbers("/scores");
        let target = set.held_out_target();
        let found: Vec<(&str, Option<f64>)> = if set.is_class {
            let m = metrics::classification(&classes(&target), &scores, set.n_classes(), 1).expect("metrics");
            let (by_class, by_row) = (m.macro_average, m.weighted_average);
            vec![
                ("accuracy", Some(m.accuracy)),
                ("balanced_accuracy", Some(m.balanced_accuracy)),
                ("precision", Some(m.precision)),
                ("recall", Some(m.recall)),
                ("f1", Some(m.f1)),
                ("macro_precision", Some(by_class.precision)),
                ("macro_recall", Some(by_class.recall)),
                ("macro_f1", Some(by_class.f1)),
                ("weighted_precision", Some(by_row.precision)),
                ("weighted_recall", Some(by_row.recall)),
                ("weighted_f1", Some(by_row.f1)),
                ("auc", m.auc),
                ("average_precision", m.average_precision),
                ("brier", m.brier),
                ("mcc", Some(m.mcc)),
                ("kappa", Some(m.kappa)),
            ]
        } else {
            let m = metrics::regression(&target, &scores).expect("metrics");
            vec![
                ("mae", Some(m.mae)),
                ("mse", Some(m.mse)),
                ("rmse", Some(m.rmse)),
                ("median_absolute_error", Some(m.median_absolute_error)),
                ("max_error", Some(m.max_error)),
                ("r2", m.r2),
                ("explained_variance", m.explained_variance),
                ("relative_absolute_error", m.relative_absolute_error),
                ("relative_squared_error", m.relative_squared_error),
            ]
        };
        for (name, found) in found {
            let expected = [set.number(&format!("/metrics/{name}"))];
            parity.each(format!("{} {name}", set.name), &[found.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
        }
        if !set.is_class {
            continue;
        }
        if set.n_classes() == 2 {
            let hits: Vec<bool> = target.iter().map(|&class| class == 1.0).collect();
            let of_positive: Vec<f64> = scores.iter().skip(1).step_by(2).copied().collect();
            let roc = metrics::roc(&hits, &of_positive).expect("a curve").expect("two classes");
            let (fpr, tpr): (Vec<f64>, Vec<f64>) =
                roc.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).unzip();
            let theirs: Vec<(f64, f64)> = set.numbers("/roc/fpr").into_iter().zip(set.numbers("/roc/tpr")).collect();
            let ours: Vec<(f64, f64)> = fpr.into_iter().zip(tpr).collect();
            // Both leave out points on straight lines, ours more of them: each curve has to pass through the other's points.
            let apart = distance(&theirs, &ours).max(distance(&ours, &theirs));
            parity.near(format!("{} ROC curve", set.name), &[apart], &[0.0], CLOSED_FORM);
            // scikit-learn's curve rises in the threshold and goes on after recall is 1.
            let curve = metrics::precision_recall(&hits, &of_positive).expect("a curve").expect("two classes");
            let ours =
                |value: fn(&metrics::PrecisionRecallPoint) -> f64| curve.points.iter().map(value).collect::<Vec<f64>>();
            for (name, found) in [("precision", ours(|p| p.precision)), ("recall", ours(|p| p.recall))] {
                let mut theirs = set.numbers(&format!("/precision_recall/{name}"));
                theirs.reverse();
                theirs.truncate(found.len());
                parity.near(format!("{} precision-recall, {name}", set.name), &found, &theirs, CLOSED_FORM);
            }
        }
        let n_classes = set.n_classes();
        let found = metrics::classification(&classes(&target), &scores, n_classes, 1).expect("metrics").confusion;
        let found: Vec<f64> = found.counts.iter().map(|&n| n as f64).collect();
        parity.near(format!("{} confusion", set.name), &found, &set.numbers("/confusion"), CLOSED_FORM);
        // scikit-learn's logarithms are of shares that sum to 1; these were rounded.
        let shares: Vec<f64> = scores
            .chunks(n_classes)
            .flat_map(|row| row.iter().map(|p| p / row.iter().sum::<f64>()).collect::<Vec<_>>())
            .collect();
        let log_loss = metrics::classification(&classes(&target), &shares, n_classes, 1).expect("metrics").log_loss;
        let expected = [set.number("/metrics/log_loss")];
        parity.each(format!("{} log_loss", set.name), &[log_loss.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
        let scaled = scaled(&set);
        let idxs: Vec<usize> = (0..set.columns.len()).collect();
        let (_, x) = learn::dataset::matrix(&scaled.frame_of(&idxs)).expect("numbers");
        let found = metrics::clustering(&x, &classes(&set.target), set.n_classes(), 0).expect("metrics");
        for (name, found) in [
            ("silhouette", found.silhouette),
            ("davies_bouldin", found.davies_bouldin),
            ("inertia", Some(found.inertia)),
        ] {
            let expected = [set.number(&format!("/clustering/{name}"))];
            parity.each(format!("{} {name}", set.name), &[found.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
        }
    }
    parity.check("Metrics");
}

/// How far the points of one curve are from the lines of another, at most.
fn distance(points: &[(f64, f64)], curve: &[(f64, f64)]) -> f64 {
    let from_line = |p: (f64, f64), a: (f64, f64), b: (f64, f64)| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let along = ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (dx * dx + dy * dy).max(1e-300);
        let t = along.clamp(0.0, 1.0);
        (a.0 + t * dx - p.0).abs() + (a.1 + t * dy - p.1).abs()
    };
    let from_curve =
        |p: &(f64, f64)| curve.windows(2).map(|ends| from_line(*p, ends[0], ends[1])).fold(f64::INFINITY, f64::min);
    points.iter().map(from_curve).fold(0.0, nan_max)
}

#[test]
fn neighbours_agree() {
    let mut parity = Parity::default();
    for set in sets() {
        let scaled = scaled(&set);
        let rows = |keep: fn(usize) -> bool| scaled.filter(&(0..scaled.n_rows()).map(keep).collect::<Vec<bool>>());
        let (training, held_out) = (rows(|i| i % N_FOLDS != 0), rows(|i| i % N_FOLDS == 0));
        let width = if set.is_class { set.n_classes() } else { 1 };
        for (name, weighting, metric, clear) in [
            ("uniform", Weighting::Uniform, Metric::Euclidean, "clear"),
            ("distance", Weighting::Distance, Metric::Euclidean, "clear"),
            ("manhattan", Weighting::Uniform, Metric::Manhattan, "clear_manhattan"),
        ] {
            // Where the fifth and the sixth are equally near, either answer is right.
            let clear = set.numbers(&format!("/neighbors/{clear}"));
            let only_clear = |values: &[f64]| -> Vec<f64> {
                let rows = values.chunks(width).zip(&clear).filter(|(_, clear)| **clear == 1.0);
                rows.flat_map(|(row, _)| row.to_vec()).collect()
            };
            let settings = NeighborsSettings { weighting, metric, standardize: false, ..NeighborsSettings::default() };
            let model = train(&Learner::Neighbors(settings), &training, 0);
            let found = only_clear(&values(&model, &held_out));
            let expected = only_clear(&set.numbers(&format!("/neighbors/{name}")));
            let what = format!("{} k-NN, {name} ({} of {} rows)", set.name, found.len() / width, clear.len());
            parity.near(what, &found, &expected, CLOSED_FORM);
        }
    }
    parity.check("k-nearest neighbours");
}

#[test]
fn k_means_agrees() {
    let mut parity = Parity::default();
    for set in sets() {
        let table = set.table(|_| true);
        let idxs: Vec<usize> = (0..set.columns.len()).collect();
        for k in [2, 3, 5] {
            let clusterer = Clusterer::KMeans(KMeansSettings { k, n_init: 20, ..KMeansSettings::default() });
            let clustering = block_on(learn::train_clustering(&clusterer, &table, &idxs, 1, &mut Unwatched));
            let expected = set.number(&format!("/k_means/{k}"));
            let inertia = clustering.expect("a clustering").inertia;
            // Lower is better and no deviation.
            parity.each(format!("{} inertia, k = {k}", set.name), &[inertia.max(expected)], &[expected], METRIC);
        }
        // From the same places Lloyd's rounds lead to the same.
        let settings = KMeansSettings { k: 3, init: Init::FirstN, ..KMeansSettings::default() };
        let clustering =
            block_on(learn::train_clustering(&Clusterer::KMeans(settings), &table, &idxs, 1, &mut Unwatched))
                .expect("a clustering");
        let sizes: Vec<f64> = clustering.sizes.iter().map(|&size| size as f64).collect();
        let what = format!("{} from the first rows", set.name);
        parity.each(format!("{what}: sizes"), &sizes, &set.numbers("/lloyd/sizes"), CLOSED_FORM);
        parity.each(format!("{what}: inertia"), &[clustering.inertia], &[set.number("/lloyd/inertia")], CLOSED_FORM);
        let assigned = learn::assign(&clustering, &table).expect("clusters");
        let squares: f64 = (assigned.clusters.iter().zip(assigned.distances.chunks(3)))
            .map(|(&cluster, distances)| distances[cluster as usize] * distances[cluster as usize])
            .sum();
        parity.each(format!("{what}: distances"), &[squares], &[set.number("/lloyd/inertia")], CLOSED_FORM);
    }
    parity.check("k-means");
}

#[test]
fn trees_and_forests_agree() {
    let mut parity = Parity::default();
    for set in sets() {
        let table = set.table(|_| true);
        let shallow = TreeSettings { max_depth: Some(4), ..TreeSettings::default() };
        for (name, tree, path) in [
            ("of depth 4", shallow, "tree_depth_4_training"),
            (
                "with wide leaves",
                TreeSettings { max_depth: Some(6), min_rows_leaf: 10, min_rows_split: 30, ..shallow },
                "tree_wide_leaves_training",
            ),
            ("by entropy", TreeSettings { criterion: Criterion::Entropy, ..shallow }, "tree_entropy_training"),
        ] {
            if set.is_class || tree.criterion == Criterion::Gini {
                let model = train(&Learner::Tree(tree), &table, 0);
                let score = score(&set, &values(&model, &table));
                let what = format!("{} tree {name}, on its own rows", set.name);
                parity.metric(what, score[0].1, set.number(&format!("/trees/{path}")));
            }
        }

        let mut totals: Vec<(&str, f64)> = Vec::new();
        let n_seeds = if set.is_class { 3 } else { 12 };
        for seed in 0..n_seeds {
            let features_per_split = FeaturesPerSplit::Sqrt;
            let forest = ForestSettings { n_trees: 200, features_per_split, ..ForestSettings::default() };
            let scores = self::score(&set, &set.cross_validated(&Learner::Forest(forest), seed));
            if totals.is_empty() {
                totals = scores.iter().map(|(name, _)| (*name, 0.0)).collect();
            }
            totals.iter_mut().zip(scores).for_each(|(total, (_, score))| total.1 += score / n_seeds as f64);
        }
        for (name, found) in totals {
            parity.metric(format!("{} forest, {name}", set.name), found, set.number(&format!("/trees/forest/{name}")));
        }
    }
    parity.check("Trees and forests");
}

/// Accuracy and AUC, or R², of predictions of all rows.
fn score(set: &Set, predicted: &[f64]) -> Vec<(&'static str, f64)> {
    if set.is_class {
        let found = metrics::classification(&classes(&set.target), predicted, set.n_classes(), 1).expect("metrics");
        vec![("accuracy", found.accuracy), ("auc", found.auc.unwrap_or(f64::NAN))]
    } else {
        vec![("r2", metrics::regression(&set.target, predicted).expect("metrics").r2.unwrap_or(f64::NAN))]
    }
}
