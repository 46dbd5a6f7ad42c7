//! Asks the most similar rows.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, Metric, NeighborsSettings, Weighting};
use pipeline::{Acceleration, Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const K: Param<u32> = Param::int("k", 5)
    .range(1, 1_000)
    .log()
    .label("Number of neighbours")
    .help("Few follow every detail, many smooth it away. An odd number avoids ties between two classes.");
const WEIGHTING: Param<String> =
    Param::choice("weighting", &[("uniform", "All the same"), ("distance", "Nearer ones more")], "uniform")
        .label("Votes count")
        .help("Nearer ones more: by one over the distance. A row that was in training then answers for itself alone.");
const METRIC: Param<String> = Param::choice(
    "metric",
    &[("euclidean", "Euclidean"), ("manhattan", "Manhattan")],
    "euclidean",
)
.label("Distance")
.help(
    "Euclidean is the straight line, Manhattan the way along the streets, which minds single large differences less.",
);
const STANDARDIZE: Param<bool> = Param::switch("standardize", true)
    .label("Standardize columns")
    .help("Off, the column with the largest numbers decides who is near.");

/// k-Nearest Neighbours.
pub struct KNearestNeighbors;

impl Component for KNearestNeighbors {
    fn spec(&self) -> Spec {
        Spec::new("learn.k-nearest-neighbors", 1, Family::Learn, "k-Nearest Neighbours")
            .with_summary("Predicts what the most similar training rows say.")
            .with_help(
                "Training only keeps the rows. To predict, it finds the k training rows that lie nearest and \
                 lets them vote, or takes the mean of their numbers: `ŷ = (y1 + … + yk) / k`, or by weights of \
                 `1 / distance`.\n\n\
                 With k = 1 every training row rules its own patch and the border is jagged; with large k it \
                 becomes smooth and finally blind. Near is measured over all columns alike, so they are \
                 standardized first; columns that mean nothing blur the distances.",
            )
            .with_keywords("knn neighbors similar lazy distance classification regression")
            .with_icon("users")
            .accelerated(Acceleration::Exact)
            .with_caption("k = {k} · k = {k_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TASK)
            .with_ranged(K, "1, 3, 5, 9, 15, 25")
            .with_ranged(WEIGHTING, "uniform, distance")
            .with_ranged(METRIC, "euclidean")
            .with_param(STANDARDIZE)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let settings = NeighborsSettings {
        k: params.param(K)?,
        weighting: if params.param(WEIGHTING)? == "distance" { Weighting::Distance } else { Weighting::Uniform },
        metric: if params.param(METRIC)? == "manhattan" { Metric::Manhattan } else { Metric::Euclidean },
        standardize: params.param(STANDARDIZE)?,
        task: super::task(&params.param(TASK)?),
    };
    Ok(Learner::Neighbors(settings))
}
