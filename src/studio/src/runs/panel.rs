//! Below the list: the compared runs side by side, their curves, all listed runs as dots, lines and boxes, one run over
//! time.

use std::sync::Arc;

use experiment::{IndexEntry, RunKey, RunRecord, Tab, View};
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::Pipeline;
use pipeline::link::{LinkSize, Mark};
use protocol::Failure;

use super::list::swatch_class;
use super::store::Runs;
use super::{boxes, compare, curves, parallel, scatter, timeline};
use crate::dom;
use crate::idle::Busy;
use crate::store::Tone;
use crate::views::counted;
use crate::views::icon::{icon, small_icon};

/// The tabs that there are.
const TABS: [(Tab, &str); 6] = [
    (Tab::Compare, "Compare"),
    (Tab::Curves, "Curves"),
    (Tab::Scatter, "Scatter"),
    (Tab::Parallel, "Parallel"),
    (Tab::Boxes, "Boxes"),
    (Tab::Timeline, "Timeline"),
];

/// A compared run with all that is kept of it.
#[derive(Clone, PartialEq)]
pub struct Detail {
    /// Its place among all runs.
    pub row_idx: usize,
    /// As lists know it.
    pub entry: IndexEntry,
    /// Its record.
    pub record: RunRecord,
    /// What ran.
    pub pipeline: Pipeline,
    /// Its colour.
    pub color: usize,
}

impl Detail {
    /// "13 Balanced weights".
    pub fn title(&self) -> String {
        self.entry.title()
    }
}

/// The compared runs: the baseline first, then the others in the order in which they were chosen.
pub type Details = Vec<Arc<Detail>>;

/// The keys of the compared runs, the baseline first.
pub fn compared(view: &View) -> Vec<RunKey> {
    let mut keys: Vec<RunKey> = view.pinned.iter().cloned().collect();
    keys.extend(view.selected.iter().filter(|run| view.pinned.as_ref() != Some(*run)).cloned());
    keys
}

/// The colour of a run on the charts; none if it is not compared.
pub fn color_of(view: &View, run: &RunKey) -> Option<usize> {
    compared(view).iter().position(|compared| compared == run)
}

/// The panel.
pub fn panel(runs: Runs) -> AnyView {
    let tab = Memo::new(move |_| runs.view.with(|view| view.tab));
    let details = details(runs);
    let order = TABS.map(|(tab, _)| tab);
    let tabs = TABS.map(|(choice, label)| {
        let count = (choice == Tab::Compare).then_some(move || {
            let n = runs.view.with(|view| compared(view).len());
            (n > 0).then(|| view! { <span class="badge">{n}</span> })
        });
        view! {
            <button type="button" role="tab" id=format!("runs-tab-{}", choice.word()) aria-controls="runs-page"
                aria-selected=move || (tab.get() == choice).to_string()
                tabindex=move || if tab.get() == choice { "0" } else { "-1" }
                on:click=move |_| runs.show(choice)>{label}{count}</button>
        }
    });
    let page = move || match tab.get() {
        Tab::Curves => {
            with_runs(details, 1, "Choose runs with the eye to lay their curves over each other.", curves::curves, runs)
        }
        Tab::Scatter => scatter::scatter(runs),
        Tab::Parallel => parallel::parallel(runs),
        Tab::Boxes => boxes::boxes(runs),
        Tab::Timeline => with_runs(
            details,
            1,
            "Choose a run with the eye to see it node by node over time.",
            timeline::timelines,
            runs,
        ),
        Tab::Compare => with_runs(
            details,
            2,
            "Choose two or more runs with the eye, or pin one as the baseline and choose another.",
            compare::compare_runs,
            runs,
        ),
    };
    let legend = move || {
        let entry = |detail: &Arc<Detail>| {
            let key = detail.entry.id.clone();
            let class = swatch_class(detail.color);
            let is_base = runs.view.with_untracked(|view| view.pinned.as_ref() == Some(&key));
            let title = detail.title();
            let label = format!("Take run {title} off");
            view! {
                <li>
                    <i class=class></i>
                    <span class="truncate">{title}</span>
                    {is_base.then(|| small_icon("pin"))}
                    <button type="button" class="icon-button icon-button--small" aria-label=label title="Take off"
                        on:click=move |_| runs.look(|view| {
                            view.selected.retain(|run| *run != key);
                            if view.pinned.as_ref() == Some(&key) { view.pinned = None; }
                        })>{small_icon("x")}</button>
                </li>
            }
        };
        details.read().iter().map(entry).collect_view()
    };
    let tools = move || match tab.get() {
        Tab::Compare => equal_switch(runs),
        Tab::Parallel => parallel::axes_menu(runs),
        Tab::Curves | Tab::Scatter | Tab::Boxes | Tab::Timeline => ().into_any(),
    };
    view! {
        <section class="runs__panel" aria-label="Comparison" data-region="runs-panel">
            <header class="dock__head">
                <div class="tabs" role="tablist" aria-label="Comparison" on:keydown=move |event| {
                    if let Some(next) = crate::views::next_tab(&event, &order, tab.get_untracked()) { runs.show(next); }
                }>{tabs.into_iter().collect_view()}</div>
                <ul class="runs__legend">{legend}</ul>
                <div class="dock__tools">
                    {tools}
                    <button type="button" class="button button--ghost button--small" on:click=move |_| copy_link(runs)>{icon("link")}"Copy link"</button>
                </div>
            </header>
            <div class="runs__page" role="tabpanel" id="runs-page" tabindex="0" aria-labelledby=move || format!("runs-tab-{}", tab.get().word())>{page}</div>
        </section>
    }
    .into_any()
}

fn equal_switch(runs: Runs) -> AnyView {
    view! {
        <label class="switch">
            <input type="checkbox" role="switch" prop:checked=move || !runs.view.with(|view| view.with_equal)
                on:change=move |event| { let only = event_target_checked(&event); runs.look(|view| view.with_equal = !only); } />
            "Differences only"
        </label>
    }
    .into_any()
}

fn copy_link(runs: Runs) {
    let location = dom::window().location();
    let page = format!(
        "{}{}{}",
        location.origin().unwrap_or_default(),
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default(),
    );
    let compared = runs.view.with_untracked(compared);
    let busy = Busy::begin();
    spawn_local(async move {
        let copied = match runs.address_with_compared(&compared).await {
            Ok(link) => {
                let address = format!("{page}{link}");
                dom::copy(&address).await.map(|()| LinkSize::of(&address))
            }
            Err(reason) => Err(reason),
        };
        match copied {
            Ok(_) if compared.is_empty() => runs.studio.toast(
                Tone::Good,
                "Link copied",
                "It opens this view in this browser. Put runs on the charts first, and it carries them anywhere.",
            ),
            Ok(size) => {
                let tone = if size.mark == Mark::Red { Tone::Warning } else { Tone::Good };
                let far = match size.mark {
                    Mark::Green => "It fits every chat, mail and browser",
                    Mark::Amber => "Browsers take it, some chats cut it off",
                    Mark::Red => "That is more than many browsers take: compare fewer runs",
                };
                let (n, n_chars) = (counted(compared.len(), "run"), charts::grouped(size.n_chars as u64));
                runs.studio.toast(tone, format!("Link with {n} copied: {n_chars} characters"), format!("{far}."));
            }
            Err(reason) => runs.studio.fail(Failure::new(
                format!("The link was not copied: {reason}"),
                "The address bar has this view, without its runs.",
            )),
        }
        drop(busy);
    });
}

/// A page that needs runs, or what to do to get it.
fn with_runs(
    details: RwSignal<Details>,
    n_needed: usize,
    hint: &'static str,
    page: fn(Runs, &Details) -> AnyView,
    runs: Runs,
) -> AnyView {
    let content = move || {
        let details = details.read();
        if details.len() < n_needed {
            super::empty("git-compare", "Nothing to compare yet", hint)
        } else {
            page(runs, &details)
        }
    };
    view! { {content} }.into_any()
}

/// Fetches what is kept of the compared runs, whenever they change.
fn details(runs: Runs) -> RwSignal<Details> {
    let details = RwSignal::new(Vec::new());
    let wanted = Memo::new(move |_| {
        runs.changed.track();
        let keys = runs.view.with(compared);
        keys.into_iter().map(|key| (runs.version(&key), key)).collect::<Vec<_>>()
    });
    let latest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let wanted = wanted.get();
        if !runs.loaded.get() {
            return;
        }
        let ticket = latest.get_value() + 1;
        latest.set_value(ticket);
        let busy = Busy::begin();
        spawn_local(async move {
            let mut found = Vec::new();
            for (color, (_, key)) in wanted.into_iter().enumerate() {
                let Some((row_idx, entry)) = runs.with_table(|table| {
                    let row_idx = table.find(&key)?;
                    Some((row_idx, table.entry(row_idx)?.clone()))
                }) else {
                    continue;
                };
                let pipeline = runs.pipeline_of(&entry.pipeline).await;
                // What cannot be read is not compared; opening it says why.
                if let (Ok(record), Ok(pipeline)) = (runs.record_of(&key).await, pipeline) {
                    found.push(Arc::new(Detail { row_idx, entry, record, pipeline, color }));
                }
            }
            if latest.try_get_value() == Some(ticket) {
                details.set(found);
            }
            drop(busy);
        });
    });
    details
}
