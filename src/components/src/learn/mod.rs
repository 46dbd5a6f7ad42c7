//! Untrained learners: settings on their way to training.

pub mod ada_boost;
pub mod boosted_decision_tree;
pub mod calibrated_probabilities;
pub mod constant_baseline;
pub mod dbscan;
pub mod decision_forest;
pub mod decision_tree;
pub mod extra_trees;
pub mod gaussian_mixture;
pub mod hierarchical_clustering;
pub mod isolation_forest;
pub mod k_means;
pub mod k_nearest_neighbors;
pub mod linear_regression;
pub mod logistic_regression;
pub mod naive_bayes;
pub mod neural_network;
pub mod one_vs_all_multiclass;
pub mod one_vs_one_multiclass;
pub mod pca_based_anomaly_detection;
pub mod poisson_regression;
pub mod ranges;
pub mod stacking;
pub mod support_vector_machine;
mod within;

use learn::{ClassWeights, Criterion, Task};

/// The options of `task`.
const TASKS: &[(&str, &str)] = &[("auto", "By the target"), ("classification", "Classes"), ("regression", "Numbers")];
const TASK_HELP: &str = "By the target: classes if it is a category, a truth value or a text, numbers otherwise. Choose classes for a target such as 0 and 1.";
/// The options of `class_weights`.
const CLASS_WEIGHTS: &[(&str, &str)] = &[("uniform", "As they are"), ("balanced", "Balanced")];
const CLASS_WEIGHTS_HELP: &str =
    "Balanced makes a rare class count as much as a frequent one: more of it is found, with more false alarms.";
/// The options of `criterion`.
const CRITERIA: &[(&str, &str)] = &[("gini", "Gini"), ("entropy", "Entropy")];
const CRITERION_HELP: &str =
    "How mixed a group of rows is judged to be. It rarely changes much; for numbers the variance is used.";

fn task(name: &str) -> Task {
    match name {
        "classification" => Task::Classification,
        "regression" => Task::Regression,
        _ => Task::Auto,
    }
}

fn class_weights(name: &str) -> ClassWeights {
    if name == "balanced" { ClassWeights::Balanced } else { ClassWeights::Uniform }
}

fn criterion(name: &str) -> Criterion {
    if name == "entropy" { Criterion::Entropy } else { Criterion::Gini }
}
