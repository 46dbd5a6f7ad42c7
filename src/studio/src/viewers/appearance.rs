//! The theme as charts need it, and a signal that says when to draw again.

use std::cell::OnceCell;

use charts::{Color, Theme};
use js_sys::{Promise, Reflect};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlElement, MutationObserver, MutationObserverInit, ResizeObserver};

use crate::dom;

/// The tokens of the palette, in the order in which series take them. `chart.css` has the same.
const PALETTE: [&str; 6] =
    ["--fam-learn", "--fam-data", "--fam-score", "--fam-prepare", "--fam-evaluate", "--fam-deploy"];

thread_local! {
    static VERSION: OnceCell<ArcRwSignal<u32>> = const { OnceCell::new() };
}

/// From the worst to the best.
const RAMP: [&str; 6] = ["--ramp-0", "--ramp-1", "--ramp-2", "--ramp-3", "--ramp-4", "--ramp-5"];

/// Counts up when colours, fonts or the density of pixels change.
pub fn version() -> ArcRwSignal<u32> {
    VERSION.with(|version| version.get_or_init(watch).clone())
}

/// Watches for as long as the page lives.
fn watch() -> ArcRwSignal<u32> {
    let version = ArcRwSignal::new(0);
    let changed = {
        let version = version.clone();
        Closure::<dyn FnMut()>::new(move || version.update(|version| *version += 1))
    };
    let handler: &js_sys::Function = changed.as_ref().unchecked_ref();
    let window = dom::window();
    // A browser that does not know one of these never changes in that way.
    if let Ok(Some(query)) = window.match_media("(prefers-color-scheme: dark)") {
        let _ = query.add_event_listener_with_callback("change", handler);
        // The list must live for its listener to be called.
        std::mem::forget(query);
    }
    let _ = window.add_event_listener_with_callback("resize", handler);
    if let (Some(root), Ok(observer)) = (dom::document().document_element(), MutationObserver::new(handler)) {
        let options = MutationObserverInit::new();
        options.set_attributes(true);
        options.set_attribute_filter(&js_sys::Array::of1(&JsValue::from_str("data-theme")));
        let _ = observer.observe_with_options(&root, &options);
    }
    changed.forget();
    let fonts_ready = Reflect::get(&dom::document(), &JsValue::from_str("fonts"))
        .and_then(|fonts| Reflect::get(&fonts, &JsValue::from_str("ready")))
        .ok()
        .and_then(|ready| ready.dyn_into::<Promise>().ok());
    if let Some(ready) = fonts_ready {
        let version = version.clone();
        spawn_local(async move {
            let _ = JsFuture::from(ready).await;
            version.update(|version| *version += 1);
        });
    }
    version
}

/// Reads the theme as it is now, by means of an element that is never shown.
pub fn theme(probe: &HtmlElement) -> Theme {
    let mut theme = Theme::light();
    let Ok(Some(computed)) = dom::window().get_computed_style(probe) else {
        return theme;
    };
    let read = |token: &str, fallback: Color| {
        // Only a real property resolves light-dark(); a custom one is handed on as it was written.
        let _ = probe.style().set_property("color", &format!("var({token})"));
        computed.get_property_value("color").ok().and_then(|text| Color::parse(&text)).unwrap_or(fallback)
    };
    theme.ground = read("--panel", theme.ground);
    theme.ink = read("--ink", theme.ink);
    theme.ink_muted = read("--ink-2", theme.ink_muted);
    theme.grid = read("--line", theme.grid);
    theme.axis = read("--ink-3", theme.axis);
    let all = |tokens: &[&str], colors: &[Color]| {
        tokens.iter().zip(colors).map(|(token, &fallback)| read(token, fallback)).collect()
    };
    theme.palette = all(&PALETTE, &theme.palette);
    theme.ramp = all(&RAMP, &theme.ramp);
    if let Ok(font) = computed.get_property_value("font-family") {
        theme.font = font;
    }
    theme
}

/// Tells the inner size of an element, now and whenever it changes, until the owner goes.
pub fn watch_size(element: &Element, tell: impl Fn(f64, f64) + 'static) {
    let watched = element.clone();
    let tell_size = move || tell(f64::from(watched.client_width()), f64::from(watched.client_height()));
    tell_size();
    let changed = Closure::<dyn FnMut()>::new(tell_size);
    if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
        observer.observe(element);
        let held = StoredValue::new_local((observer, changed));
        on_cleanup(move || {
            held.with_value(|(observer, _)| observer.disconnect());
        });
    }
}
