//! Ctrl+K: every command, component, node and pipeline under one search.

use std::sync::Arc;

use editor::{Action, Command, KEYMAP, chord_label};
use leptos::prelude::*;
use schema::ordered::sort_by;

use super::icon::icon;
use super::palette::rank;
use super::thumbnail::family_class;
use crate::dom;
use crate::store::{Page, Studio};

/// Opens the palette of commands.
pub fn open() {
    dom::show_dialog("commander");
    dom::focus_later("#commander-input");
}

#[derive(Clone)]
struct Entry {
    icon: String,
    class: &'static str,
    label: String,
    note: String,
    act: Arc<dyn Fn() + Send + Sync>,
}

fn entries(studio: Studio, query: &str) -> Vec<Entry> {
    let mac = super::shortcuts::is_mac();
    let query_lower = query.trim().to_lowercase();
    let fits = |label: &str| {
        let label = label.to_lowercase();
        query_lower.split_whitespace().all(|word| label.contains(word))
    };
    let mut found: Vec<Entry> = Vec::new();
    let in_studio = studio.page.get_untracked() == Page::Studio;
    if in_studio {
        let mut seen: Vec<Action> = Vec::new();
        for binding in KEYMAP {
            let is_of_palette = matches!(
                binding.action,
                Action::OpenPalette
                    | Action::StepBack
                    | Action::NextTarget
                    | Action::PreviousTarget
                    | Action::ShowOutput(_)
                    | Action::Go(_)
                    | Action::Extend(_)
                    | Action::Nudge(_)
                    | Action::NudgeFar(_)
                    | Action::ToggleHand
                    | Action::Confirm
            );
            if is_of_palette || seen.contains(&binding.action) || !fits(binding.label) {
                continue;
            }
            seen.push(binding.action);
            let action = binding.action;
            found.push(Entry {
                icon: "command".into(),
                class: "",
                label: binding.label.into(),
                note: chord_label(binding.chord, mac),
                act: Arc::new(move || crate::app::act(studio, action)),
            });
        }
        // Entries can be searched by the words they show: "add decision tree", "go to decision tree".
        let wanted = query_lower.strip_prefix("add ").unwrap_or(&query_lower);
        let is_for_nodes = query_lower.starts_with("go to ");
        studio.with(|editor| {
            let of = |spec| Some((rank(spec, wanted).filter(|_| !is_for_nodes)?, spec));
            let mut specs: Vec<_> = editor.catalogue().iter().filter_map(of).collect();
            sort_by(&mut specs, |a, b| (a.0, &a.1.title).cmp(&(b.0, &b.1.title)));
            for (_, spec) in specs {
                let id = spec.id.clone();
                found.push(Entry {
                    icon: spec.icon.clone(),
                    class: family_class(Some(spec.family)),
                    label: format!("Add {}", spec.title),
                    note: spec.family.label().into(),
                    act: Arc::new(move || studio.add(&id, None, None)),
                });
            }
            for id in editor.pipeline().nodes().keys() {
                let label = format!("Go to {}", editor.title(id));
                if fits(&label) {
                    let goal = id.clone();
                    found.push(Entry {
                        icon: "locate-fixed".into(),
                        class: "",
                        label,
                        note: id.to_string(),
                        act: Arc::new(move || {
                            studio.go_to(&goal);
                            studio.send(Command::Focus(goal.clone()));
                        }),
                    });
                }
            }
        });
    } else {
        for (question_idx, question) in super::gallery::GALLERY.iter().enumerate() {
            if fits(question.title) || fits(question.data) {
                found.push(Entry {
                    icon: "workflow".into(),
                    class: "",
                    label: question.title.into(),
                    note: question.data.into(),
                    act: Arc::new(move || super::start::open_question(studio, question_idx)),
                });
            }
        }
    }
    for record in studio.records.get_untracked() {
        let label = format!("Open {}", record.name);
        if fits(&label) {
            let id = record.id.clone();
            found.push(Entry {
                icon: "file-text".into(),
                class: "",
                label,
                note: "pipeline".into(),
                act: Arc::new(move || studio.open_stored(id.clone())),
            });
        }
    }
    for (label, page) in [
        ("Go to runs", Page::Runs),
        ("Go to sweeps", Page::Sweeps),
        ("Go to models", Page::Models),
        ("Go to monitor", Page::Monitor),
    ] {
        // The sweeps are those of an open document.
        let is_there = page != Page::Sweeps || !studio.document.with_untracked(String::is_empty);
        if is_there && fits(label) {
            found.push(Entry {
                icon: "layout-dashboard".into(),
                class: "",
                label: label.into(),
                note: "page".into(),
                act: Arc::new(move || studio.page.set(page)),
            });
        }
    }
    for (label, theme) in [("Theme: light", "light"), ("Theme: dark", "dark"), ("Theme: as the system", "system")] {
        if fits(label) {
            found.push(Entry {
                icon: "monitor".into(),
                class: "",
                label: label.into(),
                note: String::new(),
                act: Arc::new(move || studio.set_theme(theme)),
            });
        }
    }
    found.truncate(60);
    found
}

/// The palette of commands.
#[component]
pub fn Commander() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let query = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let is_open = RwSignal::new(false);
    let found: Signal<Vec<Entry>> =
        Signal::derive(move || if is_open.get() { query.with(|query| entries(studio, query)) } else { Vec::new() });
    let close = move || {
        dom::close_dialog("commander");
        is_open.set(false);
    };
    let choose = move |index: usize| {
        let act = found.with_untracked(|found| found.get(index).map(|entry| Arc::clone(&entry.act)));
        close();
        if let Some(act) = act {
            act();
        }
    };
    let options = move || {
        let found = found.get();
        if found.is_empty() {
            return vec![view! { <p class="quick-add__hint">"Nothing answers to that"</p> }.into_any()];
        }
        found
            .into_iter()
            .enumerate()
            .map(|(index, entry)| {
                view! {
                    <div class=format!("option {}", entry.class) role="option" id=format!("command-{index}") aria-selected=move || (active.get() == index).to_string()
                        on:pointermove=move |_| active.set(index) on:click=move |_| choose(index)>
                        <span class="fam">{icon(&entry.icon)}</span><span class="truncate">{entry.label}</span><small>{entry.note}</small>
                    </div>
                }
                .into_any()
            })
            .collect()
    };
    Effect::new(move |_| {
        let index = active.get();
        dom::after_render(move || {
            if let Some(option) = dom::by_id(&format!("command-{index}")) {
                super::scroll_to(&option)
            }
        });
    });
    view! {
        <dialog class="dialog commander" id="commander" aria-label="Commands" on:close=move |_| is_open.set(false)
            on:click=move |event| if event.target() == event.current_target() { close() }>
            <div class="search">
                {icon("search")}
                <input type="text" class="input" id="commander-input" placeholder="Find a command, component or node" autocomplete="off"
                    role="combobox" aria-label="Find a command, component or node" aria-expanded="true" aria-controls="commander-list"
                    aria-activedescendant=move || format!("command-{}", active.get())
                    prop:value=move || query.get()
                    on:focus=move |_| { query.set(String::new()); active.set(0); is_open.set(true); }
                    on:input=move |event| { query.set(event_target_value(&event)); active.set(0); }
                    on:keydown=move |event| {
                        let n = found.with_untracked(Vec::len).max(1);
                        match event.key().as_str() {
                            "ArrowDown" => { event.prevent_default(); active.update(|active| *active = (*active + 1) % n); }
                            "ArrowUp" => { event.prevent_default(); active.update(|active| *active = (*active + n - 1) % n); }
                            "Enter" => { event.prevent_default(); choose(active.get_untracked()); }
                            _ => {}
                        }
                        event.stop_propagation();
                    } />
            </div>
            <div role="listbox" id="commander-list" aria-label="Results" tabindex="-1">{options}</div>
        </dialog>
    }
}
