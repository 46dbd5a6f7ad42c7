//! The page of sweeps: what to vary and toward what, how it goes, and what came of it.

mod columns;
mod contour;
mod intermediate;
mod keep;
mod mattered;
mod panels;
mod parallel;
mod pareto;
mod results;
mod runner;
mod setup;
mod slice;
mod timeline;
mod trials;

use leptos::prelude::*;

use crate::store::Studio;
use runner::Runner;

/// The page, for the document that is open.
pub fn page(studio: Studio) -> AnyView {
    let runner = Runner::of_open_document(studio);
    let sweep = runner.sweep();
    let has_sweep = Memo::new(move |_| sweep.with(Option::is_some));
    let content = move || if has_sweep.get() { results::view(studio, runner) } else { setup::view(studio, runner) };
    view! { <div class="sweeps" data-region="sweeps">{content}</div> }.into_any()
}
