//! What the host told, as files.

use leptos::prelude::*;
use serde_json::json;
use wasm_bindgen_futures::spawn_local;

use super::practice::in_words;
use super::store::{Data, Monitor};
use crate::dom;
use crate::store::Tone;
use crate::views::icon::small_icon;

/// The buttons.
pub fn downloads(monitor: Monitor) -> AnyView {
    let data = move |_| {
        let lines = monitor.data.with_untracked(lines);
        dom::download("monitor.ndjson", "application/x-ndjson", lines.as_bytes());
    };
    let metrics = move |_| {
        let (host, key) = (monitor.host.get_untracked(), monitor.key.get_untracked());
        spawn_local(async move {
            match host.text("metrics", &key).await {
                Ok(text) => dom::download("metrics.txt", "text/plain", text.as_bytes()),
                Err(error) => monitor.studio.toast(Tone::Failed, "There is nothing to download", in_words(&error)),
            }
        });
    };
    view! {
        <div class="monitor__downloads">
            <button type="button" class="button button--ghost button--small" on:click=data title="Counts, exceptions and changes, a line of JSON each">{small_icon("download")}"Monitor data"</button>
            <button type="button" class="button button--ghost button--small" on:click=metrics title="As scrapers read them">{small_icon("download")}"Prometheus text"</button>
        </div>
    }
    .into_any()
}

/// A line for each of what is known, under the name of its kind.
fn lines(data: &Data) -> String {
    let minutes = data.minutes.iter().map(|(key, counts)| json!({ "minute": { "key": key, "counts": counts } }));
    let exceptions = data.exceptions.iter().map(|exception| json!({ "exception": exception }));
    let events = data.events.iter().map(|event| json!({ "event": event }));
    minutes.chain(exceptions).chain(events).map(|line| format!("{line}\n")).collect()
}
