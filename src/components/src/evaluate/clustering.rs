//! How well rows sit in their clusters, from their distances to the centres.

use charts::{Marks, Series};
use engine::JobError;
use learn::Checkpoint;
use learn::metrics::TURN_ROWS;
use model::Values;
use protocol::{Direction, Failure, Panel};

use super::evaluate_model::{Judged, Scored, turn};
use super::figures::{axis, brief, category_axis, figure, headline, metric};
use crate::score::{ASSIGNMENTS, DISTANCES};

/// One input.
struct Clusters {
    name: String,
    n_rows: usize,
    clusters: Vec<OneCluster>,
    silhouette: Option<f64>,
    sum_of_squares: f64,
}

#[derive(Clone, Default)]
struct OneCluster {
    n_rows: u64,
    to_own: f64,
    to_next: f64,
    farthest: f64,
}

/// Judges cluster assignments.
pub async fn judge(checkpoint: &mut impl Checkpoint, inputs: &[Scored]) -> Result<Judged, JobError> {
    let mut read_inputs = Vec::new();
    for input in inputs {
        read_inputs.push(read(checkpoint, input).await?);
    }
    let inputs = read_inputs;
    let each = |value: fn(&Clusters) -> Option<f64>| inputs.iter().map(value).collect::<Vec<_>>();
    use Direction::{Higher, Lower};
    let average = |clusters: &Clusters, of: fn(&OneCluster) -> f64| {
        Some(clusters.clusters.iter().map(of).sum::<f64>() / clusters.n_rows as f64)
    };
    let silhouettes = each(|clusters| clusters.silhouette);
    let metrics = vec![
        metric(
            "silhouette",
            "Simplified silhouette",
            Higher,
            "Mean of (b − a) / max(a, b), with a the distance to the own centre and b to the next one (Hruschka and others, 2004): near 1 rows sit tight, near 0 between two clusters.",
            silhouettes.clone(),
        ),
        metric(
            "inertia",
            "Sum of squared distances",
            Lower,
            "Σ d² to the own centre. It always falls with more clusters: look for the bend.",
            each(|clusters| Some(clusters.sum_of_squares)),
        ),
        metric(
            "average_distance_to_center",
            "Average distance to cluster center",
            Lower,
            "How tight clusters are.",
            inputs.iter().map(|clusters| average(clusters, |one| one.to_own)).collect(),
        ),
        metric(
            "average_distance_to_other_center",
            "Average distance to other center",
            Higher,
            "How far the next cluster's centre is.",
            inputs.iter().map(|clusters| average(clusters, |one| one.to_next)).collect(),
        ),
        metric(
            "n_clusters",
            "Clusters with rows",
            Higher,
            "How many clusters got at least one row; more is not better by itself.",
            each(|clusters| Some(clusters.clusters.iter().filter(|one| one.n_rows > 0).count() as f64)),
        ),
    ];
    let panels = inputs.iter().enumerate().flat_map(|(input_idx, input)| panels(input, input_idx as u8)).collect();
    let sizes: Vec<u64> = inputs.iter().take(1).flat_map(|input| &input.clusters).map(|one| one.n_rows).collect();
    let bars = crate::score::assign_data_to_clusters::sizes_face(&sizes);
    let face = match bars {
        protocol::Face::Headline(_, picture) => protocol::Face::Headline(headline("Silhouette", &silhouettes), picture),
        other => other,
    };
    Ok(Judged { panels, metrics, face })
}

async fn read(checkpoint: &mut impl Checkpoint, input: &Scored) -> Result<Clusters, JobError> {
    let frame = input.table.frame();
    let wrong = |message: String| {
        Failure::new(message, "Connect the output of Assign Data to Clusters or Train Clustering Model as it is.")
    };
    let assigned =
        frame.column(ASSIGNMENTS).ok_or_else(|| wrong(format!("the table has no column {ASSIGNMENTS:?}")))?;
    let Values::Category { codes, .. } = &assigned.values else {
        return Err(wrong(format!("column {ASSIGNMENTS:?} is {}, expected category", assigned.kind().label())).into());
    };
    let mut distances: Vec<Vec<f64>> = Vec::new();
    while let Some(column) = frame.column(&format!("{DISTANCES}{}", distances.len())) {
        let Values::Number(values) = &column.values else {
            return Err(wrong(format!("column {:?} is {}, expected number", column.name, column.kind().label())).into());
        };
        distances.push(values.to_vec());
    }
    if frame.n_rows == 0 || distances.is_empty() {
        return Err(
            wrong(format!("there are {} rows and {} columns of distances", frame.n_rows, distances.len())).into()
        );
    }
    let mut clusters = vec![OneCluster::default(); distances.len()];
    let (mut silhouette_sum, mut sum_of_squares) = (0.0, 0.0);
    for row_idx in 0..frame.n_rows {
        if row_idx % TURN_ROWS == 0 {
            turn(checkpoint, row_idx as f64 / frame.n_rows as f64).await?;
        }
        let own =
            usize::try_from(codes[row_idx]).ok().filter(|own| assigned.is_valid(row_idx) && *own < clusters.len());
        let Some(own) = own else {
            return Err(wrong(format!("row {} has no cluster", row_idx + 1)).into());
        };
        let a = distances[own][row_idx];
        let b = (0..distances.len())
            .filter(|cluster| *cluster != own)
            .map(|cluster| distances[cluster][row_idx])
            .fold(f64::INFINITY, f64::min);
        let one = &mut clusters[own];
        one.n_rows += 1;
        one.to_own += a;
        one.to_next += if b.is_finite() { b } else { 0.0 };
        one.farthest = one.farthest.max(a);
        sum_of_squares += a * a;
        let larger = a.max(b);
        silhouette_sum += if larger > 0.0 && larger.is_finite() { (b - a) / larger } else { 0.0 };
    }
    let silhouette = (clusters.len() > 1).then(|| silhouette_sum / frame.n_rows as f64);
    Ok(Clusters { name: input.name.clone(), n_rows: frame.n_rows, clusters, silhouette, sum_of_squares })
}

fn panels(input: &Clusters, color_idx: u8) -> Vec<Panel> {
    let names: Vec<String> = (0..input.clusters.len()).map(|cluster| cluster.to_string()).collect();
    let mut sizes = figure(
        "cluster-sizes",
        &format!("Rows in each cluster: {}", input.name),
        category_axis("Cluster", names),
        axis("Rows"),
        input.n_rows,
    );
    sizes.summary = format!("{} rows in {} clusters.", input.n_rows, input.clusters.len());
    sizes.series.push(Series {
        name: input.name.clone(),
        color_idx,
        marks: Marks::Columns(input.clusters.iter().map(|one| one.n_rows as f64).collect()),
        detail: None,
    });
    let rows = input
        .clusters
        .iter()
        .enumerate()
        .map(|(cluster, one)| {
            let mean = |sum: f64| if one.n_rows == 0 { "–".to_owned() } else { brief(sum / one.n_rows as f64) };
            vec![
                cluster.to_string(),
                one.n_rows.to_string(),
                mean(one.to_own),
                mean(one.to_next),
                if one.n_rows == 0 { "–".to_owned() } else { brief(one.farthest) },
            ]
        })
        .collect();
    let heads = ["Cluster", "Rows", "Average distance to own center", "Average distance to next center", "Farthest"];
    vec![
        Panel::Figure(sizes),
        Panel::Facts {
            title: format!("Clusters: {}", input.name),
            heads: heads.iter().map(|&head| head.to_owned()).collect(),
            rows,
        },
    ]
}
