//! Fits an anomaly detector to a table.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, NodeParams, Out, Param, Running, Scoring, Untrained};
use model::Model;
use pipeline::{Family, Spec};
use table::Table;

use super::{Watched, explain};
use crate::{failures, memory, tell};

const LEARNER: In<Arc<Untrained>> = In::new("learner");
const TABLE: In<Table> = In::new("table");
const MODEL: Out<Arc<Model>> = Out::new("model");
const TARGET: Param<Option<String>> = Param::column("target", "table", &[], true).label("Label column").help(
    "A column that says which rows are anomalies, where that is known. It is not looked at: it only names the two classes, so that Evaluate Model can judge. Left open, it is the column with the role of target if that has two classes.",
);
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Where chance enters, as in an Isolation Forest, another number finds about the same anomalies.");

/// Train Anomaly Detection Model.
pub struct TrainAnomalyDetectionModel;

impl Component for TrainAnomalyDetectionModel {
    fn spec(&self) -> Spec {
        Spec::new("train.train-anomaly-detection-model", 1, Family::Score, "Train Anomaly Detection Model")
            .with_summary("Learns what rows are like, to find those that are not.")
            .with_help(
                "Connect PCA-Based Anomaly Detection or Isolation Forest, and the rows. All columns with the role of \
                 *feature* are used. Labels are not needed, and not looked at.\n\n\
                 Score Model then says of each row whether it is an anomaly, with a number from 0 to 1 that is above one \
                 half for anomalies. Look at the rows with the largest: whether they are errors, frauds or only rare is \
                 for you to find out.",
            )
            .with_keywords("anomaly outlier fit unsupervised detection fraud")
            .with_icon("siren")
            .with_caption("Looks for anomalies")
            .with_input(LEARNER)
            .with_input(TABLE)
            .with_output(MODEL)
            .with_param(TARGET)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        super::check_single(flow, LEARNER)?;
        if let (Some(schema), Some(Some(chosen))) = (flow.input(TABLE), flow.param(TARGET)) {
            schema.column(&chosen).map_err(|error| failures::column_not_found(TARGET.name(), &error))?;
        }
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Trains { table: TABLE.name() }
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        match (job.optional_input(LEARNER).as_deref(), job.optional_input(TABLE)) {
            (Some(Untrained::Single(learner)), Some(table)) => memory::training(learner, &table, 2),
            (Some(Untrained::Range(_)) | None, _) | (_, None) => 0,
        }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let (untrained, table) = (job.input(LEARNER)?, job.input(TABLE)?);
            let (target, seed) = (job.param(TARGET)?, super::seed(job, SEED)?);
            let learner = super::single(job, &untrained)?;
            let trained = learn::train_anomalies(learner, &table, target.as_deref(), seed, &mut Watched(job))
                .await
                .map_err(|error| failures::from_fit(&error))?;
            for panel in explain::panels(&trained.model) {
                job.panel(panel);
            }
            tell(job, &trained.notes);
            job.show(explain::face(&trained.model));
            job.output(MODEL, Arc::new(trained.model));
            Ok(())
        })
    }
}
