//! Setting a sweep up: the objective, the parameters to vary, and how they are searched.

use std::collections::BTreeSet;

use editor::Editor;
use leptos::prelude::*;
use pipeline::{Choice, Family, NodeId, ParamKind, Pipeline, Value};
use study::{Dimension, Distribution, Goal, Objective, ProblemSeverity, Rule, Sampling, Space, Study, better_when};

use super::runner::{Runner, Sweep};
use crate::dom;
use crate::store::Studio;
use crate::views::face::seconds;
use crate::views::icon::{icon, small_icon};

/// A metric of the last run that can be aimed at.
#[derive(Clone, Debug, PartialEq)]
struct Aim {
    node: NodeId,
    metric: String,
    label: String,
    value: f64,
    /// How long everything took that it rests on.
    elapsed_secs: f64,
}

/// What kind of values a parameter takes.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Whole,
    Real,
    Options(Vec<Choice>),
    Switch,
}

/// One parameter that can be varied.
#[derive(Clone, Debug, PartialEq)]
struct Offer {
    node: NodeId,
    node_title: String,
    param: String,
    label: String,
    now: String,
    kind: Kind,
    low: String,
    high: String,
    is_log: bool,
}

/// The offer with what the user makes of it.
#[derive(Clone)]
struct Row {
    offer: Offer,
    is_on: RwSignal<bool>,
    how: RwSignal<String>,
    low: RwSignal<String>,
    high: RwSignal<String>,
    list: RwSignal<String>,
}

#[derive(Clone, Copy)]
struct Form {
    aim: RwSignal<String>,
    goal: RwSignal<Goal>,
    rows: StoredValue<Vec<Row>>,
    sampler: RwSignal<String>,
    n_trials: RwSignal<String>,
    seed: RwSignal<String>,
    n_workers: RwSignal<String>,
    patience: RwSignal<String>,
}

/// The form.
pub fn view(studio: Studio, runner: Runner) -> AnyView {
    let aims = studio.select(aims);
    let content = move || {
        let aims = aims.get();
        if aims.is_empty() { no_aim(studio) } else { form(studio, runner, aims) }
    };
    content.into_any()
}

fn no_aim(studio: Studio) -> AnyView {
    view! {
        <div class="empty">
            {icon("target")}
            <b>"A sweep needs something to aim at"</b>
            <p>"Run the pipeline once with an Evaluate Model or Cross Validate Model node; each of its metrics can then be the objective."</p>
            <button type="button" class="button button--primary" on:click=move |_| studio.send(editor::Command::RunAll)>{icon("play")}"Run the pipeline"</button>
        </div>
    }
    .into_any()
}

fn form(studio: Studio, runner: Runner, aims: Vec<Aim>) -> AnyView {
    let key = |aim: &Aim| format!("{}/{}", aim.node, aim.metric);
    let usual = ["auc", "r2", "accuracy", "f1"].iter().find_map(|name| aims.iter().find(|aim| aim.metric == *name));
    let first = usual.unwrap_or(&aims[0]).clone();
    let n_cores = dom::window().navigator().hardware_concurrency() as u32;
    let text = |text: &str| RwSignal::new(text.to_owned());
    let rows = studio.with(|editor| offers(editor, &first.node)).into_iter().map(Row::of).collect();
    let form = Form {
        aim: RwSignal::new(key(&first)),
        goal: RwSignal::new(usual_goal(&first.metric)),
        rows: StoredValue::new(rows),
        sampler: text("random"),
        n_trials: text("30"),
        seed: text("42"),
        n_workers: RwSignal::new(n_cores.saturating_sub(1).max(1).to_string()),
        patience: text(""),
    };
    let options = aims.iter().map(|aim| {
        let (value, is_first) = (key(aim), aim == &first);
        view! { <option value=value selected=is_first>{aim.label.clone()}" · now "{charts::number(aim.value)}</option> }
    });
    let options = options.collect_view();
    let aims = StoredValue::new(aims);
    let aim = Memo::new(move |_| {
        let wanted = form.aim.get();
        aims.with_value(|aims| aims.iter().find(|aim| key(aim) == wanted).cloned())
    });
    let name = studio.with(|editor| format!("Sweep of {}", editor.pipeline().name()));
    let drafted = Memo::new(move |_| Some(draft(&form, aim.get()?, &name)));
    let problems = move || {
        let problems = match drafted.get()? {
            Ok(study) => {
                let told = study
                    .check()
                    .into_iter()
                    .map(|problem| (problem.severity, format!("{}: {}", problem.place, problem.message), problem.help));
                told.collect()
            }
            Err(words) => vec![(ProblemSeverity::Error, words, String::new())],
        };
        let items = problems.into_iter().map(|(severity, message, help)| {
            let (icon_name, word) = match severity {
                ProblemSeverity::Error => ("octagon-alert", "Error"),
                ProblemSeverity::Warning => ("triangle-alert", "Warning"),
                ProblemSeverity::Note => ("info", "Note"),
            };
            view! { <li class="sweeps__problem">{small_icon(icon_name)}<span><b>{word}": "</b>{message}". "{help}</span></li> }
        });
        Some(view! { <ul class="sweeps__problems" aria-label="Problems">{items.collect_view()}</ul> })
    };
    let is_sound = Memo::new(move |_| {
        let sound = |study: &Study| study.check().iter().all(|problem| problem.severity != ProblemSeverity::Error);
        drafted.with(|drafted| matches!(drafted, Some(Ok(study)) if sound(study)))
    });
    let count = move || {
        let Some(Ok(study)) = drafted.get() else { return String::new() };
        let combinations = match study.n_combinations() {
            Some(n) => format!("{} combinations", charts::grouped(n)),
            None => "no end of combinations".into(),
        };
        let n_trials = u64::from(study.limits.max_total_trials).min(study.n_combinations().unwrap_or(u64::MAX));
        let n_workers = form.n_workers.get().parse().unwrap_or(1.0_f64).max(1.0);
        let elapsed_secs = aim.get().map_or(0.0, |aim| aim.elapsed_secs) * n_trials as f64 / n_workers;
        format!("{combinations} · {n_trials} trials · about {} at the pace of the last run", seconds(elapsed_secs))
    };
    let start = move |_| {
        let (Some(aim), Some(Ok(study))) = (aim.get_untracked(), drafted.get_untracked()) else { return };
        runner.begin(Sweep {
            study,
            pipeline: studio.with(|editor| pipeline::to_json(editor.pipeline())),
            node: aim.node,
            objective: aim.label,
            n_workers: form.n_workers.get_untracked().parse().unwrap_or(1).clamp(1, 64),
            ending: String::new(),
        });
    };
    let table_rows = form.rows.with_value(|rows| rows.iter().cloned().map(row_view).collect_view());
    view! {
        <div class="sweeps__setup">
            <header class="sweeps__head"><h2>"New sweep"</h2><p>"Tries settings of this pipeline, side by side, toward one metric. The pipeline stays as it is until you promote a trial."</p></header>
            <section class="sweeps__fields" aria-label="Objective and search">
                <label class="sweeps__field">"Objective"
                    <span class="select"><select id="sweep-objective" on:change=move |event| {
                        let wanted = event_target_value(&event);
                        if let Some((_, metric)) = wanted.rsplit_once('/') {
                            form.goal.set(usual_goal(metric));
                        }
                        form.aim.set(wanted);
                    }>{options}</select>{icon("chevron-down")}</span>
                </label>
                <label class="sweeps__field">"Better is"
                    <span class="select"><select id="sweep-goal" on:change=move |event| form.goal.set(if event_target_value(&event) == "low" { Goal::Minimize } else { Goal::Maximize })>
                        <option value="high" prop:selected=move || form.goal.get() == Goal::Maximize>"higher"</option>
                        <option value="low" prop:selected=move || form.goal.get() == Goal::Minimize>"lower"</option>
                    </select>{icon("chevron-down")}</span>
                </label>
                <label class="sweeps__field">"Search"
                    <span class="select"><select id="sweep-sampler" on:change=move |event| form.sampler.set(event_target_value(&event))>
                        <option value="random">"Random"</option><option value="sobol">"Sobol (even)"</option>
                        <option value="bayesian">"Bayesian (learns)"</option><option value="grid">"Grid (all)"</option>
                    </select>{icon("chevron-down")}</span>
                </label>
                {number_field("sweep-trials", "Trials", form.n_trials)}
                {number_field("sweep-seed", "Seed", form.seed)}
                {number_field("sweep-workers", "Workers", form.n_workers)}
                {number_field("sweep-patience", "Patience (trials)", form.patience)}
            </section>
            <div class="sweeps__scroll" tabindex="0" role="region" aria-label="Parameters to vary">
                <table class="sweeps__table">
                    <thead><tr><th scope="col">"Vary"</th><th scope="col">"Parameter"</th><th scope="col">"Now"</th><th scope="col">"Values to try"</th></tr></thead>
                    <tbody>{table_rows}</tbody>
                </table>
            </div>
            <footer class="sweeps__foot">
                {problems}
                <p class="sweeps__count">{count}</p>
                <button type="button" class="button button--primary" id="sweep-start" disabled=move || !is_sound.get() on:click=start>{icon("play")}"Start sweep"</button>
            </footer>
        </div>
    }
    .into_any()
}

fn number_field(id: &'static str, label: &'static str, value: RwSignal<String>) -> AnyView {
    view! {
        <label class="sweeps__field sweeps__field--number">{label}
            <input class="input input--number" id=id inputmode="numeric" prop:value=move || value.get() on:input=move |event| value.set(event_target_value(&event)) />
        </label>
    }
    .into_any()
}

impl Row {
    fn of(offer: Offer) -> Self {
        let how = if offer.is_log { "log" } else { "range" };
        let list = match &offer.kind {
            Kind::Options(choices) => choices.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>().join(", "),
            Kind::Whole | Kind::Real => format!("{}, {}", offer.low, offer.high),
            Kind::Switch => String::new(),
        };
        Self {
            is_on: RwSignal::new(false),
            how: RwSignal::new(how.into()),
            low: RwSignal::new(offer.low.clone()),
            high: RwSignal::new(offer.high.clone()),
            list: RwSignal::new(list),
            offer,
        }
    }
}

fn row_view(row: Row) -> AnyView {
    let Row { offer, is_on, how, low, high, list } = row;
    let id = format!("{}.{}", offer.node, offer.param);
    let name = format!("{} of {}", offer.label, offer.node_title);
    let input = move |label: String, value: RwSignal<String>, class: &'static str| {
        view! {
            <input class=class aria-label=label disabled=move || !is_on.get() prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event)) />
        }
    };
    let values = match &offer.kind {
        Kind::Switch => view! { <span class="sweeps__muted">"on and off"</span> }.into_any(),
        Kind::Options(_) => input(format!("Values of {name}"), list, "input").into_any(),
        Kind::Whole | Kind::Real => {
            let names = StoredValue::new(name.clone());
            let fields = move || {
                let name = names.get_value();
                if how.get() == "list" {
                    input(format!("Values of {name}"), list, "input").into_any()
                } else {
                    view! {
                        {input(format!("Smallest {name}"), low, "input input--number")}<span>"to"</span>
                        {input(format!("Largest {name}"), high, "input input--number")}
                    }
                    .into_any()
                }
            };
            view! {
                <div class="sweeps__values">
                    <span class="select"><select aria-label=format!("How {name} is spread") disabled=move || !is_on.get() on:change=move |event| how.set(event_target_value(&event))>
                        <option value="range" selected=!offer.is_log>"Evenly"</option>
                        <option value="log" selected=offer.is_log>"By factors (log)"</option>
                        <option value="list">"These values"</option>
                    </select>{icon("chevron-down")}</span>
                    {fields}
                </div>
            }
            .into_any()
        }
    };
    view! {
        <tr data-sweep-param=id>
            <td><input type="checkbox" aria-label=format!("Vary {name}") prop:checked=move || is_on.get() on:change=move |event| is_on.set(event_target_checked(&event)) /></td>
            <th scope="row">{offer.label.clone()}<small>{offer.node_title.clone()}</small></th>
            <td class="sweeps__now">{offer.now.clone()}</td>
            <td>{values}</td>
        </tr>
    }
    .into_any()
}

fn usual_goal(metric: &str) -> Goal {
    better_when(stem(metric)).unwrap_or(Goal::Maximize)
}

/// `auc` of `auc.2`, the metric of a second model.
fn stem(metric: &str) -> &str {
    metric.strip_suffix(".2").unwrap_or(metric)
}

/// Every metric of the last run at a node that judges.
fn aims(editor: &Editor) -> Vec<Aim> {
    let pipeline = editor.pipeline();
    let mut aims = Vec::new();
    for node in pipeline.topological_order() {
        let spec = pipeline.node(&node).and_then(|placed| editor.catalogue().get(&placed.component));
        let Some(report) = editor.status(&node).report.as_ref() else { continue };
        if spec.is_none_or(|spec| spec.family != Family::Evaluate) {
            continue;
        }
        let rests_on = rests_on(pipeline, &node);
        let elapsed = |node: &NodeId| editor.status(node).report.as_ref().map_or(0.0, |report| report.elapsed_secs);
        let elapsed_secs = report.elapsed_secs + rests_on.iter().map(elapsed).sum::<f64>();
        for (metric, value) in report.metrics.iter().filter(|(_, value)| value.is_finite()) {
            let label = match metric.strip_suffix(".2") {
                Some(stem) => format!("{stem} of the second model, {}", editor.title(&node)),
                None => format!("{metric}, {}", editor.title(&node)),
            };
            aims.push(Aim { node: node.clone(), metric: metric.clone(), label, value: *value, elapsed_secs });
        }
    }
    aims
}

/// Every node that feeds this one, however far away.
pub fn rests_on(pipeline: &Pipeline, node: &NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open = pipeline.upstream(node);
    while let Some(next) = open.pop() {
        if !found.contains(&next) {
            open.extend(pipeline.upstream(&next));
            found.insert(next);
        }
    }
    found
}

/// Every parameter that a node's metric depends on and that can be varied.
fn offers(editor: &Editor, node: &NodeId) -> Vec<Offer> {
    let pipeline = editor.pipeline();
    let counts = rests_on(pipeline, node);
    let mut offers = Vec::new();
    for id in pipeline.topological_order().into_iter().filter(|id| counts.contains(id)) {
        let Some(placed) = pipeline.node(&id) else { continue };
        let Some(spec) = editor.catalogue().get(&placed.component) else { continue };
        if spec.family == Family::Evaluate || spec.family == Family::Data {
            continue;
        }
        for param in &spec.params {
            if !pipeline::counts(spec, placed, param) {
                continue;
            }
            let value = placed.value(param);
            let (kind, low, high, is_log) = match &param.kind {
                ParamKind::Int { min, max, log, .. } => {
                    let (low, high) = whole_range(value, *min, *max, *log);
                    (Kind::Whole, low.to_string(), high.to_string(), *log)
                }
                ParamKind::Float { min, max, log, .. } => {
                    let (low, high) = real_range(value, *min, *max, *log);
                    (Kind::Real, low.to_string(), high.to_string(), *log)
                }
                ParamKind::Choice(choices) => (Kind::Options(choices.clone()), String::new(), String::new(), false),
                ParamKind::Switch => (Kind::Switch, String::new(), String::new(), false),
                ParamKind::Text { .. }
                | ParamKind::Seed
                | ParamKind::Column { .. }
                | ParamKind::Columns { .. }
                | ParamKind::File { .. }
                | ParamKind::Grid => continue,
            };
            offers.push(Offer {
                node: id.clone(),
                node_title: editor.title(&id).to_owned(),
                param: param.name.clone(),
                label: param.label.clone(),
                now: pipeline::value_in_words(param, value),
                kind,
                low,
                high,
                is_log,
            });
        }
    }
    // What learns is varied most often.
    let family = |offer: &Offer| {
        let placed = pipeline.node(&offer.node);
        placed.and_then(|placed| editor.catalogue().get(&placed.component)).map(|spec| spec.family != Family::Learn)
    };
    let (learners, others): (Vec<_>, Vec<_>) = offers.into_iter().partition(|offer| family(offer) == Some(false));
    learners.into_iter().chain(others).collect()
}

/// Around the value as it is; from the smallest on where none is set.
fn whole_range(value: &Value, min: i64, max: i64, is_log: bool) -> (i64, i64) {
    let factor = if is_log { 4 } else { 2 };
    match value {
        Value::Int(now) => ((now / factor).max(min), now.saturating_mul(factor).max(min.saturating_add(1)).min(max)),
        _ => (min.saturating_add(1).min(max), min.saturating_add(15).min(max)),
    }
}

fn real_range(value: &Value, min: f64, max: f64, is_log: bool) -> (f64, f64) {
    let factor = if is_log { 10.0 } else { 2.0 };
    let now = match value {
        Value::Float(now) => *now,
        Value::Int(now) => *now as f64,
        _ => 1.0,
    };
    let (low, high) = ((now / factor).max(min), (now * factor).min(max));
    if low < high { (low, high) } else { (min, if max.is_finite() { max } else { min + 1.0 }) }
}

fn draft(form: &Form, aim: Aim, name: &str) -> Result<Study, String> {
    let rows = form.rows.get_value();
    let mut dimensions = Vec::new();
    for row in rows.iter().filter(|row| row.is_on.get()) {
        dimensions.push(Dimension::new(row.offer.node.clone(), &row.offer.param, distribution(row)?));
    }
    let whole = |what: &str, text: String| {
        text.trim().parse::<u64>().map_err(|_| format!("{what}: {text:?} is no whole number; type one, such as 30"))
    };
    let seed = whole("seed", form.seed.get())?;
    let objective = Objective { metric: aim.metric, goal: form.goal.get() };
    let mut study = Study::new(name, Space { dimensions }, vec![objective]);
    study.sampling = match form.sampler.get().as_str() {
        "grid" => Sampling::Grid,
        "bayesian" => Sampling::Bayesian { seed },
        "sobol" => Sampling::Random { seed, rule: Rule::Sobol },
        _ => Sampling::Random { seed, rule: Rule::Random },
    };
    study.limits.max_total_trials = u32::try_from(whole("trials", form.n_trials.get())?).unwrap_or(u32::MAX);
    if !form.patience.get().trim().is_empty() {
        study.limits.patience = Some(u32::try_from(whole("patience", form.patience.get())?).unwrap_or(u32::MAX));
    }
    whole("workers", form.n_workers.get())?;
    study.baseline = Some(aim.value);
    Ok(study)
}

fn distribution(row: &Row) -> Result<Distribution, String> {
    let number = |text: String| {
        let wrong = || format!("{}: {text:?} is no number; type one, such as 10", row.offer.label);
        text.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(wrong)
    };
    let listed = || {
        let list = row.list.get();
        let parts: Vec<String> =
            list.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        parts
    };
    let whole = row.offer.kind == Kind::Whole;
    match &row.offer.kind {
        Kind::Switch => Ok(Distribution::Choice { values: vec![Value::Bool(false), Value::Bool(true)] }),
        Kind::Options(choices) => {
            let known = |part: String| {
                let names: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
                let wrong = format!("{}: there is no {part:?}; it can be {}", row.offer.label, names.join(", "));
                if names.contains(&part.as_str()) { Ok(Value::Text(part)) } else { Err(wrong) }
            };
            Ok(Distribution::Choice { values: listed().into_iter().map(known).collect::<Result<_, _>>()? })
        }
        Kind::Whole | Kind::Real if row.how.get() == "list" => {
            let value = |part: String| {
                let x = number(part)?;
                match whole {
                    true if x.fract() == 0.0 => Ok(Value::Int(x as i64)),
                    true => Err(format!("{}: {x} is no whole number", row.offer.label)),
                    false => Ok(Value::Float(x)),
                }
            };
            Ok(Distribution::Choice { values: listed().into_iter().map(value).collect::<Result<_, _>>()? })
        }
        Kind::Whole | Kind::Real => {
            let (low, high) = (number(row.low.get())?, number(row.high.get())?);
            let is_log = row.how.get() == "log";
            if is_log && low <= 0.0 {
                let label = &row.offer.label;
                return Err(format!("{label}: factors begin above 0, not at {low}; raise it, or spread evenly"));
            }
            Ok(match (whole, is_log) {
                (true, false) => Distribution::QUniform { min_value: low, max_value: high, q: 1.0 },
                (true, true) => Distribution::QLogUniform { min_value: low.ln(), max_value: high.ln(), q: 1.0 },
                (false, false) => Distribution::Uniform { min_value: low, max_value: high },
                (false, true) => Distribution::LogUniform { min_value: low.ln(), max_value: high.ln() },
            })
        }
    }
}
