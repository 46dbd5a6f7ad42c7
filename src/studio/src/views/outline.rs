//! The pipeline as a tree that can be read and worked without seeing the canvas.

use editor::Command;
use leptos::prelude::*;
use pipeline::NodeId;
use wasm_bindgen::JsCast;

use super::icon::icon;
use super::state::state_chip;
use super::thumbnail::family_class;
use crate::dom;
use crate::store::Studio;

#[derive(Clone, PartialEq)]
struct Row {
    id: NodeId,
    title: String,
    text: String,
    icon: String,
    class: &'static str,
    links: Vec<String>,
}

/// The outline: nodes in the order in which they run, their connections beneath.
pub fn outline(studio: Studio) -> AnyView {
    let rows = studio.select(|editor| {
        let spec_of = |id: &NodeId| editor.pipeline().node(id).and_then(|node| editor.catalogue().get(&node.component));
        let rows = editor.outline().into_iter().map(|item| Row {
            icon: spec_of(&item.node).map_or_else(|| "circle-help".to_owned(), |spec| spec.icon.clone()),
            class: family_class(spec_of(&item.node).map(|spec| spec.family)),
            links: item.links.into_iter().map(|link| link.text).collect(),
            title: item.title,
            text: item.text,
            id: item.node,
        });
        rows.collect::<Vec<_>>()
    });
    let tree = move || {
        let rows = rows.get();
        if rows.is_empty() {
            return vec![
                view! { <li role="none"><p class="palette__none">"Nothing is placed yet"</p></li> }.into_any(),
            ];
        }
        rows.into_iter().enumerate().map(|(row_idx, row)| item(studio, row, row_idx == 0)).collect()
    };
    view! {
        <div></div>
        <div class="outline" id="palette-page" role="tabpanel" aria-labelledby="palette-tab-outline">
            <ul role="tree" aria-label="Outline of the pipeline" aria-multiselectable="true" on:keydown=move |event| keys(studio, &event)>{tree}</ul>
        </div>
    }
    .into_any()
}

fn item(studio: Studio, row: Row, is_first: bool) -> AnyView {
    let (id, selected_id, state_id) = (row.id.clone(), row.id.clone(), row.id.clone());
    let is_selected = studio.select(move |editor| editor.selection().contains(&selected_id));
    let details: Vec<_> = row
        .links
        .iter()
        .map(|text| view! { <li role="treeitem" tabindex="-1" class="outline__row">{text.clone()}</li> }.into_any())
        .collect();
    let click = id.clone();
    let group = format!("outline-of-{id}");
    view! {
        <li role="none">
            <div role="treeitem" class=format!("outline__row {}", row.class) aria-expanded="true" aria-owns=group.clone() data-outline=id.to_string()
                aria-selected=move || is_selected.get().to_string() tabindex=if is_first { "0" } else { "-1" }
                on:click=move |_| studio.go_to(&click)>
                <span class="fam">{icon(&row.icon)}</span>
                <span class="truncate">{row.title.clone()}</span><span class="sr-only">{row.text.clone()}</span>
                {state_chip(studio, &state_id)}
            </div>
            <ul role="group" id=group.clone()>{details}</ul>
        </li>
    }
    .into_any()
}

/// The keys of a tree, and those of the canvas on the node that has the focus.
fn keys(studio: Studio, event: &web_sys::KeyboardEvent) {
    let Some(item) = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|target| target.closest("[role=treeitem]").ok().flatten())
    else {
        return;
    };
    let Ok(all) = dom::document().query_selector_all(".outline [role=treeitem]") else { return };
    let items: Vec<web_sys::HtmlElement> = (0..all.length()).filter_map(|i| all.get(i)?.dyn_into().ok()).collect();
    let here = items.iter().position(|other| other.is_same_node(Some(&item))).unwrap_or(0);
    let node = item.get_attribute("data-outline").and_then(|id| NodeId::new(&id).ok());
    let is_top = |item: &web_sys::HtmlElement| item.has_attribute("data-outline");
    let goal = match event.key().as_str() {
        "ArrowDown" => items.get(here + 1),
        "ArrowUp" => here.checked_sub(1).and_then(|there| items.get(there)),
        "ArrowRight" => items.get(here + 1).filter(|next| !is_top(next)),
        "ArrowLeft" => items[..here].iter().rev().find(|item| is_top(item)),
        "Home" => items.first(),
        "End" => items.iter().rev().find(|item| is_top(item)),
        "Enter" | " " => {
            if let Some(node) = node {
                event.prevent_default();
                if event.key() == " " {
                    studio.send(Command::SelectNodes(vec![node], editor::Merge::Toggle))
                } else {
                    studio.go_to(&node)
                }
            }
            return;
        }
        "Delete" | "Backspace" => {
            if let Some(node) = node {
                event.prevent_default();
                studio.send(Command::Select(node));
                studio.send(Command::Delete);
            }
            return;
        }
        "F2" => {
            if let Some(node) = node {
                event.prevent_default();
                studio.go_to(&node);
                studio.renaming.set(Some(node));
            }
            return;
        }
        key if key.chars().count() == 1 && !event.ctrl_key() && !event.meta_key() && !event.alt_key() => {
            let letter = key.to_lowercase();
            items.iter().cycle().skip(here + 1).take(items.len()).find(|item| {
                is_top(item) && item.text_content().is_some_and(|text| text.to_lowercase().starts_with(&letter))
            })
        }
        _ => None,
    };
    if let Some(goal) = goal {
        event.prevent_default();
        event.stop_propagation();
        // An element in the page takes the focus.
        let _ = goal.focus();
    }
}
