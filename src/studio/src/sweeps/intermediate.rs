//! What each trial reported on its way: one line for each, and where those ended that were given up.

use charts::{Axis, Detail, Figure, Marks, Series};
use leptos::prelude::*;
use study::{Study, Trial, TrialState, metric_label};

use crate::viewers::chart::{ChartEvents, chart};
use crate::viewers::empty;

/// The chart.
pub fn view(study: &Study, announce: Callback<String>) -> AnyView {
    let best = study.best().map(|trial| trial.number);
    let reported = || study.trials.iter().filter(|trial| !trial.intermediate.is_empty());
    if reported().next().is_none() {
        return empty(
            "chart-spline",
            "The trials reported nothing on their way",
            "Where the objective is a metric of Cross Validate Model, each fold is reported.",
        );
    }
    let is_stopped = |trial: &&Trial| trial.state == TrialState::StoppedEarly;
    let stopped: Vec<&Trial> = reported().filter(is_stopped).collect();
    let end = |trial: &&Trial| Some((trial.intermediate.len() as f64 - 1.0, *trial.intermediate.last()?));
    let ends = stopped.iter().filter_map(end);
    let ends = Marks::Points(ends.collect());
    let numbers = stopped.iter().map(|trial| f64::from(trial.number)).collect();
    let is_best = |trial: &&Trial| best == Some(trial.number);
    let others = reported().filter(|trial| !is_stopped(trial) && !is_best(trial));
    let series = [
        lines("trials", 1, others),
        lines("stopped early", 3, stopped.iter().copied()),
        named("stopped here", 3, ends, numbers),
        lines("best", 0, reported().filter(is_best)),
    ];
    let n_intervals = reported().map(|trial| trial.intermediate.len()).max().unwrap_or(0);
    let metric = study.objectives.first().map_or(String::new(), |objective| metric_label(&objective.metric));
    let figure = Figure {
        id: "sweep-intermediate".into(),
        title: "On the way".into(),
        summary: format!(
            "{metric} of {} trials, interval by interval; {} were stopped early",
            reported().count(),
            stopped.len()
        ),
        x: Axis {
            label: "interval".into(),
            range: None,
            fixed: false,
            categories: (1..=n_intervals).map(|interval| interval.to_string()).collect(),
        },
        y: Axis { label: metric, range: None, fixed: false, categories: Vec::new() },
        series: series.into_iter().filter(|series| series.marks.n_marks() > 0).collect(),
        guides: Vec::new(),
        n_rows: 0,
        sampling: String::new(),
    };
    chart(figure, ChartEvents { announce, pick: None })
}

/// All trials as one series, broken between them.
fn lines<'a>(name: &str, color_idx: u8, trials: impl Iterator<Item = &'a Trial>) -> Series {
    let (mut points, mut numbers) = (Vec::new(), Vec::new());
    for trial in trials {
        if !points.is_empty() {
            points.push((f64::NAN, f64::NAN));
        }
        points.extend(trial.intermediate.iter().enumerate().map(|(at, value)| (at as f64, *value)));
        numbers.resize(points.len(), f64::from(trial.number));
    }
    named(name, color_idx, Marks::Line(points), numbers)
}

fn named(name: &str, color_idx: u8, marks: Marks, numbers: Vec<f64>) -> Series {
    Series { name: name.into(), color_idx, marks, detail: Some(Detail { label: "trial".into(), values: numbers }) }
}
