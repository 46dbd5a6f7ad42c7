use model::Prediction;

use super::*;
use crate::{
    BaselineSettings, IsolationSettings, LinearSettings, LogisticSettings, NaiveBayesSettings, NeighborsSettings,
    Stopped, Task, TreeSettings, Unwatched, block_on, train, train_with_notes,
};

/// Three heaps in a plane, twelve rows each, as a category, as whole numbers and as a quantity.
fn heaps() -> Table {
    let centres = [(0.0, 0.0), (5.0, 1.0), (1.0, 6.0)];
    let mut stream = Stream::new(7);
    let mut rows: Vec<(f64, f64, usize)> = Vec::new();
    for row_idx in 0..36 {
        let class = row_idx % 3;
        let mut near = |centre: f64| centre + 3.0 * (stream.uniform() - 0.5);
        rows.push((near(centres[class].0), near(centres[class].1), class));
    }
    let number = |name: &str, values: Vec<f64>| NewColumn {
        column: Column::new(name, Kind::Number),
        values: NewValues::Number(values),
        valid: None,
    };
    let kinds = NewValues::Category {
        codes: rows.iter().map(|row| row.2 as i32).collect(),
        dictionary: ["left", "right", "top"].map(Into::into).into(),
    };
    // In the order of numbers 8, 9, 10 is not that of their names.
    let counts = NewValues::Integer(rows.iter().map(|row| row.2 as i64 + 8).collect());
    let columns = vec![
        number("x", rows.iter().map(|row| row.0).collect()),
        number("y", rows.iter().map(|row| row.1).collect()),
        number("sum", rows.iter().map(|row| 2.0 * row.0 - row.1).collect()),
        NewColumn { column: Column::new("heap", Kind::Category), values: kinds, valid: None },
        NewColumn { column: Column::new("number", Kind::Integer), values: counts, valid: None },
    ];
    Table::from_new_columns(columns, rows.len()).expect("a table")
}

fn of(target: &str) -> Table {
    let others = ["sum", "heap", "number"].into_iter().filter(|name| *name != target).map(Into::into);
    heaps().without(&others.collect::<Vec<_>>())
}

fn bayes() -> Learner {
    Learner::NaiveBayes(NaiveBayesSettings::default())
}

fn tree(task: Task) -> Learner {
    Learner::Tree(TreeSettings { task, ..TreeSettings::default() })
}

fn multiclass(learner: Learner, coding: Coding) -> Learner {
    Learner::Multiclass(MulticlassSettings { learner: Box::new(learner), coding })
}

fn calibrated(learner: Learner, n_folds: u32, ensemble: bool) -> Learner {
    let (learner, method) = (Box::new(learner), CalibrationMethod::Sigmoid);
    Learner::Calibrated(CalibratedSettings { learner, method, n_folds, ensemble })
}

fn stack(members: Vec<Learner>, last: Learner, passthrough: bool) -> Learner {
    Learner::Stacking(StackingSettings { members, last: Box::new(last), n_folds: 3, passthrough })
}

fn logistic() -> Learner {
    Learner::Logistic(LogisticSettings::default())
}

fn fit(learner: &Learner, target: &str) -> Result<Model, FitError> {
    block_on(train(learner, &of(target), target, 1, &mut Unwatched))
}

/// The share of the training rows whose class is found; classes are in the order of rows.
fn accuracy(model: &Model, target: &str) -> f64 {
    let table = of(target);
    let prediction = model.predict(&table.frame()).expect("predictions");
    let Prediction::Probabilities { values, n_classes: 3 } = &prediction else { panic!("{prediction:?}") };
    assert!(values.chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9), "{values:?}");
    let classes = prediction.classes();
    let right = classes.iter().enumerate().filter(|(row_idx, class)| **class as usize == row_idx % 3);
    right.count() as f64 / table.n_rows() as f64
}

fn everyone() -> Vec<Learner> {
    vec![
        multiclass(logistic(), Coding::OneVsAll),
        multiclass(tree(Task::Auto), Coding::OneVsOne),
        calibrated(bayes(), 3, true),
        calibrated(bayes(), 3, false),
        stack(vec![bayes(), tree(Task::Auto)], logistic(), false),
        stack(vec![bayes()], tree(Task::Auto), true),
        // Learners of learners of learners.
        multiclass(calibrated(stack(vec![bayes()], logistic(), false), 2, true), Coding::OneVsAll),
    ]
}

#[test]
fn classes_are_found_whatever_they_are_called() {
    for learner in everyone() {
        for target in ["heap", "number"] {
            let model = fit(&learner, target).unwrap_or_else(|error| panic!("{learner:?}: {error}"));
            let found = accuracy(&model, target);
            assert!(found > 0.85, "{found} {learner:?}");
            assert_eq!(model.n_training_rows, 36);
            let names: Vec<&str> = model.target.classes().collect();
            let expected = if target == "number" { ["8", "9", "10"] } else { ["left", "right", "top"] };
            assert_eq!(names, expected);
        }
    }
}

#[test]
fn what_is_read_back_predicts_the_same() {
    for learner in everyone() {
        let model = fit(&learner, "heap").expect("a model");
        let read = Model::from_bytes(&model.to_bytes()).expect("it is sound");
        assert_eq!(read, model);
        assert_eq!(model.columns().into_iter().collect::<Vec<_>>(), ["x", "y"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_model_and_another_deals_other_folds() {
    for learner in [calibrated(bayes(), 3, true), stack(vec![bayes()], logistic(), false)] {
        let fit = |seed| block_on(train(&learner, &of("heap"), "heap", seed, &mut Unwatched)).expect("a model");
        assert_eq!(fit(5), fit(5));
        assert_ne!(fit(5), fit(6));
    }
}

#[test]
fn numbers_are_stacked() {
    let linear = || Learner::Linear(LinearSettings::default());
    let nearest = Learner::Neighbors(NeighborsSettings { k: 3, ..NeighborsSettings::default() });
    let model = fit(&stack(vec![nearest, linear()], linear(), false), "sum").expect("a model");
    let Estimator::Stacked(stacked) = &model.estimator else { panic!("a stack") };
    assert_eq!(stacked.columns, ["k-Nearest Neighbours", "Linear Regression"]);
    let Estimator::Linear(last) = &stacked.last.estimator else { panic!("a line") };
    // The second knows the answer: it is believed alone.
    assert!(last.coefficients[0].abs() < 1e-9 && (last.coefficients[1] - 1.0).abs() < 1e-9, "{last:?}");
}

#[test]
fn a_final_learner_sees_one_probability_of_two_classes_and_each_of_more() {
    let columns = |model: Model| match model.estimator {
        Estimator::Stacked(stacked) => stacked.columns,
        other => panic!("{other:?}"),
    };
    let stacked = fit(&stack(vec![bayes(), tree(Task::Auto), bayes()], logistic(), false), "heap").expect("a model");
    let expected = ["Naive Bayes 1: left", "Naive Bayes 1: right", "Naive Bayes 1: top", "Decision Tree: left"];
    assert_eq!(columns(stacked)[..4], expected);
    let two = of("heap").filter(&(0..36).map(|row_idx| row_idx % 3 != 2).collect::<Vec<_>>());
    let learner = stack(vec![bayes()], logistic(), false);
    let stacked = block_on(train(&learner, &two, "heap", 1, &mut Unwatched)).expect("a model");
    assert_eq!(columns(stacked), ["Naive Bayes: right"]);
}

#[test]
fn a_column_of_the_table_with_the_same_name_does_not_stand_in_for_a_prediction() {
    let table = of("heap").rename("x", "Naive Bayes: left").expect("another name");
    let learner = stack(vec![bayes()], logistic(), true);
    let model = block_on(train(&learner, &table, "heap", 1, &mut Unwatched)).expect("a model");
    assert_eq!(model.columns().into_iter().collect::<Vec<_>>(), ["Naive Bayes: left", "y"]);
    assert!(matches!(&model.estimator, Estimator::Stacked(stacked) if stacked.columns[0] == "Naive Bayes: left'"));
}

#[test]
fn weights_count_as_rows_that_are_there_as_often() {
    let weight = |values: Vec<i64>| NewColumn {
        column: Column::new("weight", Kind::Integer).with_role(Role::Weight),
        values: NewValues::Integer(values),
        valid: None,
    };
    let table = of("heap");
    let weighted = table.with_columns(vec![weight((0..36).map(|row_idx| row_idx % 2).collect())]).expect("a table");
    let kept = table.filter(&(0..36).map(|row_idx| row_idx % 2 == 1).collect::<Vec<_>>());
    for learner in everyone() {
        let of = |table: &Table| {
            let model = block_on(train(&learner, table, "heap", 1, &mut Unwatched)).expect("a model");
            model.predict(&kept.frame()).expect("predictions")
        };
        assert_eq!(of(&weighted), of(&kept), "{learner:?}");
    }
}

#[test]
fn learners_that_do_not_go_together_say_so() {
    let linear = || Learner::Linear(LinearSettings::default());
    let anomalies = || Learner::Isolation(IsolationSettings::default());
    let baseline = || Learner::Baseline(BaselineSettings::default());
    let deep = |n: usize| (0..n).fold(logistic(), |inner, _| multiclass(inner, Coding::OneVsAll));
    for (learner, target, expected) in [
        (
            multiclass(linear(), Coding::OneVsAll),
            "heap",
            "One-vs-All Multiclass takes learners that predict classes, but Linear Regression predicts numbers",
        ),
        (
            calibrated(tree(Task::Regression), 3, true),
            "heap",
            "Calibrated Probabilities takes learners that predict classes, but Decision Tree predicts numbers",
        ),
        (
            multiclass(anomalies(), Coding::OneVsOne),
            "heap",
            "One-vs-One Multiclass takes learners that predict classes, but Isolation Forest looks for anomalies",
        ),
        (
            stack(vec![anomalies()], baseline(), false),
            "heap",
            "Stacking takes learners that predict classes or numbers, but Isolation Forest looks for anomalies",
        ),
        (
            stack(vec![linear(), baseline()], logistic(), false),
            "heap",
            "Stacking takes learners of the same kind, but Logistic Regression predicts classes and Linear Regression \
             predicts numbers",
        ),
        (
            multiclass(logistic(), Coding::OneVsAll),
            "sum",
            "One-vs-All Multiclass predicts classes, but the target \"sum\" is number",
        ),
        (
            stack(vec![linear()], baseline(), false),
            "heap",
            "Stacking predicts numbers, but the target \"heap\" is category",
        ),
        (deep(9), "heap", "learners are made of learners more than 8 deep"),
    ] {
        let error = fit(&learner, target).expect_err(expected);
        assert_eq!(error.to_string(), expected);
        assert!(error.help().ends_with('.'));
    }
    assert!(fit(&deep(8), "heap").is_ok());
}

#[test]
fn folds_need_rows_of_each_class() {
    let rare = of("heap").filter(&(0..36).map(|row_idx| row_idx % 3 != 2 || row_idx < 6).collect::<Vec<_>>());
    let learner = calibrated(bayes(), 4, true);
    let error = block_on(train(&learner, &rare, "heap", 1, &mut Unwatched)).expect_err("two rows");
    assert_eq!(
        error.to_string(),
        "the class \"top\" of the target \"heap\" has 2 rows, and Calibrated Probabilities needs at least 4 of each class"
    );
    let few = of("sum").take(&[0, 1]);
    let learner = stack(vec![tree(Task::Auto)], tree(Task::Auto), false);
    let error = block_on(train(&learner, &few, "sum", 1, &mut Unwatched)).expect_err("three folds");
    assert_eq!(error.to_string(), "the number of folds is 3, but there are only 2 rows");
}

#[test]
fn what_its_learners_have_to_say_is_told_with_who_says_it() {
    let short = || Learner::Logistic(LogisticSettings { max_iterations: 1, ..LogisticSettings::default() });
    let notes = |learner: Learner| {
        block_on(train_with_notes(&learner, &of("heap"), "heap", 1, &mut Unwatched)).expect("a model").notes
    };
    let of_classes = notes(multiclass(short(), Coding::OneVsAll));
    assert!(of_classes.len() == 3 && of_classes[0].starts_with("left against the rest: It stopped"), "{of_classes:?}");
    let stacked = notes(stack(vec![bayes()], short(), false));
    assert!(stacked[0].starts_with("Logistic Regression, on what the others say: It stopped"), "{stacked:?}");
}

/// Stops after so many looks, and remembers how far it was.
struct Impatient(usize, Vec<f64>);

impl Checkpoint for Impatient {
    async fn checkpoint(&mut self, fraction: f64, _message: &str) -> Result<(), Stopped> {
        self.1.push(fraction);
        if self.1.len() > self.0 { Err(Stopped) } else { Ok(()) }
    }
}

#[test]
fn training_says_how_far_it_is_and_can_be_stopped() {
    for learner in everyone() {
        let mut watcher = Impatient(usize::MAX, Vec::new());
        block_on(train(&learner, &of("heap"), "heap", 1, &mut watcher)).expect("a model");
        let fractions = watcher.1;
        assert!(fractions.len() > 6 && fractions.iter().all(|done| (0.0..=1.0).contains(done)), "{fractions:?}");
        let mut impatient = Impatient(fractions.len() / 2, Vec::new());
        let stopped = block_on(train(&learner, &of("heap"), "heap", 1, &mut impatient));
        assert_eq!(stopped, Err(FitError::Stopped(Stopped)));
    }
}
