//! Anomalies by what principal components cannot say of a row.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{ComponentsSettings, Keep, Learner, PcaAnomalySettings};
use pipeline::{Acceleration, Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const COMPONENTS: Param<u32> = Param::int("n_components", 2)
    .range(1, 999)
    .label("Number of components to use in PCA")
    .help("So many directions say what is ordinary; fewer than there are columns. With too many, anomalies are taken for ordinary as well.");
const NORMALIZE: Param<bool> = Param::switch("normalize", true)
    .label("Standardize columns")
    .help("Off, the column with the largest numbers decides what is ordinary.");
const SHARE: Param<f64> = Param::float("share", 0.05)
    .range(0.0001, 0.5)
    .label("Expected share of anomalies")
    .help("So many of the training rows come to lie above the threshold. It moves the border, not the order of rows.");

/// PCA-Based Anomaly Detection.
pub struct PcaBasedAnomalyDetection;

impl Component for PcaBasedAnomalyDetection {
    fn spec(&self) -> Spec {
        Spec::new("learn.pca-based-anomaly-detection", 1, Family::Learn, "PCA-Based Anomaly Detection")
            .with_summary("Finds rows in which columns do not go together as they do in all others.")
            .with_help(
                "Ordinary rows lie near the few directions along which all rows differ most: tall people are heavy, in \
                 the main. It describes each row by these components alone and takes what is left over, the squared \
                 distance `|x − x̂|²`, for its score: a row in which the columns contradict each other is far away, even \
                 if each of its values is ordinary.\n\n\
                 `Scored Probabilities` grow with the score and are one half at the threshold; they rank rows and are no \
                 share of rows.\n\n\
                 Connect it to Train Anomaly Detection Model, and its model to Score Model. It needs no labels. If the \
                 table has a target of two classes, the rarer one is taken for that of anomalies, so that Evaluate Model \
                 can judge how well they are found.",
            )
            .with_keywords("anomaly outlier novelty fraud principal components unsupervised detection")
            .with_icon("siren")
            .accelerated(Acceleration::Rounded)
            .with_caption("{n_components} components · {n_components_range} components")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(COMPONENTS, "1, 2, 4, 8")
            .with_param(NORMALIZE)
            .with_param(SHARE)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let keep = Keep::Count(params.param(COMPONENTS)?);
    let components = ComponentsSettings { keep, standardize: params.param(NORMALIZE)? };
    Ok(Learner::PcaAnomaly(PcaAnomalySettings { components, share: params.param(SHARE)? }))
}
