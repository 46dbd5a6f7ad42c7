//! The catalogue: one file per component.

mod columns;
mod data;
mod evaluate;
mod failures;
mod learn;
mod memory;
mod score;
mod split;
mod train;
mod transform;
mod turns;

use engine::{Component, Job};
use protocol::Panel;

pub use data::first_columns;

/// Every component, by id.
const CATALOGUE: &[&dyn Component] = &[
    &data::enter_data::EnterData,
    &data::generate_data::GenerateData,
    &data::import_file::ImportFile,
    &data::sample_datasets::SampleDatasets,
    &evaluate::cross_validate_model::CrossValidateModel,
    &evaluate::evaluate_model::EvaluateModel,
    &evaluate::feature_contributions::FeatureContributions,
    &evaluate::partial_dependence::PartialDependence,
    &evaluate::permutation_feature_importance::PermutationFeatureImportance,
    &learn::ada_boost::AdaBoost,
    &learn::boosted_decision_tree::BoostedDecisionTree,
    &learn::calibrated_probabilities::CalibratedProbabilities,
    &learn::constant_baseline::ConstantBaseline,
    &learn::dbscan::Dbscan,
    &learn::decision_forest::DecisionForest,
    &learn::decision_tree::DecisionTree,
    &learn::extra_trees::ExtraTrees,
    &learn::gaussian_mixture::GaussianMixture,
    &learn::hierarchical_clustering::HierarchicalClustering,
    &learn::isolation_forest::IsolationForest,
    &learn::k_means::KMeans,
    &learn::k_nearest_neighbors::KNearestNeighbors,
    &learn::linear_regression::LinearRegression,
    &learn::logistic_regression::LogisticRegression,
    &learn::naive_bayes::NaiveBayes,
    &learn::neural_network::NeuralNetwork,
    &learn::one_vs_all_multiclass::OneVsAllMulticlass,
    &learn::one_vs_one_multiclass::OneVsOneMulticlass,
    &learn::pca_based_anomaly_detection::PcaBasedAnomalyDetection,
    &learn::poisson_regression::PoissonRegression,
    &learn::stacking::Stacking,
    &learn::support_vector_machine::SupportVectorMachine,
    &score::assign_data_to_clusters::AssignDataToClusters,
    &score::score_model::ScoreModel,
    &score::web_service_input::WebServiceInput,
    &score::web_service_output::WebServiceOutput,
    &split::partition_and_sample::PartitionAndSample,
    &split::split_data::SplitData,
    &train::combine_models::CombineModels,
    &train::prepend_transformation::PrependTransformation,
    &train::train_anomaly_detection_model::TrainAnomalyDetectionModel,
    &train::train_clustering_model::TrainClusteringModel,
    &train::train_model::TrainModel,
    &train::tune_model_hyperparameters::TuneModelHyperparameters,
    &transform::apply_transformation::ApplyTransformation,
    &transform::clean_missing_data::CleanMissingData,
    &transform::convert_to_indicator_values::ConvertToIndicatorValues,
    &transform::edit_metadata::EditMetadata,
    &transform::normalize_data::NormalizeData,
    &transform::principal_component_analysis::PrincipalComponentAnalysis,
    &transform::select_columns::SelectColumns,
    &transform::t_sne::TSne,
];

/// Shows what the user should know: columns that were passed over and why, a fit that ended early.
fn tell(job: &mut Job<'_>, notes: &[String]) {
    if !notes.is_empty() {
        job.panel(Panel::Facts {
            title: "What to know".into(),
            heads: vec!["Note".into()],
            rows: notes.iter().map(|note| vec![note.clone()]).collect(),
        });
    }
}

/// Every component, by id.
pub fn catalogue() -> &'static [&'static dyn Component] {
    CATALOGUE
}

#[cfg(test)]
mod tests;
