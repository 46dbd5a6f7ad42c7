//! What is seen around the canvas.

pub mod banners;
pub mod commander;
pub mod compute_menu;
pub mod context_menu;
pub mod copy_button;
pub mod dialog;
pub mod dock;
pub mod face;
pub mod gallery;
pub mod icon;
pub mod inspector;
pub mod outline;
pub mod palette;
pub mod problems;
pub mod prose;
pub mod quick_add;
pub mod share;
pub mod shortcuts;
pub mod splitter;
pub mod start;
pub mod state;
pub mod thumbnail;
pub mod toasts;
pub mod top_bar;

use editor::Editor;
use leptos::prelude::*;
use pipeline::{NodeId, Point};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, HtmlInputElement, KeyboardEvent};

use crate::dom;

/// What floats over the page.
pub fn overlays() -> AnyView {
    let studio = expect_context::<crate::store::Studio>();
    view! {
        <quick_add::QuickAdd />
        <context_menu::ContextMenu />
        <share::ShareDialog />
        <shortcuts::ShortcutSheet />
        <commander::Commander />
        <compute_menu::ComputeMenu />
        {studio.inspector.run_with(studio)}
    }
    .into_any()
}

/// What a node is called.
pub fn title_of(editor: &Editor, node: &NodeId) -> String {
    editor.title(node).to_owned()
}

/// With a capital letter, unless it begins with a name such as `shop.csv`.
pub fn capital(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or(text);
    if !first_word.chars().all(char::is_alphabetic) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "1 run", "2 runs".
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// With a capital letter and a full stop: how a help text ends a message.
pub fn sentence(text: &str) -> String {
    let mut sentence = capital(text);
    if sentence.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '`' | ')' | '"')) {
        sentence.push('.');
    }
    sentence
}

/// `transform.normalize-data` in words: "normalize data".
pub fn words_of(component: &str) -> String {
    component.rsplit('.').next().unwrap_or(component).replace('-', " ")
}

/// The arrow keys among tabs: the tab to go to, whose button is then focused.
pub fn next_tab<T: Copy + PartialEq>(event: &KeyboardEvent, order: &[T], now: T) -> Option<T> {
    let here = order.iter().position(|tab| *tab == now)?;
    let n = order.len();
    let goal = match event.key().as_str() {
        "ArrowRight" => (here + 1) % n,
        "ArrowLeft" => (here + n - 1) % n,
        "Home" => 0,
        "End" => n - 1,
        _ => return None,
    };
    event.prevent_default();
    let list = event.current_target().and_then(|list| list.dyn_into::<Element>().ok());
    let tab = list.and_then(|list| list.query_selector_all("[role=tab]").ok()).and_then(|tabs| tabs.get(goal as u32));
    if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<HtmlElement>().ok()) {
        // An element in the page takes the focus.
        let _ = tab.focus();
    }
    order.get(goal).copied()
}

/// The input an event came from.
pub fn inspector_target(event: &FocusEvent) -> HtmlInputElement {
    event.target().expect("an event that was heard has a target").unchecked_into()
}

/// Whether the focus leaves the element that matches `within`.
pub fn leaves(event: &FocusEvent, within: &str) -> bool {
    let Some(goal) = event.related_target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        // The window lost the focus, or a part that takes none was clicked; pointers close popovers themselves.
        return false;
    };
    goal.closest(within).ok().flatten().is_none()
}

/// Scrolls an element's list as little as needed to show it.
pub fn scroll_to(element: &HtmlElement) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// A corner such that a box of this size lies in the window.
pub fn within_window(corner: Point, width: f64, height: f64) -> (f64, f64) {
    let size = |value: Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue>, or: f64| {
        value.ok().and_then(|v| v.as_f64()).unwrap_or(or)
    };
    let window = dom::window();
    let (right, bottom) = (size(window.inner_width(), 1_280.0), size(window.inner_height(), 720.0));
    (corner.x.min(right - width - 8.0).max(8.0), corner.y.min(bottom - height - 8.0).max(8.0))
}
