//! Two objectives against each other, and the trials that no other surpasses in both.

use charts::{Figure, Marks, Series};
use leptos::prelude::*;
use schema::ordered::sort_by;
use study::Goal;

use super::columns::Columns;
use super::slice::dots;
use crate::viewers::chart::{ChartEvents, chart};
use crate::viewers::parallel::Column;

/// The chart.
pub fn view(data: &Columns, [x, y]: [&Column; 2], announce: Callback<String>) -> AnyView {
    let loss = |column: &Column, at: usize| column.goal.unwrap_or(Goal::Maximize).as_loss(column.values[at]);
    let all = 0..data.trials.len();
    let surpasses = |one: usize, other: usize| {
        let (x1, y1, x2, y2) = (loss(x, one), loss(y, one), loss(x, other), loss(y, other));
        x1 <= x2 && y1 <= y2 && (x1 < x2 || y1 < y2)
    };
    let (mut front, others): (Vec<usize>, Vec<usize>) =
        all.clone().partition(|at| !all.clone().any(|other| surpasses(other, *at)));
    sort_by(&mut front, |one, other| x.values[*one].total_cmp(&x.values[*other]));
    let line = front.iter().map(|at| (x.values[*at], y.values[*at])).collect();
    let figure = Figure {
        id: "sweep-pareto".into(),
        title: format!("{} against {}", y.label, x.label),
        summary: format!(
            "{} trials; no other is better than the {} on the front in one without being worse in the other",
            data.trials.len(),
            front.len()
        ),
        x: x.axis(),
        y: y.axis(),
        series: vec![
            dots(data, &others, x, y).named("trials", 1),
            Series { name: "front".into(), color_idx: 0, marks: Marks::Line(line), detail: None },
            dots(data, &front, x, y).named("on the front", 0),
        ],
        guides: Vec::new(),
        n_rows: 0,
        sampling: String::new(),
    };
    chart(figure, ChartEvents { announce, pick: None })
}
