//! Where models are judged.

mod classification;
mod clustering;
pub mod cross_validate_model;
pub mod evaluate_model;
pub mod figures;
pub mod folds;
mod regression;
