//! What can be done here: the menu of the right button, of a long press, and of Shift F10.

use editor::{Command, PortRef, Relation};
use leptos::prelude::*;
use pipeline::{NodeId, OutPort};
use wasm_bindgen::JsCast;

use super::face::bytes;
use super::icon::icon;
use crate::dom;
use crate::store::Studio;

/// The menu, while it is open.
#[component]
pub fn ContextMenu() -> impl IntoView {
    let studio = expect_context::<Studio>();
    move || studio.menu.get().map(|menu| opened(studio, menu))
}

type Entry = (&'static str, String, &'static str, bool, Box<dyn Fn() + 'static>);

fn entry(
    icon: &'static str,
    label: impl Into<String>,
    keys: &'static str,
    enabled: bool,
    act: impl Fn() + 'static,
) -> Option<Entry> {
    Some((icon, label.into(), keys, enabled, Box::new(act)))
}

fn opened(studio: Studio, menu: crate::store::Menu) -> AnyView {
    let send = move |command: Command| move || studio.send(command.clone());
    let mut entries: Vec<Option<Entry>> = Vec::new();
    let mut heading = None;
    if let Some(node) = menu.node.clone() {
        heading = Some(studio.with(|editor| editor.title(&node).to_owned()));
        of_node(studio, &node, &mut entries);
    } else if let Some(edge) = menu.edge.clone() {
        heading = Some("Connection".to_owned());
        let source = studio.with(|editor| editor.pipeline().source(&edge).cloned());
        let (screen, at) = (menu.screen, menu.at);
        if let Some(source) = source {
            entries.push(entry("list-plus", "Insert a component…", "", true, move || {
                studio.quick_add.set(Some(crate::store::QuickAdd {
                    screen,
                    at: Some(at),
                    connect: Some(PortRef::Out(source.clone())),
                }));
            }));
        }
        entries.push(entry("unplug", "Disconnect", "Delete", true, send(Command::Disconnect(edge))));
    } else {
        let (screen, at) = (menu.screen, menu.at);
        entries.push(entry("list-plus", "Add a component…", "/", true, move || {
            studio.quick_add.set(Some(crate::store::QuickAdd { screen, at: Some(at), connect: None }));
        }));
        entries.push(entry("clipboard-paste", "Paste", "Ctrl V", true, move || {
            crate::app::paste(studio, Some(at), false)
        }));
        entries.push(entry("folder-open", "Import a file…", "", true, crate::app::choose_file));
        entries.push(None);
        let has_nodes = studio.with(|editor| !editor.pipeline().nodes().is_empty());
        entries.push(entry("scan", "Select all", "Ctrl A", has_nodes, send(Command::SelectAll)));
        entries.push(entry("layout-grid", "Tidy up", "Shift A", has_nodes, send(Command::Tidy)));
        entries.push(entry("play", "Run all", "Ctrl Shift Enter", has_nodes, send(Command::RunAll)));
        entries.push(entry("refresh-cw", "Run everything again", "", has_nodes, send(Command::RunAllAgain)));
        let n_bytes = studio.kept.with(|kept| kept.n_bytes);
        entries.push(clear(studio, "Clear results", n_bytes, None));
    }
    let items: Vec<_> = entries
        .into_iter()
        .map(|entry| match entry {
            None => view! { <hr role="separator" /> }.into_any(),
            Some((name, label, keys, enabled, act)) => view! {
                <button type="button" role="menuitem" tabindex="-1" disabled=!enabled on:click=move |_| {
                    studio.menu.set(None);
                    act();
                    if studio.quick_add.with_untracked(Option::is_none) && studio.renaming.with_untracked(Option::is_none) {
                        dom::focus_later("#canvas");
                    }
                }>{icon(name)}<span>{label}</span>{(!keys.is_empty()).then(|| view! { <kbd>{keys}</kbd> })}</button>
            }
            .into_any(),
        })
        .collect();
    let (x, y) = super::within_window(menu.screen, 240.0, 60.0 + 29.0 * items.len() as f64);
    let name = heading.clone().unwrap_or_else(|| "Canvas".into());
    // In a region of its own: everything on the page lies in a landmark.
    view! {
        <section aria-label="Menu">
            <div class="popover menu" id="context-menu" role="menu" aria-label=name
                style:left=format!("{x}px") style:top=format!("{y}px")
                on:keydown=move |event| keys(studio, &event)
                on:focusout=move |event| if super::leaves(&event, ".menu") { studio.menu.set(None) }>
                {heading.map(|heading| view! { <div class="menu__title truncate" role="presentation">{heading}</div> })}
                {items}
            </div>
        </section>
    }
    .into_any()
}

fn clear(studio: Studio, label: &str, n_bytes: u64, node: Option<NodeId>) -> Option<Entry> {
    let label = match n_bytes {
        0 => label.to_owned(),
        n_bytes => format!("{label} ({})", bytes(n_bytes as f64)),
    };
    entry("eraser", label, "", n_bytes > 0, move || studio.clear_results(node.clone()))
}

fn of_node(studio: Studio, node: &NodeId, entries: &mut Vec<Option<Entry>>) {
    let send = move |command: Command| move || studio.send(command.clone());
    let outputs: Vec<String> = studio.with(|editor| editor.scene().outputs(node).to_vec());
    let has_result = studio.with(|editor| editor.status(node).report.is_some());
    let n_selected = studio.with(|editor| editor.selection().len());
    if n_selected > 1 {
        let label = format!("Run the {n_selected} selected");
        entries.push(entry("play", label, "Ctrl Enter", true, send(Command::RunSelection)));
    }
    let keys = if n_selected > 1 { "" } else { "Ctrl Enter" };
    entries.push(entry("play", "Run to here", keys, true, send(Command::RunTo(node.clone()))));
    entries.push(entry("refresh-cw", "Run again from here", "R", true, send(Command::RunFrom(Some(node.clone())))));
    entries.push(entry(
        "rotate-cw",
        "Regenerate output",
        "Shift R",
        true,
        send(Command::Regenerate(Some(node.clone()))),
    ));
    let n_bytes = studio.kept.with(|kept| kept.nodes.get(node).copied());
    entries.push(clear(studio, "Clear its result", n_bytes.unwrap_or(0), Some(node.clone())));
    for output in &outputs {
        let shown = OutPort::new(node, output);
        entries
            .push(entry("table", format!("Open output: {output}"), "", has_result, move || studio.open_output(&shown)));
    }
    entries.push(None);
    for output in &outputs {
        let port = PortRef::Out(OutPort::new(node, output));
        entries.push(entry("workflow", format!("Connect {output} to…"), "", true, send(Command::StartConnect(port))));
    }
    let renamed = node.clone();
    entries.push(entry("pencil", "Rename", "F2", true, move || studio.renaming.set(Some(renamed.clone()))));
    entries.push(entry("copy", "Copy", "Ctrl C", true, send(Command::Copy)));
    entries.push(entry("scissors", "Cut", "Ctrl X", true, send(Command::Cut)));
    entries.push(entry("files", "Duplicate", "Ctrl D", true, send(Command::Duplicate)));
    entries.push(entry(
        "arrow-up",
        "Select what feeds it",
        "Shift U",
        true,
        send(Command::SelectRelated(Relation::Upstream)),
    ));
    entries.push(entry(
        "arrow-down",
        "Select what it feeds",
        "Shift D",
        true,
        send(Command::SelectRelated(Relation::Downstream)),
    ));
    entries.push(None);
    entries.push(entry("trash-2", "Delete", "Delete", true, send(Command::Delete)));
}

fn keys(studio: Studio, event: &web_sys::KeyboardEvent) {
    event.stop_propagation();
    let Ok(all) = dom::document().query_selector_all("#context-menu [role=menuitem]:not(:disabled)") else { return };
    let items: Vec<web_sys::HtmlElement> = (0..all.length()).filter_map(|i| all.get(i)?.dyn_into().ok()).collect();
    let active = dom::document().active_element();
    let here = items.iter().position(|item| active.as_ref().is_some_and(|active| item.is_same_node(Some(active))));
    let n = items.len().max(1);
    let goal = match event.key().as_str() {
        "ArrowDown" => here.map_or(0, |here| (here + 1) % n),
        "ArrowUp" => here.map_or(n - 1, |here| (here + n - 1) % n),
        "Home" => 0,
        "End" => n - 1,
        "Escape" | "Tab" => {
            event.prevent_default();
            studio.menu.set(None);
            dom::focus_later("#canvas");
            return;
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(item) = items.get(goal) {
        // An element in the page takes the focus.
        let _ = item.focus();
    }
}
