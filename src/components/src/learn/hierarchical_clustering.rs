//! Groups of rows that are joined to larger ones.

use std::sync::Arc;

use engine::{Component, Job, Out, Param, Running};
use learn::{Clusterer, Cut, HierarchySettings, Linkage};
use pipeline::{Family, Spec};

const CLUSTERER: Out<Arc<Clusterer>> = Out::new("clusterer");
const LINKAGE: Param<String> = Param::choice(
    "linkage",
    &[("ward", "Ward"), ("complete", "Complete"), ("average", "Average"), ("single", "Single")],
    "ward",
)
.label("Linkage")
.help("How far two groups are apart: Ward makes round groups of similar size, Complete compact ones, Average is between the two, and Single follows chains of rows and finds groups of any form.");
const CUT: Param<String> = Param::choice(
    "cut",
    &[("count", "Into so many clusters"), ("distance", "At a distance")],
    "count",
)
.label("Cut")
.help("Which joins are undone: the last ones, until there are so many clusters, or all of groups that are far apart.");
const N_CLUSTERS: Param<u32> = Param::int("n_clusters", 3)
    .range(1, 1_000)
    .label("Number of clusters")
    .help("How many groups are left. The dendrogram of Train Clustering Model shows where one more or less is natural.")
    .when("cut", &["count"]);
const DISTANCE: Param<f64> = Param::float("distance", 5.0)
    .range(1e-9, 1e9)
    .log()
    .label("Distance of the cut")
    .help("Groups this far apart or farther stay apart; in standard deviations if features are normalized. Larger leaves fewer clusters.")
    .when("cut", &["distance"]);
const STANDARDIZE: Param<bool> = Param::switch("normalize", true)
    .label("Normalize features")
    .help("Off, the column with the largest numbers decides the groups, and distances are in its unit.");

/// Hierarchical Clustering.
pub struct HierarchicalClustering;

impl Component for HierarchicalClustering {
    fn spec(&self) -> Spec {
        Spec::new("learn.hierarchical-clustering", 1, Family::Learn, "Hierarchical Clustering")
            .with_summary("Joins the nearest groups of rows, again and again, and shows the tree of joins.")
            .with_help(
                "At first every row is a group. Then the two groups that are nearest to each other become one, until all \
                 rows are together. How far groups *A* and *B* are apart is the linkage:\n\n\
                 - *Ward*: `√(2·|A|·|B| / (|A| + |B|)) · ‖mean(A) − mean(B)‖`, by how much the sum of squared distances \
                 to the centres would grow\n\
                 - *Complete*: the distance of their farthest rows\n\
                 - *Average*: the mean distance of their rows\n\
                 - *Single*: the distance of their nearest rows\n\n\
                 Train Clustering Model shows the last joins as a dendrogram: cut it where the upright lines are long. \
                 A new row belongs to the cluster of the nearest training row, so the rows are kept in the clustering.\n\n\
                 The distance of every pair of rows is held in memory, 8 bytes each: 10,000 rows take 400 MB. More than \
                 20,000 rows are refused; take a sample of them with Partition and Sample.",
            )
            .with_keywords("cluster clustering agglomerative linkage dendrogram ward tree segment groups unsupervised")
            .with_icon("git-fork")
            .with_caption("{linkage} · {n_clusters} clusters · cut at {distance}")
            .with_output(CLUSTERER)
            .with_param(LINKAGE)
            .with_param(CUT)
            .with_param(N_CLUSTERS)
            .with_param(DISTANCE)
            .with_param(STANDARDIZE)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let settings = HierarchySettings {
                linkage: match job.param(LINKAGE)?.as_str() {
                    "complete" => Linkage::Complete,
                    "average" => Linkage::Average,
                    "single" => Linkage::Single,
                    _ => Linkage::Ward,
                },
                cut: match job.param(CUT)?.as_str() {
                    "distance" => Cut::Distance(job.param(DISTANCE)?),
                    _ => Cut::Count(job.param(N_CLUSTERS)?),
                },
                standardize: job.param(STANDARDIZE)?,
            };
            job.output(CLUSTERER, Arc::new(Clusterer::Hierarchy(settings)));
            Ok(())
        })
    }
}
