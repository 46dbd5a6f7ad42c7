//! Fits a clustering to a table.

use std::sync::Arc;

use charts::{Figure, Marks, Series};
use engine::{Component, Flow, FlowError, In, Job, JobError, Out, Param, Running};
use learn::{Clustered, Clusterer, Dendrogram, LabelMode, Picture};
use model::{ClusterAssignments, Clustering, Membership};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Failure, Panel};
use schema::{ColumnSelection, Kind, Role, Schema};
use table::{Table, number_text};

use super::Watched;
use crate::evaluate::figures::{axis, brief, category_axis, digits, figure, guide};
use crate::score::assign_data_to_clusters::{Sizes, assign, sizes_face, with_assignments};
use crate::{columns, failures, memory, tell};

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
                "Connect K-Means, DBSCAN, Hierarchical Clustering or Gaussian Mixture, and the rows. Gives the \
                 clustering, for Assign Data to Clusters, and the table with the group of each row.\n\n\
                 Groups are numbered from 0 in no particular order. Nobody has told what they should be: whether they \
                 mean anything is for you to find out, from the centres in this node's output and from the silhouette \
                 in Evaluate Model.",
            )
            .with_keywords("cluster fit k-means dbscan hierarchical mixture unsupervised segment")
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
        memory::clustering(&clusterer, &table)
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let clusterer = job.input(CLUSTERER)?;
            let table = job.input(TABLE)?;
            let column_idxs = features(table.schema(), &job.param(COLUMNS)?).map_err(failures::from_flow)?;
            let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
            let clustered = learn::train_clustering(&clusterer, &table, &column_idxs, seed, &mut Watched(job))
                .await
                .map_err(|error| failures::from_fit(&error))?;
            let Clustered { clustering, clusters, picture, notes } = clustered;
            let assigned = assign(&mut Watched(job), &clustering, &table, Some(&clusters)).await?;
            let mut with_clusters = with_assignments(&clustering, &table, &assigned)?;
            if let Clusterer::KMeans(settings) = &*clusterer {
                with_clusters = labelled(&assigned, with_clusters, settings.labels)?;
            }
            let sizes = Sizes::of(&clustering, &clusters);
            tell(job, &notes);
            if clustering.n_clusters() > 0 {
                job.panel(centers(&clustering));
            }
            job.panel(Panel::Figure(sizes_figure(&sizes)));
            about(&clustering, &picture, clusters.len()).into_iter().for_each(|panel| job.panel(panel));
            job.show(sizes_face(&sizes));
            job.output(CLUSTERING, Arc::new(clustering));
            job.output(ASSIGNED, with_clusters);
            Ok(())
        })
    }
}

/// The table with labels from the rows closest to the centres, as far as they are asked for.
fn labelled(found: &ClusterAssignments, table: Table, mode: LabelMode) -> Result<Table, JobError> {
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
    let n_clusters = (found.distances.len() / found.clusters.len().max(1)).max(1);
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
    let mut column_idxs = columns::selected(schema, selection, KINDS, COLUMNS.name())?;
    if !matches!(selection, ColumnSelection::Names(_)) {
        column_idxs.retain(|column_idx| schema.columns[*column_idx].role == Role::Feature);
    }
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
fn centers(clustering: &Clustering) -> Panel {
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
            let values = center.map(|(column_idx, value)| digits(unscaled(column_idx, *value)));
            [cluster.to_string(), size.to_string()].into_iter().chain(values).collect()
        })
        .collect();
    let heads = ["Cluster".to_owned(), "Rows".to_owned()].into_iter().chain(names).collect();
    let found = match &clustering.membership {
        Membership::NearestCentroid { n_iterations } => format!("Centres after {n_iterations} rounds"),
        Membership::Mixture(mixture) => format!("Centres after {} rounds", mixture.n_iterations),
        Membership::NearestRow { .. } => "Means of the clusters".into(),
    };
    let title = format!("{found}, sum of squared distances {}", number_text(clustering.inertia));
    Panel::Facts { title, heads, rows }
}

fn sizes_figure(sizes: &Sizes) -> Figure {
    let (names, counts) = sizes.named();
    let n_rows = sizes.n_rows();
    let mut drawn =
        figure("cluster-sizes", "Rows in each cluster", category_axis("Cluster", names), axis("Rows"), n_rows as usize);
    drawn.summary = match sizes.noise {
        Some(noise) => format!("{n_rows} rows in {} clusters, {noise} of them noise.", sizes.clusters.len()),
        None => format!("{n_rows} rows in {} clusters.", sizes.clusters.len()),
    };
    drawn.series.push(Series { name: "Rows".into(), color_idx: 0, marks: Marks::Columns(counts), detail: None });
    drawn
}

/// What else there is to see, by the method.
fn about(clustering: &Clustering, picture: &Picture, n_rows: usize) -> Vec<Panel> {
    let facts = |title: &str, facts: &[(&str, String)]| Panel::Facts {
        title: title.into(),
        heads: vec!["What".into(), "Value".into()],
        rows: facts.iter().map(|(what, value)| vec![(*what).to_owned(), value.clone()]).collect(),
    };
    let mut panels = Vec::new();
    match &clustering.membership {
        Membership::NearestRow { clusters, reach: Some(eps), .. } => {
            let n_noise = clustering.n_noise as usize;
            panels.push(facts(
                "Density",
                &[
                    ("Distance of neighbours", number_text(*eps)),
                    ("Core rows", clusters.len().to_string()),
                    ("Rows at the border of a cluster", (n_rows - n_noise - clusters.len()).to_string()),
                    ("Rows of noise", n_noise.to_string()),
                ],
            ));
            if let Picture::Reaches(reaches) = picture {
                panels.push(Panel::Figure(reaches_figure(reaches, *eps, n_rows)));
            }
        }
        Membership::Mixture(mixture) => {
            let n_parameters = mixture.n_parameters(clustering.features.matrix_names().len()) as f64;
            let (n, shown) = (n_rows as f64, digits);
            let deviance = -2.0 * n * mixture.log_likelihood;
            let shares: Vec<String> = mixture.weights.iter().map(|weight| brief(*weight)).collect();
            panels.push(facts(
                "How well it fits",
                &[
                    ("BIC, lower is better", shown(deviance + n_parameters * numeric::ln(n))),
                    ("AIC, lower is better", shown(deviance + 2.0 * n_parameters)),
                    ("Mean log-likelihood of a row", shown(mixture.log_likelihood)),
                    ("Numbers that were fitted", n_parameters.to_string()),
                    ("Shares of the clusters", shares.join(", ")),
                ],
            ));
        }
        Membership::NearestCentroid { .. } | Membership::NearestRow { .. } => {}
    }
    if let Picture::Dendrogram(dendrogram) = picture
        && !dendrogram.joins.is_empty()
    {
        panels.push(Panel::Figure(dendrogram_figure(dendrogram, n_rows)));
    }
    panels
}

/// Where the curve bends is a distance that tells rows in the midst of others from those apart.
fn reaches_figure(reaches: &[f64], eps: f64, n_rows: usize) -> Figure {
    let mut drawn = figure(
        "reaches",
        "How far a row must reach to be a core row",
        axis("Share of the rows"),
        axis("Distance of neighbours"),
        n_rows,
    );
    let last = (reaches.len().max(2) - 1) as f64;
    drawn.summary =
        "A good distance of neighbours is where the curve bends upwards: rows to the left are core rows.".into();
    if reaches.len() < n_rows {
        drawn.sampling = format!("{} of {n_rows} rows", reaches.len());
    }
    let points = reaches.iter().enumerate().map(|(at, reach)| (at as f64 / last, *reach)).collect();
    drawn.series.push(Series { name: "Rows".into(), color_idx: 0, marks: Marks::Line(points), detail: None });
    drawn.guides.push(guide("set", (0.0, eps), (1.0, eps)));
    drawn
}

/// The last joins, each a bracket over the two groups that were joined.
fn dendrogram_figure(dendrogram: &Dendrogram, n_rows: usize) -> Figure {
    let Dendrogram { leaves, joins, cut } = dendrogram;
    let mut drawn = figure(
        "dendrogram",
        "Which groups were joined last",
        category_axis("Rows of the group", leaves.iter().map(u64::to_string).collect()),
        axis("Distance of the groups"),
        n_rows,
    );
    drawn.summary = format!(
        "Each bracket joins two groups, as high as they are apart; the last {} of {} joins are shown. Long upright lines \
         part groups that are clearly apart.",
        joins.len(),
        n_rows - 1
    );
    // Where each group's line stands, and how high it begins.
    let mut tops: Vec<(f64, f64)> = (0..leaves.len()).map(|place| (place as f64, 0.0)).collect();
    let mut points = Vec::with_capacity(5 * joins.len());
    for join in joins {
        let ((left, left_height), (right, right_height)) = (tops[join.left], tops[join.right]);
        points.extend([(left, left_height), (left, join.height), (right, join.height), (right, right_height)]);
        // A place that is no number breaks the line.
        points.push((f64::NAN, 0.0));
        tops.push((f64::midpoint(left, right), join.height));
    }
    points.pop();
    drawn.series.push(Series { name: "Joins".into(), color_idx: 0, marks: Marks::Line(points), detail: None });
    drawn.guides.push(guide("cut", (0.0, *cut), ((leaves.len() - 1) as f64, *cut)));
    drawn
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

    #[test]
    fn rows_apart_are_noise_in_the_table_and_no_part_of_other_metrics() {
        let table = read_bytes("t.csv", b"x\n0\n0.1\n0.2\n9\n", Options::default()).expect("a table").table;
        let settings = learn::DbscanSettings { eps: 0.15, min_samples: 2, standardize: false };
        let clusterer = Artifact::Clusterer(Arc::new(Clusterer::Dbscan(settings)));
        let inputs = vec![("clusterer", clusterer), ("table", Artifact::Table(table))];
        let trained = run_component(&TrainClusteringModel, inputs, vec![], 1).expect("clusters");
        let Artifact::Table(clustered) = &trained.outputs["table"] else { panic!("a table") };
        let cells = clustered.cells(1);
        let found: Vec<_> = (0..4).map(|row_idx| cells.str(row_idx).unwrap_or_default().to_owned()).collect();
        assert_eq!(found, ["0", "0", "0", "noise"]);
        let inputs = vec![("scored", trained.outputs["table"].clone())];
        let judged =
            run_component(&crate::evaluate::evaluate_model::EvaluateModel, inputs, vec![], 1).expect("metrics");
        let Artifact::Evaluation(evaluation) = &judged.outputs["evaluation"] else { panic!("metrics") };
        let metric = |name: &str| (evaluation.metrics[name] * 1e9).round() / 1e9;
        assert_eq!((metric("noise"), metric("n_clusters"), metric("inertia")), (0.25, 1.0, 0.02));
        assert!(!evaluation.metrics.contains_key("silhouette"), "there is no other cluster");
    }
}
