//! Icons from the one sprite, states with their shape and word, the mark of the house.

use leptos::prelude::*;

/// An icon by its name in the sprite. It says nothing to a screen reader: the text beside it does.
pub fn icon(name: &str) -> AnyView {
    icon_of(name, "icon")
}

/// A small icon.
pub fn small_icon(name: &str) -> AnyView {
    icon_of(name, "icon icon--sm")
}

/// An icon with a class of its own.
pub fn icon_of(name: &str, class: &'static str) -> AnyView {
    let mut address = String::from("#icon-");
    address.push_str(name);
    view! { <svg class=class aria-hidden="true"><use href=address></use></svg> }.into_any()
}

/// A button that shows only an icon; its label is its name and its tooltip.
pub fn icon_button(name: &'static str, label: &'static str, on_press: impl Fn() + 'static) -> AnyView {
    view! {
        <button type="button" class="icon-button" aria-label=label title=label on:click=move |_| on_press()>
            {icon(name)}
        </button>
    }
    .into_any()
}

/// The water wheel.
pub fn mark() -> AnyView {
    view! {
        <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true">
            <circle cx="12" cy="10" r="6.6"></circle>
            <circle cx="12" cy="10" r="1.6" fill="currentColor"></circle>
            <path d="M12 3.4v5M12 11.6v5M5.4 10h5M13.6 10h5M7.3 5.3l3.5 3.5M13.2 11.2l3.5 3.5M16.7 5.3l-3.5 3.5M10.8 11.2l-3.5 3.5"></path>
            <path d="M1.5 20c1.8-1.6 3.4-1.6 5.2 0s3.5 1.6 5.3 0 3.4-1.6 5.2 0 3.5 1.6 5.3 0"></path>
        </svg>
    }
    .into_any()
}
