//! Questions about single requests and exceptions, in a part of Kusto's language. They are answered in the worker.

use std::sync::Arc;

use charts::{Axis, Figure, Marks, Series};
use leptos::prelude::*;
use monitor::query::{Rows, Told};
use protocol::{QueryEvents, TakeEvents};
use serde_json::Value as Json;
use wasm_bindgen_futures::spawn_local;
use web_sys::KeyboardEvent;

use super::store::Monitor;
use super::time::exact;
use crate::dom;
use crate::endpoints::AskError;
use crate::idle::Busy;
use crate::moments::moment;
use crate::viewers::chart::{ChartEvents, chart};
use crate::views::icon::{icon, small_icon};

/// Offered to begin with: what they ask, and how.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "Requests and p95 by minute",
        "requests\n| summarize count(), percentile(duration, 95) by bin(timestamp, 1m)\n| render timechart",
    ),
    (
        "The slowest requests",
        "requests\n| top 10 by duration\n| project timestamp, id, duration, resultCode, model_version",
    ),
    (
        "Exceptions by type and version",
        "exceptions\n| summarize count() by type, model_version\n| order by count_ desc",
    ),
    (
        "Which columns were wrong",
        "exceptions\n| where column != ''\n| summarize count() by column, type\n| top 10 by count_",
    ),
];
/// Rows that are shown.
const N_SHOWN: usize = 200;
/// Lines of a chart.
const N_LINES: usize = 8;

#[derive(Clone, PartialEq)]
enum Outcome {
    Nothing,
    Told(Arc<Told>, f64),
    Failed(String),
}

/// The section.
pub fn questions(monitor: Monitor) -> AnyView {
    let text = RwSignal::new(EXAMPLES[0].1.to_owned());
    let outcome = RwSignal::new(Outcome::Nothing);
    let is_busy = RwSignal::new(false);
    let ask = move || {
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        let busy = Busy::begin();
        spawn_local(async move {
            let found = answer(monitor, text.get_untracked()).await;
            // The page may have been left.
            outcome.try_set(found.unwrap_or_else(Outcome::Failed));
            is_busy.try_set(false);
            dom::after_render(move || drop(busy));
        });
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            event.stop_propagation();
            ask();
        }
    };
    let examples = EXAMPLES.map(|(name, example)| {
        let choose = move |_| {
            text.set(example.to_owned());
            ask();
        };
        view! { <button type="button" class="button button--ghost button--small" on:click=choose>{name}</button> }
    });
    let found = move || match outcome.get() {
        Outcome::Nothing => ().into_any(),
        Outcome::Failed(words) => view! { <p class="monitor__problem" role="alert">{words}</p> }.into_any(),
        Outcome::Told(told, ms) => match &*told {
            Told::Error(error) => problem(&text.get_untracked(), error),
            Told::Rows(rows) => view! { {drawn(monitor, rows)}{table(rows, ms)} }.into_any(),
        },
    };
    view! {
        <section class="monitor__questions" aria-labelledby="monitor-questions-title" data-region="monitor-questions">
            <header>
                <h2 id="monitor-questions-title">"Questions"</h2>
                <small class="truncate">"about single requests and exceptions, in the language of Azure Monitor’s logs"</small>
                {super::download::downloads(monitor)}
            </header>
            <div class="monitor__examples" role="group" aria-label="Examples">{examples.collect_view()}</div>
            <div class="monitor__ask">
                <textarea class="input" id="monitor-query" rows="4" spellcheck="false" aria-label="Query" prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event)) on:keydown=on_key></textarea>
                <button type="button" class="button button--primary" disabled=move || is_busy.get() title="Ctrl+Enter" on:click=move |_| ask()>{small_icon("play")}"Ask"</button>
            </div>
            <div class="monitor__found" role="region" aria-label="Answer" aria-live="polite">{found}</div>
        </section>
    }
    .into_any()
}

async fn answer(monitor: Monitor, text: String) -> Result<Outcome, String> {
    let in_words = |error: AskError| super::practice::in_words(&error);
    let (host, key) = (monitor.host.get_untracked(), monitor.key.get_untracked());
    let raw = async |path: &str| {
        let answered = host.send("GET", path, &key, None).await.map_err(in_words)?;
        match answered.status {
            200 => Ok(answered.text),
            404 => Err("This host keeps no single requests; update it.".to_owned()),
            status => Err(crate::endpoints::reason(status, &answered.text)),
        }
    };
    let requests = raw("v2/monitor/requests").await?;
    let exceptions = raw("v2/monitor/exceptions").await?;
    let link = monitor.studio.link;
    let failed = |failure: protocol::Failure| format!("{}. {}", failure.message, failure.help);
    link.call(TakeEvents { requests, exceptions, is_new: true }).await.map_err(failed)?;
    let began = dom::now_ms();
    let told = link.call(QueryEvents { text, now_ms: dom::date_ms() as u64 }).await.map_err(failed)?;
    let ms = dom::now_ms() - began;
    let told: Told = serde_json::from_str(&told).map_err(|error| format!("the answer cannot be read: {error}"))?;
    Ok(Outcome::Told(Arc::new(told), ms))
}

/// The query with the place that is wrong.
fn problem(text: &str, error: &monitor::query::QueryError) -> AnyView {
    let before: String = text.chars().take(error.at).collect();
    let after: String = text.chars().skip(error.at).collect();
    let end = after.find([' ', '\n', '|']).unwrap_or(after.len()).max(after.chars().next().map_or(0, char::len_utf8));
    let (wrong, rest) = after.split_at(end);
    let wrong = if wrong.trim().is_empty() { "⏎".to_owned() } else { wrong.to_owned() };
    view! {
        <div class="monitor__wrong" role="alert">
            {icon("circle-alert")}
            <div>
                <p>"Found "<b>{error.found.clone()}</b>", expected "{error.expected.clone()}</p>
                <pre>{before}<mark>{wrong}</mark>{rest.to_owned()}</pre>
            </div>
        </div>
    }
    .into_any()
}

fn words(value: &Json, kind: &str) -> String {
    match (value, kind) {
        (Json::Null, _) => "–".to_owned(),
        (Json::Number(ms), "datetime") => ms
            .as_f64()
            .map_or_else(String::new, |ms| if ms % 60_000.0 == 0.0 { moment(ms as u64) } else { exact(ms as u64) }),
        (Json::Number(n), "real") => n.as_f64().map_or_else(String::new, charts::number),
        (Json::String(text), _) => text.clone(),
        (other, _) => other.to_string(),
    }
}

fn table(rows: &Rows, ms: f64) -> AnyView {
    let is_number = |kind: &str| matches!(kind, "long" | "real");
    let heads = rows.columns.iter().map(|(name, kind)| {
        view! { <th scope="col" class=if is_number(kind) { "num" } else { "" } title=kind.clone()>{name.clone()}</th> }
    });
    let lines = rows.rows.iter().take(N_SHOWN).map(|row| {
        let cells = row.iter().zip(&rows.columns).map(|(value, (_, kind))| {
            view! { <td class=if is_number(kind) { "num" } else { "" }>{words(value, kind)}</td> }
        });
        view! { <tr>{cells.collect_view()}</tr> }
    });
    let n = rows.n_rows;
    let shown = if n > N_SHOWN { format!(", the first {N_SHOWN} shown") } else { String::new() };
    let plural = if n == 1 { "" } else { "s" };
    view! {
        <div class="monitor__rows" tabindex="0" role="region" aria-label="Rows of the answer">
            <table><thead><tr>{heads.collect_view()}</tr></thead><tbody>{lines.collect_view()}</tbody></table>
        </div>
        <p class="monitor__recipe" id="monitor-answered">{format!("{} row{plural}{shown}, answered in the worker in {ms:.0} ms", charts::grouped(n as u64))}</p>
    }
    .into_any()
}

/// The chart that `render` asks for, where the columns fit it: along time, or a bar for each name.
fn drawn(monitor: Monitor, rows: &Rows) -> Option<AnyView> {
    use monitor::query::Chart;
    // The table says so.
    if rows.n_rows == 0 {
        return None;
    }
    let figure = match rows.chart? {
        Chart::TimeChart | Chart::LineChart | Chart::AreaChart => along_time(rows),
        Chart::ColumnChart | Chart::BarChart | Chart::PieChart => bars(rows),
        Chart::Table => None,
    };
    let Some(figure) = figure else {
        return Some(view! { <p class="monitor__recipe">"No chart: it needs a column of moments or names, and one of numbers"</p> }.into_any());
    };
    let studio = monitor.studio;
    let announce = Callback::new(move |text: String| studio.announcement.set(text));
    Some(view! { <div class="output__panel monitor__answer-chart">{chart(figure, ChartEvents { announce, pick: None })}</div> }.into_any())
}

fn place_of(rows: &Rows, is: impl Fn(&str) -> bool) -> Option<usize> {
    rows.columns.iter().position(|(_, kind)| is(kind))
}

fn along_time(rows: &Rows) -> Option<Figure> {
    let time = place_of(rows, |kind| kind == "datetime")?;
    let by = place_of(rows, |kind| kind == "string");
    let measured: Vec<usize> =
        (0..rows.columns.len()).filter(|at| matches!(rows.columns[*at].1.as_str(), "long" | "real")).collect();
    let moments = || rows.rows.iter().filter_map(|row| row[time].as_f64());
    let last = moments().fold(f64::NEG_INFINITY, f64::max);
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for row in &rows.rows {
        let Some(ms) = row[time].as_f64() else { continue };
        for at in &measured {
            let name = match by {
                Some(by) => words(&row[by], "string"),
                None => rows.columns[*at].0.clone(),
            };
            let mark = ((ms - last) / 60_000.0, row[*at].as_f64().unwrap_or(f64::NAN));
            match lines.iter().position(|(known, _)| *known == name) {
                Some(line) => lines[line].1.push(mark),
                None if lines.len() < N_LINES => lines.push((name, vec![mark])),
                None => {}
            }
            // With names, one figure: the first.
            if by.is_some() {
                break;
            }
        }
    }
    (!lines.is_empty()).then(|| {
        let series = (0..).zip(lines).map(|(color_idx, (name, marks))| Series {
            name,
            color_idx,
            // A line of one moment would be none.
            marks: if marks.len() > 1 { Marks::Line(marks) } else { Marks::Points(marks) },
            detail: None,
        });
        figure(rows, axis(&format!("minutes before {}", moment(last as u64)), Vec::new()), series.collect())
    })
}

fn bars(rows: &Rows) -> Option<Figure> {
    const N_BARS: usize = 20;
    let name = place_of(rows, |kind| !matches!(kind, "long" | "real"))?;
    let value = place_of(rows, |kind| matches!(kind, "long" | "real"))?;
    let kind = &rows.columns[name].1;
    let names = rows.rows.iter().take(N_BARS).map(|row| words(&row[name], kind)).collect();
    let heights = rows.rows.iter().take(N_BARS).map(|row| row[value].as_f64().unwrap_or(f64::NAN)).collect();
    let series =
        Series { name: rows.columns[value].0.clone(), color_idx: 0, marks: Marks::Columns(heights), detail: None };
    Some(figure(rows, axis(&rows.columns[name].0, names), vec![series]))
}

fn axis(label: &str, categories: Vec<String>) -> Axis {
    Axis { label: label.to_owned(), range: None, fixed: false, categories }
}

fn figure(rows: &Rows, x: Axis, series: Vec<Series>) -> Figure {
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    Figure {
        id: "monitor-answer".into(),
        title: "Answer".into(),
        summary: format!("{} over {}", names.join(", "), x.label),
        x,
        y: Axis { range: Some((0.0, 0.0)), ..axis("", Vec::new()) },
        series,
        guides: Vec::new(),
        n_rows: rows.n_rows as u64,
        sampling: String::new(),
    }
}
