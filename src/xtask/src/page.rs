//! Building the page with trunk, and what comes after trunk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};

use crate::programs::target;
use crate::shell::{run, say};
use crate::{browser, server, style, tools};

/// The page has a target folder of its own: its flags differ from the native ones.
const TARGET: &str = "target/web";
const DEBUG_OUT: &str = "target/web/debug-page";
/// The name in `public/` and in trunk's output; the build's id is added to it.
const ASSETS: &str = "assets";
/// The program of the endpoint that lives in the browser, as the compiler names it.
const SERVICE_WORKER: &str = "service_worker.wasm";

/// How much time a build spends on making its output small and fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build
    Debug,
    /// Small and fast
    Release,
}

impl Profile {
    /// The profile that a `--debug` flag asks for.
    pub fn new(debug: bool) -> Self {
        if debug { Self::Debug } else { Self::Release }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }
}

/// Installs everything that building and testing need.
pub fn set_up() -> Result<()> {
    tools::for_page()?;
    tools::node_packages()?;
    browser::find_or_install()?;
    say("everything is in place");
    Ok(())
}

/// Leaves a folder that any static host can serve.
pub fn build(profile: Profile, out: &Path) -> Result<()> {
    let out = absolute(out)?;
    let mut trunk = trunk("build", profile, &out)?;
    say(match profile {
        Profile::Debug => "building the page without optimisation",
        Profile::Release => "building the page (a first release build takes several minutes)",
    });
    run(&mut trunk, "the compiler's or trunk's message above says why")?;
    say(format!("the page is in {}", out.display()));
    Ok(())
}

/// Builds the page in release mode and serves it until the program is stopped.
pub fn serve(port: u16, open: bool) -> Result<()> {
    let out = PathBuf::from("dist");
    build(Profile::Release, &out)?;
    let server = server::Server::start(&out, port)?;
    greet(&server, open);
    server.wait()
}

/// Serves a quick build and lets trunk rebuild it whenever a file changes.
pub fn serve_while_editing(port: u16, open: bool) -> Result<()> {
    let out = PathBuf::from(DEBUG_OUT);
    build(Profile::Debug, &out)?;
    let mut watch = trunk("watch", Profile::Debug, &absolute(&out)?)?.spawn().context("trunk could not be started")?;
    let server = server::Server::start(&out, port)?;
    greet(&server, open);
    say("reload the page after trunk has rebuilt it");
    let status = watch.wait().context("trunk's watch was lost")?;
    bail!("trunk's watch ended with {status}; its message above says why");
}

fn greet(server: &server::Server, open: bool) {
    say(format!("Millrace is at {} (Ctrl+C stops it)", server.address()));
    if open {
        open_in_browser(&server.address());
    }
}

fn open_in_browser(address: &str) {
    let opener = if cfg!(target_os = "macos") {
        Command::new("open").arg(address).spawn()
    } else if cfg!(windows) {
        Command::new("cmd").args(["/C", "start", "", address]).spawn()
    } else {
        Command::new("xdg-open").arg(address).spawn()
    };
    if opener.is_err() {
        say("no default browser was found; open the address yourself");
    }
}

fn trunk(verb: &str, profile: Profile, out: &Path) -> Result<Command> {
    let path = tools::for_page()?;
    if profile == Profile::Release {
        tools::node_packages()?;
    }
    let program = env::split_paths(&path).next().unwrap_or_default().join("trunk");
    let mut trunk = Command::new(program);
    trunk.arg(verb).args(profile.flags()).arg("--dist").arg(out);
    trunk.env("PATH", path).env("CARGO_TARGET_DIR", absolute(Path::new(TARGET))?).env_remove("NO_COLOR");
    Ok(trunk)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(env::current_dir().context("the current folder is gone")?.join(path))
}

/// Finishes what trunk has staged: called by the hook in Trunk.toml.
pub fn finish_for_trunk() -> Result<()> {
    let staged = env::var_os("TRUNK_STAGING_DIR").context("`finish` is for trunk to call; use `cargo xtask build`")?;
    let profile = Profile::new(env::var("TRUNK_PROFILE").as_deref() != Ok("release"));
    finish(Path::new(&staged), profile)
}

/// Puts `assets/` together and names it after its content.
///
/// Trunk hashes the page's own program but neither the worker nor scripts it
/// copies. A folder named after everything in it keeps a browser from mixing
/// the files of two builds.
fn finish(staged: &Path, profile: Profile) -> Result<()> {
    let assets = staged.join(ASSETS);
    fs::create_dir_all(&assets).with_context(|| format!("{} cannot be made", assets.display()))?;
    fs::write(assets.join("style.css"), style::bundle()?).context("the style sheet cannot be written")?;
    for script in ["boot.js", "policy.js", "start-worker.js"] {
        fs::copy(Path::new("public").join(script), assets.join(script))
            .with_context(|| format!("public/{script} cannot be copied"))?;
    }
    for file in ["worker.js", "worker_bg.wasm"] {
        fs::rename(staged.join(file), assets.join(file))
            .with_context(|| format!("trunk left no {file}; does public/index.html still link the worker?"))?;
    }
    let index = staged.join("index.html");
    let mut page = fs::read_to_string(&index).context("trunk left no index.html")?;
    for whole in [".js", "_bg.wasm"] {
        for file in files_ending(staged, whole)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            page = page.replace(&name, &format!("{ASSETS}/studio{whole}"));
            fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
        }
    }
    cut_into_parts(profile, &assets)?;
    build_service_worker(profile, &assets)?;
    build_accelerator(profile, &assets)?;
    if profile == Profile::Release {
        optimise_all(&assets)?;
    }
    let named = format!("{ASSETS}-{:016x}", hash_of_folder(&assets)?);
    fs::rename(&assets, staged.join(&named)).context("assets/ cannot be renamed")?;
    let page = page.replace(&format!("{ASSETS}/"), &format!("{named}/"));
    fs::write(&index, page).context("index.html cannot be written")?;
    write_service_worker(staged, &named)
}

/// Optimises all programs of a folder, as many at once as there are cores. The worker takes as long as all others, so it
/// comes first.
fn optimise_all(assets: &Path) -> Result<()> {
    let mut programs = Vec::new();
    for wasm in files_ending(assets, ".wasm")? {
        let n_bytes = fs::metadata(&wasm).with_context(|| format!("{} cannot be read", wasm.display()))?.len();
        programs.push((n_bytes, wasm));
    }
    programs.sort();
    let programs = Mutex::new(programs);
    let optimise = || -> Result<()> {
        let next = || programs.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some((_, wasm)) = next() {
            // A browser compiles a function when it is first called: one that has swallowed others takes longer than those
            // that are needed, and the service worker is compiled anew whenever it starts.
            let flags: &[&str] = match wasm.file_name().and_then(|name| name.to_str()) {
                Some("worker_bg.wasm") => &["-O3"],
                Some(SERVICE_WORKER) => &["-Oz", "--one-caller-inline-max-function-size=50"],
                _ => &["-Oz"],
            };
            tools::optimise(&wasm, flags)?;
        }
        Ok(())
    };
    let n_cores = thread::available_parallelism().map_or(1, |n| n.get());
    thread::scope(|scope| {
        let at_work: Vec<_> = (0..n_cores).map(|_| scope.spawn(optimise)).collect();
        at_work.into_iter().try_for_each(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Builds the program of the endpoint that lives in the browser. It has no glue, so trunk has nothing to do with it. It is
/// optimised for size: the browser compiles it anew whenever it starts the service worker.
fn build_service_worker(profile: Profile, assets: &Path) -> Result<()> {
    let built = build_program(profile, "service_worker")?;
    fs::copy(&built, assets.join(SERVICE_WORKER)).with_context(|| format!("{} cannot be copied", built.display()))?;
    Ok(())
}

/// Builds the program that computes on the GPU, which the worker loads when a run asks for it.
fn build_accelerator(profile: Profile, assets: &Path) -> Result<()> {
    let built = build_program(profile, "accelerator")?;
    let mut bindgen = Command::new("wasm-bindgen");
    bindgen.env("PATH", tools::for_page()?).args(["--target", "web", "--no-typescript", "--out-dir"]);
    run(bindgen.arg(assets).arg(&built), "run `cargo clean -p accelerator --target-dir target/web` and build again")
}

/// Builds a library that trunk does not know; where it is.
fn build_program(profile: Profile, name: &str) -> Result<PathBuf> {
    let (profile, folder) = match profile {
        Profile::Debug => ("dev", "debug"),
        Profile::Release => ("page", "page"),
    };
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", name, "--lib", "--profile", profile]);
    run(cargo.args(["--target", "wasm32-unknown-unknown"]), "the compiler's message above says why")?;
    Ok(target().join("wasm32-unknown-unknown").join(folder).join(name).with_extension("wasm"))
}

/// Writes the service worker's script, which has to lie beside the page, with the list of all that the page needs.
fn write_service_worker(staged: &Path, assets: &str) -> Result<()> {
    let mut files = vec!["./".to_owned()];
    for folder in ["", assets, "fonts"] {
        for path in files_ending(&staged.join(folder), "")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name != "index.html" {
                files.push(if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") });
            }
        }
    }
    let script = fs::read_to_string("public/sw.js").context("public/sw.js is missing")?;
    let list: Vec<String> = files.iter().map(|file| format!("{file:?}")).collect();
    let build = assets.trim_start_matches(ASSETS).trim_start_matches('-');
    let script = script
        .replace("const BUILD = \"\";", &format!("const BUILD = {build:?};"))
        .replace("const FILES = [];", &format!("const FILES = [{}];", list.join(", ")));
    fs::write(staged.join("sw.js"), script).context("sw.js cannot be written")
}

/// Cuts the page's program at the functions of `src/studio/src/parts.rs`.
///
/// This has to come before wasm-bindgen, which trunk has run already on the whole: what trunk left is put aside, and
/// the compiler's own output is taken again.
fn cut_into_parts(profile: Profile, assets: &Path) -> Result<()> {
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => "page",
    };
    let whole = target().join("wasm32-unknown-unknown").join(folder).join("studio.wasm");
    let parts = target().join("parts").join(folder);
    if parts.exists() {
        fs::remove_dir_all(&parts).with_context(|| format!("{} cannot be emptied", parts.display()))?;
    }
    let path = tools::for_page()?;
    let way_out = "run `cargo clean -p studio --target-dir target/web` and build again";
    run(
        Command::new("wasm-split-cli").env("PATH", &path).arg(&whole).arg(&parts).args(["--out-name", "studio"]),
        way_out,
    )?;
    let flags = ["--target", "web", "--no-typescript", "--keep-lld-exports", "--out-name", "studio"];
    run(
        Command::new("wasm-bindgen")
            .env("PATH", &path)
            .args(flags)
            .arg("--out-dir")
            .arg(assets)
            .arg(parts.join("studio.wasm")),
        way_out,
    )?;
    for file in files_ending(&parts, "")?.into_iter().filter(|file| !file.ends_with("studio.wasm")) {
        fs::copy(&file, assets.join(file.file_name().unwrap_or_default()))
            .with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(())
}

/// The files of a folder, without its sub-folders, whose name ends like this.
pub fn files_ending(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// FNV-1a over names and contents: the id has to change with them, no more.
fn hash_of_folder(folder: &Path) -> Result<u64> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for path in files_ending(folder, "")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for byte in name.into_bytes().into_iter().chain(content) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    Ok(hash)
}
