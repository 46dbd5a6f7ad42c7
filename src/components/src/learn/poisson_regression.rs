//! Counts whose logarithm is a weighted sum of the columns.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, PoissonSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TOLERANCE: Param<f64> = Param::float("optimization_tolerance", 1e-7)
    .range(1e-12, 1e-1)
    .log()
    .label("Optimization tolerance")
    .help("It ends when no slope of the mean loss is above this. Smaller is more exact and slower.");
const L2: Param<f64> = Param::float("l2_weight", 1.0)
    .range(0.0, 1e6)
    .log()
    .label("L2 regularization weight")
    .help("The larger it is, the closer to 0 all weights are drawn. It stands beside the mean loss of a row, so it means the same for any number of rows.");
const MEMORY: Param<u32> = Param::int("memory_size", 20)
    .range(1, 1_000)
    .label("Memory size for L-BFGS")
    .help("So many past steps say how the loss bends. More need fewer steps, each a little slower.");
const MAX_ITERATIONS: Param<u32> = Param::int("max_iterations", 1_000)
    .range(1, 100_000)
    .label("Iterations at most")
    .help("Rarely reached. A fit that ends here says so.");
const INTERCEPT: Param<bool> = Param::switch("intercept", true)
    .label("Include intercept term")
    .help("Off, the prediction is forced to be 1 where all columns are 0.");

/// Poisson Regression.
pub struct PoissonRegression;

impl Component for PoissonRegression {
    fn spec(&self) -> Spec {
        Spec::new("learn.poisson-regression", 1, Family::Learn, "Poisson Regression")
            .with_summary("Predicts how often something happens, from a weighted sum of the columns.")
            .with_help(
                "For counts: calls in an hour, claims in a year, visitors a day. Predicts `y = e^(w0 + w1 x1 + w2 x2 \
                 + …)`, which is never negative, and takes a count to scatter around it by its square root: of 100 \
                 expected, 90 to 110 are no surprise, of 4 expected, 2 to 6.\n\nA weight of 0.7 doubles the \
                 prediction for each unit of its column (`e^0.7 ≈ 2`): columns multiply where those of Linear \
                 Regression add. The target must be at least 0 and need not be whole. The L2 weight is \
                 scikit-learn's `alpha`; normalize the columns first, as it treats all weights alike.",
            )
            .with_keywords("count counts rate frequency glm log link regression number")
            .with_icon("chart-column")
            .with_caption("L2 {l2_weight} · L2 {l2_weight_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(L2, "0.001, 0.01, 0.1, 1, 10")
            .with_param(INTERCEPT)
            .with_param(TOLERANCE)
            .with_param(MEMORY)
            .with_param(MAX_ITERATIONS)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    Ok(Learner::Poisson(PoissonSettings {
        l2_weight: params.param(L2)?,
        fit_intercept: params.param(INTERCEPT)?,
        tolerance: params.param(TOLERANCE)?,
        memory_size: params.param(MEMORY)?,
        max_iterations: params.param(MAX_ITERATIONS)?,
    }))
}
