//! The head of a column: its name, how it is sorted, and its profile in miniature.

use std::fmt::Write;
use std::sync::Arc;

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use protocol::{ColumnProfile, Filter, has_histogram};
use schema::{Column, Kind, Role};
use wasm_bindgen::JsCast;

use super::percent;
use super::table_state::TableState;
use crate::views::icon::small_icon;

const BARS_HEIGHT: f64 = 36.0;

/// One header cell.
pub fn header_cell(state: TableState, column_idx: usize) -> AnyView {
    let Some(column) = state.columns.with_untracked(|columns| columns.get(column_idx).cloned()) else {
        return ().into_any();
    };
    let profile = Memo::new(move |_| state.profiles.with(|profiles| profiles.get(&column_idx).cloned()));
    let name = column.name.clone();
    let sorted = Memo::new({
        let name = name.clone();
        move |_| state.sort.with(|sort| sort.iter().find(|sort| sort.column == name).map(|sort| sort.descending))
    });
    let place = move || state.offsets.with(|offsets| (offsets.start(column_idx), offsets.width(column_idx)));
    let is_active = move || state.cursor.with(|cursor| cursor.row.is_none() && cursor.column == column_idx);
    let (sort_name, open_name) = (name.clone(), name.clone());
    view! {
        <div
            id=format!("grid-head-{column_idx}")
            class="grid__head-cell"
            class=("grid__head-cell--number", column.kind.is_numeric())
            class=("grid__head-cell--target", column.role == Role::Target)
            class=("grid__head-cell--selected", move || state.selected.get() == Some(column_idx))
            class=("grid__head-cell--active", is_active)
            role="columnheader"
            aria-colindex=(column_idx + 2).to_string()
            aria-sort=move || match sorted.get() {
                None => "none",
                Some(false) => "ascending",
                Some(true) => "descending",
            }
            style:left=move || format!("{}px", place().0)
            style:width=move || format!("{}px", place().1)
        >
            <div class="grid__name">
                <button
                    type="button"
                    tabindex="-1"
                    class="grid__sort"
                    title=format!("{name}: {}, {}. Click to sort", column.kind.label(), column.role.label())
                    on:click=move |_| state.cycle_sort(&sort_name)
                >
                    <span class="grid__kind">{small_icon(kind_icon(&column))}</span>
                    <b>{name.clone()}</b>
                    {move || sorted.get().map(|descending| small_icon(if descending { "arrow-down" } else { "arrow-up" }))}
                </button>
                <button
                    type="button"
                    tabindex="-1"
                    class="grid__open"
                    aria-label=format!("Profile of {open_name}")
                    title="Profile"
                    on:click=move |_| state.toggle_selected(column_idx)
                >
                    {small_icon("chart-column")}
                </button>
            </div>
            {move || profile.get().map(|profile| miniature(state, &profile, place().1 - 20.0))}
        </div>
    }
    .into_any()
}

/// An icon for what a column holds.
pub fn kind_icon(column: &Column) -> &'static str {
    match (column.role, column.kind) {
        (Role::Target, _) => "target",
        (Role::Id, _) => "key-round",
        (_, Kind::Number | Kind::Integer) => "hash",
        (_, Kind::Boolean) => "toggle-left",
        (_, Kind::Category) => "tag",
        (_, Kind::Text) => "type",
        (_, Kind::DateTime) => "calendar",
    }
}

/// A bound as it is shown: a number, or a date.
pub fn bound(kind: Kind, value: f64) -> String {
    if kind != Kind::DateTime {
        return charts::compact(value);
    }
    let text = js_sys::Date::new(&value.into()).to_iso_string().as_string().unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The rows of one bin.
pub fn bin_filter(profile: &ColumnProfile, bin_idx: usize) -> Option<Filter> {
    Some(Filter::Range {
        column: profile.column.name.clone(),
        low: *profile.edges.get(bin_idx)?,
        high: *profile.edges.get(bin_idx + 1)?,
        closed: bin_idx + 2 == profile.edges.len(),
    })
}

fn miniature(state: TableState, profile: &Arc<ColumnProfile>, width: f64) -> AnyView {
    let kind = profile.column.kind;
    let body = if has_histogram(kind) && profile.edges.len() > 1 {
        bars(state, profile, width)
    } else if profile.top.is_empty() || profile.n_distinct > 50 && profile.top.iter().all(|top| top.n <= 1) {
        let word = if profile.n_distinct + profile.n_missing >= profile.n_rows && profile.n_rows > 0 {
            "every row different"
        } else {
            ""
        };
        view! { <div class="mini__unique"><span>{word}</span></div> }.into_any()
    } else {
        tops(state, profile)
    };
    let column = profile.column.name.clone();
    let foot = if profile.n_missing > 0 {
        let text = format!("{} missing", charts::grouped(profile.n_missing));
        view! {
            <button
                type="button"
                tabindex="-1"
                class="mini__missing"
                title="Show only these rows"
                on:click=move |_| state.toggle_filter(Filter::Missing { column: column.clone() })
            >
                {small_icon("circle-alert")}
                {text}
            </button>
        }
        .into_any()
    } else if has_histogram(kind) {
        let ends = profile.edges.first().zip(profile.edges.last());
        ends.map(|(low, high)| view! { <span>{bound(kind, *low)}</span><span>{bound(kind, *high)}</span> }).into_any()
    } else {
        let sign = if profile.distinct_is_bound { "≥ " } else { "" };
        let word = if profile.n_distinct == 1 { "value" } else { "values" };
        view! { <span>{format!("{sign}{} {word}", charts::grouped(profile.n_distinct))}</span> }.into_any()
    };
    view! {
        {body}
        <div class="mini__foot">{foot}</div>
    }
    .into_any()
}

fn bars(state: TableState, profile: &Arc<ColumnProfile>, width: f64) -> AnyView {
    // As many bars as there is room for: neighbours are put together.
    let n_bins = profile.counts.len();
    let together = n_bins.div_ceil(((width / 4.0) as usize).max(1)).max(1);
    let sums = |counts: &[u64]| -> Vec<u64> { counts.chunks(together).map(|chunk| chunk.iter().sum()).collect() };
    let (all, filtered) = (sums(&profile.counts), sums(&profile.filtered_counts));
    let highest = all.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = width / all.len().max(1) as f64;
    let path = |counts: &[u64]| {
        let mut path = String::new();
        for (bar_idx, &n) in counts.iter().enumerate() {
            if n > 0 {
                let height = (n as f64 / highest * BARS_HEIGHT).max(1.0);
                // Writing to a string cannot fail.
                let _ = write!(
                    path,
                    "M{:.1} {BARS_HEIGHT}v-{height:.1}h{:.1}v{height:.1}z",
                    bar_idx as f64 * step,
                    (step - 1.0).max(1.0)
                );
            }
        }
        path
    };
    let (all_path, filtered_path) = (path(&all), path(&filtered));
    let clicked = Arc::clone(profile);
    let pick = move |event: MouseEvent| {
        let x = event
            .current_target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .map_or(0.0, |target| f64::from(event.client_x()) - target.get_bounding_client_rect().left());
        let first = ((x / step).max(0.0) as usize * together).min(n_bins.saturating_sub(1));
        let last = (first + together - 1).min(n_bins.saturating_sub(1));
        if let (Some(&low), Some(&high)) = (clicked.edges.get(first), clicked.edges.get(last + 1)) {
            state.toggle_filter(Filter::Range {
                column: clicked.column.name.clone(),
                low,
                high,
                closed: last + 1 == n_bins,
            });
        }
    };
    view! {
        <svg class="mini__bars" aria-hidden="true" on:click=pick>
            <title>"Click a bar to filter"</title>
            <path class="mini__all" d=all_path></path>
            <path class="mini__filtered" d=filtered_path></path>
        </svg>
    }
    .into_any()
}

fn tops(state: TableState, profile: &Arc<ColumnProfile>) -> AnyView {
    let n_rows = profile.n_rows as f64;
    let highest = profile.top.iter().map(|top| top.n).max().unwrap_or(0).max(1) as f64;
    let rows = profile
        .top
        .iter()
        .take(3)
        .map(|top| {
            let filter = Filter::Equals { column: profile.column.name.clone(), value: top.value.clone() };
            let is_picked = state.filters.with_untracked(|filters| filters.contains(&filter));
            view! {
                <button
                    type="button"
                    tabindex="-1"
                    class="mini__top"
                    class=("mini__top--picked", is_picked)
                    title=format!("{}: {} rows. Click to filter", top.value, charts::grouped(top.n))
                    style:--share=format!("{:.3}", top.n as f64 / highest)
                    on:click=move |_| state.toggle_filter(filter.clone())
                >
                    <span>{top.value.clone()}</span>
                    <em>{percent((top.n as f64 / n_rows.max(1.0) * 100.0).round(), 100.0)}</em>
                </button>
            }
        })
        .collect_view();
    view! { <div class="mini__tops">{rows}</div> }.into_any()
}
