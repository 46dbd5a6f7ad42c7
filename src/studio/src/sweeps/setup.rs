//! Setting a sweep up: the objectives, the parameters to vary, how they are searched, and when it ends. The same form
//! changes a sweep that rests.

use std::collections::{BTreeMap, BTreeSet};

use editor::Editor;
use leptos::prelude::*;
use pipeline::{Family, NodeId, Pipeline, Value};
use schema::ordered::Gather;
use study::{
    EarlyTermination, Goal, Limits, Objective, ProblemSeverity, Rule, Sampling, Study, better_when, metric_label,
};

use super::measure;
use super::offers::offers;
pub use super::offers::rests_on;
use super::rows::{self, Problem, Row};
use super::runner::{Form, Runner};
use super::sweep::Sweep;
use crate::dom;
use crate::pace::Pace;
use crate::store::Studio;
use crate::views::face::seconds;
use crate::views::icon::{icon, small_icon};
use crate::views::{counted, sentence};

/// A metric that can be aimed at.
#[derive(Clone, Debug, PartialEq)]
struct Aim {
    node: NodeId,
    metric: String,
    label: String,
    value: Option<f64>,
    /// How long everything took that it rests on.
    elapsed_secs: f64,
    /// The nodes that feed it.
    rests_on: BTreeSet<NodeId>,
    /// It is known fold by fold, of so many folds if that is certain.
    intervals: Option<Option<u32>>,
}

/// What is filled in.
#[derive(Clone, Copy)]
struct Fields {
    aims: StoredValue<Vec<Aim>>,
    rows: StoredValue<Vec<Row>>,
    fed: Memo<BTreeSet<NodeId>>,
    texts: RwSignal<BTreeMap<&'static str, String>>,
}

/// The form, for a sweep to begin or for one that goes on otherwise.
pub fn view(studio: Studio, runner: Runner, form: Form) -> AnyView {
    let sweep = (form == Form::Change).then(|| runner.peek(|sweep| sweep.cloned())).flatten();
    if let Some(sweep) = sweep {
        return change(studio, runner, &sweep);
    }
    let aims = studio.select(aims);
    let content = move || {
        let aims = aims.get();
        if aims.is_empty() { no_aim(studio, runner) } else { begin(studio, runner, aims) }
    };
    content.into_any()
}

fn no_aim(studio: Studio, runner: Runner) -> AnyView {
    view! {
        <div class="empty">
            {icon("target")}
            <b>"A sweep needs something to aim at"</b>
            <p>"Run the pipeline once with an Evaluate Model or Cross Validate Model node; each of its metrics can then be the objective."</p>
            <button type="button" class="button button--primary" on:click=move |_| studio.send(editor::Command::RunAll)>{icon("play")}"Run the pipeline"</button>
            <p>"Or let AutoML find the learner too: it needs no more than a table."</p>
            <button type="button" class="button" on:click=move |_| runner.form().set(Some(Form::Automl))>{icon("wand-sparkles")}"AutoML"</button>
            {back(runner)}
        </div>
    }
    .into_any()
}

/// What is begun: a sweep of the pipeline's settings, or a search for learners too.
pub fn kinds(runner: Runner, now: Form) -> AnyView {
    let kinds = [(Form::New, "Settings of this pipeline"), (Form::Automl, "AutoML")].map(|(form, label)| {
        view! {
            <label>
                <input type="radio" name="sweep-kind" prop:checked=form == now on:change=move |_| runner.form().set(Some(form)) />
                <span>{label}</span>
            </label>
        }
    });
    view! { <div class="segments" role="radiogroup" aria-label="What to search">{kinds.into_iter().collect_view()}</div> }.into_any()
}

/// The way back to the results, where there are some.
pub fn back(runner: Runner) -> Option<AnyView> {
    let is_there = runner.peek(|sweep| sweep.is_some());
    let back = move |_| runner.form().set(None);
    is_there.then(|| view! { <button type="button" class="button button--ghost" id="sweep-back" on:click=back>{icon("arrow-left")}"Back to the results"</button> }.into_any())
}

fn begin(studio: Studio, runner: Runner, aims: Vec<Aim>) -> AnyView {
    let usual = ["auc", "r2", "accuracy", "f1"].iter().find_map(|name| aims.iter().find(|aim| aim.metric == *name));
    let first = usual.unwrap_or(&aims[0]).clone();
    let n_cores = dom::window().navigator().hardware_concurrency() as u32;
    let offered = studio.with(|editor| offers(editor, editor.pipeline()));
    let (rows, wished) = rows::of_draft(studio.document.get_untracked(), offered);
    let n_workers = n_cores.saturating_sub(1).max(1).to_string();
    let usual = [("trials", "30"), ("seed", "42"), ("workers", &n_workers), ("goal", word(usual_goal(&first.metric)))];
    let aim = (key(&first), String::new());
    let fields = Fields::new(aims, rows, aim, &usual);
    if let Some(name) = wished {
        dom::focus_later(format!("[data-sweep-param='{name}'] input"));
    }
    let name = studio.with(|editor| format!("Sweep of {}", editor.pipeline().name()));
    let pipeline = StoredValue::new(studio.with(|editor| pipeline::to_json(editor.pipeline())));
    let sweep = move |study: Study| {
        let [first, second] = [fields.aim("objective"), fields.aim("second")];
        let first = first?;
        let second = second.map(|second| second.node).filter(|node| *node != first.node);
        let n_workers = fields.whole("workers", "workers").ok().flatten().unwrap_or(1).clamp(1, 64) as u32;
        let (node, objective) = (first.node, first.label);
        Some(Sweep {
            id: format!("sweep-{:x}", dom::date_ms() as u64),
            study,
            pipeline: pipeline.with_value(String::clone),
            node,
            objective,
            second,
            n_workers,
            memory_bytes: 0,
            ending: String::new(),
            automl: None,
        })
    };
    let start = move |study: Study| {
        if let Some(sweep) = sweep(study) {
            runner.begin(sweep);
        }
    };
    let measured = Measured { studio, paces: RwSignal::new(Vec::new()), sweep: Callback::new(sweep) };
    form(runner, fields, name, None, Some(measured), Callback::new(start))
}

/// The form filled in as the sweep is.
fn change(studio: Studio, runner: Runner, sweep: &Sweep) -> AnyView {
    let study = &sweep.study;
    let pipeline = pipeline::from_json(&sweep.pipeline).unwrap_or_default();
    let of = |node: &NodeId, objective: &Objective| Aim {
        node: node.clone(),
        metric: objective.metric.clone(),
        label: sweep.objective.clone(),
        value: study.baseline,
        elapsed_secs: study.elapsed_secs * f64::from(sweep.n_workers) / study.trials.len().max(1) as f64,
        rests_on: rests_on(&pipeline, node),
        intervals: studio.with(|editor| intervals(editor, &pipeline, node)),
    };
    let nodes = [&sweep.node, sweep.second.as_ref().unwrap_or(&sweep.node)];
    let aims: Vec<Aim> =
        nodes.into_iter().zip(&study.objectives).map(|(node, objective)| of(node, objective)).collect();
    let offered = studio.with(|editor| offers(editor, &pipeline));
    let chosen = |at: usize| aims.get(at).map_or(String::new(), key);
    let filled = filled(study);
    let filled: Vec<_> = filled.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let aim = (chosen(0), chosen(1));
    let fields = Fields::new(aims, rows::of_space(&study.space, offered), aim, &filled);
    form(runner, fields, study.name.clone(), Some(sweep.clone()), None, Callback::new(move |study| runner.go_on(study)))
}

/// What a study says, as it is typed.
fn filled(study: &Study) -> Vec<(&'static str, String)> {
    let mut filled = vec![("trials", study.limits.max_total_trials.to_string())];
    for (name, objective) in ["goal", "second-goal"].into_iter().zip(&study.objectives) {
        filled.push((name, word(objective.goal).to_owned()));
    }
    let (sampler, seed) = match study.sampling {
        Sampling::Grid => ("grid", 42),
        Sampling::Random { seed, rule: Rule::Random } => ("random", seed),
        Sampling::Random { seed, rule: Rule::Sobol } => ("sobol", seed),
        Sampling::Bayesian { seed } => ("bayesian", seed),
        Sampling::Hyperband { seed, min_resource, max_resource, eta } => {
            filled.extend(
                [("from", min_resource), ("folds", max_resource), ("eta", eta)].map(|(name, n)| (name, n.to_string())),
            );
            ("hyperband", seed)
        }
    };
    filled.extend([("sampler", sampler.to_owned()), ("seed", seed.to_string())]);
    let limits = &study.limits;
    if limits.timeout_secs != Limits::default().timeout_secs {
        filled.push(("timeout", limits.timeout_secs.to_string()));
    }
    let optional = [("trial-timeout", limits.trial_timeout_secs), ("patience", limits.patience.map(u64::from))];
    filled.extend(optional.into_iter().filter_map(|(name, n)| Some((name, n?.to_string()))));
    if let Some(policy) = &study.early_termination {
        let (every, delay) = policy.rhythm();
        filled.extend([("every", every.to_string()), ("delay", delay.to_string())]);
        let name = match policy {
            EarlyTermination::Bandit { slack_factor, slack_amount, .. } => {
                let unit = if slack_amount.is_some() { "amount" } else { "factor" };
                let slack = slack_factor.or(*slack_amount).unwrap_or_default();
                filled.extend([("unit", unit.to_owned()), ("slack", slack.to_string())]);
                "bandit"
            }
            EarlyTermination::MedianStopping { .. } => "median",
            EarlyTermination::TruncationSelection { truncation_percentage, exclude_finished_jobs, .. } => {
                let against = if *exclude_finished_jobs { "going" } else { "all" };
                filled.extend([("percentage", truncation_percentage.to_string()), ("against", against.to_owned())]);
                "truncation"
            }
        };
        filled.push(("policy", name.to_owned()));
    }
    filled
}

const USUAL: &[(&str, &str)] = &[
    ("sampler", "random"),
    ("unit", "factor"),
    ("slack", "0.1"),
    ("percentage", "20"),
    ("against", "all"),
    ("every", "1"),
    ("delay", "0"),
    ("from", "1"),
    ("eta", "3"),
];

/// How fast trials are here, and the sweep that would run them.
#[derive(Clone, Copy)]
struct Measured {
    studio: Studio,
    paces: RwSignal<Vec<Pace>>,
    sweep: Callback<Study, Option<Sweep>>,
}

fn form(
    runner: Runner,
    fields: Fields,
    name: String,
    changed: Option<Sweep>,
    measured: Option<Measured>,
    done: Callback<Study>,
) -> AnyView {
    let is_new = changed.is_none();
    let drafted = Memo::new(move |_| fields.draft(&name));
    // Nothing is wrong with a form that nobody has filled in yet.
    let is_blank = Memo::new(move |_| {
        drafted.with(|drafted| matches!(drafted, Ok((study, _)) if study.space.dimensions.is_empty()))
    });
    let problems = move || {
        if is_blank.get() {
            return view! {
                <p class="sweeps__problems sweeps__problem">{small_icon("info")}"Choose a setting to vary, and the values to try."</p>
            }
            .into_any();
        }
        let problems = drafted.with(|drafted| match drafted {
            Ok((_, problems)) => problems.clone(),
            Err(words) => vec![(ProblemSeverity::Error, words.clone(), String::new())],
        });
        let items = problems.into_iter().map(|(severity, message, help)| {
            let (icon_name, word) = match severity {
                ProblemSeverity::Error => ("octagon-alert", "Error"),
                ProblemSeverity::Warning => ("triangle-alert", "Warning"),
                ProblemSeverity::Note => ("info", "Note"),
            };
            view! { <li class="sweeps__problem">{small_icon(icon_name)}<span><b>{word}": "</b>{message}". "{sentence(&help)}</span></li> }
        });
        view! { <ul class="sweeps__problems" aria-label="Problems">{items.collect_view()}</ul> }.into_any()
    };
    let is_sound = Memo::new(move |_| {
        let is_error = |(severity, ..): &Problem| *severity == ProblemSeverity::Error;
        drafted.with(|drafted| matches!(drafted, Ok((_, problems)) if !problems.iter().any(is_error)))
    });
    let n_made = changed.as_ref().map_or(0, |sweep| sweep.study.trials.len() as u64);
    let count = move || {
        let Ok((study, _)) = drafted.get() else { return String::new() };
        if is_blank.get() {
            return String::new();
        }
        let combinations = match study.n_combinations() {
            Some(1) => "1 combination".into(),
            Some(n) => format!("{} combinations", charts::grouped(n)),
            None => "no end of combinations".into(),
        };
        let n_trials = u64::from(study.limits.max_total_trials).min(study.n_combinations().unwrap_or(u64::MAX));
        let n_workers = fields.whole("workers", "workers").ok().flatten().unwrap_or(1).max(1);
        let paces = measured.map_or(Vec::new(), |measured| measured.paces.get());
        let pace = paces.iter().find(|pace| u64::from(pace.n_workers) == n_workers);
        let (secs_per_trial, basis) = match pace {
            Some(pace) => (pace.secs, "as measured"),
            None => {
                let elapsed_secs = fields.aim("objective").map_or(0.0, |aim| aim.elapsed_secs);
                (elapsed_secs / n_workers as f64, "at the pace so far")
            }
        };
        let elapsed_secs = secs_per_trial * n_trials.saturating_sub(n_made) as f64;
        let made = if n_made > 0 { format!(", {n_made} of them made") } else { String::new() };
        let trials = counted(n_trials as usize, "trial");
        format!("{combinations} · {trials}{made} · about {} {basis}", seconds(elapsed_secs))
    };
    let start = move |_| {
        if let Ok((study, _)) = drafted.get_untracked() {
            done.run(study);
        }
    };
    let measure = measured.map(|measured| {
        let sweep = move |()| match drafted.get() {
            Ok((study, _)) if is_sound.get() => measured.sweep.run(study),
            _ => None,
        };
        measure::view(measured.studio, measured.paces, Callback::new(sweep))
    });
    let table_rows =
        fields.rows.with_value(|rows| rows.iter().map(|row| rows::view(row, fields.rows, fields.fed)).collect_view());
    let (title, text, act) = match is_new {
        true => (
            "New sweep",
            "Tries settings of this pipeline, side by side, toward one metric or two. The pipeline stays as it is until you promote a trial.",
            "Start sweep",
        ),
        false => (
            "Change the sweep",
            "The trials so far remain and count. What comes next is drawn from what stands here.",
            "Go on",
        ),
    };
    let is_band = untrack(|| fields.text("sampler")) == "hyperband";
    // What the fields are depends on these; what is in them does not.
    let shape = Memo::new(move |_| {
        let intervals = fields.aim("objective").and_then(|aim| aim.intervals);
        (intervals, fields.text("sampler"), fields.text("policy"), fields.text("second").is_empty())
    });
    let search = move || {
        let (intervals, sampler, policy, _) = shape.get();
        let mut samplers = vec![
            ("random", "Random"),
            ("sobol", "Sobol (even)"),
            ("bayesian", "Bayesian (learns)"),
            ("grid", "Grid (all)"),
        ];
        if !is_new && is_band {
            samplers.clear();
        }
        if intervals.is_some() && (is_new || is_band) {
            samplers.push(("hyperband", "Hyperband (halves)"));
        }
        let number = |name, label| number_field(fields, name, label);
        let is_band = sampler == "hyperband" && intervals.is_some();
        let band = is_band.then(|| view! { {number("from", "Folds at first")}{number("folds", "Folds in all")}{number("eta", "One goes on of")} });
        let policies = [
            ("", "never"),
            ("bandit", "Bandit"),
            ("median", "Median stopping"),
            ("truncation", "Truncation selection"),
        ];
        let early = (intervals.is_some() && !is_band).then(|| {
            let parts = match policy.as_str() {
                "bandit" => view! { {number("slack", "Slack")}{select_field(fields, "unit", "Slack is", &[("factor", "a factor"), ("amount", "an amount")])} }.into_any(),
                "truncation" => view! { {number("percentage", "Worst (%)")}{select_field(fields, "against", "Beside", &[("all", "all trials"), ("going", "those that go on")])} }.into_any(),
                _ => ().into_any(),
            };
            let rhythm = (!policy.is_empty()).then(|| view! { {number("every", "Every (folds)")}{number("delay", "From fold")} });
            view! { {select_field(fields, "policy", "Give trials up", &policies)}{parts}{rhythm} }
        });
        view! { {select_field(fields, "sampler", "Search", &samplers)}{band}{early} }
    };
    let goals = [("higher", "higher"), ("lower", "lower")];
    let second_goal =
        move || shape.with(|shape| !shape.3).then(|| select_field(fields, "second-goal", "Better is", &goals));
    let objectives = is_new.then(|| {
        view! {
            {aim_field(fields, "objective", "goal", "Objective")}
            {select_field(fields, "goal", "Better is", &goals)}
            {aim_field(fields, "second", "second-goal", "Second objective")}
            {second_goal}
        }
    });
    view! {
        <div class="sweeps__setup">
            <header class="sweeps__head"><h2>{title}</h2><p>{text}</p>{is_new.then(|| kinds(runner, Form::New))}{back(runner)}</header>
            <section class="sweeps__fields" aria-label="Objective and search">
                {objectives}
                {search}
                {number_field(fields, "trials", "Trials")}
                {number_field(fields, "seed", "Seed")}
                {is_new.then(|| number_field(fields, "workers", "Workers"))}
                {number_field(fields, "patience", "Patience (trials)")}
                {number_field(fields, "timeout", "Time in all (s)")}
                {number_field(fields, "trial-timeout", "Time a trial (s)")}
                {measure}
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
                <button type="button" class="button button--primary" id="sweep-start" disabled=move || !is_sound.get() on:click=start>{icon("play")}{act}</button>
            </footer>
        </div>
    }
    .into_any()
}

fn number_field(fields: Fields, name: &'static str, label: &'static str) -> AnyView {
    view! {
        <label class="sweeps__field sweeps__field--number">{label}
            <input class="input input--number" id=format!("sweep-{name}") inputmode="decimal" prop:value=move || fields.text(name)
                on:input=move |event| fields.set(name, event_target_value(&event)) />
        </label>
    }
    .into_any()
}

fn select_field(
    fields: Fields,
    name: &'static str,
    label: &'static str,
    options: &[(&'static str, &'static str)],
) -> AnyView {
    let options: Vec<_> = options.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect();
    choice(fields, name, label, options, Callback::new(|_| ()))
}

fn aim_field(fields: Fields, name: &'static str, goal: &'static str, label: &'static str) -> AnyView {
    let mut options = Vec::new();
    if name == "second" {
        options.push((String::new(), "none".to_owned()));
    }
    fields.aims.with_value(|aims| {
        let now = |aim: &Aim| aim.value.map_or(String::new(), |value| format!(" · now {}", charts::number(value)));
        options.extend(aims.iter().map(|aim| (key(aim), format!("{}{}", aim.label, now(aim)))));
    });
    let changed = move |wanted: String| {
        if let Some((_, metric)) = wanted.rsplit_once('/') {
            fields.set(goal, word(usual_goal(metric)).to_owned());
        }
    };
    choice(fields, name, label, options, Callback::new(changed))
}

fn choice(
    fields: Fields,
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    changed: Callback<String>,
) -> AnyView {
    let options = options.into_iter().map(|(value, words)| {
        let own = value.clone();
        view! { <option value=value prop:selected=move || fields.text(name) == own>{words}</option> }
    });
    let options = options.collect_view();
    let set = move |event| {
        let wanted: String = event_target_value(&event);
        changed.run(wanted.clone());
        fields.set(name, wanted);
    };
    view! {
        <label class="sweeps__field">{label}
            <span class="select"><select id=format!("sweep-{name}") on:change=set>{options}</select>{icon("chevron-down")}</span>
        </label>
    }
    .into_any()
}

impl Fields {
    fn new(aims: Vec<Aim>, rows: Vec<Row>, aim: (String, String), filled: &[(&'static str, &str)]) -> Self {
        let n_folds = aims.iter().find_map(|aim| aim.intervals.flatten()).unwrap_or(10).to_string();
        let mut texts = BTreeMap::from([("objective", aim.0), ("second", aim.1), ("folds", n_folds)]);
        for (name, text) in USUAL.iter().chain(filled) {
            texts.insert(*name, (*text).to_owned());
        }
        let (aims, texts) = (StoredValue::new(aims), RwSignal::new(texts));
        let fed = Memo::new(move |_| {
            let feeds = ["objective", "second"].into_iter().filter_map(|name| chosen(aims, texts, name));
            feeds.flat_map(|aim| aim.rests_on).gather()
        });
        Self { aims, rows: StoredValue::new(rows), fed, texts }
    }

    fn text(self, name: &str) -> String {
        self.texts.with(|texts| texts.get(name).cloned().unwrap_or_default())
    }

    fn set(self, name: &'static str, text: String) {
        self.texts.update(|texts| drop(texts.insert(name, text)));
    }

    fn aim(self, name: &str) -> Option<Aim> {
        chosen(self.aims, self.texts, name)
    }

    fn goal(self, name: &str) -> Goal {
        if self.text(name) == "lower" { Goal::Minimize } else { Goal::Maximize }
    }

    /// A whole number, where one is typed.
    fn whole(self, name: &str, what: &str) -> Result<Option<u64>, String> {
        match self.text(name).trim() {
            "" => Ok(None),
            text => match text.parse() {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(format!("{what}: {text:?} is no whole number; type one, such as 30")),
            },
        }
    }

    fn need(self, name: &str, what: &str) -> Result<u32, String> {
        let n = self.whole(name, what)?.ok_or_else(|| format!("{what}: type a whole number, such as 3"))?;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    fn draft(self, name: &str) -> Result<(Study, Vec<Problem>), String> {
        let aim = self.aim("objective").ok_or("objective: choose one")?;
        let (space, outside) = self.rows.with_value(|rows| rows::dimensions(rows, &self.fed.get()))?;
        let mut objectives = vec![Objective { metric: aim.metric, goal: self.goal("goal") }];
        if let Some(second) = self.aim("second") {
            let metric =
                if second.node == aim.node { second.metric } else { format!("{}.{}", second.node, second.metric) };
            objectives.push(Objective { metric, goal: self.goal("second-goal") });
        }
        let mut study = Study::new(name, space, objectives);
        let seed = self.whole("seed", "seed")?.unwrap_or_default();
        study.sampling = match self.text("sampler").as_str() {
            "grid" => Sampling::Grid,
            "bayesian" => Sampling::Bayesian { seed },
            "sobol" => Sampling::Random { seed, rule: Rule::Sobol },
            "hyperband" if aim.intervals.is_some() => Sampling::Hyperband {
                seed,
                min_resource: self.need("from", "folds at first")?,
                max_resource: self.need("folds", "folds in all")?,
                eta: self.need("eta", "one goes on of")?,
            },
            _ => Sampling::Random { seed, rule: Rule::Random },
        };
        if aim.intervals.is_some() && !matches!(study.sampling, Sampling::Hyperband { .. }) {
            study.early_termination = self.policy()?;
        }
        study.limits.max_total_trials = self.need("trials", "trials")?;
        study.limits.patience = self.whole("patience", "patience")?.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        study.limits.trial_timeout_secs = self.whole("trial-timeout", "time a trial")?;
        if let Some(secs) = self.whole("timeout", "time in all")? {
            study.limits.timeout_secs = secs;
        }
        self.whole("workers", "workers")?;
        study.baseline = aim.value;
        study.n_intervals = aim.intervals.flatten();
        let told = study.check().into_iter();
        let told =
            told.map(|problem| (problem.severity, format!("{}: {}", problem.place, problem.message), problem.help));
        let problems = told.chain(outside).collect();
        Ok((study, problems))
    }

    fn policy(self) -> Result<Option<EarlyTermination>, String> {
        let name = self.text("policy");
        if name.is_empty() {
            return Ok(None);
        }
        let evaluation_interval = self.need("every", "every")?;
        let delay_evaluation = self.need("delay", "from fold")?;
        Ok(Some(match name.as_str() {
            "bandit" => {
                let text = self.text("slack");
                let wrong = |_| format!("slack: {text:?} is no number; type one, such as 0.1");
                let slack: f64 = text.trim().parse().map_err(wrong)?;
                let (slack_factor, slack_amount) =
                    if self.text("unit") == "amount" { (None, Some(slack)) } else { (Some(slack), None) };
                EarlyTermination::Bandit { slack_factor, slack_amount, evaluation_interval, delay_evaluation }
            }
            "truncation" => EarlyTermination::TruncationSelection {
                truncation_percentage: self.need("percentage", "worst")?,
                exclude_finished_jobs: self.text("against") == "going",
                evaluation_interval,
                delay_evaluation,
            },
            _ => EarlyTermination::MedianStopping { evaluation_interval, delay_evaluation },
        }))
    }
}

fn chosen(aims: StoredValue<Vec<Aim>>, texts: RwSignal<BTreeMap<&'static str, String>>, name: &str) -> Option<Aim> {
    let wanted = texts.with(|texts| texts.get(name).cloned())?;
    aims.with_value(|aims| aims.iter().find(|aim| key(aim) == wanted).cloned())
}

fn key(aim: &Aim) -> String {
    format!("{}/{}", aim.node, aim.metric)
}

fn word(goal: Goal) -> &'static str {
    match goal {
        Goal::Maximize => "higher",
        Goal::Minimize => "lower",
    }
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
            let label = format!("{}, {}", metric_label(metric), editor.title(&node));
            aims.push(Aim {
                node: node.clone(),
                metric: metric.clone(),
                label,
                value: Some(*value),
                elapsed_secs,
                rests_on: rests_on.clone(),
                intervals: intervals(editor, pipeline, &node),
            });
        }
    }
    aims
}

/// The folds of a node that tells a metric fold by fold: so many, if that is certain.
fn intervals(editor: &Editor, pipeline: &Pipeline, node: &NodeId) -> Option<Option<u32>> {
    let placed = pipeline.node(node).filter(|placed| placed.component.contains("cross-validate"))?;
    let spec = editor.catalogue().get(&placed.component)?;
    let value = |name: &str| spec.param(name).map(|param| placed.value(param));
    let deals = |node: &NodeId| pipeline.node(node).is_some_and(|node| node.component.contains("partition"));
    let brings_folds = rests_on(pipeline, node).iter().any(deals);
    Some(match (value("folds"), value("n_folds")) {
        // The table may bring its own.
        (Some(Value::Text(folds)), _) if folds == "of-table" && brings_folds => None,
        (_, Some(Value::Int(n))) => u32::try_from(*n).ok(),
        _ => None,
    })
}
