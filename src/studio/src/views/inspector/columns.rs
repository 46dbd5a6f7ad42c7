//! Picking columns by their real names, as they will flow into the node's input.

use leptos::prelude::*;
use pipeline::{InPort, Value};
use schema::ordered::sort_by;
use schema::{ColumnSelection, Kind, Schema};

use super::field::Field;
use crate::views::icon::icon;

/// The columns that will flow into `port`, as far as they are known.
fn incoming(field: &Field, port: &str) -> Memo<Option<Schema>> {
    let input = InPort::new(&field.node, port);
    field.studio.select(move |editor| {
        let source = editor.pipeline().source(&input)?;
        editor.schemas().get(source).cloned()
    })
}

/// One column.
pub fn column_picker(field: &Field, port: &str, kinds: &[Kind], is_optional: bool) -> AnyView {
    let schema = incoming(field, port);
    let (value, setting, kinds) = (field.value, field.clone(), kinds.to_vec());
    let chosen = move || match value.get() {
        Value::Text(name) => Some(name),
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Columns(_) | Value::File(_) => None,
    };
    let options = move || {
        let chosen = chosen();
        let schema = schema.get();
        let target = schema.as_ref().and_then(|schema| schema.target()).map(|column| column.name.clone());
        let mut options = Vec::new();
        let none = match (is_optional, target) {
            (true, Some(target)) => format!("automatic: {target}"),
            (true, None) => "automatic: the column with role target".into(),
            (false, _) => "choose a column…".into(),
        };
        options.push(view! { <option value="" prop:selected=chosen.is_none()>{none}</option> }.into_any());
        let known = schema.unwrap_or_default();
        // A chosen name that does not flow here any more stays visible: the problem beside it says so.
        if let Some(name) = chosen.as_ref().filter(|name| known.column(name).is_err()) {
            options.push(
                view! { <option value=name.clone() prop:selected=true>{name.clone()}" (not in the input)"</option> }
                    .into_any(),
            );
        }
        for column in known.columns.iter().filter(|column| kinds.is_empty() || kinds.contains(&column.kind)) {
            let is_chosen = chosen.as_ref() == Some(&column.name);
            options.push(
                view! {
                    <option value=column.name.clone() prop:selected=is_chosen>{column.name.clone()}" · "{column.kind.label()}</option>
                }
                .into_any(),
            );
        }
        options
    };
    let id = field.id.clone();
    view! {
        <span class="select">
            <select id=id on:change=move |event| {
                let name = event_target_value(&event);
                setting.set(if name.is_empty() { Value::None } else { Value::Text(name) });
            }>{options}</select>
            {icon("chevron-down")}
        </span>
    }
    .into_any()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    All,
    Names,
    Except,
    Kinds,
}

fn mode_of(value: &Value) -> Mode {
    match value {
        Value::Columns(ColumnSelection::Names(_)) => Mode::Names,
        Value::Columns(ColumnSelection::Except(_)) => Mode::Except,
        Value::Columns(ColumnSelection::Kinds(_)) => Mode::Kinds,
        _ => Mode::All,
    }
}

fn names_of(value: &Value) -> Vec<String> {
    match value {
        Value::Columns(ColumnSelection::Names(names) | ColumnSelection::Except(names)) => names.clone(),
        _ => Vec::new(),
    }
}

/// Several columns: a rule, and what it needs.
pub fn columns_picker(field: &Field, port: &str, kinds: &[Kind]) -> AnyView {
    let schema = incoming(field, port);
    let value = field.value;
    let mode = Memo::new(move |_| value.with(mode_of));
    let modes: Vec<_> =
        [(Mode::All, "All"), (Mode::Names, "These"), (Mode::Except, "All but"), (Mode::Kinds, "By kind")]
            .into_iter()
            .map(|(choice, label)| {
                let setting = field.clone();
                view! {
                    <label>
                        <input type="radio" name=field.id.clone() prop:checked=move || mode.get() == choice
                            on:change=move |_| {
                                let names = setting.value.with_untracked(names_of);
                                setting.set(Value::Columns(match choice {
                                    Mode::All => ColumnSelection::All,
                                    Mode::Names => ColumnSelection::Names(names),
                                    Mode::Except => ColumnSelection::Except(names),
                                    Mode::Kinds => ColumnSelection::Kinds(vec![Kind::Number, Kind::Integer]),
                                }));
                            } />
                        <span>{label}</span>
                    </label>
                }
                .into_any()
            })
            .collect();
    let (list_field, kinds) = (field.clone(), kinds.to_vec());
    let details = move || {
        let field = list_field.clone();
        match mode.get() {
            Mode::All => ().into_any(),
            Mode::Kinds => kind_list(&field),
            Mode::Names | Mode::Except => name_list(&field, schema, kinds.clone()),
        }
    };
    let count = move || {
        let schema = schema.get()?;
        let text = match value.get() {
            Value::Columns(selection) => match selection.resolve(&schema) {
                Ok(found) => format!("{} of {} columns", found.len(), schema.columns.len()),
                Err(error) => error.to_string(),
            },
            _ => format!("all {} columns", schema.columns.len()),
        };
        Some(text)
    };
    view! {
        <div class="multi" role="group" aria-labelledby=format!("{}-label", field.id) id=field.id.clone()>
            <div class="segments" role="radiogroup" aria-label="Which columns">{modes}</div>
            {details}
            <div class="column-list__bar">{count}</div>
        </div>
    }
    .into_any()
}

fn kind_list(field: &Field) -> AnyView {
    let value = field.value;
    let boxes: Vec<_> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let setting = field.clone();
            let is_on = move || matches!(value.get(), Value::Columns(ColumnSelection::Kinds(kinds)) if kinds.contains(&kind));
            view! {
                <label class="check">
                    <input type="checkbox" prop:checked=is_on on:change=move |event| {
                        let Value::Columns(ColumnSelection::Kinds(mut kinds)) = setting.value.get_untracked() else { return };
                        kinds.retain(|other| *other != kind);
                        if event_target_checked(&event) {
                            kinds.push(kind);
                        }
                        sort_by(&mut kinds, Ord::cmp);
                        setting.set(Value::Columns(ColumnSelection::Kinds(kinds)));
                    } />
                    {kind.label()}
                </label>
            }
            .into_any()
        })
        .collect();
    view! { <div class="column-list">{boxes}</div> }.into_any()
}

fn name_list(field: &Field, schema: Memo<Option<Schema>>, kinds: Vec<Kind>) -> AnyView {
    let field = field.clone();
    let rows = move || {
        let known = schema.get().unwrap_or_default();
        let chosen = field.value.with_untracked(names_of);
        let mut offered: Vec<(String, &'static str)> = known
            .columns
            .iter()
            .filter(|column| kinds.is_empty() || kinds.contains(&column.kind) || chosen.contains(&column.name))
            .map(|column| (column.name.clone(), column.kind.label()))
            .collect();
        for name in &chosen {
            if known.column(name).is_err() {
                offered.push((name.clone(), "not in the input"));
            }
        }
        if offered.is_empty() {
            return vec![
                view! { <p class="field__help">"Connect a table to the input, and its columns are listed here"</p> }
                    .into_any(),
            ];
        }
        offered
            .into_iter()
            // More than a list can show are typed into the file or picked by kind.
            .take(500)
            .map(|(name, kind)| {
                let (setting, compared, label) = (field.clone(), name.clone(), name.clone());
                let value = field.value;
                view! {
                    <label class="check">
                        <input type="checkbox" prop:checked=move || value.with(|value| names_of(value).contains(&compared))
                            on:change=move |event| {
                                let mut names = setting.value.with_untracked(names_of);
                                names.retain(|other| *other != name);
                                if event_target_checked(&event) {
                                    names.push(name.clone());
                                }
                                let is_except = setting.value.with_untracked(mode_of) == Mode::Except;
                                setting.set(Value::Columns(if is_except { ColumnSelection::Except(names) } else { ColumnSelection::Names(names) }));
                            } />
                        <span class="truncate">{label}</span>
                        <span class="kind">{kind}</span>
                    </label>
                }
                .into_any()
            })
            .collect::<Vec<_>>()
    };
    view! { <div class="column-list" tabindex="0" role="group" aria-label="Columns">{rows}</div> }.into_any()
}
