use model::{Coding, Covariance, ModelError, NewColumn, NewValues, Prediction};
use schema::{Column, Kind, Role};

use super::*;
use crate::{
    AdaBoostSettings, BaselineSettings, CalibratedSettings, CalibrationMethod, Cut, DbscanSettings, Distribution,
    ForestSettings, HierarchySettings, IsolationSettings, KMeansSettings, KernelKind, LinearSettings, Linkage,
    LogisticSettings, MixtureSettings, MulticlassSettings, NaiveBayesSettings, NeighborsSettings, NeuralSettings,
    PoissonSettings, StackingSettings, SvmSettings, Task, TreeSettings, Unwatched, block_on,
};

fn numbers(name: &str, values: &[f64]) -> NewColumn {
    let values = NewValues::Number(values.to_vec());
    NewColumn { column: Column::new(name, Kind::Number), values, valid: None }
}

fn texts(name: &str, kind: Kind, values: &[&str]) -> NewColumn {
    let column = Column::new(name, kind);
    let values = match kind {
        Kind::Text => NewValues::Text(values.iter().map(|&text| text.to_owned()).collect()),
        Kind::Category | Kind::Number | Kind::Integer | Kind::Boolean | Kind::DateTime => NewValues::Category {
            codes: (0..values.len() as i32).collect(),
            dictionary: values.iter().map(|&text| text.to_owned()).collect(),
        },
    };
    NewColumn { column, values, valid: None }
}

fn table(columns: Vec<NewColumn>) -> Table {
    let n_rows = match &columns[0].values {
        NewValues::Number(values) => values.len(),
        NewValues::Integer(_) | NewValues::Boolean(_) | NewValues::Text(_) | NewValues::DateTime(_) => 0,
        NewValues::Category { codes, .. } => codes.len(),
    };
    // Categories are given one code a row; equal names become one.
    let columns = columns
        .into_iter()
        .map(|mut new| {
            if let NewValues::Category { codes, dictionary } = &mut new.values {
                let mut names = dictionary.clone();
                names.sort();
                names.dedup();
                names.reverse();
                *codes = dictionary
                    .iter()
                    .map(|name| names.iter().position(|other| other == name).map_or(-1, |code| code as i32))
                    .collect();
                *dictionary = names;
            }
            new
        })
        .collect();
    Table::from_new_columns(columns, n_rows).expect("a table")
}

fn everyone() -> Vec<Learner> {
    let bayes = |distribution| Learner::NaiveBayes(NaiveBayesSettings { distribution, ..Default::default() });
    vec![
        Learner::Baseline(BaselineSettings::default()),
        Learner::Linear(LinearSettings::default()),
        Learner::Logistic(LogisticSettings::default()),
        Learner::Logistic(LogisticSettings { l1_weight: 1.0, ..LogisticSettings::default() }),
        Learner::Tree(TreeSettings::default()),
        Learner::Forest(ForestSettings { n_trees: 5, ..ForestSettings::default() }),
        Learner::Neighbors(NeighborsSettings { k: 1, ..NeighborsSettings::default() }),
        bayes(Distribution::Gaussian),
        bayes(Distribution::Multinomial),
        bayes(Distribution::Bernoulli),
        Learner::Poisson(PoissonSettings::default()),
        Learner::Svm(SvmSettings { max_steps: 10_000, ..SvmSettings::default() }),
        Learner::Svm(SvmSettings { kernel: KernelKind::Linear, max_steps: 10_000, ..SvmSettings::default() }),
        Learner::Neural(NeuralSettings { max_epochs: 3, ..NeuralSettings::default() }),
        Learner::Isolation(IsolationSettings { n_trees: 5, ..IsolationSettings::default() }),
        multiclass(Learner::Logistic(LogisticSettings::default()), Coding::OneVsAll),
        multiclass(Learner::Tree(TreeSettings::default()), Coding::OneVsOne),
        calibrated(Learner::Tree(TreeSettings::default()), CalibrationMethod::Isotonic),
        calibrated(bayes(Distribution::Gaussian), CalibrationMethod::Sigmoid),
        Learner::Stacking(StackingSettings {
            members: vec![Learner::Tree(TreeSettings::default()), Learner::Baseline(BaselineSettings::default())],
            last: Box::new(Learner::Tree(TreeSettings::default())),
            n_folds: 2,
            passthrough: true,
        }),
        Learner::AdaBoost(AdaBoostSettings { n_trees: 5, ..AdaBoostSettings::default() }),
    ]
}

fn multiclass(learner: Learner, coding: Coding) -> Learner {
    Learner::Multiclass(MulticlassSettings { learner: Box::new(learner), coding })
}

fn calibrated(learner: Learner, method: CalibrationMethod) -> Learner {
    Learner::Calibrated(CalibratedSettings { learner: Box::new(learner), method, n_folds: 2, ensemble: true })
}

fn fit(learner: &Learner, table: &Table, target: &str) -> Result<Model, FitError> {
    block_on(train(learner, table, target, 1, &mut Unwatched))
}

/// What every learner that looks at features says of the same table.
#[track_caller]
fn refused(columns: Vec<NewColumn>, target: &str, message: &str) {
    let table = table(columns);
    for learner in everyone() {
        if matches!(learner, Learner::Baseline(_)) {
            continue;
        }
        let error = fit(&learner, &table, target).expect_err(learner.title());
        if !matches!(error, FitError::TargetKind { .. }) {
            assert_eq!(error.to_string(), message, "{}", learner.title());
        }
        assert!(!error.help().is_empty());
    }
}

#[test]
fn every_learner_learns_what_it_can() {
    let table = table(vec![
        numbers("size", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        texts("colour", Kind::Category, &["red", "red", "blue", "blue", "red", "blue"]),
        texts("kind", Kind::Text, &["a", "a", "a", "b", "b", "b"]),
    ]);
    for learner in everyone() {
        if let Learner::Linear(_) | Learner::Poisson(_) = learner {
            let model = fit(&learner, &table.without(&["kind".into()]), "size").expect("a model");
            assert!(matches!(model.predict(&table.frame()), Ok(Prediction::Numbers(y)) if y.len() == 6));
            continue;
        }
        let model = fit(&learner, &table, "kind").unwrap_or_else(|error| panic!("{}: {error}", learner.title()));
        let Ok(Prediction::Probabilities { values, n_classes: 2 }) = model.predict(&table.frame()) else {
            panic!("{} gave no probabilities", learner.title());
        };
        assert!(values.chunks(2).all(|row| (row[0] + row[1] - 1.0).abs() < 1e-12));
        assert_eq!(model.n_training_rows, 6);
    }
    let model = fit(&everyone()[4], &table, "kind").expect("a tree");
    assert_eq!(model.features.matrix_names(), ["size", "colour = blue", "colour = red"]);
    assert_eq!(model.importances, Some(vec![1.0, 0.0, 0.0]));
}

#[test]
fn a_fit_that_ends_early_is_told() {
    let table = rows(&[vec![1.0, 2.0, 3.0, 7.0, 5.0, 6.0]], &[0.0; 6], &[0, 0, 1, 0, 1, 1]).without(&["y".into()]);
    let notes = |max_iterations| {
        let learner = Learner::Logistic(LogisticSettings { max_iterations, ..LogisticSettings::default() });
        block_on(train_with_notes(&learner, &table, "c", 1, &mut Unwatched)).expect("a model").notes
    };
    assert_eq!(notes(100), [""; 0]);
    let found = notes(1);
    assert!(found.len() == 1 && found[0].starts_with("It stopped at the limit of 1 iterations"), "{found:?}");
}

#[test]
fn rows_without_weight_are_left_out() {
    let mut weight = numbers("weight", &[1.0, 1.0, 0.0]);
    weight.column.role = Role::Weight;
    let table = table(vec![numbers("x", &[1.0, 2.0, 3.0]), texts("y", Kind::Category, &["a", "b", "c"]), weight]);
    // One row of a class is too little for folds.
    let is_able = |learner: &&Learner| {
        !matches!(learner, Learner::Linear(_) | Learner::Poisson(_) | Learner::Calibrated(_) | Learner::Stacking(_))
    };
    for learner in everyone().iter().filter(is_able) {
        let model = fit(learner, &table, "y").unwrap_or_else(|error| panic!("{}: {error}", learner.title()));
        assert_eq!(model.target.n_classes(), 2);
    }
}

#[test]
fn bad_features_are_told_by_column_and_row() {
    let y = || numbers("y", &[1.0, 2.0, 3.0]);
    refused(
        vec![numbers("x", &[1.0, f64::NAN, f64::NAN]), y()],
        "y",
        r#"column "x" has 2 missing values, the first in row 2"#,
    );
    refused(
        vec![numbers("x", &[1.0, f64::INFINITY, 2.0]), y()],
        "y",
        r#"column "x" has 1 infinite value, the first is inf in row 2"#,
    );
    refused(vec![numbers("x", &[f64::NAN; 3]), y()], "y", r#"column "x" has no value in any row"#);
    refused(
        vec![texts("x", Kind::Text, &["a", "b", "c"]), y()],
        "y",
        r#"column "x" is text, and a learner needs numbers or categories"#,
    );
    refused(vec![y()], "y", "the table has no column with the role of a feature beside the target");
}

#[test]
fn bad_targets_are_told_by_column_and_row() {
    let x = || numbers("x", &[1.0, 2.0, 3.0]);
    refused(
        vec![x(), numbers("y", &[1.0, 2.0, f64::NAN])],
        "y",
        r#"the target "y" has 1 missing value, the first in row 3"#,
    );
    refused(
        vec![x(), numbers("y", &[1.0, f64::NEG_INFINITY, 2.0])],
        "y",
        r#"the target "y" is -inf in row 2, expected a finite number"#,
    );
    refused(
        vec![x(), texts("y", Kind::Category, &["a", "a", "a"])],
        "y",
        r#"every row of the target "y" is "a", expected at least two classes"#,
    );
    refused(vec![x(), numbers("y", &[1.0; 3])], "z", r#"no column named "z"; the table has "x", "y""#);
    refused(vec![numbers("x", &[]), numbers("y", &[])], "y", "the table has no rows");
}

#[test]
fn a_learner_for_one_kind_of_target_refuses_the_other() {
    let table = table(vec![numbers("x", &[1.0, 2.0]), texts("c", Kind::Category, &["a", "b"])]);
    let error = fit(&Learner::Linear(LinearSettings::default()), &table, "c").unwrap_err();
    assert_eq!(error.to_string(), r#"Linear Regression predicts numbers, but the target "c" is category"#);
    let tree = Learner::Tree(TreeSettings { task: Task::Classification, ..TreeSettings::default() });
    let error = fit(&tree, &table, "x").unwrap_err();
    assert_eq!(error.to_string(), r#"Decision Tree predicts classes, but the target "x" is number"#);
}

#[test]
fn odd_tables_never_panic() {
    let shapes: [&[f64]; 6] = [
        &[1.0],
        &[5.0, 5.0, 5.0],
        &[1e300, -1e300, 1e300],
        &[1e-300, 0.0, -1e-300],
        &[f64::MAX, f64::MIN],
        &[0.0, -0.0],
    ];
    for values in shapes {
        for target in shapes.iter().filter(|target| target.len() == values.len()) {
            let classes: Vec<String> = target.iter().map(f64::to_string).collect();
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            let table = table(vec![numbers("x", values), numbers("y", target), texts("c", Kind::Category, &classes)]);
            for learner in everyone() {
                for target in ["y", "c"] {
                    if let Ok(model) = fit(&learner, &table, target) {
                        let values = match model.predict(&table.frame()).expect("a prediction") {
                            Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
                        };
                        assert!(values.iter().all(|value| value.is_finite()), "{} {model:?}", learner.title());
                    }
                }
            }
        }
    }
}

#[test]
fn clusters_are_found_and_assigned() {
    let table = table(vec![numbers("x", &[1.0, 1.1, 9.0, 9.1]), texts("t", Kind::Text, &["a"; 4])]);
    let clusterer = Clusterer::KMeans(KMeansSettings { k: 2, ..KMeansSettings::default() });
    let found = block_on(train_clustering(&clusterer, &table, &[0], 1, &mut Unwatched)).expect("clusters");
    let assigned = found.clustering.assign(&table.frame()).expect("clusters");
    assert_eq!(assigned.clusters, found.clusters);
    assert_eq!(assigned.clusters[0], assigned.clusters[1]);
    assert_ne!(assigned.clusters[1], assigned.clusters[2]);
    assert_eq!(assigned.distances.len(), 8);
    let error = block_on(train_clustering(&clusterer, &table, &[1], 1, &mut Unwatched)).unwrap_err();
    assert_eq!(error.to_string(), r#"column "t" is text, and a learner needs numbers or categories"#);
}

fn category(name: &str, codes: Vec<i32>, n_classes: usize) -> NewColumn {
    let dictionary = (0..n_classes).map(|class| format!("class {class}")).collect();
    NewColumn {
        column: Column::new(name, Kind::Category),
        values: NewValues::Category { codes, dictionary },
        valid: None,
    }
}

/// Rows column by column, a number and a class to predict.
fn rows(columns: &[Vec<f64>], y: &[f64], classes: &[i32]) -> Table {
    let mut new: Vec<NewColumn> =
        columns.iter().enumerate().map(|(idx, values)| numbers(&format!("x{idx}"), values)).collect();
    new.push(numbers("y", y));
    new.push(category("c", classes.to_vec(), 3));
    Table::from_new_columns(new, y.len()).expect("a table")
}

/// Fits every learner to both targets and k-means to the features: a model whose predictions are finite, or an error
/// with a way out. `is_tame` says that no sum of products overflows; otherwise a model may refuse to predict.
fn everyone_gives_a_model_or_a_way_out(what: &str, table: &Table, is_tame: bool) {
    let features: Vec<usize> = (0..table.n_columns() - 2).collect();
    for learner in everyone() {
        for target in ["y", "c"] {
            let place = format!("{what}: {} of {target}", learner.title());
            // The other target would give the answer away, and is not always fit to learn from.
            let other = if target == "y" { "c" } else { "y" };
            match fit(&learner, &table.without(&[other.into()]), target) {
                Ok(model) => match model.predict(&table.frame()) {
                    Ok(Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) => {
                        assert!(values.iter().all(|value| value.is_finite()), "{place}");
                    }
                    Err(error) => {
                        assert!(!is_tame && matches!(error, ModelError::Unbounded { .. }), "{place}: {error}");
                    }
                },
                Err(error) => assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{place}"),
            }
        }
    }
    for clusterer in every_clusterer() {
        let place = format!("{what}: {clusterer:?}");
        match block_on(train_clustering(&clusterer, table, &features, 1, &mut Unwatched)) {
            Ok(found) => {
                let assigned = found.clustering.assign(&table.frame()).expect("clusters of its own rows");
                assert_eq!(
                    (assigned.clusters.len(), found.clusters.len()),
                    (table.n_rows(), table.n_rows()),
                    "{place}"
                );
                let are_finite = assigned.distances.iter().chain(&assigned.probabilities).all(|x| x.is_finite());
                assert!(!is_tame || (are_finite && assigned.clusters == found.clusters), "{place}");
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{place}"),
        }
    }
}

/// Every way to look for clusters.
fn every_clusterer() -> Vec<Clusterer> {
    let mut all = Vec::new();
    for standardize in [true, false] {
        for init in [crate::Init::PlusPlus, crate::Init::Random, crate::Init::FirstN] {
            let settings = KMeansSettings { k: 2, n_init: 2, init, standardize, ..KMeansSettings::default() };
            all.push(Clusterer::KMeans(settings));
        }
        for min_samples in [1, 3] {
            all.push(Clusterer::Dbscan(DbscanSettings { min_samples, standardize, ..DbscanSettings::default() }));
        }
        for linkage in [Linkage::Ward, Linkage::Complete, Linkage::Average, Linkage::Single] {
            for cut in [Cut::Count(2), Cut::Distance(0.5)] {
                all.push(Clusterer::Hierarchy(HierarchySettings { linkage, cut, standardize }));
            }
        }
        for covariance in [Covariance::Full, Covariance::Diagonal, Covariance::Spherical] {
            for regularization in [0.0, 1e-6] {
                let settings =
                    MixtureSettings { k: 2, n_init: 2, max_iterations: 20, covariance, ..Default::default() };
                all.push(Clusterer::Mixture(MixtureSettings { regularization, standardize, ..settings }));
            }
        }
    }
    all
}

#[test]
fn no_learner_panics_on_a_table_that_is_too_small_too_wide_or_says_nothing() {
    let wide: Vec<Vec<f64>> = (0..200).map(|j| (0..5).map(|i| f64::from((i * (j + 7)) % 11)).collect()).collect();
    for (what, table) in [
        ("empty", rows(&[vec![]], &[], &[])),
        ("one row", rows(&[vec![1.5]], &[2.5], &[0])),
        ("two rows", rows(&[vec![1.5, 2.5]], &[2.5, 3.5], &[0, 1])),
        ("no features", rows(&[], &[1.0, 2.0, 3.0], &[0, 1, 0])),
        ("one class", rows(&[vec![1.0, 2.0, 3.0]], &[4.0; 3], &[1, 1, 1])),
        ("all constant", rows(&[vec![7.0; 6], vec![0.0; 6]], &[3.0; 6], &[0, 1, 0, 1, 0, 1])),
        ("wide", rows(&wide, &[1.0, 2.0, 3.0, 4.0, 5.0], &[0, 1, 2, 0, 1])),
        ("missing feature", rows(&[vec![1.0, f64::NAN, 3.0]], &[1.0, 2.0, 3.0], &[0, 1, 0])),
        ("missing label", rows(&[vec![1.0, 2.0, 3.0]], &[1.0, f64::NAN, 3.0], &[0, 1, 0])),
        ("infinite feature", rows(&[vec![1.0, f64::INFINITY, 3.0]], &[1.0, 2.0, 3.0], &[0, 1, 0])),
        ("infinite label", rows(&[vec![1.0, 2.0, 3.0]], &[1.0, f64::NEG_INFINITY, 3.0], &[0, 1, 0])),
        ("repeated column", rows(&vec![vec![1.0, 2.0, 4.0, 8.0]; 3], &[1.0, 2.0, 3.0, 9.0], &[0, 1, 1, 2])),
        ("separable", rows(&[vec![-2.0, -1.0, 1.0, 2.0]], &[0.0, 0.0, 1.0, 1.0], &[0, 0, 1, 1])),
    ] {
        everyone_gives_a_model_or_a_way_out(what, &table, true);
    }
}

mod any_table {
    use proptest::prelude::*;

    use super::*;

    /// Mostly numbers as they are, now and then one from the edge of what a number can be.
    fn value(edge: f64) -> impl Strategy<Value = f64> {
        prop_oneof![
            12 => -3.0..3.0f64,
            4 => Just(1.0),
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -0.0]),
            1 => prop::sample::select(vec![edge, -edge]),
        ]
    }

    fn table(edge: f64) -> impl Strategy<Value = Table> {
        (0..4usize, 0..9usize).prop_flat_map(move |(n_columns, n_rows)| {
            (
                prop::collection::vec(prop::collection::vec(value(edge), n_rows), n_columns),
                prop::collection::vec(value(edge), n_rows),
                prop::collection::vec(0..3i32, n_rows),
            )
                .prop_map(|(columns, y, classes)| rows(&columns, &y, &classes))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn gives_a_model_that_predicts_numbers_or_a_way_out(table in table(1e50)) {
            everyone_gives_a_model_or_a_way_out("a table", &table, true);
        }

        #[test]
        fn with_the_largest_numbers_there_are_panics_no_learner(table in table(f64::MAX)) {
            everyone_gives_a_model_or_a_way_out("a table", &table, false);
        }
    }
}
