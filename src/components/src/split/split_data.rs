//! Divides the rows of a table in two.

use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Param, Running};
use learn::preprocess::{SplitOrder, SplitSettings, split};
use model::{ColumnView, Values};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Face, Failure};
use schema::{Kind, Schema};
use table::Table;

use crate::failures;

const TABLE: In<Table> = In::new("table");
const TRAIN: Out<Table> = Out::new("train");
const TEST: Out<Table> = Out::new("test");
const MODE: Param<String> = Param::choice(
    "splitting_mode",
    &[("split-rows", "Split Rows"), ("relative-expression", "Relative Expression")],
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
const COLUMN: Param<Option<String>> =
    Param::column("column", "table", &[Kind::Number, Kind::Integer, Kind::DateTime], true)
        .label("Column")
        .help("The column whose values are compared.")
        .when("splitting_mode", &["relative-expression"]);
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
    .help("A number, or a date such as 2025-06-30.")
    .when("splitting_mode", &["relative-expression"]);

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
                 - *Relative Expression*: a condition on one column, such as `signed_up` at least 2025-01-01. For \
                 data with a date this is the honest test: learn from the past, predict the future",
            )
            .with_keywords("train test holdout partition stratified validation sample")
            .with_icon("split")
            .with_caption("{fraction} · seed {seed}")
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
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE).cloned() else { return Ok(()) };
        if flow.param(MODE).as_deref() == Some("relative-expression") {
            let column = flow.param(COLUMN).flatten();
            condition(
                &schema,
                column.as_deref(),
                &flow.param(COMPARISON).unwrap_or_default(),
                &flow.param(VALUE).unwrap_or_default(),
            )?;
        } else if let Some(name) = flow.param(STRATIFY).flatten() {
            schema.column(&name).map_err(|error| failures::column_not_found(STRATIFY.name(), &error))?;
        }
        flow.output(TRAIN, schema.clone());
        flow.output(TEST, schema);
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            job.checkpoint(0.0, "").await?;
            let (first, second) = if job.param(MODE)? == "relative-expression" {
                let condition = condition(
                    table.schema(),
                    job.param(COLUMN)?.as_deref(),
                    &job.param(COMPARISON)?,
                    &job.param(VALUE)?,
                )
                .map_err(failures::from_flow)?;
                condition.split(&table)?
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

/// A comparison of one column with one value.
struct Condition {
    column_idx: usize,
    comparison: String,
    value: f64,
}

/// Reads the condition; `value` as the kind of the column.
fn condition(schema: &Schema, column: Option<&str>, comparison: &str, value: &str) -> Result<Condition, FlowError> {
    let Some(name) = column else {
        return Err(FlowError {
            place: COLUMN.name().into(),
            message: "no column is chosen to be compared".into(),
            help: "Choose a column of numbers or dates.".into(),
        });
    };
    let column_idx = schema.position(name).map_err(|error| failures::column_not_found(COLUMN.name(), &error))?;
    let kind = schema.columns[column_idx].kind;
    let text = value.trim();
    let (read, example) = match kind {
        Kind::Number | Kind::Integer => (text.parse().ok().filter(|x: &f64| x.is_finite()), "a number such as 2010"),
        Kind::DateTime => (table::date_millis(text).map(|millis| millis as f64), "a date such as 2025-06-30"),
        Kind::Boolean | Kind::Category | Kind::Text => {
            return Err(FlowError {
                place: COLUMN.name().into(),
                message: format!("column {name:?} is {}, expected number, integer or date-time", kind.label()),
                help: "Choose a column of numbers or dates, or change its kind with Edit Metadata.".into(),
            });
        }
    };
    let value = read.ok_or_else(|| FlowError {
        place: VALUE.name().into(),
        message: format!("{value:?} cannot be compared with column {name:?}, which is {}", kind.label()),
        help: format!("Give {example}."),
    })?;
    Ok(Condition { column_idx, comparison: comparison.into(), value })
}

impl Condition {
    fn split(&self, table: &Table) -> Result<(Table, Table), JobError> {
        let frame = table.frame_of(&[self.column_idx]);
        let column = &frame.columns[0];
        let holds: Vec<bool> = (0..frame.n_rows)
            .map(|row_idx| column.is_valid(row_idx) && number(column, row_idx).is_some_and(|x| self.holds(x)))
            .collect();
        let n_first = holds.iter().filter(|holds| **holds).count();
        if n_first == 0 || n_first == holds.len() {
            return Err(Failure::new(
                format!(
                    "the condition on {:?} holds for {n_first} of {} rows, so one part would be empty",
                    column.name,
                    holds.len()
                ),
                "Choose a value between the smallest and the largest of the column.",
            )
            .into());
        }
        let others: Vec<bool> = holds.iter().map(|holds| !holds).collect();
        Ok((table.filter(&holds), table.filter(&others)))
    }

    fn holds(&self, x: f64) -> bool {
        match self.comparison.as_str() {
            "less" => x < self.value,
            "less-or-equal" => x <= self.value,
            "greater" => x > self.value,
            "greater-or-equal" => x >= self.value,
            "equal" => x == self.value,
            _ => x != self.value,
        }
    }
}

fn number(column: &ColumnView<'_>, row_idx: usize) -> Option<f64> {
    match &column.values {
        Values::Number(values) => Some(values[row_idx]),
        Values::Integer(values) | Values::DateTime(values) => Some(values[row_idx] as f64),
        Values::Boolean(_) | Values::Category { .. } | Values::Text(_) => None,
    }
}
