//! The bar over the charts: which endpoint, which stretch of time, how often it is asked.

use leptos::prelude::*;

use super::store::{Monitor, REFRESHES, Standing};
use super::time::{SPANS, Span, field, length, minute_of_field};
use crate::dom;
use crate::endpoints::HostKind;
use crate::views::copy_button::copy_button;
use crate::views::icon::{icon, icon_button, small_icon};

/// The bar.
pub fn head(monitor: Monitor, actions: AnyView) -> AnyView {
    view! {
        <header class="monitor__head">
            <div>
                <h1>{move || monitor.endpoint().map_or_else(|| "Monitor".to_owned(), |name| name.to_string())}</h1>
                {move || place(monitor)}
                {move || monitor.endpoint().map(|name| address(monitor, &format!("v2/models/{name}/infer")))}
            </div>
            <div>
                {move || freshness(monitor)}
                {refresh(monitor)}
                {spans(monitor)}
                {custom(monitor)}
                {actions}
            </div>
        </header>
    }
    .into_any()
}

fn place(monitor: Monitor) -> AnyView {
    let (class, name, words) = monitor.host.with(|host| match host.kind {
        HostKind::Browser => ("monitor__place monitor__place--browser", "laptop", "this browser only"),
        HostKind::Server => ("monitor__place", "hard-drive", "this server"),
    });
    view! { <span class=class>{small_icon(name)}{words}</span> }.into_any()
}

fn address(monitor: Monitor, path: &str) -> AnyView {
    let whole = format!("{}{path}", monitor.host.with(|host| host.base.clone()));
    let copy = copy_button(monitor.studio, "Copy the address", move || whole.clone());
    view! { <span class="monitor__address"><code>"POST /"{path.to_owned()}</code>{copy}</span> }.into_any()
}

fn freshness(monitor: Monitor) -> AnyView {
    let asked = monitor.data.with(|data| data.asked_ms);
    let now = monitor.now_ms.get();
    let (class, words) = match monitor.standing.get() {
        Standing::Asking => ("monitor__fresh", "asking".to_owned()),
        Standing::Here => ("monitor__fresh monitor__fresh--good", format!("{} ago", length(now.saturating_sub(asked)))),
        Standing::Failed(_) if asked == 0 => ("monitor__fresh monitor__fresh--bad", "no answer yet".to_owned()),
        Standing::Failed(_) => (
            "monitor__fresh monitor__fresh--bad",
            format!("no answer, figures of {} ago", length(now.saturating_sub(asked))),
        ),
    };
    view! { <span class=class><i></i>{words}</span> }.into_any()
}

fn refresh(monitor: Monitor) -> AnyView {
    let options = REFRESHES.map(|(seconds, words)| {
        view! { <option value=seconds.to_string() selected=move || monitor.refresh.get() == seconds>{words}</option> }
    });
    view! {
        <span class="monitor__refresh">
            {icon_button("refresh-cw", "Ask now", move || monitor.ask())}
            <select aria-label="How often the host is asked" on:change=move |event| monitor.choose_refresh(event_target_value(&event).parse().unwrap_or(5))>
                {options.collect_view()}
            </select>
        </span>
    }
    .into_any()
}

fn spans(monitor: Monitor) -> AnyView {
    let buttons = SPANS.map(|(minutes, words, long)| {
        let is_chosen = move || monitor.span.get() == Span::Last(minutes);
        view! {
            <button type="button" aria-pressed=move || is_chosen().to_string() title=long
                on:click=move |_| monitor.choose_span(Span::Last(minutes))>{words}</button>
        }
    });
    view! { <div class="segments" role="group" aria-label="Stretch of time">{buttons.collect_view()}</div> }.into_any()
}

/// A stretch of time from one moment to another.
fn custom(monitor: Monitor) -> AnyView {
    let problem = RwSignal::new("");
    let bounds = move || {
        let window = monitor.window();
        (field(window.from * 60_000), field(window.to * 60_000))
    };
    let apply = move |_| {
        let value = |id: &str| dom::by_id(id).map(|input| value_of(&input)).unwrap_or_default();
        let (from, to) = (minute_of_field(&value("monitor-from")), minute_of_field(&value("monitor-to")));
        match from.zip(to) {
            None => problem.set("Give both moments"),
            Some((from, to)) if from >= to => problem.set("The first moment must be before the second"),
            Some((from, to)) => {
                problem.set("");
                monitor.choose_span(Span::Between(from, to));
                if let Some(menu) = dom::by_id("monitor-custom") {
                    // It is open, or closed already.
                    let _ = menu.hide_popover();
                }
            }
        }
    };
    let words = move || match monitor.span.get() {
        Span::Last(_) => None,
        span @ Span::Between(..) => Some(view! { <span>{span.in_words()}</span> }),
    };
    view! {
        <button type="button" class="button button--small" popovertarget="monitor-custom" aria-haspopup="dialog" aria-label="From one moment to another" title="From one moment to another">
            {icon("calendar-clock")}{words}{small_icon("chevron-down")}
        </button>
        <div popover="auto" id="monitor-custom" class="popover monitor__custom" role="dialog" aria-label="From one moment to another">
            <label>"From"<input type="datetime-local" class="input" id="monitor-from" prop:value=move || bounds().0 /></label>
            <label>"To"<input type="datetime-local" class="input" id="monitor-to" prop:value=move || bounds().1 /></label>
            <p class="monitor__problem" role="status">{move || problem.get()}</p>
            <button type="button" class="button button--primary button--small" on:click=apply>"Show"</button>
        </div>
    }
    .into_any()
}

/// What stands in a field.
pub fn value_of(element: &web_sys::HtmlElement) -> String {
    use wasm_bindgen::JsCast;
    element.dyn_ref::<web_sys::HtmlInputElement>().map(web_sys::HtmlInputElement::value).unwrap_or_default()
}
