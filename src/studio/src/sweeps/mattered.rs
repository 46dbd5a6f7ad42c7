//! How much each setting mattered, as far as the trials can tell.

use leptos::prelude::*;
use protocol::DimensionShare;

/// Two standard errors and a little: 95 % of a normal distribution.
const WIDTH: f64 = 1.96;

/// What is known of a share.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    low: f64,
    high: f64,
    /// The interval says something: it is narrow, or at least narrow beside the share.
    is_firm: bool,
}

impl Known {
    fn of(share: &DimensionShare) -> Self {
        let half = WIDTH * share.standard_error;
        let is_firm = half <= (share.share / 2.0).max(0.1);
        Self { low: (share.share - half).clamp(0.0, 1.0), high: (share.share + half).clamp(0.0, 1.0), is_firm }
    }
}

/// One line for each setting: a bar where the share is known well enough, else only the interval in which it lies.
pub fn bars(shares: &[DimensionShare], labels: &[(String, String)]) -> AnyView {
    if shares.is_empty() {
        let words = "From 8 finished trials on, when two or more settings vary and the results differ.";
        return view! { <p class="sweeps__muted">{words}</p> }.into_any();
    }
    let percent = |x: f64| format!("{:.1}%", 100.0 * x);
    let bar = |share: &DimensionShare| {
        let label = labels.iter().find(|(name, _)| *name == share.dimension).map(|(_, label)| label.clone());
        let Known { low, high, is_firm } = Known::of(share);
        let length = is_firm.then(|| view! { <i style:width=percent(share.share)></i> });
        let words = if is_firm {
            view! { <b>{format!("{:.2}", share.share)}<small>{format!(" ± {:.2}", WIDTH * share.standard_error)}</small></b> }.into_any()
        } else {
            view! { <b><small>{format!("{low:.2} to {high:.2}")}</small></b> }.into_any()
        };
        view! {
            <li class="sweeps__bar" class=("sweeps__bar--open", !is_firm)>
                <span>{label.unwrap_or_else(|| share.dimension.clone())}</span>
                <span class="sweeps__track" aria-hidden="true">{length}<u style:left=percent(low) style:width=percent(high - low)></u></span>
                {words}
            </li>
        }
    };
    let is_open = shares.iter().any(|share| !Known::of(share).is_firm);
    let note = is_open.then(|| {
        view! { <p class="sweeps__muted">"Where there is no bar, the trials cannot tell yet: the share lies anywhere in the interval. More trials make it narrower."</p> }
    });
    view! { <ul class="sweeps__bars">{shares.iter().map(bar).collect_view()}</ul>{note} }.into_any()
}
