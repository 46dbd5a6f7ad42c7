use engine::Artifact;
use engine::testing::{Outcome, run_component};
use pipeline::Value;
use schema::Role;
use table::{Options, read_bytes};

use super::*;

/// Two groups of rows with a column of labels.
fn rows(label: impl Fn(usize) -> String) -> Table {
    let mut text = String::from("a,b,label\n");
    for row_idx in 0..40 {
        let (a, b) = ((row_idx * 7 % 11) as f64 / 10.0, (row_idx * 5 % 13) as f64 / 10.0);
        let apart = if row_idx % 2 == 0 { 0.0 } else { 30.0 };
        text += &format!("{},{},{}\n", a + apart, b, label(row_idx));
    }
    let table = read_bytes("t.csv", text.as_bytes(), Options::default()).expect("a table").table;
    table.set_role("label", Role::Target).expect("a column")
}

fn run(table: &Table, params: Vec<(&str, Value)>) -> Outcome {
    let quick = [("perplexity", Value::Float(8.0)), ("max_iter", Value::Int(250))];
    let params = quick.into_iter().chain(params).collect();
    run_component(&TSne, vec![("table", Artifact::Table(table.clone()))], params, 1).expect("places")
}

fn placed(done: &Outcome) -> &Table {
    match &done.outputs["table"] {
        Artifact::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

fn figure_of(done: &Outcome) -> &Figure {
    let found =
        done.panels.iter().find_map(|panel| if let Panel::Figure(figure) = panel { Some(figure) } else { None });
    found.expect("a picture")
}

fn names(table: &Table) -> Vec<String> {
    table.schema().names()
}

#[test]
fn places_stand_beside_the_columns_or_replace_them() {
    let table = rows(|row_idx| format!("group {}", row_idx % 2));
    let done = run(&table, vec![]);
    assert_eq!(names(placed(&done)), ["a", "b", "label", "t-SNE 1", "t-SNE 2"]);
    assert_eq!(placed(&done).schema().target().map(|column| column.name.as_str()), Some("label"));
    let replaced = run(&table, vec![("keep_columns", Value::Bool(false)), ("n_components", Value::Int(3))]);
    assert_eq!(names(placed(&replaced)), ["label", "t-SNE 1", "t-SNE 2", "t-SNE 3"]);
    // Once more, on all numbers there are now: the old places are replaced, and keep their role.
    let ignored = placed(&done).set_role("t-SNE 2", Role::Ignored).expect("a column");
    let again = run(&ignored, vec![]);
    assert_eq!(names(placed(&again)), ["a", "b", "label", "t-SNE 1", "t-SNE 2"]);
    assert_eq!(placed(&again).schema().columns[4].role, Role::Ignored);
}

#[test]
fn the_picture_is_coloured_by_classes() {
    let done = run(&rows(|row_idx| format!("group {}", row_idx % 2)), vec![]);
    let figure = figure_of(&done);
    let series: Vec<(&str, u8)> = figure.series.iter().map(|s| (s.name.as_str(), s.color_idx)).collect();
    assert_eq!(series, [("group 0", 0), ("group 1", 1)]);
    // The groups are far apart, and stay so.
    let middle = |series: &Series| {
        let Marks::Points(points) = &series.marks else { panic!("dots") };
        assert_eq!(points.len(), 20);
        let n = points.len() as f64;
        (points.iter().map(|point| point.0).sum::<f64>() / n, points.iter().map(|point| point.1).sum::<f64>() / n)
    };
    let (one, other) = (middle(&figure.series[0]), middle(&figure.series[1]));
    assert!((one.0 - other.0).abs() + (one.1 - other.1).abs() > 1.0, "{one:?} {other:?}");
    let Some(Face::Headline(text, Some(dots))) = &done.face else { panic!("{:?}", done.face) };
    assert!(text.starts_with("KL ") && matches!(&**dots, Face::Dots(dots) if dots.len() == 40), "{text}");
    let told =
        done.panels.iter().find_map(|panel| if let Panel::Facts { rows, .. } = panel { Some(rows) } else { None });
    let told: Vec<String> = told.expect("facts").iter().map(|row| row.join(": ")).collect();
    for expected in ["Iterations: 250", "Perplexity: 8", "Learning rate: 50", "Method: Every pair of rows"] {
        assert!(told.iter().any(|line| line == expected), "{told:?}");
    }
}

#[test]
fn many_classes_share_a_look_and_gaps_have_their_own() {
    let one_of_twenty = |row_idx: usize| if row_idx < 10 { "often".into() } else { format!("class {}", row_idx % 20) };
    let done = run(&rows(one_of_twenty), vec![]);
    let figure = figure_of(&done);
    assert_eq!(figure.series.len(), 12);
    assert!(figure.series.iter().any(|series| series.name == "often"));
    assert_eq!(figure.series[11].name, "others");
    let n_dots = |series: &Series| if let Marks::Points(points) = &series.marks { points.len() } else { 0 };
    assert_eq!(figure.series.iter().map(n_dots).sum::<usize>(), 40);
    let done = run(&rows(|row_idx| if row_idx == 3 { String::new() } else { format!("c{}", row_idx % 2) }), vec![]);
    let series: Vec<&str> = figure_of(&done).series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(series, ["c0", "c1", "no value"]);
}

#[test]
fn the_picture_is_coloured_by_ranges_of_numbers() {
    let done = run(&rows(|row_idx| format!("{}.5", 39 - row_idx)), vec![]);
    let figure = figure_of(&done);
    let series: Vec<(&str, u8)> = figure.series.iter().map(|s| (s.name.as_str(), s.color_idx)).collect();
    assert_eq!((series[0], series[5]), (("0.5 to 6.5", RAMP), ("35.5 to 39.5", RAMP + 5)));
    for series in &figure.series {
        let Some(detail) = &series.detail else { panic!("the number of each dot") };
        assert!(detail.label == "label" && detail.values.is_sorted());
    }
    // A few whole numbers are classes.
    let done = run(&rows(|row_idx| (10 - row_idx % 3).to_string()), vec![]);
    let series: Vec<&str> = figure_of(&done).series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(series, ["8", "9", "10"]);
}

#[test]
fn without_a_target_all_rows_look_alike() {
    let table = rows(|row_idx| (row_idx % 2).to_string()).set_role("label", Role::Id).expect("a column");
    let done = run(&table, vec![]);
    let [series] = figure_of(&done).series.as_slice() else { panic!("one series") };
    assert_eq!(series.name, "Rows");
}
