//! Running other programs, and saying so.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Makes the repository's root the current folder, from wherever cargo was called.
pub fn enter_repository() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("xtask lies in src/xtask")?;
    std::env::set_current_dir(root).with_context(|| format!("the repository is no longer at {}", root.display()))
}

/// Announces a step on the terminal.
pub fn say(step: impl AsRef<str>) {
    eprintln!("==> {}", step.as_ref());
}

/// Runs a program to its end; what it prints is seen as it comes.
pub fn run(command: &mut Command, way_out: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("`{name}` could not be started; {way_out}"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}; {way_out}");
    }
    Ok(())
}

/// Runs a program to its end and returns what it printed.
pub fn output_of(command: &mut Command, way_out: &str) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{name}` could not be started; {way_out}"))?;
    if !output.status.success() {
        bail!("`{name}` ended with {}: {}; {way_out}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` printed something that is not text"))
}

/// Whether a program is there and answers to `--help`; not every one knows `--version`.
pub fn answers(program: impl AsRef<std::ffi::OsStr>) -> bool {
    Command::new(program).arg("--help").output().is_ok_and(|output| output.status.success())
}

/// The command for a program that Windows knows as a script.
pub fn script(name: &str) -> Command {
    Command::new(if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() })
}
