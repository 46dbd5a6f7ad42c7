//! `millrace keys`: who may ask a server what.

use anyhow::{Result, bail};
use clap::Subcommand;
use server::{Keys, NewKey, Scope, Slot, now_ms};

use super::{Where, one_of, word};
use crate::{Outcome, say};

/// What `keys` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key and print it: it is never shown again. One in the same slot with the same scopes ends
    Make {
        /// What it may do: `infer:churn`, `infer:*`, `read`, `metrics`, `admin`
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// Two keys of the same scopes live side by side: replace one while callers use the other
        #[arg(long, value_parser = one_of(Slot::ALL), default_value = "primary")]
        slot: Slot,
        /// It ends after so many days
        #[arg(long, value_name = "DAYS")]
        expires: Option<u64>,
        /// It may send so many requests a second
        #[arg(long, value_name = "N")]
        per_second: Option<f64>,
    },
    /// List the keys, without their secrets
    List,
    /// End a key
    Revoke {
        /// Its id, the part between the underscores
        id: String,
    },
}

/// Makes, lists or ends keys.
pub fn keys(arguments: &Arguments) -> Result<Outcome> {
    let folder = arguments.place.folder();
    let path = folder.keys();
    match &arguments.verb {
        Verb::Make { scopes, slot, expires, per_second } => {
            let scopes = scopes.iter().cloned().map(Scope::try_from).collect::<Result<Vec<_>, _>>();
            let new = NewKey {
                slot: *slot,
                scopes: scopes.map_err(|why| anyhow::anyhow!("--scope: {why}"))?,
                expires_at: expires.map(|days| now_ms() + days * 86_400_000),
                per_second: *per_second,
            };
            let key = Keys::change(&path, |keys| keys.make(new, now_ms()))?;
            say::out(&format!("{key}\n"))?;
        }
        Verb::List => say::out(
            &Keys::read(&path)?
                .keys
                .iter()
                .map(|key| {
                    let scopes: Vec<String> = key.scopes.iter().cloned().map(String::from).collect();
                    let until = key
                        .expires_at
                        .map_or(String::new(), |at| format!("  until {}", table::date_text(at as i64, true)));
                    format!("{}  {}  {}{until}\n", key.id, word(key.slot), scopes.join(" "))
                })
                .collect::<String>(),
        )?,
        Verb::Revoke { id } => Keys::change(&path, |keys| {
            let at = keys.keys.iter().position(|key| key.id == *id);
            let Some(at) = at else { bail!("there is no key {id:?}; `millrace keys list` shows them") };
            keys.keys.remove(at);
            Ok(())
        })?,
    }
    Ok(Outcome::Good)
}
