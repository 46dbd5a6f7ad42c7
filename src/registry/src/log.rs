//! The log of events, and the state that it adds up to.

use std::collections::{BTreeMap, BTreeSet};

use schema::list;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Address, Change, Deployment, Endpoint, Event, Hash, Live, Name, TrafficError, Which};

/// All models and endpoints, as they are after some events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// By name.
    pub models: BTreeMap<Name, ModelEntry>,
    /// By name.
    pub endpoints: BTreeMap<Name, Endpoint>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alerts: BTreeMap<Name, Alert>,
}

/// When somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Since when it is looked at, in milliseconds since 1970.
    pub since: u64,
    /// The condition, which only `monitor` looks into.
    pub rule: Json,
}

/// One model with its versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Version `n` is at `n - 1`.
    ///
    /// Invariant: a version's number and package never change. Kept by `Registry::apply`.
    pub versions: Vec<Version>,
    /// What points to which version.
    pub aliases: BTreeMap<Name, u32>,
}

/// One version of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// From 1.
    pub number: u32,
    /// Its package.
    pub package: Hash,
    /// When it came in, in milliseconds since 1970.
    pub registered_at: u64,
    /// Who brought it in.
    pub who: String,
    /// Free tags.
    pub tags: BTreeMap<String, String>,
    /// Put away: not offered, and not the latest.
    pub is_archived: bool,
}

/// A change that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No such model.
    #[error("there is no model {model}; there is {}", list(.available))]
    NoModel {
        /// What was named.
        model: Name,
        /// What there is.
        available: Vec<String>,
    },
    /// No such version.
    #[error("{model} has no version {version}; its newest is {newest}")]
    NoVersion {
        /// The model.
        model: Name,
        /// What was named.
        version: u32,
        /// What there is.
        newest: u32,
    },
    /// Every version is put away.
    #[error("every version of {model} is archived: restore one")]
    AllArchived {
        /// The model.
        model: Name,
    },
    /// No such alias.
    #[error("{model} has no alias {alias}; it has {}", list(.available))]
    NoAlias {
        /// The model.
        model: Name,
        /// What was named.
        alias: Name,
        /// What there is.
        available: Vec<String>,
    },
    /// Versions count up.
    #[error("the next version of {model} is {expected}, not {found}: someone else registered one, try again")]
    NotNext {
        /// The model.
        model: Name,
        /// The next.
        expected: u32,
        /// What was given.
        found: u32,
    },
    /// A version that something points to cannot be put away.
    #[error("version {version} of {model} cannot be archived: {by} still uses it")]
    InUse {
        /// The model.
        model: Name,
        /// The version.
        version: u32,
        /// `the alias champion`, `blue of the endpoint churn`.
        by: String,
    },
    /// A version that was put away cannot be pointed to.
    #[error("version {version} of {model} is archived: restore it first")]
    Archived {
        /// The model.
        model: Name,
        /// The version.
        version: u32,
    },
    /// No such endpoint.
    #[error("there is no endpoint {endpoint}; there is {}", list(.available))]
    NoEndpoint {
        /// What was named.
        endpoint: Name,
        /// What there is.
        available: Vec<String>,
    },
    /// No such alert.
    #[error("there is no alert {alert}; there is {}", list(.available))]
    NoAlert {
        /// What was named.
        alert: Name,
        /// What there is.
        available: Vec<String>,
    },
    /// A deployment that answers requests cannot be taken away.
    #[error("{deployment} still has traffic: move it to another deployment first")]
    HasTraffic {
        /// The deployment.
        deployment: Name,
    },
    /// Shares that cannot be.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
}

impl Registry {
    /// Carries out an event that fits.
    ///
    /// # Errors
    /// It does not fit; nothing is changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), ChangeError> {
        match &event.change {
            Change::Registered { model, version, package } => {
                let expected = self.next_version(model);
                if *version != expected {
                    return Err(ChangeError::NotNext { model: model.clone(), expected, found: *version });
                }
                self.models.entry(model.clone()).or_default().versions.push(Version {
                    number: expected,
                    package: package.clone(),
                    registered_at: event.at,
                    who: event.who.clone(),
                    tags: BTreeMap::new(),
                    is_archived: false,
                });
            }
            Change::AliasSet { model, alias, version } => {
                self.offered(model, *version)?;
                self.model_mut(model)?.aliases.insert(alias.clone(), *version);
            }
            Change::AliasRemoved { model, alias } => {
                let entry = self.model_mut(model)?;
                if entry.aliases.remove(alias).is_none() {
                    return Err(no_alias(model, entry, alias));
                }
            }
            Change::TagSet { model, version, key, value } => {
                let tags = &mut self.version_mut(model, *version)?.tags;
                match value {
                    Some(value) => tags.insert(key.clone(), value.clone()),
                    None => tags.remove(key),
                };
            }
            Change::Archived { model, version } => {
                if let Some(by) = self.users_of(model, *version).into_iter().next() {
                    return Err(ChangeError::InUse { model: model.clone(), version: *version, by });
                }
                self.version_mut(model, *version)?.is_archived = true;
            }
            Change::Restored { model, version } => self.version_mut(model, *version)?.is_archived = false,
            Change::Deployed { endpoint, deployment, model, version } => {
                self.offered(model, *version)?;
                let new = Deployment { model: model.clone(), version: *version, since: event.at };
                let entry = self.endpoints.entry(endpoint.clone()).or_default();
                let before = entry.deployments.insert(deployment.clone(), new);
                if before.is_none_or(|before| (before.model, before.version) != (model.clone(), *version)) {
                    entry.live.remove(deployment);
                    if entry.has_traffic(deployment) {
                        entry.live.insert(deployment.clone(), Live { since: event.at, is_again: false });
                    }
                }
            }
            Change::Undeployed { endpoint, deployment } => {
                let entry = self.endpoint_mut(endpoint)?;
                let is_mirror = entry.mirror.as_ref().is_some_and(|mirror| mirror.deployment == *deployment);
                if is_mirror || entry.has_traffic(deployment) {
                    return Err(ChangeError::HasTraffic { deployment: deployment.clone() });
                }
                if entry.deployments.remove(deployment).is_none() {
                    let available = entry.deployments.keys().map(ToString::to_string).collect();
                    return Err(TrafficError::NoDeployment { deployment: deployment.clone(), available }.into());
                }
                entry.traffic.remove(deployment);
                entry.live.remove(deployment);
            }
            Change::TrafficSet { endpoint, traffic, reason: _ } => {
                let entry = self.endpoint_mut(endpoint)?;
                entry.check(traffic, entry.mirror.as_ref())?;
                for (deployment, _) in traffic.iter().filter(|(_, percent)| **percent > 0) {
                    if !entry.has_traffic(deployment) {
                        let is_again = entry.live.contains_key(deployment);
                        entry.live.insert(deployment.clone(), Live { since: event.at, is_again });
                    }
                }
                entry.traffic = traffic.clone();
            }
            Change::MirrorSet { endpoint, mirror } => {
                let entry = self.endpoint_mut(endpoint)?;
                entry.check(&entry.traffic, mirror.as_ref())?;
                entry.mirror = mirror.clone();
            }
            Change::AlertSet { alert, rule } => {
                self.alerts.insert(alert.clone(), Alert { since: event.at, rule: rule.clone() });
            }
            Change::AlertRemoved { alert } => {
                if self.alerts.remove(alert).is_none() {
                    let available = self.alerts.keys().map(ToString::to_string).collect();
                    return Err(ChangeError::NoAlert { alert: alert.clone(), available });
                }
            }
            Change::RollbackSet { endpoint, rule } => self.endpoint_mut(endpoint)?.rollback = rule.clone(),
            Change::Stopped { endpoint } => self.endpoint_mut(endpoint)?.is_stopped = true,
            Change::Started { endpoint } => self.endpoint_mut(endpoint)?.is_stopped = false,
            Change::EndpointRemoved { endpoint } => {
                self.endpoint_mut(endpoint)?;
                self.endpoints.remove(endpoint);
            }
        }
        Ok(())
    }

    /// The number that a model's next version gets.
    pub fn next_version(&self, model: &Name) -> u32 {
        self.models.get(model).map_or(0, |entry| entry.versions.len() as u32) + 1
    }

    /// The version that an address names.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve(&self, address: &Address) -> Result<&Version, ChangeError> {
        let Address { model, which } = address;
        let entry = self.model(model)?;
        match which {
            Which::Version(version) => self.version(model, *version),
            Which::Alias(alias) => {
                let version = entry.aliases.get(alias).ok_or_else(|| no_alias(model, entry, alias))?;
                self.version(model, *version)
            }
            Which::Latest => {
                let newest = entry.versions.iter().rev().find(|version| !version.is_archived);
                newest.ok_or_else(|| ChangeError::AllArchived { model: model.clone() })
            }
        }
    }

    /// One version.
    ///
    /// # Errors
    /// There is none.
    pub fn version(&self, model: &Name, version: u32) -> Result<&Version, ChangeError> {
        let versions = &self.model(model)?.versions;
        let found = (version as usize).checked_sub(1).and_then(|idx| versions.get(idx));
        found.ok_or_else(|| ChangeError::NoVersion { model: model.clone(), version, newest: versions.len() as u32 })
    }

    /// One endpoint.
    ///
    /// # Errors
    /// There is none.
    pub fn endpoint(&self, endpoint: &Name) -> Result<&Endpoint, ChangeError> {
        self.endpoints.get(endpoint).ok_or_else(|| self.no_endpoint(endpoint))
    }

    /// What points to a version: `the alias champion`, `blue of the endpoint churn`.
    pub fn users_of(&self, model: &Name, version: u32) -> Vec<String> {
        let aliases = self.models.get(model).into_iter().flat_map(|entry| &entry.aliases);
        let aliases = aliases.filter(|(_, of)| **of == version).map(|(alias, _)| format!("the alias {alias}"));
        let deployments = self.endpoints.iter().flat_map(|(endpoint, entry)| {
            let of_this = entry.deployments.iter().filter(|(_, it)| it.model == *model && it.version == version);
            of_this.map(move |(deployment, _)| format!("{deployment} of the endpoint {endpoint}"))
        });
        aliases.chain(deployments).collect()
    }

    /// The packages that deployments serve.
    pub fn served_packages(&self) -> BTreeSet<&Hash> {
        let deployments = self.endpoints.values().flat_map(|endpoint| endpoint.deployments.values());
        deployments.filter_map(|it| self.version(&it.model, it.version).ok()).map(|version| &version.package).collect()
    }

    fn model(&self, model: &Name) -> Result<&ModelEntry, ChangeError> {
        self.models.get(model).ok_or_else(|| self.no_model(model))
    }

    fn model_mut(&mut self, model: &Name) -> Result<&mut ModelEntry, ChangeError> {
        let missing = self.no_model(model);
        self.models.get_mut(model).ok_or(missing)
    }

    /// A version that may be pointed to.
    fn offered(&self, model: &Name, version: u32) -> Result<(), ChangeError> {
        if self.version(model, version)?.is_archived {
            return Err(ChangeError::Archived { model: model.clone(), version });
        }
        Ok(())
    }

    fn version_mut(&mut self, model: &Name, version: u32) -> Result<&mut Version, ChangeError> {
        self.version(model, version)?;
        Ok(&mut self.model_mut(model)?.versions[version as usize - 1])
    }

    fn endpoint_mut(&mut self, endpoint: &Name) -> Result<&mut Endpoint, ChangeError> {
        let missing = self.no_endpoint(endpoint);
        self.endpoints.get_mut(endpoint).ok_or(missing)
    }

    fn no_model(&self, model: &Name) -> ChangeError {
        ChangeError::NoModel { model: model.clone(), available: self.models.keys().map(ToString::to_string).collect() }
    }

    fn no_endpoint(&self, endpoint: &Name) -> ChangeError {
        let available = self.endpoints.keys().map(ToString::to_string).collect();
        ChangeError::NoEndpoint { endpoint: endpoint.clone(), available }
    }
}

fn no_alias(model: &Name, entry: &ModelEntry, alias: &Name) -> ChangeError {
    let available = entry.aliases.keys().map(ToString::to_string).collect();
    ChangeError::NoAlias { model: model.clone(), alias: alias.clone(), available }
}

/// Events in the order in which they happened, and what they add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Invariant: `registry` is what `events` add up to. Kept by `record` and `read`.
    events: Vec<Event>,
    registry: Registry,
}

/// A log that does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the registry's log: {message}; restore events.ndjson from a copy")]
pub struct ReadError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl Log {
    /// Adds an event that fits.
    ///
    /// # Errors
    /// It does not fit; nothing is changed.
    pub fn record(&mut self, event: Event) -> Result<(), ChangeError> {
        self.registry.apply(&event)?;
        self.events.push(event);
        Ok(())
    }

    /// What the events add up to.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// In the order in which they happened.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// A line of the file, with its end of line.
    pub fn line(event: &Event) -> String {
        format!("{}\n", serde_json::to_string(event).expect("an event is plain data with text as keys"))
    }

    /// From the file's text. A last line without its end was cut off while it was written: it never happened.
    ///
    /// # Errors
    /// A line that is no event, or one that does not fit the lines before it.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut log = Self::default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for (line_idx, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |message: String| ReadError { line: line_idx + 1, message };
            let event: Event = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            log.record(event).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(log)
    }
}

#[cfg(test)]
mod tests;
