//! Runs in a table: searched, sorted, grouped, and the view on them as a link.

mod fixture;

use std::sync::LazyLock;

use expect_test::{Expect, expect};
use experiment::{
    Cell, Field, Group, IndexEntry, MetricRecord, Query, RunKey, RunState, RunTable, Scalar, SortKey, Source, Tab,
    TrialOf, View, complete, order_by_best,
};
use fixture::{done, edited, entry, forest, id, logistic, metric, set};
use pipeline::Value;
use proptest::prelude::*;
use protocol::Direction;

/// Six runs: two logistic, three forests, one that failed and is archived.
fn table() -> RunTable {
    let mut entries = Vec::new();
    let mut add = |number: u32, name: &str, tags: &[&str], note: &str, entry: IndexEntry| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        entries.push(IndexEntry { name: name.into(), tags, note: note.into(), ..entry });
        assert_eq!(entries.len() as u32, number);
    };
    let of = |number, pipeline: &pipeline::Pipeline, auc, log_loss, took| {
        entry(&done(number, pipeline, auc, log_loss, took), pipeline)
    };
    let trees = |n| edited(&forest(), [set("forest", "n_trees", Value::Int(n))]);
    let no_limit = edited(&trees(300), [set("forest", "max_depth", Value::None)]);
    add(1, "Logistic, first try", &["baseline"], "the one to beat", of(1, &logistic(), 0.825, 0.431, 0.9));
    let strict = edited(&logistic(), [set("logistic", "c", Value::Float(0.01))]);
    add(2, "Strict", &[], "", of(2, &strict, 0.801, 0.45, 0.8));
    add(3, "First forest", &["for class"], "", of(3, &trees(100), 0.834, 0.424, 1.6));
    add(4, "Balanced", &["candidate", "for class"], "Best so far", of(4, &trees(200), 0.846, 0.412, 2.1));
    add(5, "No limit", &[], "slow", of(5, &no_limit, 0.841, f64::INFINITY, 6.0));
    let mut failed = of(6, &trees(0), f64::NAN, f64::NAN, 0.1);
    failed.metrics.clear();
    (failed.state, failed.archived, failed.message) = (RunState::Failed, true, "trees must be at least 1".into());
    failed.trial = Some(TrialOf { sweep: "s1".into(), number: 3 });
    add(6, "None at all", &[], "", failed);
    RunTable::new(entries)
}

/// Built once for thousands of queries.
static TABLE: LazyLock<RunTable> = LazyLock::new(table);

fn found(query: &str) -> Vec<u32> {
    let table = table();
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let rows = table.filter(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
    rows.into_iter().map(|row_idx| table.entry(row_idx).unwrap().number).collect()
}

#[test]
fn a_query_finds_what_it_says() {
    for (query, numbers) in [
        ("", &[1, 2, 3, 4, 5][..]),
        ("metric.auc > 0.83 and param.n_trees <= 200 and tag:baseline", &[]),
        ("metric.auc > 0.83 and param.n_trees <= 200", &[3, 4]),
        ("auc > 0.84 or state != done", &[4, 5]),
        ("archived = true or auc > 0.84", &[4, 5, 6]),
        ("evaluate.auc>=.841", &[4, 5]),
        ("metric.evaluate.auc < 0.81", &[2]),
        ("forest.n_trees = 300", &[5]),
        ("auc = 0.825", &[1]),
        ("log_loss > 1", &[5]),
        ("learner = \"Decision Forest\"", &[3, 4, 5]),
        ("learner ~ forest and not name ~ FOREST", &[4, 5]),
        ("name !~ forest", &[1, 2, 4, 5]),
        ("tag:\"for class\"", &[3, 4]),
        ("tag = candidate", &[4]),
        ("tag != candidate", &[1, 2, 3, 5]),
        ("tag ~ cand", &[4]),
        ("tag = none", &[2, 5]),
        ("note:beat", &[1]),
        ("note = beat", &[]),
        ("class", &[3, 4]),
        ("SO far", &[4]),
        ("for forest", &[3]),
        ("param.max_depth = none", &[1, 2, 5]),
        ("param.max_depth != none", &[3, 4]),
        ("param.max_depth > 1", &[3, 4]),
        ("class_weights = balanced", &[3, 4, 5]),
        ("class_weights != balanced", &[1, 2]),
        ("not class_weights = balanced", &[1, 2]),
        ("started = 2026-11-01", &[1, 2, 3, 4, 5]),
        ("started > 2026-11-01", &[]),
        ("started > 2026-10 and started <= 2026-11-01T09:14", &[1, 2]),
        ("started < 2026-11-01T09:14", &[1]),
        ("took > 1 took < 3", &[3, 4]),
        ("seed = 7 and number <= 2", &[1, 2]),
        ("(name = Strict or name = Balanced) and auc > 0.81", &[4]),
        ("not (auc > 0.83 or auc < 0.81)", &[1]),
        ("auc ≥ 0.841 AND auc ≠ 0.846", &[5]),
        ("archived = yes and message:trees", &[6]),
        ("archived = true and sweep = s1 and trial = 3", &[6]),
        ("data:churn.csv host ~ firefox", &[1, 2, 3, 4, 5]),
        ("state:done pipeline:leaves document = doc-1", &[1, 2, 3, 4, 5]),
    ] {
        assert_eq!(found(query), numbers, "{query}");
    }
}

#[test]
fn dates_are_the_users_own() {
    let mut table = table();
    // At 09:13 in UTC it is the day before in the Pacific's west.
    table.set_time_zone(-10 * 60);
    let count = |query: &str| table.filter(&Query::parse(query).unwrap()).unwrap().len();
    assert_eq!((count("started = 2026-11-01"), count("started = 2026-10-31")), (0, 5));
}

#[test]
fn what_is_wrong_with_a_query_is_said_with_its_place() {
    let table = table();
    let check = |text: &str, expected: Expect| {
        let error = Query::parse(text).and_then(|query| table.filter(&query)).unwrap_err();
        let marks: String =
            (0..text.len().max(error.range.end)).map(|at| if error.range.contains(&at) { '^' } else { ' ' }).collect();
        let marks = if error.range.is_empty() { format!("{}^", " ".repeat(error.range.start)) } else { marks };
        expected.assert_eq(&format!("{text}\n{}\n{error}", marks.trim_end()));
    };
    check(
        "auc >",
        expect![[r#"
        auc >
             ^
        expected a value, found the end"#]],
    );
    check(
        "acu > 0.8",
        expect![[r#"
        acu > 0.8
        ^^^
        no run has "acu"; did you mean auc?; to look for the word itself, put quotes around it"#]],
    );
    check(
        "auc > high and x",
        expect![[r#"
        auc > high and x
              ^^^^
        auc is a number: expected one, as in 0.9, found "high""#]],
    );
    check(
        "auc > 0.8 and",
        expect![[r#"
        auc > 0.8 and
                     ^
        expected a name or a word, found the end"#]],
    );
    check(
        "(auc > 0.8",
        expect![[r#"
        (auc > 0.8
                  ^
        expected a closing bracket, found the end"#]],
    );
    check(
        "auc > 0.8)",
        expect![[r#"
        auc > 0.8)
                 ^
        expected a name, a word, and, or the end, found ")""#]],
    );
    check(
        "> 0.8",
        expect![[r#"
        > 0.8
        ^
        expected a name or a word, found ">""#]],
    );
    check(
        "name = \"open",
        expect![[r#"
        name = "open
               ^^^^^
        expected a closing quote, found the end"#]],
    );
    check(
        "state = don",
        expect![[r#"
        state = don
                ^^^
        state is one of running, done, failed, stopped, found "don"; did you mean done?"#]],
    );
    check(
        "state > done",
        expect![[r#"
        state > done
        ^^^^^
        state has no order, so > means nothing: use =, != or :"#]],
    );
    check(
        "auc ~ 8",
        expect![[r#"
        auc ~ 8
        ^^^
        auc is a number, and ~ looks inside text: use =, <, <=, > or >="#]],
    );
    check(
        "started > yesterday",
        expect![[r#"
        started > yesterday
                  ^^^^^^^^^
        started is a time: expected a date, as in 2026-11-01 or 2026-11-01T10:30, found "yesterday""#]],
    );
    check(
        "archived = maybe",
        expect![[r#"
        archived = maybe
                   ^^^^^
        archived is one of true, false, found "maybe""#]],
    );
    check(
        &"(".repeat(60),
        expect![[r#"
        ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                                                          ^^^^^^^^^^
        more than 50 levels of brackets: write it with fewer"#]],
    );
}

#[test]
fn a_query_is_printed_in_one_way() {
    for (written, printed) in [
        ("auc>0.80 OR state≠done", "auc > 0.80 or state != done"),
        ("a (b or c) d", "a and (b or c) and d"),
        ("((a)) and (b and c)", "a and b and c"),
        ("(a and b) or c", "a and b or c"),
        ("not(a or b)", "not (a or b)"),
        ("not not a", "not not a"),
        ("tag : \"for class\" metric.\"recall, yes\" == 1", "tag:\"for class\" and metric.\"recall, yes\" = 1"),
        ("\"and\" \"say \\\"hi\\\"\" wow!", "\"and\" and \"say \\\"hi\\\"\" and \"wow!\""),
        ("  ", ""),
    ] {
        let query = Query::parse(written).unwrap();
        assert_eq!(query.to_string(), printed);
        assert_eq!(Query::parse(printed), Ok(query), "{printed}");
    }
}

fn words_like_queries() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "auc",
        "metric.auc",
        "param.n_trees",
        "tag",
        "note",
        "started",
        "state",
        "and",
        "or",
        "not",
        "(",
        ")",
        ">",
        ">=",
        "=",
        "!=",
        "~",
        "!~",
        ":",
        "≠",
        "0.9",
        "2026-11-01",
        "\"for class\"",
        "\"",
        "\\",
        ".",
        "none",
        " ",
        "é",
        "!",
        "-",
        "done",
    ];
    proptest::collection::vec(prop_oneof![proptest::sample::select(PIECES), Just(" ")], 0..24)
        .prop_map(|pieces| pieces.concat())
}

fn queries() -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-zA-Z_.!\" é\\\\]{0,8}", "auc|tag|and|or|not|metric\\.auc|none"];
    let value = prop_oneof!["[^\u{0}]{0,8}", "[0-9.]{1,4}", "none|and|or"];
    let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let sign = proptest::sample::select(&["=", "!=", "<", "<=", ">", ">=", "~", "!~", ":"][..]);
    let leaf = prop_oneof![
        (name.clone(), sign, value).prop_map(move |(name, sign, value)| format!(
            "{}{sign}{}",
            quoted(name),
            quoted(value)
        )),
        name.prop_map(quoted),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            inner.prop_map(|part| format!("not {part}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_query_asks_the_same(text in queries()) {
        let query = Query::parse(&text).unwrap();
        let printed = query.to_string();
        prop_assert_eq!(&Query::parse(&printed).unwrap(), &query, "{}", printed);
        prop_assert_eq!(Query::parse(&printed).unwrap().to_string(), printed);
    }

    #[test]
    fn no_text_is_too_strange_for_a_query(text in prop_oneof![any::<String>(), words_like_queries()], cursor in 0_usize..60) {
        match Query::parse(&text) {
            Ok(query) => {
                prop_assert_eq!(&Query::parse(&query.to_string()).unwrap(), &query);
                if let Err(error) = TABLE.filter(&query) {
                    prop_assert!(text.get(error.range).is_some());
                }
            }
            Err(error) => prop_assert!(text.get(error.range).is_some()),
        }
        for completion in complete(&text, cursor, &TABLE) {
            prop_assert!(text.get(completion.range).is_some());
        }
    }

    #[test]
    fn the_plain_rule_and_its_opposite_part_the_runs(text in words_like_queries()) {
        let (Ok(query), Ok(opposite)) = (Query::parse(&text), Query::parse(&format!("not ({text})"))) else {
            return Ok(());
        };
        let (Ok(yes), Ok(no)) = (TABLE.filter(&query), TABLE.filter(&opposite)) else { return Ok(()) };
        prop_assert!(yes.iter().all(|row_idx| !no.contains(row_idx)));
        let n_asked = if query.mentions("archived") { 6 } else { 5 };
        prop_assert_eq!(yes.len() + no.len(), n_asked);
    }

    #[test]
    fn a_view_comes_back_from_its_link(
        (query, names, numbers) in (any::<String>(), proptest::collection::vec("[^\u{0}]{1,6}", 0..8), any::<[u8; 6]>())
    ) {
        let part = |from: u8, to: u8| {
            let at = |n: u8| usize::from(n) % (names.len() + 1);
            names[at(from).min(at(to))..at(from).max(at(to))].to_vec()
        };
        let run = |n: u8| RunKey::at(u64::from(n) << 30, 7);
        let view = View {
            query,
            columns: part(numbers[0], numbers[1]),
            sort: part(numbers[1], numbers[2]).into_iter().map(|column| {
                SortKey { descending: column.len() % 2 == 0, column }
            }).collect(),
            group: part(numbers[2], numbers[3]),
            selected: numbers.iter().map(|n| run(*n)).collect(),
            pinned: (numbers[4] > 99).then(|| run(numbers[4])),
            tab: Tab::ALL[usize::from(numbers[5]) % Tab::ALL.len()],
            with_equal: numbers[0] > 99,
            axes: part(numbers[3], numbers[4]),
            closed: part(numbers[4], numbers[5]),
        };
        let link = view.to_link();
        prop_assert!(link.bytes().all(|byte| byte.is_ascii_graphic()), "{}", link);
        prop_assert_eq!(View::from_link(&link), Ok(view));
    }

    #[test]
    fn no_link_is_too_strange(text in any::<String>()) {
        let _ = View::from_link(&text);
        let _ = View::from_link(&format!("#runs?{text}"));
    }
}

#[test]
fn what_may_come_next_is_offered() {
    let table = table();
    let check = |text: &str, expected: Expect| {
        let (before, after) = text.split_once('|').unwrap();
        let offers = complete(&format!("{before}{after}"), before.len(), &table);
        let shown: Vec<_> = offers.iter().take(6).map(|offer| format!("{} ({})", offer.insert, offer.detail)).collect();
        let replaced = offers.first().map(|offer| &before[offer.range.clone()]);
        expected.assert_eq(&format!("{:?}: {}", replaced.unwrap_or_default(), shown.join(", ")));
    };
    check(
        "|",
        expect![[r#""": auc (AUC), log_loss (Log loss), file (file), c (c), penalty (penalty), fraction (fraction)"#]],
    );
    check(
        "a|",
        expect![[
            r#""a": auc (AUC), archived (Archived), penalty (penalty), fraction (fraction), stratify (stratify), class_weights (class_weights)"#
        ]],
    );
    check("auc > 0.8 and lo|", expect![[r#""lo": log_loss (Log loss)"#]]);
    check(
        "param.fo|",
        expect![[
            r#""param.fo": param.forest.class_weights (class_weights), param.forest.max_depth (max_depth), param.forest.n_trees (n_trees), param.forest.share (share)"#
        ]],
    );
    check("forest.n|", expect![[r#""forest.n": forest.n_trees (n_trees)"#]]);
    check("auc |", expect![[r#""": > (more than), >= (at least), < (less than), <= (at most), = (is), != (is not)"#]]);
    check("auc !|", expect![[r#""!": != (is not)"#]]);
    check("tag |", expect![[r#""": = (is), != (is not), : (is), ~ (contains), !~ (does not contain), and (both)"#]]);
    check("tag:|", expect![[r#""": "for class" (2 runs), baseline (1 run), candidate (1 run)"#]]);
    check("tag:\"for|", expect![[r#""\"for": "for class" (2 runs)"#]]);
    check("tag = ca| and auc > 1", expect![[r#""ca": candidate (1 run)"#]]);
    check("state != |", expect![[r#""": done (5 runs), failed (1 run), running (0 runs), stopped (0 runs)"#]]);
    check("learner = D|", expect![[r#""D": "Decision Forest" (4 runs)"#]]);
    check("n_trees = |", expect![[r#""": 0 (1 run), 100 (1 run), 200 (1 run), 300 (1 run)"#]]);
    check("auc > 0.8 |", expect![[r#""": and (both), or (either)"#]]);
    check(
        "auc > 0.8 a|",
        expect![[
            r#""a": and (both), auc (AUC), archived (Archived), penalty (penalty), fraction (fraction), stratify (stratify)"#
        ]],
    );
    check("not (st|", expect![[r#""st": stratify (stratify), state (State), started (Started), host (Host)"#]]);
    check("auc > 0.8 and|", expect![[r#""and": and (both)"#]]);
    check("nothing = |", expect![[r#""": "#]]);
}

#[test]
fn rows_are_sorted_by_any_column_with_what_is_missing_last() {
    let table = table();
    let sorted = |by: &[(&str, bool)]| -> Vec<u32> {
        let mut rows = table.all();
        let by: Vec<_> = by
            .iter()
            .map(|(column, descending)| SortKey { column: (*column).into(), descending: *descending })
            .collect();
        table.sort(&mut rows, &by).unwrap();
        rows.into_iter().map(|row_idx| table.entry(row_idx).unwrap().number).collect()
    };
    assert_eq!(sorted(&[("auc", true)]), [4, 5, 3, 1, 2, 6]);
    assert_eq!(sorted(&[("auc", false)]), [2, 1, 3, 5, 4, 6]);
    assert_eq!(sorted(&[("name", false)]), [4, 3, 1, 5, 6, 2]);
    assert_eq!(sorted(&[("tag", true)]), [3, 4, 1, 2, 5, 6]);
    assert_eq!(sorted(&[("learner", false), ("took", true)]), [5, 4, 3, 6, 1, 2]);
    assert_eq!(sorted(&[("param.max_depth", true)]), [3, 4, 6, 5, 1, 2]);
    assert_eq!(sorted(&[]), [1, 2, 3, 4, 5, 6]);
    let unknown = table.sort(&mut [], &[SortKey { column: "logloss".into(), descending: false }]).unwrap_err();
    assert_eq!(unknown.to_string(), "no run has \"logloss\"; did you mean \"log_loss\"?");
}

#[test]
fn groups_tell_how_their_runs_spread() {
    let table = table();
    let all = table.filter(&Query::default()).unwrap();
    let mut groups = table.group(&all, &["learner".into()], &["auc".into(), "log_loss".into()]).unwrap();
    order_by_best(&mut groups, 0, Direction::Higher);
    let shown: Vec<_> = groups
        .iter()
        .map(|group| {
            let auc = group.spreads[0];
            format!(
                "{} n={} {:.4} in {}..{}, median {}",
                group.key[0].as_ref().unwrap().as_cell(),
                auc.n,
                auc.mean,
                auc.min,
                auc.max,
                auc.median
            )
        })
        .collect();
    let expected = [
        "Decision Forest n=3 0.8403 in 0.834..0.846, median 0.841",
        "Logistic Regression n=2 0.8130 in 0.801..0.825, median 0.813",
    ];
    assert_eq!(shown, expected);
    // t of 1 degree of freedom is 12.706; the standard error of 0.801 and 0.825 is 0.012.
    let (low, high) = groups[1].spreads[0].interval.unwrap();
    assert!((low - (0.813 - 12.7062 * 0.012)).abs() < 1e-6 && (high - (0.813 + 12.7062 * 0.012)).abs() < 1e-6);
}

#[test]
fn runs_are_grouped_by_parameters_and_by_each_of_their_tags() {
    let table = table();
    let groups = |by: &[&str]| -> Vec<String> {
        let by: Vec<_> = by.iter().map(|name| (*name).to_owned()).collect();
        let groups = table.group(&table.all(), &by, &[]).unwrap();
        let numbers =
            |rows: &[usize]| rows.iter().map(|&row_idx| table.entry(row_idx).unwrap().number).collect::<Vec<_>>();
        let key = |group: &Group| {
            group
                .key
                .iter()
                .map(|key| key.as_ref().map_or(Cell::Missing, Scalar::as_cell).to_string())
                .collect::<Vec<_>>()
                .join("/")
        };
        groups.iter().map(|group| format!("{} {:?}", key(group), numbers(&group.rows))).collect()
    };
    assert_eq!(groups(&["n_trees"]), ["0 [6]", "100 [3]", "200 [4]", "300 [5]", "– [1, 2]"]);
    assert_eq!(groups(&["tag"]), ["baseline [1]", "candidate [4]", "for class [3, 4]", "– [2, 5, 6]"]);
    assert_eq!(groups(&["max_depth"]), ["12 [3, 4, 6]", "none [5]", "– [1, 2]"]);
    let nested = ["Decision Forest/done [3, 4, 5]", "Decision Forest/failed [6]", "Logistic Regression/done [1, 2]"];
    assert_eq!(groups(&["learner", "state"]), nested);
    assert_eq!(groups(&[]), [" [1, 2, 3, 4, 5, 6]"]);
    assert!(table.group(&[], &["nothing".into()], &[]).is_err());
}

#[test]
fn a_document_counts_its_runs_without_looking_through_them() {
    let pipeline = logistic();
    let mut table = RunTable::default();
    assert_eq!(table.last_number("doc-1"), 0);
    for number in [2, 7, 3] {
        table.insert(entry(&done(number, &pipeline, 0.8, 0.4, 1.0), &pipeline));
    }
    let elsewhere = IndexEntry { document: "doc-2".into(), ..entry(&done(9, &pipeline, 0.8, 0.4, 1.0), &pipeline) };
    table.insert(elsewhere.clone());
    assert_eq!((table.last_number("doc-1"), table.last_number("doc-2")), (7, 9));
    table.remove(&elsewhere.id);
    assert_eq!(table.last_number("doc-2"), 9, "a number is given once");
}

#[test]
fn a_run_is_brought_up_to_date_in_its_row_and_leaves_it_when_it_is_removed() {
    let mut table = table();
    let auc = table.source("auc").unwrap();
    let mut again = entry(&done(4, &logistic(), 0.9, 0.3, 1.0), &logistic());
    again.metrics.pop();
    let row_idx = table.find(&again.id).unwrap();
    assert_eq!(table.insert(again.clone()), row_idx);
    assert_eq!((table.len(), table.cell(row_idx, auc)), (6, Cell::Number(0.9)));
    let n_trees = table.source("param.forest.n_trees").unwrap();
    assert_eq!(table.cell(row_idx, n_trees), Cell::Missing, "it is no forest any more");
    assert_eq!(table.cell(row_idx, table.source("log_loss").unwrap()), Cell::Missing);
    assert_eq!(table.params(row_idx).count(), 6);

    assert!(table.remove(&again.id) && !table.remove(&again.id));
    assert_eq!((table.len(), table.find(&again.id), table.entry(row_idx)), (5, None, None));
    assert_eq!(table.cell(row_idx, auc), Cell::Missing);
    assert!(!table.filter(&Query::default()).unwrap().contains(&row_idx));
    let new = entry(&done(9, &forest(), 0.7, 0.5, 1.0), &forest());
    assert_eq!(table.insert(new), row_idx, "the row is used again");
    let Source::Column(column_idx) = auc else { panic!() };
    assert_eq!(table.columns()[column_idx].n_values(), 5);
}

#[test]
fn a_short_name_means_the_first_node_that_has_it() {
    let mut pipeline = forest();
    let second = pipeline.node(&id("forest")).unwrap().clone();
    pipeline.apply(pipeline::Edit::AddNode(id("forest-2"), second)).unwrap();
    let pipeline = edited(&pipeline, [set("forest-2", "n_trees", Value::Int(7))]);
    let mut run = done(1, &pipeline, 0.8, 0.4, 1.0);
    let other = MetricRecord { node: id("early"), ..metric("auc", "AUC", 0.5, Direction::Higher) };
    run.metrics.push(other);
    let table = RunTable::new([entry(&run, &pipeline)]);
    let cell = |name: &str| table.cell(0, table.source(name).unwrap());
    assert_eq!((cell("n_trees"), cell("forest-2.n_trees")), (Cell::Number(100.0), Cell::Number(7.0)));
    assert_eq!((cell("auc"), cell("evaluate.auc")), (Cell::Number(0.5), Cell::Number(0.8)));
    assert_eq!(table.source("name"), Ok(Source::Field(Field::Name)));
}

#[test]
fn a_view_is_a_link_that_people_can_read() {
    let run = |text: &str| RunKey::new(text).unwrap();
    let view = View {
        query: "auc > 0.80 or state != done".into(),
        columns: vec!["auc".into(), "param.forest.n_trees".into(), "a, b".into()],
        sort: vec![
            SortKey { column: "auc".into(), descending: true },
            SortKey { column: "-odd".into(), descending: false },
        ],
        group: vec!["learner".into()],
        selected: vec![run("r13"), run("r9")],
        pinned: Some(run("r3")),
        tab: Tab::Scatter,
        ..View::default()
    };
    let link = view.to_link();
    assert_eq!(
        link,
        "#runs?q=auc+%3E+0.80+or+state+!=+done&columns=auc,param.forest.n_trees,a%2C+b&sort=-auc,%2Dodd&group=learner\
         &runs=r13,r9&pinned=r3&tab=scatter"
    );
    assert_eq!(View::from_link(&link), Ok(view));
    assert_eq!(View::default().to_link(), "#runs");
    assert_eq!(View::from_link("#runs"), Ok(View::default()));
    assert_eq!(View::from_link("#runs?"), Ok(View::default()));
}

#[test]
fn a_link_that_was_cut_off_says_so() {
    let check = |link: &str, expected: Expect| expected.assert_eq(&View::from_link(link).unwrap_err().to_string());
    check("#p=abc", expect![[r##"expected a link to runs, which begins with #runs, found "#p=abc""##]]);
    check("#runsx", expect![[r##"expected a link to runs, which begins with #runs, found "#runsx""##]]);
    check(
        "#runs?colu=auc",
        expect![[
            r#"a view of runs has no "colu", only q, columns, sort, group, runs, pinned, tab, equal, axes, closed: the link was cut off, or a newer version of Millrace made it"#
        ]],
    );
    check(
        "#runs?q=auc+%3",
        expect![[r#""q": "auc+%3" is no percent-encoded text: the link was cut off or changed on its way"#]],
    );
    check(
        "#runs?q=%ff",
        expect![[r#""q": "%ff" is no percent-encoded text: the link was cut off or changed on its way"#]],
    );
    check(
        "#runs?q=%+1",
        expect![[r#""q": "%+1" is no percent-encoded text: the link was cut off or changed on its way"#]],
    );
    check("#runs?q=a&q=b", expect![[r#""q" is there twice"#]]);
    check(
        "#runs?tab=sca",
        expect![[r#""tab": expected compare, curves, scatter, parallel, boxes, timeline, found "sca""#]],
    );
    check(
        "#runs?runs=a%2Fb",
        expect![[r#""runs": expected the key of a run: letters, digits, - and _, found "a%2Fb""#]],
    );
    check("#runs?equal=yes", expect![[r#""equal": expected 0 or 1, found "yes""#]]);
}
