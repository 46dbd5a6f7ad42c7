//! What went wrong, by type: how often, when, and with which version.

use std::collections::BTreeMap;

use leptos::prelude::*;
use monitor::{Exception, Point};
use schema::ordered::sort_by;

use super::charts::color;
use super::store::{Figures, Monitor};

/// Bars of a sparkline.
const N_BARS: usize = 12;

/// One type of exception.
struct Kind {
    exception: Exception,
    /// The columns that it was about, the most frequent first.
    columns: Vec<String>,
    /// By version; 0 for none.
    versions: BTreeMap<u32, u64>,
    bars: Vec<u64>,
}

impl Kind {
    fn total(&self) -> u64 {
        self.versions.values().sum()
    }

    /// The only version that it came with, if there are others that answered.
    fn new_with(&self, newest: Option<u32>, n_versions: usize) -> Option<u32> {
        let only = (self.versions.len() == 1).then(|| self.versions.keys().next().copied()).flatten();
        only.filter(|version| n_versions > 1 && Some(*version) == newest)
    }
}

/// The list.
pub fn exceptions(monitor: Monitor, figures: Memo<Option<Figures>>) -> AnyView {
    let content = move || {
        figures.with(|figures| {
            let Some(figures) = figures else { return ().into_any() };
            let kinds = kinds(monitor, figures);
            if kinds.is_empty() {
                return view! { <p class="monitor__none-yet">"No exceptions in "{monitor.span.get().in_words()}</p> }.into_any();
            }
            let newest = figures.versions.last().map(|(version, _)| *version);
            let most = kinds.iter().map(Kind::total).max().unwrap_or(1);
            let rows = kinds.iter().map(|kind| row(kind, most, newest, figures.versions.len())).collect_view();
            view! { <table class="monitor__exceptions"><thead class="sr-only"><tr><th scope="col">"Type"</th><th scope="col">"Over time"</th><th scope="col">"By version"</th><th scope="col">"Count"</th></tr></thead><tbody>{rows}</tbody></table> }
                .into_any()
        })
    };
    let legend = move || {
        figures.with(|figures| {
            let versions = figures.iter().flat_map(|figures| &figures.versions);
            let shown = versions.map(|(version, points)| {
                let n: u64 = points.iter().map(|point| point.counts.exceptions.values().sum::<u64>()).sum();
                view! { <span class=color(*version)><i class="monitor__key"></i>{format!("v{version} {}", charts::grouped(n))}</span> }
            });
            let all: u64 = figures.iter().flat_map(|figures| &figures.all).map(|point| point.counts.exceptions.values().sum::<u64>()).sum();
            view! { {shown.collect_view()}<b id="monitor-n-exceptions">{charts::grouped(all)}</b> }
        })
    };
    view! {
        <section class="monitor__by-type" aria-labelledby="monitor-exceptions-title" data-region="monitor-exceptions">
            <header>
                <h2 id="monitor-exceptions-title" title="Application Insights: exceptions/count">"Exceptions by type"</h2>
                <small class="truncate">{move || monitor.span.get().in_words()}</small>
                <span class="monitor__legend">{legend}</span>
            </header>
            {content}
        </section>
    }
    .into_any()
}

fn kinds(monitor: Monitor, figures: &Figures) -> Vec<Kind> {
    let mut kinds: BTreeMap<Exception, Kind> = BTreeMap::new();
    let n_bars = N_BARS.min(figures.all.len()).max(1);
    let empty = |exception| Kind { exception, columns: Vec::new(), versions: BTreeMap::new(), bars: vec![0; n_bars] };
    for (at, point) in figures.all.iter().enumerate() {
        for (exception, n) in &point.counts.exceptions {
            let kind = kinds.entry(*exception).or_insert_with(|| empty(*exception));
            kind.bars[at * n_bars / figures.all.len()] += n;
        }
    }
    let count = |points: &[Point], exception: Exception| -> u64 {
        points.iter().filter_map(|point| point.counts.exceptions.get(&exception)).sum()
    };
    let endpoint = monitor.endpoint();
    for kind in kinds.values_mut() {
        for (version, points) in &figures.versions {
            let n = count(points, kind.exception);
            if n > 0 {
                kind.versions.insert(*version, n);
            }
        }
        let refused = count(&figures.all, kind.exception).saturating_sub(kind.total());
        if refused > 0 {
            kind.versions.insert(0, refused);
        }
        let mut columns: BTreeMap<String, u64> = BTreeMap::new();
        monitor.data.with(|data| {
            let ours = data.exceptions.iter().filter(|event| {
                event.exception == kind.exception
                    && event.served.endpoint == endpoint
                    && (0.0..1.0).contains(&figures.window.at(event.at_ms))
            });
            for column in ours.filter_map(|event| event.column.clone()) {
                *columns.entry(column).or_default() += 1;
            }
        });
        let mut ranked: Vec<(String, u64)> = columns.into_iter().collect();
        sort_by(&mut ranked, |a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        kind.columns = ranked.into_iter().map(|(column, _)| column).collect();
    }
    let mut kinds: Vec<Kind> = kinds.into_values().filter(|kind| kind.total() > 0).collect();
    sort_by(&mut kinds, |a, b| b.total().cmp(&a.total()).then(a.exception.cmp(&b.exception)));
    kinds
}

fn row(kind: &Kind, most: u64, newest: Option<u32>, n_versions: usize) -> AnyView {
    let new_with = kind.new_with(newest, n_versions);
    let columns = match kind.columns.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
    };
    let highest = kind.bars.iter().copied().max().unwrap_or(1).max(1) as f64;
    let width = 80.0 / kind.bars.len() as f64;
    let bars = kind.bars.iter().enumerate().map(|(at, n)| {
        let height = if *n == 0 { 1.0 } else { (16.0 * *n as f64 / highest).max(2.0) };
        let class = if *n == 0 { "monitor__bar--none" } else { "" };
        view! { <rect class=class x=format!("{:.1}", at as f64 * width) y=format!("{:.1}", 17.0 - height) width=format!("{:.1}", width - 1.5) height=format!("{height:.1}")></rect> }
    });
    let shares = kind.versions.iter().map(|(version, n)| {
        let class = if *version == 0 { "monitor__none".to_owned() } else { color(*version) };
        let name = if *version == 0 { "before a version was reached".to_owned() } else { format!("v{version}") };
        view! { <i class=class style:width=format!("{:.1}%", 100.0 * *n as f64 / most as f64) title=format!("{name}: {}", charts::grouped(*n))></i> }
    });
    let spoken: Vec<String> = kind
        .versions
        .iter()
        .map(|(version, n)| if *version == 0 { format!("refused {n}") } else { format!("v{version} {n}") })
        .collect();
    let warning = kind.exception.is_warning().then(|| view! { <small class="monitor__warned">"warning"</small> });
    view! {
        <tr class=if new_with.is_some() { "monitor__hot" } else { "" } data-exception=kind.exception.code()>
            <th scope="row">
                <b>{kind.exception.code()}</b>
                {new_with.map(|version| view! { <span class="monitor__firing">{format!("new with v{version}")}</span> })}
                {columns.map(|columns| view! { <code>{columns}</code> })}
                {warning}
            </th>
            <td><svg class="monitor__bars" width="80" height="18" aria-hidden="true">{bars.collect_view()}</svg></td>
            <td class="monitor__shares"><span aria-hidden="true">{shares.collect_view()}</span><span class="sr-only">{spoken.join(", ")}</span></td>
            <td class="num">{charts::grouped(kind.total())}</td>
        </tr>
    }
    .into_any()
}
