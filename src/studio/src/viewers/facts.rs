//! Small tables of words and numbers.

use leptos::prelude::*;

/// More rows than this are said, not shown.
const N_SHOWN: usize = 500;

/// Rows of name and values.
pub fn facts(title: &str, heads: &[String], rows: &[Vec<String>]) -> AnyView {
    let head_cells = heads
        .iter()
        .enumerate()
        .map(|(column_idx, head)| {
            let text = rows.first().and_then(|row| row.get(column_idx));
            let class = if column_idx > 0 && text.is_some_and(|text| is_number(text)) { "facts__number" } else { "" };
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
                    } else if is_number(&text) {
                        view! { <td class="facts__number">{text}</td> }.into_any()
                    } else {
                        view! { <td>{text}</td> }.into_any()
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
