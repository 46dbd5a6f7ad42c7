use model::{NewColumn, NewValues, Prediction};
use schema::{Column, Kind, Role};

use super::*;
use crate::{
    BaselineSettings, ForestSettings, KMeansSettings, LinearSettings, LogisticSettings, NeighborsSettings, Task,
    TreeSettings, Unwatched, block_on,
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

fn everyone() -> [Learner; 6] {
    [
        Learner::Baseline(BaselineSettings::default()),
        Learner::Linear(LinearSettings::default()),
        Learner::Logistic(LogisticSettings::default()),
        Learner::Tree(TreeSettings::default()),
        Learner::Forest(ForestSettings { n_trees: 5, ..ForestSettings::default() }),
        Learner::Neighbors(NeighborsSettings { k: 1, ..NeighborsSettings::default() }),
    ]
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
        if let Learner::Linear(_) = learner {
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
    let model = fit(&everyone()[3], &table, "kind").expect("a tree");
    assert_eq!(model.features.matrix_names(), ["size", "colour = blue", "colour = red"]);
    assert_eq!(model.importances, Some(vec![1.0, 0.0, 0.0]));
}

#[test]
fn rows_without_weight_are_left_out() {
    let mut weight = numbers("weight", &[1.0, 1.0, 0.0]);
    weight.column.role = Role::Weight;
    let table = table(vec![numbers("x", &[1.0, 2.0, 3.0]), texts("y", Kind::Category, &["a", "b", "c"]), weight]);
    for learner in everyone().iter().filter(|learner| !matches!(learner, Learner::Linear(_))) {
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
    let clustering = block_on(train_clustering(&clusterer, &table, &[0], 1, &mut Unwatched)).expect("clusters");
    let assigned = assign(&clustering, &table).expect("clusters");
    assert_eq!(assigned.clusters[0], assigned.clusters[1]);
    assert_ne!(assigned.clusters[1], assigned.clusters[2]);
    assert_eq!(assigned.distances.len(), 8);
    let error = block_on(train_clustering(&clusterer, &table, &[1], 1, &mut Unwatched)).unwrap_err();
    assert_eq!(error.to_string(), r#"column "t" is text, and a learner needs numbers or categories"#);
}
