//! `cargo xtask bench gpu`: steps of networks on the GPU, in the browser and natively.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::server::Server;
use crate::speed::Figure;
use crate::{browser, tools};

/// Prints every figure; whether all bars were reached.
pub fn bench(out: &Path) -> Result<bool> {
    println!("\nnatively: what a step takes, and how often it goes to the GPU");
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "gpu", "--example", "network_speed"]);
    if !cargo.status().context("`cargo` could not be started")?.success() {
        println!(
            "not measured: no driver offers a GPU here (on Debian: apt-get install mesa-vulkan-drivers libvulkan1)"
        );
    }
    println!("\nin the browser");
    let mut holds = true;
    for figure in measure(out, &[])? {
        println!("{}", figure.line(figure.bar_verdict()));
        holds &= figure.holds();
    }
    Ok(holds)
}

/// The figures that have bars, in the browser.
pub fn measure(out: &Path, arguments: &[&str]) -> Result<Vec<Figure>> {
    tools::node_packages()?;
    let chromium = browser::find_or_install()?;
    let server = Server::start(out, 0)?;
    let path = std::env::temp_dir().join(format!("millrace-gpu-{}.json", std::process::id()));
    let mut node = Command::new("node");
    node.arg("tests/browser/bench/gpu.js").args(arguments).env("MILLRACE_URL", server.address());
    node.env("MILLRACE_CHROMIUM", chromium).env("MILLRACE_FIGURES", &path);
    node.status().context("`node` could not be started")?;
    let Ok(text) = fs::read_to_string(&path) else {
        bail!("nothing could be measured; the message above says why");
    };
    fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    serde_json::from_str(&text).context("tests/browser/bench/gpu.js wrote no figures")
}
