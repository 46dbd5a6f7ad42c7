use model::{NewColumn, NewValues, Transform};
use schema::{Column, ColumnSelection, Kind, Role};
use table::Table;

use super::split::strata;
use super::*;
use crate::transform::apply;

fn column(name: &str, values: NewValues) -> NewColumn {
    let kind = match &values {
        NewValues::Number(_) => Kind::Number,
        NewValues::Integer(_) => Kind::Integer,
        NewValues::Boolean(_) => Kind::Boolean,
        NewValues::Category { .. } => Kind::Category,
        NewValues::Text(_) => Kind::Text,
        NewValues::DateTime(_) => Kind::DateTime,
    };
    NewColumn { column: Column::new(name, kind), values, valid: None }
}

fn table(columns: Vec<NewColumn>) -> Table {
    let n_rows = match &columns[0].values {
        NewValues::Number(values) => values.len(),
        NewValues::Integer(values) | NewValues::DateTime(values) => values.len(),
        NewValues::Boolean(values) => values.len(),
        NewValues::Category { codes, .. } => codes.len(),
        NewValues::Text(values) => values.len(),
    };
    Table::from_new_columns(columns, n_rows).unwrap()
}

fn numbers(name: &str, values: &[Option<f64>]) -> NewColumn {
    let mut new = column(name, NewValues::Number(values.iter().map(|x| x.unwrap_or(0.0)).collect()));
    new.valid = Some(values.iter().map(Option::is_some).collect());
    new
}

fn integers(name: &str, values: &[Option<i64>]) -> NewColumn {
    let mut new = column(name, NewValues::Integer(values.iter().map(|x| x.unwrap_or(0)).collect()));
    new.valid = Some(values.iter().map(Option::is_some).collect());
    new
}

fn categories(name: &str, codes: &[i32], dictionary: &[&str]) -> NewColumn {
    let dictionary = dictionary.iter().map(|&name| name.to_owned()).collect();
    let mut new = column(name, NewValues::Category { codes: codes.iter().map(|&c| c.max(0)).collect(), dictionary });
    new.valid = Some(codes.iter().map(|&c| c >= 0).collect());
    new
}

/// Every column as text, missing values as `-`.
fn shown(table: &Table) -> Vec<String> {
    let frame = table.frame();
    let cell = |column: &model::ColumnView<'_>, i: usize| match &column.values {
        _ if !column.is_valid(i) => "-".to_owned(),
        model::Values::Number(v) => v[i].to_string(),
        model::Values::Integer(v) | model::Values::DateTime(v) => format!("{}i", v[i]),
        model::Values::Boolean(v) => v[i].to_string(),
        model::Values::Category { codes, dictionary } => dictionary[codes[i] as usize].to_owned(),
        model::Values::Text(v) => v[i].to_owned(),
    };
    let line = |column: &model::ColumnView<'_>| {
        let cells: Vec<String> = (0..frame.n_rows).map(|i| cell(column, i)).collect();
        format!("{}: {}", column.name, cells.join(" "))
    };
    frame.columns.iter().map(line).collect()
}

fn mixed() -> Table {
    table(vec![
        numbers("a", &[Some(1.0), None, Some(2.0), Some(6.0)]),
        integers("b", &[Some(1), Some(1), None, Some(4)]),
        categories("c", &[1, 0, -1, 0], &["x", "y"]),
    ])
}

fn cleaned(table: &Table, settings: &CleanSettings) -> Vec<String> {
    shown(&apply(&fit_clean_missing(table, settings).unwrap().transform, table).unwrap())
}

fn with_mode(mode: CleanMode) -> CleanSettings {
    CleanSettings { mode, ..CleanSettings::default() }
}

#[test]
fn every_cleaning_mode_does_what_it_is_called() {
    let table = mixed();
    let check = |mode, expected: [&str; 3]| assert_eq!(cleaned(&table, &with_mode(mode)), expected);
    check(CleanMode::Mean, ["a: 1 3 2 6", "b: 1 1 2 4", "c: y x - x"]);
    check(CleanMode::Median, ["a: 1 2 2 6", "b: 1 1 1 4", "c: y x - x"]);
    check(CleanMode::Mode, ["a: 1 1 2 6", "b: 1i 1i 1i 4i", "c: y x x x"]);
    check(CleanMode::Custom("7".into()), ["a: 1 7 2 6", "b: 1i 1i 7i 4i", "c: y x 7 x"]);
    check(CleanMode::RemoveRows, ["a: 1 6", "b: 1i 4i", "c: y x"]);
    assert_eq!(cleaned(&table, &with_mode(CleanMode::RemoveColumns)), Vec::<String>::new());
}

#[test]
fn other_rows_are_filled_with_the_figures_of_the_training_rows() {
    let fitted = fit_clean_missing(&mixed(), &with_mode(CleanMode::Mean)).unwrap();
    let other = table(vec![
        numbers("a", &[None, Some(100.0)]),
        integers("b", &[None, Some(5)]),
        categories("c", &[0, 0], &["new"]),
    ]);
    assert_eq!(shown(&apply(&fitted.transform, &other).unwrap()), ["a: 3 100", "b: 2 5", "c: new new"]);
}

#[test]
fn a_whole_number_column_without_gaps_stays_one() {
    let table = table(vec![integers("b", &[Some(1), Some(2)])]);
    assert_eq!(cleaned(&table, &with_mode(CleanMode::Mean)), ["b: 1i 2i"]);
}

#[test]
fn ratios_choose_the_columns() {
    let table = table(vec![
        numbers("a", &[None, None, None, Some(1.0)]),
        numbers("b", &[None, Some(2.0), Some(2.0), Some(2.0)]),
        numbers("c", &[Some(2.0); 4]),
    ]);
    let settings = CleanSettings { min_missing_ratio: 0.5, ..with_mode(CleanMode::RemoveColumns) };
    assert_eq!(cleaned(&table, &settings), ["b: - 2 2 2", "c: 2 2 2 2"]);
    let settings = CleanSettings { max_missing_ratio: 0.25, ..with_mode(CleanMode::RemoveRows) };
    assert_eq!(cleaned(&table, &settings), ["a: - - 1", "b: 2 2 2", "c: 2 2 2"]);
}

#[test]
fn an_indicator_says_where_a_value_was_missing() {
    let settings = CleanSettings {
        columns: ColumnSelection::Names(vec!["a".into()]),
        indicator: true,
        ..with_mode(CleanMode::Median)
    };
    assert_eq!(cleaned(&mixed(), &settings)[3], "a_is_missing: 0i 1i 0i 0i");
    assert_eq!(cleaned_schema(mixed().schema(), &settings).unwrap().names(), ["a", "b", "c", "a_is_missing"]);
    let taken = table(vec![numbers("a", &[None, Some(1.0)]), numbers("a_is_missing", &[None, Some(1.0)])]);
    assert_eq!(
        fit_clean_missing(&taken, &settings).unwrap_err(),
        PrepareError::NameTaken { name: "a".into(), new: "a_is_missing".into() }
    );
}

#[test]
fn a_column_without_any_value_stays_or_goes_and_is_mentioned() {
    let table = table(vec![numbers("a", &[None, None]), numbers("b", &[None, Some(3.0)])]);
    let stays = fit_clean_missing(&table, &with_mode(CleanMode::Mean)).unwrap();
    assert_eq!(shown(&apply(&stays.transform, &table).unwrap()), ["a: - -", "b: 3 3"]);
    assert_eq!(stays.notes, ["Left as it is, having no value at all: \"a\""]);
    let goes = CleanSettings { empty_columns: EmptyColumns::Remove, ..with_mode(CleanMode::Mean) };
    assert_eq!(cleaned(&table, &goes), ["b: 3 3"]);
    assert_eq!(cleaned(&table, &with_mode(CleanMode::Custom("5".into()))), ["a: 5 5", "b: 5 3"]);
}

#[test]
fn a_rule_invents_no_target_and_a_name_may() {
    let table = mixed().set_role("a", Role::Target).unwrap();
    let by_rule = fit_clean_missing(&table, &with_mode(CleanMode::Mean)).unwrap();
    assert_eq!(shown(&apply(&by_rule.transform, &table).unwrap())[0], "a: 1 - 2 6");
    assert!(by_rule.notes.iter().any(|note| note.contains("not being features: \"a\"")), "{:?}", by_rule.notes);
    let by_name = CleanSettings { columns: ColumnSelection::Names(vec!["a".into()]), ..with_mode(CleanMode::Mean) };
    let cleaned = apply(&fit_clean_missing(&table, &by_name).unwrap().transform, &table).unwrap();
    assert_eq!(shown(&cleaned)[0], "a: 1 3 2 6");
    assert_eq!(cleaned.schema().columns[0].role, Role::Target);
    assert_eq!(
        shown(
            &apply(&fit_clean_missing(&table, &with_mode(CleanMode::RemoveRows)).unwrap().transform, &table).unwrap()
        )[0],
        "a: 1 6"
    );
}

#[test]
fn cleaning_refuses_what_it_cannot_do() {
    let named =
        |name: &str, mode| CleanSettings { columns: ColumnSelection::Names(vec![name.into()]), ..with_mode(mode) };
    let message = |settings: &CleanSettings| fit_clean_missing(&mixed(), settings).unwrap_err().to_string();
    assert_eq!(message(&named("c", CleanMode::Mean)), "column \"c\" is category, expected numbers");
    assert_eq!(
        message(&named("a", CleanMode::Custom("many".into()))),
        "\"many\" cannot fill column \"a\", which is number"
    );
    assert_eq!(message(&named("z", CleanMode::Mean)), "no column named \"z\"; the table has \"a\", \"b\", \"c\"");
    let settings = CleanSettings { min_missing_ratio: f64::NAN, ..CleanSettings::default() };
    assert_eq!(message(&settings), "the minimum missing value ratio is NaN, expected a number from 0 to 1");
    let settings = CleanSettings { min_missing_ratio: 0.6, max_missing_ratio: 0.5, ..CleanSettings::default() };
    assert!(fit_clean_missing(&mixed(), &settings).is_err());
    let infinite = table(vec![numbers("a", &[None, Some(1.0), Some(f64::INFINITY)])]);
    let error = fit_clean_missing(&infinite, &with_mode(CleanMode::Mean)).unwrap_err();
    assert_eq!(error.to_string(), "column \"a\" is inf in row 3, expected a finite number");
}

#[test]
fn a_table_without_rows_is_prepared_without_a_panic() {
    let empty = table(vec![numbers("a", &[]), categories("c", &[], &[])]);
    for mode in [CleanMode::Mean, CleanMode::Median, CleanMode::Mode, CleanMode::RemoveRows, CleanMode::RemoveColumns] {
        cleaned(&empty, &with_mode(mode));
    }
    fit_normalize(&empty, &NormalizeSettings::default()).unwrap();
    fit_indicators(&empty, &IndicatorSettings::default()).unwrap();
}

fn normalized(values: &[Option<f64>], settings: &NormalizeSettings) -> Vec<f64> {
    let table = table(vec![numbers("a", values)]);
    let done = apply(&fit_normalize(&table, settings).unwrap().transform, &table).unwrap();
    let frame = done.frame();
    let model::Values::Number(values) = &frame.columns[0].values else { panic!("numbers") };
    values.to_vec()
}

#[test]
fn every_method_of_normalizing_is_its_formula() {
    let values = [Some(1.0), Some(2.0), Some(3.0), Some(6.0)];
    let check = |method, ddof, expected: [f64; 4]| {
        let settings = NormalizeSettings { method, ddof, ..NormalizeSettings::default() };
        for (found, expected) in normalized(&values, &settings).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{method:?}: {found} instead of {expected}");
        }
    };
    check(NormalizeMethod::MinMax, 0, [0.0, 0.2, 0.4, 1.0]);
    // Mean 3, squares 14: deviation √3.5, or √(14/3) with ddof 1.
    let z = |ddof: f64| [-2.0, -1.0, 0.0, 3.0].map(|d: f64| d / (14.0 / (4.0 - ddof)).sqrt());
    check(NormalizeMethod::ZScore, 0, z(0.0));
    check(NormalizeMethod::ZScore, 1, z(1.0));
    check(NormalizeMethod::Logistic, 0, z(0.0).map(|z| 1.0 / (1.0 + (-z).exp())));
    check(NormalizeMethod::Tanh, 0, z(0.0).map(f64::tanh));
}

#[test]
fn a_constant_column_becomes_zero_or_stays_and_never_nan() {
    let stays = NormalizeSettings { zero_for_constant_columns: false, ..NormalizeSettings::default() };
    for method in [
        NormalizeMethod::ZScore,
        NormalizeMethod::MinMax,
        NormalizeMethod::Logistic,
        NormalizeMethod::LogNormal,
        NormalizeMethod::Tanh,
    ] {
        let zero = NormalizeSettings { method, ..NormalizeSettings::default() };
        assert_eq!(normalized(&[Some(5.0), Some(5.0)], &zero), [0.0, 0.0]);
        assert_eq!(normalized(&[Some(5.0), Some(5.0)], &NormalizeSettings { method, ..stays.clone() }), [5.0, 5.0]);
        assert!(normalized(&[Some(1e-300), Some(2e-300), Some(1e300)], &zero).iter().all(|x| x.is_finite()));
    }
}

#[test]
fn normalizing_refuses_what_has_no_figure() {
    let refuse = |new: NewColumn, settings: NormalizeSettings| {
        fit_normalize(&table(vec![new]), &settings).unwrap_err().to_string()
    };
    let log = || NormalizeSettings { method: NormalizeMethod::LogNormal, ..NormalizeSettings::default() };
    assert_eq!(
        refuse(numbers("a", &[Some(1.0), Some(-2.0)]), log()),
        "column \"a\" is -2 in row 2; a log-normal distribution has only numbers above 0"
    );
    assert_eq!(
        refuse(numbers("a", &[Some(1.0), Some(f64::NEG_INFINITY)]), NormalizeSettings::default()),
        "column \"a\" is -inf in row 2, expected a finite number"
    );
    assert_eq!(
        refuse(numbers("a", &[Some(f64::MAX), Some(f64::MIN)]), NormalizeSettings::default()),
        "the numbers of column \"a\" are too far apart to be scaled"
    );
    let named = NormalizeSettings { columns: ColumnSelection::Names(vec!["c".into()]), ..NormalizeSettings::default() };
    assert_eq!(refuse(categories("c", &[0], &["x"]), named), "column \"c\" is category, expected numbers");
    let ddof = NormalizeSettings { ddof: 2, ..NormalizeSettings::default() };
    assert_eq!(refuse(numbers("a", &[Some(1.0)]), ddof), "ddof is 2, expected 0 or 1");
}

#[test]
fn indicators_follow_the_categories_seen_in_training() {
    let fitted = fit_indicators(&mixed(), &IndicatorSettings::default()).unwrap();
    let Transform::Indicators(indicators) = &fitted.transform else { panic!("indicators") };
    assert_eq!(indicators.columns, [("c".to_owned(), vec!["x".to_owned(), "y".to_owned()])]);
    let done = apply(&fitted.transform, &mixed()).unwrap();
    assert_eq!(shown(&done)[2..], ["c-x: 0i 1i 0i 1i", "c-y: 1i 0i 0i 0i"]);
    let taken = table(vec![categories("c", &[0, 0], &["x"]), numbers("c-x", &[Some(1.0), Some(1.0)])]);
    assert!(matches!(fit_indicators(&taken, &IndicatorSettings::default()), Err(PrepareError::NameTaken { .. })));
    let named = IndicatorSettings { columns: ColumnSelection::Names(vec!["a".into()]), keep: false };
    assert!(matches!(fit_indicators(&mixed(), &named), Err(PrepareError::WrongKind { .. })));
}

fn many(n_rows: usize) -> Table {
    let codes: Vec<i32> = (0..n_rows).map(|i| i32::from(i % 10 == 0)).collect();
    table(vec![
        integers("row", &(0..n_rows as i64).map(Some).collect::<Vec<_>>()),
        categories("class", &codes, &["often", "seldom"]),
    ])
}

fn split_with(table: &Table, fraction: f64, order: SplitOrder, stratify: Option<&str>) -> (Vec<u32>, Vec<u32>) {
    let settings = SplitSettings { fraction, order, stratify: stratify.map(str::to_owned) };
    split_rows(table, &settings, 11).unwrap()
}

#[test]
fn a_split_has_exact_sizes_and_every_row_once() {
    let table = many(103);
    for (fraction, expected) in [(0.0, 0), (0.001, 1), (0.5, 52), (0.7, 72), (0.999, 102), (1.0, 103)] {
        for order in [SplitOrder::Randomized, SplitOrder::InOrder] {
            for stratify in [None, Some("class")] {
                let (first, second) = split_with(&table, fraction, order, stratify);
                assert_eq!(first.len(), expected, "{fraction} {order:?} {stratify:?}");
                let mut all: Vec<u32> = first.iter().chain(&second).copied().collect();
                all.sort_unstable();
                assert_eq!(all, (0..103).collect::<Vec<u32>>());
            }
        }
    }
    // 0.35 × 10 is 3.5 and not the 3.4999999999999996 of binary fractions.
    assert_eq!(split_with(&many(10), 0.35, SplitOrder::InOrder, None).0.len(), 4);
    assert_eq!(split_with(&many(10), 0.7, SplitOrder::InOrder, None).0, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn strata_keep_their_shares() {
    let (first, _) = split_with(&many(100), 0.7, SplitOrder::Randomized, Some("class"));
    assert_eq!(first.iter().filter(|row_idx| **row_idx % 10 == 0).count(), 7);
}

#[test]
fn the_seed_decides_the_rows() {
    let table = many(100);
    let settings = SplitSettings::default();
    let draw = |seed| split_rows(&table, &settings, seed).unwrap().0;
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let (train, test) = split(&table, &settings, 1).unwrap();
    assert_eq!((train.n_rows(), test.n_rows()), (70, 30));
}

#[test]
fn folds_are_as_equal_as_whole_rows_allow_in_every_stratum() {
    let table = many(103);
    for n_folds in [2, 5, 10, 103] {
        for randomized in [true, false] {
            for stratify in [None, Some("class".to_owned())] {
                let settings = FoldSettings { n_folds, randomized, stratify: stratify.clone() };
                let folds = assign_folds(&table, &settings, 11).unwrap();
                let groups = if stratify.is_some() { strata(&table, "class").unwrap() } else { vec![] };
                for rows in groups.into_iter().chain([(0..103).collect()]) {
                    let mut counts = vec![0usize; n_folds as usize];
                    rows.iter().for_each(|&row_idx| counts[folds[row_idx as usize] as usize] += 1);
                    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                    assert!(most - least <= 1, "{settings:?}: {counts:?}");
                }
            }
        }
    }
}

#[test]
fn folds_follow_the_seed_or_the_order_of_rows() {
    let table = many(7);
    let deal = |randomized, seed| {
        assign_folds(&table, &FoldSettings { n_folds: 3, randomized, stratify: None }, seed).unwrap()
    };
    assert_eq!(deal(false, 1), [0, 1, 2, 0, 1, 2, 0]);
    assert_eq!(deal(true, 1), deal(true, 1));
    assert_ne!(deal(true, 1), deal(true, 2));
}

#[test]
fn folds_that_cannot_be_are_refused() {
    let refused = |n_folds, stratify: Option<&str>| {
        let settings = FoldSettings { n_folds, randomized: true, stratify: stratify.map(Into::into) };
        assign_folds(&many(4), &settings, 1).unwrap_err().to_string()
    };
    let expected = "expected at least 2, and at most as many as there are rows";
    assert_eq!(refused(1, None), format!("the number of folds is 1, with 4 rows, {expected}"));
    assert_eq!(refused(5, None), format!("the number of folds is 5, with 4 rows, {expected}"));
    assert!(refused(2, Some("absent")).starts_with("no column named \"absent\""), "{}", refused(2, Some("absent")));
}

#[test]
fn a_split_refuses_what_makes_no_parts() {
    let refuse = |table: &Table, settings: SplitSettings| split(table, &settings, 0).unwrap_err().to_string();
    let default = SplitSettings::default;
    assert_eq!(refuse(&many(1), default()), "the table has 1 row, and a split needs at least 2");
    assert_eq!(
        refuse(&many(5), SplitSettings { fraction: f64::NAN, ..default() }),
        "the fraction of rows is NaN, expected a number from 0 to 1"
    );
    let stratified = |name: &str| SplitSettings { stratify: Some(name.into()), ..default() };
    assert_eq!(
        refuse(&mixed(), stratified("a")),
        "column \"a\" is number, expected category, boolean, integer or text to stratify by"
    );
    assert_eq!(refuse(&mixed(), stratified("z")), "no column named \"z\"; the table has \"a\", \"b\", \"c\"");
}
