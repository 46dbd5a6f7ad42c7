//! What runs and pipelines are called in a store.

use std::fmt;
use std::sync::Arc;

use pipeline::{Edit, FileRef, Pipeline, Point, Value};

/// Names a run. Keys sort in the order in which runs began when [`RunKey::at`] makes them.
///
/// Invariant: 1 to 64 of `a-z A-Z 0-9 - _`, so that it may stand in a path. Kept by `new`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey(Arc<str>);

impl RunKey {
    /// # Errors
    /// Text that is no key.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits =
            (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(format!("{text:?} is no key of a run: use a-z, A-Z, 0-9, - and _, 64 at most"))
        }
    }

    /// The key of a run that begins at this time, in milliseconds since 1970. The caller's salt tells apart runs that
    /// begin in the same millisecond, in another tab or on another machine.
    pub fn at(started_at: u64, salt: u32) -> Self {
        Self(format!("{started_at:011x}-{salt:08x}").into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names a pipeline by what it computes: [`pipeline_hash`].
///
/// Invariant: 32 of `0-9 a-f`. Kept by `new`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineHash(Arc<str>);

impl PipelineHash {
    /// # Errors
    /// Text that is no hash.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits = text.len() == 32 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if fits { Ok(Self(text.into())) } else { Err(format!("{text:?} is no hash: 32 of 0-9 and a-f are")) }
    }

    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! is_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

is_text!(RunKey);
is_text!(PipelineHash);

/// The hash of a pipeline, so that ten thousand runs of one pipeline keep it once.
///
/// The pipeline's name, where its nodes lie, and where a file's bytes and columns were last seen do not count. It finds
/// equal pipelines again and keeps no secret: FNV-1a, 128 bits (Fowler, Noll and Vo), of the canonical file.
pub fn pipeline_hash(pipeline: &Pipeline) -> PipelineHash {
    let mut essence = pipeline.clone();
    let mut edits = vec![
        Edit::SetName(String::new()),
        Edit::Move(pipeline.nodes().keys().map(|id| (id.clone(), Point::default())).collect()),
    ];
    for (id, node) in pipeline.nodes() {
        for (name, value) in &node.params {
            if let Value::File(file) = value {
                let file = FileRef { schema: None, inline: None, ..file.clone() };
                edits.push(Edit::SetParam(id.clone(), name.clone(), Some(Value::File(file))));
            }
        }
    }
    essence.apply(Edit::Batch(edits)).expect("these edits touch only nodes that are there");
    PipelineHash(hash(pipeline::to_json(&essence).as_bytes()).into())
}

/// FNV-1a, 128 bits, hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in bytes {
        state = (state ^ u128::from(*byte)).wrapping_mul(PRIME);
    }
    format!("{state:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_authors_own() {
        // From the test vectors of Go's hash/fnv, which follow the authors' reference implementation.
        assert_eq!(hash(b""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(hash(b"a"), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(hash(b"abc"), "a68d622cec8b5822836dbc7977af7f3b");
    }

    #[test]
    fn keys_sort_by_time_and_fit_a_path() {
        let (early, late) = (RunKey::at(999_999_999_999, u32::MAX), RunKey::at(1_793_524_320_000, 0));
        assert!(early < late, "{early} {late}");
        assert_eq!(RunKey::new(late.as_str()), Ok(late));
        for wrong in ["", "../up", "a/b", "a.b", &"x".repeat(65)] {
            assert!(RunKey::new(wrong).is_err(), "{wrong}");
        }
    }
}
