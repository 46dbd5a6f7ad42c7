//! A request to an endpoint, by hand: a field a column, and what came back.

use std::collections::BTreeMap;

use leptos::prelude::*;
use registry::{Cell, Field, Header, Name};
use schema::Kind;
use serde_json::{Value as Json, json};
use wasm_bindgen_futures::spawn_local;

use super::card::waiting;
use super::snippets;
use super::store::Models;
use crate::dom;
use crate::endpoints::{Answered, kept_key, reason};
use crate::idle::Busy;
use crate::views::icon::icon;

/// What came back.
#[derive(Clone, Debug)]
struct Outcome {
    status: u16,
    ms: f64,
    text: String,
}

/// The form, the answer and the snippets.
pub fn try_it(models: Models) -> AnyView {
    let Some((model, header)) = models.model.get().zip(models.header()) else { return waiting() };
    let endpoints = models.endpoints_of(&model);
    let Some((first, _)) = endpoints.first().cloned() else {
        return view! {
            <div class="empty">
                {icon("send")}<b>"No endpoint serves this model"</b>
                <p>"Deploy a version: it gets an address that any page of this site can call."</p>
            </div>
        }
        .into_any();
    };
    let endpoint = RwSignal::new(first);
    let values = RwSignal::new(examples(&header));
    let outcome = RwSignal::new(None::<Outcome>);
    let is_sending = RwSignal::new(false);
    let signature = header.signature.clone();
    let body = Memo::new(move |_| values.with(|values| request(&signature.inputs, values)));
    let choice = (endpoints.len() > 1).then(|| {
        let options = endpoints.iter().map(|(name, _)| view! { <option value=name.to_string()>{name.to_string()}</option> });
        let options = options.collect_view();
        view! {
            <label class="field"><span>"Endpoint"</span>
                <select class="input" on:change=move |event| { if let Ok(name) = Name::new(&event_target_value(&event)) { endpoint.set(name) } }>{options}</select>
            </label>
        }
    });
    let fields = header.signature.inputs.iter().map(|field| input(field, values)).collect_view();
    let send = move || send(models, endpoint.get_untracked(), body.get_untracked(), outcome, is_sending);
    let classes = header.clone();
    let answer = move || outcome.get().map(|outcome| answer(&classes, &outcome));
    view! {
        <div class="models__try">
            <form class="models__form" on:submit=move |event| { event.prevent_default(); send() }>
                {choice}
                <div class="models__fields">{fields}</div>
                <div class="models__send">
                    <button type="submit" class="button button--primary" id="try-send" disabled=is_sending>{icon("send")}"Send"</button>
                    <button type="button" class="button" on:click={ let header = header.clone(); move |_| values.set(examples(&header)) }>"Example row"</button>
                </div>
                <div class="models__answer" role="status">{answer}</div>
            </form>
            {snippets::snippets(models, endpoint, body)}
        </div>
    }
    .into_any()
}

fn examples(header: &Header) -> BTreeMap<String, String> {
    let text = |cell: &Cell| match cell {
        Cell::Missing => String::new(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => value.to_string(),
        Cell::Text(value) => value.clone(),
    };
    header.signature.inputs.iter().map(|field| (field.name.clone(), text(&field.example))).collect()
}

fn input(field: &Field, values: RwSignal<BTreeMap<String, String>>) -> AnyView {
    let name = field.name.clone();
    let (shown, changed) = (name.clone(), name.clone());
    let value = Memo::new(move |_| values.with(|values| values.get(&shown).cloned().unwrap_or_default()));
    let set = move |text: String| {
        values.update(|values| {
            values.insert(changed.clone(), text);
        });
    };
    let hint = match (field.range, field.categories.len()) {
        (Some([low, high]), _) => format!("{low} to {high}"),
        (None, 0) => field.kind.label().to_owned(),
        (None, n) => format!("one of {n} categories"),
    };
    let id = format!("try-{name}");
    let control = if field.kind == Kind::Boolean || !field.categories.is_empty() {
        let names = if field.kind == Kind::Boolean {
            vec!["true".to_owned(), "false".into()]
        } else {
            field.categories.clone()
        };
        let list = format!("{id}-values");
        // What was never seen in training can be sent, too: that is what is to be tried.
        let options = names.into_iter().map(|name| view! { <option value=name></option> }).collect_view();
        view! {
            <input class="input" id=id.clone() list=list.clone() autocomplete="off" prop:value=value on:input=move |event| set(event_target_value(&event)) />
            <datalist id=list>{options}</datalist>
        }
        .into_any()
    } else {
        view! { <input class="input" id=id.clone() autocomplete="off" prop:value=value on:input=move |event| set(event_target_value(&event)) /> }
            .into_any()
    };
    view! { <div class="models__field"><label for=id.clone()><code>{name.clone()}</code></label>{control}<small class="truncate">{hint}</small></div> }
        .into_any()
}

/// A request of one row. What does not fit a column is sent as it was typed, so that the endpoint says what is wrong.
fn request(fields: &[Field], values: &BTreeMap<String, String>) -> Json {
    let inputs = fields.iter().map(|field| {
        let text = values.get(&field.name).map_or("", |text| text.trim());
        let typed: Option<Json> = match field.kind {
            _ if text.is_empty() => Some(Json::Null),
            Kind::Number => text.parse::<f64>().ok().map(|x| json!(x)),
            Kind::Integer | Kind::DateTime => text.parse::<i64>().ok().map(|x| json!(x)),
            Kind::Boolean => text.parse::<bool>().ok().map(|x| json!(x)),
            Kind::Category | Kind::Text => Some(json!(text)),
        };
        let (datatype, data) = match typed {
            Some(data) => (registry::datatype(field.kind), data),
            None => ("BYTES", json!(text)),
        };
        json!({ "name": field.name, "shape": [1], "datatype": datatype, "data": [data] })
    });
    json!({ "inputs": inputs.collect::<Vec<_>>() })
}

fn send(models: Models, endpoint: Name, body: Json, outcome: RwSignal<Option<Outcome>>, is_sending: RwSignal<bool>) {
    is_sending.set(true);
    let busy = Busy::begin();
    spawn_local(async move {
        let host = models.host.get_untracked();
        let began = dom::now_ms();
        let path = format!("v2/models/{endpoint}/infer");
        let sent = host.send("POST", &path, &kept_key(), Some(&body.to_string())).await;
        let ms = dom::now_ms() - began;
        match sent {
            Ok(Answered { status, text }) => drop(outcome.try_set(Some(Outcome { status, ms, text }))),
            Err(error) => drop(outcome.try_set(Some(Outcome { status: 0, ms, text: error.in_words() }))),
        }
        is_sending.try_set(false);
        drop(busy);
    });
}

fn answer(header: &Header, outcome: &Outcome) -> AnyView {
    let Outcome { status, ms, text } = outcome;
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let head = view! { <p class="models__status"><b class:models__good=*status == 200 class:models__bad=*status != 200>{status.to_string()}</b><span class="num">{format!("{ms:.1} ms")}</span></p> };
    if *status != 200 {
        let details = json["details"].as_array().cloned().unwrap_or_default().into_iter().map(|detail| {
            let word = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
            view! { <li><code>{word("column")}</code>{format!("expected {}, got {}", word("expected"), word("got"))}</li> }
        });
        let why = if json.is_null() { text.clone() } else { reason(*status, text) };
        return view! { {head}<p class="models__why">{why}</p><ul class="models__wrong">{details.collect_view()}</ul> }
            .into_any();
    }
    let outputs = json["outputs"].as_array().cloned().unwrap_or_default();
    let output = |name: &str| outputs.iter().find(|output| output["name"] == name).map(|output| output["data"].clone());
    let said = match output("prediction").and_then(|data| data.get(0).cloned()) {
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let bars = match &header.signature.predicts {
        registry::Predicts::Class { classes, .. } => {
            let shares = output("probabilities").and_then(|data| data.as_array().cloned()).unwrap_or_default();
            let bars = classes.iter().zip(shares).map(|(class, share)| {
                let share = share.as_f64().unwrap_or_default();
                view! { <li><span class="truncate">{class.clone()}</span><i><b style:width=format!("{:.1}%", share * 100.0)></b></i><span class="num">{format!("{share:.4}")}</span></li> }
            });
            bars.collect_view().into_any()
        }
        registry::Predicts::Number { .. } => ().into_any(),
    };
    let warnings =
        json["parameters"]["warnings"].as_str().map(|words| view! { <p class="models__why">{words.to_owned()}</p> });
    let by = json["model_version"].as_str().map(|version| format!("by v{version}"));
    view! {
        {head}
        <p class="models__says"><span>{header.signature.predicts.name().to_owned()}</span><b>{said}</b><small>{by}</small></p>
        <ul class="models__bars">{bars}</ul>
        {warnings}
    }
    .into_any()
}
