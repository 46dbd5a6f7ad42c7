//! Predicts rows with a trained model.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, JobError, NodeParams, Out, Running, Scoring};
use learn::Checkpoint;
use learn::accelerator::Comparison;
use model::{Estimator, Model, NewColumn, NewValues, Prediction, Target};
use pipeline::{Family, Spec};
use protocol::{Face, Panel};
use schema::{Column, Kind, Role, Schema};
use serde::{Deserialize, Serialize};
use table::Table;

use super::{SCORED_LABELS, SCORED_PROBABILITIES};
use crate::train::Watched;
use crate::{failures, memory};

const MODEL: In<Arc<Model>> = In::new("model");
const TABLE: In<Table> = In::new("table");
const SCORED: Out<Table> = Out::new("scored");

/// Score Model.
pub struct ScoreModel;

impl Component for ScoreModel {
    fn spec(&self) -> Spec {
        Spec::new("score.score-model", 1, Family::Score, "Score Model")
            .with_summary("Predicts rows with a trained model.")
            .with_help(
                "Adds what the model says to every row; all columns stay.\n\n\
                 - `Scored Labels`: the predicted number or class. The class is the most probable one\n\
                 - `Scored Probabilities`: for two classes, the probability of the second one in alphabetical order \
                 (of *yes*, *true*, *malignant*)\n\
                 - `Scored Probabilities_CLASS`: for more classes, one column each\n\n\
                 Score rows that the model has *not* been trained on: on its own training rows even a model that has \
                 only learned them by heart looks perfect. The columns it was trained with must be there, under the \
                 same names and kinds, without gaps.",
            )
            .with_keywords("predict apply inference test probabilities")
            .with_icon("target")
            .with_caption("Adds labels and probabilities")
            .with_input(MODEL)
            .with_input(TABLE)
            .with_output(SCORED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE) else { return Ok(()) };
        if let Some(scored) = scored_schema(schema) {
            flow.output(SCORED, scored);
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Predicts { model: MODEL.name(), table: TABLE.name() }
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(model), Some(table)) = (job.optional_input(MODEL), job.optional_input(TABLE)) else { return 0 };
        memory::scoring(table.n_rows(), model.target.n_classes())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let model = job.input(MODEL)?;
            let table = job.input(TABLE)?;
            let scores = predict(&mut Watched(job), &model, &table).await?;
            let scored = with_scores(&table, &model.target, scores)?;
            let n_rows = scored.n_rows();
            job.show(Face::Text(format!("{n_rows} rows · {}", model.learner)));
            let what = match &model.target {
                Target::Number { .. } => "A number".to_owned(),
                Target::Class { classes, .. } => format!("One of {}", schema::list(classes)),
            };
            job.panel(Panel::Facts {
                title: "Scored with".into(),
                heads: vec!["What".into(), "Value".into()],
                rows: vec![
                    vec!["Model".into(), model.learner.clone()],
                    vec!["Predicts".into(), model.target.name().into()],
                    vec!["As".into(), what],
                    vec!["Trained on rows".into(), model.n_training_rows.to_string()],
                    vec!["Rows scored".into(), n_rows.to_string()],
                ],
            });
            job.output(SCORED, scored);
            Ok(())
        })
    }
}

/// The columns of a scored table, where they can be foretold: which classes a model knows, and so its probability
/// columns, shows only when it is trained.
pub fn scored_schema(schema: &Schema) -> Option<Schema> {
    schema.target().filter(|target| target.kind == Kind::Number)?;
    let mut columns: Vec<Column> = schema.columns.iter().filter(|column| !is_score(&column.name)).cloned().collect();
    columns.push(scored(SCORED_LABELS.into(), Kind::Number));
    Some(Schema::new(columns))
}

/// What a model says of every row.
#[derive(Serialize, Deserialize)]
pub struct Scores {
    /// A number per row, or the probability of each class row by row.
    pub values: Vec<f64>,
    /// The most probable class of each row; none where numbers are predicted.
    pub classes: Vec<u32>,
}

/// Rows are predicted in blocks, so that a large table can be watched and stopped.
pub async fn predict(checkpoint: &mut impl Checkpoint, model: &Model, table: &Table) -> Result<Scores, JobError> {
    /// Numbers that are looked at in a few milliseconds.
    const BLOCK_WORK: usize = 4_000_000;
    /// Rows of which an accelerator is asked together what is near them.
    const N_COMPARED: usize = 512;
    let n_rows = table.n_rows();
    let accelerator = checkpoint.accelerator();
    let screen = match (&accelerator, &model.estimator) {
        (Some(_), Estimator::Neighbors(neighbors)) => neighbors.screen(),
        _ => None,
    };
    let mut comparison = match screen {
        Some(screen) => Comparison::new(accelerator.as_ref(), screen, n_rows).await,
        None => Comparison::none(),
    };
    let n_classes = model.target.n_classes();
    let mut values: Vec<f64> = Vec::with_capacity(n_rows * n_classes.max(1));
    let mut classes: Vec<u32> = Vec::new();
    // Gaps and strange values are told with their place in the whole table, before any block.
    let needed: Vec<String> = model.columns().into_iter().collect();
    let mut from_row = 0;
    while from_row < n_rows || (n_rows == 0 && from_row == 0) {
        let message = format!("{from_row} of {n_rows} rows");
        let fraction = from_row as f64 / n_rows.max(1) as f64;
        checkpoint.checkpoint(fraction, &message).await.map_err(|_| JobError::Cancelled)?;
        let block_rows = match comparison.is_there() {
            true => N_COMPARED,
            false => (BLOCK_WORK / model.estimator.work_per_row().max(1)).clamp(4, 4_096),
        };
        let to_row = (from_row + block_rows).min(n_rows);
        let block = if n_rows <= block_rows {
            table.clone()
        } else {
            let row_idxs: Vec<u32> = (from_row as u32..to_row as u32).collect();
            columns_of(table, &needed).take(&row_idxs)
        };
        let mut told = None;
        if let Some(screen) = screen.filter(|_| comparison.is_there())
            && let Ok(queries) = model.queries(&block.frame())
        {
            told = comparison.least(&screen.placed(&queries).0).await;
        }
        let prediction = match model.predict_told(&block.frame(), told.as_deref()) {
            Ok(prediction) => prediction,
            // The rows before this block are sound, so the whole table gives the same complaint with its true row.
            Err(error) => return Err(failures::from_model(&model.predict(&table.frame()).err().unwrap_or(error))),
        };
        classes.extend(prediction.classes());
        match prediction {
            Prediction::Numbers(numbers) | Prediction::Probabilities { values: numbers, .. } => values.extend(numbers),
        }
        from_row = to_row.max(1);
    }
    comparison.tell(checkpoint);
    Ok(Scores { values, classes })
}

/// A table with what was predicted of its rows, in place of earlier predictions; its target is what was predicted.
pub fn with_scores(table: &Table, target: &Target, scores: Scores) -> Result<Table, JobError> {
    let old: Vec<String> = table.schema().names().into_iter().filter(|name| is_score(name)).collect();
    let table = table.without(&old);
    let new = match target {
        Target::Number { .. } => {
            vec![new(scored(SCORED_LABELS.into(), Kind::Number), NewValues::Number(scores.values))]
        }
        Target::Class { classes: names, .. } => class_columns(names, &scores.classes, &scores.values),
    };
    let mut table = table.with_columns(new).map_err(|error| failures::from_table(&error))?;
    // Evaluate Model finds the truth by its role.
    let target = target.name();
    let others: Vec<String> = table
        .schema()
        .columns
        .iter()
        .filter(|column| column.role == Role::Target && column.name != target)
        .map(|column| column.name.clone())
        .collect();
    for other in &others {
        table = table.set_role(other, Role::Feature).unwrap_or(table);
    }
    Ok(match table.set_role(target, Role::Target) {
        Ok(marked) => marked,
        // New rows need not bring the truth along.
        Err(_) => table,
    })
}

/// The columns that are there of those needed.
fn columns_of(table: &Table, names: &[String]) -> Table {
    let column_idxs: Vec<usize> = names.iter().filter_map(|name| table.schema().position(name).ok()).collect();
    table.select(&column_idxs)
}

fn class_columns(names: &[String], classes: &[u32], probabilities: &[f64]) -> Vec<NewColumn> {
    let codes = classes.iter().map(|&class| class as i32).collect();
    let labels = NewValues::Category { codes, dictionary: names.to_vec() };
    let mut columns = vec![new(scored(SCORED_LABELS.into(), Kind::Category), labels)];
    let of_class = |class: usize| {
        NewValues::Number(probabilities.iter().skip(class).step_by(names.len().max(1)).copied().collect())
    };
    if names.len() == 2 {
        columns.push(new(scored(SCORED_PROBABILITIES.into(), Kind::Number), of_class(1)));
    } else {
        columns.extend(
            names.iter().enumerate().map(|(class, name)| {
                new(scored(format!("{SCORED_PROBABILITIES}_{name}"), Kind::Number), of_class(class))
            }),
        );
    }
    columns
}

/// A score is no feature of a model trained further down.
fn scored(name: String, kind: Kind) -> Column {
    Column::new(name, kind).with_role(Role::Ignored)
}

fn new(column: Column, values: NewValues) -> NewColumn {
    NewColumn { column, values, valid: None }
}

fn is_score(name: &str) -> bool {
    name == SCORED_LABELS || name.starts_with(SCORED_PROBABILITIES)
}
