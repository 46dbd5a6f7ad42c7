//! Short messages, and the region that reads them to whoever does not see them.

use leptos::prelude::*;

use super::icon::icon;
use crate::store::{Studio, Tone};

/// The stack of messages at the foot of the page.
#[component]
pub fn Toasts() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let toasts = move || {
        studio
            .toasts
            .get()
            .into_iter()
            .map(|toast| {
                let (class, name) = match toast.tone {
                    Tone::Good => ("toast", "circle-check"),
                    Tone::Warning => ("toast toast--warning", "triangle-alert"),
                    Tone::Failed => ("toast toast--failed", "octagon-alert"),
                };
                let id = toast.id;
                let help = (!toast.help.is_empty()).then(|| view! { <small>{toast.help.clone()}</small> });
                let action = toast.undo.then(|| {
                    view! {
                        <button type="button" class="link" on:click=move |_| { studio.drop_toast(id); studio.undo(); }>"Undo"</button>
                    }
                });
                view! {
                    <div class=class>
                        {icon(name)}
                        <p>{toast.text}{help}</p>
                        {action}
                        <button type="button" class="icon-button icon-button--small" aria-label="Dismiss message" on:click=move |_| studio.drop_toast(id)>
                            {icon("x")}
                        </button>
                    </div>
                }
                .into_any()
            })
            .collect::<Vec<_>>()
    };
    view! {
        <section class="toasts" aria-label="Messages">{toasts}</section>
        <p class="sr-only" role="status" aria-live="polite" id="announcements">{move || studio.announcement.get()}</p>
    }
}
