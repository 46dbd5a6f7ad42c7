//! The charts of an endpoint: what each shows of the figures.

use leptos::prelude::*;
use monitor::{Histogram, Point};

use super::alerts::Alerts;
use super::plot::{Face, Line, Plot, Scale, plot};
use super::store::{Figures, Monitor};
use super::time::length;
use crate::views::icon::small_icon;

/// What an answer may take for the user to be content, in seconds: 2.5 ms, of which four times is a bound of the counts.
const APDEX_TARGET: f64 = 0.0025;

/// All charts, the second row only when it is asked for.
pub fn charts(monitor: Monitor, figures: Memo<Option<Figures>>, alerts: Alerts) -> AnyView {
    let more = RwSignal::new(false);
    let of = move |build: fn(&Figures) -> Vec<Line>, scale: fn(&[Line]) -> Scale, is_named: bool| {
        Memo::new(move |_| {
            let steps = monitor.steps();
            figures
                .with(|figures| figures.as_ref().map(|figures| drawn(figures, build(figures), scale, is_named, &steps)))
        })
    };
    let no_badge = || ().into_any();
    let requests = of(requests, |lines| Scale::linear(lines, 0.1), false);
    let times = of(times, Scale::log, true);
    let plain_failures = of(failures, |lines| Scale::linear(lines, 0.02).at_most(1.0), false);
    let failures = Memo::new(move |_| {
        let mut plot = plain_failures.get()?;
        if let Some((limit, stretches)) = alerts.over_failures(plot.window) {
            if let Scale::Linear(high) = plot.scale {
                plot.scale = Scale::Linear(high.max(limit * 2.0)).at_most(1.0);
            }
            plot.limit = Some((limit, format!("alert above {}", share_words(limit))));
            plot.firing = stretches;
        }
        Some(plot)
    });
    let badge = move || {
        let text = move || alerts.failures_firing().map(|ms| format!("firing {}", length(ms)));
        (move || {
            text().map(|text| view! { <span class="monitor__firing" role="status">{small_icon("siren")}{text}</span> })
        })
        .into_any()
    };
    let second = move || {
        more.get().then(|| {
            let load = of(load, |lines| Scale::linear(lines, 4.0), false);
            let availability = of(availability, |_| Scale::Linear(1.0), false);
            let apdex = of(apdex, |_| Scale::Linear(1.0), false);
            view! {
                {plot(monitor, LOAD, load, no_badge)}
                {plot(monitor, APDEX, apdex, no_badge)}
                {plot(monitor, AVAILABILITY, availability, no_badge)}
            }
        })
    };
    view! {
        <div class="monitor__charts">
            {plot(monitor, REQUESTS, requests, no_badge)}
            {plot(monitor, TIMES, times, no_badge)}
            {plot(monitor, FAILURES, failures, badge)}
            {second}
        </div>
        <div class="monitor__more">
            {move || figures.with(|figures| figures.as_ref().map(totals))}
            <button type="button" class="button button--ghost button--small" id="monitor-more" aria-expanded=move || more.get().to_string() on:click=move |_| more.update(|more| *more = !*more)>
                {move || small_icon(if more.get() { "chevron-up" } else { "chevron-down" })}
                {move || if more.get() { "Fewer charts" } else { "In flight, Apdex, availability" }}
            </button>
        </div>
    }
    .into_any()
}

const REQUESTS: Face = Face {
    id: "monitor-requests",
    title: "Requests",
    unit: "per second",
    azure: "Application Insights: requests/rate",
    write: rate_words,
    tick: charts::number,
};
const TIMES: Face = Face {
    id: "monitor-times",
    title: "Response time",
    unit: "milliseconds, log scale",
    azure: "Application Insights: requests/duration",
    write: ms_words,
    tick: charts::number,
};
const FAILURES: Face = Face {
    id: "monitor-failures",
    title: "Failures",
    unit: "share of requests",
    azure: "Application Insights: requests/failed (4xx and 5xx)",
    write: share_words,
    tick: share_words,
};
const LOAD: Face = Face {
    id: "monitor-load",
    title: "In flight and queue",
    unit: "most at once",
    azure: "Application Insights: performanceCounters/requestsInQueue",
    write: charts::number,
    tick: charts::number,
};
const APDEX: Face = Face {
    id: "monitor-apdex",
    title: "Apdex",
    unit: "of 2.5 ms",
    azure: "Share of content users: (within 2.5 ms + half of those within 10 ms) / all",
    write: |x| format!("{x:.2}"),
    tick: charts::number,
};
const AVAILABILITY: Face = Face {
    id: "monitor-availability",
    title: "Availability",
    unit: "share of the host's own probes",
    azure: "Application Insights: availabilityResults/availabilityPercentage",
    write: share_words,
    tick: share_words,
};

/// A chart of lines, with gaps where nobody counted.
pub fn drawn(
    figures: &Figures,
    lines: Vec<Line>,
    scale: fn(&[Line]) -> Scale,
    is_named: bool,
    steps: &[monitor::Step],
) -> Plot {
    let window = figures.window;
    let mut gaps: Vec<(usize, usize)> = Vec::new();
    for (at, _) in figures.all.iter().enumerate().filter(|(_, point)| point.n_minutes == 0) {
        match gaps.last_mut().filter(|gap| gap.1 == at) {
            Some(gap) => gap.1 += 1,
            None => gaps.push((at, at + 1)),
        }
    }
    let steps = numbered(steps, window).map(|(number, step)| (number, window.at(step.at_ms), step.what.clone()));
    Plot {
        window,
        scale: scale(&lines),
        lines,
        gaps,
        steps: steps.collect(),
        limit: None,
        firing: Vec::new(),
        is_named,
    }
}

/// The steps within a window, with the numbers that they have on charts and in the list.
pub fn numbered(steps: &[monitor::Step], window: super::time::Window) -> impl Iterator<Item = (usize, &monitor::Step)> {
    let is_inside = move |step: &&monitor::Step| (0.0..1.0).contains(&window.at(step.at_ms));
    (1..).zip(steps.iter().filter(is_inside))
}

/// The class with a version's colour.
pub fn color(version: u32) -> String {
    format!("monitor__v{}", version.saturating_sub(1) % 6)
}

fn by_version(figures: &Figures, value: impl Fn(&Point, usize) -> Option<f64>) -> Vec<Line> {
    let line = |(version, points): &(u32, Vec<Point>)| Line {
        label: format!("v{version}"),
        class: color(*version),
        values: points.iter().enumerate().map(|(at, point)| value(point, at)).collect(),
        base: None,
    };
    figures.versions.iter().map(line).collect()
}

fn requests(figures: &Figures) -> Vec<Line> {
    let mut below = vec![0.0; figures.all.len()];
    let mut lines = Vec::new();
    for (version, points) in &figures.versions {
        let values: Vec<Option<f64>> = (0..points.len()).map(|at| figures.rate(points, at)).collect();
        let base = below.clone();
        below.iter_mut().zip(&values).for_each(|(below, value)| *below += value.unwrap_or_default());
        lines.push(Line { label: format!("v{version}"), class: color(*version), values, base: Some(base) });
    }
    // Requests that were refused before a version was chosen.
    let refused: Vec<Option<f64>> = (0..figures.all.len())
        .map(|at| {
            let answered: u64 = figures.versions.iter().map(|(_, points)| points[at].counts.n_requests()).sum();
            let n = figures.all[at].counts.n_requests() - answered;
            (n > 0).then(|| n as f64 / figures.seconds(at))
        })
        .collect();
    if refused.iter().any(Option::is_some) {
        lines.push(Line { label: "refused".into(), class: "monitor__none".into(), values: refused, base: Some(below) });
    }
    lines
}

fn times(figures: &Figures) -> Vec<Line> {
    let line = |(label, class, q): (&str, &str, f64)| Line {
        label: label.into(),
        class: class.into(),
        values: figures.all.iter().map(|point| Some(point.quantile(q)? * 1e3)).collect(),
        base: None,
    };
    [("p50", "monitor__p50", 0.5), ("p95", "monitor__p95", 0.95), ("p99", "monitor__p99", 0.99)].map(line).into()
}

fn failures(figures: &Figures) -> Vec<Line> {
    let mut lines = by_version(figures, |point, _| point.counts.failure_rate());
    let refused = figures.all.iter().enumerate().any(|(at, point)| {
        let answered: u64 = figures.versions.iter().map(|(_, points)| points[at].counts.n_failed()).sum();
        point.counts.n_failed() > answered
    });
    if refused {
        let values = figures.all.iter().map(|point| point.counts.failure_rate()).collect();
        lines.push(Line { label: "with refused".into(), class: "monitor__none".into(), values, base: None });
    }
    lines
}

fn load(figures: &Figures) -> Vec<Line> {
    let known = |value: fn(&Point) -> u32| {
        figures.all.iter().map(|point| (point.n_minutes > 0).then(|| f64::from(value(point)))).collect()
    };
    let in_flight = known(|point| point.counts.max_in_flight);
    let queue = known(|point| point.counts.max_queue);
    vec![
        Line { label: "in flight".into(), class: "monitor__v0".into(), values: in_flight, base: None },
        Line { label: "queue".into(), class: "monitor__v2".into(), values: queue, base: None },
    ]
}

fn availability(figures: &Figures) -> Vec<Line> {
    let values = figures.all.iter().map(|point| point.counts.availability()).collect();
    vec![Line { label: "answered".into(), class: "monitor__v1".into(), values, base: None }]
}

fn apdex(figures: &Figures) -> Vec<Line> {
    by_version(figures, |point, _| point.counts.all_durations().apdex(APDEX_TARGET))
}

/// What came together in the stretch of time.
fn totals(figures: &Figures) -> AnyView {
    let total = figures.total();
    let times: Histogram = total.all_durations();
    let ms = |q: f64| times.quantile(q).map_or_else(|| "–".to_owned(), |seconds| ms_words(seconds * 1e3));
    let figure = |id: &'static str, label: &'static str, azure: &'static str, value: String| {
        view! { <div title=azure id=id><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let rate = total.failure_rate().map_or_else(|| "–".to_owned(), share_words);
    view! {
        <dl class="monitor__totals" aria-label="Of this stretch of time">
            {figure("monitor-n-requests", "requests", "Application Insights: requests/count", charts::grouped(total.n_requests()))}
            {figure("monitor-n-failed", "failed", "Application Insights: requests/failed", format!("{} ({rate})", charts::grouped(total.n_failed())))}
            {figure("monitor-n-rows", "rows predicted", "", charts::grouped(total.n_rows))}
            {figure("monitor-p50", "p50 ms", "Application Insights: requests/duration", ms(0.5))}
            {figure("monitor-p99", "p99 ms", "Application Insights: requests/duration", ms(0.99))}
        </dl>
    }
    .into_any()
}

fn rate_words(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 0.1 || rate == 0.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// Milliseconds.
pub fn ms_words(ms: f64) -> String {
    match ms {
        ms if ms >= 100.0 => format!("{ms:.0}"),
        ms if ms >= 1.0 => format!("{ms:.1}"),
        ms => format!("{ms:.2}"),
    }
}

/// A share as a percentage.
pub fn share_words(share: f64) -> String {
    let percent = share * 100.0;
    let text = match percent {
        percent if percent == 0.0 || percent >= 10.0 => format!("{percent:.0}"),
        percent if percent >= 1.0 => format!("{percent:.1}"),
        percent => format!("{percent:.2}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{text} %")
}
