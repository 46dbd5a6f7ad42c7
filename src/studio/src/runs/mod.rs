//! Runs: recorded as they happen, listed, searched and compared.
//!
//! A part of the page of its own, fetched after the first paint. What happened until then waits in the studio.

mod axes;
mod boxes;
mod cells;
mod compare;
mod curves;
mod graph;
mod list;
mod menu;
mod panel;
mod parallel;
mod recorder;
mod scatter;
mod search;
mod shelf;
mod store;
mod timeline;
mod toolbar;

use leptos::prelude::*;
use pipeline::Pipeline;

use crate::dom;
use crate::parts::Trials;
use crate::store::Studio;
use crate::views::counted;
use crate::views::icon::icon;
use store::Runs;

/// From now on, and for what waits in the studio, runs are recorded.
pub fn record(studio: Studio) {
    Runs::of(studio).start();
}

/// Looks at the trials of a sweep, these compared with each other, as soon as it is known which runs they are.
pub fn look_at_trials(studio: Studio, trials: Trials) {
    let runs = Runs::of(studio);
    runs.start();
    runs.look_at_trials(trials);
}

/// The hash of a pipeline, and the last run that was recorded of it in the open document; empty if there is none.
pub fn behind(studio: Studio, pipeline: &Pipeline) -> (String, String) {
    let hash = experiment::pipeline_hash(pipeline);
    let document = studio.document.get_untracked();
    let run = Runs::of(studio).last_run_of(&document, &hash);
    (hash.to_string(), run.map_or_else(String::new, |key| key.to_string()))
}

/// The list, and what is below it.
pub fn page(studio: Studio) -> AnyView {
    let runs = Runs::of(studio);
    runs.start();
    runs.open_address();
    // The address follows the view, so that it can be kept, sent and opened again.
    Effect::new(move |_| {
        studio.set_hash(&runs.address());
    });
    let problem = move || {
        runs.problem.get().map(|reason| {
            view! {
                <div class="banner banner--warning" role="alert">
                    {icon("hard-drive")}
                    <p><b>"Runs are not kept"</b>{format!(" ({reason}). Those of this session are shown until the tab is closed.")}</p>
                    <button type="button" class="button button--small" on:click=move |_| runs.keep_again()>"Try again"</button>
                </div>
            }
        })
    };
    let bad_link = move || {
        runs.bad_link.get().map(|message| {
            view! {
                <div class="banner banner--warning" role="alert">
                    {icon("unplug")}
                    <p><b>"The link to this view does not open: "</b>{message}</p>
                    <button type="button" class="button button--small" on:click=move |_| runs.bad_link.set(None)>"Dismiss"</button>
                </div>
            }
        })
    };
    let guests = move || {
        runs.guests.get().map(|guests| {
            let n = counted(guests.keys.len(), "run");
            view! {
                <div class="banner" role="status" id="runs-guests">
                    {icon("link")}
                    <p><b>{n}" came in the link"</b>": figures, settings and pipelines. Nothing of it is kept until you say so."</p>
                    <button type="button" class="button button--small" on:click=move |_| runs.dismiss_guests()>"Leave out"</button>
                    <button type="button" class="button button--primary button--small" on:click=move |_| runs.keep_guests()>"Keep"</button>
                </div>
            }
        })
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let typing = event.target().is_some_and(|target| {
            wasm_bindgen::JsCast::dyn_ref::<web_sys::Element>(&target).is_some_and(dom::is_typing)
        });
        if event.key() == "/" && !typing {
            event.prevent_default();
            dom::focus_later("#runs-search");
        }
    };
    let is_empty = Memo::new(move |_| {
        runs.changed.track();
        runs.loaded.get() && runs.with_table(experiment::RunTable::is_empty)
    });
    view! {
        <main class="runs" on:keydown=on_key>
            <h2 class="sr-only">"Runs"</h2>
            <div class="banners">{problem}{bad_link}{guests}</div>
            {toolbar::toolbar(runs)}
            {move || if is_empty.get() { nothing_yet() } else { list::list(runs) }}
            {panel::panel(runs)}
        </main>
    }
    .into_any()
}

/// What a page says in place of what it could show.
fn empty(icon_name: &'static str, headline: &str, words: &str) -> AnyView {
    view! { <div class="empty">{icon(icon_name)}<b>{headline.to_owned()}</b><p>{words.to_owned()}</p></div> }.into_any()
}

fn nothing_yet() -> AnyView {
    view! {
        <div class="empty runs__empty">
            {icon("history")}
            <b>"No runs yet"</b>
            <p>"Press Run on the canvas: every run is listed here, with what was changed and how well it did. Runs of the command line come in with Import."</p>
        </div>
    }
    .into_any()
}
