//! A modal dialog on the browser's own `<dialog>`: it traps the focus and closes on Escape.

use leptos::prelude::*;

use super::icon::icon;
use crate::dom;

/// A dialog with a heading and a button that closes it.
pub fn dialog(
    id: &'static str,
    class: &'static str,
    heading: &'static str,
    body: AnyView,
    foot: Option<AnyView>,
) -> AnyView {
    let heading_id = format!("{id}-heading");
    view! {
        <dialog id=id class=class aria-labelledby=heading_id.clone()>
            <header class="dialog__head">
                <h2 id=heading_id.clone()>{heading}</h2>
                <button type="button" class="icon-button" aria-label="Close" title="Close (Esc)" on:click=move |_| dom::close_dialog(id)>
                    {icon("x")}
                </button>
            </header>
            <div class="dialog__body" tabindex="0">{body}</div>
            {foot.map(|foot| view! { <footer class="dialog__foot">{foot}</footer> })}
        </dialog>
    }
    .into_any()
}
