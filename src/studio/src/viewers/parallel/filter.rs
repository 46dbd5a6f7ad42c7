//! What is let through: as chips, and typed rather than drawn.

use leptos::prelude::*;

use super::{Brush, Plot, Shown};
use crate::views::icon::{icon, small_icon};

/// What is let through, each with a way to take it back.
pub fn chips(plot: Plot) -> AnyView {
    let chip = |brush: Brush| {
        let words = plot.data.with(|data| {
            let column = data.columns.iter().find(|column| column.name == brush.name)?;
            let inside = |at: &usize| (brush.low..=brush.high).contains(&(*at as f64));
            Some(if column.options.is_empty() {
                format!("{} {} to {}", column.label, charts::number(brush.low), charts::number(brush.high))
            } else {
                let names = (0..column.options.len()).filter(inside).map(|at| column.options[at].as_str());
                format!("{} {}", column.label, names.collect::<Vec<_>>().join(", "))
            })
        })?;
        let label = format!("Clear {words}");
        Some(view! {
            <button type="button" class="parallel__chip" aria-label=label on:click=move |_| plot.axes.brush(&brush.name, None)>{words}{small_icon("x")}</button>
        })
    };
    plot.axes.brushes.get().into_iter().filter_map(chip).collect_view().into_any()
}

/// The way to a brush without drawing it.
pub fn filter(plot: Plot) -> AnyView {
    let chosen = RwSignal::new(String::new());
    let axis = Memo::new(move |_| {
        let name = chosen.get();
        plot.shown.with(|shown| shown.iter().find(|axis| axis.name == name).or(shown.first()).cloned())
    });
    let options = move || {
        let shown = plot.shown.get();
        shown.into_iter().map(|axis| view! { <option value=axis.name>{axis.label}</option> }).collect_view()
    };
    let end = move |axis: &Shown, is_low: bool| {
        let (name, scale) = (axis.name.clone(), axis.scale);
        let label = format!("{} {}", if is_low { "Smallest" } else { "Largest" }, axis.label);
        let value = {
            let name = name.clone();
            move || {
                plot.axes
                    .range(&name)
                    .map_or(String::new(), |(low, high)| shown_number(if is_low { low } else { high }))
            }
        };
        let change = move |event| {
            let typed = event_target_value(&event).trim().parse::<f64>().ok().filter(|x| x.is_finite());
            let (low, high) = untrack(|| plot.axes.range(&name)).unwrap_or((scale.low, scale.high));
            let range = if is_low { (typed.unwrap_or(scale.low), high) } else { (low, typed.unwrap_or(scale.high)) };
            let is_all = range.0 <= scale.low && range.1 >= scale.high;
            plot.axes.brush(&name, (!is_all).then_some(range));
        };
        view! { <input class="input input--number" inputmode="decimal" aria-label=label prop:value=value on:change=change /> }
    };
    let fields = move || {
        let axis = axis.get()?;
        Some(if axis.options.is_empty() {
            view! { "from "{end(&axis, true)}" to "{end(&axis, false)} }.into_any()
        } else {
            let names = axis.options.iter().enumerate();
            let names =
                names.map(|(at, name)| view! { <option value=at.to_string()>{name.clone()}</option> }).collect_view();
            let name = axis.name.clone();
            view! {
                <span class="select"><select aria-label=format!("Value of {}", axis.label) on:change=move |event| {
                    let at = event_target_value(&event).parse::<f64>().ok();
                    plot.axes.brush(&name, at.map(|at| (at - 0.4, at + 0.4)));
                }><option value="">"any"</option>{names}</select>{icon("chevron-down")}</span>
            }
            .into_any()
        })
    };
    view! {
        <div class="parallel__filter" role="group" aria-label=format!("{} to show", plot.naming.many)>
            "Only "
            <span class="select"><select aria-label="Axis" on:change=move |event| chosen.set(event_target_value(&event))>{options}</select>{icon("chevron-down")}</span>
            {fields}
            <span class="parallel__hint">"or drag along an axis"</span>
        </div>
    }
    .into_any()
}

/// As short as the same number can be written.
fn shown_number(value: f64) -> String {
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    rounded.to_string()
}
