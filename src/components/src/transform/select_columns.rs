//! Keeps some columns and drops the others.

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use pipeline::{Family, Spec};
use schema::{ColumnSelection, Schema};
use table::Table;

use crate::failures;

const TABLE: In<Table> = In::new("table");
const SELECTED: Out<Table> = Out::new("table");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[])
    .label("Columns")
    .help("Only these go on, in the order in which they are listed. What is left out cannot be used further down.");

/// Select Columns.
pub struct SelectColumns;

impl Component for SelectColumns {
    fn spec(&self) -> Spec {
        Spec::new("transform.select-columns", 1, Family::Prepare, "Select Columns")
            .with_summary("Keeps some columns and drops the others.")
            .with_help(
                "Chooses which columns go on, by name, by kind, or all but some.\n\n\
                 Leave out what a model must not know: columns that are only filled in *after* what you want to \
                 predict has happened make it look brilliant here and fail in use. To keep a column in the table but \
                 away from learners, give it the role *ignored* with Edit Metadata instead.",
            )
            .with_keywords("drop remove keep project subset features reorder")
            .with_icon("columns-3")
            .with_caption("{columns}")
            .with_input(TABLE)
            .with_output(SELECTED)
            .with_param(COLUMNS)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let (Some(schema), Some(selection)) = (flow.input(TABLE), flow.param(COLUMNS)) else { return Ok(()) };
        let column_idxs = resolve(schema, &selection)?;
        let columns = column_idxs.iter().map(|&column_idx| schema.columns[column_idx].clone()).collect();
        flow.output(SELECTED, Schema::new(columns));
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Passes { table: TABLE.name(), why: "leaves out columns that the model does not look at" }
    }

    /// Columns are shared.
    fn memory(&self, _: &Job<'_>) -> u64 {
        0
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            let selection = job.param(COLUMNS)?;
            let column_idxs = resolve(table.schema(), &selection).map_err(failures::from_flow)?;
            job.output(SELECTED, table.select(&column_idxs));
            Ok(())
        })
    }
}

fn resolve(schema: &Schema, selection: &ColumnSelection) -> Result<Vec<usize>, FlowError> {
    let mut column_idxs =
        selection.resolve(schema).map_err(|error| failures::column_not_found(COLUMNS.name(), &error))?;
    let mut seen = std::collections::BTreeSet::new();
    column_idxs.retain(|column_idx| seen.insert(*column_idx));
    if column_idxs.is_empty() {
        return Err(FlowError {
            place: COLUMNS.name().into(),
            message: format!("no column is selected; the table has {}", schema::list(&schema.names())),
            help: "Select at least one column.".into(),
        });
    }
    Ok(column_idxs)
}
