//! A straight-line law: least squares, ridge, lasso and elastic net.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Learner, LinearMethod, LinearSettings};
use pipeline::{Acceleration, Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const METHOD: Param<String> = Param::choice(
    "solution_method",
    &[
        ("ordinary-least-squares", "Ordinary least squares"),
        ("ridge", "Ridge"),
        ("lasso", "Lasso"),
        ("elastic-net", "Elastic net"),
    ],
    "ordinary-least-squares",
)
.label("Solution method")
.help("Penalties trade a little error on the training rows for steadier weights, which helps with few rows or many columns.");
const L2: Param<f64> = Param::float("l2_weight", 1.0)
    .range(0.0, 1e6)
    .log()
    .label("L2 regularization weight")
    .help("The larger it is, the closer to 0 all weights are drawn.")
    .when("solution_method", &["ridge", "elastic-net"]);
const L1: Param<f64> = Param::float("l1_weight", 1.0)
    .range(0.0, 1e6)
    .log()
    .label("L1 regularization weight")
    .help("The larger it is, the more weights become exactly 0.")
    .when("solution_method", &["lasso", "elastic-net"]);
const INTERCEPT: Param<bool> = Param::switch("intercept", true)
    .label("Include intercept term")
    .help("Off, the prediction is forced to be 0 where all columns are 0.");

/// Linear Regression.
pub struct LinearRegression;

impl Component for LinearRegression {
    fn spec(&self) -> Spec {
        Spec::new("learn.linear-regression", 1, Family::Learn, "Linear Regression")
            .with_summary("Predicts a number as a weighted sum of the columns.")
            .with_help(
                "Predicts `y = w0 + w1 x1 + w2 x2 + …` and chooses the weights so that the squared errors are \
                 smallest: the line that leaves the least area of squares between itself and the points.\n\n- \
                 *Ordinary least squares*: no penalty; exact, and shaky when columns say nearly the same\n- \
                 *Ridge*: also keeps the squares of the weights small\n- *Lasso*: also keeps their absolute \
                 values small, which makes some exactly 0, so that columns drop out\n- *Elastic net*: \
                 both\n\nA weight says how much the prediction changes when its column grows by one unit and \
                 all others stay. Penalties treat all columns alike, so normalize them first.",
            )
            .with_keywords("ols ridge lasso elastic net least squares number line")
            .with_icon("trending-up")
            .accelerated(Acceleration::Rounded)
            .with_caption("{solution_method} · L2 {l2_weight_range} · L1 {l1_weight_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(METHOD)
            .with_ranged(L2, "0.001, 0.01, 0.1, 1, 10")
            .with_ranged(L1, "0.001, 0.01, 0.1, 1, 10")
            .with_param(INTERCEPT)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    let settings = LinearSettings {
        method: match params.param(METHOD)?.as_str() {
            "ridge" => LinearMethod::Ridge,
            "lasso" => LinearMethod::Lasso,
            "elastic-net" => LinearMethod::ElasticNet,
            _ => LinearMethod::LeastSquares,
        },
        l2_weight: params.param(L2)?,
        l1_weight: params.param(L1)?,
        fit_intercept: params.param(INTERCEPT)?,
    };
    Ok(Learner::Linear(settings))
}
