//! Fits a learner to a table.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, Out, Param, Running, Untrained};
use model::Model;
use pipeline::{Family, Spec};
use table::Table;

use super::{TARGET, Watched, explain};
use crate::{columns, failures, tell};

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

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let untrained = job.input(LEARNER)?;
            let learner = super::single(job, &untrained)?;
            let table = job.input(TABLE)?;
            let target = super::target(job, &table)?;
            let seed = super::seed(job, SEED)?;
            let trained = learn::train_with_notes(learner, &table, &target, seed, &mut Watched(job))
                .await
                .map_err(|error| failures::from_fit(&error))?;
            let model = trained.model;
            for panel in explain::panels(&model) {
                job.panel(panel);
            }
            tell(job, &trained.notes);
            job.show(explain::face(&model));
            job.output(MODEL, Arc::new(model));
            Ok(())
        })
    }
}
