//! The versions of a model: what each is, what points to it, where it serves.

use leptos::prelude::*;
use registry::{Change, Name, Version};

use super::store::{Models, Tab};
use crate::dom;
use crate::moments::moment;
use crate::views::icon::{icon, small_icon};

/// Figures of a version that are listed, at most.
const N_METRICS: usize = 3;
/// Aliases that are offered; any other can be typed on the command line.
const ALIASES: [&str; 2] = ["champion", "challenger"];

/// The table.
pub fn versions(models: Models) -> AnyView {
    let shown = Memo::new(move |_| {
        let name = models.model.get()?;
        models.registry.with(|registry| {
            let versions = registry.models.get(&name)?.versions.iter().rev();
            let shows_archived = models.shows_archived.get();
            let versions = versions.filter(|version| shows_archived || !version.is_archived).cloned();
            Some((name.clone(), versions.collect::<Vec<Version>>()))
        })
    });
    let n_archived = Memo::new(move |_| {
        models.registry.with(|registry| {
            let entry = models.model.get().and_then(|name| registry.models.get(&name).cloned());
            entry.map_or(0, |entry| entry.versions.iter().filter(|version| version.is_archived).count())
        })
    });
    let metrics = Memo::new(move |_| {
        // The figures that the newest version has name the columns.
        let newest = shown.get().and_then(|(_, versions)| models.header_of(&versions.first()?.package));
        let metrics = newest.iter().flat_map(|header| header.card.metrics.iter());
        metrics.take(N_METRICS).map(|metric| metric.name.clone()).collect::<Vec<String>>()
    });
    let rows = move || {
        let (name, versions) = shown.get()?;
        Some(versions.into_iter().map(|version| row(models, &name, version, metrics)).collect_view())
    };
    let figures = move || {
        metrics
            .get()
            .into_iter()
            .map(|name| view! { <th scope="col" class="models__num">{study::metric_label(&name)}</th> })
            .collect_view()
    };
    view! {
        <div class="models__versions">
            <table class="models__table">
                <thead>
                    <tr>
                        <th scope="col">"Version"</th><th scope="col">"Learner"</th>{figures}
                        <th scope="col">"Registered"</th><th scope="col">"Points to it"</th><th scope="col">"Serves"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {move || (n_archived.get() > 0).then(|| view! {
                <label class="models__archived"><input type="checkbox" prop:checked=models.shows_archived
                    on:change=move |event| models.shows_archived.set(event_target_checked(&event)) />{format!("Archived, too ({})", n_archived.get())}</label>
            })}
        </div>
    }
    .into_any()
}

fn row(models: Models, name: &Name, version: Version, metrics: Memo<Vec<String>>) -> AnyView {
    let number = version.number;
    let is_chosen = Memo::new(move |_| models.version().is_some_and(|chosen| chosen.number == number));
    let package = version.package.clone();
    let header = Memo::new(move |_| models.header_of(&package));
    let learner = move || header.get().map(|header| header.card.learner.clone());
    let figures = move || {
        metrics.get().into_iter().map(|name| {
            let value = header.get().and_then(|header| header.card.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value));
            view! { <td class="models__num num">{value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))}</td> }
        }).collect_view()
    };
    let (aliases, serves) = models.registry.with_untracked(|registry| {
        let entry = registry.models.get(name);
        let aliases = entry.into_iter().flat_map(|entry| &entry.aliases).filter(|(_, of)| **of == number);
        let aliases: Vec<Name> = aliases.map(|(alias, _)| alias.clone()).collect();
        let mut serves = Vec::new();
        for (endpoint, entry) in &registry.endpoints {
            for (deployment, _) in entry.deployments.iter().filter(|(_, it)| it.model == *name && it.version == number)
            {
                let percent = entry.traffic.get(deployment).copied().unwrap_or(0);
                serves.push(format!("{endpoint} {percent} %"));
            }
        }
        (aliases, serves)
    });
    let tags =
        version.tags.iter().map(|(key, value)| view! { <span class="models__tag">{format!("{key}={value}")}</span> });
    let tags = tags.collect_view();
    let chips =
        aliases.iter().map(|alias| view! { <span class="models__alias">{small_icon("tag")}{alias.to_string()}</span> });
    let chips = chips.collect_view();
    let choose = move || models.number.set(Some(number));
    view! {
        <tr class:models__chosen=is_chosen class:models__away=version.is_archived>
            <th scope="row"><button type="button" class="models__number" aria-pressed=move || is_chosen.get().to_string() on:click=move |_| choose()>{format!("v{number}")}</button></th>
            <td>{learner}</td>
            {figures}
            <td class="models__when">{moment(version.registered_at)}<small>{version.who.clone()}</small></td>
            <td>{chips}{tags}</td>
            <td>{serves.join(", ")}</td>
            <td class="models__act">{actions(models, name, &version, &aliases)}</td>
        </tr>
    }
    .into_any()
}

fn actions(models: Models, name: &Name, version: &Version, has: &[Name]) -> AnyView {
    let number = version.number;
    let menu = format!("version-{number}-menu");
    let close = {
        let menu = menu.clone();
        move || dom::hide_popover(&menu)
    };
    let mut items: Vec<AnyView> = Vec::new();
    if !version.is_archived {
        for alias in ALIASES.iter().filter_map(|alias| Name::new(alias).ok()) {
            let (model, close, is_there) = (name.clone(), close.clone(), has.contains(&alias));
            let label = if is_there { format!("No longer {alias}") } else { format!("Make it the {alias}") };
            items.push(item("tag", label, move || {
                close();
                let (model, alias) = (model.clone(), alias.clone());
                let change = if is_there {
                    Change::AliasRemoved { model, alias }
                } else {
                    Change::AliasSet { model, alias, version: number }
                };
                models.change(vec![change], || ());
            }));
        }
        let other = close.clone();
        items.push(item("git-compare", "Compare".into(), move || {
            other();
            models.number.set(Some(number));
            models.tab.set(Tab::Compare);
        }));
    }
    let (model, is_archived) = (name.clone(), version.is_archived);
    let label = if is_archived { "Restore" } else { "Archive" };
    items.push(item("archive", label.into(), move || {
        close();
        let model = model.clone();
        let change = if is_archived {
            Change::Restored { model, version: number }
        } else {
            Change::Archived { model, version: number }
        };
        models.change(vec![change], || ());
    }));
    view! {
        <button type="button" class="icon-button icon-button--small" aria-label=format!("Actions for version {number}") popovertarget=menu.clone()>{icon("ellipsis")}</button>
        <div class="menu models__menu" id=menu popover="auto" role="group" aria-label=format!("Version {number}")>{items}</div>
    }
    .into_any()
}

fn item(icon_name: &'static str, label: String, act: impl Fn() + 'static) -> AnyView {
    view! { <button type="button" class="menu__item" on:click=move |_| act()>{icon(icon_name)}{label}</button> }
        .into_any()
}
