//! Classes by a straight border, with probabilities.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, LogisticSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TOLERANCE: Param<f64> = Param::float("optimization_tolerance", 1e-7)
    .range(1e-12, 1e-1)
    .log()
    .label("Optimization tolerance")
    .help("It ends when nothing changes by more than this. Smaller is more exact and slower.");
const L2: Param<f64> = Param::float("l2_weight", 1.0)
    .range(0.0, 1e6)
    .log()
    .label("L2 regularization weight")
    .help("The larger it is, the closer to 0 all weights are drawn, and the less certain the probabilities are.");
const L1: Param<f64> = Param::float("l1_weight", 0.0)
    .range(0.0, 1e6)
    .label("L1 regularization weight")
    .help("The larger it is, the more weights become exactly 0, so that columns drop out. Normalize the columns first: it treats all weights alike.");
const MEMORY: Param<u32> = Param::int("memory_size", 20)
    .range(1, 1_000)
    .label("Memory size for L-BFGS")
    .help("With an L1 weight and more than 700 weights in all, so many past steps say how the loss bends. Otherwise it is not needed.");
const MAX_ITERATIONS: Param<u32> = Param::int("max_iterations", 100)
    .range(1, 10_000)
    .label("Iterations at most")
    .help("Rarely reached. Without a penalty, classes that can be told apart without error would let it run forever.");
const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);

/// Logistic Regression.
pub struct LogisticRegression;

impl Component for LogisticRegression {
    fn spec(&self) -> Spec {
        Spec::new("learn.logistic-regression", 1, Family::Learn, "Logistic Regression")
            .with_summary("Predicts classes from a weighted sum of the columns, with probabilities.")
            .with_help(
                "A weighted sum of the columns becomes a probability through the S-shaped curve `p = 1 / (1 + \
                 e^−(w0 + w1 x1 + …))`. Where the sum is 0 the probability is one half: that is the border, a \
                 straight line in the plane. More than two classes get one sum each, and the softmax makes \
                 them add up to 1.\n\nA weight of 0.7 doubles the odds of the class for each unit of its \
                 column (`e^0.7 ≈ 2`). The L2 weight is one over scikit-learn's `C`; with an L1 weight \
                 beside it, `C` is one over their sum and `l1_ratio` is L1's share. Try it first: if a \
                 forest is not clearly better, the simple model is the better one.",
            )
            .with_keywords("classification logit softmax classes probability")
            .with_icon("sigma")
            .with_caption("L2 {l2_weight} · L2 {l2_weight_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TOLERANCE)
            .with_ranged(L2, "0.01, 0.1, 1, 10")
            .with_ranged(L1, "0")
            .with_param(MEMORY)
            .with_param(MAX_ITERATIONS)
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
    let settings = LogisticSettings {
        l2_weight: params.param(L2)?,
        l1_weight: params.param(L1)?,
        memory_size: params.param(MEMORY)?,
        max_iterations: params.param(MAX_ITERATIONS)?,
        tolerance: params.param(TOLERANCE)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
    };
    Ok(Learner::Logistic(settings))
}
