//! Set-up, build, serve, test, measure: `cargo xtask VERB`.

mod bench;
mod browser;
mod debian;
mod engine;
mod gpu;
mod icons;
mod millrace;
mod page;
mod parity;
mod peers;
mod programs;
mod search;
mod server;
mod serving;
mod shell;
mod size;
mod speed;
mod style;
mod suite;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, serves and tests Millrace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what is missing, build the studio and serve it
    Serve(ServeArguments),
    /// Build a folder that any static host can serve, at the root or under a sub-path
    Build(BuildArguments),
    /// Everything that a change must pass, or the parts that are named
    Test(TestArguments),
    /// Print the compressed sizes of the page and the worker and hold them to their budgets
    Size,
    /// Measure what the page promises about speed, in Chromium
    Bench(bench::Arguments),
    /// Compare with scikit-learn and write how far off everything is, as tests/reference/PARITY.md
    Parity(ParityArguments),
    /// Draw public/icons.svg from the names in public/icons.txt
    Icons,
    /// Install the tools that the build needs, and do nothing else
    Setup,
    /// Put the build's own files together; called by trunk
    #[command(hide = true)]
    Finish,
}

#[derive(clap::Args)]
struct ServeArguments {
    /// Open the page in the default browser
    #[arg(long)]
    open: bool,
    /// Where to listen; 0 takes any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Quick builds without optimisation, again whenever a file changes
    #[arg(long)]
    debug: bool,
}

#[derive(clap::Args)]
struct BuildArguments {
    /// A quick build without optimisation
    #[arg(long)]
    debug: bool,
    /// Where the folder goes
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
}

#[derive(clap::Args)]
struct TestArguments {
    /// The parts to run; all of them when none is named
    parts: Vec<suite::Part>,
    /// Only browser scenarios whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Test an unoptimised page, which builds faster and runs slower
    #[arg(long)]
    debug: bool,
}

#[derive(clap::Args)]
struct ParityArguments {
    /// Write nothing; fail if the table that is there no longer holds
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<ExitCode> {
    shell::enter_repository()?;
    match verb {
        Verb::Serve(arguments) if arguments.debug => page::serve_while_editing(arguments.port, arguments.open)?,
        Verb::Serve(arguments) => page::serve(arguments.port, arguments.open)?,
        Verb::Build(arguments) => page::build(page::Profile::new(arguments.debug), &arguments.out)?,
        Verb::Test(arguments) => return suite::run(&arguments.parts, arguments.only.as_deref(), arguments.debug),
        Verb::Size => return size::print_and_judge(),
        Verb::Bench(arguments) => return bench::run(&arguments),
        Verb::Parity(arguments) => {
            let holds = parity::run(arguments.check)?;
            return Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Verb::Icons => icons::draw()?,
        Verb::Setup => page::set_up()?,
        Verb::Finish => page::finish_for_trunk()?,
    }
    Ok(ExitCode::SUCCESS)
}
