//! Groups of rows around centres.

use std::sync::Arc;

use engine::{Component, Job, Out, Param, Running};
use learn::{Clusterer, Init, KMeansSettings, LabelMode};
use pipeline::{Acceleration, Family, Spec};

const CLUSTERER: Out<Arc<Clusterer>> = Out::new("clusterer");
const K: Param<u32> = Param::int("k", 3)
    .range(1, 1_000)
    .label("Number of centroids")
    .help("How many groups are looked for. More always lie nearer to their rows and soon mean less.");
const INIT: Param<String> = Param::choice(
    "init",
    &[("k-means++", "K-Means++"), ("random", "Random"), ("first-n", "First N")],
    "k-means++",
)
.label("Initialization")
.help("Where centres start. K-Means++ spreads them out and rarely ends badly; First N depends on the order of rows.");
const N_INIT: Param<u32> = Param::int("n_init", 10)
    .range(1, 100)
    .label("Starts")
    .help("The best of this many attempts is kept; more of them find better groups more surely.")
    .when("init", &["k-means++", "random"]);
const ITERATIONS: Param<u32> = Param::int("iterations", 300)
    .range(1, 10_000)
    .label("Iterations at most")
    .help("It usually ends long before, when nothing moves any more.");
const STANDARDIZE: Param<bool> = Param::switch("normalize", true)
    .label("Normalize features")
    .help("Off, the column with the largest numbers decides the groups.");
const LABELS: Param<String> = Param::choice(
    "assign_label_mode",
    &[
        ("ignore", "Ignore label column"),
        ("fill-missing", "Fill missing values"),
        ("overwrite", "Overwrite from closest to center"),
    ],
    "ignore",
)
.label("Assign label mode")
.help("What becomes of the target in the clustered table: it stays, or rows without a label, or all of them, get the label of the row closest to their centre.");

/// K-Means.
pub struct KMeans;

impl Component for KMeans {
    fn spec(&self) -> Spec {
        Spec::new("learn.k-means", 1, Family::Learn, "K-Means")
            .with_summary("Finds groups of similar rows around centres.")
            .with_help(
                "Places k centres, gives every row to the nearest one, moves each centre to the mean of its \
                 rows, and repeats until nothing moves. It makes the sum of squared distances, `Σ ‖x − c(x)‖²` \
                 with the centre `c(x)` of each row, small, so it finds round groups of similar size, also where \
                 there are none.\n\n\
                 The number of groups is yours to choose: try several, and look in Evaluate Model where the \
                 silhouette is highest. Connect it to Train Clustering Model.",
            )
            .with_keywords("cluster clustering segment groups unsupervised centroids lloyd")
            .with_icon("shapes")
            .accelerated(Acceleration::Exact)
            .with_caption("{k} centroids · {init}")
            .with_output(CLUSTERER)
            .with_param(K)
            .with_param(INIT)
            .with_param(N_INIT)
            .with_param(ITERATIONS)
            .with_param(STANDARDIZE)
            .with_param(LABELS)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let settings = KMeansSettings {
                k: job.param(K)?,
                init: match job.param(INIT)?.as_str() {
                    "random" => Init::Random,
                    "first-n" => Init::FirstN,
                    _ => Init::PlusPlus,
                },
                n_init: job.param(N_INIT)?,
                max_iterations: job.param(ITERATIONS)?,
                standardize: job.param(STANDARDIZE)?,
                labels: match job.param(LABELS)?.as_str() {
                    "fill-missing" => LabelMode::FillMissing,
                    "overwrite" => LabelMode::Overwrite,
                    _ => LabelMode::Ignore,
                },
                ..KMeansSettings::default()
            };
            job.output(CLUSTERER, Arc::new(Clusterer::KMeans(settings)));
            Ok(())
        })
    }
}
