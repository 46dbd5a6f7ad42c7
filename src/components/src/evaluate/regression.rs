//! Predicted numbers against actual ones.

use charts::{Detail, Figure, Marks, Series};
use engine::JobError;
use learn::{Checkpoint, metrics};
use model::{ColumnView, Values};
use protocol::{Direction, Face, Failure, Metric, Panel};

use super::evaluate_model::{Judged, Scored, turn};
use super::figures::{MAX_DOTS, axis, figure, guide, headline, histogram, metric, thinned};
use crate::failures;
use crate::score::SCORED_LABELS;

/// One input's rows whose truth is known.
struct Numbers {
    name: String,
    actual: Vec<f64>,
    predicted: Vec<f64>,
    n_left_out: usize,
    figures: metrics::RegressionMetrics,
}

/// Judges predicted numbers.
pub async fn judge(checkpoint: &mut impl Checkpoint, inputs: &[Scored]) -> Result<Judged, JobError> {
    let mut read_inputs = Vec::new();
    for input in inputs {
        read_inputs.push(read(checkpoint, input).await?);
    }
    let inputs = read_inputs;
    let mut panels = Vec::new();
    for draw in [predicted_against_actual, residuals, residual_histogram] {
        turn(checkpoint, 1.0).await?;
        panels.push(Panel::Figure(draw(&inputs)));
    }
    panels.extend(inputs.iter().filter(|input| input.n_left_out > 0).map(|input| Panel::Facts {
        title: format!("Left out of {}", input.name),
        heads: vec!["Why".into(), "Rows".into()],
        rows: vec![vec!["The actual value is missing".into(), input.n_left_out.to_string()]],
    }));
    let metrics = figures_of_merit(&inputs);
    let r2: Vec<Option<f64>> = inputs.iter().map(|input| input.figures.r2).collect();
    let dots = inputs.first().map(|input| Box::new(Face::Dots(miniature(input))));
    Ok(Judged { panels, metrics, face: Face::Headline(headline("R²", &r2), dots) })
}

async fn read(checkpoint: &mut impl Checkpoint, input: &Scored) -> Result<Numbers, JobError> {
    turn(checkpoint, 0.0).await?;
    let frame = input.table.frame();
    let target = input.table.schema().target().map(|column| column.name.as_str()).unwrap_or_default();
    let (Some(truth), Some(scored)) = (frame.column(target), frame.column(SCORED_LABELS)) else {
        return Err(Failure::new("the scored table has no target", "Score rows whose target is known.").into());
    };
    let (truth_of, scored_of) = (numbers(truth)?, numbers(scored)?);
    let rows: Vec<usize> =
        (0..frame.n_rows).filter(|&row_idx| truth.is_valid(row_idx) && scored.is_valid(row_idx)).collect();
    let actual: Vec<f64> = rows.iter().map(|&row_idx| truth_of[row_idx]).collect();
    let predicted: Vec<f64> = rows.iter().map(|&row_idx| scored_of[row_idx]).collect();
    turn(checkpoint, 0.5).await?;
    let figures = metrics::regression(&actual, &predicted).map_err(|error| failures::from_metric(&error))?;
    Ok(Numbers { name: input.name.clone(), n_left_out: frame.n_rows - rows.len(), actual, predicted, figures })
}

/// The values of a column that holds numbers.
pub fn numbers(column: &ColumnView<'_>) -> Result<Vec<f64>, JobError> {
    match &column.values {
        Values::Number(values) => Ok(values.to_vec()),
        Values::Integer(values) => Ok(values.iter().map(|&n| n as f64).collect()),
        Values::Boolean(values) => Ok(values.iter().map(|&truth| f64::from(u8::from(truth))).collect()),
        Values::Category { .. } | Values::Text(_) | Values::DateTime(_) => Err(Failure::new(
            format!(
                "column {:?} is {}, expected number: the predictions are numbers",
                column.name,
                column.kind().label()
            ),
            "Give the column that was predicted the role of target.",
        )
        .into()),
    }
}

fn figures_of_merit(inputs: &[Numbers]) -> Vec<Metric> {
    let each = |value: fn(&metrics::RegressionMetrics) -> Option<f64>| -> Vec<Option<f64>> {
        inputs.iter().map(|input| value(&input.figures)).collect()
    };
    use Direction::{Higher, Lower};
    vec![
        metric(
            "r2",
            "R²",
            Higher,
            "Share of the target's variance that is explained: 1 is perfect, 0 no better than always predicting the mean.",
            each(|m| m.r2),
        ),
        metric(
            "rmse",
            "Root mean squared error",
            Lower,
            "√(Σ (actual − predicted)² / n), in the target's unit; large errors weigh more.",
            each(|m| Some(m.rmse)),
        ),
        metric(
            "mae",
            "Mean absolute error",
            Lower,
            "Σ |actual − predicted| / n, in the target's unit.",
            each(|m| Some(m.mae)),
        ),
        metric(
            "median_absolute_error",
            "Median absolute error",
            Lower,
            "Half of the rows are off by less.",
            each(|m| Some(m.median_absolute_error)),
        ),
        metric("max_error", "Largest error", Lower, "The worst row.", each(|m| Some(m.max_error))),
        metric(
            "relative_absolute_error",
            "Relative absolute error",
            Lower,
            "Absolute errors relative to those of always predicting the mean.",
            each(|m| m.relative_absolute_error),
        ),
        metric(
            "relative_squared_error",
            "Relative squared error",
            Lower,
            "Squared errors relative to those of always predicting the mean.",
            each(|m| m.relative_squared_error),
        ),
        metric(
            "explained_variance",
            "Explained variance",
            Higher,
            "Like R², with a constant error forgiven.",
            each(|m| m.explained_variance),
        ),
    ]
}

fn sampled(figure: &mut Figure, inputs: &[Numbers]) {
    let largest = inputs.iter().map(|input| input.actual.len()).max().unwrap_or(0);
    if largest > MAX_DOTS {
        figure.sampling = format!("{MAX_DOTS} of {largest} rows, evenly spaced");
    }
}

fn predicted_against_actual(inputs: &[Numbers]) -> Figure {
    let n_rows = inputs.iter().map(|input| input.actual.len()).max().unwrap_or(0);
    let mut figure = figure("predicted-actual", "Predicted against actual", axis("Actual"), axis("Predicted"), n_rows);
    let all = || inputs.iter().flat_map(|input| input.actual.iter().chain(&input.predicted).copied());
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    figure.guides.push(guide("perfect", (low, low), (high, high)));
    figure.summary = format!(
        "Each dot is a row; on the dashed line the prediction is right. {}.",
        headline("R²", &inputs.iter().map(|input| input.figures.r2).collect::<Vec<_>>())
    );
    for (input_idx, input) in inputs.iter().enumerate() {
        let dots = thinned(input.actual.len(), MAX_DOTS);
        figure.series.push(Series {
            name: input.name.clone(),
            color_idx: input_idx as u8,
            marks: Marks::Points(dots.iter().map(|&i| (input.actual[i], input.predicted[i])).collect()),
            detail: Some(Detail {
                label: "residual".into(),
                values: dots.iter().map(|&i| input.actual[i] - input.predicted[i]).collect(),
            }),
        });
    }
    sampled(&mut figure, inputs);
    figure
}

fn residuals(inputs: &[Numbers]) -> Figure {
    let n_rows = inputs.iter().map(|input| input.actual.len()).max().unwrap_or(0);
    let mut figure = figure("residuals", "Residuals", axis("Predicted"), axis("Actual − predicted"), n_rows);
    let all = || inputs.iter().flat_map(|input| input.predicted.iter().copied());
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    figure.guides.push(guide("zero", (low, 0.0), (high, 0.0)));
    figure.summary =
        "What the model missed, by prediction. A bend or a funnel means that something is left to be learned.".into();
    for (input_idx, input) in inputs.iter().enumerate() {
        let dots = thinned(input.actual.len(), MAX_DOTS);
        figure.series.push(Series {
            name: input.name.clone(),
            color_idx: input_idx as u8,
            marks: Marks::Points(
                dots.iter().map(|&i| (input.predicted[i], input.actual[i] - input.predicted[i])).collect(),
            ),
            detail: Some(Detail { label: "actual".into(), values: dots.iter().map(|&i| input.actual[i]).collect() }),
        });
    }
    sampled(&mut figure, inputs);
    figure
}

fn residual_histogram(inputs: &[Numbers]) -> Figure {
    let n_rows = inputs.iter().map(|input| input.actual.len()).max().unwrap_or(0);
    let mut figure =
        figure("residual-histogram", "How large the residuals are", axis("Actual − predicted"), axis("Rows"), n_rows);
    figure.summary =
        "A narrow heap around zero is good; a heap beside zero means that predictions are off to one side.".into();
    for (input_idx, input) in inputs.iter().enumerate() {
        let residuals: Vec<f64> = input.actual.iter().zip(&input.predicted).map(|(a, p)| a - p).collect();
        figure.series.push(Series {
            name: input.name.clone(),
            color_idx: input_idx as u8,
            marks: histogram(&residuals, 30),
            detail: None,
        });
    }
    figure
}

/// Up to 80 dots in the unit square.
fn miniature(input: &Numbers) -> Vec<(f32, f32)> {
    let all = || input.actual.iter().chain(&input.predicted).copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    thinned(input.actual.len(), 80)
        .into_iter()
        .map(|i| (((input.actual[i] - low) / span) as f32, ((input.predicted[i] - low) / span) as f32))
        .collect()
}
