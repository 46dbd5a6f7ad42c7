//! Parts of the page that are fetched after the first paint.
//!
//! `cargo xtask finish` cuts the program at the functions below: whatever only they use comes as a file of its own,
//! in the same memory and with the same framework. A part is fetched as soon as the engine has greeted, or when it is
//! first shown, whichever comes first.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use pipeline::Pipeline;
use pipeline::link::{LinkError, Packed};
use protocol::Failure;
use wasm_bindgen_futures::spawn_local;

use crate::idle::Busy;
use crate::store::Studio;
use crate::views::icon::icon;

/// What shows results.
#[derive(Clone, Copy)]
pub struct ResultsOf {
    /// Whose results.
    pub node: Signal<Option<pipeline::NodeId>>,
    /// Changes whenever results may have changed.
    pub revision: Signal<u64>,
    /// Whether there are some from before, while it runs.
    pub has_results: bool,
    /// How far it is, while it runs.
    pub progress: Signal<String>,
    /// How the run moves, and what changes that.
    pub motion: RwSignal<protocol::Motion>,
    pub set_motion: Callback<protocol::Motion>,
    /// To the worker.
    pub link: crate::worker_client::Link,
    /// Text for screen readers.
    pub announce: Callback<String>,
}

/// What of the results is shown.
#[derive(Clone, Copy)]
enum Panel {
    Output,
    Live,
    Data,
}

// Each function knows by itself whether its part is here, so a part that shows something has one.
#[wasm_split(viewers, wasm_split_path = ::leptos::wasm_split, preload(fetch_viewers), fallible)]
fn viewer(panel: Panel, results: ResultsOf) -> Result<AnyView, SplitLoaderError> {
    Ok(match panel {
        Panel::Output => crate::viewers::output_panel(results),
        Panel::Live => crate::viewers::live_panel(results),
        Panel::Data => crate::viewers::data_panel(results),
    })
}

#[wasm_split(links, wasm_split_path = ::leptos::wasm_split, preload(fetch_links), fallible)]
fn pack(pipeline: Pipeline) -> Result<Packed, SplitLoaderError> {
    Ok(pipeline::link::pack(&pipeline))
}

#[wasm_split(links, wasm_split_path = ::leptos::wasm_split, fallible)]
fn unpack(fragment: String) -> Result<Result<Pipeline, LinkError>, SplitLoaderError> {
    Ok(pipeline::link::decode(&fragment))
}

#[wasm_split(runs, wasm_split_path = ::leptos::wasm_split, preload(fetch_runs), fallible)]
fn runs_page(studio: Studio) -> Result<AnyView, SplitLoaderError> {
    Ok(crate::runs::page(studio))
}

#[wasm_split(runs, wasm_split_path = ::leptos::wasm_split, fallible)]
fn record_runs(studio: Studio) -> Result<(), SplitLoaderError> {
    crate::runs::record(studio);
    Ok(())
}

/// Trials of a sweep, to be compared as runs.
#[derive(Clone)]
pub struct Trials {
    /// The sweep's id.
    pub sweep: String,
    /// Their numbers, the best first.
    pub numbers: Vec<u32>,
    /// What the list of all its trials is sorted by.
    pub metric: String,
    /// Whether the largest figures come first.
    pub is_high_better: bool,
}

#[wasm_split(runs, wasm_split_path = ::leptos::wasm_split, fallible)]
fn look_at_trials(studio: Studio, trials: Trials) -> Result<(), SplitLoaderError> {
    crate::runs::look_at_trials(studio, trials);
    Ok(())
}

/// Shows the runs of a sweep, with these trials side by side.
pub fn compare_trials(studio: Studio, trials: Trials) {
    let busy = Busy::begin();
    spawn_local(async move {
        // Where the part does not come, the page says so.
        drop(look_at_trials(studio, trials).await);
        studio.show_runs();
        drop(busy);
    });
}

/// From now on, and from before on, every run is recorded.
pub fn start_recording(studio: Studio) {
    // Where the part does not come, the page of runs says so, and recording begins once it is there.
    spawn_local(async move { drop(record_runs(studio).await) });
}

/// A pipeline as a link.
///
/// # Errors
/// The part that packs did not load.
pub async fn to_link(pipeline: Pipeline) -> Result<Packed, Failure> {
    pack(pipeline).await.map_err(|_| missing())
}

/// The pipeline in a link, or what is wrong with the link.
///
/// # Errors
/// The part that unpacks did not load.
pub async fn from_link(fragment: String) -> Result<Result<Pipeline, LinkError>, Failure> {
    unpack(fragment).await.map_err(|_| missing())
}

fn missing() -> Failure {
    Failure::new("this part of Millrace did not load", "Check the connection and try again; your pipeline is unharmed.")
}

/// Fetches what has no place of its own on the page.
pub fn fetch_rest() {
    // Whoever needs it asks again, and says so when it does not come.
    spawn_local(async { drop(fetch_links().await) });
}

/// What the part of the panels around the canvas shows.
#[derive(Clone, Copy)]
enum Beside {
    Components,
    Outline,
    Selection,
    Problems,
    RunWith,
}

#[wasm_split(inspector, wasm_split_path = ::leptos::wasm_split, preload(fetch_inspector), fallible)]
fn inspector(what: Beside, studio: Studio) -> Result<AnyView, SplitLoaderError> {
    Ok(match what {
        Beside::Components => crate::views::palette::components(studio),
        Beside::Outline => crate::views::outline::outline(studio),
        Beside::Selection => crate::views::inspector::content(studio),
        Beside::Problems => crate::views::problems::problems(studio),
        Beside::RunWith => crate::views::inspector::run_with(studio),
    })
}

#[wasm_split(overlays, wasm_split_path = ::leptos::wasm_split, preload(fetch_overlays), fallible)]
fn overlays() -> Result<AnyView, SplitLoaderError> {
    Ok(crate::views::overlays())
}

#[wasm_split(sweeps, wasm_split_path = ::leptos::wasm_split, preload(fetch_sweeps), fallible)]
fn sweeps(studio: Studio) -> Result<AnyView, SplitLoaderError> {
    Ok(crate::sweeps::page(studio))
}

#[wasm_split(monitor, wasm_split_path = ::leptos::wasm_split, preload(fetch_monitor), fallible)]
fn monitor(studio: Studio) -> Result<AnyView, SplitLoaderError> {
    Ok(crate::monitor::page(studio))
}

#[wasm_split(models, wasm_split_path = ::leptos::wasm_split, preload(fetch_models), fallible)]
fn models(studio: Studio) -> Result<AnyView, SplitLoaderError> {
    Ok(crate::models::page(studio))
}

#[wasm_split(models, wasm_split_path = ::leptos::wasm_split, fallible)]
fn offline(studio: Studio) -> Result<(), SplitLoaderError> {
    crate::offline::start(studio);
    Ok(())
}

/// From now on the studio works without a network, and has an endpoint of its own.
pub fn keep_offline(studio: Studio) {
    // Where the part does not come, the page of models says so.
    spawn_local(async move { drop(offline(studio).await) });
}

#[wasm_split(models, wasm_split_path = ::leptos::wasm_split, fallible)]
fn change_builds() -> Result<(), SplitLoaderError> {
    crate::offline::take_over();
    Ok(())
}

/// Loads the page anew with the build that waits.
pub fn take_over() {
    // Whoever was told of that build has the part.
    spawn_local(async { drop(change_builds().await) });
}

#[wasm_split(runs, wasm_split_path = ::leptos::wasm_split, fallible)]
fn behind(studio: Studio, pipeline: Pipeline) -> Result<(String, String), SplitLoaderError> {
    Ok(crate::runs::behind(studio, &pipeline))
}

/// The hash of a pipeline, and the last run that was recorded of it in the open document; empty if there is none.
pub async fn run_behind(studio: Studio, pipeline: Pipeline) -> (String, String) {
    behind(studio, pipeline).await.unwrap_or_default()
}

/// How far a part has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetched {
    NotYet,
    UnderWay,
    Here,
    Failed,
}

type Fetching = Pin<Box<dyn Future<Output = Result<(), SplitLoaderError>>>>;

/// A part of the page. A handle: copies lead to the same one.
#[derive(Clone, Copy)]
pub struct Part {
    fetched: RwSignal<Fetched>,
    fetching: fn() -> Fetching,
}

impl Part {
    /// Everything that shows results: tables, charts, trees.
    pub fn viewers() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_viewers()) }
    }

    /// What fills the panels around the canvas: components, outline, settings, problems.
    pub fn inspector() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_inspector()) }
    }

    /// What stands in the inspector.
    pub fn inspector_content(self, studio: Studio) -> AnyView {
        self.view(move || inspector(Beside::Selection, studio))
    }

    /// What can be placed.
    pub fn components(self, studio: Studio) -> AnyView {
        self.view(move || inspector(Beside::Components, studio))
    }

    /// What has been placed.
    pub fn outline(self, studio: Studio) -> AnyView {
        self.view(move || inspector(Beside::Outline, studio))
    }

    /// What is wrong.
    pub fn problems(self, studio: Studio) -> AnyView {
        self.view(move || inspector(Beside::Problems, studio))
    }

    /// What asks for values before a run; nothing until it is here.
    pub fn run_with(self, studio: Studio) -> AnyView {
        self.once_here(move || inspector(Beside::RunWith, studio))
    }

    /// The page of sweeps.
    pub fn sweeps() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_sweeps()) }
    }

    /// What stands on the page of sweeps.
    pub fn sweeps_page(self, studio: Studio) -> AnyView {
        self.view(move || sweeps(studio))
    }

    /// What is registered, and where it serves.
    pub fn models() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_models()) }
    }

    /// What stands on the page of models.
    pub fn models_page(self, studio: Studio) -> AnyView {
        self.view(move || models(studio))
    }

    /// How endpoints serve.
    pub fn monitor() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_monitor()) }
    }

    /// What stands on the page of endpoints.
    pub fn monitor_page(self, studio: Studio) -> AnyView {
        self.view(move || monitor(studio))
    }

    /// What floats over the page: menus, searches, dialogs.
    pub fn overlays() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_overlays()) }
    }

    /// Runs: the list, comparisons, and what records them.
    pub fn runs() -> Self {
        Self { fetched: RwSignal::new(Fetched::NotYet), fetching: || Box::pin(fetch_runs()) }
    }

    /// The list of runs and what is below it.
    pub fn runs_page(self, studio: Studio) -> AnyView {
        self.view(move || runs_page(studio))
    }

    /// Menus, searches and dialogs; nothing until they are here.
    pub fn all_overlays(self) -> AnyView {
        self.once_here(overlays)
    }

    fn once_here<F>(self, build: impl Fn() -> F + Send + Sync + 'static) -> AnyView
    where
        F: Future<Output = Result<AnyView, SplitLoaderError>>,
    {
        let shown = move || (self.fetched.get() == Fetched::Here).then(|| self.now(build()));
        shown.into_any()
    }

    /// Why the part is not there, once it has been tried for.
    pub fn problem(self) -> Option<Failure> {
        (self.fetched.get() == Fetched::Failed).then(missing)
    }

    /// Acts as soon as the part is on the page.
    pub fn then(self, act: impl FnOnce() + 'static) {
        if self.fetched.get_untracked() == Fetched::Here {
            return act();
        }
        self.fetched.set(Fetched::UnderWay);
        let busy = Busy::begin();
        spawn_local(async move {
            let outcome = (self.fetching)().await;
            self.fetched.set(if outcome.is_ok() { Fetched::Here } else { Fetched::Failed });
            crate::dom::after_render(act);
            drop(busy);
        });
    }

    /// Metrics, charts and the like of a node.
    pub fn output_panel(self, results: ResultsOf) -> AnyView {
        self.view(move || viewer(Panel::Output, results))
    }

    /// What a node shows while it runs.
    pub fn live_panel(self, results: ResultsOf) -> AnyView {
        self.view(move || viewer(Panel::Live, results))
    }

    /// The rows of a node's tables.
    pub fn data_panel(self, results: ResultsOf) -> AnyView {
        self.view(move || viewer(Panel::Data, results))
    }

    /// Fetches the part unless it is here or on its way.
    pub fn fetch(self) {
        if self.fetched.get_untracked() != Fetched::UnderWay {
            self.then(|| ());
        }
    }

    fn view<F>(self, build: impl Fn() -> F + Send + Sync + 'static) -> AnyView
    where
        F: Future<Output = Result<AnyView, SplitLoaderError>>,
    {
        if self.fetched.get_untracked() == Fetched::NotYet {
            self.fetch();
        }
        let shown = move || {
            match self.fetched.get() {
            Fetched::Here => self.now(build()),
            Fetched::NotYet | Fetched::UnderWay => {
                view! { <div class="empty">{icon("loader")}<b>"One moment"</b><p>"This part of Millrace is on its way."</p></div> }.into_any()
            }
            Fetched::Failed => self.missing(),
        }
        };
        shown.into_any()
    }

    /// Of a part that is here, the future only calls into it.
    fn now(self, view: impl Future<Output = Result<AnyView, SplitLoaderError>>) -> AnyView {
        match pin!(view).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(view)) => view,
            Poll::Ready(Err(_)) | Poll::Pending => self.missing(),
        }
    }

    fn missing(self) -> AnyView {
        view! {
            <div class="empty" role="alert">
                {icon("octagon-alert")}
                <b>"This part of Millrace did not load"</b>
                <p>"Check the connection. Your pipeline and its results are unharmed."</p>
                <button type="button" class="button" on:click=move |_| self.fetch()>"Try again"</button>
            </div>
        }
        .into_any()
    }
}
