//! Parameters of the pipeline: beside a field, in the pipeline's settings, and before a run.

use editor::Command;
use leptos::prelude::*;
use pipeline::{Edit, NodeId, ParamSpec, Parameter, ParameterKind, Value};

use super::field::{Field, control};
use crate::dom;
use crate::store::Studio;
use crate::views::dialog::dialog;
use crate::views::icon::{icon, small_icon};

/// Which parameter of the pipeline a field takes its value from, and the choice of another.
pub fn binding(studio: Studio, node: &NodeId, spec: &ParamSpec) -> AnyView {
    const NEW: &str = "+";
    let kind = ParameterKind::of(&spec.kind);
    let state = {
        let (node, name) = (node.clone(), spec.name.clone());
        studio.select(move |editor| {
            let fits = |(_, parameter): &(&String, &Parameter)| parameter.kind == kind;
            let names = editor.pipeline().parameters().iter().filter(fits).map(|(name, _)| name.clone());
            (editor.pipeline().binding(&node, &name).map(str::to_owned), names.collect::<Vec<_>>())
        })
    };
    let (node, name, label) = (node.clone(), spec.name.clone(), format!("Pipeline parameter of {}", spec.label));
    let shown = move || {
        let (bound, names) = state.get();
        let (node, name) = (node.clone(), name.clone());
        let options: Vec<_> = [("", "No pipeline parameter"), (NEW, "New pipeline parameter")]
            .into_iter()
            .chain(names.iter().map(|name| (name.as_str(), name.as_str())))
            .map(|(value, words)| {
                let is_chosen = bound.as_deref().unwrap_or_default() == value;
                view! { <option value=value.to_owned() prop:selected=is_chosen>{words.to_owned()}</option> }.into_any()
            })
            .collect();
        let class = if bound.is_some() { "bind bind--bound" } else { "bind" };
        view! {
            <span class=class title="Make it a pipeline parameter, asked for before a run">
                {small_icon("link-2")}{bound}
                <select aria-label=label.clone() on:change=move |event| {
                    let (node, name) = (node.clone(), name.clone());
                    studio.send(match event_target_value(&event).as_str() {
                        NEW => Command::MakeParameter(node, name),
                        to => Command::Edit(Edit::Bind(node, name, (!to.is_empty()).then(|| to.to_owned()))),
                    });
                }>{options}</select>
            </span>
        }
    };
    shown.into_any()
}

/// Every parameter of the pipeline, with all that can be changed about it.
pub fn all(studio: Studio) -> AnyView {
    let declared = studio.select(|editor| {
        let bound = |name: &String| {
            let place = |(node, param): &(NodeId, String)| format!("{} ({param})", editor.title(node));
            editor.pipeline().bound_to(name).map(place).collect::<Vec<_>>().join(", ")
        };
        let parameters = editor.pipeline().parameters();
        parameters.iter().map(|(name, it)| (name.clone(), it.label.clone(), bound(name))).collect::<Vec<_>>()
    });
    let asks = studio.select(|editor| editor.asks());
    let list = move || {
        let declared = declared.get();
        if declared.is_empty() {
            return view! { <p class="field__help">"A setting of a node becomes one with the chain beside its name: it is then asked for before a run, and given on the command line with --param"</p> }.into_any();
        }
        let rows: Vec<_> = declared.into_iter().map(|(name, label, bound)| row(studio, name, label, bound)).collect();
        view! {
            {rows}
            <label class="switch">
                <input type="checkbox" role="switch" prop:checked=move || asks.get()
                    on:change=move |event| studio.send(Command::AskBeforeRuns(event_target_checked(&event))) />
                "Ask for values before a run"
            </label>
        }
        .into_any()
    };
    view! { <section class="parameters" aria-label="Pipeline parameters"><h3>"Pipeline parameters"</h3>{list}</section> }
        .into_any()
}

fn row(studio: Studio, name: String, label: String, bound: String) -> AnyView {
    let given = {
        let name = name.clone();
        studio.select(move |editor| {
            let spec = editor.pipeline().parameter_spec(&name, editor.catalogue())?;
            let value = editor.value_of(&name).filter(|value| **value != spec.default)?;
            Some(format!("Runs have {} in this session", pipeline::value_in_words(&spec, value)))
        })
    };
    let value = {
        let name = name.clone();
        studio.select(move |editor| {
            editor.pipeline().parameters().get(&name).map_or(Value::None, |it| it.default.clone())
        })
    };
    let shown = field(studio, &name, format!("parameter-{name}"), value, None);
    let relabel = {
        let name = name.clone();
        move |event| {
            let declared = studio.with(|editor| editor.pipeline().parameters().get(&name).cloned());
            if let Some(declared) = declared {
                let parameter = Parameter { label: event_target_value(&event), ..declared };
                studio.send(Command::Edit(Edit::SetParameter(name.clone(), Some(parameter))));
            }
        }
    };
    let rename = {
        let name = name.clone();
        move |event| {
            let new = event_target_value(&event);
            let new = new.trim();
            if new == name {
                return;
            }
            let is_free = studio.with(|editor| !editor.pipeline().parameters().contains_key(new));
            if is_free {
                studio.send(Command::Edit(studio.with(|editor| editor.pipeline().rename_parameter(&name, new))));
            } else {
                studio.toast(crate::store::Tone::Warning, format!("There is a parameter {new} already"), "");
            }
            // Where the name is refused, the field shows again what holds.
            let holds = studio.with(|editor| editor.pipeline().parameters().contains_key(&name));
            if holds {
                super::field::event_target::<web_sys::HtmlInputElement>(&event).set_value(&name);
            }
        }
    };
    let id = format!("parameter-{name}");
    let default_label = shown.is_some().then(|| {
        view! { <div class="field__label"><label id=format!("{id}-label") for=id>"Default"</label></div> }
    });
    let title = format!("Delete pipeline parameter {name}");
    let deleted = name.clone();
    view! {
        <div class="parameter" data-parameter=name.clone()>
            <div class="field__row">
                <input class="input grow" aria-label=format!("Label of {name}") prop:value=label on:change=relabel />
                <input class="input input--mono grow" aria-label=format!("Name of {name}") prop:value=name.clone() on:change=rename />
                <button type="button" class="icon-button" aria-label=title.clone() title=title
                    on:click=move |_| studio.send(Command::Edit(Edit::SetParameter(deleted.clone(), None)))>{icon("trash-2")}</button>
            </div>
            {default_label}
            {shown}
            <p class="field__help">{if bound.is_empty() { "Bound to nothing".to_owned() } else { format!("Sets {bound}") }}</p>
            <p class="field__help">{move || given.get()}</p>
        </div>
    }
    .into_any()
}

/// The control of a parameter: that of the first field that is bound to it. It sets the document, or a draft.
fn field(
    studio: Studio,
    name: &str,
    id: String,
    value: Memo<Value>,
    draft: Option<RwSignal<Value>>,
) -> Option<AnyView> {
    let (spec, node, param) = studio.with(|editor| {
        let (node, param) = editor.pipeline().bound_to(name).next()?.clone();
        Some((editor.pipeline().parameter_spec(name, editor.catalogue())?, node, param))
    })?;
    let is_invalid = Memo::new(|_| false);
    Some(control(&Field { studio, node, name: param, value, id, is_invalid, draft }, &spec))
}

/// What asks for values before a run.
pub fn run_with(studio: Studio) -> AnyView {
    const FORM: &str = "run-with-form";
    let drafts = StoredValue::new(Vec::<(String, RwSignal<Value>)>::new());
    let fields = move || {
        let asking = studio.asking.get()?;
        let rows: Vec<_> = asking
            .names
            .into_iter()
            .filter_map(|name| {
                let (label, now) = studio.with(|editor| {
                    Some((editor.pipeline().parameters().get(&name)?.label.clone(), editor.value_of(&name)?.clone()))
                })?;
                let draft = RwSignal::new(now);
                let id = format!("given-{name}");
                let shown = field(studio, &name, id.clone(), Memo::new(move |_| draft.get()), Some(draft))?;
                let row = view! {
                    <div class="field" data-given=name.clone()>
                        <div class="field__label"><label id=format!("{id}-label") for=id>{label}</label><code>{name.clone()}</code></div>
                        {shown}
                    </div>
                };
                Some(((name, draft), row.into_any()))
            })
            .collect();
        let (given, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        drafts.set_value(given);
        Some(rows)
    };
    let answer = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        dom::close_dialog("run-with");
        if let Some(asking) = studio.asking.get_untracked() {
            let values = drafts.get_value().into_iter().map(|(name, draft)| (name, draft.get_untracked())).collect();
            studio.send(Command::RunWith { target: asking.target, rerun: asking.rerun, values });
        }
    };
    let body = view! {
        <form id=FORM on:submit=answer>{fields}</form>
        <p class="field__help">"The pipeline keeps its defaults. The next run begins with these values; the pipeline's settings say whether runs ask."</p>
    };
    let foot = view! {
        <button type="button" class="button" on:click=move |_| dom::close_dialog("run-with")>"Cancel"</button>
        <button type="submit" class="button button--primary" form=FORM>{icon("play")}"Run"</button>
    };
    dialog("run-with", "dialog", "Run with", body.into_any(), Some(foot.into_any()))
}
