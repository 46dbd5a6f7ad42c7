//! Finding a Chromium for the browser tests.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::debian;
use crate::shell::{answers, say};

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const PLACES: &[&str] = &[
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/// The browser on this machine; on Debian, as root, installs one when there is none.
pub fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if debian::is_ours() {
        say("installing Chromium with apt");
        debian::install(&["chromium"], "install Chromium yourself, or name one in MILLRACE_CHROMIUM")?;
        if let Some(found) = find() {
            return Ok(found);
        }
    }
    bail!(
        "the browser tests need Chromium or Chrome 114 or newer, and none was found; install it (Debian and Ubuntu: \
         `apt-get install chromium`, Fedora: `dnf install chromium`, macOS: `brew install --cask chromium`) or name \
         the program in MILLRACE_CHROMIUM"
    )
}

fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("MILLRACE_CHROMIUM") {
        return Some(named.into());
    }
    let folders: Vec<_> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    let mut on_path = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    on_path
        .find(|path| path.is_file() && answers(path))
        .or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.is_file()))
}
