//! Figures of merit, and how much one input is ahead of the other.

use leptos::prelude::*;
use protocol::{Direction, Metric};

/// One block per figure.
pub fn metrics(series: &[String], metrics: &[Metric]) -> AnyView {
    let against = series.get(1).cloned();
    let heading = match series {
        [first, second, ..] => Some(format!("{first} against {second}")),
        [only] if !only.is_empty() => Some(only.clone()),
        _ => None,
    };
    let blocks = metrics.iter().map(|metric| block(metric, against.as_deref())).collect_view();
    view! {
        <section class="metrics" role="group" aria-label="Metrics" tabindex="0">
            {heading.map(|heading| view! { <h3 class="metrics__heading">{heading}</h3> })}
            <dl class="metrics__list">{blocks}</dl>
        </section>
    }
    .into_any()
}

fn block(metric: &Metric, against: Option<&str>) -> AnyView {
    let first = metric.values.first().copied().flatten();
    let second = metric.values.get(1).copied().flatten();
    let delta = match (first, second, against) {
        (Some(first), Some(second), Some(against)) => Some(view_delta(first - second, metric.better, against)),
        _ => None,
    };
    view! {
        <div class="metric" title=metric.help.clone()>
            <dt>{metric.label.clone()}</dt>
            <dd>
                <b>{first.map_or_else(|| "–".to_owned(), figure)}</b>
                {delta}
            </dd>
        </div>
    }
    .into_any()
}

fn view_delta(delta: f64, better: Direction, against: &str) -> AnyView {
    let text = figure(delta.abs());
    let is_nothing = text.chars().all(|c| matches!(c, '0' | '.'));
    let is_ahead = match better {
        Direction::Higher => delta > 0.0,
        Direction::Lower => delta < 0.0,
    };
    let (class, words) = match (is_nothing, is_ahead) {
        (true, _) => ("metric__delta", "equal"),
        (false, true) => ("metric__delta metric__delta--ahead", "better"),
        (false, false) => ("metric__delta metric__delta--behind", "worse"),
    };
    let sign = if is_nothing {
        "±"
    } else if delta > 0.0 {
        "+"
    } else {
        "−"
    };
    view! {
        <span class=class title=format!("{words} than {against}")>
            {format!("{sign}{text} vs {against}")}
            <span class="sr-only">{format!(", {words}")}</span>
        </span>
    }
    .into_any()
}

/// Three decimals where scores live, more care with what is very small or large.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size < 100.0 && (size >= 0.000_5 || size == 0.0) => {
            let text = format!("{:.3}", size);
            if value < 0.0 { format!("−{text}") } else { text }
        }
        _ => charts::number(value),
    }
}
