//! AutoML: what it is asked, how the learners stand, and who wins.

use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::{Edit, Family, NodeId, OutPort, Pipeline, Point, PortType, Value};
use protocol::{
    Blend, METRICS_OF_CLASSES, METRICS_OF_NUMBERS, Member, PlaceWinner, Placing, PlanSearch, Predicts, Question, RunId,
};
use schema::ordered::sort_by;
use schema::{Kind, Role};
use study::{Study, Trial, TrialState, metric_label};

use super::columns::words;
use super::results::metric;
use super::runner::{Form, Runner};
use super::setup::{back, kinds};
use super::sweep::{Automl, Sweep};
use crate::dom;
use crate::store::{Studio, Tone};
use crate::views::face::seconds;
use crate::views::icon::{icon, small_icon};

/// Between the cards there are and those of a winner, in pipeline units.
const ROOM_BELOW: f64 = 80.0;

/// A table that can be learned from, and its columns where they are known.
#[derive(Clone, PartialEq)]
struct Offer {
    table: OutPort,
    title: String,
    columns: Vec<(String, Kind, Role)>,
}

/// The form.
pub fn form(studio: Studio, runner: Runner) -> AnyView {
    let offers = studio.select(|editor| {
        let pipeline = editor.pipeline();
        let mut offers = Vec::new();
        for id in pipeline.topological_order() {
            let spec = pipeline.node(&id).and_then(|node| editor.catalogue().get(&node.component));
            let Some(spec) = spec.filter(|spec| matches!(spec.family, Family::Data | Family::Prepare)) else {
                continue;
            };
            for port in spec.outputs.iter().filter(|port| port.port_type == PortType::Table) {
                let table = OutPort::new(&id, &port.name);
                let schema = editor.schemas().get(&table);
                let columns = schema.map(|schema| schema.columns.as_slice()).unwrap_or_default();
                let columns = columns.iter().map(|column| (column.name.clone(), column.kind, column.role)).collect();
                let several = spec.outputs.iter().filter(|other| other.port_type == PortType::Table).count() > 1;
                let title = editor.title(&id);
                let title = if several { format!("{title}, {}", port.name) } else { title.to_owned() };
                offers.push(Offer { table, title, columns });
            }
        }
        offers
    });
    let content = move || {
        let offers = offers.get();
        if offers.is_empty() {
            return view! {
                <div class="empty">
                    {icon("table-2")}
                    <b>"AutoML needs a table"</b>
                    <p>"Import a file, or place a sample data set on the canvas."</p>
                    {back(runner)}
                </div>
            }
            .into_any();
        }
        filled(studio, runner, offers)
    };
    content.into_any()
}

fn filled(studio: Studio, runner: Runner, offers: Vec<Offer>) -> AnyView {
    let chosen = studio.with(|editor| editor.focused().cloned());
    let first = offers.iter().position(|offer| Some(&offer.table.node) == chosen.as_ref()).unwrap_or_default();
    let n_cores = dom::window().navigator().hardware_concurrency() as u32;
    let offers = StoredValue::new(offers);
    let table = RwSignal::new(first);
    let columns = move || offers.with_value(|offers| offers[table.get()].columns.clone());
    let target = RwSignal::new(String::new());
    let predicts = RwSignal::new("");
    let aim = RwSignal::new(String::new());
    let gives_up = RwSignal::new(true);
    let is_busy = RwSignal::new(false);
    let said = |text: &str| RwSignal::new(text.to_owned());
    let (trials, minutes, folds, seed) = (said("40"), said("5"), said("5"), said("42"));
    let workers = said(&n_cores.saturating_sub(1).max(1).to_string());
    // The column with the role of target, until another one is chosen.
    let target_now = move || {
        let (wanted, columns) = (target.get(), columns());
        let is_there = columns.iter().any(|(name, ..)| *name == wanted);
        let marked = || columns.iter().find(|(_, _, role)| *role == Role::Target).map(|(name, ..)| name.clone());
        if is_there { Some(wanted) } else { marked() }
    };
    let predicts_numbers = move || match predicts.get() {
        "numbers" => true,
        "classes" => false,
        _ => {
            let (wanted, columns) = (target_now(), columns());
            let kind = columns.into_iter().find(|(name, ..)| Some(name) == wanted.as_ref()).map(|(_, kind, _)| kind);
            kind == Some(Kind::Number)
        }
    };
    let question = move || -> Result<(Question, u32), String> {
        let whole = |text: RwSignal<String>, what: &str, low: u32, high: u32| -> Result<u32, String> {
            let text = text.get();
            let n: Option<u32> = text.trim().parse().ok();
            n.filter(|n| (low..=high).contains(n))
                .ok_or_else(|| format!("{what}: {text:?} is no whole number from {low} to {high}"))
        };
        if target_now().is_none() && !columns().is_empty() {
            return Err("Choose the column to predict".into());
        }
        let budget = minutes.get();
        let minutes: Option<f64> = budget.trim().parse().ok().filter(|minutes| *minutes > 0.0 && *minutes <= 10_000.0);
        let minutes = minutes.ok_or_else(|| format!("minutes: {budget:?} is no number above 0"))?;
        let asked = aim.get();
        let known = if predicts_numbers() { METRICS_OF_NUMBERS } else { METRICS_OF_CLASSES };
        let question = Question {
            table: offers.with_value(|offers| offers[table.get()].table.clone()),
            target: target_now(),
            predicts: match predicts.get() {
                "numbers" => Predicts::Numbers,
                "classes" => Predicts::Classes,
                _ => Predicts::ByTarget,
            },
            metric: known.contains(&asked.as_str()).then_some(asked),
            n_folds: whole(folds, "folds", 2, 20)?,
            early_termination: gives_up.get(),
            n_trials: whole(trials, "trials", 1, study::MAX_TRIALS)?,
            budget_secs: (minutes * 60.0).ceil() as u64,
            seed: u64::from(whole(seed, "seed", 0, u32::MAX)?),
        };
        Ok((question, whole(workers, "workers", 1, 64)?))
    };
    let problem = move || question().err();
    let start = move |_| {
        let Ok((question, n_workers)) = untrack(question) else { return };
        is_busy.set(true);
        let pipeline = studio.with(|editor| editor.pipeline().clone());
        let busy = crate::idle::Busy::begin();
        spawn_local(async move {
            match studio.link.call(PlanSearch { run: RunId(0), pipeline, question }).await {
                Ok(search) => runner.begin(Sweep {
                    id: format!("sweep-{:x}", dom::date_ms() as u64),
                    objective: search.study.name.clone(),
                    pipeline: pipeline::to_json(&search.pipeline),
                    node: search.judge,
                    study: search.study,
                    second: None,
                    n_workers,
                    memory_bytes: 0,
                    ending: String::new(),
                    automl: Some(Automl {
                        table: search.table,
                        target: search.target,
                        notes: search.notes,
                        blend: None,
                    }),
                }),
                Err(failure) => studio.fail(failure),
            }
            // The form may have been left meanwhile.
            is_busy.try_set(false);
            drop(busy);
        });
    };
    let tables = offers.with_value(|offers| {
        let option = |(at, offer): (usize, &Offer)| {
            view! { <option value=at.to_string() prop:selected=move || table.get() == at>{offer.title.clone()}</option> }
        };
        offers.iter().enumerate().map(option).collect_view()
    });
    let targets = move || {
        let (columns, now) = (columns(), target_now());
        let none = now.is_none().then(|| view! { <option value="" selected=true>"choose a column"</option> });
        let options = columns.into_iter().filter(|(_, kind, _)| *kind != Kind::DateTime).map(|(name, kind, _)| {
            let is_now = now.as_ref() == Some(&name);
            view! { <option value=name.clone() selected=is_now>{format!("{name} · {}", kind.label())}</option> }
        });
        view! { {none}{options.collect_view()} }
    };
    let metrics = move || {
        let known = if predicts_numbers() { METRICS_OF_NUMBERS } else { METRICS_OF_CLASSES };
        let now = aim.get();
        let usual = if predicts_numbers() { "R²" } else { "AUC or log loss" };
        let options = known.iter().map(|name| {
            view! { <option value=*name selected=now == **name>{metric_label(name)}</option> }
        });
        view! { <option value="" selected=!known.contains(&now.as_str())>{format!("usual: {usual}")}</option>{options.collect_view()} }
    };
    let number = |name: &str, label: &'static str, text: RwSignal<String>| {
        view! {
            <label class="sweeps__field sweeps__field--number">{label}
                <input class="input input--number" id=format!("automl-{name}") inputmode="decimal" prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event)) />
            </label>
        }
    };
    let kinds_of_answer = [("", "by the column"), ("classes", "classes"), ("numbers", "numbers")];
    let kinds_of_answer =
        kinds_of_answer.map(|(value, label)| view! { <option value=value>{label}</option> }).into_iter().collect_view();
    let set_predicts = move |event| {
        predicts.set(match event_target_value(&event).as_str() {
            "classes" => "classes",
            "numbers" => "numbers",
            _ => "",
        });
    };
    view! {
        <div class="sweeps__setup sweeps__setup--automl">
            <header class="sweeps__head">
                <h2>"AutoML"</h2>
                <p>"Tries preparations, learners and their settings, judges each by cross-validation, and puts the best of them together. A quarter of the rows is kept apart to judge the winner."</p>
                {kinds(runner, Form::Automl)}{back(runner)}
            </header>
            <section class="sweeps__fields" aria-label="What to predict">
                <label class="sweeps__field">"Table"
                    <span class="select"><select id="automl-table" on:change=move |event| table.set(event_target_value(&event).parse().unwrap_or_default())>{tables}</select>{icon("chevron-down")}</span>
                </label>
                <label class="sweeps__field">"Predict"
                    <span class="select"><select id="automl-target" on:change=move |event| target.set(event_target_value(&event))>{targets}</select>{icon("chevron-down")}</span>
                </label>
                <label class="sweeps__field">"As"
                    <span class="select"><select id="automl-predicts" on:change=set_predicts>{kinds_of_answer}</select>{icon("chevron-down")}</span>
                </label>
                <label class="sweeps__field">"Aim at"
                    <span class="select"><select id="automl-metric" on:change=move |event| aim.set(event_target_value(&event))>{metrics}</select>{icon("chevron-down")}</span>
                </label>
            </section>
            <section class="sweeps__fields" aria-label="How long to search">
                {number("minutes", "Minutes at most", minutes)}
                {number("trials", "Trials at most", trials)}
                {number("folds", "Folds", folds)}
                <label class="sweeps__field">"Give up weak candidates"
                    <span class="select">
                        <select id="automl-gives-up" on:change=move |event| gives_up.set(event_target_value(&event) == "early")>
                            <option value="early" selected=true>"after two folds"</option>
                            <option value="never">"never"</option>
                        </select>{icon("chevron-down")}
                    </span>
                </label>
                {number("seed", "Seed", seed)}
                {number("workers", "Workers", workers)}
            </section>
            <section class="automl__plan" aria-label="What is tried">
                <h3>"What is tried"</h3>
                <ul>
                    <li>{icon("eraser")}<span><b>"Preparation"</b>" – gaps filled where there are some, columns rescaled or left as they are. Texts and dates are left out. Medians and scales are of all rows but the quarter kept apart, so those of a fold know its held-out rows a little."</span></li>
                    <li>{icon("graduation-cap")}<span><b>"Learners"</b>" – linear or logistic regression, decision forest, boosted trees, k-nearest neighbours (up to 20,000 rows), decision tree, and a constant baseline that all have to beat."</span></li>
                    <li>{icon("target")}<span><b>"Settings"</b>" – each learner first as it is, then where a Bayesian search finds promise. What does worse on its first folds than half of the others is given up."</span></li>
                    <li>{icon("layers")}<span><b>"Ensemble"</b>" – the best together, if that is better on rows without a say by more than chance explains."</span></li>
                </ul>
            </section>
            <footer class="sweeps__foot">
                <p class="sweeps__problems" role="status">{problem}</p>
                <button type="button" class="button button--primary" id="automl-start" disabled=move || is_busy.get() || problem().is_some() on:click=start>
                    {move || icon(if is_busy.get() { "loader" } else { "play" })}
                    {move || if is_busy.get() { "Looking at the table…" } else { "Start AutoML" }}
                </button>
            </footer>
        </div>
    }
    .into_any()
}

/// How one learner stands.
struct Standing<'a> {
    learner: String,
    title: String,
    best: &'a Trial,
    value: f64,
    n_trials: usize,
}

/// The learners by their best trial, the best first.
fn standings<'a>(studio: Studio, sweep: &'a Sweep) -> Vec<Standing<'a>> {
    let study = &sweep.study;
    let (Some(by), Some(goal)) =
        (study.space.dimensions.first(), study.objectives.first().map(|objective| objective.goal))
    else {
        return Vec::new();
    };
    let pipeline = pipeline::from_json(&sweep.pipeline).unwrap_or_default();
    let mut standings: Vec<Standing> = Vec::new();
    for trial in &study.trials {
        let (Some(Value::Text(learner)), Some(value)) = (trial.settings.get(&by.name), trial.values.first()) else {
            continue;
        };
        if trial.state != TrialState::Done {
            continue;
        }
        match standings.iter_mut().find(|standing| standing.learner == *learner) {
            Some(standing) => {
                standing.n_trials += 1;
                if goal.is_better(*value, standing.value) {
                    (standing.best, standing.value) = (trial, *value);
                }
            }
            None => {
                let (learner, title) = (learner.clone(), title(studio, &pipeline, learner));
                standings.push(Standing { learner, title, best: trial, value: *value, n_trials: 1 });
            }
        }
    }
    sort_by(&mut standings, |one, other| goal.as_loss(one.value).total_cmp(&goal.as_loss(other.value)));
    standings
}

/// The title of a learner of the search.
fn title(studio: Studio, pipeline: &Pipeline, learner: &str) -> String {
    let component = NodeId::new(learner).ok().and_then(|id| Some(pipeline.node(&id)?.component.clone()));
    let titled = |id: &String| studio.with(|editor| editor.catalogue().get(id).map(|spec| spec.title.clone()));
    component.as_ref().and_then(titled).unwrap_or_else(|| learner.to_owned())
}

/// The standard error of the mean over the folds.
fn standard_error(folds: &[f64]) -> Option<f64> {
    let n = folds.len() as f64;
    let mean = folds.iter().sum::<f64>() / n;
    let squares: f64 = folds.iter().map(|value| (value - mean) * (value - mean)).sum();
    (folds.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
}

/// The settings of a trial's learner, in words.
pub fn own_settings(study: &Study, trial: &Trial) -> String {
    // Which learner it is, and what it is trained on, stands elsewhere.
    let is_own = |name: &str| study.space.dimension(name).is_none_or(|dimension| !dimension.is_input);
    let own = trial.settings.iter().filter(|(name, _)| is_own(name));
    let words = own.map(|(name, value)| {
        let name = name.rsplit('.').next().unwrap_or(name).replace('_', " ");
        format!("{name} {}", words(Some(value)))
    });
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { "nothing to set".into() } else { words }
}

/// The table of learners.
pub fn leaderboard(studio: Studio, sweep: &Sweep) -> AnyView {
    let study = &sweep.study;
    let n_folds = study.n_intervals.unwrap_or_default();
    let blend = sweep.automl.as_ref().and_then(|automl| automl.blend.as_ref());
    let together = blend.filter(|blend| blend.members.len() > 1).map(|blend| {
        let members: Vec<String> = blend
            .members
            .iter()
            .map(|member| format!("{} × trial {}", member.weight, member.trial))
            .collect();
        view! {
            <tr class:sweeps__row--best=blend.is_better()>
                <th scope="row"><span class="automl__state">{small_icon("layers")}"Ensemble"</span></th>
                <td><b>{charts::number(blend.value)}</b></td>
                <td class="automl__gain">{format!("gains {} ± {} on the best", charts::number(blend.gain), charts::number(blend.standard_error))}</td>
                <td>{blend.members.len()}</td>
                <td></td>
                <td class="automl__settings">{members.join(", ")}</td>
            </tr>
        }
    });
    let alone_wins = blend.is_none_or(|blend| !blend.is_better());
    let rows = standings(studio, sweep).into_iter().enumerate().map(|(rank, standing)| {
        let Standing { learner, title, best, value, n_trials } = standing;
        let error = standard_error(&best.intermediate).map(|error| format!("± {}", charts::number(error)));
        view! {
            <tr class:sweeps__row--best=alone_wins && rank == 0 data-learner=learner>
                <th scope="row">{title}</th>
                <td><b>{charts::number(value)}</b></td>
                <td>{error}</td>
                <td>{n_trials}</td>
                <td>{best.elapsed_secs.map(seconds)}</td>
                <td class="automl__settings">{own_settings(study, best)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <div class="sweeps__scroll" tabindex="0" role="region" aria-label="Leaderboard">
            <table class="sweeps__table automl__board" id="automl-board">
                <thead><tr>
                    <th scope="col">"Learner"</th><th scope="col">{metric(study)}</th>
                    <th scope="col">{format!("Standard error, {n_folds} folds")}</th>
                    <th scope="col">"Trials"</th><th scope="col">"Time"</th><th scope="col">"Best settings"</th>
                </tr></thead>
                <tbody>{together}{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Who wins, and the way onto the canvas.
pub fn winner(studio: Studio, runner: Runner, sweep: &Sweep) -> AnyView {
    let Some(best) = sweep.study.best() else {
        return view! { <section class="sweeps__best"><p class="sweeps__muted">"The best candidate stands here as soon as one is done."</p></section> }.into_any();
    };
    let learner = sweep.study.space.dimensions.first().and_then(|by| best.settings.get(&by.name));
    let learner = match learner {
        Some(Value::Text(learner)) => title(studio, &pipeline::from_json(&sweep.pipeline).unwrap_or_default(), learner),
        _ => String::new(),
    };
    let value = best.values.first().copied().unwrap_or(f64::NAN);
    let alone = vec![Member { trial: best.number, weight: 1, settings: best.settings.clone() }];
    let automl = sweep.automl.as_ref();
    let blend = automl.and_then(|automl| automl.blend.clone());
    let is_over = !sweep.ending.is_empty();
    let blending = runner.is_blending();
    let verdict = move || {
        match (&blend, blending.get()) {
        (_, true) => view! { <p class="automl__state">{small_icon("loader")}"Choosing an ensemble…"</p> }.into_any(),
        (Some(blend), _) => verdict(blend).into_any(),
        (None, false) if is_over => view! {
            <button type="button" class="button" id="automl-blend" on:click=move |_| runner.blend()>{icon("layers")}"Choose an ensemble"</button>
        }
        .into_any(),
        (None, false) => view! { <p class="sweeps__muted">"An ensemble is chosen when the search is over."</p> }.into_any(),
    }
    };
    let ensemble = automl.and_then(|automl| automl.blend.clone()).filter(|blend| blend.members.len() > 1);
    let is_better = ensemble.as_ref().is_some_and(Blend::is_better);
    let button = |id: &'static str, is_first: bool, label: &'static str, members: Vec<Member>| {
        let class = if is_first { "button button--primary" } else { "button" };
        view! {
            <button type="button" class=class id=id on:click=move |_| place(studio, runner, members.clone())>{icon("arrow-up-right")}{label}</button>
        }
    };
    let together =
        ensemble.map(|blend| button("automl-place-ensemble", is_better, "Place the ensemble", blend.members));
    let notes = automl.map(|automl| automl.notes.clone()).unwrap_or_default();
    let notes = (!notes.is_empty()).then(|| view! { <p class="sweeps__muted">{notes.join("; ")}"."</p> });
    view! {
        <section class="sweeps__best" aria-label="Winner">
            <p>{format!("Best alone · {learner}, trial {}", best.number)}</p>
            <b>{charts::number(value)}</b>
            {verdict}
            <div class="automl__acts">{together}{button("automl-place", !is_better, "Place on the canvas", alone)}</div>
            <p class="sweeps__muted">"Placed, it is an ordinary part of the pipeline: trained, scored on the rows kept apart, and evaluated. One step you can undo."</p>
            {notes}
        </section>
    }
    .into_any()
}

fn verdict(blend: &Blend) -> impl IntoView + use<> {
    let n = blend.members.len();
    let (icon_name, text) = if blend.is_better() {
        let gain = format!("{} ± {}", charts::number(blend.gain), charts::number(blend.standard_error));
        ("layers", format!("{n} of them together are better by {gain} on rows without a say."))
    } else if n > 1 {
        let gain = format!("{} ± {}", charts::number(blend.gain), charts::number(blend.standard_error));
        ("circle-check", format!("An ensemble of {n} gains {gain} on rows without a say: no more than chance."))
    } else {
        ("circle-check", "No ensemble is better than the best alone.".into())
    };
    view! { <p class="automl__verdict">{small_icon(icon_name)}<span>{text}</span></p> }
}

/// Makes members of a search a part of the open pipeline, and runs it: one step that can be undone.
fn place(studio: Studio, runner: Runner, members: Vec<Member>) {
    let Some(search) = runner.peek(|sweep| sweep?.search()) else { return };
    let pipeline = studio.with(|editor| editor.pipeline().clone());
    spawn_local(async move {
        match studio.link.call(PlaceWinner { pipeline, search, members }).await {
            Ok(placing) => put_in_place(studio, placing),
            Err(failure) => studio.fail(failure),
        }
    });
}

fn put_in_place(studio: Studio, Placing { mut edits, evaluation }: Placing) {
    let places = studio.with(|editor| {
        // The new nodes by themselves, beneath all that is there.
        let mut alone = editor.pipeline().clone();
        let old: Vec<NodeId> = alone.nodes().keys().cloned().collect();
        let rects: Vec<_> = old.iter().filter_map(|id| editor.card_rect(id)).collect();
        let left = rects.iter().map(|rect| rect.x).fold(f64::INFINITY, f64::min);
        let bottom = rects.iter().map(|rect| rect.y + rect.height).fold(f64::NEG_INFINITY, f64::max);
        // Edits that do not apply are told when they are sent.
        let _ = alone.apply(Edit::Batch(edits.clone()));
        let _ = alone.apply(Edit::Batch(old.into_iter().map(Edit::RemoveNode).collect()));
        let places = editor::laid_out(&alone, editor.catalogue());
        let first = |of: fn(&Point) -> f64| places.iter().map(|(_, place)| of(place)).fold(f64::INFINITY, f64::min);
        let (dx, dy) = (left - first(|place| place.x), bottom + ROOM_BELOW - first(|place| place.y));
        let moved = places.iter().map(|(id, place)| (id.clone(), Point { x: place.x + dx, y: place.y + dy }));
        moved.collect::<Vec<_>>()
    });
    for edit in &mut edits {
        if let Edit::AddNode(id, node) = edit
            && let Some((_, place)) = places.iter().find(|(other, _)| other == id)
        {
            node.position = *place;
        }
    }
    let added = places.into_iter().map(|(id, _)| id).collect();
    studio.send(editor::Command::Edit(Edit::Batch(edits)));
    studio.show_design();
    studio.send(editor::Command::SelectNodes(added, editor::Merge::Replace));
    studio.send(editor::Command::Fit(editor::Fit::Selection));
    studio.send(editor::Command::Select(evaluation.clone()));
    studio.send(editor::Command::RunTo(evaluation));
    let help =
        "Its last node tells how good it is on rows that the search has not seen. Undo takes it away in one step.";
    studio.toast(Tone::Good, "The winner is on the canvas, and runs", help);
}
