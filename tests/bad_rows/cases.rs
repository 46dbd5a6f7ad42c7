//! What can be wrong with rows, kind by kind.

use model::NewValues;
use schema::Role;

use crate::rows::{Rows, Target};

/// A kind of rows.
pub struct Case {
    /// In a few words.
    pub name: &'static str,
    /// The kind of targets that can be so.
    pub of: Of,
    /// What a failure has to name, if there is one: the column and the row to blame.
    pub blamed: &'static [&'static str],
    /// Makes plain rows so.
    pub make: fn(&mut Rows),
}

/// For which targets there is a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    All,
    Classes,
    Numbers,
}

const X: &[&str] = &["\"x\""];
const X_3: &[&str] = &["\"x\"", "row 3"];
const Y: &[&str] = &["\"y\""];
const Y_3: &[&str] = &["\"y\"", "row 3"];
const W: &[&str] = &["\"w\""];
const W_3: &[&str] = &["\"w\"", "row 3"];

const fn all(name: &'static str, blamed: &'static [&'static str], make: fn(&mut Rows)) -> Case {
    Case { name, of: Of::All, blamed, make }
}

const fn classes(name: &'static str, blamed: &'static [&'static str], make: fn(&mut Rows)) -> Case {
    Case { name, of: Of::Classes, blamed, make }
}

const fn numbers(name: &'static str, blamed: &'static [&'static str], make: fn(&mut Rows)) -> Case {
    Case { name, of: Of::Numbers, blamed, make }
}

/// Rows to train on, of 40 plain ones.
pub const CASES: &[Case] = &[
    all("plain rows", &[], |_| ()),
    // Gaps, and what is no number.
    all("a gap in a number", X_3, |rows| rows.gaps("x", |i| i == 2)),
    all("a gap in a whole number", &["\"k\"", "row 3"], |rows| rows.gaps("k", |i| i == 2)),
    all("a gap in a category", &["\"c\"", "row 3"], |rows| rows.gaps("c", |i| i == 2)),
    all("a gap in a truth value", &["\"t\"", "row 3"], |rows| {
        truths(rows);
        rows.gaps("t", |i| i == 2);
    }),
    all("NaN in a number", X_3, |rows| rows.numbers("x")[2] = f64::NAN),
    all("∞ in a number", X_3, |rows| rows.numbers("x")[2] = f64::INFINITY),
    all("−∞ in a number", X_3, |rows| rows.numbers("x")[2] = f64::NEG_INFINITY),
    all("a number without any value", X, |rows| rows.gaps("x", |_| true)),
    all("a category without any value", &["\"c\""], |rows| rows.gaps("c", |_| true)),
    all("a gap in the target", Y_3, |rows| rows.gaps("y", |i| i == 2)),
    numbers("NaN in the target", Y_3, |rows| rows.numbers("y")[2] = f64::NAN),
    numbers("∞ in the target", Y_3, |rows| rows.numbers("y")[2] = f64::INFINITY),
    all("a target without any value", Y, |rows| rows.gaps("y", |_| true)),
    // Weights.
    all("a gap in the weights", W_3, |rows| {
        rows.weights(|_| 1.0);
        rows.gaps("w", |i| i == 2);
    }),
    all("∞ in the weights", W_3, |rows| rows.weights(|i| if i == 2 { f64::INFINITY } else { 1.0 })),
    all("a weight below 0", W_3, |rows| rows.weights(|i| if i == 2 { -1.0 } else { 1.0 })),
    all("weights that are all 0", W, |rows| rows.weights(|_| 0.0)),
    all("weight on one row alone", &[], |rows| rows.weights(|i| f64::from(u8::from(i == 2)))),
    all("weight on two rows alone", &[], |rows| {
        one_of_each_class(rows);
        rows.weights(|i| f64::from(u8::from(i < 2)));
    }),
    all("a weight of 1e300", W, |rows| rows.weights(|i| if i == 2 { 1e300 } else { 1.0 })),
    all("weights of 1e300", W, |rows| rows.weights(|_| 1e300)),
    all("weights of 1.7e308", W, |rows| rows.weights(|_| 1.7e308)),
    all("weights of 1e-300", W, |rows| rows.weights(|_| 1e-300)),
    all("weights of 5e-324", W, |rows| rows.weights(|_| 5e-324)),
    all("weights in words", W, |rows| {
        rows.text("w", |_| "much".into());
        rows.role("w", Role::Weight);
    }),
    all("two columns of weights", &["\"w\"", "\"v\""], |rows| {
        rows.weights(|_| 1.0);
        rows.number("v", |_| 1.0);
        rows.role("v", Role::Weight);
    }),
    // How many.
    all("no rows", &[], |rows| rows.leave([])),
    all("one row", &[], |rows| rows.leave([0])),
    all("two rows", &[], |rows| {
        one_of_each_class(rows);
        rows.leave([0, 1]);
    }),
    all("four rows", &[], |rows| {
        one_of_each_class(rows);
        rows.leave(0..4);
    }),
    all("one column", &[], |rows| rows.drop(&["z", "k", "c"])),
    all("no column", &[], |rows| rows.drop(&["x", "z", "k", "c"])),
    all("no column that is a feature", &[], |rows| {
        ["x", "z", "k", "c"].into_iter().for_each(|name| rows.role(name, Role::Ignored));
    }),
    all("more columns than rows", &[], |rows| {
        columns(rows, 8);
        one_of_each_class(rows);
        rows.leave(0..5);
    }),
    all("a thousand columns", &[], |rows| {
        columns(rows, 1_000);
        rows.leave(0..30);
    }),
    // Too much alike.
    all("a constant column", &[], |rows| rows.number("x", |_| 0.1)),
    all("nothing but constant columns", &[], |rows| {
        rows.number("x", |_| 0.1);
        rows.number("z", |_| -1e9);
        rows.whole("k", |_| 7);
        rows.category("c", &["red"], |_| 0);
    }),
    all("columns of 0", &[], |rows| {
        rows.drop(&["k", "c"]);
        rows.number("x", |_| 0.0);
        rows.number("z", |_| 0.0);
    }),
    all("a column that is the double of another", &[], |rows| {
        let doubled: Vec<f64> = rows.numbers("x").iter().map(|x| 2.0 * x).collect();
        rows.put("z", NewValues::Number(doubled));
    }),
    all("a column that is nearly another", &[], |rows| {
        let near: Vec<f64> = rows.numbers("x").iter().enumerate().map(|(i, x)| x + i as f64 * 1e-15).collect();
        rows.put("z", NewValues::Number(near));
    }),
    all("a column that is the target", &[], |rows| match rows.target {
        Target::Numbers => {
            let y = rows.numbers("y").clone();
            rows.put("z", NewValues::Number(y));
        }
        Target::Classes(n) => {
            one_of_each_class(rows);
            rows.number("z", |i| ((i % n) * 10) as f64);
        }
    }),
    all("rows that are all alike", &[], |rows| rows.leave([3; 40])),
    all("rows that are alike but in their target", &[], |rows| {
        rows.number("x", |_| 2.5);
        rows.drop(&["z", "k", "c"]);
    }),
    all("each row ten times", &[], |rows| rows.leave((0..40).map(|i| i / 10 * 3))),
    all("numbers that differ in their last digits", &[], |rows| rows.number("x", |i| 1e9 + i as f64 * 1e-6)),
    // How large.
    all("numbers of 1e300", X, |rows| rows.number("x", |i| (i + 1) as f64 * 1e300)),
    all("1e300 and −1e300 in turns", X, |rows| rows.number("x", |i| [1e300, -1e300][i % 2])),
    all("1.7e308 and −1.7e308 in turns", X, |rows| rows.number("x", |i| [1.7e308, -1.7e308][i % 2])),
    all("one number of 1e300", X_3, |rows| rows.numbers("x")[2] = 1e300),
    all("one number of 1e155", X_3, |rows| rows.numbers("x")[2] = 1e155),
    all("numbers of 1e-300", &[], |rows| rows.number("x", |i| (i + 1) as f64 * 1e-300)),
    all("numbers of 5e-324", &[], |rows| rows.number("x", |i| f64::from_bits(i as u64 % 9))),
    all("1e-300 beside 1e300", X, |rows| rows.number("x", |i| [1e300, 1e-300][i % 2])),
    all("units of 1e6 and of 1e-6", &[], |rows| {
        rows.numbers("x").iter_mut().for_each(|x| *x *= 1e6);
        rows.numbers("z").iter_mut().for_each(|z| *z *= 1e-6);
    }),
    all("0 and −0", &[], |rows| rows.number("x", |i| [0.0, -0.0][i % 2])),
    all("whole numbers at their limits", &[], |rows| rows.whole("k", |i| [i64::MIN, i64::MAX][i as usize % 2])),
    all("whole numbers that are no 64-bit floats", &[], |rows| rows.whole("k", |i| i64::MAX - i)),
    // Columns that are no numbers.
    all("truth values", &[], truths),
    all("a truth value that is always false", &[], |rows| rows.put("t", NewValues::Boolean(vec![false; rows.n_rows]))),
    all("dates", &["\"d\""], |rows| {
        rows.put("d", NewValues::DateTime((0..rows.n_rows as i64).map(|i| i * 86_400_000).collect()));
    }),
    all("texts", &["\"d\""], |rows| rows.text("d", |i| format!("word {i}"))),
    all("a category of one level", &[], |rows| rows.category("c", &["red"], |_| 0)),
    all("a category of 60 levels", &[], |rows| {
        let levels: Vec<String> = (0..60).map(|level| format!("level {level}")).collect();
        rows.category("c", &levels, |i| i);
    }),
    all("a category whose level stands in it twice", &[], |rows| {
        rows.category("c", &["red", "red", "blue"], |i| i % 3)
    }),
    all("a category with the empty text as a level", &[], |rows| rows.category("c", &["", " ", "red"], |i| i % 3)),
    // Names.
    all("a column without a name", &[], |rows| rows.rename("x", "")),
    all("names that differ in a blank", &[], |rows| rows.rename("z", "x ")),
    all("names of a hundred lines, quotes and signs", &[], |rows| {
        rows.rename("x", &"a\n\"".repeat(100));
        rows.rename("z", "Größe (m²) 🦀, |x|");
    }),
    all("a column called as an indicator of another", &[], |rows| rows.rename("x", "c = red")),
    all("columns called as scores", &[], |rows| {
        rows.rename("x", "Scored Labels");
        rows.rename("z", "Scored Probabilities_a");
    }),
    all("columns called as clusters", &[], |rows| {
        rows.rename("x", "Assignments");
        rows.rename("z", "DistancesToClusterCenter no.0");
    }),
    // Classes.
    classes("one class", Y, |rows| rows.category("y", &["a"], |_| 0)),
    classes("a class of one row", &[], |rows| rows.category("y", &["a", "b"], |i| usize::from(i == 2))),
    classes("two classes of one row each", &[], |rows| rows.category("y", &["a", "b", "c"], |i| [1, 2, 0][i.min(2)])),
    classes("a class for each row", &[], |rows| {
        let levels: Vec<usize> = (0..40).collect();
        rows.category("y", &levels, |i| i);
    }),
    classes("200 classes", &[], |rows| {
        *rows = Rows::plain(rows.target, 400);
        rows.drop(&["c"]);
        many_classes(rows, 200);
    }),
    classes("300 classes", Y, |rows| {
        *rows = Rows::plain(rows.target, 300);
        many_classes(rows, 300);
    }),
    classes("classes in the order of rows", &[], |rows| rows.category("y", &["a", "b", "c"], |i| i / 14)),
    classes("classes with a wide gap between them", &[], |rows| {
        rows.drop(&["c"]);
        rows.category("y", &["a", "b", "c"], |i| i % 3);
        rows.number("x", |i| ((i % 3) * 1_000) as f64 + (i / 3) as f64);
    }),
    classes("classes with levels that do not occur", &[], |rows| {
        rows.category("y", &["a", "never", "b", "nowhere"], |i| i % 2 * 2);
    }),
    classes("a class whose level stands in it twice", &[], |rows| rows.category("y", &["a", "b", "a"], |i| i % 3)),
    classes("a class called by the empty text", &[], |rows| rows.category("y", &["", "b", "Größe\n🦀"], |i| i % 3)),
    classes("true and false as classes", &[], |rows| {
        rows.put("y", NewValues::Boolean((0..rows.n_rows).map(|i| i % 3 == 0).collect()));
    }),
    classes("texts as classes", &[], |rows| rows.text("y", |i| ["yes", "no"][i % 2].into())),
    classes("a text for each row as its class", Y, |rows| {
        *rows = Rows::plain(rows.target, 120);
        rows.text("y", |i| format!("row {i}"));
    }),
    all("whole numbers as the target", Y, |rows| rows.whole("y", |i| i % 3)),
    all("dates as the target", Y, |rows| {
        rows.put("y", NewValues::DateTime((0..rows.n_rows as i64).map(|i| i * 86_400_000).collect()));
    }),
    all("a target that is a category, and numbers are wanted", Y, |rows| match rows.target {
        Target::Numbers => rows.category("y", &["a", "b"], |i| i % 2),
        Target::Classes(_) => rows.number("y", |i| i as f64 / 3.0),
    }),
    // Numbers to be predicted.
    numbers("a constant target", &[], |rows| rows.number("y", |_| 0.3)),
    numbers("a target of 0", Y, |rows| rows.number("y", |_| 0.0)),
    numbers("a number below 0 in the target", Y_3, |rows| rows.numbers("y")[2] = -3.0),
    numbers("a target of 1e300", Y, |rows| rows.number("y", |i| (i % 7 + 1) as f64 * 1e300)),
    numbers("1.7e308 and −1.7e308 in the target", Y, |rows| rows.number("y", |i| [1.7e308, -1.7e308][i % 2])),
    numbers("a number of 1e300 in the target", Y_3, |rows| rows.numbers("y")[2] = 1e300),
    numbers("a target of 1e-300", &[], |rows| rows.number("y", |i| (i % 7) as f64 * 1e-300)),
    numbers("a target of 5e-324", &[], |rows| rows.number("y", |i| f64::from_bits(i as u64 % 7))),
    numbers("a target of 1e9 with small differences", &[], |rows| rows.number("y", |i| 1e9 + i as f64 * 1e-6)),
    numbers("whole numbers at their limits as the target", Y, |rows| {
        rows.whole("y", |i| [i64::MIN, i64::MAX][i as usize % 2]);
    }),
    // Roles.
    all("a target without its role", &[], |rows| rows.role("y", Role::Feature)),
    all("two targets", &[], |rows| rows.role("z", Role::Target)),
    all("a target that is not there", &[], |rows| rows.drop(&["y"])),
];

/// Rows that come to be predicted, of 12 plain ones, after training on 40.
pub const LATER: &[Case] = &[
    all("plain rows", &[], |_| ()),
    all("no rows", &[], |rows| rows.leave([])),
    all("one row", &[], |rows| rows.leave([0])),
    all("no column", &[], |rows| rows.drop(&["x", "z", "k", "c", "y"])),
    all("a column that is not there", X, |rows| rows.drop(&["x"])),
    all("more columns", &[], |rows| columns(rows, 3)),
    all("columns in another order", &[], Rows::turn_around),
    all("columns of other roles", &[], |rows| rows.role("x", Role::Ignored)),
    all("a gap in a number", X_3, |rows| rows.gaps("x", |i| i == 2)),
    all("a gap in a category", &["\"c\"", "row 3"], |rows| rows.gaps("c", |i| i == 2)),
    all("NaN in a number", X_3, |rows| rows.numbers("x")[2] = f64::NAN),
    all("∞ in a number", X_3, |rows| rows.numbers("x")[2] = f64::INFINITY),
    all("a number without any value", X, |rows| rows.gaps("x", |_| true)),
    all("a category without any value", &["\"c\""], |rows| rows.gaps("c", |_| true)),
    all("one number of 1e300", X_3, |rows| rows.numbers("x")[2] = 1e300),
    all("one number of −1e300", X_3, |rows| rows.numbers("x")[2] = -1e300),
    all("1.7e308 and −1.7e308 in one row", &["row 3"], |rows| {
        rows.numbers("x")[2] = 1.7e308;
        rows.numbers("z")[2] = -1.7e308;
    }),
    all("−1.7e308 in two columns of one row", &["row 3"], |rows| {
        rows.numbers("x")[2] = -1.7e308;
        rows.numbers("z")[2] = -1.7e308;
    }),
    all("numbers of 5e-324", &[], |rows| rows.number("x", |i| f64::from_bits(i as u64))),
    all("whole numbers at their limits", &["\"k\""], |rows| {
        rows.whole("k", |i| [i64::MIN, i64::MAX][i as usize % 2]);
    }),
    all("whole numbers in place of numbers", X, |rows| rows.whole("x", |i| i)),
    all("truth values in place of numbers", X, |rows| {
        rows.put("x", NewValues::Boolean((0..rows.n_rows).map(|i| i % 2 == 0).collect()));
    }),
    all("a category in place of numbers", X, |rows| rows.category("x", &["1", "2"], |i| i % 2)),
    all("texts in place of numbers", X, |rows| rows.text("x", |i| i.to_string())),
    all("dates in place of numbers", X, |rows| {
        rows.put("x", NewValues::DateTime((0..rows.n_rows as i64).collect()));
    }),
    all("numbers in place of a category", &["\"c\""], |rows| rows.number("c", |i| i as f64)),
    all("texts in place of a category", &["\"c\""], |rows| rows.text("c", |_| "red".into())),
    all("levels that were not there", &[], |rows| rows.category("c", &["violet", "red"], |i| i % 2)),
    all("levels in another order", &[], |rows| rows.category("c", &["red", "blue", "green"], |i| i % 3)),
    all("no target", &[], |rows| rows.drop(&["y"])),
    all("a gap in the target", &[], |rows| rows.gaps("y", |i| i == 2)),
    all("a target without any value", &[], |rows| rows.gaps("y", |_| true)),
    all("one value of the target", &[], |rows| match rows.target {
        Target::Classes(_) => rows.category("y", &["a"], |_| 0),
        Target::Numbers => rows.number("y", |_| 3.0),
    }),
    classes("classes that were not there", &[], |rows| rows.category("y", &["other", "a"], |i| i % 2)),
    all("a target of another kind", &[], |rows| match rows.target {
        Target::Classes(_) => rows.number("y", |i| i as f64),
        Target::Numbers => rows.category("y", &["a", "b"], |i| i % 2),
    }),
    numbers("∞ in the target", &[], |rows| rows.numbers("y")[2] = f64::INFINITY),
    numbers("1.7e308 and −1.7e308 in the target", &[], |rows| rows.number("y", |i| [1.7e308, -1.7e308][i % 2])),
    all("a weight below 0", &[], |rows| rows.weights(|_| -1.0)),
    all("rows that have scores", &[], |rows| {
        rows.text("Scored Labels", |_| "b".into());
        rows.text("Scored Probabilities", |_| "much".into());
        rows.text("Assignments", |_| "0".into());
        rows.text("DistancesToClusterCenter no.0", |_| "far".into());
    }),
];

/// Rows on which every setting is tried.
pub const HARD: &[&str] = &[
    "plain rows",
    "two rows",
    "more columns than rows",
    "nothing but constant columns",
    "a column that is the double of another",
    "weight on two rows alone",
    "one number of 1e300",
    "1.7e308 and −1.7e308 in turns",
    "numbers of 1e-300",
    "numbers of 5e-324",
    "units of 1e6 and of 1e-6",
    "a class of one row",
    "a class for each row",
    "classes with a wide gap between them",
    "a constant target",
    "a target of 1e300",
    "a target of 1e-300",
    "a target of 5e-324",
];

fn truths(rows: &mut Rows) {
    rows.put("t", NewValues::Boolean((0..rows.n_rows).map(|i| i % 3 == 0).collect()));
}

/// So many columns of numbers.
fn columns(rows: &mut Rows, n: usize) {
    for column in 0..n {
        rows.number(&format!("x{column}"), |i| ((i + 1) * (column + 3) % 17) as f64 - 8.0);
    }
}

/// Rows in a row are of different classes.
fn one_of_each_class(rows: &mut Rows) {
    if let Target::Classes(n) = rows.target {
        rows.category("y", &["a", "b", "c"][..n], |i| i % n);
    }
}

fn many_classes(rows: &mut Rows, n: usize) {
    let levels: Vec<String> = (0..n).map(|level| format!("class {level}")).collect();
    rows.category("y", &levels, |i| i % n);
    rows.number("x", |i| (i % n) as f64);
}
