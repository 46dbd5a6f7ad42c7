//! How many workers compute a run.

use protocol::Compute;

use crate::{dom, storage};

/// The key of the setting; nothing is kept under it until somebody chooses.
const KEY: &str = "workers";
const MOST: u32 = 64;

/// As many as there are cores but one, which is the page's own; two at least where there are two.
pub fn usual() -> u32 {
    let n_cores = dom::window().navigator().hardware_concurrency() as u32;
    n_cores.saturating_sub(1).max(n_cores.min(2)).clamp(1, MOST)
}

/// What was chosen in this browser, or what is usual.
pub fn chosen() -> Compute {
    let kept = storage::setting(KEY).and_then(|kept| kept.parse().ok());
    Compute::with_workers(kept.unwrap_or_else(usual).clamp(1, MOST))
}
