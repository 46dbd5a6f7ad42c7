//! A forest whose trees are grown in parts, in any order and place.

use std::ops::Range;

use model::{Estimator, Model};
use table::Table;

use crate::dataset::{Ability, Dataset};
use crate::forest::{ForestFit, ForestSettings, Ground, GrownTree, Trees};
use crate::train::with_largest;
use crate::tree::ranks;
use crate::{Checkpoint, FitError, Learner, Trained};

/// A table read for a forest.
pub struct Grove {
    settings: ForestSettings,
    table: Table,
    dataset: Dataset,
    ranks: Vec<u32>,
    seed: u64,
}

/// So many parts keep many workers busy up to the end, and are large enough for the way to each.
const MAX_PARTS: u32 = 64;

impl Grove {
    /// Reads a table.
    ///
    /// # Errors
    /// As `train`.
    pub async fn new(
        settings: &ForestSettings,
        table: &Table,
        target: &str,
        seed: u64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Self, FitError> {
        checkpoint.checkpoint(0.0, "Reading the table").await?;
        let ability = Ability::Both(settings.tree.task);
        let dataset = Dataset::new(table, target, ability, Learner::Forest(*settings).title())?;
        let ranks = ranks(&dataset.x, checkpoint).await?;
        Ok(Self { settings: *settings, table: table.clone(), dataset, ranks, seed })
    }

    /// Into how many parts the trees of a forest fall.
    pub fn n_parts(settings: &ForestSettings) -> u32 {
        settings.n_trees.clamp(1, MAX_PARTS)
    }

    /// Grows the trees of one part.
    ///
    /// # Errors
    /// As `train`.
    pub async fn grow(&self, part_idx: u32, checkpoint: &mut impl Checkpoint) -> Result<Vec<GrownTree>, FitError> {
        let Dataset { x, target, labels, weights, .. } = &self.dataset;
        let ranks = &self.ranks;
        let n_classes = target.n_classes();
        let ground = Ground { x, ranks, labels, n_classes, weights: weights.as_deref(), seed: self.seed };
        let grown = ground.grow(&self.settings, trees_of(&self.settings, part_idx), checkpoint).await;
        grown.map_err(|error| with_largest(error, &self.table, Some(target.name())))
    }

    /// The model of all trees, which is the one that `train` gives.
    pub fn model(&self, trees: Trees) -> Trained {
        let ForestFit { forest, importances } = trees.into_forest();
        let model = Model {
            learner: Learner::Forest(self.settings).title().into(),
            preparation: Vec::new(),
            features: self.dataset.features.clone(),
            target: self.dataset.target.clone(),
            estimator: Estimator::Forest(forest),
            importances: Some(importances),
            n_training_rows: self.dataset.x.n_rows as u64,
        };
        Trained { model, notes: Vec::new() }
    }
}

/// Which trees are in a part: sizes differ by one at most.
fn trees_of(settings: &ForestSettings, part_idx: u32) -> Range<u32> {
    let n_parts = u64::from(Grove::n_parts(settings));
    let from = |part_idx: u32| (u64::from(part_idx) * u64::from(settings.n_trees) / n_parts) as u32;
    from(part_idx)..from(part_idx + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Unwatched, block_on, train_with_notes};

    #[test]
    fn parts_hold_every_tree_once() {
        for n_trees in [1, 2, 63, 64, 65, 100, 1_999] {
            let settings = ForestSettings { n_trees, ..ForestSettings::default() };
            let parts = (0..Grove::n_parts(&settings)).map(|part_idx| trees_of(&settings, part_idx));
            assert!(parts.clone().all(|part| !part.is_empty()), "{n_trees}");
            assert_eq!(parts.flatten().collect::<Vec<_>>(), (0..n_trees).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_forest_of_parts_is_the_forest() {
        let rows: String =
            (0..120).map(|i| format!("{},{},{}\n", i * 7 % 31, i * i % 53, ["a", "b", "c"][i % 7 % 3])).collect();
        let csv = format!("x,y,c\n{rows}");
        let table = table::read_bytes("t.csv", csv.as_bytes(), table::Options::default()).expect("a table").table;
        let settings = ForestSettings { n_trees: 70, ..ForestSettings::default() };
        let learner = Learner::Forest(settings);
        let whole = block_on(train_with_notes(&learner, &table, "c", 5, &mut Unwatched));
        let grove = block_on(Grove::new(&settings, &table, "c", 5, &mut Unwatched)).expect("a table to learn from");
        let mut trees = Trees::default();
        // Grown from the last to the first, and put together in order.
        let grow = |part_idx| block_on(grove.grow(part_idx, &mut Unwatched)).expect("trees");
        let mut parts: Vec<_> = (0..Grove::n_parts(&settings)).rev().map(grow).collect();
        parts.reverse();
        parts.into_iter().flatten().for_each(|tree| trees.add(tree).expect("it is small"));
        assert_eq!(Ok(grove.model(trees)), whole);
    }
}
