//! How many workers compute a run, and what that is worth on this machine.

use std::collections::BTreeSet;

use editor::RunState;
use leptos::prelude::*;
use leptos::task::spawn_local;
use pipeline::Pipeline;
use protocol::{
    Compute, Failure, GpuFound, MeasureNetworks, Networks, NodeOutcome, Paces, Rerun, Run, RunId, RunTarget,
};

use super::face::seconds;
use crate::idle::Busy;
use crate::pace::{MEASURE, Pace, in_words, measure_button};
use crate::pool::Pool;
use crate::store::Studio;
use crate::worker_client::Link;
use crate::{compute, dom};

/// The menu; the button beside Run opens it.
#[component]
pub fn ComputeMenu() -> impl IntoView {
    let studio = expect_context::<Studio>();
    let paces = RwSignal::new(Vec::<Pace>::new());
    // What was measured holds for the pipeline as it was.
    let revision = studio.select(|editor| editor.revision());
    Effect::new(move |_| {
        revision.track();
        paces.set(Vec::new());
    });
    let offered = offered(studio.n_workers.get_untracked()).into_iter();
    let choices = offered.map(|n_workers| choice(studio, paces, n_workers)).collect_view();
    view! {
        <div class="popover compute" id="compute-menu" popover="auto" role="dialog" aria-labelledby="compute-heading">
            <fieldset class="compute__choices">
                <legend id="compute-heading">"Compute"</legend>
                {choices}
            </fieldset>
            <p class="compute__hint">"Folds, trees, settings and nodes that do not wait for each other are shared out; the rest is computed by one worker. The figures are the same on any number."</p>
            {measurement(studio, paces)}
            {of_networks(studio)}
        </div>
    }
}

/// One worker, twice as many and so on, what is usual, all cores, and what is chosen.
fn offered(chosen: u32) -> BTreeSet<u32> {
    let n_cores = compute::n_cores();
    let doubled = std::iter::successors(Some(1), |n| Some(n * 2)).take_while(move |n| *n < n_cores);
    doubled.chain([n_cores, compute::usual(), chosen]).collect()
}

fn choice(studio: Studio, paces: RwSignal<Vec<Pace>>, n_workers: u32) -> AnyView {
    let is_chosen = move || studio.n_workers.get() == n_workers;
    let note = match n_workers {
        n if n == compute::usual() => format!("usual on {} cores", compute::n_cores()),
        n if n > compute::n_cores() => "more than there are cores".to_owned(),
        _ => String::new(),
    };
    let took = move || {
        paces.with(|paces| paces.iter().find(|pace| pace.n_workers == n_workers).map(|pace| seconds(pace.secs)))
    };
    view! {
        <label class="compute__choice">
            <input type="radio" name="compute" value=n_workers.to_string() prop:checked=is_chosen autofocus=is_chosen on:change=move |_| studio.choose_workers(n_workers) />
            <span>{compute::in_words(n_workers)}</span>
            <small>{note}</small>
            <b class="num">{took}</b>
        </label>
    }
    .into_any()
}

/// A button that measures and one that stops it, and what was found.
fn measurement(studio: Studio, paces: RwSignal<Vec<Pace>>) -> AnyView {
    let under_way = RwSignal::new(None::<Link>);
    let is_busy = RwSignal::new(false);
    let can_run =
        studio.select(|editor| !editor.pipeline().nodes().is_empty() && *editor.run_state() == RunState::Idle);
    let measure = move || {
        is_busy.set(true);
        paces.set(Vec::new());
        let busy = Busy::begin();
        spawn_local(async move {
            let pool = Pool::start(1);
            let outcome = match pool.take() {
                Some((_, link)) => {
                    under_way.set(Some(link));
                    all(studio, link, paces).await
                }
                None => Ok(()),
            };
            // Whoever stopped it knows.
            if let (Err(failure), Some(_)) = (outcome, under_way.get_untracked()) {
                studio.fail(failure);
            }
            under_way.set(None);
            is_busy.set(false);
            drop((pool, busy));
        });
    };
    let stop = move |_| {
        if let Some(link) = under_way.get_untracked() {
            under_way.set(None);
            link.end();
            dom::focus_later("#run-measure");
        }
    };
    let stop_button = move || {
        under_way.get().map(|_| {
            view! { <button type="button" class="button button--small button--ghost" on:click=stop>"Stop"</button> }
        })
    };
    let found = move || match (is_busy.get(), paces.get().as_slice()) {
        (true, []) => "Runs the pipeline a few times, without reuse".to_owned(),
        (_, paces) => in_words(paces, ""),
    };
    view! {
        <div class="compute__measure">
            {measure_button("run-measure", MEASURE, is_busy, move || can_run.get(), measure)}
            {stop_button}
        </div>
        <p class="compute__found" id="run-pace" role="status">{found}</p>
    }
    .into_any()
}

/// Rounds of a pipeline that is soon through; of each number of workers the fastest counts.
const N_ROUNDS: u32 = 4;
/// One that takes longer than this has two: one to warm up, and one that counts.
const PATIENCE_MS: f64 = 10_000.0;

/// Measures one worker and as many as are chosen, by an engine of its own: nothing is reused, and nothing changes here.
async fn all(studio: Studio, link: Link, paces: RwSignal<Vec<Pace>>) -> Result<(), Failure> {
    if studio.has_unkept_files.get_untracked() {
        return Err(Failure::new(
            "a file of this pipeline is only in the memory of the page's own engine, and a measurement has another",
            "Choose the file again where the browser has room to keep it.",
        ));
    }
    let pipeline = studio.with(|editor| editor.as_given());
    let n_workers = match studio.n_workers.get_untracked() {
        1 => compute::usual(),
        chosen => chosen,
    };
    let began_ms = dom::now_ms();
    // The browser makes the engine's code faster while it runs, so the first round does not count.
    for round in 0..N_ROUNDS {
        if round > 1 && dom::now_ms() - began_ms > PATIENCE_MS {
            break;
        }
        for n_workers in [1, n_workers] {
            let secs = one(link, &pipeline, n_workers).await?;
            if round > 0 {
                paces.update(|paces| faster(paces, Pace { n_workers, secs }));
            }
        }
    }
    Ok(())
}

/// Seconds of one run.
async fn one(link: Link, pipeline: &Pipeline, n_workers: u32) -> Result<f64, Failure> {
    let began_ms = dom::now_ms();
    let call = Run {
        run: RunId(0),
        pipeline: pipeline.clone(),
        target: RunTarget::All,
        rerun: Rerun::All,
        compute: Compute::with_workers(n_workers),
    };
    let report = link.call(call).await?;
    if report.nodes.values().all(|node| node.outcome == NodeOutcome::Ran) {
        return Ok((dom::now_ms() - began_ms) / 1_000.0);
    }
    Err(Failure::new(
        "not every node came through, so there is nothing to measure",
        "Run the pipeline, mend what fails, and measure then.",
    ))
}

/// What trains neural networks, and what that is worth on this machine.
fn of_networks(studio: Studio) -> AnyView {
    let chosen = RwSignal::new(compute::networks());
    let is_busy = RwSignal::new(false);
    let found = RwSignal::new(None::<Result<GpuFound, Failure>>);
    let choice = |networks: Networks, label: &'static str, note: &'static str| {
        let is_chosen = move || std::mem::discriminant(&chosen.get()) == std::mem::discriminant(&networks);
        let choose = move |_| {
            compute::keep_networks(networks);
            chosen.set(networks);
        };
        view! {
            <label class="compute__choice">
                <input type="radio" name="networks" prop:checked=is_chosen on:change=choose />
                <span>{label}</span>
                <small>{note}</small>
            </label>
        }
    };
    let measure = move || {
        is_busy.set(true);
        spawn_local(async move {
            let measured = studio.link.call(MeasureNetworks {}).await;
            if let Ok(measured) = &measured {
                compute::keep_paces(measured.paces);
            }
            found.set(Some(measured));
            is_busy.set(false);
        });
    };
    let is_idle = studio.select(|editor| *editor.run_state() == RunState::Idle);
    view! {
        <fieldset class="compute__choices compute__networks">
            <legend>"Neural networks, and 64 columns or more"</legend>
            {choice(Networks::Faster(None), "Automatic", "whichever is faster")}
            {choice(Networks::Cpu, "CPU", "the same figures everywhere")}
            {choice(Networks::Gpu, "GPU", "rounds in its own way")}
        </fieldset>
        <div class="compute__measure">{measure_button("gpu-measure", "Measure CPU and GPU", is_busy, move || is_idle.get(), measure)}</div>
        <div class="compute__found" id="gpu-pace" role="status">{move || found.with(|found| found.as_ref().map(told))}</div>
    }
    .into_any()
}

/// What was found: what a step of two networks takes on each.
fn told(found: &Result<GpuFound, Failure>) -> AnyView {
    let found = match found {
        Ok(found) => found,
        Err(failure) => return view! { <p>{format!("No GPU: {}. {}", failure.message, failure.help)}</p> }.into_any(),
    };
    let Paces { cpu, gpu } = found.paces;
    let name = match found.is_software {
        true => format!("{}, a program on the CPU", found.name),
        false => found.name.clone(),
    };
    let row = |network: &'static str, rows: &'static str, n_products: f64| {
        view! {
            <tr>
                <th scope="row">{network}<small>{rows}</small></th>
                <td>{seconds(cpu.secs(n_products))}</td>
                <td>{seconds(gpu.secs(n_products))}</td>
            </tr>
        }
    };
    view! {
        <p>{name}</p>
        <table>
            <thead><tr><th scope="col">"A step"</th><th scope="col">"CPU"</th><th scope="col">"GPU"</th></tr></thead>
            <tbody>
                {row("20-64-64-2", "128 rows", 3.0 * 128.0 * 5_504.0)}
                {row("784-512-512-10", "512 rows", 3.0 * 512.0 * 668_672.0)}
            </tbody>
        </table>
    }
    .into_any()
}

fn faster(paces: &mut Vec<Pace>, pace: Pace) {
    match paces.iter_mut().find(|known| known.n_workers == pace.n_workers) {
        Some(known) => known.secs = known.secs.min(pace.secs),
        None => paces.push(pace),
    }
}
