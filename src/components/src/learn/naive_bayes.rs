//! Classes by what each column says for itself.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, Job, JobError, NodeParams, Out, Param, Running, Untrained};
use learn::{Distribution, Learner, NaiveBayesSettings};
use pipeline::{Family, Spec};

use super::ranges::{self, MODE, Ranged};

const LEARNER: Out<Arc<Untrained>> = Out::new("learner");
const DISTRIBUTION: Param<String> = Param::choice(
    "distribution",
    &[("gaussian", "Gaussian"), ("multinomial", "Multinomial"), ("bernoulli", "Bernoulli")],
    "gaussian",
)
.label("Distribution")
.help("How columns are spread within a class: Gaussian for measurements, Multinomial for counts such as of words, Bernoulli for what is there or not.");
const VAR_SMOOTHING: Param<f64> = Param::float("var_smoothing", 1e-9)
    .range(0.0, 1.0)
    .log()
    .label("Variance smoothing")
    .help("This share of the widest column's variance is added to every variance. Larger makes narrow columns less decisive.")
    .when("distribution", &["gaussian"]);
const ALPHA: Param<f64> = Param::float("alpha", 1.0)
    .range(1e-10, 1e6)
    .log()
    .label("Smoothing")
    .help("Added to every count (1 is Laplace's rule), so that what was not seen with a class is unlikely rather than impossible.")
    .when("distribution", &["multinomial", "bernoulli"]);
const THRESHOLD: Param<f64> = Param::float("threshold", 0.0)
    .range(-1e12, 1e12)
    .label("Present above")
    .help("In the column's own unit: a larger value counts as present, any other as absent.")
    .when("distribution", &["bernoulli"]);
const PRIOR: Param<bool> = Param::switch("fit_prior", true).label("Classes by their frequency").help(
    "Off, every class is as likely as any other before a row is looked at, so that rare ones are predicted more often.",
);

/// Naive Bayes.
pub struct NaiveBayes;

impl Component for NaiveBayes {
    fn spec(&self) -> Spec {
        Spec::new("learn.naive-bayes", 1, Family::Learn, "Naive Bayes")
            .with_summary("Predicts classes from what each column says by itself.")
            .with_help(
                "Looks at one column at a time: how is it spread among the rows of each class? A new row's \
                 class is the one under which its values are most likely, by Bayes' rule: `P(class | row) ∝ \
                 P(class) · P(x1 | class) · P(x2 | class) · …`\n\n- *Gaussian*: measurements; each class has a mean \
                 and a standard deviation per column\n- *Multinomial*: counts, at least 0, such as of words in a \
                 text\n- *Bernoulli*: present or absent; what is absent speaks too\n\nIt is naive to multiply: \
                 columns that say the same thing are counted twice, so its probabilities are too certain, while \
                 the class is often right. It is trained in a single pass and needs few rows, which makes it a \
                 good first try on many columns.",
            )
            .with_keywords("bayes gaussian multinomial bernoulli probability text counts classification")
            .with_icon("chart-bar")
            .with_caption("{distribution} · {distribution_range}")
            .with_output(LEARNER)
            .with_param(MODE)
            .with_ranged(DISTRIBUTION, "gaussian, bernoulli")
            .with_ranged(VAR_SMOOTHING, "1e-9, 1e-6, 0.001")
            .with_ranged(ALPHA, "0.01, 0.1, 1, 10")
            .with_param(THRESHOLD)
            .with_param(PRIOR)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        ranges::space(flow.params()).map(|_| ())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move { ranges::give(job, LEARNER, learner) })
    }
}

fn learner(params: NodeParams<'_>) -> Result<Learner, JobError> {
    Ok(Learner::NaiveBayes(NaiveBayesSettings {
        distribution: match params.param(DISTRIBUTION)?.as_str() {
            "multinomial" => Distribution::Multinomial,
            "bernoulli" => Distribution::Bernoulli,
            _ => Distribution::Gaussian,
        },
        var_smoothing: params.param(VAR_SMOOTHING)?,
        alpha: params.param(ALPHA)?,
        threshold: params.param(THRESHOLD)?,
        fit_prior: params.param(PRIOR)?,
    }))
}
