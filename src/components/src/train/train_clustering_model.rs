//! Fits a clustering to a table.

use std::sync::Arc;

use charts::{Axis, Figure, Marks, Series};
use engine::{Component, Flow, FlowError, In, Job, Out, Param, Running};
use learn::Clusterer;
use model::Clustering;
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Failure, Panel};
use schema::{ColumnSelection, Kind, Schema};
use table::{Table, number_text};

use super::Watched;
use crate::score::assign_data_to_clusters::{assign, sizes_face};
use crate::{columns, failures};

const KINDS: &[Kind] = &[Kind::Number, Kind::Integer, Kind::Boolean, Kind::Category];
const CLUSTERER: In<Arc<Clusterer>> = In::new("clusterer");
const TABLE: In<Table> = In::new("table");
const CLUSTERING: Out<Arc<Clustering>> = Out::new("clustering");
const ASSIGNED: Out<Table> = Out::new("table");
const COLUMNS: Param<ColumnSelection> = Param::columns("columns", "table", &[Kind::Number, Kind::Integer])
    .label("Columns")
    .help("What likeness is measured by. A rule takes features only; the target, if there is one, stays out of it.");
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number starts from other places. If the groups change with it, they are not really there.");

/// Train Clustering Model.
pub struct TrainClusteringModel;

impl Component for TrainClusteringModel {
    fn spec(&self) -> Spec {
        Spec::new("train.train-clustering-model", 1, Family::Score, "Train Clustering Model")
            .with_summary("Looks for groups of similar rows.")
            .with_help(
                "Connect K-Means and the rows. Gives the clustering, for Assign Data to Clusters, and the table with \
                 the group of each row.\n\n\
                 Groups are numbered from 0 in no particular order. Nobody has told what they should be: whether they \
                 mean anything is for you to find out, from the centres in this node's output and from the silhouette \
                 in Evaluate Model.",
            )
            .with_keywords("cluster fit k-means unsupervised segment")
            .with_icon("boxes")
            .with_caption("By {columns}")
            .with_input(CLUSTERER)
            .with_input(TABLE)
            .with_output(CLUSTERING)
            .with_output(ASSIGNED)
            .with_param(COLUMNS)
            .with_param(SEED)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        // How many distances come depends on the clusterer, which is settled when it runs.
        if let (Some(schema), Some(selection)) = (flow.input(TABLE), flow.param(COLUMNS)) {
            features(schema, &selection)?;
        }
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let clusterer = job.input(CLUSTERER)?;
            let table = job.input(TABLE)?;
            let column_idxs = features(table.schema(), &job.param(COLUMNS)?).map_err(failures::from_flow)?;
            let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
            let clustering = learn::train_clustering(&clusterer, &table, &column_idxs, seed, &mut Watched(job))
                .await
                .map_err(|error| failures::from_fit(&error))?;
            let (assigned, sizes) = assign(&clustering, &table)?;
            job.panel(centers(&clustering)?);
            job.panel(sizes_figure(&sizes));
            job.show(sizes_face(&sizes));
            job.output(CLUSTERING, Arc::new(clustering));
            job.output(ASSIGNED, assigned);
            Ok(())
        })
    }
}

fn features(schema: &Schema, selection: &ColumnSelection) -> Result<Vec<usize>, FlowError> {
    let column_idxs = columns::selected(schema, selection, KINDS, COLUMNS.name())?;
    if column_idxs.is_empty() {
        return Err(FlowError {
            place: COLUMNS.name().into(),
            message: format!("no column fits the selection; the table has {}", schema::list(&schema.names())),
            help: "Select numbers or categories that are features.".into(),
        });
    }
    Ok(column_idxs)
}

/// The centres in the units of the table.
fn centers(clustering: &Clustering) -> Result<Panel, Failure> {
    let names = clustering.features.matrix_names();
    let width = names.len();
    let unscaled = |column_idx: usize, value: f64| match &clustering.scaling {
        Some(scaling) => scaling.get(column_idx).map_or(value, |(shift, scale)| value * scale + shift),
        None => value,
    };
    let rows = clustering
        .sizes
        .iter()
        .enumerate()
        .map(|(cluster, size)| {
            let center = clustering.centroids.iter().skip(cluster * width).take(width).enumerate();
            let values = center.map(|(column_idx, value)| super::explain::digits(unscaled(column_idx, *value)));
            [cluster.to_string(), size.to_string()].into_iter().chain(values).collect()
        })
        .collect();
    let heads = ["Cluster".to_owned(), "Rows".to_owned()].into_iter().chain(names).collect();
    let title = format!(
        "Centres after {} rounds, sum of squared distances {}",
        clustering.n_iterations,
        number_text(clustering.inertia)
    );
    Ok(Panel::Facts { title, heads, rows })
}

fn sizes_figure(sizes: &[u64]) -> Panel {
    let n_rows: u64 = sizes.iter().sum();
    let axis = |label: &str, categories| Axis { label: label.into(), range: None, fixed: false, categories };
    Panel::Figure(Figure {
        id: "cluster-sizes".into(),
        title: "Rows in each cluster".into(),
        summary: format!("{n_rows} rows in {} clusters.", sizes.len()),
        x: axis("Cluster", (0..sizes.len()).map(|cluster| cluster.to_string()).collect()),
        y: axis("Rows", Vec::new()),
        series: vec![Series {
            name: "Rows".into(),
            color_idx: 0,
            marks: Marks::Columns(sizes.iter().map(|&size| size as f64).collect()),
            detail: None,
        }],
        guides: Vec::new(),
        n_rows,
        sampling: String::new(),
    })
}
