//! The panel at the right: what can be set on the focused node, what it gave, and what it is.

mod columns;
mod field;
mod file;
mod grid;
mod parameters;

pub use parameters::run_with;

use editor::Command;
use leptos::prelude::*;
use pipeline::{NodeId, OutPort, Point, Spec};
use protocol::NodeOutcome;

use super::face::{bytes, seconds, short_number};
use super::icon::{icon, icon_of};
use super::prose::{inline, prose};
use super::state::state_chip;
use super::thumbnail::{family_class, family_of};
use super::{counted, sentence};
use crate::store::{InspectorTab, Studio};

/// The inspector.
#[component]
pub fn Inspector() -> impl IntoView {
    let studio = expect_context::<Studio>();
    view! {
        <aside class="panel inspector" aria-label="Inspector" id="inspector" data-region="inspector">
            {super::splitter::splitter(studio, super::splitter::Edge::Inspector)}
            {studio.inspector.inspector_content(studio)}
        </aside>
    }
}

/// What stands in the inspector: the selected node, or the pipeline.
pub fn content(studio: Studio) -> AnyView {
    let subject = studio.focused;
    let head_and_page = move || match subject.get() {
        Some(node) => of_node(studio, node),
        None => of_pipeline(studio),
    };
    head_and_page.into_any()
}

fn of_pipeline(studio: Studio) -> AnyView {
    let facts = studio.select(|editor| {
        (
            editor.pipeline().name().to_owned(),
            editor.pipeline().nodes().len(),
            editor.pipeline().edges().len(),
            editor.pipeline().seed(),
        )
    });
    let n_selected = studio.select(|editor| editor.selection().len());
    view! {
        <header class="inspector__head">
            {icon_of("workflow", "icon icon--lg")}
            <div class="grow">
                <h2>{move || if n_selected.get() > 1 { format!("{} nodes selected", n_selected.get()) } else { facts.get().0 }}</h2>
                <small>{move || { let (_, nodes, edges, _) = facts.get(); format!("{} · {}", counted(nodes, "node"), counted(edges, "connection")) }}</small>
            </div>
        </header>
        <div class="inspector__tabs tabs"></div>
        <div class="inspector__page" tabindex="0" role="region" aria-label="Pipeline settings">
            <div class="field">
                <div class="field__label"><label for="pipeline-seed">"Seed of the pipeline"</label></div>
                <input type="number" class="input input--mono" id="pipeline-seed" min="0" step="1"
                    prop:value=move || facts.get().3.to_string()
                    on:change=move |event| if let Ok(seed) = event_target_value(&event).trim().parse() { studio.set_seed(seed) } />
                <p class="field__help">"Every random step draws from it: the same seed gives the same result on every computer"</p>
            </div>
            {parameters::all(studio)}
            {kept(studio, None)}
            <p class="field__help">"Select a node to see its settings"</p>
        </div>
        <footer></footer>
    }
    .into_any()
}

fn of_node(studio: Studio, node: NodeId) -> AnyView {
    let head = {
        let node = node.clone();
        studio.select(move |editor| {
            let placed = editor.pipeline().node(&node)?;
            let spec = editor.catalogue().get(&placed.component);
            let title = placed
                .title
                .clone()
                .or_else(|| spec.map(|spec| spec.title.clone()))
                .unwrap_or_else(|| placed.component.clone());
            let (family, icon) = spec.map_or((family_of(&placed.component), "circle-help".to_owned()), |spec| {
                (Some(spec.family), spec.icon.clone())
            });
            Some((title, family, icon, placed.component.clone()))
        })
    };
    let spec = {
        let node = node.clone();
        studio.select(move |editor| {
            editor.pipeline().node(&node).and_then(|placed| editor.catalogue().get(&placed.component)).cloned()
        })
    };
    let tab = studio.inspector_tab;
    let tabs: Vec<_> = [
        (InspectorTab::Settings, "Settings", "settings"),
        (InspectorTab::Output, "Output", "output"),
        (InspectorTab::Help, "Help", "help"),
    ]
    .into_iter()
    .map(|(choice, label, id)| {
        view! {
            <button type="button" role="tab" id=format!("inspector-tab-{id}") aria-controls="inspector-page"
                aria-selected=move || (tab.get() == choice).to_string()
                tabindex=move || if tab.get() == choice { "0" } else { "-1" }
                on:click=move |_| tab.set(choice)>{label}</button>
        }
        .into_any()
    })
    .collect();
    let page = {
        let node = node.clone();
        move || {
            let Some(spec) = spec.get() else {
                return view! {
                    <p class="field__help">"This version of Millrace does not know the component. The node keeps its settings; open it in a newer version, or delete it."</p>
                }
                .into_any();
            };
            match tab.get() {
                InspectorTab::Settings => settings(studio, &node, &spec),
                InspectorTab::Output => output(studio, &node, &spec),
                InspectorTab::Help => help(studio, &spec),
            }
        }
    };
    let why = {
        let node = node.clone();
        studio.select(move |editor| {
            let status = editor.status(&node);
            let is_stale = status.state == editor::NodeState::Stale;
            status
                .report
                .as_ref()
                .map(|report| (report.outcome.clone(), status.why.clone(), report.elapsed_secs, is_stale))
        })
    };
    let foot = move || {
        let (outcome, why, elapsed_secs, is_stale) = why.get()?;
        let title = head.get()?.0;
        let (class, text, help) = match outcome {
            _ if is_stale => ("why", format!(" is out of date. {why}"), String::new()),
            NodeOutcome::Ran => ("why", format!(" ran in {}. {why}", seconds(elapsed_secs)), String::new()),
            NodeOutcome::Reused => ("why", format!(" was reused. {why}"), String::new()),
            NodeOutcome::Failed(failure) => ("why why--failed", format!(" failed: {}", failure.message), failure.help),
            NodeOutcome::Skipped(cause) => ("why", format!(" was skipped, because {cause} failed"), String::new()),
            NodeOutcome::Cancelled => ("why", " was cancelled before it was done".into(), String::new()),
        };
        let help = (!help.is_empty()).then(|| view! { <p>{help}</p> });
        Some(view! {
            <div class=class>{icon("info")}<div><p><b>{title}</b>{text}</p>{help}</div></div>
        })
    };
    let (state_node, tab_keys) = (node.clone(), tab);
    view! {
        <header class="inspector__head">
            {move || head.get().map(|(_, family, icon_name, _)| view! { <span class=family_class(family)><span class="fam">{icon_of(&icon_name, "icon icon--lg")}</span></span> })}
            <div class="grow">
                <h2>{move || head.get().map(|head| head.0)}</h2>
                <small>{move || head.get().map(|head| head.3)}</small>
            </div>
            {state_chip(studio, &state_node)}
        </header>
        <div class="inspector__tabs tabs" role="tablist" aria-label="Inspector" on:keydown=move |event| {
            let order = [InspectorTab::Settings, InspectorTab::Output, InspectorTab::Help];
            if let Some(next) = super::next_tab(&event, &order, tab_keys.get_untracked()) { tab_keys.set(next); }
        }>{tabs}</div>
        <div class="inspector__page" role="tabpanel" id="inspector-page" tabindex="0"
            aria-labelledby=move || match tab.get() { InspectorTab::Settings => "inspector-tab-settings", InspectorTab::Output => "inspector-tab-output", InspectorTab::Help => "inspector-tab-help" }>
            {page}
        </div>
        <footer class="inspector__foot" hidden=move || why.with(Option::is_none)>{foot}</footer>
    }
    .into_any()
}

/// How much is kept of results, of a node or of all, and the way to let go of it.
fn kept(studio: Studio, node: Option<NodeId>) -> AnyView {
    let (class, label, help) = match node {
        Some(_) => ("field field--place", "Kept for reuse", "Until it or what it depends on changes"),
        None => (
            "field",
            "Results kept for reuse",
            "A step runs again only when its settings, its inputs or the seed have changed; earlier settings are kept too",
        ),
    };
    let cleared = node.clone();
    let n_bytes = move || {
        let of = |kept: &protocol::Kept| node.as_ref().map_or(Some(kept.n_bytes), |node| kept.nodes.get(node).copied());
        studio.kept.with(of).unwrap_or(0)
    };
    let is_none = n_bytes.clone();
    view! {
        <div class=class id="kept" role="group" aria-label=label>
            <div class="field__label"><span>{label}</span></div>
            <div class="field__row">
                <span class="grow num">{move || bytes(n_bytes() as f64)}</span>
                <button type="button" class="button button--small" disabled=move || is_none() == 0
                    on:click=move |_| studio.clear_results(cleared.clone())>"Clear"</button>
            </div>
            <p class="field__help">{help}</p>
        </div>
    }
    .into_any()
}

fn settings(studio: Studio, node: &NodeId, spec: &Spec) -> AnyView {
    let fields: Vec<_> = spec.params.iter().map(|param| field::field(studio, node, param)).collect();
    let is_empty = fields.is_empty();
    let general = {
        let node = node.clone();
        studio.select(move |editor| {
            editor
                .problems()
                .iter()
                .filter(|problem| problem.node.as_ref() == Some(&node))
                .filter(|problem| {
                    let spec = editor.pipeline().node(&node).and_then(|node| editor.catalogue().get(&node.component));
                    problem.place.as_ref().is_none_or(|place| spec.is_none_or(|spec| spec.param(place).is_none()))
                })
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    view! {
        {move || general.get().into_iter().map(|problem| view! {
            <p class="field__problem field">{icon("triangle-alert")}<span>{inline(&sentence(&problem.message))}" "{inline(&sentence(&problem.help))}</span></p>
        }).collect::<Vec<_>>()}
        {fields}
        {is_empty.then(|| view! { <p class="field__help">"There is nothing to set here"</p> })}
        {place(studio, node)}
    }
    .into_any()
}

/// Where the node stands, for whoever does not drag.
fn place(studio: Studio, node: &NodeId) -> AnyView {
    let position = {
        let node = node.clone();
        studio.select(move |editor| editor.pipeline().node(&node).map(|node| node.position).unwrap_or_default())
    };
    let axis = |label: &'static str, letter: &'static str, is_x: bool| {
        let node = node.clone();
        view! {
            <label class="place">
                <span aria-hidden="true">{letter}</span>
                <input type="number" class="input input--number" step="8" aria-label=label
                    prop:value=move || if is_x { position.get().x } else { position.get().y }.round().to_string()
                    on:change=move |event| {
                        if let Ok(typed) = event_target_value(&event).trim().parse::<f64>() {
                            let before = position.get_untracked();
                            let position = if is_x { Point { x: typed, ..before } } else { Point { y: typed, ..before } };
                            studio.send(Command::MoveTo { node: node.clone(), position });
                        }
                    } />
            </label>
        }
        .into_any()
    };
    view! {
        <div class="field field--place" role="group" aria-labelledby="place-label">
            <div class="field__label"><span id="place-label">"Place on the canvas"</span></div>
            <div class="field__row">{axis("From the left", "x", true)}{axis("From the top", "y", false)}</div>
        </div>
    }
    .into_any()
}

fn output(studio: Studio, node: &NodeId, spec: &Spec) -> AnyView {
    let summary = {
        let node = node.clone();
        studio.select(move |editor| {
            editor.status(&node).report.as_ref().map(|report| (report.outputs.clone(), report.metrics.clone()))
        })
    };
    let schemas = {
        let (node, outputs) = (node.clone(), spec.outputs.clone());
        studio.select(move |editor| {
            outputs
                .iter()
                .map(|port| editor.schemas().get(&OutPort::new(&node, &port.name)).cloned())
                .collect::<Vec<_>>()
        })
    };
    let outputs = spec.outputs.clone();
    let metrics = move || {
        let (_, metrics) = summary.get()?;
        (!metrics.is_empty()).then(|| {
            let rows: Vec<_> = metrics
                .into_iter()
                .map(|(name, value)| {
                    view! { <dt>{name}</dt><dd title=value.to_string()>{short_number_precise(value)}</dd> }.into_any()
                })
                .collect();
            view! { <h3>"Metrics"</h3><dl class="metric-list">{rows}</dl> }
        })
    };
    let kept = kept(studio, Some(node.clone()));
    let node = node.clone();
    let ports = move || {
        let flowed = summary.get().map(|summary| summary.0).unwrap_or_default();
        let schemas = schemas.get();
        outputs
            .iter()
            .zip(schemas)
            .map(|(port, schema)| {
                let shown = OutPort::new(&node, &port.name);
                let flowed = flowed.get(&port.name).cloned();
                let has_result = flowed.is_some();
                let columns = schema.map(|schema| {
                    let rows: Vec<_> = schema
                        .columns
                        .iter()
                        .take(60)
                        .map(|column| {
                            view! { <tr><td>{column.name.clone()}</td><td>{column.kind.label()}" · "{column.role.label()}</td></tr> }.into_any()
                        })
                        .collect();
                    let rest = schema.columns.len().saturating_sub(60);
                    view! {
                        <table class="schema-table"><tbody>{rows}</tbody></table>
                        {(rest > 0).then(|| view! { <p class="field__help">"and "{rest}" more"</p> })}
                    }
                });
                view! {
                    <ul class="facts"><li>
                        <div><b>{port.name.clone()}</b>" "<small>{port.port_type.phrase()}</small></div>
                        <span class="num">{flowed.unwrap_or_else(|| "not run yet".into())}</span>
                        <button type="button" class="button button--small" disabled=!has_result
                            aria-label=format!("Open output {}", port.name) on:click=move |_| studio.open_output(&shown)>"Open"</button>
                    </li></ul>
                    {columns}
                }
                .into_any()
            })
            .collect::<Vec<_>>()
    };
    view! { {metrics}<h3>"Outputs"</h3>{ports}{kept} }.into_any()
}

fn short_number_precise(value: f64) -> String {
    if value.abs() < 10.0 && value.fract() != 0.0 { format!("{value:.4}") } else { short_number(value) }
}

fn help(studio: Studio, spec: &Spec) -> AnyView {
    let example = studio.with(|editor| pipeline::example(editor.catalogue(), &spec.id)).map(|example| {
        view! {
            <button type="button" class="button" id="open-example" on:click=move |_| studio.open_new(example.clone())>
                {icon("workflow")}"Open an example"
            </button>
        }
    });
    let ports = |title: &'static str, ports: &[pipeline::PortSpec]| {
        if ports.is_empty() {
            return ().into_any();
        }
        let rows: Vec<_> = ports
            .iter()
            .map(|port| {
                let optional = if port.optional { " (may stay open)" } else { "" };
                view! { <li><b>{port.name.clone()}</b><small>{port.port_type.phrase()}{optional}</small></li> }
                    .into_any()
            })
            .collect();
        view! { <h3>{title}</h3><ul class="facts">{rows}</ul> }.into_any()
    };
    let params: Vec<_> = spec
        .params
        .iter()
        .map(|param| view! { <li><div><b>{param.label.clone()}</b>" "<code>{param.name.clone()}</code><br/><small>{param.help.clone()}</small></div></li> }.into_any())
        .collect();
    view! {
        <p class="prose"><b>{spec.summary.clone()}</b></p>
        {example}
        {prose(&spec.help)}
        {ports("Inputs", &spec.inputs)}
        {ports("Outputs", &spec.outputs)}
        {(!params.is_empty()).then(|| view! { <h3>"Settings"</h3><ul class="facts">{params}</ul> })}
        <p class="field__help">{format!("{} · version {}", spec.id, spec.version)}</p>
    }
    .into_any()
}
