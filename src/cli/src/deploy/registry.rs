//! `millrace registry`: what is registered, and what points to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ::registry::{Address, Change, Event, Header, ModelEntry, Name, Package, Predicts, Version};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde_json::json;
use server::Folder;

use super::{Where, name, pair, resolved, who, with_help};
use crate::{Outcome, say};

/// What `registry` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// List the models, their versions and what points to them
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one version: signature, card and metrics
    Show {
        /// `models:/churn/3`, `models:/churn@champion`, or `models:/churn` for the latest
        #[arg(value_name = "MODEL")]
        address: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare two versions: settings, columns and metrics
    Compare {
        /// One version
        #[arg(value_name = "MODEL")]
        first: String,
        /// The other
        #[arg(value_name = "MODEL")]
        second: String,
    },
    /// Let an alias point to a version
    Alias {
        /// The version
        #[arg(value_name = "MODEL")]
        address: String,
        /// `champion`, `challenger` or any other
        alias: String,
    },
    /// Take an alias away
    Unalias {
        /// The model
        model: String,
        /// The alias
        alias: String,
    },
    /// Tag a version; an empty value takes the tag away
    Tag {
        /// The version
        #[arg(value_name = "MODEL")]
        address: String,
        /// As in `team=risk`
        #[arg(value_name = "KEY=VALUE")]
        tag: String,
    },
    /// Put a version away; it is kept, and no longer offered
    Archive {
        /// The version
        #[arg(value_name = "MODEL")]
        address: String,
    },
    /// Offer a version again that was put away
    Restore {
        /// The version
        #[arg(value_name = "MODEL")]
        address: String,
    },
    /// Register a package's file, such as the studio saves
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The model's name
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Write a version's package into a file
    Export {
        /// The version
        #[arg(value_name = "MODEL")]
        address: String,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Who changed what, and when
    Log {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Shows or changes the registry.
pub fn registry(arguments: &Arguments) -> Result<Outcome> {
    let place = &arguments.place;
    let folder = place.folder();
    match arguments.verb.as_ref().unwrap_or(&Verb::List { json: false }) {
        Verb::List { json } => list(&folder, *json)?,
        Verb::Show { address, json } => show(&folder, address, *json)?,
        Verb::Compare { first, second } => compare(&folder, first, second)?,
        Verb::Alias { address, alias } => {
            let alias = name(alias)?;
            change(place, address, |model, version| Change::AliasSet { model, alias, version })?;
        }
        Verb::Unalias { model, alias } => {
            place.change(Change::AliasRemoved { model: name(model)?, alias: name(alias)? })?;
        }
        Verb::Tag { address, tag } => {
            let (key, value) = pair(tag, "KEY=VALUE")?;
            let value = Some(value.to_owned()).filter(|value| !value.is_empty());
            change(place, address, |model, version| Change::TagSet { model, version, key: key.into(), value })?;
        }
        Verb::Archive { address } => change(place, address, |model, version| Change::Archived { model, version })?,
        Verb::Restore { address } => change(place, address, |model, version| Change::Restored { model, version })?,
        Verb::Import { file, name: text } => {
            let model = name(text)?;
            let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
            endpoint::Scorer::load(&bytes).with_context(|| file.display().to_string())?;
            let version = folder.register(&who(), &model, &bytes, |_| Vec::new())?;
            say::out(&format!("models:/{model}/{version}\n"))?;
        }
        Verb::Export { address, file } => {
            let log = folder.log()?;
            let (model, version) = resolved(log.registry(), address)?;
            let package = &log.registry().version(&model, version)?.package;
            let bytes = folder.package(package)?;
            fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Verb::Log { json } => tell(&folder, *json)?,
    }
    Ok(Outcome::Good)
}

fn change(place: &Where, address: &str, change: impl FnOnce(Name, u32) -> Change) -> Result<()> {
    place.record(|log| {
        // An archived version must be named by its number to be restored.
        let (model, version) = resolved(log.registry(), address)?;
        Ok(vec![change(model, version)])
    })?;
    Ok(())
}

fn list(folder: &Folder, as_json: bool) -> Result<()> {
    let log = folder.log()?;
    let models = &log.registry().models;
    if as_json {
        return say::out(&format!("{:#}\n", json!(models)));
    }
    if models.is_empty() {
        bail!("{} holds no models\n  help: `millrace register FILE --name NAME`", folder.path().display());
    }
    let mut text = String::new();
    for (name, entry) in models {
        text.push_str(&format!("{name}\n"));
        for version in entry.versions.iter().rev() {
            text.push_str(&line(entry, version));
        }
    }
    say::out(&text)
}

fn line(entry: &ModelEntry, version: &Version) -> String {
    let aliases = entry.aliases.iter().filter(|(_, of)| **of == version.number);
    let mut words: Vec<String> = aliases.map(|(alias, _)| format!("@{alias}")).collect();
    words.extend(version.tags.iter().map(|(key, value)| format!("{key}={value}")));
    if version.is_archived {
        words.push("archived".into());
    }
    let when = table::date_text(version.registered_at as i64, true);
    format!("  {:>3}  {when}  {}  {}\n", version.number, version.package.short(), words.join(" ")).replace("  \n", "\n")
}

fn header(folder: &Folder, address: &str) -> Result<(Address, Version, Header)> {
    let log = folder.log()?;
    let address: Address = address.parse()?;
    let version = log.registry().resolve(&address).map_err(with_help)?.clone();
    let package = Package::from_bytes(&folder.package(&version.package)?)?;
    Ok((address, version, package.header))
}

fn show(folder: &Folder, address: &str, as_json: bool) -> Result<()> {
    let (address, version, header) = header(folder, address)?;
    if as_json {
        let json = json!({
            "model": address.model, "version": version, "signature": header.signature, "card": header.card,
            "sample_request": header.signature.sample_request(),
        });
        return say::out(&format!("{json:#}\n"));
    }
    let card = &header.card;
    let mut text = format!("models:/{}/{}  {}\n", address.model, version.number, card.learner);
    if !card.description.is_empty() {
        text.push_str(&format!("  {}\n", card.description));
    }
    text.push_str(&format!(
        "  pipeline {:?}, node {}, {} training rows\n",
        card.pipeline, card.node, card.n_training_rows
    ));
    text.push_str(&format!("  rows enter: {} ({})\n", card.entry.title, card.entry.what));
    for step in &card.steps {
        text.push_str(&format!("  then {}: {}\n", step.title, step.what));
    }
    text.push_str("  takes\n");
    for field in &header.signature.inputs {
        let nullable = if field.nullable { ", may be missing" } else { "" };
        text.push_str(&format!("    {}: {}{nullable}\n", field.name, field.kind.label()));
    }
    let gives = match &header.signature.predicts {
        Predicts::Number { name } => format!("{name}: a number"),
        Predicts::Class { name, classes, .. } => format!("{name}: one of {}", schema::list(classes)),
    };
    text.push_str(&format!("  gives\n    {gives}\n"));
    for metric in &card.metrics {
        text.push_str(&format!("  {} {:.4}\n", metric.name, metric.value));
    }
    say::out(&text)
}

fn compare(folder: &Folder, first: &str, second: &str) -> Result<()> {
    let (a, b) = (header(folder, first)?, header(folder, second)?);
    let facts = |(address, version, header): &(Address, Version, Header)| {
        let mut facts: BTreeMap<String, String> = BTreeMap::new();
        let card = &header.card;
        facts.insert("model".into(), format!("models:/{}/{}", address.model, version.number));
        facts.insert("learner".into(), card.learner.clone());
        facts.insert("training rows".into(), card.n_training_rows.to_string());
        facts.insert("pipeline".into(), card.pipeline_hash.chars().take(8).collect());
        facts.insert("rows enter".into(), card.entry.title.clone());
        let steps: Vec<&str> = card.steps.iter().map(|step| step.title.as_str()).collect();
        facts.insert("steps".into(), steps.join(", "));
        for setting in &card.settings {
            facts.insert(format!("setting {}", setting.name), setting.value.clone());
        }
        for field in &header.signature.inputs {
            facts.insert(format!("column {}", field.name), field.kind.label().into());
        }
        for metric in &card.metrics {
            facts.insert(metric.name.clone(), format!("{:.6}", metric.value));
        }
        facts
    };
    let (a, b) = (facts(&a), facts(&b));
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut text = String::new();
    for name in names {
        let of = |facts: &BTreeMap<String, String>| facts.get(name).cloned().unwrap_or_else(|| "-".into());
        if of(&a) != of(&b) {
            text.push_str(&format!("{name}: {} -> {}\n", of(&a), of(&b)));
        }
    }
    say::out(if text.is_empty() { "they are the same\n" } else { &text })
}

fn tell(folder: &Folder, as_json: bool) -> Result<()> {
    let log = folder.log()?;
    if as_json {
        return say::out(&format!("{:#}\n", json!(log.events())));
    }
    say::out(&log.events().iter().map(sentence).collect::<String>())
}

fn sentence(event: &Event) -> String {
    format!("{}  {}  {}\n", table::date_text(event.at as i64, true), event.who, event.change)
}
