//! How long a trial takes on this machine with one worker, and with more side by side: measured, not divided.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{Failure, RunTrial, SweepNext};
use study::{Action, Rule, Sampling};
use wasm_bindgen_futures::js_sys::Promise;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::runner::{Sweep, trial};
use crate::dom;
use crate::idle::Busy;
use crate::pool::Pool;
use crate::store::Studio;
use crate::views::face::seconds;
use crate::views::icon::icon;
use crate::worker_client::Link;

/// Trials that each worker of the larger pool gets, so that one slow trial decides less.
const TRIALS_PER_WORKER: u32 = 3;

/// Seconds per trial with so many workers.
#[derive(Clone, Copy, PartialEq)]
pub struct Pace {
    /// Workers side by side.
    pub n_workers: u32,
    /// Wall-clock seconds of all trials, divided by how many they were.
    pub secs_per_trial: f64,
}

/// A button that measures, and what it found. `drafted` gives the sweep as the form stands.
pub fn view(studio: Studio, paces: RwSignal<Vec<Pace>>, drafted: Callback<(), Option<Sweep>>) -> AnyView {
    let is_busy = RwSignal::new(false);
    let measure = move |_| {
        let Some(sweep) = drafted.run(()) else { return };
        is_busy.set(true);
        paces.set(Vec::new());
        let busy = Busy::begin();
        spawn_local(async move {
            if let Err(failure) = all(studio, sweep, paces).await {
                studio.fail(failure);
            }
            // The form may have been left meanwhile.
            is_busy.try_set(false);
            drop(busy);
        });
    };
    let found = move || {
        let paces = paces.get();
        let first = paces.first().map(|pace| pace.secs_per_trial);
        let words = paces.iter().map(|pace| {
            let plural = if pace.n_workers == 1 { "" } else { "s" };
            let times = first.filter(|_| pace.n_workers > 1).map(|first| first / pace.secs_per_trial);
            let times = times.map_or(String::new(), |times| format!(", {times:.1} times as fast"));
            format!("{} worker{plural}: {} a trial{times}", pace.n_workers, seconds(pace.secs_per_trial))
        });
        words.collect::<Vec<_>>().join(" · ")
    };
    view! {
        <div class="sweeps__pace">
            <button type="button" class="button button--small" id="sweep-measure" disabled=move || is_busy.get() || drafted.run(()).is_none() on:click=measure>
                {move || icon(if is_busy.get() { "loader" } else { "clock" })}
                {move || if is_busy.get() { "Measuring…" } else { "Measure on this machine" }}
            </button>
            <span id="sweep-pace" role="status">{found}</span>
        </div>
    }
    .into_any()
}

/// Measures one worker, then as many as the sweep is to have.
async fn all(studio: Studio, mut sweep: Sweep, paces: RwSignal<Vec<Pace>>) -> Result<(), Failure> {
    if studio.has_unkept_files.get_untracked() && sweep.n_workers > 1 {
        return Err(Failure::new(
            "a file of this pipeline is only in the memory of the page's own engine, so trials run one at a time",
            "Choose the file again where the browser has room to keep it.",
        ));
    }
    let n_trials = sweep.n_workers.max(2) * TRIALS_PER_WORKER;
    sweep.study.sampling = Sampling::Random { seed: 1, rule: Rule::Random };
    sweep.study.early_termination = None;
    sweep.study.limits.max_total_trials = n_trials + 1;
    for action in studio.link.call(SweepNext { study: sweep.study.clone() }).await? {
        if let Action::Start { number, settings, .. } = action {
            sweep.study.plan(settings);
            // It was planned just now.
            let _ = sweep.study.start(number, None, 0.0);
        }
    }
    let calls: Result<Vec<_>, _> = (0..sweep.study.trials.len() as u32).map(|number| trial(&sweep, number)).collect();
    let Some((first, rest)) = calls?.split_first().map(|(first, rest)| (first.clone(), rest.to_vec())) else {
        return Ok(());
    };
    if rest.is_empty() {
        return Err(Failure::new("there is only one combination to try", "Vary more, and measure then."));
    }
    let mut counts = vec![1, sweep.n_workers];
    counts.dedup();
    // The browser makes the engine's code faster while it runs, once for all workers: that is not measured either.
    let pool = Pool::start(1);
    side_by_side(&links_of(&pool), rest.clone()).await?;
    drop(pool);
    for n_workers in counts {
        let pool = Pool::start(n_workers);
        let links = links_of(&pool);
        // What all trials share is computed once in every worker, before the clock runs.
        side_by_side(&links, vec![first.clone(); links.len()]).await?;
        let began_ms = dom::now_ms();
        side_by_side(&links, rest.clone()).await?;
        let secs_per_trial = (dom::now_ms() - began_ms) / 1_000.0 / rest.len() as f64;
        paces.try_update(|paces| paces.push(Pace { n_workers, secs_per_trial }));
    }
    Ok(())
}

fn links_of(pool: &Pool) -> Vec<Link> {
    std::iter::from_fn(|| pool.take()).map(|(_, link)| link).collect()
}

/// Runs all calls, each worker taking the next one as soon as it is free.
async fn side_by_side(links: &[Link], calls: Vec<RunTrial>) -> Result<(), Failure> {
    let calls = Rc::new(RefCell::new(VecDeque::from(calls)));
    let failed = Rc::new(RefCell::new(None));
    let workers: Vec<Promise> = links
        .iter()
        .map(|&link| {
            let (calls, failed) = (Rc::clone(&calls), Rc::clone(&failed));
            future_to_promise(async move {
                loop {
                    let next = calls.borrow_mut().pop_front();
                    let Some(call) = next else { break };
                    if let Err(failure) = link.call(call).await {
                        failed.replace(Some(failure));
                        calls.borrow_mut().clear();
                    }
                }
                Ok(wasm_bindgen::JsValue::UNDEFINED)
            })
        })
        .collect();
    for worker in workers {
        // These promises are never rejected.
        let _ = JsFuture::from(worker).await;
    }
    match failed.take() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}
