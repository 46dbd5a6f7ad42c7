//! The list of runs: what a view shows.

mod fixture;

use expect_test::{Expect, expect};
use experiment::{
    Cell, IndexEntry, Line, ListColumn, Listing, RunTable, SortKey, View, listing, to_csv, usual_columns, utc,
};
use fixture::{done, edited, entry, forest, logistic, set};
use pipeline::Value;

fn table() -> RunTable {
    let trees = |n| edited(&forest(), [set("forest", "n_trees", Value::Int(n))]);
    let pipelines = [logistic(), trees(100), trees(200), logistic()];
    let results = [(0.825, 0.431, 0.9), (0.834, 0.424, 1.6), (0.846, 0.412, 2.1), (0.801, 0.45, 0.8)];
    let mut entries = Vec::new();
    for (number, (pipeline, (auc, log_loss, took))) in (1..).zip(pipelines.iter().zip(results)) {
        entries.push(entry(&done(number, pipeline, auc, log_loss, took), pipeline));
    }
    RunTable::new(entries)
}

/// The lines, with the numbers of runs and the titles of groups, and whatever the view asked for in vain.
fn check(link: &str, expected: &Expect) {
    let table = table();
    let view = View::from_link(link).unwrap_or_else(|error| panic!("{link}: {error}"));
    let shown = listing(&table, &view).unwrap_or_else(|error| panic!("{link}: {error}"));
    let mut text = format!("{}\n", names(&shown));
    for line in &shown.lines {
        let line = match line {
            Line::Group(group_idx) => {
                let group = &shown.groups[*group_idx];
                format!("{}: {} runs, median {}", group.title(), group.rows.len(), group.spreads[0].median)
            }
            Line::Run(row_idx) => format!("  {}", table.entry(*row_idx).unwrap().number),
        };
        text.push_str(&line);
        text.push('\n');
    }
    shown.unknown.iter().for_each(|unknown| text.push_str(&format!("{unknown}\n")));
    expected.assert_eq(&text);
}

fn names(shown: &Listing) -> String {
    let name = |column: &ListColumn| match column.best {
        Some(best) => format!("{} (best {best})", column.name),
        None => column.name.clone(),
    };
    shown.columns.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[test]
fn without_a_wish_the_latest_runs_come_first_with_the_usual_columns() {
    check(
        "#runs",
        &expect![[r#"
            state, name, changed, started, took, metric.auc (best 0.846), metric.log_loss (best 0.412), tag
              4
              3
              2
              1
        "#]],
    );
}

#[test]
fn groups_come_by_their_best_run_and_a_closed_one_shows_only_its_head() {
    check(
        "#runs?group=learner&sort=-auc&columns=name,auc&closed=Logistic+Regression",
        &expect![[r#"
            name, metric.auc (best 0.846)
            Decision Forest: 2 runs, median 0.84
              3
              2
            Logistic Regression: 2 runs, median 0.813
        "#]],
    );
}

#[test]
fn the_metric_that_is_sorted_by_is_the_one_whose_spread_is_told() {
    check(
        "#runs?group=learner&sort=log_loss&columns=auc,log_loss",
        &expect![[r#"
            metric.auc (best 0.846), metric.log_loss (best 0.412)
            Decision Forest: 2 runs, median 0.418
              3
              2
            Logistic Regression: 2 runs, median 0.4405
              1
              4
        "#]],
    );
}

#[test]
fn the_best_is_the_best_of_what_the_query_found() {
    check(
        "#runs?q=auc+%3C+0.83&columns=auc,log_loss,took",
        &expect![[r#"
            metric.auc (best 0.825), metric.log_loss (best 0.431), took
              4
              1
        "#]],
    );
}

#[test]
fn what_no_run_has_is_left_out_and_told() {
    check(
        "#runs?columns=name,accuracy&sort=-acu&group=banana",
        &expect![[r#"
            name
              4
              3
              2
              1
            no run has "accuracy"
            no run has "acu"; did you mean "auc"?
            no run has "banana"
        "#]],
    );
}

#[test]
fn a_query_that_cannot_be_read_gives_its_error() {
    let view = View { query: "auc >".into(), ..View::default() };
    let error = listing(&table(), &view).unwrap_err();
    assert_eq!(error.range, 5..5);
}

#[test]
fn where_all_are_equal_none_is_best() {
    let pipeline = logistic();
    let of = |number| entry(&done(number, &pipeline, 0.8, 0.4, 1.0), &pipeline);
    let shown = listing(&RunTable::new([of(1), of(2)]), &View::default()).unwrap();
    assert!(shown.columns.iter().all(|column| column.best.is_none()), "{}", names(&shown));
}

#[test]
fn without_runs_there_is_an_empty_list_and_no_metric() {
    let shown = listing(&RunTable::default(), &View::default()).unwrap();
    assert_eq!((shown.lines.len(), shown.measure), (0, None));
    assert_eq!(usual_columns(&RunTable::default()), ["state", "name", "changed", "started", "took", "tag"]);
}

#[test]
fn a_csv_has_what_is_shown_and_no_formula() {
    let pipeline = logistic();
    let odd = IndexEntry {
        name: "=HYPERLINK(\"x\"), twice".into(),
        note: "two\nlines".into(),
        ..entry(&done(1, &pipeline, 0.8125, 0.4, 1.5), &pipeline)
    };
    let table = RunTable::new([odd]);
    let columns = ["number", "name", "started", "auc", "note", "sweep"].map(String::from).into();
    let sort = vec![SortKey { column: "number".into(), descending: false }];
    let shown = listing(&table, &View { columns, sort, ..View::default() }).unwrap();
    let csv = to_csv(&table, &shown.rows, &shown.columns);
    expect![[r#"
        number,name,started,metric.auc,note,sweep
        1,"'=HYPERLINK(""x""), twice",2026-11-01T09:13:00Z,0.8125,"two
        lines",
    "#]]
    .assert_eq(&csv.replace("\r\n", "\n"));
}

#[test]
fn times_are_those_of_the_calendar() {
    // From GNU date: date -u -d @0, @951782400, @1793524323, @4102444799.
    for (secs, text) in [
        (0.0, "1970-01-01T00:00:00Z"),
        (951_782_400.0, "2000-02-29T00:00:00Z"),
        (1_793_524_323.0, "2026-11-01T09:12:03Z"),
        (4_102_444_799.0, "2099-12-31T23:59:59Z"),
    ] {
        assert_eq!(utc(secs * 1_000.0), text);
    }
}

#[test]
fn a_listed_column_leads_to_its_values() {
    let table = table();
    let shown = listing(&table, &View::default()).unwrap();
    let auc = shown.columns.iter().find(|column| column.name == "metric.auc").unwrap();
    let best = shown.rows.iter().find(|&&row_idx| table.cell(row_idx, auc.source) == Cell::Number(auc.best.unwrap()));
    assert_eq!(best.map(|&row_idx| table.entry(row_idx).unwrap().number), Some(3));
}
