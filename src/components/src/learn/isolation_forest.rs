//! Anomalies by how few random cuts set a row apart.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{IsolationSettings, Learner};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TREES: Param<u32> = Param::int("n_trees", 100)
    .range(1, 2_000)
    .label("Number of trees")
    .help("More make the score steadier and take longer. A hundred are mostly enough.");
const SAMPLED: Param<u32> = Param::int("n_sampled", 256)
    .range(2, 1_000_000)
    .log()
    .label("Rows of a tree")
    .help("Each tree sees so many rows, drawn at random. Few are enough, and hide less: among many rows anomalies cover each other.");
const THRESHOLD: Param<String> =
    Param::choice("threshold", &[("half", "A score of one half"), ("share", "An expected share")], "half")
        .label("Anomalous above")
        .help("Half is the score of a row that is as easily set apart as one in a heap without any form.");
const SHARE: Param<f64> = Param::float("share", 0.05)
    .range(0.0001, 0.5)
    .label("Expected share of anomalies")
    .help("So many of the training rows come to lie above the threshold.")
    .when("threshold", &["share"]);

/// Isolation Forest.
pub struct IsolationForest;

impl Component for IsolationForest {
    fn spec(&self) -> Spec {
        Spec::new("learn.isolation-forest", 1, Family::Learn, "Isolation Forest")
            .with_summary("Finds rows that a few random cuts set apart from all others.")
            .with_help(
                "Cuts the rows at a random place of a random column, again and again, until each is alone. A row in the \
                 midst of others takes many cuts, one far from all takes few. The score of a row is `2^(−h / c)`: *h* \
                 cuts in the mean over all trees, *c* those of an ordinary row. Near 1 it is an anomaly, well below one \
                 half it is none.\n\n\
                 Connect it to Train Anomaly Detection Model, and its model to Score Model. It needs no labels. If the \
                 table has a target of two classes, the rarer one is taken for that of anomalies, so that Evaluate Model \
                 can judge how well they are found. Units of columns do not matter to it.",
            )
            .with_keywords("anomaly outlier novelty fraud unsupervised detection")
            .with_icon("siren")
            .with_caption("{n_trees} trees · {n_trees_range} trees")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(TREES, "50, 100, 200")
            .with_ranged(SAMPLED, "64, 256, 1024")
            .with_param(THRESHOLD)
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
    let is_share = params.param(THRESHOLD)? == "share";
    Ok(Learner::Isolation(IsolationSettings {
        n_trees: params.param(TREES)?,
        n_sampled: params.param(SAMPLED)?,
        share: if is_share { Some(params.param(SHARE)?) } else { None },
    }))
}
