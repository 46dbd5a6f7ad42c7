//! Where a learner meets a table.

mod explain;
pub mod train_clustering_model;
pub mod train_model;

use engine::Job;
use learn::{Checkpoint, Stopped};

/// A job as fitting sees it: somebody who is told how far it is and may stop it.
pub struct Watched<'j, 'a>(pub &'j mut Job<'a>);

impl Checkpoint for Watched<'_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.0.checkpoint(fraction, message).await.map_err(|_| Stopped)
    }
}
