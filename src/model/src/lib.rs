//! What fitting leaves behind, as plain data, and how it applies to borrowed columns.
//!
//! No Arrow and no training code: an endpoint links this crate alone.

mod baseline;
mod bytes;
mod clustering;
mod combination;
mod features;
mod forest;
mod frame;
mod lanes;
mod linear;
mod logistic;
mod neighbors;
mod predictor;
mod prepared;
mod transform;
mod tree;

pub use baseline::Baseline;
pub use bytes::BytesError;
pub use clustering::{ClusterAssignments, Clustering};
pub use combination::{Combination, CombineError, Member};
pub use features::{Feature, FeatureEncoding, Features, Matrix};
pub use forest::Forest;
pub use frame::{ColumnView, Frame, NewColumn, NewValues, Values};
pub use lanes::Lanes;
pub use linear::LinearModel;
pub use logistic::LogisticModel;
pub use neighbors::Neighbors;
pub use predictor::{Estimator, Model, ModelError, Prediction, Target};
pub use prepared::PrepareModelError;
pub use transform::{
    CleanMissing, Fill, Indicators, Normalize, Rescale, Transform, Transformed, indicator_name, missing_flag_name,
};
pub use tree::{Tree, TreeNode};
