//! The tools of the build: found, or installed once per user.
//!
//! They lie in the user's cache as `millrace/tools/<name>-<version>/bin`, so a
//! second clone finds them there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::shell::{answers, output_of, run, say, script};

const TRUNK_VERSION: &str = "0.21.14";
/// Of the same minor version as `wasm_split_helpers`, which leptos brings.
const WASM_SPLIT_VERSION: &str = "0.2.4";
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The way out when a part of Rust is missing and cannot be added.
const RUST: &str = "install Rust with rustup (rustup.rs) and try again";

/// What the last build optimised: each file before and after.
const OPTIMISED: &str = "target/web/optimised";

/// What npm installs for the build and the browser tests.
pub const NODE_MODULES: &str = "tests/browser/node_modules";

/// Installs what building the page needs and returns the search path that finds it.
pub fn for_page() -> Result<OsString> {
    wasm_target()?;
    let trunk = cargo_tool("trunk", TRUNK_VERSION, &["--locked", "--no-default-features", "--features", "rustls"])?;
    let bindgen = cargo_tool_in("wasm-bindgen", "wasm-bindgen-cli", &wasm_bindgen_version()?, &[])?;
    let split = cargo_tool_in(
        "wasm-split-cli",
        "wasm_split_cli_support",
        WASM_SPLIT_VERSION,
        &["--locked", "--features", "build-binary"],
    )?;
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [trunk, bindgen, split].into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).context("the search path cannot be extended: a folder's name contains its separator")
}

/// Installs rustfmt and clippy, which rustup's smallest profile leaves out.
pub fn for_lint() -> Result<()> {
    let is_there =
        |verb| Command::new("cargo").args([verb, "--version"]).output().is_ok_and(|output| output.status.success());
    if is_there("fmt") && is_there("clippy") {
        return Ok(());
    }
    say("adding rustfmt and clippy");
    run(Command::new("rustup").args(["component", "add", "rustfmt", "clippy"]), RUST)
}

/// Sees to it that tests of the GPU have one: where no driver is there, Mesa's for the CPU. Without one they say what they
/// did not run.
pub fn gpu_driver() {
    let is_there = |folder| fs::read_dir(folder).is_ok_and(|mut drivers| drivers.next().is_some());
    if !debian::is_ours() || ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].into_iter().any(is_there) {
        return;
    }
    say("installing Mesa's Vulkan for the CPU with apt");
    let packages = ["mesa-vulkan-drivers", "libvulkan1"];
    if let Err(error) = debian::install(&packages, "tests on the GPU are left out") {
        println!("{error:#}");
    }
}

/// Installs the packages of tests/browser: Playwright, axe, wasm-opt and TensorFlow.js.
pub fn node_packages() -> Result<()> {
    let wanted = fs::read("tests/browser/package-lock.json").context("tests/browser/package-lock.json is missing")?;
    let stamp = Path::new(NODE_MODULES).join(".millrace-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let way_out = "install Node 20 or newer with npm (nodejs.org, or your package manager) and try again";
    if !answers("node") {
        bail!("Node is missing; {way_out}");
    }
    say("installing Playwright, axe, wasm-opt and TensorFlow.js from npm (once per clone)");
    run(script("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir("tests/browser"), way_out)?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))
}

/// A Python that has the packages of tests/reference/`name`.txt, and those of another such file without what they need to
/// run: they are there for files that they bring.
pub fn python(name: &str, only_files: Option<&str>) -> Result<PathBuf> {
    let list = |name: &str| format!("tests/reference/{name}.txt");
    let read = |name: &str| fs::read_to_string(list(name)).with_context(|| format!("{} is missing", list(name)));
    let wanted = read(name)? + &only_files.map_or_else(|| Ok(String::new()), read)?;
    let root = cache()?.join("tools").join(format!("python-{name}"));
    let python = root.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = root.join("packages.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && answers(&python) {
        return Ok(python);
    }
    let way_out = "install Python 3.11 or newer with venv, check the connection to PyPI, and try again";
    let base = ["python3", "python"].into_iter().find(|name| answers(name));
    let base = base.with_context(|| format!("Python is missing; {way_out}"))?;
    say(format!("installing {} for this user (once; it takes a minute or two)", list(name)));
    run(Command::new(base).args(["-m", "venv", "--clear"]).arg(&root), way_out)?;
    let install = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    };
    run(install().args(["-r", &list(name)]), way_out)?;
    if let Some(only_files) = only_files {
        run(install().args(["--no-deps", "-r", &list(only_files)]), way_out)?;
    }
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(python)
}

/// Optimises a WASM file in place. What has not changed since the last build is taken from there: the worker takes minutes.
pub fn optimise(wasm: &Path, level: &[&str]) -> Result<()> {
    const FLAGS: [&str; 12] = [
        "--enable-simd",
        "--enable-bulk-memory",
        "--enable-bulk-memory-opt",
        "--enable-nontrapping-float-to-int",
        "--enable-sign-ext",
        "--enable-mutable-globals",
        "--enable-reference-types",
        "--enable-multivalue",
        "--enable-call-indirect-overlong",
        // The stack ends in the first kilobyte, so no address lies there and additions to one do not overflow.
        "--low-memory-unused",
        "--strip-debug",
        "--strip-producers",
    ];
    let binaryen = Path::new(NODE_MODULES).join("binaryen");
    let last = Path::new(OPTIMISED).join(wasm.file_name().unwrap_or_default());
    let (before, after) = (last.with_extension("before"), last.with_extension("after"));
    // All that the outcome depends on.
    let mut from =
        fs::read(binaryen.join("package.json")).context("binaryen is missing; run `npm ci` in tests/browser")?;
    from.extend_from_slice(format!("{} {}\n", level.join(" "), FLAGS.join(" ")).as_bytes());
    from.extend(fs::read(wasm).with_context(|| format!("{} cannot be read", wasm.display()))?);
    let unfinished = wasm.with_extension("optimised");
    let replaced = || format!("{} cannot be replaced", wasm.display());
    if after.exists() && fs::read(&before).is_ok_and(|before| before == from) {
        return fs::copy(&after, &unfinished).and_then(|_| fs::rename(&unfinished, wasm)).with_context(replaced);
    }
    // Node runs the script itself: npm's link to it has another form on Windows.
    let way_out = "delete tests/browser/node_modules and try again";
    let mut command = Command::new("node");
    command.arg(binaryen.join("bin/wasm-opt")).args(level).args(FLAGS);
    run(command.arg(wasm).arg("-o").arg(&unfinished), way_out)?;
    // In this order, so that a build that is stopped leaves no pair that does not belong together.
    let kept = || -> std::io::Result<()> {
        fs::create_dir_all(OPTIMISED)?;
        if after.exists() {
            fs::remove_file(&after)?;
        }
        fs::write(&before, &from)?;
        let part = last.with_extension("part");
        fs::copy(&unfinished, &part)?;
        fs::rename(&part, &after)
    };
    kept().with_context(|| format!("{OPTIMISED} cannot be written"))?;
    fs::rename(&unfinished, wasm).with_context(replaced)
}

fn wasm_target() -> Result<()> {
    let sysroot = output_of(Command::new("rustc").args(["--print", "sysroot"]), RUST)?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    say(format!("adding Rust's target {WASM_TARGET}"));
    run(Command::new("rustup").args(["target", "add", WASM_TARGET]), RUST)
}

fn cargo_tool(name: &str, version: &str, flags: &[&str]) -> Result<PathBuf> {
    cargo_tool_in(name, name, version, flags)
}

/// The folder that holds the program `name` of this version of `package`.
fn cargo_tool_in(name: &str, package: &str, version: &str, flags: &[&str]) -> Result<PathBuf> {
    let root = cache()?.join("tools").join(format!("{name}-{version}"));
    let folder = root.join("bin");
    if answers(folder.join(name)) {
        return Ok(folder);
    }
    say(format!("installing {name} {version} for this user (once; it takes a few minutes)"));
    let mut install = Command::new("cargo");
    install.args(["install", "--quiet", "--force", "--version", version]).arg("--root").arg(&root);
    // It runs for seconds: to optimise it well takes longer than that ever saves.
    for (name, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
        install.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
    }
    // The tool is built for this machine, whatever the caller builds for.
    install.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET").current_dir(env::temp_dir());
    run(install.args(flags).arg(package), "check the connection to crates.io and the space on disk, and try again")?;
    Ok(folder)
}

/// The version of wasm-bindgen that the workspace links: the program must be of the same.
fn wasm_bindgen_version() -> Result<String> {
    let lock = fs::read_to_string("Cargo.lock").context("Cargo.lock is missing; run `cargo update --workspace`")?;
    let (_, package) =
        lock.split_once("name = \"wasm-bindgen\"\nversion = \"").context("Cargo.lock has no wasm-bindgen")?;
    Ok(package.split('"').next().unwrap_or_default().to_owned())
}

/// Where this user's programs keep what they can fetch again.
fn cache() -> Result<PathBuf> {
    let given = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if let Some(xdg) = given("XDG_CACHE_HOME") {
        xdg
    } else if cfg!(windows) {
        given("LOCALAPPDATA").context("LOCALAPPDATA is not set")?
    } else {
        let home = given("HOME").context("HOME is not set, so there is no place for the tools; set XDG_CACHE_HOME")?;
        home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" })
    };
    Ok(base.join("millrace"))
}
