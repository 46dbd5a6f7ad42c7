//! Groups of rows that come from normal distributions.

use std::sync::Arc;

use engine::{Component, Job, Out, Param, Running};
use learn::{Clusterer, MixtureSettings};
use model::Covariance;
use pipeline::{Family, Spec};

const CLUSTERER: Out<Arc<Clusterer>> = Out::new("clusterer");
const COMPONENTS: Param<u32> = Param::int("n_components", 3).range(1, 1_000).label("Number of distributions").help(
    "How many groups are looked for. More always fit better; the number with the smallest BIC fits well with few.",
);
const COVARIANCE: Param<String> = Param::choice(
    "covariance",
    &[("full", "Full"), ("diagonal", "Diagonal"), ("spherical", "Spherical")],
    "full",
)
.label("Covariance")
.help("How groups may be stretched: in any direction, along the columns, or not at all. The freer they are, the more rows they need.");
const N_INIT: Param<u32> = Param::int("n_init", 5).range(1, 100).label("Starts").help(
    "The most likely of this many attempts is kept; more of them find better groups more surely and take longer.",
);
const ITERATIONS: Param<u32> = Param::int("iterations", 200)
    .range(1, 10_000)
    .label("Rounds at most")
    .help("It usually ends before, when the likelihood no longer rises.");
const REGULARIZATION: Param<f64> = Param::float("regularization", 1e-6)
    .range(0.0, 1e6)
    .label("Regularization")
    .help("Added to every variance, in squared standard deviations if features are normalized. It keeps a group from shrinking onto a few rows that are alike; more makes groups rounder.");
const STANDARDIZE: Param<bool> = Param::switch("normalize", true)
    .label("Normalize features")
    .help("Makes starts and regularization treat columns alike. Full and diagonal covariances adapt to the units of columns, spherical ones do not.");

/// Gaussian Mixture.
pub struct GaussianMixture;

impl Component for GaussianMixture {
    fn spec(&self) -> Spec {
        Spec::new("learn.gaussian-mixture", 1, Family::Learn, "Gaussian Mixture")
            .with_summary("Finds groups that overlap, and how probably each row belongs to each.")
            .with_help(
                "Takes rows to come from several normal distributions: the density at a row *x* is \
                 `p(x) = Σ wₖ · N(x; μₖ, Σₖ)`, with shares *w*, centres *μ* and covariances *Σ*. Beginning with the \
                 groups of K-Means, it takes turns: how probably each row belongs to each distribution, then the shares, \
                 centres and covariances that are most likely for that, until the likelihood no longer rises \
                 (expectation and maximization, EM).\n\n\
                 Unlike K-Means it finds groups that are long, of different size, or overlapping. A row belongs to the \
                 most probable one, and `ProbabilityOfCluster no.X` says how sure that is.\n\n\
                 To choose the number of distributions and the covariance, compare BIC or AIC in the output of Train \
                 Clustering Model for the same rows and columns: `BIC = p · ln n − 2 · ln L` and `AIC = 2 · p − 2 · ln L`, \
                 with *p* numbers that were fitted to *n* rows and the likelihood *L*. Lower is better; BIC asks for \
                 simpler ones.",
            )
            .with_keywords("cluster clustering gmm normal em soft probability density segment groups unsupervised")
            .with_icon("chart-spline")
            .with_caption("{n_components} distributions · {covariance}")
            .with_output(CLUSTERER)
            .with_param(COMPONENTS)
            .with_param(COVARIANCE)
            .with_param(N_INIT)
            .with_param(ITERATIONS)
            .with_param(REGULARIZATION)
            .with_param(STANDARDIZE)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let settings = MixtureSettings {
                k: job.param(COMPONENTS)?,
                covariance: match job.param(COVARIANCE)?.as_str() {
                    "diagonal" => Covariance::Diagonal,
                    "spherical" => Covariance::Spherical,
                    _ => Covariance::Full,
                },
                n_init: job.param(N_INIT)?,
                max_iterations: job.param(ITERATIONS)?,
                regularization: job.param(REGULARIZATION)?,
                standardize: job.param(STANDARDIZE)?,
                ..MixtureSettings::default()
            };
            job.output(CLUSTERER, Arc::new(Clusterer::Mixture(settings)));
            Ok(())
        })
    }
}
