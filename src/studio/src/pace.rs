//! How long work takes on this machine with one worker and with more: measured, not divided.

use leptos::prelude::*;

use crate::compute;
use crate::views::face::seconds;
use crate::views::icon::icon;

/// A measured time.
#[derive(Clone, Copy, PartialEq)]
pub struct Pace {
    /// Workers side by side.
    pub n_workers: u32,
    /// Wall-clock seconds.
    pub secs: f64,
}

impl Pace {
    /// What more workers gain over the first pace: ", 1.9 times as fast". Less than a tenth is nothing.
    pub fn gain(self, first: Self) -> String {
        let times = first.secs / self.secs;
        if times >= 1.1 {
            format!(", {times:.1} times as fast")
        } else if times > 0.9 {
            ", no faster".to_owned()
        } else {
            ", slower".to_owned()
        }
    }
}

/// "1 worker: 3.2 s a trial · 2 workers: 1.7 s a trial, 1.9 times as fast".
pub fn in_words(paces: &[Pace], of: &str) -> String {
    let words = paces.iter().map(|pace| {
        let gain = paces.first().filter(|first| first.n_workers < pace.n_workers).map(|first| pace.gain(*first));
        format!("{}: {}{of}{}", compute::in_words(pace.n_workers), seconds(pace.secs), gain.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join(" · ")
}

/// What such a button is called where one work is measured.
pub const MEASURE: &str = "Measure on this machine";

/// The button that measures.
pub fn measure_button(
    id: &'static str,
    label: &'static str,
    is_busy: RwSignal<bool>,
    is_possible: impl Fn() -> bool + Send + Sync + 'static,
    measure: impl Fn() + 'static,
) -> AnyView {
    // At work it keeps the focus, which a disabled button loses.
    let ask = move |_| {
        if !is_busy.get_untracked() {
            measure();
        }
    };
    view! {
        <button type="button" class="button button--small" id=id disabled=move || !is_busy.get() && !is_possible() aria-disabled=move || is_busy.get().to_string() on:click=ask>
            {move || icon(if is_busy.get() { "loader" } else { "clock" })}
            {move || if is_busy.get() { "Measuring…" } else { label }}
        </button>
    }
    .into_any()
}
