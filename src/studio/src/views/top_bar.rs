//! The bar over the studio: where we are, whether it is safe, and the few things always wanted.

use editor::{Command, RunState};
use leptos::prelude::*;
use protocol::Motion;

use super::icon::{icon, mark, small_icon};
use crate::store::{Page, Saved, Studio};
use crate::{compute, dom};

/// The bar.
#[component]
pub fn TopBar() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let name = studio.select(|editor| editor.pipeline().name().to_owned());
    let can_undo = studio.select(|editor| editor.can_undo());
    let can_redo = studio.select(|editor| editor.can_redo());
    let run = studio.select(|editor| editor.run_state().clone());
    let is_empty = studio.select(|editor| editor.pipeline().nodes().is_empty());
    let saved = move || {
        let (class, name, text) = match studio.saved.get() {
            Saved::Yes => ("saved", "check", "saved"),
            Saved::Saving => ("saved", "ellipsis", "saving"),
            Saved::Failed(_) => ("saved saved--failed", "triangle-alert", "not saved"),
            Saved::Elsewhere => ("saved", "lock", "read only"),
        };
        view! { <span class=class>{small_icon(name)}{text}</span> }
    };
    let run_button = move || {
        match run.get() {
        RunState::Running { fraction, cancelling, .. } => view! {
            {pause_button(studio)}
            <button type="button" class="button button--primary actions__run" id="stop" disabled=cancelling on:click=move |_| studio.send(Command::CancelRun)>
                {icon("square")}{if cancelling { "Stopping" } else { "Stop" }}<span class="actions__percent">{format!("{:.0} %", fraction * 100.0)}</span>
            </button>
        }
        .into_any(),
        RunState::Idle => view! {
            <button type="button" class="button button--primary actions__run" id="run" disabled=move || is_empty.get()
                title="Run all (Ctrl+Shift+Enter)" on:click=move |_| studio.send(Command::RunAll)>
                {icon("play")}"Run"
            </button>
        }
        .into_any(),
    }
    };
    let has_no_document = move || studio.document.read().is_empty();
    let on_canvas = move || studio.page.get() == Page::Studio;
    view! {
        <header class="bar" class=("bar--page", move || !on_canvas()) class=("bar--bare", has_no_document) class=("bar--collapsed", move || !studio.layout.with(|layout| layout.palette_open)) data-region="bar">
            <button type="button" class="brand" aria-label="Millrace: all pipelines" title="All pipelines" on:click=move |_| studio.leave()>{mark()}<b>"Millrace"</b></button>
            <div class="crumb">
                <h1 class="sr-only">{move || name.get()}</h1>
                <input class="crumb__title" aria-label="Name of the pipeline" maxlength="120" prop:value=move || name.get()
                    on:change=move |event| studio.send(Command::SetName(event_target_value(&event)))
                    on:keydown=move |event| if event.key() == "Enter" { dom::focus_later("#canvas") } />
                {saved}
            </div>
            <nav class="pages" aria-label="Pages">
                <button type="button" aria-current=move || on_canvas().then_some("page") on:click=move |_| studio.show_design()>"Design"</button>
                <button type="button" aria-current=move || (studio.page.get() == Page::Runs).then_some("page") on:click=move |_| studio.show_runs()>"Runs"</button>
                <button type="button" aria-current=move || (studio.page.get() == Page::Sweeps).then_some("page") disabled=has_no_document
                    title=move || has_no_document().then_some("Open a pipeline first") on:click=move |_| studio.show_sweeps()>"Sweeps"</button>
                <button type="button" aria-current=move || (studio.page.get() == Page::Models).then_some("page") on:click=move |_| studio.show_models()>"Models"</button>
                <button type="button" aria-current=move || (studio.page.get() == Page::Monitor).then_some("page") on:click=move |_| studio.show_monitor()>"Monitor"</button>
            </nav>
            <div class="actions" role="toolbar" aria-label="Pipeline">
                {panel_toggle(studio, "panel-left", "Palette", |layout| &mut layout.palette_open)}
                {panel_toggle(studio, "panel-bottom", "Results", |layout| &mut layout.dock_open)}
                {panel_toggle(studio, "panel-right", "Inspector", |layout| &mut layout.inspector_open)}
                <button type="button" class="icon-button" aria-label="Undo" title="Undo (Ctrl+Z)" disabled=move || !can_undo.get() on:click=move |_| studio.undo()>{icon("undo-2")}</button>
                <button type="button" class="icon-button" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" disabled=move || !can_redo.get() on:click=move |_| studio.send(Command::Redo)>{icon("redo-2")}</button>
                {theme_button(studio)}
                <button type="button" class="button button--ghost button--small" aria-label="Ctrl K, commands" title="Commands (Ctrl+K)" on:click=move |_| studio.overlays.then(super::commander::open)>{icon("search")}<kbd>"Ctrl K"</kbd></button>
                <button type="button" class="button" id="share" on:click=move |_| studio.overlays.then(move || super::share::open(studio))>{icon("link")}"Share"</button>
                <button type="button" class="button actions__compute" id="compute" popovertarget="compute-menu" aria-haspopup="dialog" title="How many workers compute a run"
                    aria-label=move || format!("Compute: {}", compute::in_words(studio.n_workers.get())) on:click=move |_| studio.overlays.fetch()>
                    {icon("boxes")}<b class="num">{studio.n_workers}</b>{small_icon("chevron-down")}
                </button>
                {run_button}
            </div>
        </header>
    }
}

/// Holds the run, or lets it go on.
fn pause_button(studio: Studio) -> AnyView {
    let face = move || match studio.motion.get() {
        Motion::Free => ("pause", "Pause the run", Motion::Paused),
        Motion::Paused | Motion::OnePass => ("play", "Resume the run", Motion::Free),
    };
    view! {
        <button type="button" class="icon-button" id="pause" aria-label=move || face().1 title=move || face().1
            on:click=move |_| studio.move_run(face().2)>{move || icon(face().0)}</button>
    }
    .into_any()
}

fn panel_toggle(
    studio: Studio,
    icon_name: &'static str,
    label: &'static str,
    which: fn(&mut crate::store::Layout) -> &mut bool,
) -> AnyView {
    let is_open = move || studio.layout.with(|layout| *which(&mut layout.clone()));
    view! {
        <button type="button" class="icon-button actions__panel" aria-label=format!("{label} panel") title=format!("Show or hide: {}", label.to_lowercase())
            aria-expanded=move || is_open().to_string()
            on:click=move |_| studio.change_layout(|layout| { let open = which(layout); *open = !*open; })>{icon(icon_name)}</button>
    }
    .into_any()
}

/// Goes through system, light and dark.
pub fn theme_button(studio: Studio) -> AnyView {
    let face = move || match studio.theme.get() {
        "light" => ("sun", "Theme: light"),
        "dark" => ("moon", "Theme: dark"),
        _ => ("monitor", "Theme: as the system"),
    };
    view! {
        <button type="button" class="icon-button" aria-label=move || face().1 title=move || face().1 on:click=move |_| {
            studio.set_theme(match studio.theme.get_untracked() { "light" => "dark", "dark" => "system", _ => "light" });
        }>{move || icon(face().0)}</button>
    }
    .into_any()
}
