//! What happened, when, and who did it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Hash, Name, Share};

/// Something that happened. The log of events is only ever added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who did it: a user's name, "studio" for the page, "rule" for an automatic rollback.
    pub who: String,
    /// What changed.
    pub change: Change,
}

/// A change of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Change {
    /// A model's next version came in; it never changes again.
    Registered {
        /// The model.
        model: Name,
        /// One more than the version before; 1 for the first.
        version: u32,
        /// Its package.
        package: Hash,
    },
    /// An alias points to a version from now on.
    AliasSet {
        /// The model.
        model: Name,
        /// `champion`, `challenger` or any other.
        alias: Name,
        /// The version.
        version: u32,
    },
    /// An alias is gone.
    AliasRemoved {
        /// The model.
        model: Name,
        /// The alias.
        alias: Name,
    },
    /// A version has a tag from now on, or no longer.
    TagSet {
        /// The model.
        model: Name,
        /// The version.
        version: u32,
        /// The tag.
        key: String,
        /// Its value; none takes it away.
        value: Option<String>,
    },
    /// A version is put away: it stays, and is no longer offered.
    Archived {
        /// The model.
        model: Name,
        /// The version.
        version: u32,
    },
    /// A version that was put away is offered again.
    Restored {
        /// The model.
        model: Name,
        /// The version.
        version: u32,
    },
    /// A deployment stands behind an endpoint, or serves another version from now on. The first of an endpoint makes it.
    Deployed {
        /// The endpoint.
        endpoint: Name,
        /// `blue`, `green` or any other.
        deployment: Name,
        /// The model.
        model: Name,
        /// Its version.
        version: u32,
    },
    /// A deployment is gone.
    Undeployed {
        /// The endpoint.
        endpoint: Name,
        /// The deployment; it must have no traffic.
        deployment: Name,
    },
    /// How requests are shared among deployments from now on.
    TrafficSet {
        /// The endpoint.
        endpoint: Name,
        /// Percent by deployment; they add up to 100, or to 0 for none.
        traffic: BTreeMap<Name, u8>,
        /// Why, if a rule did it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Which deployment sees a copy of live requests from now on.
    MirrorSet {
        /// The endpoint.
        endpoint: Name,
        /// The deployment and its percent of requests; none ends it.
        mirror: Option<Share>,
    },
    /// Somebody is to be told under a condition, from now on.
    AlertSet {
        /// What it is called.
        alert: Name,
        /// The condition, which only `monitor` looks into.
        rule: Json,
    },
    /// Nobody is told any longer.
    AlertRemoved {
        /// What it was called.
        alert: Name,
    },
    /// When traffic goes back from a new deployment that is worse than the old one.
    RollbackSet {
        /// The endpoint.
        endpoint: Name,
        /// The condition, which only `monitor` looks into; none for never.
        rule: Option<Json>,
    },
    /// An endpoint answers no longer, until it is started.
    Stopped {
        /// The endpoint.
        endpoint: Name,
    },
    /// An endpoint answers again.
    Started {
        /// The endpoint.
        endpoint: Name,
    },
    /// An endpoint is gone, with its deployments.
    EndpointRemoved {
        /// The endpoint.
        endpoint: Name,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered { model, version, package } => {
                write!(f, "registered version {version} of {model} ({})", package.short())
            }
            Self::AliasSet { model, alias, version } => write!(f, "{alias} of {model} is version {version}"),
            Self::AliasRemoved { model, alias } => write!(f, "{model} has no {alias} any longer"),
            Self::TagSet { model, version, key, value: Some(value) } => {
                write!(f, "tagged version {version} of {model}: {key}={value}")
            }
            Self::TagSet { model, version, key, value: None } => {
                write!(f, "took the tag {key} from version {version} of {model}")
            }
            Self::Archived { model, version } => write!(f, "archived version {version} of {model}"),
            Self::Restored { model, version } => write!(f, "restored version {version} of {model}"),
            Self::Deployed { endpoint, deployment, model, version } => {
                write!(f, "{deployment} of the endpoint {endpoint} serves version {version} of {model}")
            }
            Self::Undeployed { endpoint, deployment } => write!(f, "took {deployment} from the endpoint {endpoint}"),
            Self::TrafficSet { endpoint, traffic, reason } => {
                let shares: Vec<String> =
                    traffic.iter().map(|(deployment, percent)| format!("{deployment} {percent} %")).collect();
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                write!(f, "traffic of {endpoint} is {}{why}", shares.join(", "))
            }
            Self::MirrorSet { endpoint, mirror: Some(mirror) } => {
                write!(f, "{} of {endpoint} sees copies of {} % of requests", mirror.deployment, mirror.percent)
            }
            Self::MirrorSet { endpoint, mirror: None } => write!(f, "no deployment of {endpoint} sees copies"),
            Self::AlertSet { alert, rule: _ } => write!(f, "set the alert {alert}"),
            Self::AlertRemoved { alert } => write!(f, "removed the alert {alert}"),
            Self::RollbackSet { endpoint, rule: Some(_) } => {
                write!(f, "traffic of {endpoint} goes back by itself from a new deployment that is worse")
            }
            Self::RollbackSet { endpoint, rule: None } => write!(f, "traffic of {endpoint} is moved by hand alone"),
            Self::Stopped { endpoint } => write!(f, "stopped the endpoint {endpoint}"),
            Self::Started { endpoint } => write!(f, "started the endpoint {endpoint}"),
            Self::EndpointRemoved { endpoint } => write!(f, "removed the endpoint {endpoint}"),
        }
    }
}
