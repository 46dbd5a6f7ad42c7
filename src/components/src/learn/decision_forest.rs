//! Many trees that vote.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{FeaturesPerSplit, ForestSettings, Learner, Resampling, Thresholds, TreeSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
pub(super) const RESAMPLING: Param<String> =
    Param::choice("resampling_method", &[("bagging", "Bagging"), ("replicate", "Replicate")], "bagging")
        .label("Resampling method")
        .help("Bagging draws other rows for every tree, so that they differ; with replicate all see the same rows.");
pub(super) const N_TREES: Param<u32> = Param::int("n_trees", 100)
    .range(1, 2_000)
    .log()
    .label("Number of trees")
    .help("More trees are steadier and slower, and never worse. Beyond a few hundred little changes.");
pub(super) const TASK: Param<String> =
    Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
pub(super) const MAX_DEPTH: Param<Option<u32>> = Param::optional_int("max_depth")
    .range(1, 64)
    .label("Maximum depth")
    .help("Questions in a row at most. Deeper trees fit the training rows more closely, in the end by heart.");
pub(super) const MIN_LEAF: Param<u32> = Param::int("min_rows_leaf", 1)
    .range(1, 100_000)
    .log()
    .label("Minimum rows per leaf")
    .help("Larger values make the answers coarser and steadier.");
pub(super) const MIN_SPLIT: Param<u32> = Param::int("min_rows_split", 2)
    .range(2, 100_000)
    .log()
    .label("Minimum rows per split")
    .help("A group smaller than this is not divided any further.");
pub(super) const CRITERION: Param<String> =
    Param::choice("criterion", super::CRITERIA, "gini").label("Impurity").help(super::CRITERION_HELP);
pub(super) const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);
pub(super) const FEATURES: Param<String> = Param::choice(
    "features_per_split",
    &[("sqrt", "Square root of all"), ("log2", "Logarithm of all"), ("all", "All"), ("number", "A number")],
    "sqrt",
)
.label("Columns tried at each split")
.help("Fewer make the trees differ more, which is what their average lives on. All of them often suits numbers to predict.");
pub(super) const N_FEATURES: Param<u32> = Param::int("n_features_split", 4)
    .range(1, 100_000)
    .label("Number of columns tried")
    .help(
        "Drawn anew at each split. If there are fewer columns, all are tried; a category counts as one for each value.",
    )
    .when("features_per_split", &["number"]);

/// Decision Forest.
pub struct DecisionForest;

impl Component for DecisionForest {
    fn spec(&self) -> Spec {
        Spec::new("learn.decision-forest", 1, Family::Learn, "Decision Forest")
            .with_summary("Lets many different trees vote.")
            .with_help(
                "Grows many decision trees, each on its own random draw of rows and with a random choice of \
                 columns at each split, and averages what they say: `p(c) = (p1(c) + … + pB(c)) / B` with `B` \
                 trees. Single trees err wildly but each in its own way: in the average their errors cancel, \
                 like guesses of a crowd.\n\n\
                 Works well without tuning, needs no normalizing and takes categories as they are. Importances \
                 say how much each column has purified the groups, summed over all trees.",
            )
            .with_keywords("random forest bagging ensemble trees classification regression")
            .with_icon("trees")
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
        resampling: if params.param(RESAMPLING)? == "replicate" { Resampling::Replicate } else { Resampling::Bagging },
        features_per_split: features_per_split(params)?,
        thresholds: Thresholds::Best,
        tree: tree(params)?,
    };
    Ok(Learner::Forest(settings))
}

/// How each tree of a forest is grown.
pub(super) fn tree(params: NodeParams<'_>) -> Result<TreeSettings, JobError> {
    Ok(TreeSettings {
        task: super::task(&params.param(TASK)?),
        criterion: super::criterion(&params.param(CRITERION)?),
        max_depth: params.param(MAX_DEPTH)?,
        min_rows_leaf: params.param(MIN_LEAF)?,
        min_rows_split: params.param(MIN_SPLIT)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
    })
}

pub(super) fn features_per_split(params: NodeParams<'_>) -> Result<FeaturesPerSplit, JobError> {
    Ok(match params.param(FEATURES)?.as_str() {
        "log2" => FeaturesPerSplit::Log2,
        "all" => FeaturesPerSplit::All,
        "number" => FeaturesPerSplit::Fixed(params.param(N_FEATURES)?),
        _ => FeaturesPerSplit::Sqrt,
    })
}
