//! Small tables of words and numbers.

use leptos::prelude::*;

/// More rows than this are said, not shown.
const N_SHOWN: usize = 500;

/// Rows of name and values.
pub fn facts(title: &str, heads: &[String], rows: &[Vec<String>]) -> AnyView {
    // A column of numbers alone stands at the right.
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_of_numbers = |column_idx: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(column_idx)).filter(|text| !text.is_empty());
        column_idx > 0 && cells.all(|text| is_number(text))
    };
    let of_numbers: Vec<bool> = (0..n_columns).map(is_of_numbers).collect();
    let class_of = |column_idx: usize| if of_numbers.get(column_idx) == Some(&true) { "facts__number" } else { "" };
    let head_cells = heads
        .iter()
        .enumerate()
        .map(|(column_idx, head)| {
            let class = class_of(column_idx);
            if head.is_empty() {
                view! { <td></td> }.into_any()
            } else {
                view! { <th scope="col" class=class>{head.clone()}</th> }.into_any()
            }
        })
        .collect_view();
    let has_heads = heads.iter().any(|head| !head.is_empty());
    let body = rows
        .iter()
        .take(N_SHOWN)
        .map(|row| {
            let cells = row
                .iter()
                .enumerate()
                .map(|(cell_idx, text)| {
                    let text = text.clone();
                    if cell_idx == 0 {
                        view! { <th scope="row">{text}</th> }.into_any()
                    } else {
                        view! { <td class=class_of(cell_idx)>{text}</td> }.into_any()
                    }
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    let n_more = rows.len().saturating_sub(N_SHOWN);
    let more = (n_more > 0)
        .then(|| view! { <p class="facts__more">{format!("and {} more", charts::grouped(n_more as u64))}</p> });
    view! {
        <section class="facts">
            <h3 class="chart__title">{title.to_owned()}</h3>
            <div class="facts__body" tabindex="0" role="group" aria-label=title.to_owned()>
                <table class="facts__table">
                    {has_heads.then(|| view! { <thead><tr>{head_cells}</tr></thead> })}
                    <tbody>{body}</tbody>
                </table>
                {more}
            </div>
        </section>
    }
    .into_any()
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.trim_start_matches(['-', '+', '−']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '%' | 'e' | '-' | '−'))
}
