//! Fitting: learners, clustering, transforms and metrics. Knows nothing of pipelines.

pub mod baseline;
mod checkpoint;
pub mod dataset;
mod dense;
mod error;
pub mod forest;
mod grove;
pub mod kmeans;
mod learner;
pub mod linear;
pub mod logistic;
pub mod metrics;
pub mod neighbors;
pub mod preprocess;
mod scaling;
mod train;
pub mod transform;
pub mod tree;

pub use baseline::{BaselineClass, BaselineNumber, BaselineSettings};
pub use checkpoint::{Checkpoint, Stopped, Unwatched, block_on};
pub use error::FitError;
pub use forest::{FeaturesPerSplit, ForestSettings, GrownTree, Resampling, Trees};
pub use grove::Grove;
pub use kmeans::{Init, KMeansSettings, LabelMode};
pub use learner::{Clusterer, Learner, Task};
pub use linear::{LinearMethod, LinearSettings};
pub use logistic::{ClassWeights, LogisticSettings};
pub use neighbors::{Metric, NeighborsSettings, Weighting};
pub use train::{Trained, assign, check, train, train_clustering, train_with_notes};
pub use tree::{Criterion, TreeSettings};
