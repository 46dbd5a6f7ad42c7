//! Every problem of the pipeline, its node and its way out.

use leptos::prelude::*;
use pipeline::Severity;

use super::icon::icon;
use crate::store::Studio;

/// The list of problems.
pub fn problems(studio: Studio) -> AnyView {
    let problems = studio.select(|editor| {
        editor
            .problems()
            .iter()
            .map(|problem| (problem.clone(), problem.node.as_ref().map(|node| super::title_of(editor, node))))
            .collect::<Vec<_>>()
    });
    let list = move || {
        let problems = problems.get();
        if problems.is_empty() {
            return view! {
                <div class="empty">{icon("circle-check")}<b>"Nothing is wrong"</b><p>"Problems show up here as you build, each with its way out"</p></div>
            }
            .into_any();
        }
        let rows: Vec<_> = problems
            .into_iter()
            .map(|(problem, title)| {
                let (class, name, word) = match problem.severity {
                    Severity::Error => ("problem", "octagon-alert", "Error"),
                    Severity::Warning => ("problem problem--warning", "triangle-alert", "Warning"),
                };
                let (node, place) = (problem.node.clone(), problem.place.clone());
                let go = move |_| {
                    if node.is_none() {
                        // What is about no node is about the pipeline.
                        studio.send(editor::Command::ClearSelection);
                        studio.change_layout(|layout| layout.inspector_open = true);
                    }
                    if let Some(node) = &node {
                        studio.go_to(node);
                        studio.change_layout(|layout| layout.inspector_open = true);
                        studio.inspector_tab.set(crate::store::InspectorTab::Settings);
                        if let Some(place) = &place {
                            crate::dom::focus_later(format!("[data-param=\"{place}\"] :is(input, select, textarea, button)"));
                        }
                    }
                };
                view! {
                    <li><button type="button" class=class on:click=go>
                        {icon(name)}
                        <span><span class="sr-only">{word}": "</span>{super::prose::inline(&super::sentence(&problem.message))}</span>
                        <span><span class="problem__where">{title}</span>" "<code>{problem.code}</code></span>
                        <small>{super::prose::inline(&super::sentence(&problem.help))}</small>
                    </button></li>
                }
                .into_any()
            })
            .collect();
        view! { <ul class="problems">{rows}</ul> }.into_any()
    };
    view! { {list} }.into_any()
}
