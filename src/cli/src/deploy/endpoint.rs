//! `millrace deploy`, `undeploy` and `traffic`: which versions stand behind an endpoint, and who gets how much.

use std::collections::BTreeMap;

use ::registry::{Change, Endpoint, Name, Share};
use anyhow::{Context, Result};
use serde_json::json;

use super::{Where, name, pair, resolved, with_help};
use crate::{Outcome, say};

/// What `deploy` is asked.
#[derive(clap::Args)]
pub struct DeployArguments {
    /// `models:/churn/3`, `models:/churn@champion`, or `models:/churn` for the latest
    #[arg(value_name = "MODEL")]
    address: String,
    #[command(flatten)]
    place: Where,
    /// The endpoint; it is made if there is none [default: the model's name]
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// The deployment; one of this name serves the version from now on
    #[arg(long = "as", value_name = "NAME", default_value = "blue")]
    deployment: String,
    /// Percent of traffic, taken from the others in proportion [default: 100 for the first deployment, else as before]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: Option<u8>,
}

/// Puts a version behind an endpoint.
pub fn deploy(arguments: &DeployArguments) -> Result<Outcome> {
    let deployment = name(&arguments.deployment)?;
    let asked = arguments.endpoint.as_deref().map(name).transpose()?;
    let mut meant = asked.clone();
    let log = arguments.place.record(|log| {
        let registry = log.registry();
        let (model, version) = resolved(registry, &arguments.address)?;
        let endpoint = asked.unwrap_or_else(|| model.clone());
        meant = Some(endpoint.clone());
        let before = registry.endpoints.get(&endpoint).cloned().unwrap_or_default();
        let is_first = before.deployments.is_empty();
        let mut changes =
            vec![Change::Deployed { endpoint: endpoint.clone(), deployment: deployment.clone(), model, version }];
        if let Some(percent) = arguments.percent.or(is_first.then_some(100)) {
            let traffic = before.with_share(&deployment, percent);
            changes.push(Change::TrafficSet { endpoint, traffic, reason: String::new() });
        }
        Ok(changes)
    })?;
    if let Some((name, endpoint)) = meant.as_ref().and_then(|name| log.registry().endpoints.get_key_value(name)) {
        say::out(&in_words(name, endpoint))?;
    }
    Ok(Outcome::Good)
}

/// What `undeploy` is asked.
#[derive(clap::Args)]
pub struct UndeployArguments {
    /// The endpoint
    endpoint: String,
    /// The deployment; it must have no traffic. Without it the endpoint goes, with all its deployments
    deployment: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Takes a deployment or an endpoint away.
pub fn undeploy(arguments: &UndeployArguments) -> Result<Outcome> {
    let endpoint = name(&arguments.endpoint)?;
    let change = match arguments.deployment.as_deref().map(name).transpose()? {
        Some(deployment) => Change::Undeployed { endpoint, deployment },
        None => Change::EndpointRemoved { endpoint },
    };
    arguments.place.change(change)?;
    Ok(Outcome::Good)
}

/// What `traffic` is asked.
#[derive(clap::Args)]
pub struct TrafficArguments {
    /// The endpoint [default: all are shown]
    endpoint: Option<String>,
    /// Percent by deployment, as in `blue=90 green=10`; they add up to 100, or to 0 for none
    #[arg(value_name = "DEPLOYMENT=PERCENT")]
    shares: Vec<String>,
    #[command(flatten)]
    place: Where,
    /// Send a copy of so many percent of live requests to a deployment, as in `green=10`; `green=0` ends it
    #[arg(long, value_name = "DEPLOYMENT=PERCENT")]
    mirror: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Shares traffic among deployments, or shows how it is shared.
pub fn traffic(arguments: &TrafficArguments) -> Result<Outcome> {
    let folder = arguments.place.folder();
    let asked = arguments.endpoint.as_deref().map(name).transpose()?;
    if let Some(endpoint) = &asked {
        let mut changes = Vec::new();
        if !arguments.shares.is_empty() {
            let shares = arguments.shares.iter().map(|text| share(text)).collect::<Result<BTreeMap<_, _>>>()?;
            let reason = String::new();
            changes.push(Change::TrafficSet { endpoint: endpoint.clone(), traffic: shares, reason });
        }
        if let Some((deployment, percent)) = arguments.mirror.as_deref().map(share).transpose()? {
            let mirror = (percent > 0).then_some(Share { deployment, percent });
            changes.push(Change::MirrorSet { endpoint: endpoint.clone(), mirror });
        }
        if !changes.is_empty() {
            arguments.place.record(|_| Ok(changes))?;
        }
        folder.log()?.registry().endpoint(endpoint).map_err(with_help)?;
    }
    let log = folder.log()?;
    let endpoints = log.registry().endpoints.iter();
    let shown: BTreeMap<&Name, &Endpoint> =
        endpoints.filter(|(name, _)| asked.as_ref().is_none_or(|asked| asked == *name)).collect();
    if arguments.json {
        say::out(&format!("{:#}\n", json!(shown)))?;
    } else {
        say::out(&shown.iter().map(|(name, endpoint)| in_words(name, endpoint)).collect::<String>())?;
    }
    Ok(Outcome::Good)
}

fn share(text: &str) -> Result<(Name, u8)> {
    let (deployment, percent) = pair(text, "DEPLOYMENT=PERCENT, as in green=10")?;
    let percent = percent.parse().with_context(|| format!("{text}: {percent:?} is no percent"))?;
    Ok((name(deployment)?, percent))
}

fn in_words(name: &Name, endpoint: &Endpoint) -> String {
    let stopped = if endpoint.is_stopped { "  stopped" } else { "" };
    let mut text = format!("{name}{stopped}\n");
    for (deployment, it) in &endpoint.deployments {
        let percent = endpoint.traffic.get(deployment).copied().unwrap_or_default();
        let mirror = endpoint.mirror.as_ref().filter(|mirror| mirror.deployment == *deployment);
        let mirror = mirror.map_or(String::new(), |mirror| format!("  sees copies of {} %", mirror.percent));
        text.push_str(&format!("  {deployment}  models:/{}/{}  {percent} %{mirror}\n", it.model, it.version));
    }
    text
}
