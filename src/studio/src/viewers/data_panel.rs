//! The rows of a node's tables: a grid of any size with profiles as its head, filters above and a column beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::ev::{Event, KeyboardEvent, MouseEvent, SubmitEvent};
use leptos::html::{Div, Input};
use leptos::prelude::*;
use pipeline::OutPort;
use protocol::{ColumnProfile, Export, ExportFormat, Failure, Filter, Preview, Profiles, Sort, View};
use schema::{Column, Kind};
use wasm_bindgen_futures::spawn_local;

use super::column_panel::column_panel;
use super::grid::{Cursor, HEAD_HEIGHT, NUMBER_WIDTH, Offsets, Painter, Rows, Scene, Sight};
use super::pages::{Pages, Query};
use super::table_header::{bound, header_cell};
use super::{appearance, empty, failed};
use crate::dom;
use crate::parts::ResultsOf;
use crate::views::icon::{icon, small_icon};
use crate::worker_client::Link;

/// Columns whose profiles are asked for together.
const PROFILE_COLUMNS: usize = 8;
/// So long after the last key the search begins.
const SEARCH_DELAY_MS: i32 = 220;

/// Everything that the panel and its parts share. A handle: copies lead to the same state.
#[derive(Clone, Copy)]
pub struct TableState {
    link: Link,
    /// The rows.
    pub pages: Pages,
    /// Which table.
    pub output: RwSignal<Option<OutPort>>,
    /// All its columns.
    pub columns: RwSignal<Arc<Vec<Column>>>,
    /// Where they are.
    pub offsets: Memo<Offsets>,
    /// Order of the rows.
    pub sort: RwSignal<Vec<Sort>>,
    /// Conditions on rows, save the search.
    pub filters: RwSignal<Vec<Filter>>,
    search: RwSignal<String>,
    /// Profiles by position of the column; they belong to the filters before last until the new ones arrive.
    pub profiles: RwSignal<BTreeMap<usize, Arc<ColumnProfile>>>,
    profiled: StoredValue<(u32, Vec<usize>)>,
    /// The column whose panel is open.
    pub selected: RwSignal<Option<usize>>,
    /// Where the keyboard is.
    pub cursor: RwSignal<Cursor>,
    sight: RwSignal<Sight>,
}

impl TableState {
    fn new(link: Link) -> Self {
        let columns = RwSignal::new(Arc::<Vec<Column>>::default());
        Self {
            link,
            pages: Pages::new(link),
            output: RwSignal::new(None),
            columns,
            offsets: Memo::new(move |_| columns.with(|columns| Offsets::of(columns))),
            sort: RwSignal::new(Vec::new()),
            filters: RwSignal::new(Vec::new()),
            search: RwSignal::new(String::new()),
            profiles: RwSignal::new(BTreeMap::new()),
            profiled: StoredValue::new((0, Vec::new())),
            selected: RwSignal::new(None),
            cursor: RwSignal::new(Cursor::default()),
            sight: RwSignal::new(Sight::default()),
        }
    }

    /// Up, down, and back to the order of the file.
    pub fn cycle_sort(self, column: &str) {
        self.sort.update(|sort| {
            let before = sort.iter().find(|sort| sort.column == column).map(|sort| sort.descending);
            sort.clear();
            match before {
                None => sort.push(Sort { column: column.to_owned(), descending: false }),
                Some(false) => sort.push(Sort { column: column.to_owned(), descending: true }),
                Some(true) => {}
            }
        });
    }

    /// Adds a condition in place of another on the same column, or takes it back.
    pub fn toggle_filter(self, filter: Filter) {
        self.filters.update(|filters| {
            let was_there = filters.contains(&filter);
            filters.retain(|other| filtered_column(other) != filtered_column(&filter));
            if !was_there {
                filters.push(filter);
            }
        });
    }

    /// Opens the panel of a column, or closes it.
    pub fn toggle_selected(self, column_idx: usize) {
        let opens = self.selected.get_untracked() != Some(column_idx);
        self.selected.set(opens.then_some(column_idx));
    }

    fn all_filters(self) -> Vec<Filter> {
        let mut filters = self.filters.get();
        let text = self.search.get();
        if !text.is_empty() {
            filters.push(Filter::Contains { text });
        }
        filters
    }

    /// Reads the columns again, after another table was chosen or a run.
    fn load(self, output: OutPort) {
        let is_same = self.output.get_untracked().as_ref() == Some(&output);
        if !is_same {
            batch(self);
        }
        let call = Preview {
            output: output.clone(),
            first_row: 0,
            n_rows: 0,
            first_column: 0,
            n_columns: u32::MAX,
            sort: Vec::new(),
            filters: Vec::new(),
        };
        let state = self;
        spawn_local(async move {
            let answer = state.link.unsealed(call).await;
            match answer {
                Ok(page) => state.take_columns(output, page.columns),
                Err(failure) => {
                    let _ = state.pages.failure.try_set(Some(failure));
                }
            }
        });
    }

    fn take_columns(self, output: OutPort, columns: Vec<Column>) {
        let is_known = |name: &str| columns.iter().any(|column| column.name == name);
        let sort: Vec<Sort> = self.sort.get_untracked().into_iter().filter(|sort| is_known(&sort.column)).collect();
        let filters: Vec<Filter> = self
            .filters
            .get_untracked()
            .into_iter()
            .filter(|filter| filtered_column(filter).is_none_or(is_known))
            .collect();
        if self.selected.get_untracked().is_some_and(|selected| selected >= columns.len()) {
            self.selected.set(None);
        }
        self.forget_profiles(true);
        self.sort.set(sort);
        self.filters.set(filters);
        self.columns.set(Arc::new(columns));
        // Also when it is the same: its rows may be others.
        self.output.set(Some(output));
    }

    fn forget_profiles(self, also_shown: bool) {
        self.profiled.update_value(|(generation, asked)| {
            *generation += 1;
            asked.clear();
        });
        if also_shown {
            self.profiles.update(BTreeMap::clear);
        }
    }

    /// Asks for the profiles of the block of columns around one, once.
    fn want_profile(self, column_idx: usize, filters: &[Filter]) {
        let Some(output) = self.output.get_untracked() else {
            return;
        };
        let first = column_idx / PROFILE_COLUMNS * PROFILE_COLUMNS;
        let mut ticket = None;
        self.profiled.update_value(|(generation, asked)| {
            if !asked.contains(&first) {
                asked.push(first);
                ticket = Some(*generation);
            }
        });
        let Some(ticket) = ticket else {
            return;
        };
        let call = Profiles {
            output,
            first_column: first as u32,
            n_columns: PROFILE_COLUMNS as u32,
            filters: filters.to_vec(),
        };
        let state = self;
        spawn_local(async move {
            // A profile that cannot be had leaves its place empty; the rows say what is wrong.
            let Ok(profiles) = state.link.unsealed(call).await else {
                return;
            };
            if state.profiled.try_with_value(|(generation, _)| *generation) == Some(ticket) {
                state.profiles.update(|shown| {
                    for (at, profile) in profiles.into_iter().enumerate() {
                        shown.insert(first + at, Arc::new(profile));
                    }
                });
            }
        });
    }
}

/// Forgets what belongs to another table.
fn batch(state: TableState) {
    state.sort.set(Vec::new());
    state.filters.set(Vec::new());
    state.search.set(String::new());
    state.selected.set(None);
    state.cursor.set(Cursor::default());
}

fn filtered_column(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Range { column, .. } | Filter::Equals { column, .. } | Filter::Missing { column } => Some(column),
        Filter::Contains { .. } => None,
    }
}

/// The tables of one node.
pub fn data_panel(results: ResultsOf) -> AnyView {
    let ResultsOf { node, revision, link, announce, .. } = results;
    let state = TableState::new(link);
    let tables = RwSignal::new(None::<Result<Vec<(String, u64, u32)>, Failure>>);
    let latest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        revision.track();
        let node = node.get();
        latest.update_value(|ticket| *ticket += 1);
        let ticket = latest.get_value();
        let Some(node) = node else {
            tables.set(None);
            return;
        };
        if state.output.with_untracked(|output| output.as_ref().is_some_and(|output| output.node != node)) {
            // Rows of another node must not be taken for this one's.
            tables.set(None);
        }
        spawn_local(async move {
            let answer = link.unsealed(View { node: node.clone() }).await;
            if latest.try_with_value(|latest| *latest) != Some(ticket) {
                return;
            }
            if let Ok(view) = &answer {
                let kept = state.output.get_untracked().filter(|output| output.node == node);
                let port = kept
                    .and_then(|kept| view.tables.iter().find(|(port, ..)| *port == kept.port))
                    .or(view.tables.first());
                if let Some((port, ..)) = port {
                    state.load(OutPort::new(&node, port));
                }
            }
            tables.set(Some(answer.map(|view| view.tables)));
        });
    });
    // New rows whenever the question changes.
    Effect::new(move |_| {
        let output = state.output.get();
        let (sort, filters) = (state.sort.get(), state.all_filters());
        state.pages.ask(output.map(|output| Query { output, sort, filters }));
    });
    let has_table = Memo::new(move |_| matches!(&*tables.read(), Some(Ok(tables)) if !tables.is_empty()));
    let content = move || {
        if has_table.get() {
            return whole(state, tables, announce);
        }
        match &*tables.read() {
            None if node.read().is_none() => {
                empty("mouse-pointer-click", "No node selected", "Select a node to see the rows that came out of it.")
            }
            None => empty("loader", "One moment", "The rows are on their way."),
            Some(Err(failure)) => failed(failure),
            Some(Ok(_)) => empty("table", "No table here", "What this node gives is not a table; see Output."),
        }
    };
    view! { <div class="data">{content}</div> }.into_any()
}

type Tables = RwSignal<Option<Result<Vec<(String, u64, u32)>, Failure>>>;

fn whole(state: TableState, tables: Tables, announce: Callback<String>) -> AnyView {
    let scroller = NodeRef::<Div>::new();
    let side = move || {
        let selected = state.selected.get();
        // The same column of another table is another column.
        state.columns.track();
        selected.map(|column_idx| column_panel(state, column_idx, announce))
    };
    view! {
        <div class="data__main">
            {toolbar(state, tables, scroller, announce)}
            {move || state.pages.failure.get().map(|failure| {
                view! { <div class="data__failure" role="alert"><b>{failure.message}</b>" "{failure.help}</div> }
            })}
            {grid(state, scroller, announce)}
            {status(state)}
        </div>
        {side}
    }
    .into_any()
}

fn toolbar(state: TableState, tables: Tables, scroller: NodeRef<Div>, announce: Callback<String>) -> AnyView {
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

fn grid(state: TableState, scroller: NodeRef<Div>, announce: Callback<String>) -> AnyView {
    let block = NodeRef::<Div>::new();
    let painter = StoredValue::new_local(Painter::default());
    Effect::new(move |_| {
        if let Some(scroller) = scroller.get() {
            appearance::watch_size(&scroller, move |width, height| {
                state.sight.update(|sight| (sight.width, sight.height) = (width, height));
            });
        }
    });
    // Another order or other filters begin at the top.
    Effect::new(move |before: Option<()>| {
        state.sort.track();
        state.all_filters();
        if let (Some(()), Some(scroller)) = (before, scroller.get_untracked()) {
            scroller.set_scroll_top(0);
            state.cursor.update(|cursor| cursor.row = cursor.row.map(|_| 0));
        }
    });
    Effect::new(move |_| {
        state.pages.arrived.track();
        let (sight, (n_rows, _)) = (state.sight.get(), state.pages.n_rows.get());
        let Some(block) = block.get() else {
            return;
        };
        let columns = state.columns.get();
        state.offsets.with(|offsets| {
            let scene = Scene {
                sight,
                rows: Rows::new(n_rows, &sight),
                columns: &columns,
                offsets,
                cursor: state.cursor.get(),
                selected: state.selected.get(),
            };
            painter.update_value(|painter| painter.paint(&block, state.pages, &scene));
        });
    });
    let visible = Memo::new(move |_| {
        let sight = state.sight.get();
        state.offsets.with(|offsets| offsets.visible(&sight))
    });
    Effect::new(move |before: Option<Vec<Filter>>| {
        let filters = state.all_filters();
        if before.is_some_and(|before| before != filters) {
            state.forget_profiles(false);
        }
        state.output.track();
        let columns = visible.get();
        columns.chain(state.selected.get()).for_each(|column_idx| state.want_profile(column_idx, &filters));
        filters
    });
    // The key has the name in it, so that the head is made anew for the columns of another table.
    let heads = move || {
        let columns = state.columns.get();
        visible.get().filter_map(|column_idx| Some((column_idx, columns.get(column_idx)?.clone()))).collect::<Vec<_>>()
    };
    let spacer_height = move || {
        let (n_rows, _) = state.pages.n_rows.get();
        format!("{}px", Rows::new(n_rows, &state.sight.get()).spacer_height())
    };
    // Only a cell that is there can be pointed at; any movement of the cursor brings it back into sight.
    let active = move || {
        let (cursor, sight, (n_rows, _)) = (state.cursor.get(), state.sight.get(), state.pages.n_rows.get());
        let is_there = visible.with(|columns| columns.contains(&cursor.column))
            && cursor.row.is_none_or(|row| Rows::new(n_rows, &sight).visible(sight.scroll_top).contains(&row));
        is_there.then(|| match cursor.row {
            Some(_) => "grid-active".to_owned(),
            None => format!("grid-head-{}", cursor.column),
        })
    };
    let on_scroll = move |_| {
        if let Some(scroller) = scroller.get_untracked() {
            let (top, left) = (f64::from(scroller.scroll_top()), f64::from(scroller.scroll_left()));
            state.sight.update(|sight| (sight.scroll_top, sight.scroll_left) = (top, left));
        }
    };
    let on_click = move |event: MouseEvent| {
        let Some(block) = block.get_untracked() else {
            return;
        };
        let bounds = block.get_bounding_client_rect();
        let (x, y) = (f64::from(event.client_x()) - bounds.left(), f64::from(event.client_y()) - bounds.top());
        let row = painter.with_value(|painter| painter.row_at(y));
        let column = state.offsets.with_untracked(|offsets| offsets.column_at(x));
        if row < state.pages.n_rows.get_untracked().0 {
            let column = column.unwrap_or_else(|| state.cursor.get_untracked().column);
            move_to(state, scroller, Cursor { row: Some(row), column }, announce);
        }
    };
    view! {
        <div
            id="data-grid"
            class="grid"
            node_ref=scroller
            role="grid"
            tabindex="0"
            aria-label="Rows"
            aria-readonly="true"
            aria-rowcount=move || (state.pages.n_rows.get().0 + 1).to_string()
            aria-colcount=move || state.columns.with(|columns| columns.len() + 1).to_string()
            aria-activedescendant=active
            style:--row-number=format!("{NUMBER_WIDTH}px")
            style:--head=format!("{HEAD_HEIGHT}px")
            on:scroll=on_scroll
            on:keydown=move |event| on_key(state, scroller, &event, announce)
        >
            <div class="grid__head" role="rowgroup" style:width=move || format!("{}px", state.offsets.with(Offsets::total))>
                <div class="grid__head-row" role="row" aria-rowindex="1">
                    <div class="grid__corner" role="columnheader" aria-colindex="1">
                        <span class="sr-only">"Row"</span>
                    </div>
                    <For each=heads key=|entry| entry.clone() let:entry>
                        {header_cell(state, entry.0)}
                    </For>
                </div>
            </div>
            <div
                class="grid__spacer"
                role="presentation"
                style:height=spacer_height
                style:width=move || format!("{}px", state.offsets.with(Offsets::total))
            >
                <div class="grid__rows" role="rowgroup" node_ref=block on:click=on_click></div>
            </div>
        </div>
    }
    .into_any()
}

/// Puts the cursor somewhere, scrolls there and says what is there.
fn move_to(state: TableState, scroller: NodeRef<Div>, cursor: Cursor, announce: Callback<String>) {
    state.cursor.set(cursor);
    let Some(scroller) = scroller.get_untracked() else {
        return;
    };
    let sight = state.sight.get_untracked();
    let n_rows = state.pages.n_rows.get_untracked().0;
    if let Some(top) = cursor.row.and_then(|row| Rows::new(n_rows, &sight).scroll_to(row, sight.scroll_top)) {
        scroller.set_scroll_top(top as i32);
    }
    let (start, width) =
        state.offsets.with_untracked(|offsets| (offsets.start(cursor.column), offsets.width(cursor.column)));
    if start - NUMBER_WIDTH < sight.scroll_left {
        scroller.set_scroll_left((start - NUMBER_WIDTH) as i32);
    } else if start + width > sight.scroll_left + sight.width {
        scroller.set_scroll_left((start + width - sight.width).ceil() as i32);
    }
    if cursor.row.is_none() {
        let name = state.columns.with_untracked(|columns| columns.get(cursor.column).map(|column| column.name.clone()));
        if let Some(name) = name {
            announce.run(format!("{name}, head: Enter sorts, Shift+Enter opens the profile"));
        }
    }
}

fn on_key(state: TableState, scroller: NodeRef<Div>, event: &KeyboardEvent, announce: Callback<String>) {
    let n_rows = state.pages.n_rows.get_untracked().0;
    let n_columns = state.columns.with_untracked(|columns| columns.len());
    if n_columns == 0 {
        return;
    }
    let last_row = n_rows.checked_sub(1);
    let Cursor { row, column } = state.cursor.get_untracked();
    let sight = state.sight.get_untracked();
    let screen = Rows::new(n_rows, &sight).n_per_screen();
    let is_command = event.ctrl_key() || event.meta_key();
    let next = match event.key().as_str() {
        "ArrowRight" => Cursor { row, column: (column + 1).min(n_columns - 1) },
        "ArrowLeft" => Cursor { row, column: column.saturating_sub(1) },
        "ArrowDown" => Cursor { row: row.map_or(Some(0), |row| Some(row + 1)).min(last_row), column },
        "ArrowUp" => Cursor { row: row.and_then(|row| row.checked_sub(1)), column },
        "PageDown" => Cursor { row: Some(row.unwrap_or(0) + screen).min(last_row), column },
        "PageUp" => Cursor { row: Some(row.unwrap_or(0).saturating_sub(screen)).min(last_row), column },
        "Home" => Cursor { row: if is_command { last_row.map(|_| 0) } else { row }, column: 0 },
        "End" => Cursor { row: if is_command { last_row } else { row }, column: n_columns - 1 },
        "Enter" | " " if row.is_none() && !event.shift_key() => {
            event.prevent_default();
            let name = state.columns.with_untracked(|columns| columns[column].name.clone());
            state.cycle_sort(&name);
            let order = state.sort.with_untracked(|sort| sort.first().map(|sort| sort.descending));
            let order = match order {
                None => "in file order",
                Some(false) => "ascending",
                Some(true) => "descending",
            };
            announce.run(format!("{name}, {order}"));
            return;
        }
        "Enter" => {
            event.prevent_default();
            state.toggle_selected(column);
            if state.selected.get_untracked().is_some() {
                dom::focus_later("#column-panel .column__body");
            }
            return;
        }
        "c" if is_command => {
            let text = row.and_then(|row| state.pages.cell(row, column as u32));
            if let Some(protocol::Cell::Text(text)) = text {
                event.prevent_default();
                spawn_local(async move {
                    announce.run(match dom::copy(&text).await {
                        Ok(()) => "Copied".to_owned(),
                        Err(reason) => reason,
                    });
                });
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    move_to(state, scroller, next, announce);
}

fn status(state: TableState) -> AnyView {
    let rows = move || {
        let (n_rows, _) = state.pages.n_rows.get();
        if n_rows == 0 {
            return "No rows".to_owned();
        }
        let sight = state.sight.get();
        let visible = Rows::new(n_rows, &sight).visible(sight.scroll_top);
        format!(
            "Rows {} to {} of {}",
            charts::grouped(visible.start + 1),
            charts::grouped(visible.end),
            charts::grouped(n_rows)
        )
    };
    let order = move || {
        state.sort.with(|sort| match sort.first() {
            None => "in file order".to_owned(),
            Some(sort) => {
                format!("by {}, {}", sort.column, if sort.descending { "largest first" } else { "smallest first" })
            }
        })
    };
    let columns = move || {
        let n_columns = state.columns.with(|columns| columns.len());
        let sight = state.sight.get();
        let visible = state.offsets.with(|offsets| offsets.visible(&sight));
        format!(
            "columns {} to {} of {}",
            charts::grouped(visible.start as u64 + 1),
            charts::grouped(visible.end as u64),
            charts::grouped(n_columns as u64)
        )
    };
    view! {
        <footer class="data__status">
            <span>{rows}</span>
            <span>{order}</span>
            <span class="data__gap"></span>
            <span>{columns}</span>
            <span>{small_icon("hard-drive")}"every row is here, nothing sampled"</span>
        </footer>
    }
    .into_any()
}
