//! Where models are judged.

mod classification;
mod clustering;
pub mod evaluate_model;
mod figures;
mod regression;
