//! The user's files, kept by their hash in the browser's database so that a reload finds them, and
//! in memory where the browser keeps nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engine::{Local, Source};
use js_sys::{Promise, Uint8Array};
use pipeline::FileRef;
use protocol::{Failure, FileAdded};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, IdbDatabase, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use crate::breath::Breath;
use crate::scope;

const DATABASE: &str = "millrace-files";
const STORE: &str = "files";
const PIECE_BYTES: f64 = 1_048_576.0;
/// Files up to this size travel inside the document and its links.
const INLINE_BYTES: u64 = 16_384;

/// Files by hash.
#[derive(Default)]
pub struct Files {
    in_memory: RefCell<BTreeMap<String, Blob>>,
}

impl Files {
    /// Takes a file in: hashes it, keeps it, and looks at its first rows.
    ///
    /// # Errors
    /// The browser cannot read it (it was moved or changed since it was chosen).
    pub async fn add(&self, name: String, file: File, breath: &Breath) -> Result<FileAdded, Failure> {
        let blob: &Blob = &file;
        let mut source = BlobSource::new(blob.clone(), name.clone());
        let mut hasher = blake3::Hasher::new();
        let mut head = Vec::new();
        loop {
            let piece = source.next().await?;
            if piece.is_empty() {
                break;
            }
            if head.is_empty() {
                head.clone_from(&piece);
            }
            hasher.update(&piece);
            breath.take().await;
        }
        let hash = hasher.finalize().to_hex()[..32].to_owned();
        let size = blob.size() as u64;
        let inline = (size <= INLINE_BYTES).then(|| head.clone());
        self.in_memory.borrow_mut().insert(hash.clone(), blob.clone());
        let warning = match keep(&hash, blob).await {
            Ok(()) => None,
            Err(_) if inline.is_some() => None,
            Err(reason) => Some(format!(
                "{name} stays open until this tab is closed, but the browser did not keep it ({reason}): choose it again after a reload"
            )),
        };
        let schema = components::first_columns(&name, &head);
        Ok(FileAdded { file: FileRef { name, size, hash, schema, inline }, warning })
    }

    /// Opens a file by its hash.
    ///
    /// # Errors
    /// It is not in this browser.
    pub async fn open(&self, file: &FileRef) -> Result<Box<dyn Source>, Failure> {
        if let Some(bytes) = &file.inline {
            return Ok(Box::new(engine::testing::Bytes::new(bytes.clone())));
        }
        let found = self.in_memory.borrow().get(&file.hash).cloned();
        let blob = match found {
            Some(blob) => blob,
            None => fetch(&file.hash).await.ok().flatten().ok_or_else(|| {
                Failure::new(
                    format!("the file {} ({} bytes) is not in this browser", file.name, file.size),
                    "Choose it in the node's settings. It never left the computer it came from.",
                )
            })?,
        };
        self.in_memory.borrow_mut().insert(file.hash.clone(), blob.clone());
        Ok(Box::new(BlobSource::new(blob, file.name.clone())))
    }
}

struct BlobSource {
    blob: Blob,
    name: String,
    at: f64,
}

impl BlobSource {
    fn new(blob: Blob, name: String) -> Self {
        Self { blob, name, at: 0.0 }
    }
}

impl Source for BlobSource {
    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn next(&mut self) -> Local<'_, Result<Vec<u8>, Failure>> {
        Box::pin(async {
            let end = (self.at + PIECE_BYTES).min(self.blob.size());
            let unreadable = |_| {
                Failure::new(
                    format!("{} cannot be read any more at byte {}", self.name, self.at),
                    "It was moved, changed or deleted since it was chosen: choose it again.",
                )
            };
            let slice = self.blob.slice_with_f64_and_f64(self.at, end).map_err(unreadable)?;
            let buffer = JsFuture::from(slice.array_buffer()).await.map_err(unreadable)?;
            self.at = end;
            Ok(Uint8Array::new(&buffer).to_vec())
        })
    }
}

async fn keep(hash: &str, blob: &Blob) -> Result<(), String> {
    let database = open_database().await?;
    let transaction =
        database.transaction_with_str_and_mode(STORE, IdbTransactionMode::Readwrite).map_err(|error| words(&error))?;
    let store = transaction.object_store(STORE).map_err(|error| words(&error))?;
    let request = store.put_with_key(blob, &JsValue::from_str(hash)).map_err(|error| words(&error))?;
    settled(&request).await.map(drop)
}

async fn fetch(hash: &str) -> Result<Option<Blob>, String> {
    let database = open_database().await?;
    let store = database
        .transaction_with_str(STORE)
        .and_then(|transaction| transaction.object_store(STORE))
        .map_err(|error| words(&error))?;
    let request = store.get(&JsValue::from_str(hash)).map_err(|error| words(&error))?;
    Ok(settled(&request).await?.dyn_into().ok())
}

async fn open_database() -> Result<IdbDatabase, String> {
    let factory = scope().indexed_db().ok().flatten().ok_or("storage is blocked")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1).map_err(|error| words(&error))?;
    let upgrading = request.clone();
    let on_upgrade = Closure::once_into_js(move || {
        if let Some(database) = upgrading.result().ok().and_then(|result| result.dyn_into::<IdbDatabase>().ok()) {
            // Fails only where the store exists already, which is as well.
            let _ = database.create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    settled(&request).await?.dyn_into().map_err(|_| "storage gave something else than a database".to_owned())
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
