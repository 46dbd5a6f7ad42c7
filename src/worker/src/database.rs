//! What the browser keeps for the worker beyond a reload.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use crate::scope;

/// One of the browser's databases, with one store of values by name. Errors are the browser's words.
pub struct Database {
    /// The database's.
    pub name: &'static str,
    /// Its store's.
    pub store: &'static str,
}

impl Database {
    /// Keeps a value in place of what was there.
    pub async fn put(&self, key: &str, value: &JsValue) -> Result<(), String> {
        let database = self.open().await?;
        let store = database
            .transaction_with_str_and_mode(self.store, IdbTransactionMode::Readwrite)
            .and_then(|transaction| transaction.object_store(self.store))
            .map_err(|error| words(&error))?;
        let request = store.put_with_key(value, &JsValue::from_str(key)).map_err(|error| words(&error))?;
        settled(&request).await.map(drop)
    }

    /// What is there; undefined if nothing is.
    pub async fn get(&self, key: &str) -> Result<JsValue, String> {
        let database = self.open().await?;
        let store = database
            .transaction_with_str(self.store)
            .and_then(|transaction| transaction.object_store(self.store))
            .map_err(|error| words(&error))?;
        settled(&store.get(&JsValue::from_str(key)).map_err(|error| words(&error))?).await
    }

    async fn open(&self) -> Result<IdbDatabase, String> {
        let factory = scope().indexed_db().ok().flatten().ok_or("storage is blocked")?;
        let request: IdbOpenDbRequest = factory.open_with_u32(self.name, 1).map_err(|error| words(&error))?;
        let (upgrading, store) = (request.clone(), self.store);
        let on_upgrade = Closure::once_into_js(move || {
            if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
                // Fails only where the store exists already, which is as well.
                let _ = database.create_object_store(store);
            }
        });
        request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
        settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
    }
}

/// Waits for a request of the browser's database.
async fn settled(request: &IdbRequest) -> Result<JsValue, String> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => request.result().map_err(|error| words(&error)),
        Err(_) => Err(request.error().ok().flatten().map_or("storage failed".to_owned(), |error| error.message())),
    }
}

fn words(error: &JsValue) -> String {
    error.dyn_ref::<web_sys::DomException>().map_or_else(|| "storage failed".to_owned(), web_sys::DomException::message)
}
