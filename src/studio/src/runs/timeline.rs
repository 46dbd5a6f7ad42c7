//! One run over time: a bar for each node.

use std::sync::Arc;

use experiment::{Bar, Outcome, timeline};
use leptos::prelude::*;

use super::panel::{Detail, Details};
use super::store::Runs;
use crate::views::face::seconds;
use crate::views::icon::small_icon;

/// The page: one of the compared runs.
pub fn timelines(runs: Runs, details: &Details) -> AnyView {
    let details = details.clone();
    let of = RwSignal::new(details.len() - 1);
    let options = details.iter().enumerate().map(|(at, detail)| {
        view! { <option value=at.to_string() selected=at == of.get_untracked()>{detail.entry.full_title()}</option> }
    });
    let options = options.collect_view();
    let drawn = move || one(runs, &details[of.get().min(details.len() - 1)]);
    view! {
        <div class="runs__timeline">
            <select class="runs__other" aria-label="Run over time" on:change=move |event| if let Ok(at) = event_target_value(&event).parse() { of.set(at) }>{options}</select>
            {drawn}
        </div>
    }
    .into_any()
}

fn one(runs: Runs, detail: &Arc<Detail>) -> AnyView {
    let drawn = runs.studio.with(|editor| timeline(&detail.record, &detail.pipeline, editor.catalogue()));
    if drawn.bars.is_empty() {
        return super::empty("clock", "Nothing ran", "This run ended before its first node began.");
    }
    let n_reused = drawn.bars.iter().filter(|bar| bar.outcome == Outcome::Reused).count();
    let mut words = format!("{} in all, {} of it computing", seconds(drawn.total_secs), seconds(drawn.busy_secs));
    if n_reused > 0 {
        words.push_str(&format!(
            ", {n_reused} of {} results reused, which saved {}",
            drawn.bars.len(),
            seconds(drawn.saved_secs)
        ));
    }
    if !drawn.critical.is_empty() {
        words.push_str(&format!(
            ". The longest chain took {}: it could not be faster than that",
            seconds(drawn.critical_secs)
        ));
    }
    let total = drawn.total_secs.max(f64::MIN_POSITIVE);
    let rows = drawn.bars.iter().map(|bar| row(bar, total)).collect_view();
    if drawn.n_workers > 1 {
        words.push_str(&format!(". {} workers computed", drawn.n_workers));
    }
    view! {
        <p class="runs__quiet">{words}"."</p>
        <div class="runs__key" aria-hidden="true">
            <span><i class="runs__bar"></i>"computed"</span>
            <span><i class="runs__bar runs__bar--critical"></i>"on the longest chain"</span>
            <span><i class="runs__bar runs__bar--reused"></i>"reused"</span>
            <span><i class="runs__bar runs__bar--failed"></i>"failed or stopped"</span>
        </div>
        <table class="runs__gantt">
            <thead><tr><th scope="col">"Node"</th><th scope="col" class="runs__worker">"Worker"</th><th scope="col" class="runs__when">"When"</th><th scope="col" class="runs__took">"How long"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(bar: &Bar, total_secs: f64) -> AnyView {
    let (class, shape, word) = match &bar.outcome {
        Outcome::Reused => {
            ("runs__bar runs__bar--reused", "recycle", format!("reused, saved {}", seconds(bar.saved_secs)))
        }
        Outcome::Failed { message, .. } => {
            ("runs__bar runs__bar--failed", "octagon-alert", format!("failed: {message}"))
        }
        Outcome::Stopped | Outcome::Pending => ("runs__bar runs__bar--failed", "circle-slash", "stopped".to_owned()),
        Outcome::Ran | Outcome::Skipped { .. } if bar.is_critical => {
            ("runs__bar runs__bar--critical", "circle-check", seconds(bar.elapsed_secs))
        }
        Outcome::Ran | Outcome::Skipped { .. } => ("runs__bar", "circle-check", seconds(bar.elapsed_secs)),
    };
    let start = format!("{:.2}%", (bar.start_secs / total_secs * 100.0).min(99.5));
    let length = format!("max(3px, {:.2}%)", bar.elapsed_secs / total_secs * 100.0);
    let guessed = if bar.is_start_guessed { ", beginning not recorded" } else { "" };
    let has_computed = bar.outcome != Outcome::Reused;
    let worker = has_computed.then(|| bar.workers_in_words());
    let critical = bar.is_critical.then(|| view! { <span class="sr-only">", on the longest chain"</span> });
    view! {
        <tr title=bar.why.clone()>
            <th scope="row" class="truncate">{bar.title.clone()}</th>
            <td class="runs__worker num">{worker}</td>
            <td class="runs__track">
                <span class="sr-only">{format!("from {}{guessed}", seconds(bar.start_secs))}</span>
                <i class=class style:left=start style:width=length></i>
            </td>
            <td class="runs__took">{small_icon(shape)}{word}{critical}</td>
        </tr>
    }
    .into_any()
}
