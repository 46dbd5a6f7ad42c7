//! A button that opens a list of what is shown.

use gloo::events::EventListener;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use crate::dom;
use crate::views::icon::{icon, small_icon};

/// What a menu is called and where it opens.
#[derive(Clone, Copy)]
pub struct Menu {
    /// Of the button; what it opens has `-list` after it.
    pub id: &'static str,
    /// Of both.
    pub label: &'static str,
    /// On the button.
    pub icon: &'static str,
    /// Above the button, with its right edge below the button's.
    pub opens_up: bool,
}

/// The button and, while it is open, the list. `usual` takes back what was chosen.
pub fn menu(of: Menu, list: impl Fn() -> AnyView + Send + Sync + Copy + 'static, usual: Callback<()>) -> AnyView {
    let Menu { id, label, icon: icon_name, opens_up } = of;
    let is_open = RwSignal::new(false);
    let within = format!("#{id}-menu");
    let press_outside = {
        let within = within.clone();
        EventListener::new(&dom::document(), "pointerdown", move |event| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let is_inside = target.is_some_and(|target| target.closest(&within).ok().flatten().is_some());
            if is_open.try_get_untracked() == Some(true) && !is_inside {
                is_open.set(false);
            }
        })
    };
    // It listens for as long as the button is there.
    let _ = StoredValue::new_local(press_outside);
    let shut = move || {
        is_open.set(false);
        dom::focus_later(format!("#{id}"));
    };
    let class = if opens_up { "popover runs__columns runs__columns--up" } else { "popover runs__columns" };
    let content = move || {
        let within = within.clone();
        is_open.get().then(|| {
            view! {
                <div class=class id=format!("{id}-list") role="dialog" aria-label=label
                    on:focusout=move |event| if crate::views::leaves(&event, &within) { is_open.set(false) }>
                    <div class="runs__columns-list">{list}</div>
                    <div class="runs__columns-foot">
                        <button type="button" class="button button--small" on:click=move |_| usual.run(())>"The usual ones"</button>
                        <button type="button" class="button button--small" on:click=move |_| shut()>"Close"</button>
                    </div>
                </div>
            }
        })
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && is_open.get_untracked() {
            event.stop_propagation();
            shut();
        }
    };
    view! {
        <div class="runs__menu" id=format!("{id}-menu") on:keydown=on_key>
            <button type="button" class="button button--ghost" class=("button--small", opens_up) id=id aria-haspopup="dialog" aria-expanded=move || is_open.get().to_string()
                on:click=move |_| {
                    is_open.update(|open| *open = !*open);
                    dom::focus_later(format!("#{id}-list input"));
                }>
                {icon(icon_name)}{label}{small_icon(if opens_up { "chevron-up" } else { "chevron-down" })}
            </button>
            {content}
        </div>
    }
    .into_any()
}
