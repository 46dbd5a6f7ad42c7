//! Packages of Debian, which root may install.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::shell::run;

/// Whether this is Debian, or like it, and we are root.
pub fn is_ours() -> bool {
    Path::new("/etc/debian_version").exists() && is_root()
}

/// Installs packages without what they merely recommend.
pub fn install(packages: &[&str], way_out: &str) -> Result<()> {
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    run(apt().args(["update", "--quiet"]), way_out)?;
    run(apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages), way_out)
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
    })
}
