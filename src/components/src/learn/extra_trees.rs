//! Many trees whose thresholds are drawn.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{ForestSettings, Learner, Resampling, Thresholds};
use pipeline::{Family, Spec};

use super::decision_forest::{
    CLASSES, CRITERION, FEATURES, MAX_DEPTH, MIN_LEAF, MIN_SPLIT, N_FEATURES, N_TREES, TASK, features_per_split, tree,
};
use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const RESAMPLING: Param<String> =
    Param::choice("resampling_method", &[("replicate", "Replicate"), ("bagging", "Bagging")], "replicate")
        .label("Resampling method")
        .help(
            "With replicate all trees see all rows, and differ by their thresholds alone; bagging draws rows as well.",
        );

/// Extra Trees.
pub struct ExtraTrees;

impl Component for ExtraTrees {
    fn spec(&self) -> Spec {
        Spec::new("learn.extra-trees", 1, Family::Learn, "Extra Trees")
            .with_summary("Lets many trees vote that ask at random thresholds.")
            .with_help(
                "A forest of *extremely randomized* trees. Where a Decision Forest looks for the best threshold of each \
                 column it tries, here one is drawn between the smallest and the largest value, `t = min + u (max − \
                 min)` with `u` from 0 to 1, and the best of these columns is taken.\n\nSingle trees are worse for it, \
                 but differ more, and it is the differences that make an average good: it often does as well as a \
                 Decision Forest, has smoother borders, and is quicker, as nothing is sorted. Where most columns say \
                 nothing, let each split try more of them.",
            )
            .with_keywords("extremely randomized trees ensemble forest classification regression")
            .with_icon("dices")
            .with_caption("{n_trees} trees · {n_trees_range} trees · depth {max_depth} · depth {max_depth_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(RESAMPLING)
            .with_ranged(N_TREES, "10, 30, 100")
            .with_param(TASK)
            .with_ranged(MAX_DEPTH, "4, 8, no limit")
            .with_ranged(MIN_LEAF, "1, 4, 16")
            .with_ranged(MIN_SPLIT, "2")
            .with_ranged(CRITERION, "gini")
            .with_param(CLASSES)
            .with_param(FEATURES)
            .with_ranged(N_FEATURES, "2, 4, 8")
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let settings = ForestSettings {
        n_trees: params.param(N_TREES)?,
        resampling: if params.param(RESAMPLING)? == "bagging" { Resampling::Bagging } else { Resampling::Replicate },
        features_per_split: features_per_split(params)?,
        thresholds: Thresholds::Random,
        tree: tree(params)?,
    };
    Ok(Learner::Forest(settings))
}
