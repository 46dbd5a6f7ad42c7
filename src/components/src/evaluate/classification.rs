//! Predicted classes and their probabilities against actual classes.

use charts::{Detail, Figure, Marks, Series};
use engine::JobError;
use learn::metrics::{self, ClassificationMetrics};
use model::{ColumnView, Values};
use protocol::{Confusion, Direction, Face, Failure, Metric, Panel};

use super::evaluate_model::{Judged, Scored};
use super::figures::{MAX_CURVE_POINTS, brief, figure, guide, headline, metric, thinned, unit_axis};
use crate::failures;
use crate::score::{SCORED_LABELS, SCORED_PROBABILITIES};

/// Curves beyond this many cannot be told apart.
const MAX_CURVES: usize = 10;

/// One input's rows whose truth is known.
struct Classes {
    name: String,
    names: Vec<String>,
    actual: Vec<u32>,
    /// Row by row, where the scored table has them.
    probabilities: Option<Vec<f64>>,
    n_left_out: usize,
    figures: ClassificationMetrics,
}

/// Judges predicted classes.
pub fn judge(inputs: &[Scored]) -> Result<Judged, JobError> {
    let inputs = inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut panels: Vec<Panel> = inputs.iter().map(|input| Panel::Confusion(confusion(input))).collect();
    if inputs.iter().all(|input| input.names.len() == 2) {
        let curves: Vec<(String, &Classes, usize)> =
            inputs.iter().map(|input| (input.name.clone(), input, 1)).collect();
        let positive = inputs.first().and_then(|input| input.names.get(1)).cloned().unwrap_or_default();
        panels.extend(curve_panels(&curves, &format!("positive class {positive}"), inputs[0].actual.len())?);
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
            panels.extend(curve_panels(&curves, &note, input.actual.len())?);
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
    let face = face(&inputs)?;
    Ok(Judged { panels, metrics, face })
}

fn read(input: &Scored) -> Result<Classes, JobError> {
    let frame = input.table.frame();
    let target = input.table.schema().target().map(|column| column.name.as_str()).unwrap_or_default();
    let (Some(truth), Some(scored)) = (frame.column(target), frame.column(SCORED_LABELS)) else {
        return Err(Failure::new("the scored table has no target", "Score rows whose target is known.").into());
    };
    // The dictionary of the predictions holds the model's classes in their order, the positive one last of two.
    let mut names: Vec<String> = match &scored.values {
        Values::Category { dictionary, .. } => dictionary.iter().map(|&name| name.to_owned()).collect(),
        _ => labels_of(scored, frame.n_rows),
    };
    let n_known = names.len();
    for label in labels_of(truth, frame.n_rows) {
        if !names.contains(&label) {
            names.push(label);
        }
    }
    let class_of = |column: &ColumnView<'_>, row_idx: usize| {
        let label = label(column, row_idx)?;
        names.iter().position(|name| *name == label).map(|class| class as u32)
    };
    let mut rows = Vec::new();
    let (mut actual, mut predicted) = (Vec::new(), Vec::new());
    for row_idx in 0..frame.n_rows {
        if let (Some(truth), Some(said)) = (class_of(truth, row_idx), class_of(scored, row_idx)) {
            rows.push(row_idx);
            actual.push(truth);
            predicted.push(said);
        }
    }
    let by_class: Option<Vec<Vec<f64>>> = if n_known == 2 {
        numbers(frame.column(SCORED_PROBABILITIES)).map(|p| vec![p.iter().map(|p| 1.0 - p).collect(), p])
    } else {
        names[..n_known].iter().map(|name| numbers(frame.column(&format!("{SCORED_PROBABILITIES}_{name}")))).collect()
    };
    let probabilities = by_class.map(|by_class| {
        // A class that the model has not met has no probability.
        let of = |row_idx: usize| (0..names.len()).map(move |class| (class, row_idx));
        rows.iter()
            .flat_map(|&row_idx| of(row_idx))
            .map(|(class, row_idx)| by_class.get(class).map_or(0.0, |values: &Vec<f64>| values[row_idx]))
            .collect::<Vec<f64>>()
    });
    let figures = match &probabilities {
        Some(probabilities) => metrics::classification(&actual, probabilities, names.len(), 1),
        None => metrics::classification_of_labels(&actual, &predicted, names.len(), 1),
    }
    .map_err(|error| failures::from_metric(&error))?;
    let n_left_out = frame.n_rows - rows.len();
    Ok(Classes { name: input.name.clone(), names, actual, probabilities, n_left_out, figures })
}

/// The labels that occur, in ascending order.
fn labels_of(column: &ColumnView<'_>, n_rows: usize) -> Vec<String> {
    let distinct: std::collections::BTreeSet<String> =
        (0..n_rows).filter_map(|row_idx| label(column, row_idx)).collect();
    distinct.into_iter().collect()
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

/// Whether each row is of the class, and the class's probability.
fn of_class(input: &Classes, class: usize) -> Option<(Vec<bool>, Vec<f64>)> {
    let probabilities = input.probabilities.as_ref()?;
    let hits = input.actual.iter().map(|&actual| actual as usize == class).collect();
    let scores = probabilities.iter().skip(class).step_by(input.names.len()).copied().collect();
    Some((hits, scores))
}

/// ROC and precision-recall; nothing where no curve is defined.
fn curve_panels(curves: &[(String, &Classes, usize)], note: &str, n_rows: usize) -> Result<Vec<Panel>, JobError> {
    let mut roc = figure("roc", "ROC", unit_axis("False positive rate"), unit_axis("True positive rate"), n_rows);
    roc.guides.push(guide("chance", (0.0, 0.0), (1.0, 1.0)));
    let mut precision_recall =
        figure("precision-recall", "Precision and recall", unit_axis("Recall"), unit_axis("Precision"), n_rows);
    let (mut aucs, mut precisions) = (Vec::new(), Vec::new());
    for (color_idx, (name, input, class)) in curves.iter().enumerate() {
        let Some((hits, scores)) = of_class(input, *class) else { continue };
        if let Some(curve) = metrics::roc(&hits, &scores).map_err(|error| failures::from_metric(&error))? {
            let points: Vec<(f64, f64, f64)> = curve
                .points
                .iter()
                .map(|point| (point.false_positive_rate, point.true_positive_rate, point.threshold))
                .collect();
            roc.series.push(curve_series(name, color_idx, &points, &mut roc.sampling));
            aucs.push(format!("{name} {}", brief(curve.auc)));
        }
        let curve = metrics::precision_recall(&hits, &scores).map_err(|error| failures::from_metric(&error))?;
        if let Some(curve) = curve {
            let points: Vec<(f64, f64, f64)> =
                curve.points.iter().map(|point| (point.recall, point.precision, point.threshold)).collect();
            precision_recall.series.push(curve_series(name, color_idx, &points, &mut precision_recall.sampling));
            precisions.push(format!("{name} {}", brief(curve.average_precision)));
        }
    }
    roc.summary = format!("How true and false alarms trade as the threshold falls; {note}. AUC: {}.", aucs.join(", "));
    precision_recall.summary =
        format!("How precision falls as more is found; {note}. Average precision: {}.", precisions.join(", "));
    Ok([roc, precision_recall]
        .into_iter()
        .filter(|figure: &Figure| !figure.series.is_empty())
        .map(Panel::Figure)
        .collect())
}

fn curve_series(name: &str, color_idx: usize, points: &[(f64, f64, f64)], sampling: &mut String) -> Series {
    let kept = thinned(points.len(), MAX_CURVE_POINTS);
    if kept.len() < points.len() {
        *sampling = format!("{MAX_CURVE_POINTS} corners of each curve; figures rest on all of them");
    }
    Series {
        name: name.into(),
        color_idx: color_idx as u8,
        marks: Marks::Line(kept.iter().map(|&i| (points[i].0, points[i].1)).collect()),
        detail: Some(Detail {
            label: "threshold".into(),
            // Above every probability there is no threshold: 1 says the same and can be shown.
            values: kept.iter().map(|&i| if points[i].2.is_finite() { points[i].2 } else { 1.0 }).collect(),
        }),
    }
}

fn face(inputs: &[Classes]) -> Result<Face, JobError> {
    let first = &inputs[0];
    if first.names.len() == 2
        && let Some((hits, scores)) = of_class(first, 1)
        && let Some(curve) = metrics::roc(&hits, &scores).map_err(|error| failures::from_metric(&error))?
    {
        let points = thinned(curve.points.len(), 60)
            .into_iter()
            .map(|i| (curve.points[i].false_positive_rate as f32, curve.points[i].true_positive_rate as f32))
            .collect();
        let aucs: Vec<Option<f64>> = inputs.iter().map(|input| input.figures.auc).collect();
        return Ok(Face::Headline(headline("AUC", &aucs), Some(Box::new(Face::Curve { points, diagonal: true }))));
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
    Ok(Face::Headline(headline("Accuracy", &accuracies), picture))
}
