//! What came out of a node: figures of merit, charts, trees, and tables of any length.

mod appearance;
pub mod chart;
mod column_panel;
mod confusion;
mod data_panel;
mod facts;
mod grid;
mod live_panel;
mod map;
mod metrics;
mod output_panel;
mod pages;
pub mod parallel;
mod pictures;
pub mod pixels;
mod table_header;
mod table_state;
mod table_toolbar;
mod tree;

pub use appearance::{theme, version, watch_size};
pub use data_panel::data_panel;
pub use live_panel::live_panel;
pub use output_panel::output_panel;

use leptos::prelude::*;
use protocol::Failure;

use crate::views::icon::icon;

/// What a panel says in place of results.
pub fn empty(icon_name: &'static str, headline: &str, words: &str) -> AnyView {
    view! {
        <div class="empty">
            {icon(icon_name)}
            <b>{headline.to_owned()}</b>
            <p>{words.to_owned()}</p>
        </div>
    }
    .into_any()
}

/// A failure in place of results, with its way out.
fn failed(failure: &Failure) -> AnyView {
    empty("info", &failure.message, &failure.help)
}

/// A fraction as a percentage that never says 0 or 100 % of something that is not.
fn percent(n: f64, of: f64) -> String {
    if of <= 0.0 {
        return "–".to_owned();
    }
    let share = n / of * 100.0;
    match share {
        share if share > 0.0 && share < 0.1 => "< 0.1 %".to_owned(),
        share if share < 100.0 && share > 99.9 => "> 99.9 %".to_owned(),
        share => {
            let text = format!("{share:.1}");
            format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
        }
    }
}
