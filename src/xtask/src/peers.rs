//! `cargo xtask test peers`: what programs of others make of what Millrace writes, and of its server.
//!
//! The parsers of Prometheus and OpenTelemetry read what scrapers and collectors are sent, manifests are held to the
//! schemas of Kubernetes, KServe and Compose, and NVIDIA's stock client asks `millrace serve`. All of them are Python's.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::millrace::Millrace;
use crate::{programs, tools};

/// Gives how many of the checks passed and failed; none did where there is no Python to make them.
pub fn measure() -> Result<(usize, usize)> {
    let python = match tools::python("peers", Some("schemas")) {
        Ok(python) => python,
        Err(error) => {
            println!("not run: {error:#}");
            return Ok((0, 0));
        }
    };
    let passes = |name: &str, arguments: &[&str]| {
        let mut script = Command::new(&python);
        script.arg(Path::new("tests/reference").join(name)).args(arguments);
        script.status().with_context(|| format!("{name} could not be started")).map(|status| status.success())
    };
    let mut outcomes = vec![passes("telemetry.py", &[])?, passes("manifests.py", &[])?];
    let millrace = Millrace::new(&programs::build()?, "target/peers/registry")?;
    millrace.registry(&["register", "tests/golden/pipelines/web_service.json", "--name", "churn"])?;
    millrace.registry(&["deploy", "models:/churn/1"])?;
    let server = millrace.serve()?;
    outcomes.push(passes("triton_client.py", &[server.address.trim_start_matches("http://")])?);
    let n_passed = outcomes.iter().filter(|passed| **passed).count();
    Ok((n_passed, outcomes.len() - n_passed))
}
