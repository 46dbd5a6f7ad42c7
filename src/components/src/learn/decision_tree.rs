//! Questions with yes or no that lead to an answer.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, TreeSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const MAX_DEPTH: Param<Option<u32>> = Param::optional_int("max_depth")
    .default(8)
    .range(1, 64)
    .label("Maximum depth")
    .help("Questions in a row at most. Deeper trees fit the training rows more closely, in the end by heart.");
const MIN_LEAF: Param<u32> = Param::int("min_rows_leaf", 1)
    .range(1, 100_000)
    .log()
    .label("Minimum rows per leaf")
    .help("Larger values make the answers coarser and steadier.");
const MIN_SPLIT: Param<u32> = Param::int("min_rows_split", 2)
    .range(2, 100_000)
    .log()
    .label("Minimum rows per split")
    .help("A group smaller than this is not divided any further.");
const CRITERION: Param<String> =
    Param::choice("criterion", super::CRITERIA, "gini").label("Impurity").help(super::CRITERION_HELP);
const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);

/// Decision Tree.
pub struct DecisionTree;

impl Component for DecisionTree {
    fn spec(&self) -> Spec {
        Spec::new("learn.decision-tree", 1, Family::Learn, "Decision Tree")
            .with_summary("Asks one question after another; the tree can be read.")
            .with_help(
                "Splits the rows by the question that makes the two groups purest, such as `petal length <= \
                 2.45`, and goes on in each group. A leaf answers with the shares of the classes, or the mean \
                 number, of the training rows that ended there.\n\nGini impurity is the chance that two rows \
                 drawn from a group differ in class, `1 − Σ p²`. Units and outliers do not matter to a tree, \
                 only the order of values. Left to grow, a tree learns its training rows by heart: limit its \
                 depth, or use a forest.",
            )
            .with_keywords("cart rules classification regression explain")
            .with_icon("git-fork")
            .with_caption("depth {max_depth} · depth {max_depth_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TASK)
            .with_ranged(MAX_DEPTH, "2, 4, 8, 16")
            .with_ranged(MIN_LEAF, "1, 4, 16")
            .with_ranged(MIN_SPLIT, "2")
            .with_ranged(CRITERION, "gini")
            .with_param(CLASSES)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let settings = TreeSettings {
        task: super::task(&params.param(TASK)?),
        criterion: super::criterion(&params.param(CRITERION)?),
        max_depth: params.param(MAX_DEPTH)?,
        min_rows_leaf: params.param(MIN_LEAF)?,
        min_rows_split: params.param(MIN_SPLIT)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
    };
    Ok(Learner::Tree(settings))
}
