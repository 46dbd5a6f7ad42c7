//! Programs of the workspace that checks run beside its tests.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell::run;

const WAY_OUT: &str = "the message above says why";

/// Builds them all, unoptimised, and tells where they are. They are built as `cargo test --workspace` builds them, so
/// after it nothing is left to do: a package by itself has other features of its dependencies, and these would be built
/// again.
pub fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--workspace", "--bin", "millrace"]);
    for example in ["golden_in_worker", "quality", "early_termination"] {
        cargo.args(["--example", example]);
    }
    run(&mut cargo, WAY_OUT)?;
    Ok(target().join("debug"))
}

/// Builds those that are measured, and tells where they are.
pub fn build_measured() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--package", "cli", "--bin", "millrace"]);
    run(cargo.args(["--package", "learn", "--example", "engine_speed"]), WAY_OUT)?;
    Ok(target().join("release"))
}

/// Where Cargo puts what it builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
