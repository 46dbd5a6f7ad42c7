//! What the page says while there are no figures, and how to come by some.

use leptos::prelude::*;

use super::store::{Figures, Monitor};
use crate::dom;
use crate::endpoints::HostKind;
use crate::views::copy_button::copy_button;
use crate::views::icon::{icon, small_icon};

/// Nothing came yet.
pub fn asking() -> AnyView {
    view! { <div class="empty">{icon("loader")}<b>"One moment"</b><p>"The host is asked for its figures."</p></div> }
        .into_any()
}

/// A key is needed.
pub fn key(monitor: Monitor) -> AnyView {
    let given = move || {
        let value = dom::by_id("monitor-key").map(|input| super::head::value_of(&input)).unwrap_or_default();
        monitor.give_key(value.trim().to_owned());
    };
    let had_one = !monitor.key.get_untracked().is_empty();
    view! {
        <div class="empty monitor__ask-key">
            {icon("key-round")}
            <b>{if had_one { "This key does not open the figures" } else { "This server wants a key" }}</b>
            <p>"One with the scope "<code>"read"</code>" shows everything here; to move traffic it needs "<code>"admin"</code>". Make one with "<code>"millrace keys"</code>". It is kept until this tab is closed."</p>
            <form on:submit=move |event| { event.prevent_default(); given() }>
                <input type="password" class="input" id="monitor-key" aria-label="Key" placeholder="mr_…" autocomplete="off"
                    on:keydown=move |event| if event.key() == "Enter" { event.prevent_default(); given() } />
                <button type="button" class="button button--primary" on:click=move |_| given()>"Open"</button>
            </form>
        </div>
    }
    .into_any()
}

/// Nobody is there who could answer.
pub fn no_host(monitor: Monitor) -> AnyView {
    let is_browser = monitor.host.with(|host| host.kind == HostKind::Browser);
    let words = if is_browser {
        "Endpoints of this browser answer through its service worker, which is not at work on this page yet. Reload the page; if that does not help, the address must begin with https:// or be localhost."
    } else {
        "Something answers at this address, but it is no Millrace server."
    };
    view! {
        <div class="empty">
            {icon("unplug")}
            <b>"No endpoints answer here"</b>
            <p>{words}</p>
            {is_browser.then(|| commands(monitor, &["millrace serve --registry registry --studio dist"], "A server with this page beside its endpoints is one command:"))}
        </div>
    }
    .into_any()
}

/// The host failed.
pub fn failed(monitor: Monitor, words: &str) -> AnyView {
    view! {
        <div class="empty" role="alert">
            {icon("octagon-alert")}
            <b>"The host does not answer"</b>
            <p>{words.to_owned()}</p>
            <button type="button" class="button" on:click=move |_| monitor.ask()>"Ask again"</button>
        </div>
    }
    .into_any()
}

/// Nothing is deployed.
pub fn no_endpoint(monitor: Monitor) -> AnyView {
    let lines = ["millrace register pipeline.json --name churn", "millrace deploy models:/churn/1"];
    view! {
        <div class="empty">
            {icon("siren")}
            <b>"Nothing is deployed yet"</b>
            <p>"An endpoint is a trained model behind an address. Train a pipeline, register what came out, and deploy a version; requests, response times and failures are watched here from then on."</p>
            <button type="button" class="button button--primary" on:click=move |_| monitor.studio.show_models()>"Go to Models"</button>
            {commands(monitor, &lines, "Or from the command line:")}
        </div>
    }
    .into_any()
}

/// How to send the first request, while none came.
pub fn never_called(monitor: Monitor, figures: Memo<Option<Figures>>) -> AnyView {
    let is_quiet = Memo::new(move |_| {
        figures.with(|figures| figures.as_ref().is_some_and(|figures| figures.total().n_requests() == 0))
    });
    let hint = move || {
        let name = is_quiet.get().then(|| monitor.endpoint()).flatten()?;
        let base = monitor.host.with(|host| host.base.clone());
        let is_server = monitor.host.with(|host| host.kind == HostKind::Server);
        let line = format!("millrace load {base}v2/models/{name} --rate 20 --duration 60");
        let words = "No requests in this stretch of time. The address above takes them; to send some:";
        Some(view! {
            <div class="monitor__hint">
                {icon("lightbulb")}
                {if is_server { commands(monitor, &[line.as_str()], words) } else { view! { <p>"No requests in this stretch of time. The address above takes them from any page of this origin."</p> }.into_any() }}
            </div>
        })
    };
    hint.into_any()
}

/// Lines to be copied, with words before them.
pub fn commands(monitor: Monitor, lines: &[&str], words: &'static str) -> AnyView {
    let text = lines.join("\n");
    let copied = text.clone();
    view! {
        <div class="monitor__commands">
            {(!words.is_empty()).then(|| view! { <p>{words}</p> })}
            <div>{small_icon("terminal")}<pre>{text}</pre>{copy_button(monitor.studio, "Copy the command", move || copied.clone())}</div>
        </div>
    }
    .into_any()
}
