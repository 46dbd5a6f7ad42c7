//! What is registered, as the host told it, and what of it is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use registry::{Change, Endpoint, Hash, Header, Name, Registry, Version};
use serde_json::json;
use wasm_bindgen_futures::spawn_local;

use crate::dom;
use crate::endpoints::{Answered, AskError, Host, hosts, kept_key, reason};
use crate::idle::Busy;
use crate::store::{Studio, Tone};

/// How it stands with the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing came yet.
    Asking,
    /// All is well.
    Here,
    /// The last question had no answer.
    Failed(AskError),
}

/// What is shown of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Where it comes from and how good it is.
    Card,
    /// What it takes.
    Columns,
    /// A request to an endpoint.
    TryIt,
    /// Beside another version.
    Compare,
}

/// In the order in which they stand.
pub const TABS: [Tab; 4] = [Tab::Card, Tab::Columns, Tab::TryIt, Tab::Compare];

/// The handle. Copies lead to the same page.
#[derive(Clone, Copy)]
pub struct Models {
    /// The studio around it.
    pub studio: Studio,
    /// Who is asked.
    pub host: RwSignal<Host>,
    /// How it stands with it.
    pub standing: RwSignal<Standing>,
    /// What its log adds up to.
    pub registry: RwSignal<Registry>,
    /// The model that is looked at.
    pub model: RwSignal<Option<Name>>,
    /// Its version that is looked at; the newest that is not archived if none.
    pub number: RwSignal<Option<u32>>,
    /// What is shown of it.
    pub tab: RwSignal<Tab>,
    /// Versions that were archived are listed, too.
    pub shows_archived: RwSignal<bool>,
    headers: RwSignal<BTreeMap<Hash, Arc<Header>>>,
}

impl Models {
    /// Asks the host, and listens to changes until the page is left.
    pub fn start(studio: Studio) -> Self {
        let hosts = hosts();
        let nearest = hosts.iter().rev().find(|host| host.is_there()).or(hosts.first()).cloned();
        let models = Self {
            studio,
            host: RwSignal::new(nearest.expect("a page has an address")),
            standing: RwSignal::new(Standing::Asking),
            registry: RwSignal::new(Registry::default()),
            model: RwSignal::new(None),
            number: RwSignal::new(None),
            tab: RwSignal::new(Tab::Card),
            shows_archived: RwSignal::new(false),
            headers: RwSignal::new(BTreeMap::new()),
        };
        models.read_address();
        Effect::new(move |_| {
            let name = models.model.get().map_or_else(String::new, |name| name.to_string());
            let version = models.number.get().map_or_else(String::new, |number| format!("/{number}"));
            studio.set_hash(&format!("#models={name}{version}"));
        });
        Effect::new(move |_| models.fetch_headers());
        models.ask();
        models
    }

    fn read_address(self) {
        let hash = dom::window().location().hash().unwrap_or_default();
        let Some(address) = hash.strip_prefix("#models=") else { return };
        let (name, version) = address.split_once('/').unwrap_or((address, ""));
        self.model.set(Name::new(name).ok());
        self.number.set(version.parse().ok());
    }

    /// Asks for the registry.
    pub fn ask(self) {
        let busy = Busy::begin();
        spawn_local(async move {
            let host = self.host.get_untracked();
            let told = if host.is_there() {
                host.get::<Registry>("v2/registry", &kept_key()).await
            } else {
                Err(AskError::NoHost)
            };
            match told {
                Ok(registry) => self.take(registry),
                Err(error) => drop(self.standing.try_set(Standing::Failed(error))),
            }
            drop(busy);
        });
    }

    fn take(self, registry: Registry) {
        // The page may have been left.
        if self.standing.try_set(Standing::Here).is_some() {
            return;
        }
        let is_known =
            self.model.with_untracked(|model| model.as_ref().is_some_and(|model| registry.models.contains_key(model)));
        if !is_known {
            self.model.set(registry.models.keys().next().cloned());
            self.number.set(None);
        }
        self.registry.set(registry);
    }

    /// Changes the registry; `done` is told when it was.
    pub fn change(self, changes: Vec<Change>, done: impl FnOnce() + 'static) {
        let body = json!({ "who": "studio", "changes": changes }).to_string();
        let busy = Busy::begin();
        spawn_local(async move {
            let host = self.host.get_untracked();
            let answered = host.send("POST", "v2/registry/changes", &kept_key(), Some(&body)).await;
            match answered {
                Ok(Answered { status: 200, text }) => {
                    match serde_json::from_str(&text) {
                        Ok(registry) => self.take(registry),
                        Err(_) => self.ask(),
                    }
                    done();
                }
                Ok(Answered { status, text }) => {
                    self.studio.toast(Tone::Failed, format!("Not changed: {}", reason(status, &text)), "");
                }
                Err(error) => self.studio.toast(Tone::Failed, format!("Not changed: {}", error.in_words()), ""),
            }
            drop(busy);
        });
    }

    /// The version that is looked at.
    pub fn version(self) -> Option<Version> {
        let model = self.model.get()?;
        let number = self.number.get();
        self.registry.with(|registry| {
            let versions = &registry.models.get(&model)?.versions;
            let newest = || versions.iter().rev().find(|version| !version.is_archived).or(versions.last());
            let chosen = number.and_then(|number| versions.iter().find(|version| version.number == number));
            chosen.or_else(newest).cloned()
        })
    }

    /// What is known of the version that is looked at, once it has come.
    pub fn header(self) -> Option<Arc<Header>> {
        self.header_of(&self.version()?.package)
    }

    /// What is known of a package, once it has come.
    pub fn header_of(self, package: &Hash) -> Option<Arc<Header>> {
        self.headers.with(|headers| headers.get(package).cloned())
    }

    /// Fetches the headers of all versions of the model that is looked at; packages never change.
    fn fetch_headers(self) {
        let Some(model) = self.model.get() else { return };
        let wanted: Vec<Hash> = self.registry.with(|registry| {
            let versions = registry.models.get(&model).into_iter().flat_map(|entry| &entry.versions);
            let missing = versions.map(|version| version.package.clone());
            self.headers.with_untracked(|headers| missing.filter(|hash| !headers.contains_key(hash)).collect())
        });
        if wanted.is_empty() {
            return;
        }
        let busy = Busy::begin();
        spawn_local(async move {
            let host = self.host.get_untracked();
            for hash in wanted {
                let path = format!("v2/registry/packages/{hash}");
                // What does not come is asked for again when the page is next opened.
                if let Ok(header) = host.get::<Header>(&path, &kept_key()).await {
                    self.headers.try_update(|headers| headers.insert(hash, Arc::new(header)));
                }
            }
            drop(busy);
        });
    }

    /// Hands the package of the version out as a file.
    pub fn download(self) {
        let (Some(model), Some(version)) = (self.model.get_untracked(), untrack(|| self.version())) else { return };
        let busy = Busy::begin();
        spawn_local(async move {
            let host = self.host.get_untracked();
            match host.bytes(&format!("v2/registry/packages/{}", version.package), &kept_key()).await {
                Ok(bytes) => {
                    dom::download(&format!("{model}.millrace"), "application/octet-stream", &bytes);
                }
                Err(error) => {
                    self.studio.toast(Tone::Failed, format!("Not downloaded: {}", error.in_words()), "");
                }
            }
            drop(busy);
        });
    }

    /// Endpoints behind which some version of the model stands.
    pub fn endpoints_of(self, model: &Name) -> Vec<(Name, Endpoint)> {
        self.registry.with(|registry| {
            let endpoints = registry.endpoints.iter();
            let of_model = endpoints.filter(|(_, entry)| entry.deployments.values().any(|it| it.model == *model));
            of_model.map(|(name, entry)| (name.clone(), entry.clone())).collect()
        })
    }
}
