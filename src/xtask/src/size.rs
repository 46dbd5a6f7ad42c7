//! What a visitor downloads, compressed as a good host would, against its budget.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::page::{self, Profile, files_ending};
use crate::shell::output_of;

/// How large something may be, in compressed bytes.
const PAGE: usize = 400_000;
const WORKER: usize = 1_600_000;
const GPU: usize = 150_000;

/// Builds the page and prints the sizes; fails when a budget is exceeded.
pub fn print_and_judge() -> Result<ExitCode> {
    let out = Path::new("dist");
    page::build(Profile::Release, out)?;
    Ok(if measure(out)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the sizes of a built page and says whether they are within their budgets.
pub fn measure(out: &Path) -> Result<bool> {
    let assets = assets_of(out)?;
    let named = |names: &[&str]| names.iter().map(|name| assets.join(name)).collect::<Vec<_>>();
    let page_programs = ["studio_bg.wasm", "worker_bg.wasm", "accelerator_bg.wasm"];
    let mut parts = files_ending(&assets, ".wasm")?;
    parts.retain(|path| !page_programs.iter().any(|name| path.ends_with(name)));
    println!("{:<16} {:>12} {:>12} {:>12}", "", "bytes", "brotli", "budget");
    let page = row("page WASM", &named(&["studio_bg.wasm"]), Some(PAGE))?;
    row("page scripts", &named(&["boot.js", "policy.js", "studio.js", "__wasm_split.js"]), None)?;
    row("style", &named(&["style.css"]), None)?;
    for part in parts {
        let name = part
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .replace("split_", "later: ")
            .replace("chunk_", "later: shared ");
        row(&name, &[part], None)?;
    }
    let worker = row("worker WASM", &named(&["worker_bg.wasm"]), Some(WORKER))?;
    row("worker scripts", &named(&["worker.js", "start-worker.js"]), None)?;
    let gpu = row("GPU WASM", &named(&["accelerator_bg.wasm"]), Some(GPU))?;
    row("GPU scripts", &named(&["accelerator.js"]), None)?;
    row("page with icons", &[out.join("index.html")], None)?;
    row("fonts", &files_ending(&out.join("fonts"), ".woff2")?, None)?;
    Ok(page && worker && gpu)
}

fn row(name: &str, files: &[PathBuf], budget: Option<usize>) -> Result<bool> {
    let mut bytes = 0;
    for file in files {
        bytes += file.metadata().with_context(|| format!("{} is missing", file.display()))?.len();
    }
    let compressed = brotli(files)?;
    let (bar, verdict, passes) = match budget {
        None => (String::new(), "", true),
        Some(budget) if compressed <= budget => (budget.to_string(), "", true),
        Some(budget) => (budget.to_string(), "  over", false),
    };
    println!("{name:<16} {bytes:>12} {compressed:>12} {bar:>12}{verdict}");
    Ok(passes)
}

/// Node has brotli built in; the sum is of files compressed one by one.
fn brotli(files: &[PathBuf]) -> Result<usize> {
    const PROGRAM: &str = "const { brotliCompressSync } = require('node:zlib'); \
        const sizes = process.argv.slice(1).map((file) => brotliCompressSync(require('node:fs').readFileSync(file)).length); \
        console.log(sizes.reduce((sum, size) => sum + size, 0));";
    let printed =
        output_of(Command::new("node").args(["-e", PROGRAM, "--"]).args(files), "Node 20 or newer is needed")?;
    printed.trim().parse().context("node printed no number")
}

/// The folder whose name carries the build's id.
fn assets_of(out: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(out).with_context(|| format!("{} is missing", out.display()))?;
    let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    folders
        .find(|path| {
            path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("assets-"))
        })
        .context("the page has no assets folder; build it with `cargo xtask build`")
}
