//! Each setting against an objective.

use charts::{Detail, Figure, Marks, Series};
use leptos::prelude::*;

use super::columns::Columns;
use crate::viewers::chart::{ChartEvents, ChartLook, chart_as};
use crate::viewers::parallel::Column;

/// One chart for each setting.
pub fn view(data: &Columns, objective: &Column, announce: Callback<String>) -> AnyView {
    let one = |setting: &Column| {
        let look = ChartLook { log: [setting.is_log, false], under: None };
        let drawn = chart_as(figure(data, setting, objective), look, ChartEvents { announce, pick: None });
        view! { <div class="sweeps__slice">{drawn}</div> }
    };
    view! { <div class="sweeps__slices">{data.settings.iter().map(one).collect_view()}</div> }.into_any()
}

fn figure(data: &Columns, setting: &Column, objective: &Column) -> Figure {
    let places = |chosen: &[usize]| dots(data, chosen, setting, objective);
    let best = data.ranked.first().copied();
    let others: Vec<usize> = (0..data.trials.len()).filter(|at| Some(*at) != best).collect();
    let best: Vec<usize> = best.into_iter().collect();
    let title = format!("{} by {}", objective.label, setting.label);
    Figure {
        id: format!("sweep-slice-{}", setting.name),
        summary: format!("{} trials as dots, {}", data.trials.len(), title),
        title,
        x: setting.axis(),
        y: objective.axis(),
        series: vec![places(&others).named("trials", 1), places(&best).named("best", 0)],
        guides: Vec::new(),
        n_rows: 0,
        sampling: String::new(),
    }
}

/// Trials as dots that tell their number.
pub struct Dots {
    points: Vec<(f64, f64)>,
    numbers: Vec<f64>,
}

/// The chosen trials, one column against another; those that lack one of the two are left out.
pub fn dots(data: &Columns, chosen: &[usize], x: &Column, y: &Column) -> Dots {
    let there = |at: &&usize| x.values[**at].is_finite() && y.values[**at].is_finite();
    let chosen: Vec<&usize> = chosen.iter().filter(there).collect();
    Dots {
        points: chosen.iter().map(|at| (x.values[**at], y.values[**at])).collect(),
        numbers: chosen.iter().map(|at| f64::from(data.trials[**at])).collect(),
    }
}

impl Dots {
    /// As a series.
    pub fn named(self, name: &str, color_idx: u8) -> Series {
        let detail = Some(Detail { label: "trial".into(), values: self.numbers });
        Series { name: name.into(), color_idx, marks: Marks::Points(self.points), detail }
    }

    /// As a series that tells another number of each trial.
    pub fn telling(self, name: &str, color_idx: u8, label: &str, values: Vec<f64>) -> Series {
        let detail = Some(Detail { label: label.into(), values });
        Series { name: name.into(), color_idx, marks: Marks::Points(self.points), detail }
    }
}
