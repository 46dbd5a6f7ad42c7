//! The sheet of shortcuts, drawn from the one table that also handles the keys.

use editor::{Binding, KEYMAP, Scope, chord_label};
use leptos::prelude::*;

use super::dialog::dialog;
use crate::dom;

/// Opens the sheet.
pub fn open() {
    dom::show_dialog("shortcuts-dialog");
}

/// Whether keys are named as on a Mac.
pub fn is_mac() -> bool {
    dom::window().navigator().platform().is_ok_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP"))
}

/// The sheet.
#[component]
pub fn ShortcutSheet() -> impl IntoView {
    let mac = is_mac();
    let section = |scope: Scope, heading: &'static str| {
        let mut rows: Vec<(&'static str, Vec<&'static Binding>)> = Vec::new();
        for binding in KEYMAP.iter().filter(|binding| binding.scope == scope) {
            match rows.iter_mut().find(|(label, _)| *label == binding.label) {
                Some((_, bindings)) => bindings.push(binding),
                None => rows.push((binding.label, vec![binding])),
            }
        }
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(label, bindings)| {
                let keys: Vec<_> = bindings
                    .iter()
                    .take(4)
                    .map(|binding| view! { <kbd>{chord_label(binding.chord, mac)}</kbd> }.into_any())
                    .collect();
                view! { <dt>{label}</dt><dd>{keys}</dd> }.into_any()
            })
            .collect();
        view! { <section><h3>{heading}</h3><dl>{rows}</dl></section> }.into_any()
    };
    let body = view! {
        <p>"Single keys work only while the canvas has the focus, never while you type."</p>
        <div class="keys">
            <div>{section(Scope::Global, "Everywhere")}{section(Scope::Joining, "While connecting")}</div>
            <div>{section(Scope::Canvas, "On the canvas")}</div>
        </div>
    }
    .into_any();
    dialog("shortcuts-dialog", "dialog dialog--wide", "Keyboard shortcuts", body, None)
}
