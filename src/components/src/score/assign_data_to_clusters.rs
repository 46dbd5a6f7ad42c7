//! Says which cluster each row belongs to.

use std::sync::Arc;

use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Running};
use model::{Clustering, NewColumn, NewValues};
use pipeline::{Family, Spec};
use protocol::Face;
use schema::{Column, Kind, Role};
use table::Table;

use super::{ASSIGNMENTS, DISTANCES};
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
                "Finds the nearest centre of a trained clustering for every row. All columns stay, and there come\n\n\
                 - `Assignments`: the cluster's number, counted from 0\n\
                 - `DistancesToClusterCenter no.X`: the distance to each centre, in the units in which the \
                 clustering was trained",
            )
            .with_keywords("cluster predict segment group nearest centroid")
            .with_icon("map-pin")
            .with_caption("Nearest centre")
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
        memory::assigning(&table, clustering.sizes.len())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let clustering = job.input(CLUSTERING)?;
            let table = job.input(TABLE)?;
            job.checkpoint(0.0, "").await?;
            let (assigned, sizes) = assign(&clustering, &table)?;
            job.show(sizes_face(&sizes));
            job.output(ASSIGNED, assigned);
            Ok(())
        })
    }
}

/// The columns that come, given how many clusters there are.
pub fn new_columns(n_clusters: usize) -> Vec<Column> {
    let number = |name: String, kind| Column::new(name, kind).with_role(Role::Ignored);
    std::iter::once(number(ASSIGNMENTS.into(), Kind::Category))
        .chain((0..n_clusters).map(|cluster| number(format!("{DISTANCES}{cluster}"), Kind::Number)))
        .collect()
}

/// The table with the cluster of each row, and how many rows each cluster has.
pub fn assign(clustering: &Clustering, table: &Table) -> Result<(Table, Vec<u64>), JobError> {
    let n_clusters = clustering.sizes.len();
    let assigned = learn::assign(clustering, table).map_err(|error| failures::from_model(&error))?;
    let mut sizes = vec![0u64; n_clusters];
    for &cluster in &assigned.clusters {
        sizes[cluster as usize] += 1;
    }
    let old: Vec<String> =
        table.schema().names().into_iter().filter(|name| name == ASSIGNMENTS || name.starts_with(DISTANCES)).collect();
    let mut columns = new_columns(n_clusters).into_iter();
    let mut new = Vec::new();
    if let Some(column) = columns.next() {
        let codes = assigned.clusters.iter().map(|&cluster| cluster as i32).collect();
        let dictionary = (0..n_clusters).map(|cluster| cluster.to_string()).collect();
        new.push(NewColumn { column, values: NewValues::Category { codes, dictionary }, valid: None });
    }
    new.extend(columns.enumerate().map(|(cluster, column)| {
        let distances = assigned.distances.iter().skip(cluster).step_by(n_clusters.max(1)).copied().collect();
        NewColumn { column, values: NewValues::Number(distances), valid: None }
    }));
    let table = table.without(&old).with_columns(new).map_err(|error| failures::from_table(&error))?;
    Ok((table, sizes))
}

/// Up to four clusters by size.
pub fn sizes_face(sizes: &[u64]) -> Face {
    let mut by_size: Vec<(usize, u64)> = sizes.iter().copied().enumerate().collect();
    by_size.sort_by_key(|&(cluster, size)| (std::cmp::Reverse(size), cluster));
    let bars = by_size.iter().take(4).map(|&(cluster, size)| (format!("cluster {cluster}"), size as f64)).collect();
    Face::Headline(format!("{} clusters", sizes.len()), Some(Box::new(Face::Bars(bars))))
}
