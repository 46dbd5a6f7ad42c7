//! The border with the widest margin, straight or bent.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{KernelKind, Learner, SvmSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const TASK: Param<String> = Param::choice("task", super::TASKS, "auto").label("Predicts").help(super::TASK_HELP);
const KERNEL: Param<String> = Param::choice(
    "kernel",
    &[("linear", "Linear"), ("rbf", "RBF"), ("polynomial", "Polynomial")],
    "rbf",
)
.label("Kernel")
.help("How alike two rows are, and so how the border may run: straight, around heaps of any form, or by a polynomial.");
const C: Param<f64> = Param::float("c", 1.0)
    .range(1e-6, 1e6)
    .log()
    .label("Cost C")
    .help("What a row on the wrong side costs. Larger follows the training rows more closely; smaller gives a wider margin and a smoother border.");
const GAMMA_FROM: Param<String> = Param::choice(
    "gamma_from",
    &[("scale", "By the columns"), ("value", "As set")],
    "scale",
)
.label("Gamma")
.help("How quickly likeness falls with distance. By the columns, it is one over their number times their variance.")
.when("kernel", &["rbf", "polynomial"]);
const GAMMA: Param<f64> = Param::float("gamma", 0.1)
    .range(1e-9, 1e6)
    .log()
    .label("Gamma as set")
    .help("Large lets each row rule only its neighbourhood, small makes the border nearly straight.")
    .when("kernel", &["rbf", "polynomial"])
    .when("gamma_from", &["value"]);
const DEGREE: Param<u32> = Param::int("degree", 3)
    .range(1, 10)
    .label("Degree")
    .help("Of the polynomial. More bends more.")
    .when("kernel", &["polynomial"]);
const COEF0: Param<f64> = Param::float("coef0", 0.0)
    .range(-1e3, 1e3)
    .label("Constant term")
    .help("Added before the power is taken. Above 0, lower powers count too.")
    .when("kernel", &["polynomial"]);
const EPSILON: Param<f64> = Param::float("epsilon", 0.1)
    .range(0.0, 1e9)
    .label("Tube width")
    .help("For numbers, in the unit of the target: smaller errors than this cost nothing.");
const PROBABILITIES: Param<bool> = Param::switch("probabilities", true)
    .label("Calibrated probabilities")
    .help("Fits probabilities to rows that are held out, five times (Platt). Off, training is six times as quick, and probabilities are only a rank.");
const CLASSES: Param<String> = Param::choice("class_weights", super::CLASS_WEIGHTS, "uniform")
    .label("Weights of classes")
    .help(super::CLASS_WEIGHTS_HELP);
const STANDARDIZE: Param<bool> = Param::switch("standardize", true)
    .label("Standardize columns")
    .help("Off, the column with the largest numbers decides what is alike.");
const TOLERANCE: Param<f64> = Param::float("tolerance", 1e-3)
    .range(1e-9, 1.0)
    .log()
    .label("Tolerance")
    .help("It ends when no two rows would gain more than this. Smaller is more exact and slower.");
const CACHE: Param<u32> = Param::int("cache_mb", 200)
    .range(1, 2_000)
    .label("Cache in MB")
    .help("Kernel values that are kept rather than computed again. It changes the time, never the result.");

/// Support Vector Machine.
pub struct SupportVectorMachine;

impl Component for SupportVectorMachine {
    fn spec(&self) -> Spec {
        Spec::new("learn.support-vector-machine", 1, Family::Learn, "Support Vector Machine")
            .with_summary("Draws the border that keeps the widest distance to the rows on both sides.")
            .with_help(
                "Of all borders between two classes it takes the one in the middle of the widest street. Only the rows \
                 at the kerb, the *support vectors*, decide; all others could be left out. Rows on the wrong side cost \
                 `C` each unit of distance.\n\n\
                 A kernel measures how alike two rows are and bends the street:\n\n\
                 - *Linear*: `x · y`, straight\n\
                 - *RBF*: `e^(−γ |x − y|²)`, around heaps of any form\n\
                 - *Polynomial*: `(γ x · y + c)^degree`\n\n\
                 More than two classes stand one against one. For numbers it lays a tube around a curve, within which \
                 errors do not count; widen `C` with the unit of the target.\n\n\
                 `C` and gamma belong together: try both in powers of ten with Tune Model Hyperparameters. The time \
                 grows with the square of the rows: it suits up to some ten thousand.",
            )
            .with_keywords("svm svc svr margin kernel rbf polynomial linear classification regression")
            .with_icon("git-compare")
            .with_caption("{kernel} · C {c} · {kernel_range} · C {c_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_param(TASK)
            .with_ranged(KERNEL, "linear, rbf")
            .with_ranged(C, "0.1, 1, 10, 100")
            .with_param(GAMMA_FROM)
            .with_ranged(GAMMA, "0.001, 0.01, 0.1, 1")
            .with_param(DEGREE)
            .with_param(COEF0)
            .with_param(EPSILON)
            .with_param(PROBABILITIES)
            .with_param(CLASSES)
            .with_param(STANDARDIZE)
            .with_param(TOLERANCE)
            .with_param(CACHE)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    Ok(Learner::Svm(SvmSettings {
        task: super::task(&params.param(TASK)?),
        kernel: match params.param(KERNEL)?.as_str() {
            "linear" => KernelKind::Linear,
            "polynomial" => KernelKind::Polynomial,
            _ => KernelKind::Rbf,
        },
        c: params.param(C)?,
        epsilon: params.param(EPSILON)?,
        gamma: match params.param(GAMMA_FROM)?.as_str() {
            "value" => Some(params.param(GAMMA)?),
            _ => None,
        },
        degree: params.param(DEGREE)?,
        coef0: params.param(COEF0)?,
        tolerance: params.param(TOLERANCE)?,
        cache_mb: params.param(CACHE)?,
        probabilities: params.param(PROBABILITIES)?,
        class_weights: super::class_weights(&params.param(CLASSES)?),
        standardize: params.param(STANDARDIZE)?,
        ..SvmSettings::default()
    }))
}
