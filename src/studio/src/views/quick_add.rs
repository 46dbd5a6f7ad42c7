//! The search that floats over the canvas: type, choose, and the component is placed and joined.

use editor::PortRef;
use leptos::prelude::*;
use pipeline::Spec;
use schema::ordered::sort_by;

use super::icon::icon;
use super::palette::rank;
use super::thumbnail::family_class;
use crate::dom;
use crate::store::Studio;

/// The search, while it is open.
#[component]
pub fn QuickAdd() -> impl IntoView {
    let studio = expect_context::<Studio>();
    move || studio.quick_add.get().map(|request| search(studio, request))
}

fn search(studio: Studio, request: crate::store::QuickAdd) -> AnyView {
    let query = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let offered: Vec<Spec> = studio.with(|editor| {
        let wanted = request.connect.as_ref().and_then(|port| {
            editor::port_type(editor.pipeline(), editor.catalogue(), port)
                .map(|port_type| (matches!(port, PortRef::Out(_)), port_type))
        });
        editor
            .catalogue()
            .iter()
            .filter(|spec| match wanted {
                Some((true, port_type)) => spec.inputs.iter().any(|port| port.port_type == port_type),
                Some((false, port_type)) => spec.outputs.iter().any(|port| port.port_type == port_type),
                None => true,
            })
            .cloned()
            .collect()
    });
    let hint = request.connect.as_ref().map(|port| {
        let title = studio.with(|editor| editor.title(port.node()).to_owned());
        match port {
            PortRef::Out(port) => format!("What takes {} of {title}", port.port),
            PortRef::In(port) => format!("What feeds {} of {title}", port.port),
        }
    });
    let found = Memo::new(move |_| {
        let query = query.get();
        let mut found: Vec<_> =
            offered.iter().filter_map(|spec| Some((rank(spec, &query)?, spec.family, spec.clone()))).collect();
        sort_by(&mut found, |a, b| (a.0, a.1, &a.2.title).cmp(&(b.0, b.1, &b.2.title)));
        found.into_iter().map(|(_, _, spec)| spec).collect::<Vec<_>>()
    });
    let (at, connect) = (request.at, request.connect.clone());
    let choose = move |index: usize| {
        if let Some(component) = found.with_untracked(|found| found.get(index).map(|spec| spec.id.clone())) {
            studio.quick_add.set(None);
            // First: a new node that is shown already takes the focus from there.
            dom::focus_later("#canvas");
            studio.add(&component, at, connect.clone());
        }
    };
    let on_key = {
        let choose = choose.clone();
        move |event: web_sys::KeyboardEvent| {
            event.stop_propagation();
            let n = found.with_untracked(Vec::len).max(1);
            match event.key().as_str() {
                "ArrowDown" => {
                    event.prevent_default();
                    active.update(|active| *active = (*active + 1) % n);
                }
                "ArrowUp" => {
                    event.prevent_default();
                    active.update(|active| *active = (*active + n - 1) % n);
                }
                "Enter" => {
                    event.prevent_default();
                    choose(active.get_untracked());
                }
                "Escape" => {
                    studio.quick_add.set(None);
                    dom::focus_later("#canvas");
                }
                _ => {}
            }
        }
    };
    let options = move || {
        let found = found.get();
        if found.is_empty() {
            return vec![view! { <p class="quick-add__hint">"Nothing answers to that"</p> }.into_any()];
        }
        found
            .into_iter()
            .enumerate()
            .map(|(index, spec)| {
                let choose = choose.clone();
                let class = format!("option {}", family_class(Some(spec.family)));
                view! {
                    <div class=class role="option" id=format!("add-{index}") aria-selected=move || (active.get() == index).to_string()
                        title=spec.summary.clone() on:pointermove=move |_| active.set(index) on:click=move |_| choose(index)>
                        <span class="fam">{icon(&spec.icon)}</span><span>{spec.title.clone()}</span><small>{spec.family.label()}</small>
                    </div>
                }
                .into_any()
            })
            .collect()
    };
    Effect::new(move |_| {
        let index = active.get();
        dom::after_render(move || {
            if let Some(option) = dom::by_id(&format!("add-{index}")) {
                super::scroll_to(&option)
            }
        });
    });
    dom::focus_later("#quick-add-input");
    let (x, y) = super::within_window(request.screen, 292.0, 380.0);
    view! {
        <div class="popover quick-add" role="dialog" aria-label="Add a component" style:left=format!("{x}px") style:top=format!("{y}px")
            on:focusout=move |event| if super::leaves(&event, ".quick-add") { studio.quick_add.set(None) }>
            <div class="search">
                {icon("search")}
                <input type="text" class="input" id="quick-add-input" placeholder="Add a component" autocomplete="off" role="combobox"
                    aria-label="Add a component" aria-expanded="true" aria-controls="quick-add-list" aria-activedescendant=move || format!("add-{}", active.get())
                    on:input=move |event| { query.set(event_target_value(&event)); active.set(0); } on:keydown=on_key />
            </div>
            {hint.map(|hint| view! { <p class="quick-add__hint">{hint}</p> })}
            <div role="listbox" id="quick-add-list" aria-label="Components" tabindex="-1">{options}</div>
        </div>
    }
    .into_any()
}
