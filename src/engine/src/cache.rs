//! Results that are kept, by content address, as far as memory allows.

use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::{Face, Measured, Panel};

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
    kept: BTreeMap<NodeKey, (Rc<Kept>, u64)>,
    capacity_bytes: u64,
    clock: u64,
}

impl Cache {
    /// A cache that keeps about this much.
    pub fn new(capacity_bytes: u64) -> Self {
        Self { kept: BTreeMap::new(), capacity_bytes, clock: 0 }
    }

    /// The results under this key.
    pub fn get(&mut self, key: NodeKey) -> Option<Rc<Kept>> {
        self.clock += 1;
        let (kept, last_used) = self.kept.get_mut(&key)?;
        *last_used = self.clock;
        Some(Rc::clone(kept))
    }

    /// Keeps results, and lets older ones go for them. The newest stay whatever their size, because someone
    /// is about to look at them.
    pub fn insert(&mut self, key: NodeKey, kept: Kept) -> Rc<Kept> {
        self.clock += 1;
        let kept = Rc::new(kept);
        self.kept.insert(key, (Rc::clone(&kept), self.clock));
        while self.n_bytes() > self.capacity_bytes && self.kept.len() > 1 {
            let oldest = self.kept.iter().min_by_key(|(_, (_, last_used))| *last_used).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
        kept
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
        let mut seen = std::collections::BTreeSet::new();
        let mut sum = 0;
        for table in
            self.kept.values().flat_map(|(kept, _)| kept.outputs.values()).filter_map(|artifact| match artifact {
                Artifact::Table(table) => Some(table),
                _ => None,
            })
        {
            for column in table.columns() {
                // A column is one allocation behind an `Arc`, so its address tells shared columns apart.
                if seen.insert(std::sync::Arc::as_ptr(column).cast::<()>() as usize) {
                    sum += column.get_array_memory_size() as u64;
                }
            }
        }
        sum
    }
}
