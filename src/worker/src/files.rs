//! The user's files, kept by their hash in the browser's database so that a reload finds them, and
//! in memory where the browser keeps nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engine::{Local, Source};
use js_sys::Uint8Array;
use pipeline::FileRef;
use protocol::{Failure, FileAdded};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use crate::breath::Breath;
use crate::database::Database;

const KEPT: Database = Database { name: "millrace-files", store: "files" };
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
        let warning = match KEPT.put(&hash, blob).await {
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
            None => KEPT.get(&file.hash).await.ok().and_then(|kept| kept.dyn_into().ok()).ok_or_else(|| {
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
