//! How many workers compute a run: chosen once for this browser.

use crate::{dom, storage};

/// The key of the setting; nothing is kept under it until somebody chooses.
const KEY: &str = "workers";
const MOST: u32 = 64;

/// Cores, as far as the browser tells.
pub fn n_cores() -> u32 {
    (dom::window().navigator().hardware_concurrency() as u32).clamp(1, MOST)
}

/// As many as there are cores but one, which is the page's own; two at least where there are two.
pub fn usual() -> u32 {
    let n_cores = n_cores();
    n_cores.saturating_sub(1).max(n_cores.min(2))
}

/// What was chosen in this browser, or what is usual.
pub fn chosen() -> u32 {
    let kept = storage::setting(KEY).and_then(|kept| kept.parse().ok());
    kept.unwrap_or_else(usual).clamp(1, MOST)
}

/// Keeps a choice.
pub fn keep(n_workers: u32) {
    storage::set_setting(KEY, &n_workers.to_string());
}

/// "1 worker", "4 workers".
pub fn in_words(n_workers: u32) -> String {
    format!("{n_workers} worker{}", if n_workers == 1 { "" } else { "s" })
}
