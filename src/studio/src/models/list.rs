//! The models, at the left.

use leptos::prelude::*;
use registry::Name;

use super::register;
use super::store::Models;
use crate::endpoints::HostKind;
use crate::views::icon::{icon, small_icon};

/// The rail.
pub fn list(models: Models) -> AnyView {
    let names =
        Memo::new(move |_| models.registry.with(|registry| registry.models.keys().cloned().collect::<Vec<Name>>()));
    let rows = move || names.get().into_iter().map(|name| row(models, name)).collect_view();
    let about = match models.host.with_untracked(|host| host.kind) {
        HostKind::Browser => view! {
            <div class="hosted__about">{icon("laptop")}<p><b>"This browser only."</b>" Models and endpoints live here. The command under Try it serves the same file to everybody."</p></div>
        }
        .into_any(),
        HostKind::Server => view! {
            <div class="hosted__about">{icon("hard-drive")}<p><b>"This server."</b>" Models lie in its registry, and whoever reaches it can call its endpoints."</p></div>
        }
        .into_any(),
    };
    view! {
        <aside class="hosted__rail models__rail" aria-label="Models" data-region="models">
            <h3>"Models"<em>{move || names.with(Vec::len)}</em></h3>
            <ul>{rows}</ul>
            <button type="button" class="button models__new" id="register" on:click=move |_| register::open(models)>{small_icon("plus")}"Register a model"</button>
            {about}
        </aside>
    }
    .into_any()
}

fn row(models: Models, name: Name) -> AnyView {
    let (chosen, goal) = (name.clone(), name.clone());
    let is_chosen = Memo::new(move |_| models.model.with(|model| model.as_ref() == Some(&chosen)));
    let asked = name.clone();
    let words = Memo::new(move |_| {
        models.registry.with(|registry| {
            let Some(entry) = registry.models.get(&asked) else { return String::new() };
            let n = entry.versions.len();
            let aliases = entry.aliases.iter().map(|(alias, version)| format!(" · {alias} v{version}"));
            format!("{n} version{}{}", if n == 1 { "" } else { "s" }, aliases.collect::<String>())
        })
    });
    view! {
        <li>
            <button type="button" class="hosted__item" aria-current=move || is_chosen.get().then_some("true")
                on:click=move |_| { models.number.set(None); models.model.set(Some(goal.clone())) }>
                {icon("boxes")}
                <span><b class="truncate">{name.to_string()}</b><small class="truncate">{words}</small></span>
            </button>
        </li>
    }
    .into_any()
}
