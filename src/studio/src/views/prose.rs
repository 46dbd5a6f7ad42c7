//! Help texts: paragraphs, `- ` lists, `code` and *emphasis*, as elements rather than markup.

use leptos::prelude::*;

/// A help text, ready to be read.
pub fn prose(text: &str) -> AnyView {
    let blocks: Vec<_> = text
        .split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .map(|block| {
            if block.lines().all(|line| line.trim_start().starts_with("- ")) {
                let items: Vec<_> = block
                    .lines()
                    .map(|line| view! { <li>{inline(line.trim_start().trim_start_matches("- "))}</li> }.into_any())
                    .collect();
                view! { <ul>{items}</ul> }.into_any()
            } else {
                view! { <p>{inline(block)}</p> }.into_any()
            }
        })
        .collect();
    view! { <div class="prose">{blocks}</div> }.into_any()
}

/// One paragraph with its `code` and *emphasis*.
pub fn inline(text: &str) -> Vec<AnyView> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['`', '*']) {
        let mark = &rest[start..=start];
        let Some(length) = rest[start + 1..].find(mark).filter(|length| *length > 0) else {
            pieces.push(rest[..=start].to_owned().into_any());
            rest = &rest[start + 1..];
            continue;
        };
        pieces.push(rest[..start].to_owned().into_any());
        let inside = rest[start + 1..start + 1 + length].to_owned();
        pieces.push(if mark == "`" {
            view! { <code>{inside}</code> }.into_any()
        } else {
            view! { <em>{inside}</em> }.into_any()
        });
        rest = &rest[start + 2 + length..];
    }
    pieces.push(rest.to_owned().into_any());
    pieces
}
