//! One node on the canvas: title, summary, state, ports, and after a run its face.

use editor::{Command, Gesture, NodeState, PortRef};
use leptos::html::{Article, Input};
use leptos::prelude::*;
use pipeline::{InPort, NodeId, OutPort, Severity};

use super::Cards;
use crate::store::Studio;
use crate::views::face::face;
use crate::views::icon::{icon, icon_of};
use crate::views::state::state_chip;
use crate::views::thumbnail::{family_class, family_of};

#[derive(Clone, PartialEq)]
struct Head {
    title: String,
    caption: String,
    icon: String,
    class: &'static str,
    is_known: bool,
    is_selected: bool,
}

#[derive(Clone, PartialEq)]
struct Port {
    name: String,
    phrase: &'static str,
    is_connected: bool,
    is_missing: bool,
}

/// The card of one node. The canvas moves it; everything else it reads from memos.
#[component]
pub fn NodeCard(id: NodeId, cards: Cards) -> impl IntoView {
    let studio = expect_context::<Studio>();
    let head = {
        let id = id.clone();
        studio.select(move |editor| {
            let node = editor.pipeline().node(&id)?;
            let spec = editor.catalogue().get(&node.component);
            Some(Head {
                title: editor.title(&id).to_owned(),
                caption: editor.caption(&id),
                icon: spec.map_or_else(|| "circle-help".into(), |spec| spec.icon.clone()),
                class: family_class(spec.map_or_else(|| family_of(&node.component), |spec| Some(spec.family))),
                is_known: spec.is_some(),
                is_selected: editor.selection().contains(&id),
            })
        })
    };
    let state = {
        let id = id.clone();
        studio.select(move |editor| editor.status(&id).state.clone())
    };
    let result = {
        let id = id.clone();
        studio.select(move |editor| editor.status(&id).report.as_ref().and_then(|report| report.face.clone()))
    };
    let problem = {
        let id = id.clone();
        studio.select(move |editor| {
            let problems = editor.problems_of(&id);
            let worst = problems.iter().min_by_key(|problem| problem.severity)?;
            Some((
                worst.severity,
                format!("{} {}", crate::views::sentence(&worst.message), crate::views::sentence(&worst.help)),
            ))
        })
    };
    let ports = {
        let id = id.clone();
        studio.select(move |editor| {
            let spec = editor.pipeline().node(&id).and_then(|node| editor.catalogue().get(&node.component));
            let inputs: Vec<_> = editor
                .scene()
                .inputs(&id)
                .iter()
                .map(|name| {
                    let port = spec.and_then(|spec| spec.input(name));
                    let is_connected = editor.pipeline().source(&InPort::new(&id, name)).is_some();
                    Port {
                        name: name.clone(),
                        phrase: port.map_or("", |port| port.port_type.phrase()),
                        is_connected,
                        is_missing: !is_connected && port.is_some_and(|port| !port.optional),
                    }
                })
                .collect();
            let outputs: Vec<_> = editor
                .scene()
                .outputs(&id)
                .iter()
                .map(|name| Port {
                    name: name.clone(),
                    phrase: spec.and_then(|spec| spec.output(name)).map_or("", |port| port.port_type.phrase()),
                    is_connected: editor.pipeline().edges().values().any(|from| from.node == id && from.port == *name),
                    is_missing: false,
                })
                .collect();
            (inputs, outputs)
        })
    };
    let element = NodeRef::<Article>::new();
    let registered = id.clone();
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            cards.register(registered.clone(), element);
            studio.invalidate();
        }
    });
    let gone = id.clone();
    on_cleanup(move || cards.forget(&gone));

    let class = move || {
        let state = state.get();
        let (family, selected, known) = head
            .with(|head| head.as_ref().map_or(("", false, true), |head| (head.class, head.is_selected, head.is_known)));
        let mut class = format!("node-card {family}");
        if selected {
            class.push_str(" node-card--selected");
        }
        if !known {
            class.push_str(" node-card--unknown");
        }
        if matches!(state, NodeState::Failed(_)) {
            class.push_str(" node-card--failed");
        }
        class
    };
    let title = {
        let id = id.clone();
        move || {
            let text = head.with(|head| head.as_ref().map(|head| head.title.clone())).unwrap_or_default();
            if studio.renaming.get().as_ref() == Some(&id) {
                let (kept, before) = (id.clone(), text.clone());
                // Before the next key, so that whoever types at once types the name.
                let field = NodeRef::<Input>::new();
                field.on_load(|field| {
                    // An element in the page takes the focus.
                    let _ = field.focus();
                });
                view! {
                    <input node_ref=field class="node-card__rename" aria-label="New name" value=before maxlength="60"
                        on:focus=move |event| crate::views::inspector_target(&event).select()
                        on:blur=move |event| {
                            // Escape has already ended the renaming; then the old name stays.
                            if studio.renaming.try_get_untracked().flatten().as_ref() == Some(&kept) {
                                studio.renaming.set(None);
                                studio.send(Command::Rename { node: kept.clone(), title: event_target_value(&event) });
                            }
                        }
                        on:keydown=move |event| {
                            event.stop_propagation();
                            match event.key().as_str() {
                                "Enter" => crate::dom::focus_later("#canvas"),
                                "Escape" => { studio.renaming.set(None); crate::dom::focus_later("#canvas"); }
                                _ => {}
                            }
                        } />
                }
                .into_any()
            } else {
                view! { <h3 class="node-card__title" title=text.clone()>{text.clone()}</h3> }.into_any()
            }
        }
    };
    let warning = move || {
        problem.get().filter(|_| !matches!(state.get(), NodeState::Running { .. } | NodeState::Queued)).map(|(severity, text)| {
            let class = if severity == Severity::Error { "node-card__problem node-card__problem--error" } else { "node-card__problem" };
            view! { <span class=class title=text.clone()>{icon_of("triangle-alert", "icon icon--sm")}<span class="sr-only">{text.clone()}</span></span> }
        })
    };
    let caption = move || match state.get() {
        NodeState::Running { message, .. } if !message.is_empty() => message,
        NodeState::Failed(failure) => failure.message,
        _ => head.with(|head| head.as_ref().map(|head| head.caption.clone())).unwrap_or_default(),
    };
    let progress = move || match state.get() {
        NodeState::Running { fraction, .. } => {
            Some(view! { <span class="progress node-card__progress"><i style:--v=fraction.to_string()></i></span> })
        }
        _ => None,
    };
    let (in_id, out_id) = (id.clone(), id.clone());
    let label = {
        let id = id.clone();
        studio.select(move |editor| format!("{}, {}", editor.title(&id), editor.status(&id).state.label()))
    };
    let place = studio.with(|editor| editor.card_rect(&id)).unwrap_or_default();
    view! {
        <article class=class node_ref=element tabindex="-1" data-node-id=id.to_string() data-state=move || state.with(NodeState::token)
            aria-label=move || label.get() style:transform=super::translation(place.x, place.y)>
            <ul class="ports ports--in">{move || port_list(studio, &in_id, ports.get().0, true)}</ul>
            <header class="node-card__head">
                {move || head.get().map(|head| view! { <span class="fam">{icon(&head.icon)}</span> })}
                {title}
                {warning}
                {state_chip(studio, &id)}
            </header>
            <p class="node-card__caption" title=caption>{caption}</p>
            {progress}
            {move || result.get().map(|result| face(&result))}
            <ul class="ports ports--out">{move || port_list(studio, &out_id, ports.get().1, false)}</ul>
        </article>
    }
}

fn port_list(studio: Studio, node: &NodeId, ports: Vec<Port>, is_input: bool) -> Vec<AnyView> {
    let n = ports.len();
    ports
        .into_iter()
        .enumerate()
        .map(|(port_idx, port)| {
            let reference = if is_input {
                PortRef::In(InPort::new(node, &port.name))
            } else {
                PortRef::Out(OutPort::new(node, &port.name))
            };
            let (pressed, compared) = (reference.clone(), reference);
            let fit = studio.select(move |editor| match editor.gesture() {
                Gesture::Connect { from, .. } if *from == compared => " port--from",
                Gesture::Connect { candidates, .. } => {
                    match candidates.iter().find(|candidate| candidate.port == compared) {
                        Some(candidate) if candidate.refusal.is_none() => " port--fits",
                        _ => " port--unfit",
                    }
                }
                _ if editor.focused_port() == Some(&compared) => " port--from",
                _ => "",
            });
            let base = match (port.is_connected, port.is_missing) {
                (true, _) => "port port--connected",
                (false, true) => "port port--missing",
                (false, false) => "port",
            };
            let side = if is_input { "Input" } else { "Output" };
            let label = format!("{side} {}, {}{}", port.name, port.phrase, if port.is_missing { ", not connected" } else { "" });
            let name = format!("{}:{}", if is_input { "in" } else { "out" }, port.name);
            view! {
                <li><button type="button" class=move || format!("{base}{}", fit.get()) tabindex="-1" aria-label=label data-port=name
                    style:--i=port_idx.to_string() style:--n=n.to_string()
                    on:click=move |event| {
                        // Pointers are seen to by the canvas; this is a press from the keyboard or a screen reader.
                        if event.detail() == 0 {
                            event.stop_propagation();
                            press_port(studio, &pressed);
                        }
                    }><span class="port__name" aria-hidden="true">{port.name}</span></button></li>
            }
            .into_any()
        })
        .collect()
}

fn press_port(studio: Studio, port: &PortRef) {
    let in_hand = studio.with(|editor| match editor.gesture() {
        Gesture::Connect { from, .. } => Some(from.clone()),
        _ => None,
    });
    match in_hand.and_then(|from| editor::ends(&from, port)) {
        Some((from, to)) => {
            studio.send(Command::Escape);
            studio.send(Command::Connect { from, to });
        }
        None => studio.send(Command::StartConnect(port.clone())),
    }
}
