//! Fills missing values, or removes the rows or columns that have some.
//!
//! What fills them is learned from the input and leaves through `transformation`, so that test rows are
//! filled with the figures of the training rows.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use learn::preprocess::{CleanMode, CleanSettings, EmptyColumns, cleaned_schema, fit_clean_missing};
use learn::transform::apply;
use model::{Fill, Transform};
use pipeline::{Family, Spec};
use protocol::Panel;
use schema::ColumnSelection;
use table::{Table, number_text};

use crate::failures;

const TABLE: In<Table> = In::new("table");
const CLEANED: Out<Table> = Out::new("table");
const TRANSFORMATION: Out<Arc<Transform>> = Out::new("transformation");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[])
    .label("Columns")
    .help("A rule such as *all columns* fills features only; the target is never made up. Name a column to clean it whatever its role.");
const MODE: Param<String> = Param::choice(
    "cleaning_mode",
    &[
        ("custom", "Custom substitution value"),
        ("mean", "Replace with mean"),
        ("median", "Replace with median"),
        ("mode", "Replace with mode"),
        ("remove-rows", "Remove entire row"),
        ("remove-columns", "Remove entire column"),
    ],
    "mean",
)
.label("Cleaning mode")
.help("Mean and median fill numbers only; the mode, the most frequent value, fills every kind. Removing rows also removes them from what is tested.");
const REPLACEMENT: Param<String> = Param::text("replacement_value", "0")
    .label("Replacement value")
    .help("Stands where nothing stood. A value far from all others, such as -999, misleads linear models.")
    .when("cleaning_mode", &["custom"]);
const MIN_RATIO: Param<f64> = Param::float("min_missing_ratio", 0.0)
    .range(0.0, 1.0)
    .label("Minimum missing value ratio")
    .help("Columns of which a smaller share is missing pass as they are.");
const MAX_RATIO: Param<f64> = Param::float("max_missing_ratio", 1.0)
    .range(0.0, 1.0)
    .label("Maximum missing value ratio")
    .help("Columns of which a larger share is missing pass as they are.");
const INDICATOR: Param<bool> = Param::switch("indicator", false)
    .label("Generate missing value indicator columns")
    .help("Adds a column of 0 and 1 for each filled one, so that a model can learn from the gap itself.")
    .when("cleaning_mode", &["custom", "mean", "median", "mode"]);
const EMPTY: Param<String> =
    Param::choice("empty_columns", &[("propagate", "Keep as they are"), ("remove", "Remove")], "propagate")
        .label("Columns without any value")
        .help("They have no mean, median or mode. Kept, they stop a learner further down.")
        .when("cleaning_mode", &["mean", "median", "mode"]);

/// Clean Missing Data.
pub struct CleanMissingData;

impl Component for CleanMissingData {
    fn spec(&self) -> Spec {
        Spec::new("transform.clean-missing-data", 1, Family::Prepare, "Clean Missing Data")
            .with_summary("Fills missing values, or removes the rows or columns that have some.")
            .with_help(
                "Learners need a value in every cell.\n\n\
                 - *Mean* and *median* keep the middle of a column where it is; the median does not mind a few huge \
                 values\n\
                 - *Mode* is the most frequent value, the only average that categories have\n\
                 - *Remove entire row* is honest when few rows have gaps, and biased when gaps are not random: \
                 perhaps the rich did not want to tell their income\n\n\
                 The figures that fill the gaps leave through `transformation`: use them on test rows with Apply \
                 Transformation.",
            )
            .with_keywords("impute fill na null nan gaps drop missing")
            .with_icon("eraser")
            .with_caption("{cleaning_mode}")
            .with_input(TABLE)
            .with_output(CLEANED)
            .with_output(TRANSFORMATION)
            .with_param(COLUMNS)
            .with_param(MODE)
            .with_param(REPLACEMENT)
            .with_param(MIN_RATIO)
            .with_param(MAX_RATIO)
            .with_param(INDICATOR)
            .with_param(EMPTY)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE) else { return Ok(()) };
        let settings = CleanSettings {
            columns: flow.param(COLUMNS).unwrap_or(ColumnSelection::All),
            mode: mode(&flow.param(MODE).unwrap_or_default(), flow.param(REPLACEMENT).unwrap_or_default()),
            min_missing_ratio: flow.param(MIN_RATIO).unwrap_or(0.0),
            max_missing_ratio: flow.param(MAX_RATIO).unwrap_or(1.0),
            indicator: flow.param(INDICATOR).unwrap_or(false),
            empty_columns: empty_columns(&flow.param(EMPTY).unwrap_or_default()),
        };
        let cleaned =
            cleaned_schema(schema, &settings).map_err(|error| failures::flow_from_prepare(COLUMNS.name(), &error))?;
        // Which columns have gaps, or too many, shows only in the rows.
        let depends_on_rows = settings.mode == CleanMode::RemoveColumns
            || settings.empty_columns == EmptyColumns::Remove
            || settings.indicator && (settings.min_missing_ratio > 0.0 || settings.max_missing_ratio < 1.0);
        if !depends_on_rows {
            flow.output(CLEANED, cleaned);
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Fitted { table: TABLE.name(), transformation: TRANSFORMATION.name() }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let settings = CleanSettings {
                columns: job.param(COLUMNS)?,
                mode: mode(&job.param(MODE)?, job.param(REPLACEMENT)?),
                min_missing_ratio: job.param(MIN_RATIO)?,
                max_missing_ratio: job.param(MAX_RATIO)?,
                indicator: job.param(INDICATOR)?,
                empty_columns: empty_columns(&job.param(EMPTY)?),
            };
            job.checkpoint(0.0, "").await?;
            let fitted = fit_clean_missing(&table, &settings).map_err(|error| failures::from_prepare(&error))?;
            job.checkpoint(0.5, "").await?;
            let cleaned = apply(&fitted.transform, &table).map_err(|error| failures::from_apply(&error))?;
            if let Transform::CleanMissing(clean) = &fitted.transform {
                let rows = clean.columns.iter().map(|(name, fill)| vec![name.clone(), gaps(&table, name), said(fill)]);
                job.panel(Panel::Facts {
                    title: "What became of missing values".into(),
                    heads: vec!["Column".into(), "Missing".into(), "Now".into()],
                    rows: rows.collect(),
                });
            }
            crate::tell(job, &fitted.notes);
            job.output(CLEANED, cleaned);
            job.output(TRANSFORMATION, Arc::new(fitted.transform));
            Ok(())
        })
    }
}

fn mode(name: &str, replacement: String) -> CleanMode {
    match name {
        "custom" => CleanMode::Custom(replacement),
        "median" => CleanMode::Median,
        "mode" => CleanMode::Mode,
        "remove-rows" => CleanMode::RemoveRows,
        "remove-columns" => CleanMode::RemoveColumns,
        _ => CleanMode::Mean,
    }
}

fn empty_columns(name: &str) -> EmptyColumns {
    if name == "remove" { EmptyColumns::Remove } else { EmptyColumns::Propagate }
}

fn gaps(table: &Table, name: &str) -> String {
    table.column(name).map_or_else(|_| String::new(), |array| array.null_count().to_string())
}

fn said(fill: &Fill) -> String {
    match fill {
        Fill::Number(x) => number_text(*x),
        Fill::Integer(n) => n.to_string(),
        Fill::Text(text) => text.clone(),
        Fill::Boolean(truth) => truth.to_string(),
        Fill::DateTime(millis) => table::date_text(*millis, false),
        Fill::DropRow => "Row removed".into(),
        Fill::DropColumn => "Column removed".into(),
    }
}
