//! Fits a clustering to a table.

use std::sync::Arc;

use charts::{Axis, Figure, Marks, Series};
use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Param, Running};
use learn::{Clusterer, LabelMode};
use model::Clustering;
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Failure, Panel};
use schema::{ColumnSelection, Kind, Role, Schema};
use table::{Table, number_text};

use super::Watched;
use crate::score::assign_data_to_clusters::{assign, sizes_face};
use crate::{columns, failures, memory};

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

    fn memory(&self, job: &Job<'_>) -> u64 {
        let (Some(clusterer), Some(table)) = (job.optional_input(CLUSTERER), job.optional_input(TABLE)) else {
            return 0;
        };
        let Clusterer::KMeans(settings) = &*clusterer;
        memory::assigning(&table, settings.k as usize)
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
            let Clusterer::KMeans(settings) = *clusterer;
            let assigned = labelled(&clustering, assigned, settings.labels)?;
            job.panel(centers(&clustering)?);
            job.panel(sizes_figure(&sizes));
            job.show(sizes_face(&sizes));
            job.output(CLUSTERING, Arc::new(clustering));
            job.output(ASSIGNED, assigned);
            Ok(())
        })
    }
}

/// The table with labels from the rows closest to the centres, as far as they are asked for.
fn labelled(clustering: &Clustering, table: Table, mode: LabelMode) -> Result<Table, JobError> {
    if mode == LabelMode::Ignore {
        return Ok(table);
    }
    let schema = table.schema().clone();
    let target_idx = schema.columns.iter().position(|column| column.role == Role::Target).ok_or_else(|| {
        Failure::new(
            "labels are to be assigned, and no column has the role of target",
            "Give the column with the labels that role with Edit Metadata, or set Assign label mode to Ignore.",
        )
    })?;
    let found = learn::assign(clustering, &table).map_err(|error| failures::from_model(&error))?;
    let n_clusters = clustering.sizes.len().max(1);
    let targets = table.frame_of(&[target_idx]);
    let has_label = |row_idx: usize| targets.columns[0].is_valid(row_idx);
    // Of each cluster the labelled row nearest to the centre, the first of equals.
    let mut closest: Vec<Option<(f64, u32)>> = vec![None; n_clusters];
    for (row_idx, distances) in
        found.distances.chunks(n_clusters).enumerate().filter(|(row_idx, _)| has_label(*row_idx))
    {
        let cluster = found.clusters[row_idx] as usize;
        if closest[cluster].is_none_or(|(nearest, _)| distances[cluster] < nearest) {
            closest[cluster] = Some((distances[cluster], row_idx as u32));
        }
    }
    let sources: Vec<u32> = (found.clusters.iter().enumerate())
        .map(|(row_idx, &cluster)| match closest[cluster as usize] {
            Some((_, source)) if mode == LabelMode::Overwrite || !has_label(row_idx) => source,
            _ => row_idx as u32,
        })
        .collect();
    let mut columns = table.columns().to_vec();
    columns[target_idx] = table.select(&[target_idx]).take(&sources).columns()[0].clone();
    Table::new(schema, columns).map_err(|error| failures::from_table(&error))
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

#[cfg(test)]
mod tests {
    use engine::Artifact;
    use engine::testing::run_component;
    use learn::KMeansSettings;
    use table::{Options, read_bytes};

    use super::*;

    /// The labels of the clustered table, row by row.
    fn labels(labels: LabelMode) -> Result<Vec<Option<String>>, String> {
        let rows = "x,label\n1,hill\n1.2,\n0.9,dale\n9,moor\n9.1,\n";
        let table = read_bytes("t.csv", rows.as_bytes(), Options::default()).expect("a table").table;
        let table = table.set_role("label", Role::Target).expect("a column");
        let settings = KMeansSettings { k: 2, labels, ..KMeansSettings::default() };
        let clusterer = Artifact::Clusterer(Arc::new(Clusterer::KMeans(settings)));
        let inputs = vec![("clusterer", clusterer), ("table", Artifact::Table(table))];
        let columns = pipeline::Value::Columns(ColumnSelection::Names(vec!["x".into()]));
        let done = run_component(&TrainClusteringModel, inputs, vec![("columns", columns)], 1);
        let outputs = done
            .map_err(|error| match error {
                JobError::Failed(failure) => failure.message,
                JobError::Cancelled => "cancelled".into(),
            })?
            .outputs;
        let Artifact::Table(table) = &outputs["table"] else { panic!("a table") };
        assert_eq!(table.schema().names()[..2], ["x", "label"]);
        let cells = table.cells(1);
        Ok((0..table.n_rows()).map(|row_idx| cells.str(row_idx).map(str::to_owned)).collect())
    }

    fn some(labels: [&str; 5]) -> Result<Vec<Option<String>>, String> {
        Ok(labels.map(|label| Some(label.to_owned()).filter(|label| !label.is_empty())).to_vec())
    }

    #[test]
    fn labels_stay_or_come_from_the_row_closest_to_the_centre() {
        // The centre of the first three rows is 1.033, to which 1 is closest.
        assert_eq!(labels(LabelMode::Ignore), some(["hill", "", "dale", "moor", ""]));
        assert_eq!(labels(LabelMode::FillMissing), some(["hill", "hill", "dale", "moor", "moor"]));
        assert_eq!(labels(LabelMode::Overwrite), some(["hill", "hill", "hill", "moor", "moor"]));
    }

    #[test]
    fn without_a_target_there_are_no_labels_to_assign() {
        let rows = "x\n1\n2\n9\n";
        let table = read_bytes("t.csv", rows.as_bytes(), Options::default()).expect("a table").table;
        let settings = KMeansSettings { k: 2, labels: LabelMode::Overwrite, ..KMeansSettings::default() };
        let clusterer = Artifact::Clusterer(Arc::new(Clusterer::KMeans(settings)));
        let inputs = vec![("clusterer", clusterer), ("table", Artifact::Table(table))];
        let Err(JobError::Failed(failure)) = run_component(&TrainClusteringModel, inputs, vec![], 1) else {
            panic!("a failure")
        };
        assert_eq!(failure.message, "labels are to be assigned, and no column has the role of target");
        assert!(!failure.help.is_empty());
    }
}
