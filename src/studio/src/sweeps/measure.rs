//! How long a trial takes on this machine with one worker, and with more side by side: measured, not divided.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{Failure, RunTrial, SweepNext};
use study::{Action, News, Rule, Sampling};
use wasm_bindgen_futures::js_sys::Promise;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::sweep::{Sweep, trial};
use crate::dom;
use crate::idle::Busy;
use crate::pace::{MEASURE, Pace, in_words, measure_button};
use crate::pool::Pool;
use crate::store::Studio;
use crate::worker_client::Link;

/// Trials that each worker of the larger pool gets, so that one slow trial decides less.
const TRIALS_PER_WORKER: u32 = 3;

/// A button that measures, and what it found in seconds per trial. `drafted` gives the sweep as the form stands.
pub fn view(studio: Studio, paces: RwSignal<Vec<Pace>>, drafted: Callback<(), Option<Sweep>>) -> AnyView {
    let is_busy = RwSignal::new(false);
    let measure = move || {
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
    view! {
        <div class="sweeps__pace">
            {measure_button("sweep-measure", MEASURE, is_busy, move || drafted.run(()).is_some(), measure)}
            <span id="sweep-pace" role="status">{move || paces.with(|paces| in_words(paces, " a trial"))}</span>
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
    for action in studio
        .link
        .call(SweepNext { news: News::of_all(&sweep.study), n_starts: n_trials + 1 })
        .await?
        .unwrap_or_default()
    {
        if let Action::Start { number, settings, .. } = action {
            sweep.study.plan(settings);
            // It was planned just now.
            let _ = sweep.study.start(number, None, 0.0);
        }
    }
    let calls: Result<Vec<_>, _> =
        (0..sweep.study.trials.len() as u32).map(|number| trial(&sweep, number, News::of_all(&sweep.study))).collect();
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
        // Of all trials, divided by how many they were.
        let secs = (dom::now_ms() - began_ms) / 1_000.0 / rest.len() as f64;
        paces.try_update(|paces| paces.push(Pace { n_workers, secs }));
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
