//! The rows of a node's tables: a grid of any size with profiles as its head, filters above and a column beside it.

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html::Div;
use leptos::prelude::*;
use pipeline::OutPort;
use protocol::{Failure, Filter, View};
use wasm_bindgen_futures::spawn_local;

use super::column_panel::column_panel;
use super::grid::{Cursor, HEAD_HEIGHT, NUMBER_WIDTH, Offsets, Painter, Rows, Scene};
use super::pages::Query;
use super::table_header::header_cell;
use super::table_state::TableState;
use super::table_toolbar::table_toolbar;
use super::{appearance, empty, failed};
use crate::dom;
use crate::parts::ResultsOf;
use crate::views::icon::small_icon;

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

/// The names of the node's tables, their rows and columns, once they are known.
pub type Tables = RwSignal<Option<Result<Vec<(String, u64, u32)>, Failure>>>;

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
            {table_toolbar(state, tables, scroller, announce)}
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
pub fn move_to(state: TableState, scroller: NodeRef<Div>, cursor: Cursor, announce: Callback<String>) {
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
