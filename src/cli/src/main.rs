//! `millrace`: pipelines from the command line, with the engine of the studio.
//!
//! Exit codes: 0, all is well; 1, the pipeline has errors, a node failed, an
//! assertion does not hold or no trial came through; 2, the call itself is wrong, or a file it names
//! cannot be read or written.

mod assertions;
mod automl;
mod catalogue;
mod deploy;
mod document;
mod host;
mod networks;
mod outputs;
mod problems;
mod record;
mod report;
mod run;
mod runs;
mod say;
mod sweep;
mod values;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Runs, checks and shares Millrace pipelines.
#[derive(Parser)]
#[command(
    name = "millrace",
    version,
    after_help = "Exit codes: 0 all is well; 1 the pipeline has errors, a node failed, an assertion does not \
                  hold or no trial came through; 2 the call is wrong or a file cannot be read or written."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a pipeline and say what came out
    Run(run::Arguments),
    /// List the runs that were recorded in a folder
    Runs(runs::Arguments),
    /// Name every problem of a pipeline without running it
    Check(problems::Arguments),
    /// List the components, or describe one
    Components(catalogue::Arguments),
    /// Print a link that holds the pipeline
    Link(document::LinkArguments),
    /// Run a pipeline and hold its metrics to assertions
    Test(assertions::Arguments),
    /// Run a pipeline with many settings and say which are best
    Sweep(sweep::Arguments),
    /// Look for a good model of a table: preparations, learners, settings and an ensemble
    Automl(automl::Arguments),
    /// Run a pipeline and put its model into a registry
    Register(deploy::register::Arguments),
    /// Show what is registered, and move what points to it
    Registry(deploy::registry::Arguments),
    /// Put a version behind an endpoint
    Deploy(deploy::endpoint::DeployArguments),
    /// Take a deployment or an endpoint away
    Undeploy(deploy::endpoint::UndeployArguments),
    /// Share requests among the deployments of an endpoint
    Traffic(deploy::endpoint::TrafficArguments),
    /// Say when somebody is to be told, and when traffic goes back by itself
    Alerts(deploy::alerts::Arguments),
    /// Make, list and end the keys of a server
    Keys(deploy::keys::Arguments),
    /// Answer requests: the Open Inference Protocol over HTTP
    Serve(deploy::serve::Arguments),
    /// Print what runs a version in a container: a Dockerfile, or a manifest for Compose, Kubernetes or KServe
    Manifest(deploy::manifest::Arguments),
    /// Predict all rows of a table, with a version or an endpoint
    Score(deploy::score::Arguments),
    /// Send requests to an endpoint at a steady rate and say how they were answered
    Load(deploy::load::Arguments),
}

/// The pipeline that a verb works on, and what is changed in it first.
#[derive(clap::Args)]
struct Subject {
    /// A pipeline's file, a link to one, or `-` for standard input
    #[arg(value_name = "FILE-or-link")]
    source: String,
    /// Set a parameter: `forest.n_trees=200`, `split.stratify=true`, `clean.columns=age,income`
    #[arg(long = "set", value_name = "NODE.PARAM=VALUE")]
    settings: Vec<String>,
    /// Give a parameter of the pipeline another value: `trees=200`; `millrace check` lists them
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Read a node's file from here: `import=data/churn.csv`
    #[arg(long = "data", value_name = "NODE=PATH")]
    data: Vec<String>,
}

/// How a verb ended when nothing kept it from doing its work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Good,
    /// The pipeline has errors, a node failed or an assertion does not hold.
    Bad,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Runs(arguments) => runs::list(&arguments),
        Verb::Check(arguments) => problems::check(&arguments),
        Verb::Components(arguments) => catalogue::show(&arguments),
        Verb::Link(arguments) => document::link(&arguments),
        Verb::Test(arguments) => assertions::test(&arguments),
        Verb::Sweep(arguments) => sweep::sweep(&arguments),
        Verb::Automl(arguments) => automl::automl(&arguments),
        Verb::Register(arguments) => deploy::register::register(&arguments),
        Verb::Registry(arguments) => deploy::registry::registry(&arguments),
        Verb::Deploy(arguments) => deploy::endpoint::deploy(&arguments),
        Verb::Undeploy(arguments) => deploy::endpoint::undeploy(&arguments),
        Verb::Traffic(arguments) => deploy::endpoint::traffic(&arguments),
        Verb::Alerts(arguments) => deploy::alerts::alerts(&arguments),
        Verb::Keys(arguments) => deploy::keys::keys(&arguments),
        Verb::Serve(arguments) => deploy::serve::serve(&arguments),
        Verb::Manifest(arguments) => deploy::manifest::manifest(&arguments),
        Verb::Score(arguments) => deploy::score::score(&arguments),
        Verb::Load(arguments) => deploy::load::load(&arguments),
    };
    exit_code(outcome)
}

fn exit_code(outcome: Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Err(error) => {
            say::aside(&format!("error: {error:#}\n"));
            ExitCode::from(2)
        }
    }
}
