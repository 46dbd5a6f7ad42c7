//! Memory for a node, or words that say why there is none: a program that takes more than there is dies of it.

use std::collections::BTreeMap;
use std::rc::Rc;

use pipeline::NodeId;
use protocol::Failure;

use super::Engine;
use crate::Host;
use crate::cache::{Kept, bytes_of};

impl Engine {
    /// Lets kept results go until there is room for so many bytes beside what this run still needs.
    ///
    /// # Errors
    /// There is no such room.
    pub(super) fn make_room(
        &self,
        host: &dyn Host,
        title: &str,
        needed: u64,
        results: &BTreeMap<NodeId, Rc<Kept>>,
    ) -> Result<(), Failure> {
        let Some(limit) = host.memory_limit() else { return Ok(()) };
        let room = limit.saturating_sub(bytes_of(results.values().map(Rc::as_ref)));
        if needed <= room {
            self.state.borrow_mut().cache.shrink(limit - needed);
            return Ok(());
        }
        let (needed, room, limit) = (in_words(needed), in_words(room), in_words(limit));
        Err(Failure::new(
            format!("{title} would need about {needed} of memory here, and {room} of {limit} are left"),
            "Take fewer rows with Partition and Sample, or fewer columns with Select Columns, before it. The command \
             line, millrace, may use all memory of the computer.",
        ))
    }
}

/// "2.7 GB", "310 MB".
fn in_words(n_bytes: u64) -> String {
    match n_bytes {
        0..1_000_000_000 => format!("{} MB", n_bytes / 1_000_000),
        _ => format!("{:.1} GB", n_bytes as f64 / 1e9),
    }
}
