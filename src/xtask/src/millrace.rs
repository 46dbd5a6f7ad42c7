//! The program `millrace` and a server of it, for whoever measures or asks it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::shell::output_of;

/// The program, with a registry of its own.
pub struct Millrace {
    program: PathBuf,
    registry: &'static str,
}

impl Millrace {
    /// The one that was built there, with an empty registry.
    pub fn new(built: &Path, registry: &'static str) -> Result<Self> {
        if Path::new(registry).exists() {
            fs::remove_dir_all(registry).with_context(|| format!("{registry} cannot be removed"))?;
        }
        Ok(Self { program: built.join("millrace"), registry })
    }

    /// The program alone.
    pub fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Does something to the registry.
    pub fn registry(&self, arguments: &[&str]) -> Result<String> {
        output_of(self.command().args(arguments).args(["--registry", self.registry]), "its message says why")
    }

    /// Serves the registry.
    pub fn serve(&self) -> Result<Serving> {
        let started = Instant::now();
        let mut serve = self.command();
        serve.args(["serve", "--port", "0", "--registry", self.registry]).stdout(Stdio::piped());
        let mut child = serve.spawn().context("the server could not be started")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it says nothing")?).read_line(&mut line)?;
        let ready_ms = started.elapsed().as_secs_f64() * 1e3;
        let address = line.split_whitespace().nth(1).and_then(|address| address.strip_suffix("/v2"));
        let address = address.context("the server did not say where it is")?.to_owned();
        Ok(Serving { child, address, ready_ms })
    }
}

/// A server that ends when it is no longer needed.
pub struct Serving {
    child: Child,
    /// `http://127.0.0.1:8081`.
    pub address: String,
    /// From its start until it said where it is.
    pub ready_ms: f64,
}

impl Serving {
    /// What Linux says of its memory: `VmRSS` now, `VmHWM` at most.
    pub fn memory_mb(&self, field: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: this needs Linux"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("Linux does not say what it takes")?;
        Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
