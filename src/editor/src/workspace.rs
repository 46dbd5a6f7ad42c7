//! What the browser keeps: the list of pipelines, and a snapshot of each.

use pipeline::{Pipeline, ReadError, from_json, to_json};
use serde::{Deserialize, Serialize};

/// Names a pipeline within the browser's store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentId(pub String);

/// A pipeline in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub id: DocumentId,
    /// Its title.
    pub name: String,
    /// When it was last stored, in milliseconds since 1970.
    pub updated_ms: f64,
    /// How many nodes it has.
    pub n_nodes: usize,
}

/// All pipelines of this browser.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Invariant: ids are unique; the one stored last comes first. Kept by `put`.
    entries: Vec<Entry>,
}

impl Workspace {
    /// The pipelines, the one stored last first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a pipeline.
    pub fn entry(&self, id: &DocumentId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// Takes a pipeline in, or brings its entry up to date.
    pub fn put(&mut self, entry: Entry) {
        self.entries.retain(|other| other.id != entry.id);
        self.entries.push(entry);
        self.entries.sort_by(|a, b| b.updated_ms.total_cmp(&a.updated_ms).then_with(|| a.id.cmp(&b.id)));
    }

    /// Takes a pipeline off the list.
    pub fn remove(&mut self, id: &DocumentId) -> Option<Entry> {
        let entry_idx = self.entries.iter().position(|entry| entry.id == *id)?;
        Some(self.entries.remove(entry_idx))
    }

    /// A free name like this one: "Churn", then "Churn 2".
    pub fn free_name(&self, wanted: &str) -> String {
        let is_free = |name: &String| self.entries.iter().all(|entry| entry.name != *name);
        let wanted = wanted.to_owned();
        if is_free(&wanted) {
            return wanted;
        }
        (2..).map(|n| format!("{wanted} {n}")).find(is_free).unwrap_or(wanted)
    }
}

/// A stored pipeline: its canonical JSON, and a checksum by which a half-written one is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// FNV-1a of `json`, hexadecimal.
    pub checksum: String,
    /// The pipeline.
    pub json: String,
}

/// Why a snapshot cannot be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SnapshotError {
    /// The text is no snapshot at all.
    #[error("what is stored is not a snapshot of a pipeline: {0}")]
    NoSnapshot(String),
    /// It was changed or only written in part.
    #[error("the stored pipeline is damaged: its checksum is {found}, but {stored} was stored with it")]
    Damaged {
        /// Of the text as it is.
        found: String,
        /// As it was stored.
        stored: String,
    },
    /// The pipeline in it cannot be read.
    #[error("the stored pipeline cannot be read: {0}")]
    Unreadable(#[from] ReadError),
}

impl Snapshot {
    /// A pipeline as it is now.
    pub fn of(pipeline: &Pipeline) -> Self {
        let json = to_json(pipeline);
        Self { checksum: checksum(&json), json }
    }

    /// The pipeline, if nothing happened to it.
    pub fn open(&self) -> Result<Pipeline, SnapshotError> {
        let found = checksum(&self.json);
        if found != self.checksum {
            return Err(SnapshotError::Damaged { found, stored: self.checksum.clone() });
        }
        Ok(from_json(&self.json)?)
    }

    /// As the text that is stored: the checksum, a line break, the JSON.
    pub fn to_text(&self) -> String {
        format!("{}\n{}", self.checksum, self.json)
    }

    /// From stored text.
    pub fn from_text(text: &str) -> Result<Self, SnapshotError> {
        match text.split_once('\n') {
            Some((checksum, json)) => Ok(Self { checksum: checksum.into(), json: json.into() }),
            None => Err(SnapshotError::NoSnapshot("it has no checksum line".into())),
        }
    }
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo): enough to notice damage, not to withstand forgery.
fn checksum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
