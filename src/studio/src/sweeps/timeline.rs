//! The trials over time, by worker.

use charts::{Axis, Detail, Figure, Marks, Series};
use leptos::prelude::*;
use schema::ordered::sort_by;
use study::{Study, Trial, TrialState};

use crate::viewers::chart::{ChartEvents, chart};
use crate::viewers::empty;

/// Clocks of the sweep and of its trials may differ by so many seconds.
const SLACK_SECS: f64 = 0.01;

/// Trials that stand alike.
struct Kind {
    state: TrialState,
    spans: Vec<(f64, f64, f64)>,
    numbers: Vec<f64>,
}

/// The chart.
pub fn view(study: &Study, announce: Callback<String>) -> AnyView {
    let mut spans: Vec<(&Trial, f64, f64)> = Vec::new();
    for trial in &study.trials {
        if let (Some(from), Some(elapsed)) = (trial.started_secs, trial.elapsed_secs) {
            spans.push((trial, from, from + elapsed));
        }
    }
    if spans.is_empty() {
        return empty("clock", "No trial has ended yet", "Each is drawn here from its start to its end.");
    }
    sort_by(&mut spans, |one, other| one.1.total_cmp(&other.1).then(one.0.number.cmp(&other.0.number)));
    // A trial goes to the first worker that is free: so do the pools that run them.
    let mut free_from: Vec<f64> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for (trial, from, to) in &spans {
        let lane = free_from.iter().position(|free| *free <= from + SLACK_SECS).unwrap_or(free_from.len());
        free_from.resize(free_from.len().max(lane + 1), 0.0);
        free_from[lane] = *to;
        let place = kinds.iter().position(|kind| kind.state == trial.state).unwrap_or(kinds.len());
        if place == kinds.len() {
            kinds.push(Kind { state: trial.state, spans: Vec::new(), numbers: Vec::new() });
        }
        kinds[place].spans.push((*from, *to, lane as f64));
        kinds[place].numbers.push(f64::from(trial.number));
    }
    sort_by(&mut kinds, |one, other| one.state.cmp(&other.state));
    let series = kinds.into_iter().map(|Kind { state, spans, numbers }| {
        let name = super::trials::state(state);
        let color_idx = match state {
            TrialState::Waiting | TrialState::Running => 5,
            TrialState::Done => 1,
            TrialState::StoppedEarly => 3,
            TrialState::Failed => 4,
            TrialState::Cancelled => 0,
        };
        let detail = Some(Detail { label: "trial".into(), values: numbers });
        Series { name: name.into(), color_idx, marks: Marks::Spans(spans), detail }
    });
    let n_workers = free_from.len();
    let end = free_from.iter().copied().fold(0.0, f64::max);
    let busy: f64 = spans.iter().map(|(_, from, to)| to - from).sum();
    let percent = (100.0 * busy / (end * n_workers as f64).max(f64::MIN_POSITIVE)).min(100.0);
    let plural = if n_workers == 1 { "" } else { "s" };
    let summary = format!("{} trials on {n_workers} worker{plural}, busy {percent:.0} % of the time", spans.len());
    let figure = Figure {
        id: "sweep-timeline".into(),
        title: "Trials over time".into(),
        x: Axis {
            label: "seconds, pauses left out".into(),
            range: Some((0.0, end)),
            fixed: false,
            categories: Vec::new(),
        },
        y: Axis {
            label: "worker".into(),
            range: None,
            fixed: false,
            categories: (1..=n_workers).map(|worker| format!("worker {worker}")).collect(),
        },
        series: series.collect(),
        guides: Vec::new(),
        n_rows: 0,
        sampling: summary.clone(),
        summary,
    };
    chart(figure, ChartEvents { announce, pick: None })
}
