//! What must be said until it is answered: a pipeline from a link, storage that keeps nothing, a second tab,
//! an engine that was replaced.

use leptos::prelude::*;

use super::icon::icon;
use crate::parts;
use crate::store::{Saved, Studio};

/// The banners, under the bar of either page.
#[component]
pub fn Banners() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let offer = move || {
        studio.offer.get().map(|offer| {
            let n_nodes = offer.pipeline.nodes().len();
            let mut contents: Vec<String> = offer.pipeline.nodes().values().map(|node| super::words_of(&node.component)).collect();
            contents.dedup();
            contents.truncate(5);
            let files = (!offer.files.is_empty()).then(|| format!(" It needs the file {}, which you will be asked for.", offer.files.join(", ")));
            let name = offer.pipeline.name().to_owned();
            view! {
                <div class="banner" role="region" aria-label="Pipeline from a link">
                    {icon("link")}
                    <p><b>"Opened from a link: "{name}</b>{format!(" · {n_nodes} nodes ({}…). Nothing has run and nothing of yours has changed.", contents.join(", "))}{files}</p>
                    <button type="button" class="button button--primary button--small" on:click=move |_| {
                        if let Some(offer) = studio.offer.get_untracked() { studio.offer.set(None); studio.open_new(offer.pipeline); }
                    }>"Open as new pipeline"</button>
                    <button type="button" class="button button--small" on:click=move |_| studio.offer.set(None)>"Discard"</button>
                </div>
            }
        })
    };
    let bad_link = move || {
        studio.link_problem.get().map(|message| view! {
            <div class="banner banner--warning" role="alert">
                {icon("unplug")}<p><b>"The link does not open: "</b>{message}</p>
                <button type="button" class="button button--small" on:click=move |_| studio.link_problem.set(None)>"Dismiss"</button>
            </div>
        })
    };
    let storage = move || {
        studio.storage_problem.get().map(|reason| view! {
            <div class="banner banner--warning" role="alert">
                {icon("hard-drive")}<p><b>"This browser keeps nothing at the moment"</b>{format!(" ({reason}). You can go on working; save your pipeline as a file before you close the tab.")}</p>
                <button type="button" class="button button--small" on:click=move |_| studio.save_file()>"Save file"</button>
                <button type="button" class="button button--small" on:click=move |_| { studio.storage_problem.set(None); studio.save_now(); }>"Try again"</button>
            </div>
        })
    };
    let engine = move || {
        studio.engine_problem.get().map(|failure| view! {
            <div class="banner banner--warning" role="alert">
                {icon("octagon-alert")}<p><b>{super::sentence(&failure.message)}</b>" "{failure.help}</p>
                <button type="button" class="button button--small" on:click=move |_| studio.engine_problem.set(None)>"Dismiss"</button>
            </div>
        })
    };
    let update = move || {
        studio.has_update.get().then(|| {
            // A run is never interrupted.
            let is_running = studio.select(|editor| matches!(editor.run_state(), editor::RunState::Running { .. }));
            view! {
                <div class="banner" role="status" id="update">
                    {icon("sparkles")}<p><b>"A new version of Millrace is here"</b>" · what you have open stays as it is"</p>
                    <button type="button" class="button button--small" on:click=move |_| studio.has_update.set(false)>"Later"</button>
                    <button type="button" class="button button--primary button--small" disabled=is_running on:click=move |_| parts::take_over()>"Reload"</button>
                </div>
            }
        })
    };
    let elsewhere = move || {
        (studio.saved.get() == Saved::Elsewhere).then(|| view! {
            <div class="banner banner--warning" role="region" aria-label="Open in another tab">
                {icon("lock")}<p><b>"This pipeline is open in another tab"</b>", which saves it. Here you can look, but changes are not kept."</p>
                <button type="button" class="button button--small" on:click=move |_| studio.take_over()>"Take over"</button>
                <button type="button" class="button button--small" on:click=move |_| studio.make_copy()>"Make a copy"</button>
            </div>
        })
    };
    view! { <div class="banners">{offer}{bad_link}{storage}{engine}{update}{elsewhere}</div> }
}
