//! Heading, line, ticks and brush of an axis.

use leptos::ev::PointerEvent;
use leptos::html::Div;
use leptos::prelude::*;
use study::Goal;

use super::lines::MARGIN;
use super::{Plot, Shown};
use crate::dom;
use crate::views::icon::small_icon;

/// An axis. It is moved by dragging its name, or with the buttons below it.
pub fn axis(plot: Plot, area: NodeRef<Div>, idx: usize, axis: &Shown) -> AnyView {
    let Plot { order, axes, size, .. } = plot;
    let (name, label, scale) = (axis.name.clone(), axis.label.clone(), axis.scale);
    let place = move || order.with(|order| order.iter().position(|other| *other == idx)).unwrap_or(0);
    let move_to = move |goal: usize| {
        let names =
            untrack(|| plot.shown.with(|shown| order.get().into_iter().map(|at| shown[at].name.clone()).collect()));
        let mut names: Vec<String> = names;
        let here = untrack(place);
        if here != goal && here < names.len() {
            let moved = names.remove(here);
            names.insert(goal.min(names.len()), moved);
            axes.order.set(names);
        }
    };
    let held = StoredValue::new(false);
    let down = move |event: PointerEvent| {
        held.set_value(event.button() == 0);
        let name: web_sys::Element = event_target(&event);
        // Without a capture the axis stays where the pointer leaves its name.
        let _ = name.set_pointer_capture(event.pointer_id());
    };
    let drag = move |event: PointerEvent| {
        let Some(area) = area.get_untracked().filter(|_| held.get_value()) else { return };
        let x = f64::from(event.client_x()) - area.get_bounding_client_rect().left();
        let n = order.with_untracked(Vec::len);
        let step = (size.get_untracked().0 - 2.0 * MARGIN) / (n.max(2) - 1) as f64;
        move_to((((x - MARGIN) / step).round().max(0.0) as usize).min(n - 1));
    };
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    let ticks: Vec<(f64, String)> = if axis.options.is_empty() {
        let n_wanted = ((size.get().1 / 40.0) as usize).clamp(2, 7);
        scale.ticks(n_wanted).into_iter().map(|tick| (tick.value, tick.label)).collect()
    } else {
        axis.options.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect()
    };
    let ticks =
        ticks.into_iter().map(|(value, label)| view! { <span style:top=percent(scale.px(value))>{label}</span> });
    let brush = {
        let name = name.clone();
        move || {
            let (low, high) = axes.range(&name)?;
            let (top, bottom) = (scale.px(high).clamp(0.0, 1.0), scale.px(low).clamp(0.0, 1.0));
            Some(view! { <i style:top=percent(top) style:height=percent(bottom - top)></i> })
        }
    };
    let spread = if axis.can_be_log {
        let (now, next) = if scale.is_log { ("log", "linear") } else { ("linear", "log") };
        let id = format!("parallel-spread-{idx}");
        let this = format!("#{id}");
        let respread = move |_| {
            // The axis is put up anew.
            dom::focus_later(this.clone());
            axes.respread.update(|names| match names.iter().position(|other| *other == name) {
                Some(at) => drop(names.remove(at)),
                None => names.push(name.clone()),
            });
        };
        view! { <button type="button" id=id class="parallel__spread" aria-label=format!("{label} is {now}: make it {next}") title=format!("Make it {next}") on:click=respread>{now}</button> }.into_any()
    } else {
        let word = if axis.options.is_empty() { "linear" } else { "category" };
        view! { <small class="parallel__spread">{word}</small> }.into_any()
    };
    let better = axis.goal.map(|goal| match goal {
        Goal::Maximize => (" ▲", ", higher is better"),
        Goal::Minimize => (" ▼", ", lower is better"),
    });
    let better = better
        .map(|(sign, words)| view! { <span aria-hidden="true">{sign}</span><span class="sr-only">{words}</span> });
    let step = move |icon_name: &'static str, word: &str, by: isize| {
        view! {
            <button type="button" class="parallel__step" aria-label=format!("Move {label} {word}", label = axis.label) title=format!("Move {word}")
                on:click=move |_| move_to(untrack(place).saturating_add_signed(by))>{small_icon(icon_name)}</button>
        }
    };
    view! {
        <div class="parallel__axis" role="group" aria-label=label.clone() style:left=move || format!("{:.1}px", plot.x(place()))>
            <div class="parallel__head">
                <b class="truncate" title=format!("{label}: drag to move the axis") on:pointerdown=down on:pointermove=drag
                    on:pointerup=move |_| held.set_value(false) on:pointercancel=move |_| held.set_value(false)>{label.clone()}{better}</b>
                <div>{step("chevron-left", "left", -1)}{spread}{step("chevron-right", "right", 1)}</div>
            </div>
            <div class="parallel__line" aria-hidden="true">{ticks.collect_view()}{brush}</div>
        </div>
    }
    .into_any()
}
