//! The panel at the left: components to place, or the outline of what is placed.

use std::collections::BTreeSet;

use leptos::prelude::*;
use pipeline::{Family, Spec};
use schema::ordered::sort_by;

use super::icon::{icon, small_icon};
use super::thumbnail::family_class;
use crate::dom;
use crate::store::{PaletteTab, Studio};

/// The type under which a component travels while it is dragged.
pub const DRAG_TYPE: &str = "application/x-millrace-component";

/// How well a component answers a search: 0 best, none if not at all.
pub fn rank(spec: &Spec, query: &str) -> Option<u8> {
    let query = query.trim().to_lowercase();
    if query.is_empty() {
        return Some(0);
    }
    let title = spec.title.to_lowercase();
    if title.starts_with(&query) {
        Some(0)
    } else if title.split_whitespace().any(|word| word.starts_with(&query)) {
        Some(1)
    } else if title.contains(&query) || spec.keywords.iter().any(|word| word.to_lowercase().starts_with(&query)) {
        Some(2)
    } else if query.split_whitespace().all(|word| {
        title.contains(word)
            || spec.summary.to_lowercase().contains(word)
            || spec.keywords.iter().any(|keyword| keyword.to_lowercase().contains(word))
    }) {
        Some(3)
    } else {
        None
    }
}

/// The palette.
#[component]
pub fn Palette() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let tab = studio.palette_tab;
    let tabs: Vec<_> =
        [(PaletteTab::Components, "Components", "components"), (PaletteTab::Outline, "Outline", "outline")]
            .into_iter()
            .map(|(choice, label, id)| {
                view! {
                    <button type="button" role="tab" id=format!("palette-tab-{id}") aria-controls="palette-page"
                        aria-selected=move || (tab.get() == choice).to_string()
                        tabindex=move || if tab.get() == choice { "0" } else { "-1" }
                        on:click=move |_| tab.set(choice)>{label}</button>
                }
                .into_any()
            })
            .collect();
    let page = move || match tab.get() {
        PaletteTab::Components => studio.inspector.components(studio),
        PaletteTab::Outline => studio.inspector.outline(studio),
    };
    view! {
        <aside class="panel palette" aria-label="Components and outline" data-region="palette">
            <h2 class="sr-only">"Components and outline"</h2>
            {super::splitter::splitter(studio, super::splitter::Edge::Palette)}
            <div class="palette__tabs tabs" role="tablist" aria-label="Left panel" on:keydown=move |event| {
                let order = [PaletteTab::Components, PaletteTab::Outline];
                if let Some(next) = super::next_tab(&event, &order, tab.get_untracked()) { tab.set(next); }
            }>{tabs}</div>
            {page}
        </aside>
    }
}

/// What can be placed, by family, with a search.
pub fn components(studio: Studio) -> AnyView {
    let query = RwSignal::new(String::new());
    let closed = RwSignal::new(BTreeSet::<Family>::new());
    let specs = studio.select(|editor| {
        let mut specs: Vec<Spec> = editor.catalogue().iter().cloned().collect();
        // In the order in which a pipeline uses them; the catalogue is sorted by id.
        sort_by(&mut specs, |a, b| (a.family, &a.title).cmp(&(b.family, &b.title)));
        specs
    });
    let first = move || {
        let query = query.get_untracked();
        specs.with_untracked(|specs| {
            specs
                .iter()
                .filter_map(|spec| Some((rank(spec, &query)?, spec.id.clone())))
                .min_by_key(|(rank, _)| *rank)
                .map(|found| found.1)
        })
    };
    let families = move || {
        let query = query.get();
        let specs = specs.get();
        let mut sections = Vec::new();
        for family in Family::ALL {
            let shown: Vec<_> =
                specs.iter().filter(|spec| spec.family == family && rank(spec, &query).is_some()).cloned().collect();
            if shown.is_empty() {
                continue;
            }
            let is_open = move || !query_is_empty(&closed, family);
            let n = shown.len();
            let items: Vec<_> = shown.into_iter().map(|spec| item(studio, spec)).collect();
            let toggle = move |_| {
                closed.update(|closed| {
                    if !closed.remove(&family) {
                        closed.insert(family);
                    }
                });
            };
            sections.push(
                view! {
                    <section class="palette__family">
                        <h3><button type="button" aria-expanded=move || is_open().to_string() on:click=toggle>
                            {small_icon("chevron-down")}{family.label()}<em>{n}</em>
                        </button></h3>
                        <div hidden=move || !is_open()>{items}</div>
                    </section>
                }
                .into_any(),
            );
        }
        if sections.is_empty() {
            let text = if specs.is_empty() && studio.engine_problem.with(Option::is_some) {
                "Components are listed here once the engine runs".to_owned()
            } else if specs.is_empty() {
                "Starting the engine…".to_owned()
            } else {
                format!("No component answers to “{query}”")
            };
            sections.push(view! { <p class="palette__none">{text}</p> }.into_any());
        }
        sections
    };
    view! {
        <div class="palette__search">
            <div class="search">
                {icon("search")}
                <input type="search" class="input" id="palette-search" placeholder="Search components" aria-label="Search components"
                    prop:value=move || query.get()
                    on:input=move |event| query.set(event_target_value(&event))
                    on:keydown=move |event| match event.key().as_str() {
                        "Enter" => if let Some(component) = first() { studio.add(&component, None, None); },
                        "Escape" => { query.set(String::new()); dom::focus_later("#canvas"); }
                        "ArrowDown" => { event.prevent_default(); dom::focus_later(".palette__item"); }
                        _ => {}
                    } />
                <kbd>"/"</kbd>
            </div>
        </div>
        <div class="palette__list" id="palette-page" role="tabpanel" aria-labelledby="palette-tab-components" tabindex="-1">{families}</div>
    }
    .into_any()
}

fn query_is_empty(closed: &RwSignal<BTreeSet<Family>>, family: Family) -> bool {
    closed.with(|closed| closed.contains(&family))
}

fn item(studio: Studio, spec: Spec) -> AnyView {
    let (component, dragged) = (spec.id.clone(), spec.id.clone());
    let class = format!("palette__item {}", family_class(Some(spec.family)));
    view! {
        <button type="button" class=class draggable="true" title=spec.summary.clone() data-component=spec.id.clone()
            aria-label=format!("Add {}", spec.title)
            on:click=move |_| studio.add(&component, None, None)
            on:dragstart=move |event| if let Some(data) = event.data_transfer() {
                // A browser that refuses starts no drag; a click adds the component as well.
                let _ = data.set_data(DRAG_TYPE, &dragged);
                data.set_effect_allowed("copy");
            }>
            <span class="fam">{icon(&spec.icon)}</span>
            <span class="truncate">{spec.title.clone()}</span>
            <span class="palette__grip">{small_icon("grip-vertical")}</span>
        </button>
    }
    .into_any()
}
