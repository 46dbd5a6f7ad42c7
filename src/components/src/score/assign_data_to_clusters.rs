//! Says which cluster each row belongs to.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Running};
use learn::Checkpoint;
use model::{ClusterAssignments, Clustering, Membership, NewColumn, NewValues};
use pipeline::{Family, Spec};
use protocol::Face;
use schema::{Column, Kind, Role};
use table::Table;

use super::{ASSIGNMENTS, DISTANCES, MEMBERSHIPS, NOISE};
use crate::train::Watched;
use crate::{failures, memory};

const CLUSTERING: In<Arc<Clustering>> = In::new("clustering");
const TABLE: In<Table> = In::new("table");
const ASSIGNED: Out<Table> = Out::new("table");

/// Assign Data to Clusters.
pub struct AssignDataToClusters;

impl Component for AssignDataToClusters {
    fn spec(&self) -> Spec {
        Spec::new("score.assign-data-to-clusters", 1, Family::Score, "Assign Data to Clusters")
            .with_summary("Says which cluster each row belongs to.")
            .with_help(
                "Finds the cluster of every row as the method that was trained tells it. All columns stay, and there \
                 come\n\n\
                 - `Assignments`: the cluster's number, counted from 0, or *noise*\n\
                 - `DistancesToClusterCenter no.X`: the distance to each centre, in the units in which the \
                 clustering was trained\n\
                 - `ProbabilityOfCluster no.X`: of a Gaussian Mixture, how probable each cluster is\n\n\
                 *K-Means* gives a row to the nearest centre, *Gaussian Mixture* to the most probable distribution. \
                 *DBSCAN* gives it to the cluster of the nearest core row, and calls it noise if none is within the \
                 distance of neighbours. *Hierarchical Clustering* gives it to the cluster of the nearest training \
                 row. Training rows get the clusters that they were given in training.",
            )
            .with_keywords("cluster predict segment group nearest centroid")
            .with_icon("map-pin")
            .with_caption("Adds clusters and distances")
            .with_input(CLUSTERING)
            .with_input(TABLE)
            .with_output(ASSIGNED)
    }

    fn flow(&self, _: &mut Flow<'_>) -> Result<(), FlowError> {
        // How many clusters there are, and so how many distances, shows only when they are trained.
        Ok(())
    }

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(clustering), Some(table)) = (job.optional_input(CLUSTERING), job.optional_input(TABLE)) else {
            return 0;
        };
        memory::assigning(&table, clustering.n_clusters() + n_probabilities(&clustering))
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let clustering = job.input(CLUSTERING)?;
            let table = job.input(TABLE)?;
            let assigned = assign(&mut Watched(job), &clustering, &table, None).await?;
            job.show(sizes_face(&Sizes::of(&clustering, &assigned.clusters)));
            job.output(ASSIGNED, with_assignments(&clustering, &table, &assigned)?);
            Ok(())
        })
    }
}

/// The cluster of each row, unless it is known, and how far it is from each.
pub async fn assign(
    checkpoint: &mut impl Checkpoint,
    clustering: &Clustering,
    table: &Table,
    known: Option<&[u32]>,
) -> Result<ClusterAssignments, JobError> {
    /// Numbers that are looked at in a few milliseconds.
    const BLOCK_WORK: usize = 4_000_000;
    let rows = clustering.rows(&table.frame()).map_err(|error| failures::from_model(&error))?;
    let n_groups = (BLOCK_WORK / clustering.work_per_group(rows.n_columns()).max(1)).max(1);
    let mut assigned = ClusterAssignments::default();
    for group_idx in 0..rows.n_groups() {
        if group_idx % n_groups == 0 {
            let fraction = group_idx as f64 / rows.n_groups() as f64;
            checkpoint.checkpoint(fraction, "Assigning rows").await.map_err(|_| JobError::Cancelled)?;
        }
        clustering.assign_group(&rows, group_idx, known, &mut assigned);
    }
    clustering.check_distances(&assigned, &table.frame()).map_err(|error| failures::from_model(&error))?;
    Ok(assigned)
}

/// The table with what is known of its rows, in place of earlier assignments.
pub fn with_assignments(
    clustering: &Clustering,
    table: &Table,
    assigned: &ClusterAssignments,
) -> Result<Table, JobError> {
    let n_clusters = clustering.n_clusters();
    let is_old = |name: &String| name == ASSIGNMENTS || name.starts_with(DISTANCES) || name.starts_with(MEMBERSHIPS);
    let old: Vec<String> = table.schema().names().into_iter().filter(is_old).collect();
    let new = |name: String, kind, values| NewColumn {
        column: Column::new(name, kind).with_role(Role::Ignored),
        values,
        valid: None,
    };
    let mut dictionary: Vec<String> = (0..n_clusters).map(|cluster| cluster.to_string()).collect();
    if clustering.knows_noise() {
        dictionary.push(NOISE.into());
    }
    // What is noise has the last code.
    let code = |cluster: &u32| (*cluster as usize).min(n_clusters) as i32;
    let codes = assigned.clusters.iter().map(code).collect();
    let clusters = NewValues::Category { codes, dictionary };
    let mut columns = vec![new(ASSIGNMENTS.into(), Kind::Category, clusters)];
    for (prefix, n_columns, values) in [
        (DISTANCES, n_clusters, &assigned.distances),
        (MEMBERSHIPS, n_probabilities(clustering), &assigned.probabilities),
    ] {
        columns.extend((0..n_columns).map(|cluster| {
            let values = values.iter().skip(cluster).step_by(n_clusters).copied().collect();
            new(format!("{prefix}{cluster}"), Kind::Number, NewValues::Number(values))
        }));
    }
    table.without(&old).with_columns(columns).map_err(|error| failures::from_table(&error))
}

/// Columns of probabilities.
fn n_probabilities(clustering: &Clustering) -> usize {
    match clustering.membership {
        Membership::Mixture(_) => clustering.n_clusters(),
        Membership::NearestCentroid { .. } | Membership::NearestRow { .. } => 0,
    }
}

/// Rows in each cluster, and in none where that can be.
pub struct Sizes {
    pub clusters: Vec<u64>,
    pub noise: Option<u64>,
}

impl Sizes {
    /// Of these rows.
    pub fn of(clustering: &Clustering, clusters: &[u32]) -> Self {
        let mut sizes = vec![0; clustering.n_clusters() + 1];
        clusters.iter().for_each(|cluster| sizes[(*cluster as usize).min(clustering.n_clusters())] += 1);
        let noise = sizes.pop().filter(|_| clustering.knows_noise());
        Self { clusters: sizes, noise }
    }

    /// All rows.
    pub fn n_rows(&self) -> u64 {
        self.clusters.iter().sum::<u64>() + self.noise.unwrap_or_default()
    }

    /// What they are counted by, and how many there are.
    pub fn named(&self) -> (Vec<String>, Vec<f64>) {
        let names = (0..self.clusters.len()).map(|cluster| cluster.to_string());
        let noise = self.noise.map(|_| NOISE.to_owned());
        (names.chain(noise).collect(), self.clusters.iter().copied().chain(self.noise).map(|n| n as f64).collect())
    }
}

/// Up to four bars: the largest clusters, and what is noise.
pub fn sizes_face(sizes: &Sizes) -> Face {
    let mut by_size: Vec<(usize, u64)> = sizes.clusters.iter().copied().enumerate().collect();
    by_size.sort_by_key(|&(cluster, size)| (std::cmp::Reverse(size), cluster));
    let n_shown = if sizes.noise.is_some() { 3 } else { 4 };
    let bars = by_size.iter().take(n_shown).map(|&(cluster, size)| (format!("cluster {cluster}"), size as f64));
    let bars = bars.chain(sizes.noise.map(|n| (NOISE.to_owned(), n as f64))).collect();
    Face::Headline(format!("{} clusters", sizes.clusters.len()), Some(Box::new(Face::Bars(bars))))
}
