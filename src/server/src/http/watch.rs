//! What the server does without being asked: it looks for changes in the folder, and finishes minutes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Server;
use super::rules::Rules;
use crate::folder::{Folder, now_ms};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often alerts and rollbacks are looked at.
const LOOK_AT_RULES: Duration = Duration::from_secs(2);

/// Looks for changes in the folder, and finishes minutes.
pub(super) async fn watch(server: Arc<Server>, mut rules: Rules) {
    let state = &server.state;
    state.recall().await;
    let stamp = || (state.folder().map(Folder::stamp), server.options.keys.as_deref().map(stamp_of));
    // What changed while the server started is not known: the first look is at everything.
    let mut seen = None;
    let mut minute = now_ms() / 60_000;
    state.finish_minutes();
    let mut next_look = Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = Some(stamp());
        if now != seen {
            seen = now;
            if let Err(error) = tokio::task::block_in_place(|| state.reload()) {
                eprintln!("warning: the registry is served as it was before: {error:#}");
            }
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + LOOK_AT_RULES;
            // Other threads go on answering meanwhile.
            tokio::task::block_in_place(|| rules.look(state));
        }
        if now_ms() / 60_000 != minute {
            minute = now_ms() / 60_000;
            state.finish_minutes();
        }
    }
}

fn stamp_of(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
