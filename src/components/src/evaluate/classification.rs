//! Predicted classes and their probabilities against actual classes.

use std::collections::BTreeSet;

use charts::{Detail, Figure, Marks, Series};
use engine::JobError;
use learn::Checkpoint;
use learn::metrics::{
    self, ClassificationMetrics, GainPoint, PrecisionRecallPoint, Ranking, ReliabilityPoint, RocPoint, TURN_ROWS,
};
use model::{ColumnView, Values};
use protocol::{Confusion, Direction, Face, Failure, Metric, Panel};

use super::evaluate_model::{Judged, Scored, turn};
use super::figures::{MAX_CURVE_POINTS, axis, brief, figure, guide, headline, metric, thinned, unit_axis};
use crate::failures;
use crate::score::{SCORED_LABELS, SCORED_PROBABILITIES};

/// Curves beyond this many cannot be told apart.
const MAX_CURVES: usize = 10;
/// Of probabilities, in each of which it is counted how often it is so.
const N_INTERVALS: u32 = 10;

/// One input's rows whose truth is known.
struct Classes {
    name: String,
    names: Vec<String>,
    n_rows: usize,
    n_left_out: usize,
    figures: ClassificationMetrics,
    /// Of the first classes, where the scored table has probabilities.
    curves: Vec<Curves>,
}

/// What is drawn of one class against all others; none where it is not defined.
#[derive(Default)]
struct Curves {
    roc: Option<Curve>,
    precision_recall: Option<Curve>,
    /// Of two classes alone.
    gain: Option<Vec<GainPoint>>,
    /// Of two classes alone.
    reliability: Vec<ReliabilityPoint>,
    miniature: Vec<(f32, f32)>,
}

/// A curve as it is drawn.
struct Curve {
    /// Across, up, and the threshold.
    points: Vec<(f64, f64, f64)>,
    is_thinned: bool,
    area: f64,
}

/// Judges predicted classes.
pub async fn judge(checkpoint: &mut impl Checkpoint, inputs: &[Scored]) -> Result<Judged, JobError> {
    let mut read_inputs = Vec::new();
    for input in inputs {
        read_inputs.push(read(checkpoint, input).await?);
    }
    let inputs = read_inputs;
    let mut panels: Vec<Panel> = inputs.iter().map(|input| Panel::Confusion(confusion(input))).collect();
    if inputs.iter().all(|input| input.names.len() == 2) {
        let curves: Vec<(String, &Classes, usize)> =
            inputs.iter().map(|input| (input.name.clone(), input, 1)).collect();
        let positive = inputs.first().and_then(|input| input.names.get(1)).cloned().unwrap_or_default();
        let note = format!("positive class {positive}");
        panels.extend(curve_panels(&curves, &note, inputs[0].n_rows));
        panels.extend(promise_panels(&curves, &note, inputs[0].n_rows));
    } else {
        for input in &inputs {
            let shown = input.names.len().min(MAX_CURVES);
            let curves: Vec<(String, &Classes, usize)> =
                (0..shown).map(|class| (input.names[class].clone(), input, class)).collect();
            let note = if shown < input.names.len() {
                format!("{}: each class against all others, the first {shown} of {}", input.name, input.names.len())
            } else {
                format!("{}: each class against all others", input.name)
            };
            panels.extend(curve_panels(&curves, &note, input.n_rows));
        }
    }
    for input in &inputs {
        panels.push(per_class(input));
        if input.n_left_out > 0 {
            panels.push(Panel::Facts {
                title: format!("Left out of {}", input.name),
                heads: vec!["Why".into(), "Rows".into()],
                rows: vec![vec!["The actual class is missing".into(), input.n_left_out.to_string()]],
            });
        }
    }
    let metrics = figures_of_merit(&inputs);
    let face = face(&inputs);
    Ok(Judged { panels, metrics, face })
}

async fn read(checkpoint: &mut impl Checkpoint, input: &Scored) -> Result<Classes, JobError> {
    let frame = input.table.frame();
    let target = input.table.schema().target().map(|column| column.name.as_str()).unwrap_or_default();
    let (Some(truth), Some(scored)) = (frame.column(target), frame.column(SCORED_LABELS)) else {
        return Err(Failure::new("the scored table has no target", "Score rows whose target is known.").into());
    };
    // The dictionary of the predictions holds the model's classes in their order, the positive one last of two.
    let mut names: Vec<String> = match &scored.values {
        Values::Category { dictionary, .. } => dictionary.iter().map(|&name| name.to_owned()).collect(),
        _ => labels_of(checkpoint, scored, frame.n_rows).await?,
    };
    let n_known = names.len();
    for label in labels_of(checkpoint, truth, frame.n_rows).await? {
        if !names.contains(&label) {
            names.push(label);
        }
    }
    let (truth_of, scored_of) = (classes_of(truth, &names), classes_of(scored, &names));
    let mut rows = Vec::new();
    let (mut actual, mut predicted) = (Vec::new(), Vec::new());
    for row_idx in 0..frame.n_rows {
        if row_idx % TURN_ROWS == 0 {
            turn(checkpoint, row_idx as f64 / frame.n_rows as f64).await?;
        }
        if let (Some(truth), Some(said)) = (truth_of(row_idx), scored_of(row_idx)) {
            rows.push(row_idx);
            actual.push(truth);
            predicted.push(said);
        }
    }
    drop((truth_of, scored_of));
    let by_class: Option<Vec<Vec<f64>>> = if n_known == 2 {
        numbers(frame.column(SCORED_PROBABILITIES)).map(|p| vec![p.iter().map(|p| 1.0 - p).collect(), p])
    } else {
        names[..n_known].iter().map(|name| numbers(frame.column(&format!("{SCORED_PROBABILITIES}_{name}")))).collect()
    };
    let mut curves = Vec::new();
    let figures = match by_class {
        Some(by_class) => {
            let mut probabilities: Vec<f64> = Vec::with_capacity(rows.len() * names.len());
            for turn_rows in rows.chunks(TURN_ROWS) {
                turn(checkpoint, 1.0).await?;
                // A class that the model has not met has no probability.
                let of = |row_idx: usize| (0..names.len()).map(move |class| (class, row_idx));
                let values = turn_rows.iter().flat_map(|&row_idx| of(row_idx));
                probabilities.extend(values.map(|(class, row_idx)| by_class.get(class).map_or(0.0, |p| p[row_idx])));
            }
            drop(by_class);
            let draw = |class: usize, ranking: &Ranking| {
                if class < MAX_CURVES {
                    curves.push(Curves::of(ranking, names.len() == 2));
                }
            };
            metrics::classification_in_turns(&actual, &probabilities, names.len(), 1, checkpoint, draw).await
        }
        None => metrics::classification_of_labels(&actual, &predicted, names.len(), 1),
    }
    .map_err(|error| failures::from_metric(&error))?;
    let n_left_out = frame.n_rows - rows.len();
    Ok(Classes { name: input.name.clone(), names, n_rows: rows.len(), n_left_out, figures, curves })
}

impl Curves {
    fn of(ranking: &Ranking, is_of_two: bool) -> Self {
        let roc = ranking.roc();
        let miniature = roc.iter().flat_map(|curve| {
            let corners = thinned(curve.points.len(), 60).into_iter();
            corners
                .map(|i| (curve.points[i].false_positive_rate as f32, curve.points[i].true_positive_rate as f32))
                .collect::<Vec<_>>()
        });
        let miniature = miniature.collect();
        let roc = roc.map(|curve| {
            let point = |p: &RocPoint| (p.false_positive_rate, p.true_positive_rate, p.threshold);
            Curve::of(&curve.points, point, curve.auc)
        });
        let precision_recall = ranking.precision_recall().map(|curve| {
            let point = |p: &PrecisionRecallPoint| (p.recall, p.precision, p.threshold);
            Curve::of(&curve.points, point, curve.average_precision)
        });
        Self {
            roc,
            precision_recall,
            gain: ranking.gain().filter(|_| is_of_two),
            reliability: if is_of_two { ranking.reliability(N_INTERVALS) } else { Vec::new() },
            miniature,
        }
    }
}

impl Curve {
    fn of<P>(points: &[P], point: impl Fn(&P) -> (f64, f64, f64), area: f64) -> Self {
        let kept = thinned(points.len(), MAX_CURVE_POINTS);
        Self {
            is_thinned: kept.len() < points.len(),
            points: kept.into_iter().map(|i| point(&points[i])).collect(),
            area,
        }
    }
}

/// The labels that occur, in ascending order.
pub async fn labels_of(
    checkpoint: &mut impl Checkpoint,
    column: &ColumnView<'_>,
    n_rows: usize,
) -> Result<Vec<String>, JobError> {
    let mut distinct = BTreeSet::new();
    if let Values::Category { codes, dictionary } = &column.values {
        let mut occurs = vec![false; dictionary.len()];
        for row_idx in (0..n_rows).filter(|&row_idx| column.is_valid(row_idx)) {
            if let Some(occurs) = usize::try_from(codes[row_idx]).ok().and_then(|code| occurs.get_mut(code)) {
                *occurs = true;
            }
        }
        let there = dictionary.iter().zip(occurs).filter(|(_, occurs)| *occurs);
        distinct.extend(there.map(|(&name, _)| name.to_owned()));
    } else {
        for row_idx in 0..n_rows {
            if row_idx % TURN_ROWS == 0 {
                turn(checkpoint, 0.0).await?;
            }
            distinct.extend(label(column, row_idx));
        }
    }
    Ok(distinct.into_iter().collect())
}

/// The class of each row by its place among these names; none where there is no value.
pub fn classes_of<'c>(column: &'c ColumnView<'_>, names: &'c [String]) -> Box<dyn Fn(usize) -> Option<u32> + 'c> {
    let place = |label: &str| names.iter().position(|name| name == label).map(|class| class as u32);
    match &column.values {
        Values::Category { codes, dictionary } => {
            let places: Vec<Option<u32>> = dictionary.iter().map(|label| place(label)).collect();
            Box::new(move |row_idx| {
                let code = column.is_valid(row_idx).then_some(codes[row_idx])?;
                *places.get(usize::try_from(code).ok()?)?
            })
        }
        _ => Box::new(move |row_idx| place(&label(column, row_idx)?)),
    }
}

fn label(column: &ColumnView<'_>, row_idx: usize) -> Option<String> {
    if !column.is_valid(row_idx) {
        return None;
    }
    match &column.values {
        Values::Category { codes, dictionary } => {
            dictionary.get(usize::try_from(codes[row_idx]).ok()?).map(|&name| name.to_owned())
        }
        Values::Text(texts) => Some(texts[row_idx].to_owned()),
        Values::Boolean(truths) => Some(truths[row_idx].to_string()),
        Values::Integer(values) => Some(values[row_idx].to_string()),
        Values::Number(values) => Some(table::number_text(values[row_idx])),
        Values::DateTime(values) => Some(table::date_text(values[row_idx], false)),
    }
}

fn numbers(column: Option<&ColumnView<'_>>) -> Option<Vec<f64>> {
    match &column?.values {
        Values::Number(values) => Some(values.to_vec()),
        Values::Integer(_) | Values::Boolean(_) | Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => {
            None
        }
    }
}

fn figures_of_merit(inputs: &[Classes]) -> Vec<Metric> {
    let each = |value: fn(&ClassificationMetrics) -> Option<f64>| -> Vec<Option<f64>> {
        inputs.iter().map(|input| value(&input.figures)).collect()
    };
    use Direction::{Higher, Lower};
    vec![
        metric("accuracy", "Accuracy", Higher, "Share of rows whose class is right.", each(|m| Some(m.accuracy))),
        metric(
            "balanced_accuracy",
            "Balanced accuracy",
            Higher,
            "Mean recall of the classes: guessing the most frequent class gives no credit.",
            each(|m| Some(m.balanced_accuracy)),
        ),
        metric(
            "precision",
            "Precision",
            Higher,
            "Of the rows called positive, the share that is. Mean over classes if there are more than two.",
            each(|m| Some(m.precision)),
        ),
        metric(
            "recall",
            "Recall",
            Higher,
            "Of the positive rows, the share that is found. Mean over classes if there are more than two.",
            each(|m| Some(m.recall)),
        ),
        metric(
            "f1",
            "F1",
            Higher,
            "2 · precision · recall / (precision + recall). Mean over classes if there are more than two.",
            each(|m| Some(m.f1)),
        ),
        metric(
            "auc",
            "AUC",
            Higher,
            "Area under the ROC curve: how often a random positive row scores above a random negative one (Hanley and McNeil, 1982).",
            each(|m| m.auc),
        ),
        metric(
            "average_precision",
            "Average precision",
            Higher,
            "Mean precision as recall grows, Σ (Rₙ − Rₙ₋₁) Pₙ.",
            each(|m| m.average_precision),
        ),
        metric(
            "log_loss",
            "Log loss",
            Lower,
            "−Σ ln p of the true class / n: confident mistakes cost most.",
            each(|m| m.log_loss),
        ),
        metric(
            "brier",
            "Brier score",
            Lower,
            "Mean squared error of the probabilities (Brier, 1950).",
            each(|m| m.brier),
        ),
        metric(
            "mcc",
            "Matthews correlation",
            Higher,
            "Correlation of actual and predicted class; 0 is chance.",
            each(|m| Some(m.mcc)),
        ),
        metric("kappa", "Cohen's kappa", Higher, "Agreement beyond what chance would give.", each(|m| Some(m.kappa))),
    ]
}

fn confusion(input: &Classes) -> Confusion {
    Confusion {
        series: input.name.clone(),
        classes: input.names.clone(),
        counts: input.figures.confusion.counts.clone(),
    }
}

fn per_class(input: &Classes) -> Panel {
    let heads = ["Class", "Rows", "Precision", "Recall", "F1", "AUC"];
    let undefined = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), brief);
    let rows = input.names.iter().zip(&input.figures.classes).map(|(name, class)| {
        vec![
            name.clone(),
            class.n_rows.to_string(),
            brief(class.precision),
            brief(class.recall),
            brief(class.f1),
            undefined(class.auc),
        ]
    });
    Panel::Facts {
        title: format!("Each class: {}", input.name),
        heads: heads.iter().map(|&head| head.to_owned()).collect(),
        rows: rows.collect(),
    }
}

/// ROC and precision-recall; nothing where no curve is defined.
fn curve_panels(curves: &[(String, &Classes, usize)], note: &str, n_rows: usize) -> Vec<Panel> {
    let mut roc = figure("roc", "ROC", unit_axis("False positive rate"), unit_axis("True positive rate"), n_rows);
    roc.guides.push(guide("chance", (0.0, 0.0), (1.0, 1.0)));
    let mut precision_recall =
        figure("precision-recall", "Precision and recall", unit_axis("Recall"), unit_axis("Precision"), n_rows);
    let (mut aucs, mut precisions) = (Vec::new(), Vec::new());
    for (color_idx, (name, input, class)) in curves.iter().enumerate() {
        let Some(of_class) = input.curves.get(*class) else { continue };
        for (curve, figure, areas) in
            [(&of_class.roc, &mut roc, &mut aucs), (&of_class.precision_recall, &mut precision_recall, &mut precisions)]
        {
            if let Some(curve) = curve {
                figure.series.push(curve_series(name, color_idx, curve, &mut figure.sampling));
                areas.push(format!("{name} {}", brief(curve.area)));
            }
        }
    }
    roc.summary = format!("How true and false alarms trade as the threshold falls; {note}. AUC: {}.", aucs.join(", "));
    precision_recall.summary =
        format!("How precision falls as more is found; {note}. Average precision: {}.", precisions.join(", "));
    [roc, precision_recall].into_iter().filter(|figure: &Figure| !figure.series.is_empty()).map(Panel::Figure).collect()
}

/// What the order of rows is worth, and whether probabilities keep their word; nothing where no curve is defined.
fn promise_panels(curves: &[(String, &Classes, usize)], note: &str, n_rows: usize) -> Vec<Panel> {
    let taken = || unit_axis("Share of the rows, those that score highest first");
    let mut gain = figure("cumulative-gain", "Cumulative gain", taken(), unit_axis("Share found"), n_rows);
    gain.summary = format!("How much is found if only the rows that score highest are taken; {note}.");
    gain.guides.push(guide("chance", (0.0, 0.0), (1.0, 1.0)));
    let mut lift = figure("lift", "Lift", taken(), axis("Times as many as by chance"), n_rows);
    lift.summary = format!("How many times as many are found as among rows taken by chance; {note}.");
    lift.guides.push(guide("chance", (0.0, 1.0), (1.0, 1.0)));
    let said = unit_axis("Mean probability that is said");
    let mut reliability = figure("calibration", "Calibration", said, unit_axis("Share that is so"), n_rows);
    reliability.summary = format!(
        "Whether of rows with a probability of 0.8 eight of ten are so, in {N_INTERVALS} intervals; {note}. Below the \
         diagonal the model is too sure."
    );
    reliability.guides.push(guide("kept word", (0.0, 0.0), (1.0, 1.0)));
    for (color_idx, (name, input, class)) in curves.iter().enumerate() {
        let Some(Curves { gain: Some(points), reliability: intervals, .. }) = input.curves.get(*class) else {
            continue;
        };
        let found = |p: &GainPoint| (p.share, p.found, p.threshold);
        let lifted = |p: &GainPoint| (p.share, p.found / p.share, p.threshold);
        for (figure, curve) in
            [(&mut gain, Curve::of(points, found, 0.0)), (&mut lift, Curve::of(&points[1..], lifted, 0.0))]
        {
            figure.series.push(curve_series(name, color_idx, &curve, &mut figure.sampling));
        }
        reliability.series.push(Series {
            name: name.clone(),
            color_idx: color_idx as u8,
            marks: Marks::Line(intervals.iter().map(|interval| (interval.said, interval.so)).collect()),
            detail: Some(Detail {
                label: "rows".into(),
                values: intervals.iter().map(|interval| interval.n_rows as f64).collect(),
            }),
        });
    }
    let figures = [gain, lift, reliability].into_iter().filter(|figure: &Figure| !figure.series.is_empty());
    figures.map(Panel::Figure).collect()
}

fn curve_series(name: &str, color_idx: usize, curve: &Curve, sampling: &mut String) -> Series {
    if curve.is_thinned {
        *sampling = format!("{MAX_CURVE_POINTS} corners of each curve; figures rest on all of them");
    }
    Series {
        name: name.into(),
        color_idx: color_idx as u8,
        marks: Marks::Line(curve.points.iter().map(|&(across, up, _)| (across, up)).collect()),
        detail: Some(Detail {
            label: "threshold".into(),
            // Above every probability there is no threshold: 1 says the same and can be shown.
            values: curve.points.iter().map(|&(_, _, at)| if at.is_finite() { at } else { 1.0 }).collect(),
        }),
    }
}

fn face(inputs: &[Classes]) -> Face {
    let first = &inputs[0];
    if first.names.len() == 2
        && let Some(Curves { roc: Some(_), miniature, .. }) = first.curves.get(1)
    {
        let aucs: Vec<Option<f64>> = inputs.iter().map(|input| input.figures.auc).collect();
        let picture = Face::Curve { points: miniature.clone(), diagonal: true };
        return Face::Headline(headline("AUC", &aucs), Some(Box::new(picture)));
    }
    let accuracies: Vec<Option<f64>> = inputs.iter().map(|input| Some(input.figures.accuracy)).collect();
    let n = first.names.len();
    let picture = (n <= 12).then(|| {
        let counts = &first.figures.confusion;
        let values = (0..n)
            .flat_map(|actual| (0..n).map(move |predicted| (actual, predicted)))
            .map(|(actual, predicted)| counts.at(actual, predicted) as f32 / counts.n_actual(actual).max(1) as f32)
            .collect();
        Box::new(Face::Matrix { n_columns: n as u32, values })
    });
    Face::Headline(headline("Accuracy", &accuracies), picture)
}
