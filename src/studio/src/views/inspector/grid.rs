//! A small spreadsheet whose content is kept as comma-separated values.

use leptos::prelude::*;
use pipeline::Value;
use wasm_bindgen::JsCast;

use super::field::Field;
use crate::views::icon::icon;

const MAX_CELLS: usize = 6_000;

/// The grid. Text can be pasted into it from any spreadsheet.
pub fn grid_editor(field: &Field) -> AnyView {
    let value = field.value;
    let text = Memo::new(move |_| match value.get() {
        Value::Text(text) => text,
        _ => String::new(),
    });
    let rows = RwSignal::new(parse(&text.get_untracked(), ','));
    // Undo, or another tab, may change the text from outside.
    Effect::new(move |_| {
        let outside = parse(&text.get(), ',');
        if rows.with_untracked(|rows| trimmed(rows) != trimmed(&outside)) {
            rows.set(outside);
        }
    });
    let keep = {
        let field = field.clone();
        move || field.set(Value::Text(rows.with_untracked(|rows| write(rows))))
    };
    let size = Memo::new(move |_| rows.with(|rows| (rows.len(), rows.iter().map(Vec::len).max().unwrap_or(0))));
    let (paste_keep, edit_keep, row_keep, column_keep) = (keep.clone(), keep.clone(), keep.clone(), keep);
    let pasted = move |event: web_sys::ClipboardEvent| {
        let Some(text) = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok()) else { return };
        if !text.contains(['\n', '\t']) && !text.contains(',') {
            return;
        }
        event.prevent_default();
        let separator = if text.contains('\t') {
            '\t'
        } else if text.contains(';') && !text.contains(',') {
            ';'
        } else {
            ','
        };
        let mut table = parse(&text, separator);
        table.truncate(MAX_CELLS);
        rows.set(table);
        paste_keep();
    };
    let table = move || {
        let (n_rows, n_columns) = size.get();
        let n_columns = n_columns.max(1);
        let shown_rows = n_rows.max(2).min(MAX_CELLS / n_columns + 1);
        (0..shown_rows)
            .map(|row| {
                let cells: Vec<_> = (0..n_columns)
                    .map(|column| {
                        let keep = edit_keep.clone();
                        let label = if row == 0 {
                            format!("Name of column {}", column + 1)
                        } else {
                            format!("Row {row}, column {}", column + 1)
                        };
                        let content = move || {
                            rows.with(|rows| {
                                rows.get(row).and_then(|cells| cells.get(column)).cloned().unwrap_or_default()
                            })
                        };
                        let input = view! {
                            <input type="text" aria-label=label data-cell=format!("{row}-{column}") prop:value=content
                                on:change=move |event| {
                                    let typed = event_target_value(&event);
                                    rows.update_untracked(|rows| {
                                        while rows.len() <= row { rows.push(Vec::new()); }
                                        while rows[row].len() <= column { rows[row].push(String::new()); }
                                        rows[row][column] = typed;
                                    });
                                    keep();
                                }
                                on:keydown=move |event| walk(&event, row, column) />
                        };
                        if row == 0 {
                            view! { <th>{input}</th> }.into_any()
                        } else {
                            view! { <td>{input}</td> }.into_any()
                        }
                    })
                    .collect();
                let number = if row == 0 { String::new() } else { row.to_string() };
                if row == 0 {
                    view! { <thead><tr><td>{number}</td>{cells}</tr></thead> }.into_any()
                } else {
                    view! { <tbody><tr><td>{number}</td>{cells}</tr></tbody> }.into_any()
                }
            })
            .collect::<Vec<_>>()
    };
    view! {
        <div class="grid-editor" id=field.id.clone() role="group" aria-labelledby=format!("{}-label", field.id) on:paste=pasted>
            <table>{table}</table>
        </div>
        <div class="field__row">
            <button type="button" class="button button--small" on:click=move |_| {
                rows.update(|rows| { let n = rows.first().map_or(1, Vec::len); rows.push(vec![String::new(); n]); });
                row_keep();
            }>{icon("plus")}"Row"</button>
            <button type="button" class="button button--small" on:click=move |_| {
                rows.update(|rows| {
                    if rows.is_empty() { rows.push(Vec::new()); }
                    let n = rows[0].len() + 1;
                    for (row_idx, row) in rows.iter_mut().enumerate() {
                        row.resize(n, String::new());
                        if row_idx == 0 { row[n - 1] = format!("column {n}"); }
                    }
                });
                column_keep();
            }>{icon("plus")}"Column"</button>
        </div>
        <p class="field__help">"Paste from a spreadsheet into any cell to replace the table; the first row holds the names"</p>
    }
    .into_any()
}

/// Enter and the vertical arrows walk the grid as in a spreadsheet.
fn walk(event: &web_sys::KeyboardEvent, row: usize, column: usize) {
    // With Ctrl or Cmd held they are shortcuts of the page.
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let next = match event.key().as_str() {
        "Enter" | "ArrowDown" => row + 1,
        "ArrowUp" if row > 0 => row - 1,
        _ => return,
    };
    event.prevent_default();
    let grid = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|cell| cell.closest(".grid-editor").ok().flatten());
    let cell = grid.and_then(|grid| grid.query_selector(&format!("[data-cell=\"{next}-{column}\"]")).ok().flatten());
    if let Some(cell) = cell.and_then(|cell| cell.dyn_into::<web_sys::HtmlElement>().ok()) {
        // An element that is in the page takes the focus.
        let _ = cell.focus();
    }
}

/// Cells of delimited text, with RFC 4180's quotes.
fn parse(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut letters = text.trim_end_matches(['\n', '\r']).chars().peekable();
    while let Some(letter) = letters.next() {
        let row = rows.last_mut().expect("there is always a row");
        let cell = row.last_mut().expect("a row has always a cell");
        if is_quoted {
            if letter != '"' {
                cell.push(letter);
            } else if letters.peek() == Some(&'"') {
                letters.next();
                cell.push('"');
            } else {
                is_quoted = false;
            }
        } else if letter == '"' && cell.is_empty() {
            is_quoted = true;
        } else if letter == separator {
            row.push(String::new());
        } else if letter == '\n' {
            rows.push(vec![String::new()]);
        } else if letter != '\r' {
            cell.push(letter);
        }
    }
    rows
}

/// Without the empty rows at the end, which only wait to be filled.
fn trimmed(rows: &[Vec<String>]) -> &[Vec<String>] {
    let n = rows.iter().rposition(|row| row.iter().any(|cell| !cell.is_empty())).map_or(0, |last| last + 1);
    &rows[..n]
}

fn write(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for row in trimmed(rows) {
        for column in 0..n_columns {
            if column > 0 {
                text.push(',');
            }
            let cell = row.get(column).map_or("", String::as_str);
            if cell.contains([',', '"', '\n']) {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        text.push('\n');
    }
    text
}
