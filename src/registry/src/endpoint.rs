//! Where models serve: an endpoint, its deployments, and how requests are shared among them.

use std::collections::BTreeMap;

use schema::list;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Name;

/// What answers under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The versions behind it.
    pub deployments: BTreeMap<Name, Deployment>,
    /// Percent of requests by deployment.
    ///
    /// Invariant: names deployments that exist, none of them the mirror's; adds up to 100 or to 0. Kept by
    /// `Registry::apply`.
    pub traffic: BTreeMap<Name, u8>,
    /// Since when deployments have their traffic, or had it when they last had some.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub live: BTreeMap<Name, Live>,
    /// Which deployment sees copies of live requests. What it answers is recorded and never returned.
    pub mirror: Option<Share>,
    /// When traffic goes back from a new deployment that is worse than the old one; only `monitor` looks into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Json>,
    /// Whether it answers no requests for now.
    #[serde(default)]
    pub is_stopped: bool,
}

/// A version of a model behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The model.
    pub model: Name,
    /// Its version.
    pub version: u32,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

/// When a deployment was given traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// When, in milliseconds since 1970.
    pub since: u64,
    /// Whether its version had some before, and lost it.
    pub is_again: bool,
}

/// A deployment and its percent of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The deployment.
    pub deployment: Name,
    /// 1 to 50.
    pub percent: u8,
}

/// Shares that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// They add up to something else.
    #[error("the shares of traffic add up to {found}, expected 100, or 0 for no traffic at all")]
    Sum {
        /// Their sum.
        found: u32,
    },
    /// A deployment is not there.
    #[error("there is no deployment {deployment}; the endpoint has {}", list(.available))]
    NoDeployment {
        /// What was named.
        deployment: Name,
        /// What there is.
        available: Vec<String>,
    },
    /// A deployment would have both.
    #[error(
        "{deployment} has {percent} percent of live traffic: a deployment takes live or mirrored requests, not both"
    )]
    LiveAndMirrored {
        /// The deployment.
        deployment: Name,
        /// Its live share.
        percent: u8,
    },
    /// A mirror's share is too large or nothing.
    #[error("{percent} percent cannot be mirrored, expected 1 to 50")]
    MirrorPercent {
        /// What was asked for.
        percent: u8,
    },
}

impl Endpoint {
    /// Whether these shares fit the endpoint.
    ///
    /// # Errors
    /// As the variants say.
    pub fn check(&self, traffic: &BTreeMap<Name, u8>, mirror: Option<&Share>) -> Result<(), TrafficError> {
        let there = |deployment: &Name| {
            if self.deployments.contains_key(deployment) {
                return Ok(());
            }
            let available = self.deployments.keys().map(ToString::to_string).collect();
            Err(TrafficError::NoDeployment { deployment: deployment.clone(), available })
        };
        traffic.keys().try_for_each(there)?;
        let found = traffic.values().map(|percent| u32::from(*percent)).sum();
        if found != 0 && found != 100 {
            return Err(TrafficError::Sum { found });
        }
        let Some(Share { deployment, percent }) = mirror else { return Ok(()) };
        there(deployment)?;
        if !(1..=50).contains(percent) {
            return Err(TrafficError::MirrorPercent { percent: *percent });
        }
        match traffic.get(deployment) {
            Some(percent) if *percent > 0 => {
                Err(TrafficError::LiveAndMirrored { deployment: deployment.clone(), percent: *percent })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The shares when one deployment gets so many percent and the others what is left, in proportion to what they had.
    pub fn with_share(&self, deployment: &Name, percent: u8) -> BTreeMap<Name, u8> {
        let others: Vec<(&Name, u32)> = self
            .traffic
            .iter()
            .filter(|(name, percent)| *name != deployment && **percent > 0)
            .map(|(name, percent)| (name, u32::from(*percent)))
            .collect();
        let before: u32 = others.iter().map(|(_, percent)| percent).sum();
        let left = 100 - u32::from(percent.min(100));
        let mut shares = BTreeMap::new();
        if before == 0 {
            // Nobody is there to take the rest.
            shares.insert(deployment.clone(), if percent == 0 { 0 } else { 100 });
            return shares;
        }
        let mut given = 0;
        for (at, (name, percent)) in others.iter().enumerate() {
            // The last takes what rounding left.
            let share = if at + 1 == others.len() { left - given } else { left * percent / before };
            given += share;
            shares.insert((*name).clone(), share as u8);
        }
        shares.insert(deployment.clone(), 100 - left as u8);
        shares
    }

    /// Whether some requests are answered by a deployment.
    pub fn has_traffic(&self, deployment: &Name) -> bool {
        self.traffic.get(deployment).is_some_and(|percent| *percent > 0)
    }

    /// Which deployment answers a request: always the same for the same key. None if nothing has traffic.
    pub fn choose(&self, key: &str) -> Option<&Name> {
        let bucket = bucket_of("traffic", key);
        let mut below = 0;
        self.traffic.iter().find_map(|(deployment, percent)| {
            below += u32::from(*percent);
            (bucket < below).then_some(deployment)
        })
    }

    /// Which deployment sees a copy of a request.
    pub fn choose_mirror(&self, key: &str) -> Option<&Name> {
        let mirror = self.mirror.as_ref()?;
        (bucket_of("mirror", key) < u32::from(mirror.percent)).then_some(&mirror.deployment)
    }
}

/// A number from 0 to 99, spread evenly over keys, and independently for every purpose.
pub fn bucket_of(purpose: &str, key: &str) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(purpose.as_bytes()).update(&[0]).update(key.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    // The high part of a product with 100 is even to one in 2^57.
    ((u128::from(u64::from_le_bytes(first)) * 100) >> 64) as u32
}
