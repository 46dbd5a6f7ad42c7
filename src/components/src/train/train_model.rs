//! Fits a learner to a table.

use std::sync::Arc;

use engine::{
    Component, Flow, FlowError, In, Job, JobError, Local, NodeParams, Out, Param, Running, Scoring, Untrained, Work,
};
use learn::Learner;
use model::Model;
use pipeline::{Family, Spec};
use table::Table;

use super::{TARGET, Training, explain, watch};
use crate::{columns, memory, tell};

const LEARNER: In<Arc<Untrained>> = In::new("learner");
const TABLE: In<Table> = In::new("table");
const MODEL: Out<Arc<Model>> = Out::new("model");
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Where chance enters, as in forests, another number grows another model of about the same quality.");

/// Train Model.
pub struct TrainModel;

impl Component for TrainModel {
    fn spec(&self) -> Spec {
        Spec::new("train.train-model", 1, Family::Score, "Train Model")
            .with_summary("Fits a learner to a table.")
            .with_help(
                "Connect a learner, such as Decision Forest, and the rows to learn from. All columns with the role of \
                 *feature* are used but the label column; ids and ignored columns are left out, and a column with the \
                 role of *weight* says how much each row counts.\n\n\
                 Numbers, whole numbers, truth values and categories are taken as they are. Texts and dates must be \
                 made categories or be left out, and gaps be closed with Clean Missing Data.\n\n\
                 The node's output shows what was learned: weights, importances or the tree itself. Whether it is any \
                 good shows only on *other* rows: Score Model, then Evaluate Model.",
            )
            .with_keywords("fit learn model training supervised")
            .with_icon("graduation-cap")
            .with_caption("Label: {target}")
            .with_input(LEARNER)
            .with_input(TABLE)
            .with_output(MODEL)
            .with_param(TARGET)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        super::check_single(flow, LEARNER)?;
        if let Some(schema) = flow.input(TABLE) {
            let chosen = flow.param(TARGET).flatten();
            columns::target(schema, chosen.as_deref(), TARGET.name())?;
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Trains { table: TABLE.name() }
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        match (job.optional_input(LEARNER).as_deref(), job.optional_input(TABLE)) {
            (Some(Untrained::Single(learner)), Some(table)) => memory::training(
                learner,
                &table,
                memory::n_classes(&table, job.param(TARGET).unwrap_or_default().as_deref()),
            ),
            (Some(Untrained::Range(_)) | None, _) | (_, None) => 0,
        }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let (untrained, table) = (job.input(LEARNER)?, job.input(TABLE)?);
            let (target, seed) = (super::target(job, &table)?, super::seed(job, SEED)?);
            let learner = super::single(job, &untrained)?;
            let training = Training { learner, table: &table, target: &target, seed };
            let (trained, seen) = match learner {
                Learner::Neural(_) => watch::train(job, &training).await?,
                _ => (super::train(job, 0, (0.0, 1.0), "", &training).await?, Vec::new()),
            };
            let model = trained.model;
            for panel in explain::panels(&model).into_iter().chain(seen) {
                job.panel(panel);
            }
            tell(job, &trained.notes);
            job.show(explain::face(&model));
            job.output(MODEL, Arc::new(model));
            Ok(())
        })
    }
    fn part<'a>(&'a self, job: &'a mut Job<'_>, _stage: u32, part_idx: u32) -> Local<'a, Result<Vec<u8>, JobError>> {
        Box::pin(async move {
            let (untrained, table) = (job.input(LEARNER)?, job.input(TABLE)?);
            let (target, seed) = (super::target(job, &table)?, super::seed(job, SEED)?);
            let learner = super::single(job, &untrained)?;
            let training = Training { learner, table: &table, target: &target, seed };
            super::grow(job, part_idx, "", &training).await
        })
    }

    fn work(&self, job: &Job<'_>) -> Work {
        match (job.optional_input(LEARNER).as_deref(), job.optional_input(TABLE)) {
            // Helpers have no GPU.
            (Some(Untrained::Single(Learner::Neural(_))), _) if job.accelerator().is_some() => Work::default(),
            (Some(Untrained::Single(learner)), Some(table)) => {
                // Where a network stood is kept here.
                let stays = matches!(learner, Learner::Neural(_));
                Work { nanos: super::work(learner, &table), n_parts: super::n_parts(learner), stays }
            }
            (Some(Untrained::Range(_)) | None, _) | (_, None) => Work::default(),
        }
    }
}
