//! Runs side by side, and what speaks against choosing among them.

mod fixture;

use expect_test::expect;
use experiment::{
    CompareGroup, Comparison, IndexEntry, Repeats, RunTable, Scalar, Tone, Warning, compare, differing, test_rows,
    tests_against, warnings,
};
use fixture::{catalogue, done, edited, entry, forest, id, logistic, metric, set};
use pipeline::{Edit, FileRef, InPort, OutPort, Pipeline, Value};
use protocol::Direction;

/// The picture of the runs page: run 3 is the baseline, 9 and 13 are measured against it.
fn three() -> RunTable {
    let boosted = edited(&forest(), [set("forest", "n_trees", Value::Int(300))]);
    RunTable::new([
        entry(&done(3, &logistic(), 0.825, 0.431, 0.9), &logistic()),
        entry(&done(9, &boosted, 0.843, 0.415, 3.4), &boosted),
        entry(&done(13, &forest(), 0.846, 0.412, 2.1), &forest()),
    ])
}

fn in_lines(comparison: &Comparison) -> String {
    let mut lines = String::new();
    for row in &comparison.rows {
        let group = match &row.group {
            CompareGroup::Results => "results",
            CompareGroup::Run => "run",
            CompareGroup::Settings(node) => node,
        };
        lines += &format!("{group:10} {:13}", row.label);
        for cell in &row.cells {
            let value = cell.value.as_ref().map_or("–".into(), |value| value.as_cell().to_string());
            let delta = cell.delta.map(|delta| format!(" {delta:+.3}")).unwrap_or_default();
            let tone = match cell.tone {
                Tone::Better => " good",
                Tone::Worse => " bad",
                Tone::Neutral => "",
            };
            lines += &format!(" | {value}{delta}{tone}{}", if cell.is_best { " BEST" } else { "" });
        }
        lines += "\n";
    }
    lines + &format!("equal: {}\n", comparison.equal.join(", "))
}

#[test]
fn runs_stand_side_by_side_with_what_differs() {
    let table = three();
    expect![[r#"
        results    AUC           | 0.825 | 0.843 +0.018 good | 0.846 +0.021 good BEST
        results    Log loss      | 0.431 | 0.415 -0.016 good | 0.412 -0.019 good BEST
        results    Took          | 0.9 BEST | 3.4 +2.500 bad | 2.1 +1.200 bad
        run        Learner       | Logistic Regression | Decision Forest | Decision Forest
        forest     class_weights | – | balanced | balanced
        forest     max_depth     | – | 12 | 12
        forest     n_trees       | – | 300 | 100
        forest     share         | – | 0.5 | 0.5
        indicators columns       | – | contract, payment | contract, payment
        logistic   c             | 1 | – | –
        logistic   penalty       | l2 | – | –
        split      stratify      | none | churn | churn
        equal: Data, Seed, Engine, Host, file, fraction, target
    "#]]
    .assert_eq(&in_lines(&compare(&table, &table.all(), 0, true)));
    let all = compare(&table, &table.all(), 0, false);
    assert_eq!((all.rows.len(), all.equal.len()), (19, 0));
    assert_eq!(all.rows.iter().filter(|row| !row.differs).count(), 7);
    let took = all.rows.iter().find(|row| row.label == "Took").unwrap();
    assert!((took.cells[1].ratio.unwrap() - 3.4 / 0.9).abs() < 1e-12);
}

#[test]
fn any_run_can_be_the_baseline_and_one_run_has_no_best() {
    let table = three();
    let against_last = compare(&table, &table.all(), 2, true);
    let auc = &against_last.rows[0];
    let tones: Vec<_> = auc.cells.iter().map(|cell| cell.tone).collect();
    assert_eq!(tones, [Tone::Worse, Tone::Worse, Tone::Neutral]);
    let alone = compare(&table, &table.all()[..1], 0, false);
    assert!(alone.rows.iter().flat_map(|row| &row.cells).all(|cell| !cell.is_best && cell.delta.is_none()));
    let none = compare(&table, &[], 0, false);
    assert!(none.rows.is_empty());
}

#[test]
fn what_cannot_be_told_better_is_neutral_and_what_is_missing_is_never_best() {
    let mut first = done(1, &logistic(), 0.8, f64::NAN, 1.0);
    let mut second = done(2, &logistic(), 0.8, 0.4, 1.0);
    let mut odd = metric("odd", "Odd", 1.0, Direction::Higher);
    odd.better = None;
    first.metrics.push(odd.clone());
    odd.value = 2.0;
    second.metrics.push(odd);
    let table = RunTable::new([entry(&first, &logistic()), entry(&second, &logistic())]);
    expect![[r#"
        results    Log loss      | NaN | 0.4
        results    Odd           | 1 | 2 +1.000
        equal: AUC, Took, Learner, Data, Seed, Engine, Host, file, c, penalty, fraction, stratify, target
    "#]]
    .assert_eq(&in_lines(&compare(&table, &table.all(), 0, true)));
}

#[test]
fn a_metric_of_two_nodes_has_a_row_for_each() {
    let mut run = done(1, &logistic(), 0.8, 0.4, 1.0);
    run.metrics.push(experiment::MetricRecord { node: id("train"), ..metric("auc", "AUC", 0.99, Direction::Higher) });
    let table = RunTable::new([entry(&run, &logistic())]);
    let names: Vec<_> = compare(&table, &[0], 0, false).rows.into_iter().map(|row| row.name).collect();
    assert_eq!(names[..3], ["metric.evaluate.auc", "metric.log_loss", "metric.train.auc"]);
}

#[test]
fn axes_are_what_differs() {
    let table = three();
    let rows = table.all();
    assert_eq!(differing(&table, &rows[1..]), ["param.forest.n_trees", "metric.auc", "metric.log_loss"]);
    assert!(differing(&table, &rows[..1]).is_empty());
}

fn rows_of(pipeline: &Pipeline) -> experiment::TestRows {
    test_rows(pipeline, &id("evaluate"), &catalogue()).unwrap()
}

#[test]
fn test_rows_are_named_by_split_and_data_and_not_by_what_prepared_them() {
    let base = rows_of(&logistic());
    assert!(base.held_out && !base.seen_in_training);
    // Indicators before an equal split leave the rows as they are.
    let prepared = edited(&forest(), [Edit::SetParam(id("split"), "stratify".into(), None)]);
    assert_eq!(rows_of(&prepared), base);
    let Some(Value::File(file)) = logistic().node(&id("import")).unwrap().params.get("file").cloned() else { panic!() };
    let renamed = FileRef { name: "other.csv".into(), ..file.clone() };
    assert_eq!(rows_of(&edited(&logistic(), [set("import", "file", Value::File(renamed))])), base);
    for edit in [
        set("split", "fraction", Value::Float(0.8)),
        set("split", "stratify", Value::Text("churn".into())),
        set("import", "file", Value::File(FileRef { hash: "ff".into(), ..file })),
        Edit::SetSeed(8),
        Edit::Connect(OutPort::new(&id("split"), "train"), InPort::new(&id("score"), "table")),
    ] {
        assert_ne!(rows_of(&edited(&logistic(), [edit.clone()])).key, base.key, "{edit:?}");
    }
    let cut = edited(&logistic(), [Edit::RemoveNode(id("score"))]);
    assert_eq!(test_rows(&cut, &id("evaluate"), &catalogue()), None);
}

#[test]
fn a_long_chain_of_splits_whose_halves_meet_again_takes_no_time() {
    let mut nodes =
        logistic().to_json().replace("\"score\": {", "\"s0\": {\"component\": \"split.other@1\"}, \"score\": {");
    for n in 1..60 {
        let (here, before) = (format!("s{n}"), format!("s{}", n - 1));
        nodes = nodes
            .replace("\"score\": {", &format!("\"{here}\": {{\"component\": \"split.other@1\"}}, \"score\": {{"))
            .replace(
                "\"edges\": {",
                &format!("\"edges\": {{\"{here}.a\": \"{before}.a\", \"{here}.b\": \"{before}.b\","),
            );
    }
    let nodes =
        nodes.replace("\"split.test\"", "\"s59.a\"").replace("\"edges\": {", "\"edges\": {\"s0.a\": \"import.table\",");
    assert!(rows_of(&Pipeline::from_json(&nodes).unwrap()).held_out);
}

#[test]
fn a_model_that_is_scored_on_its_training_rows_is_found_out() {
    let same =
        edited(&logistic(), [Edit::Connect(OutPort::new(&id("split"), "train"), InPort::new(&id("score"), "table"))]);
    assert!(rows_of(&same).seen_in_training);
    let unsplit = edited(
        &logistic(),
        ["score", "train"]
            .map(|node| Edit::Connect(OutPort::new(&id("import"), "table"), InPort::new(&id(node), "table"))),
    );
    let rows = rows_of(&unsplit);
    assert!(rows.seen_in_training && !rows.held_out);
    let runs = [entry(&done(1, &unsplit, 0.99, 0.1, 1.0), &unsplit)];
    let found = warnings(&runs.each_ref(), "auc");
    assert!(matches!(&found[..], [Warning::TestedOnTraining { run, .. }] if *run == runs[0].id), "{found:?}");
    expect!["1 Run 1 was tested on rows that it was trained on: split the data, and score the part that was kept back"]
        .assert_eq(&found[0].to_string());
}

#[test]
fn picking_the_best_on_one_test_set_is_warned_of() {
    let strict = edited(&logistic(), [set("logistic", "c", Value::Float(0.1))]);
    let stricter = edited(&logistic(), [set("logistic", "c", Value::Float(0.01))]);
    let runs = [
        entry(&done(1, &logistic(), 0.825, 0.431, 1.0), &logistic()),
        entry(&done(2, &strict, 0.831, 0.43, 1.0), &strict),
        entry(&done(3, &stricter, 0.82, 0.40, 1.0), &stricter),
    ];
    let found = warnings(&runs.each_ref(), "auc");
    expect!["the test set chose the model: 3 pipelines were compared by AUC on the same test rows, so the best one's AUC is too good; judge it once on rows that took no part, or choose by cross-validation"]
        .assert_eq(&found[0].to_string());
    let Warning::TestSetChose { best, runs: compared, .. } = &found[0] else { panic!("{found:?}") };
    assert_eq!((best, compared.len(), found.len()), (&runs[1].id, 3, 1));
    let by_loss = warnings(&runs.each_ref(), "evaluate.log_loss");
    assert!(matches!(&by_loss[..], [Warning::TestSetChose { best, .. }] if *best == runs[2].id), "{by_loss:?}");

    // The same pipeline again is no choice, and neither is a run alone, one that failed, or an unknown metric.
    let again = [runs[0].clone(), entry(&done(4, &logistic(), 0.825, 0.431, 1.0), &logistic())];
    assert_eq!(warnings(&again.each_ref(), "auc"), []);
    assert_eq!(warnings(&[&runs[0]], "auc"), []);
    let failed = IndexEntry { state: experiment::RunState::Failed, ..runs[1].clone() };
    assert_eq!(warnings(&[&runs[0], &failed], "auc"), []);
    assert_eq!(warnings(&runs.each_ref(), "nothing"), []);
}

#[test]
fn different_splits_are_no_common_ground() {
    let other = edited(&logistic(), [set("split", "fraction", Value::Float(0.5))]);
    let runs = [
        entry(&done(1, &logistic(), 0.825, 0.431, 1.0), &logistic()),
        entry(&done(2, &other, 0.83, 0.43, 1.0), &other),
    ];
    let found = warnings(&runs.each_ref(), "auc");
    expect!["2 different sets of test rows: AUC differs between them by chance, whatever the model; use one split with one seed"]
        .assert_eq(&found[0].to_string());
    assert_eq!(found.len(), 1);
}

#[test]
fn few_rows_are_warned_of() {
    let mut run = done(1, &logistic(), 0.9, 0.4, 1.0);
    run.metrics[0].n_rows = Some(45);
    let found = warnings(&[&entry(&run, &logistic())], "auc");
    expect!["AUC of 1 Run 1 rests on 45 rows: its last digits are chance"].assert_eq(&found[0].to_string());
}

fn folds(number: u32, values: &[f64], trees: i64) -> IndexEntry {
    let pipeline = edited(&forest(), [set("forest", "n_trees", Value::Int(trees))]);
    let mut run = done(number, &pipeline, values.iter().sum::<f64>() / values.len() as f64, 0.4, 1.0);
    run.metrics[0].repeats = Some(Repeats { values: values.to_vec(), n_train: 900, n_test: 100 });
    entry(&run, &pipeline)
}

#[test]
fn cross_validated_runs_are_tested_fold_by_fold_and_corrected_for_their_number() {
    let base = folds(1, &[0.80, 0.82, 0.79, 0.81, 0.80], 100);
    let better = folds(2, &[0.85, 0.86, 0.84, 0.87, 0.85], 200);
    let equal = folds(3, &[0.81, 0.80, 0.80, 0.80, 0.82], 300);
    let other_folds = folds(4, &[0.9, 0.9, 0.9], 400);
    let tests = tests_against(&base, &[&base, &better, &equal, &other_folds], "auc");
    let runs: Vec<_> = tests.iter().map(|test| &test.run).collect();
    assert_eq!(runs, [&better.id, &equal.id]);
    assert!(tests[0].test.difference > 0.04 && tests[0].p_corrected < 0.01, "{:?}", tests[0]);
    assert!(tests[1].p_corrected > 0.5, "{:?}", tests[1]);
    assert_eq!(tests[0].p_corrected, 2.0 * tests[0].test.p);

    let found = warnings(&[&base, &better, &equal, &other_folds], "auc");
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["AUC of 4 Run 4 rests on 3 repetitions: its interval is rough"]);
    let found = warnings(&[&base, &equal], "auc");
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["the 95 % intervals of 3 Run 3 and 1 Run 1 overlap: they may be equally good"]);
}

#[test]
fn values_that_were_left_open_differ_from_those_that_are_missing() {
    let table = three();
    let settings = compare(&table, &table.all(), 0, false);
    let stratify = settings.rows.iter().find(|row| row.name == "param.split.stratify").unwrap();
    let c = settings.rows.iter().find(|row| row.name == "param.logistic.c").unwrap();
    assert_eq!((&stratify.cells[0].value, &c.cells[1].value), (&Some(Scalar::None), &None));
}
