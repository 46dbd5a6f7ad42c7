//! Actual against predicted classes.

use leptos::prelude::*;
use protocol::Confusion;

use super::percent;

/// A confusion matrix with its two ways to be read.
pub fn confusion(matrix: &Confusion, panel_idx: usize) -> AnyView {
    let shows_shares = RwSignal::new(false);
    let n_classes = matrix.classes.len();
    let title = if matrix.series.is_empty() {
        "Confusion matrix".to_owned()
    } else {
        format!("Confusion matrix, {}", matrix.series)
    };
    let name = format!("confusion-{panel_idx}");
    let heads =
        matrix.classes.iter().map(|class| view! { <th scope="col"><span>{class.clone()}</span></th> }).collect_view();
    let rows = matrix
        .classes
        .iter()
        .enumerate()
        .map(|(actual, class)| {
            let counts = matrix.counts.get(actual * n_classes..(actual + 1) * n_classes).unwrap_or_default();
            let n_actual = counts.iter().sum::<u64>() as f64;
            let cells = counts
                .iter()
                .enumerate()
                .map(|(predicted, &n)| {
                    cell(n, n_actual, actual == predicted, shows_shares, n_classes, class, &matrix.classes[predicted])
                })
                .collect_view();
            view! { <tr><th scope="row"><span>{class.clone()}</span></th>{cells}</tr> }
        })
        .collect_view();
    view! {
        <section class="confusion" class=("confusion--many", n_classes > 4)>
            <header class="chart__head">
                <h3 class="chart__title">{title.clone()}</h3>
                <fieldset class="segments confusion__choice">
                    <legend class="sr-only">"What cells show first"</legend>
                    {choice(&name, "Counts", false, shows_shares)}
                    {choice(&name, "Row %", true, shows_shares)}
                </fieldset>
            </header>
            <div class="confusion__body" tabindex="0" role="group" aria-label=title.clone()>
                <table>
                    <caption class="sr-only">"Rows are actual classes, columns are predicted ones"</caption>
                    <thead>
                        <tr>
                            <td class="confusion__corner"><i>"actual"</i>" / "<i>"predicted"</i></td>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn choice(name: &str, label: &'static str, value: bool, shows_shares: RwSignal<bool>) -> AnyView {
    view! {
        <label>
            <input
                type="radio"
                name=name.to_owned()
                prop:checked=move || shows_shares.get() == value
                on:change=move |_| shows_shares.set(value)
            />
            <span>{label}</span>
        </label>
    }
    .into_any()
}

fn cell(
    n: u64,
    n_actual: f64,
    is_right: bool,
    shows_shares: RwSignal<bool>,
    n_classes: usize,
    actual: &str,
    predicted: &str,
) -> AnyView {
    let share = if n_actual > 0.0 { n as f64 / n_actual } else { 0.0 };
    let (count, shown_share) = (charts::grouped(n), percent(n as f64, n_actual));
    let (main, small) = {
        let (count, shown_share) = (count.clone(), shown_share.clone());
        let (other_count, other_share) = (count.clone(), shown_share.clone());
        (
            move || if shows_shares.get() { shown_share.clone() } else { count.clone() },
            move || if shows_shares.get() { other_count.clone() } else { other_share.clone() },
        )
    };
    let title = format!("actual {actual}, predicted {predicted}: {count} rows, {shown_share} of {actual}");
    view! {
        <td
            class="confusion__cell"
            class=("confusion__cell--wrong", !is_right)
            style:--share=format!("{share:.3}")
            title=title
        >
            <b>{main}</b>
            {(n_classes <= 4).then(|| view! { <small>{small}</small> })}
        </td>
    }
    .into_any()
}
