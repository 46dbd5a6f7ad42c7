//! `cargo xtask parity`: how far every learner, transform and metric is from its reference, as a document.
//!
//! The tests of `tests/reference` leave what they compared in a folder, one JSON object a line; `parity.rs` there says how.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shell;

const DOCUMENT: &str = "tests/reference/PARITY.md";
const REQUIREMENTS: &str = "tests/reference/requirements.txt";

/// The variable that tells the tests of the folder.
pub const VARIABLE: &str = "MILLRACE_PARITY";

/// The tests that compare with references.
const TESTS: [&str; 7] = ["reference", "learners", "boosting", "combining", "explaining", "cross_validation", "tuning"];

/// What the specification asks of metrics of iterative fits.
const BAR: f64 = 0.005;

/// From here on tolerances are of metrics, in which hundredths and thousandths are told apart.
const LEAST_OF_METRICS: f64 = 1e-3;

/// A part of the data sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    All,
    Classes,
    ManyClasses,
    Numbers,
    Set(&'static str),
}

/// Where something is not compared, and why. Whatever is neither compared nor here is an error.
const APART: &[(&str, On, &str)] = &[
    ("learn.calibrated-probabilities", On::Numbers, PREDICTS_CLASSES),
    ("learn.linear-regression", On::Classes, PREDICTS_NUMBERS),
    ("learn.logistic-regression", On::Numbers, PREDICTS_CLASSES),
    ("learn.naive-bayes", On::Numbers, PREDICTS_CLASSES),
    ("learn.one-vs-all-multiclass", On::Numbers, PREDICTS_CLASSES),
    ("learn.one-vs-one-multiclass", On::Numbers, PREDICTS_CLASSES),
    ("learn.poisson-regression", On::Classes, PREDICTS_NUMBERS),
    ("learn.poisson-regression", On::Set("generated_number"), "predicts counts, and the target has numbers below 0"),
    ("metric/precision-recall curve", On::ManyClasses, TWO_CLASSES),
    ("metric/ROC curve", On::ManyClasses, TWO_CLASSES),
    ("transform.apply-transformation", On::All, NO_NUMBERS),
    ("transform.convert-to-indicator-values", On::Numbers, "no column is a category"),
    ("transform.edit-metadata", On::All, NO_NUMBERS),
    ("transform.select-columns", On::All, NO_NUMBERS),
    ("transform.t-sne", On::All, "places have no order: `embedding.rs` holds them by what they keep of the rows"),
];

const PREDICTS_CLASSES: &str = "predicts classes";
const PREDICTS_NUMBERS: &str = "predicts numbers";
const TWO_CLASSES: &str = "a curve of two classes";
const NO_NUMBERS: &str = "computes no numbers of its own";

/// One comparison.
#[derive(Deserialize)]
struct Line {
    subject: String,
    set: String,
    what: String,
    /// None if it is infinite or no number.
    deviation: Option<f64>,
    tolerance: f64,
}

/// What the tests tell of themselves.
#[derive(Deserialize)]
struct Facts {
    versions: BTreeMap<String, String>,
    /// Titles by id.
    components: BTreeMap<String, String>,
    sets: BTreeMap<String, Set>,
}

/// A data set.
#[derive(Deserialize)]
struct Set {
    n_rows: usize,
    n_columns: usize,
    /// 0 where a number is to be predicted.
    n_classes: usize,
}

impl On {
    fn covers(self, name: &str, set: &Set) -> bool {
        match self {
            Self::All => true,
            Self::Classes => set.n_classes > 0,
            Self::ManyClasses => set.n_classes > 2,
            Self::Numbers => set.n_classes == 0,
            Self::Set(own) => own == name,
        }
    }
}

/// Runs the tests that compare, and writes the document, or holds the one that is there to what they found.
pub fn run(check: bool) -> Result<bool> {
    let folder = empty_folder()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--workspace", "--no-fail-fast"]).env(VARIABLE, &folder);
    cargo.args(TESTS.iter().flat_map(|test| ["--test", test]));
    shell::run(&mut cargo, "every comparison has to hold before the table is drawn")?;
    if check {
        return holds(&folder);
    }
    std::fs::write(DOCUMENT, drawn(&folder)?).with_context(|| format!("{DOCUMENT} cannot be written"))?;
    shell::say(format!("{DOCUMENT} is written"));
    Ok(true)
}

/// Where tests may leave what they compared; nothing is in it.
pub fn empty_folder() -> Result<PathBuf> {
    let folder = std::env::current_dir().context("the current folder is gone")?.join("target/parity");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Whether the document has the rows, columns and tolerances of what was compared, and no deviation is larger than it
/// says. What differs is printed.
pub fn holds(folder: &Path) -> Result<bool> {
    let found = drawn(folder)?;
    let kept = std::fs::read_to_string(DOCUMENT).with_context(|| format!("{DOCUMENT} cannot be read"))?;
    let differences = differences(&kept, &found);
    for difference in &differences {
        eprintln!("{DOCUMENT}: {difference}");
    }
    if !differences.is_empty() {
        eprintln!("if that is as it should be, `cargo xtask parity` writes it anew");
    }
    Ok(differences.is_empty())
}

fn drawn(folder: &Path) -> Result<String> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("{} is missing", path.display()));
    let facts: Facts = serde_json::from_str(&read(&folder.join("facts.json"))?).context("facts.json")?;
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} is gone", folder.display()))? {
        let path = entry.with_context(|| format!("{} is gone", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            for line in read(&path)?.lines() {
                let line: Line = serde_json::from_str(line).with_context(|| path.display().to_string())?;
                lines.push(line);
            }
        }
    }
    let requirements = read(Path::new(REQUIREMENTS))?;
    document(&facts, &lines, &requirements)
}

/// The document, or everything that keeps it from being whole.
fn document(facts: &Facts, lines: &[Line], requirements: &str) -> Result<String> {
    let mut wrong = Vec::new();
    let versions: Vec<(&str, &str)> = requirements.lines().filter_map(|line| line.split_once("==")).collect();
    for (name, version) in &versions {
        if facts.versions.get(*name).is_some_and(|made_with| made_with != version) {
            wrong.push(format!("expected.json was not made with {name} {version}"));
        }
    }
    for line in lines {
        if !line.deviation.is_some_and(|deviation| deviation <= line.tolerance) {
            wrong.push(format!("{} on {}: {} does not hold", line.subject, line.set, line.what));
        }
        if !facts.sets.contains_key(&line.set) {
            wrong.push(format!("{}: there is no data set {}", line.subject, line.set));
        }
        if !line.subject.starts_with("metric/") && !facts.components.contains_key(&line.subject) {
            wrong.push(format!("there is no component {}", line.subject));
        }
    }
    let mut cells: BTreeMap<(&str, &str), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        cells.entry((&line.subject, &line.set)).or_default().push(line);
    }

    let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut text = format!(
        "# Parity\n\n\
         Millrace beside {}.\n\n\
         `cargo xtask parity` writes this file from what the tests beside it compare; `cargo xtask test unit` fails if it has\n\
         other rows, columns or tolerances than they, or a deviation has become larger than it says.\n\n\
         A cell has the largest deviation of all that is held to a tolerance: up to 1e-4 relative to the number or to the\n\
         largest of its kind, rounded up to a power of ten, to 1e-12 at least; from 0.001 on that of metrics, rounded up to\n\
         0.001; 0 where rows are counted that belong to another cluster. `–` and a letter: see below.\n",
        versions.join(", ")
    );
    let kinds = [("classes", On::Classes), ("numbers", On::Numbers)];
    for (kind, on) in kinds {
        let sets: Vec<&str> =
            facts.sets.iter().filter(|(name, set)| on.covers(name, set)).map(|(name, _)| name.as_str()).collect();
        let metrics: BTreeMap<String, &str> = cells
            .keys()
            .filter(|(subject, set)| subject.starts_with("metric/") && sets.contains(set))
            .map(|(subject, _)| (subject.to_lowercase(), *subject))
            .collect();
        for (heading, head, subjects) in [
            ("Learners", "learner", ids(facts, "learn.")),
            ("Transforms", "transform", ids(facts, "transform.")),
            ("Metrics", "metric", metrics.into_values().collect()),
        ] {
            let _ = write!(text, "\n## {heading}, where {kind} are to be predicted\n\n| {head} |");
            sets.iter().for_each(|set| text.push_str(&format!(" {set} |")));
            let _ = writeln!(text, "\n|---|{}", "---|".repeat(sets.len()));
            for subject in subjects {
                let _ = write!(text, "| {} |", title(facts, subject));
                for set in &sets {
                    let cell = cell(facts, &cells, subject, set).unwrap_or_else(|error| {
                        wrong.push(error);
                        String::new()
                    });
                    let _ = write!(text, " {cell} |");
                }
                text.push('\n');
            }
        }
    }

    text.push_str(
        "\n## Explanations, folds, sweeps and models of models\n\n| component | data sets | |\n|---|---|---|\n",
    );
    for (id, title) in facts.components.iter().filter(|(id, _)| !is_in_a_table(id)) {
        let own: Vec<&Line> = lines.iter().filter(|line| line.subject == *id).collect();
        if !own.is_empty() {
            let sets: BTreeSet<&str> = own.iter().map(|line| line.set.as_str()).collect();
            let sets: Vec<&str> = sets.into_iter().collect();
            let _ = writeln!(text, "| {title} | {} | {} |", sets.join(", "), figures(&own));
        }
    }

    let _ = write!(text, "\n## Metrics further off than {BAR}\n\n| | data set | | |\n|---|---|---|---|\n");
    let mut further: Vec<(String, &Line)> = lines
        .iter()
        .filter(|line| line.tolerance >= LEAST_OF_METRICS && line.deviation.is_none_or(|deviation| deviation > BAR))
        .map(|line| (title(facts, &line.subject), line))
        .collect();
    further.sort_by(|(a, one), (b, other)| (a, &one.set, &one.what).cmp(&(b, &other.set, &other.what)));
    for (title, line) in further {
        let _ = writeln!(text, "| {title} | {} | {} | {} |", line.set, line.what, figures(&[line]));
    }

    text.push_str("\n## Data sets\n\n| | rows | columns | to predict |\n|---|---|---|---|\n");
    for (name, Set { n_rows, n_columns, n_classes }) in &facts.sets {
        let target = if *n_classes == 0 { "a number".to_owned() } else { format!("{n_classes} classes") };
        let _ = writeln!(text, "| {name} | {n_rows} | {n_columns} | {target} |");
    }

    text.push_str("\n## Where nothing is compared\n\n");
    for (at, reason) in reasons().iter().enumerate() {
        let _ = writeln!(text, "- {}: {reason}", letter(at));
    }
    if !wrong.is_empty() {
        bail!("the table of parity is not whole:\n{}", wrong.join("\n"));
    }
    Ok(text)
}

fn ids<'a>(facts: &'a Facts, prefix: &str) -> Vec<&'a str> {
    facts.components.keys().map(String::as_str).filter(|id| id.starts_with(prefix)).collect()
}

fn is_in_a_table(id: &str) -> bool {
    id.starts_with("learn.") || id.starts_with("transform.")
}

/// What a row is called.
fn title(facts: &Facts, subject: &str) -> String {
    let metric = subject.strip_prefix("metric/").unwrap_or(subject);
    facts.components.get(subject).map_or(metric, String::as_str).to_owned()
}

/// The figures of one cell, or why there are none.
fn cell(facts: &Facts, cells: &BTreeMap<(&str, &str), Vec<&Line>>, subject: &str, set: &str) -> Result<String, String> {
    let reason = APART.iter().find(|(id, on, _)| *id == subject && on.covers(set, &facts.sets[set]));
    match (cells.get(&(subject, set)), reason) {
        (Some(lines), None) => Ok(figures(lines)),
        (None, Some((_, _, reason))) => {
            let at = reasons().iter().position(|own| own == reason).unwrap_or_default();
            Ok(format!("– {}", letter(at)))
        }
        (None, None) => {
            Err(format!("{subject} is not compared on {set}, and src/xtask/src/parity.rs does not say why"))
        }
        (Some(_), Some(_)) => {
            Err(format!("{subject} is compared on {set}, but src/xtask/src/parity.rs says it is not"))
        }
    }
}

/// Each reason once, in the order of its first mention.
fn reasons() -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for (_, _, reason) in APART {
        if !reasons.contains(reason) {
            reasons.push(*reason);
        }
    }
    reasons
}

fn letter(at: usize) -> char {
    ('a'..='z').nth(at).unwrap_or('?')
}

/// The largest deviation of each tolerance, the strictest first.
fn figures(lines: &[&Line]) -> String {
    let mut tolerances: Vec<f64> = lines.iter().map(|line| line.tolerance).collect();
    tolerances.sort_by(f64::total_cmp);
    tolerances.dedup();
    let figure = |tolerance: f64| {
        let own = lines.iter().filter(|line| line.tolerance == tolerance);
        let largest = own.map(|line| line.deviation.unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
        let tolerance_said = if tolerance >= LEAST_OF_METRICS || tolerance == 0.0 {
            tolerance.to_string()
        } else {
            format!("{tolerance:e}")
        };
        format!("{} of {tolerance_said}", rounded_up(largest, tolerance))
    };
    tolerances.into_iter().map(figure).collect::<Vec<String>>().join(", ")
}

/// A deviation as it is printed: no smaller than it is.
fn rounded_up(deviation: f64, tolerance: f64) -> String {
    if tolerance == 0.0 {
        return deviation.to_string();
    }
    if tolerance >= LEAST_OF_METRICS {
        return format!("{:.3}", (deviation * 1e3 - 1e-9).ceil().abs() / 1e3);
    }
    let mut exponent = -12;
    while deviation > 10f64.powi(exponent) && exponent < 300 {
        exponent += 1;
    }
    format!("1e{exponent}")
}

/// What the kept document says otherwise: other lines, or deviations that are smaller than what was found.
fn differences(kept: &str, found: &str) -> Vec<String> {
    let (kept, found): (Vec<_>, Vec<_>) = (kept.lines().map(read).collect(), found.lines().map(read).collect());
    let shapes = |document: &[(String, Vec<f64>)]| document.iter().map(|(shape, _)| shape.clone()).collect::<Vec<_>>();
    let (kept_shapes, found_shapes) = (shapes(&kept), shapes(&found));
    if kept_shapes != found_shapes {
        let only = |who: &str, own: &[String], other: &[String]| {
            own.iter().filter(|line| !other.contains(line)).map(|line| format!("{who}: {line}")).collect::<Vec<_>>()
        };
        let mut differences = only("only in the document", &kept_shapes, &found_shapes);
        differences.extend(only("only in what was compared", &found_shapes, &kept_shapes));
        if differences.is_empty() {
            differences.push("its lines are in another order".into());
        }
        return differences;
    }
    let larger = kept.iter().zip(&found).filter(|((_, kept), (_, found))| kept.iter().zip(found).any(|(k, f)| f > k));
    larger
        .map(|((shape, kept), (_, found))| {
            format!("{shape}: the deviations # are {kept:?}, and were found to be {found:?}")
        })
        .collect()
}

/// A line with `#` in place of each deviation, and those.
fn read(line: &str) -> (String, Vec<f64>) {
    let words: Vec<&str> = line.split(' ').collect();
    let mut deviations = Vec::new();
    let shape = words.iter().enumerate().map(|(at, word)| {
        if words.get(at + 1) == Some(&"of")
            && let Ok(deviation) = word.parse::<f64>()
        {
            deviations.push(deviation);
            return "#";
        }
        *word
    });
    let shape = shape.collect::<Vec<&str>>().join(" ");
    (shape, deviations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        serde_json::from_value(serde_json::json!({
            "versions": {"scikit-learn": "1.0"},
            "components": {"learn.linear-regression": "Linear Regression", "train.x": "X", "transform.edit-metadata": "Edit"},
            "sets": {
                "iris": {"n_rows": 150, "n_columns": 4, "n_classes": 3},
                "moons": {"n_rows": 400, "n_columns": 2, "n_classes": 2},
                "diabetes": {"n_rows": 442, "n_columns": 10, "n_classes": 0},
            },
        }))
        .expect("facts")
    }

    fn line(subject: &str, set: &str, deviation: f64, tolerance: f64) -> Line {
        let (subject, set, what) = (subject.into(), set.into(), "all".into());
        Line { subject, set, what, deviation: Some(deviation), tolerance }
    }

    fn lines() -> Vec<Line> {
        vec![
            line("learn.linear-regression", "diabetes", 3e-10, 1e-6),
            line("learn.linear-regression", "diabetes", 2e-11, 1e-6),
            line("learn.linear-regression", "diabetes", 0.0052, 0.01),
            line("metric/ROC curve", "moons", 0.0, 1e-6),
            line("train.x", "iris", 0.0, 0.0),
        ]
    }

    const PINS: &str = "scikit-learn==1.0\n";

    #[test]
    fn each_cell_has_the_worst_of_each_tolerance_or_a_reason() {
        let text = document(&facts(), &lines(), PINS).expect("a document");
        for row in [
            "| Linear Regression | – b | – b |",
            "| Linear Regression | 1e-9 of 1e-6, 0.006 of 0.01 |",
            "| ROC curve | – d | 1e-12 of 1e-6 |",
            "| X | iris | 0 of 0 |",
            "| Linear Regression | diabetes | all | 0.006 of 0.01 |",
            "- b: predicts numbers",
            "- d: a curve of two classes",
        ] {
            assert!(text.lines().any(|line| line == row), "{row:?} is not in\n{text}");
        }
    }

    #[test]
    fn whatever_is_not_compared_without_a_reason_is_named() {
        let refused = |lines: &[Line], pins| document(&facts(), lines, pins).map_err(|error| error.to_string());
        let without = refused(&lines()[3..], PINS).expect_err("nothing was compared on diabetes");
        assert!(without.contains("learn.linear-regression is not compared on diabetes"), "{without}");
        for (more, what) in [
            (line("learn.linear-regression", "iris", 0.0, 1e-6), "is compared on iris, but"),
            (line("train.x", "iris", 2e-6, 1e-6), "train.x on iris: all does not hold"),
            (line("train.x", "moon", 0.0, 1e-6), "there is no data set moon"),
            (line("train.y", "iris", 0.0, 1e-6), "there is no component train.y"),
        ] {
            let mut lines = lines();
            lines.push(more);
            let error = refused(&lines, PINS).expect_err(what);
            assert!(error.contains(what), "{error}");
        }
        let error = refused(&lines(), "scikit-learn==1.1").expect_err("another version");
        assert!(error.contains("not made with scikit-learn 1.1"), "{error}");
    }

    #[test]
    fn a_document_holds_while_rows_and_tolerances_are_the_same_and_no_deviation_is_larger() {
        let kept = "text of 5 lines\n| a | 1e-9 of 1e-6, 0.003 of 0.01 | – a |\n";
        let none: [&str; 0] = [];
        assert_eq!(differences(kept, kept), none);
        assert_eq!(differences(kept, &kept.replace("1e-9", "1e-12").replace("0.003", "0.000")), none);
        for changed in [
            kept.replace("1e-9", "1e-8"),
            kept.replace("0.003", "0.004"),
            kept.replace("1e-6", "1e-5"),
            kept.replace("– a", "1e-9 of 1e-6"),
            kept.replace("| a |", "| b |"),
            format!("{kept}| b |\n"),
        ] {
            assert_ne!(differences(kept, &changed), none, "{changed}");
        }
    }

    #[test]
    fn deviations_are_never_printed_smaller_than_they_are() {
        for (deviation, tolerance, printed) in [
            (0.0, 1e-6, "1e-12"),
            (1e-9, 1e-6, "1e-9"),
            (1.1e-9, 1e-6, "1e-8"),
            (0.0, 0.005, "0.000"),
            (0.001, 0.005, "0.001"),
            (0.00101, 0.005, "0.002"),
            (0.0, 0.0, "0"),
        ] {
            assert_eq!(rounded_up(deviation, tolerance), printed);
        }
    }
}
