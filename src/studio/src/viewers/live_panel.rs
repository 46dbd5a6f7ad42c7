//! What a node shows while it runs.

use charts::Figure;
use leptos::prelude::*;
use protocol::{Look, Map, Motion, Panel, Pictures};
use wasm_bindgen_futures::spawn_local;

use super::chart::{ChartEvents, ChartLook, chart_of};
use super::map::map;
use super::pictures::pictures;
use super::{empty, output_panel};
use crate::dom;
use crate::parts::ResultsOf;
use crate::views::icon::icon;

/// Looks come this much apart.
const PAUSE_MS: i32 = 250;

/// A panel that changes.
#[derive(Clone, Copy)]
enum Living {
    Figure(RwSignal<Figure>),
    Pictures(RwSignal<Pictures>),
    Map(RwSignal<Figure>, RwSignal<Map>),
}

impl Living {
    /// Of the kinds that nodes show while they run.
    fn new(panel: &Panel) -> Option<Self> {
        Some(match panel {
            Panel::Figure(figure) => Self::Figure(RwSignal::new(figure.clone())),
            Panel::Pictures(shown) => Self::Pictures(RwSignal::new(shown.clone())),
            Panel::Map { figure, map } => Self::Map(RwSignal::new(figure.clone()), RwSignal::new(map.clone())),
            Panel::Metrics { .. } | Panel::Confusion(_) | Panel::Tree(_) | Panel::Facts { .. } => return None,
        })
    }

    /// Takes on what a panel of the same kind shows; whether it could.
    fn follow(self, panel: &Panel) -> bool {
        let is_alike = |one: &Figure, other: &Figure| {
            let names = |figure: &Figure| figure.series.iter().map(|series| series.name.clone()).collect::<Vec<_>>();
            one.id == other.id && names(one) == names(other)
        };
        match (self, panel) {
            (Self::Figure(shown), Panel::Figure(figure)) if shown.with_untracked(|shown| is_alike(shown, figure)) => {
                shown.set(figure.clone());
            }
            (Self::Pictures(shown), Panel::Pictures(new)) if shown.with_untracked(|shown| shown.id == new.id) => {
                shown.set(new.clone());
            }
            (Self::Map(shown, cells), Panel::Map { figure, map })
                if shown.with_untracked(|shown| is_alike(shown, figure)) =>
            {
                // The chart is drawn anew with its figure.
                cells.set(map.clone());
                shown.set(figure.clone());
            }
            _ => return false,
        }
        true
    }

    fn view(self, events: ChartEvents) -> AnyView {
        let content = match self {
            Self::Figure(figure) => chart_of(figure, ChartLook::default(), events),
            Self::Pictures(shown) => pictures(shown),
            Self::Map(figure, cells) => map(figure, cells, events),
        };
        view! { <div class="output__panel">{content}</div> }.into_any()
    }
}

/// Curves, maps and pictures of a node under way; what it showed before until there are some.
pub fn live_panel(results: ResultsOf) -> AnyView {
    let ResultsOf { node, link, announce, has_results, .. } = results;
    let living = RwSignal::new(Vec::<Living>::new());
    let Some(watched) = node.get_untracked() else { return ().into_any() };
    spawn_local(async move {
        let mut number = 0;
        // None when the node is through; the panel makes way for its results then.
        while let Ok(Some(seen)) = link.call(Look { node: watched.clone(), seen: number }).await {
            number = seen.number;
            let (Some(shown), Ok(panels)) = (living.try_get_untracked(), seen.panels.open()) else { break };
            let follows =
                shown.len() == panels.len() && shown.iter().zip(&panels).all(|(living, panel)| living.follow(panel));
            if !follows {
                living.set(panels.iter().filter_map(Living::new).collect());
            }
            dom::sleep(PAUSE_MS).await;
            if living.try_get_untracked().is_none() {
                break;
            }
        }
    });
    let before = move || match has_results {
        true => output_panel(results),
        false => empty("loader", "Running", "What comes out appears here."),
    };
    let panels = move || {
        let living = living.get();
        if living.is_empty() {
            return before();
        }
        let events = ChartEvents { announce, pick: None };
        let panels = living.into_iter().map(|living| living.view(events)).collect_view();
        view! { <div class="output__panels">{panels}</div> }.into_any()
    };
    view! { <div class="output output--live">{controls(results, living)}{panels}</div> }.into_any()
}

/// To hold the run, to let it go on, and to go pass by pass.
fn controls(results: ResultsOf, living: RwSignal<Vec<Living>>) -> AnyView {
    let ResultsOf { motion, set_motion, progress, .. } = results;
    let is_paused = move || motion.get() != Motion::Free;
    let toggle = move |_| set_motion.run(if is_paused() { Motion::Free } else { Motion::Paused });
    let shown = move || {
        (!living.read().is_empty()).then(|| {
            view! {
                <div class="output__controls" role="toolbar" aria-label="Training">
                    <button type="button" class="button button--small" on:click=toggle>
                        {move || icon(if is_paused() { "play" } else { "pause" })}
                        {move || if is_paused() { "Resume" } else { "Pause" }}
                    </button>
                    <button
                        type="button"
                        class="button button--small"
                        title="Go on to the end of the pass over the rows, and pause there"
                        on:click=move |_| set_motion.run(Motion::OnePass)
                    >
                        {icon("chevron-right")}
                        "One pass"
                    </button>
                    <span class="num">{progress}</span>
                </div>
            }
        })
    };
    shown.into_any()
}
