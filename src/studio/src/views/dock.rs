//! The panel below the canvas: results of the focused node, its rows, and what is wrong.

use std::hash::{Hash, Hasher};

use editor::{Editor, NodeState};
use leptos::prelude::*;
use pipeline::{NodeId, Severity};

use super::icon::{icon, small_icon};
use crate::parts::ResultsOf;
use crate::store::{DockTab, Studio};

/// The dock.
#[component]
pub fn Dock() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let tab = studio.dock_tab;
    let n_problems = studio.select(|editor| {
        let n_errors = editor.problems().iter().filter(|problem| problem.severity == Severity::Error).count();
        (editor.problems().len(), n_errors)
    });
    let tabs: Vec<_> = [
        (DockTab::Output, "Output", "output"),
        (DockTab::Data, "Data", "data"),
        (DockTab::Problems, "Problems", "problems"),
    ]
    .into_iter()
    .map(|(choice, label, id)| {
        let count = (choice == DockTab::Problems).then_some({
            move || {
                let (n, n_errors) = n_problems.get();
                let class = if n_errors > 0 { "badge badge--error" } else { "badge" };
                view! { <span class=class>{n}</span> }
            }
        });
        view! {
            <button type="button" role="tab" id=format!("dock-tab-{id}") aria-controls="dock-page"
                aria-selected=move || (tab.get() == choice).to_string()
                tabindex=move || if tab.get() == choice { "0" } else { "-1" }
                on:click=move |_| tab.set(choice)>{label}{count}</button>
        }
        .into_any()
    })
    .collect();
    let subject = studio.select(|editor| {
        let node = editor
            .focused()
            .filter(|node| editor.selection().contains(*node))
            .or_else(|| editor.selection().first())?;
        Some((super::title_of(editor, node), editor.status(node).state == editor::NodeState::Stale))
    });
    let node: Signal<Option<NodeId>> = studio.focused.into();
    let link = studio.link;
    // Differs whenever the results of the node in question do.
    let revision: Signal<u64> = studio
        .select(|editor| {
            let mut hasher = std::hash::DefaultHasher::new();
            let node = editor.focused().or_else(|| editor.selection().first());
            let report = node.and_then(|node| editor.status(node).report.as_ref());
            if let Some(report) = report {
                report.artifacts.hash(&mut hasher);
                std::mem::discriminant(&report.outcome).hash(&mut hasher);
                report.elapsed_secs.to_bits().hash(&mut hasher);
            }
            hasher.finish()
        })
        .into();
    let announce = Callback::new(move |text: String| studio.announcement.set(text));
    let progress = studio.select(move |editor| match node.get().map(|node| editor.status(&node).state.clone()) {
        Some(NodeState::Running { message, .. }) => message,
        _ => String::new(),
    });
    let results = ResultsOf {
        node,
        revision,
        has_results: false,
        progress: progress.into(),
        motion: studio.motion,
        set_motion: Callback::new(move |motion| studio.move_run(motion)),
        link,
        announce,
    };
    let is_live = studio.select(move |editor| {
        node.get().is_some_and(|node| matches!(editor.status(&node).state, NodeState::Running { .. }))
    });
    let notice = studio.select(move |editor| node.get().and_then(|node| instead_of_results(editor, &node)));
    let page = move || {
        match (tab.get(), notice.get()) {
        (DockTab::Problems, _) => studio.inspector.problems(studio),
        (DockTab::Output, notice) if is_live.get() => {
            studio.viewers.live_panel(ResultsOf { has_results: notice.is_none(), ..results })
        }
        (DockTab::Output | DockTab::Data, Some((glyph, headline, help))) => view! {
            <div class="empty">{icon(glyph)}<b>{super::prose::inline(&headline)}</b><p>{super::prose::inline(&help)}</p></div>
        }
        .into_any(),
        (DockTab::Output, None) => studio.viewers.output_panel(results),
        (DockTab::Data, None) => studio.viewers.data_panel(results),
    }
    };
    let kept = move || {
        let n_bytes = studio.kept.with(|kept| kept.n_bytes);
        (n_bytes > 0).then(|| {
            let size = super::face::bytes(n_bytes as f64);
            view! {
                <button type="button" class="button button--ghost button--small" title="Results kept for reuse: show the pipeline's settings"
                    on:click=move |_| {
                        studio.send(editor::Command::ClearSelection);
                        studio.change_layout(|layout| layout.inspector_open = true);
                        crate::dom::focus_later("#kept button");
                    }>{icon("recycle")}{size}" kept"</button>
            }
        })
    };
    let is_large = move || studio.layout.with(|layout| layout.dock_large);
    view! {
        <section class="panel dock" aria-label="Results" data-region="dock">
            {super::splitter::splitter(studio, super::splitter::Edge::Dock)}
            <header class="dock__head">
                <div class="tabs" role="tablist" aria-label="Results" on:keydown=move |event| {
                    let order = [DockTab::Output, DockTab::Data, DockTab::Problems];
                    if let Some(next) = super::next_tab(&event, &order, tab.get_untracked()) { tab.set(next); }
                }>{tabs}</div>
                <div class="dock__tools">
                    {move || subject.get().map(|(title, is_stale)| view! {
                        <span class="dock__subject">{title}</span>
                        {is_stale.then(|| view! { <span class="badge badge--stale">{small_icon("history")}"from before the last change"</span> })}
                    })}
                    {kept}
                    <button type="button" class="icon-button" aria-label=move || if is_large() { "Make results smaller" } else { "Make results larger" }
                        title="Larger or smaller" on:click=move |_| studio.change_layout(|layout| layout.dock_large = !layout.dock_large)>
                        {move || icon(if is_large() { "minimize-2" } else { "maximize-2" })}
                    </button>
                    <button type="button" class="icon-button" aria-label="Hide results" title="Hide" on:click=move |_| studio.change_layout(|layout| { layout.dock_open = false; layout.dock_large = false; })>{icon("chevron-down")}</button>
                </div>
            </header>
            <div class="dock__page" class=("dock__page--table", move || tab.get() == DockTab::Data) role="tabpanel" id="dock-page" tabindex="0"
                aria-labelledby=move || match tab.get() { DockTab::Output => "dock-tab-output", DockTab::Data => "dock-tab-data", DockTab::Problems => "dock-tab-problems" }>
                {page}
            </div>
        </section>
    }
}

/// What is said of a node that has no results: an icon, a headline, the way out.
fn instead_of_results(editor: &Editor, node: &NodeId) -> Option<(&'static str, String, String)> {
    let status = editor.status(node);
    match &status.state {
        NodeState::Failed(failure) => {
            Some(("octagon-alert", super::capital(&failure.message), super::sentence(&failure.help)))
        }
        NodeState::Skipped(cause) => Some((
            "ban",
            format!("Not run, because {} failed", super::title_of(editor, cause)),
            "Mend that node first, then run again.".into(),
        )),
        NodeState::Queued | NodeState::Running { .. } if status.report.is_none() => {
            Some(("loader", "Running".into(), "What comes out appears here.".into()))
        }
        NodeState::Cancelled => Some(("circle-pause", "Stopped".into(), status.why.clone())),
        NodeState::Idle if status.report.is_none() => {
            Some(("circle-dashed", "Not run yet".into(), "Run the pipeline, or run to this node.".into()))
        }
        NodeState::Idle
        | NodeState::Queued
        | NodeState::Running { .. }
        | NodeState::Ran
        | NodeState::Reused
        | NodeState::Stale => None,
    }
}
