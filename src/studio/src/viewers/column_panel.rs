//! One column in full, beside the table.

use std::sync::Arc;

use charts::{Axis, Figure, Marks, Series};
use leptos::prelude::*;
use protocol::{ColumnProfile, Filter, has_histogram};

use super::chart::{ChartEvents, chart};
use super::percent;
use super::table_header::{bin_filter, bound, kind_icon};
use super::table_state::TableState;
use crate::views::icon::icon;

/// The panel of the selected column.
pub fn column_panel(state: TableState, column_idx: usize, announce: Callback<String>) -> AnyView {
    let Some(column) = state.columns.with_untracked(|columns| columns.get(column_idx).cloned()) else {
        return ().into_any();
    };
    let profile = Memo::new(move |_| state.profiles.with(|profiles| profiles.get(&column_idx).cloned()));
    let n_columns = state.columns.with_untracked(|columns| columns.len());
    let place = format!("{}, {} · column {} of {n_columns}", column.kind.label(), column.role.label(), column_idx + 1);
    view! {
        <aside class="column" aria-label=format!("Profile of {}", column.name) tabindex="-1" id="column-panel">
            <header class="column__head">
                {icon(kind_icon(&column))}
                <div>
                    <h3>{column.name.clone()}</h3>
                    <small>{place}</small>
                </div>
                <button
                    type="button"
                    class="icon-button icon-button--small"
                    aria-label="Close the profile"
                    title="Close"
                    on:click=move |_| {
                        state.selected.set(None);
                        crate::dom::focus_later("#data-grid");
                    }
                >
                    {icon("x")}
                </button>
            </header>
            {move || match profile.get() {
                Some(profile) => body(state, &profile, announce),
                None => view! { <p class="column__waiting">"Counting…"</p> }.into_any(),
            }}
        </aside>
    }
    .into_any()
}

fn body(state: TableState, profile: &Arc<ColumnProfile>, announce: Callback<String>) -> AnyView {
    let alerts =
        profile.alerts.iter().map(|alert| view! { <li>{icon("circle-alert")}{alert.clone()}</li> }).collect_view();
    let picture = if has_histogram(profile.column.kind) && profile.edges.len() > 1 {
        let picked = Arc::clone(profile);
        let pick = Callback::new(move |(_, bin_idx): (usize, usize)| {
            if let Some(filter) = bin_filter(&picked, bin_idx) {
                state.toggle_filter(filter);
            }
        });
        let figure = histogram(profile);
        view! { <div class="column__chart">{chart(figure, ChartEvents { announce, pick: Some(pick) })}</div> }
            .into_any()
    } else {
        top_values(state, profile)
    };
    view! {
        <div class="column__body" tabindex="0" role="group" aria-label="Profile">
            {(!profile.alerts.is_empty()).then(|| view! { <ul class="column__alerts">{alerts}</ul> })}
            {picture}
            {profile.quantiles.map(|quantiles| box_plot(profile, &quantiles))}
            {numbers(state, profile)}
        </div>
    }
    .into_any()
}

fn histogram(profile: &ColumnProfile) -> Figure {
    let heights = |counts: &[u64]| Marks::Histogram {
        edges: profile.edges.clone(),
        heights: counts.iter().map(|&n| n as f64).collect(),
    };
    let mut series =
        vec![Series { name: "all rows".into(), color_idx: 1, marks: heights(&profile.counts), detail: None }];
    if profile.filtered_counts != profile.counts {
        series.push(Series {
            name: "filtered".into(),
            color_idx: 0,
            marks: heights(&profile.filtered_counts),
            detail: None,
        });
    }
    let name = profile.column.name.clone();
    Figure {
        id: format!("histogram-{name}"),
        title: "Distribution".into(),
        summary: format!("Rows of {name} in {} bins", profile.counts.len()),
        x: Axis { label: String::new(), range: None, fixed: false, categories: Vec::new() },
        y: Axis { label: "rows".into(), range: None, fixed: false, categories: Vec::new() },
        series,
        guides: Vec::new(),
        n_rows: profile.n_rows - profile.n_missing,
        sampling: String::new(),
    }
}

fn top_values(state: TableState, profile: &Arc<ColumnProfile>) -> AnyView {
    let highest = profile.top.iter().map(|top| top.n).max().unwrap_or(0).max(1) as f64;
    let rows = profile
        .top
        .iter()
        .map(|top| {
            let filter = Filter::Equals { column: profile.column.name.clone(), value: top.value.clone() };
            let is_picked = state.filters.with_untracked(|filters| filters.contains(&filter));
            view! {
                <li>
                    <button
                        type="button"
                        class="mini__top"
                        class=("mini__top--picked", is_picked)
                        aria-pressed=is_picked.to_string()
                        title="Click to filter"
                        style:--share=format!("{:.3}", top.n as f64 / highest)
                        on:click=move |_| state.toggle_filter(filter.clone())
                    >
                        <span>{top.value.clone()}</span>
                        <em>
                            {format!("{} · {}", charts::grouped(top.n), percent(top.n as f64, profile.n_rows as f64))}
                        </em>
                    </button>
                </li>
            }
        })
        .collect_view();
    view! {
        <h4 class="column__title">"Most frequent values"</h4>
        <ul class="column__tops">{rows}</ul>
    }
    .into_any()
}

/// Quartiles as a box, 5 % and 95 % as its whiskers, the mean as a dot.
fn box_plot(profile: &ColumnProfile, quantiles: &[f64; 7]) -> AnyView {
    let [low, p5, q1, median, q3, p95, high] = *quantiles;
    if high <= low {
        return ().into_any();
    }
    let kind = profile.column.kind;
    let x = |value: f64| ((value - low) / (high - low) * 1_000.0).clamp(0.0, 1_000.0);
    let whiskers = format!("M{} 5v14M{} 5v14M{} 12H{}M{} 12H{}", x(p5), x(p95), x(p5), x(q1), x(q3), x(p95));
    let shown = |value: f64| bound(kind, value);
    view! {
        <div class="column__box" title="5 %, quartiles and 95 %">
            <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
                <path class="box__line" d=whiskers></path>
                <rect class="box__box" x=x(q1).to_string() y="2" width=(x(q3) - x(q1)).max(1.0).to_string() height="20"></rect>
                <path class="box__median" d=format!("M{} 2v20", x(median))></path>
            </svg>
            <p>
                <span>{shown(q1)}</span>
                <b>{shown(median)}</b>
                <span>{shown(q3)}</span>
            </p>
        </div>
    }
    .into_any()
}

fn numbers(state: TableState, profile: &ColumnProfile) -> AnyView {
    let kind = profile.column.kind;
    let n_filtered = state.pages.n_rows.get_untracked().0;
    let is_filtered = state.filters.with_untracked(|filters| !filters.is_empty());
    let mut rows: Vec<(&str, String, Option<String>)> =
        vec![("Rows", charts::grouped(profile.n_rows), is_filtered.then(|| charts::grouped(n_filtered)))];
    if !profile.counts.is_empty() {
        let count = |counts: &[u64]| charts::grouped(counts.iter().sum());
        rows.push(("With a value", count(&profile.counts), is_filtered.then(|| count(&profile.filtered_counts))));
    }
    rows.push(("Missing", charts::grouped(profile.n_missing), None));
    let sign = if profile.distinct_is_bound { "≥ " } else { "" };
    rows.push(("Distinct", format!("{sign}{}", charts::grouped(profile.n_distinct)), None));
    if kind.is_numeric() {
        rows.push(("Zero", charts::grouped(profile.n_zero), None));
        rows.push(("Infinite", charts::grouped(profile.n_infinite), None));
    }
    let mut push = |label: &'static str, value: Option<f64>| {
        if let Some(value) = value {
            let text = if kind.is_numeric() { charts::number(value) } else { bound(kind, value) };
            rows.push((label, text, None));
        }
    };
    push("Mean", profile.mean);
    if kind.is_numeric() {
        push("Deviation", profile.std);
        push("Skewness", profile.skewness);
    }
    if let Some(quantiles) = profile.quantiles {
        for (label, value) in ["Minimum", "5 %", "25 %", "Median", "75 %", "95 %", "Maximum"].into_iter().zip(quantiles)
        {
            push(label, Some(value));
        }
    }
    let body = rows
        .into_iter()
        .map(|(label, all, filtered)| {
            view! {
                <tr>
                    <th scope="row">{label}</th>
                    <td class="facts__number">{all}</td>
                    {is_filtered.then(|| view! { <td class="facts__number column__filtered">{filtered}</td> })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="facts__table">
            {is_filtered
                .then(|| {
                    view! {
                        <thead>
                            <tr>
                                <td></td>
                                <th scope="col" class="facts__number">"all"</th>
                                <th scope="col" class="facts__number">"filtered"</th>
                            </tr>
                        </thead>
                    }
                })}
            <tbody>{body}</tbody>
        </table>
    }
    .into_any()
}
