//! Turns categories into columns of 0 and 1.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use learn::preprocess::{IndicatorSettings, fit_indicators, indicator_schema};
use learn::transform::apply;
use model::Transform;
use pipeline::{Family, Spec};
use protocol::Panel;
use schema::{ColumnSelection, Kind};
use table::Table;

use crate::{columns, failures, memory};

const CONVERTIBLE: &[Kind] = &[Kind::Category, Kind::Boolean, Kind::Text, Kind::Integer];
const TABLE: In<Table> = In::new("table");
const CONVERTED: Out<Table> = Out::new("table");
const TRANSFORMATION: Out<Arc<Transform>> = Out::new("transformation");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[Kind::Category])
    .label("Columns")
    .help("Each becomes as many columns as it has categories. A column with hundreds of them makes a wide table and a slow model.");
const OVERWRITE: Param<bool> = Param::switch("overwrite_categorical_columns", true)
    .label("Overwrite categorical columns")
    .help("Off, the categories stay beside their indicators, and a learner sees the same thing twice.");

/// Convert to Indicator Values.
pub struct ConvertToIndicatorValues;

impl Component for ConvertToIndicatorValues {
    fn spec(&self) -> Spec {
        Spec::new("transform.convert-to-indicator-values", 1, Family::Prepare, "Convert to Indicator Values")
            .with_summary("Turns categories into columns of 0 and 1.")
            .with_help(
                "`contract` with the categories *monthly* and *yearly* becomes `contract-monthly` and \
                 `contract-yearly`, of which exactly one is 1 in every row.\n\n\
                 Learners here take category columns as they are and do this by themselves; use it to see or choose \
                 single categories. A category that was not there when this was fitted has 0 everywhere.",
            )
            .with_keywords("one-hot dummy encode categorical onehot indicator")
            .with_icon("binary")
            .with_caption("{columns}")
            .with_input(TABLE)
            .with_output(CONVERTED)
            .with_output(TRANSFORMATION)
            .with_param(COLUMNS)
            .with_param(OVERWRITE)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let (Some(schema), Some(selection)) = (flow.input(TABLE), flow.param(COLUMNS)) else { return Ok(()) };
        let settings = IndicatorSettings { columns: selection.clone(), keep: false };
        let without =
            indicator_schema(schema, &settings).map_err(|error| failures::flow_from_prepare(COLUMNS.name(), &error))?;
        columns::selected(schema, &selection, CONVERTIBLE, COLUMNS.name())?;
        // Categories, and so the names of the indicators, show only in the rows.
        if without == *schema {
            flow.output(CONVERTED, without);
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Fitted { table: TABLE.name(), transformation: TRANSFORMATION.name() }
    }

    /// A column for each category.
    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(table), Ok(columns)) = (job.optional_input(TABLE), job.param(COLUMNS)) else { return 0 };
        // What cannot be converted is told by the run.
        let fitted = fit_indicators(&table, &IndicatorSettings { columns, keep: true });
        let n_made = match fitted.map(|fitted| fitted.transform) {
            Ok(Transform::Indicators(made)) => made.columns.iter().map(|(_, categories)| categories.len()).sum(),
            Ok(_) | Err(_) => 0,
        };
        memory::columns(table.n_rows(), n_made + 1)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let settings = IndicatorSettings { columns: job.param(COLUMNS)?, keep: !job.param(OVERWRITE)? };
            job.checkpoint(0.0, "").await?;
            let fitted = fit_indicators(&table, &settings).map_err(|error| failures::from_prepare(&error))?;
            job.checkpoint(0.5, "").await?;
            let converted = apply(&fitted.transform, &table).map_err(|error| failures::from_apply(&error))?;
            if let Transform::Indicators(indicators) = &fitted.transform {
                let rows = indicators.columns.iter().map(|(name, categories)| {
                    vec![name.clone(), categories.len().to_string(), schema::list(categories)]
                });
                job.panel(Panel::Facts {
                    title: "What became of categories".into(),
                    heads: vec!["Column".into(), "Indicators".into(), "Categories".into()],
                    rows: rows.collect(),
                });
            }
            crate::tell(job, &fitted.notes);
            job.output(CONVERTED, converted);
            job.output(TRANSFORMATION, Arc::new(fitted.transform));
            Ok(())
        })
    }
}
