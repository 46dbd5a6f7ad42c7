//! Runs kept in the browser: the files of `experiment::folder`, each under its path, in a database of their own.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbOpenDbRequest, IdbTransaction, IdbTransactionMode};

use crate::dom::{self, words};
use crate::storage::{finished, settled};

const DATABASE: &str = "millrace-runs";
const VERSION: u32 = 1;

/// Where something lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Runs, by path.
    Runs,
    /// Pipelines, by path.
    Pipelines,
    /// Lines of the index, by the run's key.
    Index,
}

impl Shelf {
    const ALL: [Self; 3] = [Self::Runs, Self::Pipelines, Self::Index];

    fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Pipelines => "pipelines",
            Self::Index => "index",
        }
    }
}

/// A text to be kept, and where.
pub struct Kept {
    /// On which shelf.
    pub shelf: Shelf,
    /// Under which key.
    pub key: String,
    /// The text.
    pub text: String,
}

/// Writes all of these or none.
///
/// # Errors
/// Storage is blocked or full, in words for the user.
pub async fn write(all: Vec<Kept>) -> Result<(), String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readwrite)?;
    for Kept { shelf, key, text } in all {
        let store = transaction.object_store(shelf.name()).map_err(|error| words(&error))?;
        store.put_with_key(&JsValue::from_str(&text), &JsValue::from_str(&key)).map_err(|error| words(&error))?;
    }
    let outcome = finished(&transaction).await;
    database.close();
    outcome
}

/// One text.
///
/// # Errors
/// Storage is blocked.
pub async fn read(shelf: Shelf, key: &str) -> Result<Option<String>, String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readonly)?;
    let store = transaction.object_store(shelf.name()).map_err(|error| words(&error))?;
    let text = settled(&store.get(&JsValue::from_str(key)).map_err(|error| words(&error))?).await?;
    database.close();
    Ok(text.as_string())
}

/// Every text of a shelf, by key.
///
/// # Errors
/// Storage is blocked.
pub async fn read_all(shelf: Shelf) -> Result<Vec<String>, String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readonly)?;
    let store = transaction.object_store(shelf.name()).map_err(|error| words(&error))?;
    let texts = settled(&store.get_all().map_err(|error| words(&error))?).await?;
    database.close();
    Ok(Array::from(&texts).iter().filter_map(|text| text.as_string()).collect())
}

async fn open() -> Result<IdbDatabase, String> {
    let factory = dom::window().indexed_db().ok().flatten().ok_or("this browser blocks storage")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, VERSION).map_err(|error| words(&error))?;
    let upgrading = request.clone();
    let on_upgrade = Closure::once_into_js(move || {
        if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
            for shelf in Shelf::ALL {
                // Version 1 is the first. Fails only where the store exists already.
                let _ = database.create_object_store(shelf.name());
            }
        }
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
}

fn transaction(database: &IdbDatabase, mode: IdbTransactionMode) -> Result<IdbTransaction, String> {
    let names: Array = Shelf::ALL.iter().map(|shelf| JsValue::from_str(shelf.name())).collect();
    database.transaction_with_str_sequence_and_mode(&names, mode).map_err(|error| words(&error))
}
