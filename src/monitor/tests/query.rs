//! Questions to single requests and exceptions, and what comes out.

use expect_test::{Expect, expect};
use monitor::query::{Chart, Tables, query};
use monitor::{Exception, ExceptionEvent, RequestEvent, Served};
use registry::Name;

/// 2026-11-28 14:00 in UTC.
const TWO: u64 = 1_795_874_400_000;

fn served(endpoint: &str, deployment: &str, version: u32) -> Served {
    let name = |text| Some(Name::new(text).expect("a name"));
    Served { endpoint: name(endpoint), deployment: name(deployment), version, is_mirror: false }
}

fn tables() -> Tables {
    let mut tables = Tables::default();
    // Seconds after two, endpoint, status, milliseconds.
    let requests = [
        (0, "churn", 200, 2.0),
        (10, "churn", 500, 8.0),
        (20, "bikes", 200, 1.0),
        (61, "churn", 400, 6.0),
        (62, "churn", 400, 7.0),
        (63, "bikes", 404, 4.0),
        (125, "churn", 200, 3.0),
    ];
    for (at, (secs, endpoint, status, ms)) in requests.into_iter().enumerate() {
        let version = if endpoint == "churn" && secs > 60 { 4 } else { 3 };
        tables.push_request(&RequestEvent {
            at_ms: TWO + secs * 1_000,
            id: format!("r{at}"),
            served: served(endpoint, if version == 4 { "green" } else { "blue" }, version),
            status,
            seconds: ms / 1e3,
            n_rows: at as u64,
        });
    }
    let exceptions = [
        (61, "r3", Exception::TypeMismatch, Some("age"), Some(2)),
        (62, "r4", Exception::TypeMismatch, Some("Age group"), Some(0)),
        (10, "r1", Exception::ModelPanic, None, None),
    ];
    for (secs, id, exception, column, row) in exceptions {
        tables.push_exception(&ExceptionEvent {
            at_ms: TWO + secs * 1_000,
            request_id: id.into(),
            served: served("churn", "green", 4),
            exception,
            message: format!("{} happened", exception.code()),
            column: column.map(str::to_owned),
            row,
        });
    }
    tables
}

fn check(text: &str, expected: Expect) {
    let answer = match query(text, &tables(), TWO + 180_000) {
        Ok(answer) => answer,
        Err(error) => return expected.assert_eq(&format!("{error}\n")),
    };
    let table = &answer.table;
    let header: Vec<String> =
        table.columns.iter().map(|column| format!("{}: {}", column.name, column.kind.label())).collect();
    let mut lines = vec![header.join(", ")];
    for row_idx in 0..table.n_rows {
        let cell = |column: &monitor::query::Column| {
            serde_json::to_string(&column.cell(row_idx)).expect("plain data").replace("17958744", "…")
        };
        lines.push(table.columns.iter().map(cell).collect::<Vec<_>>().join(", "));
    }
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn failures_are_counted_by_name_and_minute() {
    check(
        "requests | where resultCode >= 400 and duration > 5
         | summarize count(), avg(duration), percentile(duration, 95) by name, bin(timestamp, 1m)
         | top 10 by count_",
        expect![[r#"
            name: string, timestamp: datetime, count_: long, avg_duration: real, percentile_duration_95: real
            "POST /v2/models/churn/infer", …60000, 2, 6.5, 7.0
            "POST /v2/models/churn/infer", …00000, 1, 8.0, 8.0
        "#]],
    );
}

#[test]
fn columns_are_chosen_computed_and_ordered() {
    check(
        "requests | project id, ms = duration / 2, late = timestamp - datetime(2026-11-28) - 14h | take 3",
        expect![[r#"
            id: string, ms: real, late: timespan
            "r0", 1.0, 0
            "r1", 4.0, 10000
            "r2", 0.5, 20000
        "#]],
    );
    check(
        "requests | where endpoint == 'churn' | order by resultCode desc, duration asc | project id, resultCode",
        expect![[r#"
            id: string, resultCode: long
            "r1", 500
            "r3", 400
            "r4", 400
            "r0", 200
            "r6", 200
        "#]],
    );
    check(
        "requests | extend is_slow = duration > 5 | where not(is_slow) | project id, n = n_rows / 2 | limit 3",
        expect![[r#"
            id: string, n: long
            "r0", 0
            "r2", 1
            "r5", 2
        "#]],
    );
    check(
        "requests | where timestamp > ago(1m) | project id, success, model_version",
        expect![[r#"
        id: string, success: bool, model_version: long
        "r6", true, 4
    "#]],
    );
    check(
        "requests | where -duration < -5 * (1 + 0.5) or id in ('r0', 'r2') | project id",
        expect![[r#"
        id: string
        "r0"
        "r1"
        "r2"
    "#]],
    );
}

#[test]
fn a_share_is_computed_from_counts() {
    check(
        "requests | summarize failed = countif(success == false), share = 100.0 * countif(resultCode >= 400) / count(),
         dcount(name), min(duration), max(duration), sum(n_rows) by deployment | order by deployment asc",
        expect![[r#"
            deployment: string, failed: long, share: real, dcount_name: long, min_duration: real, max_duration: real, sum_n_rows: long
            "blue", 2, 50.0, 2, 1.0, 8.0, 8
            "green", 2, 66.66666666666667, 1, 3.0, 7.0, 13
        "#]],
    );
    check(
        "requests | where duration > 99 | summarize count(), avg(duration), max(duration)",
        expect![[r#"
        count_: long, avg_duration: real, max_duration: real
        0, null, null
    "#]],
    );
    check(
        "requests | where duration > 99 | summarize count() by name",
        expect![[r#"
        name: string, count_: long
    "#]],
    );
    check(
        "requests | summarize by endpoint, model_version",
        expect![[r#"
        endpoint: string, model_version: long
        "churn", 3
        "bikes", 3
        "churn", 4
    "#]],
    );
    check(
        "requests | count",
        expect![[r#"
        Count: long
        7
    "#]],
    );
}

#[test]
fn exceptions_are_a_table_of_their_own() {
    check(
        "exceptions | where column contains 'AGE' or row == 99 | project type, column, row, operation_Id",
        expect![[r#"
        type: string, column: string, row: long, operation_Id: string
        "schema.type_mismatch", "age", 2, "r3"
        "schema.type_mismatch", "Age group", 0, "r4"
    "#]],
    );
    check(
        "exceptions | order by row asc | project row, column | take 1",
        expect![[r#"
        row: long, column: string
        null, ""
    "#]],
    );
    check(
        "exceptions | where outerMessage startswith 'model' and type !~ 'TIMEOUT' | summarize count() by type",
        expect![[r#"
            type: string, count_: long
            "model.panic", 1
        "#]],
    );
}

#[test]
fn a_chart_along_time_begins_with_the_first_moment() {
    let text = "exceptions | summarize count() by bin(timestamp, 1m) | render timechart";
    let answer = query(text, &tables(), TWO).expect("a query");
    assert_eq!(answer.chart, Some(Chart::TimeChart));
    check(
        text,
        expect![[r#"
        timestamp: datetime, count_: long
        …00000, 1
        …60000, 2
    "#]],
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    check(
        "request | take 5",
        expect![[r#"
        character 1: found `request`, expected requests or exceptions
    "#]],
    );
    check(
        "requests | were duration > 5",
        expect![[r#"
        character 12: found `were`, expected where, summarize, top, order by, project, extend, take, count or render
    "#]],
    );
    check(
        "requests | where duratio > 5",
        expect![[r#"
        character 18: found `duratio`, expected a column: "timestamp", "id", "name", "success", "resultCode", "duration", "operation_Id", "endpoint" and 3 more
    "#]],
    );
    check(
        "requests | where duration > 5s",
        expect![[r#"
        character 29: found a timespan, expected a real, as before `>`
    "#]],
    );
    check(
        "requests | where resultCode == '404'",
        expect![[r#"
        character 32: found a string, expected a long, as before `==`
    "#]],
    );
    check(
        "requests | where name > 'a'",
        expect![[r#"
        character 18: found a string, expected a number or a datetime before `>`: texts have no order
    "#]],
    );
    check(
        "requests | where duration",
        expect![[r#"
        character 18: found a real, expected a condition, such as duration > 5
    "#]],
    );
    check(
        "requests | where duration > 5 and 3",
        expect![[r#"
        character 35: found a long, expected a condition beside `and`
    "#]],
    );
    check(
        "requests | where (duration > 5",
        expect![[r#"
        character 31: found the end, expected `)`
    "#]],
    );
    check(
        "requests | where count() > 5",
        expect![[r#"
        character 18: found a function of several rows, expected it only after summarize
    "#]],
    );
    check(
        "requests | summarize avg(name)",
        expect![[r#"
        character 26: found a string, expected a column of numbers
    "#]],
    );
    check(
        "requests | summarize percentile(duration, 101)",
        expect![[r#"
        character 43: found something else, expected a number from 0 to 100
    "#]],
    );
    check(
        "requests | summarize median(duration)",
        expect![[r#"
        character 22: found the function `median`, expected count, countif, dcount, sum, avg, min, max, percentile, bin, ago, now, datetime or not
    "#]],
    );
    check(
        "requests | summarize count(id)",
        expect![[r#"
        character 22: found 1 arguments of `count`, expected 0
    "#]],
    );
    check(
        "requests | summarize count() by bin(timestamp, 5)",
        expect![[r#"
        character 48: found a long, expected a timespan, such as 1m, above 0
    "#]],
    );
    check(
        "requests | project duration / 2",
        expect![[r#"
        character 20: found an expression without a name, expected a name before it, as in share = a / b
    "#]],
    );
    check(
        "requests | top 5 duration",
        expect![[r#"
        character 18: found `duration`, expected `by`
    "#]],
    );
    check(
        "requests | render graph",
        expect![[r#"
        character 19: found `graph`, expected timechart, linechart, areachart, columnchart, barchart, piechart, table
    "#]],
    );
    check(
        "requests requests",
        expect![[r#"
        character 10: found `requests`, expected | or the end
    "#]],
    );
    check(
        "",
        expect![[r#"
        character 1: found the end, expected requests or exceptions
    "#]],
    );
}

#[test]
fn a_query_never_breaks_whatever_is_written() {
    let words = "requests | where summarize count ( ) by , duration > 5 'a' bin 1m - and top name = in project render \
                 timechart datetime percentile not";
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut stream = numeric::Stream::new(1);
    let tables = tables();
    let mut n_good = 0;
    for _ in 0..20_000 {
        let n = 2 + stream.below(12);
        let text: Vec<&str> = (0..n).map(|_| words[stream.below(words.len() as u64) as usize]).collect();
        n_good += u32::from(query(&format!("requests | {}", text.join(" ")), &tables, TWO).is_ok());
    }
    assert!(n_good > 0, "none of them was a query");
    let long = format!("success{}", " and success".repeat(490));
    assert!(query(&format!("requests | where {long}"), &tables, TWO).is_ok());
    for deep in ["(".repeat(900), "-".repeat(900), "not(".repeat(400), " and success".repeat(10_000)] {
        assert!(query(&format!("requests | where {deep}"), &tables, TWO).is_err());
    }
}
