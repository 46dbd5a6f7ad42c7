//! A button that puts text on the clipboard, and says that it did.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::icon::icon_button;
use crate::dom;
use crate::store::{Studio, Tone};

/// The button. `label` is what it does: "Copy the command".
pub fn copy_button(studio: Studio, label: &'static str, text: impl Fn() -> String + 'static) -> AnyView {
    let copy = move || {
        let text = text();
        spawn_local(async move {
            match dom::copy(&text).await {
                Ok(()) => studio.toast(Tone::Good, "Copied", ""),
                Err(reason) => studio.toast(Tone::Failed, "Not copied", reason),
            }
        });
    };
    icon_button("copy", label, copy)
}
