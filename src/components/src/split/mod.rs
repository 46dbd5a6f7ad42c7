//! What divides tables.

mod condition;
pub mod split_data;
