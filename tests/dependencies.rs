//! Which crate may use which: the map in ARCHITECTURE.md, held by `cargo tree`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const WASM: &str = "wasm32-unknown-unknown";

/// Every crate of ours, with the crates of ours that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("accelerator", &["gpu", "learn", "model"]),
    (
        "automl",
        &[
            "components",
            "engine",
            "learn",
            "model",
            "numeric",
            "pipeline",
            "protocol",
            "schema",
            "study",
            "sweep",
            "table",
        ],
    ),
    ("charts", &[]),
    (
        "cli",
        &[
            "automl",
            "charts",
            "components",
            "endpoint",
            "engine",
            "experiment",
            "gpu",
            "learn",
            "model",
            "monitor",
            "pipeline",
            "protocol",
            "registry",
            "schema",
            "server",
            "study",
            "sweep",
            "table",
        ],
    ),
    (
        "components",
        &["charts", "engine", "learn", "model", "numeric", "pipeline", "protocol", "schema", "study", "sweep", "table"],
    ),
    ("editor", &["pipeline", "protocol", "schema"]),
    ("endpoint", &["model", "monitor", "numeric", "registry", "schema"]),
    ("engine", &["charts", "learn", "model", "pipeline", "protocol", "registry", "schema", "study", "table"]),
    ("experiment", &["charts", "pipeline", "protocol", "schema", "study"]),
    ("gpu", &["learn", "model"]),
    ("learn", &["model", "numeric", "schema", "table"]),
    ("model", &["numeric", "schema"]),
    ("monitor", &["numeric", "registry", "schema"]),
    ("numeric", &[]),
    ("pipeline", &["schema"]),
    ("protocol", &["charts", "pipeline", "schema", "study"]),
    ("registry", &["schema"]),
    ("schema", &[]),
    ("server", &["endpoint", "monitor", "numeric", "registry", "schema"]),
    ("service_worker", &["endpoint", "monitor", "registry"]),
    ("studio", &["charts", "editor", "experiment", "monitor", "pipeline", "protocol", "registry", "schema", "study"]),
    ("study", &["pipeline", "schema"]),
    ("sweep", &["numeric", "pipeline", "schema", "study"]),
    ("table", &["model", "schema"]),
    (
        "worker",
        &[
            "automl",
            "components",
            "engine",
            "learn",
            "model",
            "monitor",
            "pipeline",
            "protocol",
            "schema",
            "study",
            "sweep",
            "table",
        ],
    ),
    ("xtask", &[]),
];

/// The crates that become programs; only these may know the browser, and `gpu`, which asks it for WebGPU.
const PROGRAMS: &[&str] = &["accelerator", "cli", "service_worker", "studio", "worker", "xtask"];

/// What reads tables and trains models.
const HEAVY: &[&str] = &["automl", "components", "engine", "learn", "model", "parquet", "smartcore", "sweep", "table"];

#[test]
fn every_crate_names_only_what_is_below_it() {
    let ours: BTreeSet<_> = folders("../src").into_iter().collect();
    let listed: BTreeSet<_> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(ours, listed, "a crate came or went: say in ALLOWED what it may use");
    for (name, allowed) in ALLOWED {
        let used = tree(&["--package", name, "--depth", "1", "--all-features"]);
        for crate_name in used.iter().filter(|used| ours.contains(*used) && used != name) {
            assert!(allowed.contains(&crate_name.as_str()), "`{name}` uses `{crate_name}`, which it may not");
        }
    }
}

#[test]
fn the_page_links_no_machine_learning() {
    let linked = tree(&["--package", "studio", "--target", WASM]);
    assert!(linked.contains("editor"), "cargo tree says nothing of the page");
    let heavy: Vec<_> =
        linked.iter().filter(|name| HEAVY.contains(&name.as_str()) || name.starts_with("arrow")).collect();
    assert!(heavy.is_empty(), "the page links {heavy:?}");
}

#[test]
fn nothing_below_the_programs_reaches_the_browser() {
    for (name, _) in ALLOWED.iter().filter(|(name, _)| !PROGRAMS.contains(name) && *name != "gpu") {
        // Charts draw on a canvas only for the page, which asks for that feature.
        let linked = tree(&["--package", name, "--target", WASM, "--no-default-features"]);
        for browser in ["web-sys", "gloo", "leptos"] {
            assert!(!linked.contains(browser), "`{name}` reaches {browser}");
        }
    }
}

/// The names of the packages that are linked, the asked one included.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--quiet", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is running this test");
    assert!(output.status.success(), "cargo tree {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("package names are text");
    printed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn folders(path: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let entries = root.read_dir().expect("the workspace has its crates in src");
    let crates = entries.filter_map(Result::ok).filter(|entry| entry.path().join("Cargo.toml").is_file());
    crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
