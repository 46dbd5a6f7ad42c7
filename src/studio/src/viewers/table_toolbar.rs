//! Above the rows of a table.

use leptos::ev::{Event, SubmitEvent};
use leptos::html::{Div, Input};
use leptos::prelude::*;
use pipeline::OutPort;
use protocol::{Export, ExportFormat, Filter};
use schema::Kind;
use wasm_bindgen_futures::spawn_local;

use super::data_panel::{Tables, move_to};
use super::grid::Cursor;
use super::table_header::bound;
use super::table_state::{TableState, filtered_column};
use crate::dom;
use crate::views::icon::{icon, small_icon};

/// So long after the last key the search begins.
const SEARCH_DELAY_MS: i32 = 220;

/// Which table, what is looked for, conditions, how many rows, and a way to a row and to a file.
pub fn table_toolbar(state: TableState, tables: Tables, scroller: NodeRef<Div>, announce: Callback<String>) -> AnyView {
    let typed = StoredValue::new(0_u32);
    let on_search = move |event: Event| {
        let text = event_target_value(&event);
        typed.update_value(|typed| *typed += 1);
        let ticket = typed.get_value();
        spawn_local(async move {
            dom::sleep(SEARCH_DELAY_MS).await;
            if typed.try_with_value(|typed| *typed) == Some(ticket) {
                state.search.set(text.trim().to_owned());
            }
        });
    };
    Effect::new(move |before: Option<(u64, u64)>| {
        let now = state.pages.n_rows.get();
        if before.is_some_and(|before| before.1 == now.1 && before != now) {
            announce.run(format!("{} of {} rows", charts::grouped(now.0), charts::grouped(now.1)));
        }
        now
    });
    let chips = move || {
        let kinds = state.columns.get();
        state
            .filters
            .get()
            .into_iter()
            .map(|filter| {
                let kind = filtered_column(&filter)
                    .and_then(|name| kinds.iter().find(|column| column.name == name))
                    .map_or(Kind::Text, |column| column.kind);
                let (name, condition) = words(&filter, kind);
                view! {
                    <span class="chip">
                        <b>{name.clone()}</b>
                        {condition}
                        <button
                            type="button"
                            class="chip__remove"
                            aria-label=format!("Remove the filter on {name}")
                            on:click=move |_| state.filters.update(|filters| filters.retain(|other| *other != filter))
                        >
                            {small_icon("x")}
                        </button>
                    </span>
                }
            })
            .collect_view()
    };
    let picker = move || {
        let names: Vec<String> = match &*tables.read() {
            Some(Ok(tables)) => tables.iter().map(|(port, ..)| port.clone()).collect(),
            Some(Err(_)) | None => Vec::new(),
        };
        (names.len() > 1).then(|| {
            let options = names
                .into_iter()
                .map(|name| {
                    let value = name.clone();
                    let is_chosen = {
                        let name = name.clone();
                        move || state.output.with(|output| output.as_ref().is_some_and(|output| output.port == name))
                    };
                    view! { <option value=value prop:selected=is_chosen>{name}</option> }
                })
                .collect_view();
            view! {
                <label class="select data__port">
                    <span class="sr-only">"Output"</span>
                    <select on:change=move |event| {
                        if let Some(before) = state.output.get_untracked() {
                            state.load(OutPort::new(&before.node, &event_target_value(&event)));
                        }
                    }>{options}</select>
                    {icon("chevron-down")}
                </label>
            }
        })
    };
    let row_field = NodeRef::<Input>::new();
    let go = move |event: SubmitEvent| {
        event.prevent_default();
        let row = row_field.get_untracked().and_then(|field| field.value().trim().replace(',', "").parse::<u64>().ok());
        let n_rows = state.pages.n_rows.get_untracked().0;
        if let Some(row) = row.filter(|_| n_rows > 0) {
            let row = row.clamp(1, n_rows) - 1;
            move_to(state, scroller, Cursor { row: Some(row), column: state.cursor.get_untracked().column }, announce);
            dom::focus_later("#data-grid");
        }
    };
    let is_saving = RwSignal::new(false);
    let save = move |_| {
        let Some(output) = state.output.get_untracked() else {
            return;
        };
        is_saving.set(true);
        spawn_local(async move {
            let name = format!("{}-{}.csv", output.node, output.port);
            match state.link.call(Export { output, format: ExportFormat::Csv }).await {
                Ok(bytes) => {
                    dom::download(&name, "text/csv", &bytes);
                    announce.run(format!("{name} saved"));
                }
                Err(failure) => {
                    let _ = state.pages.failure.try_set(Some(failure));
                }
            }
            let _ = is_saving.try_set(false);
        });
    };
    let count = move || {
        let (filtered, total) = state.pages.n_rows.get();
        if filtered == total {
            view! { <b>{charts::grouped(total)}</b>" rows" }.into_any()
        } else {
            view! { <b>{charts::grouped(filtered)}</b>{format!(" of {} rows", charts::grouped(total))} }.into_any()
        }
    };
    view! {
        <div class="data__bar">
            {picker}
            <label class="search data__search">
                {icon("search")}
                <input
                    class="input"
                    type="search"
                    aria-label="Find in all columns"
                    placeholder=move || {
                        let n_columns = state.columns.with(|columns| columns.len());
                        let word = if n_columns == 1 { "column" } else { "columns" };
                        format!("Find in {} {word}", charts::grouped(n_columns as u64))
                    }
                    prop:value=move || state.search.get()
                    on:input=on_search
                />
            </label>
            {chips}
            <span class="data__count">{count}</span>
            <form class="data__go" on:submit=go>
                <input class="input input--number" inputmode="numeric" aria-label="Go to row" placeholder="Row" node_ref=row_field />
            </form>
            <button
                type="button"
                class="icon-button"
                aria-label="Save the whole table as CSV"
                title="Save the whole table as CSV"
                disabled=move || is_saving.get()
                on:click=save
            >
                {icon("download")}
            </button>
        </div>
    }
    .into_any()
}

/// A condition in words: the column, then what must hold.
fn words(filter: &Filter, kind: Kind) -> (String, String) {
    match filter {
        Filter::Range { column, low, high, .. } => {
            (column.clone(), format!("{} to {}", bound(kind, *low), bound(kind, *high)))
        }
        Filter::Equals { column, value } => (column.clone(), value.clone()),
        Filter::Missing { column } => (column.clone(), "is missing".to_owned()),
        Filter::Contains { text } => (String::new(), text.clone()),
    }
}
