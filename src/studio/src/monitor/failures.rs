//! What failed last, with the column that was wrong, as it comes in.

use leptos::prelude::*;
use monitor::ExceptionEvent;

use super::charts::color;
use super::store::Monitor;
use super::time::exact;
use crate::moments::moment;
use crate::views::icon::small_icon;

/// Failures that are listed.
const N_SHOWN: usize = 50;

/// The list, the newest first.
pub fn failures(monitor: Monitor) -> AnyView {
    // What was shown when the list was paused.
    let paused = RwSignal::new(None::<Vec<ExceptionEvent>>);
    let with_warnings = RwSignal::new(false);
    let newest = Memo::new(move |_| {
        let endpoint = monitor.endpoint();
        let window = monitor.window();
        monitor.data.with(|data| {
            let ours = data.exceptions.iter().rev().filter(|event| {
                event.served.endpoint == endpoint
                    && (with_warnings.get() || !event.exception.is_warning())
                    && (0.0..1.0).contains(&window.at(event.at_ms))
            });
            ours.take(N_SHOWN).cloned().collect::<Vec<ExceptionEvent>>()
        })
    });
    let shown = move || paused.get().unwrap_or_else(|| newest.get());
    let content = move || {
        let shown = shown();
        if shown.is_empty() {
            return view! { <p class="monitor__none-yet">"Nothing failed in "{monitor.span.get().in_words()}</p> }
                .into_any();
        }
        view! { <ol class="monitor__failures" tabindex="0" aria-label="Live failures, newest first">{shown.iter().map(line).collect_view()}</ol> }.into_any()
    };
    let pause = move |_| {
        paused.update(|paused| *paused = if paused.is_some() { None } else { Some(newest.get_untracked()) });
    };
    view! {
        <section class="monitor__live" aria-labelledby="monitor-live-title" data-region="monitor-failures">
            <header>
                <h2 id="monitor-live-title" title="Application Insights: the table exceptions">"Live failures"</h2>
                <small>"newest first"</small>
                <label class="monitor__check"><input type="checkbox" prop:checked=move || with_warnings.get() on:change=move |event| with_warnings.set(event_target_checked(&event)) />"warnings too"</label>
                <button type="button" class="button button--ghost button--small" aria-pressed=move || paused.with(Option::is_some).to_string() on:click=pause>
                    {move || small_icon(if paused.with(Option::is_some) { "play" } else { "pause" })}
                    {move || if paused.with(Option::is_some) { "Go on" } else { "Pause" }}
                </button>
            </header>
            {content}
        </section>
    }
    .into_any()
}

fn line(event: &ExceptionEvent) -> AnyView {
    let version = event.served.version;
    let tag = (version > 0).then(|| {
        view! { <span class=format!("monitor__version {}", color(version))>{format!("v{version}")}</span> }
    });
    let column = event.column.clone().map(|column| view! { <code class="monitor__column">{column}</code> });
    let words = shortened(&event.message, event.column.as_deref());
    let row = event.row.map_or_else(String::new, |row| format!("row {}", row + 1));
    let about = format!("{}, request {}: {}", event.exception.code(), event.request_id, event.message);
    view! {
        <li title=about data-exception=event.exception.code()>
            <time title=moment(event.at_ms)>{exact(event.at_ms)}</time>
            <span>{tag}</span>
            <p>{column}{words}</p>
            <small>{row}</small>
        </li>
    }
    .into_any()
}

/// Column and row stand beside the words, so that they need not name them.
fn shortened(message: &str, column: Option<&str>) -> String {
    let Some(column) = column else { return message.to_owned() };
    let named = format!("column \"{column}\"");
    let rest = message.split_once(&named).map_or(message, |(_, rest)| rest).trim_start_matches([':', ' ']);
    let is_row = |words: &str| words.strip_prefix("row ").is_some_and(|n| n.bytes().all(|c| c.is_ascii_digit()));
    match rest.split_once(": ") {
        Some((row, rest)) if is_row(row) => rest.to_owned(),
        Some(_) | None => rest.to_owned(),
    }
}
