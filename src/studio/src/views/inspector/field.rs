//! One parameter's control, chosen by its kind alone.

use leptos::prelude::*;
use pipeline::{Choice, NodeId, ParamKind, ParamSpec, Severity, Value, counts, is_fed};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::columns::{column_picker, columns_picker};
use super::file::file_chooser;
use super::grid::grid_editor;
use crate::store::Studio;
use crate::views::icon::{icon, small_icon};
use crate::views::prose::inline;
use crate::views::sentence;

/// What a control needs to know about its parameter.
#[derive(Clone)]
pub struct Field {
    /// Everything else.
    pub studio: Studio,
    /// The node.
    pub node: NodeId,
    /// The parameter's name.
    pub name: String,
    /// Its value now.
    pub value: Memo<Value>,
    /// Names the control for its label.
    pub id: String,
    /// Why it is wrong, for `aria-describedby`.
    pub is_invalid: Memo<bool>,
    /// What is set in place of the document: the value for one run.
    pub draft: Option<RwSignal<Value>>,
}

impl Field {
    /// Sets the parameter.
    pub fn set(&self, value: Value) {
        match self.draft {
            Some(draft) => draft.set(value),
            None => self.studio.set_param(&self.node, &self.name, Some(value)),
        }
    }

    fn described_by(&self) -> String {
        format!("{}-help {}-problem", self.id, self.id)
    }
}

/// The label, the control, its help and what is wrong with it. Nothing while its condition does not hold.
pub fn field(studio: Studio, node: &NodeId, spec: &ParamSpec) -> AnyView {
    let id = format!("param-{}", spec.name);
    let value = {
        let (node, spec) = (node.clone(), spec.clone());
        studio.select(move |editor| editor.pipeline().node(&node).map_or(Value::None, |node| node.value(&spec).clone()))
    };
    let is_default = {
        let (node, name) = (node.clone(), spec.name.clone());
        studio.select(move |editor| editor.pipeline().node(&node).is_none_or(|node| !node.params.contains_key(&name)))
    };
    let problem = {
        let (node, name) = (node.clone(), spec.name.clone());
        studio.select(move |editor| {
            editor
                .problems()
                .iter()
                .find(|problem| problem.node.as_ref() == Some(&node) && problem.place.as_deref() == Some(name.as_str()))
                .cloned()
        })
    };
    let is_invalid = Memo::new(move |_| {
        problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.severity == Severity::Error))
    });
    let is_shown = shown(studio, node, spec);
    let field =
        Field { studio, node: node.clone(), name: spec.name.clone(), value, id: id.clone(), is_invalid, draft: None };
    let control = control(&field, spec);
    // A switch, a set of choices and composed controls carry their own label.
    let labels_itself = !matches!(
        spec.kind,
        ParamKind::Int { .. }
            | ParamKind::Float { .. }
            | ParamKind::Text { .. }
            | ParamKind::Seed
            | ParamKind::Column { .. }
    ) && !matches!(&spec.kind, ParamKind::Choice(choices) if !is_segmented(choices));
    let label = spec.label.clone();
    let caption = if labels_itself {
        view! { <span id=format!("{id}-label")>{label.clone()}</span> }.into_any()
    } else {
        view! { <label id=format!("{id}-label") for=id.clone()>{label.clone()}</label> }.into_any()
    };
    let reset = {
        let (node, name) = (node.clone(), spec.name.clone());
        move || {
            let (node, name) = (node.clone(), name.clone());
            (!is_default.get()).then(|| {
                let title = format!("Reset {label} to its default");
                view! {
                    <button type="button" class="field__reset" aria-label=title.clone() title=title
                        on:click=move |_| studio.set_param(&node, &name, None)>{small_icon("rotate-ccw")}</button>
                }
            })
        }
    };
    let sweep = sweep_this(studio, node, spec);
    let binding = super::parameters::binding(studio, node, spec);
    let help = inline(&spec.help);
    let problem_id = format!("{id}-problem");
    let told = move || {
        problem.get().map(|problem| {
            let class = if problem.severity == Severity::Error { "field__problem" } else { "field__problem field__problem--warning" };
            view! { <p class=class>{small_icon("triangle-alert")}<span>{inline(&sentence(&problem.message))}" "{inline(&sentence(&problem.help))}</span></p> }
        })
    };
    view! {
        <div class="field" data-param=spec.name.clone() hidden=move || !is_shown.get()>
            <div class="field__label">{caption}{binding}{reset}{sweep}</div>
            {control}
            <div id=problem_id>{told}</div>
            <p class="field__help" id=format!("{id}-help")>{help}</p>
        </div>
    }
    .into_any()
}

/// The way to a sweep over a parameter that can be varied.
fn sweep_this(studio: Studio, node: &NodeId, param: &ParamSpec) -> Option<AnyView> {
    let can_vary = studio.with(|editor| {
        let placed = editor.pipeline().node(node)?;
        Some(crate::sweeps::can_vary(editor.catalogue().get(&placed.component)?, param))
    });
    let (node, name) = (node.clone(), param.name.clone());
    let title = format!("Sweep {}: try many values", param.label);
    (can_vary == Some(true)).then(|| {
        view! {
            <button type="button" class="field__reset field__sweep" aria-label=title.clone() title=title
                on:click=move |_| crate::sweeps::vary(studio, &node, &name)>{small_icon("target")}</button>
        }
        .into_any()
    })
}

fn shown(studio: Studio, node: &NodeId, param: &ParamSpec) -> Memo<bool> {
    let (node, param) = (node.clone(), param.clone());
    studio.select(move |editor| {
        let pipeline = editor.pipeline();
        let Some(placed) = pipeline.node(&node) else { return false };
        let spec = editor.catalogue().get(&placed.component);
        spec.is_none_or(|spec| counts(spec, placed, &param) && is_fed(pipeline, &node, &param))
    })
}

fn is_segmented(choices: &[Choice]) -> bool {
    choices.len() <= 4 && choices.iter().map(|choice| choice.label.chars().count()).sum::<usize>() <= 34
}

/// The control by itself.
pub fn control(field: &Field, spec: &ParamSpec) -> AnyView {
    match &spec.kind {
        ParamKind::Switch => switch(field, &spec.label),
        ParamKind::Int { min, max, optional, log } => {
            number(field, &Range { min: *min as f64, max: *max as f64, optional: *optional, log: *log, is_int: true })
        }
        ParamKind::Float { min, max, optional, log } => {
            number(field, &Range { min: *min, max: *max, optional: *optional, log: *log, is_int: false })
        }
        ParamKind::Choice(choices) if is_segmented(choices) => segments(field, choices),
        ParamKind::Choice(choices) => select(field, choices),
        ParamKind::Text { multiline } => text(field, *multiline),
        ParamKind::Seed => seed(field),
        ParamKind::Column { port, kinds, optional } => column_picker(field, port, kinds, *optional),
        ParamKind::Columns { port, kinds } => columns_picker(field, port, kinds),
        ParamKind::File { extensions } => file_chooser(field, extensions),
        ParamKind::Grid => grid_editor(field),
    }
}

fn switch(field: &Field, label: &str) -> AnyView {
    let (value, setting) = (field.value, field.clone());
    let label = label.to_owned();
    view! {
        <label class="switch">
            <input type="checkbox" role="switch" id=field.id.clone() aria-label=label
                prop:checked=move || value.get() == Value::Bool(true)
                on:change=move |event| setting.set(Value::Bool(event_target_checked(&event))) />
            <span aria-hidden="true">{move || if value.get() == Value::Bool(true) { "On" } else { "Off" }}</span>
        </label>
    }
    .into_any()
}

struct Range {
    min: f64,
    max: f64,
    optional: bool,
    log: bool,
    is_int: bool,
}

impl Range {
    /// A range worth a slider has ends that people could name.
    fn has_slider(&self) -> bool {
        self.min.is_finite() && self.max.is_finite() && self.max - self.min <= 1e5 && (!self.log || self.min > 0.0)
    }

    fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.min) / self.min).ln() / (self.max / self.min).ln()
        } else {
            (value - self.min) / (self.max - self.min)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn at(&self, share: f64) -> f64 {
        let value = if self.log {
            self.min * (self.max / self.min).powf(share)
        } else {
            self.min + share * (self.max - self.min)
        };
        if self.is_int {
            return value.round().clamp(self.min, self.max);
        }
        // Two significant digits of the range are as fine as a hand can point.
        let step = 10_f64.powf(((if self.log { value } else { self.max - self.min }) / 100.0).log10().ceil());
        let rounded = (value / step).round() * step;
        // Takes the noise out of 0.30000000000000004.
        format!("{rounded:.12}").parse().unwrap_or(rounded).clamp(self.min, self.max)
    }

    fn value(&self, number: f64) -> Value {
        if self.is_int { Value::Int(number.round() as i64) } else { Value::Float(number) }
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::None | Value::Bool(_) | Value::Text(_) | Value::Columns(_) | Value::File(_) => None,
    }
}

fn shown_number(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::None | Value::Bool(_) | Value::Text(_) | Value::Columns(_) | Value::File(_) => String::new(),
    }
}

fn number(field: &Field, range: &Range) -> AnyView {
    let value = field.value;
    let range = StoredValue::new((range.min, range.max, range.optional, range.log, range.is_int));
    let get = move || {
        let (min, max, optional, log, is_int) = range.get_value();
        Range { min, max, optional, log, is_int }
    };
    let typed = {
        let field = field.clone();
        move |event: web_sys::Event| {
            let range = get();
            let text = event_target_value(&event);
            if text.trim().is_empty() {
                if range.optional {
                    field.set(Value::None);
                } else {
                    // An emptied field shows again what holds.
                    event_target::<HtmlInputElement>(&event).set_value(&shown_number(&field.value.get_untracked()));
                }
            } else if let Ok(number) = text.trim().replace(',', ".").parse::<f64>()
                && number.is_finite()
            {
                // Out of range is allowed here and told beside the field: silently changing it would surprise.
                field.set(range.value(number));
            }
        }
    };
    let input = {
        let (placeholder, step) =
            (if get().optional { "no limit" } else { "" }, if get().is_int { "1" } else { "any" });
        let (field_id, described, is_invalid) = (field.id.clone(), field.described_by(), field.is_invalid);
        view! {
            <input type="number" class="input input--number" id=field_id aria-describedby=described placeholder=placeholder
                step=step aria-invalid=move || is_invalid.get().to_string()
                prop:value=move || value.with(shown_number) on:change=typed />
        }
    };
    if !get().has_slider() {
        return input.into_any();
    }
    let slid = {
        let field = field.clone();
        move |event: web_sys::Event| {
            if let Ok(share) = event_target_value(&event).parse::<f64>() {
                let range = get();
                field.set(range.value(range.at(share / 1_000.0)));
            }
        }
    };
    let share = move || value.with(|value| as_number(value).map_or(1.0, |number| get().share(number)));
    let label_id = format!("{}-label", field.id);
    view! {
        <div class="slider">
            <input type="range" class="slider__range" min="0" max="1000" step="1" aria-labelledby=label_id
                aria-valuetext=move || value.with(|value| if *value == Value::None { "no limit".to_owned() } else { shown_number(value) })
                style:--v=move || share().to_string()
                prop:value=move || (share() * 1_000.0).round().to_string() on:input=slid
                on:keydown=step_by_key(field, range) />
            {input}
        </div>
    }
    .into_any()
}

/// Arrow keys step by one whole number: a thousandth of the range would do nothing to a small one.
fn step_by_key(
    field: &Field,
    range: StoredValue<(f64, f64, bool, bool, bool)>,
) -> impl Fn(web_sys::KeyboardEvent) + 'static {
    let field = field.clone();
    move |event: web_sys::KeyboardEvent| {
        let (min, max, _, _, is_int) = range.get_value();
        let step = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => 1.0,
            "ArrowLeft" | "ArrowDown" => -1.0,
            _ => return,
        };
        if is_int && let Some(number) = field.value.with_untracked(as_number) {
            event.prevent_default();
            field.set(Value::Int((number + step).clamp(min, max) as i64));
        }
    }
}

fn segments(field: &Field, choices: &[Choice]) -> AnyView {
    let value = field.value;
    let options: Vec<_> = choices
        .iter()
        .map(|choice| {
            let (field, chosen, compared) = (field.clone(), choice.value.clone(), choice.value.clone());
            view! {
                <label>
                    <input type="radio" name=field.id.clone() value=choice.value.clone()
                        prop:checked=move || value.with(|value| matches!(value, Value::Text(text) if *text == compared))
                        on:change=move |_| field.set(Value::Text(chosen.clone())) />
                    <span>{choice.label.clone()}</span>
                </label>
            }
            .into_any()
        })
        .collect();
    view! { <div class="segments" role="radiogroup" id=field.id.clone() aria-labelledby=format!("{}-label", field.id)>{options}</div> }
        .into_any()
}

fn select(field: &Field, choices: &[Choice]) -> AnyView {
    let (value, setting) = (field.value, field.clone());
    let options: Vec<_> = choices
        .iter()
        .map(|choice| {
            let compared = choice.value.clone();
            view! {
                <option value=choice.value.clone() prop:selected=move || value.with(|value| matches!(value, Value::Text(text) if *text == compared))>
                    {choice.label.clone()}
                </option>
            }
            .into_any()
        })
        .collect();
    view! {
        <span class="select">
            <select id=field.id.clone() aria-describedby=field.described_by()
                on:change=move |event| setting.set(Value::Text(event_target_value(&event)))>{options}</select>
            {icon("chevron-down")}
        </span>
    }
    .into_any()
}

fn text(field: &Field, is_multiline: bool) -> AnyView {
    let (value, setting, is_invalid) = (field.value, field.clone(), field.is_invalid);
    let shown = move || match value.get() {
        Value::Text(text) => text,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Columns(_) | Value::File(_) => {
            String::new()
        }
    };
    let on_change = move |event: web_sys::Event| setting.set(Value::Text(event_target_value(&event)));
    if is_multiline {
        view! {
            <textarea class="input" id=field.id.clone() aria-describedby=field.described_by() prop:value=shown on:change=on_change></textarea>
        }
        .into_any()
    } else {
        view! {
            <input type="text" class="input" id=field.id.clone() aria-describedby=field.described_by()
                aria-invalid=move || is_invalid.get().to_string() prop:value=shown on:change=on_change />
        }
        .into_any()
    }
}

fn seed(field: &Field) -> AnyView {
    let value = field.value;
    let (typing, rolling) = (field.clone(), field.clone());
    view! {
        <div class="field__row">
            <input type="number" class="input input--mono grow" id=field.id.clone() step="1" aria-describedby=field.described_by()
                prop:value=move || value.with(shown_number)
                on:change=move |event| {
                    if let Ok(seed) = event_target_value(&event).trim().parse() {
                        typing.set(Value::Int(seed));
                    }
                } />
            <button type="button" class="icon-button" aria-label="Roll a new seed" title="Roll a new seed"
                on:click=move |_| rolling.set(Value::Int((js_sys::Math::random() * 100_000.0) as i64))>{icon("dices")}</button>
        </div>
    }
    .into_any()
}

/// The element an event came from.
pub fn event_target<T: JsCast>(event: &web_sys::Event) -> T {
    event.target().expect("an event that was heard has a target").unchecked_into()
}
