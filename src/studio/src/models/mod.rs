//! Models: what is registered, where it serves, and a request to try it with.
//!
//! A part of the page of its own. What stands here comes from a host of endpoints over HTTP: the service worker of this
//! page, or the server that the page came from.

mod card;
mod compare;
mod deploy;
mod list;
mod register;
mod snippets;
mod store;
mod try_it;
mod versions;

use leptos::prelude::*;

use crate::endpoints::{AskError, HostKind};
use crate::store::Studio;
use crate::views::icon::icon;
use crate::views::next_tab;
use store::{Models, Standing, TABS, Tab};

/// The page.
pub fn page(studio: Studio) -> AnyView {
    let models = Models::start(studio);
    let body = move || {
        if models.registry.with(|registry| registry.models.is_empty()) {
            return match models.standing.get() {
                Standing::Asking => view! { <div class="empty">{icon("loader")}<b>"One moment"</b><p>"The registry is being read."</p></div> }.into_any(),
                Standing::Here => nothing_yet(models),
                Standing::Failed(error) => not_there(models, &error),
            };
        }
        view! {
            <section class="models__main">
                {move || models.version().map(|_| head(models))}
                {move || models.version().map(|_| versions::versions(models))}
                {move || models.version().map(|_| detail(models))}
            </section>
        }
        .into_any()
    };
    view! {
        <main class="hosted">
            <h2 class="sr-only">"Models"</h2>
            {list::list(models)}
            {body}
        </main>
        {register::dialog(models)}
        {deploy::dialog(models)}
    }
    .into_any()
}

fn head(models: Models) -> AnyView {
    let name = move || models.model.get().map_or_else(String::new, |name| name.to_string());
    let about = move || {
        models.header().map(|header| {
            let card = &header.card;
            let predicts = header.signature.predicts.name().to_owned();
            view! { <p>{format!("predicts {predicts} · from the pipeline {}", card.pipeline)}</p> }
        })
    };
    view! {
        <header class="models__head">
            <div><h3>{name}</h3>{about}</div>
            <button type="button" class="button" on:click=move |_| models.download()>{icon("download")}"Download"</button>
            <button type="button" class="button button--primary" id="deploy" on:click=move |_| deploy::open(models)>{icon("send")}"Deploy"</button>
        </header>
    }
    .into_any()
}

/// What is known of the chosen version, or what can be done with it.
fn detail(models: Models) -> AnyView {
    let tab = move |tab: Tab, label: &'static str| {
        let is_open = Memo::new(move |_| models.tab.get() == tab);
        view! {
            <button type="button" role="tab" id=format!("models-tab-{tab:?}") aria-controls="models-detail" aria-selected=move || is_open.get().to_string()
                tabindex=move || if is_open.get() { "0" } else { "-1" } on:click=move |_| models.tab.set(tab)>{label}</button>
        }
    };
    let on_key = move |event| {
        if let Some(next) = next_tab(&event, &TABS, models.tab.get_untracked()) {
            models.tab.set(next);
        }
    };
    let body = move || match models.tab.get() {
        Tab::Card => card::card(models),
        Tab::Columns => card::columns(models),
        Tab::Compare => compare::compare(models),
        Tab::TryIt => try_it::try_it(models),
    };
    view! {
        <section class="models__detail">
            <div class="tabs" role="tablist" aria-label="What is shown of the version" on:keydown=on_key>
                {tab(Tab::Card, "Card")}{tab(Tab::Columns, "Columns")}{tab(Tab::TryIt, "Try it")}{tab(Tab::Compare, "Compare")}
            </div>
            <div class="models__body" id="models-detail" role="tabpanel" tabindex="0" aria-labelledby=move || format!("models-tab-{:?}", models.tab.get())>{body}</div>
        </section>
    }
    .into_any()
}

fn nothing_yet(models: Models) -> AnyView {
    view! {
        <section class="models__main">
            <div class="empty">
                {icon("boxes")}
                <b>"No models yet"</b>
                <p>"Run a pipeline that trains a model, then register it here: it becomes version 1, with all preparation that rows need on their way to it. From then on it can be deployed behind an address."</p>
                <button type="button" class="button button--primary" on:click=move |_| register::open(models)>{icon("plus")}"Register a model"</button>
            </div>
        </section>
    }
    .into_any()
}

fn not_there(models: Models, error: &AskError) -> AnyView {
    let (headline, words) = match (models.host.with_untracked(|host| host.kind), error) {
        (_, AskError::Key) => ("The server wants a key", "Give it on the page Monitor; it is kept for this tab."),
        (HostKind::Browser, AskError::NoHost) => (
            "The registry of this browser is asleep",
            "It lives in the studio's service worker, which answers from the second visit on, and not after a reload with Shift. Reload the page. Private windows and addresses without https may have none.",
        ),
        (HostKind::Server, AskError::NoHost) => ("The server does not answer", "Start it again with millrace serve."),
        (_, AskError::Other(_)) => ("The registry cannot be read", "Nothing is lost. Try again, or reload the page."),
    };
    let detail = match error {
        AskError::Other(words) => words.clone(),
        AskError::Key | AskError::NoHost => String::new(),
    };
    view! {
        <section class="models__main">
            <div class="empty" role="alert">
                {icon("unplug")}
                <b>{headline}</b>
                <p>{words}</p>
                {(!detail.is_empty()).then(|| view! { <code>{detail}</code> })}
                <button type="button" class="button" on:click=move |_| models.ask()>"Try again"</button>
            </div>
        </section>
    }
    .into_any()
}
