//! Where a model meets new rows.

pub mod assign_data_to_clusters;
pub mod score_model;
pub mod web_service_input;
pub mod web_service_output;

/// What a model says of each row; the studio's own name for it, as everywhere in the designer's family.
pub const SCORED_LABELS: &str = "Scored Labels";
/// The probability of the positive class, or with `_` and a class that of the class.
pub const SCORED_PROBABILITIES: &str = "Scored Probabilities";
/// The cluster of each row, counted from 0, or `NOISE`.
pub const ASSIGNMENTS: &str = "Assignments";
/// With a number from 0, the distance to that cluster's centre.
pub const DISTANCES: &str = "DistancesToClusterCenter no.";
/// With a number from 0, how probable it is that a row belongs to that cluster.
pub const MEMBERSHIPS: &str = "ProbabilityOfCluster no.";
/// What stands for the cluster of a row that belongs to none.
pub const NOISE: &str = "noise";
