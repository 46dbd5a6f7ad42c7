//! How a sweep goes and what came of it: progress, history, what mattered, the best trial, every trial.

use std::sync::Arc;

use charts::{Axis, Figure, Guide, Marks, Series};
use leptos::prelude::*;
use pipeline::Pipeline;
use study::{Goal, Sampling, Settings, Study, StudyState, Trial, TrialState, metric_label};

use super::columns::{Columns, words};
use super::runner::Runner;
use super::sweep::Sweep;
use super::{automl, mattered, panels, trials};
use crate::parts::{self, Trials};
use crate::store::Studio;
use crate::viewers::chart::{ChartEvents, chart};
use crate::viewers::parallel::Axes;
use crate::views::face::{bytes, seconds};
use crate::views::icon::{icon, small_icon};

/// So many of the best trials are compared with each other.
const N_COMPARED: usize = 10;

/// Everything about the sweep there is.
pub fn view(studio: Studio, runner: Runner) -> AnyView {
    let head = move || runner.with(|sweep| sweep.map(|sweep| head(runner, sweep)));
    let shares = runner.shares();
    // Drawn anew when a trial came to its end, not with everything that is told of those under way.
    let ended = Memo::new(move |_| {
        let n_over = |sweep: &Sweep| sweep.study.trials.iter().filter(|trial| trial.state.is_over()).count();
        runner.with(|sweep| sweep.map(|sweep| (n_over(sweep), sweep.study.limits.max_total_trials)))
    });
    let announce = Callback::new(move |text| studio.announcement.set(text));
    let history = move || {
        let figure = runner.peek(|sweep| sweep.map(history))?;
        Some(chart(figure, ChartEvents { announce, pick: None }))
    };
    let mattered = move || {
        let labels = runner.peek(|sweep| sweep.map(|sweep| labels(studio, sweep)))?;
        Some(shares.with(|shares| mattered::bars(shares, &labels)))
    };
    let data = Memo::new(move |_| {
        let of = |sweep: &Sweep| Columns::of(&sweep.study, &labels(studio, sweep));
        Arc::new(runner.with(|sweep| sweep.map(of).unwrap_or_default()))
    });
    let axes = Axes::new();
    let views = panels::view(studio, runner, data, ended, axes);
    let best = move || {
        runner.with(|sweep| {
            sweep.map(|sweep| match sweep.automl {
                Some(_) => automl::winner(studio, runner, sweep),
                None => best(studio, runner, sweep),
            })
        })
    };
    let trials = trials::view(studio, runner, data, axes);
    let note = move || runner.with(|sweep| sweep.and_then(test_rows));
    view! {
        {head}
        <div class="sweeps__body">
            <div class="sweeps__main">
                <div class="sweeps__top">
                    <section class="sweeps__panel sweeps__history" aria-label="History">
                        // By key, so that each drawing gets a canvas of its own.
                        <For each=move || ended.get() key=|ended| *ended children=move |_| history() />
                    </section>
                    <section class="sweeps__panel sweeps__mattered" tabindex="0" aria-label="What mattered"><h3>"What mattered"<small>"share of the variance, 95 % interval"</small></h3>{mattered}</section>
                </div>
                {views}
            </div>
            <aside class="sweeps__rail" aria-label="Best trial and all trials">{best}{trials}{note}</aside>
        </div>
    }
    .into_any()
}

fn head(runner: Runner, sweep: &Sweep) -> AnyView {
    let study = &sweep.study;
    let n_over = study.trials.iter().filter(|trial| trial.state.is_over()).count();
    let n_wanted = u64::from(study.limits.max_total_trials).min(study.n_combinations().unwrap_or(u64::MAX));
    let is_over = !sweep.ending.is_empty();
    let n_running = study.n_in(TrialState::Running);
    let state = match (is_over, study.state) {
        (true, _) => format!("over: {}", sweep.ending),
        (false, StudyState::Paused) if n_running > 0 => format!("pausing: {n_running} under way"),
        (false, StudyState::Paused) => format!("paused: {n_over} of {n_wanted} done"),
        (false, StudyState::Running | StudyState::Stopped) => "running".into(),
    };
    let (search, seed) = match study.sampling {
        Sampling::Grid => ("grid", None),
        Sampling::Random { seed, rule: study::Rule::Random } => ("random", Some(seed)),
        Sampling::Random { seed, rule: study::Rule::Sobol } => ("Sobol", Some(seed)),
        Sampling::Bayesian { seed } => ("Bayesian", Some(seed)),
        Sampling::Hyperband { seed, .. } => ("Hyperband", Some(seed)),
    };
    let seed = seed.map_or(String::new(), |seed| format!(" · seed {seed}"));
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    let (n_settings, n_workers) = (study.space.dimensions.len() as u64, u64::from(sweep.n_workers));
    let memory = match sweep.memory_bytes {
        0 => String::new(),
        n => format!(", {} of memory{}", bytes(n as f64), if n_workers == 1 { "" } else { " each at most" }),
    };
    let about = format!(
        "{search} over {n_settings} setting{}{seed} · {n_workers} worker{}{memory}",
        plural(n_settings),
        plural(n_workers)
    );
    let counts = [
        (TrialState::Done, "circle-check", "done"),
        (TrialState::StoppedEarly, "x", "stopped early"),
        (TrialState::Failed, "triangle-alert", "failed"),
        (TrialState::Cancelled, "circle-slash", "cancelled"),
        (TrialState::Running, "loader", "running"),
    ];
    let counts = counts.into_iter().filter_map(|(state, icon_name, word)| {
        let n = study.n_in(state);
        (n > 0).then(|| view! { <span>{small_icon(icon_name)}{n}" "{word}</span> })
    });
    let left = (!is_over && n_over > 0 && n_wanted > n_over as u64).then(|| {
        format!("about {} left", seconds(study.elapsed_secs / n_over as f64 * (n_wanted - n_over as u64) as f64))
    });
    let best_value = study.best().and_then(|trial| trial.values.first().copied());
    let goal = study.objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
    let gain = best_value.zip(study.baseline).map(|(best, now)| {
        let is_better = goal.is_better(best, now);
        let word = if is_better { "better" } else { "no better" };
        format!("{} {word} than the pipeline's {}", charts::number((best - now).abs()), charts::number(now))
    });
    let buttons = if is_over {
        ().into_any()
    } else if study.state == StudyState::Paused {
        view! { <button type="button" class="button button--primary" id="sweep-resume" on:click=move |_| runner.resume()>{icon("play")}"Resume"</button> }.into_any()
    } else {
        view! { <button type="button" class="button" id="sweep-pause" on:click=move |_| runner.pause()>{icon("pause")}"Pause"</button> }.into_any()
    };
    let stop = (!is_over).then(|| view! { <button type="button" class="button button--ghost" on:click=move |_| runner.stop()>{icon("square")}"Stop"</button> });
    let new = (is_over || study.state == StudyState::Paused).then(|| view! { <button type="button" class="button button--ghost" id="sweep-new" on:click=move |_| runner.leave()>{icon("plus")}"New sweep"</button> });
    let compare = (n_over > 0 && !sweep.id.is_empty()).then(|| {
        let trials = best_trials(sweep);
        let press = move |_| parts::compare_trials(runner.studio(), trials.clone());
        view! { <button type="button" class="button" id="sweep-runs" title="The ten best trials side by side, in the list of all" on:click=press>{icon("git-compare")}"Compare in Runs"</button> }
    });
    view! {
        <header class="sweeps__head sweeps__head--run">
            <div><h2>{study.name.clone()}</h2><p>{about}</p></div>
            <div class="sweeps__progress">
                <p><b>{n_over}</b>" of "{n_wanted}" trials · "<span id="sweep-state">{state}</span><span class="sweeps__left">{left}</span></p>
                <progress max=n_wanted.to_string() value=n_over.to_string() aria-label="Trials that are over"></progress>
                <p class="sweeps__counts">{counts.collect_view()}</p>
            </div>
            <dl class="sweeps__facts">
                <div><dt>{format!("Best {}", metric(study))}</dt><dd title=gain>{best_value.map_or("none yet".into(), charts::number)}</dd></div>
                <div><dt>"No better for"</dt><dd>{study.n_since_best()}<small>" trials"</small></dd></div>
                <div><dt>"Running for"</dt><dd>{seconds(study.elapsed_secs)}</dd></div>
            </dl>
            <div class="sweeps__acts">
                {buttons}
                <button type="button" class="button" on:click=move |_| runner.add_trials(10)>{icon("list-plus")}"Add 10 trials"</button>
                {compare}{stop}{new}
            </div>
        </header>
    }
    .into_any()
}

/// Those that are compared in the list of runs, and how that is sorted.
fn best_trials(sweep: &Sweep) -> Trials {
    let aim = sweep.study.objectives.first();
    Trials {
        sweep: sweep.id.clone(),
        numbers: sweep.study.ranked().into_iter().take(N_COMPARED).map(|trial| trial.number).collect(),
        metric: aim.map_or_else(String::new, |aim| format!("metric.{}.{}", sweep.node, aim.metric)),
        is_high_better: aim.is_some_and(|aim| aim.goal == Goal::Maximize),
    }
}

/// The first objective, as people read it.
pub fn metric(study: &Study) -> String {
    study.objectives.first().map_or(String::new(), |objective| metric_label(&objective.metric))
}

fn history(sweep: &Sweep) -> Figure {
    let study = &sweep.study;
    let done = |trial: &Trial| trial.values.first().map(|value| (f64::from(trial.number), *value));
    let points: Vec<(f64, f64)> =
        study.trials.iter().filter(|trial| trial.state == TrialState::Done).filter_map(done).collect();
    let given_up = |trial: &Trial| trial.intermediate.last().map(|value| (f64::from(trial.number), *value));
    let stopped = study.trials.iter().filter(|trial| trial.state == TrialState::StoppedEarly).filter_map(given_up);
    let stopped: Vec<(f64, f64)> = stopped.collect();
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (number, best) in study.best_so_far() {
        if let Some((_, before)) = line.last().copied() {
            line.push((f64::from(number), before));
        }
        line.push((f64::from(number), best));
    }
    let last = f64::from(study.limits.max_total_trials.saturating_sub(1).max(1));
    let guide = |now: f64| Guide { label: "pipeline today".into(), from: (0.0, now), to: (last, now) };
    let n = points.len();
    let series = |name: &str, color_idx, marks| Series { name: name.into(), color_idx, marks, detail: None };
    let best = study.best().and_then(|trial| Some((trial.number, *trial.values.first()?)));
    let summary = match best {
        Some((number, value)) => {
            format!("{n} trials are done; the best is trial {number} with {}", charts::number(value))
        }
        None => "No trial is done yet".into(),
    };
    Figure {
        id: "sweep-history".into(),
        title: "History".into(),
        summary,
        x: Axis { label: "trial".into(), range: Some((0.0, last)), fixed: false, categories: Vec::new() },
        y: Axis { label: metric(study), range: None, fixed: false, categories: Vec::new() },
        series: [
            series("done", 1, Marks::Points(points)),
            series("stopped early", 3, Marks::Points(stopped)),
            series("best so far", 2, Marks::Line(line)),
        ]
        .into_iter()
        .filter(|series| series.name != "stopped early" || series.marks.n_marks() > 0)
        .collect(),
        guides: study.baseline.map(guide).into_iter().collect(),
        n_rows: 0,
        sampling: String::new(),
    }
}

/// The dimensions' names with their parameters' labels.
pub fn labels(studio: Studio, sweep: &Sweep) -> Vec<(String, String)> {
    let study = &sweep.study;
    // The learners of a search are in no document.
    let own = sweep.automl.as_ref().map(|_| pipeline::from_json(&sweep.pipeline).unwrap_or_default());
    studio.with(|editor| {
        let pipeline = own.as_ref().unwrap_or_else(|| editor.pipeline());
        let spec = |dimension: &study::Dimension| editor.catalogue().get(&pipeline.node(&dimension.node)?.component);
        let label = |dimension: &study::Dimension| match dimension.is_input {
            true => {
                let mut letters = dimension.param.chars();
                let first = letters.next()?.to_ascii_uppercase();
                Some([first].into_iter().chain(letters).collect::<String>())
            }
            false => Some(spec(dimension)?.param(&dimension.param)?.label.clone()),
        };
        let named = |dimension: &study::Dimension| {
            (dimension.name.clone(), label(dimension).unwrap_or_else(|| dimension.name.clone()))
        };
        let named: Vec<(String, String)> = study.space.dimensions.iter().map(named).collect();
        // Equal labels of several nodes are told apart by the node.
        let is_alone = |label: &str| named.iter().filter(|(_, other)| other == label).count() < 2;
        let title = |dimension: &study::Dimension| match &own {
            Some(_) => spec(dimension).map_or_else(String::new, |spec| spec.title.clone()),
            None => editor.title(&dimension.node).to_owned(),
        };
        let full = |(at, (name, label)): (usize, &(String, String))| match is_alone(label) {
            true => (name.clone(), label.clone()),
            false => (name.clone(), format!("{label}, {}", title(&study.space.dimensions[at]))),
        };
        named.iter().enumerate().map(full).collect()
    })
}

fn best(studio: Studio, runner: Runner, sweep: &Sweep) -> AnyView {
    let Some(trial) = sweep.study.best() else {
        return view! { <section class="sweeps__best"><p class="sweeps__muted">"The best trial stands here as soon as one is done."</p></section> }.into_any();
    };
    let settings: Settings = trial.settings.clone();
    let rows =
        labels(studio, sweep).into_iter().zip(&sweep.study.space.dimensions).map(|((name, label), dimension)| {
            let (node, param) = (dimension.node.clone(), dimension.param.clone());
            let now = studio.select(move |editor| {
                let placed = editor.pipeline().node(&node)?;
                let spec = editor.catalogue().get(&placed.component)?.param(&param)?;
                Some(words(Some(placed.value(spec))))
            });
            let tried = words(settings.get(&name));
            let before = {
                let tried = tried.clone();
                move || {
                    now.get()
                        .filter(|now| *now != tried)
                        .map(|now| view! { <s><span class="sr-only">"instead of "</span>{now}</s> })
                }
            };
            view! { <dt>{label}</dt><dd>{tried.clone()}{before}</dd> }
        });
    let rows = rows.collect_view();
    let (number, value) = (trial.number, trial.values.first().copied().unwrap_or(f64::NAN));
    view! {
        <section class="sweeps__best" aria-label="Best trial">
            <p>"Best so far · trial "{number}</p>
            <b>{charts::number(value)}</b>
            <dl>{rows}</dl>
            <button type="button" class="button button--primary" id="sweep-promote" on:click=move |_| runner.promote(&settings)>{icon("arrow-up-right")}"Promote to pipeline"</button>
            <p class="sweeps__muted">"Puts these settings into the pipeline as one step you can undo."</p>
        </section>
    }
    .into_any()
}

/// What is to be known of the rows that the trials were judged by.
fn test_rows(sweep: &Sweep) -> Option<AnyView> {
    let pipeline: Pipeline = pipeline::from_json(&sweep.pipeline).ok()?;
    let component = |node: &pipeline::NodeId| pipeline.node(node).map(|node| node.component.clone());
    let is_crossed = component(&sweep.node).is_some_and(|id| id.contains("cross-validate"));
    let is_split = super::setup::rests_on(&pipeline, &sweep.node)
        .iter()
        .any(|node| component(node).is_some_and(|id| id.starts_with("split.")));
    let n = sweep.study.n_in(TrialState::Done);
    let (icon_name, title, text) = if is_crossed {
        (
            "shield-check",
            "The trials are judged on folds.",
            "Rows that take no part in them can still test the winner once.".to_owned(),
        )
    } else if is_split {
        let label = metric(&sweep.study);
        let text = format!(
            "{n} settings were compared by {label} on the same test rows, so the best one's {label} is too good; judge \
             it once on rows that took no part, or choose by cross-validation."
        );
        ("shield-alert", "The test rows choose the model.", text)
    } else {
        return None;
    };
    Some(view! { <p class="sweeps__note">{icon(icon_name)}<span><b>{title}</b>" "{text}</span></p> }.into_any())
}
