//! Divides the rows of a table in two.

use engine::{Component, Flow, FlowError, In, Job, JobError, NodeParams, Out, Param, Running, Scoring};
use learn::preprocess::{SplitOrder, SplitSettings, split};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Face, Failure};
use schema::{Kind, Schema};
use table::Table;

use super::condition::{Condition, Places};
use crate::failures;

const TABLE: In<Table> = In::new("table");
const TRAIN: Out<Table> = Out::new("train");
const TEST: Out<Table> = Out::new("test");
const MODE: Param<String> = Param::choice(
    "splitting_mode",
    &[
        ("split-rows", "Split Rows"),
        ("regular-expression", "Regular Expression"),
        ("relative-expression", "Relative Expression"),
    ],
    "split-rows",
)
.label("Splitting mode")
.help("By chance or by order, or by a condition on a column, for example everything before a date.");
const FRACTION: Param<f64> = Param::float("fraction", 0.7)
    .range(0.0, 1.0)
    .label("Fraction of rows in the first output")
    .help("More training rows make a better model, fewer test rows a less certain score.")
    .when("splitting_mode", &["split-rows"]);
const RANDOMIZED: Param<bool> = Param::switch("randomized", true)
    .label("Randomized split")
    .help("Off, the first rows go one way and the last rows the other: right for time series, wrong for sorted tables.")
    .when("splitting_mode", &["split-rows"]);
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number draws other rows. If the score changes much with it, there are too few rows to be sure.")
    .when("randomized", &["true"]);
const STRATIFY: Param<Option<String>> =
    Param::column("stratify", "table", &[Kind::Category, Kind::Boolean, Kind::Integer, Kind::Text], true)
        .label("Stratify by")
        .help("Each value of this column has the same share in both outputs. Choose the target when a class is rare.")
        .when("splitting_mode", &["split-rows"]);
const COLUMN: Param<Option<String>> = Param::column("column", "table", &[], true)
    .label("Column")
    .help("The column that the condition is about.")
    .when("splitting_mode", &["relative-expression", "regular-expression"]);
const COMPARISON: Param<String> = Param::choice(
    "comparison",
    &[
        ("less", "is less than"),
        ("less-or-equal", "is at most"),
        ("greater", "is greater than"),
        ("greater-or-equal", "is at least"),
        ("equal", "is"),
        ("not-equal", "is not"),
    ],
    "less",
)
.label("Comparison")
.help("Rows for which it holds go to the first output; all others, missing values too, to the second.")
.when("splitting_mode", &["relative-expression"]);
const VALUE: Param<String> = Param::text("value", "0")
    .label("Value")
    .help(
        "Written as the column is: a number, a date such as 2025-06-30, or, to compare whether it is the same, a word.",
    )
    .when("splitting_mode", &["relative-expression"]);
const PATTERN: Param<String> = Param::text("pattern", "")
    .label("Regular expression")
    .help("Rows in which it matches anywhere in the text go to the first output, for example ^Gr[ae]y or shop|store.")
    .when("splitting_mode", &["regular-expression"]);

const PLACES: Places =
    Places { column: COLUMN.name(), comparison: COMPARISON.name(), value: VALUE.name(), pattern: PATTERN.name() };

/// Split Data.
pub struct SplitData;

impl Component for SplitData {
    fn spec(&self) -> Spec {
        Spec::new("split.split-data", 1, Family::Prepare, "Split Data")
            .with_summary("Divides the rows of a table in two, to train on one part and test on the other.")
            .with_help(
                "A model that has seen a row can simply remember it. To know what it will do with *new* rows, keep \
                 some back: train on the first output, score the second.\n\n\
                 - *Split Rows*: a share of all rows, drawn at random or in order; *stratified*, so that rare classes \
                 are in both\n\
                 - *Regular Expression*: a pattern in the texts of one column, such as `^Gr[ae]y`\n\
                 - *Relative Expression*: a condition on one column, such as `signed_up` at least 2025-01-01. For \
                 data with a date this is the honest test: learn from the past, predict the future",
            )
            .with_keywords("train test holdout partition stratified validation sample")
            .with_icon("split")
            .with_caption("{fraction} · seed {seed} · {column} {comparison} {value} · {column} matches {pattern}")
            .with_input(TABLE)
            .with_output(TRAIN)
            .with_output(TEST)
            .with_param(MODE)
            .with_param(FRACTION)
            .with_param(RANDOMIZED)
            .with_param(SEED)
            .with_param(STRATIFY)
            .with_param(COLUMN)
            .with_param(COMPARISON)
            .with_param(VALUE)
            .with_param(PATTERN)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE).cloned() else { return Ok(()) };
        let condition = condition(
            &schema,
            &flow.param(MODE).unwrap_or_default(),
            flow.param(COLUMN).flatten().as_deref(),
            &flow.param(COMPARISON).unwrap_or_default(),
            &flow.param(VALUE).unwrap_or_default(),
            &flow.param(PATTERN).unwrap_or_default(),
        )?;
        if condition.is_none()
            && let Some(name) = flow.param(STRATIFY).flatten()
        {
            schema.column(&name).map_err(|error| failures::column_not_found(STRATIFY.name(), &error))?;
        }
        flow.output(TRAIN, schema.clone());
        flow.output(TEST, schema);
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Passes { table: TABLE.name(), why: "chooses rows for training" }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            job.checkpoint(0.0, "").await?;
            let condition = condition(
                table.schema(),
                &job.param(MODE)?,
                job.param(COLUMN)?.as_deref(),
                &job.param(COMPARISON)?,
                &job.param(VALUE)?,
                &job.param(PATTERN)?,
            )
            .map_err(failures::from_flow)?;
            let (first, second) = if let Some(condition) = condition {
                split_by(&condition, &table)?
            } else {
                let settings = SplitSettings {
                    fraction: job.param(FRACTION)?,
                    order: if job.param(RANDOMIZED)? { SplitOrder::Randomized } else { SplitOrder::InOrder },
                    stratify: job.param(STRATIFY)?,
                };
                let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
                split(&table, &settings, seed).map_err(|error| failures::from_prepare(&error))?
            };
            job.show(Face::Bars(vec![
                ("train".into(), first.n_rows() as f64),
                ("test".into(), second.n_rows() as f64),
            ]));
            job.output(TRAIN, first);
            job.output(TEST, second);
            Ok(())
        })
    }
}

/// The condition that the mode asks for; none where rows are split by their share.
fn condition(
    schema: &Schema,
    mode: &str,
    column: Option<&str>,
    comparison: &str,
    value: &str,
    pattern: &str,
) -> Result<Option<Condition>, FlowError> {
    match mode {
        "relative-expression" => PLACES.comparison(schema, column, comparison, value).map(Some),
        "regular-expression" => PLACES.pattern(schema, column, pattern).map(Some),
        _ => Ok(None),
    }
}

fn split_by(condition: &Condition, table: &Table) -> Result<(Table, Table), JobError> {
    let holds = condition.of_rows(table);
    let n_first = holds.iter().filter(|holds| **holds).count();
    if n_first == 0 || n_first == holds.len() {
        return Err(Failure::new(
            format!(
                "the condition on {:?} holds for {n_first} of {} rows, so one part would be empty",
                condition.column(table),
                holds.len()
            ),
            "Look at the column's values in the output of the node before, and choose a condition that divides them.",
        )
        .into());
    }
    let others: Vec<bool> = holds.iter().map(|holds| !holds).collect();
    Ok((table.filter(&holds), table.filter(&others)))
}

#[cfg(test)]
mod tests {
    use engine::Artifact;
    use engine::testing::run_component;
    use model::Values;
    use pipeline::Value;
    use table::read_bytes;

    use super::*;

    const ROWS: &str = "when,size,colour,note,sold\n2024-01-05,1.5,grey,one of a kind,yes\n2024-02-05,2.5,gray,two of \
                        them,no\n2024-03-05,,red,,no\n2024-04-05,4.5,grey,four more,yes\n2024-05-05,5.5,red,five in \
                        all,\n2024-06-05,6.5,gray,six and out,no\n";

    /// The months of the rows in the first output, or the failure.
    fn first(params: Vec<(&str, Value)>) -> Result<Vec<String>, String> {
        let options = table::Options { kinds: [("note".into(), Kind::Text)].into(), ..table::Options::default() };
        let table = read_bytes("t.csv", ROWS.as_bytes(), options).expect("a table").table;
        let n_rows = table.n_rows();
        let done = run_component(&SplitData, vec![("table", Artifact::Table(table))], params, 1);
        let outputs = done
            .map_err(|error| match error {
                JobError::Failed(failure) => {
                    assert!(!failure.help.is_empty());
                    failure.message
                }
                JobError::Cancelled => "cancelled".into(),
            })?
            .outputs;
        let (Artifact::Table(train), Artifact::Table(test)) = (&outputs["train"], &outputs["test"]) else {
            panic!("two tables")
        };
        assert_eq!(train.n_rows() + test.n_rows(), n_rows);
        let frame = train.frame_of(&[0]);
        let Values::DateTime(dates) = &frame.columns[0].values else { panic!("dates") };
        Ok(dates.iter().map(|millis| table::date_text(*millis, false)[..7].to_owned()).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a_card_says_how_rows_are_divided() {
        let caption = |params: Vec<(&str, Value)>| {
            let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let spec = SplitData.spec();
            let (component, version) = (spec.id.clone(), spec.version);
            let position = pipeline::Point::default();
            pipeline::caption(&spec, &pipeline::Node { component, version, title: None, params, position })
        };
        assert_eq!(caption(vec![]), "0.7 · seed 42");
        let column = ("column", text("size"));
        let relative = vec![("splitting_mode", text("relative-expression")), column.clone(), ("value", text("2"))];
        assert_eq!(caption(relative), "size is less than 2");
        let regular = vec![("splitting_mode", text("regular-expression")), column, ("pattern", text("^a"))];
        assert_eq!(caption(regular), "size matches ^a");
    }

    #[test]
    fn a_condition_divides_the_rows() {
        for (column, comparison, value, expected) in [
            ("size", "greater", "2.5", &["2024-04", "2024-05", "2024-06"][..]),
            ("size", "less-or-equal", "2.5", &["2024-01", "2024-02"]),
            ("size", "not-equal", "2.5", &["2024-01", "2024-04", "2024-05", "2024-06"]),
            ("when", "less", "2024-02-05", &["2024-01"]),
            ("when", "greater-or-equal", "2024-05-05", &["2024-05", "2024-06"]),
            ("colour", "equal", "red", &["2024-03", "2024-05"]),
            ("colour", "not-equal", "red", &["2024-01", "2024-02", "2024-04", "2024-06"]),
            ("note", "equal", "four more", &["2024-04"]),
            ("sold", "equal", "no", &["2024-02", "2024-03", "2024-06"]),
            ("sold", "not-equal", "no", &["2024-01", "2024-04"]),
        ] {
            let params = vec![
                ("splitting_mode", text("relative-expression")),
                ("column", text(column)),
                ("comparison", text(comparison)),
                ("value", text(value)),
            ];
            assert_eq!(
                first(params),
                Ok(expected.iter().map(|&row| row.to_owned()).collect()),
                "{column} {comparison}"
            );
        }
    }

    #[test]
    fn a_regular_expression_divides_the_rows() {
        for (column, pattern, expected) in [
            ("colour", "^gr[ae]y$", &["2024-01", "2024-02", "2024-04", "2024-06"][..]),
            ("note", "two|six", &["2024-02", "2024-06"]),
            ("note", "o$", &[]),
        ] {
            let params = vec![
                ("splitting_mode", text("regular-expression")),
                ("column", text(column)),
                ("pattern", text(pattern)),
            ];
            let found = first(params);
            if expected.is_empty() {
                let message = "the condition on \"note\" holds for 0 of 6 rows, so one part would be empty";
                assert_eq!(found, Err(message.into()));
            } else {
                assert_eq!(found, Ok(expected.iter().map(|&row| row.to_owned()).collect()), "{pattern}");
            }
        }
    }

    #[test]
    fn a_condition_that_makes_no_sense_says_why() {
        for (mode, column, comparison, other, message) in [
            (
                "relative-expression",
                "size",
                "less",
                "big",
                "\"big\" cannot be compared with column \"size\", which is number",
            ),
            (
                "relative-expression",
                "when",
                "less",
                "soon",
                "\"soon\" cannot be compared with column \"when\", which is date-time",
            ),
            (
                "relative-expression",
                "sold",
                "equal",
                "maybe",
                "\"maybe\" cannot be compared with column \"sold\", which is boolean",
            ),
            (
                "relative-expression",
                "colour",
                "less",
                "red",
                "column \"colour\" is category, which has no order to compare by",
            ),
            ("regular-expression", "size", "less", "1", "column \"size\" is number, expected text or category"),
            ("regular-expression", "note", "less", "", "no regular expression is given"),
        ] {
            let params = vec![
                ("splitting_mode", text(mode)),
                ("column", text(column)),
                ("comparison", text(comparison)),
                ("value", text(other)),
                ("pattern", text(other)),
            ];
            assert_eq!(first(params), Err(message.into()), "{mode} {column}");
        }
        let open =
            vec![("splitting_mode", text("regular-expression")), ("column", text("note")), ("pattern", text("(open"))];
        let message = first(open).expect_err("no regular expression");
        assert!(message.starts_with("\"(open\" is no regular expression: "), "{message}");
        let none = first(vec![("splitting_mode", text("relative-expression"))]);
        assert_eq!(none, Err("no column is chosen to be looked at".into()));
    }
}
