//! Above the list: search, grouping, columns, files.

use experiment::{Field, RunTable, usual_columns};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{File, HtmlInputElement};

use super::menu::{Menu, menu};
use super::search::search;
use super::store::Runs;
use crate::dom;
use crate::views::icon::{icon, small_icon};

/// The bar.
pub fn toolbar(runs: Runs) -> AnyView {
    let count = move || {
        let (listing, _) = runs.shown.get();
        let n_all = runs.with_table(RunTable::len);
        let n_on_charts = runs.view.with(|view| view.selected.len());
        let listed = match (listing.rows.len(), n_all) {
            (1, 1) => "1 run".to_owned(),
            (n, n_all) if n == n_all => format!("{} runs", charts::grouped(n as u64)),
            (n, n_all) => format!("{} of {} runs", charts::grouped(n as u64), charts::grouped(n_all as u64)),
        };
        if n_on_charts > 0 { format!("{listed}, {n_on_charts} compared") } else { listed }
    };
    let unknown = move || {
        let (listing, _) = runs.shown.get();
        let words: Vec<_> = listing.unknown.iter().map(ToString::to_string).collect();
        (!words.is_empty() && runs.loaded.get())
            .then(|| view! { <span class="runs__unknown" role="status">{small_icon("triangle-alert")}{words.join("; ")}</span> })
    };
    view! {
        <div class="runs__tools" data-region="runs-tools">
            {search(runs)}
            {group_by(runs)}
            {columns(runs)}
            {unknown}
            <span class="runs__count" role="status">{count}</span>
            {import(runs)}
            <button type="button" class="button" title="The listed runs as CSV" on:click=move |_| runs.save_csv()>{icon("download")}"CSV"</button>
        </div>
    }
    .into_any()
}

/// Names that runs can be grouped by, with their labels.
fn groupings(runs: Runs) -> Vec<(String, String)> {
    let fields = [
        Field::Learner,
        Field::Pipeline,
        Field::Tag,
        Field::State,
        Field::Data,
        Field::Seed,
        Field::Engine,
        Field::Host,
        Field::Sweep,
    ];
    let mut names: Vec<_> =
        fields.iter().map(|field| (field.name().to_owned(), field.label().to_lowercase())).collect();
    runs.with_table(|table| {
        let params = table.columns().iter().filter(|column| !column.is_metric() && !column.is_short);
        names.extend(params.filter(|c| c.n_values() > 0).map(|c| (c.name.clone(), c.name.replacen("param.", "", 1))));
    });
    names
}

fn group_by(runs: Runs) -> AnyView {
    let now = Memo::new(move |_| runs.view.with(|view| view.group.first().cloned().unwrap_or_default()));
    let options = move || {
        runs.changed.track();
        let now = now.get();
        let mut names = groupings(runs);
        if !now.is_empty() && names.iter().all(|(name, _)| *name != now) {
            names.push((now.clone(), now.clone()));
        }
        let option = |(name, label): (String, String)| {
            let is_now = name == now;
            view! { <option value=name selected=is_now>{label}</option> }
        };
        names.into_iter().map(option).collect_view()
    };
    view! {
        <label class="runs__group">
            {icon("group")}
            <span>"Group by"</span>
            <select id="runs-group" on:change=move |event| {
                let name = event_target_value(&event);
                runs.look(|view| {
                    view.group = if name.is_empty() { Vec::new() } else { vec![name] };
                    view.closed.clear();
                });
            }>
                <option value="" selected=move || now.get().is_empty()>"nothing"</option>
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// Which columns are shown.
fn columns(runs: Runs) -> AnyView {
    let list = move || {
        let groups = runs.with_table(offered);
        let groups = groups.into_iter().filter(|(_, names)| !names.is_empty()).map(|(title, names)| {
            let boxes = names.into_iter().map(|(name, label)| {
                let of = name.clone();
                let is_shown = move || runs.shown.get().0.columns.iter().any(|column| column.name == of);
                view! {
                    <label class="check">
                        <input type="checkbox" prop:checked=is_shown on:change=move |_| toggle_column(runs, &name) />
                        {label}
                    </label>
                }
            });
            view! { <fieldset><legend>{title}</legend>{boxes.collect_view()}</fieldset> }
        });
        groups.collect_view().into_any()
    };
    let usual = Callback::new(move |()| runs.look(|view| view.columns.clear()));
    menu(Menu { id: "runs-columns", label: "Columns", icon: "columns-3", opens_up: false }, list, usual)
}

/// Every column there is, by kind.
fn offered(table: &RunTable) -> [(&'static str, Vec<(String, String)>); 3] {
    let fields = Field::ALL.iter().filter(|field| !matches!(field, Field::Id | Field::Document));
    let of = |metrics: bool| {
        let columns =
            table.columns().iter().filter(|c| c.is_metric() == metrics && c.is_short == metrics && c.n_values() > 0);
        columns
            .map(|c| (c.name.clone(), if metrics { c.label.clone() } else { c.name.replacen("param.", "", 1) }))
            .collect()
    };
    [
        ("Metrics", of(true)),
        ("Run", fields.map(|field| (field.name().to_owned(), field.label().to_owned())).collect()),
        ("Settings", of(false)),
    ]
}

fn toggle_column(runs: Runs, name: &str) {
    let usual = runs.with_table(usual_columns);
    runs.look(|view| {
        if view.columns.is_empty() {
            view.columns = usual;
        }
        let is_it = |shown: &String| shown == name;
        if view.columns.iter().any(is_it) {
            view.columns.retain(|shown| !is_it(shown));
        } else {
            view.columns.push(name.to_owned());
        }
    });
}

fn import(runs: Runs) -> AnyView {
    let take = move |event: web_sys::Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        let Some(list) = input.files() else { return };
        let files: Vec<File> = (0..list.length()).filter_map(|at| list.get(at)).collect();
        let path = |file: &File| {
            let path = js_sys::Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
            path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
        };
        runs.import(files.into_iter().map(|file| (path(&file), file)).collect());
        input.set_value("");
    };
    view! {
        <input type="file" hidden id="runs-folder" aria-label="Folder of runs" on:change=take />
        <button type="button" class="button button--ghost" title="A folder of runs, as the command line leaves it"
            on:click=move |_| if let Some(input) = dom::by_id("runs-folder") {
                // A name that HTML knows can be set.
                let _ = input.set_attribute("webkitdirectory", "");
                input.click();
            }>
            {icon("folder-open")}"Import"
        </button>
    }
    .into_any()
}
