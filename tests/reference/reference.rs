//! Learners, transforms and metrics against scikit-learn, on the data sets beside this file.
//!
//! `generate.py` made `data/*.csv` and `expected.json`; `cargo test -p millrace-tests --test reference -- --nocapture`
//! prints every deviation. What has a closed form is held to 1e-6 of the number, coefficients of iterative fits to 1e-5,
//! metrics of iterative fits, trees and forests to 0.005, but for those that `parity.rs` lists.

mod fitted;
#[expect(dead_code, reason = "other tests compare in other ways")]
mod parity;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fitted::{classes, number, train, values};
use learn::linear::{LinearMethod, LinearSettings};
use learn::logistic::{ClassWeights, LogisticSettings};
use learn::preprocess::{
    CleanMode, CleanSettings, IndicatorSettings, NormalizeMethod, NormalizeSettings, fit_clean_missing, fit_indicators,
    fit_normalize,
};
use learn::{
    BaselineClass, BaselineNumber, BaselineSettings, Clusterer, Criterion, ForestSettings, Init, KMeansSettings,
    Learner, Metric, NeighborsSettings, Resampling, Thresholds, TreeSettings, Unwatched, Weighting, block_on, metrics,
};
use model::{Estimator, Fill, NewColumn, NewValues, Rescale, Transform};
use parity::{METRIC, Parity, nan_max};
use schema::{Column, ColumnSelection, Kind, Role};
use serde_json::{Value, json};
use table::Table;

const CLOSED_FORM: f64 = 1e-6;
const COEFFICIENT: f64 = 1e-5;
const N_FOLDS: usize = 4;

/// One data set and what scikit-learn says of it.
struct Set {
    name: String,
    columns: Vec<Vec<f64>>,
    target: Vec<f64>,
    is_class: bool,
    expected: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference")
}

fn expected() -> Value {
    let text = std::fs::read_to_string(folder().join("expected.json")).expect("expected.json is kept with the test");
    serde_json::from_str(&text).expect("generate.py writes JSON")
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

/// Six sets of classes and six of numbers; `cargo xtask parity` is told of them, of all components and of versions.
#[test]
fn twelve_data_sets_are_whole() {
    let sets = sets();
    for set in &sets {
        let all = set.columns.iter().flatten().chain(&set.target);
        assert!(all.clone().all(|x| x.is_finite()), "{}", set.name);
        assert_eq!(all.count(), set.target.len() * (set.columns.len() + 1), "{}", set.name);
        assert_eq!(set.is_class, set.target.iter().all(|y| y.fract() == 0.0) && set.n_classes() <= 10, "{}", set.name);
    }
    let n_class = sets.iter().filter(|set| set.is_class).count();
    assert_eq!((n_class, sets.len() - n_class), (6, 6));
    let Some(folder) = std::env::var_os("MILLRACE_PARITY") else { return };
    let of_set = |set: &Set| {
        let n_classes = if set.is_class { set.n_classes() } else { 0 };
        let (n_rows, n_columns) = (set.target.len(), set.columns.len());
        (set.name.clone(), json!({"n_rows": n_rows, "n_columns": n_columns, "n_classes": n_classes}))
    };
    let components: BTreeMap<String, String> =
        components::catalogue().iter().map(|component| component.spec()).map(|spec| (spec.id, spec.title)).collect();
    let sets: BTreeMap<String, Value> = sets.iter().map(of_set).collect();
    let facts = json!({"versions": expected()["versions"], "components": components, "sets": sets});
    let path = Path::new(&folder).join("facts.json");
    std::fs::write(&path, facts.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
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
            let mut compared = parity.of("learn.linear-regression", &set.name);
            compared.near(format!("{name}: coefficients"), found, expected, tolerance);
            let expected = [set.number(&path("intercept"))];
            compared.each(format!("{name}: intercept"), &[linear.intercept], &expected, tolerance);
            let metrics = metrics::regression(&set.held_out_target(), &values(&model, &held_out)).expect("metrics");
            let r2 = metrics.r2.unwrap_or(f64::NAN);
            compared.each(format!("{name}: R²"), &[r2], &[set.number(&path("r2"))], tolerance);
        }
        let weights = (0..set.target.len()).filter(|i| i % N_FOLDS != 0).map(|i| (1 + i % 3) as f64).collect();
        let mut column = number("weight", weights);
        column.column.role = Role::Weight;
        let weighted = training.with_columns(vec![column]).expect("a table");
        let settings = LinearSettings { method: LinearMethod::Ridge, l2_weight: 1.0, ..default };
        let model = train(&Learner::Linear(settings), &weighted, 0);
        let Estimator::Linear(linear) = &model.estimator else { panic!("a linear model") };
        let expected = set.numbers("/linear/weighted_ridge_1/coefficients");
        let mut compared = parity.of("learn.linear-regression", &set.name);
        compared.near("weighted ridge_1: coefficients", &linear.coefficients, &expected, CLOSED_FORM);
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
            let mut compared = parity.of("learn.logistic-regression", &set.name);
            let what = format!("L2 {name}");
            let fit = set.at("/logistic").get(name).expect("a fit").clone();
            let numbers = |part: &str| -> Vec<f64> {
                fit[part].as_array().expect("numbers").iter().map(|v| v.as_f64().expect("a number")).collect()
            };
            let expected = numbers("coefficients");
            compared.near(format!("{what}: coefficients"), &logistic.coefficients, &expected, COEFFICIENT);
            if class_weights == ClassWeights::Balanced {
                continue;
            }
            compared.near(format!("{what}: intercepts"), &logistic.intercepts, &numbers("intercepts"), COEFFICIENT);
            let predicted = values(&model, &held_out);
            let actual = classes(&set.held_out_target());
            let found = metrics::classification(&actual, &predicted, set.n_classes(), 1).expect("metrics");
            let expected = fit["accuracy"].as_f64().expect("a number");
            compared.metric(format!("{what}: accuracy"), found.accuracy, expected);
            let log_loss = fit["log_loss"].as_f64().expect("a number");
            compared.each(format!("{what}: log loss"), &[found.log_loss.unwrap_or(f64::NAN)], &[log_loss], 1e-4);
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
            let mut compared = parity.of("learn.logistic-regression", &set.name);
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
            compared.each(format!("{name}: objective"), &[no_less(objective, theirs)], &[theirs], CLOSED_FORM);
            let found = judged(&held_out, |i| i % N_FOLDS == 0);
            compared.metric(format!("{name}: accuracy"), found.accuracy, number("accuracy"));
            let log_loss = found.log_loss.unwrap_or(f64::NAN);
            compared.metric(format!("{name}: log loss"), log_loss, number("log_loss"));
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
            let mut compared = parity.of("learn.constant-baseline", &set.name);
            compared.near(name, &values(&model, &first), &expected, CLOSED_FORM);
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
        let mut compared = parity.of("transform.normalize-data", &set.name);
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
                    let expected = [expected_shifts[column_idx], expected_scales[column_idx]];
                    compared.each(format!("{name} {column}"), &[*shift, *scale], &expected, CLOSED_FORM);
                }
            }
            let scaled = learn::transform::apply(&fitted.transform, &last).expect("a table");
            let found = row(&scaled, set.columns.len());
            let expected = set.numbers(&format!("/{name}/last_row"));
            compared.near(format!("{name}: last row"), &found, &expected, CLOSED_FORM);
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
            compared.near(format!("{name}: last row"), &found, &expected, CLOSED_FORM);
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
            compared.near("log-normal: last row", &found, &expected, CLOSED_FORM);
        }

        if set.is_class {
            let columns = ColumnSelection::Names(vec!["target".into()]);
            let fitted = fit_indicators(&table, &IndicatorSettings { columns, keep: false }).expect("a transform");
            let converted = learn::transform::apply(&fitted.transform, &table).expect("a table");
            let frame = converted.frame();
            let made: Vec<Vec<f64>> = frame.columns[set.columns.len()..].iter().map(numbers_of).collect();
            let sums: Vec<f64> = made.iter().map(|values| values.iter().sum()).collect();
            let last: Vec<f64> = made.iter().map(|values| values[values.len() - 1]).collect();
            let mut compared = parity.of("transform.convert-to-indicator-values", &set.name);
            compared.each("sums", &sums, &set.numbers("/one_hot/sums"), CLOSED_FORM);
            compared.near("last row", &last, &set.numbers("/one_hot/last_row"), CLOSED_FORM);
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
        let mut compared = parity.of("transform.clean-missing-data", &set.name);
        compared.near("rows without a gap", &[left], &[set.number("/complete_rows")], CLOSED_FORM);
        for (name, mode) in [("mean", CleanMode::Mean), ("median", CleanMode::Median), ("mode", CleanMode::Mode)] {
            let settings = CleanSettings { columns: ColumnSelection::All, mode, ..CleanSettings::default() };
            let fitted = fit_clean_missing(&hollow, &settings).expect("a transform");
            let Transform::CleanMissing(clean) = &fitted.transform else { panic!("an imputer") };
            let found: Vec<f64> = (clean.columns.iter())
                .map(|(_, fill)| if let Fill::Number(x) = fill { *x } else { f64::NAN })
                .collect();
            compared.each(name, &found, &set.numbers(&format!("/impute/{name}")), CLOSED_FORM);
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
            let mut compared = parity.of(metric(name), &set.name);
            compared.each("rows held out", &[found.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
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
            parity.of("metric/ROC curve", &set.name).line("points off the line", apart, CLOSED_FORM);
            // scikit-learn's curve rises in the threshold and goes on after recall is 1.
            let curve = metrics::precision_recall(&hits, &of_positive).expect("a curve").expect("two classes");
            let ours =
                |value: fn(&metrics::PrecisionRecallPoint) -> f64| curve.points.iter().map(value).collect::<Vec<f64>>();
            for (name, found) in [("precision", ours(|p| p.precision)), ("recall", ours(|p| p.recall))] {
                let mut theirs = set.numbers(&format!("/precision_recall/{name}"));
                theirs.reverse();
                theirs.truncate(found.len());
                parity.of("metric/precision-recall curve", &set.name).near(name, &found, &theirs, CLOSED_FORM);
            }
        }
        let n_classes = set.n_classes();
        let found = metrics::classification(&classes(&target), &scores, n_classes, 1).expect("metrics").confusion;
        let found: Vec<f64> = found.counts.iter().map(|&n| n as f64).collect();
        let mut compared = parity.of("metric/confusion matrix", &set.name);
        compared.near("counts", &found, &set.numbers("/confusion"), CLOSED_FORM);
        // scikit-learn's logarithms are of shares that sum to 1; these were rounded.
        let shares: Vec<f64> = scores
            .chunks(n_classes)
            .flat_map(|row| row.iter().map(|p| p / row.iter().sum::<f64>()).collect::<Vec<_>>())
            .collect();
        let log_loss = metrics::classification(&classes(&target), &shares, n_classes, 1).expect("metrics").log_loss;
        let expected = [set.number("/metrics/log_loss")];
        let mut compared = parity.of(metric("log_loss"), &set.name);
        compared.each("rows held out", &[log_loss.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
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
            let mut compared = parity.of(metric(name), &set.name);
            compared.each("classes as clusters", &[found.unwrap_or(f64::NAN)], &expected, CLOSED_FORM);
        }
    }
    parity.check("Metrics");
}

/// What a metric is called among what is compared.
fn metric(name: &str) -> String {
    format!("metric/{}", called(name))
}

/// A metric in words.
fn called(name: &str) -> String {
    let words = name.split('_').map(|word| match word {
        "auc" | "f1" | "mae" | "mcc" | "mse" | "rmse" => word.to_uppercase(),
        "r2" => "R²".into(),
        "davies" => "Davies".into(),
        "bouldin" => "Bouldin".into(),
        "brier" => "Brier".into(),
        other => other.to_owned(),
    });
    words.collect::<Vec<String>>().join(" ")
}

/// The larger one, for which only more is a deviation; no number stays none.
fn no_less(found: f64, expected: f64) -> f64 {
    if found < expected { expected } else { found }
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
            let what = format!("{name}, {} of {} rows", found.len() / width, clear.len());
            parity.of("learn.k-nearest-neighbors", &set.name).near(what, &found, &expected, CLOSED_FORM);
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
        let mut compared = parity.of("learn.k-means", &set.name);
        for k in [2, 3, 5] {
            let clusterer = Clusterer::KMeans(KMeansSettings { k, n_init: 20, ..KMeansSettings::default() });
            let clustering = block_on(learn::train_clustering(&clusterer, &table, &idxs, 1, &mut Unwatched));
            let expected = set.number(&format!("/k_means/{k}"));
            let inertia = clustering.expect("a clustering").clustering.inertia;
            // Lower is better and no deviation.
            compared.each(format!("inertia, k = {k}"), &[no_less(inertia, expected)], &[expected], METRIC);
        }
        // From the same places Lloyd's rounds lead to the same.
        let settings = KMeansSettings { k: 3, init: Init::FirstN, ..KMeansSettings::default() };
        let clustering =
            block_on(learn::train_clustering(&Clusterer::KMeans(settings), &table, &idxs, 1, &mut Unwatched))
                .expect("a clustering")
                .clustering;
        let sizes: Vec<f64> = clustering.sizes.iter().map(|&size| size as f64).collect();
        let expected = [set.number("/lloyd/inertia")];
        compared.each("from the first rows: sizes", &sizes, &set.numbers("/lloyd/sizes"), CLOSED_FORM);
        compared.each("from the first rows: inertia", &[clustering.inertia], &expected, CLOSED_FORM);
        let assigned = clustering.assign(&table.frame()).expect("clusters");
        let squares: f64 = (assigned.clusters.iter().zip(assigned.distances.chunks(3)))
            .map(|(&cluster, distances)| distances[cluster as usize] * distances[cluster as usize])
            .sum();
        compared.each("from the first rows: distances", &[squares], &expected, CLOSED_FORM);
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
                let expected = set.number(&format!("/trees/{path}"));
                let mut compared = parity.of("learn.decision-tree", &set.name);
                compared.metric(format!("{name}, on its own rows: {}", called(score[0].0)), score[0].1, expected);
            }
        }

        let forest = ForestSettings { n_trees: 200, ..ForestSettings::default() };
        let extra = ForestSettings { resampling: Resampling::Replicate, thresholds: Thresholds::Random, ..forest };
        for (id, what, settings) in
            [("learn.decision-forest", "forest", forest), ("learn.extra-trees", "extra_trees", extra)]
        {
            let mut totals: Vec<(&str, f64)> = Vec::new();
            let n_seeds = if set.is_class { 3 } else { 12 };
            for seed in 0..n_seeds {
                let scores = self::score(&set, &set.cross_validated(&Learner::Forest(settings), seed));
                if totals.is_empty() {
                    totals = scores.iter().map(|(name, _)| (*name, 0.0)).collect();
                }
                totals.iter_mut().zip(scores).for_each(|(total, (_, score))| total.1 += score / n_seeds as f64);
            }
            for (name, found) in totals {
                let expected = set.number(&format!("/trees/{what}/{name}"));
                parity.of(id, &set.name).metric(called(name), found, expected);
            }
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
