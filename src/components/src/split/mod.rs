//! What divides tables.

pub mod split_data;
