//! What divides tables.

mod condition;
pub mod partition_and_sample;
pub mod split_data;

/// The fold of each row, counted from 0; the classic's own name for it.
pub const FOLD_NUMBER: &str = "Fold Number";
