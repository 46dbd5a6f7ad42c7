//! A pipeline's real shape in the size of a stamp.

use std::fmt::Write;

use leptos::prelude::*;
use pipeline::{Family, NodeId, Pipeline};

/// What the last box of a thumbnail shows: the kind of result to be expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A ROC curve.
    Curve,
    /// Predicted against actual.
    Line,
    /// A confusion matrix.
    Matrix,
    /// Groups.
    Clusters,
    /// Bars of two learners.
    Bars,
}

/// Families by the first part of a component's id; a thumbnail is drawn before the catalogue has arrived.
pub fn family_of(component: &str) -> Option<Family> {
    match component.split('.').next() {
        Some("data") => Some(Family::Data),
        Some("transform" | "split") => Some(Family::Prepare),
        Some("learn") => Some(Family::Learn),
        Some("train" | "score") => Some(Family::Score),
        Some("evaluate") => Some(Family::Evaluate),
        _ => None,
    }
}

/// The class that gives a component's colour.
pub fn family_class(family: Option<Family>) -> &'static str {
    match family {
        Some(Family::Data) => "fam--data",
        Some(Family::Prepare) => "fam--prepare",
        Some(Family::Learn) => "fam--learn",
        Some(Family::Score) => "fam--score",
        Some(Family::Evaluate) => "fam--evaluate",
        None => "fam--unknown",
    }
}

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 64.0;
const RESULT_HEIGHT: f64 = 150.0;

/// Draws the pipeline; the lowest node is large and shows the outcome.
pub fn thumbnail(pipeline: &Pipeline, outcome: Outcome) -> AnyView {
    // Stamps are wide: rows stand closer than on the canvas.
    const SQUEEZE: f64 = 0.72;
    let last =
        pipeline.nodes().iter().max_by(|a, b| a.1.position.y.total_cmp(&b.1.position.y)).map(|(id, _)| id.clone());
    let height = |id: &NodeId| if Some(id) == last.as_ref() { RESULT_HEIGHT } else { HEIGHT };
    let (mut left, mut top, mut right, mut bottom) = (f64::MAX, f64::MAX, f64::MIN, f64::MIN);
    for (id, node) in pipeline.nodes() {
        left = left.min(node.position.x);
        top = top.min(node.position.y * SQUEEZE);
        right = right.max(node.position.x + WIDTH);
        bottom = bottom.max(node.position.y * SQUEEZE + height(id));
    }
    if left > right {
        return ().into_any();
    }
    let mut edges = String::new();
    for (to, from) in pipeline.edges() {
        if let (Some(a), Some(b)) = (pipeline.node(&from.node), pipeline.node(&to.node)) {
            let (x1, y1) = (a.position.x + WIDTH / 2.0, a.position.y * SQUEEZE + height(&from.node));
            let (x2, y2) = (b.position.x + WIDTH / 2.0, b.position.y * SQUEEZE);
            let bend = ((y2 - y1) / 2.0).max(12.0);
            let _ = write!(edges, "M{x1:.0} {y1:.0}C{x1:.0} {:.0} {x2:.0} {:.0} {x2:.0} {y2:.0}", y1 + bend, y2 - bend);
        }
    }
    let boxes: Vec<_> = pipeline
        .nodes()
        .iter()
        .map(|(id, node)| {
            let (x, y) = (node.position.x, node.position.y * SQUEEZE);
            let class = family_class(family_of(&node.component));
            let is_last = Some(id) == last.as_ref();
            let inside = if is_last {
                result(x + 24.0, y + 22.0, WIDTH - 46.0, RESULT_HEIGHT - 44.0, outcome)
            } else {
                view! {
                    <rect class="thumb__line" x=x + 34.0 y=y + 25.0 width=118.0 height=14.0 rx="5"></rect>
                }
                .into_any()
            };
            view! {
                <g class=class>
                    <rect class="thumb__box" x=x y=y width=WIDTH height=height(id) rx="12"></rect>
                    <rect class="thumb__bar" x=x - 1.0 y=y + 8.0 width="9" height=height(id) - 16.0 rx="3"></rect>
                    {inside}
                </g>
            }
            .into_any()
        })
        .collect();
    let frame = format!("{:.0} {:.0} {:.0} {:.0}", left - 12.0, top - 12.0, right - left + 24.0, bottom - top + 24.0);
    view! {
        <svg viewBox=frame preserveAspectRatio="xMidYMid meet" aria-hidden="true">
            <path class="thumb__edge" d=edges></path>
            {boxes}
        </svg>
    }
    .into_any()
}

fn result(x: f64, y: f64, width: f64, height: f64, outcome: Outcome) -> AnyView {
    let mut area = String::new();
    let mut stroke = String::new();
    let mut marks: Vec<(&'static str, String)> = Vec::new();
    let at = |across: f64, up: f64| (x + across * width, y + height - up * height);
    let dot = |path: &mut String, across: f64, up: f64, radius: f64| {
        let (cx, cy) = at(across, up);
        let _ = write!(
            path,
            "M{:.0} {cy:.0}a{radius} {radius} 0 1 0 {} 0a{radius} {radius} 0 1 0-{} 0",
            cx - radius,
            radius * 2.0,
            radius * 2.0
        );
    };
    match outcome {
        Outcome::Curve => {
            let (x0, y0) = at(0.0, 0.0);
            let (x1, y1) = at(0.1, 0.86);
            let (x2, y2) = at(0.45, 1.0);
            let (x3, y3) = at(1.0, 1.0);
            let _ = write!(stroke, "M{x0} {y0}C{x1} {y1} {x2} {y2} {x3} {y3}");
            let _ = write!(area, "{stroke}V{y0}Z");
        }
        Outcome::Line => {
            let ((x0, y0), (x1, y1)) = (at(0.0, 0.06), at(1.0, 0.95));
            let _ = write!(stroke, "M{x0} {y0}L{x1} {y1}");
            let mut path = String::new();
            for (across, up) in [
                (0.08, 0.2),
                (0.2, 0.16),
                (0.3, 0.42),
                (0.42, 0.38),
                (0.52, 0.6),
                (0.63, 0.5),
                (0.74, 0.8),
                (0.88, 0.76),
            ] {
                dot(&mut path, across, up, 5.0);
            }
            marks.push(("thumb__mark", path));
        }
        Outcome::Matrix => {
            let side = height / 3.0;
            let start = x + (width - height) / 2.0;
            for (row, column) in (0..9).map(|cell| (cell / 3, cell % 3)) {
                let mut path = String::new();
                let _ = write!(
                    path,
                    "M{:.0} {:.0}h{:.0}v{:.0}h-{:.0}Z",
                    start + f64::from(column) * side,
                    y + f64::from(row) * side,
                    side - 5.0,
                    side - 5.0,
                    side - 5.0
                );
                marks.push((if row == column { "thumb__mark" } else { "thumb__area" }, path));
            }
        }
        Outcome::Clusters => {
            let groups = [
                ("thumb__mark thumb__mark--1", [(0.1, 0.8), (0.18, 0.66), (0.22, 0.86), (0.3, 0.74)]),
                ("thumb__mark thumb__mark--2", [(0.42, 0.16), (0.5, 0.3), (0.56, 0.12), (0.6, 0.26)]),
                ("thumb__mark thumb__mark--3", [(0.74, 0.76), (0.82, 0.9), (0.86, 0.68), (0.92, 0.82)]),
            ];
            for (class, dots) in groups {
                let mut path = String::new();
                for (across, up) in dots {
                    dot(&mut path, across, up, 7.0);
                }
                marks.push((class, path));
            }
        }
        Outcome::Bars => {
            for (row, (share, class)) in [
                (0.95, "thumb__mark"),
                (0.8, "thumb__mark"),
                (0.62, "thumb__mark thumb__mark--1"),
                (0.36, "thumb__mark thumb__mark--1"),
            ]
            .into_iter()
            .enumerate()
            {
                marks.push((class, format!("M{x} {}h{}v18h-{}Z", y + row as f64 * 28.0, width * share, width * share)));
            }
        }
    }
    let marks: Vec<_> =
        marks.into_iter().map(|(class, d)| view! { <path class=class d=d></path> }.into_any()).collect();
    view! {
        <path class="thumb__area" d=area></path>
        <path class="thumb__stroke" d=stroke></path>
        {marks}
    }
    .into_any()
}
