//! `millrace serve`: models behind a real address.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::registry::Name;
use anyhow::{Context, Result, bail};
use server::{Folder, Options};

use crate::{Outcome, say};

/// What `serve` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// Packages to serve, each under its file's name; without any, the endpoints of the registry
    #[arg(value_name = "FILE", conflicts_with = "folder")]
    packages: Vec<PathBuf>,
    /// The registry's folder; changes of it are served at once
    #[arg(long = "registry", value_name = "DIR", default_value = "registry")]
    folder: PathBuf,
    /// The file of the keys, as `millrace keys` makes it [default: keys.json in the registry's folder, if that is served]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The address to listen at; one that other computers reach needs keys
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8081)]
    port: u16,
    /// Threads that answer [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    /// Predictions under way at once; more are refused with 429
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_concurrent_requests: u32,
    /// The largest body, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = endpoint::MAX_BODY)]
    max_body: usize,
    /// The longest time for an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=180_000))]
    request_timeout_ms: u64,
    /// The longest time that a connection waits for the head of a request, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 75_000, value_parser = clap::value_parser!(u64).range(1..))]
    idle_timeout_ms: u64,
    /// Post to this address when an alert begins or ends, and when traffic goes back by itself
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Push counters and exceptions to this collector of OpenTelemetry, as in http://127.0.0.1:4318 (OTLP/HTTP in JSON)
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// How often, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    otlp_interval: u64,
    /// Write a line of each request into this file, in JSON
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,
    /// Serve a built studio at /studio/, whose Monitor page watches this server
    #[arg(long, value_name = "DIR")]
    studio: Option<PathBuf>,
    /// Serve an address that other computers reach although there is no key
    #[arg(long)]
    insecure: bool,
    /// Answer late or fail where a request asks for it (`x-millrace-fault: delay=250` or `panic`), to try out alerts and
    /// rollbacks
    #[arg(long)]
    take_faults: bool,
}

/// Serves until it is stopped.
pub fn serve(arguments: &Arguments) -> Result<Outcome> {
    let started = Instant::now();
    let n_cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let folder = arguments.packages.is_empty().then(|| Folder::new(&arguments.folder));
    if let Some(path) = arguments.keys.as_deref().filter(|path| !path.is_file()) {
        bail!("--keys {}: there is no such file\n  help: `millrace keys make` makes one", path.display());
    }
    let options = Options {
        address: SocketAddr::new(arguments.host, arguments.port),
        keys: arguments.keys.clone().or_else(|| folder.as_ref().map(Folder::keys)),
        folder,
        packages: arguments.packages.iter().map(|path| package(path)).collect::<Result<_>>()?,
        n_workers: arguments.workers.map_or(n_cores, |n| n as usize),
        max_in_flight: arguments.max_concurrent_requests,
        max_body: arguments.max_body,
        timeout: Duration::from_millis(arguments.request_timeout_ms),
        idle_timeout: Duration::from_millis(arguments.idle_timeout_ms),
        webhook: arguments.webhook.clone(),
        otlp: arguments.otlp.clone().map(|url| (url, Duration::from_secs(arguments.otlp_interval))),
        request_log: arguments.request_log.clone(),
        is_insecure: arguments.insecure,
        takes_faults: arguments.take_faults,
        studio: arguments.studio.clone(),
    };
    server::serve(options, |address| {
        let ms = started.elapsed().as_millis();
        // Who cannot read it can still ask.
        let _ = say::out(&format!("serving http://{address}/v2 (ready in {ms} ms)\n"));
        if arguments.studio.is_some() {
            let _ = say::out(&format!("studio at http://{address}/studio/\n"));
        }
    })?;
    Ok(Outcome::Good)
}

/// A package and the name it is served under.
fn package(path: &Path) -> Result<(Name, Vec<u8>)> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name =
        Name::from_title(&stem).with_context(|| format!("{}: its name makes none for a model", path.display()))?;
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok((name, bytes))
}
