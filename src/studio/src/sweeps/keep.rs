//! Sweeps kept in the browser: one for each document, so that a tab that was killed goes on where it was.

use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbOpenDbRequest, IdbTransactionMode};

use super::runner::Sweep;
use crate::dom::{self, words};
use crate::storage::{finished, settled};

const DATABASE: &str = "millrace-sweeps";
const SWEEPS: &str = "sweeps";

/// Writes a document's sweep.
///
/// # Errors
/// Storage is blocked or full, in words for the user.
pub async fn save(document: &str, sweep: &Sweep) -> Result<(), String> {
    let row = serde_json::to_string(sweep).map_err(|error| error.to_string())?;
    let database = open().await?;
    let transaction =
        database.transaction_with_str_and_mode(SWEEPS, IdbTransactionMode::Readwrite).map_err(|error| words(&error))?;
    let store = transaction.object_store(SWEEPS).map_err(|error| words(&error))?;
    let put = store.put_with_key(&JsValue::from_str(&row), &JsValue::from_str(document));
    settled(&put.map_err(|error| words(&error))?).await?;
    let outcome = finished(&transaction).await;
    database.close();
    outcome
}

/// A document's sweep; none where there is none, or where what is there does not decode.
///
/// # Errors
/// Storage is blocked.
pub async fn load(document: &str) -> Result<Option<Sweep>, String> {
    let database = open().await?;
    let store = database
        .transaction_with_str_and_mode(SWEEPS, IdbTransactionMode::Readonly)
        .and_then(|transaction| transaction.object_store(SWEEPS))
        .map_err(|error| words(&error))?;
    let row = settled(&store.get(&JsValue::from_str(document)).map_err(|error| words(&error))?).await?;
    database.close();
    Ok(row.as_string().and_then(|text| serde_json::from_str(&text).ok()))
}

async fn open() -> Result<IdbDatabase, String> {
    let factory = dom::window().indexed_db().ok().flatten().ok_or("this browser blocks storage")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1).map_err(|error| words(&error))?;
    let upgrading = request.clone();
    let on_upgrade = Closure::once_into_js(move || {
        if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
            // Fails only where the store exists already, which is as well.
            let _ = database.create_object_store(SWEEPS);
        }
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
}
