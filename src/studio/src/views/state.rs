//! What a node's run state looks like: a shape, a word, a colour.

use editor::NodeState;
use leptos::prelude::*;
use pipeline::NodeId;

use super::face::seconds;
use super::icon::small_icon;
use crate::store::Studio;

/// The icon and the short word of a state.
pub fn shape(state: &NodeState) -> (&'static str, String) {
    match state {
        NodeState::Idle => ("circle-dashed", "not run".into()),
        NodeState::Queued => ("clock", "queued".into()),
        NodeState::Running { fraction, .. } => ("loader", format!("{:.0} %", fraction * 100.0)),
        NodeState::Ran => ("circle-check", "ran".into()),
        NodeState::Reused => ("recycle", "reused".into()),
        NodeState::Stale => ("history", "stale".into()),
        NodeState::Failed(_) => ("octagon-alert", "failed".into()),
        NodeState::Skipped(_) => ("ban", "skipped".into()),
        NodeState::Cancelled => ("circle-slash", "stopped".into()),
    }
}

/// The state of a node; nothing before its first run.
pub fn state_chip(studio: Studio, node: &NodeId) -> AnyView {
    let of = node.clone();
    let state = studio.select(move |editor| {
        let status = editor.status(&of);
        (status.state.clone(), status.report.as_ref().map(|report| report.elapsed_secs))
    });
    let chip = move || {
        let (state, elapsed_secs) = state.get();
        if state == NodeState::Idle {
            return ().into_any();
        }
        let (icon, mut word) = shape(&state);
        // Less is not worth the room that the title needs.
        if let (NodeState::Ran, Some(elapsed_secs @ 0.1..)) = (&state, elapsed_secs) {
            word = seconds(elapsed_secs);
        }
        let class = format!("state state--{}", state.token());
        view! { <span class=class title=state.label()>{small_icon(icon)}{word}<span class="sr-only">" "{state.label()}</span></span> }.into_any()
    };
    view! { {chip} }.into_any()
}
