//! Sweeps kept in the browser: one for each document, so that a tab that was killed goes on where it was.
//!
//! A sweep is one row, and each of its trials is another: what a trial costs to write does not depend on how many there
//! are. Version 1 had the trials in the sweep's row, where they are still read.

use js_sys::Array;
use study::Trial;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbTransaction, IdbTransactionMode};

use super::sweep::Sweep;
use crate::dom::{self, words};
use crate::storage::{finished, settled};

const DATABASE: &str = "millrace-sweeps";
const VERSION: u32 = 2;
const SWEEPS: &str = "sweeps";
/// By document and number.
const TRIALS: &str = "trials";

/// What is to be written.
pub struct Unsaved {
    /// Whose sweep it is.
    pub document: String,
    /// The sweep without its trials.
    pub head: Sweep,
    /// Those that changed or came.
    pub trials: Vec<Trial>,
    /// Whether they are all there are, in place of those of a sweep before.
    pub replaces: bool,
}

/// What was kept.
pub struct Kept {
    /// With its trials.
    pub sweep: Sweep,
    /// Whether each trial has a row of its own.
    pub is_by_trial: bool,
}

/// Writes what is new of a document's sweep: all of it, or nothing where that fails.
///
/// # Errors
/// Storage is blocked or full, in words for the user.
pub async fn save(unsaved: Unsaved) -> Result<(), String> {
    let Unsaved { document, head, trials, replaces } = unsaved;
    let head = serde_json::to_string(&head).map_err(|error| error.to_string())?;
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readwrite)?;
    let rows = store(&transaction, TRIALS)?;
    if replaces {
        rows.delete(&trials_of(&document)?.into()).map_err(|error| words(&error))?;
    }
    for trial in &trials {
        let row = serde_json::to_string(trial).map_err(|error| error.to_string())?;
        let key = Array::of2(&JsValue::from_str(&document), &trial.number.into());
        rows.put_with_key(&JsValue::from_str(&row), &key).map_err(|error| words(&error))?;
    }
    let sweeps = store(&transaction, SWEEPS)?;
    sweeps.put_with_key(&JsValue::from_str(&head), &JsValue::from_str(&document)).map_err(|error| words(&error))?;
    let outcome = finished(&transaction).await;
    database.close();
    outcome
}

/// A document's sweep; none where there is none, or where what is there does not decode.
///
/// # Errors
/// Storage is blocked.
pub async fn load(document: &str) -> Result<Option<Kept>, String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readonly)?;
    let head = store(&transaction, SWEEPS)?.get(&JsValue::from_str(document)).map_err(|error| words(&error))?;
    let rows =
        store(&transaction, TRIALS)?.get_all_with_key(&trials_of(document)?.into()).map_err(|error| words(&error))?;
    let head = settled(&head).await?;
    let rows = settled(&rows).await?;
    database.close();
    let Some(mut sweep) = head.as_string().and_then(|text| serde_json::from_str::<Sweep>(&text).ok()) else {
        return Ok(None);
    };
    let is_by_trial = sweep.study.trials.is_empty();
    if is_by_trial {
        let rows = Array::from(&rows);
        let trials: Option<_> = rows.iter().map(|row| serde_json::from_str(&row.as_string()?).ok()).collect();
        let Some(trials) = trials else { return Ok(None) };
        sweep.study.trials = trials;
    }
    Ok(Some(Kept { sweep, is_by_trial }))
}

/// The keys of a document's trials: an empty list sorts after every number.
fn trials_of(document: &str) -> Result<IdbKeyRange, String> {
    let document = JsValue::from_str(document);
    IdbKeyRange::bound(&Array::of1(&document), &Array::of2(&document, &Array::new())).map_err(|error| words(&error))
}

fn transaction(database: &IdbDatabase, mode: IdbTransactionMode) -> Result<IdbTransaction, String> {
    let stores = Array::of2(&JsValue::from_str(SWEEPS), &JsValue::from_str(TRIALS));
    database.transaction_with_str_sequence_and_mode(&stores, mode).map_err(|error| words(&error))
}

fn store(transaction: &IdbTransaction, name: &str) -> Result<IdbObjectStore, String> {
    transaction.object_store(name).map_err(|error| words(&error))
}

async fn open() -> Result<IdbDatabase, String> {
    let factory = dom::window().indexed_db().ok().flatten().ok_or("this browser blocks storage")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, VERSION).map_err(|error| words(&error))?;
    let upgrading = request.clone();
    let on_upgrade = Closure::once_into_js(move || {
        if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
            for name in [SWEEPS, TRIALS] {
                // Fails only where the store exists already, which is as well.
                let _ = database.create_object_store(name);
            }
        }
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
}
