//! Small trees, each of which looks most at what those before it got wrong.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{AdaBoostSettings, ErrorLoss, Learner, TreeSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TREES: Param<u32> = Param::int("n_trees", 50)
    .range(1, 2_000)
    .log()
    .label("Number of trees")
    .help("Trees at most; it ends earlier when one is right about every row, or none is better than guessing. Too many fit noise.");
const RATE: Param<f64> = Param::float("learning_rate", 1.0).range(0.001, 10.0).log().label("Learning rate").help(
    "How much of its weight each tree gets. Less takes more trees and is less easily led by rows that are wrong.",
);
const DEPTH: Param<u32> = Param::int("max_depth", 1)
    .range(1, 32)
    .label("Maximum depth of a tree")
    .help("Questions in a row at most. One question makes a stump, which suits classes; numbers need about 3. Deep trees leave nothing to be corrected.");
const LEAF: Param<u32> = Param::int("min_rows_leaf", 1)
    .range(1, 100_000)
    .log()
    .label("Minimum rows per leaf")
    .help("Larger values make the answers of each tree coarser and steadier.");
const LOSS: Param<String> = Param::choice(
    "loss",
    &[("linear", "Linear"), ("square", "Square"), ("exponential", "Exponential")],
    "linear",
)
.label("Loss of numbers")
.help("How the error of a row, as a part of the largest, counts towards its weight. Square looks least at small errors; classes do not depend on it.");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);

/// AdaBoost.
pub struct AdaBoost;

impl Component for AdaBoost {
    fn spec(&self) -> Spec {
        Spec::new("learn.ada-boost", 1, Family::Learn, "AdaBoost")
            .with_summary("Lets small trees vote, each trained on what those before it got wrong.")
            .with_help(
                "Every row begins with the same weight. A small tree is trained, and the rows that it gets wrong gain \
                 weight, so that the next tree looks at them most. A tree whose weighted share of errors is *e* votes with \
                 `ln((1 − e) / e) + ln(K − 1)`, for *K* classes (SAMME): the better, the louder. `Scored Probabilities` \
                 come from the votes by softmax; they rank rows well, and lie closer to one half than they should.\n\n\
                 *Numbers* (AdaBoost.R2): each tree is trained on rows drawn by their weights, which fall as \
                 `β^(1 − loss)` with `β = e / (1 − e)`, and the prediction is the weighted median of the trees.\n\n\
                 Rows with wrong labels gain weight in every round: with many of them a Decision Forest does better. Freund \
                 and Schapire, 1997; Zhu and others, 2009; Drucker, 1997.",
            )
            .with_keywords("boosting ensemble stumps samme adaptive weak trees classification regression")
            .with_icon("trending-up")
            .with_caption("{n_trees} trees · {n_trees_range} trees · depth {max_depth} · depth {max_depth_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(TREES, "25, 50, 100")
            .with_ranged(RATE, "0.1, 0.5, 1")
            .with_ranged(DEPTH, "1, 2, 3")
            .with_ranged(LEAF, "1, 4, 16")
            .with_param(LOSS)
            .with_param(TASK)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    Ok(Learner::AdaBoost(AdaBoostSettings {
        n_trees: params.param(TREES)?,
        learning_rate: params.param(RATE)?,
        loss: match params.param(LOSS)?.as_str() {
            "square" => ErrorLoss::Square,
            "exponential" => ErrorLoss::Exponential,
            _ => ErrorLoss::Linear,
        },
        tree: TreeSettings {
            task: super::task(&params.param(TASK)?),
            max_depth: Some(params.param(DEPTH)?),
            min_rows_leaf: params.param(LEAF)?,
            ..TreeSettings::default()
        },
    }))
}
