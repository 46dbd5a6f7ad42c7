//! The page of sweeps: what to vary and toward what, how it goes, and what came of it.

mod automl;
mod columns;
mod contour;
mod intermediate;
mod keep;
mod mattered;
mod measure;
mod offers;
mod panels;
mod pareto;
mod results;
mod rows;
mod runner;
mod setup;
mod slice;
mod sweep;
mod timeline;
mod trials;

use leptos::prelude::*;
use pipeline::NodeId;

pub use offers::can_vary;

use crate::store::{Studio, Tone};
use crate::views::icon::icon;
use runner::{Form, Runner};
use sweep::Sweep;

/// Opens the page with a parameter switched on in the form.
pub fn vary(studio: Studio, node: &NodeId, param: &str) {
    rows::wish(&studio.document.get_untracked(), node, param);
    studio.show_sweeps();
}

/// The page, for the document that is open.
pub fn page(studio: Studio) -> AnyView {
    let runner = Runner::of_open_document(studio);
    if rows::has_wish(&studio.document.get_untracked()) {
        if untrack(|| runner.is_under_way()) {
            let help = "What you asked for is varied in the next sweep: stop this one first, or wait for it.";
            studio.toast(Tone::Warning, "A sweep is under way", help);
        } else {
            runner.leave();
        }
    }
    let form = runner.form();
    let shown =
        Memo::new(
            move |_| if runner.with(|sweep| sweep.is_some()) { form.get() } else { form.get().or(Some(Form::New)) },
        );
    let content = move || match shown.get() {
        Some(Form::Automl) => automl::form(studio, runner),
        Some(form) => setup::view(studio, runner, form),
        None => view! { {results::view(studio, runner)}{resting(runner)} }.into_any(),
    };
    view! { <div class="sweeps" data-region="sweeps">{content}</div> }.into_any()
}

/// The way to another space, search or limits, while nothing runs.
fn resting(runner: Runner) -> impl IntoView {
    // What a search varies follows from its table.
    let varies = |sweep: &Sweep| sweep.automl.is_none();
    let rests = Memo::new(move |_| !runner.is_under_way() && runner.with(|sweep| sweep.is_some_and(varies)));
    move || {
        rests.get().then(|| {
            view! {
                <footer class="sweeps__rest">
                    <button type="button" class="button button--small" id="sweep-change" on:click=move |_| runner.form().set(Some(Form::Change))>
                        {icon("pencil")}"Change what is varied, the search or the limits"
                    </button>
                </footer>
            }
        })
    }
}
