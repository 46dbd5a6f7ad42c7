//! Changes what columns are: kind, role and name.

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring};
use pipeline::{Family, Spec};
use protocol::Failure;
use schema::{Column, ColumnSelection, Kind, Role, Schema};
use table::Table;

use crate::failures;
use crate::turns::in_turns;

const TABLE: In<Table> = In::new("table");
const EDITED: Out<Table> = Out::new("table");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[])
    .label("Columns")
    .help("The columns to change; the others pass as they are.");
const KIND: Param<String> = Param::choice(
    "kind",
    &[
        ("unchanged", "Unchanged"),
        ("number", "Number"),
        ("integer", "Integer"),
        ("boolean", "Boolean"),
        ("category", "Category"),
        ("text", "Text"),
        ("date-time", "Date-time"),
    ],
    "unchanged",
)
.label("Kind")
.help("What the values are. A number that is really a name, such as a class from 0 to 9, should be a category: learners then tell classes apart instead of predicting 4.5.");
const ROLE: Param<String> = Param::choice(
    "role",
    &[
        ("unchanged", "Unchanged"),
        ("feature", "Feature"),
        ("target", "Target"),
        ("id", "Id"),
        ("weight", "Weight"),
        ("ignored", "Ignored"),
    ],
    "unchanged",
)
.label("Role")
.help("Features are learned from, the target is predicted, weights say how much a row counts; ids and ignored columns stay in the table and away from learners.");
const NAME: Param<String> =
    Param::text("name", "").label("New name").help("Only for a single column. Left empty, the name stays.");

/// Edit Metadata.
pub struct EditMetadata;

impl Component for EditMetadata {
    fn spec(&self) -> Spec {
        Spec::new("transform.edit-metadata", 1, Family::Prepare, "Edit Metadata")
            .with_summary("Changes the kind, role or name of columns.")
            .with_help(
                "Tells the steps below what a column is, without changing any other.\n\n\
                 - *Kind*: a value that does not fit the new kind stops the run and is named with its row\n\
                 - *Role*: only one column should be the target; a new target takes the role from the old one\n\
                 - *New name*: must not be taken",
            )
            .with_keywords("rename type cast convert role label target column")
            .with_icon("tag")
            .with_caption("{columns} · {kind} · {role}")
            .with_input(TABLE)
            .with_output(EDITED)
            .with_param(COLUMNS)
            .with_param(KIND)
            .with_param(ROLE)
            .with_param(NAME)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let (Some(schema), Some(selection), Some(kind), Some(role), Some(name)) =
            (flow.input(TABLE), flow.param(COLUMNS), flow.param(KIND), flow.param(ROLE), flow.param(NAME))
        else {
            return Ok(());
        };
        let edited = Change::new(&kind, &role, &name).plan(schema, &selection)?;
        flow.output(EDITED, Schema::new(edited));
        Ok(())
    }

    fn scoring(&self, params: NodeParams<'_>) -> Scoring {
        let is_unchanged = |param| params.param::<String>(param).is_ok_and(|value| value == "unchanged");
        let keeps_names = params.param(NAME).is_ok_and(|name| name.trim().is_empty());
        if is_unchanged(KIND) && keeps_names {
            Scoring::Passes { table: TABLE.name(), why: "changes only what columns are for" }
        } else {
            Scoring::Entry
        }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let mut table = job.input(TABLE)?;
            let name = job.param(NAME)?;
            let change = Change::new(&job.param(KIND)?, &job.param(ROLE)?, &name);
            let before = table.schema().clone();
            let after = change.plan(&before, &job.param(COLUMNS)?).map_err(failures::from_flow)?;
            let n_columns = after.len();
            for (column_idx, (old, new)) in before.columns.iter().zip(after).enumerate() {
                let fraction = column_idx as f64 / n_columns as f64;
                job.checkpoint(fraction, &old.name).await?;
                if new.kind != old.kind {
                    table = in_turns(job, fraction, &old.name, table.cast(&old.name, new.kind))
                        .await?
                        .map_err(|error| Failure::new(error.to_string(), error.help()))?;
                }
                if new.role != old.role {
                    table = table
                        .set_role(&old.name, new.role)
                        .map_err(|error| failures::from_flow(failures::column_not_found(COLUMNS.name(), &error)))?;
                }
                if new.name != old.name {
                    table = table
                        .rename(&old.name, &new.name)
                        .map_err(|error| Failure::new(error.to_string(), "Choose another name."))?;
                }
            }
            job.output(EDITED, table);
            Ok(())
        })
    }
}

struct Change<'a> {
    kind: Option<Kind>,
    role: Option<Role>,
    name: Option<&'a str>,
}

impl<'a> Change<'a> {
    fn new(kind: &str, role: &str, name: &'a str) -> Self {
        Self {
            kind: Kind::ALL.into_iter().find(|known| known.label() == kind),
            role: Role::ALL.into_iter().find(|known| known.label() == role),
            name: Some(name.trim()).filter(|name| !name.is_empty()),
        }
    }

    /// The columns after the change.
    fn plan(&self, schema: &Schema, selection: &ColumnSelection) -> Result<Vec<Column>, FlowError> {
        let selected = selection.resolve(schema).map_err(|error| failures::column_not_found(COLUMNS.name(), &error))?;
        let mut columns = schema.columns.clone();
        if self.role == Some(Role::Target) {
            if let [first, second, ..] = selected[..] {
                return Err(FlowError {
                    place: ROLE.name().into(),
                    message: format!(
                        "{} columns would be the target, among them {:?} and {:?}; a table has one",
                        selected.len(),
                        columns[first].name,
                        columns[second].name
                    ),
                    help: "Select the one column that is to be predicted.".into(),
                });
            }
            for column in columns.iter_mut().filter(|column| column.role == Role::Target) {
                column.role = Role::Feature;
            }
        }
        for &column_idx in &selected {
            let column = &mut columns[column_idx];
            column.kind = self.kind.unwrap_or(column.kind);
            column.role = self.role.unwrap_or(column.role);
        }
        if let Some(name) = self.name {
            let [column_idx] = selected[..] else {
                return Err(FlowError {
                    place: NAME.name().into(),
                    message: format!("{} columns are selected, and only one can be named {name:?}", selected.len()),
                    help: "Select one column, or clear the new name.".into(),
                });
            };
            if columns.iter().enumerate().any(|(other_idx, other)| other_idx != column_idx && other.name == name) {
                return Err(FlowError {
                    place: NAME.name().into(),
                    message: format!("another column is already named {name:?}"),
                    help: "Choose another name.".into(),
                });
            }
            columns[column_idx].name = name.into();
        }
        Ok(columns)
    }
}
