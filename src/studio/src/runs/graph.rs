//! Two pipelines laid over each other: what came, went or changed.

use std::collections::BTreeMap;

use experiment::{Fate, GraphDiff, GraphNode, graph_diff};
use leptos::prelude::*;
use pipeline::NodeId;

use super::panel::Detail;
use super::store::Runs;
use crate::views::icon::small_icon;

/// Of a node, in the pipeline's own distances.
const NODE: (f64, f64) = (editor::CARD_WIDTH, 60.0);

/// The picture, with its words.
pub fn graph(runs: Runs, base: &Detail, other: &Detail, words: &str) -> AnyView {
    let diff = runs.studio.with(|editor| graph_diff(&base.pipeline, &other.pipeline, editor.catalogue()));
    let count = |fate| diff.count(fate);
    let (n_added, n_removed, n_changed) = (count(Fate::Added), count(Fate::Removed), count(Fate::Changed));
    let spoken = spoken(&diff);
    view! {
        <h3>"Pipeline"<small>{words.to_owned()}</small>
            <span class="runs__fates">
                <span class="runs__delta--better" title="added">{small_icon("plus")}<span class="sr-only">"added "</span>{n_added}</span>
                <span class="runs__delta--worse" title="removed">{small_icon("minus")}<span class="sr-only">"removed "</span>{n_removed}</span>
                <span class="runs__fate--changed" title="changed">{small_icon("pencil")}<span class="sr-only">"changed "</span>{n_changed}</span>
            </span>
        </h3>
        <div class="runs__graph">{picture(&diff, &spoken)}</div>
    }
    .into_any()
}

fn spoken(diff: &GraphDiff) -> String {
    let named = |fate, word: &str| {
        let titles: Vec<_> =
            diff.nodes.iter().filter(|node| node.fate == fate).map(|node| node.title.as_str()).collect();
        (!titles.is_empty()).then(|| format!("{word}: {}", titles.join(", ")))
    };
    let parts: Vec<_> = [(Fate::Added, "added"), (Fate::Removed, "removed"), (Fate::Changed, "changed")]
        .into_iter()
        .filter_map(|(fate, word)| named(fate, word))
        .collect();
    if parts.is_empty() {
        "The same nodes and settings".to_owned()
    } else {
        format!("Pipeline graph, {}", parts.join("; "))
    }
}

fn picture(diff: &GraphDiff, spoken: &str) -> AnyView {
    let at = places(diff);
    let fold =
        |pick: fn(&(f64, f64)) -> f64, with: fn(f64, f64) -> f64, from: f64| at.values().map(pick).fold(from, with);
    let (left, right) = (fold(|p| p.0, f64::min, f64::INFINITY), fold(|p| p.0, f64::max, f64::NEG_INFINITY));
    let (top, bottom) = (fold(|p| p.1, f64::min, f64::INFINITY), fold(|p| p.1, f64::max, f64::NEG_INFINITY));
    if at.is_empty() {
        return ().into_any();
    }
    let margin = 16.0;
    let around = format!(
        "{} {} {} {}",
        left - margin,
        top - margin,
        right - left + NODE.0 + 2.0 * margin,
        bottom - top + NODE.1 + 2.0 * margin
    );
    let edges = diff.edges.iter().filter_map(|edge| {
        let (from, to) = (at.get(&edge.from.node)?, at.get(&edge.to.node)?);
        let (x0, y0) = (from.0 + NODE.0 / 2.0, from.1 + NODE.1);
        let (x1, y1) = (to.0 + NODE.0 / 2.0, to.1);
        let bend = ((y1 - y0).abs() / 2.0).max(20.0);
        let path = format!("M{x0} {y0}C{x0} {} {x1} {} {x1} {y1}", y0 + bend, y1 - bend);
        let class = format!("runs__edge runs__edge--{}", word(edge.fate));
        Some(view! { <path d=path class=class></path> })
    });
    let nodes = diff.nodes.iter().filter_map(|node| {
        let (x, y) = *at.get(&node.id)?;
        let class = format!("runs__node runs__node--{}", word(node.fate));
        let sign = match node.fate {
            Fate::Added => "+ ",
            Fate::Removed => "− ",
            Fate::Changed => "✎ ",
            Fate::Same => "",
        };
        Some(view! {
            <g class=class>
                <rect x=x.to_string() y=y.to_string() width=NODE.0.to_string() height=NODE.1.to_string() rx="10"></rect>
                <text x=(x + NODE.0 / 2.0).to_string() y=(y + NODE.1 / 2.0).to_string()>{format!("{sign}{}", shortened(&node.title))}</text>
            </g>
        })
    });
    view! {
        <svg viewBox=around role="img" aria-label=spoken.to_owned() preserveAspectRatio="xMidYMid meet">
            {edges.collect_view()}
            {nodes.collect_view()}
        </svg>
    }
    .into_any()
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Added => "added",
        Fate::Removed => "removed",
        Fate::Changed => "changed",
        Fate::Same => "same",
    }
}

/// Where nodes are drawn: where they lie, closed up in height, and a removed one beside the one that took its place.
fn places(diff: &GraphDiff) -> BTreeMap<NodeId, (f64, f64)> {
    let mut heights: Vec<f64> = diff.nodes.iter().map(|node| node.position.y).collect();
    heights.sort_by(f64::total_cmp);
    heights.dedup_by(|a, b| (*a - *b).abs() < NODE.1);
    let layer = |y: f64| heights.iter().rposition(|height| *height <= y + 0.5).unwrap_or_default() as f64;
    let mut places: BTreeMap<NodeId, (f64, f64)> = BTreeMap::new();
    let in_order =
        |removed: bool| diff.nodes.iter().filter(move |node: &&GraphNode| (node.fate == Fate::Removed) == removed);
    for node in in_order(false).chain(in_order(true)) {
        let y = layer(node.position.y) * (NODE.1 + 40.0);
        let mut x = node.position.x;
        let overlaps = |x: f64, places: &BTreeMap<NodeId, (f64, f64)>| {
            places.values().any(|(other_x, other_y)| (*other_y - y).abs() < 1.0 && (*other_x - x).abs() < NODE.0 + 12.0)
        };
        while overlaps(x, &places) {
            x += NODE.0 + 24.0;
        }
        places.insert(node.id.clone(), (x, y));
    }
    places
}

fn shortened(title: &str) -> String {
    const N_LETTERS: usize = 24;
    if title.chars().count() <= N_LETTERS {
        return title.to_owned();
    }
    title.chars().take(N_LETTERS - 1).chain(['…']).collect()
}
