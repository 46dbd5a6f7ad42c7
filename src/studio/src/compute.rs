//! What computes a run, how many workers and whether a GPU: chosen once for this browser.

use protocol::{Compute, Networks, Pace, Paces};

use crate::{dom, storage};

/// The key of the setting; nothing is kept under it until somebody chooses.
const KEY: &str = "workers";
const MOST: u32 = 64;
/// The key of what trains networks: `cpu`, `gpu`, or else whichever is faster.
const NETWORKS: &str = "networks";
/// The key of what was measured: seconds of the CPU and of the GPU.
const PACES: &str = "paces";

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

/// So many workers, and what was chosen to train networks.
pub fn with_workers(n_workers: u32) -> Compute {
    Compute { networks: networks(), ..Compute::with_workers(n_workers) }
}

/// What was chosen to train networks, or what is usual: whichever is faster.
pub fn networks() -> Networks {
    match storage::setting(NETWORKS).as_deref() {
        Some("cpu") => Networks::Cpu,
        Some("gpu") => Networks::Gpu,
        _ => Networks::Faster(paces()),
    }
}

fn paces() -> Option<Paces> {
    let kept = storage::setting(PACES)?;
    let mut secs = kept.split(' ').map_while(|secs| secs.parse().ok());
    let mut pace = || Some(Pace { fixed_secs: secs.next()?, product_secs: secs.next()? });
    Some(Paces { cpu: pace()?, gpu: pace()? })
}

/// Keeps a choice.
pub fn keep_networks(networks: Networks) {
    let kept = match networks {
        Networks::Cpu => "cpu",
        Networks::Gpu => "gpu",
        Networks::Faster(_) => "faster",
    };
    storage::set_setting(NETWORKS, kept);
}

/// Keeps what was measured.
pub fn keep_paces(Paces { cpu, gpu }: Paces) {
    let secs = [cpu.fixed_secs, cpu.product_secs, gpu.fixed_secs, gpu.product_secs];
    storage::set_setting(PACES, &secs.map(|secs| secs.to_string()).join(" "));
}
