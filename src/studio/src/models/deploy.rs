//! The dialog that puts a version behind an address.

use std::collections::BTreeMap;

use leptos::prelude::*;
use registry::{Change, Endpoint, Name, Share};

use super::store::{Models, Tab};
use crate::dom;
use crate::store::Tone;
use crate::views::dialog;
use crate::views::icon::icon;

const ID: &str = "deploy-dialog";
/// Shares of requests that are offered, in percent.
const SHARES: [u8; 6] = [0, 5, 10, 25, 50, 100];
/// Shares of requests that are copied, in percent.
const COPIES: [u8; 3] = [10, 25, 50];
/// What deployments are called, as long as there are names.
const NAMES: [&str; 2] = ["blue", "green"];

/// What the version is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    Share(u8),
    Copies(u8),
}

#[derive(Clone, Copy)]
struct Form {
    endpoint: RwSignal<String>,
    deployment: RwSignal<String>,
    gets: RwSignal<Gets>,
}

thread_local! {
    // The dialog is made whenever the page is shown; the last one counts.
    static FORM: std::cell::Cell<Option<Form>> = const { std::cell::Cell::new(None) };
}

/// Opens the dialog for the version that is looked at.
pub fn open(models: Models) {
    let (Some(form), Some(model)) = (FORM.get(), models.model.get_untracked()) else { return };
    let endpoints = untrack(|| models.endpoints_of(&model));
    let endpoint = endpoints.first().map_or_else(|| model.to_string(), |(name, _)| name.to_string());
    form.endpoint.set(endpoint);
    suggest(models, form);
    dom::show_dialog(ID);
}

/// A name that is free, and the share that fits: all of a new endpoint, a tenth of one that serves already.
fn suggest(models: Models, form: Form) {
    let entry = entry(models, form);
    let is_free = |name: &&str| !entry.deployments.keys().any(|there| there.as_str() == *name);
    let number = untrack(|| models.version()).map_or(1, |version| version.number);
    let free = NAMES.iter().find(|name| is_free(name)).map_or_else(|| format!("v{number}"), ToString::to_string);
    form.deployment.set(free);
    let has_traffic = entry.traffic.values().any(|percent| *percent > 0);
    form.gets.set(Gets::Share(if has_traffic { 10 } else { 100 }));
}

fn entry(models: Models, form: Form) -> Endpoint {
    let name = form.endpoint.with(|name| Name::new(name).ok());
    let found = models.registry.with(|registry| name.and_then(|name| registry.endpoints.get(&name).cloned()));
    found.unwrap_or_default()
}

/// The shares after the change; an endpoint without traffic gives all of it to its first deployment.
fn shares(entry: &Endpoint, deployment: &Name, gets: Gets) -> BTreeMap<Name, u8> {
    match gets {
        Gets::Share(percent) => entry.with_share(deployment, percent),
        Gets::Copies(_) => {
            let mut traffic = entry.traffic.clone();
            traffic.remove(deployment);
            traffic
        }
    }
}

/// The dialog, closed.
pub fn dialog(models: Models) -> AnyView {
    let form = Form {
        endpoint: RwSignal::new(String::new()),
        deployment: RwSignal::new(String::new()),
        gets: RwSignal::new(Gets::Share(100)),
    };
    FORM.set(Some(form));
    let wrong = Memo::new(move |_| {
        let endpoint = form.endpoint.with(|name| Name::new(name).err());
        endpoint.or_else(|| form.deployment.with(|name| Name::new(name).err())).map(|error| error.to_string())
    });
    let known = move || {
        let endpoints = models.registry.with(|registry| registry.endpoints.keys().cloned().collect::<Vec<_>>());
        endpoints.into_iter().map(|name| view! { <option value=name.to_string()></option> }).collect_view()
    };
    let options = move || {
        let serves = entry(models, form).traffic.values().any(|percent| *percent > 0);
        let now = form.gets.get();
        let shares = SHARES.iter().map(|percent| (Gets::Share(*percent), format!("{percent} % of requests")));
        let copies = COPIES
            .iter()
            .filter(|_| serves)
            .map(|percent| (Gets::Copies(*percent), format!("copies of {percent} %, answers unseen")));
        let all: Vec<_> = shares.chain(copies).collect();
        all.into_iter()
            .map(|(gets, label)| view! { <option value=word(gets) selected=gets == now>{label}</option> })
            .collect_view()
    };
    let after = move || {
        let deployment = form.deployment.with(|name| Name::new(name).ok())?;
        let version = models.version()?.number;
        let entry = entry(models, form);
        let gets = form.gets.get();
        let mut rows: Vec<(Name, u32, String)> = Vec::new();
        for (name, percent) in shares(&entry, &deployment, gets) {
            let number = entry.deployments.get(&name).map_or(version, |it| it.version);
            let number = if name == deployment { version } else { number };
            rows.push((name, number, format!("{percent} %")));
        }
        if let Gets::Copies(percent) = gets {
            rows.push((deployment.clone(), version, format!("copies of {percent} %")));
        }
        let replaced = entry.deployments.get(&deployment).filter(|it| it.version != version).map(|it| it.version);
        let rows = rows.into_iter().map(|(name, number, share)| {
            view! { <li><b>{name.to_string()}</b><span>{format!("v{number}")}</span><span class="num">{share}</span></li> }
        });
        Some(view! {
            <p class="models__after">"Afterwards"</p>
            <ul class="models__shares">{rows.collect_view()}</ul>
            {replaced.map(|number| view! { <p class="models__hint">{format!("{deployment} serves v{number} now; requests under way end with it.")}</p> })}
        })
    };
    let body = view! {
        <label class="field"><span>"Endpoint"</span>
            <input class="input" id="deploy-endpoint" list="deploy-endpoints" prop:value=form.endpoint
                on:change=move |event| { form.endpoint.set(event_target_value(&event)); suggest(models, form) } />
        </label>
        <datalist id="deploy-endpoints">{known}</datalist>
        <p class="models__address"><code>{move || format!("POST {}v2/models/{}/infer", models.host.with(|host| host.base.clone()), form.endpoint.get())}</code></p>
        <div class="models__pair">
            <label class="field"><span>"Deployment"</span>
                <input class="input" prop:value=form.deployment on:input=move |event| form.deployment.set(event_target_value(&event)) />
            </label>
            <label class="field"><span>"Gets"</span>
                <select class="input" id="deploy-gets" on:change=move |event| { if let Some(gets) = read(&event_target_value(&event)) { form.gets.set(gets) } }>{options}</select>
            </label>
        </div>
        <p class="models__hint" role="status">{move || wrong.get()}</p>
        {after}
    };
    let foot = view! {
        <button type="button" class="button" on:click=move |_| dom::close_dialog(ID)>"Cancel"</button>
        <button type="button" class="button button--primary" id="deploy-now" disabled=move || wrong.with(Option::is_some) on:click=move |_| deploy(models, form)>{icon("send")}"Deploy"</button>
    };
    dialog::dialog(ID, "dialog models__dialog", "Deploy", body.into_any(), Some(foot.into_any()))
}

fn word(gets: Gets) -> String {
    match gets {
        Gets::Share(percent) => format!("share {percent}"),
        Gets::Copies(percent) => format!("copies {percent}"),
    }
}

fn read(word: &str) -> Option<Gets> {
    let (kind, percent) = word.split_once(' ')?;
    let percent = percent.parse().ok()?;
    Some(if kind == "share" { Gets::Share(percent) } else { Gets::Copies(percent) })
}

fn deploy(models: Models, form: Form) {
    let name = |signal: RwSignal<String>| signal.with_untracked(|name| Name::new(name).ok());
    let (Some(endpoint), Some(deployment)) = (name(form.endpoint), name(form.deployment)) else { return };
    let (Some(model), Some(version)) = (models.model.get_untracked(), untrack(|| models.version())) else { return };
    let entry = untrack(|| entry(models, form));
    let gets = form.gets.get_untracked();
    let traffic = shares(&entry, &deployment, gets);
    let is_mirror = entry.mirror.as_ref().is_some_and(|mirror| mirror.deployment == deployment);
    let mut changes = vec![Change::Deployed {
        endpoint: endpoint.clone(),
        deployment: deployment.clone(),
        model,
        version: version.number,
    }];
    if is_mirror {
        changes.push(Change::MirrorSet { endpoint: endpoint.clone(), mirror: None });
    }
    if traffic != entry.traffic {
        changes.push(Change::TrafficSet { endpoint: endpoint.clone(), traffic, reason: String::new() });
    }
    if let Gets::Copies(percent) = gets {
        let mirror = Some(Share { deployment, percent });
        changes.push(Change::MirrorSet { endpoint: endpoint.clone(), mirror });
    }
    models.change(changes, move || {
        dom::close_dialog(ID);
        models.studio.toast(Tone::Good, format!("Deployed: {endpoint} answers with v{} now", version.number), "");
        models.tab.set(Tab::TryIt);
    });
}
