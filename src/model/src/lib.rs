//! What fitting leaves behind, as plain data, and how it applies to borrowed columns.
//!
//! No Arrow and no training code: an endpoint links this crate alone.

mod anomaly;
mod baseline;
mod block;
mod boosted;
mod bytes;
mod clustering;
mod combination;
mod features;
mod forest;
mod frame;
mod gemm;
mod lanes;
mod layered;
mod linear;
mod logistic;
mod mixture;
mod naive_bayes;
mod neighbors;
mod network;
mod predictor;
mod prepared;
mod principal;
mod screen;
mod stages;
mod svm;
mod transform;
mod tree;
mod voters;

pub use anomaly::{Anomalies, Detector, mean_path};
pub use baseline::Baseline;
pub use block::{Block, add_sum};
pub use boosted::{Boosted, BoostedTree, Categories, Link, to_probabilities};
pub use bytes::BytesError;
pub use clustering::{ClusterAssignments, Clustering, Membership, NOISE};
pub use combination::{Combination, CombineError, Member};
pub use features::{Feature, FeatureEncoding, Features, Matrix};
pub use forest::Forest;
pub use frame::{ColumnView, Frame, NewColumn, NewValues, Values};
pub use gemm::{Scratch, Strided};
pub use lanes::Lanes;
pub use layered::{Calibrated, CalibratedMember, Coding, Curve, Multiclass, Scale, Stacked};
pub use linear::LinearModel;
pub use logistic::LogisticModel;
pub use mixture::{Covariance, Mixture};
pub use naive_bayes::{Likelihood, NaiveBayes};
pub use neighbors::{Neighbors, Prepared};
pub use network::{Activation, Layer, Losses, Network, scaled, softmax};
pub use predictor::{Estimator, Model, ModelError, Prediction, Target};
pub use prepared::PrepareModelError;
pub use principal::{PrincipalComponents, Projection, component_name};
pub use screen::{Points, Screen};
pub use stages::{Image, Stage};
pub use svm::{Kernel, Machine, SupportVectors};
pub use transform::{
    CleanMissing, Fill, Indicators, Normalize, Rescale, Transform, Transformed, indicator_name, missing_flag_name,
};
pub use tree::{Tree, TreeNode};
pub use voters::{Voters, vote};
