//! How well rows sit in their clusters, from their distances to the centres.

use charts::{Marks, Series};
use engine::JobError;
use learn::Checkpoint;
use learn::metrics::{MetricError, TURN_ROWS};
use model::Values;
use protocol::{Direction, Failure, Panel};

use super::evaluate_model::{Judged, Scored, turn};
use super::figures::{axis, brief, category_axis, figure, headline, metric};
use crate::failures;
use crate::score::assign_data_to_clusters::{Sizes, sizes_face};
use crate::score::{ASSIGNMENTS, DISTANCES, NOISE};

/// One input.
struct Clusters {
    name: String,
    n_rows: usize,
    /// Rows that belong to no cluster, where that can be.
    n_noise: Option<u64>,
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
        let n = clusters.n_clustered();
        (n > 0).then(|| clusters.clusters.iter().map(of).sum::<f64>() / n as f64)
    };
    let silhouettes = each(|clusters| clusters.silhouette);
    let mut metrics = vec![
        metric(
            "silhouette",
            "Simplified silhouette",
            Higher,
            "Mean of (b − a) / max(a, b), with a the distance to the own centre and b to the next one (Hruschka and others, 2004): near 1 rows sit tight, near 0 between two clusters. Rows of noise are left out here and below.",
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
    let shares = each(|clusters| clusters.n_noise.map(|n| n as f64 / clusters.n_rows as f64));
    if shares.iter().any(Option::is_some) {
        metrics.push(metric(
            "noise",
            "Share of noise",
            Lower,
            "How many of the rows belong to no cluster. No other metric counts them, so leaving out more rows makes the rest look better.",
            shares,
        ));
    }
    let panels = inputs.iter().enumerate().flat_map(|(input_idx, input)| panels(input, input_idx as u8)).collect();
    let bars = inputs.first().map_or(protocol::Face::Text(String::new()), |input| sizes_face(&input.sizes()));
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
    let Values::Category { codes, dictionary } = &assigned.values else {
        return Err(wrong(format!("column {ASSIGNMENTS:?} is {}, expected category", assigned.kind().label())).into());
    };
    let mut distances: Vec<Vec<f64>> = Vec::new();
    while let Some(column) = frame.column(&format!("{DISTANCES}{}", distances.len())) {
        let Values::Number(values) = &column.values else {
            return Err(wrong(format!("column {:?} is {}, expected number", column.name, column.kind().label())).into());
        };
        distances.push(values.to_vec());
    }
    // What each code means: the number of a cluster, or none.
    let known: Vec<Option<usize>> = dictionary.iter().map(|name| name.parse().ok()).collect();
    let noise = dictionary.iter().position(|name| *name == NOISE).map(|code| code as i32);
    if distances.is_empty() && noise.is_some() {
        return Err(Failure::new(
            "every row is noise, so there are no clusters that could be judged",
            "Train with a larger distance of neighbours, or with fewer rows of a dense place.",
        )
        .into());
    }
    if frame.n_rows == 0 {
        return Err(failures::from_metric(&MetricError::NoRows));
    }
    if distances.is_empty() {
        return Err(
            wrong(format!("there are {} rows and {} columns of distances", frame.n_rows, distances.len())).into()
        );
    }
    let mut clusters = vec![OneCluster::default(); distances.len()];
    let (mut silhouette_sum, mut sum_of_squares, mut n_noise) = (0.0, 0.0, 0);
    for row_idx in 0..frame.n_rows {
        if row_idx % TURN_ROWS == 0 {
            turn(checkpoint, row_idx as f64 / frame.n_rows as f64).await?;
        }
        if assigned.is_valid(row_idx) && noise == Some(codes[row_idx]) {
            n_noise += 1;
            continue;
        }
        let name = usize::try_from(codes[row_idx]).ok().filter(|_| assigned.is_valid(row_idx));
        let own = name.and_then(|code| known.get(code).copied().flatten()).filter(|own| *own < clusters.len());
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
    if !sum_of_squares.is_finite() {
        let farthest = clusters.iter().map(|one| one.farthest).fold(0.0, f64::max);
        let message =
            format!("a row is {farthest:e} from the centre of its cluster, the square of which is beyond all numbers");
        return Err(Failure::new(message, "Correct its numbers, or leave the row out before it is assigned.").into());
    }
    let n_clustered = frame.n_rows as f64 - n_noise as f64;
    let silhouette = (clusters.len() > 1 && n_clustered > 0.0).then(|| silhouette_sum / n_clustered);
    let n_noise = noise.map(|_| n_noise);
    Ok(Clusters { name: input.name.clone(), n_rows: frame.n_rows, n_noise, clusters, silhouette, sum_of_squares })
}

impl Clusters {
    /// Rows that belong to a cluster.
    fn n_clustered(&self) -> u64 {
        self.n_rows as u64 - self.n_noise.unwrap_or_default()
    }

    fn sizes(&self) -> Sizes {
        Sizes { clusters: self.clusters.iter().map(|one| one.n_rows).collect(), noise: self.n_noise }
    }
}

fn panels(input: &Clusters, color_idx: u8) -> Vec<Panel> {
    let (names, counts) = input.sizes().named();
    let mut sizes = figure(
        "cluster-sizes",
        &format!("Rows in each cluster: {}", input.name),
        category_axis("Cluster", names),
        axis("Rows"),
        input.n_rows,
    );
    sizes.summary = format!("{} rows in {} clusters.", input.n_clustered(), input.clusters.len());
    sizes.series.push(Series { name: input.name.clone(), color_idx, marks: Marks::Columns(counts), detail: None });
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
