//! What came of the trials, seen in several ways: a row of tabs and the view that was chosen.

use std::sync::Arc;

use leptos::prelude::*;

use super::columns::Columns;
use super::runner::Runner;
use super::{automl, contour, intermediate, pareto, slice, timeline};
use crate::store::Studio;
use crate::viewers::empty;
use crate::viewers::parallel::{self, Axes, Column, Naming, Outstanding, Told};
use crate::views::icon::icon;
use crate::views::next_tab;

/// One way to look at the trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Panel {
    Leaderboard,
    Parallel,
    Slice,
    Contour,
    Pareto,
    Timeline,
    Intermediate,
}

impl Panel {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Leaderboard => ("leaderboard", "Leaderboard"),
            Self::Parallel => ("parallel", "All settings"),
            Self::Slice => ("slice", "Slice"),
            Self::Contour => ("contour", "Contour"),
            Self::Pareto => ("pareto", "Pareto"),
            Self::Timeline => ("timeline", "Timeline"),
            Self::Intermediate => ("intermediate", "On the way"),
        }
    }
}

/// What the lines over parallel axes are called.
const LINES: Naming = Naming { title: "All settings at once", one: "Trial", many: "trials", file: "sweep-trials.csv" };

/// Which columns are looked at, by name; the first ones that are not taken unless somebody chose.
#[derive(Clone, Copy)]
struct Choice {
    settings: [RwSignal<String>; 2],
    objectives: [RwSignal<String>; 2],
}

/// Tabs and view. `ended` changes when a trial comes to its end.
pub fn view(
    studio: Studio,
    runner: Runner,
    data: Memo<Arc<Columns>>,
    ended: Memo<Option<(usize, u32)>>,
    axes: Axes,
) -> AnyView {
    let is_search = runner.peek(|sweep| sweep.is_some_and(|sweep| sweep.automl.is_some()));
    let tab = RwSignal::new(if is_search { Panel::Leaderboard } else { Panel::Parallel });
    let names = || [RwSignal::default(), RwSignal::default()];
    let choice = Choice { settings: names(), objectives: names() };
    let has_two = Memo::new(move |_| data.with(|data| data.objectives.len() > 1));
    let order = move || {
        let all = [
            Panel::Leaderboard,
            Panel::Parallel,
            Panel::Slice,
            Panel::Contour,
            Panel::Pareto,
            Panel::Timeline,
            Panel::Intermediate,
        ];
        let is_shown = |panel: &Panel| match panel {
            Panel::Leaderboard => is_search,
            Panel::Pareto => has_two.get(),
            _ => true,
        };
        all.into_iter().filter(is_shown).collect::<Vec<_>>()
    };
    let tabs = move || {
        let tabs = order().into_iter().map(|panel| {
            let (id, label) = panel.words();
            view! {
                <button type="button" role="tab" id=format!("sweep-tab-{id}") aria-controls="sweep-view"
                    aria-selected=move || (tab.get() == panel).to_string()
                    tabindex=move || if tab.get() == panel { "0" } else { "-1" }
                    on:click=move |_| tab.set(panel)>{label}</button>
            }
        });
        tabs.collect_view()
    };
    let has_trials = Memo::new(move |_| data.with(|data| !data.trials.is_empty()));
    let key = Memo::new(move |_| {
        let chosen = || [choice.settings, choice.objectives].concat().into_iter().map(|name| name.get()).collect();
        // The lines of all settings follow their trials by themselves.
        let moves = (tab.get() != Panel::Parallel).then(|| -> (_, Vec<String>) { (ended.get(), chosen()) });
        // An ensemble comes after the last trial.
        let has_blend = runner.with(|sweep| {
            sweep.is_some_and(|sweep| sweep.automl.as_ref().is_some_and(|automl| automl.blend.is_some()))
        });
        (tab.get(), has_trials.get(), moves, has_blend)
    });
    let lines = Memo::new(move |_| Arc::new(data.with(|data| data.lines())));
    let shown = move |panel: Panel| {
        let announce = Callback::new(move |text| studio.announcement.set(text));
        let data_now = data.get_untracked();
        let Columns { settings, objectives, .. } = &*data_now;
        let aims = pair(objectives, choice.objectives);
        match (panel, aims) {
            (Panel::Leaderboard, _) if !data_now.trials.is_empty() => {
                runner.peek(|sweep| sweep.map(|sweep| automl::leaderboard(studio, sweep))).into_any()
            }
            (Panel::Timeline | Panel::Intermediate, _) => runner.peek(|sweep| match sweep {
                Some(sweep) if panel == Panel::Timeline => timeline::view(&sweep.study, announce),
                Some(sweep) => intermediate::view(&sweep.study, announce),
                None => ().into_any(),
            }),
            (_, [Some(aim), other]) if !data_now.trials.is_empty() => {
                match (panel, pair(settings, choice.settings), other) {
                    (Panel::Slice, ..) => slice::view(&data_now, aim, announce),
                    (Panel::Contour, [Some(x), Some(y)], _) => contour::view(&data_now, [x, y], aim, announce),
                    (Panel::Contour, ..) => empty("layers", "Only one setting varies", "A contour needs two of them."),
                    (Panel::Pareto, _, Some(other)) => pareto::view(&data_now, [aim, other], announce),
                    _ => parallel::view(lines, LINES, axes, Outstanding::Best, Told { announce, pick: None }),
                }
            }
            _ => empty("chart-scatter", "No trial is done yet", "Each one that comes to its end appears here."),
        }
    };
    let fields = move || {
        let wanted: &[(bool, usize, &'static str)] = match tab.get() {
            Panel::Contour => &[(true, 0, "Across"), (true, 1, "Up"), (false, 0, "Colour")],
            Panel::Slice => &[(false, 0, "Objective")],
            Panel::Pareto => &[(false, 0, "Across"), (false, 1, "Up")],
            Panel::Leaderboard | Panel::Parallel | Panel::Timeline | Panel::Intermediate => &[],
        };
        let field = |(is_setting, at, label): &(bool, usize, &'static str)| {
            let (at, label, is_setting) = (*at, *label, *is_setting);
            let of =
                move |data: &Arc<Columns>| if is_setting { data.settings.clone() } else { data.objectives.clone() };
            let names = if is_setting { choice.settings } else { choice.objectives };
            let options = move || {
                let columns = data.with(of);
                let now = pair(&columns, names)[at].map(|column| column.name.clone());
                let option = |column: &Column| {
                    let is_now = now.as_ref() == Some(&column.name);
                    view! { <option value=column.name.clone() selected=is_now>{column.label.clone()}</option> }
                };
                columns.iter().map(option).collect_view()
            };
            (data.with(of).len() > 1).then(|| {
                view! {
                    <label>{label}<span class="select"><select on:change=move |event| names[at].set(event_target_value(&event))>{options}</select>{icon("chevron-down")}</span></label>
                }
            })
        };
        wanted.iter().filter_map(field).collect_view()
    };
    view! {
        <section class="sweeps__panel sweeps__views" aria-label="Views of the trials">
            <div class="sweeps__tabs">
                <div class="tabs" role="tablist" aria-label="Views of the trials" on:keydown=move |event| {
                    if let Some(next) = next_tab(&event, &untrack(order), tab.get_untracked()) { tab.set(next); }
                }>{tabs}</div>
                <div class="sweeps__choices">{fields}</div>
            </div>
            <div class="sweeps__view" role="tabpanel" id="sweep-view" aria-labelledby=move || format!("sweep-tab-{}", tab.get().words().0)>
                // By key, so that each drawing gets a canvas of its own.
                <For each=move || [key.get()] key=Clone::clone children=move |(panel, ..)| untrack(|| shown(panel)) />
            </div>
        </section>
    }
    .into_any()
}

/// The columns with the chosen names; where none is chosen, the first that is not taken.
fn pair(columns: &[Column], names: [RwSignal<String>; 2]) -> [Option<&Column>; 2] {
    let named = |name: RwSignal<String>| name.with(|name| columns.iter().find(|column| column.name == *name));
    let first = named(names[0]).or_else(|| {
        let other = named(names[1]).map(|column| &column.name);
        columns.iter().find(|column| Some(&column.name) != other)
    });
    let second = named(names[1]).or_else(|| {
        let first = first.map(|column| &column.name);
        columns.iter().find(|column| Some(&column.name) != first)
    });
    [first, second]
}
