//! Choosing a file for a node.

use leptos::prelude::*;
use pipeline::Value;
use web_sys::HtmlInputElement;

use super::field::{Field, event_target};
use crate::views::face::bytes;
use crate::views::icon::icon;

/// The chosen file, or the way to choose one.
pub fn file_chooser(field: &Field, extensions: &[String]) -> AnyView {
    let accept: String = extensions.iter().map(|extension| format!(".{extension}")).collect::<Vec<_>>().join(",");
    let (value, field) = (field.value, field.clone());
    let shown = move || {
        match value.get() {
        Value::File(file) => view! {
            <div class="file-box">
                {icon("file-text")}
                <div class="grow"><b>{file.name}</b><small>{bytes(file.size as f64)}" · stays on this computer"</small></div>
            </div>
        }
        .into_any(),
        _ => view! { <div class="file-box file-box--empty">"No file chosen yet"</div> }.into_any(),
    }
    };
    let (picker_id, input_id) = (format!("{}-pick", field.id), format!("{}-pick", field.id));
    let label_id = format!("{}-label", field.id);
    let chosen = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            field.studio.load_file(file, field.node.clone(), field.name.clone(), field.draft);
        }
        input.set_value("");
    };
    view! {
        {shown}
        <input type="file" class="sr-only" tabindex="-1" id=input_id accept=accept aria-labelledby=label_id on:change=chosen />
        <button type="button" class="button" on:click=move |_| if let Some(input) = crate::dom::by_id(&picker_id) { input.click() }>
            {icon("folder-open")}"Choose a file…"
        </button>
    }
    .into_any()
}
