//! The few things that the page asks of the browser directly.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, Document, Element, HtmlAnchorElement, HtmlDialogElement, HtmlElement, HtmlInputElement, Url,
    Window,
};

/// The window.
pub fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// The document.
pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Milliseconds since the page was opened.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// Milliseconds since 1970.
pub fn date_ms() -> f64 {
    js_sys::Date::now()
}

/// Comes back after this many milliseconds.
pub async fn sleep(ms: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        // A window that cannot set a timer is being closed; nobody waits any more.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = JsFuture::from(promise).await;
}

/// Runs when the browser next draws.
pub fn on_next_frame(work: impl FnOnce() + 'static) {
    // A window that draws no more is being closed.
    let _ = window().request_animation_frame(Closure::once_into_js(work).unchecked_ref());
}

/// Runs after the page has been brought up to date.
pub fn after_render(work: impl FnOnce() + 'static) {
    gloo::timers::callback::Timeout::new(0, work).forget();
}

/// The element with this id.
pub fn by_id(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Hides a popover, if it is shown.
pub fn hide_popover(id: &str) {
    if let Some(popover) = by_id(id) {
        // One that is hidden already stays so.
        let _ = popover.hide_popover();
    }
}

/// The first element that matches.
pub fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten()?.dyn_into().ok()
}

/// Gives the keyboard to the first element that matches, once the page is up to date.
pub fn focus_later(selector: impl Into<String>) {
    let selector = selector.into();
    after_render(move || {
        if let Some(element) = find(&selector) {
            let _ = element.focus();
        }
    });
}

/// Shows a `<dialog>` over everything else.
pub fn show_dialog(id: &str) {
    if let Some(dialog) = by_id(id).and_then(|element| element.dyn_into::<HtmlDialogElement>().ok())
        && !dialog.open()
    {
        let _ = dialog.show_modal();
    }
}

/// Closes it again.
pub fn close_dialog(id: &str) {
    if let Some(dialog) = by_id(id).and_then(|element| element.dyn_into::<HtmlDialogElement>().ok()) {
        dialog.close();
    }
}

/// Whether text is being typed into this element, so that letters are no shortcuts.
pub fn is_typing(element: &Element) -> bool {
    let is_text_input = element
        .dyn_ref::<HtmlInputElement>()
        .is_some_and(|input| !matches!(input.type_().as_str(), "checkbox" | "radio" | "range" | "button" | "file"));
    is_text_input
        || matches!(element.tag_name().as_str(), "TEXTAREA" | "SELECT")
        || element.dyn_ref::<HtmlElement>().is_some_and(HtmlElement::is_content_editable)
}

/// Puts text on the clipboard.
pub async fn copy(text: &str) -> Result<(), String> {
    let clipboard = window().navigator().clipboard();
    if clipboard.is_undefined() {
        return Err("this page is not allowed to use the clipboard".into());
    }
    JsFuture::from(clipboard.write_text(text)).await.map(drop).map_err(|_| "the browser refused the clipboard".into())
}

/// What is on the clipboard.
pub async fn paste() -> Result<String, String> {
    let clipboard = window().navigator().clipboard();
    if clipboard.is_undefined() {
        return Err("this page is not allowed to use the clipboard".into());
    }
    let text = JsFuture::from(clipboard.read_text()).await.map_err(|_| "the browser refused the clipboard")?;
    Ok(text.as_string().unwrap_or_default())
}

/// Hands a file to the user.
pub fn download(name: &str, mime: &str, bytes: &[u8]) {
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&Uint8Array::from(bytes)), &options) else {
        return;
    };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else {
        return;
    };
    if let Some(link) = document().create_element("a").ok().and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) {
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // The browser reads the address when it starts the download, some time after the click.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = Url::revoke_object_url(&address);
    })
    .forget();
}

/// A word about what the browser threw.
pub fn words(error: &JsValue) -> String {
    error
        .dyn_ref::<web_sys::DomException>()
        .map(web_sys::DomException::message)
        .or_else(|| error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message())))
        .unwrap_or_else(|| "the browser gave no reason".to_owned())
}
