//! The drawing with its axes, and what pointer and keyboard do on it.

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;

use super::lines::MARGIN;
use super::{Naming, Plot, Shown, Told, axis, paint};
use crate::viewers::watch_size;

/// A press so near to an axis, in pixels, is meant for it.
const REACH: f64 = 24.0;
/// A pointer that moves less while it is held, in pixels, clicks.
const CLICK: f64 = 4.0;

/// What a pointer that is held down does.
#[derive(Clone, Debug)]
enum Drag {
    /// Draws a brush from here.
    New(Shown, f64),
    /// Moves a brush by what it is held at, its ends from there.
    Move(Shown, f64, f64, f64),
}

/// The drawing.
pub fn stage(plot: Plot, told: Told) -> AnyView {
    let Plot { shown, order, size, axes, at, .. } = plot;
    let area = NodeRef::<Div>::new();
    Effect::new(move |_| {
        if let Some(area) = area.get() {
            watch_size(&area, move |width, height| size.set((width, height)));
        }
    });
    let drag = StoredValue::new(None::<(Drag, f64)>);
    let place = move |event: &PointerEvent| (f64::from(event.offset_x()), f64::from(event.offset_y()));
    let share = move |y: f64| (y / size.get_untracked().1.max(1.0)).clamp(0.0, 1.0);
    let down = move |event: PointerEvent| {
        let (x, y) = place(&event);
        let axis = untrack(|| {
            let near = (0..order.with(Vec::len)).find(|place| (plot.x(*place) - x).abs() <= REACH)?;
            shown.with(|shown| shown.get(order.with(|order| order[near])).cloned())
        });
        let Some(axis) = axis.filter(|_| event.button() == 0) else {
            // A finger points where it presses.
            return at.set(untrack(|| plot.nearest(x, y)));
        };
        if let Some(area) = area.get_untracked() {
            // Without a capture the brush ends where the pointer leaves the chart.
            let _ = area.set_pointer_capture(event.pointer_id());
        }
        let here = share(y);
        let ends = untrack(|| axes.range(&axis.name)).map(|(low, high)| (axis.scale.px(low), axis.scale.px(high)));
        let started = match ends.filter(|(low, high)| (*high..=*low).contains(&here)) {
            Some((low, high)) => Drag::Move(axis, here, low, high),
            None => Drag::New(axis, here),
        };
        drag.set_value(Some((started, y)));
        at.set(None);
        axes.is_drawing.set(true);
    };
    let moved = move |event: PointerEvent| {
        let (x, y) = place(&event);
        match drag.get_value() {
            Some((Drag::New(axis, from), began)) if (y - began).abs() >= CLICK => {
                let (top, bottom) = (from.min(share(y)), from.max(share(y)));
                axes.brush(&axis.name, Some((axis.scale.value(bottom), axis.scale.value(top))));
            }
            Some((Drag::Move(axis, from, low, high), _)) => {
                // It keeps its length at the ends of the axis.
                let by = (share(y) - from).clamp(-high, 1.0 - low);
                axes.brush(&axis.name, Some((axis.scale.value(low + by), axis.scale.value(high + by))));
            }
            Some((Drag::New(..), _)) => {}
            None => at.set(untrack(|| plot.nearest(x, y))),
        }
    };
    let up = move |event: PointerEvent| {
        let Some((done, began)) = drag.get_value() else { return };
        drag.set_value(None);
        // A click takes the brush back.
        if let Drag::New(axis, _) | Drag::Move(axis, ..) = done
            && (place(&event).1 - began).abs() < CLICK
        {
            axes.brush(&axis.name, None);
        }
        axes.is_drawing.set(false);
    };
    let pick = move || {
        if let (Some(pick), Some(at)) = (told.pick, at.get_untracked()) {
            pick.run(at);
        }
    };
    let walk = move |event: KeyboardEvent| {
        let ranked = plot.ranked.get_untracked();
        let here = at.get_untracked().and_then(|at| ranked.iter().position(|other| *other == at));
        let last = ranked.len().saturating_sub(1);
        let goal = match (event.key().as_str(), here) {
            ("Escape", _) => {
                at.set(None);
                axes.clear();
                return;
            }
            ("Enter", _) => return pick(),
            ("ArrowRight" | "ArrowDown" | "ArrowLeft" | "ArrowUp" | "Home", None) | ("Home", _) => 0,
            ("ArrowRight" | "ArrowDown", Some(here)) => here + 1,
            ("ArrowLeft" | "ArrowUp", Some(here)) => here.saturating_sub(1),
            ("PageDown", here) => here.unwrap_or(0) + 10,
            ("PageUp", here) => here.unwrap_or(0).saturating_sub(10),
            ("End", _) => last,
            _ => return,
        };
        event.prevent_default();
        if let Some(goal) = ranked.get(goal.min(last)).copied() {
            at.set(Some(goal));
            let words = untrack(|| plot.words(goal)).into_iter().map(|(label, value)| format!("{label} {value}"));
            let title = untrack(|| plot.title(goal)).unwrap_or_default();
            told.announce.run(format!("{title}: {}", words.collect::<Vec<_>>().join(", ")));
        }
    };
    let n_axes = move || shown.with(Vec::len);
    let label = move || {
        let Naming { title, one, many, .. } = plot.naming;
        let picks = if told.pick.is_some() { ", Enter chooses one" } else { "" };
        let one = one.to_lowercase();
        format!(
            "{title}: {} axes, one line for each {one}. Arrow keys read {many}, the best first{picks}; Escape shows all",
            n_axes()
        )
    };
    // Headings are as wide as the axes are apart, within reason.
    let room = move || format!("{:.0}px", (plot.x(1) - plot.x(0) - 8.0).clamp(84.0, 2.0 * MARGIN - 4.0));
    let columns = move || {
        let keyed = shown.get().into_iter().enumerate();
        keyed.map(|(idx, axis)| axis::axis(plot, area, idx, &axis)).collect_view()
    };
    view! {
        <div class="parallel__scroll">
            <div class="parallel__stage" style:--n=move || n_axes().to_string() style:--room=room>
                <div class="parallel__area" class=("parallel__area--pickable", told.pick.is_some()) node_ref=area tabindex="0" role="group" aria-roledescription="chart"
                    aria-label=label
                    on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up
                    on:pointerleave=move |_| at.set(None) on:blur=move |_| at.set(None) on:keydown=walk on:click=move |_| pick()>
                    {paint::canvases(plot)}
                    {move || at.get().map(|at| tip(plot, at))}
                </div>
                {columns}
            </div>
        </div>
    }
    .into_any()
}

fn tip(plot: Plot, at: usize) -> AnyView {
    let Some(title) = plot.title(at) else { return ().into_any() };
    let words = plot.words(at).into_iter().map(|(label, value)| view! { <span>{label}</span><em>{value}</em> });
    view! { <div class="chart__tip parallel__tip"><b>{title}</b>{words.collect_view()}</div> }.into_any()
}
