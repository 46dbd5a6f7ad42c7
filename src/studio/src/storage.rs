//! Documents kept in the browser, and settings.
//!
//! Every document has one row: its newest text and two older snapshots, each with a checksum, so that a row
//! cut off by a crash gives back what was there before. A browser that keeps nothing makes every function
//! here fail with words for a banner, and the page goes on.

use js_sys::{Array, Promise};
use schema::ordered::sort_by;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode, StorageEstimate,
};

use crate::dom::{self, words};

const DATABASE: &str = "millrace";
const VERSION: u32 = 1;
const DOCUMENTS: &str = "documents";
/// A snapshot is kept at most this often.
const SNAPSHOT_MS: f64 = 30_000.0;
const N_SNAPSHOTS: usize = 2;

/// One document's row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Names the document within this browser.
    pub id: String,
    /// Its title.
    pub name: String,
    /// How many nodes it has.
    pub n_nodes: usize,
    /// Its headline after the last run, such as "AUC 0.846"; may be empty.
    pub headline: String,
    /// Newest first: the text as of the last save, then older ones.
    pub texts: Vec<Snapshot>,
}

/// A document's text at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Milliseconds since 1970.
    pub at: f64,
    /// The pipeline as JSON.
    pub text: String,
    /// Tells whether `text` is whole.
    pub checksum: u32,
}

impl Snapshot {
    fn new(text: String) -> Self {
        Self { at: dom::date_ms(), checksum: checksum(&text), text }
    }

    /// Whether it is what was once written.
    pub fn is_whole(&self) -> bool {
        checksum(&self.text) == self.checksum
    }
}

impl Record {
    /// When it was last saved, in milliseconds since 1970.
    pub fn saved_at(&self) -> f64 {
        self.texts.first().map_or(0.0, |snapshot| snapshot.at)
    }
}

/// Adler-32, which sees every change of one byte.
fn checksum(text: &str) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in text.bytes() {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    (b << 16) | a
}

/// Writes a document, and keeps what was there before if it is old enough to be worth it.
///
/// # Errors
/// Storage is blocked or full, in words for the user.
pub async fn save(mut record: Record, text: String) -> Result<(), String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readwrite)?;
    let store = store(&transaction)?;
    let key = JsValue::from_str(&record.id);
    let before = settled(&store.get(&key).map_err(|error| words(&error))?).await?;
    let mut texts = parse(&before).map(|record| record.texts).unwrap_or_default();
    // The newest is written over, unless the one below it is already old.
    if texts.get(1).is_some_and(|snapshot| dom::date_ms() - snapshot.at < SNAPSHOT_MS) {
        texts.remove(0);
    }
    texts.insert(0, Snapshot::new(text));
    texts.truncate(1 + N_SNAPSHOTS);
    record.texts = texts;
    let row = serde_json::to_string(&record).map_err(|error| error.to_string())?;
    let request = store.put_with_key(&JsValue::from_str(&row), &key).map_err(|error| words(&error))?;
    settled(&request).await?;
    finished(&transaction).await
}

/// Every document, last saved first.
///
/// # Errors
/// Storage is blocked.
pub async fn list() -> Result<Vec<Record>, String> {
    let database = open().await?;
    let store = store(&transaction(&database, IdbTransactionMode::Readonly)?)?;
    let rows = settled(&store.get_all().map_err(|error| words(&error))?).await?;
    let mut records: Vec<_> = Array::from(&rows).iter().filter_map(|row| parse(&row)).collect();
    sort_by(&mut records, |a, b| b.saved_at().total_cmp(&a.saved_at()));
    Ok(records)
}

/// One document.
///
/// # Errors
/// Storage is blocked.
pub async fn load(id: &str) -> Result<Option<Record>, String> {
    let database = open().await?;
    let store = store(&transaction(&database, IdbTransactionMode::Readonly)?)?;
    let row = settled(&store.get(&JsValue::from_str(id)).map_err(|error| words(&error))?).await?;
    Ok(parse(&row))
}

/// Forgets a document.
///
/// # Errors
/// Storage is blocked.
pub async fn remove(id: &str) -> Result<(), String> {
    let database = open().await?;
    let transaction = transaction(&database, IdbTransactionMode::Readwrite)?;
    let request = store(&transaction)?.delete(&JsValue::from_str(id)).map_err(|error| words(&error))?;
    settled(&request).await?;
    finished(&transaction).await
}

/// Bytes that this site uses, and may use.
pub async fn estimate() -> Option<(f64, f64)> {
    let storage = dom::window().navigator().storage();
    if storage.is_undefined() {
        return None;
    }
    let estimate: StorageEstimate = JsFuture::from(storage.estimate().ok()?).await.ok()?.unchecked_into();
    Some((estimate.get_usage()?, estimate.get_quota()?))
}

/// Asks the browser not to clear our data when it is short of space.
pub async fn persist() {
    let storage = dom::window().navigator().storage();
    if !storage.is_undefined()
        && let Ok(asked) = storage.persist()
    {
        // Whatever it answers, documents can be saved as files.
        let _ = JsFuture::from(asked).await;
    }
}

/// A small setting that must be known before anything is drawn.
pub fn setting(key: &str) -> Option<String> {
    dom::window().local_storage().ok()??.get_item(&format!("millrace.{key}")).ok()?
}

/// Keeps a small setting, if the browser keeps anything.
pub fn set_setting(key: &str, value: &str) {
    if let Ok(Some(storage)) = dom::window().local_storage() {
        // Settings are a comfort: without them the defaults serve.
        let _ = storage.set_item(&format!("millrace.{key}"), value);
    }
}

fn parse(row: &JsValue) -> Option<Record> {
    serde_json::from_str(&row.as_string()?).ok()
}

async fn open() -> Result<IdbDatabase, String> {
    let factory = dom::window().indexed_db().ok().flatten().ok_or("this browser blocks storage")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, VERSION).map_err(|error| words(&error))?;
    let upgrading = request.clone();
    let on_upgrade = Closure::once_into_js(move || {
        if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
            // Version 1 is the first: there is nothing to migrate yet. Fails only where the store exists already.
            let _ = database.create_object_store(DOCUMENTS);
        }
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
}

fn transaction(database: &IdbDatabase, mode: IdbTransactionMode) -> Result<IdbTransaction, String> {
    database.transaction_with_str_and_mode(DOCUMENTS, mode).map_err(|error| words(&error))
}

fn store(transaction: &IdbTransaction) -> Result<IdbObjectStore, String> {
    transaction.object_store(DOCUMENTS).map_err(|error| words(&error))
}

/// What a request gave.
///
/// # Errors
/// Storage failed, in words for the user.
pub async fn settled(request: &IdbRequest) -> Result<JsValue, String> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => request.result().map_err(|error| words(&error)),
        Err(_) => Err(request.error().ok().flatten().map_or("storage failed".to_owned(), |error| error.message())),
    }
}

/// A write counts only when its transaction is complete: a full disk may still undo it.
///
/// # Errors
/// Storage is full.
pub async fn finished(transaction: &IdbTransaction) -> Result<(), String> {
    let promise = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    JsFuture::from(promise).await.map(drop).map_err(|_| {
        transaction.error().map_or("the storage of this browser is full".to_owned(), |error| error.message())
    })
}
