//! Groups of rows where they lie densely.

use std::sync::Arc;

use engine::{Component, Job, Out, Param, Running};
use learn::{Clusterer, DbscanSettings};
use pipeline::{Family, Spec};

const CLUSTERER: Out<Arc<Clusterer>> = Out::new("clusterer");
const EPS: Param<f64> = Param::float("eps", 0.5)
    .range(1e-9, 1e9)
    .log()
    .label("Distance of neighbours (eps)")
    .help("Rows up to this far apart are neighbours; in standard deviations if features are normalized. Too small and all is noise, too large and all is one cluster.");
const MIN_SAMPLES: Param<u32> = Param::int("min_samples", 5)
    .range(1, 10_000)
    .log()
    .label("Rows of a dense place")
    .help("A row with so many neighbours, itself included, is a core row. More of them make clusters of fewer and denser places, and more noise; about twice the number of columns is a good start.");
const STANDARDIZE: Param<bool> = Param::switch("normalize", true)
    .label("Normalize features")
    .help("Off, the column with the largest numbers decides the groups, and distances are in its unit.");

/// DBSCAN.
pub struct Dbscan;

impl Component for Dbscan {
    fn spec(&self) -> Spec {
        Spec::new("learn.dbscan", 1, Family::Learn, "DBSCAN")
            .with_summary("Finds groups of any form where rows lie densely, and rows that belong to none.")
            .with_help(
                "A row with at least `min_samples` rows within the distance `eps`, itself included, is a *core row*: \
                 `|{q : ‖p − q‖ ≤ eps}| ≥ min_samples`. Core rows within `eps` of each other belong to the same cluster, \
                 and so on from one to the next, so clusters may have any form. A row that is no core row belongs to the \
                 cluster of the nearest core row within `eps`; if there is none, it is *noise*.\n\n\
                 The number of clusters comes out of the data. To choose the distance, look at the curve of Train \
                 Clustering Model: where it bends upwards, rows in the midst of others end and rows apart begin. Clusters \
                 of very different density are not found by one distance. New rows are told by the nearest core row in \
                 the same way.\n\n\
                 Every row is compared with every other that is near in one column: a hundred thousand rows take a \
                 while. Ester, Kriegel, Sander and Xu, 1996.",
            )
            .with_keywords("cluster clustering density noise outlier segment groups unsupervised eps")
            .with_icon("scan")
            .with_caption("eps {eps} · {min_samples} rows")
            .with_output(CLUSTERER)
            .with_param(EPS)
            .with_param(MIN_SAMPLES)
            .with_param(STANDARDIZE)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let settings = DbscanSettings {
                eps: job.param(EPS)?,
                min_samples: job.param(MIN_SAMPLES)?,
                standardize: job.param(STANDARDIZE)?,
            };
            job.output(CLUSTERER, Arc::new(Clusterer::Dbscan(settings)));
            Ok(())
        })
    }
}
