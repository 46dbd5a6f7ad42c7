//! The dialog that registers the model of the open pipeline.

use leptos::prelude::*;
use pipeline::{InPort, NodeId, Pipeline, servable};
use protocol::{About, Failure, Pack};
use registry::{Header, Name, Package};
use wasm_bindgen_futures::spawn_local;

use super::card::plain;
use super::store::Models;
use crate::dom;
use crate::endpoints::kept_key;
use crate::idle::Busy;
use crate::parts;
use crate::store::Tone;
use crate::views::dialog;
use crate::views::icon::icon;

const ID: &str = "register-dialog";

/// What is about to be registered.
#[derive(Clone)]
struct Packed {
    node: NodeId,
    title: String,
    header: Header,
    bytes: Vec<u8>,
}

/// What the host says of a new version.
#[derive(serde::Deserialize)]
struct Registered {
    version: u32,
}

/// The dialog's own state.
#[derive(Clone, Copy)]
struct Form {
    candidates: RwSignal<Vec<(NodeId, String)>>,
    packed: RwSignal<Option<Result<Packed, Failure>>>,
    name: RwSignal<String>,
    description: RwSignal<String>,
}

thread_local! {
    // The dialog is made whenever the page is shown; the last one counts.
    static FORM: std::cell::Cell<Option<Form>> = const { std::cell::Cell::new(None) };
}

/// Opens the dialog for the pipeline as it stands.
pub fn open(models: Models) {
    let Some(form) = FORM.get() else { return };
    let (candidates, name) = models.studio.with(|editor| {
        let pipeline = editor.pipeline();
        let nodes = servable(pipeline, editor.catalogue()).into_iter();
        let titled = |id: NodeId| {
            let learner = pipeline.source(&InPort::new(&id, "learner"));
            let of = learner.map(|from| format!(" · {}", editor.title(&from.node)));
            (id.clone(), format!("{}{}", editor.title(&id), of.unwrap_or_default()))
        };
        let titled: Vec<(NodeId, String)> = nodes.map(titled).collect();
        (titled, Name::from_title(pipeline.name()))
    });
    // The last to run stands behind all that others prepare.
    let first = candidates.last().map(|(node, _)| node.clone());
    form.candidates.set(candidates);
    form.name.set(name.map_or_else(String::new, |name| name.to_string()));
    form.description.set(String::new());
    form.packed.set(None);
    dom::show_dialog(ID);
    match first {
        Some(node) => pack(models, form, node),
        None => form.packed.set(Some(Err(no_model(models)))),
    }
}

fn no_model(models: Models) -> Failure {
    if models.studio.document.read_untracked().is_empty() {
        return Failure::new("no pipeline is open", "Open one on the canvas, and run it.");
    }
    Failure::new("the open pipeline trains no model", "Add Train Model and a learner, and run it.")
}

/// Asks the engine for the package, so that what is confirmed is what is registered.
fn pack(models: Models, form: Form, node: NodeId) {
    form.packed.set(None);
    let busy = Busy::begin();
    let pipeline: Pipeline = models.studio.with(|editor| editor.pipeline().clone());
    let title = models.studio.with(|editor| editor.title(&node).to_owned());
    spawn_local(async move {
        let (pipeline_hash, run) = parts::run_behind(models.studio, pipeline.clone()).await;
        let about = About {
            run,
            pipeline_hash,
            now_ms: dom::date_ms() as u64,
            engine: models.studio.engine.get_untracked(),
            description: String::new(),
        };
        let packed = models.studio.link.call(Pack { pipeline, node: node.clone(), about }).await;
        let packed = packed.and_then(|bytes| match Package::from_bytes(&bytes) {
            Ok(package) => Ok(Packed { node, title, header: package.header, bytes }),
            Err(error) => Err(Failure::new(error.to_string(), "Run the pipeline again.")),
        });
        form.packed.try_set(Some(packed));
        drop(busy);
    });
}

/// The dialog, closed.
pub fn dialog(models: Models) -> AnyView {
    let form = Form {
        candidates: RwSignal::new(Vec::new()),
        packed: RwSignal::new(None),
        name: RwSignal::new(String::new()),
        description: RwSignal::new(String::new()),
    };
    FORM.set(Some(form));
    let which = move || {
        let candidates = form.candidates.get();
        (candidates.len() > 1).then(|| {
            let chosen = form.packed.with_untracked(|packed| match packed {
                Some(Ok(packed)) => Some(packed.node.clone()),
                Some(Err(_)) | None => candidates.last().map(|(node, _)| node.clone()),
            });
            let options = candidates.into_iter().map(|(node, title)| {
                view! { <option value=node.to_string() selected=chosen.as_ref() == Some(&node)>{title}</option> }
            });
            view! {
                <label class="field"><span>"Which model"</span>
                    <select class="input" on:change=move |event| { if let Ok(node) = NodeId::new(&event_target_value(&event)) { pack(models, form, node) } }>{options.collect_view()}</select>
                </label>
            }
        })
    };
    let wrong = Memo::new(move |_| form.name.with(|name| Name::new(name).err().map(|error| error.to_string())));
    let next = move || {
        let name = form.name.with(|name| Name::new(name).ok())?;
        let version = models.registry.with(|registry| registry.next_version(&name));
        Some(view! { <small class="models__next">{format!("becomes models:/{name}/{version}")}</small> })
    };
    let is_ready = move || wrong.with(Option::is_none) && form.packed.with(|packed| matches!(packed, Some(Ok(_))));
    let body = view! {
        {move || form.packed.with(|packed| match packed {
            None => view! { <p class="models__wait" role="status">{icon("loader")}"Packing the model"</p> }.into_any(),
            Some(Err(failure)) => view! { <p class="models__failure" role="alert">{icon("triangle-alert")}<span><b>{crate::views::capital(&failure.message)}</b><br/>{failure.help.clone()}</span></p> }.into_any(),
            Some(Ok(packed)) => summary(packed),
        })}
        {which}
        <label class="field"><span>"Name"</span>
            <input class="input" id="register-name" prop:value=form.name on:input=move |event| form.name.set(event_target_value(&event))
                aria-invalid=move || wrong.with(Option::is_some).to_string() aria-describedby="register-name-wrong" />
        </label>
        <p class="models__hint" id="register-name-wrong" role="status">{move || wrong.get()}{next}</p>
        <label class="field"><span>"What is to be said of it (optional)"</span>
            <textarea class="input" rows="2" prop:value=form.description on:input=move |event| form.description.set(event_target_value(&event))></textarea>
        </label>
    };
    let foot = view! {
        <button type="button" class="button" on:click=move |_| dom::close_dialog(ID)>"Cancel"</button>
        <button type="button" class="button button--primary" id="register-now" disabled=move || !is_ready() on:click=move |_| register(models, form)>"Register"</button>
    };
    dialog::dialog(ID, "dialog models__dialog", "Register a model", body.into_any(), Some(foot.into_any()))
}

/// What is packed: derived from the pipeline, to be confirmed.
fn summary(packed: &Packed) -> AnyView {
    let card = &packed.header.card;
    let names: Vec<&str> = packed.header.signature.inputs.iter().map(|field| &*field.name).collect();
    let steps =
        card.steps.iter().map(|step| view! { <li><b>{step.title.clone()}</b><span>{plain(&step.what)}</span></li> });
    view! {
        <div class="models__summary">
            <p><b>{card.learner.clone()}</b>{format!(" of {}, which predicts {}", packed.title, packed.header.signature.predicts.name())}</p>
            <p>{format!("Rows enter at {} with {} column{}: ", card.entry.title, names.len(), if names.len() == 1 { "" } else { "s" })}<span class="models__names">{names.join(", ")}</span></p>
            <ol class="models__steps">{steps.collect_view()}</ol>
        </div>
    }
    .into_any()
}

fn register(models: Models, form: Form) {
    let Some(Ok(packed)) = form.packed.get_untracked() else { return };
    let Ok(name) = form.name.with_untracked(|name| Name::new(name)) else { return };
    let bytes = described(packed, &form.description.get_untracked());
    let busy = Busy::begin();
    spawn_local(async move {
        let host = models.host.get_untracked();
        let path = format!("v2/registry/models/{name}");
        match host.post_bytes::<Registered>(&path, &kept_key(), &bytes).await {
            Ok(Registered { version }) => {
                dom::close_dialog(ID);
                models.studio.toast(Tone::Good, format!("Registered: models:/{name}/{version}"), "");
                models.model.set(Some(name));
                models.number.set(None);
                models.ask();
            }
            Err(error) => models.studio.toast(Tone::Failed, format!("Not registered: {}", error.in_words()), ""),
        }
        drop(busy);
    });
}

/// The package with what is said of it on its card.
fn described(packed: Packed, description: &str) -> Vec<u8> {
    let description = description.trim();
    if description.is_empty() {
        return packed.bytes;
    }
    match Package::from_bytes(&packed.bytes) {
        Ok(mut package) => {
            package.header.card.description = description.to_owned();
            package.to_bytes()
        }
        Err(_) => packed.bytes,
    }
}
