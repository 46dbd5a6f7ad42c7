//! Models behind endpoints: `millrace register`, `registry`, `deploy`, `traffic`, `alerts`, `keys`,
//! `serve`, `score`, `manifest` and `load`.

pub mod alerts;
pub mod endpoint;
pub mod keys;
pub mod load;
pub mod manifest;
mod model;
mod progress;
pub mod register;
pub mod registry;
mod rows;
pub mod score;
pub mod serve;

use std::path::PathBuf;

use ::registry::{Address, Change, ChangeError, Log, Name, Registry};
use anyhow::{Context, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use server::Folder;

/// Where the registry is.
#[derive(clap::Args)]
pub struct Where {
    /// The registry's folder
    #[arg(long = "registry", value_name = "DIR", default_value = "registry", global = true)]
    folder: PathBuf,
}

impl Where {
    /// The folder.
    pub fn folder(&self) -> Folder {
        Folder::new(&self.folder)
    }

    /// Records changes that depend on the state: all of them, or none.
    pub fn record(&self, changes: impl FnOnce(&Log) -> Result<Vec<Change>>) -> Result<Log> {
        let recorded = self.folder().record(&who(), changes);
        recorded.map_err(|error| error.downcast().map_or_else(|other| other, with_help))
    }

    /// Records a change.
    pub fn change(&self, change: Change) -> Result<()> {
        self.record(|_| Ok(vec![change])).map(|_| ())
    }
}

/// Who writes into the log.
pub fn who() -> String {
    let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    of("USER").or_else(|| of("USERNAME")).unwrap_or_else(|| "command line".into())
}

/// A name from the command line.
pub fn name(text: &str) -> Result<Name> {
    Name::new(text).map_err(Into::into)
}

/// The model and version that an address names.
pub fn resolved(registry: &Registry, address: &str) -> Result<(Name, u32)> {
    let address: Address = address.parse()?;
    let found = registry.resolve(&address).map(|version| version.number);
    found.map(|version| (address.model, version)).map_err(with_help)
}

/// What does not fit, and the way out.
pub fn with_help(error: ChangeError) -> anyhow::Error {
    let help = match &error {
        ChangeError::NoModel { .. } => "register one with `millrace register FILE --name NAME`",
        ChangeError::NoEndpoint { .. } => {
            "deploy a version with `millrace deploy models:/NAME/VERSION --endpoint NAME`"
        }
        ChangeError::NoVersion { .. } | ChangeError::NoAlias { .. } => "`millrace registry show NAME` lists them",
        ChangeError::AllArchived { .. } | ChangeError::Archived { .. } => {
            "`millrace registry restore models:/NAME/VERSION`"
        }
        ChangeError::NoAlert { .. } => "`millrace alerts` lists them",
        ChangeError::NotNext { .. } => "run the command again",
        ChangeError::InUse { .. } | ChangeError::HasTraffic { .. } | ChangeError::Traffic(_) => "",
    };
    if help.is_empty() { error.into() } else { anyhow::anyhow!("{error}\n  help: {help}") }
}

/// One of some values of plain data, which are called on the command line as they are written, with hyphens.
pub fn one_of<T: DeserializeOwned + serde::Serialize + Clone + Send + Sync + 'static>(
    all: &'static [T],
) -> impl TypedValueParser<Value = T> {
    let names: Vec<String> = all.iter().map(word).collect();
    PossibleValuesParser::new(names).try_map(|name| serde_json::from_value::<T>(json!(name.replace('-', "_"))))
}

/// What a value of plain data is called on the command line.
pub fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).as_ref().ok().and_then(Json::as_str).unwrap_or_default().replace('_', "-")
}

/// `name=value` from the command line.
pub fn pair<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('=').with_context(|| format!("{text}: write {form}"))
}
