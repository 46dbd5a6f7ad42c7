//! Where models are judged.

mod classification;
mod clustering;
pub mod cross_validate_model;
pub mod evaluate_model;
pub mod feature_contributions;
pub mod figures;
pub mod folds;
pub mod partial_dependence;
pub mod permutation_feature_importance;
mod regression;
