//! Every trial in a table, sorted, and filtered by what is brushed.

use std::sync::Arc;

use leptos::prelude::*;
use pipeline::Value;
use schema::ordered::sort_by;
use study::{Goal, Trial, TrialState, metric_label};

use super::automl;
use super::columns::{Columns, words};
use super::results::labels;
use super::runner::Runner;
use super::sweep::Sweep;
use crate::store::Studio;
use crate::viewers::parallel::Axes;
use crate::views::face::seconds;
use crate::views::icon::small_icon;

/// So many rows are shown at first.
const N_ROWS: usize = 100;

/// By what the table of trials is sorted.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Number,
    Objective(usize),
    Setting(String),
    Elapsed,
}

/// A state's word.
pub fn state(state: TrialState) -> &'static str {
    match state {
        TrialState::Waiting => "waiting",
        TrialState::Running => "running",
        TrialState::Done => "done",
        TrialState::StoppedEarly => "stopped early",
        TrialState::Failed => "failed",
        TrialState::Cancelled => "cancelled",
    }
}

/// The table.
pub fn view(studio: Studio, runner: Runner, data: Memo<Arc<Columns>>, axes: Axes) -> AnyView {
    let is_up = runner.peek(|sweep| {
        let goal = sweep.and_then(|sweep| Some(sweep.study.objectives.first()?.goal));
        goal == Some(Goal::Minimize)
    });
    let sort = RwSignal::new((Key::Objective(0), !is_up));
    let shows_all = RwSignal::new(false);
    let content =
        move || runner.with(|sweep| sweep.map(|sweep| trials(studio, sweep, &data.get(), axes, sort, shows_all)));
    content.into_any()
}

fn trials(
    studio: Studio,
    sweep: &Sweep,
    data: &Columns,
    axes: Axes,
    sort: RwSignal<(Key, bool)>,
    shows_all: RwSignal<bool>,
) -> AnyView {
    let mut labels = labels(studio, sweep);
    // A search has the settings of all learners: a trial's own stand below its learner.
    let is_search = sweep.automl.is_some();
    if is_search {
        labels.truncate(1);
    }
    let (key, is_down) = sort.get();
    let number = |trial: &Trial| -> f64 {
        match &key {
            Key::Number => f64::from(trial.number),
            Key::Objective(at) => trial.values.get(*at).copied().unwrap_or(f64::NAN),
            Key::Elapsed => trial.elapsed_secs.unwrap_or(f64::NAN),
            Key::Setting(name) => match trial.settings.get(name) {
                Some(Value::Int(n)) => *n as f64,
                Some(Value::Float(x)) => *x,
                Some(Value::Bool(on)) => f64::from(u8::from(*on)),
                _ => f64::NAN,
            },
        }
    };
    let text = |trial: &Trial| match &key {
        Key::Setting(name) => words(trial.settings.get(name)),
        Key::Number | Key::Objective(_) | Key::Elapsed => String::new(),
    };
    let brushes = axes.settled().get();
    let n_all = sweep.study.trials.len();
    let mut rows: Vec<(&Trial, f64, String)> = if brushes.is_empty() {
        sweep.study.trials.iter().map(|trial| (trial, number(trial), text(trial))).collect()
    } else {
        let passing = data.passing(&brushes);
        let kept = data.trials.iter().zip(passing).filter(|(_, passes)| *passes);
        let kept = kept.filter_map(|(number, _)| sweep.study.trials.get(*number as usize));
        kept.map(|trial| (trial, number(trial), text(trial))).collect()
    };
    sort_by(&mut rows, |(a, x, a_text), (b, y, b_text)| {
        // What has no number comes last either way.
        let missing = x.is_nan().cmp(&y.is_nan());
        let order = if x.is_nan() && y.is_nan() { a_text.cmp(b_text) } else { x.total_cmp(y) };
        missing.then(if is_down { order.reverse() } else { order }).then(a.number.cmp(&b.number))
    });
    let n_kept = rows.len();
    let n_hidden = if shows_all.get() { 0 } else { n_kept.saturating_sub(N_ROWS) };
    rows.truncate(n_kept - n_hidden);
    let column = |label: String, of: Key| {
        let (chosen, is_down) = sort.get();
        let is_chosen = chosen == of;
        let direction = match (is_chosen, is_down) {
            (false, _) => "none",
            (true, true) => "descending",
            (true, false) => "ascending",
        };
        let mark = is_chosen.then(|| small_icon(if is_down { "arrow-down" } else { "arrow-up" }));
        view! {
            <th scope="col" aria-sort=direction>
                <button type="button" on:click=move |_| sort.update(|(key, is_down)| {
                    *is_down = if *key == of { !*is_down } else { of != Key::Number };
                    *key = of.clone();
                })>{label}{mark}</button>
            </th>
        }
    };
    let best = sweep.study.best().map(|trial| trial.number);
    let n_objectives = sweep.study.objectives.len();
    let body = rows.into_iter().map(|(trial, ..)| {
        let word = state(trial.state);
        let why = trial.failure.clone().or_else(|| trial.reason.clone());
        let told = why.clone().map(|why| view! { <small>{why}</small> });
        let own = || is_search.then(|| view! { <small>{automl::own_settings(&sweep.study, trial)}</small> });
        let settings = labels.iter().map(|(name, _)| view! { <td>{words(trial.settings.get(name))}{own()}</td> }).collect_view();
        view! {
            <tr class=("sweeps__row--best", best == Some(trial.number)) class:sweeps__row--search=is_search data-trial=trial.number.to_string() data-state=word>
                <td>{trial.number}</td>
                {(0..n_objectives).map(|at| view! { <td><b>{trial.values.get(at).copied().map(charts::number)}</b></td> }).collect_view()}
                <td title=why><span class="sweeps__state">{word}</span>{told}</td>
                {settings}
                <td>{trial.elapsed_secs.map(seconds)}</td>
            </tr>
        }
    });
    let body = body.collect_view();
    let objectives = sweep.study.objectives.iter().enumerate();
    let objectives =
        objectives.map(|(at, objective)| column(metric_label(&objective.metric), Key::Objective(at))).collect_view();
    let columns = labels.iter().map(|(name, label)| column(label.clone(), Key::Setting(name.clone()))).collect_view();
    let about = if brushes.is_empty() {
        view! { <small>{n_all}</small> }.into_any()
    } else {
        view! {
            <small>{n_kept}" of "{n_all}</small>
            <button type="button" class="parallel__chip" on:click=move |_| axes.clear()>"Show all"{small_icon("x")}</button>
        }
        .into_any()
    };
    let more = (n_hidden > 0).then(|| {
        view! {
            <button type="button" class="button button--ghost button--small" id="sweep-more" on:click=move |_| shows_all.set(true)>{format!("Show {n_hidden} more")}</button>
        }
    });
    view! {
        <section class="sweeps__trials" aria-label="Trials">
            <h3>"Trials"{about}</h3>
            <div class="sweeps__scroll" tabindex="0" role="region" aria-label="Table of trials">
                <table class="sweeps__table sweeps__table--trials">
                    <thead><tr>
                        {column("#".into(), Key::Number)}{objectives}<th scope="col">"State"</th>{columns}{column("Time".into(), Key::Elapsed)}
                    </tr></thead>
                    <tbody>{body}</tbody>
                </table>
                {more}
            </div>
        </section>
    }
    .into_any()
}
