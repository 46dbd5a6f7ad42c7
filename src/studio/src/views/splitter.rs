//! The edges between panels: dragged, stepped with the arrow keys, or clicked through three sizes.

use std::cell::Cell;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};

use crate::store::Studio;

/// Which panel an edge belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The palette's right.
    Palette,
    /// The inspector's left.
    Inspector,
    /// The dock's top.
    Dock,
}

impl Edge {
    fn limits(self) -> (f64, f64) {
        match self {
            Self::Palette => (180.0, 420.0),
            Self::Inspector => (248.0, 560.0),
            Self::Dock => (120.0, 640.0),
        }
    }

    fn steps(self) -> [f64; 3] {
        match self {
            Self::Palette => [208.0, 248.0, 320.0],
            Self::Inspector => [272.0, 312.0, 420.0],
            Self::Dock => [180.0, 268.0, 420.0],
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Palette => "Width of the palette",
            Self::Inspector => "Width of the inspector",
            Self::Dock => "Height of the results",
        }
    }
}

/// The edge of a panel.
pub fn splitter(studio: Studio, edge: Edge) -> AnyView {
    let size = move || studio.layout.with(|layout| layout.size(edge));
    let resize = move |size: f64| {
        let (low, high) = edge.limits();
        studio.change_layout(|layout| layout.set_size(edge, size.clamp(low, high)));
    };
    // Where the pointer went down, the size then, and whether it has moved since.
    let drag: Rc<Cell<Option<(f64, f64, bool)>>> = Rc::default();
    let (down, moved, up) = (Rc::clone(&drag), Rc::clone(&drag), drag);
    let along = move |event: &PointerEvent| match edge {
        Edge::Palette => f64::from(event.client_x()),
        Edge::Inspector => -f64::from(event.client_x()),
        Edge::Dock => -f64::from(event.client_y()),
    };
    let on_key = move |event: KeyboardEvent| {
        let step = match (event.key().as_str(), edge) {
            ("ArrowRight", Edge::Palette) | ("ArrowLeft", Edge::Inspector) | ("ArrowUp", Edge::Dock) => 16.0,
            ("ArrowLeft", Edge::Palette) | ("ArrowRight", Edge::Inspector) | ("ArrowDown", Edge::Dock) => -16.0,
            _ => return,
        };
        event.prevent_default();
        resize(studio.layout.with_untracked(|layout| layout.size(edge)) + step);
    };
    let (class, orientation) = match edge {
        Edge::Palette => ("splitter splitter--vertical splitter--end", "vertical"),
        Edge::Inspector => ("splitter splitter--vertical splitter--start", "vertical"),
        Edge::Dock => ("splitter splitter--horizontal", "horizontal"),
    };
    let (low, high) = edge.limits();
    view! {
        <div class=class role="separator" tabindex="0" aria-orientation=orientation aria-label=edge.label()
            aria-valuemin=low.to_string() aria-valuemax=high.to_string() aria-valuenow=move || format!("{:.0}", size())
            title="Drag, click for the next size, or use the arrow keys"
            on:keydown=on_key
            on:pointerdown=move |event| {
                if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
                    // Without capture the drag ends at the element's edge, no more.
                    let _ = element.set_pointer_capture(event.pointer_id());
                }
                down.set(Some((along(&event), studio.layout.with_untracked(|layout| layout.size(edge)), false)));
            }
            on:pointermove=move |event| {
                if let Some((start, size, has_moved)) = moved.get() {
                    let distance = along(&event) - start;
                    if has_moved || distance.abs() > 3.0 {
                        moved.set(Some((start, size, true)));
                        resize(size + distance);
                    }
                }
            }
            on:pointerup=move |_| {
                if let Some((_, size, false)) = up.take() {
                    let steps = edge.steps();
                    resize(steps.into_iter().find(|step| *step > size + 1.0).unwrap_or(steps[0]));
                }
            }></div>
    }
    .into_any()
}
