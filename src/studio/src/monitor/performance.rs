//! How good predictions turned out to be, once it was told what is true: by version, along time.

use leptos::prelude::*;
use monitor::{MIN_LABELS, Performance, Served};
use registry::{Header, Name, Predicts};
use schema::ordered::sort_by;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::charts::{color, drawn, share_words};
use super::plot::{Face, Line, Scale, plot};
use super::store::{Data, Figures, Monitor};
use super::time::Window;
use super::waiting::commands;
use crate::endpoints::HostKind;
use crate::views::icon::icon;

/// What a host says of the predictions of one deployment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Labelled {
    /// Who predicted.
    pub served: Served,
    /// By the minute in which they were made.
    minutes: Vec<(u64, Performance)>,
}

/// What is known of a version in a window.
#[derive(Clone, Debug, PartialEq)]
struct Judged {
    version: u32,
    /// All of the window.
    total: Performance,
    /// By the points of the window.
    points: Vec<Performance>,
    /// Rows that it predicted.
    n_rows: u64,
    /// What was measured in the run that it comes from, by the names that figures of labels have.
    before: Vec<(&'static str, f64)>,
}

/// What is measured, as people write it, and the names that it has in a run.
const MEASURES: [(&str, &str, [&str; 2]); 3] = [
    ("accuracy", "Accuracy", ["accuracy", "accuracy"]),
    ("mean_absolute_error", "Mean absolute error", ["mean_absolute_error", "mae"]),
    ("root_mean_squared_error", "Root mean squared error", ["root_mean_squared_error", "rmse"]),
];

const ACCURACY: Face = Face {
    id: "monitor-accuracy",
    title: "Accuracy",
    unit: "of predictions made then",
    azure: "Azure model monitor: model performance, accuracy",
    write: share_words,
    tick: share_words,
};
const ERROR: Face = Face {
    id: "monitor-error",
    title: "Mean absolute error",
    unit: "of predictions made then",
    azure: "Azure model monitor: model performance, mean_absolute_error",
    write: charts::number,
    tick: charts::number,
};

/// The section.
pub fn performance(monitor: Monitor, figures: Memo<Option<Figures>>) -> AnyView {
    let judged = Memo::new(move |_| {
        let endpoint = monitor.endpoint()?;
        figures.with(|figures| {
            let figures = figures.as_ref()?;
            monitor.data.with(|data| judged(data, &endpoint, figures))
        })
    });
    let has_labels = Memo::new(move |_| judged.with(|judged| judged.as_ref().map(|judged| !judged.is_empty())));
    let is_number =
        Memo::new(move |_| judged.with(|judged| judged.iter().flatten().any(|judged| judged.total.errors.is_some())));
    let shown = Memo::new(move |_| {
        let steps = monitor.steps();
        judged.with(|judged| {
            let judged = judged.as_ref().filter(|judged| !judged.is_empty())?;
            let scale = if is_number.get() {
                |lines: &[Line]| Scale::linear(lines, 1e-9)
            } else {
                |_: &[Line]| Scale::Linear(1.0)
            };
            figures.with(|figures| Some(drawn(figures.as_ref()?, lines(judged), scale, false, &steps)))
        })
    });
    let content = move || {
        match has_labels.get() {
        None => view! { <p class="monitor__none-yet">"This host does not take labels; update it."</p> }.into_any(),
        Some(false) => view! {
            <div class="monitor__no-labels">
                {icon("target")}
                <div>
                    <b>"No labels for predictions of "{move || monitor.span.get().in_words()}</b>
                    <p>"What turned out to be true is sent later, by the x-request-id of the request; the host remembers the last 10,000."</p>
                    {move || how(monitor)}
                </div>
            </div>
        }
        .into_any(),
        Some(true) => view! {
            <div class="monitor__judged">
                {move || plot(monitor, if is_number.get() { ERROR } else { ACCURACY }, shown, || ().into_any())}
                <div>
                    {move || judged.with(|judged| judged.as_ref().map(|judged| table(judged)))}
                    <p class="monitor__recipe">{format!("A prediction counts when it was made, not when its label came. Nothing is said of fewer than {MIN_LABELS} labels.")}</p>
                    <details class="monitor__how"><summary>"How to send labels"</summary>{move || how(monitor)}</details>
                </div>
            </div>
        }
        .into_any(),
    }
    };
    view! {
        <section class="monitor__section" aria-labelledby="monitor-performance-title" data-region="monitor-performance">
            <header>
                <h2 id="monitor-performance-title" title="Azure model monitor: model performance">"Performance"</h2>
                <small class="truncate">{move || format!("{}, against labels that came later", monitor.span.get().in_words())}</small>
            </header>
            {content}
        </section>
    }
    .into_any()
}

/// By version; none if the host does not tell.
fn judged(data: &Data, endpoint: &Name, figures: &Figures) -> Option<Vec<Judged>> {
    let window = figures.window;
    let mut all: Vec<Judged> = Vec::new();
    for labelled in data.labelled.as_ref()? {
        if labelled.served.endpoint.as_ref() != Some(endpoint) || labelled.served.is_mirror {
            continue;
        }
        let version = labelled.served.version;
        let at = all.iter().position(|judged| judged.version == version).unwrap_or_else(|| {
            all.push(Judged {
                version,
                total: Performance::default(),
                points: vec![Performance::default(); window.n_points()],
                n_rows: n_rows(figures, version),
                before: data.header(&labelled.served).map_or_else(Vec::new, before),
            });
            all.len() - 1
        });
        for (minute, counts) in &labelled.minutes {
            if let Some(point) = point_of(window, *minute) {
                all[at].total.merge(counts);
                all[at].points[point].merge(counts);
            }
        }
    }
    all.retain(|judged| judged.total.n_labels > 0);
    sort_by(&mut all, |a, b| a.version.cmp(&b.version));
    Some(all)
}

fn point_of(window: Window, minute: u64) -> Option<usize> {
    let at = minute.checked_sub(window.from)? / window.step;
    usize::try_from(at).ok().filter(|at| *at < window.n_points())
}

fn n_rows(figures: &Figures, version: u32) -> u64 {
    let points = figures.versions.iter().find(|(known, _)| *known == version).map(|(_, points)| points);
    points.into_iter().flatten().map(|point| point.counts.n_rows).sum()
}

fn before(header: &Header) -> Vec<(&'static str, f64)> {
    let found = MEASURES.iter().filter_map(|(measure, _, names)| {
        // `evaluate.accuracy`: the node's name comes first.
        let is_it = |name: &str| names.contains(&name.rsplit('.').next().unwrap_or(name));
        let metric = header.card.metrics.iter().find(|metric| is_it(&metric.name))?;
        Some((*measure, metric.value))
    });
    found.collect()
}

fn lines(judged: &[Judged]) -> Vec<Line> {
    let value = |point: &Performance| {
        let is_enough = point.n_labels >= MIN_LABELS;
        is_enough.then(|| point.figures().first().map(|(_, value)| *value)).flatten()
    };
    let line = |judged: &Judged| Line {
        label: format!("v{}", judged.version),
        class: color(judged.version),
        values: judged.points.iter().map(value).collect(),
        base: None,
    };
    judged.iter().map(line).collect()
}

fn table(judged: &[Judged]) -> AnyView {
    let is_there =
        |measure: &str| judged.iter().any(|judged| judged.total.figures().iter().any(|(name, _)| *name == measure));
    let measures: Vec<_> = MEASURES.into_iter().filter(|(measure, ..)| is_there(measure)).collect();
    let heads = measures.iter().map(|(_, words, _)| view! { <th scope="col" class="num">{*words}</th><th scope="col" class="num" title="Measured in the run that the version comes from">"in its run"</th> });
    let rows = judged.iter().map(|judged| {
        let figures = judged.total.figures();
        let is_enough = judged.total.n_labels >= MIN_LABELS;
        let cells = measures.iter().map(|(measure, ..)| {
            let words = |value: f64| if *measure == "accuracy" { share_words(value) } else { charts::number(value) };
            let now = figures.iter().find(|(name, _)| name == measure).filter(|_| is_enough);
            let before = judged.before.iter().find(|(name, _)| name == measure);
            let or_dash = |found: Option<&(&str, f64)>| found.map_or_else(|| "–".to_owned(), |(_, value)| words(*value));
            view! { <td class="num"><b>{or_dash(now)}</b></td><td class="num monitor__quiet">{or_dash(before)}</td> }
        });
        let cells = cells.collect_view();
        let n = charts::grouped(judged.total.n_labels);
        let labels = if is_enough { n } else { format!("{n} of {MIN_LABELS}") };
        view! {
            <tr>
                <th scope="row"><span class=format!("monitor__version {}", color(judged.version))>{format!("v{}", judged.version)}</span></th>
                <td class="num">{labels}</td>
                <td class="num monitor__quiet">{charts::grouped(judged.n_rows)}</td>
                {cells}
            </tr>
        }
    });
    view! {
        <table class="monitor__figures">
            <thead><tr><th scope="col">"Version"</th><th scope="col" class="num">"Labels"</th><th scope="col" class="num">"of rows"</th>{heads.collect_view()}</tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// The request that sends a label, for the version with most traffic.
fn how(monitor: Monitor) -> Option<AnyView> {
    let name = monitor.endpoint()?;
    let label = monitor.data.with(|data| data.main_header(&name).map_or_else(|| json!("…"), label_of));
    let address = monitor.host.with(|host| format!("{}v2/models/{name}/feedback", host.base));
    let text = match monitor.host.with(|host| host.kind) {
        HostKind::Browser => format!(
            "await fetch({}, {{\n  method: \"POST\",\n  body: JSON.stringify({{ id: answer.headers.get(\"x-request-id\"), label: {label} }}),\n}});",
            Json::from(address)
        ),
        HostKind::Server => {
            let body = json!({ "id": "the x-request-id", "label": label }).to_string().replace('\'', "'\\''");
            format!("curl {address} -d '{body}'")
        }
    };
    Some(commands(monitor, &[&text], ""))
}

/// A label that would fit.
fn label_of(header: &Header) -> Json {
    match &header.signature.predicts {
        Predicts::Number { .. } => json!(12.5),
        Predicts::Class { classes, .. } => json!(classes.first()),
    }
}
