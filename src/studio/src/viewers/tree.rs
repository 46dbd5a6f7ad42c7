//! A decision tree: cards joined by lines, which are at the same time the tree that screen readers walk.

use std::collections::BTreeSet;

use leptos::ev::{KeyboardEvent, WheelEvent};
use leptos::html::Div;
use leptos::prelude::*;
use protocol::{TreeNode, TreeView};

use crate::dom;
use crate::views::icon::icon;

const CARD_WIDTH: f64 = 148.0;
const CARD_HEIGHT: f64 = 62.0;
const GAP_X: f64 = 14.0;
const GAP_Y: f64 = 34.0;
/// Trees larger than this open folded below the third level.
const N_UNFOLDED: usize = 31;

/// A card and where it is.
#[derive(Clone, PartialEq)]
struct Placed {
    node_idx: usize,
    parent: Option<usize>,
    depth: usize,
    x: f64,
    y: f64,
    /// The answer that leads here.
    answer: &'static str,
}

/// A decision tree with folding and zoom.
pub fn tree(tree: TreeView, panel_idx: usize) -> AnyView {
    let depth_of_fold = if tree.nodes.len() > N_UNFOLDED { 3 } else { usize::MAX };
    let folded = RwSignal::new(folded_below(&tree.nodes, depth_of_fold));
    let zoom = RwSignal::new(1.0_f64);
    let current = RwSignal::new(0_usize);
    let body = NodeRef::<Div>::new();
    let title = tree.title.clone();
    let n_leaves = tree.nodes.iter().filter(|node| node.yes.is_none()).count();
    let note = format!("{} leaves", charts::grouped(n_leaves as u64));
    let tree = StoredValue::new(tree);
    let placed = Memo::new(move |_| tree.with_value(|tree| place(&tree.nodes, &folded.read())));
    let extent = move || {
        placed.with(|placed| {
            let right = placed.iter().map(|card| card.x + CARD_WIDTH).fold(0.0, f64::max);
            let bottom = placed.iter().map(|card| card.y + CARD_HEIGHT).fold(0.0, f64::max);
            (right, bottom)
        })
    };
    let scale = move |factor: f64| zoom.update(|zoom| *zoom = (*zoom * factor).clamp(0.2, 2.0));
    let fit = move || {
        if let Some(body) = body.get_untracked() {
            let (width, height) = extent();
            let room = (f64::from(body.client_width()) - 24.0, f64::from(body.client_height()) - 24.0);
            zoom.set((room.0 / width).min(room.1 / height).clamp(0.2, 1.0));
        }
    };
    let focus = move |node_idx: usize| {
        current.set(node_idx);
        dom::focus_later(format!("#tree-{panel_idx}-{node_idx}"));
    };
    let toggle = move |node_idx: usize| {
        folded.update(|folded| {
            if !folded.remove(&node_idx) {
                folded.insert(node_idx);
            }
        });
    };
    let on_key = move |event: KeyboardEvent| {
        let here = current.get_untracked();
        let cards = placed.get_untracked();
        let Some(at) = cards.iter().position(|card| card.node_idx == here) else {
            return;
        };
        let has_children = tree.with_value(|tree| tree.nodes[here].yes.is_some());
        let is_folded = folded.read_untracked().contains(&here);
        let target = match event.key().as_str() {
            "ArrowDown" => cards.get(at + 1).map(|card| card.node_idx),
            "ArrowUp" => at.checked_sub(1).map(|above| cards[above].node_idx),
            "Home" => cards.first().map(|card| card.node_idx),
            "End" => cards.last().map(|card| card.node_idx),
            "ArrowRight" if has_children && !is_folded => cards.get(at + 1).map(|card| card.node_idx),
            "ArrowLeft" if !has_children || is_folded => cards[at].parent,
            "ArrowRight" | "ArrowLeft" | "Enter" | " " => {
                if has_children {
                    toggle(here);
                }
                Some(here)
            }
            _ => return,
        };
        event.prevent_default();
        if let Some(target) = target {
            focus(target);
        }
    };
    let on_wheel = move |event: WheelEvent| {
        if event.ctrl_key() {
            event.prevent_default();
            scale(if event.delta_y() < 0.0 { 1.12 } else { 1.0 / 1.12 });
        }
    };
    let links = move || {
        placed.with(|placed| {
            let mut path = String::new();
            for card in placed {
                let Some(parent) = card.parent.and_then(|parent| placed.iter().find(|other| other.node_idx == parent))
                else {
                    continue;
                };
                let (x1, y1) = (parent.x + CARD_WIDTH / 2.0, parent.y + CARD_HEIGHT);
                let (x2, y2) = (card.x + CARD_WIDTH / 2.0, card.y);
                let middle = (y1 + y2) / 2.0;
                path.push_str(&format!("M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"));
            }
            path
        })
    };
    let cards = move || {
        let folded = folded.get();
        placed
            .get()
            .into_iter()
            .map(|card| {
                let node_idx = card.node_idx;
                let is_folded = folded.contains(&node_idx);
                tree.with_value(|tree| {
                    card_view(tree, &card, is_folded, panel_idx, current, move || {
                        toggle(node_idx);
                        focus(node_idx);
                    })
                })
            })
            .collect_view()
    };
    view! {
        <section class="tree">
            <header class="chart__head">
                <h3 class="chart__title">{title.clone()}</h3>
                <span class="chart__notes">{note}</span>
                <span class="chart__tools">
                    {tool("zoom-out", "Zoom out", move || scale(1.0 / 1.25))}
                    {tool("zoom-in", "Zoom in", move || scale(1.25))}
                    {tool("maximize", "Show the whole tree", fit)}
                    {tool("list-tree", "Unfold everything", move || folded.set(BTreeSet::new()))}
                    {tool("minus", "Fold below the second level", move || {
                        folded.set(tree.with_value(|tree| folded_below(&tree.nodes, 2)));
                        current.set(0);
                    })}
                </span>
            </header>
            <div class="tree__body" node_ref=body on:wheel=on_wheel>
                <div
                    class="tree__sheet"
                    role="tree"
                    aria-label=title
                    style:zoom=move || format!("{:.3}", zoom.get())
                    style:width=move || format!("{}px", extent().0)
                    style:height=move || format!("{}px", extent().1)
                    on:keydown=on_key
                >
                    <svg class="tree__links" aria-hidden="true"><path d=links></path></svg>
                    {cards}
                </div>
            </div>
        </section>
    }
    .into_any()
}

fn tool(icon_name: &'static str, label: &'static str, press: impl Fn() + 'static) -> AnyView {
    view! {
        <button type="button" class="icon-button icon-button--small" aria-label=label title=label on:click=move |_| press()>
            {icon(icon_name)}
        </button>
    }
    .into_any()
}

fn card_view(
    tree: &TreeView,
    card: &Placed,
    is_folded: bool,
    panel_idx: usize,
    current: RwSignal<usize>,
    toggle: impl Fn() + 'static,
) -> AnyView {
    let node = &tree.nodes[card.node_idx];
    let node_idx = card.node_idx;
    let is_leaf = node.yes.is_none();
    let outcome = outcome(tree, node);
    let rule = if is_leaf { outcome.clone() } else { node.rule.clone() };
    let facts = format!("n {} · {} {}", charts::compact(node.n_rows), tree.measure, charts::compact(node.measure));
    let answer = if card.answer.is_empty() { String::new() } else { format!("{}: ", card.answer) };
    let label =
        format!("{answer}{}, {facts}{}", rule, if is_leaf { String::new() } else { format!(", mostly {outcome}") });
    let bar = (!tree.classes.is_empty()).then(|| {
        let parts = node
            .value
            .iter()
            .enumerate()
            .map(|(class_idx, share)| {
                view! { <i class=format!("series--{}", class_idx % 6) style:flex-grow=format!("{share:.4}")></i> }
            })
            .collect_view();
        view! { <span class="tree__bar" aria-hidden="true">{parts}</span> }
    });
    view! {
        <div
            id=format!("tree-{panel_idx}-{node_idx}")
            class="tree__card"
            class=("tree__card--leaf", is_leaf)
            role="treeitem"
            aria-expanded=(!is_leaf).then(|| (!is_folded).to_string())
            aria-selected=move || (current.get() == node_idx).to_string()
            title=label
            tabindex=move || if current.get() == node_idx { "0" } else { "-1" }
            style:left=format!("{}px", card.x)
            style:top=format!("{}px", card.y)
            on:focus=move |_| current.set(node_idx)
            on:click=move |_| toggle()
        >
            {(!card.answer.is_empty()).then(|| view! { <em class="tree__answer">{card.answer}</em> })}
            <b>{rule}</b>
            <small>{facts}</small>
            {(!is_leaf).then(|| view! { <span class="sr-only">{format!("mostly {outcome}")}</span> })}
            {bar}
            {is_folded.then(|| view! { <span class="tree__folded" aria-hidden="true">"+"</span> })}
        </div>
    }
    .attr("aria-level", (card.depth + 1).to_string())
    .into_any()
}

fn outcome(tree: &TreeView, node: &TreeNode) -> String {
    if tree.classes.is_empty() {
        return node.value.first().map_or_else(|| "–".to_owned(), |&mean| charts::number(mean));
    }
    let mut best = 0;
    for (class_idx, share) in node.value.iter().enumerate() {
        if *share > node.value[best] {
            best = class_idx;
        }
    }
    tree.classes.get(best).cloned().unwrap_or_default()
}

fn children(nodes: &[TreeNode], node_idx: usize) -> Option<(usize, usize)> {
    let node = nodes.get(node_idx)?;
    let (yes, no) = (node.yes? as usize, node.no? as usize);
    // Children come after their parents, so that a damaged message cannot send us in circles.
    (yes > node_idx && no > node_idx && yes < nodes.len() && no < nodes.len()).then_some((yes, no))
}

fn folded_below(nodes: &[TreeNode], depth: usize) -> BTreeSet<usize> {
    let mut folded = BTreeSet::new();
    let mut waiting = vec![(0, 0)];
    while let Some((node_idx, level)) = waiting.pop() {
        if let Some((yes, no)) = children(nodes, node_idx) {
            if level >= depth {
                folded.insert(node_idx);
            }
            waiting.extend([(yes, level + 1), (no, level + 1)]);
        }
    }
    folded
}

/// Cards in reading order: a node, what follows from yes, what follows from no.
fn place(nodes: &[TreeNode], folded: &BTreeSet<usize>) -> Vec<Placed> {
    if nodes.is_empty() {
        return Vec::new();
    }
    let mut placed: Vec<Placed> = Vec::new();
    let mut waiting: Vec<(usize, Option<usize>, usize, &'static str)> = vec![(0, None, 0, "")];
    while let Some((node_idx, parent, depth, answer)) = waiting.pop() {
        let y = depth as f64 * (CARD_HEIGHT + GAP_Y);
        placed.push(Placed { node_idx, parent, depth, x: 0.0, y, answer });
        if !folded.contains(&node_idx)
            && let Some((yes, no)) = children(nodes, node_idx)
        {
            waiting.push((no, Some(node_idx), depth + 1, "no"));
            waiting.push((yes, Some(node_idx), depth + 1, "yes"));
        }
    }
    // Leaves stand side by side; whoever has children stands in their middle, for which children come first.
    let mut next_x = 0.0;
    let mut spans = vec![(f64::INFINITY, f64::NEG_INFINITY); nodes.len()];
    let mut is_open = vec![false; nodes.len()];
    for card in &placed {
        if let Some(parent) = card.parent {
            is_open[parent] = true;
        }
    }
    let mut at_end = vec![0.0; placed.len()];
    for (card_idx, card) in placed.iter().enumerate() {
        if !is_open[card.node_idx] {
            at_end[card_idx] = next_x;
            next_x += CARD_WIDTH + GAP_X;
        }
    }
    for card_idx in (0..placed.len()).rev() {
        let node_idx = placed[card_idx].node_idx;
        let x = if is_open[node_idx] { (spans[node_idx].0 + spans[node_idx].1) / 2.0 } else { at_end[card_idx] };
        placed[card_idx].x = x;
        if let Some(parent) = placed[card_idx].parent {
            spans[parent] = (spans[parent].0.min(x), spans[parent].1.max(x));
        }
    }
    placed
}
