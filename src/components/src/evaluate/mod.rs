//! Where models are judged.

mod classification;
mod clustering;
pub mod cross_validate_model;
pub mod evaluate_model;
mod figures;
pub mod folds;
mod regression;
