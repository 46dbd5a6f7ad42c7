//! Everything that a node shows beside its tables.

use leptos::prelude::*;
use pipeline::NodeId;
use protocol::{Failure, NodeView, Panel, View};
use wasm_bindgen_futures::spawn_local;

use super::chart::{ChartEvents, chart};
use super::{
    confusion::confusion, empty, facts::facts, failed, map::map, metrics::metrics, pictures::pictures, tree::tree,
};
use crate::parts::ResultsOf;

/// What stands in the panel.
#[derive(Clone)]
enum Shown {
    NoNode,
    Waiting,
    Failed(Failure),
    View(NodeView),
}

/// Metrics, matrices, charts, trees and facts of one node.
pub fn output_panel(results: ResultsOf) -> AnyView {
    let ResultsOf { node, revision, link, announce, .. } = results;
    let shown = RwSignal::new(Shown::NoNode);
    let latest = StoredValue::new((0_u32, None::<NodeId>));
    Effect::new(move |_| {
        revision.track();
        let node = node.get();
        let mut ticket = 0;
        latest.update_value(|(number, of)| {
            *number += 1;
            ticket = *number;
            if *of != node {
                // Results of another node must not be taken for this one's.
                shown.set(if node.is_some() { Shown::Waiting } else { Shown::NoNode });
                of.clone_from(&node);
            }
        });
        if let Some(node) = node {
            spawn_local(async move {
                let answer = link.unsealed(View { node }).await;
                if latest.try_with_value(|(number, _)| *number) == Some(ticket) {
                    shown.set(answer.map_or_else(Shown::Failed, Shown::View));
                }
            });
        }
    });
    let content = move || match &*shown.read() {
        Shown::NoNode => empty("mouse-pointer-click", "No node selected", "Select a node to see what came out of it."),
        Shown::Waiting => empty("loader", "One moment", "The results are on their way."),
        Shown::Failed(failure) => failed(failure),
        Shown::View(view) if view.panels.is_empty() && view.tables.is_empty() => {
            empty("circle-dashed", "Nothing to show", "This node hands on what others use; look at the nodes below it.")
        }
        Shown::View(view) if view.panels.is_empty() => {
            let tables: Vec<String> = view
                .tables
                .iter()
                .map(|(port, n_rows, n_columns)| {
                    format!("{port}: {} × {}", charts::grouped(*n_rows), charts::grouped(u64::from(*n_columns)))
                })
                .collect();
            empty("table", &tables.join(", "), "The rows are under Data.")
        }
        Shown::View(view) => {
            let panels = view.panels.iter().enumerate().map(|(at, panel)| show(panel, at, announce)).collect_view();
            view! { <div class="output__panels">{panels}</div> }.into_any()
        }
    };
    view! { <div class="output">{content}</div> }.into_any()
}

fn show(panel: &Panel, panel_idx: usize, announce: Callback<String>) -> AnyView {
    let events = ChartEvents { announce, pick: None };
    let (class, content) = match panel {
        Panel::Metrics { series, metrics: values } => ("output__panel output__panel--narrow", metrics(series, values)),
        Panel::Confusion(matrix) => ("output__panel", confusion(matrix, panel_idx)),
        Panel::Figure(figure) => ("output__panel", chart(figure.clone(), events)),
        Panel::Tree(view) => ("output__panel output__panel--wide", tree(view.clone(), panel_idx)),
        Panel::Facts { title, heads, rows } => ("output__panel output__panel--facts", facts(title, heads, rows)),
        Panel::Pictures(shown) => ("output__panel", pictures(RwSignal::new(shown.clone()))),
        Panel::Map { figure, map: shown } => {
            ("output__panel", map(RwSignal::new(figure.clone()), RwSignal::new(shown.clone()), events))
        }
    };
    view! { <div class=class>{content}</div> }.into_any()
}
