//! Results that are kept, by content address, as far as memory allows.

use std::collections::BTreeMap;
use std::rc::Rc;

use postcard::ser_flavors::Size;
use protocol::{Face, Measured, Panel};
use serde::Serialize;

use crate::Artifact;
use crate::key::NodeKey;

/// All that one node left.
#[derive(Debug)]
pub struct Kept {
    /// By output.
    pub outputs: BTreeMap<String, Artifact>,
    /// For the card.
    pub face: Option<Face>,
    /// For the viewer.
    pub panels: Vec<Panel>,
    /// Headline metrics.
    pub metrics: BTreeMap<String, f64>,
    /// What was measured on the way, told again when the results are reused.
    pub measured: Vec<Measured>,
    /// How long it took to compute.
    pub elapsed_secs: f64,
}

/// Results by key; the least recently used go first when there is no more room.
#[derive(Debug)]
pub struct Cache {
    kept: BTreeMap<NodeKey, Entry>,
    capacity_bytes: u64,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    kept: Rc<Kept>,
    last_used: u64,
    /// Of all but its tables.
    n_bytes: u64,
}

impl Cache {
    /// A cache that keeps about this much.
    pub fn new(capacity_bytes: u64) -> Self {
        Self { kept: BTreeMap::new(), capacity_bytes, clock: 0 }
    }

    /// The results under this key.
    pub fn get(&mut self, key: NodeKey) -> Option<Rc<Kept>> {
        self.clock += 1;
        let entry = self.kept.get_mut(&key)?;
        entry.last_used = self.clock;
        Some(Rc::clone(&entry.kept))
    }

    /// Keeps results, and lets older ones go for them. The newest stay whatever their size, because someone
    /// is about to look at them.
    pub fn insert(&mut self, key: NodeKey, kept: Kept) -> Rc<Kept> {
        self.clock += 1;
        let kept = Rc::new(kept);
        let n_bytes = size(&kept.panels) + kept.outputs.values().map(size_without_rows).sum::<u64>();
        self.kept.insert(key, Entry { kept: Rc::clone(&kept), last_used: self.clock, n_bytes });
        self.shrink(self.capacity_bytes);
        kept
    }

    /// Lets results go, the least recently used first, until about so many bytes are kept or one result.
    pub fn shrink(&mut self, n_bytes: u64) {
        while self.kept.len() > 1 && self.n_bytes() > n_bytes {
            let oldest = self.kept.iter().min_by_key(|(_, entry)| entry.last_used).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
    }

    /// Forgets the results under this key.
    pub fn remove(&mut self, key: NodeKey) {
        self.kept.remove(&key);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// About how much is kept. A column shared by several tables counts once.
    pub fn n_bytes(&self) -> u64 {
        n_bytes(self.kept.values())
    }

    /// About how much is kept under this key; none if nothing is.
    pub fn n_bytes_of(&self, key: NodeKey) -> Option<u64> {
        self.kept.get(&key).map(|entry| n_bytes(std::iter::once(entry)))
    }
}

fn n_bytes<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> u64 {
    let without_rows: u64 = entries.clone().map(|entry| entry.n_bytes).sum();
    without_rows + bytes_of(entries.map(|entry| entry.kept.as_ref()))
}

/// What the tables among these results take. A column shared by several tables counts once.
pub fn bytes_of<'a>(results: impl Iterator<Item = &'a Kept>) -> u64 {
    let mut seen = std::collections::BTreeSet::new();
    let mut sum = 0;
    for kept in results {
        for artifact in kept.outputs.values() {
            let Artifact::Table(table) = artifact else { continue };
            for column in table.columns() {
                // A column is one allocation behind an `Arc`, so its address tells shared columns apart.
                if seen.insert(std::sync::Arc::as_ptr(column).cast::<()>() as usize) {
                    sum += column.get_array_memory_size() as u64;
                }
            }
        }
    }
    sum
}

/// What a result weighs beside the rows of a table: about as much in memory as when it is written.
fn size_without_rows(artifact: &Artifact) -> u64 {
    match artifact {
        // Settings are a few numbers.
        Artifact::Table(_) | Artifact::Learner(_) | Artifact::Clusterer(_) => 0,
        Artifact::Model(model) => size(model.as_ref()),
        Artifact::Clustering(clustering) => size(clustering.as_ref()),
        Artifact::Transformation(transformation) => size(transformation.as_ref()),
        Artifact::Evaluation(evaluation) => size(evaluation.as_ref()),
    }
}

fn size(of: &impl Serialize) -> u64 {
    // Counting the bytes of plain data has nothing that could fail.
    postcard::serialize_with_flavor(of, Size::default()).unwrap_or_default() as u64
}
