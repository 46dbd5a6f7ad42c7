//! The parameters of the form: which are varied, over which values, and under which condition.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use pipeline::{NodeId, Value};
use schema::ordered::{Gather, sort_by};
use study::{Dimension, Distribution, ProblemSeverity, Space};

use super::offers::{Kind, Offer, typed};
use crate::views::icon::icon;

/// What is filled in for one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub is_on: bool,
    /// The distribution, by its name in the sweep schema.
    how: String,
    /// The smallest value, or the middle.
    low: String,
    /// The largest value, the spread, or what all are below.
    high: String,
    step: String,
    list: String,
    /// `when forest.kind` or `same forest.kind`; empty for always.
    link: String,
    /// The other's values under which it is varied.
    under: String,
}

/// One parameter with what is filled in.
#[derive(Clone)]
pub struct Row {
    pub offer: Offer,
    pub entry: RwSignal<Entry>,
}

/// Distributions by their names in the sweep schema, in words.
const SPREADS: &[(&str, &str)] = &[
    ("uniform", "Evenly"),
    ("quniform", "Evenly, in steps"),
    ("loguniform", "By factors"),
    ("qloguniform", "By factors, in steps"),
    ("normal", "Around a value"),
    ("qnormal", "Around, in steps"),
    ("lognormal", "Around, by factors"),
    ("qlognormal", "Around, by factors, in steps"),
    ("randint", "From 0 on"),
    ("choice", "These values"),
];

#[derive(Default)]
struct Draft {
    document: String,
    entries: BTreeMap<String, Entry>,
    wished: Vec<String>,
}

thread_local! {
    /// What was filled in last, for when the form is shown again.
    static DRAFT: RefCell<Draft> = RefCell::default();
}

fn draft<T>(document: &str, act: impl FnOnce(&mut Draft) -> T) -> T {
    DRAFT.with_borrow_mut(|draft| {
        if draft.document != document {
            *draft = Draft { document: document.into(), ..Draft::default() };
        }
        act(draft)
    })
}

/// The form is to vary this parameter when it is shown next.
pub fn wish(document: &str, node: &NodeId, param: &str) {
    draft(document, |draft| draft.wished.push(format!("{node}.{param}")));
}

/// Whether a parameter waits to be varied.
pub fn has_wish(document: &str) -> bool {
    draft(document, |draft| !draft.wished.is_empty())
}

/// The rows of a form, as they were filled in last, and the one that was wished for last.
pub fn of_draft(document: String, offers: Vec<Offer>) -> (Vec<Row>, Option<String>) {
    let wished = draft(&document, |draft| std::mem::take(&mut draft.wished));
    let row = |offer: Offer| {
        let mut entry = draft(&document, |draft| draft.entries.get(&offer.name).cloned());
        let is_wished = wished.contains(&offer.name);
        entry.get_or_insert_with(|| Entry::of(&offer)).is_on |= is_wished;
        Row { offer, entry: RwSignal::new(entry.unwrap_or_default()) }
    };
    let rows: Vec<Row> = offers.into_iter().map(row).collect();
    let kept = rows.clone();
    on_cleanup(move || {
        draft(&document, |draft| {
            let entries = kept.into_iter().filter_map(|row| Some((row.offer.name, row.entry.try_get_untracked()?)));
            draft.entries = entries.gather();
        });
    });
    let last = wished.into_iter().rfind(|name| rows.iter().any(|row| row.offer.name == *name));
    (rows, last)
}

/// The rows of a form, as a space has them.
pub fn of_space(space: &Space, offers: Vec<Offer>) -> Vec<Row> {
    let row = |offer: Offer| {
        let mut entry = Entry::of(&offer);
        if let Some(dimension) = space.dimension(&offer.name) {
            entry.take(dimension);
        }
        Row { offer, entry: RwSignal::new(entry) }
    };
    offers.into_iter().map(row).collect()
}

impl Entry {
    fn of(offer: &Offer) -> Self {
        let mut entry = Self { step: "1".into(), ..Self::default() };
        let (low, high) = offer.range();
        match &offer.kind {
            Kind::Switch => entry.how = "choice".into(),
            Kind::Options(choices) => {
                entry.how = "choice".into();
                entry.list = choices.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>().join(", ");
            }
            Kind::Number { is_whole, is_log, .. } => {
                entry.how = format!("{}{}uniform", if *is_whole { "q" } else { "" }, if *is_log { "log" } else { "" });
                entry.list = format!("{low}, {high}");
                if !is_whole {
                    entry.step = plain((high - low) / 10.0);
                }
            }
        }
        (entry.low, entry.high) = (low.to_string(), high.to_string());
        if let Some((other, values)) = &offer.needs {
            (entry.link, entry.under) = (format!("when {other}"), typed(values));
        }
        entry
    }

    /// Takes over what a dimension says.
    fn take(&mut self, dimension: &Dimension) {
        self.is_on = true;
        self.link.clear();
        if let Some(when) = &dimension.when {
            (self.link, self.under) = (format!("when {}", when.dimension), typed(&when.values));
        }
        if let Some(other) = &dimension.same_as {
            self.link = format!("same {other}");
            return;
        }
        let drawn = &dimension.distribution;
        self.how = drawn.name().into();
        if let Some(step) = drawn.step() {
            self.step = step.to_string();
        }
        let (low, high) = match drawn {
            Distribution::Choice { values } => {
                self.list = typed(values);
                return;
            }
            Distribution::RandInt { upper } => (0.0, *upper as f64),
            Distribution::Uniform { min_value, max_value } | Distribution::QUniform { min_value, max_value, .. } => {
                (*min_value, *max_value)
            }
            Distribution::LogUniform { min_value, max_value }
            | Distribution::QLogUniform { min_value, max_value, .. } => (min_value.exp(), max_value.exp()),
            Distribution::Normal { mu, sigma } | Distribution::QNormal { mu, sigma, .. } => (*mu, *sigma),
            Distribution::LogNormal { mu, sigma } | Distribution::QLogNormal { mu, sigma, .. } => {
                (mu.exp(), sigma.exp())
            }
        };
        (self.low, self.high) = (plain(low), plain(high));
    }

    /// Another distribution, with bounds where there were bounds and a middle where there was one.
    fn spread(&mut self, how: String, offer: &Offer) {
        let is_around = |how: &str| how.ends_with("normal");
        if is_around(&how) {
            let is_log = how.contains("log");
            let middle = offer.figure.unwrap_or(offer.range().0);
            if !is_around(&self.how) || self.how.contains("log") != is_log {
                self.low = plain(middle);
                self.high = plain(if is_log { 2.0 } else { (middle / 4.0).abs().max(f64::MIN_POSITIVE) });
            }
        } else if is_around(&self.how) || self.how == "randint" {
            let (low, high) = offer.range();
            (self.low, self.high) = (plain(low), plain(high));
        }
        self.how = how;
    }

    /// Whether there is an end of the values, so that others can wait for one of them.
    fn is_finite(&self) -> bool {
        matches!(self.how.as_str(), "choice" | "randint" | "quniform")
    }
}

/// Without the last digits of a logarithm's way to and fro.
fn plain(x: f64) -> String {
    format!("{x:.11e}").parse().unwrap_or(x).to_string()
}

/// What is wrong, how badly, and the way out.
pub type Problem = (ProblemSeverity, String, String);

/// The dimensions of those that are on and that an objective depends on, with what is wrong about their values.
pub fn dimensions(rows: &[Row], fed: &BTreeSet<NodeId>) -> Result<(Space, Vec<Problem>), String> {
    let mut space = Space::default();
    let mut problems = Vec::new();
    let on: Vec<(&Row, Entry)> = rows
        .iter()
        .filter(|row| fed.contains(&row.offer.node))
        .map(|row| (row, row.entry.get()))
        .filter(|(_, entry)| entry.is_on)
        .collect();
    for (Row { offer, .. }, entry) in &on {
        let (link, other) = entry.link.split_once(' ').unwrap_or_default();
        let other = on.iter().find(|(row, _)| row.offer.name == other).map(|(row, _)| &row.offer);
        let mut dimension = Dimension { name: offer.name.clone(), ..empty(offer) };
        match (link, other) {
            ("same", Some(other)) => dimension = dimension.same_as(&other.name),
            ("when", Some(other)) => dimension = dimension.when(&other.name, other.values(&entry.under)?),
            _ if !offer.counts => continue,
            _ => {}
        }
        if dimension.same_as.is_none() {
            dimension.distribution = distribution(offer, entry)?;
            problems.extend(outside(offer, &dimension.distribution));
        }
        space.dimensions.push(dimension);
    }
    // As a file of a sweep has them: what a trial draws depends on their order.
    sort_by(&mut space.dimensions, |a, b| a.name.cmp(&b.name));
    Ok((space, problems))
}

fn empty(offer: &Offer) -> Dimension {
    Dimension::new(offer.node.clone(), &offer.param, Distribution::Choice { values: Vec::new() })
}

fn distribution(offer: &Offer, entry: &Entry) -> Result<Distribution, String> {
    if offer.kind == Kind::Switch {
        return Ok(Distribution::Choice { values: vec![Value::Bool(false), Value::Bool(true)] });
    }
    if entry.how == "choice" {
        return Ok(Distribution::Choice { values: offer.values(&entry.list)? });
    }
    let label = &offer.label;
    let number = |text: &str| {
        let wrong = || format!("{label}: {text:?} is no number; type one, such as 10");
        text.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(wrong)
    };
    if entry.how == "randint" {
        let upper = number(&entry.high)?;
        let wrong = || format!("{label}: {upper} is no whole number above 0; type one, such as 10");
        let upper = (upper.fract() == 0.0 && upper > 0.0).then_some(upper as u64).ok_or_else(wrong)?;
        return Ok(Distribution::RandInt { upper });
    }
    let (mut low, mut high) = (number(&entry.low)?, number(&entry.high)?);
    let kind = entry.how.trim_start_matches('q');
    if kind.starts_with("log") {
        if low <= 0.0 || high <= 0.0 {
            let found = low.min(high);
            return Err(format!("{label}: factors begin above 0, not at {found}; raise it, or spread evenly"));
        }
        // The schema's bounds are exponents.
        (low, high) = (low.ln(), high.ln());
    }
    let q = if kind == entry.how { 1.0 } else { number(&entry.step)? };
    if matches!(offer.kind, Kind::Number { is_whole: true, .. }) && q.fract() != 0.0 {
        return Err(format!("{label}: it takes whole numbers, and a step of {q} gives others; make it a whole number"));
    }
    let (min_value, max_value, mu, sigma) = (low, high, low, high);
    Ok(match entry.how.as_str() {
        "uniform" => Distribution::Uniform { min_value, max_value },
        "quniform" => Distribution::QUniform { min_value, max_value, q },
        "loguniform" => Distribution::LogUniform { min_value, max_value },
        "qloguniform" => Distribution::QLogUniform { min_value, max_value, q },
        "normal" => Distribution::Normal { mu, sigma },
        "qnormal" => Distribution::QNormal { mu, sigma, q },
        "lognormal" => Distribution::LogNormal { mu, sigma },
        _ => Distribution::QLogNormal { mu, sigma, q },
    })
}

/// What is drawn that the parameter does not take.
fn outside(offer: &Offer, drawn: &Distribution) -> Option<Problem> {
    let Kind::Number { min, max, .. } = offer.kind else { return None };
    let (low, high) = drawn.bounds()?;
    // A bound may have been through a logarithm.
    let slack = 1e-9 * (low.abs() + high.abs());
    if low >= min - slack && high <= max + slack {
        return None;
    }
    let is_tail = drawn.name().ends_with("normal");
    let (severity, help) = match is_tail {
        true => (ProblemSeverity::Warning, "Trials with such values fail; narrow the spread"),
        false => (ProblemSeverity::Error, "Draw within these bounds"),
    };
    let words = if max.is_finite() && max < 1e15 { format!("from {min} to {max}") } else { format!("from {min} on") };
    Some((
        severity,
        format!("{}: it goes {words}, and {} to {} may be drawn", offer.label, plain(low), plain(high)),
        help.into(),
    ))
}

/// One row of the table.
pub fn view(row: &Row, rows: StoredValue<Vec<Row>>, fed: Memo<BTreeSet<NodeId>>) -> AnyView {
    let Row { offer, entry } = row.clone();
    let name = format!("{} of {}", offer.label, offer.node_title);
    let is_on = move |other: &str| {
        rows.with_value(|rows| rows.iter().any(|row| row.offer.name == other && row.entry.with(|entry| entry.is_on)))
    };
    let is_hidden = {
        let offer = offer.clone();
        let needed = offer.needs.map(|(other, _)| other);
        move || !fed.with(|fed| fed.contains(&offer.node)) || !(offer.counts || needed.as_deref().is_some_and(is_on))
    };
    let values = values(&offer, entry, &name);
    let link = link(&offer, entry, &name, rows);
    view! {
        <tr data-sweep-param=offer.name hidden=is_hidden>
            <td><input type="checkbox" aria-label=format!("Vary {name}") prop:checked=move || entry.with(|entry| entry.is_on)
                on:change=move |event| entry.update(|entry| entry.is_on = event_target_checked(&event)) /></td>
            <th scope="row">{offer.label}<small>{offer.node_title}</small></th>
            <td class="sweeps__now">{offer.now}</td>
            <td>{values}{link}</td>
        </tr>
    }
    .into_any()
}

/// A field of an entry.
type Part = fn(&mut Entry) -> &mut String;

fn input(entry: RwSignal<Entry>, label: String, part: Part, is_list: bool) -> AnyView {
    let class = if is_list { "input sweeps__list" } else { "input input--number" };
    view! {
        <input class=class aria-label=label prop:value=move || part(&mut entry.get()).clone()
            on:input=move |event| entry.update(|entry| *part(entry) = event_target_value(&event)) />
    }
    .into_any()
}

fn values(offer: &Offer, entry: RwSignal<Entry>, name: &str) -> AnyView {
    let (offer, name) = (offer.clone(), name.to_owned());
    let shape =
        Memo::new(move |_| entry.with(|entry| (entry.is_on && !entry.link.starts_with("same"), entry.how.clone())));
    let fields = move || {
        let (is_on, how) = shape.get();
        if !is_on {
            return None;
        }
        let number = |what: &str, part: Part| input(entry, format!("{what} {name}"), part, false);
        let numbers = match how.as_str() {
            _ if offer.kind == Kind::Switch => {
                return Some(view! { <span class="sweeps__muted">"on and off"</span> }.into_any());
            }
            "choice" => input(entry, format!("Values of {name}"), |entry| &mut entry.list, true),
            "randint" => view! { "below "{number("Above every", |entry| &mut entry.high)} }.into_any(),
            around if around.ends_with("normal") => {
                let sign = if around.contains("log") { "×÷" } else { "±" };
                view! { {number("Middle", |entry| &mut entry.low)}{sign}{number("Spread of", |entry| &mut entry.high)} }
                    .into_any()
            }
            _ => view! { {number("Smallest", |entry| &mut entry.low)}"to"{number("Largest", |entry| &mut entry.high)} }
                .into_any(),
        };
        let step = (how.starts_with('q')).then(|| view! { "by"{number("Step of", |entry| &mut entry.step)} });
        let offered = |spread: &&(&str, &str)| match &offer.kind {
            Kind::Number { is_whole: true, .. } => {
                spread.0.starts_with('q') || matches!(spread.0, "randint" | "choice")
            }
            Kind::Number { .. } => spread.0 != "randint",
            Kind::Options(_) | Kind::Switch => false,
        };
        let options = SPREADS.iter().filter(offered).map(|(value, words)| {
            view! { <option value=*value selected=*value == how>{*words}" · "{*value}</option> }
        });
        let options: Vec<_> = options.collect();
        let chosen = offer.clone();
        let spread = (!options.is_empty()).then(|| view! {
            <span class="select"><select aria-label=format!("How {name} is spread")
                on:change=move |event| entry.update(|entry| entry.spread(event_target_value(&event), &chosen))>{options}</select>{icon("chevron-down")}</span>
        });
        Some(view! { <div class="sweeps__values">{spread}{numbers}{step}</div> }.into_any())
    };
    fields.into_any()
}

/// The condition under which a parameter is varied; there is one to choose as soon as others are varied, too.
fn link(offer: &Offer, entry: RwSignal<Entry>, name: &str, rows: StoredValue<Vec<Row>>) -> AnyView {
    let (own, name) = (offer.clone(), name.to_owned());
    let options = Memo::new(move |_| {
        let mut options: Vec<(String, String)> = Vec::new();
        if entry.with(|entry| entry.is_on) {
            rows.with_value(|rows| {
                for Row { offer, entry } in rows.iter().filter(|row| row.offer.name != own.name) {
                    let other = entry.get();
                    let (name, words) = (&offer.name, format!("{} of {}", offer.label, offer.node_title));
                    if other.is_on && !other.link.starts_with("same") {
                        if other.is_finite() {
                            options.push((format!("when {name}"), format!("only if {words} is")));
                        }
                        if offer.kind.shares(&own.kind) {
                            options.push((format!("same {name}"), format!("with the value of {words}")));
                        }
                    }
                }
            });
        }
        options
    });
    let link = Memo::new(move |_| entry.with(|entry| entry.link.clone()));
    let content = move || {
        let (options, link) = (options.get(), link.get());
        if options.is_empty() {
            return None;
        }
        let is_when = link.starts_with("when") && options.iter().any(|(value, _)| *value == link);
        let under = is_when
            .then(|| input(entry, format!("Values under which {name} is varied"), |entry| &mut entry.under, true));
        let options = options.into_iter().map(|(value, words)| {
            let is_chosen = value == link;
            view! { <option value=value selected=is_chosen>{words}</option> }
        });
        let options: Vec<_> = options.collect();
        Some(view! {
            <div class="sweeps__values">
                <span class="select"><select aria-label=format!("When {name} is varied")
                    on:change=move |event| entry.update(|entry| entry.link = event_target_value(&event))>
                    <option value="">"always"</option>{options}</select>{icon("chevron-down")}</span>
                {under}
            </div>
        })
    };
    content.into_any()
}
